"""The builder of NETtalk's words keeps what is aligned, and a word in one split."""

import pytest
import tensorflow_datasets as tfds

from recipes.datasets import nettalk
from recipes.datasets.nettalk import URL, Nettalk, aligned, split_of

HEADER = "The data are from a pocket dictionary.\nword\tphonemes\n\n"
LINES = (
    "read\tri-d\t>1<<\t0\nread\trE-d\t>1<<\t0\ngunpowder\tg^npW-dR-\t0\nphone\tf-on-\t>>1<<\t0\n"
)


def test_what_is_not_aligned_is_left_out():
    assert aligned(HEADER + LINES) == [
        ["read", "ri-d", ">1<<"],
        ["read", "rE-d", ">1<<"],
        ["phone", "f-on-", ">>1<<"],
    ]


def test_reads_the_file_into_splits(tmp_path, monkeypatch):
    path = tmp_path / "nettalk.data"
    more = "".join(
        f"{'abcdefghij'[n % 10] * (n // 10 + 1)}\t{'b' * (n // 10 + 1)}\t{'>' * (n // 10 + 1)}\t0\n"
        for n in range(300)
    )
    path.write_text(HEADER + LINES + more)
    monkeypatch.setattr(nettalk, "WORDS", 303)
    splits = {}
    for split in ("train", "validation", "test"):
        rows = list(Nettalk(data_dir=tmp_path)._generate_examples(path, split))
        splits[split] = [row["word"] for _, row in rows]
        assert all(split_of(row["word"]) == split for _, row in rows)
    assert sum(len(words) for words in splits.values()) == 303
    assert splits[split_of("read")].count("read") == 2
    assert 240 < len(splits["train"]) < 295


def test_another_file_is_refused(tmp_path):
    (tmp_path / "nettalk.data").write_text(HEADER + LINES)
    with pytest.raises(ValueError, match="holds 3 words: it is not the corpus"):
        next(Nettalk(data_dir=tmp_path)._generate_examples(tmp_path / "nettalk.data", "train"))


def test_address():
    assert Nettalk.url_infos.keys() == {URL}
    assert URL.endswith("/nettalk/nettalk.data")


@pytest.mark.real_data
def test_known_figures():
    try:
        splits = tfds.load("nettalk", download=False)
    except (AssertionError, tfds.core.DatasetNotFoundError):
        pytest.skip("nettalk is not prepared in TFDS_DATA_DIR")
    rows = {split: list(words.as_numpy_iterator()) for split, words in splits.items()}
    assert {split: len(words) for split, words in rows.items()} == {
        "train": 18_023,
        "validation": 1021,
        "test": 963,
    }
    everything = [row for words in rows.values() for row in words]
    assert set("".join(row["stress"].decode() for row in everything)) == set("<>012")
    assert len(set("".join(row["phonemes"].decode() for row in everything))) == 51
