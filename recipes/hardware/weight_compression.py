"""Weight compression: pruning, shared values and Huffman codes, which are decoded bit by bit.

Slides: 000 «ARM Ethos microNPU: weight decoder, on-the-fly decompression».
Paper:  Han, Mao & Dally (2016), Deep compression, https://arxiv.org/abs/1510.00149; pruning during
        the training: Zhu & Gupta (2017), To prune, or not to prune, https://arxiv.org/abs/1710.01878
Departs from the papers: all layers are pruned by the same share; shared values are not trained
further; the number of zeros before a weight is coded whole, where the paper fills in a zero after
every 31; and the tables that a decoder needs are counted.

The network is the LeNet-300-100 of the paper. In the first half of the training its smallest
weights are pruned, a part after each epoch; then the others are trained alone. What is left of a
layer is clustered by k-means around 32 values. A stream of bits has two codes for each weight: how
many zeros come before it, and which of the 32 values it has. Variants: without pruning and with it.
"""

import collections
import heapq

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 8
VARIANTS = {"dense": {"sparsity": 0.0}, "pruned": {"sparsity": 0.9}}
KEEP = "last"  # in the epochs before, not all weights were pruned yet
VALUES = 32  # shared by the weights of a layer
ROUNDS = 50  # of k-means
SPARSITIES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
COUNTS = (2, 4, 8, 16, 32, 64)  # of shared values
NUMBER = 32  # bits of a number in a table or header, and of an uncompressed weight


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def largest(weights, sparsity):
    """A mask: 0 for the share `sparsity` of weights nearest to 0, and 1 for the others."""
    order = np.argsort(np.abs(weights), axis=None, kind="stable")
    mask = np.ones(weights.size, "float32")
    mask[order[: round(sparsity * weights.size)]] = 0
    return mask.reshape(weights.shape)


