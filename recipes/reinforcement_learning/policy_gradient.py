"""Policy gradient (REINFORCE) with and without a baseline: a network balances a pole on a cart.

Slides: 003 «Robótica».
Paper:  Williams (1992), Simple statistical gradient-following algorithms for connectionist
        reinforcement learning, https://doi.org/10.1007/BF00992696;
        Barto, Sutton & Anderson (1983), Neuronlike adaptive elements that can solve difficult
        learning control problems, https://doi.org/10.1109/TSMC.1983.6313077 (cart and pole)
Departs from the slide, which shows robots but no method: here a cart on a track is controlled.
Departs from the papers: Adam instead of plain gradient ascent, many episodes in parallel, and at
most 200 steps in an episode.

The policy π(a | s) is a network that outputs the probabilities of a push to the left and to the
right. Whole episodes are played with sampled actions; then the gradient of log π(a | s) is weighted
by the return, the sum of discounted rewards from that step on, so actions that lead to a long
balance become more probable. Neither a model of cart and pole nor action values are needed.

All returns are positive, so every update raises the probabilities of all sampled actions, some more
than others: the gradient estimate has a high variance. A baseline that does not depend on the
action reduces the variance without changing the expected gradient: here it is a second network that
predicts the return from the state.
"""

import math

import keras
import numpy as np
import tensorflow as tf

from recipes.common.arrays import to_numpy

EPOCHS = 12
OBJECTIVE = ("val_balanced_steps", "max")
VARIANTS = {
    "with_baseline": {"baseline": True},
    "without_baseline": {"baseline": False},
}
UPDATES_PER_EPOCH = 10
LIMIT = 200  # steps of an episode
ACTIONS = ("left", "right")
# The columns of a state: position and velocity of the cart in m and m/s, angle of the pole from the
# vertical and angular velocity in rad and rad/s.
PLACE, SPEED, ANGLE, ROTATION = range(4)
START = 0.05  # initial values of all four are uniform from −START to START
TRACK = 2.4  # m to either end
FALLEN = math.radians(12)
TICK = 0.02  # s
FORCE = 10.0  # N
GRAVITY = 9.8  # m/s²
POLE = 0.1  # kg
MASS = 1.0 + POLE  # kg, with the cart
HALF = 0.5  # m, half of the pole
CART_FRICTION = 0.0005  # on the track
POLE_FRICTION = 0.000002  # in its joint


