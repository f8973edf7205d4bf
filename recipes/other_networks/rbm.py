"""Restricted Boltzmann machine: contrastive divergence finds features of digits without labels.

Slides: 001 «Novedades» (restricted Boltzmann machines), 001 zoo of networks (RBM),
        000 «Máquinas de Boltzmann (1985)».
Paper:  Hinton (2002), Training products of experts by minimizing contrastive divergence,
        https://doi.org/10.1162/089976602760128018
        Tieleman (2008), https://doi.org/10.1145/1390156.1390290 (persistent chains)
Departs from them: Adam instead of momentum; gray values are used as probabilities.

Visible units v are connected to hidden units h, and there are no other connections: given v, the
hidden units are independent and can be sampled all at once, and so can the visible ones given h.
With the energy E = −vᵀWh − bᵀv − cᵀh, the probability of an image is e^−F(v) / Z, where
F(v) = −bᵀv − Σ log(1 + e^(vW + c)) is its free energy. Training lowers the free energy of the data
and raises that of samples from the machine. Contrastive divergence (`cd`) takes these samples after
one step of Gibbs sampling from the data; persistent chains (`pcd`) are never restarted from the
data, so their samples come from the machine itself.

The gradient of F(data) − F(samples) is that of contrastive divergence, if no gradient flows through
the samples. A softmax layer also learns to classify digits from the hidden units, but its gradient
does not reach them. `random` has the same layer on hidden units that are never trained.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 10
CLASSES = [str(digit) for digit in range(10)]
OBJECTIVE = ("val_accuracy", "max")
VARIANTS = {
    "cd": {"sampling": "cd"},
    "pcd": {"sampling": "pcd"},
    "random": {"sampling": None},
}


def load_data(batch_size=100):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9.

    Only the softmax layer uses the labels.
    """
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


