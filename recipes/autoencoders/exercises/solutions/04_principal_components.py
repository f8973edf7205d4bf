"""A linear autoencoder is principal component analysis.

Slides: 001 «Usos: componentes principales», 001 «Latent space».
Recipe: autoencoder_mnist.

The optimum of an encoder and a decoder of k units without activations is known: they keep the k
directions in which the data vary most. The singular value decomposition X = U S Vᵀ of the centered
data has them in the rows of Vᵀ, the most important ones first. The remaining error, summed over all
data, is the sum of the squares of the other singular values.

An autoencoder finds the same subspace, not the same axes: multiplying its code by an invertible
matrix, and by the inverse in the decoder, changes nothing. scikit-learn's PCA must agree.
"""

import numpy as np
from sklearn.decomposition import PCA

from recipes.common.exercise import check, finish


def fit(data, k):
    """Mean (features,) and the k first directions (k, features) of data (n, features)."""
    # Your code: subtract the mean, np.linalg.svd(…, full_matrices=False), which returns U, S, Vᵀ.
    mean = data.mean(axis=0)
    _, _, directions = np.linalg.svd(data - mean, full_matrices=False)
    return mean, directions[:k]


def encode(data, mean, directions):
    """Codes (n, k)."""
    # Your code: coordinates of the centered data along the directions.
    return (data - mean) @ directions.T


def decode(codes, mean, directions):
    """Data (n, features), reconstructed from codes (n, k)."""
    # Your code: the reverse.
    return codes @ directions + mean


def remaining_error(data, k):
    """Sum of squared errors, without encoding anything."""
    # Your code: from the singular values that are not kept.
    values = np.linalg.svd(data - data.mean(axis=0), compute_uv=False)
    return np.sum(values[k:] ** 2)


def reconstructed(data, k):
    """Data (n, features) after encoding and decoding."""
    mean, directions = fit(data, k)
    return decode(encode(data, mean, directions), mean, directions)


def main():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(50, 6)) @ rng.normal(size=(6, 6)) + [5, 0, -3, 0, 1, 2]
    pca = PCA(2).fit(data)
    expected = pca.inverse_transform(pca.transform(data))
    on_a_line = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    return [
        check("mean of three points", lambda: fit(on_a_line, 1)[0], [3, 4]),
        check("their direction", lambda: np.abs(fit(on_a_line, 1)[1]), [[0.6, 0.8]]),
        check(
            "code along (0.6, 0.8)",
            lambda: encode(on_a_line, np.array([3, 4]), np.array([[0.6, 0.8]])),
            [[-5], [0], [5]],
        ),
        check("two of six, as in scikit-learn", lambda: reconstructed(data, 2), expected),
        check("all six: no loss", lambda: reconstructed(data, 6), data),
        check(
            "what two components leave",
            lambda: remaining_error(data, 2),
            np.sum((data - expected) ** 2),
        ),
    ]


if __name__ == "__main__":
    finish(main())
