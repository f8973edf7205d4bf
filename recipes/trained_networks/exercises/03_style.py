"""The style of an image: Gram matrices, which forget where things are.

Slides: 001 «Neural-style (pasos)», 000 «Transferencia de estilos (3 slides)».
Recipe: style_transfer.

A layer's maps of an image, (height, width, channels), are its content. The Gram matrix is

    G[i, j] = Σ over the pixels of map i · map j / number of pixels,

how strongly channels i and j are active together, at any position. It represents the style: two
images with the same pixels in a different order have the same Gram matrix, but different content.
The style loss is the mean squared difference of two Gram matrices, and its gradient changes the
maps.
"""

import numpy as np

from recipes.common.exercise import check, finish

# 2 × 2 pixels, two channels: the first is active on the left, the second everywhere.
MAPS = np.array([[[1.0, 1.0], [0.0, 1.0]], [[1.0, 1.0], [0.0, 1.0]]])


def gram(maps):
    """The Gram matrix (channels, channels) of maps (height, width, channels)."""
    # Your code: reshape to (pixels, channels); one matrix product.
    raise NotImplementedError


def style_loss(maps, style):
    """Mean squared difference of the Gram matrices of two images' maps."""
    # Your code: a mean over channels × channels.
    raise NotImplementedError


def content_loss(maps, content):
    """Mean squared difference of the maps themselves."""
    # Your code: pixel by pixel.
    raise NotImplementedError


def style_gradient(maps, style):
    """The gradient of the style loss with respect to the maps, in their shape."""
    pixels = maps.reshape(-1, maps.shape[-1])  # (n, channels)
    # Your code: with n pixels and c channels it is 4 / (n · c²) · pixels @ (G − G of the style).
    raise NotImplementedError


def by_differences(function, maps, step=1e-5):
    """The gradient of a function of maps by finite differences."""
    gradient = np.zeros_like(maps)
    for place in np.ndindex(maps.shape):
        change = np.zeros_like(maps)
        change[place] = step
        gradient[place] = (function(maps + change) - function(maps - change)) / (2 * step)
    return gradient


def main():
    turned = MAPS[:, ::-1]  # left and right exchanged
    rng = np.random.default_rng(0)
    photograph, painting = rng.normal(size=(2, 3, 4, 5))
    painted = np.einsum("hwi,hwj->ij", painting, painting) / 12

    def loss(maps):
        return np.mean((np.einsum("hwi,hwj->ij", maps, maps) / 12 - painted) ** 2)

    return [
        check("Gram matrix", lambda: gram(MAPS), [[0.5, 0.5], [0.5, 1]]),
        check("style of the mirrored image", lambda: style_loss(turned, MAPS) + 1, 1),
        check("… but its content", lambda: content_loss(turned, MAPS), 0.5),
        check("twice as bright", lambda: style_loss(2 * MAPS, MAPS), (3 * 1.5**2 + 3**2) / 4),
        check(
            "the gradient",
            lambda: style_gradient(photograph, painting),
            by_differences(loss, photograph),
            1e-6,
        ),
    ]


if __name__ == "__main__":
    finish(main())
