"""Zip-code network of 1989: shared weights, a bias for each position, 9,760 parameters, on MNIST.

Slides: 002 «Crecimiento en complejidad».
Paper:  LeCun et al. (1989), Backpropagation Applied to Handwritten Zip Code Recognition,
        https://doi.org/10.1162/neco.1989.1.4.541
Departs from the paper: MNIST, scaled to 16×16 pixels, in place of 7,291 digits from envelopes;
a softmax layer trained on cross-entropy with Adam instead of ten tanh units trained on squared
errors by a Newton method. The paper does not say which 8 of the 12 maps of H1 each map of H2 is
connected to: here they form three groups, so that each map of H1 is connected to eight maps of H2.

A map has one 5×5 kernel for all positions, as in every convolution since, but a separate bias for
each position: H1 has 12 · 25 + 768 parameters, H2 12 · 8 · 25 + 192, H3 5,790 and the outputs 310.
So the network takes images of one size only, here MNIST's 28×28 pixels.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from keras import ops
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 8


def load_data(batch_size=64):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


@keras.saving.register_keras_serializable(package="zip_code_net")
def scaled_tanh(x):
    """The paper's activation, a tanh scaled so that 1 maps to 1 and −1 to −1."""
    return 1.7159 * ops.tanh(2 / 3 * x)


@keras.saving.register_keras_serializable(package="zip_code_net")
class BackgroundPadding(keras.layers.Layer):
    """Pads two pixels on each side with −1, the value of the background."""

    def call(self, x):
        return ops.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]], constant_values=-1)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        height = None if height is None else height + 4
        width = None if width is None else width + 4
        return (batch, height, width, channels)


@keras.saving.register_keras_serializable(package="zip_code_net")
class PositionBias(keras.layers.Layer):
    """Adds a separate bias to each position of each map."""

    def build(self, input_shape):
        self.bias = self.add_weight(shape=input_shape[1:], initializer="zeros", name="bias")

    def call(self, x):
        return x + self.bias

    def compute_output_shape(self, input_shape):
        return input_shape


def resizing_weights(size, new_size):
    """The weights of `size` pixels in each of fewer, larger ones: (new_size, size), float32.

    They decrease linearly from the center of the larger pixel to 0 at those of its neighbors.
    """
    step = size / new_size
    centers = (np.arange(new_size) + 0.5) * step - 0.5
    distances = np.abs(np.arange(size) - centers[:, None])
    weights = np.maximum(1 - distances / step, 0)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype("float32")


def convolution_without_bias(x, maps):
    """A 5×5 convolution with a stride of 2 and without biases, which are added later."""
    return keras.layers.Conv2D(
        maps, 5, strides=2, use_bias=False, kernel_initializer="lecun_uniform"
    )(x)


def build_model(learning_rate=0.004, steps=EPOCHS * 891):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 9,760 parameters.

    Learning-rate schedule: linear warmup for the first quarter of the training `steps`, then cosine
    decay to zero.
    """
    images = keras.Input((28, 28, 1))
    # The digit without its margin, on 16 × 16 pixels from −1 for paper to 1 for ink; scaled as by
    # keras.layers.Resizing(16, 16, antialias=True), which XLA, ONNX and LiteRT cannot compute.
    x = keras.layers.Cropping2D(3)(images)
    weights = resizing_weights(22, 16)
    x = ops.einsum("ir,jc,brcn->bijn", weights, weights, x)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(x)
    # H1: (batch, 8, 8, 12)
    x = BackgroundPadding()(x)
    x = convolution_without_bias(x, 12)
    x = PositionBias()(x)
    x = keras.layers.Activation(scaled_tanh)(x)
    # H2: (batch, 4, 4, 12), three groups of four maps, each connected to eight maps of H1.
    x = BackgroundPadding()(x)
    first, second, third = ops.split(x, 3, axis=-1)
    groups = []
    for seen in ([first, second], [second, third], [third, first]):
        eight = keras.layers.Concatenate()(seen)
        groups.append(convolution_without_bias(eight, 4))
    x = keras.layers.Concatenate()(groups)
    x = PositionBias()(x)
    x = keras.layers.Activation(scaled_tanh)(x)
    # H3: (batch, 30)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(30, activation=scaled_tanh)(x)
    # Class probabilities.
    outputs = keras.layers.Dense(10, activation="softmax")(x)
    model = keras.Model(images, outputs)
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
        "learning_rate": hp.Float(
            "learning_rate", 0.001, 0.016, step=2, sampling="log", default=0.004
        ),
        "batch_size": hp.Choice("batch_size", [16, 32, 64, 128], default=64),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "zip_code_net.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("zip_code_net.keras")  # the best epoch
    print("Test:", model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels:", baseline(train, test))
    deployed(model).save("zip_code_net_deployed.keras")


if __name__ == "__main__":
    main()
