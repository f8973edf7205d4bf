"""L1 and L2: what they add to the loss, and what they do to a weight.

Slides: 001 «Regularización L2», 001 «Regularización L1».
Recipes: regularization, l1_feature_selection.

L2 adds λ Σ w² to the loss, with the gradient 2 λ w; L1 adds λ Σ |w|, with the gradient λ sign(w).
Under L2 a weight that the data do not need shrinks by the same factor in every step, and never
reaches 0. Under L1 it shrinks by the same amount, and a clipped step stops at 0: this is why L1
selects inputs. Write both penalties and one step of each, and count the steps to 0.
"""

import numpy as np

from recipes.common.exercise import check, finish


def penalties(w, strength):
    """The L1 and the L2 penalty of weights (n,), for λ = strength."""
    # Your code: return λ Σ |w|, λ Σ w².
    raise NotImplementedError


def l2_step(w, rate, strength):
    """Weights (n,) after one step of gradient descent on the L2 penalty alone."""
    # Your code: w − η times the gradient.
    raise NotImplementedError


def l1_step(w, rate, strength):
    """Weights (n,) after one step towards 0 of length η λ, and no further than 0."""
    # Your code: np.sign(w), and np.maximum(…, 0) for the remaining absolute value.
    raise NotImplementedError


def repeated(step, w, times, rate, strength):
    """Weights (n,) after many steps."""
    for _ in range(times):
        w = step(w, rate, strength)
    return w


def steps_to_zero(w, rate, strength):
    """The number of steps of L1 after which a single weight w is 0."""
    # Your code: no loop is needed; np.ceil rounds up.
    raise NotImplementedError


def main():
    w = np.array([0.5, -1.5, 2.0])
    return [
        check("L1 and L2 penalty, λ = 0.01", lambda: penalties(w, 0.01), [0.04, 0.065]),
        check("one step of L2", lambda: l2_step(w, 0.1, 0.5), [0.45, -1.35, 1.8]),
        # 0.9¹⁰⁰
        check(
            "100 steps of L2",
            lambda: repeated(l2_step, w, 100, 0.1, 0.5) / w,
            np.full(3, 2.65614e-5),
            tolerance=1e-9,
        ),
        check("one step of L1", lambda: l1_step(w, 0.1, 0.5), [0.45, -1.45, 1.95]),
        check("14 steps of L1", lambda: repeated(l1_step, w, 14, 0.1, 0.5), [0, -0.8, 1.3]),
        check("steps of L1 to zero", lambda: steps_to_zero(-1.51, 0.1, 0.5), 31),
    ]


if __name__ == "__main__":
    finish(main())
