"""The cost of a network: its parameters, multiply–accumulates, activations and weighted layers.

All four are read from TensorFlow's graph of one inference, so they are correct for any layer:
Keras' own, those of `layers`, and nested ones.
"""

import math

import tensorflow as tf

# The operations in which weights and values are multiplied and summed.
CONVOLUTIONS = ("Conv2D", "Conv3D", "DepthwiseConv2dNative")
PRODUCTS = ("MatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum")
POOLS = ("MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D")
# Operations that contain a nested graph, or a loop on the GPU: their cost is not counted.
CLOSED = (
    *("PartitionedCall", "StatefulPartitionedCall", "While", "StatelessWhile", "If"),
    *("CudnnRNN", "CudnnRNNV2", "CudnnRNNV3"),
)


def network_cost(model, input_shape=None):
    """Count parameters, multiply–accumulates, activations and layers for one input.

    Args:
        model: A `keras.Model` with one input.
        input_shape: Of one input, without the batch; by default the model's own.

    Returns:
        A dictionary of integers:
        - `parameters`: trainable ones.
        - `multiply_accumulates`: those of convolutions and matrix products in one inference.
          Additions of biases, normalization, activations and pooling are not counted, as in the
          papers; neither are products with constants, such as a sum over neighboring channels.
        - `activations`: number of values in the input and in the outputs of convolutions, dense
          and pooling layers, in one inference; times 4, their memory in bytes (float32).
        - `layers`: see `count_layers`.

    Raises:
        ValueError: if the input's shape is not known, or the graph contains a loop or a call,
            whose cost is not counted.
    """
    operations = graph_of(model, input_shape)
    multiplications = 0
    activations = 0
    for operation in operations:
        multiplications += multiply_accumulates(operation)
        if computes(operation) or operation.type in ("Placeholder", *POOLS):
            activations += math.prod(operation.outputs[0].shape)
    return {
        "parameters": sum(math.prod(weight.shape) for weight in model.trainable_weights),
        "multiply_accumulates": multiplications,
        "activations": activations,
        "layers": longest_path(operations),
    }


def count_layers(model, input_shape=None):
    """The number of layers, as the slides count it: 8 for AlexNet, 22 for GoogLeNet.

    Only convolutions and dense layers on the longest path from the input to the output count: the
    deepest of parallel branches, and no projection of a shortcut.

    Args:
        model: A `keras.Model` with one input.
        input_shape: Of one input, without the batch; by default the model's own.

    Returns:
        An integer.

    Slides: 001 «Número de capas: ¿qué es una capa?».
    """
    return longest_path(graph_of(model, input_shape))


def graph_of(model, input_shape=None):
    """The operations of one inference in topological order."""
    shape = (1, *(input_shape or model.input_shape[1:]))
    if None in shape:
        raise ValueError(f"The shape of an input must be known. Received: input_shape={shape[1:]}")

    @tf.function
    def inference(x):
        return model(x, training=False)

    specification = tf.TensorSpec(shape, model.inputs[0].dtype)
    operations = []
    for operation in inference.get_concrete_function(specification).graph.get_operations():
        if operation.type in CLOSED:
            raise ValueError(f"The graph of {model.name} contains a {operation.type}.")
        # Skip the handles of the variables, which are inputs of the graph, too.
        if operation.type != "Placeholder" or operation.outputs[0].dtype != tf.resource:
            operations.append(operation)
    return operations


def computes(operation):
    """Whether an operation is a convolution or a matrix product without constant inputs."""
    if operation.type == "Conv2DBackpropInput":
        return True  # its first input is a constant: the shape of its output
    if operation.type not in (*CONVOLUTIONS, *PRODUCTS):
        return False
    return not any(is_constant(tensor.op) for tensor in operation.inputs)


def is_constant(operation):
    """Whether an operation's output is computed from constants alone."""
    if operation.type == "Const":
        return True
    sources = [tensor.op for tensor in operation.inputs]
    return len(sources) > 0 and all(map(is_constant, sources))


def multiply_accumulates(operation):
    """The number of multiply–accumulates of an operation, for a batch of one input."""
    if not computes(operation):
        return 0
    outputs = math.prod(operation.outputs[0].shape)
    if operation.type in ("Conv2D", "Conv3D"):
        # The kernel is (height, width, input channels of one filter, filters).
        return outputs * math.prod(operation.inputs[1].shape[:-1])
    if operation.type == "DepthwiseConv2dNative":
        height, width = operation.inputs[1].shape[:2]
        return outputs * height * width
    if operation.type == "Conv2DBackpropInput":
        # A transposed convolution: each input value is multiplied with a whole filter.
        height, width, filters, _ = operation.inputs[1].shape
        return math.prod(operation.inputs[2].shape) * height * width * filters
    if operation.type == "Einsum":
        # One product for each combination of all indices.
        equation = operation.get_attr("equation").decode()
        sizes = {}
        for indices, operand in zip(
            equation.partition("->")[0].split(","), operation.inputs, strict=True
        ):
            sizes.update(zip(indices, operand.shape, strict=True))
        return math.prod(sizes.values())
    # A matrix product: the inner dimension is the last one of the first factor, if not transposed.
    transposed = operation.get_attr("transpose_a" if operation.type == "MatMul" else "adj_x")
    inner = operation.inputs[0].shape[-2 if transposed else -1]
    return outputs * inner


def longest_path(operations):
    """The largest number of convolutions and dense layers on a path."""
    depths = {}
    weights = set()
    for operation in operations:
        sources = [tensor.op for tensor in operation.inputs]
        depth = max((depths.get(source.name, 0) for source in sources), default=0)
        # A tensor computed from weights and constants alone, such as half of a kernel, is a weight.
        others = [source for source in sources if source.type != "Const"]
        made_of_weights = others and all(source.name in weights for source in others)
        if made_of_weights or operation.type == "ReadVariableOp":
            weights.add(operation.name)
        # A product of two activations, as in attention, does not count as a layer.
        weighted = any(source.name in weights for source in sources)
        if computes(operation) and weighted:
            depth += 1
        depths[operation.name] = depth
    return max(depths.values())
