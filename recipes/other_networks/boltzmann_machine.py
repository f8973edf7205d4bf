"""Boltzmann machine: stochastic binary units learn the 4-2-4 encoder problem by Gibbs sampling.

Slides: 000 «Máquinas de Boltzmann (1985)», 000 «Neuronas binarias estocásticas»,
        000 «Máquinas de Boltzmann: actualizaciones secuenciales», 001 zoo of networks (BM).
Paper:  Ackley, Hinton & Sejnowski (1985), https://doi.org/10.1207/s15516709cog0901_7
Departs from the paper: persistent chains (Tieleman, 2008) instead of annealing from a random state
before every step; neither hidden units nor the visible units of a group are connected to each
other, so it is a restricted Boltzmann machine; the noise on the clamped patterns decreases to zero.
Deck 003 says that before 1986 nobody knew how to train more layers: this machine, of 1985, trains
hidden units.

A unit fires with probability 1 / (1 + e^−z), where z = Σ w_ij s_j + b_i is its field. If the units
are updated one after the other, the distribution of states s converges to e^−E(s) / Z, where
E = −½ Σ w_ij s_i s_j − Σ b_i s_i. If they are updated all at once, it does not. The gradient of a
weight is the difference of two averages of s_i s_j: with the visible units clamped to data, and
with all units running freely.

The visible units form two groups of four; one unit is on in each group, the same in both. The
groups are connected only through the hidden units, which therefore have to learn a code. Two
hidden units have exactly as many states as there are patterns, and in many training runs two
patterns share a state.
"""

import itertools

import keras
import numpy as np
import tensorflow as tf

EPOCHS = 30
OBJECTIVE = ("val_kl", "min")
VARIANTS = {
    "hidden_3": {"hidden": 3},
    "hidden_2": {"hidden": 2, "noise": 0.1},
    "parallel": {"hidden": 3, "parallel": True},
}
PATTERNS = np.concatenate([np.eye(4), np.eye(4)], axis=1).astype("float32")  # (4, 8)
REPEATS = 2500  # of the four patterns in an epoch
SWEEPS = 2  # over the units, in each training step


def load_data(batch_size=100):
    """Training batches of (8,) patterns and their probabilities, and a test batch of the four.

    Training does not use the probabilities: the machine has to learn them.
    """
    probabilities = np.full(len(PATTERNS), 1 / len(PATTERNS), "float32")
    patterns = tf.data.Dataset.from_tensor_slices((PATTERNS, probabilities))
    return patterns.repeat(REPEATS).batch(batch_size), patterns.batch(4), patterns.batch(4)


def fields(states, kernel, bias):
    """z = Σ w_ij s_j + b_i of all units in states (batch, n): (batch, n)."""
    return keras.ops.matmul(states, kernel) + bias


def sweep(states, kernel, bias, groups, noise):
    """One sweep of Gibbs sampling.

    Args:
        states: (batch, n), 0 and 1.
        kernel, bias: (n, n), symmetric with a diagonal of 0; (n,).
        groups: Masks (groups, n): the units of a group are updated at once, one group after the
            other. Units in none of the groups are clamped: they keep their state.
        noise: Uniform random numbers (batch, n).
    """
    for group in groups:
        probabilities = keras.ops.sigmoid(fields(states, kernel, bias))
        fired = keras.ops.cast(noise < probabilities, states.dtype)
        states = keras.ops.where(group, fired, states)
    return states


def negative_energy(states, kernel, bias):
    """−E = ½ Σ w_ij s_i s_j + Σ b_i s_i of states (batch, n): (batch,)."""
    return keras.ops.sum(states * (fields(states, kernel, bias) + bias) / 2, axis=-1)


def all_states(count):
    """Every state of some units, (2 ** count, count), in the order of binary numbers."""
    states = list(itertools.product([0, 1], repeat=count))
    return np.array(states, "float32").reshape(2**count, count)


