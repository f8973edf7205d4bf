"""Convolution by hand: the slides' 7 × 7 example, loops that equal Keras', and the flipped kernel.

Slides: 001 «¿Qué es una convolución?», 001 «Cálculo de convoluciones», 001 «Campo receptivo»,
        002 «Capa de convolución», 003 «Capas convolucionales».
Paper:  Dumoulin & Visin (2016), A guide to convolution arithmetic for deep learning,
        https://arxiv.org/abs/1603.07285
Departs from the slides: the formula there flips the kernel in both directions; a convolutional
layer does not (it computes a cross-correlation). The slides' kernels are symmetric, so their
examples cannot distinguish the two: an asymmetric kernel does. The slide counts F × F × Cin weights
"in total": this is per filter, plus a bias. The slide requires that (W − F + 2P)/S + 1 be an
integer; otherwise Keras rounds down and ignores the last pixels.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.patches import Rectangle

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


def conv_output(size, kernel, padding=0, stride=1):
    """Size of one side of a feature map, `(W − F + 2P) / S + 1`, which must be an integer.

    Args:
        size: W, side of the image.
        kernel: F, side of the filter.
        padding: P, zeros added on either side.
        stride: S, pixels from one position of the filter to the next.

    Raises:
        ValueError: if an argument is too small, the filter is larger than the padded image, or the
            result is not an integer.
    """
    if size < 1 or kernel < 1 or padding < 0 or stride < 1:
        raise ValueError(
            "`size`, `kernel` and `stride` must be at least 1 and `padding` at least 0. "
            f"Received: size={size}, kernel={kernel}, padding={padding}, stride={stride}"
        )
    formula = f"({size} − {kernel} + 2·{padding})/{stride} + 1"
    last = size - kernel + 2 * padding  # last position of the filter
    if last < 0:
        raise ValueError(f"{formula} is below 1: the filter is larger than the padded image.")
    if last % stride:
        raise ValueError(f"{formula} = {last / stride + 1:g} is not an integer.")
    return last // stride + 1


def receptive_field(kernels, strides):
    """Side of the receptive field of one unit after a chain of convolutions or poolings, in pixels.

    Args:
        kernels: Sides of the filters, first layer first.
        strides: Their strides.

    Raises:
        ValueError: if the numbers of kernels and strides differ.
    """
    field = 1
    step = 1  # pixels of the image between neighboring units
    for kernel, stride in zip(kernels, strides, strict=True):
        field += (kernel - 1) * step
        step *= stride
    return field


def parameters(size, channels, filters):
    """Parameters of a convolutional layer: F × F × Cin weights per filter, and a bias each."""
    return (size * size * channels + 1) * filters


def correlate(image, kernels, stride=1, padding=0):
    """The output of a convolutional layer: cross-correlation of an image with each filter.

    At each position, the filter and the patch under it are multiplied element by element, and the
    products are summed.

    Args:
        image: Array (H, W, Cin).
        kernels: Array (F, F, Cin, Cout).
        stride: Pixels from one position to the next.
        padding: Number of zeros added on each side.

    Returns:
        Feature maps (H', W', Cout).

    Raises:
        ValueError: if the filter does not fit, see `conv_output`.
    """
    image = np.pad(image, [(padding, padding), (padding, padding), (0, 0)])
    height, width, _ = image.shape
    size, _, _, filters = kernels.shape
    rows = conv_output(height, size, stride=stride)
    columns = conv_output(width, size, stride=stride)
    maps = np.zeros((rows, columns, filters))
    for row in range(rows):
        for column in range(columns):
            top = row * stride
            left = column * stride
            patch = image[top : top + size, left : left + size]  # (F, F, Cin)
            for channel in range(filters):
                maps[row, column, channel] = np.sum(patch * kernels[:, :, :, channel])
    return maps


def correlate_plain(image, kernel):
    """`correlate` for integers, one channel and one filter: (H, W) and (F, F) to (H', W')."""
    return correlate(image[:, :, None], kernel[:, :, None, None])[:, :, 0].astype(int)


def correlate_keras(image, kernels, stride=1, padding=0):
    """`correlate` by `keras.ops.conv`, the operation inside `keras.layers.Conv2D`."""
    image = np.pad(image, [(padding, padding), (padding, padding), (0, 0)]).astype("float32")
    kernels = kernels.astype("float32")
    maps = keras.ops.conv(image[None], kernels, strides=stride, padding="valid")
    return keras.ops.convert_to_numpy(maps)[0]


def convolve(f, g):
    """The mathematical convolution of two matrices, over all shifts at which they overlap.

        (f ∗ g)[x, y] = Σ Σ f[n1, n2] g[x − n1, y − n2]

    Args:
        f: Array (H, W).
        g: Array (F, F).

    Returns:
        Array (H + F − 1, W + F − 1).
    """
    height = f.shape[0] + g.shape[0] - 1
    width = f.shape[1] + g.shape[1] - 1
    result = np.zeros((height, width), np.result_type(f, g))
    for x in range(height):
        for y in range(width):
            for n1 in range(f.shape[0]):
                for n2 in range(f.shape[1]):
                    if 0 <= x - n1 < g.shape[0] and 0 <= y - n2 < g.shape[1]:
                        result[x, y] += f[n1, n2] * g[x - n1, y - n2]
    return result


def draw_table(axis, title, values, texts=None, highest=1):
    """Draw numbers on squares, which are darker for larger values.

    Args:
        axis: Where to draw.
        title: Title of the axis.
        values: Array (rows, columns) from 0 to `highest`.
        texts: Array (rows, columns) of labels; by default the values.
        highest: The value of the darkest square.
    """
    axis.imshow(values, cmap="Blues", vmin=-0.1 * highest, vmax=1.6 * highest)
    for (row, column), text in np.ndenumerate(values if texts is None else texts):
        axis.text(column, row, text, ha="center", va="center", fontsize=12)
    axis.set_title(title)
    axis.axis("off")


def animate_walk():
    """Animate the filter as it slides over the image, while the feature map is filled."""
    result = correlate_plain(IMAGE, KERNEL)
    figure, axes = plt.subplots(
        1, 3, figsize=(9, 3.6), width_ratios=(7, 4.4, 5), layout="constrained"
    )
    draw_table(axes[0], "Image", IMAGE)
    frame = Rectangle((-0.5, -0.5), 3, 3, fill=False, edgecolor="#D55E00", linewidth=4)
    axes[0].add_patch(frame)

    def draw_position(position):
        row, column = divmod(position, 5)
        frame.set_xy((column - 0.5, row - 0.5))

        patch = IMAGE[row : row + 3, column : column + 3]
        products = np.empty((3, 3), object)
        for place in np.ndindex(3, 3):
            products[place] = f"{patch[place]}·{KERNEL[place]}"
        axes[1].clear()
        draw_table(axes[1], "Patch × kernel", patch * KERNEL, products)

        done = np.arange(25).reshape(5, 5) <= position
        sums = np.where(done, result.astype(object), "")
        axes[2].clear()
        draw_table(axes[2], "Feature map", np.where(done, result, 0), sums, highest=4)
        total = result[row, column]
        figure.suptitle(f"Row {row + 1}, column {column + 1}: the products add up to {total}")

    # Compute the layout only once: it takes as much time as drawing the picture.
    draw_position(0)
    figure.canvas.draw()
    figure.set_layout_engine("none")
    return FuncAnimation(figure, draw_position, frames=25, interval=500)


def plot_flip():
    """The layer and the formula on an image with a single bright pixel."""
    pixel = np.zeros((5, 5), int)
    pixel[2, 2] = 1
    layer = correlate_plain(pixel, ASYMMETRIC)
    formula = convolve(pixel, ASYMMETRIC)[2:5, 2:5]
    figure, axes = plt.subplots(
        1, 4, figsize=(10, 3), width_ratios=(3, 5, 3, 3), layout="constrained"
    )
    draw_table(axes[0], "Kernel", ASYMMETRIC, highest=9)
    draw_table(axes[1], "Image", pixel)
    draw_table(axes[2], "Conv2D", layer, highest=9)
    draw_table(axes[3], "The formula", formula, highest=9)
    figure.suptitle(
        "Of a single bright pixel, Conv2D makes the kernel flipped, the formula as it is"
    )
    return figure


def figures():
    """The animation on the slide's image, and Conv2D beside the slide's formula."""
    return {"walk": animate_walk(), "flip": plot_flip()}


def main():
    print(f"I (7 × 7) ∗ K (3 × 3) =\n{correlate_plain(IMAGE, KERNEL)}\n")

    formula = convolve(IMAGE, ASYMMETRIC)[2:-2, 2:-2]  # positions with the kernel inside the image
    layer = correlate_plain(IMAGE, ASYMMETRIC)
    flipped = correlate_plain(IMAGE, np.rot90(ASYMMETRIC, 2))
    print("First row with the kernel [1 2 3; 4 5 6; 7 8 9]")
    print(f"  by the formula:                   {formula[0]}")
    print(f"  by a convolutional layer:         {layer[0]}")
    print(f"  by the layer, the kernel flipped: {flipped[0]}\n")

    rng = np.random.default_rng(0)
    image = rng.normal(size=(32, 32, 3))
    kernels = rng.normal(size=(5, 5, 3, 6))
    maps = correlate(image, kernels)
    difference = np.abs(maps - correlate_keras(image, kernels)).max()
    print(f"32 × 32 × 3 image, six filters 5 × 5 × 3: {parameters(5, 3, 6)} parameters,")
    print(f"{conv_output(32, 5) ** 2} positions of 75 products each, maps of shape {maps.shape}")
    print(f"Largest difference between the loops and keras.ops.conv: {difference:.0e}\n")

    print("   W   F  P  S   (W − F + 2P)/S + 1")
    for size, kernel, padding, stride in (
        (32, 5, 0, 1),
        (28, 3, 1, 1),
        (227, 11, 0, 4),
        (224, 11, 0, 4),
    ):
        try:
            output = conv_output(size, kernel, padding, stride)
        except ValueError as error:
            output = f"{error} Keras: {(size - kernel + 2 * padding) // stride + 1}"
        print(f"{size:4} {kernel:3} {padding:2} {stride:2}   {output}")

    print("\nReceptive field, in pixels:")
    print(f"  two 3 × 3 filters: {receptive_field([3, 3], [1, 1])}, as one of 5 × 5")
    patch_gan = receptive_field([4, 4, 4, 4, 4], [2, 2, 2, 1, 1])
    print(f"  discriminator of pix2pix (PatchGAN): {patch_gan}")

    pictures = figures()
    pictures["walk"].save("walk.gif", writer="pillow")
    pictures["flip"].savefig("flip.png")


if __name__ == "__main__":
    main()
