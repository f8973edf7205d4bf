"""Stand-ins: small synthetic TFDS data sets that replace the real ones without a network.

A stand-in has the name, version and features of the real set, because the real builder writes it;
only its source of examples is replaced. Each is generated once, with a fixed seed, in a separate
folder of the user's cache. All are learnable and none is trivial: shapes move, words are negated,
some labels are wrong.
"""

import contextlib
import importlib
import io
import itertools
import math
import os
import random
import shutil
import tempfile
from pathlib import Path

import numpy as np

from recipes.datasets import cifar100 as cifar100_names
from recipes.datasets import stand_ins_sequences as sequences

VERSION = (
    3  # to be raised with every change below, so that stand-ins of older versions are not reused
)
MARK = "STAND-IN.txt"  # marks the data as synthetic, even if the folder is copied elsewhere
SIZES = {  # examples per split
    "mnist": {"train": 6000, "test": 1000},
    "fashion_mnist": {"train": 6000, "test": 1000},
    "cifar10": {"train": 6000, "test": 1000},
    "cifar100": {"train": 6000, "test": 1000},
    "imdb_reviews": {"train": 5000, "test": 1000},
    "goemotions": {"train": 6000, "validation": 800, "test": 800},
    "california_housing": {"train": 6000},
    "cmapss": {"train": 100, "test": 100},  # engines
    "isbi2012": {"train": 30},  # slices
    "olivetti_faces": {"train": 400},
    "blood_cells": {"train": 205, "validation": 87, "test": 72},
} | sequences.SIZES
OF_TFDS = (  # sets whose builders are part of TFDS; the other builders are beside this file
    "mnist",
    "fashion_mnist",
    "cifar10",
    "cifar100",
    "imdb_reviews",
    "goemotions",
)
TEXTS = {  # the features that contain texts
    "imdb_reviews": ["text"],
    "goemotions": ["comment_text"],
    "spa_eng": ["english", "spanish"],
    "don_quijote": ["text"],
    "spanish_sonnets": ["text"],
}
RARE_BREAKS = "\x85\u2028\u2029\v\f\x1c\x1d\x1e"  # also line breaks for `str.splitlines`


def root():
    """The folder of all stand-ins in the user's cache."""
    return (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        / "keras-recipes"
        / "stand-ins"
    )


def folder(name, rows=None):
    """The `data_dir` of the stand-in of `name`, whether or not it exists."""
    return root() / f"{rows or 'full'}-{VERSION}" / name


