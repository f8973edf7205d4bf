"""The builder of California housing reads the file as published; the real one has known figures."""

import csv

import numpy as np
import pytest
import tensorflow_datasets as tfds

from recipes.datasets.california_housing import NUMBERS, URL, CaliforniaHousing

FILE = """longitude,latitude,housing_median_age,total_rooms,total_bedrooms,population,households,\
median_income,median_house_value,ocean_proximity
-122.23,37.88,41.0,880.0,129.0,322.0,126.0,8.3252,452600.0,NEAR BAY
-122.17,37.75,38.0,992.0,,732.0,259.0,1.6196,85100.0,<1H OCEAN
"""


def test_reads_the_published_file(tmp_path):
    (tmp_path / "housing.csv").write_text(FILE)
    builder = CaliforniaHousing(data_dir=tmp_path)
    builder._split_generators = lambda dl_manager: {
        "train": builder._generate_examples(tmp_path / "housing.csv")
    }
    builder.download_and_prepare()
    rows = sorted(builder.as_dataset("train").as_numpy_iterator(), key=lambda row: row["longitude"])
    header = next(csv.reader([FILE.splitlines()[0]]))
    assert set(rows[0]) == set(header) == {*NUMBERS, "ocean_proximity"}
    assert rows[0]["median_house_value"] == 452_600
    assert rows[0]["median_income"] == np.float32(8.3252)
    names = builder.info.features["ocean_proximity"].names
    assert [names[row["ocean_proximity"]] for row in rows] == ["NEAR BAY", "<1H OCEAN"]
    assert np.isnan(rows[1]["total_bedrooms"])
    assert sum(np.isnan(row[name]) for row in rows for name in NUMBERS) == 1


def test_address_and_checksum():
    assert CaliforniaHousing.url_infos.keys() == {URL}
    assert len(CaliforniaHousing.url_infos[URL].checksum) == 64


@pytest.mark.real_data
def test_known_figures():
    try:
        rows = list(
            tfds.load("california_housing", split="train", download=False).as_numpy_iterator()
        )
    except (AssertionError, tfds.core.DatasetNotFoundError):
        pytest.skip("california_housing is not prepared in TFDS_DATA_DIR")
    assert len(rows) == 20_640
    assert sum(np.isnan(row["total_bedrooms"]) for row in rows) == 207
    assert np.mean([row["median_house_value"] for row in rows], dtype="float64") == pytest.approx(
        206_855.82, abs=0.01
    )
