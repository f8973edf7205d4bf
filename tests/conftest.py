"""Tests work on tiny stand-in data in folders of their own; those marked `real_data` on TFDS_DATA_DIR, if it is set."""

import os
import pathlib
import socket

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if (
    "PYTEST_XDIST_WORKER" in os.environ
):  # as many processes as cores: more threads would wait for one another
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
REAL_DATA = os.environ.get("TFDS_DATA_DIR")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The tests of a file run in one process, which makes its module's fixtures once."""
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(
                pytest.mark.xdist_group(item.nodeid.partition("::")[0].replace("/", "."))
            )
        if item.get_closest_marker("real_data") and not REAL_DATA:
            item.add_marker(pytest.mark.skip(reason="needs real data sets in TFDS_DATA_DIR"))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Stand-ins are made once a test session, for all its processes; nothing is left in the user's cache."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    os.environ["XDG_CACHE_HOME"] = str(pathlib.Path(folder) / "cache")


@pytest.fixture(scope="session")
def loopback():
    """For tests that talk to themselves over the network."""
    try:
        socket.create_connection(("127.0.0.1", 9), timeout=1).close()
    except ConnectionRefusedError:
        pass  # the usual answer: nobody listens on that port
    except OSError as error:
        pytest.skip(f"this machine cannot even talk to itself: {error}")
