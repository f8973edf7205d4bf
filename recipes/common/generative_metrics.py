"""Metrics of generated examples, which compare their distribution with that of real examples."""

import keras
from keras import ops


def frechet_distance(mean, covariance, other_mean, other_covariance):
    """Squared Fréchet distance of two normal distributions: `|μ − μ'|² + tr(C + C' − 2 (C C')^½)`.

    Args:
        mean, other_mean: of shape `(features,)`.
        covariance, other_covariance: of shape `(features, features)`.

    Returns:
        A scalar, 0 if the two distributions are equal.

    Reference: Dowson & Landau (1982), The Fréchet distance between multivariate normal
        distributions, https://doi.org/10.1016/0047-259X(82)90077-X; Heusel et al. (2017), the
        Fréchet inception distance (FID), https://arxiv.org/abs/1706.08500
    """
    values, vectors = ops.linalg.eigh(covariance)
    root = ops.matmul(vectors * ops.sqrt(ops.maximum(values, 0.0)), ops.transpose(vectors))  # C^½
    # C^½ C' C^½ has the eigenvalues of C C', and is symmetric.
    values, _ = ops.linalg.eigh(ops.matmul(root, ops.matmul(other_covariance, root)))
    trace_of_root = ops.sum(ops.sqrt(ops.maximum(values, 0.0)))
    traces = ops.trace(covariance) + ops.trace(other_covariance)
    return ops.sum((mean - other_mean) ** 2) + traces - 2 * trace_of_root


@keras.saving.register_keras_serializable(package="common")
class GenerativeMetrics(keras.metrics.Metric):
    """Three metrics of generated examples, from the outputs of an evaluation classifier.

    - `frechet_distance` between the features (last hidden layer of the classifier) of real and of
      generated examples, divided by the total variance of the real ones: 0 for the same
      distribution, 1 for a generator that always returns the mean. This is the FID with a small
      classifier instead of Inception.
    - `classes`: number of predicted classes with at least a fifth of their fair share of the
      generated examples.
    - `class_entropy` of the predicted classes, in nats: the log of their number if all are equally
      frequent, 0 if there is only one.

    Args:
        features: size of the classifier's last hidden layer.
        classes: number of its classes.
        name: of the metric.

    Example:

    >>> import numpy as np
    >>> real = np.random.default_rng(0).normal(size=(1000, 3))
    >>> probabilities = np.eye(2)[np.arange(1000) % 2]
    >>> metrics = GenerativeMetrics(features=3, classes=2)
    >>> metrics.update_state(real, 0 * real + real.mean(0), probabilities)
    >>> {name: round(float(value), 3) for name, value in metrics.result().items()}
    {'frechet_distance': 1.0, 'classes': 2.0, 'class_entropy': 0.693}
    """

    def __init__(self, features, classes, name="generative_metrics", **kwargs):
        super().__init__(name=name, **kwargs)
        self.features = features
        self.classes = classes
        self.count = self.add_variable((), "zeros", name="count")
        # Row 0: real examples; row 1: generated ones.
        self.sums = self.add_variable((2, features), "zeros", name="sums")
        self.products = self.add_variable((2, features, features), "zeros", name="products")
        self.class_counts = self.add_variable((classes,), "zeros", name="class_counts")

    def update_state(self, real, generated, probabilities, sample_weight=None):
        """Add a batch.

        Args:
            real: features of real examples, `(batch, features)`.
            generated: features of the same number of generated ones.
            probabilities: class probabilities of the generated ones, `(batch, classes)`.
            sample_weight: not used.
        """
        both = ops.stack([ops.cast(real, "float32"), ops.cast(generated, "float32")])
        self.count.assign_add(ops.cast(ops.shape(both)[1], "float32"))
        self.sums.assign_add(ops.sum(both, axis=1))
        self.products.assign_add(ops.matmul(ops.transpose(both, (0, 2, 1)), both))
        predicted = ops.one_hot(ops.argmax(probabilities, axis=-1), self.classes)
        self.class_counts.assign_add(ops.sum(predicted, axis=0))

    def result(self):
        epsilon = keras.config.epsilon()
        count = ops.maximum(self.count, 1.0)
        means = self.sums / count  # (2, features)
        # (2, features, features)
        covariances = self.products / count - means[:, :, None] * means[:, None, :]
        distance = frechet_distance(means[0], covariances[0], means[1], covariances[1])
        shares = self.class_counts / count
        return {
            "frechet_distance": distance / ops.maximum(ops.trace(covariances[0]), epsilon),
            "classes": ops.sum(ops.cast(shares * self.classes >= 0.2, "float32")),
            "class_entropy": -ops.sum(shares * ops.log(ops.maximum(shares, epsilon))),
        }

    def get_config(self):
        return {**super().get_config(), "features": self.features, "classes": self.classes}


