"""Anomaly detection on MNIST: an autoencoder trained on one digit reconstructs the others badly.

Slides: 001 «Usos: detección de anomalías».
Paper:  Japkowicz, Myers & Gluck (1995), A novelty detection approach to classification,
        https://mlanthology.org/ijcai/1995/japkowicz1995ijcai-novelty/
Departs from them: the slide gives no network; the paper's data are not images.

The network sees normal images only. Its error on an image, the mean squared difference between
pixels and reconstruction, is the anomaly score. `one_digit` is trained on the digit 9, so that all
others are anomalies (outliers). `all_but_one` is trained on as many images of the other digits, so
that the 9 is the anomaly: often it is reconstructed well, since strokes of 4, 7 and 8 combine to a
9, and it is hard to detect. `load_data(digit=1)` makes it another digit.

An image is called an anomaly if its error exceeds the threshold: the 95th percentile of the errors
of validation images, which are all normal. This needs no anomalies, and one normal image in 20 is a
false alarm. `auc`, the area under the ROC curve, is the probability that an anomaly has a larger
error than a normal image; it does not depend on the threshold. Precision depends on how frequent
anomalies are: nine test images in ten for `one_digit`, one in ten for `all_but_one`.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.decomposition import PCA
from sklearn.metrics import precision_score, recall_score, roc_auc_score

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 12
OBJECTIVE = ("val_mse", "min")
VARIANTS = {"one_digit": {}, "all_but_one": {"left_out": True}}
MOST = 6000  # training images: about as many as there are of one digit
PERCENTILE = 95  # of the errors of normal images: the threshold


def load_data(batch_size=128, digit=9, left_out=False):
    """Train, validation and test batches of (28, 28, 1) uint8 images, and 1 for anomalies, else 0.

    Only the test set has anomalies. Normal images are those of the `digit`, or all but those if it
    is `left_out`.
    """

    def with_label(image, label):
        return image, tf.cast([(label == digit) == left_out], "float32")

    def is_normal(image, label):
        return label[0] == 0

    splits = ["train[:90%]", "train[90%:]", "test"]
    sets = tfds.load("mnist", split=splits, as_supervised=True)
    train, validation, test = (data.map(with_label) for data in sets)
    train = train.filter(is_normal).take(MOST).cache()
    train = train.shuffle(MOST).batch(batch_size).prefetch(2)
    validation = validation.filter(is_normal).batch(1000).cache()
    return train, validation, test.batch(1000).prefetch(2)


@keras.saving.register_keras_serializable(package="anomaly_detection")
class ReconstructionError(keras.layers.Layer):
    """Pixels and reconstruction, (batch, n) each, to the mean squared difference, (batch, 1).

    It keeps the `threshold` above which an image is an anomaly, infinity at first.
    """

    def build(self, input_shape):
        self.threshold = self.add_weight(
            name="threshold",
            shape=(),
            initializer=keras.initializers.Constant(np.inf),
            trainable=False,
        )

    def call(self, inputs):
        pixels, reconstruction = inputs
        return keras.ops.mean(keras.ops.square(reconstruction - pixels), axis=-1, keepdims=True)


@keras.saving.register_keras_serializable(package="anomaly_detection")
def mean_error(labels, errors):
    """The loss: the network's output itself."""
    return errors


@keras.saving.register_keras_serializable(package="anomaly_detection")
class NormalError(keras.metrics.Mean):
    """Mean error of the normal images, those with the label 0."""

    def update_state(self, labels, errors, sample_weight=None):
        super().update_state(errors, sample_weight=1 - keras.ops.cast(labels, self.dtype))


@keras.saving.register_keras_serializable(package="anomaly_detection")
class NormalPercentile(keras.metrics.Metric):
    """The 95th percentile of the errors of normal images, accurate to 1 %.

    Errors are counted in intervals, whose upper bounds are powers of 1.01 from 10⁻⁴ to 1.
    """

    def __init__(self, name="percentile", **kwargs):
        super().__init__(name=name, **kwargs)
        self.bounds = np.append(1e-4 * 1.01 ** np.arange(926), 1).astype("float32")
        # How many errors are at most each bound.
        self.counts = self.add_variable((len(self.bounds),), "zeros", name="counts")

    def update_state(self, labels, errors, sample_weight=None):
        normal = 1 - keras.ops.cast(labels, self.dtype)  # (batch, 1)
        below = keras.ops.cast(errors <= self.bounds, self.dtype)  # (batch, bounds)
        self.counts.assign_add(keras.ops.sum(normal * below, axis=0))

    def result(self):
        enough = self.counts >= PERCENTILE / 100 * self.counts[-1]
        return keras.ops.take(self.bounds, keras.ops.argmax(keras.ops.cast(enough, "int32")))


