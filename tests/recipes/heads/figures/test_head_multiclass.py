"""Temperature, calibration and doubtful sigmoids, by hand."""

import numpy as np
import pytest

from recipes.heads.figures import head_multiclass as figures


def test_temperature_between_one_winner_and_all_alike():
    logits = np.random.default_rng(0).normal(0, 2, (20, 10))
    probabilities = figures.softmax(logits)
    assert figures.with_temperature(probabilities, 1) == pytest.approx(probabilities)
    assert figures.with_temperature(probabilities, 3) == pytest.approx(figures.softmax(logits, 3))
    cold = figures.with_temperature(probabilities, 1e-3)
    assert cold.max(axis=-1) == pytest.approx(np.ones(20), abs=1e-3)
    assert (cold.argmax(axis=-1) == logits.argmax(axis=-1)).all()
    assert figures.with_temperature(probabilities, 1e6) == pytest.approx(
        np.full((20, 10), 0.1), abs=1e-4
    )
    bits = []
    for temperature in np.geomspace(0.05, 100, 30):
        bits.append(figures.entropy(figures.with_temperature(probabilities, temperature)))
    assert (np.diff(bits, axis=0) > 0).all()
    assert bits[-1] == pytest.approx(np.full(20, np.log2(10)), abs=0.01)


def test_reliability_by_hand():
    outputs = np.array([[0.95, 0.05], [0.91, 0.09], [0.55, 0.45], [0.45, 0.55], [0.0, 1.0]])
    labels = np.array([0, 0, 0, 0, 1])
    confidences, accuracies, counts, error = figures.reliability(outputs, labels)
    assert confidences == pytest.approx([0.55, 2.86 / 3])
    assert accuracies == pytest.approx([0.5, 1])
    assert counts.tolist() == [2, 3]
    assert error == pytest.approx((2 * 0.05 + 0.14) / 5)


def test_no_class_and_several_by_hand():
    outputs = np.array([[0.9, 0.1], [0.4, 0.3], [0.6, 0.7], [0.5, 0.2]])
    assert figures.none_and_several(outputs) == (0.5, 0.25)
