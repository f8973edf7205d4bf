"""ADALINE: a linear neuron slides down its error to the least-squares solution, or off it if the steps are too long.

Slides: 003 «Entrenamiento», 003 lists «no. 1» and «no. 2» (adaptive linear element).
Paper:  Widrow & Hoff (1960), Adaptive switching circuits, IRE WESCON Convention Record 4
Departs from the slides: `mse` is a mean where the slide's E = ½ΣΣ(d − wx)² is half a sum, which only rescales γ, and γ
falls to zero, without which the last examples leave their noise in the weights.
The slide derives Δw = −γ ∂E/∂w for y = f(Σ w x + b), but its E leaves out f and b: it is the linear unit's. With the
step as f the derivative is 0 and nothing would be learned.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

EPOCHS = 20
OBJECTIVE = ("val_rmse", "min")
TRUE = np.array([2.0, -1.0, 0.5])  # w₁, w₂, b


def examples(count, seed):
    """Inputs (count, 2), which go up and down together, and (count, 1) what the true neuron answers, with noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 2)) @ np.array([[1.2, 0.5], [0.0, 0.7]])
    d = x @ TRUE[:2] + TRUE[2] + rng.normal(0, 0.5, count)
    return x.astype("float32"), d[:, None].astype("float32")


def load_data(batch_size=10):
    """Train, validation and test batches of (2,) numbers and the (1,) number to answer. Always the same ones."""
    train, validation, test = (
        tf.data.Dataset.from_tensor_slices(examples(count, seed))
        for count, seed in ((500, 1), (500, 2), (2000, 3))
    )
    return train.shuffle(500).batch(batch_size), validation.batch(500), test.batch(500)


def build_model(learning_rate=0.05, steps=EPOCHS * 50):
    """The compiled neuron: (2,) numbers to w₁x₁ + w₂x₂ + b. 3 parameters, which start at 0."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    metric = keras.metrics.RootMeanSquaredError(name="rmse")
    model.compile(keras.optimizers.SGD(schedule), "mse", metrics=[metric])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "learning_rate": hp.Float("learning_rate", 0.001, 0.3, sampling="log", default=0.05),
        "batch_size": hp.Choice("batch_size", [1, 5, 10, 50], default=10),
    }


def with_one(x):
    """A third input that is always 1, so that the bias is a weight like the others."""
    return np.c_[x, np.ones(len(x))]


def least_squares(x, d):
    """The weights (3,) of least squared error."""
    return np.linalg.lstsq(with_one(x), d[:, 0], rcond=None)[0]


def baseline(train, test):
    """Least squares."""
    (x, d), (new_x, new_d) = (
        tuple(np.concatenate(part) for part in zip(*data.as_numpy_iterator(), strict=True))
        for data in (train, test)
    )
    return {"rmse": np.sqrt(np.mean((with_one(new_x) @ least_squares(x, d) - new_d[:, 0]) ** 2))}


def error(w, x, d):
    """The slide's E = ½ Σ (d − Σ w x)²."""
    return 0.5 * np.sum((d[:, 0] - with_one(x) @ w) ** 2)


def change(w, x, d, rate):
    """The slide's Δw = −γ ∂E/∂w = γ Σ (d − Σ w x) x."""
    return rate * (d[:, 0] - with_one(x) @ w) @ with_one(x)


def largest_rate(x):
    """2 / λ with λ the largest eigenvalue of Σ x xᵀ: with a greater γ, each step lands higher than it started."""
    return 2 / np.linalg.eigvalsh(with_one(x).T @ with_one(x)).max()


def descend(x, d, rate, steps):
    """The weights (steps + 1, 3) along the way: all examples at each step."""
    path = [np.zeros(3)]
    for _ in range(steps):
        path.append(path[-1] + change(path[-1], x, d, rate))
    return np.array(path)


def lms(x, d, rate):
    """The weights (examples + 1, 3) along the way of Widrow and Hoff: one example at each step."""
    path = [np.zeros(3)]
    for n in range(len(x)):
        path.append(path[-1] + change(path[-1], x[n : n + 1], d[n : n + 1], rate))
    return np.array(path)


def figures(model, test, history):
    """The bowl of the error with three ways down, and what becomes of the error at different γ."""
    x, d = examples(500, seed=1)
    best, limit = least_squares(x, d), largest_rate(x)
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.3), layout="constrained")
    w1, w2 = np.meshgrid(np.linspace(-0.5, 4.5, 80), np.linspace(-3, 2, 80))
    bowl = np.array(
        [error(np.array([a, b, best[2]]), x, d) for a, b in zip(w1.flat, w2.flat, strict=True)]
    )
    bowl = np.log10(bowl.reshape(w1.shape) / len(x))
    learned = np.concatenate([np.ravel(weight) for weight in model.get_weights()])
    ways = {
        "All examples a step,\n10 % of the largest γ": descend(x, d, 0.1 * limit, 60),
        "The same, 101 % of it:\nup the other wall": descend(x, d, 1.01 * limit, 60),
    }
    for axis, (title, path) in zip(axes, ways.items(), strict=False):
        axis.contourf(w1, w2, bowl, 20, cmap="Blues_r")
        axis.plot(*path[:, :2].T, "o-", color="C1", markersize=3, linewidth=1.2)
        axis.plot(*best[:2], "*", color="black", markersize=15, label="least squares")
        axis.set(title=title, xlabel="w₁", ylabel="w₂", xlim=(-0.5, 4.5), ylim=(-3, 2))
    axes[0].plot(
        *lms(x, d, 0.03)[:, :2].T, color="C4", linewidth=1.2, label="LMS: one example a step"
    )
    axes[0].plot(
        *learned[:2], "x", color="C3", markersize=11, markeredgewidth=3, label="trained in Keras"
    )
    axes[0].legend(loc="upper right", frameon=True)
    for share in (0.01, 0.1, 0.9, 1.01, 1.05):
        above = [error(w, x, d) / error(best, x, d) - 1 for w in descend(x, d, share * limit, 200)]
        axes[2].semilogy(np.maximum(above, 1e-12), label=f"{share:.0%}".replace("%", " %"))
    axes[2].set(
        title="Beyond 2/λ the error grows without end",
        xlabel="steps",
        ylabel="error above the least, relative",
    )
    axes[2].set_ylim(1e-12, 1e6)
    axes[2].legend(title="γ in % of 2/λ", loc="lower right", frameon=True)
    return {"descent": figure}


def main():
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
    print(model.evaluate(test, return_dict=True), baseline(train, test))
    kernel, bias = model.get_weights()
    print(
        f"Learned: w = {kernel[:, 0]}, b = {bias}; least squares: {least_squares(*examples(500, seed=1))}"
    )
    model.save("adaline.keras")


if __name__ == "__main__":
    main()
