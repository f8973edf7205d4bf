"""P7, P8, P9: the moons, the perceptron's loss, and what a line can and cannot do (N35)."""

import keras
import numpy as np
import pytest

from recipes.common.arrays import to_numpy
from recipes.perceptrons import double_moon as recipe


@pytest.mark.parametrize("distance", [1, -4])
def test_moons(distance):
    points, labels = recipe.moons(4000, distance, seed=0)
    upper, lower = points[labels[:, 0] == 1], points[labels[:, 0] == 0]
    assert len(upper) == len(lower) == 2000
    for moon, center in ((upper, [0, 0]), (lower, [10, -distance])):
        radius = np.linalg.norm(moon - center, axis=1)
        assert (radius.min(), radius.max()) == pytest.approx((7, 13), abs=0.05)
    assert upper[:, 1].min() >= 0
    assert lower[:, 1].max() <= -distance
    assert (upper[:, 1].min() > lower[:, 1].max()) == (distance > 0)


def test_same_points_every_time_and_none_in_two_sets():
    first, again = (to_numpy(recipe.load_data()[1]) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    train, validation, test = (
        {tuple(point) for point in to_numpy(data)[0]} for data in recipe.load_data()
    )
    assert (len(train), len(validation), len(test)) == (1000, 1000, 2000)
    assert len(train | validation | test) == 4000


@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize("point", [[3.0, -8.0], [12.0, 5.0], [-9.0, 0.5]])
def test_a_step_on_one_example_is_rosenblatts_rule(point, label):
    model = recipe.build_model("perceptron")
    point, label = np.array([point], "float32"), np.array([[label]], "float32")
    kernel, bias = model.get_weights()
    s = (point / 10 @ kernel + bias)[0, 0]
    mistake = label[0, 0] - float(s >= 0)
    model.train_on_batch(point, label)
    after, bias_after = model.get_weights()
    assert after - kernel == pytest.approx(mistake * point.T / 10, abs=1e-6)
    assert bias_after - bias == pytest.approx(mistake, abs=1e-6)


def test_perceptron_loss_counts_mistakes_by_their_size():
    labels, s = np.array([[1.0], [1.0], [0.0], [0.0]]), np.array([[2.0], [-0.5], [-3.0], [0.25]])
    assert np.asarray(recipe.perceptron_loss(labels, s)).tolist() == [0, 0.5, 0, 0.25]


def test_what_least_squares_can_do():
    errors = {}
    for distance in (1, -4):
        weights = recipe.least_squares(*recipe.moons(1000, distance, seed=1))
        points, labels = recipe.moons(100_000, distance, seed=2)
        errors[distance] = np.mean((points @ weights[:2] + weights[2] > 0) != labels[:, 0])
    assert 0.002 < errors[1] < 0.01
    assert 0.08 < errors[-4] < 0.13


def test_a_line_between_the_moons_apart_and_none_between_the_others():
    points, labels = recipe.moons(4000, 1, seed=0)
    assert ((points[:, 1] > -0.5) == labels[:, 0]).all()
    rng = np.random.default_rng(0)
    points, labels = recipe.moons(4000, -4, seed=0)
    angle = rng.uniform(0, 2 * np.pi, 300)
    # For each direction, the best place for a line.
    heights = points @ np.stack([np.cos(angle), np.sin(angle)])
    order = np.argsort(heights, axis=0)
    above = labels[:, 0][order] == 1
    right = np.cumsum(~above, axis=0) + above.sum(0) - np.cumsum(above, axis=0)
    assert 1 - right.max() / len(points) > 0.08


def test_perceptron_has_three_parameters():
    assert recipe.build_model("perceptron").count_params() == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "low", "high"), [("apart", 0, 0.005), ("interlocked", 0.08, 1)]
)
def test_perceptron_on_both(variant, low, high):
    assert low <= 1 - trained(variant) < high


def test_hidden_layer_divides_the_interlocked_moons():
    assert trained("hidden_layer") > 0.995


def trained(variant):
    """Accuracy on the validation set."""
    keras.utils.set_random_seed(1)
    arguments = recipe.VARIANTS[variant]
    train, validation, _ = recipe.load_data(distance=arguments["distance"])
    model = recipe.build_model(network=arguments["network"])
    model.fit(train, epochs=recipe.EPOCHS, shuffle=False, verbose=0)
    return model.evaluate(validation, return_dict=True, verbose=0)["accuracy"]
