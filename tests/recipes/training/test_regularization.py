"""Penalties to the last digit, the minimum between too weak and too strong, and what early stopping saves."""

import keras
import numpy as np
import pytest

from recipes.training import regularization as recipe


def test_penalties_of_the_slide():
    weights = np.array([0.5, -1.5, 2.0])
    assert float(keras.regularizers.L2(0.01)(weights)) == pytest.approx(0.065)
    assert float(keras.regularizers.L1(0.01)(weights)) == pytest.approx(0.04)


@pytest.mark.parametrize(("name", "power"), [("l2", 2), ("l1", 1)])
def test_the_cost_grows_by_the_penalty_exactly(name, power):
    inputs, labels = recipe.points(50, 0)
    plain, penalised = recipe.build_model(), recipe.build_model(**{name: 0.01})
    penalised.set_weights(plain.get_weights())
    kernels = [weight for weight in plain.get_weights() if weight.ndim == 2]
    expected = 0.01 * sum(np.sum(np.abs(kernel) ** power) for kernel in kernels)
    losses = [
        model.evaluate(inputs, labels, verbose=0, return_dict=True)["loss"]
        for model in (plain, penalised)
    ]
    assert losses[1] - losses[0] == pytest.approx(expected, rel=1e-4)
    assert plain.count_params() == 1_185


def test_networks_side_by_side_are_those_of_dense_layers():
    side_by_side = recipe.dense_side_by_side(4, [0.1, 0, 0], [0, 0.2, 0.3], activation="tanh")
    inputs = np.random.default_rng(0).normal(size=(5, 3, 2)).astype("float32")
    together = keras.ops.convert_to_numpy(side_by_side(inputs))
    (loss,) = side_by_side.losses
    expected = 0
    for index, (l1, l2) in enumerate([(0.1, 0), (0, 0.2), (0, 0.3)]):
        dense = keras.layers.Dense(
            4, activation="tanh", kernel_regularizer=keras.regularizers.L1L2(l1, l2)
        )
        dense.build((None, 2))
        dense.set_weights([side_by_side.kernel.numpy()[index], side_by_side.bias.numpy()[index]])
        np.testing.assert_allclose(together[:, index], dense(inputs[:, index]), atol=1e-6)
        expected += float(dense.losses[0]) / 3
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_error_on_validation_has_its_minimum_between_too_weak_and_too_strong():
    keras.utils.set_random_seed(1)
    strengths = recipe.STRENGTHS[[0, 3, 4, 6, 7]]
    seen, new, weights = recipe.sweep(recipe.points(1000, 1), epochs=40, strengths=strengths)
    for penalty in range(2):
        errors = new[penalty].mean(axis=1)
        assert errors.argmin() in (1, 2, 3)
        assert errors.min() < min(errors[0], errors[-1]) - 0.015
        assert seen[penalty, 0].mean() < 0.03 < errors[0] - 0.1  # too weak: learnt by heart
        assert (np.diff(weights[penalty].mean(axis=1)) < 0).all()


def test_early_stopping_beats_the_last_epoch():
    keras.utils.set_random_seed(0)
    model, history, weights = recipe.train_to_the_end(epochs=25)
    losses = history["val_loss"]
    best = int(np.argmin(losses)) + 1
    assert 1 < best < 25
    inputs, labels = recipe.points(4000, 2)
    new = {}
    for epoch in (best, 25):
        model.set_weights(weights[epoch])
        new[epoch] = model.evaluate(inputs, labels, verbose=0, return_dict=True)["loss"]
    assert new[best] < new[25] - 0.1

    # It begins nearly linear: a plane explains the output before the sigmoid, but not in the end.
    explained = {}
    for epoch in (0, 25):
        model.set_weights(weights[epoch])
        p = model.predict_on_batch(inputs).astype("float64").clip(1e-6, 1 - 1e-6)
        logits = np.log(p / (1 - p))[:, 0]
        plane = np.column_stack([inputs, np.ones(len(inputs))])
        residual = logits - plane @ np.linalg.lstsq(plane, logits)[0]
        explained[epoch] = 1 - residual.var() / logits.var()
    assert explained[0] > 0.9 > 0.85 > explained[25]


def test_dropout_and_noise_are_off_outside_training():
    inputs, _ = recipe.points(20, 0)
    model = recipe.build_model(dropout=0.5, noise=0.5)
    np.testing.assert_array_equal(model(inputs), model(inputs))
    assert np.abs(np.asarray(model(inputs, training=True)) - model(inputs)).max() > 0.01
