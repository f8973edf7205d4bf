"""ADALINE: a linear neuron, by gradient descent on squared error to the least-squares solution.

Slides: 003 «Entrenamiento», 003 lists «no. 1» and «no. 2» (adaptive linear element).
Paper:  Widrow & Hoff (1960), Adaptive switching circuits, IRE WESCON Convention Record 4
Departs from the slides: `mse` is a mean where the slide's E = ½ΣΣ(d − wx)² is half a sum, which
only rescales the learning rate γ. Here γ decays to 0; otherwise the weights would retain the noise
of the last examples.

The slide derives Δw = −γ ∂E/∂w for y = f(Σ w x + b), but its E leaves out f and b, so it is the
error of a linear unit. With the step function as f, the derivative would be 0 and nothing would be
learned. If γ is larger than 2 / λ, where λ is the largest eigenvalue of Σ x xᵀ, the error grows
without bound (tested).
"""

import keras
import numpy as np
import tensorflow as tf

from recipes.common.arrays import to_numpy

EPOCHS = 20
OBJECTIVE = ("val_rmse", "min")
TRUE = np.array([2.0, -1.0, 0.5])  # w₁, w₂, b of the neuron that generates the data
NOISE = 0.5  # standard deviation of the noise added to its outputs


def examples(count, seed):
    """Correlated inputs (count, 2) and noisy outputs (count, 1) of the true neuron."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 2)) @ np.array([[1.2, 0.5], [0.0, 0.7]])
    d = x @ TRUE[:2] + TRUE[2] + rng.normal(0, NOISE, count)
    return x.astype("float32"), d[:, None].astype("float32")


def load_data(batch_size=10):
    """Train, validation and test batches: (2,) inputs and (1,) targets, the same every time."""
    train = tf.data.Dataset.from_tensor_slices(examples(500, seed=1))
    validation = tf.data.Dataset.from_tensor_slices(examples(500, seed=2))
    test = tf.data.Dataset.from_tensor_slices(examples(2000, seed=3))
    return train.shuffle(500).batch(batch_size), validation.batch(500), test.batch(500)


def build_model(learning_rate=0.05, steps=EPOCHS * 50):
    """The compiled neuron: (2,) inputs to w₁x₁ + w₂x₂ + b. 3 parameters, initially 0."""
    neuron = keras.layers.Dense(1, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((2,)), neuron])
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    rmse = keras.metrics.RootMeanSquaredError(name="rmse")
    model.compile(keras.optimizers.SGD(schedule), loss="mse", metrics=[rmse])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "learning_rate": hp.Float("learning_rate", 0.001, 0.3, sampling="log", default=0.05),
        "batch_size": hp.Choice("batch_size", [1, 5, 10, 50], default=10),
    }


def with_one(x):
    """Inputs (n, 2) with a third column of ones, whose weight is the bias: (n, 3)."""
    return np.c_[x, np.ones(len(x))]


def least_squares(x, d):
    """The weights (3,) that minimize the squared error."""
    solution, *_ = np.linalg.lstsq(with_one(x), d[:, 0], rcond=None)
    return solution


def baseline(train, test):
    """Least squares."""
    weights = least_squares(*to_numpy(train))
    x, d = to_numpy(test)
    errors = with_one(x) @ weights - d[:, 0]
    return {"rmse": np.sqrt(np.mean(errors**2))}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "adaline.keras", monitor="val_rmse", mode="min", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("adaline.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))
    kernel, bias = model.get_weights()
    w1, w2 = kernel.ravel()
    b = bias.item()
    print(f"Learned:       w₁ = {w1:.3f}, w₂ = {w2:.3f}, b = {b:.3f}")
    w1, w2, b = least_squares(*to_numpy(train))
    print(f"Least squares: w₁ = {w1:.3f}, w₂ = {w2:.3f}, b = {b:.3f}")


if __name__ == "__main__":
    main()
