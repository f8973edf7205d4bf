"""Capsule network on MNIST: dynamic routing by agreement, beside a CNN of the same size.

Slides: 000 «Problema clave de las redes convolutivas (jerarquía, pose)».
Paper:  Sabour, Frosst & Hinton (2017), Dynamic routing between capsules,
        https://arxiv.org/abs/1710.09829
Departs from the paper: a strided first layer, an eighth of its filters and 64 instead of 1,152
primary capsules, so that it trains in a minute on two cores; no decoder that reconstructs the digit
as a regularizer; rotated, scaled, sheared and shifted test digits replace affNIST.

A capsule is a group of units. The length of its vector, below 1, is the probability that a part is
present; its direction represents the pose of the part. Each of the 64 primary capsules predicts the
vector of each digit; predictions that agree with the others get more weight (layer `Capsule`).
According to the slide, this keeps spatial relations between parts and whole, which pooling
discards. Here both networks are trained on upright digits and evaluated on transformed ones: are
capsules better than a CNN of their size?
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.capsule import Capsule, squash
from layers.digits import CenterDigit, UnlikeDigit
from layers.random_affine import RandomAffine
from recipes.common.arrays import to_numpy

EPOCHS = 3
VARIANTS = {
    "capsules": {"network": "capsules", "learning_rate": 0.008},
    "cnn": {"network": "cnn", "learning_rate": 0.004},
}
STRENGTHS = np.arange(6)  # strengths of the affine transformations, see `transform`


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


@keras.saving.register_keras_serializable(package="capsule_network")
def margin_loss(labels, lengths):
    """The paper's margin loss: the correct capsule should be longer than 0.9, the others below 0.1.

        L = Σ T max(0, 0.9 − |v|)² + 0.5 (1 − T) max(0, |v| − 0.1)²

    Args:
        labels: Integers (batch,) or (batch, 1).
        lengths: Array (batch, 10), from 0 to 1.
    """
    classes = lengths.shape[-1]
    labels = keras.ops.cast(keras.ops.reshape(labels, (-1,)), "int32")
    right = keras.ops.one_hot(labels, classes, dtype=lengths.dtype)
    too_short = keras.ops.square(keras.ops.relu(0.9 - lengths))
    too_long = keras.ops.square(keras.ops.relu(lengths - 0.1))
    return keras.ops.sum(right * too_short + 0.5 * (1 - right) * too_long, axis=-1)


@keras.saving.register_keras_serializable(package="capsule_network")
def capsule_lengths(capsules):
    """The length of each capsule: (batch, capsules, dim) to (batch, capsules)."""
    # A small number is added, since the gradient of the norm at 0 is NaN.
    return keras.ops.sqrt(keras.ops.sum(keras.ops.square(capsules), axis=-1) + 1e-6)


def build_capsules(routings=3):
    """Two convolutions, 64 primary capsules of 8 units, 10 digit capsules of 16 units."""
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(32, 5, strides=2, activation="relu")(x)  # (batch, 12, 12, 32)
    x = keras.layers.Conv2D(32, 5, strides=2)(x)  # (batch, 4, 4, 32)
    x = keras.layers.Reshape((64, 8))(x)  # four capsules at each of 16 positions
    x = keras.layers.Activation(squash, name="primary_capsules")(x)
    x = Capsule(10, dim=16, routings=routings, name="digit_capsules")(x)  # (batch, 10, 16)
    lengths = keras.layers.Lambda(capsule_lengths, output_shape=(10,), name="lengths")(x)
    return keras.Model(inputs, lengths)


def build_cnn():
    """The same convolutions with dense layers, about as many parameters."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(32, 5, strides=2, activation="relu"),  # (batch, 12, 12, 32)
            keras.layers.Conv2D(32, 5, strides=2, activation="relu"),  # (batch, 4, 4, 32)
            keras.layers.Flatten(),
            keras.layers.Dense(157, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def build_model(network="capsules", routings=3, learning_rate=0.008, steps=EPOCHS * 446):
    """The compiled network: (28, 28, 1) images to 10 lengths or probabilities. 108,384 parameters.

    The variant `cnn` has 108,585.

    Args:
        network: `"capsules"`, trained with the margin loss, or `"cnn"`, with cross-entropy.
        routings: Number of routing iterations.
        learning_rate: Its initial value, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    if network == "capsules":
        model = build_capsules(routings)
        loss = margin_loss
    else:
        model = build_cnn()
        loss = "sparse_categorical_crossentropy"
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    model.compile(keras.optimizers.Adam(schedule), loss=loss, metrics=[accuracy])
    return model


def transform(images, strength):
    """Images (count, 28, 28, 1), float32, each with its own random affine transformation.

    For each unit of strength, the largest rotation is 10 degrees, the largest change of scale and
    the largest shear 8 %, the largest shift 1 pixel. The transformations are the same every time.
    """
    layer = RandomAffine(
        rotation=10 * float(strength),
        scale=0.08 * float(strength),
        shear=0.08 * float(strength),
        translation=float(strength),
        seed=0,
    )
    return keras.ops.convert_to_numpy(layer(images, training=True))


def robustness(model, images, labels):
    """The accuracy on transformed images, one for each of `STRENGTHS`."""
    accuracies = []
    for strength in STRENGTHS:
        outputs = model(transform(images, strength), training=False)
        answers = keras.ops.convert_to_numpy(outputs).argmax(axis=-1)
        accuracies.append(float(np.mean(answers == labels)))
    return accuracies


def further_scores(model, test, history):
    """The mean accuracy on 2,000 digits over all transformations, without the unchanged images."""
    images, labels = to_numpy(test.take(4))
    accuracies = robustness(model, images.astype("float32"), labels)
    return {"transformed_accuracy": float(np.mean(accuracies[1:]))}


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
    network = hp.Choice("network", list(VARIANTS), default="capsules")
    values = {
        "network": network,
        "learning_rate": hp.Float(
            "learning_rate", 0.001, 0.032, step=2, sampling="log", default=0.008
        ),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }
    with hp.conditional_scope("network", ["capsules"]):
        routings = hp.Int("routings", 1, 5, default=3)
    if network == "capsules":
        values["routings"] = routings
    return values


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
            f"capsule_network_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        history = model.fit(
            train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best]
        )
        model = keras.saving.load_model(f"capsule_network_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        print(name, further_scores(model, test, history.history))
        deployed(model).save(f"capsule_network_{name}_deployed.keras")
    print("Logistic regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()
