"""VGG-11 to VGG-19: stacks of 3×3 convolutions, deeper by configuration, the filters doubling.

Slides: 001 «Número de capas: ¿qué es una capa?», 001 «VGG16 (2014)», 003 «VGG».
Paper:  Simonyan & Zisserman (2015), Very Deep Convolutional Networks for Large-Scale Image
        Recognition, https://arxiv.org/abs/1409.1556
Departs from the paper: for the 32×32 images of CIFAR-10 the layers are narrower; data augmentation
and optimizer are those of all architectures here. The paper trained the deeper networks starting
from the weights of configuration A; He's initialization makes that unnecessary. At any size,
the last ReLU of a stage comes after the pool, which leaves it a quarter of the values; in the paper
it comes before. The outputs are exactly the same, since the largest value remains the largest.
Two rows of the slide are swapped: 138 million parameters and 8.8 % errors are VGG-16's, 144 million
and 9.0 % are VGG-19's.

At full width, for 224×224 images and 1000 classes, the parameters are those of the paper's table 2:
A 132,863,336, A-LRN the same, B 133,047,848, C 133,638,952, D 138,357,544, E 143,667,240. The
weights of `keras.applications.VGG16` and `VGG19` fit D and E: `recipes.common.imagenet`.
"""

import keras
import tensorflow_datasets as tfds

from layers.local_response_normalization import LocalResponseNormalization
from recipes.common import cifar10

EPOCHS = 10  # of less work than the other networks', of which 8 take as long
CLASSES = cifar10.CLASSES
# Filters of the five stages (table 1).
FILTERS = [64, 128, 256, 512, 512]
# Kernel sizes of each stage's convolutions.
CONFIGURATIONS = {
    "A": [[3], [3], [3, 3], [3, 3], [3, 3]],  # 11 layers, with the three dense ones
    "A-LRN": [[3, "LRN"], [3], [3, 3], [3, 3], [3, 3]],  # 11
    "B": [[3, 3], [3, 3], [3, 3], [3, 3], [3, 3]],  # 13
    "C": [[3, 3], [3, 3], [3, 3, 1], [3, 3, 1], [3, 3, 1]],  # 16
    "D": [[3, 3], [3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]],  # 16
    "E": [[3, 3], [3, 3], [3, 3, 3, 3], [3, 3, 3, 3], [3, 3, 3, 3]],  # 19
}
# Narrowed to equal training cost.
VARIANTS = {
    "vgg11": {"configuration": "A", "width": 0.25},
    "vgg11_lrn": {"configuration": "A-LRN", "width": 0.25},
    "vgg16": {"configuration": "D", "width": 0.15625},
}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = tfds.load("cifar10", split=cifar10.SPLITS, as_supervised=True)
    return cifar10.batches(*splits, batch_size)


def vgg(x, classes=1000, width=1.0, configuration="D"):
    """From images to class probabilities.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        classes: Number of classes.
        width: Factor for the number of channels and units of each layer.
        configuration: A column of the paper's table: a key of `CONFIGURATIONS`.
    """
    # Five stages: 224 × 224 to 112, 56, 28, 14 and 7 × 7.
    for filters, stage in zip(FILTERS, CONFIGURATIONS[configuration], strict=True):
        for number, size in enumerate(stage, start=1):
            if size == "LRN":
                x = LocalResponseNormalization()(x)
            else:
                x = keras.layers.Conv2D(
                    int(filters * width),
                    size,
                    padding="same",
                    activation="relu" if number < len(stage) else None,
                    kernel_initializer="he_normal",
                )(x)
        # "same", for the last row and column of odd sizes: small images still have one pixel left.
        x = keras.layers.MaxPooling2D(2, padding="same")(x)
        # The ReLU of the stage's last convolution; if LRN follows that, nothing is negative here.
        x = keras.layers.ReLU()(x)
    # Three dense layers: from 7 × 7 × 512 values to 4096, 4096 and the classes.
    x = keras.layers.Flatten()(x)
    for _ in range(2):
        x = keras.layers.Dense(
            int(4096 * width), activation="relu", kernel_initializer="he_normal"
        )(x)
        x = keras.layers.Dropout(0.5)(x)
    return keras.layers.Dense(classes, activation="softmax")(x)


def build_functional(configuration="A", width=0.25, classes=10, input_shape=(32, 32, 3)):
    """The small network as a chain of function calls, from images to probabilities."""
    images = keras.Input(input_shape)
    x = cifar10.augmented(images)
    return keras.Model(images, vgg(x, classes, width, configuration))


def build_sequential(configuration="A", width=0.25, classes=10, input_shape=(32, 32, 3)):
    """The same network as a list of layers."""
    model = keras.Sequential([keras.Input(input_shape)])
    # The augmentation is a chain of function calls, so it becomes one layer of the list.
    images = keras.Input(input_shape)
    model.add(keras.Model(images, cifar10.augmented(images)))
    # Five stages: 32 × 32 to 16, 8, 4, 2 and 1 × 1.
    for filters, stage in zip(FILTERS, CONFIGURATIONS[configuration], strict=True):
        for number, size in enumerate(stage, start=1):
            if size == "LRN":
                model.add(LocalResponseNormalization())
            else:
                model.add(
                    keras.layers.Conv2D(
                        int(filters * width),
                        size,
                        padding="same",
                        activation="relu" if number < len(stage) else None,
                        kernel_initializer="he_normal",
                    )
                )
        model.add(keras.layers.MaxPooling2D(2, padding="same"))
        model.add(keras.layers.ReLU())
    # Three dense layers.
    model.add(keras.layers.Flatten())
    for _ in range(2):
        model.add(
            keras.layers.Dense(int(4096 * width), activation="relu", kernel_initializer="he_normal")
        )
        model.add(keras.layers.Dropout(0.5))
    model.add(keras.layers.Dense(classes, activation="softmax"))
    return model


def build_model(
    api="functional",
    configuration="A",
    width=0.25,
    learning_rate=0.001,
    steps=EPOCHS * 372,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 1,769,066 parameters."""
    builders = {"functional": build_functional, "sequential": build_sequential}
    model = builders[api](configuration, width, classes, input_shape)
    cifar10.compile_classifier(model, learning_rate, steps)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "configuration": hp.Choice("configuration", list(CONFIGURATIONS), default="A"),
        "width": hp.Choice("width", [0.125, 0.1875, 0.25, 0.375], default=0.25),
        "learning_rate": hp.Float(
            "learning_rate", 0.00025, 0.004, step=2, sampling="log", default=0.001
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
            f"vgg_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"vgg_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 12,800 images:", baseline(train, test))


if __name__ == "__main__":
    main()
