"""The slides' numbers on convolution and shapes (N1 to N19), and the facts beside them, exactly."""

import keras
import numpy as np
import pytest
import tensorflow_datasets as tfds
from keras import ops

from recipes.convolution import classic_filters, convolution_by_hand, im2col, pooling, x_image

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def run(layer, x):
    return ops.convert_to_numpy(layer(x))


def parameters(layer, *input_shape):
    layer.build((None, *input_shape))
    return layer.count_params()


def test_n1_image_times_kernel():
    expected = [[1, 4, 3, 4, 1], [1, 2, 4, 3, 3], [1, 2, 3, 4, 1], [1, 3, 3, 1, 1], [3, 3, 1, 1, 0]]
    result = convolution_by_hand.correlate_plain(
        convolution_by_hand.IMAGE, convolution_by_hand.KERNEL
    )
    assert result.tolist() == expected
    kernel = convolution_by_hand.KERNEL[:, :, None, None]
    in_keras = convolution_by_hand.correlate_keras(convolution_by_hand.IMAGE[:, :, None], kernel)
    assert in_keras[:, :, 0].tolist() == expected


MAPS = [
    """ 7 -1  1  3  5 -1  3
       -1  9 -1  3 -1  1 -1
        1 -1  9 -3  1 -1  5
        3  3 -3  5 -3  3  3
        5 -1  1 -3  9 -1  1
       -1  1 -1  3 -1  9 -1
        3 -1  5  3  1 -1  7""",
    """ 3 -5  1 -1  1 -5  3
       -5  5 -5  3 -5  5 -5
        1 -5  5 -7  5 -5  1
       -1  3 -7  9 -7  3 -1
        1 -5  5 -7  5 -5  1
       -5  5 -5  3 -5  5 -5
        3 -5  1 -1  1 -5  3""",
    """ 3 -1  5  3  1 -1  7
       -1  1 -1  3 -1  9 -1
        5 -1  1 -3  9 -1  1
        3  3 -3  5 -3  3  3
        1 -1  9 -3  1 -1  5
       -1  9 -1  3 -1  1 -1
        7 -1  1  3  5 -1  3""",
]


def test_n2_maps_of_the_x():
    expected = np.stack([np.array(rows.split(), int).reshape(7, 7) for rows in MAPS], axis=-1)
    maps = x_image.filter_maps()
    np.testing.assert_array_equal(np.rint(9 * maps), expected)
    np.testing.assert_allclose(maps, expected / 9)
    printed = (
        np.trunc(100 * maps + 1e-9 * np.sign(maps)) / 100
    )  # the slide cuts off, it does not round
    assert set(np.abs(printed).ravel()) == {0.11, 0.33, 0.55, 0.77, 1.0}
    assert printed[0].tolist()[0] == [0.77, 0.33, 0.33]


def test_n2_a_layer_gives_the_stack():
    layer = keras.layers.Conv2D(3, 3, use_bias=False)
    layer.build((1, 9, 9, 1))
    layer.set_weights([x_image.PATTERNS[:, :, None] / 9])
    stack = run(layer, x_image.X[None, :, :, None].astype("float32"))
    assert stack.shape == (1, 7, 7, 3)
    np.testing.assert_allclose(stack[0], x_image.filter_maps(), atol=1e-6)


def test_n3_perfect_matches():
    diagonal = x_image.filter_maps()[:, :, 0]
    assert (np.argwhere(diagonal == 1) + 1).tolist() == [
        [2, 2],
        [3, 3],
        [5, 5],
        [6, 6],
    ]  # centers, counted in the image


def test_n4_center_of_the_x():
    window = x_image.X[3:6, 3:6]
    assert (window * x_image.DIAGONAL).tolist() == [[1, 1, -1], [1, 1, 1], [-1, 1, 1]]
    assert x_image.filter_maps()[3, 3, 0] == pytest.approx(5 / 9)


def test_n5_edge_mask():
    assert classic_filters.EDGES.sum() == 0
    assert not classic_filters.convolve(
        np.full((8, 8), 0.5, "float32"), classic_filters.EDGES
    ).any()


