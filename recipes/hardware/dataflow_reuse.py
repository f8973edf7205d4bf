"""Data reuse in accelerators: weight-, output- and row-stationary dataflow; scratchpad and cache.

Slides: 000 «Eyeriss», 000 «DSAs: memorias dedicadas», 000 «Cerebras».
Paper:  Chen, Emer & Sze (2016), Eyeriss: a spatial architecture for energy-efficient dataflow,
        https://doi.org/10.1109/ISCA.2016.40 (costs: table IV);
        Hong & Kung (1981), I/O complexity, https://doi.org/10.1145/800076.802486
Departs from the slides: a simulation of one small convolution, access by access, instead of
Eyeriss; the array has 3 × 12 processing elements instead of 12 × 14. A read costs as much as a
write; control and leakage are ignored; traffic between registers and buffer is counted as if the
buffer had room for the whole layer. The sparse product follows Cerebras' instruction
[z] = [z], [w], a.

A multiplication is cheap; fetching its operands is not: an access to memory costs 200 times as
much. Each number is used many times, so it matters which numbers stay near the arithmetic.
Weight-stationary loops keep a weight and change sums all the time; output-stationary loops keep a
sum until it is complete. Row-stationary loops keep a row of weights and a window of the inputs that
slides along a row; in an array, neighbors pass weights, inputs and sums on. Row-stationary takes
the least energy here, and the fewest memory accesses if the buffer has room for rows of inputs;
with less room, output-stationary does.

A cache keeps the most recently used numbers. A scratchpad is managed by the program, which can be
written for the numbers needed next: for a matrix product, tiles.
"""

import collections
import itertools
import typing

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

# The convolution.
FILTERS = 8
CHANNELS = 4  # of the inputs
SIDE = 12  # side of the outputs
KERNEL = 3  # side of the filters
INPUT = SIDE + KERNEL - 1  # side of the inputs
# Energy of an access, relative to a multiply–accumulate.
COSTS = {"registers": 1, "neighbors": 2, "buffer": 6, "memory": 200}
AT_THE_ARITHMETIC = 4  # register accesses per product: weight, input, and the sum twice


class Chip(typing.NamedTuple):
    """A chip on the slide on Cerebras."""

    transistors: float
    area: float  # mm²


WAFER = Chip(1.2e12, 46_225)  # the wafer-scale engine, a whole wafer as one chip
LARGEST_GPU = Chip(21.1e9, 815)
WAFER_CORES = 400_000
WAFER_MEMORY = 18e9  # bytes, all of them beside the cores


class Dataflow(typing.NamedTuple):
    """An order of loops, the outermost first, and the numbers kept in registers and buffer.

    m and c are filter and channel; i and j are row and column of the kernel; y and x are those of
    the output.
    """

    loops: str  # over numbers
    weights: int  # number of registers
    inputs: int
    tiles: str  # the order of loops over tiles that fit into the buffer
    slides: bool = False  # whether rows of inputs shared with the next tile stay there


DATAFLOWS = {
    "weight-stationary": Dataflow("mcijyx", 1, 1, "mcy"),
    "output-stationary": Dataflow("myxcij", 1, 1, "myc"),
    "row-stationary": Dataflow("mciyxj", KERNEL, KERNEL, "mcy", slides=True),
}
# Sizes of the buffer, in numbers.
BUFFER = 512  # in the comparison of energies
SMALL_BUFFER = 192  # for comparison
BUFFERS = (128, 192, 256, 384, 512, 768, 1024, 1536, 2304)  # of the curves
# The product of matrices.
MATRIX = 32  # side of the matrices
TILES = (2, 4, 8, 16)  # sides of their tiles
# The network of digits whose zeros are skipped.
HIDDEN = 64  # units
EPOCHS = 30  # of its training
READ = 100  # digits classified with instructions counted


def sample_layer(seed=0):
    """Integers: inputs (CHANNELS, INPUT, INPUT) and weights (FILTERS, CHANNELS, KERNEL, KERNEL)."""
    rng = np.random.default_rng(seed)
    inputs = rng.integers(-9, 10, (CHANNELS, INPUT, INPUT))
    return inputs, rng.integers(-9, 10, (FILTERS, CHANNELS, KERNEL, KERNEL))


