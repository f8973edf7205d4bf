"""G4, G8: the mixture and its metrics; mode collapse and its remedy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.gans import gan_toy as recipe


def scores(points):
    values = recipe.mode_metrics(points.astype("float32"))
    return {name: float(value) for name, value in values.items()}


def test_scores_of_the_mixture_of_one_mode_and_of_noise():
    mixture = scores(recipe.sample_mixture(20_000, seed=5))
    # Three deviations in the plane.
    assert mixture["high_quality_samples"] == pytest.approx(1 - np.exp(-4.5), abs=0.003)
    assert mixture["modes"] == 8
    assert 0.97 < mixture["mode_coverage"] < mixture["high_quality_samples"]
    one = scores(np.tile(recipe.CENTERS[:1], (100, 1)))
    assert one == pytest.approx({"mode_coverage": 1 / 8, "modes": 1, "high_quality_samples": 1})
    noise = scores(np.random.default_rng(0).uniform(-1.5, 1.5, (20_000, 2)))
    assert noise["high_quality_samples"] == pytest.approx(8 * np.pi * 0.15**2 / 9, rel=0.1)


def test_end_of_the_game():
    """N51: a discriminator that says one half everywhere has the loss log 4, whatever G does."""
    model = recipe.build_model(minibatch_statistics=False)
    model.discriminator.set_weights([0 * weight for weight in model.discriminator.get_weights()])
    data = tf.data.Dataset.from_tensor_slices((recipe.sample_mixture(100, seed=1),)).batch(50)
    found = model.evaluate(data, return_dict=True, verbose=0)
    assert found["discriminator_loss"] == pytest.approx(np.log(4), abs=1e-6)
    assert found["generator_loss"] == pytest.approx(np.log(2), abs=1e-6)
    assert set(found) == {
        "discriminator_loss",
        "generator_loss",
        "mode_coverage",
        "modes",
        "high_quality_samples",
    }


def test_the_rest_of_the_batch_counts_with_statistics_only():
    points = recipe.sample_mixture(10, seed=1)
    others = np.concatenate([points[:1], 0 * points[1:]])
    for statistics in (True, False):
        model = recipe.build_model(statistics)
        difference = abs(float(model(points)[0, 0] - model(others)[0, 0]))
        assert (difference > 1e-4) == statistics


def test_snapshot_and_save(tmp_path):
    model = recipe.build_model()
    samples, probabilities = recipe.snapshot(model)
    assert (samples.shape, probabilities.shape) == ((400, 2), (31, 31))
    assert 0 < probabilities.min() < probabilities.max() < 1
    model(recipe.sample_mixture(2, seed=1))
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    again = recipe.snapshot(keras.saving.load_model(tmp_path / "model.keras"))
    np.testing.assert_allclose(again[0], samples, atol=1e-5)
    np.testing.assert_allclose(again[1], probabilities, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_collapse_and_remedy(seed):
    """G8: at most two modes for `plain`, at least seven where D sees the batch."""
    modes = {}
    for name, arguments in recipe.VARIANTS.items():
        keras.utils.set_random_seed(seed)
        train, _, test = recipe.load_data()
        model = recipe.build_model(**arguments)
        model.fit(train, epochs=recipe.EPOCHS, shuffle=False, verbose=0)
        modes[name] = model.evaluate(test, return_dict=True, verbose=0)["modes"]
    assert modes["plain"] <= 2
    assert min(modes["minibatch_statistics"], modes["low_momentum"]) >= 7
