"""The pictures of regularization: boundaries, early stopping, and the strength of penalties."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from recipes.common.plots import class_points, decision_boundary
from recipes.training import regularization

POINTS = 80  # training points, as in `load_data`
STRENGTHS = 10 ** np.arange(-4.5, -0.9, 0.5)  # λ


def dense_side_by_side(units, l1, l2, activation):
    """Dense layers of several networks in one layer, each with its own penalty.

    Args:
        units: Of each network's layer.
        l1, l2: The strengths of the penalties, a number for each network.
        activation: Of all networks.

    Returns:
        A layer from (batch, networks, inputs) to (batch, networks, units).
    """
    networks = len(l1)
    l1 = np.array(l1, "float32")[:, None, None]
    l2 = np.array(l2, "float32")[:, None, None]

    def mean_penalty(kernel):
        """Mean over the networks, like the loss: (networks, inputs, units) to ()."""
        return keras.ops.sum(l1 * abs(kernel) + l2 * kernel**2) / networks

    return keras.layers.EinsumDense(
        "bni,nio->bno",
        (networks, units),
        activation=activation,
        bias_axes="no",
        kernel_initializer=keras.initializers.GlorotUniform(input_axes=[1], output_axes=[2]),
        kernel_regularizer=mean_penalty,
    )


def sweep(new_points, epochs, samples=5, strengths=STRENGTHS):
    """Train a network for each penalty (L2, L1), strength and sample of the data, all at once.

    Adam updates every weight separately, so the networks do not affect each other.

    Args:
        new_points: Points and labels for measuring the error.
        epochs: Of all networks.
        samples: Number of training sets.
        strengths: Of the penalties.

    Returns:
        Error rate on the training points, error rate on new points, and Σ w²: three arrays
        (2 penalties, strengths, samples).
    """
    shape = (2, len(strengths), samples)
    data = [regularization.sample_moons(POINTS, 3 * seed) for seed in range(samples)]
    data = data * (2 * len(strengths))  # the sample is the last axis of `shape`
    inputs = np.stack([points for points, _ in data], axis=1)  # (points, networks, 2)
    labels = np.stack([labels for _, labels in data], axis=1)  # (points, networks, 1)
    zeros = np.zeros_like(strengths)
    penalties = {
        "l2": np.repeat([strengths, zeros], samples),  # (networks,)
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
    train = tf.data.Dataset.from_tensors((inputs, labels)).repeat(regularization.REPEATS)
    model.fit(train, epochs=epochs, shuffle=False, verbose=0)

    def errors(x, y):
        """Error rate of each network on (points, networks, 2) and (points, networks, 1)."""
        return np.mean((model.predict_on_batch(x) > 0.5) != y, axis=(0, 2)).reshape(shape)

    new_inputs, new_labels = (np.stack([part] * len(data), axis=1) for part in new_points)
    squares = np.zeros(len(data))
    for layer in model.layers:
        squares += np.sum(layer.kernel.numpy() ** 2, axis=(1, 2))
    return errors(inputs, labels), errors(new_inputs, new_labels), squares.reshape(shape)


def least_error(errors, strengths=STRENGTHS):
    """The strength with the smallest mean error, from errors (strengths, samples)."""
    return strengths[errors.mean(axis=1).argmin()]


def train_to_the_end(epochs):
    """The network without regularization, trained without early stopping.

    Returns:
        The model, its history, and its weights before training and after each epoch.
    """
    train, validation, _ = regularization.load_data()
    model = regularization.build_model()
    weights = [model.get_weights()]

    def keep_weights(epoch, logs):
        weights.append(model.get_weights())

    fit = model.fit(
        train,
        validation_data=validation,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=keep_weights)],
    )
    return model, fit.history, weights


def sum_of_squares(weights):
    """Σ w² over the kernels in a result of `get_weights`; biases do not count."""
    return sum(np.sum(kernel**2) for kernel in weights if kernel.ndim == 2)


def plot_boundary(axis, model, title):
    """The probabilities of class 1 over the plane, and the training points."""

    def score(plane):
        return model.predict_on_batch(plane)[:, 0]

    decision_boundary(axis, score, (-1.8, 2.8), (-1.5, 2), steps=120, probabilities=True)
    points, labels = regularization.sample_moons(POINTS, 0)
    class_points(axis, points, labels, s=16, edgecolors="w", linewidths=0.5)
    axis.set(title=title, xticks=[], yticks=[])


def plot_boundaries(networks, test):
    """The boundary of each of `{title: model}`, with its accuracy on training and test points."""
    train = tf.data.Dataset.from_tensors(regularization.sample_moons(POINTS, 0))
    figure, axes = plt.subplots(2, 3, figsize=(10, 6.4), layout="constrained")
    for axis, (title, model) in zip(axes.flat, networks.items(), strict=True):
        seen = model.evaluate(train, verbose=0, return_dict=True)["accuracy"]
        new = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
        plot_boundary(axis, model, f"{title}:\n{seen:.0%} of these, {new:.1%} of new points")
    figure.suptitle(
        "Without regularization the boundary goes round single points; each remedy smooths it"
    )
    return figure


def plot_early_stopping(model, history, weights):
    """The loss over the epochs, and the boundary at the start, at the best epoch and at the end."""
    epochs = len(history["loss"])
    best = int(np.argmin(history["val_loss"])) + 1
    widths = (1.3, 1, 1, 1)
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.6), width_ratios=widths, layout="constrained")
    for label, key in (("training", "loss"), ("validation", "val_loss")):
        axes[0].semilogy(range(1, epochs + 1), history[key], label=label)
    axes[0].axvline(best, color="0.6", linestyle=":")
    axes[0].set(title="Loss", xlabel="epoch")
    axes[0].legend()
    for axis, epoch in zip(axes[1:], (0, best, epochs), strict=True):
        model.set_weights(weights[epoch])
        squares = sum_of_squares(weights[epoch])
        plot_boundary(axis, model, f"After {epoch} epochs: Σw² = {squares:.0f}")
    figure.suptitle(
        "From small weights, nearly linear, to large ones: early stopping takes what lies between"
    )
    return figure


def plot_strengths(seen, new):
    """Errors on training points and on new ones, (penalties, strengths, samples), against λ."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
    for number, title in enumerate(("L2: λ Σ w²", "L1: λ Σ |w|")):
        axis = axes[number]
        for errors, label in ((seen[number], "training points"), (new[number], "new points")):
            mean = 100 * errors.mean(axis=1)
            deviation = 100 * errors.std(axis=1)
            axis.semilogx(STRENGTHS, mean, "o-", label=label)
            axis.fill_between(STRENGTHS, mean - deviation, mean + deviation, alpha=0.2)
        least = least_error(new[number])
        axis.axvline(least, color="0.6", linestyle=":")
        axis.set(title=f"{title}, least error at λ = {least:.2g}", xlabel="λ")
        axis.grid(True)
    # At the right end nothing is learned, and half of the points are wrong.
    axes[0].set(ylabel="errors, %", ylim=(-1, 30))
    axes[0].legend()
    figure.suptitle(
        "Too weak a penalty overfits, too strong a one underfits "
        "(mean ± deviation over five samples)"
    )
    return figure


def figures(models, test, histories):
    """Boundaries side by side, the overfitting network from start to end, error against λ."""
    epochs = len(histories["none"]["loss"])
    model, history, weights = train_to_the_end(epochs)
    networks = {
        f"None, {epochs} epochs": model,
        "Early stopping": models["none"],
        "L2": models["l2"],
        "L1": models["l1"],
        "Dropout": models["dropout"],
        "Noise on the inputs": models["noise"],
    }
    boundaries = plot_boundaries(networks, test)  # before the weights of `model` are replaced
    stopping = plot_early_stopping(model, history, weights)
    seen, new, _ = sweep(regularization.sample_moons(2000, 2), epochs)
    strength = plot_strengths(seen, new)
    return {"boundaries": boundaries, "early_stopping": stopping, "strength": strength}
