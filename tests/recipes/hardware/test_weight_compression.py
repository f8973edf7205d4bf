"""Huffman codes, k-means and sizes by hand; what is compressed is decoded exactly."""

import collections
import itertools

import keras
import numpy as np
import pytest
import sklearn.cluster
import tensorflow as tf

from recipes.hardware import weight_compression as recipe
from recipes.hardware.figures import weight_compression as figures


@pytest.fixture
def network():
    keras.utils.set_random_seed(0)
    model = recipe.build_model(units=12, sparsity=0.8, l2=0.0)
    images = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1)).astype("uint8")
    return model, images


def sparse_kernel(seed, sparsity=0.9, shape=(30, 20)):
    kernel = np.random.default_rng(seed).normal(size=shape).astype("float32")
    return kernel * recipe.largest(kernel, sparsity)


def test_largest_by_hand():
    weights = np.array([[0.1, -3.0], [2.0, -0.2]])
    np.testing.assert_array_equal(recipe.largest(weights, 0.5), [[0, 1], [1, 0]])
    np.testing.assert_array_equal(recipe.largest(weights, 0.75), [[0, 1], [0, 0]])
    np.testing.assert_array_equal(recipe.largest(weights, 0), np.ones((2, 2)))


def test_pruned_weights_are_without_effect_and_are_trained_no_more(network):
    model, images = network
    for layer in recipe.pruned_layers(model):
        layer.prune(0.8)
    before = [layer.kernel.numpy() for layer in recipe.pruned_layers(model)]
    masks = [layer.mask.numpy() for layer in recipe.pruned_layers(model)]
    for _ in range(3):
        model.train_on_batch(images, np.arange(40) % 10)
    outputs = model.predict_on_batch(images)
    for layer, kernel, mask in zip(recipe.pruned_layers(model), before, masks, strict=True):
        np.testing.assert_array_equal(layer.mask.numpy(), mask)
        changed = layer.kernel.numpy() != kernel
        assert not changed[mask == 0].any()
        assert changed[mask == 1].any()
        assert np.mean(layer.weights_left() == 0) == pytest.approx(0.8, abs=0.02)
        layer.kernel.assign(layer.kernel + 1 - mask)
    np.testing.assert_allclose(model.predict_on_batch(images), outputs, rtol=1e-5)


def test_what_is_pruned_stays_so_and_is_saved(network, tmp_path):
    model, images = network
    layer = recipe.pruned_layers(model)[0]
    layer.prune(0.8)
    mask = layer.mask.numpy()
    layer.prune(0.5)
    np.testing.assert_array_equal(layer.mask.numpy(), mask)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(recipe.pruned_layers(loaded)[0].mask.numpy(), mask)
    assert recipe.pruned_layers(loaded)[0].sparsity == 0.8
    np.testing.assert_allclose(loaded(images), model(images), rtol=1e-5)


def test_pruned_in_the_first_half_of_the_training(network):
    model, _ = network
    (callback,) = recipe.callbacks()
    callback.set_model(model)
    callback.set_params({"epochs": 4})
    # 0.8 (1 − (1 − 1/2)³), and then all.
    for epoch, sparsity in enumerate([0.7, 0.8, 0.8, 0.8]):
        callback.on_epoch_end(epoch)
        for layer in recipe.pruned_layers(model):
            zeros = np.count_nonzero(layer.weights_left() == 0)
            assert zeros == round(sparsity * layer.kernel.numpy().size)


def test_clusters_by_hand():
    values, indices = recipe.cluster(np.array([10.0, 0.0, 1.0, 11.0]), 2)
    np.testing.assert_allclose(values, [0.5, 10.5])
    np.testing.assert_array_equal(indices, [1, 0, 0, 1])
    # Nothing is near the second of 0, 5 and 10.
    values, indices = recipe.cluster(np.array([0.0, 0.2, 10.0]), 3)
    np.testing.assert_allclose(values, [0.1, 5, 10])
    np.testing.assert_array_equal(indices, [0, 0, 2])


def test_clusters_equal_those_of_scikit_learn():
    weights = np.random.default_rng(0).normal(size=300)
    values, indices = recipe.cluster(weights, 5)
    initial = np.linspace(weights.min(), weights.max(), 5)[:, None]
    reference = sklearn.cluster.KMeans(5, init=initial, n_init=1, tol=0).fit(weights[:, None])
    np.testing.assert_allclose(values, reference.cluster_centers_[:, 0], rtol=1e-5)
    np.testing.assert_array_equal(indices, reference.labels_)


def test_huffman_code_of_a_known_example():
    """Cormen et al., Introduction to algorithms: 224 (thousand) bits for these frequencies."""
    frequencies = {"a": 45, "b": 13, "c": 12, "d": 16, "e": 9, "f": 5}
    code = recipe.huffman_code("".join(each * times for each, times in frequencies.items()))
    lengths = {symbol: len(bits) for symbol, bits in code.items()}
    assert lengths == {"a": 1, "b": 3, "c": 3, "d": 3, "e": 4, "f": 4}
    assert sum(times * lengths[symbol] for symbol, times in frequencies.items()) == 224
    assert recipe.huffman_code("aaa") == {"a": ""}


