"""Data parallelism: each device takes a part of every batch, and all apply the mean gradient.

Slides: 000 «8 GPUs», «DGX», «Graphcore» (bulk synchronous parallel), TPU programming,
        001 rack of 4 GPUs.
Paper:  Valiant (1990), A bridging model for parallel computation (bulk synchronous parallel),
        https://doi.org/10.1145/79173.79181
        Goyal et al. (2017), Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, section 3,
        https://arxiv.org/abs/1706.02677
        Patarasuk & Yuan (2009), Bandwidth optimal all-reduce algorithms for clusters of
        workstations, https://doi.org/10.1016/j.jpdc.2008.09.002
Departs from the slides: they show the machines. Here the CPU is divided into four devices on which
`tf.distribute.MirroredStrategy` trains as it does on four GPUs. A TPU requires `TPUStrategy`
instead; the model and its training remain the same. The commands for a machine with several GPUs,
for a TPU, and for several machines are in recipes/DEVICES.md.

Each step has two phases: the devices compute gradients in parallel, each for its share of the
batch; then they exchange the gradients and apply the mean. So each step is the same as on one
device with the whole batch, except for batch normalization: each device normalizes with the means
and variances of its own share, unless these are exchanged, too (`synchronized=True`).
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

DEVICES = 4
BATCH_SIZE = 128  # of all devices together
STEPS = 40
NETWORKS = {
    "no normalization": None,
    "batch normalization": {"synchronized": False},
    "synchronized": {"synchronized": True},
}

# Links for `steps_per_second`: bytes per second that each device sends and receives.
LINKS = {
    "NVLink, 300 GB/s": 300e9,
    "PCI Express, 16 GB/s": 16e9,
    "10 Gbit Ethernet": 1.25e9,
}
OPERATIONS = 10e12  # floating-point operations per second of a device in training
IMAGES = 32  # of each device in a step
# Parameters, and multiply–accumulates of one image: see `recipes/cnn_architectures`.
SIZES = {
    "AlexNet": (60_965_224, 0.72e9),
    "GoogLeNet": (6_998_552, 1.58e9),
    "ResNet-50": (25_557_032, 3.86e9),
}


def batches():
    """Batches of scikit-learn's digits: (8, 8, 1) images from 0 to 16 and integer labels 0–9."""
    digits = load_digits()
    data = tf.data.Dataset.from_tensor_slices((digits.images[..., None], digits.target))
    return data.repeat().batch(BATCH_SIZE).take(STEPS)


def build_network(normalization):
    """The compiled network: (8, 8, 1) images to 10 class probabilities.

    Args:
        normalization: Arguments of `BatchNormalization`; None for none.
    """
    images = keras.Input((8, 8, 1))
    x = keras.layers.Rescaling(1 / 16)(images)
    x = keras.layers.Conv2D(16, 3)(x)
    if normalization is not None:
        x = keras.layers.BatchNormalization(**normalization)(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(10, activation="softmax")(x)
    model = keras.Model(images, x)
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        loss="sparse_categorical_crossentropy",
    )
    return model


def divide_cpu(count):
    """Divide the CPU into `count` logical devices of TensorFlow.

    Returns:
        Their names.

    Raises:
        RuntimeError: if `count` is above 1 and TensorFlow has used the CPU before.
    """
    if count > 1:
        (cpu,) = tf.config.list_physical_devices("CPU")
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(cpu, parts)
    return [f"CPU:{number}" for number in range(count)]


