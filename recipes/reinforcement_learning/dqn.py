"""Deep Q-network (DQN): catching a ball, learned from pixels; replay memory and target network.

Slides: 000 «Videojuegos (Atari 2600)», 000 «Deep Q Learning», 001 «Juegos de Atari».
Paper:  Mnih et al. (2015), Human-level control through deep reinforcement learning,
        https://doi.org/10.1038/nature14236
Departs from the paper: a game of 16 × 16 pixels instead of Atari's games; a smaller network, whose
input is two frames instead of four; several games in parallel; Adam instead of RMSprop; and a
replay memory of the game's states instead of frames, which are rendered from them.

The ball falls by one row per step. It moves up to two pixels to the side and bounces off the walls,
while the paddle moves by one. So following the ball is not enough: the agent has to predict where
it will land. The only reward comes at the end: 1 if the ball is caught, −1 if not.

The network learns Q(s, a), the expected reward after each action, with the target r + γ maxₐ′ Q(s′,
a′). Two things stabilize the training: transitions are sampled at random from a replay memory, and
the targets are computed by an older copy of the network, the target network. (In so small a game
the target network has no benefit.)

The games, the memory and the target network are weights of the model. So `fit` trains it, and a
loaded agent plays as the saved one, and continues with its games, memory and exploration, though
with other random numbers: Keras does not save the state of a seed generator. Called with initial
states of episodes, the model plays the episodes and returns their rewards.
"""

import keras
import numpy as np
import tensorflow as tf

from recipes.common.arrays import to_numpy

EPOCHS = 20
OBJECTIVE = ("val_catch_rate", "max")
VARIANTS = {
    "dqn": {},
    "no_target_network": {"target_steps": 1},
    "no_replay": {"memory": 0},  # learns from the last step of each game
    "neither": {"target_steps": 1, "memory": 0},
}
SIDE = 16  # pixels
FASTEST = 2  # greatest speed of the ball to the side, in pixels per step
REACH = 1  # pixels of the paddle on either side of its middle
ACTIONS = ("left", "stay", "right")
STEPS_PER_EPOCH = 500
# The columns of a state of the game.
ROW = 0  # of the ball
COLUMN = 1  # of the ball
SPEED = 2  # of the ball to the right, in pixels per step
PADDLE = 3  # column of its middle


def sample_starts(count, seed):
    """Initial states (count, 4): row, column and speed of the ball, and column of the paddle."""
    rng = np.random.default_rng(seed)
    row = np.zeros(count, int)
    column = rng.integers(0, SIDE, count)
    speed = rng.integers(-FASTEST, FASTEST + 1, count)
    paddle = rng.integers(REACH, SIDE - REACH, count)
    return np.stack([row, column, speed, paddle], axis=1).astype("int32")


def load_data(batch_size=32):
    """Train, validation and test batches of initial states (4,) of episodes, by `sample_starts`.

    The number of parallel games is that of a training batch's rows; a finished game restarts from
    its row. The sets are always the same. As in the paper, the game of the test is that of the
    training; it has only 1,120 initial states.
    """
    starts = sample_starts(batch_size * STEPS_PER_EPOCH, seed=1)
    train = tf.data.Dataset.from_tensor_slices((starts,)).shuffle(len(starts))
    validation = tf.data.Dataset.from_tensor_slices((sample_starts(500, seed=2),))
    test = tf.data.Dataset.from_tensor_slices((sample_starts(500, seed=3),))
    return train.batch(batch_size), validation.batch(500), test.batch(500)


def advance(states, actions):
    """States (count, 4) one step later; actions 0, 1 and 2 are left, stay and right."""
    row = states[:, ROW]
    column = states[:, COLUMN]
    speed = states[:, SPEED]
    paddle = states[:, PADDLE]

    moved = column + speed
    reflected = keras.ops.abs(moved)
    reflected = SIDE - 1 - keras.ops.abs(SIDE - 1 - reflected)
    speed = keras.ops.where(moved == reflected, speed, -speed)
    paddle = keras.ops.clip(paddle + keras.ops.cast(actions, "int32") - 1, REACH, SIDE - 1 - REACH)
    return keras.ops.stack([row + 1, reflected, speed, paddle], axis=1)


def is_over(states):
    """1 where the ball is at the bottom, else 0: (count,)."""
    return keras.ops.cast(states[:, ROW] == SIDE - 1, "float32")


def reward(states):
    """Rewards (count,) for reaching states (count, 4): 1 for a catch, −1 for a miss, else 0."""
    distance = keras.ops.abs(states[:, COLUMN] - states[:, PADDLE])
    caught = keras.ops.cast(distance <= REACH, "float32")
    return is_over(states) * (2 * caught - 1)


