"""Logistic regression: one sigmoid neuron; polynomial features from underfitting to overfitting.

Slides: 002 «Regresión Logística», 003 «Modelos», 003 «Parámetros».
Paper:  Cox (1958), The regression analysis of binary sequences,
        https://doi.org/10.1111/j.2517-6161.1958.tb00292.x
Departs from the slides: they do not give their points; here one point in five has a wrong label.

The neuron σ(w · x + b) with cross-entropy as its loss (log-loss) *is* logistic regression: trained
to convergence, it has the weights that scikit-learn finds without a penalty (tested). Its decision
boundary is linear in the features. With features of degree 2 or more, it is a curve in the plane.

A higher degree includes all lower ones, so the log-loss on the training set can only fall. On new
points it falls until the true boundary, a parabola, can be represented, and then rises: 28 weights
also fit the wrong labels among 200 points. All of ten training sets (`seed`) show this U-shaped
curve, with the minimum at degree 2 or 4 (tested). Accuracy is less informative than log-loss: it
does not distinguish a network that is slightly wrong from one that is certain of its mistakes.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 10
REPEATS = 100  # of the training set in an epoch
KEEP = "last"  # the weights at the end of training, without early stopping
OBJECTIVE = ("val_loss", "min")  # log-loss
CLASSES = ["below", "above"]
WRONG_LABELS = 0.2
VARIANTS = {
    "degree_1": {"degree": 1},
    "degree_2": {"degree": 2},
    "degree_4": {"degree": 4},
    "degree_6": {"degree": 6},
}


def parabola(x1):
    """The height of the true boundary at x₁."""
    return 1.6 * x1**2 - 0.5


def sample_points(count, seed):
    """Points (count, 2) of a square and labels (count, 1): 1 above a parabola, a fifth wrong.

    Coordinates range from −1 to 1; both arrays are float32.
    """
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (count, 2))
    x1, x2 = points.T
    above = x2 > parabola(x1)
    wrong = rng.uniform(size=count) < WRONG_LABELS
    labels = above != wrong
    return points.astype("float32"), labels[:, None].astype("float32")


def load_data(batch_size=200, examples=200, seed=0):
    """Train, validation and test batches of (2,) points and (1,) labels; the training set is small.

    By default a batch is the whole training set. `seed` determines all three sets.
    """
    train = tf.data.Dataset.from_tensor_slices(sample_points(examples, 3 * seed))
    validation = tf.data.Dataset.from_tensor_slices(sample_points(2000, 3 * seed + 1))
    test = tf.data.Dataset.from_tensor_slices(sample_points(5000, 3 * seed + 2))
    return train.batch(batch_size).repeat(REPEATS), validation.batch(2000), test.batch(5000)


@keras.saving.register_keras_serializable(package="logistic_regression")
class PolynomialFeatures(keras.layers.Layer):
    """Polynomials of two inputs up to a degree, without the constant, which is the neuron's bias.

    They are products of Chebyshev polynomials, T₀ = 1, T₁ = x, T₂ = 2x² − 1, …, instead of the
    powers 1, x, x², …. Both bases span the same functions, but high powers are strongly
    correlated, and gradient descent would converge slowly.
    """

    def __init__(self, degree, **keywords):
        super().__init__(**keywords)
        self.degree = degree

    def call(self, points):
        x1 = self.chebyshev(points[:, 0])
        x2 = self.chebyshev(points[:, 1])
        features = []
        for total in range(1, self.degree + 1):
            for first in range(total + 1):
                features.append(x1[first] * x2[total - first])
        return keras.ops.stack(features, axis=1)  # (batch, features)

    def chebyshev(self, x):
        """Chebyshev polynomials T₀(x) to T_degree(x): a list of tensors (batch,)."""
        polynomials = [keras.ops.ones_like(x), x]
        for _ in range(self.degree - 1):
            polynomials.append(2 * x * polynomials[-1] - polynomials[-2])
        return polynomials

    def get_config(self):
        return {**super().get_config(), "degree": self.degree}


def build_model(degree=2, learning_rate=1.0):
    """The compiled neuron: (2,) points to the probability of label 1. 6 parameters.

    Args:
        degree: Degree of the polynomial features; with 1, they are the two coordinates. With the
            bias, the neuron has (degree + 1)(degree + 2) / 2 weights.
        learning_rate: Learning rate of gradient descent with momentum.
    """
    model = keras.Sequential(
        [
            keras.Input((2,)),
            PolynomialFeatures(degree),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        keras.optimizers.SGD(learning_rate, momentum=0.95, nesterov=True),
        loss="binary_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "degree": hp.Int("degree", 1, 6, default=2),
        "learning_rate": hp.Choice("learning_rate", [0.1, 0.3, 1.0], default=1.0),
    }


def scikit_learn_weights(model, points, labels):
    """Weights (features,) and bias of scikit-learn's logistic regression on the same features."""
    features = model.layers[0](points)
    classifier = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
    classifier.fit(features, labels[:, 0])
    return classifier.coef_[0], classifier.intercept_.item()


def baseline(train, test):
    """Always the share of label 1 in training."""
    _, labels = to_numpy(train)
    share = labels.mean()
    _, labels = to_numpy(test)
    losses = -labels * np.log(share) - (1 - labels) * np.log(1 - share)
    return {"loss": losses.mean(), "accuracy": np.mean(labels == np.round(share))}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments)
        history = model.fit(
            train, validation_data=validation, epochs=EPOCHS, shuffle=False, verbose=0
        ).history
        scores = model.evaluate(test, return_dict=True, verbose=0)
        print(f"{name}: log-loss in training {history['loss'][-1]:.4f}; test {scores}")
        kernel, _ = model.get_weights()
        weights, _ = scikit_learn_weights(model, *to_numpy(train.take(1)))
        difference = np.abs(kernel[:, 0] - weights).max()
        print(f"Weights differ from scikit-learn's by {difference:.4f} at most")
        model.save(f"logistic_regression_{name}.keras")
    print("Always the share of label 1:", baseline(train, test))


if __name__ == "__main__":
    main()
