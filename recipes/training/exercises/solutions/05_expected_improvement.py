"""Expected improvement: which hyperparameters should be tried next?

Slides: 000 «Modelo de procesos gaussianos (mecanismo)».
Recipe: gaussian_process_search.

A Gaussian process predicts the score of each untried setting, as a mean μ and a standard deviation
σ. With the best score f so far, the expected improvement max(y − f, 0) of a score y ~ N(μ, σ²) is

    EI = (μ − f) Φ(u) + σ φ(u),   u = (μ − f) / σ,

where Φ and φ are the standard normal's distribution function and density. The next trial is the
setting with the largest EI: one with a high mean (exploitation) or a high uncertainty
(exploration). Write EI, compare it with random scores, and choose.
"""

import numpy as np
from scipy.stats import norm

from recipes.common.exercise import check, finish


def expected_improvement(mean, deviation, best):
    """EI (n,) of settings with these means and standard deviations > 0 (n,)."""
    # Your code: the formula; norm.cdf is Φ, norm.pdf is φ.
    u = (mean - best) / deviation
    return (mean - best) * norm.cdf(u) + deviation * norm.pdf(u)


def sampled(mean, deviation, best, count=400_000):
    """The same for one setting, without the formula: the mean improvement of many random scores."""
    scores = np.random.default_rng(0).normal(mean, deviation, count)
    # Your code: the mean of max(y − f, 0) over the scores.
    return np.mean(np.maximum(scores - best, 0))


def next_trial(means, deviations, best):
    """The index of the setting to try next, from means and deviations (n,)."""
    # Your code: np.argmax.
    return np.argmax(expected_improvement(means, deviations, best))


def main():
    # Accuracy in percent; the best so far is 91.
    means, deviations = np.array([91.0, 90.0, 85.0]), np.array([0.1, 2.0, 4.0])
    return [
        # φ(0) = 1 / √(2π)
        check("μ = f, σ = 1", lambda: expected_improvement(91.0, 1.0, 91.0), 0.398942),
        check("certainly 3 better", lambda: expected_improvement(94.0, 1e-9, 91.0), 3),
        check("certainly no better", lambda: expected_improvement(90.0, 1e-9, 91.0), 0),
        check("μ = f + 1, σ = 2", lambda: expected_improvement(92.0, 2.0, 91.0), 1.395593),
        check("sampled, μ = f, σ = 1", lambda: sampled(91.0, 1.0, 91.0), 0.398942, 5e-3),
        check("sampled, μ = f + 1, σ = 2", lambda: sampled(92.0, 2.0, 91.0), 1.395593, 1e-2),
        check("next: 91 ± 0.1, 90 ± 2 or 85 ± 4", lambda: next_trial(means, deviations, 91.0), 1),
        check("once 90 ± 0.1 is known", lambda: next_trial(means, [0.1, 0.1, 4], 91.0), 2),
    ]


if __name__ == "__main__":
    finish(main())
