"""Every module of `layers`: its examples run, and its layers are documented in Keras' form."""

import doctest
import importlib
import inspect
import pkgutil

import keras
import pytest

import layers

MODULES = [f"layers.{module.name}" for module in pkgutil.iter_modules(layers.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module)
    assert result.attempted >= 2, f"{name} has no example"
    assert result.failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_layers_say_what_they_take_and_give(name):
    module = importlib.import_module(name)
    for _, item in inspect.getmembers(module, inspect.isclass):
        public = not item.__name__.startswith("_")
        if public and item.__module__ == name and issubclass(item, keras.layers.Layer):
            for heading in ("Args:", "Input shape:", "Output shape:", "Example:"):
                assert heading in item.__doc__, f"{item.__name__} lacks {heading}"
            parameters = list(inspect.signature(item.__init__).parameters)[1:]
            for parameter in parameters:
                if parameter != "kwargs":
                    assert f"    {parameter}:" in item.__doc__, (
                        f"{item.__name__} does not explain {parameter}"
                    )
