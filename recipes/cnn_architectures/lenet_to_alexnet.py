"""From LeNet to AlexNet step by step: activation, pooling, width, depth, dropout, augmentation.

Slides: 003 «The gap» (1998 to 2012).
Paper:  LeCun et al. (1998), https://doi.org/10.1109/5.726791;
        Krizhevsky et al. (2012), https://papers.nips.cc/paper/4824
Departs from both papers: the networks are small, for the 32×32 images of CIFAR-10, so that each
step can be tried on a laptop. The two most important steps of the slide, a million labeled images
and graphics processors, are not included: all networks see the same 20,000 images.

Each step keeps the previous ones. The first four change the network, so that it fits the training
images better. The last two, dropout and data augmentation, are meant to reduce overfitting. Not
every step needs to raise the accuracy: eight epochs on so few images are short for a deep or a
regularized network. The results of each step are in recipes/RESULTS.md.
"""

import keras
import tensorflow_datasets as tfds

from layers.random_affine import RandomAffine
from recipes.common import cifar10

EPOCHS = 8
CLASSES = cifar10.CLASSES
# The change of each step, in addition to those of the previous steps.
STEPS = {
    "lenet": {
        "activation": "tanh",
        "pooling": "mean",
        "width": 1,
        "more_convolutions": 0,
        "dropout": 0.0,
        "augment": False,
    },
    "relu": {"activation": "relu"},
    "max_pooling": {"pooling": "max"},
    "wide": {"width": 4},
    "deep": {"more_convolutions": 2},
    "dropout": {"dropout": 0.5},
    "augmentation": {"augment": True},
}


def cumulative_arguments(steps):
    """The arguments of each network: its own change and those of the previous steps."""
    arguments = {}
    variants = {}
    for name, change in steps.items():
        arguments = {**arguments, **change}
        variants[name] = arguments
    return variants


VARIANTS = cumulative_arguments(STEPS)


def load_data(batch_size=64):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9.

    20,000 of CIFAR-10's images to train on.
    """
    splits = ["train[:40%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("cifar10", split=splits, as_supervised=True)
    return cifar10.batches(train, validation, test, batch_size)


def pool(x, kind):
    """Mean or max pooling over 2×2 windows, which halves height and width."""
    if kind == "mean":
        return keras.layers.AveragePooling2D(2)(x)
    return keras.layers.MaxPooling2D(2)(x)


def build_model(
    activation="relu",
    pooling="max",
    width=4,
    more_convolutions=2,
    dropout=0.5,
    augment=True,
    learning_rate=0.001,
    steps=EPOCHS * 313,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 1,047,610 parameters.

    Args:
        activation: "tanh" or "relu".
        pooling: "mean" or "max".
        width: Factor for the channels and units of LeNet-5.
        more_convolutions: Number of 3×3 convolutions after the second 5×5 one.
        dropout: Rate after each of the two dense layers.
        augment: Whether training images are shifted by up to 4 pixels and flipped at random.
        learning_rate: Its initial value, followed by cosine decay to zero.
        steps: Number of training steps.
        classes: Number of classes.
        input_shape: Of the images, from 16 × 16 pixels on.

    Raises:
        ValueError: for smaller images, of which the pools would leave nothing.
    """
    if min(input_shape[:2]) < 16:
        raise ValueError(f"Images must have 16 × 16 pixels. Received: input_shape={input_shape}")
    images = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    if augment:
        x = RandomAffine(translation=4, horizontal_flip=True, interpolation="nearest")(x)
    # 32 × 32 to 28 × 28 to 14 × 14.
    x = keras.layers.Conv2D(6 * width, 5, activation=activation)(x)
    x = pool(x, pooling)
    # 14 × 14 to 10 × 10.
    x = keras.layers.Conv2D(16 * width, 5, activation=activation)(x)
    for _ in range(more_convolutions):
        x = keras.layers.Conv2D(16 * width, 3, padding="same", activation=activation)(x)
    # 5 × 5.
    x = pool(x, pooling)
    x = keras.layers.Flatten()(x)
    for units in (120 * width, 84 * width):
        x = keras.layers.Dense(units, activation=activation)(x)
        if dropout:
            x = keras.layers.Dropout(dropout)(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    model = keras.Model(images, outputs)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "activation": hp.Choice("activation", ["tanh", "relu"], default="relu"),
        "pooling": hp.Choice("pooling", ["mean", "max"], default="max"),
        "width": hp.Int("width", 1, 6, default=4),
        "more_convolutions": hp.Int("more_convolutions", 0, 4, default=2),
        "dropout": hp.Choice("dropout", [0.0, 0.25, 0.5], default=0.5),
        "learning_rate": hp.Float(
            "learning_rate", 0.00025, 0.004, step=2, sampling="log", default=0.001
        ),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def baseline(train, test):
    """Logistic regression on the pixels of 6,400 images."""
    return cifar10.logistic_regression(train, test, count=6_400)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"lenet_to_alexnet_{name}.keras",
            monitor="val_accuracy",
            mode="max",
            save_best_only=True,
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"lenet_to_alexnet_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 6,400 images:", baseline(train, test))


if __name__ == "__main__":
    main()
