"""Regularization: L2, L1, dropout, noise and early stopping against overfitting of 80 noisy points.

Slides: 000 «Regularización», 001 «Regularización», «Efectos de la regularización».
Paper:  Krogh & Hertz (1991), A simple weight decay can improve generalization (L2)
Departs from the slides: their λ is not given; here it is the one with the least error on validation.

The cost becomes E + λ Σ w² (L2) or E + λ Σ |w| (L1). How large λ should be depends on the problem: for one picture,
80 small networks train side by side, eight strengths of either kind on five samples of the data each.
The runner keeps each network's best epoch on validation, which is early stopping for all; the pictures train the one
without regularization on to the end as well. It starts from small weights, where tanh and so the whole network is
nearly linear, and bends its boundary around every point as the weights grow.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression

EPOCHS = 60
PASSES = 20  # over the 80 points, an epoch
VARIANTS = {
    "none": {},
    "l2": {"l2": 0.001},
    "l1": {"l1": 0.003},
    "dropout": {"dropout": 0.2},
    "noise": {"noise": 0.4},
}
STRENGTHS = 10 ** np.arange(-4.5, -0.9, 0.5)


def points(count, seed):
    """Two interlocking half moons, so noisy that they overlap: (count, 2) and labels (count, 1)."""
    inputs, labels = make_moons(count, noise=0.35, random_state=seed)
    return inputs.astype("float32"), labels[:, None].astype("float32")


def load_data(batch_size=80, examples=80, seed=0):
    """Few training points, repeated within an epoch, and many to validate and to test on."""
    train, validation, test = (
        tf.data.Dataset.from_tensor_slices(points(count, 3 * seed + part))
        for part, count in enumerate((examples, 1000, 4000))
    )
    return (
        train.shuffle(examples).repeat(PASSES).batch(batch_size),
        validation.batch(1000),
        test.batch(4000),
    )


def build_model(l2=0.0, l1=0.0, dropout=0.0, noise=0.0, units=32, learning_rate=0.01):
    """The compiled network, 2-32-32-1: a point to the probability of the second moon. 1,185 parameters."""
    penalty = keras.regularizers.L1L2(l1, l2)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.GaussianNoise(noise),
            keras.layers.Dense(units, activation="tanh", kernel_regularizer=penalty),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(units, activation="tanh", kernel_regularizer=penalty),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1, activation="sigmoid", kernel_regularizer=penalty),
        ]
    )
    model.compile(
        keras.optimizers.Adam(learning_rate), loss="binary_crossentropy", metrics=["accuracy"]
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "l2": hp.Choice("l2", [0.0, 0.0003, 0.001, 0.003, 0.01], default=0.0),
        "l1": hp.Choice("l1", [0.0, 0.0001, 0.0003, 0.001, 0.003], default=0.0),
        "dropout": hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], default=0.0),
        "noise": hp.Choice("noise", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], default=0.0),
        "units": hp.Int("units", 8, 128, step=8, default=32),
    }


def baseline(train, test):
    """Logistic regression."""
    inputs, labels = (np.concatenate(part) for part in zip(*train.as_numpy_iterator(), strict=True))
    test_inputs, test_labels = (
        np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True)
    )
    model = LogisticRegression(C=1e6).fit(inputs, labels[:, 0])
    return {"accuracy": model.score(test_inputs, test_labels[:, 0])}


def dense_side_by_side(units, l1, l2, activation):
    """Dense layers of many networks at once, each with its own penalties: (batch, networks, inputs) to (…, units)."""
    l1, l2 = (np.array(strengths, "float32")[:, None, None] for strengths in (l1, l2))
    return keras.layers.EinsumDense(
        "bni,nio->bno",
        (len(l1), units),
        activation=activation,
        bias_axes="no",
        kernel_initializer=keras.initializers.GlorotUniform(input_axes=[1], output_axes=[2]),
        kernel_regularizer=lambda kernel: (
            keras.ops.sum(l1 * abs(kernel) + l2 * kernel**2) / len(l1)
        ),
    )


def sweep(new_points, epochs=EPOCHS, samples=5, strengths=STRENGTHS):
    """Error on the training points, error on new ones, Σ w²: each by penalty (L2, L1), strength and sample of the data.

    Adam moves every weight by itself, so that networks trained in one go know nothing of each other.
    """
    data = [points(80, 3 * seed) for seed in range(samples)] * (2 * len(strengths))
    inputs, labels = (np.stack(part, axis=1) for part in zip(*data, strict=True))
    zeros = np.zeros_like(strengths)
    penalties = {
        "l2": np.repeat([strengths, zeros], samples),
        "l1": np.repeat([zeros, strengths], samples),
    }
    model = keras.Sequential(
        [
            keras.Input((len(data), 2)),
            dense_side_by_side(32, activation="tanh", **penalties),
            dense_side_by_side(32, activation="tanh", **penalties),
            dense_side_by_side(1, activation="sigmoid", **penalties),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01, epsilon=1e-9), loss="binary_crossentropy")
    model.fit(
        tf.data.Dataset.from_tensors((inputs, labels)).repeat(PASSES),
        epochs=epochs,
        shuffle=False,
        verbose=0,
    )

    new = [np.stack([part] * len(data), axis=1) for part in new_points]
    errors = [
        np.mean((model.predict_on_batch(x) > 0.5) != y, axis=(0, 2))
        for x, y in ((inputs, labels), new)
    ]
    weights = sum(np.sum(layer.kernel.numpy() ** 2, axis=(1, 2)) for layer in model.layers)
    return np.reshape([*errors, weights], (3, 2, len(strengths), samples))


def train_to_the_end(epochs=EPOCHS):
    """The network without regularization: model, history, and its weights before training and after every epoch."""
    train, validation, _ = load_data()
    model = build_model()
    weights = [model.get_weights()]
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: weights.append(model.get_weights())
    )
    fit = model.fit(
        train, validation_data=validation, epochs=epochs, shuffle=False, verbose=0, callbacks=[keep]
    )
    return model, fit.history, weights


def draw_boundary(axis, model, title):
    """What the network makes of the plane, and the points it was trained on."""
    x, y = np.meshgrid(np.linspace(-1.8, 2.8, 120), np.linspace(-1.5, 2, 100))
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    probability = model.predict_on_batch(grid.astype("float32")).reshape(x.shape)
    axis.contourf(x, y, probability, np.linspace(0, 1, 11), cmap="RdBu_r", alpha=0.55)
    axis.contour(x, y, probability, [0.5], colors="k", linewidths=1.5)
    inputs, labels = points(80, 0)
    for label, colour, marker in ((0, "#0072B2", "o"), (1, "#D55E00", "s")):
        axis.scatter(
            *inputs[labels[:, 0] == label].T,
            c=colour,
            marker=marker,
            s=16,
            edgecolors="w",
            linewidths=0.5,
        )
    axis.set(title=title, xlim=(-1.8, 2.8), ylim=(-1.5, 2), xticks=[], yticks=[])


def figures(models, test, histories):
    """Boundaries side by side, error against strength, and the overfitting network from its start to its end."""
    epochs = len(histories["none"]["loss"])
    model, history, weights = train_to_the_end(epochs)
    train = tf.data.Dataset.from_tensors(points(80, 0))

    boundaries, axes = plt.subplots(2, 3, figsize=(10, 6.4), layout="constrained")
    titles = (
        f"None, {epochs} epochs",
        "Early stopping",
        "L2",
        "L1",
        "Dropout",
        "Noise on the inputs",
    )
    for axis, title, network in zip(axes.flat, titles, (model, *models.values()), strict=True):
        seen, new = (
            network.evaluate(data, verbose=0, return_dict=True)["accuracy"]
            for data in (train, test)
        )
        draw_boundary(axis, network, f"{title}:\n{seen:.0%} of these, {new:.1%} of new points")
    boundaries.suptitle(
        "Without regularization the boundary goes round single points; each remedy smooths it"
    )

    best = int(np.argmin(history["val_loss"])) + 1
    stopping, axes = plt.subplots(
        1, 4, figsize=(13, 3.6), width_ratios=(1.3, 1, 1, 1), layout="constrained"
    )
    for name, key in (("training", "loss"), ("validation", "val_loss")):
        axes[0].semilogy(range(1, epochs + 1), history[key], label=name)
    axes[0].axvline(best, color="0.6", linestyle=":")
    axes[0].set(title="Loss", xlabel="epoch")
    axes[0].legend()
    for axis, epoch in zip(axes[1:], (0, best, epochs), strict=True):
        model.set_weights(weights[epoch])
        squares = sum(np.sum(kernel**2) for kernel in weights[epoch] if kernel.ndim == 2)
        draw_boundary(axis, model, f"After {epoch} epochs: Σw² = {squares:.0f}")
    stopping.suptitle(
        "From small weights, nearly linear, to large ones: early stopping takes what lies between"
    )

    seen, new, _ = 100 * sweep(points(2000, 2), epochs)
    strength, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
    for axis, title, training, error in zip(
        axes, ("L2: λ Σ w²", "L1: λ Σ |w|"), seen, new, strict=True
    ):
        for values, label in ((training, "training points"), (error, "new points")):
            mean, deviation = values.mean(axis=1), values.std(axis=1)
            axis.semilogx(STRENGTHS, mean, "o-", label=label)
            axis.fill_between(STRENGTHS, mean - deviation, mean + deviation, alpha=0.2)
        least = STRENGTHS[error.mean(axis=1).argmin()]
        axis.axvline(least, color="0.6", linestyle=":")
        axis.set(title=f"{title}, least error at λ = {least:.2g}", xlabel="λ")
        axis.grid(True)
    axes[0].set(
        ylabel="errors, %", ylim=(-1, 30)
    )  # at the right end nothing is learnt: half of the points are wrong
    axes[0].legend()
    strength.suptitle(
        "Too weak a penalty overfits, too strong a one underfits (mean ± deviation over five samples)"
    )
    return {"boundaries": boundaries, "early_stopping": stopping, "strength": strength}


def main():
    train, validation, test = load_data()
    for name, arguments in VARIANTS.items():
        model = build_model(**arguments)
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, verbose=0)
        print(name, model.evaluate(test, return_dict=True, verbose=0))
        model.save(f"regularization_{name}.keras")


if __name__ == "__main__":
    main()