def test_n6_convolution_is_correlation_with_the_turned_kernel():
    image = RNG.integers(-9, 10, (6, 7))
    for kernel in (convolution_by_hand.ASYMMETRIC, RNG.integers(-9, 10, (3, 3))):
        full = convolution_by_hand.convolve(image, kernel)
        assert full.shape == (8, 9)
        turned = convolution_by_hand.correlate_plain(image, np.rot90(kernel, 2))
        np.testing.assert_array_equal(full[2:-2, 2:-2], turned)
        assert (full[2:-2, 2:-2] != convolution_by_hand.correlate_plain(image, kernel)).any()
    printed = [
        classic_filters.EDGES,
        convolution_by_hand.KERNEL,
        *np.moveaxis(x_image.PATTERNS, -1, 0),
    ]
    assert len(printed) == 5
    assert all(np.array_equal(kernel, np.rot90(kernel, 2)) for kernel in printed)


def test_n7_output_sizes():
    cases = {
        (32, 5, 0, 1): 28,
        (7, 3, 0, 1): 5,
        (9, 3, 0, 1): 7,
        (28, 3, 0, 1): 26,
        (227, 11, 0, 4): 55,
    }
    assert {case: convolution_by_hand.conv_output(*case) for case in cases} == cases
    with pytest.raises(ValueError, match=r"54\.25"):
        convolution_by_hand.conv_output(224, 11, 0, 4)
    assert keras.layers.Conv2D(96, 11, strides=4).compute_output_shape((1, 224, 224, 3)) == (
        1,
        54,
        54,
        96,
    )


def test_n8_weights_per_filter():
    assert [convolution_by_hand.parameters(size, 3, 1) - 1 for size in (5, 11)] == [75, 363]
    assert parameters(keras.layers.Conv2D(1, 5, use_bias=False), 32, 32, 3) == 75
    assert parameters(keras.layers.Conv2D(96, 11, use_bias=False), 227, 227, 3) == 34_848
    assert parameters(keras.layers.Conv2D(96, 11), 227, 227, 3) == 34_944
    for size, channels, filters in [
        (5, 3, 6),
        (11, 3, 96),
        (3, 1, 64),
        (3, 64, 32),
        (1, 256, 64),
        (5, 6, 16),
    ]:
        expected = size * size * channels * filters + filters
        assert parameters(keras.layers.Conv2D(filters, size), 32, 32, channels) == expected
        assert convolution_by_hand.parameters(size, channels, filters) == expected


@pytest.mark.parametrize(
    ("channels", "dense", "weights", "products"),
    [(3, 14_450_688, 450, 352_800), (1, 4_816_896, 150, 117_600)],
)
def test_n9_to_n12_dense_against_convolution(channels, dense, weights, products):
    """From the recipes' own image to maps, patches and counts of parameters."""
    image, kernels = normal(32, 32, channels), normal(5, 5, channels, 6)
    maps = convolution_by_hand.correlate(image, kernels)
    assert maps.size == convolution_by_hand.conv_output(32, 5) ** 2 * 6 == 4_704
    assert image.size * maps.size == dense
    assert convolution_by_hand.parameters(5, channels, 6) - 6 == kernels.size == weights
    assert parameters(keras.layers.Conv2D(6, 5, use_bias=False), 32, 32, channels) == weights
    assert (
        im2col.im2col(image[None], 5).size * 6 == products
    )  # N11: one for each weight and position
    assert dense / weights == 32_112.64


def test_n13_pooling_sample():
    sample = pooling.SAMPLE[None, :, :, None]
    assert run(keras.layers.MaxPooling2D(2), sample)[0, :, :, 0].tolist() == [[6, 8], [3, 4]]
    assert run(keras.layers.AveragePooling2D(2), sample)[0, :, :, 0].tolist() == [
        [3.25, 5.25],
        [2, 2],
    ]
    assert pooling.pool(sample[0])[:, :, 0].tolist() == [[6, 8], [3, 4]]
    assert pooling.pool(sample[0], how=np.mean)[:, :, 0].tolist() == [[3.25, 5.25], [2, 2]]


