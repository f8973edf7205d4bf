"""Free energy, gradient against brute force; sampling against exact probabilities; the readout."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.other_networks import rbm as recipe
from recipes.other_networks.figures import rbm as pictures
from tests.layers.conformance import check_model

VISIBLE = 5
HIDDEN = 4


def tiny_machine(sampling="cd", scale=0.5):
    """A machine of 5 visible and 4 hidden units, with random weights."""
    model = recipe.build_model(HIDDEN, sampling, steps=100, input_shape=(VISIBLE,))
    rng = np.random.default_rng(0)
    for weight in (model.kernel, model.visible_bias, model.hidden_bias):
        weight.assign(rng.normal(0, scale, weight.shape))
    return model


def all_states(units):
    return np.array(list(itertools.product([0, 1], repeat=units)), "float32")


def brute_force(model):
    """The probability of each visible state, by loops over all states of all units."""
    kernel, visible_bias, hidden_bias = (
        keras.ops.convert_to_numpy(each)
        for each in (model.kernel, model.visible_bias, model.hidden_bias)
    )
    weights = []
    for visible in all_states(VISIBLE):
        weight = 0.0
        for hidden in all_states(HIDDEN):
            energy = -visible @ kernel @ hidden - visible_bias @ visible - hidden_bias @ hidden
            weight += np.exp(-energy)
        weights.append(weight)
    return np.array(weights) / np.sum(weights)


def exact_probabilities(model):
    """The same by the free energy: e^−F(v) / Z."""
    weights = np.exp(-keras.ops.convert_to_numpy(model.free_energy(all_states(VISIBLE))))
    return weights / weights.sum()


def test_free_energy_gives_the_probabilities_of_brute_force():
    model = tiny_machine()
    np.testing.assert_allclose(exact_probabilities(model), brute_force(model), rtol=1e-5)


def test_gibbs_sampling_reaches_the_exact_distribution():
    model = tiny_machine(scale=1.0)
    keras.utils.set_random_seed(1)
    states = np.zeros((20_000, VISIBLE), "float32")
    for _ in range(20):
        states = model.gibbs_step(states)
    numbers = (np.asarray(states) @ 2 ** np.arange(VISIBLE)[::-1]).astype(int)
    shares = np.bincount(numbers, minlength=2**VISIBLE) / len(numbers)
    distance = np.abs(shares - brute_force(model)).sum() / 2  # total variation
    assert distance < 0.03


def machine_gradient(model, images):
    """The mean gradient of many training steps for the machine's weights, as a vector."""
    weights = [model.kernel, model.visible_bias, model.hidden_bias]
    labels = np.zeros(len(images))

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            loss = model.compute_loss(images, labels, model(images))
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        return tf.concat([tf.reshape(gradient, [-1]) for gradient in gradients], axis=0)

    return sum(gradient().numpy() for _ in range(200)) / 200


@pytest.mark.parametrize("sampling", ["cd", "pcd"])
def test_contrastive_divergence_goes_the_way_of_the_exact_gradient(sampling):
    model = tiny_machine(sampling)
    images = 255 * np.random.default_rng(1).integers(0, 2, (50, VISIBLE)).astype("uint8")
    found = machine_gradient(model, images)
    states = all_states(VISIBLE)
    weights = [model.kernel, model.visible_bias, model.hidden_bias]
    with tf.GradientTape() as tape:
        log_sum = keras.ops.logsumexp(-model.free_energy(states))
        loss = keras.ops.mean(model.free_energy(model.visible(images))) + log_sum
    gradients = tape.gradient(loss, [weight.value for weight in weights])
    exact = np.concatenate([np.ravel(gradient) for gradient in gradients])
    cosine = found @ exact / np.linalg.norm(found) / np.linalg.norm(exact)
    # Persistent chains have reached the machine's own distribution: no bias is left.
    assert cosine > (0.99 if sampling == "pcd" else 0.8), cosine
    if sampling == "pcd":
        np.testing.assert_allclose(found, exact, atol=0.03)


def test_pseudo_likelihood_is_that_of_one_unit_given_all_others():
    model = tiny_machine()
    probabilities = dict(zip(map(tuple, all_states(VISIBLE)), brute_force(model), strict=True))
    state = np.array([1, 0, 1, 1, 0], "float32")
    terms = []
    for unit in range(VISIBLE):
        flipped = state.copy()
        flipped[unit] = 1 - flipped[unit]
        both = probabilities[tuple(state)] + probabilities[tuple(flipped)]
        terms.append(np.log(probabilities[tuple(state)] / both))
    keras.utils.set_random_seed(0)
    found = model.log_pseudo_likelihood(np.tile(state, (4000, 1)))
    assert np.mean(found) == pytest.approx(np.sum(terms), abs=0.1)
    # Each is one of five numbers: the number of units times the term of one.
    distances = np.abs(np.array(found)[:, None] - VISIBLE * np.array(terms))
    assert distances.min(axis=1).max() < 1e-3


def test_pseudo_likelihood_flips_other_units_in_each_batch():
    """Batches of one image: after 50 of them, each of the five units has been flipped."""
    model = tiny_machine()
    state = np.array([[1, 0, 1, 1, 0]], "float32")
    found = {round(float(model.log_pseudo_likelihood(state)[0]), 4) for _ in range(50)}
    assert len(found) == VISIBLE


