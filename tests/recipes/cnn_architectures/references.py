"""Independent references for published networks: graphs of package `onnx`, `keras.applications`.

The graphs in `onnx/backend/test/data/light` are whole networks with constants in the place of
weights. Here they get random weights and are run by onnxruntime; a test puts the same weights into
our network and compares. (The outputs stored beside them say nothing: with constant weights all
classes are equal.)

What is compared are the values before the softmax: with random weights they may be so large that it
turns them into 0 and 1.
"""

import collections
import dataclasses
import math
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf


@dataclasses.dataclass
class Reference:
    """A network in onnxruntime.

    Attributes:
        session: What runs it.
        layers: `(kind, name, arrays)` of the weighted nodes in the graph's order; the kind is
            "Conv", "Gemm", "BatchNormalization" …, the arrays are in Keras' layout.
        parameters: Number of values in all weights.
    """

    session: object
    layers: list
    parameters: int

    def __call__(self, images):
        """Outputs before the softmax for images (batch, height, width, 3)."""
        name = self.session.get_inputs()[0].name
        outputs = []
        for image in images.transpose(0, 3, 1, 2):
            # The graphs take one image.
            outputs.append(self.session.run(None, {name: image[None]})[0].reshape(-1))
        return np.stack(outputs)


def onnx_reference(name, size=None, seed=0):
    """The graph `light_<name>.onnx` with random weights, without a softmax at its end.

    Args:
        name: Such as "bvlc_alexnet" or "squeezenet".
        size: Height and width of the images, where they are not to be the graph's own 224.
        seed: Of the weights.
    """
    onnx = pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    folder = pathlib.Path(onnx.__file__).parent / "backend/test/data/light"
    model = onnx.load(folder / f"light_{name}.onnx")
    graph = model.graph
    # Old graphs list their constants among their inputs.
    values = {item.name for item in graph.initializer}
    shapes = take_constants(graph)
    arrays = {}
    generator = np.random.default_rng(seed)
    for node in graph.node:
        for position, tensor in enumerate(node.input):
            if tensor in shapes and tensor not in arrays:
                user = used_by(graph, node)
                arrays[tensor] = random_weight(generator, user, position, shapes[tensor])
    images = [i for i in graph.input if i.name not in values]
    del graph.input[:]
    graph.input.extend(images)
    for tensor, array in arrays.items():
        graph.initializer.append(onnx.numpy_helper.from_array(array, tensor))
    last = graph.node[-1]
    if last.op_type == "Softmax":
        graph.output[0].name = last.input[0]
        graph.node.remove(last)
    if size:
        for dimension in graph.input[0].type.tensor_type.shape.dim[2:]:
            dimension.dim_value = size
        del graph.value_info[:]
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    layers = []
    for node in graph.node:
        names = [tensor for tensor in node.input if tensor in arrays]
        if names:
            found = [arrays[tensor] for tensor in names]
            layers.append((used_by(graph, node).op_type, names[0], keras_layout(node, found)))
    return Reference(session, layers, sum(array.size for array in arrays.values()))


def take_constants(graph):
    """Remove what stands for weights from a graph: `{name: shape}`."""
    onnx = pytest.importorskip("onnx")
    values = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    shapes = {}
    for node in list(graph.node):
        if node.op_type == "ConstantOfShape":
            shapes[node.output[0]] = tuple(int(size) for size in values[node.input[0]])
            graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    kept = []
    for item in graph.initializer:
        if values[item.name].dtype == np.float32:
            shapes[item.name] = values[item.name].shape
        elif item.name in used:
            kept.append(item)
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return shapes


def used_by(graph, node):
    """The node itself, or the one that works with a weight to which it only adds axes."""
    while node.op_type == "Unsqueeze":
        node = next(user for user in graph.node if node.output[0] in user.input)
    return node


def random_weight(generator, node, position, shape):
    """Kernels scaled as by He, variances between 0.5 and 1.5, everything else small."""
    if node.op_type == "BatchNormalization" and position in (1, 4):
        return generator.uniform(0.5, 1.5, shape).astype("float32")
    # A scale of its own after normalization; where it is reshaped first, its name tells.
    reshaped = node.op_type == "Unsqueeze" and node.input[0].endswith("sc_w_0")
    if reshaped or (node.op_type == "Mul" and len(shape) < 4):
        return generator.uniform(0.5, 1.5, shape).astype("float32")
    if len(shape) > 1 and node.op_type in ("Conv", "Gemm", "MatMul", "Reshape"):
        return normal(generator, math.sqrt(2 / math.prod(shape[1:])), shape)
    return normal(generator, 0.1, shape)


def normal(generator, deviation, shape):
    """Normal random numbers, drawn in float32: of a hundred million that takes half as long."""
    array = generator.standard_normal(shape, dtype="float32")
    array *= np.float32(deviation)
    return array


