"""Which inputs matter? L1 finds the 5 relevant ones of 50 by setting the other weights to zero; L2 only shrinks them.

Slides: 000 «Regularización», 001 «Regularización».
Paper:  Tibshirani (1996), Regression shrinkage and selection via the lasso,
        https://doi.org/10.1111/j.2517-6161.1996.tb02080.x

The slope of λ w² fades as w goes to 0, so that the data always wins in the end; that of λ |w| is λ all the way down,
and where the data pulls less than that, the weight stays at 0. How close to 0 depends on the training. A gradient steps
over the kink of |w| and back, never further than rate × λ: with a rate that falls to 0 the weights end below 0.001.
Pulling each weight towards 0 *after* the step and stopping there (`SoftThreshold`) makes zeros that are exact.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

EPOCHS = 1  # of many passes: what counts is where the weights end, not the best moment on the way
PASSES = 1000
INPUTS = 50
RELEVANT = {
    3: 2.0,
    11: -1.5,
    19: 1.0,
    28: -0.8,
    42: 0.6,
}  # the true weights; those of all other inputs are 0
VARIANTS = {
    "none": {"penalty": "none"},
    "l2": {"penalty": "l2"},
    "l1": {"penalty": "l1"},
    "l1_exact": {"penalty": "l1_exact"},
}
TITLES = {
    "none": "No penalty",
    "l2": "L2",
    "l1": "L1 in the loss, rate falling to 0",
    "l1_exact": "L1 as a soft threshold after each step",
}


def examples(count, seed):
    """Inputs (count, 50) from a normal distribution, and what five of them add up to, with noise: (count, 1)."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, INPUTS))
    targets = sum(weight * inputs[:, index] for index, weight in RELEVANT.items()) + rng.normal(
        size=count
    )
    return inputs.astype("float32"), targets[:, None].astype("float32")


def load_data(batch_size=100, count=100, seed=0):
    """Only twice as many training examples as inputs; many to validate and to test on."""
    train, validation, test = (
        tf.data.Dataset.from_tensor_slices(examples(size, 3 * seed + part))
        for part, size in enumerate((count, 1000, 2000))
    )
    return (
        train.shuffle(count).repeat(PASSES).batch(batch_size),
        validation.batch(1000),
        test.batch(2000),
    )


@keras.saving.register_keras_serializable(package="l1_feature_selection")
class SoftThreshold(keras.constraints.Constraint):
    """Pulls each weight towards 0 by `step`, and no further: w ← sign(w) max(|w| − step, 0), after every update."""

    def __init__(self, step):
        self.step = step

    def __call__(self, w):
        return keras.ops.sign(w) * keras.ops.maximum(keras.ops.abs(w) - self.step, 0)

    def get_config(self):
        return {"step": self.step}


def build_model(penalty="l1_exact", strength=0.3, learning_rate=0.1, steps=EPOCHS * PASSES):
    """The compiled network: one linear unit on 50 inputs, 51 parameters."""
    regularizer = {"l1": keras.regularizers.L1, "l2": keras.regularizers.L2}.get(
        penalty, lambda strength: None
    )
    threshold = SoftThreshold(learning_rate * strength) if penalty == "l1_exact" else None
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    unit = keras.layers.Dense(
        1, kernel_regularizer=regularizer(strength), kernel_constraint=threshold
    )
    model = keras.Sequential([keras.Input((INPUTS,)), unit])
    model.compile(
        keras.optimizers.SGD(learning_rate if threshold else schedule),
        loss="mse",
        metrics=[keras.metrics.R2Score(name="r2")],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "penalty": hp.Choice("penalty", list(VARIANTS), default="l1_exact"),
        "strength": hp.Choice("strength", [0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0], default=0.3),
    }


def baseline(train, test):
    """Lasso, its strength by cross-validation (scikit-learn's LassoCV)."""
    from sklearn.linear_model import LassoCV

    inputs, targets = examples_of(train)
    test_inputs, test_targets = examples_of(test)
    return {"r2": LassoCV(cv=5).fit(inputs, targets[:, 0]).score(test_inputs, test_targets[:, 0])}


def examples_of(data):
    """Every example of a set once."""
    inputs, targets = (np.concatenate(part) for part in zip(*data.as_numpy_iterator(), strict=True))
    _, first = np.unique(inputs, axis=0, return_index=True)
    return inputs[first], targets[first]


def small(weights, below=1e-3):
    """How many of the weights of irrelevant inputs are below a threshold."""
    return int((np.abs(np.delete(weights, list(RELEVANT))) < below).sum())


def figures(models, test, histories):
    """The weights that each penalty leaves, and how they go as the penalty grows."""
    from sklearn.linear_model import Ridge, lasso_path

    found, axes = plt.subplots(
        len(models), 1, figsize=(10, 8), sharex=True, sharey=True, layout="constrained"
    )
    for axis, (name, model) in zip(axes, models.items(), strict=True):
        weights = model.get_weights()[0][:, 0]
        r2 = model.evaluate(test, verbose=0, return_dict=True)["r2"]
        others = np.delete(np.arange(INPUTS), list(RELEVANT))
        axis.bar(others, weights[others], color="0.55", label="irrelevant inputs")
        axis.bar(list(RELEVANT), weights[list(RELEVANT)], color="#D55E00", label="relevant inputs")
        axis.plot(
            list(RELEVANT),
            list(RELEVANT.values()),
            "k_",
            markersize=11,
            markeredgewidth=2,
            label="true weights",
        )
        axis.axhline(0, color="k", linewidth=0.6)
        below, exact = small(weights), small(weights, below=1e-12)
        axis.set_title(
            f"{TITLES[name]}: {below} of 45 below 0.001, {exact} exactly 0; R² on new examples {r2:.3f}"
        )
    axes[-1].set_xlabel("input")
    found.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    found.suptitle(
        "Weights after training: L1 leaves the inputs that matter, L2 a little of everything"
    )

    inputs, targets = examples(100, 0)
    inputs, targets = inputs - inputs.mean(axis=0), targets[:, 0] - targets.mean()
    strengths = np.geomspace(0.01, 10, 80)
    paths = {
        "L2: smaller and smaller, none is 0": [
            Ridge(len(inputs) * strength).fit(inputs, targets).coef_ for strength in strengths
        ],
        "L1: one after another becomes 0": lasso_path(inputs, targets, alphas=strengths[::-1] / 2)[
            1
        ].T[::-1],
    }
    path, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
    for axis, (title, weights) in zip(axes, paths.items(), strict=True):
        for index, values in enumerate(np.transpose(weights)):
            relevant = index in RELEVANT
            axis.semilogx(
                strengths,
                values,
                color="#D55E00" if relevant else "0.6",
                linewidth=2 if relevant else 0.8,
            )
        axis.axvline(0.3, color="k", linestyle=":", linewidth=1)
        axis.set(title=title, xlabel="λ (dotted: the one used above)")
        axis.grid(True)
    axes[0].set_ylabel("weights (orange: of relevant inputs)")
    path.suptitle("The same weights as the penalty grows, from scikit-learn's Ridge and Lasso")
    return {"weights": found, "path": path}


def main():
    train, validation, test = load_data()
    for name, arguments in VARIANTS.items():
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, verbose=0)
        scores = model.evaluate(test, return_dict=True, verbose=0)
        print(
            f"{name}: {small(model.get_weights()[0][:, 0])} of 45 irrelevant weights below 0.001, {scores}"
        )
        model.save(f"l1_feature_selection_{name}.keras")


if __name__ == "__main__":
    main()
