"""Vision Transformer on CIFAR-10: an image as a sentence of 64 patches, beside a convolutional network of its size.

Slides: 002 «ViT».
Paper:  Dosovitskiy et al. (2021), An image is worth 16x16 words, https://arxiv.org/abs/2010.11929
Departs from the paper: images of 32×32 in patches of 4×4, 0.1 million weights instead of 86 million, and no training on
300 million other images before. The last is why it loses: a convolution is born knowing that neighbouring pixels belong
together and that an object may stand anywhere; this network is told neither, and must find both in 47,500 images. The
paper needs over 14 million before its Transformers overtake the convolutional networks.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.patch_embedding import PatchEmbedding
from layers.random_affine import RandomAffine
from layers.transformer import TransformerEncoder

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


def transformer(x, width, blocks, patch_size):
    """Patches and a class token through encoder blocks; what the class token has gathered."""
    x = PatchEmbedding(width, patch_size, class_token=True, name="patches")(x)
    for _ in range(blocks):
        x = TransformerEncoder(num_heads=4, ff_dim=2 * width, activation="gelu")(x)
    return keras.layers.LayerNormalization()(x)[:, 0]


def convolutions(x, width):
    """[CONV → BN → ReLU] × 4, the first in steps of two pixels, with two average pools."""
    for filters, size, strides, pool in (
        (width // 2, 4, 2, 1),
        (width, 3, 1, 2),
        (width, 3, 1, 1),
        (width, 3, 1, 2),
    ):
        x = keras.layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        x = keras.layers.AveragePooling2D(pool)(x) if pool > 1 else x
    return keras.layers.Flatten()(x)


def build_model(
    network="vit", width=64, blocks=3, patch_size=4, learning_rate=0.002, steps=EPOCHS * 372
):
    """The compiled network: (32, 32, 3) images to 10 class probabilities. 107,786 parameters; 104,842 as a `cnn`.

    The learning rate climbs for the first fifth of the training `steps`, then falls to zero along a cosine.
    """
    images = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = RandomAffine(horizontal_flip=True, fill_mode="nearest", interpolation="nearest")(x)
    x = transformer(x, width, blocks, patch_size) if network == "vit" else convolutions(x, width)
    model = keras.Model(images, keras.layers.Dense(10, activation="softmax")(x))
    warmup = steps // 5
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=0.01)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "width": hp.Int("width", 32, 128, step=32, default=64),
        "blocks": hp.Int("blocks", 2, 6, default=3),
        "patch_size": hp.Choice("patch_size", [2, 4, 8], default=4),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.004], default=0.002),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = (
        np.concatenate(parts) for parts in zip(*train.take(100).as_numpy_iterator(), strict=True)
    )
    classifier = LogisticRegression(solver="saga", tol=0.1).fit(
        images.reshape(-1, 3072) / np.float32(255), labels
    )
    images, labels = (
        np.concatenate(parts) for parts in zip(*test.as_numpy_iterator(), strict=True)
    )
    return {"accuracy": classifier.score(images.reshape(-1, 3072) / np.float32(255), labels)}


def attention(model, images):
    """Who looks at whom in each block: (blocks, images, heads, 1 + patches, 1 + patches)."""
    x, scores = images, []
    for layer in model.layers[1:]:
        if isinstance(layer, TransformerEncoder):
            x, score = layer(x, return_attention_scores=True)
            scores.append(keras.ops.convert_to_numpy(score))
        elif not scores:
            x = layer(x)
    return np.array(scores)


def rollout(scores):
    """What each vector at the end is made of: (images, 1 + patches, 1 + patches), rows that add up to 1.

    Abnar & Zuidema (2020), https://arxiv.org/abs/2005.00928: the mean of the heads, and half of it what passed by.
    """
    steps = (scores.mean(axis=2) + np.eye(scores.shape[-1])) / 2
    product = steps[0]
    for step in steps[1:]:
        product = step @ product
    return product


def figures(models, test, histories):
    """Where the class token looks, which places are alike, what a patch is measured by, and both networks by class."""
    images, labels = (np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True))
    model = models["vit"]
    patches = model.get_layer("patches")
    size, channels = patches.patch_size, images.shape[-1]
    side = images.shape[1] // size

    guesses = {
        name: network.predict(images, batch_size=500, verbose=0).argmax(-1)
        for name, network in models.items()
    }
    chosen = np.array(
        [np.flatnonzero((labels == label) & (guesses["vit"] == label))[:1] for label in range(10)],
        object,
    )
    chosen = np.array([index for found in chosen for index in found] or [0], int)
    looks = rollout(attention(model, images[chosen].astype("float32")))[:, 0, 1:].reshape(
        -1, side, side
    )
    seen, axes = plt.subplots(2, max(len(chosen), 2), figsize=(13, 3.4), layout="constrained")
    for column, index in zip(axes.T, range(len(chosen)), strict=False):
        for axis in column:
            axis.imshow(images[chosen[index]])
        weights = np.kron(looks[index] / looks[index].max(), np.ones((size, size)))
        column[1].imshow(np.dstack([np.zeros((*weights.shape, 3)), 0.85 * (1 - weights)]))
        column[0].set_title(CLASSES[labels[chosen[index]]], fontsize=10)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[], frame_on=False)
    seen.suptitle("Rightly recognised, and what the class token looked at (bright: more)")

    codes = np.asarray(patches.positions)[1:]
    codes = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    alike = np.full((side, side, side + 1, side + 1), np.nan)
    alike[:, :, :side, :side] = (codes @ codes.T).reshape(side, side, side, side)
    places, axis = plt.subplots(figsize=(7, 6), layout="constrained")
    alike = alike.transpose(0, 2, 1, 3).reshape(side * (side + 1), -1)
    picture = axis.imshow(alike, vmin=-0.5, vmax=0.5)
    axis.set(xticks=[], yticks=[], frame_on=False)
    axis.set_title(
        "One small map for each place: how alike the codes of all\nplaces are to its own. Nobody told who is near"
    )
    places.colorbar(picture, label="cosine", shrink=0.8, extend="both")

    components, strength, _ = np.linalg.svd(np.asarray(patches.kernel))
    filters, axes = plt.subplots(3, 8, figsize=(10, 4.4), layout="constrained")
    for axis, component in zip(axes.flat, components.T, strict=False):
        axis.imshow((0.5 + 0.5 * component / np.abs(component).max()).reshape(size, size, channels))
        axis.set(xticks=[], yticks=[], frame_on=False)
    share = np.sum(strength[:24] ** 2) / np.sum(strength**2)
    filters.suptitle(
        f"What patches are measured by: the first 24 components ({share:.0%}) of {patches.embed_dim} filters"
    )

    by_class, axis = plt.subplots(figsize=(9, 4.2), layout="constrained")
    for shift, (name, guess) in enumerate(guesses.items()):
        found = [
            np.mean(guess[labels == label] == label) if np.any(labels == label) else 0
            for label in range(10)
        ]
        title = (
            f"{name}: {np.mean(guess == labels):.1%}, {models[name].count_params():,} parameters"
        )
        axis.bar(np.arange(10) + 0.4 * shift - 0.2, found, 0.4, label=title)
    axis.set(
        title="At equal size and after equally many images",
        ylabel="found on test images",
        ylim=(0, 1),
    )
    axis.set_xticks(range(10), CLASSES, rotation=30)
    by_class.legend(loc="outside lower center", ncols=2)
    return {"attention": seen, "places": places, "filters": filters, "by_class": by_class}


def main():
    train, validation, test = load_data()
    for name, arguments in VARIANTS.items():
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"vit_{name}.keras")


if __name__ == "__main__":
    main()
