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
    return train.shuffle(examples).repeat(PASSES).batch(batch_size), validation.batch(1000), test.batch(4000)


def build_model(l2=0.0, l1=0.0, dropout=0.0, noise=0.0, units=32, learning_rate=0.01):
    """The compiled network, 2-32-32-1: a point to the probability of the second moon. 1,185 parameters."""

    def hidden():
        return keras.layers.Dense(units, activation="tanh", kernel_regularizer=keras.regularizers.L1L2(l1, l2))

    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.GaussianNoise(noise),
            hidden(),
            keras.layers.Dropout(dropout),
            hidden(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(1, activation="sigmoid", kernel_regularizer=keras.regularizers.L1L2(l1, l2)),
        ]
    )
    model.compile(keras.optimizers.Adam(learning_rate), loss="binary_crossentropy", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "l2": hp.Choice("l2", [0.0, 0.0003, 0.001, 0.003, 0.01], default=0.0),
        "l1": hp.Choice("l1", [0.0, 0.0001, 0.0003, 0.001, 0.003], default=0.0),
        "dropout": hp.Float("dropout", 0.0, 0.8, step=0.1, default=0.0),
        "noise": hp.Float("noise", 0.0, 0.8, step=0.1, default=0.0),
        "units": hp.Int("units", 8, 128, step=8, default=32),
    }


def baseline(train, test):
    """Logistic regression."""
    from sklearn.linear_model import LogisticRegression

    inputs, labels = (np.concatenate(part) for part in zip(*train.as_numpy_iterator(), strict=True))
    test_inputs, test_labels = (np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True))
    model = LogisticRegression(C=1e6).fit(inputs, labels[:, 0])
    return {"accuracy": model.score(test_inputs, test_labels[:, 0])}


