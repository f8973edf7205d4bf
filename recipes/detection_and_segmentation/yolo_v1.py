"""YOLO v1: object detection as one regression; boxes, IoU, non-maximum suppression and mAP.

Slides: 000 «Detección de objetos (2017, CVPR 2018)», 001 «YOLO v1: S×S×(B·5 + C)»,
        001 «YOLO v1: loss (coords, confianza, clases)», 001 «YOLO: IoU, supresión de no máximos».
Paper:  Redmon et al. (2016), You only look once: unified, real-time object detection,
        https://arxiv.org/abs/1506.02640
Departs from the paper: synthetic scenes with shapes of three kinds instead of photographs; the
network is small, is not pretrained on ImageNet, has batch normalization, and ends with a 1 × 1
convolution, as later versions do, instead of two dense layers. `yolo` itself is the paper's: with
its defaults, an image of 448 × 448 pixels has 7 × 7 × (2 · 5 + 20) = 1470 outputs. Boxes of real
photographs, those of blood cells (BCCD), are learned in yolo_v3.

An image is divided into 7 × 7 cells. Each cell predicts two boxes, each with a confidence, and the
probabilities of the classes. The cell that contains the center of an object has to detect it. In
the loss only one of its two boxes is responsible for the object, the one that overlaps it more; the
confidence of all other boxes should be 0. If several boxes of a class overlap, only the most
confident one is kept. Average precision is the area under the precision–recall curve; an object
counts as found if the intersection over union (IoU) of a box with the true one is at least 1/2.
"""

import keras
import numpy as np
import scipy.ndimage
import tensorflow as tf
from keras import ops

from recipes.common import boxes as box_tools
from recipes.common import detection
from recipes.common.arrays import to_numpy
from recipes.common.scenes import SHAPES, SIDE, sample_scene

EPOCHS = 15
OBJECTIVE = ("val_map50", "max")
CLASSES = SHAPES
CELLS = 7  # along each side
BOXES = 2  # of each cell
COORDINATES = 5.0  # weight of the boxes' coordinates in the loss
NO_OBJECT = 0.5  # weight of the confidence of boxes that are not responsible
# The 24 convolutions of the paper's figure 3: filters, size and stride; and pooling layers.
PUBLISHED = [
    *[(64, 7, 2), "pool"],
    *[(192, 3, 1), "pool"],
    *[(128, 1, 1), (256, 3, 1), (256, 1, 1), (512, 3, 1), "pool"],
    *[(256, 1, 1), (512, 3, 1)] * 4,
    *[(512, 1, 1), (1024, 3, 1), "pool"],
    *[(512, 1, 1), (1024, 3, 1)] * 2,
    *[(1024, 3, 1), (1024, 3, 2), (1024, 3, 1), (1024, 3, 1)],
]
# 112 × 112 to 56, 28, 14 and 7 × 7.
SMALL = [
    *[(16, 5, 2), (32, 3, 2)],
    *[(64, 3, 1), "pool"],
    *[(128, 3, 1), "pool"],
    *[(128, 3, 1), (128, 3, 1)],
]


def encode(boxes, labels, classes=3, side=SIDE, cells=CELLS):
    """Encode the objects of a scene as the target of the network, one box in each cell.

    Args:
        boxes: Array (n, 4): left, top, right, bottom.
        labels: Integers (n,).
        classes: Number of classes.
        side: Width and height of the scene, in the unit of the boxes.
        cells: Number of cells along each side.

    Returns:
        Array (cells, cells, 5 + classes), float32. In the cell of an object: the position of its
        center in the cell, x and y from 0 to 1; the square roots of its width and height, relative
        to the scene's; confidence 1; and its class, one-hot. Elsewhere 0. If two centers are in the
        same cell, it has the last of the two objects.
    """
    grid = np.zeros((cells, cells, 5 + classes), "float32")
    for box, label in zip(boxes, labels, strict=True):
        top_left = box[:2]
        bottom_right = box[2:]
        center = (top_left + bottom_right) / 2 * cells / side  # in cells
        column, row = center.astype(int)
        size = (bottom_right - top_left) / side
        grid[row, column, :2] = center - (column, row)
        grid[row, column, 2:4] = np.sqrt(size)
        grid[row, column, 4] = 1
        grid[row, column, 5 + label] = 1
    return grid


def split(grid, count=BOXES):
    """Split predictions (…, S, S, B · 5 + classes) into boxes (…, S, S, B, 5) and classes.

    B is `count`. Targets have one box in each cell.
    """
    _, rows, columns, _ = grid.shape
    boxes = grid[..., : 5 * count]
    classes = grid[..., 5 * count :]
    boxes = ops.reshape(boxes, (-1, rows, columns, count, 5))
    return boxes, classes


