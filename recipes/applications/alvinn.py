"""ALVINN: five hidden neurons steer a car along the road that a coarse camera sees.

Slides: 000 «ALVINN (1992)», «NAVLAB II».
Paper:  Pomerleau (1991), Efficient training of artificial neural networks for autonomous
        navigation, https://doi.org/10.1162/neco.1991.3.1.88
Departs from the paper: the roads are generated, instead of recorded during five minutes of driving.
In many images the car is off the center of the road; the paper instead shifts and rotates the
images of one drive. Cross-entropy replaces squared errors, whose gradient is small where sigmoids
are confident and wrong.

The retina has 30 × 32 pixels; 30 output units represent directions from sharp left to sharp right.
The target is not a single unit but a hill of activity (a Gaussian) around the correct direction,
whose top may lie between two units (`hill`); the prediction is the center of the hill in the
outputs. In the variant `one_unit` the target is the nearest unit alone: targets of neighboring
directions then have nothing in common, and a direction between two units is rounded.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import Ridge

from recipes.common.arrays import to_numpy

EPOCHS = 40
OBJECTIVE = ("val_units_off", "min")
VARIANTS = {"hill": {}, "one_unit": {"target": "one_unit"}}
ROWS = 30  # of the retina
COLUMNS = 32  # of the retina
UNITS = 30  # directions
SHARPEST = 0.05  # curvature of the outermost units, in 1/m
HILL = 10.0  # the hill is exp(−d² / HILL), d units from its top
LOOKAHEAD = 12.0  # distance in meters of the point ahead to which the driver steers
NEAREST = 4.0  # distance in meters of the ground in the lowest row of the retina
FARTHEST = 40.0  # distance in meters of the ground in the highest row
VIEW = 0.8  # half of a row's width on the ground, relative to its distance
AROUND = 5  # units on either side of the most active one that the prediction averages over


def load_data(batch_size=64, count=6000):
    """Train, validation and test batches of (30, 32, 1) uint8 images and (1,) directions 0–29."""
    train = tf.data.Dataset.from_tensor_slices(sample_roads(count, seed=1))
    validation = tf.data.Dataset.from_tensor_slices(sample_roads(count // 5, seed=2))
    test = tf.data.Dataset.from_tensor_slices(sample_roads(count // 3, seed=3))
    return train.shuffle(count).batch(batch_size), validation.batch(500), test.batch(500)


def sample_roads(count, seed):
    """Images (count, 30, 32, 1), uint8, and directions (count, 1), float32 from 0 to 29.

    In each, the car is up to 2 m off the center of the road, at an angle of up to 0.12 radians, and
    the road bends. Width, brightness, shadows and noise vary.
    """
    rng = np.random.default_rng(seed)
    images, directions = [], []
    while len(images) < count:
        aside = rng.uniform(-2, 2)
        angle = rng.uniform(-0.12, 0.12)
        bend = rng.uniform(-0.03, 0.03)
        direction = direction_of(road_middle(LOOKAHEAD, aside, angle, bend))
        if 0 <= direction <= UNITS - 1:
            images.append(retina(aside, angle, bend, rng))
            directions.append([direction])
    return np.array(images), np.array(directions, "float32")


def road_middle(ahead, aside, angle, bend):
    """Distance of the road's center to the right of the car, some meters ahead of it.

    Args:
        ahead: Meters, an array of any shape or a number.
        aside: Meters from the car to the center beside it; positive is to the right.
        angle: Between the car's direction and the road's, in radians.
        bend: Curvature of the road, in 1/m.
    """
    return aside + angle * ahead + bend * ahead**2 / 2


def direction_of(aside):
    """The direction, a real number from 0 to 29, of the arc to a point at `LOOKAHEAD`."""
    curvature = 2 * aside / (LOOKAHEAD**2 + aside**2)
    return (curvature / SHARPEST + 1) / 2 * (UNITS - 1)


def retina(aside, angle, bend, rng):
    """The camera's image of a road: (30, 32, 1), uint8, with the nearest ground at the bottom."""
    # In perspective, rows are equally spaced in 1 / distance.
    ahead = 1 / np.linspace(1 / FARTHEST, 1 / NEAREST, ROWS)[:, None]
    right = np.linspace(-VIEW, VIEW, COLUMNS) * ahead  # (rows, columns)
    beside = np.abs(right - road_middle(ahead, aside, angle, bend))
    width = rng.uniform(2.0, 3.5)  # half of the road's
    ground = rng.uniform(0.2, 0.5)
    road = ground + rng.uniform(0.15, 0.4)  # lighter than its surroundings
    image = np.where(beside < width, road, ground)
    # A shadow across the road, and noise.
    first = rng.integers(ROWS)
    height = rng.integers(6)
    image[first : first + height] *= rng.uniform(0.6, 1)
    image = image + rng.normal(0, 0.05, image.shape)
    return (255 * np.clip(image, 0, 1)).astype("uint8")[..., None]


