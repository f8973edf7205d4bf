"""Squash and routing by agreement against the paper's equations in plain loops."""

import keras
import numpy as np
import pytest
from keras import ops

from layers.capsule import Capsule, route_by_agreement, squash
from tests.layers.conformance import check_layer

RNG = np.random.default_rng(0)


def squashed(s):
    """Equation 1, for one vector."""
    length = np.linalg.norm(s)
    return length**2 / (1 + length**2) * s / length if length else 0 * s


def routed(predictions, routings):
    """Procedure 1 of the paper, for one example: (inputs, outputs, dim) to outputs and coupling."""
    inputs, outputs, _ = predictions.shape
    b = np.zeros((inputs, outputs))
    for _ in range(routings):
        c = np.zeros_like(b)
        for i in range(inputs):
            c[i] = np.exp(b[i]) / np.exp(b[i]).sum()
        v = []
        for j in range(outputs):
            s = sum(c[i, j] * predictions[i, j] for i in range(inputs))
            v.append(squashed(s))
        for i in range(inputs):
            for j in range(outputs):
                b[i, j] += predictions[i, j] @ v[j]
    return np.array(v), c


def reference(routings):
    def run(inputs, weights):
        (kernel,) = weights  # (input capsules, output capsules, input dim, dim)
        outputs = []
        for example in inputs.astype("float64"):
            predictions = np.zeros((*kernel.shape[:2], kernel.shape[3]))
            for i, j in np.ndindex(kernel.shape[:2]):
                predictions[i, j] = example[i] @ kernel[i, j]
            outputs.append(routed(predictions, routings)[0])
        return np.array(outputs)

    return run


@pytest.mark.parametrize("routings", [1, 3])
def test_conformance(routings):
    check_layer(
        Capsule,
        {
            "num_capsules": 4,
            "dim": 5,
            "routings": routings,
            "kernel_initializer": "glorot_uniform",
            "kernel_regularizer": "l2",
        },
        (3, 6, 2),
        reference=reference(routings),
        parameters=6 * 4 * 2 * 5,
        unknown_sizes=False,
        bad_arguments=[{"num_capsules": 0}, {"dim": 2.5}, {"routings": 0}],
        bad_shapes=[(2, 6), (2, 6, 2, 1)],
    )


def test_number_of_input_capsules_must_be_known():
    with pytest.raises(ValueError, match=r"must be known.*\(None, None, 8\)"):
        Capsule(10, 16)(keras.Input((None, 8)))


@pytest.mark.parametrize("axis", [-1, 1])
def test_squash_keeps_directions_and_stays_below_1(axis):
    vectors = RNG.normal(size=(4, 3, 5)).astype("float32") * np.array([0.01, 1, 10, 1000])[
        :, None, None
    ].astype("float32")
    found = ops.convert_to_numpy(squash(vectors, axis=axis))
    expected = np.apply_along_axis(squashed, axis, vectors.astype("float64"))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert np.linalg.norm(found, axis=axis).max() <= 1 + 1e-6


def test_squash_of_nothing_is_nothing_and_has_a_gradient():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("asks TensorFlow's tape")
    import tensorflow as tf

    zeros = tf.zeros((1, 3))
    with tf.GradientTape() as tape:
        tape.watch(zeros)
        loss = tf.reduce_sum(squash(zeros))
    assert float(loss) == 0
    np.testing.assert_allclose(tape.gradient(loss, zeros), 0, atol=1e-5)


def test_squash_in_half_precision_stands_large_vectors():
    """The square of 1,000 is no float16."""
    vectors = ops.cast(np.full((1, 4), 1000.0), "float16")
    found = squash(vectors)
    assert keras.backend.standardize_dtype(found.dtype) == "float16"
    np.testing.assert_allclose(ops.convert_to_numpy(found), 0.5, atol=1e-3)


def test_coupling_prefers_what_agrees():
    """Four of five capsules predict the same vector for output 0, different ones for output 1."""
    predictions = np.zeros((1, 5, 2, 3), "float32")
    predictions[0, :4, 0] = [1, 2, 0]
    predictions[0, 4, 0] = [-1, -2, 0]
    predictions[0, :, 1] = RNG.normal(size=(5, 3))
    outputs, coupling = map(ops.convert_to_numpy, route_by_agreement(predictions, 3))
    expected_outputs, expected_coupling = routed(predictions[0].astype("float64"), 3)
    np.testing.assert_allclose(outputs[0], expected_outputs, atol=1e-5)
    np.testing.assert_allclose(coupling[0], expected_coupling, atol=1e-5)
    np.testing.assert_allclose(coupling.sum(axis=-1), 1, atol=1e-5)
    assert coupling[0, :4, 0].min() > 0.5 > coupling[0, 4, 0]
    _, first = route_by_agreement(predictions, 1)
    np.testing.assert_allclose(ops.convert_to_numpy(first), 0.5)


def test_default_initializer_is_that_of_the_paper():
    layer = Capsule(10, 16)
    layer.build((None, 100, 8))
    (kernel,) = layer.get_weights()
    assert kernel.std() == pytest.approx(0.1 * 0.88, rel=0.05)  # truncated at two deviations
    assert np.abs(kernel).max() <= 0.2001
