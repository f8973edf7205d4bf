"""Properties of a compiled model's head: last activation, output shape, loss and metrics."""

import dataclasses
import inspect
import math
import re

import keras
import numpy as np

INF = math.inf
# The range of each activation. Names have no "_": functions, layers and operations differ in it.
RANGES = {
    "sigmoid": (0, 1),
    "hardsigmoid": (0, 1),
    "sparsesigmoid": (0, 1),
    "softmax": (0, 1),
    "sparsemax": (0, 1),
    "tanh": (-1, 1),
    "hardtanh": (-1, 1),
    "softsign": (-1, 1),
    "relu": (0, INF),
    "relu6": (0, 6),
    "softplus": (0, INF),
    "squareplus": (0, INF),
    "sparseplus": (0, INF),
    "exponential": (0, INF),
    "exp": (0, INF),
    "selu": (-1.7581, INF),
    "silu": (-0.2785, INF),
    "gelu": (-0.17, INF),
    "mish": (-0.3089, INF),
    "logsoftmax": (-INF, 0),
    "logsigmoid": (-INF, 0),
}
UNLIMITED = (
    "linear leakyrelu prelu elu celu batchnormalization layernormalization groupnormalization"
)
RANGES |= dict.fromkeys(UNLIMITED.split(), (-INF, INF))

ACTIVATED = (
    r"(Dense|EinsumDense|(Separable|Depthwise)?Conv[123]D(Transpose)?|Activation"
    r"|LSTM|GRU|SimpleRNN)"
)
IN_RANGE = (  # layers and operations that preserve the range of their inputs
    r"(Reshape|Flatten|Permute|Transpose|Squeeze|ExpandDims|GetItem|Identity|Cast|StopGradient"
    r"|ActivityRegularization|\w*Dropout\w*|GaussianNoise|Cropping\wD|UpSampling\wD"
    r"|(Global)?(Average|Max)Pooling\wD|RepeatVector)"
)
NO_MORE_SUMS = r"(Permute|Transpose|\w*MaxPooling\wD)"


@dataclasses.dataclass(frozen=True)
class Head:
    """Last activation: name, range (None: unknown), and whether it sums to 1 over the last axis."""

    name: str = "unknown"
    low: float | None = None
    high: float | None = None
    sums: bool = False

    @property
    def known(self):
        return self.low is not None

    @property
    def probability(self):
        return self.known and self.low >= 0 and self.high <= 1


def is_keras(thing):
    return (getattr(thing, "__module__", None) or "").startswith("keras.")


def plain(name):
    return name.replace("_", "").lower()


def look_at_outputs(model, x):
    """Last activation and output shape, from layers or else values; None for several outputs."""
    head, shape = Head(), None
    try:
        if isinstance(model, keras.Sequential) and not model.built:
            model.build((None, *x.shape[1:]))
        if is_keras(type(model).call):
            outputs = model.outputs
        else:
            # A subclass: calling it on symbolic inputs records the graph of layers, as in a
            # functional model.
            inputs = keras.tree.map_structure(
                lambda t: keras.Input(t.shape[1:], dtype=keras.backend.standardize_dtype(t.dtype)),
                x,
            )
            outputs = keras.tree.flatten(model.call(inputs))
        if len(outputs) != 1:
            return None
        shape = tuple(outputs[0].shape)
        head = last_activation(outputs[0])
    except Exception:  # a `call` that takes real tensors only
        head = Head()
    return (head, shape) if head.known else _look_at_values(model, x, shape)


def _look_at_values(model, x, shape):
    state = [(variable, variable.numpy()) for variable in model.non_trainable_variables]
    values = keras.tree.flatten(model(keras.tree.map_structure(lambda t: t[:8], x), training=False))
    for (
        variable,
        value,
    ) in state:  # restore random seeds and states of recurrent layers
        variable.assign(value)
    if len(values) != 1:
        return None
    values = keras.ops.convert_to_numpy(values[0]).astype("float64")
    shape = shape or (None, *values.shape[1:])
    if values.size and (values.min() < 0 or values.max() > 1):
        return Head("none that stays within [0, 1]", -INF, INF), shape
    if (
        values.size
        and values.ndim > 1
        and values.shape[-1] > 1
        and np.abs(values.sum(-1) - 1).max() < 1e-2
    ):
        return Head("softmax", 0, 1, sums=True), shape
    return Head(), shape


