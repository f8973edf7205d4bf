"""The builder of sentence pairs reads the archive as published and keeps translations together."""

import hashlib
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import tensorflow_datasets as tfds

from recipes.datasets import spa_eng
from recipes.datasets.spa_eng import MEMBER, URL, Archive, SpaEng, split_of

LINES = "Go.\tVe.\nGo.\tVete.\nWho is she?\t¿Quién es ella?\n" + "".join(
    f"I have {n} books.\tTengo {n} libros.\n" for n in range(300)
)


@pytest.fixture
def archive(tmp_path, monkeypatch):
    path = tmp_path / "spa-eng.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("spa-eng/_about.txt", "** Info **\n")
        file.writestr(MEMBER, LINES)
    monkeypatch.setattr(spa_eng, "CHECKSUM", hashlib.sha256(LINES.encode()).hexdigest())
    return path


def test_reads_the_published_archive(archive, tmp_path):
    builder = SpaEng(data_dir=tmp_path)
    builder._split_generators = lambda dl_manager: {
        split: builder._generate_examples(archive, split)
        for split in ("train", "validation", "test")
    }
    builder.download_and_prepare()
    splits = {
        split: [
            tuple(text.decode() for text in row.values())
            for row in builder.as_dataset(split).as_numpy_iterator()
        ]
        for split in ("train", "validation", "test")
    }
    everything = [pair for pairs in splits.values() for pair in pairs]
    assert sorted(everything) == sorted(tuple(line.split("\t")) for line in LINES.splitlines())
    english = {split: {pair[0] for pair in pairs} for split, pairs in splits.items()}
    assert not english["train"] & english["validation"]
    assert not english["train"] & english["test"]
    assert not english["validation"] & english["test"]
    assert all(
        split_of(sentence) == split
        for split, sentences in english.items()
        for sentence in sentences
    )
    assert 240 < len(english["train"]) < 295


def test_another_text_in_the_archive_is_refused(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(spa_eng, "CHECKSUM", "0" * 64)
    with pytest.raises(ValueError, match="not the file of 13 May 2018"):
        next(SpaEng(data_dir=tmp_path)._generate_examples(archive, "train"))


def test_the_split_of_a_sentence_never_changes():
    """Were it another tomorrow, what was a test sentence would have been learnt."""
    assert [split_of(f"Sentence {n}.") for n in (0, 41, 8)] == ["train", "validation", "test"]
    shares = [split_of(f"Sentence {n}.") for n in range(10_000)]
    assert abs(shares.count("train") - 9000) < 120
    assert abs(shares.count("test") - 500) < 90


def test_the_download_is_known_by_its_size(archive, tmp_path, loopback):
    """TFDS compares downloads with what the builder says; the archive is checked by its content."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(archive.read_bytes())

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/spa-eng.zip"

    def download(size, folder):
        info = Archive(size=size, checksum="", filename="spa-eng.zip")
        return tfds.download.DownloadManager(
            download_dir=tmp_path / folder, url_infos={url: info}, dataset_name="spa_eng"
        ).download(url)

    try:
        assert download(archive.stat().st_size, "right").read_bytes() == archive.read_bytes()
        with pytest.raises(Exception, match="wrong checksum"):
            download(archive.stat().st_size + 1, "wrong")
    finally:
        server.shutdown()
        server.server_close()


def test_address_and_checksum():
    assert SpaEng.url_infos.keys() == {URL}
    assert SpaEng.url_infos[URL].size == 2_638_744
    assert len(spa_eng.CHECKSUM) == 64


@pytest.mark.real_data
def test_known_figures():
    try:
        splits = tfds.load("spa_eng", download=False)
    except (AssertionError, tfds.core.DatasetNotFoundError):
        pytest.skip("spa_eng is not prepared in TFDS_DATA_DIR")
    english = {
        split: [row["english"] for row in rows.as_numpy_iterator()]
        for split, rows in splits.items()
    }
    assert {split: len(rows) for split, rows in english.items()} == {
        "train": 107_014,
        "validation": 5976,
        "test": 5974,
    }
    assert len(set(english["train"]) | set(english["validation"]) | set(english["test"])) == 102_904
    assert sum(len(set(rows)) for rows in english.values()) == 102_904