def build_model(hidden=5, target="hill", learning_rate=0.005, steps=EPOCHS * 94):
    """The compiled network: (30, 32, 1) images to 30 activities. 4,985 parameters.

    Args:
        hidden: Number of hidden neurons.
        target: The target of the outputs, `"hill"` or `"one_unit"`.
        learning_rate: Its initial value, followed by cosine decay to zero.
        steps: Of the whole training.
    """
    model = keras.Sequential(
        [
            keras.Input((ROWS, COLUMNS, 1)),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Flatten(),
            keras.layers.Dense(hidden, activation="tanh"),
            keras.layers.Dense(UNITS, activation="sigmoid"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss={"hill": hill_loss, "one_unit": one_unit_loss}[target],
        metrics=[units_off],
    )
    return model


def hill(direction):
    """Target activities (…, 30) for a direction (…, 1): 1 at the top, 0.9 one unit beside it."""
    units = keras.ops.arange(UNITS, dtype=direction.dtype)
    return keras.ops.exp(-((units - direction) ** 2) / HILL)


@keras.saving.register_keras_serializable(package="alvinn")
def hill_loss(direction, activities):
    """Cross-entropy of activities (batch, 30) and hills around directions (batch, 1): (batch,)."""
    losses = keras.ops.binary_crossentropy(hill(direction), activities)
    return keras.ops.mean(losses, axis=-1)


@keras.saving.register_keras_serializable(package="alvinn")
def one_unit_loss(direction, activities):
    """Cross-entropy of activities with 1 for the nearest unit and 0 for all others: (batch,)."""
    nearest = keras.ops.cast(keras.ops.round(direction[:, 0]), "int32")
    target = keras.ops.one_hot(nearest, UNITS, dtype=activities.dtype)
    return keras.ops.mean(keras.ops.binary_crossentropy(target, activities), axis=-1)


def center(activities):
    """The predicted direction (batch, 1) from activities (batch, 30).

    It is the center of mass of the most active unit and those around it.
    """
    units = keras.ops.arange(UNITS, dtype=activities.dtype)
    top = keras.ops.cast(keras.ops.argmax(activities, axis=-1), activities.dtype)
    near = keras.ops.abs(units - top[:, None]) <= AROUND
    mass = keras.ops.where(near, activities, 0.0)
    total = keras.ops.sum(mass, axis=-1) + keras.config.epsilon()
    return keras.ops.sum(mass * units, axis=-1, keepdims=True) / total[:, None]


@keras.saving.register_keras_serializable(package="alvinn")
def units_off(direction, activities):
    """The absolute error of the predicted direction, in units: (batch,)."""
    return keras.ops.abs(center(activities) - direction)[:, 0]


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "hidden": hp.Int("hidden", 2, 10, default=5),
        "learning_rate": hp.Float(
            "learning_rate", 0.00125, 0.02, step=2, sampling="log", default=0.005
        ),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
    }


def baseline(train, test):
    """Ridge regression on the pixels."""
    images, directions = to_numpy(train)
    regression = Ridge(10.0).fit(pixels(images), directions)
    images, directions = to_numpy(test)
    answers = regression.predict(pixels(images)).reshape(directions.shape)
    return {"units_off": np.abs(answers - directions).mean()}


def pixels(images):
    """One row of values from 0 to 1 for each image."""
    return images.reshape(len(images), -1) / np.float32(255)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        path = f"alvinn_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_units_off", mode="min", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(path)  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Ridge regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()
