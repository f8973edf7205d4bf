import keras
import numpy as np
import pytest
from keras import ops

from layers.patch_embedding import PatchEmbedding, images_to_patches
from tests.layers.conformance import check_layer


def embedded(images, weights, size=2, class_token=True, positional_embedding=True):
    """Patch by patch, pixel by pixel."""
    kernel, bias, *weights = weights
    vectors = []
    for top in range(0, images.shape[1], size):
        for left in range(0, images.shape[2], size):
            pixels = [images[:, top + y, left + x] for y in range(size) for x in range(size)]
            vectors.append(np.concatenate(pixels, axis=-1) @ kernel + bias)
    if class_token:
        vectors.insert(0, np.broadcast_to(weights[0], vectors[0].shape))
    vectors = np.stack(vectors, axis=1)
    return vectors + weights[-1] if positional_embedding else vectors


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        ({}, 12 * 5 + 5 + 6 * 5),
        ({"class_token": True}, 12 * 5 + 5 + 5 + 7 * 5),
        ({"class_token": True, "positional_embedding": False}, 12 * 5 + 5 + 5),
    ],
    ids=["patches", "class_token", "no_positional_embedding"],
)
def test_conformance(arguments, parameters):
    choices = {"class_token": False, "positional_embedding": True, **arguments}
    check_layer(
        PatchEmbedding,
        {"embed_dim": 5, "patch_size": 2, **arguments},
        (3, 4, 6, 3),
        reference=lambda images, weights: embedded(images, weights, **choices),
        parameters=parameters,
        unknown_sizes=not choices["positional_embedding"],
        bad_arguments=[{"embed_dim": 0}, {"patch_size": 0}],
        bad_shapes=[(3, 12), (3, 4, 6), (3, 4, 5, 3)],
    )


@pytest.mark.parametrize("shape", [(2, 4, 6, 3), (1, 28, 28, 1), (2, 32, 32, 3)])
@pytest.mark.parametrize("size", [1, 2])
def test_cutting_into_patches_loses_nothing(shape, size):
    """M35: and back again exactly."""
    images = np.random.default_rng(0).normal(size=shape).astype("float32")
    patches = images_to_patches(images, size)
    rows, columns = shape[1] // size, shape[2] // size
    assert tuple(patches.shape) == (shape[0], rows * columns, size * size * shape[3])
    patches = ops.convert_to_numpy(patches).reshape(-1, rows, columns, size, size, shape[3])
    together = patches.transpose(0, 1, 3, 2, 4, 5)  # (batch, rows, size, columns, size, channels)
    np.testing.assert_array_equal(together.reshape(shape), images)


def test_what_is_left_over_is_cut_off():
    images = np.random.default_rng(0).integers(0, 9, (1, 5, 7, 2))
    found, expected = (
        ops.convert_to_numpy(images_to_patches(x, 3)) for x in (images, images[:, :3, :6])
    )
    np.testing.assert_array_equal(found, expected)


def test_a_convolution_in_steps_of_a_patch_does_the_same():
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    layer = PatchEmbedding(6, 4, positional_embedding=False)
    found = ops.convert_to_numpy(layer(images))
    convolution = keras.layers.Conv2D(6, 4, strides=4)
    convolution.build(images.shape)
    convolution.set_weights([layer.get_weights()[0].reshape(4, 4, 3, 6), layer.get_weights()[1]])
    expected = ops.convert_to_numpy(convolution(images)).reshape(2, 4, 6)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_positional_embeddings_need_a_size():
    with pytest.raises(ValueError, match="need the size"):
        PatchEmbedding(5, 2)(keras.Input((None, None, 3)))