def corners(boxes):
    """Left, top, right and bottom, from 0 to 1 in the scene, of boxes (batch, S, S, B, 5)."""
    cells = boxes.shape[1]
    numbers = ops.arange(cells, dtype=boxes.dtype)
    columns = numbers[:, None]  # of each box: (1, S, 1)
    rows = numbers[:, None, None]
    x = (boxes[..., 0] + columns) / cells
    y = (boxes[..., 1] + rows) / cells
    half_width = boxes[..., 2] ** 2 / 2
    half_height = boxes[..., 3] ** 2 / 2
    left = x - half_width
    top = y - half_height
    right = x + half_width
    bottom = y + half_height
    return ops.stack([left, top, right, bottom], axis=-1)


def decode(grid, count=BOXES):
    """Boxes and their scores, from predictions, or from targets with a `count` of 1.

    Args:
        grid: Tensor (batch, S, S, B · 5 + classes).
        count: Number of boxes in each cell, B.

    Returns:
        Boxes (batch, S · S · B, 4): left, top, right and bottom, from 0 to 1 in the scene; and
        scores (batch, S · S · B, classes): confidence times probability of the class.
    """
    boxes, classes = split(grid, count)
    scores = boxes[..., 4:] * classes[..., None, :]  # (batch, S, S, B, classes)
    # Flatten cells and boxes to one axis.
    _, rows, columns, _ = classes.shape
    total = rows * columns * count
    boxes = ops.reshape(corners(boxes), (-1, total, 4))
    scores = ops.reshape(scores, (-1, total, classes.shape[-1]))
    return boxes, scores


@keras.saving.register_keras_serializable(package="yolo_v1")
def yolo_loss(truth, answer):
    """The paper's loss (3): a sum of squared errors over the cells, for each image.

    Args:
        truth: Tensor (batch, S, S, 5 + classes), as returned by `encode`.
        answer: Tensor (batch, S, S, B · 5 + classes).

    Returns:
        Tensor (batch,).
    """
    true_box, true_classes = split(truth, 1)  # (batch, S, S, 1, 5), (batch, S, S, classes)
    boxes, classes = split(answer)  # (batch, S, S, B, 5), (batch, S, S, classes)
    has_object = true_box[..., 4]  # (batch, S, S, 1)
    # In a cell with an object, the box that overlaps it most is responsible for it.
    overlaps = detection.overlap(corners(boxes), corners(true_box))  # (batch, S, S, B)
    overlaps = ops.stop_gradient(overlaps)
    best = ops.argmax(overlaps, axis=-1)  # (batch, S, S)
    best = ops.one_hot(best, boxes.shape[3], dtype=boxes.dtype)
    responsible = has_object * best
    # The target of its confidence is the overlap.
    errors = boxes[..., :4] - true_box[..., :4]
    coordinates = ops.sum(errors**2, axis=-1)
    confidence = boxes[..., 4]
    loss = responsible * (COORDINATES * coordinates + (confidence - overlaps) ** 2)
    # The confidence of all other boxes should be 0.
    loss += (1 - responsible) * NO_OBJECT * confidence**2
    loss = ops.sum(loss, axis=(1, 2, 3))
    # Errors of classes count only in cells with an object.
    wrong = ops.sum((classes - true_classes) ** 2, axis=-1)  # (batch, S, S)
    wrong = has_object[..., 0] * wrong
    return loss + ops.sum(wrong, axis=(1, 2))


@keras.saving.register_keras_serializable(package="yolo_v1")
class MeanAveragePrecision(detection.MeanAveragePrecision):
    """Mean average precision at an IoU of 1/2."""

    def __init__(self, classes=3, name="map50", **options):
        super().__init__(classes, name=name, **options)

    def decode_truth(self, truth):
        return decode(truth, 1)

    def decode_answer(self, answer):
        return decode(answer)

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}


def sample_scenes(count, seed):
    """Scenes (count, SIDE, SIDE, 3), uint8, and their targets (count, CELLS, CELLS, 8)."""
    rng = np.random.default_rng(seed)
    images = []
    grids = []
    for _ in range(count):
        image, boxes, labels = sample_scene(rng, CELLS)
        images.append(image)
        grids.append(encode(boxes, labels))
    return np.array(images), np.array(grids)


