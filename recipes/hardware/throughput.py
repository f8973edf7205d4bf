"""Throughput and latency against batch size: how many images a second a network takes.

Slides: 000 «Diferencias» (serial and parallel), 000 «GPU», 001 «Computación basada en GPUs»,
        001 «Hardware», 001 «Un frame/seg.», 002 «Costo de cómputo».
Paper:  Howard et al. (2017), MobileNets, https://arxiv.org/abs/1704.04861
Departs from the slides: small networks on this machine instead of GoogLeNet on a Titan X and of a
Jetson Nano. Two quotients of the slide's table are a little off: 33 / 5.0 images per second and
watt are 6.6 (printed 6.5), 75 / 5.8 are 12.9 (printed 12.8). Its 3090 Ti has 40 TFLOPS at a clock
of 1.86 GHz, and 33.5 at the printed 1.56 GHz.

A call has a fixed overhead, and weights are fetched once for all images of a batch; in addition,
each image takes the time of its arithmetic. So throughput rises with the batch size until the
arithmetic takes nearly all of the time; beyond that, only latency rises, since the results come
when the whole batch is done. Training needs throughput; a camera, with one image at a time, needs
low latency.
"""

import time
import typing
import warnings

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from recipes.common.network_cost import network_cost

IMAGE = (32, 32, 3)
BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
WARM_UP = 3  # calls that are not timed: the first ones trace the network and allocate memory
REPEATS = 5  # least number of timed calls
SECONDS = 0.3  # least total time of them
SATURATED = 0.9  # of the highest throughput


class Cost(typing.NamedTuple):
    """A row of the slide's table: inference with GoogLeNet."""

    chip: str
    batch: int
    images: float  # per second
    watts: float


COSTS = [
    Cost("Titan X, 32 bits", 1, 138, 119.0),
    Cost("Titan X, 32 bits", 128, 863, 225.0),
    Cost("Tegra X1, 32 bits", 1, 33, 5.0),
    Cost("Tegra X1, 32 bits", 128, 52, 5.9),
    Cost("Tegra X1, 16 bits", 1, 33, 4.0),
    Cost("Tegra X1, 16 bits", 128, 75, 5.8),
]
GOOGLENET = 1.58e9  # multiply–accumulates per image: see `recipes/cnn_architectures`
# Number of cores, and their clock in GHz.
CHIPS = {
    "RTX 3090 Ti": (10_752, 1.86),
    "GTX 1080": (2_560, 1.733),
    "Titan X": (3_072, 1.0),
}


