"""Catalog of layers: what each does to a tensor, by shape, parameters, formula and picture.

Slides: 001 «Un enfoque basado en capas» (layers that process, auxiliary layers), 001 «Tipos
        básicos» (a suitable format: reshape or flatten).
Departs from the slides: `Conv2DTranspose` and `UpSampling2D`, «inverses» of `Conv2D` and
`MaxPooling2D` there, restore the shape only, not the values. The layers of this collection are
listed as well, and some of Keras' that the slides use without naming them.

Each entry is code that is run here: input and output are of that call, and parameters are counted.
The formulas for output shape and parameters hold for other sizes, too (tested). Shapes are without
the batch axis, which layers keep. Outputs are those of training: dropout drops, and batch
normalization uses the statistics of the batch. In the pictures blue is negative and red positive;
the kernels of convolutions are a mean, a slope downward and a slope to the right.

`recipes/LAYERS.md` is what this script prints. One layer, and its picture:
`make recipe-layers-catalogue ARGS="--set layer=LSTM"`.
"""

import dataclasses
import functools
import inspect
import itertools
import math
import sys
import textwrap

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from sklearn.datasets import load_digits

from layers.batch_statistics import BatchStatistics
from layers.capsule import Capsule
from layers.channel_shuffle import ChannelShuffle
from layers.digits import CenterDigit, UnlikeDigit
from layers.echo_state import EchoStateCell
from layers.enet_bottleneck import DownsamplingBottleneck, ENetBottleneck, UpsamplingBottleneck
from layers.fill_missing import FillMissing
from layers.fourier_features import FourierFeatures
from layers.grouped_convolution import GroupedConv2D
from layers.integrate_and_fire import IntegrateAndFireCell
from layers.local_response_normalization import LocalResponseNormalization
from layers.masked_average import MaskedAverage
from layers.max_unpooling import MaxPoolingWithIndices, MaxUnpooling
from layers.patch_embedding import PatchEmbedding
from layers.positional_encoding import PositionalEncoding
from layers.random_affine import RandomAffine
from layers.residual_block import ResidualBlock
from layers.sampling import Sampling
from layers.squeeze_excitation import SqueezeExcitation
from layers.threshold import Threshold
from layers.transformer import Transformer, TransformerDecoder, TransformerEncoder
from layers.turing_machine import TuringMachineCell
from layers.window_statistics import WindowStatistics
from recipes.common import plots

# Sizes of the inputs, without the batch axis.
VECTOR = {"features": 6}
SEQUENCE = {"steps": 8, "features": 3}
IMAGE = {"height": 8, "width": 8, "channels": 2}
GRAY = {"height": 8, "width": 8, "channels": 1}
CLIP = {"frames": 4, "height": 8, "width": 8, "channels": 1}
TOKENS = {"tokens": 6}
BATCH = 4  # examples, of which the first is shown


@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
    """A layer, what it is called with, and what is said of it.

    Args:
        layer: A class, or `keras.Input`.
        arguments: Those of the layer, by name.
        inputs: The sizes of each input, by name of the axis.
        output: The shape of the output; a list of shapes if there are several. A formula in the
            names of sizes and arguments, in Python's notation.
        formula: What the layer computes; if empty, the summary of its docstring is shown.
        parameters: Their number, as a formula like that of the output, non-trainable ones included.
        inner: Class and arguments of the layer or cell that this one wraps.
        scale: A factor of the inputs' values.
    """

    layer: object
    arguments: dict
    inputs: list
    output: str
    formula: str = ""
    parameters: str = "0"
    inner: tuple | None = None
    scale: float = 1.0

    @property
    def name(self):
        """`LSTM`, or of a wrapped layer or cell its own name."""
        own = self.inner and self.layer is keras.layers.RNN
        return (self.inner[0] if own else self.layer).__name__

    @property
    def code(self):
        """`Conv2D(filters=4, kernel_size=3)`."""
        text = call_text(self.layer, self.arguments)
        if self.inner:
            text = text.replace("(", f"({call_text(*self.inner)}, ", 1).replace(", )", ")")
        return text

    def build(self):
        """A new layer."""
        if self.inner:
            layer, arguments = self.inner
            return self.layer(layer(**arguments), **self.arguments)
        return self.layer(**self.arguments)

    def about(self):
        """The formula, or the summary of the docstring."""
        described = self.inner[0] if self.inner else self.layer
        summary = inspect.getdoc(described).partition("\n\n")[0]
        return self.formula or " ".join(summary.replace("`", "").split())