def render(states):
    """Frames (count, SIDE, SIDE) of states (count, 4): 255 where ball or paddle is, else 0."""
    line = keras.ops.arange(SIDE, dtype="int32")
    at_row = line == states[:, ROW, None]
    at_column = line == states[:, COLUMN, None]
    ball = at_row[:, :, None] & at_column[:, None, :]
    near_paddle = keras.ops.abs(line - states[:, PADDLE, None]) <= REACH
    paddle = (line == SIDE - 1)[None, :, None] & near_paddle[:, None, :]
    return 255 * keras.ops.cast(ball | paddle, "uint8")


def observe(before, now):
    """The network's input (count, SIDE, SIDE, 2): the previous and the current frame."""
    return keras.ops.stack([render(before), render(now)], axis=-1)


def play(starts, policy):
    """Play episodes.

    Args:
        starts: Their initial states (count, 4).
        policy: A function from previous and current states, (count, 4) each, to actions (count,).

    Returns:
        The rewards (count,).
    """

    def step(_, states):
        before, now = states
        return now, advance(now, policy(before, now))

    _, end = keras.ops.fori_loop(0, SIDE - 1, step, (starts, starts))
    return reward(end)


def build_network(filters):
    """The Q-network: two frames (SIDE, SIDE, 2) to the values of three actions."""
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 2)),
            keras.layers.Rescaling(1 / 255),
            # 16 × 16 to 8 × 8 to 4 × 4.
            keras.layers.Conv2D(filters, 4, strides=2, padding="same", activation="relu"),
            keras.layers.Conv2D(2 * filters, 3, strides=2, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(len(ACTIONS), dtype="float32"),
        ]
    )


@keras.saving.register_keras_serializable(package="dqn")
class DQN(keras.Model):
    """Initial states (count, 4) of episodes to their rewards (count,): the agent plays them.

    Args:
        filters: Of the first convolution.
        games: Number of parallel games in training.
        memory: Capacity of the replay memory, in transitions; 0 to learn from the last ones only.
        target_steps: Number of steps between updates of the target network.
        exploration_steps: Number of steps in which the share of random actions falls to 0.05.
        discount: γ.
        replayed: Number of transitions sampled from the memory in each step.
    """

    def __init__(
        self, filters, games, memory, target_steps, exploration_steps, discount, replayed, **kwargs
    ):
        super().__init__(**kwargs)
        self.config = {
            "filters": filters,
            "games": games,
            "memory": memory,
            "target_steps": target_steps,
            "exploration_steps": exploration_steps,
            "discount": discount,
            "replayed": replayed,
        }
        self.network = build_network(filters)
        self.target_network = build_network(filters)
        self.target_network.trainable = False
        self.target_network.set_weights(self.network.get_weights())
        self.seeds = keras.random.SeedGenerator()
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.value_tracker = keras.metrics.Mean(name="mean_value")
        self.catch_tracker = keras.metrics.Mean(name="catch_rate")

    def build(self, input_shape=None):
        games = self.config["games"]

        def state(name, rows, columns=4):
            return self.add_weight(
                name=name,
                shape=(rows, columns),
                dtype="int32",
                initializer="zeros",
                trainable=False,
            )

        self.before = state("before", games)
        self.now = state("now", games)
        # Transitions: previous state, current state, action, next state.
        self.memory = state("memory", max(self.config["memory"], games), 13)
        self.built = True

    def call(self, starts):
        return play(starts, self.best_actions)

    def best_actions(self, before, now):
        values = self.network(observe(before, now))  # (count, actions)
        return keras.ops.cast(keras.ops.argmax(values, axis=1), "int32")

    def train_step(self, data):
        (starts,) = data
        played = self.play_one_step(starts)
        batch = self.replay(played) if self.config["memory"] else played
        weights = self.network.trainable_variables
        with tf.GradientTape() as tape:
            loss, values = self.temporal_difference_loss(batch)
            scaled_loss = self.optimizer.scale_loss(loss)  # with mixed_float16; `apply` undoes it
        self.optimizer.apply(tape.gradient(scaled_loss, weights), weights)
        self.update_target_network()
        self.loss_tracker.update_state(loss)
        self.value_tracker.update_state(keras.ops.max(values, axis=1))
        return {"loss": self.loss_tracker.result(), "mean_value": self.value_tracker.result()}

    def play_one_step(self, starts):
        """Play one step in all games, and restart the finished ones; returns the transitions."""
        count = self.config["games"]
        progress = keras.ops.cast(self.optimizer.iterations, "float32")
        exploration = keras.ops.maximum(0.05, 1 - progress / self.config["exploration_steps"])
        explores = keras.random.uniform((count,), seed=self.seeds) < exploration
        random_actions = keras.random.randint((count,), 0, len(ACTIONS), seed=self.seeds)
        best_actions = self.best_actions(self.before, self.now)
        actions = keras.ops.where(explores, random_actions, best_actions)
        after = advance(self.now, actions)
        transitions = keras.ops.concatenate(
            [self.before, self.now, actions[:, None], after], axis=1
        )
        ends = is_over(after)[:, None] == 1
        # An episode starts with two equal frames.
        self.before.assign(keras.ops.where(ends, starts, self.now))
        self.now.assign(keras.ops.where(ends, starts, after))
        return transitions

    def replay(self, played):
        """Replace the oldest transitions in the memory by new ones, and sample from it."""
        count = self.config["games"]
        places = self.memory.shape[0] // count
        step = keras.ops.cast(self.optimizer.iterations, "int32")
        oldest = count * (step % places)
        self.memory.assign(keras.ops.slice_update(self.memory, (oldest, 0), played))
        filled = count * keras.ops.minimum(step + 1, places)
        chosen = keras.random.uniform((self.config["replayed"],), seed=self.seeds)
        chosen = keras.ops.cast(chosen * keras.ops.cast(filled, "float32"), "int32")
        return keras.ops.take(self.memory, chosen, axis=0)

    def temporal_difference_loss(self, transitions):
        """The Huber loss of Q(s, a) against its target; and the values (count, actions)."""
        before, now, actions, after = keras.ops.split(transitions, [4, 8, 9], axis=1)
        future = keras.ops.max(self.target_network(observe(now, after)), axis=1)
        targets = reward(after) + self.config["discount"] * (1 - is_over(after)) * future
        values = self.network(observe(before, now))
        of_actions = keras.ops.take_along_axis(values, actions, axis=1)[:, 0]
        return keras.ops.mean(keras.losses.huber(targets[:, None], of_actions[:, None])), values

    def update_target_network(self):
        """Every `target_steps` steps, copy the network's weights."""
        due = self.optimizer.iterations % self.config["target_steps"] == 0
        for old, new in zip(self.target_network.weights, self.network.weights, strict=True):
            old.assign(keras.ops.where(due, new, old))

    def test_step(self, data):
        (starts,) = data
        self.catch_tracker.update_state(self(starts) > 0)
        return {"catch_rate": self.catch_tracker.result()}

    def get_config(self):
        return {**super().get_config(), **self.config}


