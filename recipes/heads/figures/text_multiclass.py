"""The pictures of text_multiclass: recall of each emotion, and the most frequent confusions."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy
from recipes.heads.text_multiclass import CLASSES


def figures(model, test, history):
    """Recall of each emotion beside its frequency, and the most frequent mistakes."""
    _, labels = to_numpy(test)
    probabilities = model.predict(test, verbose=0)
    return {
        "recall_by_emotion": plot_recall(labels, probabilities),
        "mistakes_by_emotion": plot_mistakes(labels, probabilities.argmax(axis=-1)),
    }


def recall(labels, probabilities, among=1):
    """The share of each class's examples for which it is among the likeliest classes.

    Args:
        labels: Integers (examples,).
        probabilities: Array (examples, classes).
        among: Number of likeliest classes to consider.

    Returns:
        Array (classes,); NaN where a class has no examples.
    """
    order = np.argsort(-probabilities, axis=-1, kind="stable")
    found = (order[:, :among] == labels[:, None]).any(axis=-1)
    shares = np.full(probabilities.shape[-1], np.nan)
    for label in np.unique(labels):
        shares[label] = found[labels == label].mean()
    return shares


def common_mistakes(labels, answers, count=10):
    """The most frequent pairs of a true and a different predicted class.

    Returns:
        A list of (examples, true class, predicted class), the most frequent first.
    """
    wrong = labels != answers
    pairs, numbers = np.unique(np.stack([labels, answers])[:, wrong], axis=1, return_counts=True)
    order = np.argsort(-numbers, kind="stable")[:count]
    return [(int(numbers[i]), int(pairs[0, i]), int(pairs[1, i])) for i in order]


def plot_recall(labels, probabilities):
    """Bars by emotion, the most frequent first; the title counts those never predicted."""
    counts = np.bincount(labels, minlength=len(CLASSES))
    order = np.argsort(-counts, kind="stable")
    first = recall(labels, probabilities)[order]
    three = recall(labels, probabilities, among=3)[order]
    figure, axis = plt.subplots(figsize=(10, 4.4), layout="constrained")
    places = np.arange(len(CLASSES))
    axis.bar(places, three, color="lightgray", label="among the three likeliest")
    axis.bar(places, first, label="the likeliest")
    axis.set_xticks(places, [f"{CLASSES[index]}, {counts[index]}" for index in order])
    axis.tick_params(axis="x", labelrotation=90)
    never = np.sum(first == 0)
    axis.set(title=f"{never} of {len(CLASSES)} emotions are never found")
    axis.set(ylim=(0, 1), ylabel="recall", xlabel="emotion, and how many test comments have it")
    axis.margins(x=0.01)
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure


def share_with_neutral(labels, answers):
    """The share of mistakes between an emotion and neutral."""
    neutral = CLASSES.index("neutral")
    wrong = labels != answers
    return np.mean((answers[wrong] == neutral) | (labels[wrong] == neutral))


def plot_mistakes(labels, answers):
    """The ten most frequent mistakes between emotions; the title gives the share with neutral."""
    share = share_with_neutral(labels, answers)
    neutral = CLASSES.index("neutral")
    both = (answers != neutral) & (labels != neutral)
    figure, axis = plt.subplots(figsize=(8, 4.2), layout="constrained")
    mistakes = common_mistakes(labels[both], answers[both])[::-1]  # the first on top
    names = [f"{CLASSES[true]} → {CLASSES[answered]}" for _, true, answered in mistakes]
    axis.barh(names, [number for number, _, _ in mistakes])
    axis.set(title=f"{share:.0%} of the mistakes are between an emotion and neutral, of the rest:")
    axis.set(xlabel="test comments")
    return figure
