"""Membranes of nerve cells (ISBI 2012): splits, crops and baseline of the segmentation recipes.

The 30 slices are those for which the challenge published the labels: the first 20 are for training,
five for validation, and the last five for the test.
"""

import numpy as np
import tensorflow as tf

from recipes.common.arrays import to_numpy

CLASSES = ["cell", "membrane"]
SPLITS = ["train[:66%]", "train[66%:83%]", "train[83%:]"]  # 20, 5 and 5 consecutive slices
CROPS = 16  # of each slice, in an epoch


def random_crop(slice_, seed, size):
    """A random square of a slice and of its membranes, with the same random rotation and flip.

    Args:
        slice_: `{"image": …, "membrane": …}`, uint8 tensors (height, width, 1).
        seed: An integer tensor (2,).
        size: Pixels along each side of the square.

    Returns:
        Tensors (size, size, 1) and (size, size), of uint8.
    """
    both = tf.concat([slice_["image"], slice_["membrane"]], axis=-1)
    both = tf.image.stateless_random_crop(both, (size, size, 2), seed)
    both = tf.image.stateless_random_flip_left_right(both, seed + 1)
    both = tf.image.stateless_random_flip_up_down(both, seed + 2)
    turned = tf.random.stateless_uniform([], seed + 3) < 0.5
    both = tf.cond(turned, lambda: tf.transpose(both, (1, 0, 2)), lambda: both)
    return both[..., :1], both[..., 1]


def image_and_classes(slice_):
    """A whole slice (height, width, 1) and its membranes (height, width)."""
    return slice_["image"], slice_["membrane"][..., 0]


def batches(train, validation, test, batch_size, size):
    """Batches of images (height, width, 1) and classes of pixels (height, width), all uint8.

    Args:
        train, validation, test: `tf.data.Dataset` of slices.
        batch_size: Batch size of the training set; the others have one slice per batch.
        size: Training batches are random crops of `size` × `size` pixels, others whole slices.

    Returns:
        Three `tf.data.Dataset` of batches.
    """
    count = CROPS * len(train)
    train = train.cache().repeat(CROPS).shuffle(count)
    seeds = tf.data.Dataset.random(rerandomize_each_iteration=True).batch(2).take(count)
    train = tf.data.Dataset.zip(train, seeds)
    train = train.map(lambda slice_, seed: random_crop(slice_, seed, size))
    validation = validation.map(image_and_classes).batch(1).cache()
    test = test.map(image_and_classes).batch(1).cache()
    return train.batch(batch_size).prefetch(2), validation, test


def threshold_scores(images, classes, threshold):
    """IoU and accuracy of thresholding: all pixels below a gray value are predicted as membrane.

    Args:
        images: Array (count, height, width, 1).
        classes: Array (count, height, width), 1 on membranes and 0 elsewhere.
        threshold: The gray value.

    Returns:
        `{"iou": …, "accuracy": …}`.
    """
    found = images[..., 0] < threshold
    true = classes == 1
    union = np.sum(found | true)
    return {"iou": np.sum(found & true) / union, "accuracy": np.mean(found == true)}


def best_threshold(train, test):
    """Thresholding: test scores of the gray value with the best IoU on the training crops.

    Args:
        train, test: Batches of (images, classes).

    Returns:
        As `threshold_scores`.
    """
    images, classes = to_numpy(train)
    thresholds = np.arange(0, 256, 4)
    scores = [threshold_scores(images, classes, threshold)["iou"] for threshold in thresholds]
    best = thresholds[np.argmax(scores)]
    return threshold_scores(*to_numpy(test), best)
