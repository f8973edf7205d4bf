"""Dropout by hand beside Keras' own; the full network as a mean of all thinned ones; statistics."""

import itertools

import keras
import numpy as np
import pytest

from recipes.training.figures import dropout as figures


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_share_and_mean_are_kept(rate):
    ones = np.ones((1000, 200), "float32")
    by_keras = keras.layers.Dropout(rate, seed=0)(ones, training=True).numpy()
    by_hand = figures.thin(
        ones, figures.sample_mask(ones.shape, rate, np.random.default_rng(0)), rate
    )
    for dropped in (by_hand, by_keras):
        assert np.mean(dropped > 0) == pytest.approx(1 - rate, abs=0.01)
        assert dropped.mean() == pytest.approx(1, abs=0.02)
        assert dropped.max() == pytest.approx(1 / (1 - rate), rel=1e-5)


@pytest.mark.slides
def test_the_slides_example_keeps_six_and_three_units():
    rng = np.random.default_rng(0)
    for units, kept in ((64, 6.4), (32, 3.2)):
        masks = figures.sample_mask((5000, units), 0.9, rng)
        assert masks.sum(axis=1).mean() == pytest.approx(kept, abs=0.1)


def test_the_full_network_is_the_geometric_mean_of_all_thinned_ones():
    rng = np.random.default_rng(0)
    hidden, kernel, bias = rng.random(8), rng.normal(size=(8, 3)), rng.normal(size=3)

    def softmax(logits):
        return np.exp(logits) / np.exp(logits).sum()

    thinned = []
    for mask in itertools.product((0, 1), repeat=8):
        thinned.append(softmax(figures.thin(hidden, np.array(mask), 0.5) @ kernel + bias))
    geometric = np.exp(np.log(thinned).mean(axis=0))
    full = softmax(hidden @ kernel + bias)
    np.testing.assert_allclose(geometric / geometric.sum(), full, rtol=1e-12)
    assert np.abs(np.mean(thinned, axis=0) - full).max() > 1e-3, "the arithmetic mean is not"


def test_errors_of_the_mean_of_the_first_passes():
    passes = np.array(  # (passes, images, classes)
        [
            [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]],
            [[0.2, 0.8], [0.1, 0.9], [0.1, 0.9]],
            [[0.3, 0.7], [0.9, 0.1], [0.9, 0.1]],
        ]
    )
    # The means answer 0, 0, 1; then 0, 1, 1; then 1.4 against 1.6: 1, 0, 1.
    labels = np.array([0, 1, 1])
    assert figures.errors_of_means(passes, labels) == pytest.approx([1 / 3, 0, 2 / 3])


def test_images_by_agreement_and_their_answers():
    sure, unsure = [[0.0, 0.0, 1.0]] * 4, [[0.6, 0.4, 0], [0, 0.6, 0.4], [0.1, 0.9, 0], [0, 0, 1.0]]
    wavering = [[0.5, 0.3, 0.2], [0.4, 0.3, 0.3], [0.5, 0.3, 0.2], [0.3, 0.4, 0.3]]
    passes = np.array([unsure, sure, wavering]).swapaxes(0, 1)  # (passes, images, classes)
    assert figures.by_agreement(passes).tolist() == [1, 2, 0]
    said = [figures.count_answers(passes[:, index]) for index in range(3)]
    assert said == ["1: 2, 0: 1", "2: 4", "0: 3, 1: 1"]


def test_crosses_are_units_that_are_off():
    figure, axis = figures.plt.subplots()
    figures.plot_network(axis, [np.array([True, True]), np.array([True, False, False])])
    crosses = [line for line in axis.lines if line.get_marker() == "x"]
    assert [len(line.get_xdata()) for line in crosses] == [0, 2]
    connections = [line for line in axis.lines if line.get_marker() == "None"]
    assert sorted(line.get_ydata().tolist() for line in connections) == [[-0.5, -1.0], [0.5, -1.0]]
    figures.plt.close(figure)