def load_data(batch_size=16, count=3000):
    """Train, validation and test batches of (112, 112, 3) uint8 scenes and (7, 7, 8) targets.

    There are `count` scenes for training, a tenth as many for validation, and a fifth for the test.
    """
    train = tf.data.Dataset.from_tensor_slices(sample_scenes(count, seed=1))
    validation = tf.data.Dataset.from_tensor_slices(sample_scenes(count // 10, seed=2))
    test = tf.data.Dataset.from_tensor_slices(sample_scenes(count // 5, seed=3))
    return train.shuffle(count).batch(batch_size), validation.batch(100), test.batch(100)


def yolo(x, layers=PUBLISHED, units=4096, cells=7, boxes=2, classes=20, normalize=False):
    """From images to cells × cells × (boxes · 5 + classes) numbers.

    Args:
        x: Images, a tensor (batch, height, width, 3).
        layers: Filters, size and stride of each convolution, or "pool".
        units: Of the hidden dense layer; 0 for a 1 × 1 convolution instead of both dense layers.
        cells, boxes, classes: S, B and C of the paper.
        normalize: Whether there is batch normalization after each convolution.
    """
    for layer in layers:
        if layer == "pool":
            x = keras.layers.MaxPooling2D(2)(x)
            continue
        filters, size, strides = layer
        bias = not normalize
        x = keras.layers.Conv2D(filters, size, strides, padding="same", use_bias=bias)(x)
        if normalize:
            x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.LeakyReLU(0.1)(x)
    numbers = boxes * 5 + classes
    if not units:
        return keras.layers.Conv2D(numbers, 1, dtype="float32")(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(units)(x)
    x = keras.layers.LeakyReLU(0.1)(x)
    x = keras.layers.Dropout(0.5)(x)
    x = keras.layers.Dense(cells * cells * numbers)(x)
    return keras.layers.Reshape((cells, cells, numbers))(x)


def build_model(
    learning_rate=0.002,
    steps=EPOCHS * 188,
    classes=3,
    input_shape=(SIDE, SIDE, 3),
):
    """The compiled network: (112, 112, 3) scenes to 7 × 7 × 13 numbers. 396,541 parameters.

    395,549 of them are trainable. Height and width are equal multiples of 16; each 16 pixels are a
    cell. The learning rate has a cosine decay to zero.
    """
    images = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    answer = yolo(x, SMALL, 0, CELLS, BOXES, classes, normalize=True)
    model = keras.Model(images, answer)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss=yolo_loss,
        metrics=[MeanAveragePrecision(classes)],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "learning_rate": hp.Float(
            "learning_rate", 0.0005, 0.008, step=2, sampling="log", default=0.002
        ),
        "batch_size": hp.Choice("batch_size", [8, 16, 32], default=16),
    }


def components(image, contrast):
    """A hand-written detector: connected pixels that differ from the scene's median color.

    A shape's class follows from the fraction of its box that it fills: π/4 for a circle, 1 for a
    square, 1/2 for a triangle.

    Args:
        image: Array (SIDE, SIDE, 3).
        contrast: Least distance from the median color of a shape's pixels.

    Returns:
        Boxes (n, 4), from 0 to 1 in the scene, labels (n,) and scores (n,), the best first.
    """
    smooth = scipy.ndimage.median_filter(image.astype("float32"), (3, 3, 1))
    ground = np.median(smooth, axis=(0, 1))  # (3,)
    distance = np.linalg.norm(smooth - ground, axis=-1)  # (SIDE, SIDE)
    regions, _ = scipy.ndimage.label(distance > contrast)
    boxes = []
    fills = []  # fraction of each box that its region fills
    scores = []
    for number, (rows, columns) in enumerate(scipy.ndimage.find_objects(regions), start=1):
        mask = regions[rows, columns] == number
        if mask.sum() < 64:
            continue
        boxes.append([columns.start, rows.start, columns.stop, rows.stop])
        fills.append(mask.mean())
        inside = distance[rows, columns][mask]
        scores.append(inside.mean())
    boxes = np.reshape(boxes, (-1, 4)) / SIDE
    scores = np.array(scores)
    # The class with the nearest fraction: circle, square, triangle.
    shares = np.array([np.pi / 4, 1.0, 0.5])
    differences = np.abs(np.array(fills)[:, None] - shares)  # (n, 3)
    labels = differences.argmin(axis=-1)
    order = np.argsort(-scores)
    return boxes[order], labels[order], scores[order]


def score_of_components(images, grids, contrast):
    """The mean average precision of the detector `components`."""
    detections = box_tools.Detections(len(SHAPES))
    boxes, scores = decode(grids, 1)
    boxes = ops.convert_to_numpy(boxes)
    scores = ops.convert_to_numpy(scores)
    for image, image_boxes, image_scores in zip(images, boxes, scores, strict=True):
        found = components(image, contrast)
        truth = detection.truth_of(image_boxes, image_scores)
        detections.add(*found, *truth)
    return detections.mean_average_precision()


def baseline(train, test):
    """Connected pixels of an unusual color, told apart by shape; the contrast by 160 scenes."""
    images, grids = to_numpy(train.take(10))  # batches
    contrasts = range(40, 140, 20)
    scores = [score_of_components(images, grids, contrast) for contrast in contrasts]
    best = contrasts[int(np.argmax(scores))]
    images, grids = to_numpy(test)
    return {"map50": score_of_components(images, grids, best)}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "yolo_v1.keras", monitor="val_map50", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("yolo_v1.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()
