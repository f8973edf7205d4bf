"""PReLU network: 30 plain layers with learned slopes or ReLU, He initialization or Glorot's.

Slides: 000 «PReLU-nets (MSR) @ 2015».
Paper:  He et al. (2015), Delving Deep into Rectifiers: Surpassing Human-Level Performance on
        ImageNet Classification, https://arxiv.org/abs/1502.01852
Departs from the paper: its section 2.2 compares He and Glorot initialization in a ReLU network of
27 convolutions and 3 dense layers. Here the same depth is trained on CIFAR-10, with narrower
layers, and also with PReLU. The paper compares PReLU with ReLU in networks of 14 and 19 layers;
here both have 30. Unlike the other architectures it trains with SGD and momentum, as in the paper:
Adam divides each gradient by its size, and would hide that the gradients of 30 layers vanish. The
error of 4.94 % on ImageNet is that of an ensemble of six large networks.
"""

import keras
import tensorflow_datasets as tfds

from recipes.common import cifar10

EPOCHS = cifar10.EPOCHS
CLASSES = cifar10.CLASSES
VARIANTS = {
    "he_prelu": {"activation": "prelu", "initialization": "he"},
    "he_relu": {"activation": "relu", "initialization": "he"},
    "glorot_prelu": {"activation": "prelu", "initialization": "glorot"},
}
STAGE = 9  # convolutions of each of the three stages
SLOPE = 0.25  # of PReLU for negative values, before training


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def initializer(initialization, activation):
    """The initializer of a layer's weights, He or Glorot.

    He: variance 2 / ((1 + a²) n) for n inputs, where a is the slope for negative values: ReLU
    halves the mean square of its input, and the factor 2 compensates for it. Glorot: 2 / (n + m)
    for m outputs, which is 1 / n for n = m, derived for linear layers.
    """
    if initialization == "glorot":
        return keras.initializers.GlorotNormal()
    slope = SLOPE if activation == "prelu" else 0.0
    return keras.initializers.VarianceScaling(2 / (1 + slope**2), mode="fan_in")


def activate(x, activation):
    """ReLU, or PReLU with one learned slope for each channel."""
    if activation == "relu":
        return keras.layers.ReLU()(x)
    places = list(range(1, len(x.shape) - 1))  # height and width of images, none for vectors
    return keras.layers.PReLU(
        alpha_initializer=keras.initializers.Constant(SLOPE), shared_axes=places
    )(x)


def prelu_net(x, classes=10, filters=12, activation="prelu", initialization="he"):
    """From images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        filters: Channels of the first stage.
        activation: "prelu" or "relu".
        initialization: "he" or "glorot".
    """
    # 27 convolutions in three stages: 16 × 16, 8 × 8 and 4 × 4 pixels.
    for channels in (filters, 2 * filters, 4 * filters):
        for position in range(STAGE):
            x = keras.layers.Conv2D(
                channels,
                3,
                strides=2 if position == 0 else 1,
                padding="same",
                kernel_initializer=initializer(initialization, activation),
            )(x)
            x = activate(x, activation)
    # 3 dense layers.
    x = keras.layers.Flatten()(x)
    for _ in range(2):
        x = keras.layers.Dense(
            16 * filters, kernel_initializer=initializer(initialization, activation)
        )(x)
        x = activate(x, activation)
    return keras.layers.Dense(classes, activation="softmax")(x)


def build_model(
    activation="prelu",
    initialization="he",
    filters=12,
    learning_rate=0.02,
    steps=cifar10.STEPS,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 419,542 parameters.

    With ReLU 418,402. Learning-rate schedule: linear warmup for the first quarter of the training
    `steps`, then cosine decay to zero.
    """
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    model = keras.Model(images, prelu_net(x, classes, filters, activation, initialization))
    warmup = steps // 4
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.SGD(schedule, momentum=0.9),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "initialization": hp.Choice("initialization", ["glorot", "he"], default="he"),
        "filters": hp.Choice("filters", [8, 12, 16, 24], default=12),
        "learning_rate": hp.Float(
            "learning_rate", 0.005, 0.08, step=2, sampling="log", default=0.02
        ),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels of 12,800 images."""
    return cifar10.logistic_regression(train, test)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"prelu_net_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"prelu_net_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()