@keras.saving.register_keras_serializable(package="rbm")
class RBM(keras.Model):
    """Images (batch, …) of uint8 to class probabilities (batch, 10), computed from hidden units.

    Args:
        hidden: Number of hidden units.
        sampling: "cd", "pcd", or None for hidden units that are never trained.
        chains: Number of persistent chains, for "pcd".
    """

    def __init__(self, hidden=1000, sampling="cd", chains=100, **kwargs):
        super().__init__(**kwargs)
        if sampling not in ("cd", "pcd", None):
            raise ValueError(f'sampling must be "cd", "pcd" or None. Received: {sampling}')
        if hidden < 1 or chains < 1:
            raise ValueError(
                f"hidden and chains must be at least 1. Received: hidden={hidden}, chains={chains}"
            )
        self.options = {"hidden": hidden, "sampling": sampling, "chains": chains}
        # Logistic regression on the hidden units, standardized.
        self.readout = keras.Sequential(
            [
                keras.layers.BatchNormalization(center=False, scale=False),
                keras.layers.Dense(10, activation="softmax", dtype="float32"),
            ]
        )
        self.seeds = keras.random.SeedGenerator()
        # Of its own, so that evaluation does not change the samples of training.
        self.flips = keras.random.SeedGenerator(seed=0)
        self.accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        self.reconstruction_error = keras.metrics.MeanSquaredError(name="reconstruction_error")
        self.pseudo_likelihood = keras.metrics.Mean(name="pseudo_likelihood")

    def build(self, input_shape):
        visible = int(np.prod(input_shape[1:]))
        hidden = self.options["hidden"]
        learns = self.options["sampling"] is not None
        normal = keras.initializers.RandomNormal(stddev=0.01 if learns else 0.1)
        self.kernel = self.add_weight(
            name="kernel", shape=(visible, hidden), initializer=normal, trainable=learns
        )
        self.visible_bias = self.add_weight(
            name="visible_bias", shape=(visible,), initializer="zeros", trainable=learns
        )
        self.hidden_bias = self.add_weight(
            name="hidden_bias", shape=(hidden,), initializer="zeros", trainable=learns
        )
        if self.options["sampling"] == "pcd":
            self.chains = self.add_weight(
                name="chains",
                shape=(self.options["chains"], visible),
                initializer="zeros",
                trainable=False,
            )
        self.readout.build((None, hidden))
        self.built = True

    def visible(self, images):
        """Images as visible units, from 0 to 1: (batch, visible)."""
        flat = keras.ops.reshape(images, (-1, self.kernel.shape[0]))
        return keras.ops.cast(flat, self.kernel.dtype) / 255

    def hidden_probabilities(self, visible):
        """p(h = 1 | v): (batch, visible) to (batch, hidden)."""
        return keras.ops.sigmoid(keras.ops.matmul(visible, self.kernel) + self.hidden_bias)

    def visible_probabilities(self, hidden):
        """p(v = 1 | h): (batch, hidden) to (batch, visible)."""
        fields = keras.ops.matmul(hidden, keras.ops.transpose(self.kernel))
        return keras.ops.sigmoid(fields + self.visible_bias)

    def sample(self, probabilities):
        """Binary units, 1 with the given probabilities."""
        shape = keras.ops.shape(probabilities)
        uniform = keras.random.uniform(shape, dtype=probabilities.dtype, seed=self.seeds)
        return keras.ops.cast(uniform < probabilities, probabilities.dtype)

    def gibbs_step(self, visible):
        """From visible units to hidden ones and back: (batch, visible) of 0 and 1."""
        hidden = self.sample(self.hidden_probabilities(visible))
        return self.sample(self.visible_probabilities(hidden))

    def free_energy(self, visible):
        """F(v) = −bᵀv − Σ log(1 + e^(vW + c)): (batch, visible) to (batch,)."""
        of_hidden = keras.ops.softplus(keras.ops.matmul(visible, self.kernel) + self.hidden_bias)
        of_visible = keras.ops.matmul(visible, self.visible_bias[:, None])[:, 0]
        return -of_visible - keras.ops.sum(of_hidden, axis=-1)

    def call(self, images, training=None):
        hidden = self.hidden_probabilities(self.visible(images))
        # The gradient of the softmax layer does not reach the machine.
        return self.readout(keras.ops.stop_gradient(hidden), training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Cross-entropy of the softmax layer, plus F(data) − F(samples) of the machine."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if self.options["sampling"] is None:
            return loss
        visible = self.visible(x)
        if self.options["sampling"] == "pcd":
            samples = self.gibbs_step(keras.ops.convert_to_tensor(self.chains))
            self.chains.assign(samples)
        else:
            samples = self.gibbs_step(visible)
        samples = keras.ops.stop_gradient(samples)
        of_data = keras.ops.mean(self.free_energy(visible))
        return loss + of_data - keras.ops.mean(self.free_energy(samples))

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        visible = self.visible(x)
        reconstruction = self.visible_probabilities(self.hidden_probabilities(visible))
        self.accuracy.update_state(y, y_pred)
        self.reconstruction_error.update_state(visible, reconstruction)
        return {
            "accuracy": self.accuracy.result(),
            "reconstruction_error": self.reconstruction_error.result(),
        }

    def test_step(self, data):
        images, labels = data
        scores = self.compute_metrics(images, labels, self(images))
        self.pseudo_likelihood.update_state(self.log_pseudo_likelihood(self.visible(images)))
        return {**scores, "pseudo_likelihood": self.pseudo_likelihood.result()}

    def reset_metrics(self):
        """Before each evaluation: the same units will be flipped as in the last one."""
        super().reset_metrics()
        self.flips.state.assign([0, 0])

    def log_pseudo_likelihood(self, visible):
        """Σ_i log p(v_i | all others), in nats, by one random unit of each image: (batch,).

        log p(v_i | others) = log sigmoid(F(v with v_i flipped) − F(v)).
        """
        visible = keras.ops.round(visible)
        units = self.kernel.shape[0]
        chosen = keras.random.randint(keras.ops.shape(visible)[:1], 0, units, seed=self.flips)
        flip = keras.ops.one_hot(chosen, units)  # (batch, visible)
        flipped = keras.ops.abs(visible - flip)
        difference = self.free_energy(flipped) - self.free_energy(visible)
        return units * keras.ops.log_sigmoid(difference)

    def get_config(self):
        return {**super().get_config(), **self.options}


def build_model(
    hidden=1000, sampling="cd", learning_rate=0.003, steps=EPOCHS * 570, input_shape=(28, 28, 1)
):
    """The compiled machine: (28, 28, 1) images to 10 class probabilities. 797,794 parameters.

    795,794 of them are trainable; the others are moving averages that standardize the hidden units.
    """
    model = RBM(hidden, sampling)
    model.build((None, *input_shape))
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), loss="sparse_categorical_crossentropy")
    return model


def deployed(model):
    """The network for images of one digit, of any size, dark on light or light on dark.

    Besides the class probabilities it returns `unlike`, how unlike MNIST's digits the image is,
    from 0 to 1.
    """
    image = keras.Input((None, None, 1))
    digit = CenterDigit()(image)  # (batch, 28, 28, 1), white on black as in MNIST
    outputs = {"probabilities": model(digit), "unlike": UnlikeDigit()(digit)}
    return keras.Model(image, outputs)


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "hidden": hp.Int("hidden", 200, 2000, step=200, default=1000),
        "sampling": hp.Choice("sampling", ["cd", "pcd"], default="cd"),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01], default=0.003),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(pixels(images), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(pixels(images), labels)}


def pixels(images):
    """One row of values from 0 to 1 for each image."""
    return images.reshape(len(images), -1) / np.float32(255)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"rbm_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"rbm_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))
        deployed(model).save(f"rbm_{name}_deployed.keras")


if __name__ == "__main__":
    main()
