"""The recall falls in energy to fixed points; the worked overlaps of the slides; both rules."""

import keras
import numpy as np
import pytest

from recipes.common.arrays import to_numpy
from recipes.other_networks import hopfield as recipe
from recipes.other_networks.figures import hopfield as pictures
from tests.layers.conformance import check_model


def reference(states, weights):
    """Recall in NumPy, written another way: integer fields, one state at a time."""
    (kernel,) = weights
    ends = []
    for state in states:
        state = list(state)
        changed = True
        while changed:
            changed = False
            for unit, row in enumerate(kernel.T):
                field = float(np.dot(row, state))
                new = np.sign(field) if field else state[unit]
                changed = changed or new != state[unit]
                state[unit] = new
        ends.append(state)
    return np.array(ends)


def stored(patterns, **arguments):
    model = recipe.build_model(units=patterns.shape[1], **arguments)
    model.kernel.assign(recipe.hebbian(patterns, np.ones_like(patterns)))
    return model


def test_hebbian_rule_by_hand():
    """Two patterns of three units: w_12 = 1·1 + 1·(−1) = 0, w_13 = −1 − 1 = −2."""
    patterns = np.array([[1, 1, -1], [1, -1, -1]], "float32")
    expected = np.array([[0, 0, -2], [0, 0, 0], [-2, 0, 0]])
    np.testing.assert_allclose(recipe.hebbian(patterns, np.ones_like(patterns)), expected)
    # Only the first unit learns, from the first pattern: half of each product.
    chosen = np.array([[1, 0, 0], [0, 0, 0]], "float32")
    expected = np.array([[0, 0.5, -0.5], [0.5, 0, 0], [-0.5, 0, 0]])
    np.testing.assert_allclose(recipe.hebbian(patterns, chosen), expected)


def test_recall_equals_a_loop_over_units():
    rng = np.random.default_rng(0)
    patterns = rng.choice([-1.0, 1.0], (4, 30)).astype("float32")
    model = stored(patterns)
    states = rng.choice([-1.0, 1.0], (8, 30)).astype("float32")
    found = model.predict(states, verbose=0)  # compiled
    np.testing.assert_array_equal(found, reference(states, model.get_weights()))
    np.testing.assert_array_equal(found, pictures.recall(model.get_weights()[0], states))


def test_energy_never_rises_and_recall_ends_at_a_fixed_point():
    rng = np.random.default_rng(1)
    patterns = rng.choice([-1.0, 1.0], (5, 40)).astype("float32")
    model = stored(patterns)
    start = rng.choice([-1.0, 1.0], 40).astype("float32")
    visited, energies = pictures.descend(model, start, sweeps=6)
    kernel = model.get_weights()[0].astype("float64")
    np.testing.assert_allclose(energies, -np.sum(visited @ kernel * visited, 1) / 2, atol=1e-4)
    assert np.all(np.diff(energies) < 1e-4)
    assert energies[-1] < energies[0] - 1
    assert np.all(visited[-1] * (visited[-1] @ kernel) >= 0)
    np.testing.assert_array_equal(model(start[None])[0], visited[-1])


@pytest.mark.slides
def test_overlaps_of_the_slides():
    """N = 100, a tenth of the units flipped; the slides' overlaps are means of 20 recalls.

    These deviate by up to 0.24, their mean by 0.054: ours, of up to 20 recalls in each of 20
    networks, are more exact.
    """
    expected = {5: 1.0, 10: 0.98, 14: 0.93, 20: 0.78, 30: 0.41}
    for patterns, value in expected.items():
        found = [pictures.overlap(100, patterns, seed) for seed in range(20)]
        assert np.mean(found) == pytest.approx(value, abs=2.5 * 0.054), patterns


def test_knee():
    """Just below 0.138 patterns per unit memory is good, well above it is lost."""
    good = [pictures.overlap(300, round(0.11 * 300), seed) for seed in range(3)]
    bad = [pictures.overlap(300, round(0.2 * 300), seed) for seed in range(3)]
    assert np.mean(good) > 0.95
    assert np.mean(bad) < 0.7