@keras.saving.register_keras_serializable(package="regularization")
class DenseSideBySide(keras.layers.Layer):
    """Dense layers of many networks at once, each with its own penalties: (batch, networks, inputs) to (…, units)."""

    def __init__(self, units, l1, l2, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units, self.l1, self.l2 = units, np.float32(l1), np.float32(l2)
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        _, networks, inputs = input_shape
        limit = np.sqrt(6 / (inputs + self.units))  # Glorot's
        uniform = keras.initializers.RandomUniform(-limit, limit)
        self.kernel = self.add_weight(shape=(networks, inputs, self.units), initializer=uniform, name="kernel")
        self.bias = self.add_weight(shape=(networks, self.units), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs):
        ops = keras.ops
        kernel = self.kernel
        l1, l2 = (ops.sum(values, axis=(1, 2)) for values in (ops.abs(kernel), ops.square(kernel)))
        self.add_loss(ops.mean(self.l1 * l1 + self.l2 * l2))
        return self.activation(ops.einsum("bni,nio->bno", inputs, kernel) + self.bias)


def sweep(new_points, epochs=EPOCHS, samples=5, strengths=STRENGTHS):
    """Error on the training points, error on new ones, Σ w²: each by penalty (L2, L1), strength and sample of the data.

    Adam moves every weight by itself, so that networks trained in one go know nothing of each other.
    """
    shape = (2, len(strengths), samples)
    strength, is_l2 = np.broadcast_to(strengths[:, None], shape), np.arange(2)[:, None, None] == 0
    penalties = {"l2": np.ravel(np.where(is_l2, strength, 0)), "l1": np.ravel(np.where(is_l2, 0, strength))}
    networks = strength.size
    inputs, labels = (
        np.tile(np.stack(part, axis=1), (1, networks // samples, 1))
        for part in zip(*(points(80, 3 * seed) for seed in range(samples)), strict=True)
    )
    model = keras.Sequential(
        [
            keras.Input((networks, 2)),
            DenseSideBySide(32, activation="tanh", **penalties),
            DenseSideBySide(32, activation="tanh", **penalties),
            DenseSideBySide(1, activation="sigmoid", **penalties),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01, epsilon=1e-9), loss="binary_crossentropy")
    model.fit(tf.data.Dataset.from_tensors((inputs, labels)).repeat(PASSES), epochs=epochs, shuffle=False, verbose=0)

    def error(inputs, labels):
        return np.mean((model.predict_on_batch(inputs) > 0.5) != labels, axis=0).reshape(shape)

    inputs_of_all = np.broadcast_to(new_points[0][:, None], (len(new_points[0]), networks, 2))
    weights = sum(np.sum(layer.kernel.numpy() ** 2, axis=(1, 2)) for layer in model.layers)
    return error(inputs, labels), error(inputs_of_all, new_points[1][:, None]), weights.reshape(shape)


class Snapshots(keras.callbacks.Callback):
    """Keeps the weights of every epoch, and those of the beginning."""

    def on_train_begin(self, logs=None):
        self.weights = [self.model.get_weights()]

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())


def train_to_the_end(epochs=EPOCHS):
    """The network without regularization: model, history, and its weights before training and after every epoch."""
    train, validation, _ = load_data()
    model, snapshots = build_model(), Snapshots()
    history = model.fit(
        train, validation_data=validation, epochs=epochs, shuffle=False, verbose=0, callbacks=[snapshots]
    ).history
    return model, history, snapshots.weights


def draw_boundary(axis, model, title):
    """What the network makes of the plane, and the points it was trained on."""
    x, y = np.meshgrid(np.linspace(-1.8, 2.8, 120), np.linspace(-1.5, 2, 100))
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    probability = model.predict_on_batch(grid.astype("float32")).reshape(x.shape)
    axis.contourf(x, y, probability, np.linspace(0, 1, 11), cmap="RdBu_r", alpha=0.55)
    axis.contour(x, y, probability, [0.5], colors="k", linewidths=1.5)
    inputs, labels = points(80, 0)
    for label, colour, marker in ((0, "#0072B2", "o"), (1, "#D55E00", "s")):
        axis.scatter(*inputs[labels[:, 0] == label].T, c=colour, marker=marker, s=16, edgecolors="w", linewidths=0.5)
    axis.set(title=title, xlim=(-1.8, 2.8), ylim=(-1.5, 2), xticks=[], yticks=[])


def figures(models, test, histories):
    """Boundaries side by side, error against strength, and the overfitting network from its start to its end."""
    epochs = len(histories["none"]["loss"])
    model, history, snapshots = train_to_the_end(epochs)
    train = tf.data.Dataset.from_tensors(points(80, 0))

    def scores(network):
        return [network.evaluate(data, verbose=0, return_dict=True)["accuracy"] for data in (train, test)]

    boundaries, axes = plt.subplots(2, 3, figsize=(10, 6.4), layout="constrained")
    names = {"none": "Early stopping", "l2": "L2", "l1": "L1", "dropout": "Dropout", "noise": "Noise on the inputs"}
    shown = {f"None, {epochs} epochs": model} | {names[name]: models[name] for name in models}
    for axis, (name, network) in zip(axes.flat, shown.items(), strict=True):
        seen, new = scores(network)
        draw_boundary(axis, network, f"{name}:\n{seen:.0%} of these, {new:.1%} of new points")
    boundaries.suptitle("Without regularization the boundary goes round single points; each remedy smooths it")

    best = int(np.argmin(history["val_loss"])) + 1
    stopping, axes = plt.subplots(1, 4, figsize=(13, 3.6), width_ratios=(1.3, 1, 1, 1), layout="constrained")
    for name, key in (("training", "loss"), ("validation", "val_loss")):
        axes[0].semilogy(range(1, epochs + 1), history[key], label=name)
    axes[0].axvline(best, color="0.6", linestyle=":")
    axes[0].set(title="Loss", xlabel="epoch")
    axes[0].legend()
    for axis, epoch in zip(axes[1:], (0, best, epochs), strict=True):
        model.set_weights(snapshots[epoch])
        squares = sum(np.sum(weight**2) for weight in snapshots[epoch] if weight.ndim == 2)
        draw_boundary(axis, model, f"After {epoch} epochs: Σw² = {squares:.0f}")
    stopping.suptitle("From small weights, nearly linear, to large ones: early stopping takes what lies between")

    inputs, labels = points(2000, 2)
    seen, new, _ = 100 * np.array(sweep((inputs, labels), epochs))
    strength, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
    for axis, title, training, error in zip(axes, ("L2: λ Σ w²", "L1: λ Σ |w|"), seen, new, strict=True):
        for values, label in ((training, "training points"), (error, "new points")):
            mean, deviation = values.mean(axis=1), values.std(axis=1)
            axis.semilogx(STRENGTHS, mean, "o-", label=label)
            axis.fill_between(STRENGTHS, mean - deviation, mean + deviation, alpha=0.2)
        least = error.mean(axis=1).argmin()
        axis.axvline(STRENGTHS[least], color="0.6", linestyle=":")
        axis.set(title=f"{title}, least error at λ = {STRENGTHS[least]:.2g}", xlabel="λ")
        axis.grid(True)
    axes[0].set(ylabel="errors, %", ylim=(-1, 30))  # at the right end nothing is learnt: half of the points are wrong
    axes[0].legend()
    strength.suptitle("Too weak a penalty overfits, too strong a one underfits (mean ± deviation over five samples)")
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
