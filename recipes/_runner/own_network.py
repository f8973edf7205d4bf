"""A recipe for a user's data: `load_data`, classes and network, also one for raw input."""

import functools
import inspect
import types
import warnings

import keras

from recipes._runner import arguments
from recipes._runner.own_kinds import BESIDE
from recipes._runner.run_command import OF_DATA


def adapted(module, own, variant=None):
    """A copy of the module with `load_data`, CLASSES and `build_model` for the user's data.

    Parts that fit only the recipe's own data are removed: the comparison of its variants, except a
    selected one, and the baseline of boxes and masks; `deployed` is replaced.
    """
    known = types.ModuleType(module.__name__)
    vars(known).update(vars(module))
    size = inspect.signature(module.load_data).parameters["batch_size"].default

    def load_data(batch_size=size):
        return own.load_data(batch_size)

    known.load_data = load_data
    known.build_model = build_model_for(module.build_model, own)
    known.CLASSES = own.classes
    known.COLUMNS = own.columns
    known.READING = own.reading
    known.FORM = own.form
    for name in ("deployed", "VARIANTS", "WRONG"):
        vars(known).pop(name, None)
    if own.form in BESIDE:
        # It was written for the recipe's images.
        vars(known).pop("baseline", None)
    if make := deployed(own):
        known.deployed = make
    if variant:
        known.VARIANTS = {variant: module.VARIANTS[variant]}
    return known


def noted(own, options):
    """The entry of a plan on the user's data: path, options and hash, fixed when resuming."""
    found = {"path": str(own.path), "digest": own.digest}
    for name in OF_DATA:
        if getattr(options, name):
            found[name] = getattr(options, name)
    return found


def deployed(own):
    """A recipe's `deployed`: raw inputs, and outputs in the user's units; None if it has both.

    Inputs are texts; uint8 images (batch, height, width, channels) of any size; or a dictionary of
    a table's columns as they are in the file, each (batch, 1): numbers as float32, NaN where they
    are missing, and words as strings, "" where they are missing.
    """

    def deployed(model):
        if own.scale:
            mean, deviation = own.scale
            units = keras.layers.Rescaling(deviation, mean, dtype="float32")
            model = keras.Sequential([model, units])
        if own.kind == "image":
            return of_any_size(model, own.shape)
        return of_columns(model, own.columns) if own.kind == "table" else model

    return deployed if own.scale or own.kind != "text" else None


def of_any_size(model, shape):
    """A network for images, which it resizes as `inputs.Pictures` does, up to rounding."""
    height, width, channels = shape
    images = keras.Input((None, None, channels), dtype="uint8")
    # Pillow antialiases, too.
    resize = keras.layers.Resizing(height, width, "bilinear", antialias=True, dtype="uint8")
    return keras.Model(images, model(resize(images)))


def of_columns(model, columns):
    """A network for a table, with a dictionary of columns as inputs, encoded as by `inputs`."""
    # Keras allows no "/" in the name of a layer, and warns of other names than in the dictionary.
    warnings.filterwarnings("ignore", "When providing `inputs` as a dict")
    inner, numbers, named = [], [], {}
    for name, words in columns:
        dtype = "string" if words else "float32"
        inner.append(keras.Input((1,), dtype=dtype))
        numbers.append(one_hot(inner[-1], words) if words else inner[-1])
        named[name] = keras.Input((1,), dtype=dtype, name=None if "/" in name else name)
    outputs = model(keras.layers.Concatenate(dtype="float32")(numbers))
    # A network of its own, for a column may be called like a layer.
    network = keras.Model(inner, outputs, name="network_of_columns")
    return keras.Model(named, network(list(named.values())))


def one_hot(column, words):
    """Strings (batch, 1) as zeros and ones (batch, words); unknown words are zeros only."""
    lookup = keras.layers.StringLookup(vocabulary=words, oov_token="", output_mode="one_hot")
    # The first number is for unknown words.
    return keras.ops.cast(lookup(column)[:, 1:], "float32")


def build_model_for(build_model, own):
    """`build_model` with the number of classes and the image size of the user's data."""
    fixed = dict(own.head)
    if arguments.wants(build_model, "classes"):
        fixed["classes"] = own.classes and len(own.classes)
    if own.shape:
        fixed["input_shape"] = own.shape
    signature = inspect.signature(build_model)
    free = [each for name, each in signature.parameters.items() if name not in fixed]

    @functools.wraps(build_model)
    def build(**given):
        return build_model(**given, **fixed)

    build.__signature__ = signature.replace(parameters=free)
    return build
