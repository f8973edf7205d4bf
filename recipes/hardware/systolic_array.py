"""Systolic array: the TPU's matrix unit, cycle by cycle, and a network as a program for it.

Slides: 000 «TPU», 000 «TPU microarchitecture», 000 «TPU ISA», 000 «TPU terminology».
Paper:  Kung (1982), Why systolic architectures?, https://doi.org/10.1109/MC.1982.1653825;
        Jouppi et al. (2017), https://arxiv.org/abs/1704.04760
Departs from the slides: arrays of 6 × 6 and 16 × 16 cells instead of 256 × 256, and the five
instructions are limited to the needs of a dense network. The slide gives the weight memory as
8 MiB: it is 8 GiB, since 8 MiB would not hold the 20 million weights of MLP0.

Each cell keeps a weight. Inputs move to the right, one cell per cycle; sums move down, and each
cell adds its product to the passing sum. Row i of the array gets its inputs i cycles late, so that
each input meets the sum that it belongs to. A cell reads only from its neighbors, not from a
memory, which saves energy. The product of M rows with N × N weights takes M + 2N − 2 cycles
(tested).
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

SIDE = 16  # of the array that runs the network
TPU_SIDE = 256
TPU_ROWS = 4096  # of the accumulators, each of 256 numbers of 32 bits
TPU_BUFFER = 24 * 2**20  # bytes of the unified buffer
TPU_WEIGHTS = 8 * 2**30  # bytes of the weight memory
HIDDEN = 32  # hidden units of the network
LARGEST = 127  # greatest absolute value of an integer of 8 bits


def multiply(inputs, weights, watch=None):
    """The product of two matrices of integers in a weight-stationary systolic array.

    Args:
        inputs: Array (M, N).
        weights: Array (N, N), one in each cell.
        watch: If given, a function called after each cycle with the inputs in the cells (N, N) and
            the mask of active cells (N, N).

    Returns:
        The product (M, N), and the number of cycles.
    """
    count, side = inputs.shape
    rows = np.arange(side)
    held = np.zeros((side, side), "int32")
    sums = np.zeros((side, side), "int32")
    busy = np.zeros((side, side), bool)
    product = np.zeros((count, side), "int32")
    cycles = count + 2 * side - 2
    for cycle in range(cycles):
        # Inputs enter at the left, in row i with a delay of i cycles.
        example = cycle - rows
        comes = (example >= 0) & (example < count)
        held = np.roll(held, 1, axis=1)
        busy = np.roll(busy, 1, axis=1)
        held[:, 0] = np.where(comes, inputs[example.clip(0, count - 1), rows], 0)
        busy[:, 0] = comes
        # Each cell adds its product to the sum from above.
        sums = np.roll(sums, 1, axis=0)
        sums[0] = 0
        sums = sums + held * weights
        # Outputs leave at the bottom, in column j with a delay of j cycles.
        example = cycle - (side - 1) - rows
        leaves = (example >= 0) & (example < count)
        product[example[leaves], rows[leaves]] = sums[-1, leaves]
        if watch:
            watch(held, busy)
    return product, cycles


def utilization(count, side):
    """The share of active cells, over all cycles of a product of `count` rows."""
    return count / (count + 2 * side - 2)


def reads_per_product(count, side, systolic):
    """Reads from buffers per multiplication.

    Args:
        count: Number of rows of inputs.
        side: Of the array.
        systolic: Whether each input and each weight is read once, or for every multiplication.
    """
    if systolic:
        return (count * side + side**2) / (count * side**2)
    return 2.0


class TPU:
    """Five instructions, a buffer, accumulators and a systolic array.

    Args:
        host: `{name: array}`, the memory of the host: inputs, weights of 8 bits, biases of 32.
    """

    def __init__(self, host):
        self.host = host
        self.buffer = None  # integers of 8 bits
        self.weights = None
        self.accumulators = None  # integers of 32 bits
        self.cycles = 0
        self.instructions = 0

    def run(self, program):
        """Execute (instruction, arguments …) one after the other."""
        for name, *arguments in program:
            getattr(self, name)(*arguments)
            self.instructions += 1
        return self.host

    def read_host_memory(self, name):
        self.buffer = self.host[name]
        self.cycles += len(self.buffer)

    def read_weights(self, name, row, column):
        """Load one tile of weights into the cells, one row per cycle."""
        tile = np.zeros((SIDE, SIDE), "int8")
        part = self.host[name][row : row + SIDE, column : column + SIDE]
        tile[: part.shape[0], : part.shape[1]] = part
        self.weights = tile
        self.cycles += SIDE

    def matrix_multiply(self, row, column, width):
        """Multiply columns of the buffer by the weights, and add to columns of the accumulators."""
        inputs = np.zeros((len(self.buffer), SIDE), "int8")
        part = self.buffer[:, row : row + SIDE]
        inputs[:, : part.shape[1]] = part
        product, cycles = multiply(inputs, self.weights)
        if row == 0 and column == 0:
            self.accumulators = np.zeros((len(self.buffer), width), "int32")
        target = self.accumulators[:, column : column + SIDE]
        target += product[:, : target.shape[1]]
        self.cycles += cycles

    def activate(self, bias, scale, relu):
        """Add the bias, apply ReLU, and requantize the sums to 8 bits, into the buffer."""
        self.buffer = requantize(self.accumulators + self.host[bias], scale, relu)
        self.cycles += len(self.buffer)

    def write_host_memory(self, name):
        self.host[name] = self.buffer
        self.cycles += len(self.buffer)


def requantize(sums, scale, relu):
    """Sums of 32 bits, multiplied by `scale` and rounded to integers of 8 bits."""
    if relu:
        sums = np.maximum(sums, 0)
    return np.rint(sums * scale).clip(-LARGEST, LARGEST).astype("int8")


def compile_dense(name, inputs, units, scale, relu):
    """The instructions for a dense layer, whose weights may need several tiles."""
    program = []
    for row in range(0, inputs, SIDE):
        for column in range(0, units, SIDE):
            program.append(("read_weights", f"{name}_weights", row, column))
            program.append(("matrix_multiply", row, column, units))
    return [*program, ("activate", f"{name}_bias", scale, relu)]


def largest_scale(values):
    """The largest scale for which values fit into an integer of 8 bits."""
    return LARGEST / np.abs(values).max()


def quantize(values, scale):
    """Numbers as integers of 8 bits."""
    return np.rint(values * scale).clip(-LARGEST, LARGEST).astype("int8")


def train_network():
    """Train a network to classify handwritten digits of 8 × 8 pixels.

    Returns:
        Training images (count, 64), also for calibration; test images and labels; pairs of weights
        and biases.
    """
    images, labels = load_digits(return_X_y=True)
    images = images / 16
    network = MLPClassifier((HIDDEN,), early_stopping=True, n_iter_no_change=30, random_state=0)
    network.fit(images[:1300], labels[:1300])
    layers = list(zip(network.coefs_, network.intercepts_, strict=True))
    return images[:1300], images[1300:], labels[1300:], layers


def build_float(layers):
    """The network in Keras, in float32; it returns logits."""
    (first, _), (second, _) = layers
    model = keras.Sequential(
        [
            keras.Input((len(first),)),
            keras.layers.Dense(first.shape[1], activation="relu"),
            keras.layers.Dense(second.shape[1]),
        ]
    )
    model.set_weights([weight for layer in layers for weight in layer])
    return model


def compile_network(layers, images, calibration):
    """The network as a program of five instructions, and the host's memory.

    Args:
        layers: Pairs of weights and biases.
        images: Array (count, inputs), the network's inputs.
        calibration: Other images (count, inputs), which determine the scales of all activations.
    """
    host = {}
    program = [("read_host_memory", "images")]
    activations = calibration
    scale = largest_scale(calibration)
    host["images"] = quantize(images, scale)
    for number, (weights, bias) in enumerate(layers):
        name = f"layer_{number}"
        relu = number < len(layers) - 1
        weight_scale = largest_scale(weights)
        host[f"{name}_weights"] = quantize(weights, weight_scale)
        # Biases have the scale of the sums.
        sum_scale = scale * weight_scale
        host[f"{name}_bias"] = np.rint(bias * sum_scale).astype("int32")
        activations = activations @ weights + bias
        if relu:
            activations = np.maximum(activations, 0)
        scale = largest_scale(activations)
        program += compile_dense(name, *weights.shape, scale / sum_scale, relu)
    return [*program, ("write_host_memory", "logits")], host


def animate(count=6, side=6):
    """Animate the wave of inputs through the array, cycle by cycle."""
    rng = np.random.default_rng(0)
    inputs = rng.integers(1, 10, (count, side))
    frames = []
    _, cycles = multiply(inputs, np.ones((side, side), int), lambda *cells: frames.append(cells))
    figure, axis = plt.subplots(figsize=(5, 5.2), layout="constrained")
    # The index of each cell's diagonal: a row of inputs moves as a diagonal of one color.
    diagonal = np.add.outer(np.arange(side), np.arange(side))
    picture = axis.imshow(np.zeros((side, side)), cmap="tab10", vmin=0, vmax=9, alpha=0.6)
    texts = [
        [axis.text(column, row, "", ha="center", va="center") for column in range(side)]
        for row in range(side)
    ]
    axis.set(xticks=[], yticks=[], xlabel="sums leave here ↓", ylabel="inputs come in here →")

    def update(cycle):
        held, busy = frames[cycle]
        picture.set_data(np.where(busy, cycle - diagonal, np.nan))
        for row, column in np.ndindex(side, side):
            texts[row][column].set_text(str(held[row, column]) if busy[row, column] else "")
        axis.set_title(f"Cycle {cycle + 1} of {cycles}: {busy.sum()} of {side**2} cells at work")

    # All frames share the layout of the first one.
    update(0)
    figure.canvas.draw()
    figure.set_layout_engine("none")
    return FuncAnimation(figure, update, frames=cycles, interval=400)


def plot_costs():
    """Plot the utilization of the TPU's array by rows of inputs, and its reads from buffers."""
    counts = 2 ** np.arange(15)
    used = utilization(counts, TPU_SIDE)
    enough = counts[np.argmax(used > 0.9)]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    left.semilogx(counts, 100 * used, "o-", base=2)
    left.axhline(90, color="0.5", linestyle="--")
    left.set(title=f"From {enough:,} rows on, over 90 % of the array is at work")
    left.set(xlabel="rows of inputs", ylabel="% of cells and cycles")
    for systolic, label in ((False, "one by one"), (True, "systolic")):
        reads = [reads_per_product(count, TPU_SIDE, systolic) for count in counts]
        right.loglog(counts, reads, "o-", base=2, label=label)
    right.set(title=f"Each input read from the buffer is used {TPU_SIDE} times")
    right.set(xlabel="rows of inputs", ylabel="reads for each multiplication")
    right.legend()
    return figure


