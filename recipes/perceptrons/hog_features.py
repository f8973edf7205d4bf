"""Histograms of oriented gradients (HOG) and a linear SVM, beside rules by hand and a CNN.

Slides: 003 «Representación de los datos: HOG + Linear SVM»,
        003 «Traditional machine learning vs Deep Learning», 000 «Machine learning instead of a
        program» (AT&T).
Paper:  Dalal & Triggs (2005), Histograms of oriented gradients for human detection,
        https://doi.org/10.1109/CVPR.2005.177
Departs from the paper: digits of 28 × 28 pixels instead of pedestrians of 64 × 128, so cells of
4 × 4 pixels instead of 8 × 8; gray images; and one SVM of ten classes, trained by Adam.

There are three ways to recognize a digit. A program of rules asks for holes and for the place of
the ink (the baseline). Features by hand describe an image so that a linear classifier can do the
rest: HOG counts, in every cell of the image, how much its gray values change in which direction.
A convolutional network (CNN) learns its features from the same 5,000 images.

The steps of HOG are those of a convolutional network, with weights by hand: differences of
neighboring pixels, votes for orientations, weighted sums over cells, and a normalization within
blocks of 2 × 2 cells. Variants leave out what the paper found to matter most: with 3 orientations
instead of 9, and without normalization. The table that `main()` prints is what the slide calls
trying different features and classifiers.
"""

import math
import time

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from keras import ops
from scipy import ndimage
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from recipes.common.arrays import to_numpy

EPOCHS = 10
IMAGES = 5000  # for training
CELL = 4  # pixels
CLIP = 0.2  # the largest feature of a normalized block
EPSILON = 0.01  # keeps blocks without gradients from being amplified
COMPONENTS = 40  # of PCA, in the table
VARIANTS = {
    "pixels": {"features": "pixels"},
    "hog": {},
    "hog_3_bins": {"bins": 3},
    "hog_unnormalized": {"normalize": False},
    "cnn": {"features": "learned"},
}
CLASSIFIERS = {
    "logistic regression": LogisticRegression(max_iter=200),
    "3 nearest neighbors": KNeighborsClassifier(3),
    "SVM": SVC(C=5),
    "random forest": RandomForestClassifier(random_state=0),
}


def load_data(images=IMAGES, batch_size=50):
    """Train, validation and test batches of (28, 28, 1) uint8 images and one-hot labels (10,).

    Args:
        images: Number of training images, at most 57,000.
        batch_size: Number of images in a training batch.
    """
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.take(images).map(one_hot).cache().shuffle(images).batch(batch_size)
    return train, validation.map(one_hot).batch(500).cache(), test.map(one_hot).batch(500).cache()


def one_hot(image, label):
    """An image and its one-hot label (10,), which the hinge loss requires."""
    return image, tf.one_hot(label, 10)


def differences(images):
    """How much brighter the neighbor after each pixel is than the one before: across, and down.

    Args:
        images: (batch, height, width). Beyond the border, pixels are those of the border.

    Returns:
        Two tensors (batch, height, width).
    """
    padded = ops.pad(images, [[0, 0], [1, 1], [1, 1]], mode="symmetric")
    across = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    down = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    return across, down


def orientation_votes(images, bins):
    """Each pixel's votes for orientations from 0° to 180°: (batch, height, width, bins).

    A vote is the size of the gradient, divided between the two bins whose centers are nearest to
    its direction. Opposite directions are the same: a dark stroke on light is a light one on dark.
    """
    across, down = differences(images)
    size = ops.sqrt(across**2 + down**2)
    place = ops.arctan2(down, across) * (bins / math.pi)  # in bins, of which 180° have `bins`
    centers = ops.arange(bins, dtype=place.dtype) + 0.5
    distances = ops.mod(place[..., None] - centers, bins)
    distances = ops.minimum(distances, bins - distances)  # after the last bin comes the first
    return size[..., None] * ops.relu(1 - distances)


def block_weights(cell):
    """The weights of a block's pixels in its 2 × 2 cells: array (2 · cell, 2 · cell, 4).

    A pixel's vote is divided between cells bilinearly by the distances to their centers, and counts
    less far from the middle of the block, by a Gaussian of half the block's side.
    """
    pixels = np.arange(2 * cell) + 0.5
    centers = cell * np.array([0.5, 1.5])
    shares = np.maximum(0, 1 - np.abs(pixels[:, None] - centers) / cell)  # (2 · cell, 2)
    shares *= np.exp(-((pixels[:, None] - cell) ** 2) / (2 * cell**2))
    return np.einsum("ya,xb->yxab", shares, shares).reshape(2 * cell, 2 * cell, 4)


