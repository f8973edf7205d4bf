"""Colorization: which colors could a gray photograph have had? Classes of colors, or their mean.

Slides: 000 «Coloreado de fotografías (ECCV 2016)», 001 «Coloreado de imágenes en blanco y negro»,
        003 «Coloreado».
Paper:  Zhang, Isola & Efros (2016), Colorful image colorization,
        https://arxiv.org/abs/1603.08511
Departs from the paper: images of 32 × 32 pixels (CIFAR-10) and a network of 70,000 weights
instead of 32 million; Y'CbCr instead of CIE Lab; 49 bins of colors instead of 313.

The brightness is given, and the network predicts the color at each position. A car may be red or
blue: the mean of all possible colors (`regression`) is gray. So the colors are divided into bins,
and the network predicts the probability of each bin (`classification`). Most positions in
photographs are nearly gray, and so are most predictions; `rebalanced` gives more weight to rare
colors. The final color is again a mean, but with sharpened probabilities.

For gray photographs of your own:

    make predict-colorization/rebalanced FILES="old.jpg" ARGS="--images colored"
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from recipes.common.arrays import to_numpy

EPOCHS = 5
OBJECTIVE = ("val_bin_accuracy", "max")
KEEP = "last"  # the best epoch by accuracy would be the one with the least effect of `rebalanced`
VARIANTS = {
    "classification": {"mix": 1.0},
    "rebalanced": {},
    "regression": {"method": "regression"},
}
SIDE = 32  # pixels of an image; colors are predicted for blocks of 2 × 2
STEP = 16  # width of a bin of colors, of 256
BINS = 7  # along each of the two axes, Cb and Cr; values outside are in the outermost bins
TEMPERATURE = 0.38  # of the softmax; below 1, it sharpens the probabilities, as in the paper
# From red, green and blue to brightness Y' and the two colors Cb and Cr, 0 for gray (JPEG).
TO_YCC = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.168736, -0.331264, 0.5],
        [0.5, -0.418688, -0.081312],
    ],
    "float32",
)
TO_RGB = np.linalg.inv(TO_YCC)


def gray_and_colors(image):
    """Split an image into the network's input, brightness, and its target, the colors.

    Args:
        image: Tensor (height, width, 3), uint8.

    Returns:
        Brightness (height, width, 1), uint8; and Cb and Cr of blocks of 2 × 2 pixels, (height / 2,
        width / 2, 2), float32.
    """
    ycc = tf.tensordot(tf.cast(image, "float32"), TO_YCC.T, 1)
    colors = tf.nn.avg_pool2d(ycc[None, ..., 1:], 2, 2, "VALID")[0]
    return tf.cast(tf.round(ycc[..., :1]), "uint8"), colors


def load_data(batch_size=64, count=10_000):
    """Train, validation and test batches of (32, 32, 1) uint8 images and (16, 16, 2) colors."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("cifar10", split=splits)
    train, validation, test = (
        part.map(lambda row: gray_and_colors(row["image"]))
        for part in (train.take(count), validation.take(1000), test.take(2000))
    )
    train = train.cache().shuffle(count).batch(batch_size).prefetch(2)
    return train, validation.batch(250).cache(), test.batch(250).cache()


def bin_centers():
    """Cb and Cr of the center of each bin, (49, 2)."""
    steps = STEP * (np.arange(BINS) - BINS // 2)
    return np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)