def call_text(function, arguments):
    """The call of a function with arguments by name, as code."""
    words = [f"{name}={value!r}" for name, value in arguments.items()]
    return f"{function.__name__}({', '.join(words)})"


# fmt: off
CATALOG = {
    "Dense and auxiliary layers": (
        Entry(keras.Input, {"shape": (6,)}, [VECTOR], "features",
              "the tensor itself: shape and dtype of what the network is given"),
        Entry(keras.layers.Dense, {"units": 4}, [VECTOR], "units", "y = x W + b",
              "(features + 1) * units"),
        Entry(keras.layers.Activation, {"activation": "softmax"}, [VECTOR], "features",
              "y_i = exp(x_i) / Σ_j exp(x_j)"),
        Entry(keras.layers.LeakyReLU, {"negative_slope": 0.2}, [VECTOR], "features",
              "y = max(x, slope · x)"),
        Entry(keras.layers.Dropout, {"rate": 0.5}, [VECTOR], "features",
              "y = x m / (1 − rate), m = 0 with probability rate, else 1; at inference y = x"),
        Entry(keras.layers.LayerNormalization, {}, [SEQUENCE], "steps, features",
              "y = γ (x − μ) / √(σ² + ε) + β; μ, σ² over the features of each step",
              "2 * features"),
        Entry(keras.layers.BatchNormalization, {}, [IMAGE], "height, width, channels",
              "y = γ (x − μ) / √(σ² + ε) + β; μ, σ² of each channel over batch, height and width; "
              "at inference, moving averages",
              "4 * channels"),
        Entry(keras.layers.Flatten, {}, [{"height": 3, "width": 3, "channels": 2}],
              "height * width * channels",
              "the same numbers, row by row, the channels of each pixel together"),
        Entry(keras.layers.Reshape, {"target_shape": (4, 3)}, [{"features": 12}], "4, 3",
              "the same numbers in another shape, row by row"),
        Entry(keras.layers.Permute, {"dims": (2, 1)}, [SEQUENCE], "features, steps",
              "axes in another order: y[j, i] = x[i, j]"),
        Entry(keras.layers.Concatenate, {}, [VECTOR, {"more": 3}], "features + more",
              "one after the other, along the last axis"),
        Entry(keras.layers.Add, {}, [VECTOR, VECTOR], "features", "y = x₁ + x₂"),
    ),
    "Images": (
        Entry(keras.layers.Conv2D, {"filters": 3, "kernel_size": 3}, [GRAY],
              "valid(height), valid(width), filters",
              "y[i, j, f] = b[f] + Σ_a,c,d w[a, c, d, f] x[i + a, j + c, d]",
              "(kernel_size**2 * channels + 1) * filters"),
        Entry(keras.layers.Conv2D,
              {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, [GRAY],
              "same(height), same(width), filters",
              "the same, at every second pixel, with zeros around the image",
              "(kernel_size**2 * channels + 1) * filters"),
        Entry(keras.layers.DepthwiseConv2D, {"kernel_size": 3}, [IMAGE],
              "valid(height), valid(width), channels * depth_multiplier",
              "a convolution of each channel on its own",
              "(kernel_size**2 + 1) * channels * depth_multiplier"),
        Entry(keras.layers.SeparableConv2D, {"filters": 3, "kernel_size": 3}, [IMAGE],
              "valid(height), valid(width), filters",
              "a depthwise convolution, then a 1×1 convolution",
              "kernel_size**2 * channels + (channels + 1) * filters"),
        Entry(keras.layers.Conv2DTranspose, {"filters": 1, "kernel_size": 3, "strides": 2},
              [{"height": 4, "width": 4, "channels": 1}],
              "transposed(height), transposed(width), filters",
              "each pixel adds its multiple of the kernel to the output, at strides · (i, j)",
              "(kernel_size**2 * channels + 1) * filters"),
        Entry(keras.layers.MaxPooling2D, {"pool_size": 2}, [IMAGE],
              "valid(height), valid(width), channels", "the largest value of each window"),
        Entry(keras.layers.AveragePooling2D, {"pool_size": 2}, [IMAGE],
              "valid(height), valid(width), channels", "the mean of each window"),
        Entry(keras.layers.GlobalAveragePooling2D, {}, [IMAGE], "channels",
              "the mean of each channel"),
        Entry(keras.layers.UpSampling2D, {"size": 2}, [{"height": 4, "width": 4, "channels": 2}],
              "height * size, width * size, channels",
              "each pixel repeated in size × size pixels"),
        Entry(keras.layers.ZeroPadding2D, {"padding": 1},
              [{"height": 6, "width": 6, "channels": 2}], "height + 2, width + 2, channels",
              "zeros around the image"),
    ),
    "Sequences and clips": (
        Entry(keras.layers.Embedding, {"input_dim": 10, "output_dim": 4}, [TOKENS],
              "tokens, output_dim", "y[t] = row x[t] of the table", "input_dim * output_dim"),
        Entry(keras.layers.Conv1D, {"filters": 2, "kernel_size": 3}, [SEQUENCE],
              "valid(steps), filters", "y[t, f] = b[f] + Σ_a,d w[a, d, f] x[t + a, d]",
              "(kernel_size * features + 1) * filters"),
        Entry(keras.layers.MaxPooling1D, {"pool_size": 2}, [SEQUENCE], "valid(steps), features",
              "the largest value of each window"),
        Entry(keras.layers.GlobalAveragePooling1D, {}, [SEQUENCE], "features",
              "the mean over the steps"),
        Entry(keras.layers.SimpleRNN, {"units": 4}, [SEQUENCE], "units",
              "h = tanh(x W + h' U + b), step by step, h' that of the step before; y is the last h",
              "units * (features + units + 1)"),
        Entry(keras.layers.LSTM, {"units": 4}, [SEQUENCE], "units",
              "i, f, o = σ(x W + h' U + b) each; c = f c' + i tanh(x W + h' U + b); h = o tanh(c)",
              "4 * units * (features + units + 1)"),
        Entry(keras.layers.LSTM, {"units": 4, "return_sequences": True}, [SEQUENCE],
              "steps, units", "the same, with h of every step",
              "4 * units * (features + units + 1)"),
        Entry(keras.layers.GRU, {"units": 4}, [SEQUENCE], "units",
              "z, r = σ(x W + b + h' U + c) each; "
              "h = z h' + (1 − z) tanh(x W + b + r (h' U + c))",
              "3 * units * (features + units + 2)"),
        Entry(keras.layers.Bidirectional, {}, [SEQUENCE], "2 * units",
              "two layers: the sequence forward and backward, outputs concatenated",
              "8 * units * (features + units + 1)", inner=(keras.layers.LSTM, {"units": 4})),
        Entry(keras.layers.TimeDistributed, {}, [CLIP], "frames, height * width * channels",
              "the inner layer at each step", inner=(keras.layers.Flatten, {})),
        Entry(keras.layers.Conv3D, {"filters": 1, "kernel_size": 3}, [CLIP],
              "valid(frames), valid(height), valid(width), filters",
              "y[t, i, j, f] = b[f] + Σ_e,a,c,d w[e, a, c, d, f] x[t + e, i + a, j + c, d]",
              "(kernel_size**3 * channels + 1) * filters"),
    ),
    "Attention": (
        Entry(keras.layers.Attention, {},
              [{"queries": 4, "features": 3}, {"keys": 6, "features": 3}], "queries, features",
              "y = softmax(Q Kᵀ) V; V = K where there are two inputs only; no √d"),
        Entry(keras.layers.MultiHeadAttention, {"num_heads": 2, "key_dim": 4},
              [{"queries": 4, "features": 3}, {"keys": 6, "features": 3}], "queries, features",
              "y = Σ softmax(Q Kᵀ / √key_dim) V W + b over the heads; "
              "Q, K, V: dense layers of query, value and value",
              "4 * num_heads * key_dim * features + 3 * num_heads * key_dim + features"),
    ),
    "Of this collection, for vectors": (
        Entry(Threshold, {}, [VECTOR], "features"),
        Entry(FillMissing, {"flags": True}, [{"columns": 5}], "2 * columns"),
        Entry(FourierFeatures, {"units": 4}, [{"coordinates": 2}], "2 * units",
              parameters="coordinates * units"),
        Entry(BatchStatistics, {}, [{"features": 3}], "3 * features"),
        Entry(Sampling, {}, [VECTOR, VECTOR], "features"),
        Entry(Capsule, {"num_capsules": 3, "dim": 4}, [{"capsules": 6, "features": 2}],
              "num_capsules, dim", parameters="capsules * num_capsules * features * dim"),
    ),
    "Of this collection, for images": (
        Entry(CenterDigit, {}, [{"height": 48, "width": 36, "channels": 1}], "28, 28, 1",
              scale=255.0),
        Entry(UnlikeDigit, {}, [{"height": 28, "width": 28, "channels": 1}], "", scale=255.0),
        Entry(RandomAffine, {"rotation": 60, "seed": 3},
              [{"height": 16, "width": 16, "channels": 1}], "height, width, channels"),
        Entry(PatchEmbedding, {"embed_dim": 5, "patch_size": 4}, [IMAGE],
              "(height // patch_size) * (width // patch_size), embed_dim",
              parameters="(patch_size**2 * channels + 1 "
                         "+ (height // patch_size) * (width // patch_size)) * embed_dim"),
        Entry(ResidualBlock, {"filters": 4, "strides": 2}, [IMAGE],
              "same(height), same(width), filters",
              parameters="(10 * channels + 9 * filters + 12) * filters"),
        Entry(SqueezeExcitation, {"ratio": 2}, [{"height": 8, "width": 8, "channels": 4}],
              "height, width, channels",
              parameters="2 * channels * (channels // ratio) + channels // ratio + channels"),
        Entry(LocalResponseNormalization, {"alpha": 1.0}, [IMAGE], "height, width, channels"),
        Entry(GroupedConv2D, {"filters": 4, "kernel_size": 3, "groups": 2}, [IMAGE],
              "valid(height), valid(width), filters",
              parameters="(kernel_size**2 * channels // groups + 1) * filters"),
        Entry(ChannelShuffle, {"groups": 2}, [{"channels": 6}], "channels"),
        Entry(MaxPoolingWithIndices, {}, [IMAGE],
              "[(height // pool_size, width // pool_size, channels), "
              "(height // pool_size, width // pool_size, channels)]"),
        Entry(MaxUnpooling, {},
              [{"height": 4, "width": 4, "channels": 2}, {"height": 4, "width": 4, "indices": 2}],
              "height * pool_size, width * pool_size, channels"),
        Entry(ENetBottleneck, {"filters": 8}, [{"height": 8, "width": 8, "channels": 8}],
              "height, width, filters",
              parameters="(2 * filters + 9 * (filters // 4) + 10) * (filters // 4) + 5 * filters"),
        Entry(DownsamplingBottleneck, {"filters": 8}, [IMAGE],
              "[(height // 2, width // 2, filters), (height // 2, width // 2, channels)]",
              parameters="(4 * channels + filters + 9 * (filters // 4) + 10) * (filters // 4) "
                         "+ 5 * filters"),
        Entry(UpsamplingBottleneck, {"filters": 4},
              [{"height": 4, "width": 4, "channels": 8}, {"height": 4, "width": 4, "indices": 4}],
              "2 * height, 2 * width, filters",
              parameters="(channels + filters + 9 * (filters // 4) + 10) * (filters // 4) "
                         "+ (channels + 9) * filters"),
    ),
    "Of this collection, for sequences": (
        Entry(PositionalEncoding, {}, [{"steps": 8, "features": 6}], "steps, features"),
        Entry(MaskedAverage, {}, [SEQUENCE], "features"),
        Entry(WindowStatistics, {"windows": [2, 4]}, [SEQUENCE], "2 * 2 * features"),
        Entry(TransformerEncoder, {"num_heads": 2, "ff_dim": 8}, [{"steps": 6, "features": 4}],
              "steps, features",
              parameters="4 * features**2 + (2 * ff_dim + 5) * features + ff_dim"),
        Entry(TransformerDecoder, {"num_heads": 2, "ff_dim": 8},
              [{"steps": 6, "features": 4}, {"source_steps": 5, "features": 4}],
              "steps, features",
              parameters="8 * features**2 + (2 * ff_dim + 7) * features + ff_dim"),
        Entry(Transformer,
              {"source_vocabulary_size": 10, "target_vocabulary_size": 10, "embed_dim": 4,
               "num_heads": 2, "ff_dim": 8, "depth": 1},
              [{"source_tokens": 6}, {"tokens": 5}], "tokens, target_vocabulary_size",
              parameters="(source_vocabulary_size + target_vocabulary_size + 4) * embed_dim "
                         "+ depth * (12 * embed_dim**2 + (4 * ff_dim + 12) * embed_dim "
                         "+ 2 * ff_dim)"),
        Entry(keras.layers.RNN, {"return_sequences": True}, [SEQUENCE], "steps, units",
              parameters="(features + units + 1) * units",
              inner=(EchoStateCell, {"units": 6, "seed": 1})),
        Entry(keras.layers.RNN, {"return_sequences": True}, [{"steps": 8, "units": 3}],
              "steps, units", inner=(IntegrateAndFireCell, {"units": 3, "threshold": 0.5})),
        Entry(keras.layers.RNN, {"return_sequences": True}, [SEQUENCE], "steps, units + width",
              parameters="4 * units * (features + width + units + 1) "
                         "+ (units + 1) * (4 * width + 12)",
              inner=(TuringMachineCell, {"units": 4, "slots": 5, "width": 2})),
    ),
}
# fmt: on
INTRODUCTION = """# Layers

What each layer of Keras and of this collection does to a tensor: the call, what it computes, the
shapes of input and output, and the number of parameters; formulas first, then the values of the
call shown. Made by [layers_catalogue](training/layers_catalogue.py), which also draws the tensors:
`make recipe-layers-catalogue`. Shapes are without the batch axis.

- σ: the sigmoid, or a standard deviation. x, y: input and output; W, U, w: weights; b, c: biases.
- `valid(n)` = floor((n − window) / strides) + 1, where the window is `kernel_size` or `pool_size`,
  and strides are 1 for a convolution and the window for pooling, by default.
- `same(n)` = ceil(n / strides), with `padding="same"`.
- `transposed(n)` = (n − 1) · strides + max(window, strides)."""
FOLLOWS = """The output shape of a layer (rows) for an input (columns); – is an error. That there is
none does not mean that it makes sense: `Attention` to vectors mixes the examples of a batch."""
CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
)
# The tensors of the table of what follows what, and layers that may follow.
TENSORS = {
    "vector": (12,),
    "sequence": (12, 3),
    "image": (12, 12, 3),
    "clip": (12, 12, 12, 3),
}
FOLLOWERS = (
    (keras.layers.Dense, {"units": 5}),
    (keras.layers.Conv1D, {"filters": 5, "kernel_size": 3}),
    (keras.layers.Conv2D, {"filters": 5, "kernel_size": 3}),
    (keras.layers.Conv3D, {"filters": 5, "kernel_size": 3}),
    (keras.layers.Conv2DTranspose, {"filters": 5, "kernel_size": 3}),
    (keras.layers.MaxPooling2D, {}),
    (keras.layers.UpSampling2D, {}),
    (keras.layers.LSTM, {"units": 5}),
    (keras.layers.GRU, {"units": 5, "return_sequences": True}),
    (keras.layers.Attention, {}),
    (keras.layers.BatchNormalization, {}),
    (keras.layers.LayerNormalization, {}),
    (keras.layers.Dropout, {"rate": 0.5}),
    (keras.layers.Flatten, {}),
    (keras.layers.GlobalAveragePooling2D, {}),
)