def test_mixtures_of_three_patterns_are_spurious_memories():
    patterns = np.random.default_rng(0).choice([-1.0, 1.0], (3, 200)).astype("float32")
    mixture = np.sign(patterns.sum(axis=0, keepdims=True))
    model = stored(patterns)
    end = keras.ops.convert_to_numpy(model(mixture))
    assert np.mean(end * mixture) > 0.98
    overlaps = end @ patterns.T / 200
    assert np.all((overlaps > 0.35) & (overlaps < 0.65))
    # The inverse of a memory is one, too.
    np.testing.assert_array_equal(model(-patterns), -patterns)


def test_the_perceptron_rule_holds_all_letters_with_the_margin():
    train, _, _ = recipe.load_data()
    model = recipe.build_model()
    history = model.fit(train, epochs=40, shuffle=False, verbose=0).history
    assert history["unstable"][0] == 1  # no weights, no field
    (letters, _) = next(train.as_numpy_iterator())
    kernel = model.get_weights()[0]
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-6)
    assert np.all(np.diag(kernel) == 0)
    assert np.all(letters * (letters @ kernel) > 0)
    # Its first epoch is Hebb's rule.
    other = recipe.build_model(rule="hebbian")
    other.fit(train, epochs=1, shuffle=False, verbose=0)
    first = recipe.build_model()
    first.fit(train, epochs=1, shuffle=False, verbose=0)
    np.testing.assert_allclose(first.get_weights()[0], other.get_weights()[0])


def test_letters_are_all_different_and_corrupted_as_asked():
    letters = np.array([recipe.render(letter) for letter in recipe.ALPHABET])
    assert letters.shape == (26, 144)
    assert set(np.unique(letters)) == {-1, 1}
    overlaps = letters @ letters.T / 144
    assert np.max(overlaps - np.eye(26)) < 0.9
    # The strokes of a T: a bar on top, and a stem in the middle.
    t = recipe.render("T").reshape(12, 12)
    assert np.all(t[0, 1:-1] == 1)
    assert t[-1].tolist() == t[-1][::-1].tolist()
    starts, clean = recipe.corrupt(letters, copies=50, noise=0.1, seed=0)
    np.testing.assert_array_equal(clean[26:52], letters)
    assert np.mean(starts != clean) == pytest.approx(0.1, abs=0.005)


def test_seeds_draw_other_noise():
    drawn = []
    for seed in (0, 0, 1):
        keras.utils.set_random_seed(seed)
        _, validation, test = recipe.load_data()
        drawn.append([to_numpy(part)[0] for part in (validation, test)])
    for first, again, other in zip(*drawn, strict=True):
        np.testing.assert_array_equal(first, again)
        assert np.any(first != other)
    assert not np.array_equal(drawn[0][0], drawn[0][1][: len(drawn[0][0])])


def test_wrong_pixels_are_marked():
    letters = -np.ones((1, 144))
    letters[0, :2] = 1
    states = letters.copy()
    states[0, 1:3] *= -1
    marked = pictures.mark(states, letters)
    assert marked.shape == (1, 12, 12)
    assert marked[0, 0, :4].tolist() == [1, 2, 3, 0]


def test_conformance():
    rng = np.random.default_rng(0)
    patterns = rng.choice([-1.0, 1.0], (4, 30)).astype("float32")
    check_model(
        recipe.Hopfield,
        lambda: recipe.build_model("perceptron", margin=0.5, units=30),
        {"rule": "perceptron", "margin": 0.5},
        inputs=rng.choice([-1.0, 1.0], (8, 30)).astype("float32"),
        targets=np.tile(patterns, (2, 1)),
        weights=[recipe.hebbian(patterns, np.ones_like(patterns))],
        reference=reference,
        parameters=30 * 30,
        bad_arguments=[{"rule": "hopfeld"}, {"margin": -1.0}],
    )
