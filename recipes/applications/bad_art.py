"""Image classification: good and bad pictures, by the slide's network for the Museum of Bad Art.

Slides: 001 «Detección de obras de arte» (Museum of Bad Art).
Paper:  none; the layers are the slide's: two convolutions of 5×5 with 32 filters, two of 3×3 with
        64, each pair with local response normalization (Krizhevsky et al., 2012,
        https://papers.nips.cc/paper/4824), a pool, and dropout of 0.4, then 128 units
        and 2 outputs.
Departs from the slide: the museum's paintings are not available, so the pictures are generated, 64
pixels wide instead of 256, and the network has a quarter of the filters.

At full size, for 256×256 images, the network has 33,638,306 parameters, of which one layer holds
99.75 %: the dense layer from 64 maps of 64×64 values to 128 units.

The generated pictures are landscapes: sky, sun, hills, a house and a tree. The good ones are
painted by a steady hand. In the bad ones the hand shakes, and the paint misses its outlines.
Colors, subjects and positions have the same distribution for both classes. So the areas of the
colors, which the baseline uses, reveal little: only their changes by a shaky hand. The amount of
shaking varies, and the classes touch: the shakiest of the good hands is as shaky as the steadiest
of the bad ones. The slide's accuracy with the museum's paintings is 87 %.
"""

import colorsys

import keras
import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw
from sklearn.linear_model import LogisticRegression

from layers.local_response_normalization import LocalResponseNormalization
from recipes.common.arrays import to_numpy

EPOCHS = 8
CLASSES = ["good", "bad"]
SIDE = 64  # pixels
SCALE = 2  # factor by which pictures are drawn larger, and then reduced
STEADY = (0.0, 1.0)  # range of a good hand's standard deviation, in pixels
SHAKY = (1.0, 2.5)  # the same for a bad hand
# Hues, from 0 to 1 around the color circle.
RED = 0.02  # the roof
TRUNK = 0.06  # the trunk of the tree
BROWN = 0.08  # door and window
ORANGE = 0.10  # the walls
YELLOW = 0.13  # the sun
GREEN = 0.30  # the meadow
LEAVES = 0.33  # the crown of the tree
BLUE = 0.58  # the sky
VIOLET = 0.72  # the hills


def line(rng, points, shake):
    """A closed hand-drawn outline through some points (n, 2), with points between them.

    Args:
        rng: NumPy's random generator.
        points: Corners, in pixels.
        shake: Standard deviation of each point, in pixels.

    Returns:
        A list of (x, y).
    """
    between = np.linspace(0, 1, 6, endpoint=False)[:, None]
    outline = []
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        outline.append(start + between * (end - start))
    outline = np.concatenate(outline)
    outline = outline + rng.normal(0, 1, outline.shape) * shake
    return [tuple(point) for point in SCALE * outline]


def color(rng, hue, brightness):
    """A color (red, green, blue) from 0 to 255, with a hue up to 1/12 of the circle away."""
    hue = (hue + rng.uniform(-1, 1) / 12) % 1
    saturation = rng.uniform(0.3, 0.9)
    red_green_blue = colorsys.hsv_to_rgb(hue, saturation, brightness)
    return tuple(int(255 * value) for value in red_green_blue)


def paint(drawing, rng, points, fill, shake):
    """Fill a shape, and draw its outline; the two match if the hand does not shake."""
    # The paint, displaced at random, and then the outline.
    moved = points + rng.normal(0, 1, 2) * shake
    drawing.polygon(line(rng, moved, shake), fill=fill)
    outline = line(rng, points, shake)
    drawing.line([*outline, outline[0]], fill=(40, 35, 30), width=SCALE)


def ellipse(x, y, width, height):
    """The corners of a polygon of 10 sides: (10, 2)."""
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    across = x + width * np.cos(angles)
    down = y + height * np.sin(angles)
    return np.stack([across, down], axis=1)