def products():
    """Number of multiplications in the convolution."""
    return FILTERS * CHANNELS * SIDE**2 * KERNEL**2


def convolve(inputs, weights):
    """The convolution of some channels and rows with some filters, all at once."""
    windows = np.lib.stride_tricks.sliding_window_view(inputs, (KERNEL, KERNEL), axis=(1, 2))
    return np.einsum("cyxij,mcij->myx", windows, weights)


def run_loops(dataflow, inputs, weights):
    """The convolution on one processing element with a few registers, number by number.

    Args:
        dataflow: A `Dataflow`.
        inputs, weights: Of the layer.

    Returns:
        The outputs (FILTERS, SIDE, SIDE), and the number of accesses to the buffer: `{"weights": …,
        "inputs": …, "sums": …}`; writing a sum and reading it back are two.
    """
    bounds = {"m": FILTERS, "c": CHANNELS, "i": KERNEL, "j": KERNEL, "y": SIDE, "x": SIDE}
    sizes = {"weights": dataflow.weights, "inputs": dataflow.inputs, "sums": 1}
    registers = {tensor: Recent(size) for tensor, size in sizes.items()}
    moved = collections.Counter()
    begun = set()
    outputs = np.zeros((FILTERS, SIDE, SIDE), int)
    for position in itertools.product(*[range(bounds[letter]) for letter in dataflow.loops]):
        at = dict(zip(dataflow.loops, position, strict=True))
        m, c, i, j, y, x = (at[letter] for letter in "mcijyx")
        outputs[m, y, x] += weights[m, c, i, j] * inputs[c, y + i, x + j]
        moved["weights"] += not registers["weights"].has((m, c, i, j))
        moved["inputs"] += not registers["inputs"].has((c, y + i, x + j))
        if not registers["sums"].has((m, y, x)):
            # One write, and one read, except the first time, when the sum is 0.
            moved["sums"] += 2 if (m, y, x) in begun else 1
            begun.add((m, y, x))
    return outputs, moved


class Recent:
    """A cache with least-recently-used (LRU) replacement.

    Args:
        size: Capacity, in numbers.
    """

    def __init__(self, size):
        self.size = size
        self.held = collections.OrderedDict()

    def has(self, address):
        """Whether the cache contains a number, which it does afterwards."""
        found = address in self.held
        self.held[address] = None
        self.held.move_to_end(address)
        if len(self.held) > self.size:
            self.held.popitem(last=False)
        return found


def run_array(inputs, weights):
    """The convolution on KERNEL × SIDE elements, each with one row of weights and one of outputs.

    Element (i, y) convolves row i of the kernel with row y + i of the inputs. Weights move from
    neighbor to neighbor along a row of elements, inputs along a diagonal, sums up a column.

    Returns:
        The outputs, and the accesses: `{"registers": …, "neighbors": …, "buffer": …}`.
    """
    accesses = collections.Counter()
    outputs = np.zeros((FILTERS, SIDE, SIDE), int)
    for m, c in itertools.product(range(FILTERS), range(CHANNELS)):
        # The first element of a row gets weights from the buffer, the others from the left.
        accesses["buffer"] += KERNEL**2
        accesses["neighbors"] += KERNEL**2 * (SIDE - 1)
        for row in range(INPUT):
            elements = sum(0 <= row - i < SIDE for i in range(KERNEL))  # of the diagonal
            accesses["buffer"] += INPUT
            accesses["neighbors"] += INPUT * (elements - 1)
        for y in range(SIDE):
            below = np.zeros(SIDE, int)
            for i in reversed(range(KERNEL)):
                row = np.correlate(inputs[c, y + i], weights[m, c, i])
                accesses["registers"] += AT_THE_ARITHMETIC * SIDE * KERNEL
                accesses["neighbors"] += SIDE if i < KERNEL - 1 else 0
                below = below + row
            outputs[m, y] += below
            accesses["buffer"] += SIDE if c == 0 else 2 * SIDE
    return outputs, accesses


