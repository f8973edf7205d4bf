"""Tests work on tiny stand-in data in folders of their own; those marked `real_data` on TFDS_DATA_DIR, if it is set."""

import os
import pathlib

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
REAL_DATA = os.environ.get("TFDS_DATA_DIR")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("real_data") and not REAL_DATA:
            item.add_marker(pytest.mark.skip(reason="needs real data sets in TFDS_DATA_DIR"))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Stand-ins are made once a test session, for all its processes; nothing is left in the user's cache."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    os.environ["XDG_CACHE_HOME"] = str(pathlib.Path(folder) / "cache")
