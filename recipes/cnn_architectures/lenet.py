"""LeNet-5 on MNIST, in its modern form and as published, with table of connections and RBF outputs.

Slides: 000 «LeNet», 002 «CNN LeNet», «"LeNet" 1998», 003 «LeNet (1998)».
Paper:  LeCun et al. (1998), Gradient-based learning applied to document recognition,
        https://doi.org/10.1109/5.726791
Departs from the paper: the modern form, which most books call LeNet-5, has ReLU, averages for
sub-sampling, all connections, and a softmax layer. The original has everything of section II.B
except the bitmaps of the outputs, which were redrawn here. Both are trained with Adam on
cross-entropy: for the original that is the paper's equation 9 without its rejection class. Without
that class, the bitmap of the true digit only has to be nearer than the others, so the units need
not reproduce it.

The recipe takes images of one size only, 28×28 pixels, so that C5 covers all of S4 with one 5×5
window, and has ten classes, the digits, whose bitmaps are the outputs of the original. The modern
form alone, `build_sequential` and `build_functional`, takes images of any size from 28×28 pixels,
any number of classes, and a width.
"""

import math

import keras
import numpy as np
import tensorflow_datasets as tfds
from keras import ops
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 8
VARIANTS = {
    "modern": {"network": "modern", "learning_rate": 0.004},
    "original": {"network": "original", "learning_rate": 0.004},
}
# Table I of the paper: the inputs among the 6 maps of S2 (rows) of each map of C3 (columns).
CONNECTIONS = [
    "x...xxx..xxxx.xx",
    "xx...xxx..xxxx.x",
    "xxx...xxx..x.xxx",
    ".xxx..xxxx..x.xx",
    "..xxx..xxxx.xx.x",
    "...xxx..xxxx.xxx",
]
# The bitmaps with which the 84 units before the outputs are compared: 7 × 12 pixels.
BITMAPS = [
    "..###.. ...#... ..###.. .#####. .....#. ####### ...##.. ####### ..###.. ..###..",
    ".##.##. ..##... .#...#. #.....# ....##. #...... ..##... #.....# .#...#. .#...#.",
    ".#...#. .###... #.....# ......# ....##. #...... .##.... ......# #.....# #.....#",
    "##...## ...#... ......# ......# ...#.#. #...... .#..... .....#. #.....# #.....#",
    "#.....# ...#... ......# .....#. ...#.#. ####... #...... .....#. .#...#. #.....#",
    "#.....# ...#... .....#. ..###.. ..#..#. ....##. #.###.. ....#.. ..###.. .#...##",
    "#.....# ...#... ....#.. .....#. ..#..#. .....## ##...#. ....#.. .#...#. ..###.#",
    "#.....# ...#... ...#... ......# .#...#. ......# #.....# ...#... #.....# ......#",
    "##...## ...#... ..#.... ......# ####### ......# #.....# ...#... #.....# .....#.",
    ".#...#. ...#... .#..... ......# .....#. ......# #.....# ..#.... #.....# ....##.",
    ".##.##. ...#... #...... #.....# .....#. #....#. .#...#. ..#.... .#...#. ...##..",
    "..###.. .#####. ####### .#####. .....#. .####.. ..###.. ..#.... ..###.. .##....",
]


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def build_sequential(input_shape=(28, 28, 1), classes=10, width=1.0, activation="relu"):
    """The modern form as a list of layers.

    Args:
        input_shape: Of an image: height, width and channels.
        classes: Number of classes.
        width: Factor for the number of filters and units of each layer but the last.
        activation: Of all layers but the last.
    """
    return keras.Sequential(
        [
            keras.Input(input_shape),
            # 32 × 32 pixels, from −0.1 for paper to 1.175 for ink: their mean is about 0.
            keras.layers.ZeroPadding2D(2),
            keras.layers.Rescaling(1.275 / 255, offset=-0.1),
            # C1: 28 × 28 × 6, 156 parameters. S2: 14 × 14 × 6.
            keras.layers.Conv2D(int(6 * width), 5, activation=activation),
            keras.layers.AveragePooling2D(2),
            # C3: 10 × 10 × 16, 2,416 parameters. S4: 5 × 5 × 16.
            keras.layers.Conv2D(int(16 * width), 5, activation=activation),
            keras.layers.AveragePooling2D(2),
            # C5: 1 × 1 × 120, 48,120 parameters.
            keras.layers.Conv2D(int(120 * width), 5, activation=activation),
            keras.layers.Flatten(),
            # F6: 84, 10,164 parameters.
            keras.layers.Dense(int(84 * width), activation=activation),
            # Class probabilities: 850 parameters.
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )


def build_functional(input_shape=(28, 28, 1), classes=10, width=1.0, activation="relu"):
    """The same network as a chain of function calls, from input to output."""
    images = keras.Input(input_shape)
    # (batch, 32, 32, 1)
    x = keras.layers.ZeroPadding2D(2)(images)
    x = keras.layers.Rescaling(1.275 / 255, offset=-0.1)(x)
    # C1 and S2: (batch, 28, 28, 6), (batch, 14, 14, 6)
    x = keras.layers.Conv2D(int(6 * width), 5, activation=activation)(x)
    x = keras.layers.AveragePooling2D(2)(x)
    # C3 and S4: (batch, 10, 10, 16), (batch, 5, 5, 16)
    x = keras.layers.Conv2D(int(16 * width), 5, activation=activation)(x)
    x = keras.layers.AveragePooling2D(2)(x)
    # C5: (batch, 1, 1, 120)
    x = keras.layers.Conv2D(int(120 * width), 5, activation=activation)(x)
    x = keras.layers.Flatten()(x)
    # F6: (batch, 84)
    x = keras.layers.Dense(int(84 * width), activation=activation)(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    return keras.Model(images, outputs)


@keras.saving.register_keras_serializable(package="lenet")
def scaled_tanh(x):
    """The paper's activation, a tanh scaled so that 1 maps to 1 and −1 to −1."""
    return 1.7159 * ops.tanh(2 / 3 * x)


@keras.saving.register_keras_serializable(package="lenet")
class TableConv2D(keras.layers.Layer):
    """5×5 convolution in which each filter sees only some maps, by the table `CONNECTIONS`."""

    def build(self, input_shape):
        table = np.array([[mark == "x" for mark in row] for row in CONNECTIONS])
        connections = np.flatnonzero(table)  # 60 of 6 · 16 pairs
        # Each row is the position of one connection's 5×5 weights in the full kernel.
        self.places = np.eye(table.size, dtype="float32")[connections]  # (60, 96)
        self.kernel_shape = (5, 5, *table.shape)
        limit = math.sqrt(3 / (25 * table.sum(axis=0).mean()))
        initializer = keras.initializers.RandomUniform(-limit, limit)
        self.kernel = self.add_weight(shape=(25, len(connections)), initializer=initializer)
        self.bias = self.add_weight(shape=(table.shape[1],), initializer="zeros")

    def call(self, x):
        places = ops.cast(self.places, self.compute_dtype)
        kernel = ops.reshape(ops.matmul(self.kernel, places), self.kernel_shape)
        return ops.conv(x, kernel, padding="valid", data_format="channels_last") + self.bias

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        height = None if height is None else height - 4
        width = None if width is None else width - 4
        return (batch, height, width, len(CONNECTIONS[0]))


@keras.saving.register_keras_serializable(package="lenet")
class RadialBasisOutputs(keras.layers.Layer):
    """Negative squared distances (batch, 10) between the 84 units and each digit's bitmap."""

    def build(self, input_shape):
        self.codes = digit_codes()

    def call(self, x):
        differences = ops.expand_dims(x, axis=1) - ops.cast(self.codes, x.dtype)
        return -ops.sum(ops.square(differences), axis=-1)  # of (batch, 10, 84)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 10)


def digit_codes():
    """The bitmaps as an array (10, 84), 1 for ink and −1 for paper."""
    rows = [line.split() for line in BITMAPS]
    codes = []
    for digit in range(10):
        pixels = "".join(row[digit] for row in rows)
        codes.append([1.0 if pixel == "#" else -1.0 for pixel in pixels])
    return np.array(codes, "float32")


def subsampling(x):
    """The mean of 2 × 2 values, times a coefficient plus a bias for each map."""
    x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.DepthwiseConv2D(1, depthwise_initializer="ones")(x)
    return keras.layers.Activation(scaled_tanh)(x)


def build_original():
    """The network of the paper, layer by layer."""
    initializer = "lecun_uniform"
    images = keras.Input((28, 28, 1))
    # (batch, 32, 32, 1)
    x = keras.layers.ZeroPadding2D(2)(images)
    x = keras.layers.Rescaling(1.275 / 255, offset=-0.1)(x)
    # C1: (batch, 28, 28, 6), 156 parameters. S2: (batch, 14, 14, 6), 12 parameters.
    x = keras.layers.Conv2D(6, 5, activation=scaled_tanh, kernel_initializer=initializer)(x)
    x = subsampling(x)
    # C3: (batch, 10, 10, 16), 1,516 parameters. S4: (batch, 5, 5, 16), 32 parameters.
    x = TableConv2D()(x)
    x = keras.layers.Activation(scaled_tanh)(x)
    x = subsampling(x)
    # C5: (batch, 1, 1, 120), 48,120 parameters.
    x = keras.layers.Conv2D(120, 5, activation=scaled_tanh, kernel_initializer=initializer)(x)
    x = keras.layers.Flatten()(x)
    # F6: (batch, 84), 10,164 parameters.
    x = keras.layers.Dense(84, activation=scaled_tanh, kernel_initializer=initializer)(x)
    # Digits with nearer bitmaps are more probable.
    x = RadialBasisOutputs()(x)
    return keras.Model(images, keras.layers.Softmax()(x))


def build_model(
    network="modern",
    api="sequential",
    activation="relu",
    width=1.0,
    learning_rate=0.004,
    steps=EPOCHS * 446,
):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 61,706 parameters.

    The variant `original` has 60,000; `api`, `activation` and `width`, a factor for the number of
    filters and units, apply to the modern form only.
    Learning-rate schedule: linear warmup for the first quarter of the training `steps`, then cosine
    decay to zero.
    """
    if network == "original":
        model = build_original()
    else:
        builders = {"sequential": build_sequential, "functional": build_functional}
        model = builders[api](width=width, activation=activation)
    warmup = steps // 4
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def deployed(model):
    """The network for images of one digit, of any size, dark on light or light on dark.

    Besides the class probabilities it returns `unlike`, how unlike MNIST's digits the image is,
    from 0 to 1.
    """
    image = keras.Input((None, None, 1))
    digit = CenterDigit()(image)  # (batch, 28, 28, 1), white on black as in MNIST
    outputs = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(image, outputs)


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "activation": hp.Choice("activation", ["tanh", "relu"], default="relu"),
        "learning_rate": hp.Float(
            "learning_rate", 0.001, 0.016, step=2, sampling="log", default=0.004
        ),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"lenet_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"lenet_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        deployed(model).save(f"lenet_{name}_deployed.keras")
    print("Logistic regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()
