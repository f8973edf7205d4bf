"""PilotNet (DAVE-2): from the pixels of a camera to the steering wheel, on generated roads.

Slides: 000 «DAVE-2», 000 «DARPA Grand Challenge», 000 «Vehículos autónomos».
Paper:  Bojarski et al. (2016), End to end learning for self-driving cars,
        https://arxiv.org/abs/1604.07316
Departs from the paper: the roads are generated, closed loops on flat ground; images from poses off
the center line are rendered, instead of shifting the images of three cameras, in RGB instead of
YUV; and the activation, which the paper does not name, is ReLU. The slide says that the car is
fully autonomous: the paper reports about 98 % autonomy, by the formula that is used here.

The network predicts the curvature 1/r of the path to take: 0 is straight on, and negative is to the
left. Variants: `recovery` is trained on poses on both sides of the center line, with the path back
to it as target; `center_only` on perfect driving alone. Both then drive in a closed loop, in which
errors add up and gusts push the car aside.
"""

import dataclasses
import functools

import keras
import numpy as np
import tensorflow as tf
from scipy.spatial import cKDTree

from recipes.common.arrays import to_numpy

EPOCHS = 4
OBJECTIVE = ("val_mae", "min")
VARIANTS = {
    "recovery": {},
    "center_only": {"shift": 0.0},
}
HEIGHT = 66  # pixels of the camera's image
WIDTH = 200
HORIZON = 12  # row of the image
FOCAL_LENGTH = 110  # pixels
CAMERA_HEIGHT = 1.4  # meters, as all lengths
ROAD = 3.0  # half of the road's width
LINE = 0.25  # width of the white lines
RADIUS = 60  # mean radius of a loop
BORDER = 60  # of the map, around the road
SHADES = np.random.default_rng(0).uniform(0.75, 1.0, (256, 256))
SKY = (150, 190, 230)
ASPHALT = (105, 105, 110)
GRASS = (70, 130, 60)
WHITE = (235, 235, 235)
LOOKAHEAD = 8.0  # distance of the point ahead to which a good driver steers
STEP = 1.0  # between two images
SECONDS = 0.1  # duration of a step
INTERVENTION = 6.0  # seconds of a human intervention, in the paper
LAPS = 1.5
PUSH = 1.5  # to the side, by a gust of wind
GUSTS = 50  # steps between gusts, which come from alternating sides
TEST_ROADS = (101, 102, 103)


@dataclasses.dataclass
class Road:
    """A closed road.

    Args:
        points: Of its center line, (count, 2), less than a tenth of a meter apart.
        along: Distance of each from the first one, along the road, (count,).
        tangents: The direction of the road at each, (count, 2).
        nearest: For each cell of a map, the index of the nearest point.
        origin: Coordinates of the center of the map's first cell.
    """

    points: np.ndarray
    along: np.ndarray
    tangents: np.ndarray
    nearest: np.ndarray
    origin: np.ndarray


