"""Spanish sonnets (DISCO) for TFDS: `import recipes.datasets.spanish_sonnets` registers them."""

import json
import tarfile

import tensorflow_datasets as tfds

URL = (
    "https://raw.githubusercontent.com/SergeyShk/esTS/a3d936059431bb81263feaa0175beb818ca56cf5"
    "/ests/datasets/data/spanish_sonnets_v1.tar.xz"
)
LATEST_DEATH = 1944  # of a poet whose sonnets are taken: 80 years in the public domain


class Archive(tfds.core.download.checksums.UrlInfo):
    """A file known by its checksum; its size is only about right."""

    def __eq__(self, other):
        return self.checksum == other.checksum

    __hash__ = None


class SpanishSonnets(tfds.core.GeneratorBasedBuilder):
    """Some 2,700 sonnets of the 15th to the 20th century, by poets of Spain and America who died by 1944.

    Verses end with a line break; an empty line stands between stanzas.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First version: from DISCO 5.0."}  # noqa: RUF012
    url_infos = {  # noqa: RUF012  # here instead of in checksums.tsv: the file stays complete when copied
        URL: Archive(
            size=tfds.core.utils.Size(1_000_000),
            checksum="f2f6d2443c37891d5c4a1372d83a589505f5cbbe531e5f081f7aa3fb94e30af7",
            filename="spanish_sonnets_v1.tar.xz",
        )
    }

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(
                {"author": tfds.features.Text(), "title": tfds.features.Text(), "text": tfds.features.Text()}
            ),
            homepage="https://github.com/pruizf/disco",
            license="CC BY 4.0: DISCO; the poems are in the public domain.",
            citation="""\
@article{ruizfabo2021disco,
  title={The Diachronic Spanish Sonnet Corpus: {TEI} and linked open data encoding, data distribution,
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
        with tarfile.open(path) as archive:
            member = next(member for member in archive if member.name.endswith("/sonnets.jsonl"))
            records = [json.loads(line) for line in archive.extractfile(member)]
        for record in records:
            if record["death"] and record["death"] <= LATEST_DEATH:
                yield record["id"], {key: record[key] for key in ("author", "title", "text")}