def rectangle(left, top, right, bottom):
    """The corners of a rectangle: (4, 2)."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def paint_background(drawing, rng, horizon, shake):
    """The sun, two hills, and the meadow, which ends at the horizon."""
    x = rng.uniform(8, 56)
    y = rng.uniform(6, 18)
    radius = rng.uniform(4, 7)
    paint(drawing, rng, ellipse(x, y, radius, radius), color(rng, YELLOW, 0.95), shake)
    for _ in range(2):
        x = rng.uniform(5, 60)
        height = rng.uniform(8, 18)
        width = rng.uniform(14, 30)
        top = (x, horizon - height)
        hill = np.array([(x - width, horizon), top, (x + width, horizon)])
        paint(drawing, rng, hill, color(rng, VIOLET, rng.uniform(0.4, 0.7)), shake)
    meadow = rectangle(-6, horizon, 70, 70)
    paint(drawing, rng, meadow, color(rng, GREEN, rng.uniform(0.4, 0.8)), shake)


def paint_house(drawing, rng, horizon, shake):
    """Walls, a roof, a door and a window."""
    left = rng.uniform(6, 36)
    bottom = rng.uniform(horizon + 2, 52)
    width = rng.uniform(14, 20)
    height = rng.uniform(9, 13)
    right = left + width
    top = bottom - height
    walls = rectangle(left, top, right, bottom)
    paint(drawing, rng, walls, color(rng, ORANGE, rng.uniform(0.6, 0.95)), shake)
    ridge = (left + width / 2, top - height * 0.7)
    roof = np.array([(left - 2, top), ridge, (right + 2, top)])
    paint(drawing, rng, roof, color(rng, RED, rng.uniform(0.5, 0.8)), shake)
    # The door is at the ground, the window above it.
    door = (left + 0.15 * width, bottom)
    window = (left + 0.6 * width, bottom - 0.35 * height)
    for x, y in (door, window):
        opening = np.array([(x, y), (x + 4, y), (x + 4, y - 5), (x, y - 5)])
        paint(drawing, rng, opening, color(rng, BROWN, 0.35), shake)


def paint_tree(drawing, rng, horizon, shake):
    """A trunk and a round crown."""
    x = rng.uniform(44, 58)
    y = rng.uniform(horizon + 8, 60)
    trunk = np.array([(x - 1.5, y), (x + 1.5, y), (x + 1.5, y - 10), (x - 1.5, y - 10)])
    paint(drawing, rng, trunk, color(rng, TRUNK, 0.4), shake)
    crown = ellipse(x, y - 14, 7, 8)
    paint(drawing, rng, crown, color(rng, LEAVES, rng.uniform(0.3, 0.7)), shake)


def draw(rng, shake):
    """A landscape (64, 64, 3) of uint8.

    Args:
        rng: NumPy's random generator.
        shake: Standard deviation of an outline's points, in pixels.
    """
    horizon = rng.uniform(24, 40)
    sky = color(rng, BLUE, rng.uniform(0.7, 1.0))
    # Draw it larger, for antialiasing.
    image = Image.new("RGB", (SCALE * SIDE, SCALE * SIDE), sky)
    drawing = ImageDraw.Draw(image)
    paint_background(drawing, rng, horizon, shake)
    paint_house(drawing, rng, horizon, shake)
    paint_tree(drawing, rng, horizon, shake)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX))


def sample_pictures(count, seed):
    """Pictures (count, 64, 64, 3), uint8; labels (count,), 0 good, 1 bad; and shake (count,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    low, high = np.where(labels[:, None] == 1, SHAKY, STEADY).T
    shake = rng.uniform(low, high)
    images = np.stack([draw(rng, each) for each in shake])
    return images, labels, shake


def load_data(batch_size=50, count=4000):
    """Train, validation and test batches of (64, 64, 3) uint8 pictures; labels 0 good, 1 bad."""
    parts = []
    for size, seed in ((count, 1), (count // 4, 2), (count // 4, 3)):
        images, labels, _ = sample_pictures(size, seed)
        parts.append(tf.data.Dataset.from_tensor_slices((images, labels)))
    train, validation, test = parts
    return train.shuffle(count).batch(batch_size), validation.batch(250), test.batch(250)


def bad_art(x, classes=2, width=1.0):
    """The slide's network: images from 0 to 1 to class probabilities.

    Args:
        x: A tensor (batch, height, width, 3).
        classes: Number of classes.
        width: Factor of the number of filters and units.
    """
    for filters, size in ((32, 5), (64, 3)):
        count = int(filters * width)
        for _ in range(2):
            x = keras.layers.Conv2D(count, size, padding="same", activation="relu")(x)
        x = LocalResponseNormalization()(x)
        x = keras.layers.MaxPooling2D()(x)
        x = keras.layers.Dropout(0.4)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(int(128 * width), activation="relu")(x)
    x = keras.layers.Dropout(0.4)(x)
    return keras.layers.Dense(classes, activation="softmax", dtype="float32")(x)


def build_model(width=0.25, learning_rate=0.001, classes=2, input_shape=(SIDE, SIDE, 3)):
    """The compiled network: (64, 64, 3) images to 2 probabilities. 136,874 parameters."""
    inputs = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 255)(inputs)
    model = keras.Model(inputs, bad_art(x, classes, width))
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "width": hp.Choice("width", [0.125, 0.25, 0.5], default=0.25),
        "learning_rate": hp.Choice("learning_rate", [0.0003, 0.001, 0.003], default=0.001),
    }


def baseline(train, test):
    """Logistic regression on histograms of the colors."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(max_iter=1000)
    classifier.fit(color_histograms(images), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(color_histograms(images), labels)}


def color_histograms(images):
    """The share of pixels in each of 16 ranges of red, of green and of blue: (images, 48)."""
    ranges = images.reshape(len(images), -1, 3) // 16
    shares = [np.mean(ranges == number, axis=1) for number in range(16)]
    return np.concatenate(shares, axis=1)


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model()
    best = keras.callbacks.ModelCheckpoint(
        "bad_art.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("bad_art.keras")  # the best epoch
    print("Test:", model.evaluate(test, return_dict=True))
    print("Logistic regression on histograms of the colors:", baseline(train, test))


if __name__ == "__main__":
    main()
