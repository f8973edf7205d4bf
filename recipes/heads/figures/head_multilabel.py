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
    found = (output[chosen] > threshold) >= labels[chosen]
    return np.mean(np.all(found, axis=-1))


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
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    counts = [count for count in (1, 2, 3) if np.any(labels.sum(axis=-1) == count)]
    for shift, (name, output) in zip((-0.2, 0.2), outputs.items(), strict=True):
        shares = [share_all_found(labels, output, count) for count in counts]
        bars = axes[0].bar(np.array(counts) + shift, shares, width=0.4, label=name)
        axes[0].bar_label(bars, [f"{share:.0%}" for share in shares])
        axes[1].hist(output.sum(axis=-1), bins=np.linspace(0, 3, 61), alpha=0.7, label=name)
    axes[0].set(title=f"All true emotions exceed {THRESHOLD}", xticks=counts)
    axes[0].set(xlabel="emotions of the comment", ylabel="share of the comments")
    axes[1].legend()
    axes[1].set(title="Softmax spends exactly 1 on every comment", yscale="log")
    axes[1].set(xlabel="sum of the 28 outputs", ylabel="comments")
    return figure


def plot_examples(texts, labels, outputs):
    figure, axes = plt.subplots(3, 2, figsize=(10, 7), layout="constrained")
    chosen = best_found(texts, labels, outputs["sigmoid"], count=axes.size)
    for axis, index in zip(axes.flat, chosen, strict=False):
        top = np.argsort(outputs["sigmoid"][index])[-4:]  # the largest last, which is on top
        for shift, (name, output) in zip((0.2, -0.2), outputs.items(), strict=True):
            axis.barh(np.arange(4) + shift, output[index, top], height=0.4, label=name)
        names = [CLASSES[label] + " ✓" * int(labels[index, label]) for label in top]
        axis.set_yticks(range(4), names)
        axis.axvline(0.5, color="gray", linestyle=":")
        axis.set(xlim=(0, 1))
        axis.set_title(texts[index].decode().replace("$", r"\$"), fontsize="small")
    axes[0, 0].legend()
    figure.suptitle(
        "Best found of several emotions: with sigmoids both may pass 0.5, with softmax never "
        "(✓: true)"
    )
    return figure
