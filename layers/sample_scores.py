"""How good generated examples are, measured by what another network, the judge, sees in them."""

import keras
from keras import ops


def frechet_distance(mean, covariance, other_mean, other_covariance):
    """Squared Fréchet distance of two normal distributions: `|μ − μ'|² + tr(C + C' − 2 (C C')^½)`.

    Args:
        mean, other_mean: of shape `(features,)`.
        covariance, other_covariance: of shape `(features, features)`.

    Returns:
        A number, 0 where the two are the same.

    Reference: Dowson & Landau (1982), The Fréchet distance between multivariate normal distributions,
        https://doi.org/10.1016/0047-259X(82)90077-X; Heusel et al. (2017), who compare images so,
        https://arxiv.org/abs/1706.08500
    """
    values, vectors = ops.linalg.eigh(covariance)
    root = ops.matmul(vectors * ops.sqrt(ops.maximum(values, 0.0)), ops.transpose(vectors))  # C^½
    values, _ = ops.linalg.eigh(
        ops.matmul(root, ops.matmul(other_covariance, root))
    )  # those of C C'
    common = ops.sum(ops.sqrt(ops.maximum(values, 0.0)))
    return (
        ops.sum((mean - other_mean) ** 2)
        + ops.trace(covariance)
        + ops.trace(other_covariance)
        - 2 * common
    )


@keras.saving.register_keras_serializable(package="layers")
class SampleScores(keras.metrics.Metric):
    """What a judge, a classifier that learned from real examples, says of generated ones; three numbers at once.

    - `frechet_distance` of what its last hidden layer makes of real and of generated examples, in units of the total
      variance of the real ones: 0 for the same distribution, 1 for a generator that always gives the average example.
    - `classes`: how many classes at least a fifth of their fair share of the generated examples are taken for.
    - `class_entropy` of the shares, in nats: log of the number of classes where all are equal, 0 where there is one.

    Args:
        features: size of the judge's last hidden layer.
        classes: how many classes it knows.
        name: of the metric.

    Example:

    >>> import numpy as np
    >>> real, answers = np.random.default_rng(0).normal(size=(1000, 3)), np.eye(2)[np.arange(1000) % 2]
    >>> scores = SampleScores(features=3, classes=2)
    >>> scores.update_state(real, 0 * real + real.mean(0), answers)
    >>> {name: round(float(value), 3) for name, value in scores.result().items()}
    {'frechet_distance': 1.0, 'classes': 2.0, 'class_entropy': 0.693}
    """

    def __init__(self, features, classes, name="sample_scores", **kwargs):
        super().__init__(name=name, **kwargs)
        self.features, self.classes = features, classes
        self.count = self.add_variable((), "zeros", name="count")
        self.sums = self.add_variable((2, features), "zeros", name="sums")
        self.products = self.add_variable((2, features, features), "zeros", name="products")
        self.answers = self.add_variable((classes,), "zeros", name="answers")

    def update_state(self, real, generated, probabilities, sample_weight=None):
        """Adds a batch.

        Args:
            real: features of real examples, `(batch, features)`.
            generated: features of as many generated ones.
            probabilities: classes of the generated ones, `(batch, classes)`.
            sample_weight: not used.
        """
        both = ops.stack([ops.cast(real, "float32"), ops.cast(generated, "float32")])
        self.count.assign_add(ops.cast(ops.shape(both)[1], "float32"))
        self.sums.assign_add(ops.sum(both, axis=1))
        self.products.assign_add(ops.matmul(ops.transpose(both, (0, 2, 1)), both))
        self.answers.assign_add(
            ops.sum(ops.one_hot(ops.argmax(probabilities, axis=-1), self.classes), axis=0)
        )

    def result(self):
        count = ops.maximum(self.count, 1.0)
        means = self.sums / count
        covariances = self.products / count - means[:, :, None] * means[:, None, :]
        distance = frechet_distance(means[0], covariances[0], means[1], covariances[1])
        shares = self.answers / count
        return {
            "frechet_distance": distance
            / ops.maximum(ops.trace(covariances[0]), keras.config.epsilon()),
            "classes": ops.sum(ops.cast(shares * self.classes >= 0.2, "float32")),
            "class_entropy": -ops.sum(
                shares * ops.log(ops.maximum(shares, keras.config.epsilon()))
            ),
        }

    def get_config(self):
        return {**super().get_config(), "features": self.features, "classes": self.classes}


def build_judge(input_shape=(28, 28, 1), classes=10, features=64, trainable=True):
    """A small convolutional classifier that also shows its last hidden layer: images to [features, probabilities].

    It computes in float32, whatever the precision of what it judges: a score must not depend on that.

    Args:
        input_shape: of an image, at least 13 pixels high and wide.
        classes: how many it will know.
        features: size of the last hidden layer.
        trainable: whether it may learn; not where it only judges, inside another model that does.

    Returns:
        A model, to be trained by `teach_judge`.
    """
    images = keras.Input(input_shape)
    x = keras.layers.Conv2D(16, 5, strides=2, activation="relu", dtype="float32")(images)
    x = keras.layers.Conv2D(32, 5, strides=2, activation="relu", dtype="float32")(x)
    x = keras.layers.Flatten(dtype="float32")(x)
    x = keras.layers.Dense(features, activation="relu", dtype="float32")(x)
    classified = keras.layers.Dense(classes, activation="softmax", dtype="float32")(x)
    judge = keras.Model(images, [x, classified], name="judge")
    judge.trainable = trainable
    return judge


def teach_judge(judge, examples, epochs=2, learning_rate=0.002):
    """Train a judge to classify real examples.

    Args:
        judge: from `build_judge`.
        examples: what `fit` takes, of images and class numbers.
        epochs: passes over them.
        learning_rate: of Adam.

    Returns:
        The judge.
    """
    classifier = keras.Model(judge.inputs, judge.outputs[1])
    classifier.compile(keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy")
    classifier.fit(examples, epochs=epochs, shuffle=False, verbose=0)
    return judge


def compare(judge, real, generated):
    """`SampleScores` of as many generated examples as real ones, as a dictionary of numbers.

    Args:
        judge: from `build_judge`, taught.
        real: images.
        generated: images.

    Returns:
        `{name: number}`.
    """
    seen, (features, probabilities) = (
        judge.predict(images, batch_size=500, verbose=0) for images in (real, generated)
    )
    scores = SampleScores(features.shape[-1], probabilities.shape[-1])
    scores.update_state(seen[0], features, probabilities)
    return {name: float(value) for name, value in scores.result().items()}
