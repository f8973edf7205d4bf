"""Transposed convolution (Conv2DTranspose): the adjoint of Conv2D, upsampling and checkerboards.

Slides: 001 «Transposed CNN», 001 «Conv2DTranspose».
Paper:  Zeiler et al. (2010), Deconvolutional networks, https://doi.org/10.1109/CVPR.2010.5539957;
        Odena, Dumoulin & Olah (2016), Deconvolution and checkerboard artifacts,
        https://doi.org/10.23915/distill.00003
Departs from the slides, which call it the inverse of Conv2D: it undoes the change of shape, not the
convolution. Written as a matrix, a convolution is C and its transposed convolution is Cᵀ, not C⁻¹;
⟨C x, y⟩ = ⟨x, Cᵀ y⟩ for all x and y, and backpropagation through Conv2D multiplies by Cᵀ.

Every pixel of the input adds the filter, times its value, to the output, like a stamp that moves by
one stride each time. If the stride does not divide the filter's size, some pixels of the output get
more stamps than others: a checkerboard, which training has to remove. A triangular filter of twice
the stride computes a bilinear interpolation.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.patches import Rectangle
from sklearn.datasets import load_sample_image

from recipes.common import plots

STRIDE = 2
SMALL = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [2.0, 0.0, 1.0]])
STAMP = np.array([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])


def photograph():
    """A gray photograph of a flower, (H, W) from 0 to 1."""
    colors = load_sample_image("flower.jpg")[40:360, 150:470] / 255
    return colors.mean(axis=2).astype("float32")


def stamp(maps, kernels, stride=STRIDE):
    """Transposed convolution by hand: each pixel adds the filters, times its value, to the output.

    Args:
        maps: Array (H, W, Cin).
        kernels: Array (F, F, Cout, Cin), as in `keras.layers.Conv2DTranspose`.
        stride: Pixels of the output from one stamp to the next.

    Returns:
        Array ((H − 1) · stride + F, (W − 1) · stride + F, Cout).
    """
    height, width, _ = maps.shape
    size, _, filters, _ = kernels.shape
    output = np.zeros(((height - 1) * stride + size, (width - 1) * stride + size, filters))
    for row in range(height):
        for column in range(width):
            top = row * stride
            left = column * stride
            patch = kernels @ maps[row, column]  # (F, F, Cout)
            output[top : top + size, left : left + size] += patch
    return output


def conv(image, kernel, stride=STRIDE, padding="valid"):
    """Convolution of one map by Keras: (H, W) with a kernel (F, F) to (H', W')."""
    inputs = image[None, :, :, None].astype("float32")
    filters = kernel[:, :, None, None].astype("float32")
    outputs = keras.ops.conv(inputs, filters, strides=stride, padding=padding)
    return keras.ops.convert_to_numpy(outputs)[0, :, :, 0]


def conv_transpose(image, kernel, stride=STRIDE, padding="valid"):
    """Transposed convolution of one map by Keras: (H, W) with a kernel (F, F) to (H', W')."""
    inputs = image[None, :, :, None].astype("float32")
    filters = kernel[:, :, None, None].astype("float32")
    outputs = keras.ops.conv_transpose(inputs, filters, strides=stride, padding=padding)
    return keras.ops.convert_to_numpy(outputs)[0, :, :, 0]


def matrix_of(operation, kernel, height, width):
    """The matrix of `conv` or `conv_transpose` for maps (height, width).

    Each column is the output for an image in which one pixel is 1.
    """
    columns = []
    for pixel in range(height * width):
        image = np.zeros(height * width)
        image[pixel] = 1
        columns.append(operation(image.reshape(height, width), kernel).ravel())
    return np.stack(columns, axis=1)


def bilinear_kernel(stride):
    """The filter (2 · stride, 2 · stride) that interpolates linearly between pixels.

    Its stamps overlap so that their weights add up to 1 everywhere.
    """
    distance = np.abs(np.arange(2 * stride) - stride + 0.5) / stride
    triangle = 1 - distance
    return np.outer(triangle, triangle)


def stamps_per_pixel(size, stride, pixels=8):
    """The number of stamps on each pixel of the output, along one side."""
    counts = np.zeros((pixels - 1) * stride + size, int)
    for pixel in range(pixels):
        counts[pixel * stride : pixel * stride + size] += 1
    return counts


def checkerboard(kernel, stride):
    """Unevenness of the output for a constant input: standard deviation over mean."""
    size = len(kernel)
    output = conv_transpose(np.ones((8, 8)), kernel, stride)
    middle = output[size:-size, size:-size]
    return middle.std() / abs(middle.mean())


def animate_stamps():
    """The filter is stamped onto the output, pixel by pixel of the input."""
    figure, axes = plt.subplots(
        1, 3, figsize=(9, 3.9), width_ratios=(3, 3, 7), layout="constrained"
    )
    plots.heatmap(axes[0], SMALL, numbers="{:.0f}", vmax=8)
    plots.heatmap(axes[1], STAMP, numbers="{:.0f}", vmax=8)
    axes[0].set_title("Input")
    axes[1].set_title("Filter")
    frame = Rectangle((-0.5, -0.5), 1, 1, fill=False, edgecolor="#D55E00", linewidth=4)
    axes[0].add_patch(frame)

    def draw_pixel(pixel):
        row, column = divmod(pixel, 3)
        frame.set_xy((column - 0.5, row - 0.5))
        done = np.where(np.arange(9).reshape(3, 3) <= pixel, SMALL, 0)
        axes[2].clear()
        output = stamp(done[:, :, None], STAMP[:, :, None, None])[:, :, 0]
        plots.heatmap(axes[2], output, numbers="{:.0f}", vmax=24)
        corner = (STRIDE * column - 0.5, STRIDE * row - 0.5)
        style = {"fill": False, "edgecolor": "#D55E00", "linewidth": 4}
        axes[2].add_patch(Rectangle(corner, 3, 3, **style))
        axes[2].set_title(f"Output: stamp of {SMALL[row, column]:.0f} × filter added")
        for axis in axes:
            axis.axis("off")
        figure.suptitle("Every pixel stamps the filter; where stamps overlap, they add up")

    return FuncAnimation(figure, draw_pixel, frames=9, interval=900)


def plot_matrices():
    """A convolution and its transposed convolution as matrices, and their product."""
    kernel = np.arange(1.0, 10.0).reshape(3, 3) / 9
    forward = matrix_of(conv, kernel, 7, 7)  # (9, 49)
    back = matrix_of(conv_transpose, kernel, 3, 3)  # (49, 9)
    figure, axes = plt.subplots(
        1, 3, figsize=(11, 4.6), width_ratios=(49, 9, 49), layout="constrained"
    )
    plots.heatmap(axes[0], forward)
    axes[0].set_title("Conv2D: C, from 7 × 7 to 3 × 3")
    plots.heatmap(axes[1], back)
    axes[1].set_title("Transposed: Cᵀ")
    plots.heatmap(axes[2], back @ forward)
    axes[2].set_title("One after the other: Cᵀ C, not the identity")
    for axis in axes:
        axis.set(xticks=[], yticks=[])
    figure.suptitle("The same nine weights, rows and columns exchanged")
    return figure


def plot_no_inverse():
    """A photograph after a convolution, and after the transposed convolution that follows it."""
    image = photograph()
    gaussian = np.exp(-np.square(np.arange(7) - 3) / 4)
    kernel = np.outer(gaussian, gaussian) / gaussian.sum() ** 2
    small = conv(image, kernel, padding="same")
    back = STRIDE**2 * conv_transpose(small, kernel, padding="same")  # keeps the brightness
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.9), layout="constrained")
    for axis, name, maps in (
        (axes[0], "Photograph", image),
        (axes[1], "Conv2D, stride 2", small),
        (axes[2], "Transposed, same filter", back),
    ):
        plots.show_images(
            axis, maps[None], title=f"{name}: {maps.shape[0]} × {maps.shape[1]}", vmin=0, vmax=1
        )
    figure.suptitle("The shape comes back, the details do not")
    return figure


def random_kernel(size, stride):
    """A filter of random positive weights, as in an untrained layer, that keeps the brightness."""
    kernel = np.random.default_rng(0).uniform(0.5, 1.5, (size, size))
    return stride**2 * kernel / kernel.sum()


def plot_checkerboards():
    """A photograph enlarged four times by transposed convolutions with four filters."""
    small = photograph()[::4, ::4]
    kernels = {
        "5 × 5, random": random_kernel(5, 4),
        "6 × 6, random": random_kernel(6, 4),
        "8 × 8, random": random_kernel(8, 4),
        "8 × 8, bilinear": bilinear_kernel(4),
    }
    figure, axes = plt.subplots(2, 4, figsize=(12, 6.3), layout="constrained")
    for column, (name, kernel) in enumerate(kernels.items()):
        large = conv_transpose(small, kernel, stride=4)
        unevenness = checkerboard(kernel, 4)
        title = f"{name}: uneven by {unevenness:.0%}"
        plots.show_images(axes[0, column], large[None], title=title, vmin=0, vmax=1)
        detail = large[130:210, 110:190]
        plots.show_images(axes[1, column], detail[None], vmin=0, vmax=1)
    figure.suptitle("Stride 4: where it does not divide the filter's size, a checkerboard appears")
    return figure


def plot_overlaps():
    """The number of stamps on each pixel of the output, for filters of four sizes."""
    figure, axes = plt.subplots(1, 4, figsize=(11, 2.8), sharey=True, layout="constrained")
    for axis, size in zip(axes, (2, 3, 4, 5), strict=True):
        counts = stamps_per_pixel(size, STRIDE)
        axis.bar(np.arange(len(counts)), counts, width=0.9, color="C0")
        even = size % STRIDE == 0
        axis.set(title=f"filter {size}: {'even' if even else 'uneven'}", xlabel="pixel of output")
    axes[0].set(ylabel="stamps", yticks=range(4))
    figure.suptitle("At stride 2, filters of even size stamp all pixels equally often")
    return figure


def main():
    rng = np.random.default_rng(0)

    # By hand and by Keras.
    maps = rng.normal(size=(4, 5, 3))
    kernels = rng.normal(size=(3, 3, 2, 3))
    layer = keras.layers.Conv2DTranspose(2, 3, strides=STRIDE, use_bias=False)
    layer.build((None, 4, 5, 3))
    layer.set_weights([kernels])
    output = keras.ops.convert_to_numpy(layer(maps[None].astype("float32")))[0]
    by_hand = stamp(maps, kernels)
    print(f"From {maps.shape} to {output.shape} at stride {STRIDE}:")
    print(f"  largest difference from the stamps by hand: {np.abs(output - by_hand).max():.0e}")

    # The adjoint: with `same` padding the shape is exactly doubled.
    kernel = rng.normal(size=(3, 3))
    x = rng.normal(size=(12, 16))
    y = rng.normal(size=(6, 8))
    left = np.sum(conv(x, kernel, padding="same") * y)
    right = np.sum(x * conv_transpose(y, kernel, padding="same"))
    print(f"⟨C x, y⟩ = {left:.4f} = ⟨x, Cᵀ y⟩ = {right:.4f}")
    back = conv_transpose(conv(x, kernel, padding="same"), kernel, padding="same")
    print(f"Cᵀ C x and x, both {back.shape}, differ by up to {np.abs(back - x).max():.1f}")

    # Checkerboards.
    for size in (2, 3, 4, 5, 6):
        unevenness = checkerboard(np.ones((size, size)), STRIDE)
        print(f"Filter of ones, {size} × {size}, stride {STRIDE}: uneven by {unevenness:.0%}")

    animate_stamps().save("stamps.gif", writer="pillow")
    plot_matrices().savefig("matrices.png")
    plot_no_inverse().savefig("no_inverse.png")
    plot_overlaps().savefig("overlaps.png")
    plot_checkerboards().savefig("checkerboards.png")


if __name__ == "__main__":
    main()
