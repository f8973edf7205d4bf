"""A trained YOLO, decoded step by step: the tiny face detector, 193,321 weights of one byte each.

Slides: 001 «YOLO: IoU, supresión de no máximos», «YOLO v1: S×S×(B·5 + C)».
Paper:  Redmon & Farhadi (2017), YOLO9000: better, faster, stronger,
        https://arxiv.org/abs/1612.08242 (anchors)
Needs:  the tiny face detector of face-api.js (MIT license), which comes with the collection, in
        recipes/common/tiny_face_detector
Departs from them: separable convolutions, and faces are the only class. Nothing is trained here.

An image of 416 × 416 pixels is divided into 13 × 13 cells. Each cell has predictions for five
anchors, boxes of typical sizes: the network only predicts by which factors a face is wider and
higher than the anchor, and where in the cell its center lies. Non-maximum suppression keeps only
the best of the boxes that overlap.

For a photograph of your own: `make recipe-face-detector ARGS="--set picture=mine.jpg"`. To measure
the detector, faces are pasted on a gray background at many sizes: it was trained on images of whole
people, and misses faces that fill a large part of the image.
"""

import pathlib

import keras
import matplotlib.cbook
import matplotlib.pyplot as plt
import numpy as np
import tensorflow_datasets as tfds
from matplotlib import patches
from PIL import Image

import recipes.datasets.olivetti_faces  # noqa: F401
from recipes.common import boxes as box_tools
from recipes.common import tiny_face_detector
from recipes.common.pictures import read_picture

PHOTOGRAPH = "grace_hopper.jpg"  # one of matplotlib's, or a path
SIDE = 416  # pixels, of the network's square input; any multiple of 32
MEAN = (117.001, 114.697, 97.404)  # red, green and blue, of the images it was trained on
# Width and height of the five anchors, in cells.
ANCHORS = (
    (1.603231, 2.094468),
    (6.041143, 7.080126),
    (2.882459, 3.518061),
    (4.266906, 5.178857),
    (9.041765, 10.66308),
)
THRESHOLD = 0.5  # least score of a box that counts as a face
OVERLAP = 0.4  # IoU above which two boxes count as the same face
SIZES = (48, 64, 96, 128, 192, 256, 320)  # pixels, of the faces pasted on a gray background
FACES = 40  # of each size


def tiny_yolo(side=SIDE):
    """The network without its weights: images (side, side, 3) to (side / 32, side / 32, 25).

    193,321 parameters.
    """
    images = keras.Input((side, side, 3))
    x = keras.layers.Conv2D(16, 3)(images)
    x = keras.layers.LeakyReLU(0.1)(x)
    # Sides of 416, 207, 104, 52, 26 and 13 pixels; the last pooling keeps the size.
    x = keras.layers.MaxPooling2D(2, 2, padding="same")(x)
    for filters in (32, 64, 128, 256, 512):
        x = keras.layers.SeparableConv2D(filters, 3, padding="same")(x)
        x = keras.layers.LeakyReLU(0.1)(x)
        strides = 1 if filters == 512 else 2
        x = keras.layers.MaxPooling2D(2, strides, padding="same")(x)
    outputs = keras.layers.Conv2D(5 * len(ANCHORS), 1)(x)
    return keras.Model(images, outputs)


def build_detector(side=SIDE):
    """The network with its trained weights."""
    network = tiny_yolo(side)
    network.set_weights(tiny_face_detector.read_weights())
    return network


def squared(image, side=SIDE):
    """An image in the upper left corner of a black square, as in the network's training.

    Args:
        image: Array (height, width, 3), uint8.
        side: Of the square; the longer side of the image is scaled to it.

    Returns:
        Array (side, side, 3) around 0.
    """
    height, width, _ = image.shape
    scale = side / max(height, width)
    height = max(1, round(height * scale))
    width = max(1, round(width * scale))
    picture = Image.fromarray(image)
    picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    square = np.zeros((side, side, 3), "float32")
    square[:height, :width] = picture
    mean = np.array(MEAN, "float32")
    return (square - mean) / 255


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def decode(answer):
    """Boxes and scores of all anchors of all cells.

    Args:
        answer: Array (cells, cells, 25), the outputs of the network, five for each anchor: x and y
            of the box's center in the cell (logits), logarithms of its width and height relative
            to the anchor, and the logit of a face.

    Returns:
        Boxes (cells · cells · 5, 4): left, top, right and bottom as fractions of the square's side;
        and scores.
    """
    cells = len(answer)
    numbers = answer.reshape(cells, cells, -1, 5)
    x, y, width, height, score = np.moveaxis(numbers, -1, 0)  # each (cells, cells, anchors)
    # The center lies in the cell.
    columns = np.arange(cells)[None, :, None]
    rows = np.arange(cells)[:, None, None]
    x = (columns + sigmoid(x)) / cells
    y = (rows + sigmoid(y)) / cells
    # The size is a multiple of the anchor's.
    anchor_widths, anchor_heights = np.transpose(ANCHORS)
    half_width = np.exp(width) * anchor_widths / cells / 2
    half_height = np.exp(height) * anchor_heights / cells / 2
    left = x - half_width
    top = y - half_height
    right = x + half_width
    bottom = y + half_height
    boxes = np.stack([left, top, right, bottom], axis=-1)
    return boxes.reshape(-1, 4), sigmoid(score).ravel()