def test_n14_rectified_and_pooled_x():
    maps = x_image.filter_maps()
    assert np.count_nonzero(maps < 0, axis=(0, 1)).tolist() == [20, 24, 20]
    rectified = np.maximum(maps, 0)
    expected = [
        [[9, 3, 5, 3], [3, 9, 3, 5], [5, 3, 9, 1], [3, 5, 1, 7]],
        [[5, 3, 5, 3], [3, 9, 5, 1], [5, 5, 5, 1], [3, 1, 1, 3]],
        [[3, 5, 9, 7], [5, 5, 9, 3], [9, 9, 1, 5], [7, 3, 5, 3]],
    ]
    np.testing.assert_array_equal(
        np.rint(9 * x_image.pool(rectified)), np.moveaxis(expected, 0, -1)
    )
    in_keras = run(keras.layers.MaxPooling2D(2, padding="same"), rectified[None].astype("float32"))[
        0
    ]
    np.testing.assert_allclose(in_keras, x_image.pool(rectified), atol=1e-6)


@pytest.mark.slides
def test_n15_one_by_one():
    image, dense, convolution = normal(2, 5, 5, 8), keras.layers.Dense(3), keras.layers.Conv2D(3, 1)
    dense(image), convolution(image)
    convolution.set_weights([dense.get_weights()[0][None, None], dense.get_weights()[1]])
    np.testing.assert_allclose(run(convolution, image), run(dense, image), atol=1e-5)

    def count(*branches):  # each a chain of (filter size, filters), of the 28 × 28 × 192 input
        total = 0
        for branch in branches:
            channels = 192
            for size, filters in branch:
                total += parameters(keras.layers.Conv2D(filters, size), 28, 28, channels)
                channels = filters
        return total

    assert count([(1, 64)], [(1, 96), (3, 128)], [(1, 16), (5, 32)], [(1, 32)]) == 163_696
    assert count([(1, 64)], [(3, 128)], [(5, 32)]) == 387_296


@pytest.mark.slides
def test_n16_yolo_output():
    grid, boxes, classes = 7, 2, 20
    head = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(grid * grid * (boxes * 5 + classes)),
            keras.layers.Reshape((grid, grid, boxes * 5 + classes)),
        ]
    )
    assert head.output_shape == (None, 7, 7, 30)
    assert head.layers[0].units == 1_470


