"""Radial basis functions (RBF): Gaussian units separate two moons, and answer only near them.

Slides: 001 «zoo RBF» (radial basis function network).
Paper:  Broomhead & Lowe (1988), Multivariable functional interpolation and adaptive networks,
        https://www.complex-systems.com/abstracts/v02_i03_a05/;
        Moody & Darken (1989), https://doi.org/10.1162/neco.1989.1.2.281 (centers by k-means);
        Haykin (2009), Neural networks and learning machines, 3rd edition, chapter 5 (the moons)
Departs from the papers: they compute the output weights by least squares; here gradient descent on
cross-entropy finds them, so the output is a logit. The output unit has no bias.

A hidden unit of a multilayer perceptron (MLP) responds to all points on one side of a line. A
radial basis unit responds to points near its center. First k-means finds the centers, without
labels. Then only the linear output layer is trained, so no gradient passes through a hidden layer.

Far from every center all units are 0, and so is the logit: the predicted probability is ½. The
units of an MLP are saturated there, so it is certain about inputs unlike any in the training data.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from sklearn.cluster import KMeans

from recipes.common.arrays import to_numpy

EPOCHS = 30
CLASSES = ["lower moon", "upper moon"]
VARIANTS = {"rbf": {"network": "rbf"}, "mlp": {"network": "mlp"}}
RADIUS = 10  # of the center line of each half ring
WIDTH = 6  # of the ring
DISTANCE = -4  # vertical distance between the moons, which interlock
CENTER = (5, 2)  # the point halfway between the centers of the two rings
FAR = 100  # distance from the center; all points lie within 20


def moons(count, seed):
    """Points (count, 2), half of them on each moon, and labels (count, 1): 1 for the upper one.

    The upper moon is centered at (0, 0), the lower one at (10, 4).
    """
    rng = np.random.default_rng(seed)
    radius = RADIUS + WIDTH * rng.uniform(-0.5, 0.5, count)
    angle = rng.uniform(0, np.pi, count)
    x = radius * np.cos(angle)
    y = radius * np.sin(angle)
    upper = np.arange(count) % 2 == 0
    x = np.where(upper, x, x + RADIUS)
    y = np.where(upper, y, -y - DISTANCE)
    points = np.stack([x, y], axis=1)
    return points.astype("float32"), upper[:, None].astype("float32")


def load_data(batch_size=20):
    """Train, validation and test batches: (2,) points and (1,) labels, 1 for the upper moon.

    The sets are the same every time.
    """
    train = tf.data.Dataset.from_tensor_slices(moons(1000, seed=1))
    validation = tf.data.Dataset.from_tensor_slices(moons(1000, seed=2))
    test = tf.data.Dataset.from_tensor_slices(moons(2000, seed=3))
    return train.shuffle(1000).batch(batch_size), validation.batch(500), test.batch(500)


@keras.saving.register_keras_serializable(package="rbf_network")
class RadialBasis(keras.layers.Layer):
    """Gaussian units, `exp(−‖x − c‖² / (2 width²))`: 1 at their center, falling with the distance.

    Args:
        units: Number of units. Their centers are random until `set_weights([centers])`, an array
            (units, features), and are not trained.
        width: Standard deviation of all Gaussians, in units of the input, greater than 0.

    Input shape: `(batch, features)`. Output shape: `(batch, units)`, from 0 to 1.
    """

    def __init__(self, units, width=1.0, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.width = width

    def build(self, input_shape):
        self.centers = self.add_weight(
            name="centers",
            shape=(self.units, input_shape[-1]),
            initializer="random_normal",
            trainable=False,
        )
        self.built = True

    def call(self, inputs):
        # Differences of every point from every center.
        differences = inputs[:, None, :] - self.centers  # (batch, units, features)
        squared_distances = ops.sum(differences**2, axis=-1)
        return ops.exp(-squared_distances / (2 * self.width**2))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "width": self.width}


def find_centers(points, count):
    """Centers (count, 2) by k-means: each is the mean of the points nearest to it."""
    return KMeans(count, n_init=1).fit(points).cluster_centers_


def build_model(network="rbf", units=20, width=3.0, learning_rate=0.1, steps=EPOCHS * 50):
    """The compiled network: (2,) points to the logit of the upper moon. 60 parameters.

    20 of them are trainable, the rest are the centers. The MLP has 81.

    Args:
        network: `"rbf"`, or `"mlp"` with one hidden layer of tanh units.
        units: Number of hidden units of either network.
        width: Standard deviation of the Gaussian units.
        learning_rate: Initial rate of Adam, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    model = keras.Sequential([keras.Input((2,))])
    if network == "rbf":
        # Find the centers from the points of the training set, without their labels.
        points, _ = moons(1000, seed=1)
        model.add(RadialBasis(units, width))
        model.layers[-1].set_weights([find_centers(points, units)])
        model.add(keras.layers.Dense(1, use_bias=False))
    else:
        model.add(keras.layers.Rescaling(1 / 10))
        model.add(keras.layers.Dense(units, activation="tanh"))
        model.add(keras.layers.Dense(1))
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)],
    )
    return model


def certainty(model, distance=FAR):
    """Mean confidence of a network far away from all data: from ½ (undecided) to 1 (certain).

    It is the mean, over all directions, of the probability of the predicted class.
    """
    angle = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = np.array(CENTER) + distance * circle
    probability = ops.sigmoid(model(points.astype("float32")))
    return float(ops.mean(ops.maximum(probability, 1 - probability)))


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 5, 40, step=5, default=20),
        "width": hp.Float("width", 1.0, 6.0, step=0.5, default=3.0),
        "learning_rate": hp.Choice("learning_rate", [0.01, 0.03, 0.1, 0.3], default=0.1),
        "batch_size": hp.Choice("batch_size", [10, 20, 50, 100], default=20),
    }


def baseline(train, test):
    """Least squares."""
    # A plane through the targets −1 and 1.
    points, labels = to_numpy(train)
    inputs = np.c_[points, np.ones(len(points))]
    weights, *_ = np.linalg.lstsq(inputs, 2 * labels[:, 0] - 1)
    points, labels = to_numpy(test)
    predicted = points @ weights[:2] + weights[2] > 0
    return {"accuracy": np.mean(predicted == labels[:, 0])}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"rbf_network_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"rbf_network_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))
        for distance in (30, FAR):
            print(f"{name}, {distance} away: {certainty(model, distance):.1%} sure")


if __name__ == "__main__":
    main()
