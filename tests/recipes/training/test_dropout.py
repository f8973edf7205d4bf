"""Dropout by hand and Keras' own; the full network as a mean of all thinned ones."""

import itertools

import keras
import numpy as np
import pytest

from recipes.training import dropout as recipe


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_share_and_mean_are_kept(rate):
    ones = np.ones((1000, 200), "float32")
    by_keras = keras.layers.Dropout(rate, seed=0)(ones, training=True).numpy()
    for dropped in (recipe.drop(ones, rate, np.random.default_rng(0)), by_keras):
        assert np.mean(dropped > 0) == pytest.approx(1 - rate, abs=0.01)
        assert dropped.mean() == pytest.approx(1, abs=0.02)
        assert dropped.max() == pytest.approx(1 / (1 - rate), rel=1e-5)


def test_nothing_is_dropped_at_inference_nor_at_rate_0():
    values = np.random.default_rng(0).normal(size=(4, 10)).astype("float32")
    np.testing.assert_array_equal(keras.layers.Dropout(0.5)(values, training=False), values)
    np.testing.assert_array_equal(recipe.drop(values, 0, np.random.default_rng(0)), values)


def test_rate_1_leaves_nothing_to_learn_from():
    values = np.ones((4, 10), "float32")
    assert not np.asarray(keras.layers.Dropout(1.0)(values, training=True)).any()


def test_the_slides_example_keeps_six_and_three_units():
    rng = np.random.default_rng(0)
    for units, kept in ((64, 6.4), (32, 3.2)):
        mean = np.mean(
            [np.count_nonzero(recipe.drop(np.ones(units), 0.9, rng)) for _ in range(5000)]
        )
        assert mean == pytest.approx(kept, abs=0.1)


def test_the_full_network_is_the_geometric_mean_of_all_thinned_ones():
    rng = np.random.default_rng(0)
    hidden, kernel, bias = rng.random(8), rng.normal(size=(8, 3)), rng.normal(size=3)

    def softmax(logits):
        return np.exp(logits) / np.exp(logits).sum()

    thinned = [
        softmax(hidden * mask / 0.5 @ kernel + bias) for mask in itertools.product((0, 1), repeat=8)
    ]
    geometric = np.exp(np.log(thinned).mean(axis=0))
    np.testing.assert_allclose(
        geometric / geometric.sum(), softmax(hidden @ kernel + bias), rtol=1e-12
    )
    assert (
        np.abs(np.mean(thinned, axis=0) - softmax(hidden @ kernel + bias)).max() > 1e-3
    )  # the plain mean is not


@pytest.mark.parametrize(("units", "parameters"), [(256, 269_322), (32, 26_506), (1024, 1_863_690)])
def test_parameters(units, parameters):
    assert recipe.build_model(units=units).count_params() == parameters


def test_mean_of_thinned_passes_is_nearly_the_full_network():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 500)
    images = (60 * rng.random((500, 28, 28, 1))).astype("uint8")
    images[np.arange(500), 2 * labels + 4] += 50  # a bright row tells the class, in some noise
    model = recipe.build_model(units=64)
    history = model.fit(images[:300], labels[:300], epochs=40, batch_size=30, verbose=0).history
    new, truth = images[300:], labels[300:]
    passes = recipe.thinned_passes(model, new, 40)
    single = np.mean(passes.argmax(-1) == truth)
    mean, full = (
        np.mean(p.argmax(-1) == truth) for p in (passes.mean(axis=0), model.predict_on_batch(new))
    )
    assert abs(mean - full) < 0.02
    assert single < full - 0.02
    assert passes.std(axis=0).max() > 0.1
    assert (
        history["accuracy"][-1] < model.evaluate(images[:300], labels[:300], verbose=0)[1]
    )  # units are off
