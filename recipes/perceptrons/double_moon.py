"""The double moon: a perceptron divides two moons that lie apart; interlocked ones need a hidden layer.

Slides: 000 «En realidad: un clasificador lineal», 000 «Backpropagation: El resultado».
Paper:  Haykin (2009), Neural networks and learning machines, 3rd edition, sections 1.5 and 4.7 (the moons);
        Rosenblatt (1958), https://doi.org/10.1037/h0042519
Departs from the slides: the hidden layer trains with Adam and cross-entropy. The perceptron is written as what it is
to Keras: a linear unit whose loss is max(0, −d s), which only mistakes have; a step on one example is Rosenblatt's rule
(tested). Where no line divides the points it never comes to rest, and the best of its lines is kept. Its
learning rate hardly matters: it sets the length of the weights, not their direction.

Each moon is half a ring of radius 10 and width 6. At distance d = 1 a straight line passes between them; at d = −4 the
horns of one reach into the other.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

EPOCHS = 30
CLASSES = ["lower moon", "upper moon"]
VARIANTS = {
    "apart": {"network": "perceptron", "distance": 1},
    "interlocked": {"network": "perceptron", "distance": -4},
    "hidden_layer": {"network": "hidden_layer", "distance": -4},
}


def moons(count, distance, seed, radius=10, width=6):
    """Points (count, 2), half of each moon, and labels (count, 1): 1 for the upper, 0 for the lower."""
    rng = np.random.default_rng(seed)
    r, angle = radius + width * rng.uniform(-0.5, 0.5, count), rng.uniform(0, np.pi, count)
    x, y, upper = r * np.cos(angle), r * np.sin(angle), np.arange(count) % 2 == 0
    points = np.where(upper, [x, y], [x + radius, -y - distance])
    return points.T.astype("float32"), upper[:, None].astype("float32")


def load_data(batch_size=20, distance=-4):
    """Train, validation and test batches of (2,) points and labels: 1 for the upper moon. Always the same ones."""
    train, validation, test = (
        tf.data.Dataset.from_tensor_slices(moons(count, distance, seed))
        for count, seed in ((1000, 1), (1000, 2), (2000, 3))
    )
    return train.shuffle(1000).batch(batch_size), validation.batch(500), test.batch(500)


@keras.saving.register_keras_serializable(package="double_moon")
def perceptron_loss(labels, s):
    """How far each point is on the wrong side: max(0, −d s) with d = ±1, so that right answers teach nothing."""
    return keras.ops.mean(keras.ops.relu((1 - 2 * labels) * s), axis=-1)


def build_model(network="hidden_layer", units=20, learning_rate=0.03, steps=EPOCHS * 50):
    """The compiled network: (2,) points to a number that is positive, or a probability, for the upper moon."""
    start = [keras.Input((2,)), keras.layers.Rescaling(1 / 10)]
    if network == "perceptron":
        model = keras.Sequential([*start, keras.layers.Dense(1)])
        accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
        model.compile(keras.optimizers.SGD(1.0), perceptron_loss, metrics=[accuracy])
    else:
        hidden = keras.layers.Dense(units, activation="tanh")
        model = keras.Sequential([*start, hidden, keras.layers.Dense(1, activation="sigmoid")])
        schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        model.compile(keras.optimizers.Adam(schedule), "binary_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Int("units", 4, 40, step=4, default=20),
        "learning_rate": hp.Float("learning_rate", 0.001, 0.3, sampling="log", default=0.03),
        "batch_size": hp.Choice("batch_size", [10, 20, 50, 100], default=20),
    }


def least_squares(points, labels):
    """Weights and bias (3,) of the line that comes nearest to ±1 on the two moons."""
    return np.linalg.lstsq(np.c_[points, np.ones(len(points))], 2 * labels[:, 0] - 1, rcond=None)[0]


def everything(data):
    """The whole of a batched set as two arrays."""
    return tuple(np.concatenate(part) for part in zip(*data.as_numpy_iterator(), strict=True))


def baseline(train, test):
    """Least squares."""
    weights = least_squares(*everything(train))
    points, labels = everything(test)
    return {"accuracy": np.mean((points @ weights[:2] + weights[2] > 0) == labels[:, 0])}


def figures(models, test, histories):
    """Where each network draws the boundary, on its test points."""
    titles = (
        "d = {}: the perceptron errs",
        "d = {}: the perceptron errs",
        "d = {}: with a hidden layer it errs",
    )
    figure, axes = plt.subplots(
        1, 3, figsize=(13, 4.1), layout="constrained", sharex=True, sharey=True
    )
    across, up = np.meshgrid(np.linspace(-15, 25, 200), np.linspace(-16, 15, 160))
    grid = np.stack([across.ravel(), up.ravel()], 1).astype("float32")
    for axis, title, (name, arguments) in zip(axes, titles, VARIANTS.items(), strict=True):
        distance, perceptron = arguments["distance"], arguments["network"] == "perceptron"
        train, _, test = load_data(distance=distance)
        points, labels = everything(test)
        outputs = models[name].predict(np.concatenate([grid, points]), batch_size=4096, verbose=0)[
            :, 0
        ]
        outputs -= 0.0 if perceptron else 0.5  # now positive for the upper moon
        errors = (outputs[len(grid) :] > 0) != labels[:, 0]
        field = outputs[: len(grid)].reshape(across.shape)
        axis.contourf(across, up, field, [-np.inf, 0, np.inf], colors=["#D6E8F3", "#FBE3D0"])
        axis.contour(across, up, field, [0], colors="black", linewidths=2)
        for label, colour in ((1, "C1"), (0, "C0")):
            axis.scatter(
                *points[(labels[:, 0] == label) & ~errors].T, s=4, color=colour, linewidths=0
            )
        axis.scatter(*points[errors].T, s=12, color="black", marker="x", linewidths=0.9)
        heading = f"{title.format(distance).replace('-', '−')} on {100 * errors.mean():.2f} %"
        if perceptron:
            a, b, c = least_squares(*everything(train))
            ends = np.array([-15, 25])
            axis.plot(ends, -(a * ends + c) / b, color="0.35", linestyle="--")
            linear = np.mean((points @ np.array([a, b]) + c > 0) != labels[:, 0])
            heading += f"\n(dashed, least squares: {100 * linear:.2f} %)"
        axis.set(title=heading, aspect="equal", xlim=(-15, 25), ylim=(-16, 15))
    return {"boundaries": figure}


def main():
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data(distance=arguments["distance"])
        model = build_model(network=arguments["network"], steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"double_moon_{name}.keras")


if __name__ == "__main__":
    main()
