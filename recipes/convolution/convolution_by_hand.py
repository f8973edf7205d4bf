"""Convolution by hand: the slides' 7 × 7 example, loops that equal keras.ops.conv, and which way round the kernel lies.

Slides: 001 «¿Qué es una convolución?», 001 «Cálculo de convoluciones», 001 «Campo receptivo»,
        002 «Capa de convolución», 003 «Capas convolucionales».
Paper:  Dumoulin & Visin (2016), A guide to convolution arithmetic for deep learning, https://arxiv.org/abs/1603.07285
The formula on the slide turns the kernel by 180°; convolutional layers do not. The slides' kernels all look the same
after that turn, so their examples cannot tell the two apart: an asymmetric kernel does. The slide counts F × F × Cin
weights "in total": that is per filter, and a bias comes on top. Where (W − F + 2P)/S + 1 is no integer, as the slide
demands, Keras rounds down and leaves the last pixels unread.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.patches import Rectangle

from layers.shapes import conv_output

IMAGE = np.array(
    [
        [0, 1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 0, 0, 1, 1, 1, 0],
        [0, 0, 0, 1, 1, 0, 0],
        [0, 0, 1, 1, 0, 0, 0],
        [0, 1, 1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0],
    ]
)
KERNEL = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
ASYMMETRIC = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])


def correlate(image, kernels, stride=1, padding=0):
    """What a convolutional layer computes: (H, W, Cin) image and (F, F, Cin, Cout) kernels to (H', W', Cout) maps.

    At each position: lay the filter over the image, multiply number by number, add everything up.
    """
    image = np.pad(image, [(padding, padding), (padding, padding), (0, 0)])
    height, width, _ = image.shape
    size, _, _, filters = kernels.shape
    rows, columns = conv_output(height, size, 0, stride), conv_output(width, size, 0, stride)
    maps = np.zeros((rows, columns, filters))
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            patch = image[top : top + size, left : left + size]
            for filter in range(filters):
                maps[row, column, filter] = np.sum(patch * kernels[:, :, :, filter])
    return maps


def convolve(f, g):
    """Convolution as mathematics defines it, `(f * g)[x, y] = ΣΣ f[n1, n2] g[x − n1, y − n2]`, over all shifts."""
    height, width = np.add(f.shape, g.shape) - 1
    result = np.zeros((height, width), np.result_type(f, g))
    for x in range(height):
        for y in range(width):
            for n1 in range(f.shape[0]):
                for n2 in range(f.shape[1]):
                    if 0 <= x - n1 < g.shape[0] and 0 <= y - n2 < g.shape[1]:
                        result[x, y] += f[n1, n2] * g[x - n1, y - n2]
    return result


def correlate_plain(image, kernel):
    """`correlate` for a single channel and a single filter."""
    return correlate(image[:, :, None], kernel[:, :, None, None])[:, :, 0].astype(int)


def correlate_keras(image, kernels, stride=1, padding=0):
    """The same by `keras.ops.conv`, the operation inside `keras.layers.Conv2D`."""
    image = np.pad(image, [(padding, padding), (padding, padding), (0, 0)])
    maps = keras.ops.conv(
        image[None].astype("float32"), kernels.astype("float32"), strides=stride, padding="valid"
    )
    return keras.ops.convert_to_numpy(maps)[0]


def parameters(size, channels, filters):
    """F × F × Cin weights per filter and a bias each."""
    return (size * size * channels + 1) * filters


def walk():
    """The filter walks over the image, and the map fills up."""
    result = correlate_plain(IMAGE, KERNEL)
    figure, axes = plt.subplots(
        1, 3, figsize=(9, 3.6), width_ratios=(7, 4.4, 5), layout="constrained"
    )
    for axis, title in zip(axes, ("Image", "Patch × kernel", "Map"), strict=True):
        axis.set_title(title)
        axis.axis("off")
    write(axes[0], IMAGE, IMAGE)
    frame = axes[0].add_patch(
        Rectangle((-0.5, -0.5), 3, 3, fill=False, edgecolor="#D55E00", linewidth=4)
    )

    def step(position):
        row, column = divmod(position, 5)
        frame.set_xy((column - 0.5, row - 0.5))
        patch = IMAGE[row : row + 3, column : column + 3]
        for axis in axes[1:]:
            for text in axis.texts[:]:
                text.remove()
        write(
            axes[1],
            patch * KERNEL,
            np.array([f"{p}·{k}" for p, k in zip(patch.flat, KERNEL.flat, strict=True)]).reshape(
                3, 3
            ),
        )
        seen = np.where(np.arange(25).reshape(5, 5) <= position, result, -1)
        write(axes[2], np.maximum(seen, 0), np.where(seen < 0, "", seen), highest=4)
        figure.suptitle(
            f"Row {row + 1}, column {column + 1}: the products add up to {result[row, column]}"
        )

    step(0)
    figure.canvas.draw()
    figure.set_layout_engine(
        "none"
    )  # laid out once is enough: each further time costs as much as the picture
    return FuncAnimation(figure, step, frames=25, interval=500)


def write(axis, values, texts, highest=1):
    """A table of numbers on coloured squares."""
    axis.imshow(values, cmap="Blues", vmin=-0.1 * highest, vmax=1.6 * highest)
    for (row, column), text in np.ndenumerate(np.asarray(texts)):
        axis.text(column, row, text, ha="center", va="center", fontsize=12)


def figures():
    """The walk over the slide's image, and what correlation and convolution make of a single lit pixel."""
    dot = np.zeros((5, 5), int)
    dot[2, 2] = 1
    correlated, convolved = correlate_plain(dot, ASYMMETRIC), convolve(dot, ASYMMETRIC)[2:5, 2:5]
    flip, axes = plt.subplots(
        1, 4, figsize=(10, 3), width_ratios=(3, 5, 3, 3), layout="constrained"
    )
    pictures = {
        "Kernel": ASYMMETRIC,
        "Image": dot,
        "What Conv2D makes": correlated,
        "What the formula makes": convolved,
    }
    for axis, (title, values) in zip(axes, pictures.items(), strict=True):
        write(axis, values, values, highest=values.max())
        axis.set_title(title)
        axis.axis("off")
    flip.suptitle(
        "Around a single lit pixel, the layer draws its kernel upside down, true convolution the kernel itself"
    )
    return {"walk": walk(), "flip": flip}


