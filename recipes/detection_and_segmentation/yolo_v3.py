"""YOLO v3: object detection at three scales, with anchors and a residual backbone (Darknet-53).

Slides: 001 «YOLO v3».
Paper:  Redmon & Farhadi (2018), YOLOv3: an incremental improvement,
        https://arxiv.org/abs/1804.02767;
        Redmon & Farhadi (2017), https://arxiv.org/abs/1612.08242 (anchors by k-means)
Departs from the paper: a quarter of the filters, fewer residual blocks, and images of the fixed
size 256 × 192; the backbone is not pretrained on ImageNet; at initialization the predicted
probability of an object is low (Lin et al. 2017, https://arxiv.org/abs/1708.02002).
`yolo` itself is the paper's: its defaults, for 80 classes, have 62,001,757 parameters, of which
61,949,149 are trainable.

The network detects blood cells in photographs of smears: red blood cells, white blood cells, and
platelets, which are small. It predicts on three maps, whose cells are 32, 16 and 8 pixels wide.
Coarser maps are upsampled and concatenated with the backbone's finer maps. k-means finds nine
anchors, boxes of typical sizes, three for each map; a prediction scales its anchor. Each object has
one responsible anchor, the one most similar to its box, in the cell that contains its center.

Variants: `three_scales`, and `one_scale`, whose nine anchors are all on the coarsest map.
"""

import keras
import numpy as np
import scipy.ndimage
import tensorflow as tf
import tensorflow_datasets as tfds
from keras import ops

import recipes.datasets.blood_cells  # noqa: F401 (registers the data set)
from recipes.common import boxes as box_tools
from recipes.common import detection
from recipes.common.arrays import to_numpy

EPOCHS = 20
OBJECTIVE = ("val_map50", "max")
VARIANTS = {
    "three_scales": {},
    "one_scale": {"scales": 1},
}
CLASSES = ["red blood cell", "white blood cell", "platelet"]
HEIGHT = 192  # pixels of an image, scaled down from 480
WIDTH = 256  # scaled down from 640
MOST = 40  # greatest number of objects in an image
ANCHORS = 9
RARE = 5.0  # subtracted from the logits of objects, so that few are predicted at first
IGNORED = 0.5  # IoU with any object above which a box is not penalized for its confidence
CANDIDATES = 300  # number of boxes in an image that the metric considers
TYPICAL = (0.2, 0.38, 0.08)  # sizes of the classes, for the baseline


def prepare(example):
    """A photograph (HEIGHT, WIDTH, 3), uint8, and its objects (MOST, 5), float32.

    Each object is left, top, right and bottom, from 0 to 1 in the image, and its class. Unused rows
    are zeros.
    """
    image = tf.image.resize(example["image"], (HEIGHT, WIDTH), method="area")
    image = tf.cast(image, "uint8")
    boxes = example["objects"]["bbox"]
    top, left, bottom, right = tf.unstack(boxes, axis=-1)
    label = tf.cast(example["objects"]["label"], "float32")
    objects = tf.stack([left, top, right, bottom, label], axis=-1)  # (n, 5)
    # The same number of rows for every photograph.
    left_over = tf.zeros((MOST, 5))
    objects = tf.concat([objects, left_over], axis=0)
    objects = objects[:MOST]
    return image, tf.ensure_shape(objects, (MOST, 5))


def augment(image, objects, seed):
    """Data augmentation: random flips, brightness, contrast and saturation."""
    left, top, right, bottom, label = tf.unstack(objects, axis=-1)
    draws = tf.random.stateless_uniform([2], seed)
    across, down = tf.unstack(draws < 0.5)
    if across:
        image = image[:, ::-1]
        left, right = 1 - right, 1 - left
    if down:
        image = image[::-1]
        top, bottom = 1 - bottom, 1 - top
    image = tf.image.stateless_random_brightness(image, 0.1, seed + 1)
    image = tf.image.stateless_random_contrast(image, 0.8, 1.2, seed + 2)
    image = tf.image.stateless_random_saturation(image, 0.8, 1.2, seed + 3)
    objects = tf.stack([left, top, right, bottom, label], axis=-1)
    return image, objects


