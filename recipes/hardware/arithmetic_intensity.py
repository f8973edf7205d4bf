"""Arithmetic intensity and roofline: is a network limited by memory or by arithmetic?

Slides: 000 «TPU applications», 000 «DSAs: intensidad aritmética», 000 «BrainWave».
Paper:  Jouppi et al. (2017), In-datacenter performance analysis of a tensor processing unit,
        https://arxiv.org/abs/1704.04760;
        Williams, Waterman & Patterson (2009), Roofline, https://doi.org/10.1145/1498765.1498785
Departs from the slides: 2 · DimFM² counts a multiplication and an addition as two operations, while
the table of TPU applications counts them as one: for its MLPs, the operations per weight equal the
batch size. Both are used here, each where the slide does.

Each weight of a convolution is used once at every position of the feature map, so fetching it from
memory serves DimFM² multiplications; each weight of a dense or recurrent layer is used once. The
operations per second of a chip are bounded by the lesser of two limits: its peak, and the memory
bandwidth times the operations per byte (arithmetic intensity).
"""

import dataclasses
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from recipes.common.network_cost import network_cost


@dataclasses.dataclass(frozen=True, kw_only=True)
class Application:
    """A row of the slide's table; the last two columns are the paper's."""

    code_lines: int
    # Layers of each kind, and of all kinds.
    dense: int = 0
    conv: int = 0
    vector: int = 0  # elementwise, as between the gates of an LSTM
    pool: int = 0
    layers: int
    weights: int  # in millions
    per_weight: int  # operations
    batch: int  # examples
    reached: float  # 10¹² operations per second, measured


APPLICATIONS = {
    "MLP0": Application(
        code_lines=100, dense=5, layers=5, weights=20, per_weight=200, batch=200, reached=12.3
    ),
    "MLP1": Application(
        code_lines=1000, dense=4, layers=4, weights=5, per_weight=168, batch=168, reached=9.7
    ),
    "LSTM0": Application(
        code_lines=1000,
        dense=24,
        vector=34,
        layers=58,
        weights=52,
        per_weight=64,
        batch=64,
        reached=3.7,
    ),
    "LSTM1": Application(
        code_lines=1500,
        dense=37,
        vector=19,
        layers=56,
        weights=34,
        per_weight=96,
        batch=96,
        reached=2.8,
    ),
    "CNN0": Application(
        code_lines=1000, conv=16, layers=16, weights=8, per_weight=2888, batch=8, reached=86.0
    ),
    "CNN1": Application(
        code_lines=1000,
        dense=4,
        conv=72,
        pool=13,
        layers=89,
        weights=100,
        per_weight=1750,
        batch=32,
        reached=14.1,
    ),
}
SHARES = {"MLP": 61, "LSTM": 29, "CNN": 5}  # percent of the work of Google's TPUs in 2016
TPU_PEAK = 92e12  # operations per second; a multiplication and an addition are two
TPU_BANDWIDTH = 34e9  # bytes per second, from the memory of the weights; a weight is one byte
FLOAT_BYTES = 4
# Layers whose operations are counted, each with the shape of its input.
LAYERS = {
    "convolution 3×3": (keras.layers.Conv2D(16, 3, padding="same"), (32, 32, 8)),
    "convolution 5×5, unpadded": (keras.layers.Conv2D(16, 5), (32, 32, 8)),
    "convolution 3×3, stride 2": (keras.layers.Conv2D(16, 3, 2, padding="same"), (32, 32, 8)),
    "convolution 1×1": (keras.layers.Conv2D(16, 1), (19, 19, 8)),
    "depthwise convolution": (keras.layers.DepthwiseConv2D(3, padding="same"), (32, 32, 8)),
    "dense": (keras.layers.Dense(16), (32,)),
    "LSTM, one step": (keras.layers.LSTM(16, unroll=True), (1, 32)),
    "LSTM, ten steps": (keras.layers.LSTM(16, unroll=True), (10, 32)),
}
# Layers to be timed: layer, input shape and batch size. The weights of the dense layer and of the
# LSTM do not fit into a processor's caches, so each call fetches them from memory.
TIMED = {
    "dense, batch 1": (keras.layers.Dense(8192), (4096,), 1),
    "dense, batch 8": (keras.layers.Dense(8192), (4096,), 8),
    "dense, batch 64": (keras.layers.Dense(8192), (4096,), 64),
    "LSTM, batch 1": (keras.layers.LSTM(2048, unroll=True), (1, 2048), 1),
    "LSTM, batch 32": (keras.layers.LSTM(2048, unroll=True), (1, 2048), 32),
    "convolution, batch 1": (keras.layers.Conv2D(64, 3, padding="same"), (32, 32, 64), 1),
    "convolution, batch 16": (keras.layers.Conv2D(64, 3, padding="same"), (32, 32, 64), 16),
}


