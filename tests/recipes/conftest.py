"""What the tests of recipes share."""

import functools

import pytest
import tensorflow_datasets as tfds
from keras.src.saving import saving_lib


@pytest.fixture(scope="session")
def pipelines():
    """What `tfds.load` returned, by the folder that it looked into and its arguments."""
    return {}


@pytest.fixture
def loaded_once(monkeypatch, pipelines):
    """A data set's files are found and their reading is set up once: that costs more than it to read them."""
    load = tfds.load

    def load_once(*arguments, **keywords):
        asked = repr((tfds.core.constants.DATA_DIR, arguments, keywords))
        if asked not in pipelines:
            pipelines[asked] = load(*arguments, **keywords)
        return pipelines[asked]

    monkeypatch.setattr(tfds, "load", load_once)


@pytest.fixture(scope="session", autouse=True)
def attributes_listed_once():
    """Keras 3.15 means to remember what it skips when it saves a layer, and forgets it.

    So it makes a new layer, or an optimizer, for each layer that it saves, to list its attributes.
    """
    listed = saving_lib.get_attr_skipset
    saving_lib.get_attr_skipset = functools.cache(listed)
    yield
    saving_lib.get_attr_skipset = listed