def main():
    print(f"The TPU: {TPU_SIDE**2:,} cells; accumulators of {TPU_ROWS * TPU_SIDE * 4:,} bytes;")
    print(f"a buffer of {TPU_BUFFER // TPU_SIDE:,} rows of {TPU_SIDE} bytes;", end=" ")
    print(f"a weight memory of {TPU_WEIGHTS:,} bytes\n")

    rng = np.random.default_rng(0)
    for count, side in ((1, 1), (1, 6), (6, 6), (100, 6)):
        inputs = rng.integers(-128, 128, (count, side))
        weights = rng.integers(-128, 128, (side, side))
        product, cycles = multiply(inputs, weights)
        exact = "exact" if np.array_equal(product, inputs @ weights) else "wrong"
        print(f"{count} rows, {side} × {side} cells: {exact},", end=" ")
        print(f"{cycles} cycles, {utilization(count, side):.0%} of the cells at work")

    calibration, images, labels, layers = train_network()
    program, host = compile_network(layers, images, calibration)
    tpu = TPU(host)
    logits = tpu.run(program)["logits"]
    in_float = keras.ops.convert_to_numpy(build_float(layers)(images))
    kinds = sorted({name for name, *_ in program})
    print(f"\n{len(program)} instructions of {len(kinds)} kinds: {', '.join(kinds)}")
    per_instruction = tpu.cycles / len(program)
    print(f"{tpu.cycles:,} cycles for {len(images)} images, {per_instruction:.0f} per instruction")
    print(f"Accuracy with 8 bits {np.mean(logits.argmax(axis=1) == labels):.4f}", end=", ")
    print(f"in Keras with 32 bits {np.mean(in_float.argmax(axis=1) == labels):.4f}")

    animate().save("wave.gif", writer="pillow")
    plot_costs().savefig("costs.png")


if __name__ == "__main__":
    main()
