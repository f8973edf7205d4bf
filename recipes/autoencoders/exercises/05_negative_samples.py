"""word2vec: the loss of negative sampling, its gradient, and an analogy.

Slides: 000 «word2vec (Mikolov 2013)», 001 «word2vec».
Recipe: word2vec.

A word's vector v should have a large dot product with the vectors u of words near it, and a small
one with those of random words, the negative samples:

    E = −ln σ(u·v) − Σ ln σ(−u'·v),

for one u, with a sum over the negative u'. A slide calls this an autoencoder; but the target is not
the input, it is the neighbor. After training, differences of vectors have a meaning: in "a is to b
as c is to d", d is the other word whose vector has the greatest cosine with b − a + c. Write the
loss, its gradient, and the analogy.
"""

import numpy as np

from recipes.common.exercise import check, finish

# Royal, female, young.
WORDS = ["rey", "reina", "hombre", "mujer", "príncipe", "niña", "mesa", "corte"]
VECTORS = np.array(
    [
        [2.0, -1.0, 0.0],
        [2.1, 1.0, 0.1],
        [0.0, -1.0, 0.1],
        [0.1, 1.1, 0.0],
        [1.9, -1.0, 2.0],
        [0.0, 0.9, 2.1],
        [-1.0, 0.1, -1.0],
        [6.0, 0.0, 3.0],
    ]
)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def loss(v, u, negatives):
    """E of a word's vector v (d,), a neighbor's u (d,) and negative samples (k, d)."""
    # Your code: the formula.
    raise NotImplementedError


def gradient(v, u, negatives):
    """∂E/∂v (d,)."""
    # Your code: −ln σ(z) has the derivative σ(z) − 1, and −ln σ(−z) has σ(z); then the chain rule.
    raise NotImplementedError


def analogy(a, b, c):
    """The word d such that a is to b as c is to d."""
    ia, ib, ic = WORDS.index(a), WORDS.index(b), WORDS.index(c)
    # Your code: cosines of all words with b − a + c; exclude the three themselves.
    raise NotImplementedError


def by_differences(v, u, negatives, step=1e-6):
    """The gradient by finite differences."""
    changes = step * np.eye(len(v))
    return [
        (loss(v + change, u, negatives) - loss(v - change, u, negatives)) / (2 * step)
        for change in changes
    ]


def main():
    rng = np.random.default_rng(0)
    v, u, negatives = rng.normal(size=4), rng.normal(size=4), rng.normal(size=(5, 4))
    return [
        # −6 ln ½
        check("all vectors 0", lambda: loss(np.zeros(4), u, negatives), 4.158883),
        check(
            "u·v = 2, u'·v = −1",
            lambda: loss(np.array([1.0]), np.array([2.0]), np.array([[-1.0]])),
            0.126928 + 0.313262,
        ),
        check(
            "gradient at v = 0",
            lambda: gradient(np.zeros(2), np.array([2.0, 0.0]), np.array([[0.0, 4.0]])),
            [-1, 2],
        ),
        check(
            "gradient against differences",
            lambda: gradient(v, u, negatives) - by_differences(v, u, negatives),
            np.zeros(4),
            tolerance=1e-5,
        ),
        check("hombre to rey as mujer to", lambda: analogy("hombre", "rey", "mujer"), "reina"),
        check(
            "rey to príncipe as mujer to",
            lambda: analogy("rey", "príncipe", "mujer"),
            "niña",
        ),
    ]


if __name__ == "__main__":
    finish(main())