def detect(network, images, threshold=THRESHOLD):
    """The faces in some images of one size.

    Args:
        network: As returned by `build_detector`.
        images: Arrays (height, width, 3), uint8.
        threshold: Of the score.

    Returns:
        For each image, boxes (n, 4) in pixels and scores (n,), the best first.
    """
    side = network.input_shape[1]
    squares = np.stack([squared(image, side) for image in images])
    answers = network.predict(squares, verbose=0)  # (images, cells, cells, 25)
    found = []
    for image, answer in zip(images, answers, strict=True):
        boxes, scores = decode(answer)
        # Boxes with high scores, after non-maximum suppression.
        sure = scores >= threshold
        boxes = boxes[sure]
        scores = scores[sure]
        kept = box_tools.non_maximum_suppression(boxes, scores, OVERLAP)
        # From fractions of the square's side to pixels of the image.
        longer_side = max(image.shape[:2])
        pixels = boxes[kept] * longer_side
        found.append((pixels, scores[kept]))
    return found


def photograph(name):
    """One of matplotlib's photographs, or a file: (height, width, 3), uint8.

    Raises:
        FileNotFoundError: if it is neither.
        ValueError: if the file is no picture.
    """
    path = name
    if not pathlib.Path(name).is_file():
        path = matplotlib.cbook.get_sample_data(name, asfileobj=False)
    return read_picture(path)


def on_gray_ground(faces, size, rng):
    """Images (count, SIDE, SIDE, 3) of one face, `size` pixels wide, and its boxes (count, 4)."""
    images = []
    boxes = []
    for face in faces:
        # A random gray level with noise.
        gray = rng.uniform(60, 200)
        ground = gray + rng.normal(0, 10, (SIDE, SIDE, 1))
        # The face at a random position.
        left, top = rng.integers(0, SIDE - size + 1, 2)
        right = left + size
        bottom = top + size
        picture = Image.fromarray(face[..., 0])
        ground[top:bottom, left:right, 0] = picture.resize((size, size))
        image = np.clip(ground, 0, 255).astype("uint8")
        images.append(np.repeat(image, 3, axis=-1))
        boxes.append((left, top, right, bottom))
    return images, np.array(boxes)


def recall_and_false_positives(found, boxes):
    """Recall of faces, and false positives per image.

    A box is correct if its center is in the face's square, and their IoU exceeds 1/3.

    Args:
        found: Boxes and scores of each image.
        boxes: The square of the one face in each image, (count, 4).
    """
    count = len(boxes)
    hits = 0
    others = 0
    for (detected, _), box in zip(found, boxes, strict=True):
        centers = (detected[:, :2] + detected[:, 2:]) / 2
        past_upper_left = centers > box[:2]
        before_lower_right = centers < box[2:]
        inside = np.all(past_upper_left & before_lower_right, axis=1)
        overlaps = box_tools.iou(detected, box[None])[:, 0]
        right = inside & (overlaps > 1 / 3)
        # At most one box counts as the face.
        hit = right.any()
        hits += hit
        others += len(detected) - hit
    return hits / count, others / count


def plot_photograph(image, boxes, scores, answer):
    """Plot a photograph with the detected faces, and with the best score of each cell."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 6), layout="constrained")
    for axis in (left, right):
        axis.imshow(image)
        axis.set(xticks=[], yticks=[])
    for (x, y, end_x, end_y), score in zip(boxes, scores, strict=True):
        width = end_x - x
        height = end_y - y
        frame = patches.Rectangle((x, y), width, height, fill=False, color="C1", linewidth=2)
        left.add_patch(frame)
        left.text(x, y, f"{score:.2f}", color="w", backgroundcolor="C1", va="bottom")
    left.set_title(f"What is left of {answer.size // 5} boxes")
    cells = len(answer)
    _, all_scores = decode(answer)
    all_scores = all_scores.reshape(cells, cells, -1)
    best = all_scores.max(axis=-1)  # (cells, cells)
    # The scores cover the square, and the image only a part of it.
    side = max(image.shape[:2])
    square = (0, side, side, 0)
    limits = {"xlim": right.get_xlim(), "ylim": right.get_ylim()}
    right.imshow(best, cmap="inferno", alpha=0.6, extent=square, vmin=0, vmax=1)
    right.set(title="The best score of each cell", **limits)
    return figure


def plot_recall(recalls):
    """Plot the recall of faces by their size."""
    figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
    sizes = list(recalls)
    axis.plot(sizes, list(recalls.values()), "o-")
    axis.set(xlabel=f"pixels of the face, of {SIDE}", ylabel="found", ylim=(0, 1.02))
    axis.set_xticks(sizes)
    axis.set_title("Faces on gray ground: the larger, the less like what it has learned")
    return figure


def main(picture=PHOTOGRAPH):
    network = build_detector()
    image = photograph(picture)
    ((boxes, scores),) = detect(network, [image])
    for box, score in zip(boxes, scores, strict=True):
        left, top, right, bottom = box.round().astype(int)
        print(f"{picture}: a face at ({left}, {top})–({right}, {bottom}), score {score:.3f}")
    square = squared(image)
    (answer,) = network.predict(square[None], verbose=0)
    figure = plot_photograph(image, boxes, scores, answer)
    figure.savefig("photograph.png")

    rng = np.random.default_rng(0)
    people = tfds.load("olivetti_faces", split="train")
    faces = [row["image"] for row in people.as_numpy_iterator()]
    recalls = {}
    for size in SIZES:
        numbers = rng.choice(len(faces), FACES, replace=False)
        chosen = [faces[number] for number in numbers]
        images, truth = on_gray_ground(chosen, size, rng)
        found = detect(network, images)
        recalls[size], wrong = recall_and_false_positives(found, truth)
        print(
            f"Faces of {size} pixels: {recalls[size]:.0%} found, {wrong:.2f} false positives each"
        )
    plot_recall(recalls).savefig("recall.png")


if __name__ == "__main__":
    main()
