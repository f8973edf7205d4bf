"""Export of a network by `model.export`, and its outputs in the runtime of the format.

Each format has Keras' name for it, a file name, required packages, and a function that runs its
runtime.
"""

import contextlib
import dataclasses
import importlib.util
import io
import logging
import pathlib
import re
import typing
import warnings

import keras
import numpy as np
import tensorflow as tf

from recipes._runner import quiet, saved
from recipes._runner.errors import UserError

ROWS = 8  # of the test set, whose outputs are compared
# Largest difference between outputs, relative to the largest output. A different order of summation
# causes 1e-6, in very deep networks 1e-4.
TOLERANCE = 1e-3
BATCHES = (None, 1)  # any batch size; if that fails, one example at a time
# Errors of the converters and runtimes, and their meanings.
MEANINGS = (
    (r"No Op registered for (\w+)", "ONNX has no operation {}"),
    (r"'tf\.(\w+)' op is neither a custom op nor a flex op", "LiteRT has no operation {}"),
    (r"op (\w+): .*not supported", "ONNX has no operation {}"),
    # In a loop, which the list of operations does not cover.
    (r"Select TensorFlow op.*\(Flex(\w+)\)", "LiteRT's interpreter has no operation {} (Flex)"),
)


class Failure(Exception):
    """The reason why a network cannot be exported to a format, in a few words."""


@dataclasses.dataclass(frozen=True)
class Format:
    """One of the formats.

    Args:
        keras_name: Its name in `model.export`.
        file: The name of the file or folder.
        runtime: The name of its runtime.
        modules: The modules that must be installed.
        runner: A function of path and names; it returns a function of inputs.
        load: The lines of code that load it, with {file} in place of its path.
        call: A function of names; it returns the line of code that runs it.
    """

    keras_name: str
    file: str
    runtime: str
    modules: tuple
    runner: typing.Callable
    load: str
    call: typing.Callable

    def use(self, path, names):
        """The lines of a program that load and run the file."""
        return f"{self.load.format(file=repr(str(path)))}\n{self.call(names)}"

    def check(self):
        """Raise a UserError if a required module is not installed."""
        missing = [name for name in self.modules if importlib.util.find_spec(name) is None]
        if missing:
            raise UserError(
                f"format {self.keras_name} needs {' and '.join(missing)}: "
                "`make setup EXTRAS=export` installs what export needs"
            )


# Running the runtimes


def saved_model_runner(path, names):
    """A function of a network's inputs that runs a SavedModel."""
    loaded = tf.saved_model.load(str(path))

    def run(inputs):
        return arrays(loaded.serve(inputs))

    return run


def onnx_runner(path, names):
    """A function of a network's inputs that runs an ONNX graph.

    Raises:
        Failure: if the graph has additional inputs.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    wanted = [each.name for each in session.get_inputs()]
    extra = [name.partition(":")[0] for name in wanted if name not in names.inputs]
    if extra:
        raise Failure(f"the graph takes {extra[0]}, a constant, as an input")

    def run(inputs):
        given = dict(zip(names.inputs, arrays(inputs), strict=True))
        return session.run(None, {name: given[name] for name in wanted})

    return run


def litert_runner(path, names):
    """A function of a network's inputs that runs a LiteRT model.

    Raises:
        Failure: if the model has operations that only TensorFlow can run.
    """
    interpreter = litert_interpreter(path)
    operations = {details["op_name"] for details in interpreter._get_ops_details()}
    flex = sorted(name.removeprefix("Flex") for name in operations if name.startswith("Flex"))
    if flex:
        raise Failure(f"LiteRT's interpreter has no operation {', '.join(flex)} (Flex)")
    runner = interpreter.get_signature_runner()

    def run(inputs):
        given = dict(zip(names.inputs, arrays(inputs), strict=True))
        wanted = runner.get_input_details()
        found = runner(**{name: given[name] for name in wanted})
        return [found[name] for name in names.outputs]

    return run


def litert_interpreter(path):
    """LiteRT's own interpreter if it is installed, otherwise the one in TensorFlow."""
    if importlib.util.find_spec("ai_edge_litert"):
        from ai_edge_litert.interpreter import Interpreter
    else:
        Interpreter = tf.lite.Interpreter
    return Interpreter(str(path))


