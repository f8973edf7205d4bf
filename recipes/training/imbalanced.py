"""Imbalanced classes: class weights and a moved threshold, for the most expensive 5 % of districts.

Slides: 001 «Capas de salida dependiendo de la tarea» (binary classification).
Paper:  Elkan (2001), The foundations of cost-sensitive learning,
        https://cseweb.ucsd.edu/~elkan/rescale.pdf;
        Pace & Barry (1997), https://doi.org/10.1016/S0167-7152(96)00140-X (the data)
Departs from the slides: they show the head for two classes, but not imbalanced ones.

Is the median house of a district in California (1990) worth half a million dollars, the maximum of
the data? This is the case in one district of 21. A network with an accuracy of 95 % may find none
of them, so accuracy is not informative here. Recall is the share of the rare class that is found;
precision is the share of predicted rare districts that are rare.

`weighted` gives each rare district the weight of twenty others, as does
`fit(…, class_weight={0: 1, 1: 20})` (tested). The odds that it learns are twenty times too high:
where they are 1, the true probability is 1/21. So the plain network with the threshold 1/21 instead
of 1/2 (`moved_threshold`) makes about the same decisions, needs no new training, and keeps its
probabilities calibrated. Average precision is computed over all thresholds: it is the same for
`plain` and `moved_threshold`, which are the same network, and slightly lower with weights.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_score, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import recipes.datasets.california_housing  # noqa: F401 (registers the data set)
from layers.fill_missing import FillMissing
from recipes.common.arrays import to_numpy

EPOCHS = 15
OBJECTIVE = ("val_average_precision", "max")
CLASSES = ["below the ceiling", "at the ceiling"]
CEILING = 500_000  # dollars; higher prices are clipped in the data
WEIGHT = 20  # of the rare class: about the number of other districts for each rare one
VARIANTS = {
    "plain": {},
    "weighted": {"weight": WEIGHT},
    "moved_threshold": {"threshold": 1 / (1 + WEIGHT)},
}


def features_and_label(district):
    """A district as 15 numbers, and 1 if its median house is at the ceiling, else 0."""
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
    return features, tf.cast(district["median_house_value"] >= CEILING, "int32")


def load_data(batch_size=128, weight=1):
    """Train, validation and test batches of (15,) numbers and integer labels, 1 for the rare class.

    Missing numbers are NaN. If `weight` is not 1, training batches have sample weights as a third
    element: `weight` for examples of the rare class, 1 for the others.
    """

    def with_weight(features, label):
        return features, label, tf.where(label == 1, float(weight), 1.0)

    splits = ["train[:70%]", "train[70%:80%]", "train[80%:]"]
    train, validation, test = tfds.load("california_housing", split=splits)
    train = train.map(features_and_label)
    if weight != 1:
        train = train.map(with_weight)
    train = train.cache().shuffle(15_000).batch(batch_size)
    validation = validation.map(features_and_label).batch(1000).cache()
    test = test.map(features_and_label).batch(1000).cache()
    return train, validation, test


def build_model(
    threshold=0.5,
    units=64,
    dropout=0.1,
    learning_rate=0.003,
    steps=EPOCHS * 113,
    train=None,
):
    """The compiled network: (15,) numbers to the probability of the rare class. 5,249 parameters.

    The features are normalized by their means and variances in `train` (by default from
    `load_data`). Recall, precision and accuracy are computed with the `threshold`.
    """
    if train is None:
        train, _, _ = load_data()
    table = to_numpy(train)[0]
    mean = np.nanmean(table, axis=0)
    variance = np.nanvar(table, axis=0)
    model = keras.Sequential(
        [
            keras.Input((table.shape[1],), dtype="float32"),
            FillMissing(mean, dtype="float32"),
            keras.layers.Normalization(mean=mean, variance=variance, dtype="float32"),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="binary_crossentropy",
        metrics=[
            keras.metrics.AUC(curve="PR", name="average_precision"),
            keras.metrics.Recall(threshold, name="recall"),
            keras.metrics.Precision(threshold, name="precision"),
            keras.metrics.BinaryAccuracy("accuracy", threshold=threshold),
        ],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "weight": hp.Choice("weight", [1, 2, 5, 10, 20, 50], default=1),
        "units": hp.Choice("units", [16, 32, 64, 128], default=64),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=0.1),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01], default=0.003),
    }


def baseline(train, test):
    """Logistic regression, called rare above 1/2."""
    table, labels = to_numpy(train)[:2]
    mean = np.nanmean(table, axis=0)
    regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    regression.fit(np.where(np.isnan(table), mean, table), labels)
    table, labels = to_numpy(test)
    probability = regression.predict_proba(np.where(np.isnan(table), mean, table))[:, 1]
    average_precision = keras.metrics.AUC(curve="PR")  # as for the network
    average_precision.update_state(labels, probability)
    return {
        "average_precision": float(average_precision.result()),
        "recall": recall_score(labels, probability > 0.5),
        "precision": precision_score(labels, probability > 0.5, zero_division=0),
        "accuracy": np.mean((probability > 0.5) == labels),
    }


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data(weight=arguments.get("weight", 1))
        threshold = arguments.get("threshold", 0.5)
        model = build_model(threshold, train=train, steps=EPOCHS * len(train))
        path = f"imbalanced_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_average_precision", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Logistic regression, called rare above 1/2:", baseline(train, test))


if __name__ == "__main__":
    main()
