"""The waves have their forms, the signals are balanced and random, the network takes any length."""

import numpy as np
import pytest

from recipes.convolution import conv1d_signals as recipe


@pytest.mark.parametrize(
    ("kind", "quarters"),
    [
        ("sine", [0, 1, 0, -1]),
        ("triangle", [0, 1, 0, -1]),
        ("square", [1, 1, -1, -1]),
        ("rising sawtooth", [-1, -0.5, 0, 0.5]),
        ("falling sawtooth", [1, 0.5, 0, -0.5]),
    ],
)
def test_waves_at_quarters_of_a_period(kind, quarters):
    cycles = np.arange(8) / 4 + 3
    np.testing.assert_allclose(recipe.wave(kind, cycles), 2 * quarters, atol=1e-12)
    values = recipe.wave(kind, np.linspace(0, 1, 1000, endpoint=False))
    assert values.min() >= -1
    assert values.max() <= 1
    assert values.mean() == pytest.approx(0, abs=2e-3)


def test_triangle_is_straight_where_a_sine_is_not():
    eighth = 0.125
    assert recipe.wave("triangle", eighth) == pytest.approx(0.5)
    assert recipe.wave("sine", eighth) == pytest.approx(np.sqrt(0.5))


def test_both_sawtooth_waves_have_the_same_spectrum():
    cycles = np.arange(64) / 16
    spectra = []
    for kind in ("rising sawtooth", "falling sawtooth"):
        spectra.append(np.abs(np.fft.rfft(recipe.wave(kind, cycles))))
    np.testing.assert_allclose(*spectra, atol=1e-9)


def test_signals_are_balanced_and_sets_differ():
    signals, labels = recipe.sample_signals(100, seed=1)
    assert signals.shape == (100, recipe.LENGTH, 1)
    assert np.bincount(labels).tolist() == [20] * 5
    again, _ = recipe.sample_signals(100, seed=1)
    other, _ = recipe.sample_signals(100, seed=2)
    np.testing.assert_array_equal(signals, again)
    assert np.abs(signals - other).mean() > 0.1
    # Offset and amplitude tell nothing of the class.
    assert np.ptp(signals.mean(axis=(1, 2))) > 1
    assert signals.std(axis=(1, 2)).max() > 2 * signals.std(axis=(1, 2)).min()


def test_signals_of_other_lengths_are_taken():
    model = recipe.build_model()
    for length in (50, 256, 301):
        probabilities = model(np.ones((2, length, 1), "float32"))
        np.testing.assert_allclose(np.sum(probabilities, axis=-1), 1, atol=1e-5)


def test_quantiles_ignore_order_amplitude_and_offset():
    signals, _ = recipe.sample_signals(5, seed=1)
    shuffled = np.random.default_rng(0).permutation(signals, axis=1)
    expected = recipe.quantiles(signals)
    assert expected.shape == (5, 33)
    np.testing.assert_allclose(recipe.quantiles(3 * shuffled - 2), expected, atol=1e-4)