def bins_of(colors):
    """The index of the bin, 0–48, of each color (…, 2): (…), int32."""
    steps = keras.ops.round(colors / STEP)
    steps = keras.ops.clip(steps, -(BINS // 2), BINS // 2) + BINS // 2
    steps = keras.ops.cast(steps, "int32")
    return steps[..., 0] * BINS + steps[..., 1]


def bin_weights(train, mix):
    """The weight of each bin in the loss, with mean 1 over the training set.

    The weight is proportional to the reciprocal of the bin's relative frequency, mixed with the
    uniform distribution (equation 4 of the paper, in which the frequencies are also smoothed).

    Args:
        train: Batches of the training set.
        mix: Share of the uniform distribution, from 0 to 1; with 1 all bins have equal weights.

    Returns:
        Array (49,), float32.
    """
    counts = np.zeros(BINS * BINS)
    for _, colors in train:
        bins = keras.ops.convert_to_numpy(bins_of(colors))
        counts += np.bincount(bins.ravel(), minlength=len(counts))
    shares = counts / counts.sum()
    weights = 1 / ((1 - mix) * shares + mix / len(shares))
    return (weights / (weights * shares).sum()).astype("float32")


@keras.saving.register_keras_serializable(package="colorization")
class BinCrossEntropy(keras.losses.Loss):
    """Weighted cross-entropy of color bins: colors (batch, h, w, 2), probabilities (…, 49).

    Args:
        weights: Of each bin, 49 numbers.
    """

    def __init__(self, weights, name="bin_cross_entropy", **options):
        super().__init__(name=name, **options)
        self.weights = np.array(weights, "float32")

    def call(self, colors, probabilities):
        bins = bins_of(colors)
        losses = keras.losses.sparse_categorical_crossentropy(bins, probabilities)
        losses = losses * keras.ops.take(self.weights, bins)  # (batch, h, w)
        return keras.ops.mean(losses, axis=(1, 2))

    def get_config(self):
        return {**super().get_config(), "weights": self.weights.tolist()}


def expected_colors(predictions):
    """The predicted colors (…, 2): the outputs, or the mean with sharpened probabilities."""
    if predictions.shape[-1] == 2:
        return predictions
    sharpened = keras.ops.softmax(keras.ops.log(predictions + 1e-7) / TEMPERATURE)
    return keras.ops.matmul(sharpened, bin_centers().astype("float32"))


@keras.saving.register_keras_serializable(package="colorization")
def bin_accuracy(colors, predictions):
    """The share of positions whose color bin is predicted correctly: (batch,)."""
    if predictions.shape[-1] == 2:
        predicted_bins = bins_of(predictions)
    else:
        predicted_bins = keras.ops.cast(keras.ops.argmax(predictions, axis=-1), "int32")
    correct = keras.ops.cast(predicted_bins == bins_of(colors), "float32")
    return keras.ops.mean(correct, axis=(1, 2))


@keras.saving.register_keras_serializable(package="colorization")
def saturation(colors, predictions):
    """Mean distance of the predicted colors from gray, with Cb and Cr up to ±128: (batch,)."""
    lengths = keras.ops.norm(expected_colors(predictions), axis=-1)
    return keras.ops.mean(lengths, axis=(1, 2))


def convolution(x, filters, strides=1, dilation=1):
    x = keras.layers.Conv2D(
        filters, 3, strides, padding="same", dilation_rate=dilation, use_bias=False
    )(x)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return keras.layers.ReLU()(x)


def build_model(
    filters=24,
    method="classification",
    mix=0.5,
    learning_rate=0.004,
    steps=EPOCHS * 157,
    train=None,
):
    """The compiled network: (32, 32, 1) brightness to 49 probabilities at 16 × 16 positions.

    69,601 parameters. 69,217 of them are trainable.

    Args:
        filters: Of the first convolution; layers at a quarter of the size have twice as many.
        method: `"classification"`, for outputs that are the probabilities of bins, or
            `"regression"`, for Cb and Cr.
        mix: As in `bin_weights`.
        learning_rate: Its initial value, followed by cosine decay to zero.
        steps: Of the whole training.
        train: Batches of the training set; by default, those of `load_data`.
    """
    brightness = keras.Input((SIDE, SIDE, 1))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(brightness)
    fine = convolution(x, filters, 2)  # (batch, 16, 16, filters)
    # Context: dilated convolutions, at a quarter of the size.
    x = convolution(fine, 2 * filters, 2)  # (batch, 8, 8, 2 · filters)
    x = convolution(x, 2 * filters)
    x = convolution(x, 2 * filters, dilation=2)
    x = keras.layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = keras.layers.Concatenate()([fine, x])
    x = convolution(x, filters)
    if method == "regression":
        loss = "mse"
        outputs = keras.layers.Conv2D(2, 1, dtype="float32")(x)
    else:
        if train is None:
            train, _, _ = load_data()
        loss = BinCrossEntropy(bin_weights(train, mix))
        outputs = keras.layers.Conv2D(BINS * BINS, 1, activation="softmax", dtype="float32")(x)
    model = keras.Model(brightness, outputs)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), loss=loss, metrics=[bin_accuracy, saturation])
    return model


@keras.saving.register_keras_serializable(package="colorization")
class Paint(keras.layers.Layer):
    """A list of brightness (batch, height, width, 1) and predictions to images from 0 to 1.

    The predictions may have any height and width.
    """

    def call(self, inputs):
        brightness, predictions = inputs
        colors = tf.image.resize(expected_colors(predictions), tf.shape(brightness)[1:3])
        ycc = tf.concat([brightness, tf.cast(colors, brightness.dtype)], axis=-1)
        to_rgb = tf.constant(TO_RGB.T / 255, ycc.dtype)
        return tf.clip_by_value(tf.tensordot(ycc, to_rgb, 1), 0, 1)

    def compute_output_shape(self, input_shape):
        of_brightness, _ = input_shape
        return (*of_brightness[:-1], 3)


def deployed(model):
    """The network for images of any size, gray or not, to colored images from 0 to 1."""
    image = keras.Input((None, None, 3))
    brightness = keras.ops.matmul(image, TO_YCC[0][:, None])
    small = keras.layers.Resizing(SIDE, SIDE, antialias=True)(brightness)
    return keras.Model(image, Paint()([brightness, model(small)]))


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's.

    `mix` is not among them: it trades accuracy for colors, and a search by accuracy would always
    choose 1.
    """
    return {
        "filters": hp.Choice("filters", [16, 24, 32, 48], default=24),
        "learning_rate": hp.Float(
            "learning_rate", 0.001, 0.016, step=2, sampling="log", default=0.004
        ),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def baseline(train, test):
    """The bin that is the most frequent in the training set."""
    _, colors = to_numpy(train)
    bins = keras.ops.convert_to_numpy(bins_of(colors))
    most_frequent = np.bincount(bins.ravel()).argmax()
    _, colors = to_numpy(test)
    bins = keras.ops.convert_to_numpy(bins_of(colors))
    return {"bin_accuracy": np.mean(bins == most_frequent)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train), train=train)
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        model.save(f"colorization_{name}.keras")  # after the last epoch
        deployed(model).save(f"colorization_{name}_deployed.keras")
        print(name, model.evaluate(test, return_dict=True))
    print("The most frequent bin:", baseline(train, test))


if __name__ == "__main__":
    main()
