"""Faces and scrambled faces: global pooling finds both alike, a Flatten layer tells them apart.

Slides: 000 «Limitaciones: pooling "big mistake", ambas imágenes son similares»,
        000 «Las redes convolutivas detectan características (traslación & rotación)».
Paper:  Lin, Chen & Yan (2014), Network in network, https://arxiv.org/abs/1312.4400 (global average
        pooling); Brendel & Bethge (2019), https://arxiv.org/abs/1904.00760 (bags of local features)
Departs from the slide, which says that convolutional networks take a scrambled face for a face:
this depends on the layers after the convolutions, and on the other training images.

Both networks learn the same task: whether an image has two eyes, a nose and a mouth, all upright,
or other parts. Neither is trained on faces with exchanged parts, and both are accurate on the test
set. `global_pooling` averages over all positions: its features only depend on which parts there
are, and how many. `flatten` has separate weights for each position, and learns where each part
belongs.

A convolution commutes with all translations (equivariance). Pooling with a stride of 2 commutes
only with translations by an even number of pixels. After global pooling, the output hardly depends
on the position (invariance). None of this holds for rotations: an upside-down mouth is a different
part.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 10
CLASSES = ["other parts", "face"]
VARIANTS = {"global_pooling": {"head": "global_pooling"}, "flatten": {"head": "flatten"}}
SIDE = 56  # pixels of each side of an image
SLOTS = np.array([[15, 14], [15, 42], [28, 28], [42, 28]])  # row and column of each part's center
FACE = [0, 0, 1, 2]  # the kind of part in each slot
KINDS = 5  # eye, nose, mouth, and the last two upside down
NOISE = 0.1  # standard deviation, for parts of brightness 0.7 to 1


def render_parts():
    """The five kinds of parts: array (5, 9, 9) of zeros and ones."""
    y, x = np.mgrid[-4:5, -4:5]
    radius = np.hypot(x, y)
    eye = (np.abs(radius - 3.3) < 0.8) | (radius < 1.3)
    nose = (np.abs(np.abs(x) - (y + 4) / 2) < 0.8) | ((y == 4) & (np.abs(x) < 4))
    mouth = np.abs(y - 2 + x**2 / 4) < 1.2
    return np.stack([eye, nose, mouth, nose[::-1], mouth[::-1]]).astype("float32")


PARTS = render_parts()


def render(kinds, rng):
    """A noisy image (56, 56) with a part in each slot; the whole and each part are jittered.

    Args:
        kinds: Kinds of the parts in the four slots.
        rng: A NumPy random generator.
    """
    image = np.zeros((SIDE, SIDE), "float32")
    whole = rng.integers(-2, 3, 2)
    for kind, slot in zip(kinds, SLOTS, strict=True):
        row, column = slot + whole + rng.integers(-1, 2, 2)
        brightness = rng.uniform(0.7, 1)
        image[row - 4 : row + 5, column - 4 : column + 5] = brightness * PARTS[kind]
    return image + NOISE * rng.standard_normal((SIDE, SIDE), "float32")


def other_parts(rng):
    """Kinds of four parts that form no face in any order; often three of them fit."""
    while True:
        kinds = list(rng.integers(KINDS, size=4))
        if rng.random() < 0.5:
            replaced = rng.integers(4)
            kinds = [*FACE[:replaced], kinds[replaced], *FACE[replaced + 1 :]]
        if sorted(kinds) != FACE:
            return kinds


def scrambled(rng):
    """The kinds of parts of a face, at least two of them in the wrong slots."""
    while True:
        kinds = list(rng.permutation(FACE))
        if kinds != FACE:
            return kinds


def sample_images(count, seed):
    """Faces and images of other parts, alternating.

    Returns:
        Images (count, 56, 56, 1), float32, and labels (count, 1), 1 for faces.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = []
    for label in labels:
        kinds = FACE if label else other_parts(rng)
        images.append(render(kinds, rng))
    return np.stack(images)[..., None], labels[:, None].astype("float32")


def sample_scrambled(count, seed=0):
    """Scrambled faces (count, 56, 56, 1), which do not occur in training."""
    rng = np.random.default_rng(seed)
    images = [render(scrambled(rng), rng) for _ in range(count)]
    return np.stack(images)[..., None]