def run_tiles(dataflow, tile, inputs, weights):
    """The convolution by tiles that are loaded from memory into the buffer.

    Args:
        dataflow: A `Dataflow`.
        tile: Number of filters, channels and rows of outputs.
        inputs, weights: Of the layer.

    Returns:
        The outputs, and the number of accesses to memory, as in `run_loops`.
    """
    sizes = dict(zip("mcy", tile, strict=True))
    bounds = {"m": FILTERS, "c": CHANNELS, "y": SIDE}
    ranges = [range(0, bounds[letter], sizes[letter]) for letter in dataflow.tiles]
    buffer = {"weights": None, "inputs": None, "sums": None}  # ranges of the current tiles
    moved = collections.Counter()
    outputs = np.zeros((FILTERS, SIDE, SIDE), int)
    begun = set()
    for position in itertools.product(*ranges):
        at = dict(zip(dataflow.tiles, position, strict=True))
        filters = slice(at["m"], at["m"] + sizes["m"])
        channels = slice(at["c"], at["c"] + sizes["c"])
        rows = slice(at["y"], at["y"] + sizes["y"])
        needed = slice(at["y"], at["y"] + sizes["y"] + KERNEL - 1)  # rows of inputs
        if buffer["weights"] != (filters, channels):
            moved["weights"] += weights[filters, channels].size
            buffer["weights"] = (filters, channels)
        if buffer["inputs"] != (channels, needed):
            new = needed
            if dataflow.slides and buffer["inputs"] == (channels, before(needed, sizes["y"])):
                new = slice(needed.start + KERNEL - 1, needed.stop)
            moved["inputs"] += inputs[channels, new].size
            buffer["inputs"] = (channels, needed)
        if buffer["sums"] != (filters, rows):
            size = outputs[filters, rows].size
            moved["sums"] += 2 * size if (at["m"], at["y"]) in begun else size
            begun.add((at["m"], at["y"]))
            buffer["sums"] = (filters, rows)
        outputs[filters, rows] += convolve(inputs[channels, needed], weights[filters, channels])
    return outputs, moved


def before(rows, count):
    """A slice of rows, moved up by `count`."""
    return slice(rows.start - count, rows.stop - count)


def tile_size(tile):
    """Total number of a tile's weights, inputs and sums."""
    filters, channels, rows = tile
    weights = filters * channels * KERNEL**2
    return weights + channels * (rows + KERNEL - 1) * INPUT + filters * rows * SIDE


def divisors(number):
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]


def moved_by_tile(dataflow, inputs, weights):
    """The number of memory accesses for each tile size: `{tile: …}`."""
    moved = {}
    for tile in itertools.product(divisors(FILTERS), divisors(CHANNELS), divisors(SIDE)):
        _, counts = run_tiles(dataflow, tile, inputs, weights)
        moved[tile] = counts.total()
    return moved


def best_tile(moved, size):
    """The tile with the fewest memory accesses that fits into the buffer; None if none fits.

    Args:
        moved: As returned by `moved_by_tile`.
        size: Of the buffer.
    """
    fitting = [tile for tile in moved if tile_size(tile) <= size]
    return min(fitting, key=moved.get, default=None)


def least():
    """Lower bound of the memory accesses: all inputs, weights and outputs once."""
    inputs = CHANNELS * INPUT**2
    return inputs + FILTERS * CHANNELS * KERNEL**2 + FILTERS * SIDE**2


def energies(accesses):
    """Energy of the accesses per product, relative to a multiply–accumulate: `{where: …}`."""
    return {where: COSTS[where] * accesses[where] / products() for where in COSTS}


def multiply_tiled(tile, visit):
    """A tiled matrix product, which calls `visit` with the address of each number used.

    Args:
        tile: Side of the tiles; that of the matrices for plain loops.
        visit: A function of an address: name of the matrix, row and column.
    """
    for rows, columns, inner in itertools.product(range(0, MATRIX, tile), repeat=3):
        for i, j, k in itertools.product(range(tile), repeat=3):
            visit(("a", rows + i, inner + k))
            visit(("b", inner + k, columns + j))
            visit(("c", rows + i, columns + j))


