"""Electricity demand of mainland Spain for TFDS: `import recipes.datasets.electricity_es` registers it."""

import bz2
import datetime
import gzip
import lzma
import pathlib
import struct

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

URL = (
    "https://raw.githubusercontent.com/aefdz/nnFTS/8b0ca3289c46122c7c3d06a5c952048fbe79705f/data/electricityDemand.rda"
)
FIRST = datetime.date(2014, 1, 1)
DAYS, TENS = 1826, 144  # five years, ten minutes
YEARS = {"train": (2014, 2015, 2016), "validation": (2017,), "test": (2018,)}


class Pinned(tfds.core.download.checksums.UrlInfo):
    """A file known by the commit in its address; what is in it is checked when it is read."""

    def __eq__(self, other):
        return isinstance(other, tfds.core.download.checksums.UrlInfo)

    __hash__ = None


class ElectricityEs(tfds.core.GeneratorBasedBuilder):
    """Hourly demand (MW, the mean of six measurements) of mainland Spain from 2014 to 2018, one example per day.

    Days are in the order of time. The days on which the clocks change have 24 hours here like all others: the source
    has 144 measurements of each of them too, none missing and none of an hour twice, and they are taken as they are.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012
    url_infos = {  # noqa: RUF012  # here instead of in checksums.tsv: the file stays complete when copied
        URL: Pinned(size=tfds.core.utils.Size(500_000), checksum="", filename="electricityDemand.rda")
    }

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {"date": tfds.features.Text(), "demand": tfds.features.Tensor(shape=(24,), dtype=tf.float32)}
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
        found = [numbers for numbers in RData(path).arrays if len(numbers) == DAYS * TENS]
        if len(found) != 1 or not (np.min(found[0]) > 10_000 and np.max(found[0]) < 50_000):
            raise ValueError(f"{path} does not hold {DAYS} days of {TENS} measurements in MW")
        days = found[0].reshape(DAYS, TENS)
        return {split: self._generate_examples(days, years) for split, years in YEARS.items()}

    def _generate_examples(self, days, years):
        for index, day in enumerate(days):
            date = FIRST + datetime.timedelta(index)
            if date.year in years:
                demand = day.reshape(24, -1).mean(axis=1, dtype="float64").astype("float32")
                yield index, {"date": date.isoformat(), "demand": demand}


class RData:
    """The arrays of numbers in a file of R (`save`, formats 2 and 3), read in passing over all that is in it."""

    def __init__(self, path):
        content = pathlib.Path(path).read_bytes()
        for magic, module in {b"\x1f\x8b": gzip, b"BZh": bz2, b"\xfd7z": lzma}.items():
            if content.startswith(magic):
                content = module.decompress(content)
        if content[:7] not in (b"RDX2\nX\n", b"RDX3\nX\n"):
            raise ValueError(f"{path} is no file of R's `save` in binary form")
        self.content, self.at, self.arrays = content, 7, []
        version, _, _ = self.integers(3)
        if version == 3:
            self.skip(self.integer())  # the name of the encoding
        self.item()

    def integers(self, count):
        values = struct.unpack_from(f">{count}i", self.content, self.at)
        self.skip(4 * count)
        return values

    def integer(self):
        return self.integers(1)[0]

    def skip(self, size):
        self.at += size

    def item(self):
        """Pass over one item, with what is in it; keep its numbers."""
        flags = self.integer()
        kind, attributes, tag = flags & 0xFF, flags & 0x200, flags & 0x400
        if kind in (2, 5, 6):  # pairs: first and rest
            for _ in range(bool(attributes) + bool(tag) + 2):
                self.item()
        elif kind == 1:  # a symbol, by name
            self.item()
        elif kind == 255:  # a symbol seen before
            if not flags >> 8:
                self.integer()
        elif kind == 238:  # a compact form of an array: class, state, attributes
            for _ in range(3):
                self.item()
        elif kind == 9:  # letters
            self.skip(max(0, self.integer()))
        elif kind in (10, 13, 14):  # logical, integer, real
            numbers = np.frombuffer(self.content, ">f8" if kind == 14 else ">i4", self.integer(), self.at)
            self.skip(numbers.nbytes)
            self.arrays.append(numbers)
            self.rest(attributes)
        elif kind in (16, 19, 20):  # strings, lists
            for _ in range(self.integer()):
                self.item()
            self.rest(attributes)
        elif kind not in (241, 242, 250, 251, 252, 253, 254):  # nothing, and the known environments
            raise ValueError(f"an object of R of kind {kind} is not expected here")

    def rest(self, attributes):
        if attributes:
            self.item()
