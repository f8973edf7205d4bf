"""G6–G11: the turns of the two players, and each failure by its name."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers.gan_monitor import diagnose
from recipes.gans import gan_failures as recipe

NAMES = {
    "healthy": None,
    "loss_without_end": "loss without end",
    "mode_collapse": "mode collapse",
    "weak_discriminator": "discriminator does not learn",
    "weak_generator": "generator does not learn",
    "more_steps": None,
    "poor_copies": "poor copies",
}


def test_parameters():
    model = recipe.build_model()
    assert model.discriminator.count_params() + model.generator.count_params() == 9_283
    assert recipe.build_model((0, 64)).discriminator.count_params() == 3
    assert recipe.build_model((64, 0)).generator.count_params() == 2 * 8 + 2


@pytest.mark.parametrize("steps", [1, 3])
def test_players_take_turns(steps):
    model = recipe.build_model(generator_steps=steps)
    before = [weight.numpy() for weight in model.trainable_weights]
    model.train_step((tf.constant(recipe.ring(16, seed=0)),))
    assert int(model.optimizer.iterations) == 1
    assert int(model.generator_optimizer.iterations) == steps
    assert all(
        np.any(w.numpy() != old) for w, old in zip(model.trainable_weights, before, strict=True)
    )


def test_generator_that_stands_still_leaves_the_discriminator_to_learn():
    model = recipe.build_model(generator_rate=1e-30)
    d, g = model.discriminator.get_weights(), model.generator.get_weights()
    model.train_step((tf.constant(recipe.ring(16, seed=0)),))
    assert any(np.any(a != b) for a, b in zip(d, model.discriminator.get_weights(), strict=True))
    for old, new in zip(g, model.generator.get_weights(), strict=True):
        np.testing.assert_allclose(old, new, atol=1e-12)


def test_original_rule_is_plain_descent_of_the_game_itself():
    """log(1 − D(G(z))) where D says one half: −log 2."""
    model = recipe.build_model((0, 64), original=True, learning_rate=1e-30)
    model.discriminator.set_weights([0 * weight for weight in model.discriminator.get_weights()])
    logs = model.train_step((tf.constant(recipe.ring(16, seed=0)),))
    assert float(logs["generator_loss"]) == pytest.approx(-np.log(2), abs=1e-5)
    assert isinstance(model.generator_optimizer, keras.optimizers.SGD)


def test_both_optimizers_are_saved(tmp_path):
    model = recipe.build_model()
    points = tf.constant(recipe.ring(16, seed=0))
    model(points)
    for _ in range(2):
        model.train_step((points,))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for name in ("optimizer", "generator_optimizer"):
        pairs = zip(getattr(model, name).variables, getattr(again, name).variables, strict=True)
        for expected, found in pairs:
            np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-7)
    np.testing.assert_allclose(
        again.predict(points, verbose=0), model.predict(points, verbose=0), atol=1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", recipe.VARIANTS)
def test_monitor_names_the_failure_and_leaves_the_healthy_alone(name, seed):
    keras.utils.set_random_seed(seed)
    train, validation, _ = recipe.load_data()
    model = recipe.build_model(**recipe.VARIANTS[name])
    history = model.fit(
        train, validation_data=validation, epochs=recipe.EPOCHS, shuffle=False, verbose=0
    ).history
    found = diagnose(history)
    assert NAMES[name] in found if NAMES[name] else found == {}
