"""English words with phonemes for TFDS: `import recipes.datasets.nettalk` registers it."""

import hashlib

import tensorflow_datasets as tfds

URL = (
    "https://archive.ics.uci.edu/ml/machine-learning-databases/undocumented/"
    "connectionist-bench/nettalk/nettalk.data"
)
WORDS = 20_000  # a file with fewer words is not the corpus


class Unmeasured(tfds.core.download.checksums.UrlInfo):
    """A file without a published size or checksum; its content is checked when it is read."""

    def __eq__(self, other):
        return True

    __hash__ = None


class Nettalk(tfds.core.GeneratorBasedBuilder):
    """20,007 words of a pocket dictionary, with a phoneme and a stress mark for each letter.

    A silent letter has the phoneme `-`. Stress marks: 1, 2 and 0 on vowels (primary, secondary and
    none), `>` and `<` on consonants before and after the vowel of their syllable.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version."}  # noqa: RUF012
    # Here instead of in checksums.tsv: the file stays complete when copied.
    url_infos = {  # noqa: RUF012
        URL: Unmeasured(size=tfds.core.utils.Size(540_840), checksum="", filename="nettalk.data")
    }

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "word": tfds.features.Text(),
                    "phonemes": tfds.features.Text(),
                    "stress": tfds.features.Text(),
                },
            ),
            supervised_keys=("word", "phonemes"),
            homepage="https://archive.ics.uci.edu/dataset/150/connectionist+bench+nettalk+corpus",
            license="Copyright 1988 by Terrence J. Sejnowski; free for non-commercial research.",
            citation="""\
@article{sejnowski1987parallel,
  title={Parallel networks that learn to pronounce {English} text},
  author={Sejnowski, Terrence J. and Rosenberg, Charles R.},
  journal={Complex Systems},
  volume={1},
  pages={145--168},
  year={1987}
}""",
        )

    def _split_generators(self, dl_manager):
        path = dl_manager.download(URL)
        return {
            split: self._generate_examples(path, split) for split in ("train", "validation", "test")
        }

    def _generate_examples(self, path, split):
        words = aligned(path.read_bytes().decode("latin-1"))
        if len(words) < WORDS:
            raise ValueError(f"{path} holds {len(words)} words: it is not the corpus of NETtalk")
        for index, (word, phonemes, stress) in enumerate(words):
            if split_of(word) == split:
                yield index, {"word": word, "phonemes": phonemes, "stress": stress}


def aligned(text):
    """Word, phonemes and stress marks of each line in which the three have the same length.

    This skips the header lines of the file, and one word without stress marks.
    """
    found = []
    for line in text.split("\n"):
        fields = line.split("\t")
        if len(fields) == 4 and len(fields[0]) == len(fields[1]) == len(fields[2]):
            found.append(fields[:3])
    return found


def split_of(word):
    """The split of a word with all its pronunciations: 90, 5 and 5 percent, by a hash of it."""
    percent = int(hashlib.sha256(word.encode()).hexdigest()[:8], 16) % 100
    return "train" if percent < 90 else "validation" if percent < 95 else "test"