def build_model(
    filters=16,
    memory=20_000,
    target_steps=50,
    exploration=0.5,
    discount=0.95,
    replayed=64,
    learning_rate=0.002,
    train=None,
    steps=EPOCHS * STEPS_PER_EPOCH,
):
    """The compiled agent, with the memory it learns from. 336,646 parameters.

    38,195 of them are trainable, those of its Q-network. The target network has as many; the rest
    is the memory, 20,000 transitions of 13 integers, and the states of the games.

    Args:
        filters: Of the first convolution.
        memory: Capacity of the replay memory, in transitions; 0 for none.
        target_steps: Number of steps between updates of the target network.
        exploration: Fraction of the training in which the share of random actions falls to 0.05.
        discount: γ.
        replayed: Number of transitions sampled from the memory in each step.
        learning_rate: Its initial value, followed by cosine decay to zero.
        train: The training set, whose batch size is the number of parallel games.
        steps: Of the whole training.
    """
    games = 32
    if train is not None:
        (starts,) = next(iter(train.take(1)))
        games = len(starts)
    model = DQN(filters, games, memory, target_steps, exploration * steps, discount, replayed)
    model.build()
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule))
    model.optimizer.build(model.network.trainable_variables)
    return model


def deployed(model):
    """The Q-network alone: two frames (16, 16, 2) to the values of left, stay and right."""
    return model.network


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "filters": hp.Int("filters", 8, 32, step=8, default=16),
        "target_steps": hp.Choice("target_steps", [1, 10, 50, 200], default=50),
        "exploration": hp.Choice("exploration", [0.1, 0.25, 0.5, 0.75], default=0.5),
        "discount": hp.Choice("discount", [0.9, 0.95, 0.99], default=0.95),
        "replayed": hp.Choice("replayed", [32, 64, 128], default=64),
        "learning_rate": hp.Float(
            "learning_rate", 0.00025, 0.008, step=2, sampling="log", default=0.002
        ),
        "batch_size": hp.Choice("batch_size", [8, 16, 32, 64], default=32),
    }


def follow(before, now):
    """The action that moves the paddle towards the ball."""
    return 1 + keras.ops.sign(now[:, COLUMN] - now[:, PADDLE])


def baseline(train, test):
    """A player that follows the ball."""
    (starts,) = to_numpy(test)
    rewards = play(keras.ops.convert_to_tensor(starts), follow)
    return {"catch_rate": np.mean(keras.ops.convert_to_numpy(rewards) > 0)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, train=train, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"dqn_{name}.keras", monitor="val_catch_rate", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"dqn_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        deployed(model).save(f"dqn_{name}_deployed.keras")
    print("A player that follows the ball:", baseline(train, test))


if __name__ == "__main__":
    main()