def build_mlp():
    """A perceptron with two hidden layers of 512 units. 1,841,162 parameters."""
    return keras.Sequential(
        [
            keras.Input(IMAGE),
            keras.layers.Flatten(),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def build_lenet():
    """LeNet for color images. 62,006 parameters."""
    return keras.Sequential(
        [
            keras.Input(IMAGE),
            keras.layers.Conv2D(6, 5, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(16, 5, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(120, activation="relu"),
            keras.layers.Dense(84, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def build_mobilenet():
    """MobileNet of half the width: 28 layers with few operations each. 834,666 parameters."""
    return keras.applications.MobileNet(IMAGE, alpha=0.5, weights=None, classes=10)


NETWORKS = {"MLP": build_mlp, "LeNet": build_lenet, "MobileNet": build_mobilenet}


def median_seconds(call):
    """The median duration of a call.

    Other work of the machine makes some calls much longer, which hardly affects the median.
    """
    for _ in range(WARM_UP):
        call()
    durations = []
    while len(durations) < REPEATS or sum(durations) < SECONDS:
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return float(np.median(durations))


def measure(model):
    """Seconds per call with each batch size.

    Args:
        model: A network of 10 classes.

    Returns:
        `{"inference": array, "training step": array}`, as long as `BATCHES`.
    """
    # XLA would compile the network anew for each size of the batch.
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    rng = np.random.default_rng(0)
    images = rng.random((max(BATCHES), *IMAGE), dtype="float32")
    labels = rng.integers(0, 10, max(BATCHES))
    seconds = {"inference": [], "training step": []}
    for batch in BATCHES:
        x, y = images[:batch], labels[:batch]
        # Both return NumPy arrays, so they end after the device's computation.
        seconds["inference"].append(median_seconds(lambda x=x: model.predict_on_batch(x)))
        seconds["training step"].append(median_seconds(lambda x=x, y=y: model.train_on_batch(x, y)))
    return {name: np.array(values) for name, values in seconds.items()}


def images_per_second(seconds):
    """Throughput with each batch size."""
    return np.array(BATCHES) / seconds


def saturation(throughput):
    """The smallest batch size with at least `SATURATED` of the highest throughput."""
    enough = throughput >= SATURATED * throughput.max()
    return BATCHES[int(np.argmax(enough))]


def fixed_and_each(small, large):
    """The overhead and the time per image in a call's duration: fixed + batch · each.

    Args:
        small, large: (batch size, seconds) of two calls.

    Returns:
        Both in seconds.
    """
    each = (large[1] - small[1]) / (large[0] - small[0])
    return small[1] - each * small[0], each


def peak(cores, gigahertz):
    """Operations per second, if each core multiplies and adds in each cycle."""
    return 2 * cores * gigahertz * 1e9


def matrix_rate(size=1024):
    """Measured operations per second of this machine in a matrix product."""
    matrix = tf.random.normal((size, size))
    return 2 * size**3 / median_seconds(lambda: tf.linalg.matmul(matrix, matrix).numpy())


def frames_per_second(model, quantized):
    """Images per second with LiteRT, one at a time and on one core, as on a small device.

    Args:
        model: A network.
        quantized: Whether weights have 8 bits.
    """
    inference = tf.function(lambda image: model(image, training=False))
    function = inference.get_concrete_function(tf.TensorSpec((1, *IMAGE)))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    if quantized:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its move to another package
        interpreter = tf.lite.Interpreter(model_content=converter.convert(), num_threads=1)
    interpreter.allocate_tensors()
    image = np.random.default_rng(0).random((1, *IMAGE), dtype="float32")
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    return 1 / median_seconds(interpreter.invoke)


def plot(measured):
    """Plot images per second and milliseconds by batch size.

    Args:
        measured: `{network: result of `measure`}`.
    """
    figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    for number, (network, by_pass) in enumerate(measured.items()):
        for style, (name, seconds) in zip(("o-", "s--"), by_pass.items(), strict=True):
            throughput = images_per_second(seconds)
            line = {"color": f"C{number}", "label": f"{network}, {name}", "markersize": 4}
            axes[0].plot(BATCHES, throughput, style, **line)
            axes[1].plot(BATCHES, 1000 * seconds, style, **line)
            # A ring marks saturation.
            place = saturation(throughput)
            ring = {"facecolors": "none", "edgecolors": f"C{number}", "s": 110}
            axes[0].scatter(place, throughput[BATCHES.index(place)], **ring)
    plot_googlenet(*axes)
    for axis in axes:
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks(BATCHES, [str(batch) for batch in BATCHES])
        axis.set_xlabel("images in a batch")
        axis.grid(alpha=0.3)
    axes[0].set(ylabel="images a second", title=f"Throughput (rings: {SATURATED:.0%} of the best)")
    axes[1].set(ylabel="milliseconds for the batch", title="Latency")
    # Room for the legend below the curves.
    axes[0].set_ylim(bottom=axes[0].get_ylim()[0] / 10)
    axes[0].legend(loc="lower right", ncols=2, fontsize=8)
    gains = []
    for network, by_pass in measured.items():
        throughput = images_per_second(by_pass["inference"])
        gains.append(f"{network} × {throughput.max() / throughput[0]:.0f}")
    figure.suptitle("What batches gain over single images, in inference: " + ", ".join(gains))
    return figure


def plot_googlenet(throughput_axis, latency_axis):
    """Plot the slide's two measurements on the Titan X, and the curve through them."""
    points = [(row.batch, row.batch / row.images) for row in COSTS if row.chip.startswith("Titan")]
    fixed, each = fixed_and_each(*points)
    batches = np.geomspace(min(BATCHES), max(BATCHES), 100)
    line = {"color": "0.4", "linestyle": ":"}
    throughput_axis.plot(batches, batches / (fixed + each * batches), **line)
    latency_axis.plot(batches, 1000 * (fixed + each * batches), **line)
    for batch, seconds in points:
        dot = {"color": "0.4", "marker": "D", "linestyle": ":"}
        label = "GoogLeNet, Titan X (slide)" if batch == 1 else None
        throughput_axis.plot(batch, batch / seconds, label=label, **dot)
        style = {"textcoords": "offset points", "xytext": (9, -11), "color": "0.4"}
        throughput_axis.annotate(f"{batch / seconds:.0f}", (batch, batch / seconds), **style)
        latency_axis.plot(batch, 1000 * seconds, **dot)


def print_measured(network, by_pass, multiply_accumulates, rate):
    """Print throughput and latency of a network, for a single image and the best batch size."""
    for name, seconds in by_pass.items():
        throughput = images_per_second(seconds)
        best = int(np.argmax(throughput))
        gain = throughput[best] / throughput[0]
        milliseconds = 1000 * seconds
        print(
            f"{network:>10}, {name:13}: "
            f"batch 1: {throughput[0]:7,.0f} images a second ({milliseconds[0]:.2f} ms), "
            f"batch {BATCHES[best]}: {throughput[best]:,.0f} ({milliseconds[best]:.1f} ms), "
            f"× {gain:.0f}, {SATURATED:.0%} of that from {saturation(throughput)} on"
        )
    throughput = images_per_second(by_pass["inference"])
    for batch, images in ((BATCHES[0], throughput[0]), (BATCHES[-1], throughput[-1])):
        operations = 2 * multiply_accumulates * images  # per second
        print(
            f"{'':12}batch {batch}: {operations / rate:.1%} "
            "of the operations a second of a product of matrices"
        )


def print_slides():
    """Print the slides' figures, recomputed."""
    print("\nGoogLeNet, as on the slide:")
    for row in COSTS:
        milliseconds = 1000 * row.batch / row.images
        print(
            f"  {row.chip}, batch {row.batch:3}: {row.images:3} images a second, "
            f"{milliseconds:6.1f} ms, {row.images / row.watts:5.2f} a watt"
        )
    single, many = COSTS[:2]
    fixed, each = fixed_and_each(*[(row.batch, row.batch / row.images) for row in (single, many)])
    print(
        f"  Titan X: {1000 * fixed:.1f} ms for a call and {1000 * each:.2f} for each image, "
        f"so at most {1 / each:.0f} images a second"
    )
    for name, chip in CHIPS.items():
        print(f"  {name}: {peak(*chip) / 1e12:.1f} · 10¹² operations a second at its peak")
    for row in (single, many):
        share = 2 * GOOGLENET * row.images / peak(*CHIPS["Titan X"])
        print(f"  batch {row.batch}: {share:.0%} of the Titan X's peak")


def main():
    keras.utils.set_random_seed(0)
    rate = matrix_rate()
    print(f"This machine: {rate / 1e9:.0f} · 10⁹ operations a second in a product of matrices")
    measured = {}
    for name, build in NETWORKS.items():
        model = build()
        multiply_accumulates = network_cost(model)["multiply_accumulates"]
        measured[name] = measure(model)
        print_measured(name, measured[name], multiply_accumulates, rate)
        for kind, quantized in (("32 bits", False), ("weights of 8 bits", True)):
            frames = frames_per_second(model, quantized)
            print(f"{'':12}LiteRT on one core, {kind}: {frames:,.0f} images a second")
    print_slides()
    plot(measured).savefig("throughput.png")


if __name__ == "__main__":
    main()