def sample_starts(count, seed):
    """Initial states (count, 4): nearly at rest, in the middle of the track and upright."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-START, START, (count, 4)).astype("float32")


def load_data(batch_size=32):
    """Train, validation and test batches of initial states (4,), from `sample_starts`.

    Each training batch is played as parallel episodes, which give one update.
    """
    starts = sample_starts(batch_size * UPDATES_PER_EPOCH, seed=1)
    train = tf.data.Dataset.from_tensor_slices((starts,)).shuffle(len(starts))
    validation = tf.data.Dataset.from_tensor_slices((sample_starts(100, seed=2),))
    test = tf.data.Dataset.from_tensor_slices((sample_starts(500, seed=3),))
    return train.batch(batch_size), validation.batch(100), test.batch(500)


def advance(states, actions):
    """States (count, 4) one step later; actions 0 and 1 push the cart to the left, to the right."""
    _, speed, angle, rotation = keras.ops.unstack(states, axis=1)
    sine, cosine = keras.ops.sin(angle), keras.ops.cos(angle)
    force = FORCE * (2 * keras.ops.cast(actions, "float32") - 1)
    force = force - CART_FRICTION * keras.ops.sign(speed)
    pushed = (force + POLE * HALF * rotation**2 * sine) / MASS
    turned = GRAVITY * sine - cosine * pushed - POLE_FRICTION * rotation / (POLE * HALF)
    turned = turned / (HALF * (4 / 3 - POLE * cosine**2 / MASS))
    pushed = pushed - POLE * HALF * turned * cosine / MASS
    changes = keras.ops.stack([speed, pushed, rotation, turned], axis=1)
    return states + TICK * changes


def stands(states):
    """1 if the cart is on the track and the pole has not fallen, else 0: (count,)."""
    on_track = keras.ops.abs(states[:, PLACE]) <= TRACK
    upright = keras.ops.abs(states[:, ANGLE]) <= FALLEN
    return keras.ops.cast(on_track & upright, "float32")


def play(starts, policy, inputs=None):
    """Play episodes.

    Args:
        starts: Initial states (count, 4).
        policy: A function from states (count, 4) to actions (count,). With `inputs`, it also gets
            the row of the current step.
        inputs: Random numbers (LIMIT, count) for a stochastic policy, or None.

    Returns:
        States (LIMIT, count, 4) before each action, constant after the end of an episode; actions
        (LIMIT, count); and `stood` (LIMIT, count), 1 if the pole stands after the action.
    """

    def step(carry, row):
        states, _, stood = carry
        actions = policy(states) if row is None else policy(states, row)
        after = advance(states, actions)
        still = stood * stands(after)
        # The state of a finished episode no longer changes.
        after = keras.ops.where(still[:, None] == 1, after, states)
        return (after, actions, still), (states, actions, still)

    none_yet = keras.ops.zeros_like(starts[:, 0], dtype="int32")
    begin = (starts, none_yet, keras.ops.ones_like(starts[:, 0]))
    _, (states, actions, stood) = keras.ops.scan(step, begin, xs=inputs, length=LIMIT)
    return states, actions, stood


def balanced_steps(starts, policy):
    """Number of steps until the pole falls, at most LIMIT: (count,)."""
    _, _, stood = play(starts, policy)
    return keras.ops.sum(stood, axis=0)


def returns(stood, discount):
    """Discounted returns from each step on (LIMIT, count).

    The reward is 1 − γ for each step in which the pole stands, so returns are from 0 to 1.
    """

    def step(later, reward):
        total = (1 - discount) * reward + discount * later
        return total, total

    _, totals = keras.ops.scan(step, keras.ops.zeros_like(stood[0]), xs=stood, reverse=True)
    return totals


def build_network(units, outputs):
    """States (4,) to outputs, with one hidden layer."""
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(units, activation="tanh"),
            keras.layers.Dense(outputs, dtype="float32"),
        ]
    )


@keras.saving.register_keras_serializable(package="policy_gradient")
class PolicyGradient(keras.Model):
    """States (count, 4) to the probabilities of a push to the left and to the right (count, 2).

    It is trained and tested on initial states, from which it plays episodes.

    Args:
        units: Of the hidden layer of each network.
        baseline: Whether a second network predicts the return, which is subtracted.
        discount: γ.
    """

    def __init__(self, units, baseline, discount, **kwargs):
        super().__init__(**kwargs)
        self.config = {"units": units, "baseline": baseline, "discount": discount}
        self.policy = build_network(units, len(ACTIONS))  # logits
        self.value = build_network(units, 1) if baseline else None
        self.seeds = keras.random.SeedGenerator()
        self.steps_tracker = keras.metrics.Mean(name="balanced_steps")
        self.loss_tracker = keras.metrics.Mean(name="loss")

    def build(self, input_shape=None):
        self.built = True

    def call(self, states):
        return keras.ops.softmax(self.policy(states))

    def best_actions(self, states):
        return keras.ops.cast(keras.ops.argmax(self.policy(states), axis=1), "int32")

    def sampled_actions(self, states, chances):
        """Actions (count,), sampled from the policy.

        Args:
            states: (count, 4).
            chances: (count,), uniform from 0 to 1.
        """
        return keras.ops.cast(chances < self(states)[:, 1], "int32")

    def train_step(self, data):
        (starts,) = data
        chances = keras.random.uniform((LIMIT, keras.ops.shape(starts)[0]), seed=self.seeds)
        states, actions, stood = play(starts, self.sampled_actions, chances)
        with tf.GradientTape() as tape:
            loss = self.policy_loss(states, actions, stood)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        self.loss_tracker.update_state(loss)
        self.steps_tracker.update_state(keras.ops.sum(stood, axis=0))
        return {metric.name: metric.result() for metric in self.metrics}

    def policy_loss(self, states, actions, stood):
        """Negative log-probability of the actions, weighted by returns or advantages, per episode.

        Its gradient is the REINFORCE estimate. With a baseline, its squared error is added.
        """
        # Actions count as long as the pole stood before them.
        acted = keras.ops.concatenate([keras.ops.ones_like(stood[:1]), stood[:-1]], axis=0)
        flat = keras.ops.reshape(states, (-1, 4))
        gained = returns(stood, self.config["discount"])  # (LIMIT, count)
        advantage = gained
        errors = keras.ops.zeros_like(gained)
        if self.value is not None:
            predicted = keras.ops.reshape(self.value(flat), (LIMIT, -1))
            errors = (gained - predicted) ** 2
            advantage = gained - keras.ops.stop_gradient(predicted)
        logits = keras.ops.reshape(self.policy(flat), (LIMIT, -1, len(ACTIONS)))
        chosen = keras.ops.one_hot(actions, len(ACTIONS))
        log_policy = keras.ops.sum(chosen * keras.ops.log_softmax(logits), axis=-1)
        of_steps = acted * (errors - advantage * log_policy)
        return keras.ops.mean(keras.ops.sum(of_steps, axis=0))

    def test_step(self, data):
        (starts,) = data
        self.steps_tracker.update_state(balanced_steps(starts, self.best_actions))
        return {"balanced_steps": self.steps_tracker.result()}

    def get_config(self):
        return {**super().get_config(), **self.config}


def build_model(units=32, baseline=True, discount=0.99, learning_rate=0.01):
    """The compiled agent: a policy and a baseline. 419 parameters.

    Args:
        units: Of the hidden layer of each network.
        baseline: Whether a second network predicts the return, which is subtracted.
        discount: γ.
        learning_rate: Of Adam.
    """
    model = PolicyGradient(units, baseline, discount)
    model.build()
    model.compile(keras.optimizers.Adam(learning_rate))
    model.optimizer.build(model.trainable_variables)
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "units": hp.Int("units", 8, 64, step=2, sampling="log", default=32),
        "discount": hp.Choice("discount", [0.95, 0.98, 0.99, 0.995], default=0.99),
        "learning_rate": hp.Choice("learning_rate", [0.0025, 0.005, 0.01, 0.02], default=0.01),
        "batch_size": hp.Choice("batch_size", [8, 16, 32, 64], default=32),
    }


def push_under(states):
    """Actions that push the cart in the direction in which the pole leans: (count,)."""
    return keras.ops.cast(states[:, ANGLE] > 0, "int32")


def baseline(train, test):
    """Pushes in the direction in which the pole leans."""
    (starts,) = to_numpy(test)
    steps = balanced_steps(keras.ops.convert_to_tensor(starts), push_under)
    return {"balanced_steps": np.mean(keras.ops.convert_to_numpy(steps))}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments)
        best = keras.callbacks.ModelCheckpoint(
            f"policy_gradient_{name}.keras",
            monitor="val_balanced_steps",
            mode="max",
            save_best_only=True,
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"policy_gradient_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Pushes in the direction in which the pole leans:", baseline(train, test))


if __name__ == "__main__":
    main()
