"""The builder of the electricity demand reads a file of R, and keeps the days in order."""

import bz2
import gzip
import lzma
import struct

import numpy as np
import pytest
import tensorflow_datasets as tfds

from recipes.datasets.electricity_es import DAYS, TENS, URL, YEARS, ElectricityEs, RData

INTEGERS, REALS, STRINGS, LIST, PAIRS, SYMBOL, NIL, COMPACT = 13, 14, 16, 19, 2, 1, 254, 238
ATTRIBUTES, TAG = 0x200, 0x400


def number(value):
    return struct.pack(">i", value)


def letters(text):
    return number(9 | 0x40000) + number(len(text.encode())) + text.encode()


def symbol(text):
    return number(SYMBOL) + letters(text)


def array(values, attributes=b""):
    values = np.asarray(values)
    kind, code = (INTEGERS, ">i4") if values.dtype.kind == "i" else (REALS, ">f8")
    flags = kind | (ATTRIBUTES if attributes else 0)
    return number(flags) + number(values.size) + values.astype(code).tobytes(order="F") + attributes


def strings(*texts):
    return number(STRINGS) + number(len(texts)) + b"".join(map(letters, texts))


def pairs(**items):
    body = b"".join(number(PAIRS | TAG) + symbol(name.rstrip("_")) + item for name, item in items.items())
    return body + number(NIL)


def saved(item, version=3):
    """What `save` writes: one variable, named."""
    header = f"RDX{version}\nX\n".encode() + number(version) + number(0x40200) + number(0x30500)
    if version == 3:
        header += number(5) + b"UTF-8"
    return header + number(PAIRS | TAG) + symbol("electricityDemand") + item + number(NIL)


def demand(days):
    """As in the published file: a list of class "fds" with hours and a matrix, whose columns are days with names."""
    names = strings(*(f"day {n}" for n in range(days.shape[1])))
    matrix = array(
        days, pairs(dim=array(np.array(days.shape)), dimnames=number(LIST) + number(2) + number(NIL) + names)
    )
    again = number(255 | 1 << 8)  # a symbol of before
    compact = number(COMPACT) + pairs(class_=symbol("compact_intseq")) + array([3.0, 1.0, 1.0]) + number(NIL)
    items = [array(np.arange(len(days))), matrix, compact, strings("hour")]
    attributes = number(PAIRS | TAG) + again + strings("x", "y", "z", "w") + pairs(class_=strings("fds"))
    return number(LIST | ATTRIBUTES | 0x100) + number(len(items)) + b"".join(items) + attributes


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_reads_arrays_of_r(version, compress, tmp_path):
    days = np.arange(12.0).reshape(4, 3)
    (tmp_path / "file.rda").write_bytes(compress(saved(demand(days), version)))
    found = [numbers for numbers in RData(tmp_path / "file.rda").arrays if len(numbers) == 12]
    assert len(found) == 1
    np.testing.assert_array_equal(found[0].reshape(3, 4), days.T)


def test_another_file_is_refused(tmp_path):
    (tmp_path / "file.rda").write_bytes(b"<html>")
    with pytest.raises(ValueError, match="no file of R"):
        RData(tmp_path / "file.rda")


def prepared(tmp_path, days):
    (tmp_path / "file.rda").write_bytes(gzip.compress(saved(demand(days)), 1))
    builder = ElectricityEs(data_dir=tmp_path)
    split = builder._split_generators

    class Downloads:
        def download(self, url):
            assert url == URL
            return tmp_path / "file.rda"

    builder._split_generators = lambda dl_manager: split(Downloads())
    builder.download_and_prepare()
    return builder


def test_days_are_in_order_and_hours_are_means(tmp_path):
    days = 20_000 + np.arange(DAYS)[None] + 0.5 * np.arange(TENS)[:, None]
    builder = prepared(tmp_path, days)
    dates = []
    for split, size in {"train": 1096, "validation": 365, "test": 365}.items():
        rows = list(builder.as_dataset(split).as_numpy_iterator())
        assert len(rows) == size
        assert {int(row["date"][:4]) for row in rows} == set(YEARS[split])
        dates += [row["date"].decode() for row in rows]
        first = 20_000 + len(dates) - size
        np.testing.assert_allclose(rows[0]["demand"], first + 1.25 + 3.0 * np.arange(24))
    assert dates == sorted(set(dates))
    assert (dates[0], dates[59], dates[789], dates[-1]) == ("2014-01-01", "2014-03-01", "2016-02-29", "2018-12-31")


def test_what_is_not_the_demand_is_refused(tmp_path):
    with pytest.raises(ValueError, match="1826 days of 144 measurements"):
        prepared(tmp_path, np.full((TENS, DAYS), 500.0))
    with pytest.raises(ValueError, match="1826 days of 144 measurements"):
        prepared(tmp_path, np.full((24, DAYS), 30_000.0))


def test_address():
    assert ElectricityEs.url_infos.keys() == {URL}
    downloaded = tfds.core.download.checksums.UrlInfo(size=413_305, checksum="0" * 64, filename=None)
    assert ElectricityEs.url_infos[URL] == downloaded  # the address names the commit; the content is checked


@pytest.mark.real_data
def test_known_figures():
    try:
        splits = tfds.load("electricity_es", download=False)
    except (AssertionError, tfds.core.DatasetNotFoundError):
        pytest.skip("electricity_es is not prepared in TFDS_DATA_DIR")
    days = [row for split in YEARS for row in splits[split].as_numpy_iterator()]
    demand = np.stack([row["demand"] for row in days])
    assert [row["date"] for row in days] == sorted({row["date"] for row in days})
    assert demand.shape == (1826, 24)
    assert 18_000 < demand.min() < demand.max() < 41_100
    assert demand[0, 0] == pytest.approx(24_301.67, abs=0.01)
    sundays = [index for index in range(len(days)) if (index - 4) % 7 == 0]  # 2014 began on a Wednesday
    assert demand[sundays].mean() < 0.9 * demand.mean()