@pytest.mark.slides
def test_n17_cifar_100_classes():
    features = tfds.builder("cifar100").info.features
    assert features["label"].num_classes == 100
    assert features["coarse_label"].num_classes == 20
    assert (60_000 // 10, 60_000 // 100, 100 // 20) == (6_000, 600, 5)


@pytest.mark.slides
@pytest.mark.real_data
def test_n17_cifar_10_counts():
    batches = (
        tfds.load("cifar10", split="train+test", as_supervised=True)
        .map(lambda _, label: label)
        .batch(60_000)
    )
    assert np.bincount(next(batches.as_numpy_iterator())).tolist() == [6_000] * 10


@pytest.mark.slides
def test_n18_separable():
    separable = parameters(keras.layers.SeparableConv2D(128, 3, use_bias=False), 32, 32, 64)
    full = parameters(keras.layers.Conv2D(128, 3, use_bias=False), 32, 32, 64)
    assert (separable, full) == (8_768, 73_728)
    assert separable / full == pytest.approx(1 / 128 + 1 / 9, abs=1e-12)


def test_n19_patch_gan():
    kernels, strides = [4] * 5, [2, 2, 2, 1, 1]
    fields = []
    for n in range(1, 6):
        fields.append(convolution_by_hand.receptive_field(kernels[-n:], strides[-n:]))
    assert fields == [4, 7, 16, 34, 70]


@pytest.mark.slides
def test_dense_neuron_is_a_convolution_as_large_as_the_image():
    image, dense, convolution = normal(2, 6, 6, 3), keras.layers.Dense(4), keras.layers.Conv2D(4, 6)
    dense(image.reshape(2, -1)), convolution(image)
    convolution.set_weights([dense.get_weights()[0].reshape(6, 6, 3, 4), dense.get_weights()[1]])
    np.testing.assert_allclose(
        run(convolution, image)[:, 0, 0], run(dense, image.reshape(2, -1)), atol=1e-5
    )


@pytest.mark.slides
def test_six_filters_make_six_maps_each_for_itself():
    image, layer = normal(1, 32, 32, 3), keras.layers.Conv2D(6, 5)
    before = run(layer, image)
    assert before.shape == (1, 28, 28, 6)
    kernel, bias = layer.get_weights()
    kernel[..., 2] += 1
    layer.set_weights([kernel, bias])
    changed = np.any(run(layer, image) != before, axis=(0, 1, 2))
    assert changed.tolist() == [False, False, True, False, False, False]


def test_without_activations_a_stack_of_convolutions_is_one_linear_map():
    image = normal(1, 32, 32, 1)
    first, second = (
        keras.layers.Conv2D(4, 5, use_bias=False),
        keras.layers.Conv2D(2, 5, use_bias=False),
    )
    x = first(image)
    stack = run(second, x)
    assert (x.shape[1], stack.shape[1]) == (28, 24)
    (k1,), (k2,) = first.get_weights(), second.get_weights()
    merged = np.zeros((9, 9, 1, 2), "float32")  # the kernels slid over each other
    for row, column in np.ndindex(5, 5):
        merged[row : row + 5, column : column + 5] += np.einsum(
            "ijcm,mo->ijco", k1, k2[row, column]
        )
    single = convolution_by_hand.correlate_keras(image[0], merged)
    np.testing.assert_allclose(stack[0], single, atol=1e-4)
    rectified = run(second, ops.relu(x))
    assert np.abs(rectified - stack).max() > 0.1


@pytest.mark.slides
@pytest.mark.parametrize("layer", [keras.layers.MaxPooling2D(2), keras.layers.AveragePooling2D(2)])
def test_pooling_treats_each_map_for_itself_and_learns_nothing(layer):
    maps, order = normal(2, 6, 6, 5), [3, 0, 4, 1, 2]
    np.testing.assert_array_equal(run(layer, maps[..., order]), run(layer, maps)[..., order])
    assert layer.count_params() == 0


@pytest.mark.slides
def test_fully_connected_sees_the_whole_volume():
    model = keras.Sequential(
        [keras.Input((12, 12, 20)), keras.layers.Flatten(), keras.layers.Dense(10)]
    )
    assert model.count_params() == 12 * 12 * 20 * 10 + 10 == 28_810


def test_channels_are_convolved_one_by_one_and_added():
    image, layer = normal(1, 8, 8, 3), keras.layers.Conv2D(4, 3, use_bias=False)
    whole, (kernel,) = run(layer, image)[0], layer.get_weights()
    parts = [
        convolution_by_hand.correlate_keras(
            image[0, :, :, [c]].transpose(1, 2, 0), kernel[:, :, [c]]
        )
        for c in range(3)
    ]
    np.testing.assert_allclose(whole, np.sum(parts, axis=0), atol=1e-5)


def test_few_weights_many_activations():
    image, kernels = normal(32, 32, 1), normal(5, 5, 1, 6)
    activations = convolution_by_hand.correlate(image, kernels).size
    convolution = activations / (convolution_by_hand.parameters(5, 1, 6) - 6)
    dense = activations / (image.size * activations)
    assert convolution == 31.36
    assert convolution / dense > 30_000


@pytest.mark.slides
def test_pooling_in_steps_of_one_hardly_reduces():
    def features(pool_stride):
        x = keras.Input((128, 128, 1))
        for filters in (32, 64):
            x = keras.layers.Conv2D(filters, 3)(x)
            x = keras.layers.LayerNormalization()(x)
            x = keras.layers.Conv2D(filters, 3)(x)
            x = keras.layers.MaxPooling2D((2, 2), strides=(pool_stride, pool_stride))(x)
        return x.shape[1:]

    assert features(1) == (118, 118, 64)
    assert features(2) == (29, 29, 64)
    assert np.prod(features(1)) == 891_136
    assert (891_136 + 1) * 64 == 57_032_768


@pytest.mark.slides
def test_pooling_undoes_enlarging_but_not_the_other_way_round():
    maps = normal(1, 4, 4, 2)
    up, pool = keras.layers.UpSampling2D(2), keras.layers.MaxPooling2D(2)
    np.testing.assert_array_equal(run(pool, up(maps)), maps)
    assert (run(up, pool(maps)) != maps).mean() == 0.75
