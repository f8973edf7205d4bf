"""The lines of a card that use the network in a program of one's own."""

import keras

from recipes._runner import copy_extras

SIDES = ("height", "width")
COLOR_MODES = {1: "grayscale", 3: "rgb", 4: "rgba"}  # Keras' names, by number of channels


def lines(recipe, network, deployed=False):
    """Lines that give the network something of what it takes, and print what it answers.

    Args:
        recipe: The network's recipe, whose source says what files hold such inputs.
        network: The trained network.
        deployed: Whether the lines before load the deployed network, too, as `model`, and the
            trained one as `network`.

    Returns:
        The lines, an empty one first; none where nobody but the recipe knows what it takes.
    """
    used = copy_extras.use(recipe)
    main = "probabilities" if "probabilities" in used.outputs else (*used.outputs, None)[0]
    if used.kind == "image":
        given = image(used)
    elif used.kind == "text":
        given = text()
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


def image(used):
    """A picture, resized where the network fixes a size."""
    *size, channels = used.shape
    options = [f'color_mode="{COLOR_MODES[channels]}"']
    if None not in size:
        options.append(f"target_size={tuple(size)}")
    shape = ", ".join(str(length or name) for length, name in zip(size, SIDES, strict=True))
    return [
        f'image = keras.utils.load_img("picture.png", {", ".join(options)})',
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


def arrays(network):
    """Zeros in the shapes of the inputs, where no file holds them: to be replaced by one's own."""
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
    """One example of a shape; 10 for lengths that it leaves open."""
    shape = (1, *(length or 10 for length in tensor.shape[1:]))
    return f'np.zeros({shape}, "{keras.backend.standardize_dtype(tensor.dtype)}")'