def normalized(blocks):
    """Blocks (…, features) of length 1, of which no feature dominates (L2-Hys): clipped at 0.2."""
    blocks = blocks / ops.sqrt(ops.sum(blocks**2, axis=-1, keepdims=True) + EPSILON**2)
    blocks = ops.minimum(blocks, CLIP)
    return blocks / ops.sqrt(ops.sum(blocks**2, axis=-1, keepdims=True) + EPSILON**2)


@keras.saving.register_keras_serializable(package="hog_features")
class HOG(keras.layers.Layer):
    """Histograms of oriented gradients of gray images with values from 0 to 1.

    Input (batch, height, width, 1), output (batch, rows, columns, 4 · bins): a histogram for each
    of the four cells of each block. Blocks overlap; the next one begins a cell further.

    Args:
        cell: Side of a cell, in pixels; a block has 2 × 2 cells.
        bins: Number of orientations.
        normalize: Whether each block is scaled to length 1, whatever its contrast.
    """

    def __init__(self, cell=CELL, bins=9, normalize=True, **kwargs):
        super().__init__(autocast=False, **kwargs)  # squares of gradients may exceed 16-bit floats
        self.cell = cell
        self.bins = bins
        self.normalize = normalize

    def build(self, input_shape):
        weights = block_weights(self.cell)[:, :, None]  # (side, side, 1, 4)
        self.kernel = np.repeat(weights, self.bins, axis=2)  # the same for each orientation
        self.built = True

    def call(self, images):
        votes = orientation_votes(ops.cast(images[..., 0], "float32"), self.bins)
        kernel = ops.cast(self.kernel, "float32")
        blocks = ops.depthwise_conv(votes, kernel, strides=self.cell, data_format="channels_last")
        if self.normalize:
            blocks = normalized(blocks)
        return ops.cast(blocks, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        rows, columns = (side and side // self.cell - 1 for side in (height, width))
        return batch, rows, columns, 4 * self.bins

    def get_config(self):
        own = {"cell": self.cell, "bins": self.bins, "normalize": self.normalize}
        return {**super().get_config(), **own}


def build_model(
    features="hog",
    bins=9,
    normalize=True,
    weight_decay=0.00001,
    learning_rate=0.003,
    steps=EPOCHS * 100,
):
    """The compiled network: (28, 28, 1) images to a score for each class. 12,970 parameters.

    On the pixels there are 7,850, and in the CNN, whose scores are probabilities, 61,706.

    Args:
        features: `"pixels"` or `"hog"`, for a linear SVM, or `"learned"`, for a CNN (LeNet).
        bins: Number of orientations of HOG.
        normalize: Whether HOG normalizes its blocks.
        weight_decay: L2 penalty on the weights of the SVM.
        learning_rate: Initial rate of Adam, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    image = keras.Input((28, 28, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(image)
    if features == "learned":
        x = keras.layers.Conv2D(6, 5, padding="same", activation="relu")(x)
        x = keras.layers.MaxPooling2D(2)(x)  # (batch, 14, 14, 6)
        x = keras.layers.Conv2D(16, 5, activation="relu")(x)
        x = keras.layers.MaxPooling2D(2)(x)  # (batch, 5, 5, 16)
        x = keras.layers.Flatten()(x)
        x = keras.layers.Dense(120, activation="relu")(x)
        x = keras.layers.Dense(84, activation="relu")(x)
        outputs = keras.layers.Dense(10, activation="softmax")(x)
        loss = "categorical_crossentropy"
    else:
        if features == "hog":
            x = HOG(bins=bins, normalize=normalize)(x)  # (batch, 6, 6, 4 · bins)
        x = keras.layers.Flatten()(x)
        penalty = keras.regularizers.L2(weight_decay)
        outputs = keras.layers.Dense(10, kernel_regularizer=penalty)(x)
        loss = "categorical_hinge"
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model = keras.Model(image, outputs)
    model.compile(keras.optimizers.Adam(schedule), loss=loss, metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    decays = [0.0, 0.000001, 0.00001, 0.0001]
    return {
        "bins": hp.Int("bins", 3, 18, step=3, default=9),
        "weight_decay": hp.Choice("weight_decay", decays, default=0.00001),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01, 0.03], default=0.003),
        "batch_size": hp.Choice("batch_size", [25, 50, 100], default=50),
    }


def holes(ink):
    """The height of each hole of a digit, of at least 4 pixels: 0 is its top, 1 its bottom.

    Args:
        ink: Boolean array (height, width), cut to the ink.
    """
    # The first connected part of the paper is what surrounds the digit.
    paper, count = ndimage.label(np.pad(~ink, 1, constant_values=True))
    heights = []
    for part in range(2, count + 1):
        rows, _ = np.nonzero(paper == part)
        if len(rows) >= 4:
            heights.append((rows.mean() - 0.5) / len(ink))
    return heights


def place(ink):
    """Where the ink lies on average: 0 is the left side, 1 the right side."""
    return (np.nonzero(ink)[1].mean() + 0.5) / ink.shape[1]


def digit_by_rules(image):
    """The digit that an image (28, 28, 1) from 0 to 255 shows, by rules that a person wrote."""
    ink = image[..., 0] > 127
    ink = ink[ink.any(axis=1)][:, ink.any(axis=0)]
    height, width = ink.shape
    if height < 4 or width < 4:
        return 1
    # How far the ink of each row reaches from side to side.
    reach = width - ink.argmax(axis=1) - ink[:, ::-1].argmax(axis=1)
    narrow_top = reach[: height // 4].max() < 0.4 * width
    narrow_bottom = reach[-(height // 4) :].max() < 0.4 * width
    found = holes(ink)
    if len(found) > 1:
        return 8
    if found:
        if found[0] < 0.42:
            return 9
        if found[0] < 0.62:
            return 0
        return 6 if narrow_top else 2
    if reach.max() < 0.45 * height:
        return 1
    if narrow_bottom:
        strokes = ink.sum(axis=1) / reach  # below 1 where there is a gap between two strokes
        return 4 if strokes[: height // 3].mean() < 0.8 else 7
    if narrow_top:
        return 6
    if place(ink[height // 4 : height // 2]) < 0.5:
        return 5
    return 2 if place(ink[height // 2 : -(height // 4)]) < 0.5 else 3


def baseline(train, test):
    """Rules written by hand."""
    images, labels = to_numpy(test)
    answers = np.array([digit_by_rules(image) for image in images])
    return {"accuracy": float(np.mean(answers == labels.argmax(axis=1)))}


def feature_functions(images):
    """The features of the table by name, as functions of images (count, 28, 28, 1) from 0 to 255.

    Args:
        images: The training images, of which PCA has its components.
    """

    def pixels(images):
        return images.reshape(len(images), -1) / np.float32(255)

    def hog(images):
        parts = [HOG()(part) for part in np.array_split(images / np.float32(255), 20)]
        blocks = np.concatenate([ops.convert_to_numpy(part) for part in parts])
        return blocks.reshape(len(images), -1)

    pca = PCA(min(COMPONENTS, len(images)), random_state=0).fit(pixels(images))
    return {"pixels": pixels, "PCA": lambda images: pca.transform(pixels(images)), "HOG": hog}


def classic_table(train, validation, test):
    """Every classifier on all features by hand.

    Returns:
        `{(features, classifier): (validation accuracy, test accuracy, seconds)}`; the seconds are
        those of training.
    """
    images, labels = to_numpy(train)
    functions = feature_functions(images)
    table = {}
    for features, function in functions.items():
        x = function(images)
        parts = []
        for part in (validation, test):
            part_images, part_labels = to_numpy(part)
            parts.append((function(part_images), part_labels.argmax(axis=1)))
        for name, classifier in CLASSIFIERS.items():
            started = time.perf_counter()
            classifier = clone(classifier).fit(x, labels.argmax(axis=1))
            seconds = time.perf_counter() - started
            accuracies = [classifier.score(*part) for part in parts]
            table[features, name] = (*accuracies, seconds)
    return table


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"hog_features_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        started = time.perf_counter()
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        print(name, f"trained in {time.perf_counter() - started:.1f} s")
        model = keras.saving.load_model(f"hog_features_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Rules written by hand:", baseline(train, test))

    table = classic_table(train, validation, test)
    for (features, classifier), (accuracy, _, seconds) in table.items():
        print(f"{features}, {classifier}: validation {accuracy:.2%}, trained in {seconds:.1f} s")
    best = max(table, key=lambda pair: table[pair][0])
    print(f"Best of validation: {' and '.join(best)}, with a test accuracy of {table[best][1]:.2%}")


if __name__ == "__main__":
    main()