class StepLosses(keras.callbacks.Callback):
    """Records the loss of each batch; `fit` reports running means over the epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.losses = []
        self.total = 0.0

    def on_train_batch_end(self, batch, logs=None):
        total = logs["loss"] * (batch + 1)
        self.losses.append(total - self.total)
        self.total = total


def train(strategy, normalization, data):
    """Train a network under a strategy, always from the same weights.

    Returns:
        The network, and the loss of each step.
    """
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = build_network(normalization)
    recorder = StepLosses()
    model.fit(data, shuffle=False, verbose=0, callbacks=[recorder])
    return model, np.array(recorder.losses)


def gradient(model, images, labels):
    """The gradient of the mean loss, as one vector."""
    with tf.GradientTape() as tape:
        loss = keras.ops.mean(
            keras.losses.sparse_categorical_crossentropy(labels, model(images, training=True))
        )
    gradients = tape.gradient(loss, model.trainable_variables)
    return np.concatenate([np.ravel(part) for part in gradients])


def mean_of_shares(model, images, labels, count):
    """The mean of the gradients of equal shares of a batch, one share for each device."""
    gradients = []
    for share, labels_of_share in zip(
        tf.split(images, count), tf.split(labels, count), strict=True
    ):
        gradients.append(gradient(model, share, labels_of_share))
    return np.mean(gradients, axis=0)


def relative_difference(a, b):
    """|a − b| / |b|, of vectors."""
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def steps_per_second(count, parameters, products, bandwidth):
    """Training steps per second of `count` devices, which compute and then exchange gradients.

    Args:
        count: Number of devices.
        parameters: Of the network; each is a gradient of 4 bytes.
        products: Multiply–accumulates of one image in the forward pass; the backward pass takes
            twice as many.
        bandwidth: Bytes per second that each device sends and receives.

    In a ring all-reduce each device sends 1 / count of the gradients to the next one, 2 (count − 1)
    times: first to add them up, then to distribute the sums.
    """
    computing = IMAGES * 3 * 2 * products / OPERATIONS
    exchanging = 2 * (count - 1) * (4 * parameters / count) / bandwidth
    return 1 / (computing + exchanging)


def speedup(count, parameters, products, bandwidth):
    """Images per second of `count` devices, relative to one."""
    alone = steps_per_second(1, parameters, products, bandwidth)
    return count * steps_per_second(count, parameters, products, bandwidth) / alone


def plot_losses(losses, differences):
    """Plot the losses of one device and of all, and their differences."""
    figure, axes = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
    axes[0].plot(losses["one device"], color="C0", linewidth=5, alpha=0.4, label="one device")
    axes[0].plot(losses["all devices"], color="C1", label=f"{DEVICES} devices")
    axes[0].set(title="The same training, step by step", xlabel="step", ylabel="loss")
    axes[0].legend()
    for name, difference in differences.items():
        axes[1].semilogy(np.maximum(difference, 1e-9), label=name)
    axes[1].set(title="But for batch normalization of shares", xlabel="step")
    axes[1].set(ylabel=f"|loss of {DEVICES} devices − of one|")
    axes[1].legend()
    return figure


def plot_speedups():
    """Plot the speedup by the number of devices, for each link and network."""
    figure, axes = plt.subplots(1, len(LINKS), figsize=(11.5, 4), sharey=True, layout="constrained")
    counts = np.array([1, 2, 4, 8, 16, 32])
    for axis, (link, bandwidth) in zip(axes, LINKS.items(), strict=True):
        axis.loglog(counts, counts, "k:", base=2, label="ideal")
        for name, (parameters, products) in SIZES.items():
            speedups = [speedup(count, parameters, products, bandwidth) for count in counts]
            axis.loglog(counts, speedups, "o-", base=2, label=name)
        axis.set(title=link, xlabel="devices")
        for scale in (axis.xaxis, axis.yaxis):
            scale.set_major_formatter("{x:g}")
    axes[0].set_ylabel("times as many images a second as one")
    axes[0].legend()
    figure.suptitle("What has many parameters for its operations waits for the exchange")
    return figure


def main():
    all_devices = tf.distribute.MirroredStrategy(divide_cpu(DEVICES))
    one_device = tf.distribute.OneDeviceStrategy("CPU:0")
    data = batches()

    # For one batch, the mean of the gradients of its shares is the gradient of the whole batch.
    images, labels = next(iter(data))
    print(f"Mean gradient of {DEVICES} shares of a batch, relative difference to that of all of it")
    for name, normalization in NETWORKS.items():
        if name != "synchronized":
            keras.utils.set_random_seed(0)
            model = build_network(normalization)
            shares = mean_of_shares(model, images, labels, DEVICES)
            difference = relative_difference(shares, gradient(model, images, labels))
            print(f"{name:>20}: {difference:.0e}")

    # In a whole training, the losses are the same, too.
    print(
        f"\nLargest difference between the losses of {DEVICES} devices and of one in {STEPS} steps"
    )
    losses = {}
    differences = {}
    for name, normalization in NETWORKS.items():
        _, alone = train(one_device, normalization, data)
        _, together = train(all_devices, normalization, data)
        differences[name] = np.abs(together - alone)
        losses.setdefault("one device", alone)
        losses.setdefault("all devices", together)
        print(f"{name:>20}: {differences[name].max():.0e}")

    print("\nSpeed-up of 8 devices, computed:")
    for link, bandwidth in LINKS.items():
        by_network = {name: speedup(8, *size, bandwidth) for name, size in SIZES.items()}
        print(f"{link:>32}:", ", ".join(f"{n} {s:.1f}" for n, s in by_network.items()))

    plot_losses(losses, differences).savefig("losses.png")
    plot_speedups().savefig("speedups.png")


if __name__ == "__main__":
    main()