def readable(formula):
    """A formula in mathematical notation.

    >>> readable("(kernel_size**2 * channels + 1) * filters")
    '(kernel_size² · channels + 1) · filters'
    """
    for code, sign in (("**2", "²"), ("**3", "³"), (" * ", " · "), (" // ", " / ")):
        formula = formula.replace(code, sign)
    return formula


def sample(axes, scale=1.0, seed=0):
    """A batch of examples with axes of the given names and sizes.

    Images are handwritten digits and their slopes, downward and to the right; clips are digits
    that move to the right; sequences are waves; tokens are integers; other numbers are normal.
    """
    rng = np.random.default_rng(seed)
    shape = tuple(axes.values())
    if "tokens" in axes or "source_tokens" in axes:
        return rng.integers(1, 10, (BATCH, *shape))
    if "indices" in axes:
        return rng.integers(0, 4, (BATCH, *shape), dtype="int32")
    if "height" in axes:
        return scale * digits(axes)
    if len(axes) == 2:
        steps, features = shape
        times = np.arange(steps)[:, None] / steps  # (steps, 1)
        periods = times * (0.3 + np.arange(features)) + 0.5 * rng.random((BATCH, 1, 1))
        return np.sin(2 * np.pi * periods).astype("float32")  # (batch, steps, features)
    values = rng.normal(size=(BATCH, *shape)).astype("float32")
    if "columns" in axes:
        values[:, 1] = np.nan
    return values