def batches(train, validation, test, batch_size):
    """Batches of photographs and objects from `prepare`, with data augmentation for training.

    Args:
        train, validation, test: `tf.data.Dataset` of `{"image": …, "objects": {"bbox": …, "label":
            …}}`: an image (height, width, 3) of any size, its boxes (n, 4), top, left, bottom and
            right from 0 to 1 in the image, and their classes (n,).
        batch_size: Of the training set.
    """
    train = train.map(prepare).cache()
    validation = validation.map(prepare).cache()
    test = test.map(prepare).cache()
    # Each photograph has its own random seed, a new one in each epoch.
    seeds = tf.data.Dataset.random(rerandomize_each_iteration=True)
    train = train.shuffle(len(train))
    train = tf.data.Dataset.zip(train, seeds.batch(2))
    train = train.map(lambda pair, seed: augment(*pair, seed))
    train = train.batch(batch_size).prefetch(2)
    return train, validation.batch(16), test.batch(16)


def load_data(batch_size=4):
    """Train, validation and test batches of (192, 256, 3) uint8 photographs and objects (40, 5).

    Objects are as returned by `prepare`. The splits are those of the data set.
    """
    splits = tfds.load("blood_cells", split=["train", "validation", "test"])
    return batches(*splits, batch_size)


def at_origin(sizes):
    """Boxes (…, 4) of the given widths and heights (…, 2), with left and top 0."""
    corner = ops.zeros_like(sizes)
    return ops.concatenate([corner, sizes], axis=-1)


def k_means(sizes, count=ANCHORS):
    """Typical sizes: the means of clusters, found by k-means with the distance 1 - IoU.

    Args:
        sizes: Array (n, 2), widths and heights.
        count: Number of clusters. Their means are initialized from the smallest to the largest
            size, evenly in the logarithm of the area.

    Returns:
        Array (count, 2), the smallest area first.
    """
    # Sort by area.
    areas = sizes.prod(axis=1)
    sizes = sizes[np.argsort(areas, kind="stable")]
    # Initial means: evenly in the logarithm of the area.
    logarithms = np.log(sizes.prod(axis=1))
    wanted = np.linspace(logarithms[0], logarithms[-1], count)
    first = np.searchsorted(logarithms, wanted)
    first = np.minimum(first, len(sizes) - 1)
    means = sizes[first]  # (count, 2)
    # Assign each size to the mean with the highest IoU, then recompute the means.
    clusters = None
    for _ in range(300):
        overlaps = box_tools.iou(at_origin(sizes), at_origin(means))  # (n, count)
        nearest = overlaps.argmax(axis=1)
        if np.array_equal(nearest, clusters):
            break
        clusters = nearest
        for index in np.unique(clusters):
            members = sizes[clusters == index]
            means[index] = members.mean(axis=0)
    areas = means.prod(axis=1)
    return means[np.argsort(areas)]


def sizes_of(dataset):
    """The widths and heights, relative to the image, of all objects in batches: (n, 2)."""
    _, objects = to_numpy(dataset)
    sizes = objects[..., 2:4] - objects[..., :2]
    there = sizes[..., 0] > 0  # unused rows have width 0
    return sizes[there]


def convolution(x, filters, size, strides=1):
    """A convolution, batch normalization and leaky ReLU."""
    x = keras.layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return keras.layers.LeakyReLU(0.1)(x)


