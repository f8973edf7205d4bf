"""The benchmark of equal cost: each network takes its turn in each round, and is trained by it."""

import keras
import pytest

from benchmarks import bench_equal_cost
from recipes._runner.recipe import find


@pytest.fixture
def small():
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    return model


def test_networks_take_turns(small):
    found = bench_equal_cost.seconds_per_step({"small": small}, batch=2, rounds=3)
    assert list(found) == ["small"]
    assert len(found["small"]) == 3
    assert all(seconds > 0 for seconds in found["small"])
    steps = 2 + 3 * bench_equal_cost.STEPS
    assert int(small.optimizer.iterations) == steps


def test_the_network_of_a_variant_is_built():
    wide = bench_equal_cost.build(find("mobilenet"), "wide")
    narrow = bench_equal_cost.build(find("mobilenet"), "narrow")
    assert wide.count_params() > narrow.count_params()