def moved_by_cache(size, tile):
    """Fetches of an LRU cache in a matrix product with tiles of this side.

    As for the scratchpad, only fetches are counted, not writes.
    """
    cache = Recent(size)
    fetched = 0

    def visit(address):
        nonlocal fetched
        fetched += not cache.has(address)

    multiply_tiled(tile, visit)
    return fetched


def moved_by_scratchpad(tile):
    """Numbers loaded into a scratchpad that has room for a tile of each matrix."""
    held = {}
    fetched = 0

    def visit(address):
        nonlocal fetched
        matrix, row, column = address
        corner = (row // tile, column // tile)
        if held.get(matrix) != corner:
            held[matrix] = corner
            fetched += tile**2

    multiply_tiled(tile, visit)
    return fetched


def multiply_sparse(weights, values):
    """Vector times matrix, with one instruction per nonzero value: [z] = [z], [w], a.

    Args:
        weights: Array (inputs, outputs).
        values: Array (inputs,).

    Returns:
        The product (outputs,), and the number of instructions.
    """
    sums = np.zeros(weights.shape[1])
    instructions = 0
    for row, value in zip(weights, values, strict=True):
        if value != 0:
            sums += row * value
            instructions += 1
    return sums, instructions


def skipped_work():
    """The share of zeros in digits of 8 × 8 pixels, and in the hidden layer of their classifier."""
    images, labels = load_digits(return_X_y=True)
    network = MLPClassifier((HIDDEN,), random_state=0)
    for _ in range(EPOCHS):
        network.partial_fit(images / 16, labels, classes=np.arange(10))
    done = np.zeros(2)
    for image in images[:READ] / 16:
        sums, first = multiply_sparse(network.coefs_[0], image)
        hidden = np.maximum(sums + network.intercepts_[0], 0)
        _, second = multiply_sparse(network.coefs_[1], hidden)
        done += [first / len(image), second / HIDDEN]
    return 1 - done / READ


def plot(energy, moved, matrix):
    """Plot energy by dataflow, accesses by size of the buffer, and scratchpad against cache.

    Args:
        energy: `{dataflow: result of `energies`}`.
        moved: `{dataflow: result of `moved_by_tile`}`.
        matrix: `{how: number of fetches for each of TILES}`.
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.8), layout="constrained")
    bottom = np.zeros(len(energy))
    names = [name.replace("-", "-\n").replace(" ", "\n") for name in energy]
    for where, color in zip(COSTS, ("C0", "C2", "C1", "0.4"), strict=True):
        heights = np.array([parts[where] for parts in energy.values()])
        left.bar(names, heights, bottom=bottom, color=color, label=where)
        bottom += heights
    left.legend()
    left.tick_params(axis="x", labelsize=8)
    left.set(ylabel="energy for each product", title=title_of(energy))

    for name, by_tile in moved.items():
        best = [best_tile(by_tile, size) for size in BUFFERS]
        fits = [(size, by_tile[tile]) for size, tile in zip(BUFFERS, best, strict=True) if tile]
        middle.plot(*zip(*fits, strict=True), "o-", label=name)
    middle.axhline(least(), color="0.5", linestyle=":", label="each number once")
    middle.set(xscale="log", yscale="log", xlabel="numbers in the buffer")
    middle.set(ylabel="numbers from and to memory", title="The convolution, with the best tiles")
    middle.set_xticks([128, 256, 512, 1024, 2048], ["128", "256", "512", "1024", "2048"])
    middle.set_xticks([], minor=True)
    middle.legend()

    sizes = [3 * tile**2 for tile in TILES]
    for how, counts in matrix.items():
        right.plot(sizes, counts, "o-", label=how)
    right.set(xscale="log", yscale="log", xlabel="numbers in scratchpad or cache")
    right.set_xticks(sizes, [str(size) for size in sizes])
    right.set_xticks([], minor=True)
    right.set(ylabel="numbers fetched", title=f"Product of two matrices {MATRIX} × {MATRIX}")
    right.legend()
    return figure


def title_of(energy):
    """A title with the energies of the other dataflows, relative to the best."""
    totals = {name: sum(parts.values()) for name, parts in energy.items()}
    best = min(totals, key=totals.get)
    others = [total / totals[best] for name, total in totals.items() if name != best]
    return f"Least: {best}; the others {min(others):.1f} to {max(others):.1f} times"


def count_convolution():
    """Print and return the energies and memory accesses of the dataflows.

    Returns:
        `{dataflow: energies}`, and `{dataflow: result of `moved_by_tile`}`.
    """
    inputs, weights = sample_layer()
    energy = {}
    moved = {}
    print(f"{products():,} products; numbers from and to the buffer, by one element:")
    for name, dataflow in DATAFLOWS.items():
        _, counts = run_loops(dataflow, inputs, weights)
        print(f"  {name:18}", ", ".join(f"{tensor} {n:,}" for tensor, n in counts.items()))
        moved[name] = moved_by_tile(dataflow, inputs, weights)
        tile = best_tile(moved[name], BUFFER)
        print(f"{'':20} from and to memory {moved[name][tile]:,}, with tiles {tile};", end=" ")
        print(
            f"with a buffer of {SMALL_BUFFER} {moved[name][best_tile(moved[name], SMALL_BUFFER)]:,}"
        )
        accesses = {
            "registers": AT_THE_ARITHMETIC * products(),
            "neighbors": 0,
            "buffer": counts.total(),
            "memory": moved[name][tile],
        }
        energy[name] = energies(accesses)
    _, accesses = run_array(inputs, weights)
    by_tile = moved["row-stationary"]
    accesses["memory"] = by_tile[best_tile(by_tile, BUFFER)]
    energy["row-stationary array"] = energies(accesses)
    print("Energy for each product, in that of a multiplication")
    for name, parts in energy.items():
        print(f"  {name:21}", ", ".join(f"{where} {part:.2f}" for where, part in parts.items()))
        print(f"{'':23} in all {sum(parts.values()):.1f}")
    print(f"The array takes {accesses['buffer']:,} numbers from and to the buffer")
    return energy, moved


def count_product():
    """Print and return the fetches of a matrix product: `{how: numbers, for each of TILES}`."""
    matrix = {
        "cache, plain loops": [moved_by_cache(3 * tile**2, MATRIX) for tile in TILES],
        "cache, tiles": [moved_by_cache(3 * tile**2, tile) for tile in TILES],
        "scratchpad, tiles": [moved_by_scratchpad(tile) for tile in TILES],
    }
    print(f"Numbers fetched for a product of {MATRIX} × {MATRIX}; room for three tiles of {TILES}")
    for how, counts in matrix.items():
        print(f"  {how:20}", ", ".join(f"{count:,}" for count in counts))
    return matrix


def wafer():
    """Cerebras' wafer: how many GPUs' transistors, millions of transistors in a mm², kB of a core.

    The millions are those of the wafer and of the largest GPU.
    """
    densities = [chip.transistors / chip.area / 1e6 for chip in (WAFER, LARGEST_GPU)]
    return WAFER.transistors / LARGEST_GPU.transistors, densities, WAFER_MEMORY / WAFER_CORES / 1e3


def main():
    energy, moved = count_convolution()
    matrix = count_product()
    first, second = skipped_work()
    print(f"Skipped, for they are 0: {first:.0%} of the pixels, {second:.0%} of the hidden units")
    gpus, densities, kilobytes = wafer()
    print(f"Cerebras' wafer has the transistors of {gpus:.1f} of the largest GPUs,", end=" ")
    print(f"{densities[0]:.1f} million in a mm² instead of {densities[1]:.1f},", end=" ")
    print(f"and {kilobytes:.0f} kB of memory beside each core")
    plot(energy, moved, matrix).savefig("dataflows.png")


if __name__ == "__main__":
    main()
