import keras
import numpy as np
import pytest
from keras import ops

from layers.window_statistics import WindowStatistics
from tests.layers.conformance import check_layer


def statistics(x, windows):
    parts = []
    for window in windows:
        rows = x[:, -window:]
        parts += [
            rows.mean(1),
            np.stack([np.polyfit(np.arange(len(series)), series, 1)[0] for series in rows]),
        ]
    return np.concatenate(parts, axis=1)


def test_conformance():
    check_layer(
        WindowStatistics,
        {"windows": [3, 5, 20]},
        (3, 7, 4),
        reference=lambda x, weights: statistics(x, [3, 5, 20]),
        parameters=0,
        bad_shapes=[(2, 5)],
    )


@pytest.mark.parametrize("windows", [[], [5, 1]])
def test_a_window_needs_two_steps(windows):
    with pytest.raises(ValueError, match="two steps"):
        WindowStatistics(windows)


def test_masked_steps_do_not_count():
    x = np.random.default_rng(0).normal(size=(4, 9, 3)).astype("float32")
    padded = np.pad(x, [(0, 0), (6, 0), (0, 0)])
    said = ops.convert_to_numpy(WindowStatistics([4, 12])(keras.layers.Masking()(padded)))
    np.testing.assert_allclose(said, statistics(x, [4, 12]), rtol=1e-4, atol=1e-5)


def test_one_step_seen_has_no_slope_and_none_has_nothing():
    x = np.zeros((2, 5, 1), "float32")
    x[0, -1] = 7
    said = ops.convert_to_numpy(WindowStatistics([3])(keras.layers.Masking()(x)))
    np.testing.assert_array_equal(said, [[7, 0], [0, 0]])


def test_in_a_model_the_mask_arrives_and_ends():
    model = keras.Sequential([keras.Input((6, 1)), keras.layers.Masking(), WindowStatistics([6])])
    x = np.array([[0, 0, 0, 1, 2, 3]], "float32")[..., None]
    np.testing.assert_allclose(model.predict(x, verbose=0), [[2, 1]], rtol=1e-6)
    assert getattr(model(x), "_keras_mask", None) is None


def test_small_movements_of_large_values_are_seen():
    """A jet engine turns at 9,000 revolutions, and its wear shows in the last few."""
    x = 9000 + np.random.default_rng(0).normal(size=(5, 50, 3)) * [[[0.1, 1, 10]]]
    said = ops.convert_to_numpy(WindowStatistics([50])(x.astype("float32")))
    np.testing.assert_allclose(said[:, 3:], statistics(x, [50])[:, 3:], rtol=0.02, atol=1e-3 / 50)
