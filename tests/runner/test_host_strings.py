"""Networks that take strings, split into the look-up of words and the rest."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes._runner import devices, host_strings
from recipes._runner.checkpoint import Checkpoint
from recipes._runner.errors import UserError
from recipes.tuning import progress

TEXTS = ["good film", "bad", "a good one , not bad", "film"]
WORDS = ["good", "bad", "film", "not"]


@pytest.fixture
def two(monkeypatch):
    """A strategy that says that it has two devices."""
    strategy = tf.distribute.get_strategy()
    monkeypatch.setattr(type(strategy), "num_replicas_in_sync", 2)
    return strategy


def sequential():
    model = keras.Sequential(
        [
            keras.Input((), dtype="string"),
            keras.layers.TextVectorization(vocabulary=WORDS),
            keras.layers.Embedding(6, 3, mask_zero=True),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    return model


def with_numbers():
    """A network with two inputs of strings, read in different ways, and two of numbers."""
    text = keras.Input((), dtype="string", name="text")
    kind = keras.Input((1,), dtype="string", name="kind")
    number = keras.Input((2,), name="number")
    count = keras.Input((1,), dtype="int32", name="count")
    words = keras.layers.TextVectorization(vocabulary=WORDS, output_sequence_length=3)(text)
    one_hot = keras.layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")(kind)
    known = keras.ops.cast(words > 1, "float32")
    both = keras.layers.Concatenate()([known, one_hot, number, count])
    outputs = {"first": keras.layers.Dense(1, name="first")(both)}
    outputs["second"] = keras.layers.Dense(2, name="second")(both)
    model = keras.Model({"text": text, "kind": kind, "number": number, "count": count}, outputs)
    model.compile(
        "sgd", {"first": "mse", "second": "mae"}, loss_weights={"first": 1.0, "second": 3.0}
    )
    inputs = {
        "text": tf.constant(TEXTS),
        "kind": tf.constant([["a"], ["b"], ["c"], ["a"]]),
        "number": tf.reshape(tf.range(8.0), (4, 2)),
        "count": tf.constant([[1], [2], [3], [4]]),
    }
    return model, inputs, {"first": tf.ones((4, 1)), "second": tf.zeros((4, 2))}


def test_rest_answers_as_the_whole_and_shares_weights_and_optimizer():
    model = sequential()
    look_up, rest = host_strings.split(model, None)
    texts, labels = tf.constant(TEXTS), tf.constant([1, 0, 1, 0])
    numbers, same = look_up(texts, labels)
    assert same is labels
    assert numbers.dtype == tf.int64
    np.testing.assert_array_equal(rest(numbers), model(texts))
    before = model.get_weights()
    data = tf.data.Dataset.from_tensors((texts, labels))
    history = rest.fit(host_strings.mapped(data, look_up), epochs=2, shuffle=False, verbose=0)
    assert list(history.history) == ["accuracy", "loss"]
    np.testing.assert_array_equal(rest(numbers), model(texts))
    assert not np.array_equal(before[-1], model.get_weights()[-1])
    assert rest.optimizer is model.optimizer
    assert int(model.optimizer.iterations) == 2


def test_network_is_still_saved_with_its_strings(tmp_path):
    model = sequential()
    host_strings.split(model, None)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in model.layers]
    texts = tf.constant(TEXTS)
    np.testing.assert_array_equal(again(texts), model(texts))


def test_state_of_the_training_is_that_of_the_whole(tmp_path, monkeypatch):
    model = sequential()
    look_up, rest = host_strings.split(model, None)
    checkpoint = Checkpoint(tmp_path, "loss", "min")
    assert checkpoint.restore(model) == 0
    saved = []
    monkeypatch.setattr(progress, "save", lambda folder, network, *_, **__: saved.append(network))
    data = tf.data.Dataset.from_tensors((tf.constant(TEXTS), tf.constant([1, 0, 1, 0])))
    data = host_strings.mapped(data, look_up)
    rest.fit(data, shuffle=False, verbose=0, callbacks=[checkpoint])
    assert len(saved) == 1
    assert saved[0] is model


def test_inputs_that_are_numbers_pass_through():
    model, inputs, targets = with_numbers()
    look_up, rest = host_strings.split(model, None)
    data = tf.data.Dataset.from_tensors((inputs, targets))
    numbers, _ = next(iter(host_strings.mapped(data, look_up)))
    assert [part.shape for part in numbers] == [(4, 3), (4, 3), (4, 1), (4, 2)]
    for name, answer in model(inputs).items():
        np.testing.assert_array_equal(rest(numbers)[name], answer)
    expected = model.evaluate(data, verbose=0, return_dict=True)
    mapped = host_strings.mapped(data, look_up)
    assert rest.evaluate(mapped, verbose=0, return_dict=True) == pytest.approx(expected)


@pytest.mark.parametrize("make", [lambda: (sequential(), tf.constant(TEXTS), 1), with_numbers])
def test_other_backends_look_up_the_same(make, monkeypatch):
    """There outside of a graph, but in the same pipeline of data."""
    model, inputs, targets = make()
    data = tf.data.Dataset.from_tensors((inputs, targets))
    found = []
    for backend in ("tensorflow", "jax"):
        monkeypatch.setattr(keras.backend, "backend", lambda backend=backend: backend)
        look_up, _ = host_strings.split(model, None)
        found.append(host_strings.mapped(data, look_up))
    shapes = [[spec.shape for spec in tf.nest.flatten(each.element_spec)] for each in found]
    assert shapes[0] == shapes[1]
    batches = [tf.nest.flatten(next(iter(each))) for each in found]
    for one, other in zip(*batches, strict=True):
        np.testing.assert_array_equal(one, other)


@keras.saving.register_keras_serializable(package="tests")
class Lower(keras.layers.Layer):
    """Strings in lower case."""

    def call(self, texts):
        return tf.strings.lower(texts)

    def compute_output_spec(self, texts):
        return keras.KerasTensor(texts.shape, "string")


def test_layers_between_strings_run_on_the_host_too():
    text = keras.Input((1,), dtype="string")
    x = keras.layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")(Lower()(text))
    model = keras.Model(text, keras.layers.Dense(1)(x))
    model.compile("sgd", "mse")
    look_up, rest = host_strings.split(model, None)
    texts = tf.constant([["A"], ["b"]])
    assert [type(layer).__name__ for layer in rest.layers] == ["InputLayer", "Dense"]
    np.testing.assert_array_equal(rest(look_up(texts)[0]), model(texts))


def test_layer_that_reads_strings_and_learns_is_one_line(two):
    """Here the whole network is one layer of another."""
    text = keras.Input((), dtype="string")
    model = keras.Model(text, sequential()(text))
    model.compile("sgd", "mse")
    with pytest.raises(UserError, match=r"weights to train.* choose one, with CUDA") as error:
        host_strings.split(model, devices.one_device(two))
    assert "\n" not in str(error.value)


def test_one_device_trains_the_network_as_it_is():
    strategy = tf.distribute.get_strategy()
    assert not host_strings.needed(sequential(), strategy)


def test_several_devices_need_the_split_for_strings_only(two):
    assert host_strings.needed(sequential(), two)
    numbers = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    assert not host_strings.needed(numbers, two)
    assert not host_strings.needed(keras.Model(), two)


def test_tpu_of_one_core_needs_it(monkeypatch):
    monkeypatch.setattr(devices, "is_tpu", lambda strategy: True)
    assert host_strings.needed(sequential(), tf.distribute.get_strategy())


def sets(*lengths):
    """A set for each list of lengths: batches of one text of that length, a number and a class."""
    for each in lengths:
        data = tf.data.Dataset.from_tensor_slices(each)
        yield data.map(lambda n: ((tf.ones(n, "int64"), tf.ones(2)), n)).padded_batch(
            1, drop_remainder=True
        )


def test_texts_are_padded_to_the_longest_of_both_sets(capsys):
    train, validation = host_strings.padded(*sets([1, 3], [5, 2]))
    said = capsys.readouterr().out
    assert said == "All texts are padded to the length of the longest, 5.\n"
    for data in (train, validation):
        (texts, numbers), _ = data.element_spec
        assert texts.shape == (1, 5)
        assert numbers.shape == (1, 2)
    (texts, numbers), label = list(train)[1]
    assert texts.numpy().tolist() == [[1, 1, 1, 0, 0]]
    assert numbers.numpy().tolist() == [[1, 1]]
    assert label.numpy().tolist() == [3]


def test_text_that_was_left_out_while_lengths_were_measured_is_cut():
    """A shuffled set leaves out other examples in each epoch."""
    epochs = iter([[1, 3], [5, 2]])

    def texts():
        for length in next(epochs):
            yield np.ones((1, length), "int64"), length

    signature = tf.TensorSpec((1, None), "int64"), tf.TensorSpec((), "int32")
    data = tf.data.Dataset.from_generator(texts, output_signature=signature)
    train, _ = host_strings.padded(data, None)
    assert [batch.numpy().tolist() for batch, _ in train] == [[[1, 1, 1]], [[1, 1, 0]]]


def test_training_set_alone_is_padded():
    (data,) = sets([1, 3])
    train, validation = host_strings.padded(data, None)
    assert train.element_spec[0][0].shape == (1, 3)
    assert validation is None


def test_texts_of_one_length_are_left_as_they_are(capsys):
    data = tf.data.Dataset.from_tensors((tf.ones((2, 4), "int64"), tf.ones(2)))
    assert host_strings.padded(data, data) == (data, data)
    assert not capsys.readouterr().out