def kernel_weights(layer):
    """The number of weights in a built layer's kernels; biases are not counted."""
    return sum(int(np.prod(weight.shape)) for weight in layer.weights if "kernel" in weight.name)


def operations(layer, input_shape):
    """Multiplications and additions for one example, counted in the graph of the layer."""
    if not isinstance(layer, keras.layers.RNN):
        return 2 * multiply_accumulates(layer, input_shape)
    # The cost of one more step: in the first step, the state is a constant.
    steps, inputs = input_shape
    three = multiply_accumulates(layer, (3, inputs))
    return 2 * steps * (three - multiply_accumulates(layer, (2, inputs)))


def multiply_accumulates(layer, input_shape):
    """Multiply–accumulate operations for one example."""
    model = keras.Sequential([keras.Input(input_shape), layer])
    return network_cost(model)["multiply_accumulates"]


def operations_per_weight(layer, input_shape):
    """Operations for one example, divided by the number of weights."""
    return operations(layer, input_shape) / kernel_weights(layer)


def map_side(layer, input_shape):
    """DimFM: the side of a layer's output feature map, 1 if it has none."""
    output_shape = layer.compute_output_shape((None, *input_shape))
    return output_shape[1] if len(output_shape) == 4 else 1


def attainable(per_byte, peak, bandwidth):
    """The roofline: operations per second, limited by the memory or by the arithmetic."""
    return np.minimum(peak, bandwidth * np.asarray(per_byte))


def recurrent_bytes(units, inputs, steps, persistent):
    """Bytes of weights that a GRU fetches for a sequence of one example.

    Args:
        units: Of the layer.
        inputs: Number of inputs at each step.
        steps: Length of the sequence.
        persistent: Whether the weights stay on the chip after the first step, as in BrainWave.
    """
    weights = 3 * units * (units + inputs)
    return FLOAT_BYTES * weights * (1 if persistent else steps)


def best_seconds(function, repeats=10):
    """The time of the fastest of some calls: other work of the machine only adds to the time."""
    function()  # the first call may be slower
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        durations.append(time.perf_counter() - start)
    return min(durations)


def machine_peak(size=1024):
    """Measured operations per second of this machine, in a matrix product that fits into caches."""
    matrix = tf.random.normal((size, size))
    seconds = best_seconds(lambda: tf.linalg.matmul(matrix, matrix).numpy())
    return 2 * size**3 / seconds