def build_classifier(input_shape=(28, 28, 1), classes=10, features=64, trainable=True):
    """The evaluation classifier, a small convolutional network that also returns its features.

    It computes in float32, whatever the precision of the generator, so that scores do not depend on
    it. 46,730 parameters.

    Args:
        input_shape: of an image, at least 13 pixels high and wide.
        classes: number of classes.
        features: size of the last hidden layer.
        trainable: False where it is part of a model that it evaluates.

    Returns:
        A model from images to `[features, probabilities]`, to be trained by `train_classifier`.
    """
    images = keras.Input(input_shape)
    x = keras.layers.Conv2D(16, 5, strides=2, activation="relu", dtype="float32")(images)
    x = keras.layers.Conv2D(32, 5, strides=2, activation="relu", dtype="float32")(x)
    x = keras.layers.Flatten(dtype="float32")(x)
    x = keras.layers.Dense(features, activation="relu", dtype="float32")(x)
    probabilities = keras.layers.Dense(classes, activation="softmax", dtype="float32")(x)
    classifier = keras.Model(images, [x, probabilities], name="classifier")
    classifier.trainable = trainable
    return classifier


def train_classifier(classifier, examples, epochs=2, learning_rate=0.002):
    """Train an evaluation classifier on real examples.

    Args:
        classifier: from `build_classifier`.
        examples: images and class numbers in a form that `fit` takes.
        epochs: number of passes over them.
        learning_rate: of Adam.

    Returns:
        The classifier.
    """
    model = keras.Model(classifier.inputs, classifier.outputs[1])
    model.compile(keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy")
    model.fit(examples, epochs=epochs, shuffle=False, verbose=0)
    return classifier


def compare_samples(classifier, real, generated):
    """`GenerativeMetrics` of two equally large sets of samples, as a dictionary of numbers.

    Args:
        classifier: from `build_classifier`, trained.
        real: images.
        generated: the same number of images.

    Returns:
        `{name: number}`.
    """
    real_features, _ = classifier.predict(real, batch_size=500, verbose=0)
    features, probabilities = classifier.predict(generated, batch_size=500, verbose=0)
    metrics = GenerativeMetrics(features.shape[-1], probabilities.shape[-1])
    metrics.update_state(real_features, features, probabilities)
    return {name: float(value) for name, value in metrics.result().items()}


def squared_distances(points, others):
    """All pairs of two sets of points `(n, features)` and `(m, features)`: `(n, m)`."""
    differences = ops.expand_dims(points, 1) - ops.expand_dims(others, 0)  # (n, m, features)
    return ops.sum(differences**2, axis=-1)


def precision_and_coverage(real, generated, neighbors=3):
    """Precision: share of the generated examples in a neighborhood of a real one. Coverage: share
    of the real examples with a generated one in their neighborhood.

    The neighborhood of a real example is a ball whose radius is the distance to its `neighbors`-th
    nearest real neighbor.

    Args:
        real: examples or their features, `(batch, features)`.
        generated: the same number of generated ones.
        neighbors: which nearest neighbor sets the radius.

    Returns:
        Two scalars from 0 to 1; for a perfect generator about 1 and `1 − 2 ** −neighbors`.

    Reference: Kynkäänniemi et al. (2019), https://arxiv.org/abs/1904.06991 (precision); Naeem et
        al. (2020), https://arxiv.org/abs/2002.09797 (coverage)

    Example: one of four generated points is among the real ones, and near all of them.

    >>> real = ops.array([[0.0], [1.0], [2.0], [3.0]])
    >>> generated = ops.array([[1.5], [9.0], [9.0], [9.0]])
    >>> [float(value) for value in precision_and_coverage(real, generated)]
    [0.25, 1.0]
    """
    # The nearest neighbor of each example is the example itself: skip it.
    nearest, _ = ops.top_k(-squared_distances(real, real), neighbors + 1)
    squared_radius = -nearest[:, -1:]
    around = squared_distances(real, generated) <= squared_radius  # (real, generated)
    precision = ops.mean(ops.cast(ops.any(around, axis=0), "float32"))
    coverage = ops.mean(ops.cast(ops.any(around, axis=1), "float32"))
    return precision, coverage


def diversity(real, generated):
    """Mean distance from one generated example to the next, relative to real examples.

    Args:
        real: examples or their features in random order, `(batch, features)`.
        generated: generated examples in the same form.

    Returns:
        A scalar: 0 if all generated examples are equal, 1 if they are as far apart as real ones.

    Example:

    >>> real, generated = ops.array([[0.0], [1.0]]), ops.array([[3.0], [7.0]])
    >>> float(diversity(real, generated))
    4.0
    """
    real_distance, distance = (mean_distance(examples) for examples in (real, generated))
    return distance / ops.maximum(real_distance, keras.config.epsilon())


def mean_distance(examples):
    """Mean distance from each example to the next one, and from the last to the first."""
    examples = ops.convert_to_tensor(examples)
    return ops.mean(ops.norm(examples - ops.roll(examples, 1, axis=0), axis=-1))