def digits(axes):
    """Digits from 0 to 1 and their slopes: (batch, height, width, channels), or with frames."""
    images = load_digits().images[:BATCH].astype("float32") / 16  # (batch, 8, 8)
    if axes["height"] > 28:  # a picture with a margin
        images = np.pad(images, [(0, 0), (2, 6), (6, 2)])
    images = keras.ops.image.resize(images[..., None], (axes["height"], axes["width"]))
    images = keras.ops.convert_to_numpy(images)[..., 0]  # (batch, height, width)
    down, right = np.gradient(images, axis=(1, 2))
    kinds = [images, down, right, images[:, ::-1]]
    channels = [kinds[number % 4] for number in range(axes.get("channels", 1))]
    values = np.stack(channels, axis=-1)  # (batch, height, width, channels)
    if "frames" in axes:
        moved = [np.roll(values, frame - 1, axis=2) for frame in range(axes["frames"])]
        values = np.stack(moved, axis=1)  # (batch, frames, height, width, channels)
    return values


def set_kernels(layer):
    """Kernels of 3 × 3 pixels become a mean, a slope downward and a slope to the right, in turn."""
    down = np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]]) / 3
    kinds = [np.full((3, 3), 1 / 9), down, down.T]
    weights = layer.get_weights()
    for values in weights:
        if values.shape[:2] == (3, 3):
            for channel, number in np.ndindex(values.shape[2:]):
                values[:, :, channel, number] = kinds[(channel + number) % 3]
    layer.set_weights(weights)