def last_activation(tensor):
    """Trace a symbolic output back to the operation that determines its range."""
    # Unwrap wrappers; the last layer of a nested model determines its range.
    operation, node, index = tensor._keras_history
    while type(operation).__name__ in ("TimeDistributed", "SpectralNormalization"):
        operation = operation.layer
    kind = type(operation).__name__
    if not is_keras(type(operation)):
        return Head()
    if isinstance(operation, keras.Model):
        return (
            last_activation(operation.outputs[index]) if is_keras(type(operation).call) else Head()
        )
    # Layers that keep the range, or rescale it: look at their input.
    if kind == "Rescaling" or re.fullmatch(IN_RANGE, kind):
        before = operation._inbound_nodes[node].input_tensors[0]
        head = last_activation(before)
        if kind == "Rescaling" and head.known:
            ends = sorted(
                float(end * operation.scale + operation.offset) for end in (head.low, head.high)
            )
            return Head(f"{head.name}, then Rescaling", *ends)
        if head.sums and (before.shape[-1] != tensor.shape[-1] or re.fullmatch(NO_MORE_SUMS, kind)):
            return dataclasses.replace(head, name=f"{head.name}, then {kind}", sums=False)
        return head
    # Layers with an activation argument, activation layers and operations.
    if re.fullmatch(ACTIVATED, kind):
        operation = operation.activation
        kind = getattr(operation, "__name__", type(operation).__name__)
        if not is_keras(operation if inspect.isfunction(operation) else type(operation)):
            return Head()
    # The range of the activation, and the axis of a softmax.
    low, high = RANGES.get(plain(kind), (None, None))
    if plain(kind) == "relu":
        low = -INF if getattr(operation, "negative_slope", 0) else low
        high = getattr(operation, "max_value", None) or high
    name = {"linear": "none (linear)", "Exp": "exponential"}.get(
        kind, kind if "_" in kind else kind.lower()
    )
    axis = getattr(operation, "axis", -1)
    if plain(kind) in ("softmax", "sparsemax"):
        if axis in (-1, len(tensor.shape) - 1):
            return Head(name, low, high, sums=True)
        name = f"{name} over axis {axis}"
    return Head(name, low, high)


def resolve_loss(loss, targets, outputs):
    """Name (None: not one of Keras' losses) and options of a loss, in any form that Keras takes."""
    if str(loss).lower() in ("crossentropy", "ce"):
        return _by_shape(targets, outputs).replace("accuracy", "crossentropy"), {}
    loss = keras.losses.get(loss)
    function = getattr(loss, "fn", loss)
    ours = inspect.isfunction(function) and is_keras(function)
    if not ours or (isinstance(loss, keras.losses.Loss) and not is_keras(type(loss))):
        return None, {}
    return function.__name__, getattr(loss, "_fn_kwargs", {})


def _by_shape(targets, outputs):
    """The accuracy that Keras chooses for the string "accuracy", from the two shapes."""
    if outputs[-1:] == (1,):
        return "binary_accuracy"
    sparse = len(targets) < len(outputs) or tuple(targets[-1:]) == (1,)
    return "sparse_categorical_accuracy" if sparse else "categorical_accuracy"


def compiled_metrics(model):
    """The metrics as they were passed to `compile`."""
    compiled = getattr(model, "_compile_metrics", None)
    given = [getattr(compiled, name, None) for name in ("_user_metrics", "_user_weighted_metrics")]
    return [metric for metric in keras.tree.flatten(given) if metric is not None]


def resolve_metric(metric, targets=(None,), outputs=(None, 1)):
    """A metric's name in logs (None: unknown), kind (None: not Keras' own) and object."""
    if isinstance(metric, str):
        name = _by_shape(targets, outputs) if metric.lower() in ("accuracy", "acc") else metric
        found = keras.metrics.get(name)
        return metric, plain(getattr(found, "__name__", type(found).__name__)), found
    if inspect.isclass(metric):
        name = inspect.signature(metric).parameters.get("name")
        return (
            getattr(name, "default", None),
            plain(metric.__name__) if is_keras(metric) else None,
            metric(),
        )
    name = getattr(metric, "name", getattr(metric, "__name__", None))
    kind = metric if inspect.isfunction(metric) else type(metric)
    if kind is keras.metrics.MeanMetricWrapper:
        kind = metric._fn
    return name, plain(kind.__name__) if is_keras(kind) else None, metric


def threshold(metric):
    """The decision threshold of a counting metric: its argument, or Keras' default of 0.5."""
    for name in ("thresholds", "threshold"):
        value = getattr(metric, name, getattr(metric, "_fn_kwargs", {}).get(name))
        if value is not None:
            return np.ravel(value)[0]
    return 0.5
