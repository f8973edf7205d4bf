"""Example code in a model card that uses the network in another program."""

import dataclasses

import keras

from recipes._runner import copy_extras, copy_own, own_kinds

SIDES = ("height", "width")
COLOR_MODES = {1: "grayscale", 3: "rgb", 4: "rgba"}  # Keras' names, by number of channels


def lines(recipe, network, deployed=False, metrics=None):
    """Lines that call the network on an example input and print its output.

    Args:
        recipe: The network's recipe, whose source determines the kind of input files.
        network: The trained network.
        deployed: Whether the previous lines also load the deployed network, as `model`, and the
            trained one as `network`.
        metrics: Metadata of the run: whether it was trained on the user's data, and its columns.

    Returns:
        The lines, an empty one first; none if the kind of input cannot be determined.
    """
    metrics = metrics or {}
    used = copy_extras.use(recipe)
    if is_own(metrics):  # only the kind of input is the recipe's; `deployed` differs
        shape = tuple(network.inputs[0].shape[1:])
        if deployed and len(shape) == 3:
            shape = (None, None, shape[2])
        used = dataclasses.replace(used, kind=own_kinds.kind(recipe), shape=shape, outputs=())
    main = "probabilities" if "probabilities" in used.outputs else (*used.outputs, None)[0]
    if used.kind == "image":
        given = image(used)
    elif used.kind == "text":
        given = text()
    elif metrics.get("columns") and deployed:
        given = raw_row(metrics["columns"])
    elif metrics.get("columns"):
        given = own_table(network, metrics.get("reading") or {})
    elif used.kind == "table":
        given = table(network)
    else:
        given = arrays(network)
        main = None
    if not given:
        return []
    name = "network" if deployed and used.kind is None else "model"
    answer = f"{name}.predict(inputs)" + (f'["{main}"]' if main else "")
    return ["", *given, f"print({answer})"]


def is_own(metrics):
    """Whether the network was trained on the user's data."""
    return "own" in (metrics.get("data") or {}).values()


def image(used):
    """Lines that load an image, resized if the network has a fixed input size."""
    *size, channels = used.shape
    load = [f'image = keras.utils.load_img("picture.png", color_mode="{COLOR_MODES[channels]}")']
    if None not in size:
        load = [
            "image = keras.utils.load_img(",
            f'    "picture.png", color_mode="{COLOR_MODES[channels]}",',
            f'    target_size={tuple(size)}, interpolation="bilinear",',
            ")",
        ]
    shape = ", ".join(str(length or name) for length, name in zip(size, SIDES, strict=True))
    return [
        *load,
        f"inputs = keras.utils.img_to_array(image)[None]  # (1, {shape}, {channels}), 0 to 255",
    ]


def text():
    return ["import tensorflow as tf", "", 'inputs = tf.constant(["A text.", "Another one."])']


def table(network):
    return [
        "import pandas as pd",
        "",
        (
            'inputs = pd.read_csv("table.csv").to_numpy("float32")'
            f"  # (rows, {network.inputs[0].shape[1]})"
        ),
    ]


def raw_row(columns):
    """Lines with a row of the user's table, for a network that takes its columns as they are."""
    lines = [
        "import tensorflow as tf",
        "",
        '# A row to replace by yours; a missing number is float("nan"), a missing word "".',
        "inputs = {",
    ]
    for name, words in columns:
        cell = copy_own.literal(words[0]) if words else "1.0"
        lines.append(f"    {copy_own.literal(name)}: tf.constant([[{cell}]]),")
    return [*lines, "}"]


def own_table(network, reading):
    """Lines that load a table with the network's columns of numbers and of words."""
    options = "".join(f", {name}={copy_own.literal(value)}" for name, value in reading.items())
    return [
        "import json",
        "",
        "import numpy as np",
        "import pandas as pd",
        "",
        'with open("metrics.json", encoding="utf-8") as file:',
        '    columns = json.load(file)["columns"]  # each with its words, or None for numbers',
        "kinds = {name: str for name, words in columns if words}",
        f'table = pd.read_csv("table.csv", dtype=kinds{options})',
        "numbers = []  # a word becomes a 0 or 1",
        "for name, words in columns:",
        "    numbers += [table[name] == word for word in words] if words else [table[name]]",
        'inputs = np.stack(numbers, axis=1).astype("float32")'
        f"  # (rows, {network.inputs[0].shape[1]})",
    ]


def arrays(network):
    """Zeros in the shapes of the inputs, to be replaced by real data, if no file contains them."""
    taken = getattr(network, "inputs", None)
    if not taken:
        return []
    struct = taken[0] if isinstance(network, keras.Sequential) else network.input
    if isinstance(struct, dict):
        inner = [f'    "{name}": {zeros(each)},' for name, each in struct.items()]
        given = ["inputs = {", *inner, "}"]
    elif isinstance(struct, list | tuple):
        given = [f"inputs = [{', '.join(map(zeros, struct))}]"]
    else:
        given = [f"inputs = {zeros(struct)}  # one example"]
    return ["import numpy as np", "", *given]


def zeros(tensor):
    """One example in a tensor's shape, with 10 for undefined lengths."""
    shape = (1, *(length or 10 for length in tensor.shape[1:]))
    return f'np.zeros({shape}, "{keras.backend.standardize_dtype(tensor.dtype)}")'