@functools.cache
def run(entry):
    """Build a layer and call it in training on a batch of examples.

    Returns:
        The layer, its inputs, and its outputs: lists of arrays with the batch axis.
    """
    keras.utils.set_random_seed(0)
    layer = entry.build()
    inputs = [sample(axes, entry.scale, seed=number) for number, axes in enumerate(entry.inputs)]
    if isinstance(layer, keras.KerasTensor):  # keras.Input
        return layer, inputs, inputs
    if isinstance(layer, CONVOLUTIONS):
        layer.build((None, *entry.inputs[0].values()))
        set_kernels(layer)
    if isinstance(layer, keras.layers.MultiHeadAttention):
        outputs = layer(*inputs, training=True)
    else:
        outputs = layer(inputs if len(inputs) > 1 else inputs[0], training=True)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return layer, inputs, [keras.ops.convert_to_numpy(output) for output in outputs]


def parameter_counts(layer):
    """The numbers of all and of the trainable parameters of a layer that has been called."""
    if isinstance(layer, keras.KerasTensor):
        return 0, 0
    return layer.count_params(), sum(math.prod(each.shape) for each in layer.trainable_weights)


def shape_text(sizes):
    """A shape as text: `(8, 8, 2)`, and `(6,)` with a single axis; sizes may be names."""
    comma = "," if len(sizes) == 1 else ""
    return f"({', '.join(map(str, sizes))}{comma})"


