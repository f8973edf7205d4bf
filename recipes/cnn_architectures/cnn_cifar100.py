"""CIFAR-100 by one network with two heads: 100 classes, and the 20 superclasses they belong to.

Slides: 001 «CIFAR-10/100».
Paper:  Krizhevsky (2009), Learning multiple layers of features from tiny images,
        https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf (the data);
        Caruana (1997), Multitask learning, https://doi.org/10.1023/A:1007379606734
Departs from the slide: its 84.15 % for CIFAR-100 belongs to networks a hundred times larger.

Each image has two labels: the fine one is a class such as maple_tree, the coarse one its
superclass, trees. The functional API lets both heads share all convolutions. Each head has its own
loss and metric, and the training minimizes the sum of the losses. The heads may disagree: the
hierarchy of the classes is not built into the network, but learned from the labels.
`deployed.keras` has the fine head only, since a class determines its superclass.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from recipes.common import cifar10
from recipes.common.arrays import to_numpy
from recipes.datasets import cifar100

EPOCHS = cifar10.EPOCHS
OBJECTIVE = ("val_fine_accuracy", "max")
CLASSES = cifar100.CLASSES


def image_and_labels(example):
    """The image, and a target for each of the two heads."""
    return example["image"], {"fine": example["label"], "coarse": example["coarse_label"]}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images with two targets.

    The targets are integers: "fine" from 0 to 99, "coarse" from 0 to 19.
    """
    train, validation, test = tfds.load("cifar100", split=cifar10.SPLITS)
    train = train.map(image_and_labels)
    validation = validation.map(image_and_labels)
    test = test.map(image_and_labels)
    return cifar10.batches(train, validation, test, batch_size)


def conv_bn_relu(x, filters, size=3, strides=1):
    """Convolution, batch normalization and ReLU."""
    x = keras.layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    return keras.layers.ReLU()(x)


def two_heads(x, filters):
    """From images (batch, height, width, 3) to the probabilities of classes and superclasses.

    Args:
        x: The images.
        filters: Channels of the convolutions in the middle.

    Returns:
        Two tensors, (batch, 100) and (batch, 20).
    """
    # Layers that both heads share: 32 × 32 to 16 × 16 by a stride of 2,
    x = conv_bn_relu(x, filters // 2, size=4, strides=2)
    # to 8 × 8,
    x = conv_bn_relu(x, filters)
    x = conv_bn_relu(x, filters)
    x = keras.layers.AveragePooling2D(2)(x)
    # and to 4 × 4.
    x = conv_bn_relu(x, 2 * filters)
    x = conv_bn_relu(x, 2 * filters)
    x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.Flatten()(x)
    # The two heads.
    fine = keras.layers.Dense(100, activation="softmax", name="fine")(x)
    coarse = keras.layers.Dense(20, activation="softmax", name="coarse")(x)
    return fine, coarse


def build_model(
    filters=48,
    coarse_weight=1.0,
    learning_rate=0.01,
    steps=cifar10.STEPS,
):
    """The compiled network: (32, 32, 3) images to two distributions. 342,360 parameters.

    341,736 of them are trainable. The outputs are the probabilities of the classes, "fine"
    (batch, 100), and of the superclasses, "coarse" (batch, 20), whose loss is multiplied by
    `coarse_weight`. The learning rate rises for a quarter of the training `steps`, then decays to
    zero along a cosine.
    """
    images = keras.Input((32, 32, 3))
    fine, coarse = two_heads(cifar10.augmented(images), filters)
    model = keras.Model(images, {"fine": fine, "coarse": coarse})
    warmup = steps // 4
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    model.compile(
        keras.optimizers.Adam(schedule),
        loss={
            "fine": "sparse_categorical_crossentropy",
            "coarse": "sparse_categorical_crossentropy",
        },
        loss_weights={"fine": 1.0, "coarse": coarse_weight},
        metrics={"fine": ["accuracy"], "coarse": ["accuracy"]},
    )
    return model


def deployed(model):
    """The fine head alone: (32, 32, 3) images to 100 class probabilities."""
    return keras.Model(model.input, model.output["fine"])


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "filters": hp.Int("filters", 32, 128, step=16, default=48),
        "coarse_weight": hp.Choice("coarse_weight", [0.0, 0.25, 0.5, 1.0, 2.0], default=1.0),
        "learning_rate": hp.Float(
            "learning_rate", 0.0025, 0.04, step=2, sampling="log", default=0.01
        ),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels of 6,400 images; the class determines the superclass."""
    images, labels = to_numpy(train.unbatch().take(6_400).batch(500))
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(cifar10.pixels(images), labels["fine"])
    images, labels = to_numpy(test)
    found = classifier.predict(cifar10.pixels(images))
    superclasses = np.array(cifar100.superclass_labels())
    return {
        "fine_accuracy": np.mean(found == labels["fine"]),
        "coarse_accuracy": np.mean(superclasses[found] == labels["coarse"]),
    }


def main():
    metric, mode = OBJECTIVE
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "cnn_cifar100.keras", monitor=metric, mode=mode, save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("cnn_cifar100.keras")  # the best epoch
    print("Test:", model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels of 6,400 images:", baseline(train, test))
    deployed(model).save("cnn_cifar100_deployed.keras")


if __name__ == "__main__":
    main()
