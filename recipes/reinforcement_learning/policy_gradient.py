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
# The columns of a state.
POSITION = 0  # of the cart, in m
VELOCITY = 1  # of the cart, in m/s
ANGLE = 2  # of the pole from the vertical, in rad
ANGULAR_VELOCITY = 3  # of the pole, in rad/s
START = 0.05  # initial values of all four are uniform from −START to START
TRACK = 2.4  # m to either end
MAX_ANGLE = math.radians(12)  # of the pole; beyond it, the pole has fallen
TIME_STEP = 0.02  # s, of Euler's method
FORCE = 10.0  # N
GRAVITY = 9.8  # m/s²
POLE_MASS = 0.1  # kg
TOTAL_MASS = 1.0 + POLE_MASS  # kg, with the cart
POLE_HALF_LENGTH = 0.5  # m
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
    """States (count, 4) one step later; actions 0 and 1 push the cart to the left, to the right.

    The equations of motion, with the position x of the cart, the angle θ of the pole, the force F,
    the masses M (total) and m (pole), the pole's half length l, gravity g and friction µ_c, µ_p:

        a = (F − µ_c sign(x') + m l θ'² sin θ) / M
        θ'' = (g sin θ − a cos θ − µ_p θ' / (m l)) / (l (4/3 − m cos² θ / M))
        x'' = a − m l θ'' cos θ / M
    """
    velocity = states[:, VELOCITY]
    angle = states[:, ANGLE]
    angular_velocity = states[:, ANGULAR_VELOCITY]
    sine = keras.ops.sin(angle)
    cosine = keras.ops.cos(angle)
    force = FORCE * (2 * keras.ops.cast(actions, "float32") - 1)
    force = force - CART_FRICTION * keras.ops.sign(velocity)
    moment = POLE_MASS * POLE_HALF_LENGTH  # m l

    # a: the acceleration of the cart if the pole turned at a constant speed.
    steady_acceleration = (force + moment * angular_velocity**2 * sine) / TOTAL_MASS
    # θ'': torque and inertia are relative to m l.
    torque = GRAVITY * sine - cosine * steady_acceleration
    torque = torque - POLE_FRICTION * angular_velocity / moment
    inertia = POLE_HALF_LENGTH * (4 / 3 - POLE_MASS * cosine**2 / TOTAL_MASS)
    angular_acceleration = torque / inertia
    acceleration = steady_acceleration - moment * angular_acceleration * cosine / TOTAL_MASS

    changes = [velocity, acceleration, angular_velocity, angular_acceleration]
    return states + TIME_STEP * keras.ops.stack(changes, axis=1)


def is_balanced(states):
    """1 if the cart is on the track and the pole has not fallen, else 0: (count,)."""
    on_track = keras.ops.abs(states[:, POSITION]) <= TRACK
    upright = keras.ops.abs(states[:, ANGLE]) <= MAX_ANGLE
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
        (LIMIT, count); and `alive` (LIMIT, count), 1 if the episode goes on after the action.
    """

    def step(carry, row):
        states, _, alive = carry
        actions = policy(states) if row is None else policy(states, row)
        after = advance(states, actions)
        alive = alive * is_balanced(after)
        # The state of a finished episode no longer changes.
        after = keras.ops.where(alive[:, None] == 1, after, states)
        return (after, actions, alive), (states, actions, alive)

    no_actions = keras.ops.zeros_like(starts[:, 0], dtype="int32")
    all_alive = keras.ops.ones_like(starts[:, 0])
    carry = (starts, no_actions, all_alive)
    _, (states, actions, alive) = keras.ops.scan(step, carry, xs=inputs, length=LIMIT)
    return states, actions, alive


def balanced_steps(starts, policy):
    """Number of steps until the pole falls, at most LIMIT: (count,)."""
    _, _, alive = play(starts, policy)
    return keras.ops.sum(alive, axis=0)


def discounted_returns(alive, discount):
    """Discounted returns from each step on (LIMIT, count).

    The reward is 1 − γ for each step after which the episode goes on, so returns are from 0 to 1.
    """
    rewards = (1 - discount) * alive

    def step(later_return, reward):
        return_ = reward + discount * later_return
        return return_, return_

    _, returns = keras.ops.scan(step, keras.ops.zeros_like(rewards[0]), xs=rewards, reverse=True)
    return returns


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
        states, actions, alive = play(starts, self.sampled_actions, chances)
        with tf.GradientTape() as tape:
            loss = self.policy_loss(states, actions, alive)
            scaled_loss = self.optimizer.scale_loss(loss)  # with mixed_float16; `apply` undoes it
        gradients = tape.gradient(scaled_loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        self.loss_tracker.update_state(loss)
        self.steps_tracker.update_state(keras.ops.sum(alive, axis=0))
        return {metric.name: metric.result() for metric in self.metrics}

    def policy_loss(self, states, actions, alive):
        """Negative log-probability of the actions, weighted by returns or advantages, per episode.

        Its gradient is the REINFORCE estimate. With a baseline, its squared error is added.
        """
        # Actions count as long as the episode has not ended before them.
        alive_before = keras.ops.concatenate([keras.ops.ones_like(alive[:1]), alive[:-1]], axis=0)
        returns = discounted_returns(alive, self.config["discount"])  # (LIMIT, count)
        flat_states = keras.ops.reshape(states, (-1, 4))

        # How much better the return is than the predicted one.
        if self.value is None:
            squared_errors = keras.ops.zeros_like(returns)
            advantages = returns
        else:
            values = keras.ops.reshape(self.value(flat_states), (LIMIT, -1))
            squared_errors = (returns - values) ** 2
            advantages = returns - keras.ops.stop_gradient(values)

        # log π(a | s) of the actions.
        logits = keras.ops.reshape(self.policy(flat_states), (LIMIT, -1, len(ACTIONS)))
        chosen = keras.ops.one_hot(actions, len(ACTIONS))
        log_policy = keras.ops.sum(chosen * keras.ops.log_softmax(logits), axis=-1)

        step_losses = alive_before * (squared_errors - advantages * log_policy)
        return keras.ops.mean(keras.ops.sum(step_losses, axis=0))

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


def push_toward_lean(states):
    """Actions that push the cart in the direction in which the pole leans: (count,)."""
    return keras.ops.cast(states[:, ANGLE] > 0, "int32")


def baseline(train, test):
    """Pushes in the direction in which the pole leans."""
    (starts,) = to_numpy(test)
    steps = balanced_steps(keras.ops.convert_to_tensor(starts), push_toward_lean)
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
