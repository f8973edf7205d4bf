"""Electricity demand of Spain for TFDS: `import recipes.datasets.electricity_es` registers it."""

import datetime

import numpy as np
import rdata
import tensorflow as tf
import tensorflow_datasets as tfds

URL = (
    "https://raw.githubusercontent.com/aefdz/nnFTS/"
    "8b0ca3289c46122c7c3d06a5c952048fbe79705f/data/electricityDemand.rda"
)
FIRST = datetime.date(2014, 1, 1)
DAYS = 1826  # five years
TENS = 144  # intervals of ten minutes in a day
YEARS = {"train": (2014, 2015, 2016), "validation": (2017,), "test": (2018,)}


class ElectricityEs(tfds.core.GeneratorBasedBuilder):
    """Hourly demand (MW, mean of six measurements) of mainland Spain, 2014–2018, by day.

    Days are in chronological order. The days on which the clocks change have 24 hours like all
    others: the source has 144 measurements for each of them, too, without gaps or repeated hours,
    and they are used unchanged.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012
    # Here instead of in checksums.tsv: the file stays complete when copied.
    url_infos = {  # noqa: RUF012
        URL: tfds.core.download.checksums.UrlInfo(
            size=tfds.core.utils.Size(374_541),
            checksum="d42ff91bbff37e0b27adc3cc7b7b4f00a71577f89cfea218bc6f180197c86147",
            filename="electricityDemand.rda",
        )
    }

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "date": tfds.features.Text(),
                    "demand": tfds.features.Tensor(shape=(24,), dtype=tf.float32),
                }
            ),
            disable_shuffling=True,
            homepage="https://github.com/aefdz/nnFTS",
            license="Figures of Red Eléctrica de España; in this form GPL-3.0.",
            citation="""\
@article{elias2022projection,
  title={On projection methods for functional time series forecasting},
  author={El{\\'i}as, Antonio and Jim{\\'e}nez, Ra{\\'u}l and Shang, Han Lin},
  journal={Journal of Multivariate Analysis},
  year={2022},
  eprint={2105.04399}
}""",
        )

    def _split_generators(self, dl_manager):
        path = dl_manager.download(URL)
        # The file holds an R list of class "fds", whose matrix `y` has a column for each day.
        as_list = {**rdata.conversion.DEFAULT_CLASS_MAP, "fds": lambda value, attributes: value}
        series = rdata.read_rda(str(path), constructor_dict=as_list)["electricityDemand"]
        days = np.asarray(series["y"]).T
        if days.shape != (DAYS, TENS) or days.min() < 10_000 or days.max() > 50_000:
            raise ValueError(f"{path} does not hold {DAYS} days of {TENS} measurements in MW")
        return {split: self._generate_examples(days, years) for split, years in YEARS.items()}

    def _generate_examples(self, days, years):
        for index, day in enumerate(days):
            date = FIRST + datetime.timedelta(index)
            if date.year in years:
                demand = day.reshape(24, -1).mean(axis=1, dtype="float64").astype("float32")
                yield index, {"date": date.isoformat(), "demand": demand}
