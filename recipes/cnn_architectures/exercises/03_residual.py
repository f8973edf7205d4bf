"""Residual blocks: where the identity helps, and where it does not fit.

Slides: 001 «Capas residuales», 001 «Capas residuales (dimensiones distintas: FC) vs 1 Resnet
        (matriz identidad)».
Recipes: resnet, plain_versus_residual.

A residual block adds its input to the output of its layers, y = x + F(x). If F is 0, the block is
the identity, which is hard to learn for a plain stack of layers. The gradient has a direct path
through the addition: ∂y/∂x = 1 + ∂F/∂x.

If the block halves the side and changes the number of maps, x cannot be added directly. He et al.
take every second row and column, and either fill the new maps with zeros (A) or use a 1 × 1
convolution of stride 2 (B). The slides mention a fully connected layer, and an identity matrix.
Write a block, its derivative, and the shortcut A.
"""

import numpy as np

from recipes.common.exercise import check, finish


def block(x, W1, W2):
    """Output (n,) of a residual block of two dense layers, W₁ (m, n) with ReLU, then W₂ (n, m)."""
    # Your code: y = x + F(x), F(x) = W₂ · ReLU(W₁ x).
    raise NotImplementedError


def block_jacobian(x, W1, W2):
    """∂y/∂x (n, n): row i has the derivatives of yᵢ."""
    # Your code: identity, np.eye, plus W₂ · diag(W₁ x > 0) · W₁.
    raise NotImplementedError


def gradients(slope, depth):
    """Derivative of a stack of layers x → slope · x, and of the same stack of residual blocks."""
    # Your code: each is a power; return both.
    raise NotImplementedError


def shortcut_a(x, maps):
    """Every second row and column of x (h, w, c), then maps of zeros: (h / 2, w / 2, maps)."""
    # Your code: slices with step 2; np.pad, or np.zeros and an assignment.
    raise NotImplementedError


def shortcut_b_parameters(channels_in, maps):
    """Weights, without biases, of the 1 × 1 convolution in its place."""
    # Your code: the stride does not matter.
    raise NotImplementedError


def jacobian_by_differences(x, W1, W2, step=1e-6):
    """∂y/∂x by finite differences, column by column."""
    columns = [
        (block(x + step * unit, W1, W2) - block(x - step * unit, W1, W2)) / (2 * step)
        for unit in np.eye(len(x))
    ]
    return np.stack(columns, axis=1)


def main():
    rng = np.random.default_rng(1)
    x, W1, W2 = rng.normal(size=3), rng.normal(size=(5, 3)), rng.normal(size=(3, 5))
    maps = np.arange(16).reshape(4, 4, 1)
    return [
        check("F = 0: the identity", lambda: block(x, W1, np.zeros((3, 5))), x),
        check(
            "x = (1, −2)",
            lambda: block(np.array([1.0, -2.0]), np.eye(2), np.array([[0, 5], [3, 0]])),
            [1, 1],
        ),
        check(
            "∂y/∂x against differences",
            lambda: block_jacobian(x, W1, W2) - jacobian_by_differences(x, W1, W2),
            np.zeros((3, 3)),
            tolerance=1e-5,
        ),
        # 0.1²⁰ = 1e-20 and 1.1²⁰
        check("slope 0.1, 20 layers", lambda: gradients(0.1, 20), [1e-20, 6.7275], 1e-4),
        check("slope −0.1, 20 layers, residual", lambda: gradients(-0.1, 20)[1], 0.121577),
        check("shortcut A, its first map", lambda: shortcut_a(maps, 3)[:, :, 0], [[0, 2], [8, 10]]),
        check("… its other maps", lambda: shortcut_a(maps, 3)[:, :, 1:], np.zeros((2, 2, 2))),
        check("shortcut B, 64 to 128 maps", lambda: shortcut_b_parameters(64, 128), 8_192),
    ]


if __name__ == "__main__":
    finish(main())