def keras_layout(node, arrays):
    """The arrays of a node as the layers of Keras hold them."""
    kernel, *others = arrays
    if node.op_type == "Conv":
        groups = next((a.i for a in node.attribute if a.name == "group"), 1)
        if groups == len(kernel) and kernel.shape[1] == 1:  # depthwise
            return [kernel.transpose(2, 3, 0, 1), *others]
        return [kernel.transpose(2, 3, 1, 0), *others]
    if node.op_type == "Gemm":
        transposed = next((a.i for a in node.attribute if a.name == "transB"), 0)
        return [kernel.T if transposed else kernel, *others]
    return arrays


def after_flatten(kernel, height, width):
    """A dense kernel for values flattened channels last, from one for channels first."""
    inputs, units = kernel.shape
    kernel = kernel.reshape(inputs // (height * width), height, width, units)
    return kernel.transpose(1, 2, 0, 3).reshape(inputs, units)


def weighted_layers(model):
    """The innermost layers with weights, in the order in which the model holds them."""
    found = []
    for layer in model._flatten_layers(include_self=False):
        if layer.weights and not any(layer._flatten_layers(include_self=False)):
            found.append(layer)
    return found


def randomize(model, seed=0):
    """Random weights, of a size with which neither outputs nor normalization degenerate."""
    generator = np.random.default_rng(seed)
    arrays = []
    for weight in model.weights:
        shape = tuple(weight.shape)
        if len(shape) > 1:
            # A depthwise kernel, (height, width, channels, 1), sees one channel at a time.
            fan_in = math.prod(shape[:2]) if shape[-1] == 1 else math.prod(shape[:-1])
            array = normal(generator, math.sqrt(2 / fan_in), shape)
        elif weight.path.endswith(("gamma", "variance")):
            array = generator.uniform(0.5, 1.5, shape).astype("float32")
        else:
            array = normal(generator, 0.1, shape)
        arrays.append(array)
    model.set_weights(arrays)


def without_softmax(model):
    """The same network, its outputs the values before the softmax at its end."""
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax):
        return keras.Model(model.input, last.input)
    assert last.activation is keras.activations.softmax
    last.activation = keras.activations.linear
    return model


def assert_same_outputs(found, expected):
    """Assert that the classes' values agree to 1e-5 of their spread, the probabilities to 1e-4.

    Args:
        found: The outputs of our network before its softmax, for two or more images
            (batch, classes).
        expected: Those of the reference. If they hardly differed between the classes, or between
            the images, those of any network would be like them, so that fails, too.
    """
    found, expected = np.asarray(found), np.asarray(expected)
    spread = expected.std(axis=1, keepdims=True)
    assert spread.min() > 0.01
    assert np.ptp(expected, axis=0).max() > 0.01 * spread.max()
    np.testing.assert_allclose(found / spread, expected / spread, atol=1e-5)
    probabilities = [keras.ops.softmax(values) for values in (found, expected)]
    np.testing.assert_allclose(*probabilities, atol=1e-4)


def assert_no_more_operations(ours, theirs):
    """Assert that our network computes nothing that the reference does not.

    An inference of ours has at most as many operations of each type in TensorFlow's graph. Those of
    training are the same and their derivatives.
    """
    counts = []
    for model in (ours, theirs):
        # Two images: the sum of single values for each channel would be taken for one of a bias.
        images = tf.TensorSpec((2, *model.input_shape[1:]))
        graph = tf.function(model).get_concrete_function(images, training=False).graph
        counts.append(collections.Counter(each.type for each in graph.get_operations()))
    assert counts[0]["Conv2D"] == counts[1]["Conv2D"] > 0
    assert counts[0] <= counts[1]


def assert_same_with_relu_before_pools(model):
    """Assert that a network is exactly its paper's, whose pools come after ReLU, not before it.

    Its convolutions without activation get one; the ReLU after the pool then changes nothing.

    Args:
        model: A network for square images, which gets random weights.
    """
    randomize(model)
    model = without_softmax(model)
    inputs = images(model.input_shape[1])
    outputs = np.asarray(model(inputs))
    linear = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D) and layer.activation is keras.activations.linear
    ]
    assert linear
    for layer in linear:
        layer.activation = keras.activations.relu
    np.testing.assert_array_equal(model(inputs), outputs)


def images(size, count=2, seed=0):
    """Random images (count, size, size, 3), from −1 to 1."""
    generator = np.random.default_rng(seed)
    return generator.uniform(-1, 1, (count, size, size, 3)).astype("float32")


def zeros(initializer, shape, dtype=None, **_):
    return keras.ops.zeros(shape, dtype)


def published(function, size, **arguments):
    """A network as a model, from a recipe's function and the size of the images.

    Its kernels are 0, for tests count them or have weights of their own: to draw a hundred million
    random numbers takes seconds.
    """
    inputs = keras.Input((size, size, 3))
    with pytest.MonkeyPatch.context() as patch:
        for kind in (keras.initializers.VarianceScaling, keras.initializers.RandomNormal):
            patch.setattr(kind, "__call__", zeros)
        outputs = function(inputs, **arguments)
    return keras.Model(inputs, outputs)
