"""Metrics by hand: top-5 accuracy, R², and what a network has to beat.

Slides: 001 «Ejemplo (API secuencial): metrics=[categorical_accuracy, r2]», 001 «top-1, top-5».
Recipes: head_regression, head_multiclass.

ImageNet's top-5 error counts a prediction as correct if the class is among the five most probable.
R² = 1 − Σ(y − p)² / Σ(y − ȳ)² is the share of the targets' variance that the predictions p explain:
1 is perfect, and 0 is the score of the constant prediction ȳ. Likewise, an accuracy has to be
compared with that of the majority class. Write these three.
"""

import numpy as np

from recipes.common.exercise import check, finish


def top_k_accuracy(probabilities, labels, k):
    """Share of rows whose label (n,) is among the k largest of the probabilities (n, classes)."""
    # Your code: np.argsort(…, axis=-1) puts the indices of the largest probabilities last.
    largest = np.argsort(probabilities, axis=-1)[:, -k:]
    hits = [label in row for label, row in zip(labels, largest, strict=True)]
    return np.mean(hits)


def r2(targets, predictions):
    """R² of predictions (n,) for targets (n,)."""
    # Your code: the formula above.
    residual = np.sum((targets - predictions) ** 2)
    total = np.sum((targets - np.mean(targets)) ** 2)
    return 1 - residual / total


def majority_accuracy(train_labels, test_labels):
    """Accuracy on test labels (n,) of always predicting the most frequent class of the training."""
    # Your code: np.bincount counts the labels.
    most_frequent = np.argmax(np.bincount(train_labels))
    return np.mean(np.asarray(test_labels) == most_frequent)


def main():
    probabilities = np.array(
        [
            [0.50, 0.20, 0.15, 0.08, 0.05, 0.02],
            [0.50, 0.20, 0.15, 0.08, 0.05, 0.02],
            [0.01, 0.09, 0.10, 0.10, 0.30, 0.40],
            [0.01, 0.09, 0.10, 0.10, 0.30, 0.40],
        ]
    )
    labels = [0, 5, 4, 0]
    y = np.array([1.0, 2.0, 3.0, 6.0])  # mean 3, Σ(y − ȳ)² = 14
    return [
        check("top-1", lambda: top_k_accuracy(probabilities, labels, 1), 0.25),
        check("top-2", lambda: top_k_accuracy(probabilities, labels, 2), 0.5),
        check("top-5", lambda: top_k_accuracy(probabilities, labels, 5), 0.5),
        check("top-6", lambda: top_k_accuracy(probabilities, labels, 6), 1),
        check("R² of the targets themselves", lambda: r2(y, y), 1),
        check("R² of their mean", lambda: r2(y, np.full(4, 3.0)), 0),
        # Σ(y − p)² = 0 + 0 + 1 + 1
        check("R² of 1, 2, 4, 5", lambda: r2(y, np.array([1.0, 2.0, 4.0, 5.0])), 1 - 2 / 14),
        check("R² of 6, 3, 2, 1", lambda: r2(y, np.array([6.0, 3.0, 2.0, 1.0])), 1 - 52 / 14),
        check("majority class", lambda: majority_accuracy([2, 2, 0, 1, 2], [2, 0, 1, 0]), 0.25),
    ]


if __name__ == "__main__":
    finish(main())
