"""Check the slides: teraflops, images per watt, and how many times faster.

Slides: 001 «Hardware (3090 Ti, GTX 1080, V100, M1)», 002 «Costo de cómputo: GoogLeNet Titan X /
        Tegra X1».
Recipe: arithmetic_intensity.

Peak figures are products: a core does a multiplication and an addition per cycle, so

    TFLOPS = 2 · cores · clock in GHz / 1000.

For the 3090 Ti, which has 10752 cores, the slide prints 1.56 GHz and 40 TFLOPS: are these
consistent? Another table has GoogLeNet's images per second, the watts, and their quotient: 6.5 for
33 / 5.0, 12.8 for 75 / 5.8, and 1.2 for 138 / 119. Compute them.
"""

import numpy as np

from recipes.common.exercise import check, finish


def tflops(cores, gigahertz):
    """Peak in 10¹² operations per second."""
    # Your code: the formula.
    return 2 * cores * gigahertz / 1000


def clock(cores, peak):
    """The clock in GHz at which the cores have this peak in TFLOPS."""
    # Your code: solve the formula for the clock.
    return peak * 1000 / (2 * cores)


def right_as_printed(images, watts, printed):
    """Truth values (n,): whether images / watts, rounded to one digit, equals the printed value."""
    # Your code: np.round(…, 1); np.isclose compares.
    return np.isclose(np.round(images / watts, 1), printed)


def in_seconds(minutes, seconds):
    return 60 * minutes + seconds


def times_faster(slow, fast):
    """The speedup, from both times in seconds."""
    # Your code: a ratio.
    return slow / fast


def main():
    images, watts = np.array([138, 33, 75]), np.array([119, 5.0, 5.8])
    printed = np.array([1.2, 6.5, 12.8])
    return [
        check("3090 Ti at 1.56 GHz", lambda: tflops(10_752, 1.56), 33.54624),
        check("clock that gives it 40 TFLOPS", lambda: clock(10_752, 40), 1.860119),
        check("GTX 1080, 2560 cores, 1.607 GHz", lambda: tflops(2_560, 1.607), 8.22784),
        check("clock of an M1 Max with 1024 cores", lambda: clock(1_024, 10.4), 5.078125),
        check(
            "which rows are right as printed",
            lambda: right_as_printed(images, watts, printed),
            [True, False, False],
        ),
        # Neural style: 140 min 55 s on a Mac, 4 min 9 s on a graphics card; the slide says 35.
        check(
            "the graphics card",
            lambda: times_faster(in_seconds(140, 55), in_seconds(4, 9)),
            33.955823,
        ),
    ]


if __name__ == "__main__":
    finish(main())
