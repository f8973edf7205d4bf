"""Universal approximation: one hidden layer of sigmoids for a function that has no slope anywhere.

Slides: 001 «Nacimiento del Deep Learning».
Paper:  Cybenko (1989), Approximation by superpositions of a sigmoidal function,
        https://doi.org/10.1007/BF02551274;
        Hardy (1916), Weierstrass's non-differentiable function,
        https://doi.org/10.1090/S0002-9947-1916-1501044-1 (the function)
Departs from Cybenko: his proof, for any number of inputs, is not constructive; here the weights are
written down, for one input.

A sigmoid with a large weight is a step, and the difference of two steps is a bump. Narrow bumps
side by side, each with the height of the function there, form a staircase that approximates a
continuous function to any accuracy (`construct`). Neighboring bumps share a step, so n hidden units
form n + 1 treads.

The theorem requires only continuity, so the function here is Weierstrass's, which is continuous but
nowhere differentiable in the limit. Halving the error takes about three times as many units, since
each term of the series has three times the frequency of the last. That is the slide's objection:
one hidden layer may need too many parameters. One more layer could replace three times the units:
cos 3θ = 4 cos³ θ − 3 cos θ computes each term from the last one.

Such weights exist, but training need not find them. Networks with 4 to 256 units are trained as
well, and a deep one with fewer parameters than the widest.
"""

import keras
import numpy as np
import tensorflow as tf

from recipes.common.arrays import to_numpy

EPOCHS = 10
OBJECTIVE = ("val_rmse", "min")
REPEATS = 5  # passes over the points in an epoch
TERMS = 8  # of Weierstrass's series; the rest is below 0.01
DEGREE = 12  # of the baseline: as many parameters as 4 units
GRID = np.linspace(-1, 1, 10_001)  # points for the maximum error
VARIANTS = {
    "units_4": {"units": 4},
    "units_16": {"units": 16},
    "units_64": {"units": 64},
    "units_256": {"units": 256},
    "deep": {"units": 16, "depth": 3},
}


def weierstrass(x):
    """The function to approximate, `Σ cos(3ᵏ π x) / 2ᵏ`: continuous, but without a slope.

    Args:
        x: Array of any shape; the function has period 2.

    Returns:
        Array of the same shape, float64, from −2 to 2.
    """
    x = np.asarray(x, "float64")
    return sum(np.cos(3**term * np.pi * x) / 2**term for term in range(TERMS))


def points(count, seed):
    """Random inputs (count, 1) from −1 to 1 and the function there, (count, 1), both float32."""
    x = np.random.default_rng(seed).uniform(-1, 1, (count, 1)).astype("float32")
    return x, weierstrass(x).astype("float32")


def load_data(batch_size=100):
    """Train, validation and test batches: inputs (1,) from −1 to 1, and the function there, (1,).

    The data is fixed; an epoch has several passes over the 2,000 training points.
    """
    train = tf.data.Dataset.from_tensor_slices(points(2000, seed=1))
    validation = tf.data.Dataset.from_tensor_slices(points(1000, seed=2))
    test = tf.data.Dataset.from_tensor_slices(points(2000, seed=3))
    train = train.shuffle(2000).repeat(REPEATS).batch(batch_size)
    return train, validation.batch(1000).cache(), test.batch(1000).cache()


def build_model(units=64, depth=1, learning_rate=0.03, steps=EPOCHS * 100):
    """The compiled network: (1,) to (1,), with hidden layers of sigmoids. 193 parameters.

    Args:
        units: Of each hidden layer.
        depth: Number of hidden layers.
        learning_rate: Of Adam at the start; it falls to 0 along a cosine.
        steps: Of the whole training.
    """
    # The first layer is initialized as steps at random positions, with the width of their spacing.
    steepness = 2 * units
    steps_everywhere = keras.layers.Dense(
        units,
        activation="sigmoid",
        kernel_initializer=keras.initializers.RandomNormal(stddev=steepness),
        bias_initializer=keras.initializers.RandomUniform(-steepness, steepness),
    )
    model = keras.Sequential([keras.Input((1,)), steps_everywhere])
    for _ in range(depth - 1):
        model.add(keras.layers.Dense(units, activation="sigmoid"))
    model.add(keras.layers.Dense(1))
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss="mse",
        metrics=[keras.metrics.RootMeanSquaredError(name="rmse")],
    )
    return model


def construct(function, units, sharpness=6.0):
    """A network with one hidden layer and weights computed from the function, without training.

    Args:
        function: From an array to an array of the same shape; looked at from −1 to 1.
        units: Steps, which divide that interval into units + 1 equal treads.
        sharpness: Weight of a hidden unit times the width of a tread: the larger, the steeper.

    Returns:
        A network of the same layers as `build_model(units)`, not compiled. In the limit of sharp
        steps its error is nowhere more than the function changes within half a tread.
    """
    edges = np.linspace(-1, 1, units + 2)
    treads = function((edges[:-1] + edges[1:]) / 2)  # the heights, from left to right
    steepness = sharpness / (edges[1] - edges[0])
    hidden = keras.layers.Dense(units, activation="sigmoid")
    model = keras.Sequential([keras.Input((1,)), hidden, keras.layers.Dense(1)])
    model.set_weights(
        [
            np.full((1, units), steepness),
            -steepness * edges[1:-1],  # a unit is at ½ where its step is
            np.diff(treads)[:, None],
            treads[:1],
        ]
    )
    return model


def max_error(model):
    """The maximum absolute error on −1 to 1, the norm of Cybenko's theorem."""
    found = keras.ops.convert_to_numpy(model(GRID[:, None].astype("float32")))
    return float(np.abs(found[:, 0] - weierstrass(GRID)).max())


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "units": hp.Choice("units", [16, 32, 64, 128, 256], default=64),
        "depth": hp.Int("depth", 1, 4, default=1),
        "learning_rate": hp.Choice("learning_rate", [0.003, 0.01, 0.03, 0.1], default=0.03),
        "batch_size": hp.Choice("batch_size", [50, 100, 200], default=100),
    }


def baseline(train, test):
    """Polynomial of degree 12, by least squares."""
    x, y = to_numpy(train)
    polynomial = np.polynomial.Chebyshev.fit(x[:, 0], y[:, 0], DEGREE)
    x, y = to_numpy(test)
    return {"rmse": float(np.sqrt(np.mean((polynomial(x) - y) ** 2)))}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"universal_approximation_{name}.keras",
            monitor="val_rmse",
            mode="min",
            save_best_only=True,
        )
        model.fit(
            train,
            validation_data=validation,
            epochs=EPOCHS,
            shuffle=False,
            callbacks=[best],
            verbose=2,
        )
        model = keras.saving.load_model(f"universal_approximation_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True, verbose=0))
        print(f"Largest error of {model.count_params()} parameters: {max_error(model):.3f}")
        if "depth" not in arguments:
            written_down = construct(weierstrass, arguments["units"])
            print(f"With weights that are written down: {max_error(written_down):.3f}")
    print("Polynomial:", baseline(train, test))


if __name__ == "__main__":
    main()
