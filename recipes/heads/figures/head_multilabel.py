"""The pictures of head_multilabel: recall of several emotions by each head, and examples."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy
from recipes.heads.head_multilabel import CLASSES, THRESHOLD


def figures(models, test, histories):
    """How many emotions of a comment each head finds, and comments with several emotions."""
    texts, labels = to_numpy(test)
    outputs = {}
    for name, model in models.items():
        outputs[name] = model.predict(test, verbose=0)
    return {
        "several_labels": plot_found(labels, outputs),
        "examples": plot_examples(texts, labels, outputs),
    }


def share_all_found(labels, output, count, threshold=THRESHOLD):
    """Share of the comments with `count` emotions for which all of these exceed the threshold."""
    chosen = labels.sum(axis=-1) == count
    predicted = output[chosen] > threshold
    # An emotion is missing if it is true and not predicted.
    missing = (labels[chosen] == 1) & ~predicted
    return np.mean(~missing.any(axis=-1))


def best_found(texts, labels, output, count=6):
    """Indices of short comments with several emotions, the best predictions first.

    They are ranked by the smallest output for one of their emotions.
    """
    smallest = np.where(labels, output, np.inf).min(axis=-1)
    candidates = []
    for index, text in enumerate(texts):
        if labels[index].sum() > 1 and len(text) < 65 and text.isascii():
            candidates.append(index)
    return sorted(candidates, key=lambda index: -smallest[index])[:count]


def plot_found(labels, outputs):
    """Recall of comments by their number of emotions, and the sums of each head's outputs.

    Args:
        labels: Array (comments, 28) of 0 and 1.
        outputs: `{name of the head: probabilities (comments, 28)}`, two of them.
    """
    figure, (recall_axis, sum_axis) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")

    # Bars of the two heads, side by side, for each number of emotions that occurs.
    counts = [count for count in (1, 2, 3) if np.any(labels.sum(axis=-1) == count)]
    for shift, (name, output) in zip((-0.2, 0.2), outputs.items(), strict=True):
        shares = [share_all_found(labels, output, count) for count in counts]
        bars = recall_axis.bar(np.array(counts) + shift, shares, width=0.4, label=name)
        recall_axis.bar_label(bars, [f"{share:.0%}" for share in shares])
    recall_axis.set(title=f"All true emotions exceed {THRESHOLD}", xticks=counts)
    recall_axis.set(xlabel="emotions of the comment", ylabel="share of the comments")

    # Histograms of the sums of the outputs.
    bins = np.linspace(0, 3, 61)
    for name, output in outputs.items():
        sum_axis.hist(output.sum(axis=-1), bins=bins, alpha=0.7, label=name)
    sum_axis.set(title="Softmax spends exactly 1 on every comment", yscale="log")
    sum_axis.set(xlabel="sum of the 28 outputs", ylabel="comments")
    sum_axis.legend()
    return figure


def plot_examples(texts, labels, outputs):
    """Six comments, and the outputs of both heads for their four most probable emotions.

    Args:
        texts: Bytes (comments,).
        labels: Array (comments, 28) of 0 and 1.
        outputs: `{name of the head: probabilities (comments, 28)}`, two of them.
    """
    figure, axes = plt.subplots(3, 2, figsize=(10, 7), layout="constrained")
    chosen = best_found(texts, labels, outputs["sigmoid"], count=axes.size)
    for axis, index in zip(axes.flat, chosen, strict=False):
        top = np.argsort(outputs["sigmoid"][index])[-4:]  # the largest last, which is on top
        # Bars of both heads.
        for shift, (name, output) in zip((0.2, -0.2), outputs.items(), strict=True):
            axis.barh(np.arange(4) + shift, output[index, top], height=0.4, label=name)
        axis.axvline(0.5, color="gray", linestyle=":")
        axis.set(xlim=(0, 1))
        # Names of the emotions, true ones with a mark.
        names = []
        for label in top:
            mark = " ✓" if labels[index, label] else ""
            names.append(CLASSES[label] + mark)
        axis.set_yticks(range(4), names)
        # Matplotlib takes text between dollar signs as a formula.
        text = texts[index].decode().replace("$", r"\$")
        axis.set_title(text, fontsize="small")
    axes[0, 0].legend()
    figure.suptitle(
        "Best found of several emotions: with sigmoids both may pass 0.5, with softmax never "
        "(✓: true)"
    )
    return figure
