"""Three steps of every optimizer by hand, as the papers say, and what the three surfaces show."""

import keras
import numpy as np
import pytest

from recipes.training import optimizers as recipe

START = np.array([0.5, -2.0])
GRADIENTS = [np.array([0.3, -1.0]), np.array([0.2, 4.0]), np.array([-0.7, 0.001])]
RATE = 0.1


def sgd(w):
    for g in GRADIENTS:
        w = w - RATE * g
    return w


def momentum(w, beta=0.9):
    v = 0
    for g in GRADIENTS:
        v = beta * v - RATE * g
        w = w + v
    return w


def nesterov(w, beta=0.9):
    v = 0
    for g in GRADIENTS:
        v = beta * v - RATE * g
        w = w + beta * v - RATE * g
    return w


def adagrad(w, epsilon=1e-7):
    a = 0.1
    for g in GRADIENTS:
        a = a + g**2
        w = w - RATE * g / np.sqrt(a + epsilon)
    return w


def adadelta(w, rho=0.95, epsilon=1e-7):
    a = b = 0
    for g in GRADIENTS:
        a = rho * a + (1 - rho) * g**2
        d = np.sqrt(b + epsilon) / np.sqrt(a + epsilon) * g
        b = rho * b + (1 - rho) * d**2
        w = w - RATE * d
    return w


def rmsprop(w, rho=0.9, epsilon=1e-7):
    a = 0
    for g in GRADIENTS:
        a = rho * a + (1 - rho) * g**2
        w = w - RATE * g / np.sqrt(a + epsilon)
    return w


