"""A picture as a sentence: the patches of a vision transformer.

Slides: 002 «ViT».
Recipe: vit.

A vision transformer divides an image into squares without overlap and treats them as words: each
patch, flattened to one row, is mapped to d numbers by a dense layer. A class token, from which the
prediction is computed, precedes them, and a learned position is added to each. Attention compares
each word with each: half the patch side means four times the words, and how many comparisons? Cut
an image into patches, undo it, and count.
"""

import numpy as np

from recipes.common.exercise import check, finish


def patches(image, side):
    """Rows (patches, side · side · c) of an image (h, w, c), patch by patch from left to right."""
    height, width, channels = image.shape
    # Your code: reshape to (h / side, side, w / side, side, c), swap two axes, reshape.
    raise NotImplementedError


def image_of(rows, side, width):
    """The image (h, width, c), restored from such rows."""
    # Your code: the same steps backwards.
    raise NotImplementedError


def words(image_side, patch_side):
    """The number of words of a square image, including the class token."""
    # Your code: count the patches.
    raise NotImplementedError


def comparisons(image_side, patch_side):
    """The number of attention weights of one head."""
    # Your code: each word with each.
    raise NotImplementedError


def embedding_parameters(image_side, patch_side, channels, d):
    """Parameters of the dense layer with bias, of the class token, and of the positions."""
    # Your code: add up the three.
    raise NotImplementedError


def main():
    image = np.arange(16).reshape(4, 4, 1)
    colors = np.random.default_rng(0).normal(size=(8, 12, 3))
    expected = [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    return [
        check("numbers 0 to 15 in four rows", lambda: patches(image, 2), expected),
        check("third patch of 8 × 12 × 3", lambda: patches(colors, 4)[2], colors[:4, 8:].ravel()),
        check("there and back", lambda: image_of(patches(colors, 4), 4, 12), colors),
        check("words of 224 pixels, patches of 16", lambda: words(224, 16), 197),
        check("comparisons, patches of 16", lambda: comparisons(224, 16), 38_809),
        check("… of 8", lambda: comparisons(224, 8), 616_225),
        # ViT-Base: 590,592 + 768 + 151,296
        check("parameters, d = 768", lambda: embedding_parameters(224, 16, 3, 768), 742_656),
    ]


if __name__ == "__main__":
    finish(main())
