"""A recipe small enough to train hundreds of times in tests, with all that makes resuming hard.

Slides: none.
"""

import keras
import numpy as np
import tensorflow as tf

EPOCHS = 5


def load_data(batch_size=50):
    """Train, validation and test batches of 4 numbers and the class they belong to, 0 or 1."""
    x = np.random.default_rng(0).normal(size=(320, 4)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((x, (x[:, 0] * x[:, 1] > 0).astype("int32")))
    train = data.take(100).shuffle(100).batch(batch_size)
    return train, data.skip(200).take(60).batch(30), data.skip(260).batch(30)


def build_model(units=8, rate=0.3, learning_rate=0.05):
    """Dropout has a random state, batch normalization averages, Adam moments: all must survive."""
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(rate),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(learning_rate), loss="binary_crossentropy", metrics=["accuracy"]
    )
    return model


def callbacks():
    """Both remember earlier epochs."""
    return [
        keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=0.05),
        keras.callbacks.EarlyStopping(monitor="loss", patience=30),
    ]


def search_space(hp):
    return {"units": hp.Int("units", 4, 16, step=4, default=8)}


def baseline(train, test):
    """Always the first class."""
    return {
        "accuracy": float(np.mean(np.concatenate([y for _, y in test.as_numpy_iterator()]) == 0))
    }


def main():
    train, validation, test = load_data()
    model = build_model()
    model.fit(
        train, validation_data=validation, epochs=EPOCHS, callbacks=callbacks(), shuffle=False
    )
    print(model.evaluate(test, return_dict=True))
