import numpy as np

from layers.batch_statistics import BatchStatistics
from tests.layers.conformance import check_layer


def reference(inputs, weights):
    mean, deviation = inputs.mean(0), np.sqrt(inputs.var(0) + 1e-4)
    return np.concatenate(
        [inputs, np.tile(mean, (len(inputs), 1)), np.tile(deviation, (len(inputs), 1))], axis=1
    )


def test_conformance():
    check_layer(
        BatchStatistics,
        {"epsilon": 1e-4},
        (6, 3),
        reference=reference,
        parameters=0,
        bad_arguments=[{"epsilon": 0.0}, {"epsilon": -1.0}],
        bad_shapes=[(2, 3, 4)],
    )


def test_examples_that_are_all_alike():
    """No deviation, no infinite slope there either."""
    x = np.asarray(BatchStatistics()(np.full((5, 2), 3.0, "float32")))
    np.testing.assert_allclose(x, np.tile([3, 3, 3, 3, 3e-4, 3e-4], (5, 1)), atol=1e-4)