def shapes_text(arrays):
    """The shapes of a list of arrays, without the batch axis."""
    return " and ".join(shape_text(array.shape[1:]) for array in arrays)


def output_text(entry):
    """The formula for the shape of the output, or of the outputs, as text."""
    output = readable(entry.output)
    if output.startswith("["):
        return output[1:-1].replace("), (", ") and (")
    return f"({output})" if ", " in output or not output else f"({output},)"


def parameters_text(entry, layer):
    """The number of parameters, with its formula: `(features + 1) · units = 28`."""
    count, trainable = parameter_counts(layer)
    if not count:
        return "0"
    text = f"{readable(entry.parameters)} = {count}"
    return text if trainable == count else f"{text}, {trainable} of them trainable"


def card(entry):
    """What the catalog says of a layer, in five lines."""
    layer, inputs, outputs = run(entry)
    axes = " and ".join(shape_text(axes) for axes in entry.inputs)
    lines = [
        entry.code,
        f"    {entry.about()}",
        f"    input       {axes} = {shapes_text(inputs)}",
        f"    output      {output_text(entry)} = {shapes_text(outputs)}",
        f"    parameters  {parameters_text(entry, layer)}",
    ]
    return "\n".join(lines)


def following_shape(layer, arguments, shape):
    """The shape of a layer's output for an input of a shape, both without batch; None if it fails.

    Args:
        layer: A class of layers; `Attention` is given the input twice.
        arguments: Those of the class.
        shape: Of the input.
    """
    inputs = np.zeros((2, *shape), "float32")
    try:
        if layer is keras.layers.Attention:
            return tuple(layer(**arguments)([inputs, inputs]).shape[1:])
        return tuple(layer(**arguments)(inputs).shape[1:])
    except (ValueError, IndexError, TypeError):
        return None


def following_shapes():
    """`following_shape` of each of the `FOLLOWERS` after each of the `TENSORS`: a list of rows."""
    return [
        [following_shape(layer, arguments, shape) for shape in TENSORS.values()]
        for layer, arguments in FOLLOWERS
    ]


def follow_table():
    """The table of what follows what, as lines of text."""
    lines = [" " * 44 + "".join(f"{name:18}" for name in TENSORS)]
    lines.append(" " * 44 + "".join(f"{shape_text(shape):18}" for shape in TENSORS.values()))
    for (layer, arguments), shapes in zip(FOLLOWERS, following_shapes(), strict=True):
        cells = ["–" if shape is None else shape_text(shape) for shape in shapes]
        lines.append(f"{call_text(layer, arguments):44}" + "".join(f"{cell:18}" for cell in cells))
    return "\n".join(line.rstrip() for line in lines)