def call_saved_model(names):
    inputs = ", ".join(f'"{name}": {name}' for name in names.inputs)
    inputs = "inputs" if names.inputs == ["inputs"] else f"{{{inputs}}}"
    return f"model.serve({inputs})"


def call_onnx(names):
    inputs = ", ".join(f'"{name}": {name}' for name in names.inputs)
    return f"model.run(None, {{{inputs}}})"


def call_litert(names):
    inputs = ", ".join(f"{name}={name}" for name in names.inputs)
    return f"model.get_signature_runner()({inputs})"


FORMATS = {
    "saved_model": Format(
        keras_name="tf_saved_model",
        file="saved_model",
        runtime="TensorFlow",
        modules=(),
        runner=saved_model_runner,
        load="import tensorflow as tf\nmodel = tf.saved_model.load({file})",
        call=call_saved_model,
    ),
    "onnx": Format(
        keras_name="onnx",
        file="model.onnx",
        runtime="ONNX Runtime",
        modules=("tf2onnx", "onnx", "onnxruntime"),
        runner=onnx_runner,
        load="import onnxruntime\nmodel = onnxruntime.InferenceSession({file})",
        call=call_onnx,
    ),
    "litert": Format(
        keras_name="litert",
        file="model.tflite",
        runtime="LiteRT",
        modules=(),
        runner=litert_runner,
        load="from ai_edge_litert.interpreter import Interpreter\nmodel = Interpreter({file})",
        call=call_litert,
    ),
}


# Export and comparison


@dataclasses.dataclass(frozen=True)
class Names:
    """The names of inputs and outputs in the exported network, flattened."""

    inputs: list
    outputs: list


@dataclasses.dataclass(frozen=True)
class Exported:
    """A network in another format.

    Args:
        path: File or folder.
        difference: The largest difference between outputs, relative to the largest output.
        batch: Its batch size; None for any.
        names: Of its inputs and outputs.
        takes: Shapes and types of its inputs in words.
    """

    path: pathlib.Path
    difference: float
    batch: int | None
    names: Names
    takes: str


def export(model, format, folder, inputs):
    """Export a network to a format, and compare its outputs with those of Keras.

    Args:
        model: A Keras model.
        format: One of `FORMATS`.
        folder: The target folder, without a file of that name.
        inputs: A batch of its inputs.

    Raises:
        Failure: if it cannot be exported, or its outputs differ.
    """
    inputs = as_taken(model, inputs)
    outputs = model(inputs, training=False)
    if largest_difference(arrays(outputs), arrays(model(inputs, training=False))) > TOLERANCE:
        raise Failure("its answers are random")
    names = names_of(inputs, outputs)
    with_constants(model)
    model = for_inference(model, inputs, names)
    failure = None
    for batch in BATCHES:
        path = folder / f"{batch or 'any'}" / format.file
        path.parent.mkdir()
        try:
            with silence():
                signature = [specs(declared(model, inputs), names, batch)]
                model.export(
                    str(path), format=format.keras_name, verbose=False, input_signature=signature
                )
                found = answers(format.runner(path, names), inputs, batch)
        except Failure as error:
            failure = error
        except Exception as error:
            failure = Failure(meaning(error))
            failure.__cause__ = error
        else:
            difference = largest_difference(arrays(outputs), found)
            if difference <= TOLERANCE:
                return Exported(path, difference, batch, names, in_words(signature, names))
            failure = Failure(f"its answers differ by {difference:.1g} of the largest")
    raise failure


def first_rows(sets):
    """The inputs of the first rows of the test set, or of the validation or training set."""
    train, validation, test = sets
    chosen = next(part for part in (test, validation, train) if part is not None)
    batch = next(iter(chosen.unbatch().batch(ROWS)))
    return batch[0] if isinstance(batch, tuple) else batch


def declared(model, inputs):
    """The inputs that the network declares, or the given ones if it declares none."""
    if isinstance(model, keras.Sequential):
        return model.inputs[0]
    if getattr(model, "inputs", None):
        return model.input
    return tf.nest.map_structure(tf.convert_to_tensor, inputs)


def as_taken(model, inputs):
    """A batch in the structure and the types that the network declares."""
    like = declared(model, inputs)
    if isinstance(like, dict):
        inputs = {name: inputs[name] for name in like}
    parts = [
        tf.convert_to_tensor(part) if one.dtype == "string" else tf.cast(part, one.dtype)
        for part, one in zip(tf.nest.flatten(inputs), tf.nest.flatten(like), strict=True)
    ]
    return tf.nest.pack_sequence_as(like, parts)


