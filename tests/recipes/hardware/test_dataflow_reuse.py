"""What each dataflow moves, against closed formulas; scratchpad and cache; the picture."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.hardware import dataflow_reuse as recipe

FILTERS, CHANNELS, SIDE, KERNEL = 3, 2, 4, 3
INPUT = SIDE + KERNEL - 1


@pytest.fixture
def layer(monkeypatch):
    """A small layer, whose sizes all differ."""
    for name in ("FILTERS", "CHANNELS", "SIDE", "KERNEL", "INPUT"):
        monkeypatch.setattr(recipe, name, globals()[name])
    return recipe.sample_layer()


def by_hand(inputs, weights):
    """The convolution as its definition says it."""
    outputs = np.zeros((FILTERS, SIDE, SIDE), int)
    for m, y, x in np.ndindex(outputs.shape):
        outputs[m, y, x] = np.sum(inputs[:, y : y + KERNEL, x : x + KERNEL] * weights[m])
    return outputs


def test_all_ways_give_the_convolution(layer):
    expected = by_hand(*layer)
    np.testing.assert_array_equal(recipe.convolve(*layer), expected)
    for dataflow in recipe.DATAFLOWS.values():
        np.testing.assert_array_equal(recipe.run_loops(dataflow, *layer)[0], expected)
        for tile in [(1, 1, 1), (3, 1, 2), (1, 2, 4)]:
            np.testing.assert_array_equal(recipe.run_tiles(dataflow, tile, *layer)[0], expected)
    np.testing.assert_array_equal(recipe.run_array(*layer)[0], expected)


def test_numbers_of_each_dataflow(layer):
    products = FILTERS * CHANNELS * KERNEL**2 * SIDE**2
    outputs = FILTERS * SIDE**2
    weights = FILTERS * CHANNELS * KERNEL**2
    assert recipe.products() == products

    def moved(name):
        return recipe.run_loops(recipe.DATAFLOWS[name], *layer)[1]

    # A sum is written each time, and read each time but the first one.
    assert moved("weight-stationary") == {
        "weights": weights,
        "inputs": products,
        "sums": 2 * products - outputs,
    }
    assert moved("output-stationary") == {
        "weights": products,
        "inputs": products,
        "sums": outputs,
    }
    # A row of outputs takes a whole row of inputs, for each row of each kernel.
    rows = FILTERS * CHANNELS * KERNEL * SIDE
    assert moved("row-stationary") == {
        "weights": weights,
        "inputs": rows * INPUT,
        "sums": 2 * rows * SIDE - outputs,
    }


def test_accesses_of_the_array(layer):
    planes = FILTERS * CHANNELS
    _, accesses = recipe.run_array(*layer)
    outputs = FILTERS * SIDE**2
    assert accesses["registers"] == 4 * recipe.products()
    # Weights and inputs of a plane once, sums to and fro.
    buffer = planes * (KERNEL**2 + INPUT**2 + 2 * SIDE**2) - outputs
    assert accesses["buffer"] == buffer
    # KERNEL × SIDE elements hold a row of weights and of inputs each; all but the first got it from
    # a neighbor. Sums go up all rows of elements but one.
    weights = (SIDE - 1) * KERNEL**2
    inputs = (KERNEL * SIDE - INPUT) * INPUT
    sums = (KERNEL - 1) * SIDE**2
    assert accesses["neighbors"] == planes * (weights + inputs + sums)


def trips(size, tile):
    return size // tile


@pytest.mark.parametrize("tile", [(1, 1, 1), (1, 1, 2), (3, 1, 2), (1, 2, 2), (3, 2, 4)])
def test_numbers_from_memory_by_tiles(layer, tile):
    filters, channels, rows = (
        trips(FILTERS, tile[0]),
        trips(CHANNELS, tile[1]),
        trips(SIDE, tile[2]),
    )
    weights = FILTERS * CHANNELS * KERNEL**2
    outputs = FILTERS * SIDE**2
    with_overlap = CHANNELS * rows * (tile[2] + KERNEL - 1) * INPUT

    def moved(name):
        return recipe.run_tiles(recipe.DATAFLOWS[name], tile, *layer)[1]

    stationary = moved("weight-stationary")
    assert stationary["weights"] == weights
    # A single tile of inputs stays for all filters.
    again = 1 if channels == rows == 1 else filters
    assert stationary["inputs"] == again * with_overlap
    assert stationary["sums"] == (2 * channels - 1) * outputs if rows > 1 else outputs
    sliding = moved("row-stationary")
    assert sliding["inputs"] == again * CHANNELS * INPUT**2
    assert (sliding["weights"], sliding["sums"]) == (weights, stationary["sums"])
    of_sums = moved("output-stationary")
    assert of_sums["sums"] == outputs
    assert of_sums["weights"] == (rows if channels > 1 else 1) * weights
    assert of_sums["inputs"] == again * with_overlap


def test_tiles_fit_and_none_that_fits_moves_less():
    moved = {(1, 1, 1): 900, (2, 1, 1): 700, (8, 4, 12): 100}
    assert recipe.best_tile(moved, recipe.tile_size((2, 1, 1))) == (2, 1, 1)
    assert recipe.best_tile(moved, recipe.tile_size((2, 1, 1)) - 1) == (1, 1, 1)
    assert recipe.best_tile(moved, 10) is None
    whole = (recipe.FILTERS, recipe.CHANNELS, recipe.SIDE)
    assert recipe.tile_size(whole) == recipe.least()


def test_row_stationary_takes_least_from_memory_and_in_all():
    inputs, weights = recipe.sample_layer()
    moved = {}
    for name, dataflow in recipe.DATAFLOWS.items():
        by_tile = recipe.moved_by_tile(dataflow, inputs, weights)
        moved[name] = by_tile[recipe.best_tile(by_tile, recipe.BUFFER)]
    assert moved["row-stationary"] < min(moved["weight-stationary"], moved["output-stationary"])
    assert min(moved.values()) >= recipe.least()


def test_energies_by_the_published_costs(layer):
    accesses = {"registers": 432, "neighbors": 2 * 432, "buffer": 432, "memory": 216}
    assert recipe.products() == 864
    expected = {"registers": 0.5, "neighbors": 2, "buffer": 3, "memory": 50}
    assert recipe.energies(accesses) == expected


@pytest.mark.slides
def test_scratchpad_and_cache_of_192_numbers():
    """W35: 2 n³ / b + n² with tiles; a cache under plain loops fetches one matrix for each row."""
    assert recipe.moved_by_scratchpad(8) == 2 * 32**3 // 8 + 32**2 == 9_216
    assert recipe.moved_by_cache(3 * 8**2, 32) == 32**3 + 2 * 32**2 == 34_816


def test_cache_with_room_for_all_fetches_each_number_once(monkeypatch):
    monkeypatch.setattr(recipe, "MATRIX", 4)
    assert recipe.moved_by_cache(48, 4) == recipe.moved_by_cache(48, 2) == 48
    assert recipe.moved_by_scratchpad(4) == 48
    # With room for one number, each is fetched each time.
    assert recipe.moved_by_cache(1, 4) == 3 * 4**3


def test_least_recently_used_goes_first():
    memory = recipe.Recent(2)
    assert [memory.has(address) for address in "abacb"] == [False, False, True, False, False]
    assert list(memory.held) == ["c", "b"]


def test_skipping_zeros_is_exact():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(20, 5))
    values = rng.normal(size=20) * (rng.random(20) < 0.5)
    values[:2] = 1e-6, -1
    sums, instructions = recipe.multiply_sparse(weights, values)
    assert instructions == np.count_nonzero(values) < 20
    all_of_them = np.zeros(5)
    for row, value in zip(weights, values, strict=True):
        all_of_them += row * value
    np.testing.assert_array_equal(sums, all_of_them)


@pytest.mark.slides
def test_wafer():
    """N107."""
    gpus, densities, kilobytes = recipe.wafer()
    assert gpus == pytest.approx(56.9, abs=0.05)
    assert densities == pytest.approx([26.0, 25.9], abs=0.05)
    assert kilobytes == 45


def test_picture():
    energy = {
        "a": {"registers": 1, "neighbors": 0, "buffer": 1, "memory": 2},
        "b": {"registers": 1, "neighbors": 1, "buffer": 0, "memory": 0},
        "c": {"registers": 1, "neighbors": 1, "buffer": 0, "memory": 1},
    }
    # Nothing fits into the smallest buffers.
    moved = {name: {(2, 2, 3): 5_000, (8, 4, 12): 2_224} for name in energy}
    matrix = {"cache": [4, 3, 2, 1]}
    figure = recipe.plot(energy, moved, matrix)
    left, middle, _right = figure.axes
    assert left.get_title() == "Least: b; the others 1.5 to 2.0 times"
    assert [bar.get_height() for bar in left.patches] == [1, 1, 1, 0, 1, 1, 1, 0, 0, 2, 0, 1]
    sizes = middle.lines[0].get_xdata()
    assert sizes[0] == min(size for size in recipe.BUFFERS if size >= recipe.tile_size((2, 2, 3)))
    plt.close(figure)
