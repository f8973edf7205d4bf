"""The builder of the sonnets reads the release as published, less poets who died too late."""

import hashlib
import io
import tarfile

import pytest
import tensorflow_datasets as tfds

from recipes.datasets import spanish_sonnets
from recipes.datasets.spanish_sonnets import URL, SpanishSonnets

# As published, without the columns that are not read.
AUTHORS = """author\taid\tdeath\tfirst-name\tpreposition-name\tsecond-name
Darío, Rubén\t694n\t1916\tRubén\t\tDarío
Mena, Juan de\t357g\t1456\tJuan\tde\tMena
Sin Año, Ana\t002g\tXVI\tAna\t\tSin Año
Sin Siglo, Luis\t003g\t0\tLuis\t\tSin Siglo
Demasiado Tarde\t004t\t1945\tDemasiado\t\tTarde
"""
POEMS = """poem_id\tauthor_id\tauthor\tincipit\ttitle
694n_0001\t694n\tDarío, Rubén\tEn medio\tLA "FE
357g_0007\t357g\tMena, Juan de\tuno,\tSoneto
002g_0001\t002g\tSin Año, Ana\tnada\tSoneto
003g_0001\t003g\tSin Siglo, Luis\tnada\tSoneto
004t_0001\t004t\tDemasiado Tarde\tnada\tSoneto
"""


@pytest.fixture
def builder(tmp_path, monkeypatch):
    """One that reads a small release, whose poems are those it expects."""
    files = {
        "author_metadata.tsv": AUTHORS,
        "poem_metadata.tsv": POEMS,
        "txt/19th/per-author/disco694n.txt": "not read",
        "txt/19th/per-sonnet/disco694n_0001.txt": "En medio\ndel abismo\n\n",
        "txt/15th-17th/per-sonnet/disco357g_0007.txt": "uno,\ndos\n\ntres\n",
        "txt/15th-17th/per-sonnet/disco002g_0001.txt": "nada",
        "txt/15th-17th/per-sonnet/disco003g_0001.txt": "nada",
        "txt/20th/per-sonnet/disco004t_0001.txt": "nada",
    }
    with tarfile.open(tmp_path / "disco.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"disco-5.0/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    builder = SpanishSonnets(data_dir=tmp_path)
    examples = builder._generate_examples
    builder._split_generators = lambda dl_manager: {"train": examples(tmp_path / "disco.tar.gz")}
    read = AUTHORS + POEMS
    for name in ("19th/per-sonnet/disco694n_0001", "15th-17th/per-sonnet/disco357g_0007"):
        read += files[f"txt/{name}.txt"]
    monkeypatch.setattr(spanish_sonnets, "CHECKSUM", hashlib.sha256(read.encode()).hexdigest())
    return builder


def test_reads_the_published_release(builder):
    builder.download_and_prepare()
    rows = sorted(builder.as_dataset("train").as_numpy_iterator(), key=lambda row: row["author"])
    assert [{key: value.decode() for key, value in row.items()} for row in rows] == [
        {"author": "Juan de Mena", "title": "Soneto", "text": "uno,\ndos\n\ntres"},
        {"author": "Rubén Darío", "title": 'LA "FE', "text": "En medio\ndel abismo"},
    ]


def test_other_poems_are_refused(builder, monkeypatch):
    monkeypatch.setattr(spanish_sonnets, "CHECKSUM", hashlib.sha256(b"others").hexdigest())
    with pytest.raises(ValueError, match="does not hold the poems"):
        builder.download_and_prepare()
    assert not builder.is_prepared()


def test_the_release_is_known_by_its_address():
    assert SpanishSonnets.url_infos.keys() == {URL}
    # The host packs the archive anew: neither its size nor its checksum is fixed.
    downloaded = tfds.core.download.checksums.UrlInfo(
        size=11_543_210, checksum="0" * 64, filename=None
    )
    assert SpanishSonnets.url_infos[URL] == downloaded


@pytest.mark.real_data
def test_known_figures():
    try:
        rows = list(tfds.load("spanish_sonnets", split="train", download=False).as_numpy_iterator())
    except (AssertionError, tfds.core.DatasetNotFoundError):
        pytest.skip("spanish_sonnets is not prepared in TFDS_DATA_DIR")
    verses = [[line for line in row["text"].decode().splitlines() if line] for row in rows]
    assert len(rows) == 2731
    assert sum(len(lines) == 14 for lines in verses) > 0.98 * len(rows)
    assert sum(row["author"].decode() == "Rubén Darío" for row in rows) == 140
    assert 1_300_000 < sum(len(line) for lines in verses for line in lines) < 1_700_000
