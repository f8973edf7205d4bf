"""The array is exact, in the cycles that the slide's formula gives; a program equals Keras."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.hardware import systolic_array as recipe

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("count", "side"), [(1, 1), (1, 4), (5, 1), (3, 4), (4, 4), (9, 3)])
def test_product_is_exact_in_m_plus_2n_minus_2_cycles(count, side):
    """N87."""
    inputs = RNG.integers(-128, 128, (count, side)).astype("int8")
    weights = RNG.integers(-128, 128, (side, side)).astype("int8")
    watched = []
    product, cycles = recipe.multiply(inputs, weights, lambda *cells: watched.append(cells))
    np.testing.assert_array_equal(product, inputs.astype(int) @ weights.astype(int))
    assert cycles == len(watched) == count + 2 * side - 2
    # Every cell works once for each row of inputs, and holds the number that belongs there.
    work = sum(busy.sum() for _, busy in watched)
    assert work == count * side**2
    assert recipe.utilization(count, side) == pytest.approx(work / (cycles * side**2))
    for cycle, (held, busy) in enumerate(watched):
        for row, column in np.argwhere(busy):
            assert held[row, column] == inputs[cycle - row - column, row]


def test_reads():
    assert recipe.reads_per_product(1, 256, systolic=False) == 2
    # Each of 10 · 4 inputs and 4² weights once, for 10 · 4² products.
    assert recipe.reads_per_product(10, 4, systolic=True) == 56 / 160
    assert recipe.utilization(100_000, 256) > 0.99


@pytest.mark.slides
def test_sizes_of_the_slide():
    """N80, N81 and N82; and S41: a weight memory of 8 MiB could not hold the weights of MLP0."""
    assert recipe.TPU_SIDE**2 == 65_536
    assert pytest.approx(91.75e12, rel=1e-4) == 2 * recipe.TPU_SIDE**2 * 700e6
    assert recipe.TPU_ROWS * recipe.TPU_SIDE * 4 == 4_194_304 == 4 * 2**20
    assert recipe.TPU_BUFFER // recipe.TPU_SIDE == 98_304
    assert 8 * 2**20 < 20_000_000 < recipe.TPU_WEIGHTS


@pytest.fixture
def network():
    """A network whose layers fill no whole number of tiles, and its inputs."""
    layers = [
        (RNG.normal(size=(37, 21)), RNG.normal(size=21)),
        (RNG.normal(size=(21, 5)), RNG.normal(size=5)),
    ]
    return layers, RNG.random((9, 37))


def test_program_gives_what_keras_gives_with_integers(network):
    layers, images = network
    program, host = recipe.compile_network(layers, images, images)
    scales = [instruction[2] for instruction in program if instruction[0] == "activate"]
    expected = host["images"].astype("float64")
    for number, scale in enumerate(scales):
        weights = host[f"layer_{number}_weights"].astype("float64")
        bias = host[f"layer_{number}_bias"].astype("float64")
        dense = keras.layers.Dense(weights.shape[1], dtype="float64")
        dense.build((None, len(weights)))
        dense.set_weights([weights, bias])  # sums of integers are exact
        sums = keras.ops.convert_to_numpy(dense(expected))
        if number == 0:
            sums = np.maximum(sums, 0)
        expected = np.clip(np.rint(sums * scale), -127, 127)
    tpu = recipe.TPU(host)
    logits = tpu.run(program)["logits"]
    np.testing.assert_array_equal(logits, expected)
    assert logits.dtype == "int8"
    # 3 · 2 and 2 · 1 tiles of 16 × 16, each read and multiplied with.
    assert tpu.instructions == len(program) == 2 * (3 * 2 + 2 * 1) + 2 + 2


def test_program_is_near_the_network_in_float_and_takes_the_same_time_twice(network):
    layers, images = network
    program, host = recipe.compile_network(layers, images, images)
    in_float = keras.ops.convert_to_numpy(recipe.build_float(layers)(images))
    runs = []
    for _ in range(2):
        tpu = recipe.TPU(dict(host))
        runs.append((tpu.run(program)["logits"], tpu.cycles))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    assert runs[0][1] == runs[1][1]
    logits = runs[0][0] * np.abs(in_float).max() / 127
    assert np.abs(logits - in_float).max() < 0.05 * np.abs(in_float).max()


def test_scales_are_those_of_the_images_to_calibrate_on(network):
    """A program does not depend on the images that it is to answer to."""
    layers, images = network
    program, host = recipe.compile_network(layers, images, calibration=images[:4])
    other_program, other = recipe.compile_network(layers, images / 2, calibration=images[:4])
    assert program == other_program
    scale = 127 / images[:4].max()
    np.testing.assert_array_equal(host["images"], np.rint(images * scale).clip(-127, 127))
    np.testing.assert_array_equal(other["images"], np.rint(images / 2 * scale).clip(-127, 127))
    np.testing.assert_array_equal(host["layer_1_bias"], other["layer_1_bias"])


def test_no_image_is_both_calibrated_on_and_tested():
    calibration, images, labels, _ = recipe.train_network()
    assert len(images) == len(labels)
    assert len(calibration) + len(images) == 1797
    seen = {image.tobytes() for image in calibration}
    assert not any(image.tobytes() in seen for image in images)


def test_title_counts_the_rows_needed():
    figure = recipe.plot_costs()
    # M / (M + 510) > 0.9 from M = 4,591 on; the next power of 2.
    assert figure.axes[0].get_title().startswith("From 8,192 rows on")
    plt.close(figure)