class KeepThreshold(keras.callbacks.Callback):
    """Keeps in the network, after each epoch, the threshold that the validation set gives."""

    def on_epoch_end(self, epoch, logs=None):
        # Without a validation set, the training set has to do.
        threshold = logs.get("val_percentile", logs["percentile"])
        self.model.get_layer("error").threshold.assign(threshold)


def callbacks():
    return [KeepThreshold()]


def build_model(width=128, code=16, learning_rate=0.004):
    """The compiled network: (28, 28, 1) images to errors (1,). 205,857 parameters.

    205,856 of them are trainable; the other one is the threshold. The reconstruction is the output
    of its layer `reconstruction`.
    """
    image = keras.Input((28, 28, 1))
    pixels = keras.layers.Rescaling(1 / 255, dtype="float32")(image)
    pixels = keras.layers.Flatten(dtype="float32")(pixels)
    x = keras.layers.Dense(width, activation="relu")(pixels)
    x = keras.layers.Dense(code)(x)
    x = keras.layers.Dense(width, activation="relu")(x)
    reconstruction = keras.layers.Dense(
        784, activation="sigmoid", dtype="float32", name="reconstruction"
    )(x)
    error = ReconstructionError(dtype="float32", name="error")([pixels, reconstruction])
    model = keras.Model(image, error)
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss=mean_error,
        metrics=[NormalError(name="mse"), NormalPercentile()],
    )
    return model


def deployed(model):
    """The network for images of one digit, of any size, dark on light or light on dark.

    Besides the `error`, it returns how `unlike` the normal images the image is, from 0 to 1: above
    0.5, it is an anomaly. So is what is no digit, such as a blank page.
    """
    image = keras.Input((None, None, 1))
    digit = CenterDigit(dtype="float32")(image)  # (batch, 28, 28, 1), white on black as in MNIST
    error = model(digit)
    threshold = float(model.get_layer("error").threshold)
    relative = keras.ops.minimum(error[:, 0] / (2 * threshold), 1)
    unlike = keras.ops.maximum(relative, UnlikeDigit(dtype="float32")(digit))
    return keras.Model(image, {"error": error, "unlike": unlike})


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own.

    A search minimizes the error of normal images, which larger codes reduce, whether or not they
    detect more anomalies: so `code` is not among them.
    """
    return {
        "width": hp.Int("width", 64, 512, step=64, default=128),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.002, 0.004, 0.008], default=0.004),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def detection_scores(labels, errors, threshold):
    """Area under the ROC curve; and precision, recall and the share of false alarms.

    Args:
        labels: (n,), 1 for anomalies and 0 for normal images.
        errors: (n,), the anomaly scores.
        threshold: Larger errors are called anomalies.
    """
    called = errors > threshold
    return {
        "auc": float(roc_auc_score(labels, errors)),
        "precision": float(precision_score(labels, called, zero_division=0)),
        "recall": float(recall_score(labels, called)),
        "false_alarms": float(np.mean(called[labels == 0])),
    }


def further_scores(model, test, history):
    """How well the errors tell anomalies from normal images, with the network's threshold."""
    images, labels = to_numpy(test)
    errors = model.predict(images, batch_size=1000, verbose=0)
    threshold = float(model.get_layer("error").threshold)
    return detection_scores(labels[:, 0], errors[:, 0], threshold)


def pca_errors(images, test_images, components=16):
    """Reconstruction errors of PCA fitted on images: of these (n,), and of the test images (m,).

    Args:
        images, test_images: uint8 arrays (…, 28, 28, 1).
        components: At most as many as there are images.
    """
    pca = PCA(min(components, len(images)), svd_solver="randomized", random_state=0)
    pca.fit(flat(images))
    errors = []
    for pixels in (flat(images), flat(test_images)):
        reconstructions = pca.inverse_transform(pca.transform(pixels))
        errors.append(np.mean((reconstructions - pixels) ** 2, axis=1))
    return errors


def flat(images):
    """One row of pixels from 0 to 1 for each image."""
    return images.reshape(len(images), -1) / np.float32(255)


def baseline(train, test):
    """PCA with 16 components.

    Its threshold is from the training set, whose errors it hardly makes smaller than others.
    """
    images, _ = to_numpy(train)
    test_images, labels = to_numpy(test)
    known, errors = pca_errors(images, test_images)
    scores = detection_scores(labels[:, 0], errors, np.percentile(known, PERCENTILE))
    return {"mse": float(errors[labels[:, 0] == 0].mean()), **scores}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data(**arguments)
        model = build_model()
        path = f"anomaly_detection_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_mse", mode="min", save_best_only=True
        )
        history = model.fit(
            train,
            validation_data=validation,
            epochs=EPOCHS,
            shuffle=False,
            callbacks=[*callbacks(), best],
        )
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))
        print(name, further_scores(model, test, history.history))
        deployed(model).save(f"anomaly_detection_{name}_deployed.keras")


if __name__ == "__main__":
    main()