def load_data(batch_size=50):
    """Train, validation and test batches of (56, 56, 1) images and (1,) labels, 1 for faces."""
    train = tf.data.Dataset.from_tensor_slices(sample_images(4000, seed=1))
    validation = tf.data.Dataset.from_tensor_slices(sample_images(500, seed=2))
    test = tf.data.Dataset.from_tensor_slices(sample_images(1000, seed=3))
    return train.shuffle(4000).batch(batch_size), validation.batch(500), test.batch(500)


def build_model(head="global_pooling", filters=16, learning_rate=0.005, steps=EPOCHS * 80):
    """The compiled network: (56, 56, 1) images to the probability of a face. 6,273 parameters.

    6,209 of them are trainable. With `head="flatten"` 171,009.

    Args:
        head: The layers after the convolutions, a key of `VARIANTS`.
        filters: Number of filters of the first convolution; the second has twice as many.
        learning_rate: Its initial value, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    heads = {
        "global_pooling": keras.layers.GlobalAveragePooling2D,
        "flatten": keras.layers.Flatten,
    }
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            # 56 × 56 to 52 × 52, then 26 × 26.
            keras.layers.Conv2D(filters, 5, activation="relu"),
            keras.layers.MaxPooling2D(2),
            # 26 × 26 to 24 × 24, then 12 × 12; the receptive field is 12 × 12 pixels.
            keras.layers.Conv2D(2 * filters, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            heads[head](),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), loss="binary_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "head": hp.Choice("head", list(VARIANTS), default="global_pooling"),
        "filters": hp.Int("filters", 8, 32, step=8, default=16),
        "learning_rate": hp.Float(
            "learning_rate", 0.00125, 0.02, step=2, sampling="log", default=0.005
        ),
        "batch_size": hp.Choice("batch_size", [25, 50, 100], default=50),
    }


def baseline(train, test):
    """Logistic regression on the pixels of 1,000 images."""
    images, labels = to_numpy(train.unbatch().take(1000).batch(500))
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(len(images), -1), labels[:, 0])
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(len(images), -1), labels[:, 0])}


def face_probabilities(model, images):
    """The probability of a face for each image (count, 56, 56, 1): (count,)."""
    return keras.ops.convert_to_numpy(model(images, training=False))[:, 0]


def further_scores(model, test, history):
    """The share of 250 scrambled faces that the network takes for faces."""
    probabilities = face_probabilities(model, sample_scrambled(250))
    return {"scrambled_as_face": float(np.mean(probabilities > 0.5))}


def shift_difference(layers, images, shift):
    """The deviation of layers from commuting with a shift to the right; 0 if they commute.

    It is the root mean square difference between the maps of shifted images and the shifted maps,
    away from the border, relative to the standard deviation of the maps. Strides divide the shift.

    Args:
        layers: Layers to apply one after another.
        images: Array (count, H, W, 1).
        shift: Shift in pixels of the image.
    """
    before = images
    after = np.roll(images, shift, axis=2)
    for layer in layers:
        before = keras.ops.convert_to_numpy(layer(before))
        after = keras.ops.convert_to_numpy(layer(after))
    stride = round(images.shape[2] / before.shape[2])
    expected = np.roll(before, shift // stride, axis=2)
    inside = slice(shift + 1, -shift - 1)
    difference = (after - expected)[:, :, inside]
    return float(np.sqrt(np.square(difference).mean()) / before.std())


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"scrambled_parts_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        history = model.fit(
            train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best]
        )
        model = keras.saving.load_model(f"scrambled_parts_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        print(name, further_scores(model, test, history.history))
        images, labels = to_numpy(test.take(1))
        faces = images[labels[:, 0] == 1]
        probabilities = face_probabilities(model, faces)
        print(f"{name}, mean probability of a face: {probabilities.mean():.3f} for faces")
        probabilities = face_probabilities(model, sample_scrambled(250))
        print(f"{name}, mean probability of a face: {probabilities.mean():.3f} for scrambled ones")
        for shift in (1, 2):
            conv = shift_difference(model.layers[:1], faces, shift)
            pooled = shift_difference(model.layers[:2], faces, shift)
            print(f"{name}, shifted by {shift}: convolution differs by {conv:.1%}", end=", ")
            print(f"with pooling by {pooled:.1%}")
    print("Logistic regression on the pixels of 1,000 images:", baseline(train, test))


if __name__ == "__main__":
    main()
