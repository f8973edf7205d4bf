"""California house prices for TFDS: `import recipes.datasets.california_housing` registers it."""

import csv

import tensorflow as tf
import tensorflow_datasets as tfds

URL = (
    "https://raw.githubusercontent.com/ageron/handson-ml2/1e2115277b50f6c584cd668fa30e3af309a5b136"
    "/datasets/housing/housing.csv"
)
NUMBERS = (
    "longitude",
    "latitude",
    "housing_median_age",
    "total_rooms",
    "total_bedrooms",
    "population",
    "households",
    "median_income",
    "median_house_value",
)


class CaliforniaHousing(tfds.core.GeneratorBasedBuilder):
    """20,640 census blocks: location, houses, people, median price (in dollars, capped at 500,001).

    `total_bedrooms` is NaN in 207 of them. `median_income` is in tens of thousands of dollars.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012
    # Here instead of in checksums.tsv: the file stays complete when copied.
    url_infos = {  # noqa: RUF012
        URL: tfds.core.download.checksums.UrlInfo(
            size=tfds.core.utils.Size(1_423_529),
            checksum="8a3727f4cf54ac1a327f69b1d5b4db54c5834ea81c6e4efc0d163300022a685e",
            filename="housing.csv",
        )
    }

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {name: tf.float32 for name in NUMBERS}
                | {
                    "ocean_proximity": tfds.features.ClassLabel(
                        names=["<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN"]
                    )
                }
            ),
            homepage="https://github.com/ageron/handson-ml2/tree/master/datasets/housing",
            license="Figures of the US census of 1990 (public domain); "
            "this form of them Apache-2.0.",
            citation="""\
@article{pace1997sparse,
  title={Sparse spatial autoregressions},
  author={Pace, R. Kelley and Barry, Ronald},
  journal={Statistics \\& Probability Letters},
  volume={33},
  number={3},
  pages={291--297},
  year={1997},
  doi={10.1016/S0167-7152(96)00140-X}
}""",
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(dl_manager.download(URL))}

    def _generate_examples(self, path):
        with open(path, newline="") as lines:
            for index, row in enumerate(csv.DictReader(lines)):
                numbers = {name: float(row[name] or "nan") for name in NUMBERS}
                yield index, numbers | {"ocean_proximity": row["ocean_proximity"]}
