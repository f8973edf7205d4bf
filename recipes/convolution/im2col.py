"""Convolution as a matrix product: unrolled patches, the sparse Toeplitz matrix, and what each costs.

Slides: 002 «Se explota espacio esparzo», 002 «Costo de cómputo», 003 «GPU-accelerated convolutional network».
Paper:  Chellapilla, Puri & Simard (2006), High performance convolutional neural networks for document processing,
        https://inria.hal.science/inria-00112631
Two ways to the same result: copy every patch into a row (memory grows by F²) and multiply once, or write the layer as
one large matrix (nearly all zeros, the rest a few shared weights).
Departs from the paper: on a CPU, and against loops in Python, so the gain is far above the paper's three to four times.
"""

import time

import keras
import matplotlib.pyplot as plt
import numpy as np


def im2col(images, size):
    """(N, H, W, C) images to (N·H'·W', F·F·C) rows, one per position of an F × F filter."""
    patches = np.lib.stride_tricks.sliding_window_view(
        images, (size, size), axis=(1, 2)
    )  # (N, H', W', C, F, F)
    return patches.transpose(0, 1, 2, 4, 5, 3).reshape(
        -1, size * size * images.shape[3]
    )  # here all is copied


def conv_im2col(images, kernels):
    """Convolution by one matrix product: (N, H, W, Cin) images and (F, F, Cin, Cout) kernels."""
    size, _, _, filters = kernels.shape
    count, height, width, _ = images.shape
    maps = im2col(images, size) @ kernels.reshape(-1, filters)
    return maps.reshape(count, height - size + 1, width - size + 1, filters)


def conv_loops(images, kernels):
    """The same, position by position."""
    size, _, _, filters = kernels.shape
    count, height, width, _ = images.shape
    maps = np.zeros(
        (count, height - size + 1, width - size + 1, filters), np.result_type(images, kernels)
    )
    for row in range(maps.shape[1]):
        for column in range(maps.shape[2]):
            patch = images[:, row : row + size, column : column + size]
            for filter in range(filters):
                maps[:, row, column, filter] = np.sum(
                    patch * kernels[:, :, :, filter], axis=(1, 2, 3)
                )
    return maps


def conv_keras(images, kernels):
    """The same by Keras."""
    return keras.ops.convert_to_numpy(keras.ops.conv(images, kernels, padding="valid"))


def toeplitz(kernel, height, width):
    """The (H'·W', H·W) matrix that multiplies a flattened image as the kernel (F, F) is slid over it."""
    size = len(kernel)
    rows, columns = height - size + 1, width - size + 1
    matrix = np.zeros((rows, columns, height, width), kernel.dtype)
    for row in range(rows):
        for column in range(columns):
            matrix[row, column, row : row + size, column : column + size] = kernel
    return matrix.reshape(rows * columns, height * width)


def seconds(function, *arguments, repeats=5):
    """The fastest of some calls: what else the machine does can only slow it down."""
    function(*arguments)
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*arguments)
        taken.append(time.perf_counter() - start)
    return min(taken)


def figures():
    """The layer as a matrix, and how the unrolled images grow with the filter."""
    kernel = np.arange(1.0, 10.0).reshape(3, 3)
    matrix = toeplitz(kernel, 8, 8)
    toeplitz_matrix, axis = plt.subplots(figsize=(8, 5.2), layout="constrained")
    picture = axis.imshow(np.where(matrix == 0, np.nan, matrix), cmap="viridis")
    share = np.count_nonzero(matrix) / matrix.size
    axis.set_title(
        f"A 3 × 3 filter on an 8 × 8 image, as a matrix:\n36 neurons share nine weights, {1 - share:.0%} are zeros"
    )
    axis.set(xlabel="pixel of the image", ylabel="neuron of the map")
    axis.spines[:].set_visible(True)
    toeplitz_matrix.colorbar(
        picture, shrink=0.7, label="which of the nine weights", ticks=range(1, 10)
    )

    sizes = [1, 2, 3, 5, 7, 9, 11]
    images = np.zeros((1, 224, 224, 3), "float32")
    growth = [im2col(images, size).nbytes / images.nbytes for size in sizes]
    memory, axis = plt.subplots(layout="constrained")
    axis.plot(sizes, growth, "o-", label="224 × 224 × 3 image, measured")
    axis.plot(sizes, np.square(sizes), "--", label="F²")
    axis.set(xlabel="filter size F", ylabel="unrolled / original size", xticks=sizes)
    axis.set_title("Unrolling copies nearly every pixel F² times")
    axis.legend()
    return {"toeplitz": toeplitz_matrix, "memory": memory}


def main():
    rng = np.random.default_rng(0)
    kernel, image = rng.normal(size=(5, 5)), rng.normal(size=(28, 28))
    matrix = toeplitz(kernel, 28, 28)
    maps = conv_loops(image[None, :, :, None], kernel[:, :, None, None])
    difference = np.abs(matrix @ image.ravel() - maps.ravel()).max()
    print(
        f"5 × 5 filter on 28 × 28: a matrix of shape {matrix.shape}, same result up to {difference:.0e};"
    )
    print(f"its share of non-zeros is {np.count_nonzero(matrix) / matrix.size:.4f} = 5² / 28²\n")

    images = rng.normal(size=(16, 28, 28, 32)).astype("float32")
    kernels = rng.normal(size=(3, 3, 32, 64)).astype("float32")
    np.testing.assert_allclose(conv_im2col(images, kernels), conv_loops(images, kernels), atol=1e-3)
    rows = im2col(images, 3)
    operations = 2 * rows.shape[0] * rows.shape[1] * 64
    print(
        f"16 images of 28 × 28 × 32, 64 filters 3 × 3: unrolled, {rows.nbytes / images.nbytes:.2f} times the memory"
    )
    slowest = seconds(conv_loops, images, kernels, repeats=1)
    fast = {
        "im2col": (conv_im2col, images, kernels),
        "keras.ops.conv": (conv_keras, images, kernels),
    }
    fast["product alone"] = (np.matmul, rows, kernels.reshape(-1, 64))
    for name, taken in {
        "loops": slowest,
        **{name: seconds(*call) for name, call in fast.items()},
    }.items():
        speed = operations / taken / 1e9
        print(
            f"{name:>15} {1000 * taken:8.1f} ms {speed:6.1f} GFLOP/s {slowest / taken:6.0f} times the loops"
        )

    for name, figure in figures().items():
        figure.savefig(f"{name}.png")


if __name__ == "__main__":
    main()