def test_each_evaluation_flips_the_same_units():
    model = tiny_machine()
    images = 255 * np.random.default_rng(1).integers(0, 2, (20, VISIBLE)).astype("uint8")
    data = tf.data.Dataset.from_tensor_slices((images, np.zeros(20))).batch(2)
    found = [model.evaluate(data, verbose=0, return_dict=True) for _ in range(2)]
    assert found[0] == found[1]


def test_evaluation_does_not_change_the_samples_of_training():
    model = tiny_machine()
    before = np.array(model.seeds.state)
    model.evaluate(np.zeros((20, VISIBLE), "uint8"), np.zeros(20), verbose=0)
    np.testing.assert_array_equal(model.seeds.state, before)


def test_the_softmax_layer_does_not_change_the_machine():
    """Without sampling only the layer has a gradient; with it, labels do not matter to the rest."""
    images = 255 * np.random.default_rng(1).integers(0, 2, (50, VISIBLE)).astype("uint8")
    model = tiny_machine()
    weights = [model.kernel.value, model.visible_bias.value, model.hidden_bias.value]
    found = []
    for label in (0, 3):
        keras.utils.set_random_seed(0)
        model.seeds.state.assign(keras.ops.zeros_like(model.seeds.state))
        with tf.GradientTape() as tape:
            loss = model.compute_loss(images, np.full(50, label), model(images))
        found.append(tape.gradient(loss, weights))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
    without = tiny_machine(None)
    paths = [weight.path for weight in without.trainable_weights]
    assert paths == [weight.path for weight in without.readout.trainable_weights]


def test_hidden_units_are_standardized_for_the_softmax_layer():
    """In training by the batch; after it by moving averages, which have moved."""
    images = 255 * np.random.default_rng(1).integers(0, 2, (200, VISIBLE)).astype("uint8")
    model = tiny_machine(None)
    model.fit(images, np.zeros(200), batch_size=20, epochs=20, verbose=0)
    hidden = keras.ops.convert_to_numpy(model.hidden_probabilities(model.visible(images)))
    normalization = model.readout.layers[0]
    np.testing.assert_allclose(normalization.moving_mean, hidden.mean(axis=0), atol=0.1)
    with_batch = model(images, training=True)
    assert np.abs(with_batch - model(images, training=False)).max() > 1e-5


def test_what_is_said_of_training_and_test():
    images = np.zeros((20, VISIBLE), "uint8")
    model = tiny_machine()
    history = model.fit(images, np.zeros(20), verbose=0).history
    assert history.keys() == {"accuracy", "reconstruction_error"}
    scores = model.evaluate(images, np.zeros(20), verbose=0, return_dict=True)
    assert scores.keys() == {"accuracy", "reconstruction_error", "pseudo_likelihood"}


def readout_of_hidden_units(images, weights):
    """Logistic regression on the standardized probabilities of the hidden units, in NumPy."""
    kernel, _, hidden_bias, *_, mean, variance, readout, bias = weights
    hidden = 1 / (1 + np.exp(-(images / 255 @ kernel + hidden_bias)))
    logits = (hidden - mean) / np.sqrt(variance + 1e-3) @ readout + bias
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_conformance():
    images = 255 * np.random.default_rng(0).integers(0, 2, (20, VISIBLE)).astype("uint8")
    check_model(
        recipe.RBM,
        lambda: recipe.build_model(HIDDEN, "pcd", input_shape=(VISIBLE,)),
        {"hidden": HIDDEN, "sampling": "pcd", "chains": 100},
        inputs=images,
        targets=np.arange(20) % 10,
        reference=readout_of_hidden_units,
        output_dtype="float32",
        training_differs=True,
        bad_arguments=[{"sampling": "gibbs"}, {"hidden": 0}, {"chains": 0}],
    )


def test_training_makes_the_data_more_probable():
    """Images of two bars: their exact probability rises, and other images' falls."""
    bars = np.array([[1, 1, 0, 0, 0], [0, 0, 0, 1, 1]], "float32")
    keras.utils.set_random_seed(0)
    model = recipe.build_model(HIDDEN, learning_rate=0.05, steps=1000, input_shape=(VISIBLE,))

    def probability_of_bars():
        probabilities = exact_probabilities(model)
        states = all_states(VISIBLE)
        is_bar = (states[:, None] == bars).all(axis=-1).any(axis=-1)
        return probabilities[is_bar].sum()

    before = probability_of_bars()
    images = np.tile(255 * bars, (500, 1)).astype("uint8")
    model.fit(images, np.tile([0, 1], 500), batch_size=20, epochs=20, verbose=0)
    assert before == pytest.approx(2 / 32, abs=0.01)
    assert probability_of_bars() > 0.6


def test_chains_are_shown_after_the_steps_that_are_said():
    model = tiny_machine()
    start = np.ones((3, VISIBLE), "float32")
    shown = pictures.run_chains(model, start, steps=4, shown=(0, 1, 4))
    assert shown.shape == (3, 3, VISIBLE)
    np.testing.assert_array_equal(shown[0], start)
    assert ((shown[1:] > 0) & (shown[1:] < 1)).all()
