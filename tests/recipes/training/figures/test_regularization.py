"""Networks side by side, the minimum between too weak and too strong, what early stopping saves."""

import keras
import numpy as np
import pytest

from recipes.training import regularization as recipe
from recipes.training.figures import regularization as figures


def test_networks_side_by_side_are_those_of_dense_layers():
    side_by_side = figures.dense_side_by_side(4, [0.1, 0, 0], [0, 0.2, 0.3], activation="tanh")
    inputs = np.random.default_rng(0).normal(size=(5, 3, 2)).astype("float32")
    together = keras.ops.convert_to_numpy(side_by_side(inputs))
    (loss,) = side_by_side.losses
    expected = 0
    for index, (l1, l2) in enumerate([(0.1, 0), (0, 0.2), (0, 0.3)]):
        penalty = keras.regularizers.L1L2(l1, l2)
        dense = keras.layers.Dense(4, activation="tanh", kernel_regularizer=penalty)
        dense.build((None, 2))
        dense.set_weights([side_by_side.kernel.numpy()[index], side_by_side.bias.numpy()[index]])
        np.testing.assert_allclose(together[:, index], dense(inputs[:, index]), atol=1e-6)
        expected += float(dense.losses[0]) / 3
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_error_on_new_points_has_its_minimum_between_too_weak_and_too_strong():
    keras.utils.set_random_seed(1)
    strengths = figures.STRENGTHS[[0, 3, 4, 6, 7]]
    new_points = recipe.sample_moons(1000, 1)
    seen, new, squares = figures.sweep(new_points, epochs=40, strengths=strengths)
    for penalty in range(2):
        errors = new[penalty].mean(axis=1)
        assert errors.argmin() in (1, 2, 3)
        assert errors.min() < min(errors[0], errors[-1]) - 0.015
        assert seen[penalty, 0].mean() < 0.03 < errors[0] - 0.1  # too weak: learned by heart
        assert (np.diff(squares[penalty].mean(axis=1)) < 0).all()
        assert figures.least_error(new[penalty], strengths) == strengths[errors.argmin()]


def test_sum_of_squares_leaves_out_biases():
    kernel, bias = np.array([[1.0, -2.0], [3.0, 0.0]]), np.array([10.0, 10.0])
    assert figures.sum_of_squares([kernel, bias, np.array([[4.0]])]) == 30


def test_early_stopping_beats_the_last_epoch():
    keras.utils.set_random_seed(0)
    model, history, weights = figures.train_to_the_end(epochs=25)
    best = int(np.argmin(history["val_loss"])) + 1
    assert 1 < best < 25
    points, labels = recipe.sample_moons(4000, 2)
    new = {}
    for epoch in (best, 25):
        model.set_weights(weights[epoch])
        new[epoch] = model.evaluate(points, labels, verbose=0, return_dict=True)["loss"]
    assert new[best] < new[25] - 0.1

    # It begins nearly linear: a plane explains the output before the sigmoid, but not in the end.
    explained = {}
    for epoch in (0, 25):
        model.set_weights(weights[epoch])
        p = model.predict_on_batch(points).astype("float64").clip(1e-6, 1 - 1e-6)
        logits = np.log(p / (1 - p))[:, 0]
        plane = np.column_stack([points, np.ones(len(points))])
        residual = logits - plane @ np.linalg.lstsq(plane, logits)[0]
        explained[epoch] = 1 - residual.var() / logits.var()
    assert explained[0] > 0.9 > 0.85 > explained[25]
