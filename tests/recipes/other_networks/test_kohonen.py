"""The map against MiniSom, step by step; both errors by hand; what the pictures count."""

import keras
import numpy as np
import pytest

from recipes.other_networks import kohonen as recipe
from recipes.other_networks.figures import kohonen as pictures
from tests.layers.conformance import check_model


def color_map(steps):
    """A map of 4 × 5 units for (3,) colors, untrained, and 120 colors of three kinds."""
    rng = np.random.default_rng(0)
    means = rng.integers(40, 216, (3, 3))
    colors = (means[rng.integers(0, 3, 120)] + rng.integers(-40, 40, (120, 3))).astype("uint8")
    keras.utils.set_random_seed(1)
    model = recipe.build_model(
        4, 5, first_radius=2.5, last_radius=1.0, steps=steps, input_shape=(3,)
    )
    return model, colors


def fit(model, colors, batch_size):
    labels = np.zeros(len(colors))
    return model.fit(colors, labels, batch_size=batch_size, shuffle=False, verbose=0).history


def minisom_of(model, steps):
    minisom = pytest.importorskip("minisom")
    reference = minisom.MiniSom(
        model.options["rows"],
        model.options["columns"],
        3,
        sigma=2.5,
        learning_rate=0.5,
        decay_function="linear_decay_to_zero",
        sigma_decay_function="linear_decay_to_one",
    )
    reference._weights = pictures.prototypes_on_grid(model).astype("float64")
    return reference


@pytest.mark.parametrize("batch_size", [1, 7])
def test_it_is_the_map_of_minisom(batch_size):
    """From the same prototypes, by the same examples in the same order; a batch has one radius."""
    steps = -(-120 // batch_size)
    model, colors = color_map(steps)
    reference = minisom_of(model, steps)
    before = reference.get_weights().copy()
    for number, color in enumerate(colors / 255):
        reference.update(color, reference.winner(color), number // batch_size, steps)
    fit(model, colors, batch_size)
    found = pictures.prototypes_on_grid(model)
    np.testing.assert_allclose(found, reference.get_weights(), atol=1e-5)
    assert np.abs(found - before).max() > 0.1
    # So are both errors, and where colors lie.
    scores = model.evaluate(colors, np.zeros(120), verbose=0, return_dict=True)
    vectors = colors / 255
    assert scores["quantization_error"] == pytest.approx(
        reference.quantization_error(vectors), abs=1e-5
    )
    assert scores["topographic_error"] == pytest.approx(reference.topographic_error(vectors))
    places = model.predict(colors, verbose=0)
    np.testing.assert_array_equal(places, [reference.winner(color) for color in vectors])


def test_one_step_by_hand():
    """Three units in a row; the third is nearest, and moves by half of the difference."""
    prototypes = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 2.0]], "float32")
    positions = recipe.grid_positions(1, 3)
    moved = recipe.learn(prototypes, np.array([4.0, 2.0], "float32"), positions, 0.5, 1.0)
    expected = [
        [0 + 4 * 0.5 * np.exp(-2), 0 + 2 * 0.5 * np.exp(-2)],
        [1 + 3 * 0.5 * np.exp(-0.5), 0 + 2 * 0.5 * np.exp(-0.5)],
        [3, 2],
    ]
    np.testing.assert_allclose(moved, expected, rtol=1e-6)


def test_errors_by_hand():
    """On a grid of 2 × 3, unit 1 is next to all others; 0 and 2 are apart; 0 and 4 touch."""
    positions = recipe.grid_positions(2, 3)
    assert positions.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    nearest = [(0, 1), (1, 5), (0, 4), (0, 2), (2, 3)]
    distances = np.full((5, 6), 9.0, "float32")
    for row, (best, second) in enumerate(nearest):
        distances[row, best] = row
        distances[row, second] = 5
    quantization, topographic = recipe.map_errors(distances, positions)
    np.testing.assert_allclose(quantization, np.sqrt([0, 1, 2, 3, 4]), rtol=1e-6)
    assert np.asarray(topographic).tolist() == [0, 0, 0, 1, 1]


def test_the_radius_unrolls_the_map():
    """Without neighbors prototypes fit as well, but lie anywhere."""
    model, colors = color_map(steps=120)
    fit(model, colors, 1)
    ordered = model.evaluate(colors, np.zeros(120), verbose=0, return_dict=True)
    alone = recipe.build_model(4, 5, 0.01, 0.01, steps=120, input_shape=(3,))
    fit(alone, colors, 1)
    scattered = alone.evaluate(colors, np.zeros(120), verbose=0, return_dict=True)
    assert ordered["topographic_error"] < 0.1
    assert scattered["topographic_error"] > 0.3


def test_a_resumed_training_knows_its_step():
    """Rate and radius follow the count of steps, which is saved with the weights."""
    model, colors = color_map(steps=30)
    fit(model, colors[:100], 10)
    assert int(model.optimizer.iterations) == 10
    assert float(model.optimizer.learning_rate) == pytest.approx(0.5 * 2 / 3)
    assert float(model.radius(model.optimizer.iterations)) == pytest.approx(2.0)


def test_the_flat_grid_has_order_and_fits_badly():
    """Points near a plane in three dimensions, as images."""
    rng = np.random.default_rng(0)
    points = np.zeros((500, 3))
    points[:, :2] = rng.uniform(0, 255, (500, 2))
    points[:, 2] = 128 + rng.choice([-40, 40], 500)
    points = points.astype("uint8")

    class Batches:
        def as_numpy_iterator(self):
            return iter([(points, np.zeros(500))])

    scores = recipe.baseline(Batches(), Batches())
    assert scores["topographic_error"] == 0
    assert scores["quantization_error"] == pytest.approx(40 / 255, abs=0.02)


def test_what_the_pictures_count():
    model, colors = color_map(steps=120)
    fit(model, colors, 1)
    labels = np.arange(120) % 10
    counts = pictures.count_classes(model, colors, labels)
    assert counts.shape == (4, 5, 10)
    assert counts.sum(axis=(0, 1)).tolist() == [12] * 10
    row, column = model.predict(colors[7:8], verbose=0)[0].astype(int)
    assert counts[row, column, 7] >= 1
    prototypes = np.zeros((2, 3, 1))
    prototypes[0, 2] = 6
    expected = [[0, 2, 6], [0, 0, 3]]
    np.testing.assert_allclose(pictures.neighbor_distances(prototypes), expected)


def positions_of_nearest(colors, weights):
    """Row and column of the nearest prototype, in NumPy; the grid has five columns."""
    (prototypes,) = weights
    distances = np.linalg.norm(colors[:, None] / 255 - prototypes, axis=-1)
    return np.transpose(np.divmod(distances.argmin(axis=1), 5))


def test_conformance():
    arguments = {"rows": 4, "columns": 5, "radius": (2.5, 1.0), "steps": 4}
    _, colors = color_map(4)
    check_model(
        recipe.SelfOrganizingMap,
        lambda: color_map(4)[0],
        arguments,
        inputs=colors,
        targets=np.zeros(len(colors)),
        reference=positions_of_nearest,
        parameters=4 * 5 * 3,
        output_dtype="float32",
        bad_arguments=[{"rows": 0}, {"rows": 1, "columns": 1}, {"radius": (2.5, 0.0)}],
    )
