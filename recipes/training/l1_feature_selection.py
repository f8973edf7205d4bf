"""Feature selection by L1: it finds the 5 relevant inputs of 50 by zeroing the weights of others.

Slides: 000 «Regularización», 001 «Regularización».
Paper:  Tibshirani (1996), Regression shrinkage and selection via the lasso,
        https://doi.org/10.1111/j.2517-6161.1996.tb02080.x

L2 only shrinks weights: the slope of λ w² vanishes as w goes to 0, so weights do not become 0.
The slope of λ |w| is λ for every w > 0: if the gradient of the data loss is smaller than λ, the
weight goes to 0. How close to 0 it gets depends on the optimizer. Gradient descent oscillates
around the kink of |w|, with an amplitude of at most learning rate × λ; if the rate decays to 0, the
weights end below 0.001. A proximal step after each update (`SoftThreshold`) moves every weight
towards 0 and stops there, which makes the zeros exact.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LassoCV

from recipes.common.arrays import to_numpy

EPOCHS = 1
KEEP = "last"  # the weights at the end, not those of the best epoch
REPEATS = 1000  # passes over the training examples in an epoch
INPUTS = 50
# The true weights of the relevant inputs; those of all others are 0.
RELEVANT = {3: 2.0, 11: -1.5, 19: 1.0, 28: -0.8, 42: 0.6}
VARIANTS = {
    "none": {"penalty": "none"},
    "l2": {"penalty": "l2"},
    "l1": {"penalty": "l1"},
    "l1_exact": {"penalty": "l1_exact"},
}


def sample_examples(count, seed):
    """Normally distributed inputs (count, 50), and a noisy weighted sum of five: (count, 1)."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, INPUTS))
    weights = np.zeros(INPUTS)
    weights[list(RELEVANT)] = list(RELEVANT.values())
    targets = inputs @ weights + rng.normal(size=count)
    return inputs.astype("float32"), targets[:, None].astype("float32")


def load_data(batch_size=100, count=100, seed=0):
    """Train, validation and test batches of (50,) inputs and (1,) targets.

    By default there are only twice as many training examples as inputs; the other sets are large.
    """
    train = tf.data.Dataset.from_tensor_slices(sample_examples(count, 3 * seed))
    validation = tf.data.Dataset.from_tensor_slices(sample_examples(1000, 3 * seed + 1))
    test = tf.data.Dataset.from_tensor_slices(sample_examples(2000, 3 * seed + 2))
    train = train.shuffle(count).repeat(REPEATS).batch(batch_size)
    return train, validation.batch(1000), test.batch(2000)


@keras.saving.register_keras_serializable(package="l1_feature_selection")
class SoftThreshold(keras.constraints.Constraint):
    """Pulls each weight towards 0 by `step`, and no further: w ← sign(w) max(|w| − step, 0)."""

    def __init__(self, step):
        self.step = step

    def __call__(self, w):
        return keras.ops.sign(w) * keras.ops.maximum(keras.ops.abs(w) - self.step, 0)

    def get_config(self):
        return {"step": self.step}


def build_model(penalty="l1_exact", strength=0.3, learning_rate=0.1, steps=EPOCHS * REPEATS):
    """The compiled network: one linear unit on 50 inputs, 51 parameters.

    `penalty` is "none", "l2" or "l1", which are part of the loss, with cosine decay of the learning
    rate to zero, or "l1_exact": a soft threshold after each update, with a constant rate.
    """
    regularizer = None
    constraint = None
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    if penalty == "l1":
        regularizer = keras.regularizers.L1(strength)
    elif penalty == "l2":
        regularizer = keras.regularizers.L2(strength)
    elif penalty == "l1_exact":
        constraint = SoftThreshold(learning_rate * strength)
        rate = learning_rate
    model = keras.Sequential(
        [
            keras.Input((INPUTS,)),
            keras.layers.Dense(1, kernel_regularizer=regularizer, kernel_constraint=constraint),
        ]
    )
    model.compile(
        keras.optimizers.SGD(rate), loss="mse", metrics=[keras.metrics.R2Score(name="r2")]
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    penalties = list(VARIANTS)
    values = {"penalty": hp.Choice("penalty", penalties, default="l1_exact")}
    with hp.conditional_scope("penalty", [each for each in penalties if each != "none"]):
        strength = hp.Choice("strength", [0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0], default=0.3)
    if values["penalty"] != "none":
        values["strength"] = strength
    return values


def distinct_examples(dataset):
    """Inputs and targets of a data set, each example once."""
    inputs, targets = to_numpy(dataset)
    _, first = np.unique(inputs, axis=0, return_index=True)
    return inputs[first], targets[first]


def baseline(train, test):
    """Lasso, its strength by cross-validation (scikit-learn's LassoCV)."""
    inputs, targets = distinct_examples(train)
    lasso = LassoCV(cv=5).fit(inputs, targets[:, 0])
    inputs, targets = distinct_examples(test)
    return {"r2": lasso.score(inputs, targets)}


def count_small(weights, below=1e-3):
    """The number of irrelevant inputs whose weight, of weights (50,), is below a threshold."""
    irrelevant = np.delete(weights, list(RELEVANT))
    return int((np.abs(irrelevant) < below).sum())


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, verbose=0)
        print(name, model.evaluate(test, return_dict=True, verbose=0))
        small = count_small(model.get_weights()[0][:, 0])
        print(f"{small} of {INPUTS - len(RELEVANT)} irrelevant weights are below 0.001")
        model.save(f"l1_feature_selection_{name}.keras")
    print("lasso", baseline(train, test))


if __name__ == "__main__":
    main()
