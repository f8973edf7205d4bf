import math

import numpy as np
import pytest

from layers.gan_monitor import GanMonitor, diagnose, quality_and_coverage, variety

GOOD = {"val_quality": 0.9, "val_variety": 1.0, "val_noise_accepted": 0.05}


def history(epochs=30, discriminator=1.35, generator=0.72, **others):
    """Each value a number, or a function of the epoch from 0 to 1."""
    values = {"discriminator_loss": discriminator, "generator_loss": generator, **GOOD, **others}
    way = np.linspace(0, 1, epochs)
    return {
        name: [value(t) if callable(value) else value for t in way]
        for name, value in values.items()
    }


def test_healthy_training_is_not_flagged():
    assert diagnose(history()) == {}
    assert (
        diagnose(
            history(
                val_quality=lambda t: min(0.9, 3 * t), val_noise_accepted=lambda t: 0.5 - 0.45 * t
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
        ("loss without end", {"generator": lambda t: 2 + 8 * t, "discriminator": 0.3}),
        ("generator does not learn", {"discriminator": 0.02, "generator": 4.0}),
        (
            "discriminator does not learn",
            {"discriminator": 1.386, "val_noise_accepted": 0.5, "val_quality": 0.0},
        ),
        ("mode collapse", {"discriminator": 1.2, "generator": 0.9, "val_variety": 0.2}),
        ("poor copies", {"discriminator": 0.4, "generator": 2.5, "val_quality": 0.1}),
        ("not a number", {"generator": lambda t: 1.0 if t < 0.9 else math.nan}),
    ],
)
def test_each_failure_by_its_name(name, changed):
    assert list(diagnose(history(**changed))) == [name]


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"val_variety": 0.58}, ["mode collapse"]),
        ({"val_variety": 0.62}, []),
        ({"val_quality": 0.48}, ["poor copies"]),
        ({"val_quality": 0.52}, []),
        ({"val_variety": 0.1, "val_quality": 0.1}, ["mode collapse"]),
        ({"discriminator": 1.386, "val_noise_accepted": 0.27}, ["discriminator does not learn"]),
        ({"discriminator": 1.386, "val_noise_accepted": 0.23}, []),
        # it takes noise for real, but tells the generator's examples from real ones
        ({"discriminator": 0.9, "val_noise_accepted": 0.9}, []),
        ({"discriminator": 0.09}, ["generator does not learn"]),
        ({"discriminator": 0.11}, []),
        # rises, but not far; far, but not to the end; far and to the end
        ({"discriminator": 0.9, "generator": lambda t: 0.7 + 3 * t}, []),
        ({"discriminator": 0.9, "generator": lambda t: min(5.0, 2 + 9 * t)}, []),
        ({"discriminator": 0.9, "generator": lambda t: 2 + 3 * t}, ["loss without end"]),
    ],
)
def test_where_a_failure_begins(changed, names):
    assert list(diagnose(history(**changed))) == names


def test_losses_of_a_collapsed_training_are_those_of_a_healthy_one():
    """G6: by the losses alone nothing is wrong; what betrays it is that the examples are all alike."""
    collapsed = history(val_variety=0.1)
    assert list(diagnose(collapsed)) == ["mode collapse"]
    losses = ("discriminator_loss", "generator_loss")
    assert diagnose({name: collapsed[name] for name in losses}) == {}


def test_too_short_for_a_judgement():
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
        == "Epoch 3: generator does not learn (the discriminator's loss is 0.01: it knows all)"
    )
    assert len(lines) == 2
    assert lines[1].endswith("generator does not learn: over")


def test_quality_and_coverage_against_numpy():
    rng = np.random.default_rng(0)
    real, generated = (
        rng.normal(size=(40, 2)).astype("float32"),
        rng.normal(0.5, 1.5, (40, 2)).astype("float32"),
    )
    distance = lambda a, b: np.linalg.norm(a[:, None] - b[None], axis=-1)  # noqa: E731
    reach = np.sort(distance(real, real), axis=1)[:, 3]
    around = distance(real, generated) <= reach[:, None]
    found = [float(value) for value in quality_and_coverage(real, generated)]
    assert found == pytest.approx([around.any(0).mean(), around.any(1).mean()])


def test_measures_of_equals_of_one_point_and_of_noise():
    rng = np.random.default_rng(0)
    real, equal = rng.normal(size=(2, 1000, 2)).astype("float32")
    one, far = np.tile(real[:1], (1000, 1)), rng.uniform(50, 60, (1000, 2)).astype("float32")
    quality, coverage = (float(value) for value in quality_and_coverage(real, equal))
    assert quality > 0.95
    assert coverage == pytest.approx(1 - 2**-3, abs=0.04)
    assert [float(value) for value in quality_and_coverage(real, one)] == pytest.approx(
        [1, 0.0], abs=0.02
    )
    assert [float(value) for value in quality_and_coverage(real, far)] == [0, 0]
    assert float(variety(real, equal)) == pytest.approx(1, abs=0.1)
    assert float(variety(real, one)) == pytest.approx(0, abs=1e-5)
    assert float(variety(real, 3 * equal)) == pytest.approx(3, abs=0.3)
