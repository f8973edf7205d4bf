"""What the tests of recipes share."""

import pytest
import tensorflow_datasets as tfds


@pytest.fixture(scope="session")
def pipelines():
    """What `tfds.load` returned, by the folder that it looked into and its arguments."""
    return {}


@pytest.fixture
def loaded_once(monkeypatch, pipelines):
    """A data set's files are found, and their reading set up, once: it costs more than reading."""
    load = tfds.load

    def load_once(*arguments, **keywords):
        asked = repr((tfds.core.constants.DATA_DIR, arguments, keywords))
        if asked not in pipelines:
            pipelines[asked] = load(*arguments, **keywords)
        return pipelines[asked]

    monkeypatch.setattr(tfds, "load", load_once)
