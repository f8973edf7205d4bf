"""The mean of the shares' gradients is the whole batch's, and what is exchanged is counted."""

import numpy as np
import pytest
import tensorflow as tf

from recipes.hardware import data_parallel


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(0)
    # The shares differ, so that none of them has the gradient of the whole.
    images = rng.integers(0, 17, (12, 8, 8, 1)) * np.linspace(0.1, 1, 12)[:, None, None, None]
    return tf.constant(images.astype("float32")), tf.constant(np.arange(12) % 10)


@pytest.mark.slides
@pytest.mark.parametrize("count", [2, 3, 4])
def test_mean_gradient_of_the_shares_is_that_of_the_batch(batch, count):
    model = data_parallel.build_network(None)
    whole = data_parallel.gradient(model, *batch)
    assert whole.shape == (model.count_params(),)
    shares = data_parallel.mean_of_shares(model, *batch, count)
    assert data_parallel.relative_difference(shares, whole) < 1e-6
    first = data_parallel.gradient(model, batch[0][: 12 // count], batch[1][: 12 // count])
    assert data_parallel.relative_difference(first, whole) > 0.1


def test_batch_normalization_of_shares_has_another_gradient(batch):
    model = data_parallel.build_network({"synchronized": False})
    whole = data_parallel.gradient(model, *batch)
    shares = data_parallel.mean_of_shares(model, *batch, 4)
    assert data_parallel.relative_difference(shares, whole) > 0.01


def test_losses_are_those_of_single_batches():
    """`fit` reports means since the epoch began."""
    losses = [3.0, 1.0, 2.0]
    recorder = data_parallel.StepLosses()
    recorder.on_epoch_begin(0)
    for step in range(3):
        recorder.on_train_batch_end(step, {"loss": np.mean(losses[: step + 1])})
    np.testing.assert_allclose(recorder.losses, losses)


def test_time_of_the_exchange():
    # 2 devices compute for 32 · 3 · 2 · 1e9 / 1e13 s, and pass on half of 4 MB twice, in 1 s each.
    per_second = data_parallel.steps_per_second(2, 1e6, 1e9, 2e6)
    assert 1 / per_second == pytest.approx(0.0192 + 2)
    alone = data_parallel.steps_per_second(1, 1e6, 1e9, 2e6)
    assert 1 / alone == pytest.approx(0.0192)
    assert data_parallel.speedup(2, 1e6, 1e9, 2e6) == pytest.approx(2 * 0.0192 / 2.0192)
    assert data_parallel.speedup(8, 1e6, 1e9, 1e15) == pytest.approx(8)


TRAIN_ON_TWO = """
import numpy as np, tensorflow as tf
from recipes.hardware import data_parallel

two = tf.distribute.MirroredStrategy(data_parallel.divide_cpu(2))
one = tf.distribute.OneDeviceStrategy("CPU:0")
assert two.num_replicas_in_sync == 2
rng = np.random.default_rng(0)
images = (rng.integers(0, 17, (24, 8, 8, 1)) * np.linspace(0.1, 1, 24)[:, None, None, None])
data = tf.data.Dataset.from_tensor_slices((images.astype("float32"), np.arange(24) % 10)).batch(8)
for normalization in data_parallel.NETWORKS.values():
    model, alone = data_parallel.train(one, normalization, data)
    copies, together = data_parallel.train(two, normalization, data)
    kernel = copies.layers[2].kernel.value
    assert [part.device[-5:] for part in kernel.values] == ["CPU:0", "CPU:1"]
    parts = [np.abs(a - b).max() for a, b in zip(model.get_weights(), copies.get_weights())]
    print(len(alone), np.abs(alone - together).max(), max(parts))
"""


@pytest.mark.full
def test_two_devices_train_as_one(fresh_python):
    """In a process of its own: the CPU is divided before TensorFlow is used."""
    trained = fresh_python("-c", TRAIN_ON_TWO)
    assert trained.returncode == 0, trained.stderr[-2000:]
    lines = [[float(number) for number in line.split()] for line in trained.stdout.splitlines()]
    none, batch, synchronized = lines
    for steps, loss, weights in (none, synchronized):
        assert steps == 3
        assert loss < 1e-5
        assert weights < 1e-5
    assert batch[1] > 1e-3, "the means and variances of shares are others"


def test_one_device_is_the_cpu_as_it_is():
    assert data_parallel.divide_cpu(1) == ["CPU:0"]
