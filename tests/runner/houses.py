"""A small recipe with variants and an error as its score, run by its path as a user's own file is.

Slides: none.
"""

import keras
import tensorflow as tf
import tensorflow_datasets as tfds

EPOCHS = 4
VARIANTS = {
    "line": {"units": 0},
    "hidden": {"units": 4},
    "wild": {"units": 4, "learning_rate": 2.0},
}


def load_data(batch_size=32):
    """Train, validation, test batches of latitude, longitude, age, and price in 100,000 dollars."""
    splits = ["train[:10%]", "train[10%:15%]", "train[15%:20%]"]
    train, validation, test = tfds.load("california_housing", split=splits)

    def columns(row):
        place = [row["latitude"] / 40, row["longitude"] / 120, row["housing_median_age"] / 40]
        return tf.stack([tf.cast(value, "float32") for value in place]), row[
            "median_house_value"
        ] / 1e5

    def batches(rows):
        return rows.map(columns).batch(batch_size)

    return batches(train), batches(validation), batches(test)


def build_model(units=4, activation="relu", learning_rate=0.05):
    """The compiled network, with a layer of its own."""
    layers = [keras.layers.Dense(units, activation=activation)] if units else []
    model = keras.Sequential([keras.Input((3,)), *layers, Doubled(), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(learning_rate), loss="mse", metrics=["mae"])
    return model


@keras.saving.register_keras_serializable(package="houses")
class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x


def search_space(hp):
    return {"units": hp.Int("units", 2, 6, step=2, default=4)}


def baseline(train, test):
    """The mean price."""
    prices = [float(y) for _, batch in train.as_numpy_iterator() for y in batch.reshape(-1)]
    mean = sum(prices) / len(prices)
    errors = [
        abs(float(y) - mean) for _, batch in test.as_numpy_iterator() for y in batch.reshape(-1)
    ]
    return {"mae": sum(errors) / len(errors)}


def main():
    """The first variant."""
    train, validation, test = load_data()
    model = build_model()
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
    print(model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))