@keras.saving.register_keras_serializable(package="boltzmann_machine")
class BoltzmannMachine(keras.Model):
    """Patterns (batch, 8) of 0 and 1 to their log-probabilities (batch,), by enumeration.

    Args:
        hidden: Number of hidden units, from 1 to 8.
        parallel: Whether the free units are updated all at once, which is wrong.
        noise: Initial share of flipped bits in the clamped patterns.
        steps: Number of training steps; after two thirds of them the noise is zero.
        chains: Number of persistent chains.
    """

    def __init__(self, hidden=3, parallel=False, noise=0.05, steps=3000, chains=100, **kwargs):
        super().__init__(**kwargs)
        if not 1 <= hidden <= 8:
            raise ValueError(f"hidden must be from 1 to 8. Received: {hidden}")
        if not 0 <= noise <= 1:
            raise ValueError(f"noise must be from 0 to 1. Received: {noise}")
        if chains < 1:
            raise ValueError(f"chains must be at least 1. Received: {chains}")
        self.options = {
            "hidden": hidden,
            "parallel": parallel,
            "noise": noise,
            "steps": steps,
            "chains": chains,
        }
        self.hidden = hidden
        self.noise = keras.optimizers.schedules.PolynomialDecay(noise, 2 * steps // 3, 0.0)
        units = 8 + hidden
        group = np.repeat([0, 1, 2], [4, 4, hidden])  # first four, second four, hidden units
        # Groups are connected to each other, except the two visible ones.
        self.connected = (group[:, None] != group) & ((group == 2) | (group[:, None] == 2))
        self.hidden_units = np.eye(units, dtype=bool)[8:]  # one mask per unit
        self.free_units = np.ones((1, units), bool) if parallel else np.eye(units, dtype=bool)
        self.seed_generator = keras.random.SeedGenerator()
        self.kl = keras.metrics.Mean(name="kl")
        self.difference = keras.metrics.Mean(name="difference")  # of the two averages, absolute
        self.kernel = self.add_weight(name="kernel", shape=(units, units), initializer="zeros")
        self.bias = self.add_weight(name="bias", shape=(units,), initializer="zeros")
        self.chains = self.add_weight(
            name="chains", shape=(chains, units), initializer="zeros", trainable=False
        )

    def build(self, input_shape):
        self.built = True

    def call(self, patterns):
        return self.log_probabilities(patterns)

    def log_probabilities(self, patterns):
        """log p(v) = log Σ_h e^−E(v, h) − log Z of patterns (batch, 8): (batch,), float32."""
        kernel = keras.ops.cast(self.kernel, "float32")
        bias = keras.ops.cast(self.bias, "float32")
        codes = all_states(self.hidden)  # (codes, hidden)
        free_energies = []
        for visible in (keras.ops.cast(patterns, "float32"), all_states(8)):
            energies = []
            for code in codes:
                states = keras.ops.concatenate(
                    [visible, keras.ops.zeros_like(visible[:, : self.hidden]) + code], axis=-1
                )
                energies.append(negative_energy(states, kernel, bias))
            free_energies.append(keras.ops.logsumexp(keras.ops.stack(energies), axis=0))
        of_patterns, of_all = free_energies  # (batch,) and (256,)
        return of_patterns - keras.ops.logsumexp(of_all)

    def random(self, batch):
        """Uniform random numbers, one for each unit: (batch, units)."""
        return keras.random.uniform((batch, 8 + self.hidden), seed=self.seed_generator)

    def train_step(self, data):
        patterns, _ = data
        batch = keras.ops.shape(patterns)[0]
        # Clamped: the visible units have the states of noisy patterns.
        share = self.noise(self.optimizer.iterations)
        wrong = keras.ops.cast(self.random(batch)[:, :8] < share, "float32")
        visible = keras.ops.abs(patterns - wrong)
        hidden = keras.ops.zeros_like(visible[:, : self.hidden])
        clamped = keras.ops.concatenate([visible, hidden], axis=-1)
        free = keras.ops.convert_to_tensor(self.chains)
        for _ in range(SWEEPS):
            noise = self.random(batch)
            clamped = sweep(clamped, self.kernel, self.bias, self.hidden_units, noise)
            noise = self.random(self.options["chains"])
            free = sweep(free, self.kernel, self.bias, self.free_units, noise)
        self.chains.assign(free)
        # Minus the gradient of log p, since the optimizer minimizes.
        products = mean_products(free) - mean_products(clamped)
        kernel_gradient = products * self.connected.astype("float32")
        bias_gradient = keras.ops.mean(free, axis=0) - keras.ops.mean(clamped, axis=0)
        self.optimizer.apply([kernel_gradient, bias_gradient], [self.kernel, self.bias])
        self.difference.update_state(keras.ops.abs(kernel_gradient))
        return {"difference": self.difference.result()}

    def test_step(self, data):
        """The Kullback–Leibler divergence from the patterns' distribution, in nats."""
        patterns, probabilities = data
        self.kl.update_state(keras.ops.log(probabilities) - self.log_probabilities(patterns))
        return {"kl": self.kl.result()}

    def get_config(self):
        return {**super().get_config(), **self.options}


def mean_products(states):
    """Averages of s_i s_j over states (batch, n): (n, n)."""
    count = keras.ops.cast(keras.ops.shape(states)[0], states.dtype)
    return keras.ops.matmul(keras.ops.transpose(states), states) / count


def build_model(hidden=3, parallel=False, noise=0.05, learning_rate=1.0, steps=EPOCHS * 100):
    """The compiled machine: (8,) patterns to their log-probability. 1,232 parameters.

    132 of them are trainable: 11 biases, and a symmetric matrix of 11 × 11 weights, many of which
    are always 0. The others are the states of 100 chains.
    """
    model = BoltzmannMachine(hidden, parallel, noise, steps)
    optimizer = keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(learning_rate, steps))
    optimizer.build(model.trainable_variables)
    # There is no loss that would have to be scaled with mixed_float16.
    model.compile(optimizer, auto_scale_loss=False)
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "hidden": hp.Int("hidden", 1, 4, default=3),
        "noise": hp.Float("noise", 0.0, 0.2, step=0.05, default=0.05),
        "learning_rate": hp.Choice("learning_rate", [0.3, 1.0, 3.0], default=1.0),
    }


def baseline(train, test):
    """Independent units, each with its mean."""
    mean = PATTERNS.mean(axis=0)
    likelihood = PATTERNS * np.log(mean) + (1 - PATTERNS) * np.log(1 - mean)
    return {"kl": -np.log(len(PATTERNS)) - np.mean(likelihood.sum(axis=1))}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"boltzmann_machine_{name}.keras", monitor="val_kl", mode="min", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"boltzmann_machine_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()