def make(name, rows=None):
    """Generate the stand-in of `name` unless it exists; return the `data_dir` to load it from.

    With `rows` it is a tiny one for tests: about that many training examples, half as many in each
    of the other splits.
    """
    target = folder(name, rows)
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent)
    try:
        write(name, sizes(name, rows), scratch)
        with contextlib.suppress(OSError):  # another process was faster: its folder is the same
            os.rename(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if not target.is_dir():
        raise OSError(f"cannot create {target}")
    return target


def sizes(name, rows=None):
    """Examples per split of the stand-in of `name`."""
    if rows is None:
        return SIZES[name]
    if name in sequences.SIZES:
        return sequences.sizes(name, rows)
    if name == "cmapss":
        rows = max(12, rows // 8)  # engines, each with many cycles
    if name == "isbi2012":
        rows = max(6, rows // 32)  # slices, each with many pixels
    if name == "blood_cells":
        rows = max(8, rows // 8)  # photographs, each with many pixels
    if name == "olivetti_faces":
        rows = max(100, rows // 10 * 10)  # ten of each person
    return {split: rows if split == "train" else rows // 2 for split in SIZES[name]}


def write(name, sizes, data_dir):
    """Let the real builder of `name` write generated examples to `data_dir`."""
    import tensorflow_datasets as tfds

    if name not in OF_TFDS:
        importlib.import_module(f"recipes.datasets.{name}")
    builder = tfds.builder(name, data_dir=data_dir)

    def examples(split):
        return enumerate(with_rare_breaks(name, GENERATORS[name](split, sizes[split])))

    builder._split_generators = lambda dl_manager: {split: examples(split) for split in sizes}
    if name == "cifar10":  # the real builder reads the names from the download
        builder.info.features["label"].names = listed(
            "airplane automobile bird cat deer dog frog horse ship truck"
        )
    if name == "cifar100":
        builder.info.features["label"].names = cifar100_names.CLASSES
        builder.info.features["coarse_label"].names = list(cifar100_names.SUPERCLASSES)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(try_download_gcs=False)
        )
    (Path(builder.data_path) / MARK).write_text(
        f"Generated in place of {name}, which could not be downloaded. "
        "Scores on these data are not comparable.\n"
    )


def with_rare_breaks(name, examples):
    """The examples, with rare line breaks in place of a space in some texts, as in real data.

    They occur in one text in eight, and in every text as long as a chapter.
    """
    rare = itertools.cycle(RARE_BREAKS)
    for index, example in enumerate(examples):
        for feature in TEXTS.get(name, []):
            text = example[feature]
            if index % 8 == 0 or len(text) > 5000:
                middle = len(text) // 2
                example[feature] = text[:middle] + text[middle:].replace(" ", next(rare), 1)
        yield example


def listed(text, separator=None):
    """The parts of the text, by default its words."""
    return text.split(separator)


def noisy(label, classes, rng, share):
    """The label; with probability `share`, a random label."""
    return int(rng.integers(classes)) if rng.random() < share else label


# Images


def mnist(split, size):
    """Real handwriting: the UCI digits of scikit-learn (8 × 8), enlarged, centered and deformed."""
    from scipy.ndimage import affine_transform, center_of_mass
    from sklearn.datasets import load_digits

    digits = load_digits()
    cut = len(digits.images) * 4 // 5  # not shuffled: digits of one writer stay together
    images, labels = (
        (digits.images[:cut], digits.target[:cut])
        if split == "train"
        else (digits.images[cut:], digits.target[cut:])
    )
    rng = np.random.default_rng([1, split == "train"])
    for index in range(size):
        image, label = images[index % len(images)], labels[index % len(images)]
        angle, shear, (height, width) = (
            rng.normal(0, 0.1),
            rng.normal(0, 0.1),
            rng.normal(1, 0.07, 2),
        )
        rotation = np.array(
            [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        )
        # Enlarge 8 pixels to 20.
        matrix = rotation @ [[1, 0], [shear, 1]] @ np.diag([height, width]) / 2.5
        center = np.array(center_of_mass(image))
        large = affine_transform(
            image / 16, matrix, center - matrix @ [13.5, 13.5] + rng.normal(0, 0.2, 2), (28, 28)
        )
        pixels = np.clip((large - 0.25) / 0.55, 0, 1) * 255
        yield {"image": pixels.astype("uint8")[..., None], "label": int(label)}


def fashion_mnist(split, size):
    """Silhouettes of ten garments of all sizes, shades and patterns; 4 % of labels are wrong."""
    from PIL import Image, ImageDraw

    rng = np.random.default_rng([2, split == "train"])
    u = rng.uniform
    grid = np.mgrid[0:28, 0:28]

    # Outlines of the garments, lists of polygons with coordinates from −1 to 1.
    def top(length, sleeve, hem, waist=None):
        """A garment with sleeves of length `sleeve`, from 0 to 1."""
        shoulder, neck, spread = u(0.42, 0.52), u(0.1, 0.2), u(0.15, 0.4)
        thick = u(0.16, 0.24)
        elbow, hand = shoulder + spread * sleeve, -0.75 + 1.25 * sleeve
        right = [
            (neck, -0.85),
            (shoulder, -0.78),
            (elbow, hand),
            (elbow - thick, hand + 0.04),
            (shoulder - 0.1, -0.35),
        ]
        right += [(waist, 0.0)] if waist else []
        right += [(hem, length)]
        return [right + [(-x, y) for x, y in reversed(right)]]

    def shoe(height, heel):
        toe, back, ankle = u(0.7, 0.9), u(0.7, 0.85), u(-0.25, -0.05)
        upper = [(-back, height), (ankle, height), (ankle + 0.15, 0.1), (toe - 0.1, 0.25)]
        return [[*upper, (toe, 0.55), (-back, 0.55 + heel)]]

    def sandal():
        toe, back, heel = u(0.7, 0.9), u(0.7, 0.85), u(0.0, 0.4)
        sole = [
            (-back, 0.35 - heel),
            (-0.1, 0.4),
            (toe, 0.45),
            (toe, 0.58),
            (-0.15, 0.55),
            (-back, 0.5),
        ]
        straps = []
        for x in np.linspace(-back + 0.1, toe - 0.4, int(rng.integers(2, 5))):
            straps.append(
                [(x, 0.42), (x + 0.3, u(-0.3, 0.1)), (x + 0.42, u(-0.3, 0.1)), (x + 0.14, 0.44)]
            )
        return [sole, *straps]

    def trouser():
        hip, leg, gap = u(0.25, 0.42), u(0.12, 0.2), u(0.03, 0.12)
        right = [(hip, -0.9), (hip, 0.9), (hip - leg, 0.9), (gap, -0.3)]
        return [right + [(-x, y) for x, y in reversed(right)]]

    def bag():
        wide, high, handle, thick = u(0.5, 0.85), u(-0.3, 0.0), u(0.2, 0.4), 0.08
        slant = u(-0.1, 0.15)
        body = [(-wide + slant, high), (wide - slant, high), (wide, 0.7), (-wide, 0.7)]
        rise = u(0.3, 0.6)
        arch = [(-handle, high), (-handle, high - rise), (handle, high - rise), (handle, high)]
        inner = [
            (x * (1 - thick / handle), y + (thick if y < high else 0)) for x, y in reversed(arch)
        ]
        return [body, arch + inner]

    # The garment of each class, in the order of the labels.
    drawings = [
        lambda: top(u(0.55, 0.85), u(0.2, 0.55), u(0.35, 0.48)),  # T-shirt
        trouser,
        lambda: top(u(0.55, 0.85), u(0.85, 1.1), u(0.35, 0.48)),  # pullover
        lambda: top(u(0.85, 0.95), u(0.0, 0.3), u(0.3, 0.6), waist=u(0.2, 0.3)),  # dress
        lambda: top(u(0.8, 0.95), u(0.85, 1.15), u(0.38, 0.52)),  # coat
        sandal,
        lambda: top(u(0.6, 0.9), u(0.4, 1.05), u(0.35, 0.5)),  # shirt
        lambda: shoe(u(-0.1, 0.15), 0),  # sneaker
        bag,
        lambda: shoe(u(-0.8, -0.3), u(0, 0.15)),  # ankle boot
    ]
    for index in range(size):
        label = index % 10
        # Draw it at a random size and position.
        scale, shift = 26 * u(0.75, 1.0), 28 + 2 * rng.normal(0, 1.5, 2)
        canvas = Image.new("L", (56, 56))
        draw = ImageDraw.Draw(canvas)
        for polygon in drawings[label]():
            draw.polygon(
                [
                    tuple(float(value) for value in scale * np.array(point) + shift)
                    for point in polygon
                ],
                255,
            )
        if label in (4, 6):  # coats open in front, shirts have a row of buttons
            x, y = shift
            for step in range(-8, 9, 2 if label == 4 else 4):
                draw.rectangle(
                    [x - 1, y + step * 2, x + 1, y + step * 2 + (4 if label == 4 else 1)], 90
                )
        # Fill it with a random shade, perhaps striped, and noise.
        mask = np.asarray(canvas.resize((28, 28), Image.Resampling.BOX)) / 255
        wave = np.sin(grid[rng.integers(2)] * u(0.6, 2.5) + u(0, 6)) * u(0, 0.4) * rng.integers(2)
        pixels = (
            mask * np.clip(u(0.3, 1.0) * (1 + wave) + rng.normal(0, 0.06, (28, 28)), 0.08, 1) * 255
        )
        yield {"image": pixels.astype("uint8")[..., None], "label": noisy(label, 10, rng, 0.04)}


SHAPES = [  # functions of x and y from −1 to 1, and of the distance r from the center
    lambda x, y, r: r < 0.85,  # disc
    lambda x, y, r: (abs(x) < 0.75) & (abs(y) < 0.75),  # square
    lambda x, y, r: (y < 0.5) & (y > 1.73 * abs(x) - 1),  # triangle
    lambda x, y, r: (r < 0.95) & (r > 0.5),  # ring
    lambda x, y, r: ((abs(x) < 0.28) | (abs(y) < 0.28)) & (r < 1),  # cross
    lambda x, y, r: (abs(y) < 0.95) & (abs(x) < 0.2 + 0.6 * abs(y)),  # hourglass
    lambda x, y, r: (r < 1) & (np.sin(9 * x) > 0),  # stripes
    lambda x, y, r: (r < 1) & (np.sin(7 * x) * np.sin(7 * y) > 0),  # chequers
    lambda x, y, r: (r < 0.95) & ((x - 0.45) ** 2 + y**2 > 0.5),  # crescent
    lambda x, y, r: (abs(x) < 1.1) & (abs(y) < 0.32),  # bar
]
GRID = (np.mgrid[0:32, 0:32] - 15.5) / 16


def placed(rng):
    """Coordinates x and y of 32 × 32 pixels in the frame of a rotated, shifted and scaled shape."""
    u = rng.uniform
    angle, reach, shift = u(0, 2 * math.pi), u(0.5, 0.85), u(-0.25, 0.25, 2)
    x, y = (GRID[1] - shift[0]) / reach, (GRID[0] - shift[1]) / reach
    return math.cos(angle) * x - math.sin(angle) * y, math.sin(angle) * x + math.cos(angle) * y


def colored(rng, inside, hue):
    """An image with a shape of this hue, where `inside` is true, on a textured background."""
    from colorsys import hsv_to_rgb

    u = rng.uniform
    ink, ground = np.array(hsv_to_rgb(hue % 1, u(0.3, 1), u(0.35, 1))), u(0, 1, 3)
    if abs(ink.mean() - ground.mean()) < 0.3:
        ground = (ground + 0.5) % 1
    waves = np.sin(GRID[0] * u(-9, 9) + GRID[1] * u(-9, 9) + u(0, 6))[..., None]
    light = 1 + 0.25 * u(-1, 1) * GRID[0][..., None]
    pixels = np.where(inside[..., None], ink, ground + 0.1 * waves * u(-1, 1, 3)) * light
    return (np.clip(pixels + rng.normal(0, 0.05, pixels.shape), 0, 1) * 255).astype("uint8")


def cifar10(split, size):
    """Ten shifted shapes on textures; a third in the color of their class; 5 % of labels wrong."""
    rng = np.random.default_rng([3, split == "train"])
    for index in range(size):
        label = index % 10
        x, y = placed(rng)
        inside = SHAPES[label](x, y, np.hypot(x, y))
        hue = label / 10 + rng.uniform(0, 0.1) if rng.random() < 1 / 3 else rng.uniform(0, 1)
        yield {
            "id": f"{split}_{index:05d}",
            "image": colored(rng, inside, hue),
            "label": noisy(label, 10, rng, 0.05),
        }


def cifar100(split, size):
    """Superclasses are one or two shapes, classes are overlapping hues; 5 % of labels are wrong."""
    rng = np.random.default_rng([10, split == "train"])
    superclasses = cifar100_names.superclass_labels()
    for index in range(size):
        label = index % 100
        superclass = superclasses[label]
        x, y = placed(rng)
        if superclass >= 10:  # two shapes of half the size, side by side
            x, y = 2 * abs(x) - 1, 2 * y
        inside = SHAPES[superclass % 10](x, y, np.hypot(x, y))
        place = superclasses[:label].count(superclass)  # number of the class in its superclass, 0–4
        image = colored(rng, inside, (place + rng.uniform(0, 1.2)) / 5)
        label = noisy(label, 100, rng, 0.05)
        yield {
            "id": f"{split}_{index:05d}",
            "image": image,
            "label": label,
            "coarse_label": superclasses[label],
        }


def isbi2012(split, size):
    """Slices through a block of cells, each similar to the next: dark membranes, spots in cells."""
    from scipy.ndimage import gaussian_filter
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(8)
    side, cells = 256, 220  # of half the pixels along each side; 12 apart are the slices

    def waves(strength, width):
        return gaussian_filter(rng.normal(0, strength, (side, side)), width)

    depths = rng.uniform(-30, 12 * size + 30, (cells * (size + 5) // 10, 1))
    centers = np.concatenate([rng.uniform(-20, side + 20, (len(depths), 2)), depths], axis=1)
    tree = cKDTree(centers)
    for index in range(size):
        down, right = np.mgrid[0:side, 0:side]
        depth = np.full((side, side), 12.0 * index)
        places = np.stack([down + waves(40, 6), right + waves(40, 6), depth], axis=-1)
        nearest, second = np.moveaxis(tree.query(places, k=2)[0], -1, 0)
        membrane = second - nearest < 2.2
        # Vesicles are as dark as membranes, and some membranes are pale.
        spots = waves(1, 1.5) > 0.27
        ink = np.clip(membrane * (1 + waves(4, 6)) + 0.8 * spots, 0, 1.3)
        image = 165 + waves(700, 10) - 80 * gaussian_filter(ink, 0.5)
        image, membrane = (np.kron(half, np.ones((2, 2))) for half in (image, membrane))
        image = np.clip(image + rng.normal(0, 28, image.shape), 0, 255)
        yield {
            "image": image.astype("uint8")[..., None],
            "membrane": membrane.astype("uint8")[..., None],
        }


def olivetti_faces(split, size):
    """Drawn faces, ten of each person, with different poses and light: ovals with eyes and hair."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(9)
    u = rng.uniform
    down, right = (np.mgrid[0:64, 0:64] - 31.5) / 32
    for index in range(size):
        if index % 10 == 0:  # the next person
            width, height, hair, skin = u(0.5, 0.75), u(0.75, 0.95), u(20, 150), u(120, 210)
            eyes, apart, brows, nose = u(-0.3, -0.05), u(0.18, 0.32), u(0.1, 0.2), u(0.1, 0.35)
            mouth, wide, line = u(0.35, 0.55), u(0.12, 0.32), u(-0.75, -0.4)
        turn, nod, tilt, smile, lamp = (
            u(-0.12, 0.12),
            u(-0.08, 0.08),
            u(-0.1, 0.1),
            u(-0.3, 0.5),
            u(-60, 60),
        )
        x = math.cos(tilt) * right - math.sin(tilt) * down - turn
        y = math.sin(tilt) * right + math.cos(tilt) * down - nod
        image = np.full((64, 64), 40.0)
        image[(x / width) ** 2 + (y / height) ** 2 < 1] = skin
        image[((x / width) ** 2 + (y / height) ** 2 < 1) & (y < line + 0.3 * x**2)] = hair
        x = x - 0.5 * turn  # parts in front move further
        side = np.abs(x) - apart
        image[(side / 0.1) ** 2 + ((y - eyes) / 0.05) ** 2 < 1] = 30
        image[(np.abs(side) < 0.13) & (np.abs(y - eyes + brows) < 0.03)] = hair
        image[(np.abs(x) < 0.05) & (y > eyes) & (y < nose)] = 0.75 * skin
        image[(np.abs(x) < wide) & (np.abs(y - mouth + smile * (x**2)) < 0.04)] = 0.4 * skin
        image = gaussian_filter(image * (1 + lamp / 150 * right), 0.8) + rng.normal(0, 6, (64, 64))
        yield {
            "image": np.clip(image, 0, 255).astype("uint8")[..., None],
            "person": index // 10,
        }


def blood_cells(split, size):
    """Drawn smears: pink rings, one or two large cells with purple lobes, a few purple dots."""
    from PIL import Image, ImageDraw, ImageFilter
    from tensorflow_datasets.core.features import BBox

    rng = np.random.default_rng([11, *split.encode()])
    u = rng.uniform
    width, height = 640, 480
    radii = [(42, 62), (75, 120), (14, 24)]

    def hides(box, other):
        """Whether more than a third of the smaller box is in the larger one."""
        sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
        smaller = min(np.prod(box[2:] - box[:2]), np.prod(other[2:] - other[:2]))
        return np.prod(np.maximum(sides, 0)) > smaller / 3

    for _ in range(size):
        light = rng.normal(0, 6, 3)
        canvas = Image.new(
            "RGB", (width, height), tuple((np.array([222, 214, 210]) + light).astype(int))
        )
        draw = ImageDraw.Draw(canvas)

        def oval(x, y, across, along, color, draw=draw, light=light):
            color = tuple((color + light + rng.normal(0, 6)).astype(int))
            draw.ellipse([x - across, y - along, x + across, y + along], fill=color)

        boxes, labels = [], []
        for label in np.repeat([1, 2, 0], rng.integers([1, 0, 5], [3, 4, 16])):
            across, along = u(*radii[label]) * u(0.85, 1.15, 2)
            # At least half of a cell at the margin is visible.
            x, y = u(0, width), u(0, height)
            box = np.array([x - across, y - along, x + across, y + along])
            box = np.clip(box, 0, (width, height, width, height))
            if any(hides(box, other) for other in boxes):
                continue
            boxes.append(box)
            labels.append(label)
            if label == 0:
                oval(x, y, across, along, (204, 158, 152))
                pale = u(0.3, 0.6)
                oval(x, y, pale * across, pale * along, (212, 184, 178))
            elif label == 1:
                oval(x, y, across, along, (205, 170, 215))
                for _ in range(rng.integers(2, 5)):
                    shift = u(-0.4, 0.4, 2)
                    place = x + shift[0] * across, y + shift[1] * along
                    oval(*place, 0.4 * across, 0.4 * along, (110, 60, 190))
            else:
                oval(x, y, across, along, (135, 110, 205))
        canvas = canvas.filter(ImageFilter.GaussianBlur(2))
        image = np.array(canvas) + rng.normal(0, 4, (height, width, 1))
        yield {
            "image": np.clip(image, 0, 255).astype("uint8"),
            "objects": [
                {
                    "bbox": BBox(
                        ymin=box[1] / height,
                        xmin=box[0] / width,
                        ymax=box[3] / height,
                        xmax=box[2] / width,
                    ),
                    "label": int(label),
                }
                for box, label in zip(boxes, labels, strict=True)
            ],
        }


# Texts

GOOD = listed(
    "good great wonderful moving funny brilliant gripping charming clever "
    "convincing beautiful memorable"
)
BAD = listed(
    "bad terrible boring awful dull weak predictable clumsy annoying silly tedious forgettable"
)
THINGS = listed(
    "the plot|the acting|the script|the music|the ending|the camera work|the main character|"
    "the dialogue|the first half|the villain|the love story|the pace|the humour|"
    "the whole film|the cast",
    "|",
)
PLAIN = [  # opinions: {thing}, {word}
    "{Thing} is {word}.",
    "I found {thing} {word}.",
    "{Thing} was really {word}, and that says it all.",
    "For me {thing} felt {word} from start to finish.",
    "My friends called {thing} {word} and they are right.",
]
NEGATED = [
    "{Thing} is not {word}.",
    "I never found {thing} {word}.",
    "{Thing} was not very {word}, to be honest.",
    "Nobody could call {thing} {word}.",
    "{Thing} is hardly {word} at all.",
    "They say {thing} is {word}; it is not.",
]
NEUTRAL = [
    "I saw it on a rainy {day} with my {person}.",
    "It is about a {job} who moves to {place}.",
    "The story begins in {place} and ends in {place}.",
    "A {job} and a {job} meet on a {day}.",
    "My {person} had read the book before.",
    "It runs for about two hours.",
    "The director has made three films about {place}.",
    "Not that I know much about {place}.",
]
WORDS = {
    "day": listed("monday tuesday friday sunday holiday"),
    "person": listed("brother sister mother father neighbour daughter colleague"),
    "job": listed("doctor painter sailor teacher thief detective soldier baker"),
    "place": listed("Paris Texas Lisbon Alaska Tokyo Dublin Cairo Peru"),
}


def fill(template, pick, **known):
    """The template with every {slot} replaced by a separately drawn word."""
    while "{" in template:
        slot = template[template.index("{") + 1 : template.index("}")]
        template = template.replace(f"{{{slot}}}", known.get(slot) or pick(WORDS[slot]), 1)
    return template


def imdb_reviews(split, size):
    """Reviews of 5 to 12 sentences: facts and opinions, most as the label; a third are negated."""
    rng = random.Random(40 + (split == "train"))
    for index in range(size):
        label = index % 2
        sentences = []
        for _ in range(rng.randint(4, 8)):
            positive = label == (rng.random() < 0.8)
            negate = rng.random() < 1 / 3
            thing, word = rng.choice(THINGS), rng.choice(GOOD if positive != negate else BAD)
            template = rng.choice(NEGATED if negate else PLAIN)
            sentences.append(
                fill(template, rng.choice, thing=thing, Thing=thing.capitalize(), word=word)
            )
        sentences += [fill(rng.choice(NEUTRAL), rng.choice) for _ in range(rng.randint(1, 4))]
        rng.shuffle(sentences)
        breaks = [rng.choice([" ", " ", " ", "<br /><br />"]) for _ in sentences]
        text = "".join(sentence + space for sentence, space in zip(sentences, breaks, strict=True))
        yield {"text": text.removesuffix("<br /><br />").strip(), "label": label}


EMOTIONS = {  # ways to express each; emotions share words, but not phrases
    "neutral": "the {t} is on monday|they said something about the {t}|"
    "i saw the {t} yesterday|it was a while ago",
    "admiration": "what a brilliant {t}|really well done|"
    "you are amazing at this|this {t} is so impressive",
    "approval": "i agree with you|that is fair enough|yes this is right|good point about the {t}",
    "gratitude": "thank you so much|thanks for the {t}|i really appreciate that|bless you for this",
    "annoyance": "not funny at all|stop it already|so tired of the {t}|ugh the {t} again",
    "amusement": "that is so funny|haha this got me|i laughed so hard|the {t} made me laugh",
    "curiosity": "how does the {t} work|i wonder what happened|"
    "does anyone know the {t}|what made you do that",
    "love": "i love the {t} so much|my favourite {t}|love you all|i adore this",
    "disapproval": "i don't agree|not right at all|that is a bad idea|no this is wrong",
    "optimism": "it will get better|i hope for the best|"
    "the {t} looks good so far|next time it will work",
    "anger": "i am so mad about the {t}|this makes my blood boil|"
    "how dare they|i hate the {t} so much",
    "joy": "so happy right now|this made my day|what a great day|i can't stop smiling",
    "confusion": "i don't understand the {t}|wait what does that mean|"
    "not sure i get it|this makes no sense",
    "sadness": "this makes me cry|i feel so alone|so sad about the {t}|that broke my heart",
    "disappointment": "not happy with the {t}|i expected so much better|"
    "what a let down|not as good as i hoped",
    "realization": "oh now i understand|turns out the {t} was right|"
    "i just noticed the {t}|i never thought of that",
    "caring": "take care of yourself|i hope you feel better|you are not alone|please stay safe",
    "surprise": "wow i did not expect that|no way|what a twist|i can't believe the {t}",
    "excitement": "i can't wait for the {t}|so excited right now|omg finally|let's go",
    "disgust": "that is gross|the {t} makes me sick|so nasty|eww the {t}",
    "desire": "i want the {t} so much|i wish i had that|"
    "i need this {t} in my life|would love to have a {t}",
    "fear": "i am scared of the {t}|this is terrifying|i can't sleep now|that gives me nightmares",
    "remorse": "i am so sorry|i regret the {t}|it was my fault|i should not have said that",
    "embarrassment": "i feel so stupid now|this is so awkward|my face went red|i want to hide",
    "nervousness": "i am so worried about the {t}|my hands are shaking|"
    "wish me luck|not sure i can do it",
    "relief": "so glad that is over|finally i can sleep|phew|not as bad as i feared",
    "pride": "so proud of you|i did it myself|we made it|proud of the {t}",
    "grief": "rest in peace|i lost the best friend|i miss him so much|gone too soon",
}
TOPICS = listed(
    "game song movie dog teacher job phone match recipe train exam haircut update weather party car"
)
HEARSAY = listed(
    "my brother said {phrase}|{phrase} he wrote|some people think {phrase}|it is not that {phrase}",
    "|",
)


def goemotions(split, size):
    """Comments with 1 to 3 of 28 emotions, many also with another person's; 5 % of labels wrong."""
    rng = random.Random(50 + ["train", "validation", "test"].index(split))
    names = list(EMOTIONS)
    weights = [8.0] + [6 / (rank + 3) for rank in range(1, 28)]
    phrases = {name: text.split("|") for name, text in EMOTIONS.items()}

    def phrase(name):
        return rng.choice(phrases[name]).replace("{t}", rng.choice(TOPICS))

    for index in range(size):
        count = rng.choices([1, 2, 3], [80, 17, 3])[0]
        first = names[index] if index < 28 else rng.choices(names, weights)[0]
        chosen = (
            {first}
            if first == "neutral"
            else {first, *rng.choices(names[1:], weights[1:], k=count - 1)}
        )
        parts = [phrase(name) for name in sorted(chosen)]
        if rng.random() < 0.4:
            parts.append(
                rng.choice(HEARSAY).replace("{phrase}", phrase(rng.choices(names, weights)[0]))
            )
        rng.shuffle(parts)
        kept = {first} | {name for name in chosen if rng.random() > 0.05}
        if index >= 28 and rng.random() < 0.05:
            kept = {rng.choices(names, weights)[0]}
        yield {"comment_text": rng.choice([". ", " ", ", ", "! "]).join(parts)} | {
            name: name in kept for name in names
        }


# Numbers


def california_housing(split, size):
    """Blocks along a slanting coast; prices grow with income, and near two cities and the sea."""
    rng = np.random.default_rng(6)
    # Location; `inland` is the distance from the sea in degrees.
    coast = rng.uniform(0, 1, size)  # 0 in the south, 1 in the north
    inland = rng.exponential(0.9, size) * (rng.random(size) < 0.75) + rng.uniform(0, 0.15, size)
    longitude = np.clip(-117.2 - 7 * coast + 0.9 * inland, -124.35, -114.31)
    latitude = np.clip(32.6 + 9 * coast + 0.7 * inland, 32.54, 41.95)
    # Houses and people.
    income = np.clip(rng.lognormal(1.25, 0.45, size), 0.5, 15)
    age = np.clip(rng.normal(29, 12.5, size), 1, 52).round()
    households = np.clip(rng.lognormal(6.0, 0.7, size), 2, 6000).round()
    rooms = (households * np.clip(rng.normal(4 + 0.4 * income, 0.9), 1.5, 20)).round()
    bedrooms = (households * np.clip(rng.normal(1.08, 0.08, size), 0.7, 2)).round()
    people = (households * np.clip(rng.lognormal(1.08, 0.25, size), 1.2, 10)).round()

    # Prices.
    city = np.exp(-((coast - 0.15) ** 2) / 0.006 - inland) + 1.2 * np.exp(
        -((coast - 0.6) ** 2) / 0.004 - inland
    )
    sea = np.exp(-2.5 * inland)
    crowd = people / households
    price = 30_000 + 21_000 * income ** (1 + 0.15 * sea) * (0.7 + 0.6 * sea + 0.8 * city)
    price = price * (1 + 0.25 * np.sin(age / 8) * city) * np.clip(1.5 - 0.17 * crowd, 0.5, 1.3)
    price = np.clip(price * rng.lognormal(0, 0.17, size), 14_999, 500_001).round(-2)
    # Categories, and missing values.
    proximity = np.select(
        [inland > 0.7, (abs(coast - 0.6) < 0.06) & (inland < 0.4), inland < 0.15],
        ["INLAND", "NEAR BAY", "NEAR OCEAN"],
        "<1H OCEAN",
    )
    proximity[:2] = "ISLAND"
    bedrooms[rng.random(size) < 0.01] = np.nan
    bedrooms[2] = np.nan
    columns = {
        "longitude": longitude.round(2),
        "latitude": latitude.round(2),
        "housing_median_age": age,
        "total_rooms": rooms,
        "total_bedrooms": bedrooms,
        "population": people,
        "households": households,
        "median_income": income.round(4),
        "median_house_value": np.clip(price, 14_999, 500_001),
        "ocean_proximity": proximity.astype(object),
    }
    for row in zip(*columns.values(), strict=True):
        yield dict(zip(columns, row, strict=True))


# For each of the 21 sensors: the value of a new engine, its change until failure, and its noise
SENSORS = np.array(
    [
        (518.67, 0, 0),
        (642.2, 1.6, 0.35),
        (1585, 20, 4.5),
        (1400, 32, 4.5),
        (14.62, 0, 0),
        (21.61, 0, 0),
        (554.2, -2.6, 0.4),
        (2388.05, 0.2, 0.03),
        (9050, 60, 4),
        (1.3, 0, 0),
        (47.3, 0.9, 0.12),
        (522, -2.2, 0.35),
        (2388.05, 0.2, 0.03),
        (8133, 50, 3),
        (8.41, 0.1, 0.018),
        (0.03, 0, 0),
        (392, 4, 0.9),
        (2388, 0, 0),
        (100, 0, 0),
        (38.95, -0.6, 0.09),
        (23.37, -0.35, 0.055),
    ]
)


def cmapss(split, size):
    """Engines whose damage accelerates, measured by 14 noisy sensors; 7 others stay constant."""
    rng = np.random.default_rng([7, split == "train"])
    new, change, noise = SENSORS.T
    powers = np.where(np.arange(21) % 3 == 0, 2.0, 1.0)
    for engine in range(1, size + 1):
        life = int(np.clip(rng.lognormal(5.25, 0.23), 128, 362))
        cycles = (
            life if split == "train" else int(np.clip(life * rng.uniform(0.3, 1.0), 31, life - 7))
        )
        left = np.arange(life - 1, life - cycles - 1, -1)
        damage = rng.uniform(0, 0.04) + np.exp(-left / rng.uniform(30, 40))
        bend = np.ones(21)
        bend[[8, 13]] = rng.uniform(-1, 1)  # these two rise in some engines and fall in others
        sensors = (
            new + change * bend * damage[:, None] ** powers + noise * rng.normal(0, 1, (cycles, 21))
        )
        sensors += noise * rng.normal(0, 0.3, 21)  # differences between engines
        settings = rng.normal([0, 0, 100], [0.0022, 0.0003, 0], (cycles, 3))
        yield {
            "engine": engine,
            "settings": settings.round(4).astype("float32"),
            "sensors": sensors.round(4).astype("float32"),
            "remaining": life - cycles,
        }


GENERATORS = {
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "imdb_reviews": imdb_reviews,
    "goemotions": goemotions,
    "california_housing": california_housing,
    "cmapss": cmapss,
    "isbi2012": isbi2012,
    "olivetti_faces": olivetti_faces,
    "blood_cells": blood_cells,
} | sequences.GENERATORS
