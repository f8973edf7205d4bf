"""Average precision: one number for a detector, whatever its threshold.

Slides: 000 «Detección de objetos (2017, CVPR 2018)».
Recipes: yolo_v1, yolo_v3.

A detector's boxes are sorted by score. Precision is the share of correct boxes, recall the share of
true boxes that are found. Down the list, recall grows, while precision rises and falls. Average
precision is the area under this curve, after each precision is replaced by the best one at that
recall or a higher one, since no threshold that is worse in both is worth choosing.

COCO's protocol evaluates the curve at 101 recalls, 0, 0.01, …, 1, and counts 0 for recalls that the
detector does not reach. A true box is found once: a second box on it is wrong.
"""

import numpy as np

from recipes.common.exercise import check, finish

# Right or wrong, from the best score down; there are four true boxes, one of which is never found.
HITS = np.array([True, False, True, True, False])
TRUE_BOXES = 4


def precisions(hits):
    """Precision of the first 1, 2, … boxes: array (n,)."""
    # Your code: np.cumsum counts the correct ones so far.
    return np.cumsum(hits) / np.arange(1, len(hits) + 1)


def recalls(hits, count):
    """Recall of the first 1, 2, … boxes, if there are `count` true boxes: array (n,)."""
    # Your code: as above, divided by another number.
    return np.cumsum(hits) / count


def envelope(values):
    """Each number replaced by the largest from its index on."""
    # Your code: np.maximum.accumulate goes from the front; [::-1] reverses an array.
    return np.maximum.accumulate(values[::-1])[::-1]


def average_precision(hits, count):
    """The mean of the best precision at 101 recalls, or at a higher recall."""
    precision = envelope(precisions(hits))
    recall = recalls(hits, count)
    # Your code: at each of np.linspace(0, 1, 101), the precision at the first index whose recall is
    # at least that high, and 0 if there is none; their mean.
    total = 0.0
    for level in np.linspace(0, 1, 101):
        reached = np.flatnonzero(recall >= level)
        if len(reached):
            total += precision[reached[0]]
    return total / 101


def main():
    twice = np.array([True, False, True])  # the second box lies on the first object again
    return [
        check("precision", lambda: precisions(HITS), [1, 1 / 2, 2 / 3, 3 / 4, 3 / 5]),
        check("recall", lambda: recalls(HITS, TRUE_BOXES), [0.25, 0.25, 0.5, 0.75, 0.75]),
        check("best from here on", lambda: envelope(precisions(HITS)), [1, 0.75, 0.75, 0.75, 0.6]),
        # 26 recalls, 0 to 0.25, with precision 1, and 50 with 0.75; 25 are not reached.
        check("average precision", lambda: average_precision(HITS, TRUE_BOXES), 63.5 / 101),
        check("all found, in order", lambda: average_precision(np.array([True] * 4), 4), 1),
        check("one of two, found twice", lambda: average_precision(twice[:2], 2), 51 / 101),
        check("… and then the other", lambda: average_precision(twice, 2), (51 + 50 * 2 / 3) / 101),
    ]


if __name__ == "__main__":
    finish(main())
