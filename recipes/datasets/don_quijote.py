"""Don Quijote by chapters for TFDS: `import recipes.datasets.don_quijote` registers it."""

import pathlib
import re

import tensorflow as tf
import tensorflow_datasets as tfds

URL = (
    "https://raw.githubusercontent.com/JuanMaCuevas/quijote/"
    "2223b64c44055f8fc08b1951dca00de5a5b9122b/quijote.txt"
)
HEADING = re.compile(r"Capítulo ([IVXL]+|[Pp]rimero)\. ")
PART = re.compile(
    r"(Primera|Segunda|Tercera|Cuarta) parte del ingenioso (hidalgo|caballero) "
    r"don Quijote de la Mancha"
)
WIDTH = 75  # characters at which the lines of titles are wrapped
NAMES = (
    "Ang",
    "Barcelona",
    "Caballero",
    "Dolorida",
    "Esp",
    "Mambrino",
    "Mancha",
    "Mont",
    "Morena",
    "Panza",
    "Quijote",
)


class DonQuijote(tfds.core.GeneratorBasedBuilder):
    """The 126 chapters of Cervantes' novel: 52 from 1605, 74 from 1615.

    `chapter` is numbered through both parts. Line breaks are those of the file: verses, and prose
    wrapped at 75 characters.
    """

    VERSION = tfds.core.Version("2.0.0")
    RELEASE_NOTES = {  # noqa: RUF012
        "2.0.0": "The whole novel; 1.0.0 broke off in the last chapter but one."
    }
    # Here instead of in checksums.tsv: the file stays complete when copied.
    url_infos = {  # noqa: RUF012
        URL: tfds.core.download.checksums.UrlInfo(
            size=tfds.core.utils.Size(2_132_495),
            checksum="580cdc8f65471344e3f811baa2d7b2a13662ff9adff17319943e79c854d01e64",
            filename="quijote.txt",
        )
    }

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {"chapter": tf.int32, "title": tfds.features.Text(), "text": tfds.features.Text()}
            ),
            homepage="https://github.com/JuanMaCuevas/quijote",
            license="Public domain.",
            citation="""\
@book{cervantes1605quijote,
  title={El ingenioso hidalgo don Quijote de la Mancha},
  author={Cervantes Saavedra, Miguel de},
  publisher={Juan de la Cuesta, Madrid},
  year={1605 and 1615}
}""",
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(dl_manager.download(URL))}

    def _generate_examples(self, path):
        lines = pathlib.Path(path).read_text(encoding="utf8").splitlines()
        starts = [index for index, line in enumerate(lines) if HEADING.match(line)]
        for chapter, (start, end) in enumerate(
            zip(starts, [*starts[1:], len(lines)], strict=True), 1
        ):
            body = start + 1
            while goes_on(lines[body - 1], lines[body]):
                body += 1
            text = [line for line in lines[body:end] if not PART.fullmatch(line) and line != "Fin"]
            yield (
                chapter,
                {"chapter": chapter, "title": " ".join(lines[start:body]), "text": "\n".join(text)},
            )


def goes_on(line, following):
    """Whether a title continues in the following line; nothing marks the end of titles."""
    full = len(line) + 1 + len(following.split()[0]) >= WIDTH
    return full and (following[0].islower() or following.startswith(NAMES))
