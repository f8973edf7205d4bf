"""M38, R33: what passes through one vector, and what attention looks at."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.attention import seq2seq_attention as recipe


def test_sequences_are_digits_and_then_zeros():
    digits = recipe.sequences(500, seed=0)
    lengths = np.sum(digits > 0, axis=1)
    assert set(lengths) == set(range(4, 17))
    for row, length in zip(digits, lengths, strict=True):
        assert np.all(row[:length] > 0)
        assert not row[length:].any()
    assert set(digits.ravel()) == set(range(11))


def test_targets_are_what_was_read():
    for part in recipe.load_data(count=100):
        for digits, targets in part.take(1):
            assert np.array_equal(digits, targets)


def test_all_places_have_to_be_right():
    digits = recipe.sequences(3, seed=0)
    answers = digits.copy()
    answers[1, 15] = (answers[1, 15] + 1) % 11
    probabilities = np.eye(11, dtype="float32")[answers]
    assert recipe.exact(digits, probabilities).numpy().tolist() == [1, 0, 1]


@pytest.mark.parametrize("attention", ["additive", "dot", "none"])
def test_padding_is_not_looked_at(attention):
    """What stands for the padding makes no difference for what is written."""
    model = recipe.build_model(attention, embed_dim=4, units=5)
    digits = recipe.sequences(2, seed=0)
    digits[:, 6:] = 0
    before = model(digits).numpy()
    embedding = next(
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Embedding) and layer.input_dim == 11
    )
    table = embedding.get_weights()[0]
    table[0] = 9
    embedding.set_weights([table])
    assert model(digits).numpy() == pytest.approx(before, abs=1e-6)


def decoded_with_the_same_last_state(attention):
    """What is written for two sequences, if the decoder is given the first one's last state."""
    model = recipe.build_model(attention, embed_dim=4, units=5)
    encoder = next(layer for layer in model.layers if isinstance(layer, keras.layers.LSTM))
    states, hidden, cell = encoder.output
    digits = tf.constant(recipe.sequences(2, seed=1))
    all_states, *last = keras.Model(model.input, [states, hidden, cell])(digits)
    inputs = [hidden, cell, model.input]
    given = [tf.repeat(state[:1], 2, axis=0) for state in last] + [digits]
    if attention != "none":
        inputs.append(states)
        given.append(all_states)
    return keras.Model(inputs, model.output)(given).numpy()


def test_without_attention_the_decoder_knows_the_last_state_only():
    first, second = decoded_with_the_same_last_state("none")
    assert second == pytest.approx(first, abs=1e-7)
    first, second = decoded_with_the_same_last_state("dot")
    assert np.abs(second - first).max() > 1e-4


def test_baseline_says_the_same_for_all():
    train = tf.data.Dataset.from_tensors((np.zeros((3, 2)), np.array([[1, 2], [1, 3], [4, 3]])))
    test = tf.data.Dataset.from_tensors((np.zeros((2, 2)), np.array([[1, 3], [1, 5]])))
    assert recipe.baseline(train, test) == {"accuracy": 0.75, "exact": 0.5}
