"""The builder of the electricity demand reads a file of R, and keeps the days in order."""

import numpy as np
import pytest
import rdata
import tensorflow_datasets as tfds

from recipes.datasets.electricity_es import DAYS, TENS, URL, YEARS, ElectricityEs


def prepared(tmp_path, measurements):
    """The set built from a file of R like the published one, of these measurements (144, days)."""
    series = {"x": np.arange(TENS), "y": measurements, "xname": "hour", "yname": "MW"}
    rdata.write_rda(tmp_path / "file.rda", {"electricityDemand": series})
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
    assert (dates[0], dates[59], dates[789], dates[-1]) == (
        "2014-01-01",
        "2014-03-01",
        "2016-02-29",
        "2018-12-31",
    )


def test_what_is_not_the_demand_is_refused(tmp_path):
    with pytest.raises(ValueError, match="1826 days of 144 measurements"):
        prepared(tmp_path, np.full((TENS, DAYS), 500.0))
    with pytest.raises(ValueError, match="1826 days of 144 measurements"):
        prepared(tmp_path, np.full((24, DAYS), 30_000.0))


def test_address_and_checksum():
    assert ElectricityEs.url_infos.keys() == {URL}
    assert ElectricityEs.url_infos[URL].size == 374_541
    assert len(ElectricityEs.url_infos[URL].checksum) == 64


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
    sundays = [
        index for index in range(len(days)) if (index - 4) % 7 == 0
    ]  # 2014 began on a Wednesday
    assert demand[sundays].mean() < 0.9 * demand.mean()