def adam_direction(m, a, t, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """Keras adds ε to the square root before its correction: a factor on ε of √(1 − β₂ᵗ)."""
    return m / (1 - beta_1**t) / (np.sqrt(a / (1 - beta_2**t)) + epsilon / np.sqrt(1 - beta_2**t))


def adam(w, decay=0.0):
    m = a = 0
    for t, g in enumerate(GRADIENTS, start=1):
        m, a = 0.9 * m + 0.1 * g, 0.999 * a + 0.001 * g**2
        w = w - RATE * decay * w
        w = w - RATE * adam_direction(m, a, t)
    return w


def adamw(w):
    return adam(w, decay=0.004)


def nadam(w, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    def mu(t):
        return beta_1 * (1 - 0.5 * 0.96**t)

    m = a = 0
    product = 1
    for t, g in enumerate(GRADIENTS, start=1):
        product = product * mu(t)
        m, a = beta_1 * m + (1 - beta_1) * g, beta_2 * a + (1 - beta_2) * g**2
        ahead = mu(t + 1) * m / (1 - product * mu(t + 1)) + (1 - mu(t)) * g / (1 - product)
        w = w - RATE * ahead / (np.sqrt(a / (1 - beta_2**t)) + epsilon)
    return w


def adamax(w, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = u = 0
    for t, g in enumerate(GRADIENTS, start=1):
        m, u = beta_1 * m + (1 - beta_1) * g, np.maximum(beta_2 * u, np.abs(g))
        w = w - RATE / (1 - beta_1**t) * m / (u + epsilon)
    return w


def schedule_free(w, beta_1=0.9, beta_2=0.999, epsilon=1e-8, too_late=True):
    """Keras 3.15 on TensorFlow takes x from w and a moved z (`too_late`); the paper keeps x."""
    z = x = w
    a = 0
    for t, g in enumerate(GRADIENTS, start=1):
        a = beta_2 * a + (1 - beta_2) * g**2
        z = z - RATE * g / (np.sqrt(a / (1 - beta_2**t)) + epsilon)
        if too_late:
            x = (w - (1 - beta_1) * z) / beta_1
        x = (1 - 1 / t) * x + z / t
        w = (1 - beta_1) * z + beta_1 * x
    return w


def lion(w, beta_1=0.9, beta_2=0.99):
    m = 0
    for g in GRADIENTS:
        w = w - RATE * np.sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g
    return w


def ftrl(w):
    """Without penalties, each step minimizes the summed linearized losses: w = −z / (√a / η)."""
    a, z = 0.1, 0
    for g in GRADIENTS:
        z = z + g - (np.sqrt(a + g**2) - np.sqrt(a)) / RATE * w
        a = a + g**2
        w = -z * RATE / np.sqrt(a)
    return w


def lamb(w):
    m = a = 0
    for t, g in enumerate(GRADIENTS, start=1):
        m, a = 0.9 * m + 0.1 * g, 0.999 * a + 0.001 * g**2
        direction = m / (1 - 0.9**t) / (np.sqrt(a / (1 - 0.999**t)) + 1e-7)
        w = w - RATE * np.linalg.norm(w) / np.linalg.norm(direction) * direction
    return w


def rms(values):
    return np.sqrt(np.mean(values**2))


def adafactor(w):
    a = 0
    for t, g in enumerate(GRADIENTS, start=1):
        a = (1 - t**-0.8) * a + t**-0.8 * g**2
        direction = g / np.sqrt(a)
        w = w - max(1e-3, rms(w)) * min(RATE, t**-0.5) * direction / max(1, rms(direction))
    return w


def muon(w, beta=0.95):
    """Only the length of a 1 × 2 matrix can be orthogonalized: five times the quintic, from 1."""
    m = 0
    for g in GRADIENTS:
        m = beta * m + g
        ahead = g + beta * m
        length = 1
        for _ in range(5):
            length = 3.4445 * length - 4.7750 * length**3 + 2.0315 * length**5
        w = w - RATE * 0.004 * w
        w = w - RATE * 0.2 * np.sqrt(2) * length * ahead / np.linalg.norm(ahead)
    return w


BY_HAND = {
    "SGD": sgd,
    "momentum": momentum,
    "Nesterov": nesterov,
    "Adagrad": adagrad,
    "Adadelta": adadelta,
    "RMSprop": rmsprop,
    "Adam": adam,
    "AdamW": adamw,
    "Nadam": nadam,
    "Adamax": adamax,
    "ScheduleFreeAdamW": schedule_free,
    "Lion": lion,
    "Ftrl": ftrl,
    "Lamb": lamb,
    "Adafactor": adafactor,
    "Muon": muon,
}


def by_keras(name, rate=RATE, gradients=GRADIENTS):
    optimizer = (recipe.SLIDES | recipe.OTHERS)[name](rate)
    variable = keras.Variable(START[None] if name in recipe.BY_VARIABLE else START, dtype="float32")
    for gradient in gradients:
        optimizer.apply(
            [keras.ops.reshape(keras.ops.convert_to_tensor(gradient, "float32"), variable.shape)],
            [variable],
        )
    return np.ravel(variable.numpy())


@pytest.mark.parametrize("name", BY_HAND)
def test_three_steps_by_hand_equal_keras(name):
    np.testing.assert_allclose(
        by_keras(name), BY_HAND[name](START), atol=2e-6
    )  # 1 − 0.999ᵗ in float32


def test_every_optimizer_of_keras_is_here():
    wrappers = {"LossScaleOptimizer", "MultiOptimizer", "Optimizer"}
    offered = {
        name
        for name, item in vars(keras.optimizers).items()
        if isinstance(item, type) and issubclass(item, keras.optimizers.Optimizer)
    } - wrappers
    used = {type(make(0.1)).__name__ for make in (recipe.SLIDES | recipe.OTHERS).values()}
    assert used == offered
    assert set(BY_HAND) == set(recipe.SLIDES | recipe.OTHERS)


@pytest.mark.slides
def test_momentum_must_be_asked_for():
    assert keras.optimizers.SGD().momentum == 0.0


def test_the_first_step_of_adam_is_the_rate_whatever_the_gradient():
    for size in (1e-3, 1.0, 1e3):
        moved = by_keras("Adam", gradients=[np.array([size, -size])]) - START
        assert moved == pytest.approx([-RATE, RATE], rel=0.01)
    tiny = by_keras("Adam", gradients=[np.array([1e-7, 1e-7])]) - START
    assert (np.abs(tiny) < 0.3 * RATE).all()  # near ε, less


@pytest.fixture(scope="module")
def medians():
    results = {}
    for name in ("SGD", "momentum", "RMSprop"):
        paths = recipe.descend(name)
        for index, surface in enumerate(("Ravine", "Saddle")):
            needed = recipe.steps_needed(paths[:, :, index], surface)
            results[name, surface] = np.median(needed, axis=1).min()
    return results


@pytest.mark.parametrize("surface", ["Ravine", "Saddle"])
def test_sgd_is_slower_than_momentum_and_rmsprop(medians, surface):
    assert medians["SGD", surface] <= recipe.STEPS
    assert medians["SGD", surface] > 2 * max(
        medians["momentum", surface], medians["RMSprop", surface]
    )


@pytest.mark.parametrize("name", ["SGD", "Nesterov", "RMSprop", "Nadam", "Muon"])
def test_exactly_on_the_ridge_nobody_leaves_the_saddle(name):
    starts = np.tile([0.2, 0.0], (3, 1, 1))
    path = recipe.descend(name, [0.1], starts, steps=100)[0, :, 1, 0]
    assert (path[:, 1] == 0).all()
    assert path[-1, 0] == pytest.approx(1, abs=0.2)


def test_walks_are_those_of_single_points():
    starts = recipe.sample_starts(3)
    together = recipe.descend("Adam", [0.1], starts, steps=20)[0]
    for index in range(3):
        alone = recipe.descend("Adam", [0.1], starts[:, index : index + 1], steps=20)[0]
        np.testing.assert_allclose(together[:, :, index : index + 1], alone, atol=1e-6)


def test_minima():
    assert (
        recipe.ravine(4, 1)
        == recipe.saddle(1, 1)
        == recipe.saddle(1, -1)
        == recipe.beale(3, 0.5)
        == 0
    )
    assert recipe.saddle(1, 0) == 1 / 40


def test_arriving_is_for_good_and_on_the_map():
    x = np.array(
        [[0, 4.0, 0, 4, 4], [0, 9, 4, 4, 4], [0, 1, 2, 3, 3]]
    )  # comes back once; leaves the map; never there
    path = np.stack([x, np.ones_like(x)], axis=-1)[:, :, None]
    assert recipe.steps_needed(path, "Ravine").tolist() == [[3], [5], [5]]
