"""English and Spanish sentences for TFDS: `import recipes.datasets.spa_eng` registers it."""

import hashlib
import zipfile

import tensorflow_datasets as tfds

URL = "https://storage.googleapis.com/download.tensorflow.org/data/spa-eng.zip"
MEMBER = "spa-eng/spa.txt"
CHECKSUM = (
    "6ec60e212f812ee3430f7568ea6f33b6fb080e32193c5952e8da0ee8ba45574c"  # sha256 of this member
)


class Archive(tfds.core.download.checksums.UrlInfo):
    """An archive identified by its size; its content, not its checksum, is verified on reading."""

    def __eq__(self, other):
        return self.size == other.size

    __hash__ = None


class SpaEng(tfds.core.GeneratorBasedBuilder):
    """118,964 pairs of English and Spanish sentences of 1 to 49 words; half have at most 6.

    An English sentence may have several translations, each in a separate pair; all of them are in
    the same split.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version: the pairs of 13 May 2018."}  # noqa: RUF012
    # Here instead of in checksums.tsv: the file stays complete when copied.
    url_infos = {  # noqa: RUF012
        URL: Archive(size=tfds.core.utils.Size(2_638_744), checksum="", filename="spa-eng.zip")
    }

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {"english": tfds.features.Text(), "spanish": tfds.features.Text()},
            ),
            supervised_keys=("english", "spanish"),
            homepage="https://www.manythings.org/anki/",
            license="CC BY 2.0 FR: tatoeba.org, selected by www.manythings.org/anki.",
            citation="""\
@misc{tatoeba2018spaeng,
  title={Tab-delimited bilingual sentence pairs, from the {Tatoeba} project},
  author={{Tatoeba contributors} and Kelly, Charles},
  year={2018},
  url={https://www.manythings.org/anki/}
}""",
        )

    def _split_generators(self, dl_manager):
        path = dl_manager.download(URL)
        return {
            split: self._generate_examples(path, split) for split in ("train", "validation", "test")
        }

    def _generate_examples(self, path, split):
        with zipfile.ZipFile(path) as archive:
            content = archive.read(MEMBER)
        if hashlib.sha256(content).hexdigest() != CHECKSUM:
            raise ValueError(f"{MEMBER} in {path} is not the file of 13 May 2018")
        for index, line in enumerate(content.decode("utf8").splitlines()):
            english, spanish = line.split("\t")
            if split_of(english) == split:
                yield index, {"english": english, "spanish": spanish}


def split_of(english):
    """The split of a sentence and all its translations: 90, 5 and 5 percent, by a hash."""
    percent = int(hashlib.sha256(english.encode()).hexdigest()[:8], 16) % 100
    return "train" if percent < 90 else "validation" if percent < 95 else "test"