def with_and_without_flatten():
    """What the layers of two small networks make of a digit: with a `Flatten` layer, and without.

    Returns:
        For each network, `{name of the layer: output}`, the outputs with the batch axis.
    """
    keras.utils.set_random_seed(0)
    convolution = keras.layers.Conv2D(3, 3)
    convolution.build((None, 8, 8, 1))
    set_kernels(convolution)
    pooling = keras.layers.MaxPooling2D()
    networks = []
    for between in ([keras.layers.Flatten()], []):
        x = sample(GRAY)
        outputs = {"Input": x}
        for layer in (convolution, pooling, *between, keras.layers.Dense(10)):
            x = keras.ops.convert_to_numpy(layer(x))
            outputs[type(layer).__name__] = x
        networks.append(outputs)
    return networks


def page():
    """The whole catalog as Markdown."""
    with_flatten, without = [outputs["Dense"] for outputs in with_and_without_flatten()]
    parts = [INTRODUCTION]
    for group, entries in CATALOG.items():
        cards = "\n\n".join(card(entry) for entry in entries)
        parts.append(f"## {group}\n\n```text\n{cards}\n```")
    parts.append(f"## What follows what\n\n{FOLLOWS}\n\n```text\n{follow_table()}\n```")
    parts.append(
        "`Dense` takes any tensor and changes its last axis only, so a forgotten `Flatten` is no "
        f"error: `Dense(10)` returns {shapes_text([without])} after `MaxPooling2D`, ten numbers "
        f"for each pixel, and {shapes_text([with_flatten])} with `Flatten` between."
    )
    return "\n\n".join(parts) + "\n"


def maps(array):
    """A tensor without batch axis as a list of matrices to draw side by side.

    A vector is one row; a sequence has a row for each step; an image is one matrix for each
    channel; of a clip each frame is one, for each channel.
    """
    if array.ndim < 2:
        return [array.reshape(1, -1)]
    if array.ndim == 2:
        return [array]
    if array.ndim == 3:
        return list(np.moveaxis(array, -1, 0))
    return [channel for frame in array for channel in np.moveaxis(frame, -1, 0)]


def draw_tensors(axis, arrays, largest):
    """Draw the first examples of arrays, side by side; return width and height in cells.

    Blue is negative, red positive, NaN white; whole numbers are written where there is room.

    Args:
        axis: Where to draw.
        arrays: With the batch axis.
        largest: The value that is drawn darkest.
    """
    matrices = [matrix for array in arrays for matrix in maps(array[0])]
    width = sum(matrix.shape[1] + 1 for matrix in matrices) - 1
    left = 0
    for values in matrices:
        rows, columns = values.shape
        extent = (left, left + columns, -rows / 2, rows / 2)
        shown = values if values.dtype.kind == "f" else np.zeros(values.shape)
        axis.imshow(shown, extent=extent, vmin=-largest, vmax=largest, cmap="RdBu_r")
        axis.add_patch(plt.Rectangle((left, -rows / 2), columns, rows, fill=False, linewidth=0.8))
        if values.dtype.kind == "i" and width < 25:
            for (row, column), value in np.ndenumerate(values):
                place = (left + column + 0.5, rows / 2 - row - 0.55)
                axis.text(*place, value, ha="center", va="center", fontsize=8)
        left += columns + 1
    if matrices[0].size == 1:
        axis.text(width + 1, 0, f"= {matrices[0].item():.2f}", va="center")
    axis.set(xticks=[], yticks=[], anchor="W", facecolor="none", aspect="equal")
    axis.set_title(shapes_text(arrays), fontsize=9)
    axis.spines[:].set_visible(False)
    return width, max(len(matrix) for matrix in matrices)


def largest_of(arrays):
    """The largest absolute value of the first examples of arrays; 1 of whole numbers."""
    values = [np.nanmax(np.abs(array[0])) for array in arrays if array.dtype.kind == "f"]
    return max(values, default=1)


def set_limits(axis, width, height):
    """Show a number of cells on an axis."""
    axis.set(xlim=(-0.2, width + 0.2), ylim=(-height / 2 - 0.2, height / 2 + 0.2))


