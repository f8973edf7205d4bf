"""The builder of the sonnets reads the archive as it is published; poets who died too late are left out."""

import io
import json
import tarfile

import pytest
import tensorflow_datasets as tfds

from recipes.datasets.spanish_sonnets import URL, Archive, SpanishSonnets

RECORDS = [  # as published, without the fields that are not read
    {
        "id": "002g_0002",
        "author": "Benito Arias Montano",
        "title": "Soneto",
        "death": 1598,
        "text": "uno,\ndos\n\ntres",
    },
    {"id": "100n_0001", "author": "Rubén Darío", "title": "LA FE", "death": 1916, "text": "En medio\ndel abismo"},
    {"id": "101n_0001", "author": "Sin fechas", "title": "", "death": None, "text": "nada"},
    {"id": "102t_0001", "author": "Demasiado Tarde", "title": "", "death": 1945, "text": "nada"},
]


def test_reads_the_published_archive(tmp_path):
    content = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in RECORDS).encode()
    with tarfile.open(tmp_path / "sonnets.tar.xz", "w:xz") as archive:
        for name, data in (("README.txt", b"sonnets.jsonl"), ("sonnets.jsonl", content)):
            member = tarfile.TarInfo(f"spanish_sonnets_v1/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    builder = SpanishSonnets(data_dir=tmp_path)
    builder._split_generators = lambda dl_manager: {"train": builder._generate_examples(tmp_path / "sonnets.tar.xz")}
    builder.download_and_prepare()
    rows = sorted(builder.as_dataset("train").as_numpy_iterator(), key=lambda row: row["author"])
    assert [{key: value.decode() for key, value in row.items()} for row in rows] == [
        {key: record[key] for key in ("author", "title", "text")} for record in RECORDS[:2]
    ]


def test_the_download_is_known_by_its_checksum():
    expected = SpanishSonnets.url_infos[URL]
    assert len(expected.checksum) == 64
    downloaded = tfds.core.download.checksums.UrlInfo(size=1_043_210, checksum=expected.checksum, filename=None)
    assert expected == downloaded
    assert expected != Archive(size=expected.size, checksum="0" * 64, filename=expected.filename)


@pytest.mark.real_data
def test_known_figures():
    try:
        rows = list(tfds.load("spanish_sonnets", split="train", download=False).as_numpy_iterator())
    except (AssertionError, tfds.core.DatasetNotFoundError):
        pytest.skip("spanish_sonnets is not prepared in TFDS_DATA_DIR")
    verses = [[line for line in row["text"].decode().splitlines() if line] for row in rows]
    assert 2600 < len(rows) < 2900
    assert sum(len(lines) == 14 for lines in verses) > 0.98 * len(rows)
    assert sum(row["author"].decode() == "Rubén Darío" for row in rows) == 140
    assert 1_300_000 < sum(len(line) for lines in verses for line in lines) < 1_700_000