def test_huffman_code_is_free_of_prefixes_and_within_a_bit_of_the_entropy():
    symbols = np.random.default_rng(0).geometric(0.2, 2000).tolist()
    code = recipe.huffman_code(symbols)
    shares = {each: times / 2000 for each, times in collections.Counter(symbols).items()}
    entropy = -sum(share * np.log2(share) for share in shares.values())
    mean = sum(share * len(code[symbol]) for symbol, share in shares.items())
    assert entropy <= mean < entropy + 1
    assert sum(2.0 ** -len(bits) for bits in code.values()) == 1  # Kraft: no code is wasted
    words = sorted(code.values())
    for word, following in itertools.pairwise(words):
        assert not following.startswith(word)


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.97])
def test_decoded_exactly(sparsity):
    kernel = sparse_kernel(1, sparsity)
    decoded = recipe.decompress(recipe.compress(kernel, 8))
    assert decoded.dtype == "float32"
    np.testing.assert_array_equal(decoded, recipe.share_values(kernel, 8))
    np.testing.assert_array_equal(decoded == 0, kernel == 0)
    assert len(np.unique(decoded[decoded != 0])) <= 8
    nearest = np.abs(kernel[..., None] - np.unique(decoded[decoded != 0])).min(axis=-1)
    np.testing.assert_allclose(np.abs(decoded - kernel), nearest * (kernel != 0), atol=0.02)


def test_stream_and_its_size_by_hand():
    kernel = np.array([[0, 1, 0, 0], [-1, 0, 1, 1]], "float32")
    compressed = recipe.compress(kernel, 2)
    # Zeros before a weight: 1, 2, 1, 0. Indices: 1, 0, 1, 1.
    assert {gap: len(bits) for gap, bits in compressed["gap_code"].items()} == {0: 2, 1: 1, 2: 2}
    assert {index: len(bits) for index, bits in compressed["index_code"].items()} == {0: 1, 1: 1}
    assert len(compressed["bits"]) == (1 + 2 + 1 + 2) + 4
    tables = 2 * 32 + (3 * 32 + 5) + (2 * 32 + 2)
    assert recipe.compressed_bits(compressed) == 3 * 32 + tables + 10
    np.testing.assert_array_equal(recipe.decompress(compressed), kernel)


def few_weights():
    """A network with two weights in the first layer, 30 places apart, and then 3 and 10 ones."""
    model = recipe.build_model(units=3)
    kernels = [np.zeros((784, 3)), np.ones((3, 1)), np.ones((1, 10))]
    kernels[0][0, 0] = 1
    kernels[0][10, 0] = -1
    for layer, kernel in zip(recipe.pruned_layers(model), kernels, strict=True):
        layer.kernel.assign(kernel)
    return model


def test_sizes_by_hand():
    sizes = recipe.stage_bytes(few_weights())
    biases = 4 * (3 + 1 + 10)
    assert sizes["float32"] == 4 * (784 * 3 + 3 + 10) + biases
    # The 29 zeros between the first two need 5 bits, the other layers' gaps none.
    assert sizes["pruned"] == (2 * (5 + 32) + (3 + 10) * 32) / 8 + biases
    values = 3 * 32 * 4
    assert sizes["shared values"] == (2 * (5 + 5) + (3 + 10) * 5) / 8 + values + biases
    headers = 3 * 3 * 4
    # Two gaps and two values of one bit each; a single gap and value of none in the others.
    first = (2 * 33 + 2 * 33 + 2 * 2) / 8
    others = 2 * (32 + 32) / 8
    assert sizes["Huffman codes"] == first + others + headers + values + biases


def test_further_scores(network):
    model, images = network
    for layer in recipe.pruned_layers(model):
        layer.prune(0.5)
        layer.kernel.assign(4 * layer.kernel)
        layer.bias.assign(keras.random.normal(layer.bias.shape, seed=1))
    copy = keras.models.clone_model(model)
    for layer, own in zip(recipe.pruned_layers(copy), recipe.pruned_layers(model), strict=True):
        layer.kernel.assign(recipe.share_values(own.weights_left()))
        layer.bias.assign(own.bias)
    labels = keras.ops.convert_to_numpy(copy(images)).argmax(axis=1)
    assert len(set(labels)) > 3, "answers depend on the images"
    labels[:10] = (labels[:10] + 1) % 10
    test = tf.data.Dataset.from_tensor_slices((images, labels)).batch(16)
    sizes = recipe.stage_bytes(model)
    assert recipe.further_scores(model, test, None) == {
        "compressed_accuracy": 0.75,
        "compression": sizes["float32"] / sizes["Huffman codes"],
    }


def test_curves_are_of_the_pruned_and_of_the_shared_weights(network, monkeypatch):
    model, images = network
    monkeypatch.setattr(recipe, "SPARSITIES", (0.0, 1.0))
    monkeypatch.setattr(recipe, "COUNTS", (1, 64))
    labels = keras.ops.convert_to_numpy(model(images)).argmax(axis=1)
    test = tf.data.Dataset.from_tensor_slices((images, labels)).batch(16)
    # Without weights, all answers are the first class.
    assert recipe.accuracy_by_sparsity(model, test) == [1, np.mean(labels == 0)]
    one, many = recipe.accuracy_by_values(model, test)
    assert one < many


def test_what_costs_at_most_a_point(monkeypatch):
    monkeypatch.setattr(recipe, "SPARSITIES", (0.0, 0.5, 0.8, 0.9))
    monkeypatch.setattr(recipe, "COUNTS", (2, 4, 8))
    assert figures.zeros_at_little_cost([0.98, 0.975, 0.972, 0.96]) == 0.8
    assert figures.zeros_at_little_cost([0.98, 0.9, 0.98, 0.98]) == 0
    assert figures.fewest_values([0.5, 0.972, 0.98]) == 4