def plot_entries(entries, title):
    """Draw layers, one in each row: input, what is said of it, and output, in equal cells."""
    figure, axes = plt.subplots(
        len(entries),
        3,
        figsize=(11, 1.15 * len(entries) + 0.4),
        width_ratios=(2, 3, 2),
        squeeze=False,
        layout="constrained",
    )
    for (left, middle, right), entry in zip(axes, entries, strict=True):
        layer, inputs, outputs = run(entry)
        largest = [largest_of(inputs), largest_of(outputs)]
        if max(largest) <= 3 * min(largest):  # otherwise one of the two would be pale
            largest = [max(largest)] * 2
        drawn = [draw_tensors(left, inputs, largest[0]), draw_tensors(right, outputs, largest[1])]
        width, height = np.max([*drawn, (14, 4)], axis=0)  # cells of a vector are no larger
        set_limits(left, width, height)
        set_limits(right, width, height)
        draw_text(middle, entry, layer)
    figure.suptitle(title)
    return figure


def draw_text(axis, entry, layer):
    """Write code, formula, axes and parameters of a layer."""
    axes = " and ".join(shape_text(axes) for axes in entry.inputs)
    lines = [
        *textwrap.wrap(entry.about(), 70),
        *textwrap.wrap(f"{axes} → {output_text(entry)}", 70),
        *textwrap.wrap(f"parameters: {parameters_text(entry, layer)}", 70),
    ]
    axis.set_axis_off()
    style = {"fontsize": 9, "va": "top", "parse_math": False}
    code = textwrap.fill(entry.code, 54)
    code = axis.text(
        0, 1.1, code, family="monospace", weight="bold", transform=axis.transAxes, **style
    )
    # Below the code, however many lines it has.
    below = {"xycoords": code, "xytext": (0, -4), "textcoords": "offset points"}
    axis.annotate("\n".join(lines), (0, 0), linespacing=1.3, **below, **style)


def plot_flatten():
    """Draw the tensors of two networks in a row each: with `Flatten`, and without."""
    networks = with_and_without_flatten()
    columns = len(networks[0])
    figure, axes = plt.subplots(
        2, columns, figsize=(9, 3), width_ratios=(1, 2.2, 2, 2, 2.8), layout="constrained"
    )
    for row, outputs in zip(axes, networks, strict=True):
        for axis, name in zip(row, networks[0], strict=True):
            if name not in outputs:
                axis.set_axis_off()
                continue
            array = outputs[name]
            width, height = draw_tensors(axis, [array], largest_of([array]))
            set_limits(axis, width, height)
            axis.set_title(f"{name}\n{shapes_text([array])}", fontsize=11)
    answers = np.prod(networks[1]["Dense"].shape[1:-1])
    figure.suptitle(f"Without Flatten, Dense(10) gives {answers} answers for one image: no error")
    return figure


def plot_following():
    """The shapes of what follows what, errors gray, other numbers of axes in another color."""
    shapes = following_shapes()
    ranks = np.array([[0 if shape is None else len(shape) for shape in row] for row in shapes])
    figure, axis = plt.subplots(figsize=(9, 6), layout="constrained")
    same = ranks == [len(shape) for shape in TENSORS.values()]
    colors = np.where(ranks == 0, 0, np.where(same, 1, 2))
    axis.imshow(colors, cmap=ListedColormap(["0.85", *plots.REGION_COLORS]), vmax=2, aspect="auto")
    for (row, column), rank in np.ndenumerate(ranks):
        text = shape_text(shapes[row][column]) if rank else "error"
        axis.text(column, row, text, ha="center", va="center", fontsize=10)
    names = [f"{name}\n{shape_text(shape)}" for name, shape in TENSORS.items()]
    axis.set_xticks(range(len(names)), names)
    axis.set_yticks(range(len(FOLLOWERS)), [call_text(*follower) for follower in FOLLOWERS])
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    always = np.count_nonzero(ranks.all(axis=1))
    axis.set_title(f"{always} of {len(FOLLOWERS)} layers, Dense among them, follow any tensor")
    return figure


def main(layer=None):
    """Print and draw the catalog, or the entries of one layer, by its name."""
    if layer is not None:
        known = {}
        for entry in itertools.chain(*CATALOG.values()):
            known.setdefault(entry.name, []).append(entry)
        if layer not in known:
            print(f"{layer} is not in the catalog, which has {', '.join(known)}", file=sys.stderr)
            sys.exit(2)
        print("\n\n".join(card(entry) for entry in known[layer]))
        plot_entries(known[layer], layer).savefig(f"{layer}.png")
        return
    print(page())
    for group, entries in CATALOG.items():
        name = group.lower().replace(",", "").replace(" ", "_")
        plot_entries(entries, f"{group}: what goes in, and what comes out").savefig(f"{name}.png")
    plot_flatten().savefig("flatten.png")
    plot_following().savefig("what_follows_what.png")


if __name__ == "__main__":
    main()