def darknet(x, filters=32, repeats=(1, 2, 8, 8, 4)):
    """The backbone, by the paper's table 1: its maps at strides 32, 16 and 8.

    Args:
        x: Images, a tensor (batch, height, width, 3). Height and width are multiples of 32.
        filters: Of the first convolution; each stage doubles them.
        repeats: Number of residual blocks in each stage, after a convolution that halves the maps.
    """
    maps = []
    x = convolution(x, filters, 3)
    for count in repeats:
        filters *= 2
        x = convolution(x, filters, 3, strides=2)
        for _ in range(count):
            y = convolution(x, filters // 2, 1)
            y = convolution(y, filters, 3)
            x = keras.layers.Add()([x, y])
        maps.append(x)
    return maps[:-4:-1]


def yolo(x, classes=80, anchors=9, scales=3, filters=32, repeats=(1, 2, 8, 8, 4)):
    """The network: images to one map of predictions for each scale, the coarsest first.

    Args:
        x, filters, repeats: As in `darknet`.
        classes: Number of classes.
        anchors: Number of anchors, on all scales together.
        scales: Number of maps with predictions, of strides 32, 16 and 8.

    Returns:
        Tensors (batch, rows, columns, anchors / scales * (5 + classes)).
    """
    maps = darknet(x, filters, repeats)
    width = 16 * filters
    answers = []
    x = maps[0]
    for scale in range(scales):
        if scale:
            # Coarser maps are upsampled and concatenated with the finer ones.
            width //= 2
            x = convolution(x, width, 1)
            x = keras.layers.UpSampling2D(2)(x)
            x = keras.layers.Concatenate()([x, maps[scale]])
        for _ in range(2):
            x = convolution(x, width, 1)
            x = convolution(x, 2 * width, 3)
        x = convolution(x, width, 1)
        answer = convolution(x, 2 * width, 3)
        numbers = anchors // scales * (5 + classes)
        answers.append(keras.layers.Conv2D(numbers, 1, dtype="float32")(answer))
    return answers


@keras.saving.register_keras_serializable(package="yolo_v3")
class Boxes(keras.layers.Layer):
    """The predictions on one map as boxes, by the paper's figure 2.

    Args:
        anchors: Width and height of each, relative to the image.

    Input shape: (batch, rows, columns, anchors * (5 + classes)).

    Output shape: (batch, rows * columns * anchors, 5 + classes): x and y of the center, width and
        height, relative to the image; the logit of an object; and the logits of the classes.
    """

    def __init__(self, anchors, **options):
        super().__init__(**options)
        self.anchors = anchors

    def call(self, answers):
        rows, columns, numbers = answers.shape[1:]
        count = len(self.anchors)
        numbers //= count
        answers = ops.reshape(answers, (-1, rows, columns, count, numbers))
        # The center lies in the cell.
        column = ops.arange(columns, dtype=answers.dtype)[:, None]
        row = ops.arange(rows, dtype=answers.dtype)[:, None, None]
        x = (ops.sigmoid(answers[..., 0]) + column) / columns
        y = (ops.sigmoid(answers[..., 1]) + row) / rows
        center = ops.stack([x, y], axis=-1)
        # The size is a multiple of the anchor's.
        anchors = ops.array(self.anchors, answers.dtype)
        sizes = ops.exp(answers[..., 2:4]) * anchors
        objects = answers[..., 4:5] - RARE
        classes = answers[..., 5:]
        boxes = ops.concatenate([center, sizes, objects, classes], axis=-1)
        return ops.reshape(boxes, (-1, rows * columns * count, numbers))

    def compute_output_shape(self, input_shape):
        batch, rows, columns, numbers = input_shape
        count = len(self.anchors)
        return (batch, rows * columns * count, numbers // count)

    def get_config(self):
        return super().get_config() | {"anchors": self.anchors}


def corners(boxes):
    """Left, top, right and bottom of boxes (…, 4 or more), given as center and size."""
    center = boxes[..., :2]
    half = boxes[..., 2:4] / 2
    return ops.concatenate([center - half, center + half], axis=-1)


def decode(answer):
    """Boxes (batch, n, 4) and scores (batch, n, classes), from the network's predictions."""
    objects = ops.sigmoid(answer[..., 4:5])
    classes = ops.sigmoid(answer[..., 5:])
    return corners(answer), objects * classes


def decode_objects(objects):
    """The same from targets (batch, MOST, 5): scores are 1 for an object's class, and else 0."""
    boxes = objects[..., :4]
    labels = ops.cast(objects[..., 4], "int32")
    scores = ops.one_hot(labels, len(CLASSES), dtype=objects.dtype)
    # Unused rows have width 0.
    there = boxes[..., 2:3] > boxes[..., :1]
    return boxes, ops.cast(there, objects.dtype) * scores


@keras.saving.register_keras_serializable(package="yolo_v3")
class YoloLoss(keras.losses.Loss):
    """The paper's loss, in which one prediction is responsible for each true box.

    Its targets are the box's center, size and class, and a confidence of 1. The confidence of the
    others should be 0, unless they overlap a true box by more than IGNORED.

    Args:
        anchors: Width and height of each, those of the coarsest map first.
        grids: Rows and columns of each anchor's map.
        per_cell: Number of anchors in each cell of a map.
    """

    def __init__(self, anchors, grids, per_cell, name="yolo_loss", **options):
        super().__init__(name=name, **options)
        self.anchors = anchors
        self.grids = grids
        self.per_cell = per_cell
        cells = np.prod(grids, axis=1)
        # The index of the first prediction on each anchor's map.
        maps = cells[::per_cell] * per_cell
        self.first = np.repeat(np.cumsum(maps) - maps, per_cell)

    def responsible(self, center, size):
        """The predictions responsible for boxes of given centers and sizes (…, 2).

        Returns:
            Their indices (…), and columns and rows (…, 2) of their maps.
        """
        # The anchor most similar to the box, regardless of position.
        anchors = ops.array(self.anchors, size.dtype)
        boxes = at_origin(size)[..., None, :]  # (…, 1, 4)
        overlaps = detection.overlap(boxes, at_origin(anchors))  # (…, anchors)
        anchor = ops.argmax(overlaps, axis=-1)
        # The columns and rows of its map.
        grids = ops.array(self.grids, "int32")
        grid = ops.take(grids, anchor, axis=0)
        cells = grid[..., ::-1]
        # The column and row of the cell that contains the center.
        place = center * ops.cast(cells, center.dtype)
        place = ops.cast(place, "int32")
        place = ops.minimum(place, cells - 1)
        column = place[..., 0]
        row = place[..., 1]
        # Predictions of a map are ordered by row, column and anchor.
        cell = row * cells[..., 0] + column
        first = ops.take(ops.array(self.first, "int32"), anchor)
        index = first + cell * self.per_cell + anchor % self.per_cell
        return index, cells

    def call(self, truth, answer):
        """The loss of each image, from objects (batch, MOST, 5) and predictions: (batch,)."""
        true_boxes = truth[..., :4]
        labels = ops.cast(truth[..., 4], "int32")
        top_left = true_boxes[..., :2]
        bottom_right = true_boxes[..., 2:]
        center = (top_left + bottom_right) / 2
        size = bottom_right - top_left
        there = ops.cast(size[..., 0] > 0, answer.dtype)  # (batch, MOST)
        size = ops.maximum(size, 1e-6)  # for unused rows

        # The responsible predictions, (batch, MOST, 5 + classes).
        index, cells = self.responsible(center, size)
        mine = ops.take_along_axis(answer, index[..., None], axis=1)
        # Squared errors of the center, in cells, and of the logarithm of the size.
        offset = mine[..., :2] - center
        offset = offset * ops.cast(cells, answer.dtype)
        scale = ops.log(mine[..., 2:4]) - ops.log(size)
        loss = ops.sum(offset**2 + scale**2, axis=-1)
        # Cross-entropy of the classes.
        logits = mine[..., 5:]
        classes = ops.one_hot(labels, logits.shape[-1], dtype=answer.dtype)
        errors = ops.binary_crossentropy(classes, logits, from_logits=True)
        loss += ops.sum(errors, axis=-1)
        # Cross-entropy of the confidence, with target 1.
        loss += ops.softplus(-mine[..., 4])
        loss = ops.sum(there * loss, axis=-1)

        # For the others, unless they overlap a true box, cross-entropy with target 0.
        boxes = corners(answer)
        overlaps = detection.overlap(boxes[:, :, None], true_boxes[:, None])  # (batch, n, MOST)
        empty = ops.max(overlaps, axis=-1) < IGNORED  # (batch, n)
        empty = ops.cast(empty, answer.dtype)
        taken = ops.one_hot(index, answer.shape[1], dtype=answer.dtype)  # (batch, MOST, n)
        taken = ops.max(there[..., None] * taken, axis=1)  # (batch, n)
        others = empty * (1 - taken)
        cross_entropy = ops.softplus(answer[..., 4])
        return loss + ops.sum(others * cross_entropy, axis=-1)

    def get_config(self):
        own = {"anchors": self.anchors, "grids": self.grids, "per_cell": self.per_cell}
        return super().get_config() | own


@keras.saving.register_keras_serializable(package="yolo_v3")
class MeanAveragePrecision(detection.MeanAveragePrecision):
    """Mean average precision at an IoU of 1/2."""

    def __init__(self, name="map50", **options):
        super().__init__(len(CLASSES), CANDIDATES, name=name, **options)

    def decode_truth(self, truth):
        return decode_objects(truth)

    def decode_answer(self, answer):
        return decode(answer)


def build_model(
    scales=3,
    filters=8,
    repeats=(1, 1, 2, 2, 1),
    learning_rate=0.002,
    steps=EPOCHS * 52,
    train=None,
):
    """The compiled network: (192, 256, 3) photographs to 3024 × 8 numbers. 2,262,944 parameters.

    2,255,648 of them are trainable. The outputs are those of `Boxes`; with one scale there are
    432 × 8, and 1,944,224 parameters. Anchors are typical sizes of the objects in `train` (by
    default, that of `load_data`). The learning rate has a cosine decay to zero.
    """
    if train is None:
        train, _, _ = load_data()
    images = keras.Input((HEIGHT, WIDTH, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(images)
    answers = yolo(x, len(CLASSES), ANCHORS, scales, filters, repeats)
    # The largest anchors are for the coarsest cells.
    smallest_first = k_means(sizes_of(train))
    anchors = smallest_first[::-1].tolist()
    per_cell = ANCHORS // scales
    boxes = []
    grids = []
    for scale, answer in enumerate(answers):
        start = scale * per_cell
        own = anchors[start : start + per_cell]
        boxes.append(Boxes(own, dtype="float32")(answer))
        grid = list(answer.shape[1:3])
        grids += [grid] * per_cell
    if scales > 1:
        boxes = [keras.layers.Concatenate(axis=1, dtype="float32")(boxes)]
    model = keras.Model(images, boxes[0])
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss=YoloLoss(anchors, grids, per_cell),
        metrics=[MeanAveragePrecision()],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "learning_rate": hp.Float(
            "learning_rate", 0.0005, 0.008, step=2, sampling="log", default=0.002
        ),
        "batch_size": hp.Choice("batch_size", [4, 8, 16], default=4),
        "filters": hp.Int("filters", 4, 16, step=4, default=8),
    }


def boxes_of(mask, margin=0):
    """The boxes (n, 4), in pixels, of connected regions, enlarged by `margin` on each side."""
    regions, _ = scipy.ndimage.label(mask)
    boxes = []
    for rows, columns in scipy.ndimage.find_objects(regions):
        left = columns.start - margin
        top = rows.start - margin
        right = columns.stop + margin
        bottom = rows.stop + margin
        boxes.append([left, top, right, bottom])
    return np.reshape(boxes, (-1, 4))


def by_color(image, purple, contrast):
    """A hand-written detector: connected pixels of a color, classified by size.

    Args:
        image: Array (HEIGHT, WIDTH, 3).
        purple: Least difference of blue and red in white blood cells and platelets.
        contrast: Least difference of green between the background and red blood cells.

    Returns:
        Boxes (n, 4), relative to the image, labels (n,) and scores (n,), the best first.
    """
    smooth = scipy.ndimage.uniform_filter(image.astype("float32"), (3, 3, 1))
    red, green, blue = np.moveaxis(smooth, -1, 0)
    stained = scipy.ndimage.binary_closing(blue - red > purple, iterations=2)
    ground = np.percentile(green, 90)
    pink = (green < ground - contrast) & ~stained
    # Erosion separates cells that touch.
    margin = 10
    pink = scipy.ndimage.binary_fill_holes(pink)
    pink = scipy.ndimage.binary_erosion(pink, iterations=margin)
    stained_boxes = boxes_of(stained)
    pink_boxes = boxes_of(pink, margin)
    boxes = np.concatenate([stained_boxes, pink_boxes])
    boxes = boxes / (WIDTH, HEIGHT, WIDTH, HEIGHT)
    # The distance of each box's size from the typical size of each class: (n, classes).
    sides = boxes[:, 2:] - boxes[:, :2]
    sizes = np.sqrt(np.prod(sides, axis=-1))
    distances = np.abs(np.log(sizes[:, None] / TYPICAL))
    # A stained region is a white blood cell or a platelet, whichever is nearer in size.
    count = len(stained_boxes)
    distances[:count, 0] = np.inf
    distances[count:, 1:] = np.inf
    labels = distances.argmin(axis=-1)
    scores = np.exp(-distances.min(axis=-1))
    order = np.argsort(-scores)
    return boxes[order], labels[order], scores[order]


def score_by_color(images, objects, purple, contrast):
    """The mean average precision of the detector `by_color`."""
    detections = box_tools.Detections(len(CLASSES))
    boxes, scores = decode_objects(objects)
    boxes = ops.convert_to_numpy(boxes)
    scores = ops.convert_to_numpy(scores)
    for image, image_boxes, image_scores in zip(images, boxes, scores, strict=True):
        found = by_color(image, purple, contrast)
        truth = detection.truth_of(image_boxes, image_scores)
        detections.add(*found, *truth)
    return detections.mean_average_precision()


def baseline(train, test):
    """Connected pixels of a color, told apart by size; the colors by 80 training photographs."""
    images, objects = to_numpy(train.take(20))  # batches
    best = None
    best_score = -1
    for purple in (8, 12, 16):
        for contrast in (30, 40, 50):
            score = score_by_color(images, objects, purple, contrast)
            if score > best_score:
                best = (purple, contrast)
                best_score = score
    images, objects = to_numpy(test)
    return {"map50": score_by_color(images, objects, *best)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train), train=train)
        best = keras.callbacks.ModelCheckpoint(
            f"yolo_v3_{name}.keras", monitor="val_map50", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"yolo_v3_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("Connected pixels of a color:", baseline(train, test))


if __name__ == "__main__":
    main()