@functools.lru_cache(maxsize=16)
def random_road(seed):
    """A closed road with random bends: its radius is a sum of sinusoids."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, 6000, endpoint=False)
    radius = np.ones_like(angle)
    for wave in range(2, 6):
        amplitude = rng.uniform(0.02, 0.2 / wave)
        phase = rng.uniform(0, 2 * np.pi)
        radius += amplitude * np.cos(wave * angle + phase)
    directions = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = RADIUS * radius[:, None] * directions  # (6000, 2)
    if rng.random() < 0.5:
        points = points[::-1]  # clockwise
    # From each point to the next one.
    steps = np.roll(points, -1, axis=0) - points
    lengths = np.linalg.norm(steps, axis=1)
    along = np.cumsum(lengths) - lengths
    tangents = steps / lengths[:, None]
    # The map, with cells one meter wide.
    origin = points.min(axis=0) - BORDER
    end = points.max(axis=0) + BORDER
    cells = np.ceil(end - origin).astype(int)
    centers = np.stack(np.indices(cells), axis=-1) + origin
    _, nearest = cKDTree(points).query(centers)
    return Road(points, along, tangents, nearest, origin)


def road_coordinates(road, places):
    """Positions (…, 2) as meters along the road and to the left of its center line, (…) each.

    Near each point of the center line, the road is approximated by its tangent. The nearest point
    is looked up in the map, whose cells are one meter wide.
    """
    cells = np.rint(places - road.origin).astype(int)
    cells = np.clip(cells, 0, np.array(road.nearest.shape) - 1)
    index = road.nearest[cells[..., 0], cells[..., 1]]
    away = places - road.points[index]
    tangent = road.tangents[index]
    along = road.along[index] + (away * tangent).sum(axis=-1)
    aside = tangent[..., 0] * away[..., 1] - tangent[..., 1] * away[..., 0]
    return along, aside


def closest(road, position):
    """The index of the point of the center line that is closest to a position."""
    return int(np.linalg.norm(road.points - position, axis=1).argmin())


def heading_at(road, index):
    """The direction of the road at a point of its center line, as an angle."""
    return np.arctan2(road.tangents[index, 1], road.tangents[index, 0])


def ground():
    """Ground positions of pixels below the horizon: meters ahead and left, (rows, WIDTH) each."""
    rows = np.arange(HORIZON + 1, HEIGHT)
    columns = np.arange(WIDTH) - (WIDTH - 1) / 2
    ahead = FOCAL_LENGTH * CAMERA_HEIGHT / (rows - HORIZON)
    left = -columns * ahead[:, None] / FOCAL_LENGTH
    return np.broadcast_to(ahead[:, None], left.shape), left


AHEAD, LEFT = ground()


def forward_of(heading):
    """The unit vector in the direction of a heading, which may be an array (…): (…, 2)."""
    return np.stack([np.cos(heading), np.sin(heading)], axis=-1)


def left_of(heading):
    """The unit vector to the left of a heading: (…, 2)."""
    return np.stack([-np.sin(heading), np.cos(heading)], axis=-1)


def camera(road, position, heading):
    """The image (HEIGHT, WIDTH, 3), uint8, of a car's camera."""
    forward = forward_of(heading)
    left = left_of(heading)
    # Positions on the ground of the pixels below the horizon: (rows, WIDTH, 2).
    world = position + AHEAD[..., None] * forward + LEFT[..., None] * left
    along, aside = road_coordinates(road, world)
    aside = np.abs(aside)
    on_road = aside < ROAD
    on_side_line = np.abs(aside - ROAD + LINE) < LINE / 2
    on_dash = (aside < LINE / 2) & (along % 6 < 3)
    on_line = on_side_line | on_dash
    colors = np.where(on_road[..., None], ASPHALT, GRASS)
    # Patches of half a meter differ in brightness, so that motion is visible.
    patches = np.floor(2 * world).astype(int) % len(SHADES)
    colors = colors * SHADES[patches[..., 0], patches[..., 1], None]
    image = np.empty((HEIGHT, WIDTH, 3))
    image[: HORIZON + 1] = SKY
    image[HORIZON + 1 :] = np.where(on_line[..., None], WHITE, colors)
    return image.astype("uint8")


def pure_pursuit(road, position, heading):
    """Pure pursuit: the curvature of the arc to the center line's point at the lookahead distance.

    Negative to the left, in 1/m.
    """
    start = closest(road, position)
    length = road.along[-1] + 0.1
    ahead = (road.along - road.along[start]) % length
    # The farthest point within LOOKAHEAD along the road.
    within = np.where(ahead <= LOOKAHEAD, ahead, -1)
    target = road.points[np.argmax(within)] - position
    aside = -np.sin(heading) * target[0] + np.cos(heading) * target[1]  # to the left
    return -2 * aside / (target @ target)


def sample_poses(road, count, shift, rng):
    """Poses on a road: positions (count, 2) and headings (count,).

    Args:
        road: A `Road`.
        count: Number of poses.
        shift: Largest distance from the center line; headings vary by a sixth of that, in radians.
        rng: A NumPy random generator.
    """
    indices = rng.integers(0, len(road.points), count)
    headings = np.array([heading_at(road, index) for index in indices])
    # Shifted from the center line, and turned a little.
    aside = rng.uniform(-shift, shift, (count, 1))
    positions = road.points[indices] + aside * left_of(headings)
    turned = rng.uniform(-shift, shift, count) / 6
    return positions, headings + turned


def sample_images(roads, count, shift, seed):
    """Images (roads · count, HEIGHT, WIDTH, 3) and curvatures (roads · count, 1)."""
    rng = np.random.default_rng(seed)
    images = []
    curvatures = []
    for number in roads:
        road = random_road(number)
        positions, headings = sample_poses(road, count, shift, rng)
        for position, heading in zip(positions, headings, strict=True):
            images.append(camera(road, position, heading))
            curvatures.append([pure_pursuit(road, position, heading)])
    return np.array(images), np.array(curvatures, "float32")


def load_data(batch_size=32, shift=2.0, count=250):
    """Train, validation and test batches of (66, 200, 3) uint8 images and (1,) curvatures in 1/m.

    Training is on six roads, validation on one, the test on two others. Validation and test have
    poses on both sides of the center line, whatever the `shift` of the training poses.
    """
    train = sample_images(range(6), count, shift, seed=1)
    validation = sample_images([50], count, 2.0, seed=2)
    test = sample_images(TEST_ROADS[:2], count, 2.0, seed=3)
    train = tf.data.Dataset.from_tensor_slices(train).shuffle(len(train[0]))
    validation = tf.data.Dataset.from_tensor_slices(validation)
    test = tf.data.Dataset.from_tensor_slices(test)
    return train.batch(batch_size), validation.batch(100), test.batch(100)


