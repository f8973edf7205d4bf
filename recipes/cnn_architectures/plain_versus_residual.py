"""Plain versus residual networks: with depth, the training loss of plain ones rises (degradation).

Slides: 001 «Revolution of Depth», «Evolución del número de capas»,
        «Conceptos avanzados: más capas mejora el test», 002 «Revolution of Depth».
Paper:  He et al. (2015), Deep Residual Learning for Image Recognition, figures 1, 4 and 6,
        https://arxiv.org/abs/1512.03385
Departs from the paper: its networks for CIFAR-10 with half the channels (8, 16, 32) on images of
half the size, trained for a few epochs on two fifths of the images without data augmentation, so
that all eight take about 5 CPU minutes. The question is whether a deeper network can be trained as
well as a shallow one, so the training loss is compared. The shortcuts have no parameters: a plain
and a residual network of the same depth differ only in the additions.
"""

import keras
import tensorflow as tf
import tensorflow_datasets as tfds

from recipes.common import cifar10

EPOCHS = 4
VARIANTS = {
    "plain_8": {"blocks": 1, "residual": False},
    "plain_14": {"blocks": 2, "residual": False},
    "plain_20": {"blocks": 3, "residual": False},
    "plain_32": {"blocks": 5, "residual": False},
    "residual_8": {"blocks": 1, "residual": True},
    "residual_14": {"blocks": 2, "residual": True},
    "residual_20": {"blocks": 3, "residual": True},
    "residual_32": {"blocks": 5, "residual": True},
}


def load_data(batch_size=64):
    """Train, validation and test batches of (16, 16, 3) images from 0 to 255 and labels 0–9."""
    splits = ["train[:40%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("cifar10", split=splits, as_supervised=True)
    return cifar10.batches(train.map(halve), validation.map(halve), test.map(halve), batch_size)


def halve(image, label):
    """Halves height and width by means of 2 × 2 pixels."""
    image = tf.cast(image, "float32")
    return tf.nn.avg_pool2d(image[None], 2, 2, "VALID")[0], label


def conv_bn(x, filters, strides=1):
    """A 3×3 convolution and batch normalization."""
    x = keras.layers.Conv2D(
        filters,
        3,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
    return keras.layers.BatchNormalization()(x)


def block(x, filters, strides, residual):
    """Two convolutions; a residual block also adds its input, which is the only difference."""
    inputs = x
    x = conv_bn(x, filters, strides)
    x = keras.layers.ReLU()(x)
    x = conv_bn(x, filters)
    if residual:
        if strides > 1:
            # Every second pixel, and zeros for the channels that the input lacks.
            inputs = keras.layers.MaxPooling2D(1, strides=strides)(inputs)
            missing = filters - inputs.shape[-1]
            inputs = keras.ops.pad(inputs, ((0, 0), (0, 0), (0, 0), (0, missing)))
        x = keras.layers.Add()([x, inputs])
    return keras.layers.ReLU()(x)


def build_model(
    blocks=3,
    residual=True,
    filters=8,
    learning_rate=0.01,
    steps=EPOCHS * 313,
    classes=10,
    input_shape=(16, 16, 3),
):
    """The compiled network: (16, 16, 3) images to 10 class probabilities. 68,738 parameters.

    68,050 of them are trainable. It has 6 × `blocks` + 2 layers.
    """
    images = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = conv_bn(x, filters)
    x = keras.layers.ReLU()(x)
    # Stages: 16 × 16 × 8, 8 × 8 × 16, 4 × 4 × 32.
    for stage in range(3):
        for number in range(blocks):
            strides = 2 if stage > 0 and number == 0 else 1
            x = block(x, filters * 2**stage, strides, residual)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(classes, activation="softmax")(x)
    model = keras.Model(images, x)
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "filters": hp.Int("filters", 4, 32, step=4, default=8),
        "learning_rate": hp.Float(
            "learning_rate", 0.0025, 0.04, step=2, sampling="log", default=0.01
        ),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def baseline(train, test):
    """Logistic regression on the pixels of 6,400 images."""
    return cifar10.logistic_regression(train, test, count=6_400)


def further_scores(model, test, history):
    """The training loss of the last epoch, which shows whether depth makes training harder."""
    return {"training_loss": history["loss"][-1]}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"plain_versus_residual_{name}.keras",
            monitor="val_accuracy",
            mode="max",
            save_best_only=True,
        )
        history = model.fit(
            train,
            validation_data=validation,
            epochs=EPOCHS,
            shuffle=False,
            callbacks=[best],
        )
        model = keras.saving.load_model(f"plain_versus_residual_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        print(name, further_scores(model, test, history.history))
    print("Logistic regression on the pixels of 6,400 images:", baseline(train, test))


if __name__ == "__main__":
    main()