def machine_bandwidth(megabytes=256):
    """Measured bytes per second that this machine reads from memory, in a matrix–vector product."""
    matrix = np.ones((megabytes * 2**20 // (FLOAT_BYTES * 4096), 4096), "float32")
    vector = np.ones(4096, "float32")
    return matrix.nbytes / best_seconds(lambda: matrix @ vector)


def measure(layer, input_shape, batch):
    """Operations per byte, and operations per second on this machine, of one call of a layer."""
    per_example = operations(layer, input_shape)
    inputs = tf.random.normal((batch, *input_shape))
    outputs = layer(inputs)
    compiled = tf.function(layer)
    seconds = best_seconds(lambda: compiled(inputs).numpy())
    moved = kernel_weights(layer) + np.prod(inputs.shape) + np.prod(outputs.shape)
    return batch * per_example / (FLOAT_BYTES * moved), batch * per_example / seconds


def draw_roof(axis, peak, bandwidth, lowest, highest):
    """Draw the roofline of the two limits, and the ridge point between them."""
    per_byte = np.geomspace(lowest, highest, 200)
    axis.loglog(per_byte, attainable(per_byte, peak, bandwidth) / 1e9, color="0.3")
    axis.axvline(peak / bandwidth, color="0.8", linestyle="--", zorder=0)
    axis.set(xlabel="operations per byte fetched", ylabel="10⁹ operations per second")


COLORS = {"MLP": "C0", "dense": "C0", "LSTM": "C1", "CNN": "C2", "convolution": "C2"}


def color_of(name):
    """One color for each kind of network or layer."""
    return next(color for kind, color in COLORS.items() if name.startswith(kind))


def plot_tpu():
    """Plot the slide's applications under the roofline of the TPU."""
    figure, axis = plt.subplots(figsize=(8, 5), layout="constrained")
    draw_roof(axis, TPU_PEAK, TPU_BANDWIDTH, 30, 2e4)
    for name, application in APPLICATIONS.items():
        per_byte = 2 * application.per_weight
        color = color_of(name)
        axis.plot(per_byte, application.reached * 1e3, "o", color=color, markersize=9)
        style = {"textcoords": "offset points", "xytext": (9, -4), "color": color}
        axis.annotate(name, (per_byte, application.reached * 1e3), **style)
    ridge = TPU_PEAK / TPU_BANDWIDTH
    below = sum(2 * application.per_weight < ridge for application in APPLICATIONS.values())
    axis.set(title=f"{below} of the TPU's {len(APPLICATIONS)} applications wait for its memory")
    return figure


def plot_machine(peak, bandwidth, points):
    """Plot layers, measured on this machine, under its roofline."""
    figure, axis = plt.subplots(figsize=(8, 5), layout="constrained")
    intensities = [per_byte for per_byte, _ in points.values()]
    draw_roof(axis, peak, bandwidth, min(intensities) / 2, max(intensities) * 3)
    for name, (per_byte, per_second) in points.items():
        axis.plot(per_byte, per_second / 1e9, "o", color=color_of(name), markersize=9)
        style = {"textcoords": "offset points", "xytext": (8, -9), "color": color_of(name)}
        axis.annotate(name.replace(", batch ", " × "), (per_byte, per_second / 1e9), **style)
    axis.set(title="Layers under the roof of this machine: left of the ridge, memory limits")
    return figure


def main():
    print("Operations with each weight for one example: counted, and 2 · DimFM²")
    for name, (layer, input_shape) in LAYERS.items():
        counted = operations_per_weight(layer, input_shape)
        formula = 2 * map_side(layer, input_shape) ** 2
        print(f"  {name:26} {counted:7.0f} {formula:7}")

    print("\nApplications of the TPU: layers, operations for a batch, attainable and reached")
    for name, application in APPLICATIONS.items():
        work = application.weights * 1e6 * application.per_weight
        limit = attainable(2 * application.per_weight, TPU_PEAK, TPU_BANDWIDTH)
        print(f"  {name:5} {application.layers:3} layers, {work:.3e} operations,", end=" ")
        print(f"at most {limit / 1e12:4.1f} · 10¹² a second, reached {application.reached}")
    shares = ", ".join(f"{kind} {share} %" for kind, share in SHARES.items())
    print(f"  Of the work of Google's TPUs: {shares}, together {sum(SHARES.values())} %")

    print("\nWeights fetched by a GRU of 2,048 units for 100 steps of one example")
    for persistent in (False, True):
        moved = recurrent_bytes(2048, 2048, 100, persistent)
        which = "once" if persistent else "at every step"
        print(f"  {which:13}: {moved / 1e9:.2f} GB")

    peak = machine_peak()
    bandwidth = machine_bandwidth()
    print(f"\nThis machine: {peak / 1e9:.0f} · 10⁹ operations and", end=" ")
    print(f"{bandwidth / 1e9:.1f} · 10⁹ bytes per second")
    points = {name: measure(*each) for name, each in TIMED.items()}
    for name, (per_byte, per_second) in points.items():
        limit = attainable(per_byte, peak, bandwidth)
        print(f"  {name:21} {per_byte:6.1f} operations per byte:", end=" ")
        print(f"{per_second / 1e9:6.1f} · 10⁹ a second, {per_second / limit:4.0%} of its limit")

    plot_tpu().savefig("tpu.png")
    plot_machine(peak, bandwidth, points).savefig("machine.png")


if __name__ == "__main__":
    main()
