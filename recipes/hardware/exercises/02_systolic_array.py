"""A systolic array: when does which number meet which?

Slides: 000 «TPU microarchitecture: systolic execution saves energy», 000 «TPU: 65,536 (256×256)
        8-bit MACs».
Recipe: systolic_array.

The cell (i, j) of an N × N array keeps the weight w_ij. The inputs x_m0, x_m1, … of row m enter
from the left, x_mi into row i of the array, and move on by one cell per cycle. Sums move down by
one cell per cycle, each cell adding its product. For an input to meet the right sum, array row i
must start i cycles late; the rows of the input follow each other, one per cycle. Cycles are counted
from 0.

Find the cycle in which x_mi is in the cell (i, j); from it follow the duration for M rows and the
utilization of the array.
"""

import numpy as np

from recipes.common.exercise import check, finish


def cycle(m, i, j):
    """The cycle in which cell (i, j) multiplies x_mi by w_ij."""
    # Your code: how late is row m, how late is array row i, how far is column j?
    raise NotImplementedError


def cycles(rows, side):
    """The number of cycles of the product of M rows with an N × N matrix."""
    # Your code: the cycle of the last multiplication, plus one.
    raise NotImplementedError


def utilization(rows, side):
    """Share of multiplying cells, over all cycles."""
    # Your code: M · N² multiplications in all.
    raise NotImplementedError


def tera_operations(side, hertz):
    """10¹² operations per second of a full array: a multiplication and an addition in each cell."""
    # Your code: each cell does both in every cycle.
    raise NotImplementedError


def simulate(x, w):
    """The product of x (M, N) and w (N, N), by a simulation of all cycles."""
    rows, side = x.shape
    result = np.zeros((rows, side))
    sums = np.zeros((side + 1, side))  # that each cell hands down, below a row of zeros
    for now in range(3 * (rows + side)):
        before = sums.copy()
        for i in range(side):
            for j in range(side):
                here = [m for m in range(rows) if cycle(m, i, j) == now]
                products = sum(x[m, i] * w[i, j] for m in here)
                sums[i + 1, j] = before[i, j] + products
                if i == side - 1 and here:
                    result[here, j] = sums[side, j]
    return result


def main():
    rng = np.random.default_rng(0)
    x, w = rng.integers(-5, 6, (4, 3)), rng.integers(-5, 6, (3, 3))
    return [
        check("first input, first cell", lambda: cycle(0, 0, 0), 0),
        check("the array computes the product", lambda: simulate(x, w), x @ w),
        check("one row, one cell", lambda: cycles(1, 1), 1),
        check("M = 4, N = 3", lambda: cycles(4, 3), 8),
        check("one row through 256 × 256", lambda: utilization(1, 256), 1 / 511),
        check("4096 rows through it", lambda: utilization(4096, 256), 4096 / 4606),
        check("TPU: 256 × 256 at 700 MHz", lambda: tera_operations(256, 700e6), 91.7504),
    ]


if __name__ == "__main__":
    finish(main())