@keras.saving.register_keras_serializable(package="weight_compression")
class PrunedDense(keras.layers.Layer):
    """A dense layer with a mask: a weight that is pruned stays 0 and is trained no more.

    Input (batch, inputs), output (batch, units).

    Args:
        units: Number of outputs.
        sparsity: Share of the weights that `Pruning` prunes, from 0 to below 1.
        activation: Its name.
        l2: Strength of the penalty of squared weights.
    """

    def __init__(self, units, sparsity=0.0, activation="linear", l2=0.0, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.sparsity = sparsity
        self.activation = activation
        self.l2 = l2

    def build(self, input_shape):
        shape = (input_shape[-1], self.units)
        penalty = keras.regularizers.L2(self.l2)
        self.kernel = self.add_weight(name="kernel", shape=shape, regularizer=penalty)
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.mask = self.add_weight(name="mask", shape=shape, initializer="ones", trainable=False)
        self.built = True

    def call(self, inputs):
        outputs = keras.ops.matmul(inputs, self.kernel * self.mask) + self.bias
        return keras.activations.get(self.activation)(outputs)

    def weights_left(self):
        """The kernel as an array (inputs, units), with zeros for what is pruned."""
        return keras.ops.convert_to_numpy(self.kernel) * keras.ops.convert_to_numpy(self.mask)

    def prune(self, sparsity):
        """Prune the weights nearest to 0, so that their share is `sparsity`."""
        self.mask.assign(self.mask * largest(self.weights_left(), sparsity))

    def get_config(self):
        own = {"units": self.units, "sparsity": self.sparsity, "activation": self.activation}
        return {**super().get_config(), **own, "l2": self.l2}


def pruned_layers(model):
    """The layers of a network that have weights to prune and to compress."""
    return [layer for layer in model.layers if isinstance(layer, PrunedDense)]


class Pruning(keras.callbacks.Callback):
    """Prunes after each epoch of the first half of the training, less and less each time."""

    def on_epoch_end(self, epoch, logs=None):
        done = min(2 * (epoch + 1) / self.params["epochs"], 1)
        for layer in pruned_layers(self.model):
            layer.prune(layer.sparsity * (1 - (1 - done) ** 3))


def callbacks():
    """Prunes the network during the training."""
    return [Pruning()]


def build_model(units=300, sparsity=0.9, l2=1e-4, learning_rate=0.002, steps=EPOCHS * 446):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 532,810 parameters.

    266,610 of them are trainable; the others are the masks.

    Args:
        units: Of the first hidden layer; the second has a third of them.
        sparsity: Share of the weights of each layer to prune, from 0 to below 1.
        l2: Strength of the penalty of squared weights, by which useless ones become small.
        learning_rate: Its initial value, followed by cosine decay to zero.
        steps: Of the whole training.
    """
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            PrunedDense(units, sparsity, "relu", l2),
            PrunedDense(units // 3, sparsity, "relu", l2),
            PrunedDense(10, sparsity, "softmax", l2),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def deployed(model):
    """The network for images of one digit, of any size, dark on light or light on dark.

    Besides class probabilities, it returns how `unlike` MNIST's digits the image is, from 0 to 1.
    """
    image = keras.Input((None, None, 1))
    digit = CenterDigit()(image)  # (batch, 28, 28, 1), white on black as in MNIST
    outputs = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(image, outputs)


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "units": hp.Int("units", 150, 450, step=75, default=300),
        "l2": hp.Float("l2", 1e-5, 1e-3, step=10, sampling="log", default=1e-4),
        "learning_rate": hp.Float(
            "learning_rate", 0.0005, 0.008, step=2, sampling="log", default=0.002
        ),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def cluster(weights, count):
    """Group weights around a few values by k-means; at first the values are equally spaced.

    Args:
        weights: Array (weights,).
        count: Number of values.

    Returns:
        The values (count,) in ascending order, float32, and the index (weights,) of each
        weight's value.
    """
    values = np.linspace(weights.min(), weights.max(), count)
    for _ in range(ROUNDS):
        borders = (values[1:] + values[:-1]) / 2
        indices = np.searchsorted(borders, weights)
        sizes = np.bincount(indices, minlength=count)
        sums = np.bincount(indices, weights, minlength=count)
        # A value without weights stays where it is.
        values = np.where(sizes > 0, sums / np.maximum(sizes, 1), values)
    return values.astype("float32"), indices


def share_values(kernel, count=VALUES):
    """A kernel whose weights other than 0 have `count` different values at most."""
    shared = np.zeros_like(kernel)
    kept = kernel != 0
    values, indices = cluster(kernel[kept], count)
    shared[kept] = values[indices]
    return shared


def huffman_code(symbols):
    """The Huffman code of a sequence of symbols: `{symbol: its bits, for example "011"}`.

    Frequent symbols have few bits, and no symbol's bits begin those of another. A single symbol
    has none.
    """
    # Trees, each with its frequency, a number that decides between equal ones, and its code.
    frequencies = sorted(collections.Counter(symbols).items())
    trees = [(times, number, {symbol: ""}) for number, (symbol, times) in enumerate(frequencies)]
    heapq.heapify(trees)
    number = len(trees)
    while len(trees) > 1:
        # The two rarest become the branches of a new tree.
        rarest, _, zero = heapq.heappop(trees)
        second, _, one = heapq.heappop(trees)
        code = {symbol: "0" + bits for symbol, bits in zero.items()}
        code |= {symbol: "1" + bits for symbol, bits in one.items()}
        heapq.heappush(trees, (rarest + second, number, code))
        number += 1
    return trees[0][2]


def compress(kernel, count=VALUES):
    """A kernel as a stream of bits, with all that is needed to decode it.

    Args:
        kernel: Array (inputs, units); not all of it is 0.
        count: Number of shared values.

    Returns:
        Its `shape`, the number of `weights` other than 0, the shared `values`, the Huffman codes
        `gap_code` and `index_code`, and the `bits`, a string.
    """
    positions = np.flatnonzero(kernel)
    values, indices = cluster(kernel.ravel()[positions], count)
    gaps = np.diff(positions, prepend=-1) - 1  # how many zeros come before each weight
    gap_code = huffman_code(gaps.tolist())
    index_code = huffman_code(indices.tolist())
    bits = []
    for gap, index in zip(gaps.tolist(), indices.tolist(), strict=True):
        bits.append(gap_code[gap])
        bits.append(index_code[index])
    return {
        "shape": kernel.shape,
        "weights": len(positions),
        "values": values,
        "gap_code": gap_code,
        "index_code": index_code,
        "bits": "".join(bits),
    }


def read_symbol(stream, symbols):
    """The next symbol of an iterator of bits, where `symbols` has that of each code."""
    code = ""
    while code not in symbols:
        code += next(stream)
    return symbols[code]


def decompress(compressed):
    """The kernel that `compress` has coded, with its shared values, decoded bit by bit."""
    kernel = np.zeros(np.prod(compressed["shape"]), "float32")
    gaps = {code: gap for gap, code in compressed["gap_code"].items()}
    indices = {code: index for index, code in compressed["index_code"].items()}
    stream = iter(compressed["bits"])
    position = -1
    for _ in range(compressed["weights"]):
        position += read_symbol(stream, gaps) + 1
        kernel[position] = compressed["values"][read_symbol(stream, indices)]
    return kernel.reshape(compressed["shape"])


def compressed_bits(compressed):
    """The number of bits of a compressed kernel, with its header and tables."""
    size = 3 * NUMBER  # the shape and the number of weights
    size += NUMBER * len(compressed["values"])
    for code in (compressed["gap_code"], compressed["index_code"]):
        for bits in code.values():
            size += NUMBER + len(bits)  # a symbol with the length of its code; the code
    return size + len(compressed["bits"])


def stage_bytes(model):
    """`{stage: bytes}` of a network, its biases included, after each stage of the compression.

    Before the codes, gaps have as many bits as the largest one of their layer needs.
    """
    bits = dict.fromkeys(("float32", "pruned", "shared values", "Huffman codes"), 0)
    for layer in pruned_layers(model):
        kernel = layer.weights_left()
        compressed = compress(kernel)
        weights = compressed["weights"]
        gap_bits = max(compressed["gap_code"]).bit_length()
        index_bits = (VALUES - 1).bit_length()
        bits["float32"] += NUMBER * kernel.size
        bits["pruned"] += weights * (gap_bits + NUMBER)
        bits["shared values"] += weights * (gap_bits + index_bits) + NUMBER * VALUES
        bits["Huffman codes"] += compressed_bits(compressed)
        for stage in bits:
            bits[stage] += NUMBER * layer.units
    return {stage: size / 8 for stage, size in bits.items()}


def accuracy_with(model, kernels, images, labels):
    """The accuracy of a network with other kernels, one for each of its `pruned_layers`."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    for layer, kernel in zip(pruned_layers(copy), kernels, strict=True):
        layer.kernel.assign(kernel)
    answers = keras.ops.convert_to_numpy(copy(images, training=False)).argmax(axis=-1)
    return float(np.mean(answers == labels))


def further_scores(model, test, history):
    """The accuracy with decompressed weights, and how many times smaller the compressed ones are.

    Smaller than the whole network with 32 bits for each weight.
    """
    images, labels = to_numpy(test)
    kernels = [decompress(compress(layer.weights_left())) for layer in pruned_layers(model)]
    sizes = stage_bytes(model)
    return {
        "compressed_accuracy": accuracy_with(model, kernels, images, labels),
        "compression": sizes["float32"] / sizes["Huffman codes"],
    }


def accuracy_by_sparsity(model, test):
    """The accuracies of a trained network after pruning it to each of `SPARSITIES`."""
    images, labels = to_numpy(test)
    accuracies = []
    for sparsity in SPARSITIES:
        kernels = [layer.weights_left() for layer in pruned_layers(model)]
        kernels = [kernel * largest(kernel, sparsity) for kernel in kernels]
        accuracies.append(accuracy_with(model, kernels, images, labels))
    return accuracies


def accuracy_by_values(model, test):
    """The accuracies of a trained network with each of `COUNTS` of shared values."""
    images, labels = to_numpy(test)
    accuracies = []
    for count in COUNTS:
        kernels = [share_values(layer.weights_left(), count) for layer in pruned_layers(model)]
        accuracies.append(accuracy_with(model, kernels, images, labels))
    return accuracies


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        history = model.fit(
            train,
            validation_data=validation,
            epochs=EPOCHS,
            shuffle=False,
            callbacks=callbacks(),
        )
        print(name, model.evaluate(test, return_dict=True))
        print(name, further_scores(model, test, history.history))
        exact = True
        for layer in pruned_layers(model):
            kernel = layer.weights_left()
            decoded = decompress(compress(kernel))
            exact = exact and np.array_equal(decoded, share_values(kernel))
        print(f"{name}: decoded weights are the shared values exactly: {exact}")
        for stage, size in stage_bytes(model).items():
            print(f"{name}, {stage:13} {size:11,.0f} bytes")
        for sparsity, accuracy in zip(SPARSITIES, accuracy_by_sparsity(model, test), strict=True):
            print(f"{name}, then pruned to {sparsity:.0%} zeros: accuracy {accuracy:.4f}")
        for count, accuracy in zip(COUNTS, accuracy_by_values(model, test), strict=True):
            print(f"{name}, {count} shared values: accuracy {accuracy:.4f}")
        model.save(f"weight_compression_{name}.keras")
        deployed(model).save(f"weight_compression_{name}_deployed.keras")
    print("Logistic regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()
