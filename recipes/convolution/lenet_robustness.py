"""LeNet-5 under noise, rotation, scale, shift, width and stroke, beside an MLP of the same size.

Slides: 000 «LeNet: variaciones en los datos de entrada», 000 «LeNet: robustez frente al ruido»,
        000 «LeNet: casos curiosos».
Paper:  LeCun et al. (1998), Gradient-based learning applied to document recognition, section III,
        https://doi.org/10.1109/5.726791
Departs from the paper: all maps of the second convolution are connected to all maps of the first,
pooling has no weights, softmax replaces radial basis functions, and Adam replaces a stochastic
Levenberg–Marquardt rule. The slides show single digits that LeNet recognizes; here its accuracy on
distorted test digits is measured.

Both networks are trained once, on clean digits without data augmentation, so that their robustness
comes only from the architecture: LeNet applies the same filters at all positions, and each pooling
layer discards the exact position of a feature. The odd cases are the digits about which LeNet is
least certain.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from scipy import ndimage
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 6
VARIANTS = {"lenet": {"network": "lenet"}, "mlp": {"network": "mlp"}}
STRENGTHS = {  # of each distortion; the first leaves the image unchanged
    "noise": [0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0],  # standard deviation; black to white is 1
    "rotation": [0, 10, 20, 30, 40, 50, 60],  # degrees
    "scale": [1.0, 0.5, 0.6, 0.75, 1.2, 1.35, 1.5],  # size
    "shift": [0, 1, 2, 3, 4, 5, 6],  # pixels, in one of four directions
    "width": [1.0, 0.4, 0.55, 0.75, 1.25, 1.45, 1.7],  # height stays
    "stroke": [0, -2, -1, 1, 2, 3, 4],  # pixels added to its width
}


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def build_lenet():
    """LeNet-5, as in the paper except for the connection table, the pooling and the last layer."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.ZeroPadding2D(2),
            # 32 × 32 to 28 × 28 to 14 × 14, 6 maps.
            keras.layers.Conv2D(6, 5, activation="tanh"),
            keras.layers.AveragePooling2D(2),
            # To 10 × 10 to 5 × 5, 16 maps.
            keras.layers.Conv2D(16, 5, activation="tanh"),
            keras.layers.AveragePooling2D(2),
            # To 1 × 1, 120 maps.
            keras.layers.Conv2D(120, 5, activation="tanh"),
            keras.layers.Flatten(),
            keras.layers.Dense(84, activation="tanh"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def build_mlp():
    """A multilayer perceptron with one hidden layer and about as many parameters."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(78, activation="tanh"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def build_model(network="lenet", learning_rate=0.003, steps=EPOCHS * 446):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 61,706 parameters.

    The variant `mlp` has 62,020.
    """
    builders = {"lenet": build_lenet, "mlp": build_mlp}
    model = builders[network]()
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def affine(images, matrix, right=0, down=0):
    """Transform images: an output pixel at p, from the center, is the input pixel at `matrix` · p.

    Args:
        images: Array (count, 28, 28, 1), 0 outside the border.
        matrix: Array (2, 2), from (column, row) of the output to (column, row) of the input.
        right, down: Shift of each image in pixels, a number or (count,).
    """
    count = len(images)
    (a, b), (c, d) = np.asarray(matrix, "float32")
    center = 13.5
    x = center - right  # a shift to the right samples pixels further left
    y = center - down
    transforms = np.zeros((count, 8), "float32")  # row by row, as Keras expects them
    transforms[:, 0] = a
    transforms[:, 1] = b
    transforms[:, 2] = x - a * center - b * center
    transforms[:, 3] = c
    transforms[:, 4] = d
    transforms[:, 5] = y - c * center - d * center
    moved = keras.ops.image.affine_transform(images, transforms, fill_mode="constant")
    return keras.ops.convert_to_numpy(moved)


def distort(images, kind, strength):
    """Images with one distortion; the same every time.

    Args:
        images: Array (count, 28, 28, 1), float32, from 0 to 255.
        kind: A key of `STRENGTHS`.
        strength: Strength of the distortion, in the unit given there.
    """
    if kind == "noise":
        noise = np.random.default_rng(0).standard_normal(images.shape, "float32")
        return images + 255 * np.float32(strength) * noise
    if kind == "rotation":
        angle = np.deg2rad(strength)
        cosine = np.cos(angle)
        sine = np.sin(angle)
        return affine(images, [[cosine, -sine], [sine, cosine]])
    if kind == "scale":
        return affine(images, [[1 / strength, 0], [0, 1 / strength]])
    if kind == "shift":
        quarter = np.arange(len(images)) % 4 * np.pi / 2  # each image's own direction
        right = strength * np.cos(quarter)
        down = strength * np.sin(quarter)
        return affine(images, np.eye(2), right, down)
    if kind == "width":
        return affine(images, [[1 / strength, 0], [0, 1]])
    # Stroke width: erosion (minimum) or dilation (maximum) over a neighborhood.
    size = (1, 1 + abs(strength), 1 + abs(strength), 1)
    if strength < 0:
        return ndimage.grey_erosion(images, size)
    return ndimage.grey_dilation(images, size)


def predict(model, images):
    """Class probabilities (count, 10) of images (count, 28, 28, 1) in one call."""
    return keras.ops.convert_to_numpy(model(images, training=False))


def robustness(model, images, labels):
    """The accuracy under each distortion: `{kind: [accuracy for each strength]}`."""
    accuracies = {}
    for kind, strengths in STRENGTHS.items():
        accuracies[kind] = []
        for strength in strengths:
            answers = predict(model, distort(images, kind, strength)).argmax(axis=-1)
            accuracies[kind].append(float(np.mean(answers == labels)))
    return accuracies


def further_scores(model, test, history):
    """The mean accuracy on 2,000 digits over all distortions, without the unchanged images."""
    images, labels = to_numpy(test.take(4))
    accuracies = robustness(model, images.astype("float32"), labels)
    distorted = [accuracy for row in accuracies.values() for accuracy in row[1:]]
    return {"distorted_accuracy": float(np.mean(distorted))}


def deployed(model):
    """The network for images of one digit, of any size, dark on light or light on dark.

    Besides class probabilities, it returns how `unlike` MNIST's digits the image is, from 0 to 1.
    """
    image = keras.Input((None, None, 1))
    digit = CenterDigit()(image)  # (batch, 28, 28, 1), white on black as in MNIST
    outputs = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(image, outputs)


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the networks are fixed."""
    return {
        "network": hp.Choice("network", list(VARIANTS), default="lenet"),
        "learning_rate": hp.Float(
            "learning_rate", 0.00075, 0.012, step=2, sampling="log", default=0.003
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


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"lenet_robustness_{name}.keras",
            monitor="val_accuracy",
            mode="max",
            save_best_only=True,
        )
        history = model.fit(
            train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best]
        )
        model = keras.saving.load_model(f"lenet_robustness_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        print(name, further_scores(model, test, history.history))
        deployed(model).save(f"lenet_robustness_{name}_deployed.keras")
    print("Logistic regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()
