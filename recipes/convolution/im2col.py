"""Convolution as matrix multiplication: im2col, the sparse Toeplitz matrix, and what each costs.

Slides: 002 «Se explota espacio esparzo», 002 «Costo de cómputo»,
        003 «GPU-accelerated convolutional network».
Paper:  Chellapilla, Puri & Simard (2006), High performance convolutional neural networks for
        document processing, https://inria.hal.science/inria-00112631
Departs from the paper: on a CPU, and against loops in Python, so the speedup is far above the
paper's three to four times.

There are two ways to write a convolution as a matrix product. im2col copies every patch into a row,
which takes F² times the memory, and multiplies once. The Toeplitz matrix represents the whole layer
as one large matrix: nearly all of its entries are zero, the others are a few shared weights.
"""

import time

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots


def im2col(images, size):
    """Unroll images: the patch at each position of an F × F filter becomes a row.

    Args:
        images: Array (N, H, W, C).
        size: F, side of the filter.

    Returns:
        Array (N · H' · W', F · F · C) with H' = H − F + 1 and W' = W − F + 1.
    """
    patches = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))
    patches = patches.transpose(0, 1, 2, 4, 5, 3)  # (N, H', W', F, F, C), a view, without copies
    return patches.reshape(-1, size * size * images.shape[3])  # copies the patches


def conv_im2col(images, kernels):
    """Convolution by one matrix product.

    Args:
        images: Array (N, H, W, Cin).
        kernels: Array (F, F, Cin, Cout).

    Returns:
        Feature maps (N, H', W', Cout).
    """
    size, _, _, filters = kernels.shape
    count, height, width, _ = images.shape
    maps = im2col(images, size) @ kernels.reshape(-1, filters)  # (N · H' · W', Cout)
    return maps.reshape(count, height - size + 1, width - size + 1, filters)


def conv_loops(images, kernels):
    """The same convolution, position by position and filter by filter."""
    size, _, _, filters = kernels.shape
    count, height, width, _ = images.shape
    rows = height - size + 1
    columns = width - size + 1
    maps = np.zeros((count, rows, columns, filters), np.result_type(images, kernels))
    for row in range(rows):
        for column in range(columns):
            patches = images[:, row : row + size, column : column + size]  # (N, F, F, Cin)
            for channel in range(filters):
                products = patches * kernels[:, :, :, channel]
                maps[:, row, column, channel] = products.sum(axis=(1, 2, 3))
    return maps


def conv_keras(images, kernels):
    """The same convolution by Keras."""
    return keras.ops.convert_to_numpy(keras.ops.conv(images, kernels, padding="valid"))


def toeplitz(kernel, height, width):
    """The doubly blocked Toeplitz matrix of a convolution: times a flat image, it gives the map.

    Args:
        kernel: Array (F, F).
        height, width: Size of the image.

    Returns:
        Array (H' · W', H · W).
    """
    size = len(kernel)
    rows = height - size + 1
    columns = width - size + 1
    matrix = np.zeros((rows, columns, height, width), kernel.dtype)
    for row in range(rows):
        for column in range(columns):
            matrix[row, column, row : row + size, column : column + size] = kernel
    return matrix.reshape(rows * columns, height * width)


def best_seconds(function, *arguments, repeats=5):
    """The time of the fastest of several calls: other processes can only add to it."""
    function(*arguments)  # warm-up: the first call may be slower
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*arguments)
        durations.append(time.perf_counter() - start)
    return min(durations)


def plot_toeplitz():
    """A convolution as a matrix."""
    kernel = np.arange(1.0, 10.0).reshape(3, 3)
    matrix = toeplitz(kernel, 8, 8)
    zeros = 1 - np.count_nonzero(matrix) / matrix.size
    weights = np.where(matrix == 0, np.nan, matrix)  # zeros are white
    figure, axis = plt.subplots(figsize=(8, 5.2), layout="constrained")
    picture = plots.heatmap(axis, weights, cmap="viridis", vmin=1)
    axis.set_title(
        "A 3 × 3 filter on an 8 × 8 image, as a matrix:\n"
        f"36 units share nine weights, {zeros:.0%} are zeros"
    )
    axis.set(xlabel="pixel of the image", ylabel="unit of the feature map", facecolor="white")
    axis.spines[:].set_visible(True)
    figure.colorbar(picture, shrink=0.7, label="which of the nine weights", ticks=range(1, 10))
    return figure


def memory_growth(size, images):
    """The memory of the unrolled images relative to the images (N, H, W, C)."""
    return im2col(images, size).nbytes / images.nbytes


def plot_memory():
    """How the memory of the unrolled image grows with the filter."""
    sizes = [1, 2, 3, 5, 7, 9, 11]
    images = np.zeros((1, 224, 224, 3), "float32")
    growth = [memory_growth(size, images) for size in sizes]
    figure, axis = plt.subplots(layout="constrained")
    axis.plot(sizes, growth, "o-", label="224 × 224 × 3 image, measured")
    axis.plot(sizes, np.square(sizes), "--", label="F²")
    axis.set(title="Unrolling copies nearly every pixel F² times")
    axis.set(xlabel="filter size F", ylabel="unrolled / original size", xticks=sizes)
    axis.legend()
    return figure


def figures():
    """The convolution as a sparse matrix, and how the unrolled images grow with the filter."""
    return {"toeplitz": plot_toeplitz(), "memory": plot_memory()}


def main():
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(5, 5))
    image = rng.normal(size=(28, 28))
    matrix = toeplitz(kernel, 28, 28)
    maps = conv_loops(image[None, :, :, None], kernel[:, :, None, None])
    difference = np.abs(matrix @ image.ravel() - maps.ravel()).max()
    nonzero = np.count_nonzero(matrix) / matrix.size
    print(f"5 × 5 filter on 28 × 28 as a Toeplitz matrix: shape {matrix.shape}")
    print(f"  largest difference from the loops: {difference:.0e}")
    print(f"  share of nonzero entries: {nonzero:.4f} = 5² / 28²\n")

    images = rng.normal(size=(16, 28, 28, 32)).astype("float32")
    kernels = rng.normal(size=(3, 3, 32, 64)).astype("float32")
    rows = im2col(images, 3)
    difference = np.abs(conv_im2col(images, kernels) - conv_loops(images, kernels)).max()
    print("64 filters 3 × 3 on 16 images of 28 × 28 × 32 by im2col:")
    print(f"  largest difference from the loops: {difference:.0e}")
    print(f"  memory of the unrolled images: {memory_growth(3, images):.2f} times the images'\n")

    seconds = {
        "loops": best_seconds(conv_loops, images, kernels, repeats=1),
        "im2col": best_seconds(conv_im2col, images, kernels),
        "keras.ops.conv": best_seconds(conv_keras, images, kernels),
        "product alone": best_seconds(np.matmul, rows, kernels.reshape(-1, 64)),
    }
    operations = 2 * rows.size * 64  # a multiplication and an addition each
    for name, duration in seconds.items():
        speed = operations / duration / 1e9
        speedup = seconds["loops"] / duration
        print(f"{name:>14} {1000 * duration:8.1f} ms {speed:6.1f} GFLOP/s, speedup {speedup:.0f}")

    for name, figure in figures().items():
        figure.savefig(f"{name}.png")


if __name__ == "__main__":
    main()
