"""G6–G11: the turns of the two players, and each failure by its name."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.gans import gan_failures as recipe
from recipes.gans.gan_failures import GanMonitor, diagnose
from tests.recipes.sixteen_bits import ratios_in_float16

NAMES = {
    "healthy": None,
    "unbounded_loss": "unbounded loss",
    "mode_collapse": "mode collapse",
    "weak_discriminator": "discriminator does not learn",
    "weak_generator": "generator does not learn",
    "more_steps": None,
    "low_quality_samples": "low-quality samples",
}


def test_parameters_without_hidden_layers():
    assert recipe.build_model((0, 64)).discriminator.count_params() == 3
    assert recipe.build_model((64, 0)).generator.count_params() == 2 * 8 + 2


@pytest.mark.parametrize("steps", [1, 3])
def test_networks_take_turns(steps):
    model = recipe.build_model(generator_steps=steps)
    before = [weight.numpy() for weight in model.trainable_weights]
    model.train_step((tf.constant(recipe.sample_mixture(16, seed=0)),))
    assert int(model.optimizer.iterations) == 1
    assert int(model.generator_optimizer.iterations) == steps
    assert all(
        np.any(w.numpy() != old) for w, old in zip(model.trainable_weights, before, strict=True)
    )


def test_generator_that_stands_still_leaves_the_discriminator_to_learn():
    model = recipe.build_model(generator_rate=1e-30)
    d, g = model.discriminator.get_weights(), model.generator.get_weights()
    model.train_step((tf.constant(recipe.sample_mixture(16, seed=0)),))
    assert any(np.any(a != b) for a, b in zip(d, model.discriminator.get_weights(), strict=True))
    for old, new in zip(g, model.generator.get_weights(), strict=True):
        np.testing.assert_allclose(old, new, atol=1e-12)


def test_minimax_loss_and_plain_gradient_descent():
    """log(1 − D(G(z))) where D says one half: −log 2."""
    model = recipe.build_model((0, 64), minimax=True, learning_rate=1e-30)
    model.discriminator.set_weights([0 * weight for weight in model.discriminator.get_weights()])
    logs = model.train_step((tf.constant(recipe.sample_mixture(16, seed=0)),))
    assert float(logs["generator_loss"]) == pytest.approx(-np.log(2), abs=1e-5)
    assert isinstance(model.generator_optimizer, keras.optimizers.SGD)


def test_both_optimizers_are_saved(tmp_path):
    model = recipe.build_model()
    points = tf.constant(recipe.sample_mixture(16, seed=0))
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


GOOD = {"val_precision": 0.9, "val_diversity": 1.0, "val_noise_accepted": 0.05}


def history(epochs=30, discriminator=1.35, generator=0.72, **others):
    """Each value a number, or a function of the epoch from 0 to 1."""
    values = {"discriminator_loss": discriminator, "generator_loss": generator, **GOOD, **others}
    times = np.linspace(0, 1, epochs)
    return {
        name: [value(t) if callable(value) else value for t in times]
        for name, value in values.items()
    }


def test_healthy_training_is_not_flagged():
    assert diagnose(history()) == {}
    assert (
        diagnose(
            history(
                val_precision=lambda t: min(0.9, 3 * t), val_noise_accepted=lambda t: 0.5 - 0.45 * t
            )
        )
        == {}
    )
    assert (
        diagnose(
            history(
                generator=lambda t: 1 + 0.4 * math.sin(40 * t),
                discriminator=lambda t: 1.1 + 0.2 * t,
            )
        )
        == {}
    )


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("unbounded loss", {"generator": lambda t: 2 + 8 * t, "discriminator": 0.3}),
        ("generator does not learn", {"discriminator": 0.02, "generator": 4.0}),
        (
            "discriminator does not learn",
            {"discriminator": 1.386, "val_noise_accepted": 0.5, "val_precision": 0.0},
        ),
        ("mode collapse", {"discriminator": 1.2, "generator": 0.9, "val_diversity": 0.2}),
        ("low-quality samples", {"discriminator": 0.4, "generator": 2.5, "val_precision": 0.1}),
        ("not a number", {"generator": lambda t: 1.0 if t < 0.9 else math.nan}),
    ],
)
def test_each_failure_by_its_name(name, changed):
    assert list(diagnose(history(**changed))) == [name]


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"val_diversity": 0.58}, ["mode collapse"]),
        ({"val_diversity": 0.62}, []),
        ({"val_precision": 0.48}, ["low-quality samples"]),
        ({"val_precision": 0.52}, []),
        ({"val_diversity": 0.1, "val_precision": 0.1}, ["mode collapse"]),
        ({"discriminator": 1.386, "val_noise_accepted": 0.27}, ["discriminator does not learn"]),
        ({"discriminator": 1.386, "val_noise_accepted": 0.23}, []),
        # it takes noise for real, but tells samples from real points
        ({"discriminator": 0.9, "val_noise_accepted": 0.9}, []),
        ({"discriminator": 0.09}, ["generator does not learn"]),
        ({"discriminator": 0.11}, []),
        # rises, but not far; far, but not to the end; far and to the end
        ({"discriminator": 0.9, "generator": lambda t: 0.7 + 3 * t}, []),
        ({"discriminator": 0.9, "generator": lambda t: min(5.0, 2 + 9 * t)}, []),
        ({"discriminator": 0.9, "generator": lambda t: 2 + 3 * t}, ["unbounded loss"]),
    ],
)
def test_where_a_failure_begins(changed, names):
    assert list(diagnose(history(**changed))) == names


def test_losses_of_a_collapsed_training_are_those_of_a_healthy_one():
    """G6: by the losses alone nothing is wrong; the missing diversity of samples reveals it."""
    collapsed = history(val_diversity=0.1)
    assert list(diagnose(collapsed)) == ["mode collapse"]
    losses = ("discriminator_loss", "generator_loss")
    assert diagnose({name: collapsed[name] for name in losses}) == {}


def test_too_short_for_a_diagnosis():
    assert diagnose(history(epochs=2, discriminator=0.01)) == {}


def test_monitor_says_it_once_and_when_it_is_over(capsys):
    monitor = GanMonitor(patience=3)
    monitor.on_train_begin()
    for epoch in range(24):
        loss = 0.01 if epoch < 9 else 1.3
        monitor.on_epoch_end(epoch, {"discriminator_loss": loss, "generator_loss": 0.7})
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[0]
        == "Epoch 3: generator does not learn (the discriminator's loss is 0.01: it is never wrong)"
    )
    assert len(lines) == 2
    assert lines[1].endswith("generator does not learn: over")


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


def test_a_step_in_float16_moves_the_weights_about_as_far():
    """Keras scales the gradients back: the loss has to be scaled first."""
    train, _, _ = recipe.load_data()
    ratios = ratios_in_float16(recipe.build_model, train)
    assert np.all((ratios > 0.5) & (ratios < 2)), ratios
