"""AutoML for tables: which network and hyperparameters predict a house's price class?

Slides: 000 «AutoML», 003 «AutoML».
Paper:  Gorishniy et al. (2021), https://arxiv.org/abs/2106.11959 (residual and attention networks
        for tables); Pace & Barry (1997), https://doi.org/10.1016/S0167-7152(96)00140-X (the data)
Departs from Gorishniy et al.: the mean over the features replaces their class token.

Four kinds of networks are trained on the same table: linear, multilayer perceptron (MLP), residual
MLP, and attention among the features (a small FT-Transformer). `main()` trains each with its
default hyperparameters: a leaderboard without any search. `search_space` also includes the kind;
hyperparameters that only some kinds have are conditional: a trial only has those of its kind. The
search starts with the first variant, so its validation score cannot end below that variant's.

To search on your own table (a CSV whose last column, or `label`, is the class or the number to
predict) for an hour, with an ensemble of the five best trials; on a GPU with `--device gpu`:

    make tune-automl-table ARGS="--data mine.csv --time-limit 1h --ensemble 5"

It ends with the best network and the Python code that builds it. Compare it with gradient
boosting: on tables, trees are hard to beat, and they train in seconds.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

import recipes.datasets.california_housing  # noqa: F401 (registers the data set)
from layers.fill_missing import FillMissing
from layers.transformer import TransformerEncoder
from recipes.common.arrays import to_numpy

EPOCHS = 15
LIMITS = [120_000, 180_000, 265_000]  # dollars, boundaries of four classes of about the same size
CLASSES = ["below $120,000", "to $180,000", "to $265,000", "above"]
VARIANTS = {
    "mlp": {"kind": "mlp"},
    "linear": {"kind": "linear", "learning_rate": 0.03},
    "residual": {"kind": "residual"},
    "attention": {"kind": "attention"},
}


def features_and_class(district):
    """A district as 15 numbers, location first, and the class of its median price."""
    rooms = district["total_rooms"]
    people = district["population"]
    households = district["households"]
    numbers = [
        district["longitude"],
        district["latitude"],
        district["housing_median_age"],
        tf.math.log(district["median_income"]),
        tf.math.log(rooms / households),
        tf.math.log(district["total_bedrooms"] / rooms),
        tf.math.log(people / households),
        tf.math.log(rooms),
        tf.math.log(people),
        tf.math.log(households),
    ]
    ocean = tf.one_hot(district["ocean_proximity"], 5)
    features = tf.concat([tf.stack(numbers), ocean], axis=0)  # (15,)
    reached = district["median_house_value"] >= tf.constant(LIMITS, "float32")
    return features, tf.reduce_sum(tf.cast(reached, "int32"))


def load_data(batch_size=128):
    """Train, validation and test batches of (15,) numbers and integer labels 0–3.

    Missing numbers are NaN.
    """
    splits = ["train[:70%]", "train[70%:80%]", "train[80%:]"]
    train, validation, test = tfds.load("california_housing", split=splits)
    train = train.map(features_and_class).cache().shuffle(15_000).batch(batch_size)
    validation = validation.map(features_and_class).batch(1000).cache()
    test = test.map(features_and_class).batch(1000).cache()
    return train, validation, test


def periodic_features(x, sinusoids, scale):
    """Append sines and cosines of learned multiples of each number: (batch, columns) to more."""
    # (batch, columns, sinusoids)
    angles = keras.layers.EinsumDense(
        "bc,cs->bcs",
        output_shape=(x.shape[-1], sinusoids),
        kernel_initializer=keras.initializers.RandomNormal(stddev=scale),
        dtype="float32",
    )(x)
    sines = keras.layers.Flatten()(keras.ops.sin(angles))
    cosines = keras.layers.Flatten()(keras.ops.cos(angles))
    return keras.layers.Concatenate()([x, sines, cosines])


def mlp_network(x, units, depth, dropout, batch_norm):
    """Hidden layers of ReLU units, each with dropout and, optionally, batch normalization."""
    for _ in range(depth):
        x = keras.layers.Dense(units)(x)
        if batch_norm:
            x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.Dropout(dropout)(x)
    return x


def residual_network(x, units, depth, dropout, batch_norm):
    """Blocks of two layers, the first twice as wide, each with a skip connection around it."""
    x = keras.layers.Dense(units)(x)
    for _ in range(depth):
        y = keras.layers.BatchNormalization()(x) if batch_norm else x
        y = keras.layers.Dense(2 * units, activation="relu")(y)
        y = keras.layers.Dropout(dropout)(y)
        y = keras.layers.Dense(units)(y)
        x = keras.layers.Add()([x, y])
    return keras.layers.ReLU()(x)


def attention_network(x, embed_dim, depth, dropout):
    """A Transformer encoder over the features: each becomes a token that attends to the others."""
    columns = x.shape[-1]
    # The number in each column times a vector of weights, plus a vector of biases:
    # (batch, columns, embed_dim).
    tokenize = keras.layers.EinsumDense(
        "bc,cd->bcd", output_shape=(columns, embed_dim), bias_axes="cd"
    )
    x = tokenize(x)
    for _ in range(depth):
        x = TransformerEncoder(num_heads=4, ff_dim=2 * embed_dim, dropout=dropout)(x)
    x = keras.layers.LayerNormalization()(x)
    return keras.layers.GlobalAveragePooling1D()(x)  # (batch, embed_dim)


def build_model(
    kind="mlp",
    units=128,
    embed_dim=32,
    depth=2,
    dropout=0.1,
    batch_norm=False,
    sinusoids=0,
    scale=3.0,
    learning_rate=0.003,
    schedule="cosine",
    weight_decay=0.01,
    steps=EPOCHS * 113,
    train=None,
    classes=4,
):
    """The compiled network of a kind: (15,) numbers to 4 class probabilities.

    As an `mlp` 19,076 parameters, `linear` 64, `residual` 134,404, `attention` 17,988.

    The features are normalized by their means and variances in `train` (by default from
    `load_data`). `sinusoids` appends sines and cosines of learned multiples of each feature:
    with these the linear network is a sum of smooth functions of single features. The `attention`
    network does not use them: each would be one more token. `schedule` is "cosine" or "constant".
    With `classes=None` the network predicts a number: its targets are (1,), best standardized.
    """
    if train is None:
        train, _, _ = load_data()
    table, _ = to_numpy(train)
    mean = np.nanmean(table, axis=0)
    variance = np.nanvar(table, axis=0)

    inputs = keras.Input((len(mean),), dtype="float32")
    x = FillMissing(mean, dtype="float32")(inputs)
    x = keras.layers.Normalization(mean=mean, variance=variance, dtype="float32")(x)
    if sinusoids and kind != "attention":
        x = periodic_features(x, sinusoids, scale)
    if kind == "mlp":
        x = mlp_network(x, units, depth, dropout, batch_norm)
    elif kind == "residual":
        x = residual_network(x, units, depth, dropout, batch_norm)
    elif kind == "attention":
        x = attention_network(x, embed_dim, depth, dropout)
    elif kind != "linear":  # which is an output layer alone
        raise ValueError(f"kind is one of {', '.join(VARIANTS)}, and not {kind!r}")
    if classes is None:
        outputs = keras.layers.Dense(1)(x)
        loss, metric = "mse", keras.metrics.R2Score(name="r2")
    else:
        outputs = keras.layers.Dense(classes, activation="softmax")(x)
        loss, metric = "sparse_categorical_crossentropy", "accuracy"
    model = keras.Model(inputs, outputs)

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
    kind = hp.Choice("kind", ["mlp", "linear", "residual", "attention"], default="mlp")
    values = {
        "kind": kind,
        "learning_rate": hp.Float("learning_rate", 3e-4, 3e-2, sampling="log", default=0.003),
        "schedule": hp.Choice("schedule", ["cosine", "constant"], default="cosine"),
        "weight_decay": hp.Choice("weight_decay", [0.0, 0.001, 0.01, 0.1], default=0.01),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
        "class_weights": hp.Choice("class_weights", ["none", "balanced"], default="none"),
    }
    with hp.conditional_scope("kind", ["mlp", "linear", "residual"]):
        sinusoids = hp.Choice("sinusoids", [0, 4, 8, 16], default=0)
        with hp.conditional_scope("sinusoids", [4, 8, 16]):
            scale = hp.Choice("scale", [0.3, 1.0, 3.0, 10.0], default=3.0)
    if kind != "attention":
        values["sinusoids"] = sinusoids
        if sinusoids:
            values["scale"] = scale
    with hp.conditional_scope("kind", ["mlp", "residual", "attention"]):
        deep = {
            "depth": hp.Int("depth", 1, 4, default=2),
            "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.5], default=0.1),
        }
    if kind != "linear":
        values |= deep
    with hp.conditional_scope("kind", ["mlp", "residual"]):
        dense = {
            "units": hp.Choice("units", [32, 64, 128, 256], default=128),
            "batch_norm": hp.Boolean("batch_norm", default=False),
        }
    if kind in ("mlp", "residual"):
        values |= dense
    with hp.conditional_scope("kind", ["attention"]):
        embed_dim = hp.Choice("embed_dim", [16, 32, 64], default=32)
    if kind == "attention":
        values["embed_dim"] = embed_dim
    return values


def baseline(train, test):
    """Gradient boosting (scikit-learn's HistGradientBoosting).

    200 trees for each class, or for a number.
    """
    features, targets = to_numpy(train)
    is_number = targets.dtype.kind == "f"
    kind = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    model = kind(max_iter=200, random_state=0, early_stopping=False)
    model.fit(features, targets.ravel())
    features, targets = to_numpy(test)
    return {"r2" if is_number else "accuracy": model.score(features, targets.ravel())}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, train=train, steps=EPOCHS * len(train))
        path = f"automl_table_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Gradient boosting:", baseline(train, test))


if __name__ == "__main__":
    main()
