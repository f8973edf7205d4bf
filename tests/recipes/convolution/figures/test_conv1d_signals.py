"""The evidence of the steps adds up to the answer, and the share in the title is right."""

import numpy as np
import pytest

from recipes.convolution import conv1d_signals as recipe
from recipes.convolution.figures import conv1d_signals as figures


def test_mean_evidence_is_the_networks_answer():
    model = recipe.build_model(filters=8)
    signal = np.random.default_rng(0).normal(size=(96, 1)).astype("float32")
    evidence = figures.class_activation(model, signal)
    assert evidence.shape == (24, 5)
    logits = evidence.mean(axis=0)
    probabilities = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(probabilities, np.asarray(model(signal[None]))[0], atol=1e-5)


def test_signal_changes_its_form():
    signal = figures.changing_signal(["square", "sine"], length=80, period=40)
    assert signal.shape == (160, 1)
    clean = np.concatenate([recipe.wave(kind, np.arange(80) / 40) for kind in ("square", "sine")])
    assert np.std(signal[:, 0] - clean) == pytest.approx(recipe.NOISE, rel=0.2)


def test_share_of_steps():
    evidence = np.eye(5)[[0, 1, 1, 4]]
    assert figures.found_share(evidence, np.array([0, 1, 2, 4])) == 0.75
