"""Networks that take strings on devices that cannot read them: the host looks their words up.

A Cloud TPU, several devices that share each batch, and JAX only take numbers. As Keras recommends
(https://keras.io/guides/preprocessing_layers), the layers that read strings, such as
`TextVectorization`, are therefore mapped over the data set, and the devices train the rest of the
network. It shares its layers, thus its weights, with the whole, which still takes strings.
"""

import keras
import numpy as np
import tensorflow as tf

from recipes._runner import devices
from recipes._runner.errors import UserError


def is_string(tensor):
    return keras.backend.standardize_dtype(tensor.dtype) == "string"


def has_string(data):
    """Whether the batches of a tf.data set contain strings."""
    return any(map(is_string, tf.nest.flatten(data.element_spec)))


def takes_string(model):
    """Whether an input of a graph of layers is a string; a subclassed model has no inputs."""
    return any(map(is_string, getattr(model, "inputs", None) or []))


def needed(model, strategy):
    """Whether the devices of a strategy cannot train a network since it takes strings."""
    several = devices.is_tpu(strategy) or strategy.num_replicas_in_sync > 1
    return several and takes_string(model)


def refuse(data, model, strategy):
    """Refuse to train on a TPU a network that reads strings where it is no graph of layers.

    Args:
        data: Batches.
        model: The compiled network.
        strategy: The result of `devices.strategy`.

    Raises:
        UserError: if so.
    """
    if not devices.is_tpu(strategy) or not has_string(data):
        return
    if devices.own_training(model) or not needed(model, strategy):
        raise UserError(
            "--device tpu: a TPU cannot read strings, and the layers that do cannot be split off "
            "a network with a class of its own; leave --device out"
        )


def split(model, one_device):
    """Split a network into the layers that read strings and the rest.

    Args:
        model: Compiled functional or sequential network with an input of strings.
        one_device: How to choose one device, for the message.

    Returns:
        A function from a batch of the network to a batch of the rest, with numbers in place of
        strings; and the rest, a functional model that shares the network's layers and is compiled
        with its optimizer, loss and metrics.

    Raises:
        UserError: if the layers that read strings have weights to train.
    """
    looked_up = []

    def call(layer, *arguments, **keywords):
        outputs = layer(*arguments, **keywords)
        taken = keras.tree.flatten((arguments, keywords))
        if any(is_string(each) for each in taken if keras.utils.is_keras_tensor(each)):
            looked_up.extend(each for each in keras.tree.flatten(outputs) if not is_string(each))
        return outputs

    # Call the same layers again, on new inputs, to see which ones read strings.
    sequential = isinstance(model, keras.Sequential)
    graph = keras.Model(
        model.inputs[0] if sequential else model.input,
        model.outputs[0] if sequential else model.output,
    )
    again = keras.models.clone_model(graph, clone_function=lambda layer: layer, call_function=call)
    between = looked_up + [each for each in again.inputs if not is_string(each)]
    words = keras.Model(again.input, between)
    if words.trainable_weights:
        raise UserError(
            "the layers of this network that read strings have weights to train, which only one "
            f"device can: choose one, {one_device}"
        )
    rest = keras.Model(between if len(between) > 1 else between[0], again.output)
    compiled = keras.saving.deserialize_keras_object(model.get_compile_config())
    rest.compile(**{**compiled, "optimizer": model.optimizer})
    if keras.backend.backend() != "tensorflow":
        words = outside_graph(words)

    def look_up(inputs, *others):
        size = tf.nest.flatten(inputs)[0].shape[0]  # None if batches differ in size
        found = []
        for part in tf.nest.flatten(words(inputs)):
            found.append(tf.ensure_shape(part, [size, *part.shape[1:]]))
        # `map` takes a list for one tensor.
        return (tuple(found) if len(found) > 1 else found[0], *others)

    return look_up, rest


def outside_graph(words):
    """A network that reads strings, as a function that `map` can call on any backend of Keras.

    Other backends than TensorFlow have no strings, to which a `keras.Model` converts its inputs; a
    `keras.Function` does not. `TextVectorization` gives a `standardize` function NumPy arrays
    there, which a graph of TensorFlow, as `map` makes it, does not have; a `py_function` does.
    """
    function = keras.Function(words.inputs, words.outputs)
    types = [output.dtype for output in words.outputs]

    def to_numpy(*inputs):
        return [np.asarray(part) for part in function(list(inputs))]

    def look_up(inputs):
        found = tf.py_function(to_numpy, tf.nest.flatten(inputs), types)
        return [
            tf.ensure_shape(part, output.shape)
            for part, output in zip(found, words.outputs, strict=True)
        ]

    return look_up


def mapped(data, look_up):
    """Batches with numbers in place of strings, some of them in advance; None if `data` is."""
    if data is None:
        return None
    return data.map(look_up, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def padded(train, validation):
    """Sets whose texts all have the length of the longest, which is printed, padded with zeros.

    XLA's programs have fixed shapes, and zeros are what the shorter texts of a batch end with
    anyway. What consists of whole numbers is taken for texts; other inputs are unchanged.

    Other examples are left out of each epoch of a shuffled set. A text that is left out while the
    lengths are measured, and is longer than all others, is cut in other epochs.

    Args:
        train, validation: Batches (inputs, …) for the rest of a network; `validation` may be None.

    Returns:
        The same two.
    """
    if all(spec.shape[1:].is_fully_defined() for spec in tf.nest.flatten(train.element_spec[0])):
        return train, validation
    shapes = []
    for data in (train, validation or ()):
        for inputs, *_ in data:
            shapes.append([part.shape[1:].as_list() for part in tf.nest.flatten(inputs)])
    longest = [np.max(each, axis=0) for each in zip(*shapes, strict=True)]
    length = max(max(shape, default=0) for shape in longest)
    print(f"All texts are padded to the length of the longest, {length}.", flush=True)

    def pad(inputs, *others):
        parts = []
        for part, shape in zip(tf.nest.flatten(inputs), longest, strict=True):
            if part.dtype.is_integer:
                part = part[:, *(slice(length) for length in shape)]
                missing = tf.unstack(shape - tf.shape(part)[1:])
                longer = tf.pad(part, [(0, 0), *((0, count) for count in missing)])
                part = tf.ensure_shape(longer, [part.shape[0], *shape])
            parts.append(part)
        return tf.nest.pack_sequence_as(inputs, parts), *others

    return train.map(pad), validation and validation.map(pad)
