"""Spanish sonnets (DISCO) for TFDS: `import recipes.datasets.spanish_sonnets` registers it."""

import csv
import hashlib
import io
import tarfile

import tensorflow_datasets as tfds

URL = "https://codeload.github.com/pruizf/disco/tar.gz/refs/tags/v5.0"
CHECKSUM = (
    "6c61383fcc4017e717272450894a99c9a3fa19879cb1d77a6e2a8d8cd23a2978"  # sha256 of all files read
)
# Poets' last year of death: 80 years later, their sonnets are in the public domain.
LATEST_DEATH = 1944


class Release(tfds.core.download.checksums.UrlInfo):
    """An archive that the host may repack: what is read is verified instead of its checksum."""

    def __eq__(self, other):
        return isinstance(other, tfds.core.download.checksums.UrlInfo)

    __hash__ = None


class SpanishSonnets(tfds.core.GeneratorBasedBuilder):
    """2,731 sonnets of the 15th to 20th centuries, by poets of Spain, America and the Philippines.

    Only poets who are known to have died in or before 1944 are included. Verses end with a line
    break; stanzas are separated by an empty line.
    """

    VERSION = tfds.core.Version("2.0.0")
    RELEASE_NOTES = {"2.0.0": "Read from release 5.0 of DISCO itself."}  # noqa: RUF012
    # Here instead of in checksums.tsv: the file stays complete when copied.
    url_infos = {  # noqa: RUF012
        URL: Release(
            size=tfds.core.utils.Size(11_500_000), checksum="", filename="disco-5.0.tar.gz"
        )
    }

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "author": tfds.features.Text(),
                    "title": tfds.features.Text(),
                    "text": tfds.features.Text(),
                }
            ),
            homepage="https://github.com/pruizf/disco",
            license="CC BY 4.0: DISCO; the poems are in the public domain.",
            citation="""\
@article{ruizfabo2021disco,
  title={The Diachronic Spanish Sonnet Corpus: {TEI} and linked open data encoding, \
data distribution,
    and metrical findings},
  author={Ruiz Fabo, Pablo and Berm{\\'u}dez Sabel, Helena and Mart{\\'i}nez Cant{\\'o}n, Clara and
    Gonz{\\'a}lez-Blanco, Elena},
  journal={Digital Scholarship in the Humanities},
  volume={36},
  pages={i68--i80},
  year={2021},
  doi={10.1093/llc/fqaa035}
}""",
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(dl_manager.download(URL))}

    def _generate_examples(self, path):
        """Raises a ValueError, after the last one, if these are not the poems of the release."""
        # The archive is compressed as a whole, so read it once, in its own order.
        files = {}
        with tarfile.open(path) as archive:
            for member in archive:
                folder, _, name = member.name.rpartition("/")
                if folder.endswith("/per-sonnet") or name.endswith("_metadata.tsv"):
                    files[name] = archive.extractfile(member).read()
        tables = files["author_metadata.tsv"], files["poem_metadata.tsv"]
        digest = hashlib.sha256(b"".join(tables))
        authors, poems = map(rows, tables)
        authors = {author["aid"]: author for author in authors}
        for poem in poems:
            author = authors[poem["author_id"]]
            if is_in_public_domain(author):
                text = files[f"disco{poem['poem_id']}.txt"]
                digest.update(text)
                names = [
                    author[column] for column in ("first-name", "preposition-name", "second-name")
                ]
                yield (
                    poem["poem_id"],
                    {
                        "author": " ".join(name for name in names if name),
                        "title": poem["title"],
                        "text": text.decode("utf8").strip(),
                    },
                )
        if digest.hexdigest() != CHECKSUM:
            raise ValueError(f"{path} does not hold the poems of release 5.0 of DISCO")


def is_in_public_domain(author):
    """Whether an author, a row of the table, is known to have died in or before 1944."""
    year = author["death"]
    # If the year is not known, the table has a century, such as "XVI", or 0.
    is_known = len(year) == 4 and year.isdigit()
    return is_known and int(year) <= LATEST_DEATH


def rows(table):
    """The rows of a tab-separated table, bytes without quoting, as dictionaries."""
    text = io.StringIO(table.decode("utf8"))
    return csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE)