def main():
    result = correlate_plain(IMAGE, KERNEL)
    print(f"I (7 × 7) * K (3 × 3) =\n{result}\n")

    layer, turned = (
        correlate_plain(IMAGE, kernel)[0] for kernel in (ASYMMETRIC, np.rot90(ASYMMETRIC, 2))
    )
    print(
        f"First row with the kernel [1 2 3; 4 5 6; 7 8 9]: the formula gives {convolve(IMAGE, ASYMMETRIC)[2, 2:-2]},"
    )
    print(f"a convolutional layer {layer}, the layer with the kernel turned by 180° {turned}\n")

    rng = np.random.default_rng(0)
    image, kernels = rng.normal(size=(32, 32, 3)), rng.normal(size=(5, 5, 3, 6))
    difference = np.abs(correlate(image, kernels) - correlate_keras(image, kernels)).max()
    print(
        f"32 × 32 × 3, six filters 5 × 5 × 3: {conv_output(32, 5) ** 2} positions of 75 products each;"
    )
    print(f"loops and keras.ops.conv differ by at most {difference:.0e}\n")

    print("   W   F  P  S   (W − F + 2P)/S + 1")
    for size, kernel, padding, stride in [
        (32, 5, 0, 1),
        (28, 3, 1, 1),
        (227, 11, 0, 4),
        (224, 11, 0, 4),
    ]:
        try:
            output = conv_output(size, kernel, padding, stride)
        except ValueError as error:
            output = f"{error} Keras makes it {(size - kernel + 2 * padding) // stride + 1}."
        print(f"{size:4} {kernel:3} {padding:2} {stride:2}   {output}")

    for name, picture in figures().items():
        picture.save(f"{name}.gif", writer="pillow") if name == "walk" else picture.savefig(
            f"{name}.png"
        )


if __name__ == "__main__":
    main()
