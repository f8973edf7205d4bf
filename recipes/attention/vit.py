"""Vision Transformer (ViT) on CIFAR-10: an image as 64 patches, beside a CNN of about its size.

Slides: 002 «ViT».
Paper:  Dosovitskiy et al. (2021), An image is worth 16x16 words, https://arxiv.org/abs/2010.11929
Departs from the paper: images of 32×32 in patches of 4×4, 0.1 million parameters instead of 86
million, and no pretraining on 300 million other images. Without pretraining it is less accurate
than the CNN. A convolution has two assumptions built in: neighboring pixels belong together, and an
object may be anywhere. This network must learn both from 47,500 images. In the paper, Transformers
need over 14 million images to surpass convolutional networks.

A class token gathers information from all patches for the classifier. Abnar & Zuidema's attention
rollout computes an attention map of the patches that contribute to it.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.patch_embedding import PatchEmbedding
from layers.random_affine import RandomAffine
from layers.transformer import TransformerEncoder
from recipes.common.arrays import to_numpy

EPOCHS = 5
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
VARIANTS = {
    "vit": {"network": "vit", "learning_rate": 0.002},
    "cnn": {"network": "cnn", "learning_rate": 0.01},
}


def load_data(batch_size=128):
    """Train, validation and test batches of (32, 32, 3) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("cifar10", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def vit_features(x, embed_dim, depth, patch_size):
    """The class token after encoder blocks over patches and class token: (batch, embed_dim)."""
    _, height, width, _ = x.shape
    rest = ((0, -height % patch_size), (0, -width % patch_size))  # to whole patches
    x = keras.layers.ZeroPadding2D(rest)(x)
    x = PatchEmbedding(embed_dim, patch_size, class_token=True, name="patches")(x)
    # (batch, 1 + patches, embed_dim), the class token first
    for _ in range(depth):
        x = TransformerEncoder(num_heads=4, ff_dim=2 * embed_dim, activation="gelu")(x)
    x = keras.layers.LayerNormalization()(x)
    return x[:, 0]


def convolution(x, filters, kernel_size, strides=1):
    """CONV → BN → ReLU."""
    x = keras.layers.Conv2D(filters, kernel_size, strides, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    return keras.layers.ReLU()(x)


def cnn_features(x, filters):
    """Four convolutions, the first with a stride of 2, and two average pools."""
    x = convolution(x, filters // 2, kernel_size=4, strides=2)  # (batch, 16, 16, filters / 2)
    x = convolution(x, filters, kernel_size=3)
    x = keras.layers.AveragePooling2D(2)(x)  # (batch, 8, 8, filters)
    x = convolution(x, filters, kernel_size=3)
    x = convolution(x, filters, kernel_size=3)
    x = keras.layers.AveragePooling2D(2)(x)  # (batch, 4, 4, filters)
    return keras.layers.Flatten()(x)


def build_model(
    network="vit",
    embed_dim=64,
    depth=3,
    patch_size=4,
    filters=64,
    learning_rate=0.002,
    steps=EPOCHS * 372,
    classes=10,
    input_shape=(32, 32, 3),
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities.

    107,786 parameters with `embed_dim`, `depth` and `patch_size`; 104,842 as a `cnn` with
    `filters`. Learning-rate schedule: linear warmup for the first fifth of the training `steps`,
    then cosine decay to zero.
    """
    images = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = RandomAffine(horizontal_flip=True, fill_mode="nearest", interpolation="nearest")(x)
    if network == "vit":
        x = vit_features(x, embed_dim, depth, patch_size)
    else:
        x = cnn_features(x, filters)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    model = keras.Model(images, outputs)
    warmup = steps // 5
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=0.01)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning, at the recipe's own defaults."""
    return {
        "embed_dim": hp.Int("embed_dim", 32, 128, step=32, default=64),
        "depth": hp.Int("depth", 2, 6, default=3),
        "patch_size": hp.Choice("patch_size", [2, 4, 8], default=4),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.004], default=0.002),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels of 12,800 images."""
    images, labels = to_numpy(train.unbatch().take(12_800).batch(500))
    pixels = images.reshape(len(images), -1) / np.float32(255)
    classifier = LogisticRegression(solver="saga", tol=0.1).fit(pixels, labels)
    images, labels = to_numpy(test)
    pixels = images.reshape(len(images), -1) / np.float32(255)
    return {"accuracy": classifier.score(pixels, labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"vit_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"vit_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression:", baseline(train, test))


if __name__ == "__main__":
    main()