def build_model(learning_rate=0.001, steps=EPOCHS * 47):
    """The compiled network: (66, 200, 3) images to a curvature. 252,219 parameters."""
    model = keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH, 3)),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            # 66 × 200 to 31 × 98 to 14 × 47 to 5 × 22.
            keras.layers.Conv2D(24, 5, strides=2, activation="relu"),
            keras.layers.Conv2D(36, 5, strides=2, activation="relu"),
            keras.layers.Conv2D(48, 5, strides=2, activation="relu"),
            # To 3 × 20 to 1 × 18.
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dense(50, activation="relu"),
            keras.layers.Dense(10, activation="relu"),
            keras.layers.Dense(1),
            # Curvatures are of the order of 0.01 / m.
            keras.layers.Rescaling(0.1, dtype="float32"),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), loss=scaled_error, metrics=["mae"])
    return model


@keras.saving.register_keras_serializable(package="pilotnet")
def scaled_error(curvatures, answers):
    """The mean squared error in units of 0.1 / m."""
    errors = 10 * (answers - curvatures)
    return keras.ops.mean(keras.ops.square(errors), axis=-1)


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "shift": hp.Float("shift", 0.0, 3.0, step=0.5, default=2.0),
        "learning_rate": hp.Float(
            "learning_rate", 0.00025, 0.004, step=2, sampling="log", default=0.001
        ),
        "batch_size": hp.Choice("batch_size", [16, 32, 64], default=32),
    }


def baseline(train, test):
    """The mean curvature of the training set."""
    _, curvatures = to_numpy(train)
    mean = np.mean(curvatures)
    _, curvatures = to_numpy(test)
    return {"mae": np.mean(np.abs(curvatures - mean))}


def by_network(model):
    """A driver: a function from an image to a curvature; compiled, since `predict` is slow."""
    answer = tf.function(lambda image: model(image, training=False))

    def driver(image):
        return float(answer(tf.constant(image[None]))[0, 0])

    return driver


def by_road_mask(image):
    """A hand-written driver: gray pixels are road, and it steers to their center at `LOOKAHEAD`."""
    # The row of pixels nearest to that distance.
    row = int(np.abs(AHEAD[:, 0] - LOOKAHEAD).argmin())
    pixels = image[HORIZON + 1 + row].astype(int)
    green = pixels[:, 1]
    blue = pixels[:, 2]
    road = np.abs(green - blue) < 12  # grass is greener than blue
    if not road.any():
        return 0.0
    left = LEFT[row][road].mean()
    return -2 * left / (LOOKAHEAD**2 + left**2)


def drive(road, driver, meters=None):
    """Drive in a closed loop: the driver's steering determines its next input image.

    Returns:
        A dictionary: `path` (steps, 2), `offsets` from the center line (steps,), `images` (every
        tenth), the driver's `curvatures` (steps,), `interventions` and `autonomy`. A car that
        leaves the road is put back onto the center line: an intervention. Gusts push the car aside
        at regular intervals.
    """
    meters = meters or LAPS * road.along[-1]
    position = road.points[0]
    heading = heading_at(road, 0)
    record = {"path": [], "offsets": [], "images": [], "curvatures": []}
    interventions = 0
    steps = int(meters / STEP)
    for step in range(steps):
        image = camera(road, position, heading)
        curvature = np.clip(driver(image), -0.3, 0.3)
        index = closest(road, position)
        offset = np.linalg.norm(road.points[index] - position)
        record["path"].append(position)
        record["offsets"].append(offset)
        record["curvatures"].append(curvature)
        if step % 10 == 0:
            record["images"].append(image)
        if offset > ROAD:
            interventions += 1
            position = road.points[index]
            heading = heading_at(road, index)
            continue
        # Turn by half of the angle before the step, and by half after it; right is negative.
        heading -= curvature * STEP / 2
        position = position + STEP * forward_of(heading)
        heading -= curvature * STEP / 2
        if step % GUSTS == GUSTS - 1:
            side = 1 if step // GUSTS % 2 else -1
            position = position + side * PUSH * left_of(heading)
    autonomy = 1 - interventions * INTERVENTION / (steps * SECONDS)
    arrays = {name: np.array(values) for name, values in record.items()}
    return {**arrays, "interventions": interventions, "autonomy": max(autonomy, 0.0)}


def drive_test_roads(driver):
    """Mean autonomy of a driver on the `TEST_ROADS`, and the number of interventions in all."""
    drives = [drive(random_road(number), driver) for number in TEST_ROADS]
    return {
        "autonomy": float(np.mean([each["autonomy"] for each in drives])),
        "interventions": sum(each["interventions"] for each in drives),
    }


def further_scores(model, test, history):
    """How the network drives in a closed loop: its autonomy and interventions."""
    return drive_test_roads(by_network(model))


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data(**arguments)
        model = build_model(steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"pilotnet_{name}.keras", monitor="val_mae", mode="min", save_best_only=True
        )
        history = model.fit(
            train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best]
        )
        model = keras.saving.load_model(f"pilotnet_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))
        print(name, further_scores(model, test, history.history))
    print("By hand, from the road's mask:", drive_test_roads(by_road_mask))


if __name__ == "__main__":
    main()
