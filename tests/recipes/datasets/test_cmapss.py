"""The builder of NASA's engines reads the files as published; the real ones have known figures."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from recipes.datasets.cmapss import FILES, URL, Cmapss


def test_reads_the_published_files(tmp_path):
    lines = []
    for engine, cycles in ((1, 3), (2, 2)):
        for cycle in range(1, cycles + 1):
            numbers = [
                engine,
                cycle,
                -0.0007,
                0.0003,
                100.0,
                *(engine * 100 + cycle + 0.25 * k for k in range(21)),
            ]
            lines.append(
                " ".join(map(str, numbers)) + "  \n"
            )  # each line ends with two blanks, as in the originals
    (tmp_path / "test.txt").write_text("".join(lines))
    builder = Cmapss(data_dir=tmp_path)
    remaining = np.array([112, 98], dtype="int32")
    builder._split_generators = lambda dl_manager: {
        "test": builder._generate_examples(tmp_path / "test.txt", remaining),
    }
    builder.download_and_prepare()
    first, second = sorted(
        builder.as_dataset("test").as_numpy_iterator(), key=lambda row: row["engine"]
    )
    assert (first["engine"], first["remaining"]) == (1, 112)
    assert (second["engine"], second["remaining"]) == (2, 98)
    assert first["settings"].shape == (3, 3)
    assert first["sensors"].shape == (3, 21)
    np.testing.assert_array_equal(first["settings"][0], np.float32([-0.0007, 0.0003, 100]))
    np.testing.assert_array_equal(second["sensors"][1], 202 + 0.25 * np.arange(21))


def test_splits_take_their_files(monkeypatch, tmp_path):
    """Engines of `train` ran to failure; those of `test` have what the third file says left."""
    (tmp_path / "RUL").write_text("112 \n98 \n")

    class Downloads:
        def download(self, addresses):
            assert addresses == {name: URL.format(name=name) for name in FILES}
            return {name: tmp_path / name for name in addresses}

    builder = Cmapss(data_dir=tmp_path)
    monkeypatch.setattr(
        builder, "_generate_examples", lambda path, remaining: (path.name, remaining.tolist())
    )
    assert builder._split_generators(Downloads()) == {
        "train": ("train", [0, 0]),
        "test": ("test", [112, 98]),
    }


def test_addresses_and_checksums():
    assert len(Cmapss.url_infos) == 3
    assert all(
        "FD001" in url and len(info.checksum) == 64 for url, info in Cmapss.url_infos.items()
    )


@pytest.mark.real_data
def test_known_figures():
    try:
        train, test = (
            sorted(
                tfds.load("cmapss", split=split, download=False).as_numpy_iterator(),
                key=lambda row: row["engine"],
            )
            for split in ("train", "test")
        )
    except (AssertionError, tfds.core.DatasetNotFoundError):
        pytest.skip("cmapss is not prepared in TFDS_DATA_DIR")
    assert len(train) == len(test) == 100
    assert sum(len(engine["sensors"]) for engine in train) == 20_631
    assert sum(len(engine["sensors"]) for engine in test) == 13_096
    assert all(engine["remaining"] == 0 for engine in train)
    assert [int(engine["remaining"]) for engine in test[:3]] == [112, 98, 69]