def names_of(inputs, outputs):
    """Names for the inputs, and the names of the outputs in a signature."""

    def names(structure, one, several):
        if isinstance(structure, dict):
            return sorted(structure)
        count = len(tf.nest.flatten(structure))
        return [one] if count == 1 else [several.format(number) for number in range(count)]

    return Names(names(inputs, "inputs", "inputs_{}"), names(outputs, "output_0", "output_{}"))


def for_inference(model, inputs, names):
    """The network in inference mode.

    `model.export` does not pass `training` to the layers, so some, such as `RandomFlip`, would run
    in training mode. A network that does not declare its inputs is returned unchanged.
    """
    if not getattr(model, "inputs", None):
        return model
    like = declared(model, inputs)
    parts = [
        keras.Input(one.shape[1:], dtype=dtype_name(one), name=name)
        for one, name in zip(tf.nest.flatten(like), names.inputs, strict=True)
    ]
    symbolic = tf.nest.pack_sequence_as(like, parts)
    return keras.Model(symbolic, model(symbolic, training=False))


def specs(inputs, names, batch):
    """The signature: shapes, types and names of the inputs, with the batch size."""
    parts = [
        keras.InputSpec(shape=(batch, *one.shape[1:]), dtype=dtype_name(one), name=name)
        for one, name in zip(tf.nest.flatten(inputs), names.inputs, strict=True)
    ]
    return tf.nest.pack_sequence_as(inputs, parts)


def in_words(signature, names):
    """The inputs in words, `inputs (any, 28, 28, 1) float32`, with "any" for undefined lengths."""
    parts = []
    for spec, name in zip(tf.nest.flatten(signature), names.inputs, strict=True):
        shape = ", ".join("any" if length is None else str(length) for length in spec.shape)
        parts.append(f"{name} ({shape}) {spec.dtype}")
    return ", ".join(parts)


def dtype_name(part):
    return keras.backend.standardize_dtype(part.dtype)


def answers(run, inputs, batch):
    """The outputs for a batch, computed one example at a time if necessary."""
    if batch is None:
        return run(inputs)
    count = len(tf.nest.flatten(inputs)[0])
    each = [
        run(tf.nest.map_structure(lambda part, number=number: part[number : number + 1], inputs))
        for number in range(count)
    ]
    return [np.concatenate(parts) for parts in zip(*each, strict=True)]


def arrays(outputs):
    """The parts of a structure of tensors as NumPy arrays."""
    return [np.asarray(part) for part in tf.nest.flatten(outputs)]


def largest_difference(expected, found):
    """The largest difference relative to the largest number; infinite if shapes or texts differ."""
    if [part.shape for part in expected] != [np.shape(part) for part in found]:
        return np.inf
    largest = 0.0
    for one, other in zip(expected, found, strict=True):
        if one.dtype.kind not in "fiub":
            same = [as_text(x) == as_text(y) for x, y in zip(one.flat, other.flat, strict=True)]
            largest = max(largest, 0.0 if all(same) else np.inf)
            continue
        one, other = one.astype("float64"), np.asarray(other, "float64")
        if not np.array_equal(np.isfinite(one), np.isfinite(other)):
            return np.inf
        scale = np.abs(one[np.isfinite(one)]).max(initial=0) or 1.0
        gaps = np.abs(one - other)[np.isfinite(one)]
        largest = max(largest, float(gaps.max(initial=0) / scale))
    return largest


def as_text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def with_constants(model):
    """Make statistics of the data constants of the graph: tf2onnx would make them inputs."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Normalization) and layer.built:
            layer.mean = np.asarray(layer.mean)
            layer.variance = np.asarray(layer.variance)


@contextlib.contextmanager
def silence():
    """Discard the converters' progress output."""
    level = logging.root.level
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            quiet.standard_error_closed(),
        ):
            yield
    finally:
        logging.disable(logging.NOTSET)
        logging.root.setLevel(level)


def meaning(error):
    """The meaning of a converter's or runtime's error in a few words."""
    for pattern, meant in MEANINGS:
        if found := re.search(pattern, str(error)):
            return meant.format(*found.groups())
    return f"{type(error).__name__}: {saved.reason(error)}"
