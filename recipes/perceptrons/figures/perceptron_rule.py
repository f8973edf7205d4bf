"""The pictures of perceptron_rule: the line in the plane, and the newspaper's fifty attempts."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots
from recipes.perceptrons import perceptron_rule
from recipes.perceptrons.perceptron_rule import LINE, MARGIN, RETINA


def figures(models, test, histories):
    """The learned line and the number of updates; cards, weights and the fifty attempts."""
    return {
        "points": plot_points(models["points"], histories["points"].get("updates", [])),
        "fifty_attempts": plot_attempts(models["cards"]),
    }


def line(kernel, bias):
    """Slope −w₁/w₂ and offset −b/w₂ of the line x₂ = −(w₁/w₂) x₁ − b/w₂, for w₂ ≠ 0."""
    (w1,), (w2,) = kernel
    return -w1 / w2, -bias[0] / w2


def equation(slope, offset):
    """The line as text, for example "x₂ = −0.75 x₁ + 0.13"."""
    sign = "−" if offset < 0 else "+"
    return f"x₂ = {slope:.2f} x₁ {sign} {abs(offset):.2f}".replace("-", "−")


def accuracy_by_card(seeds=range(30), shown=150):
    """Accuracy on 1,000 new cards after each card of one pass: the rule again, in NumPy.

    Returns:
        Array (seeds, shown + 1); the first column is before any card.
    """
    new_cards, new_labels = perceptron_rule.cards(1000, seed=1_000_000)
    curves = []
    for seed in seeds:
        w = np.zeros(RETINA**2, "float32")
        b = 0.0
        curve = [np.mean((new_cards @ w + b >= 0) == new_labels[:, 0])]
        for card, label in zip(*perceptron_rule.cards(shown, seed), strict=True):
            mistake = label[0] - float(card @ w + b >= 0)
            w = w + mistake * card
            b = b + mistake
            curve.append(np.mean((new_cards @ w + b >= 0) == new_labels[:, 0]))
        curves.append(curve)
    return np.array(curves)


def cards_until_perfect(curves):
    """Number of cards until the first perfect accuracy, for each learner that reaches it."""
    return [int(np.argmax(curve == 1)) for curve in curves if curve.max() == 1]


def summary(curves, shown=50):
    """What the learners' curves say, in three numbers.

    Args:
        curves: Accuracies (learners, cards + 1), from 0 to 1.
        shown: Number of cards.

    Returns:
        The mean accuracy after that many cards, from 0 to 1; how many learners reach a perfect
        accuracy; and the median number of cards that these need, NaN if there are none.
    """
    needed = cards_until_perfect(curves)
    median = np.median(needed) if needed else np.nan
    return curves[:, shown].mean(), len(needed), median


def plot_points(model, updates):
    """Plot the learned line, lines with other biases, and the updates beside Novikoff's bound.

    Args:
        model: The trained perceptron.
        updates: Of each epoch.
    """
    x, labels = perceptron_rule.points(200, seed=1)
    kernel, bias = model.get_weights()
    slope, offset = line(kernel, bias) if kernel[1, 0] else (0, 0)
    ends = np.array([-1.05, 1.05])
    figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    for axis in axes[:2]:
        plots.class_points(axis, x, labels, s=22)
        axis.set(xlim=ends, ylim=ends, aspect="equal", xlabel="x₁", ylabel="x₂")

    # The true line, and the margin around it without points.
    true_slope, true_offset = line(LINE[:2, None], LINE[2:])
    middle = true_slope * ends + true_offset
    height = MARGIN / LINE[1]  # of half the band, along x₂
    axes[0].fill_between(ends, middle - height, middle + height, color="0.8", linewidth=0)
    axes[0].plot(ends, slope * ends + offset, color="black")
    wrong = np.sum(np.asarray(model(x)) != labels)
    title = f"{equation(slope, offset)}: {wrong} of {len(x)}\npoints misclassified (gray: 2γ)"
    axes[0].set_title(title)

    # The learned line, and lines with other biases.
    for shift, style in ((-0.5, ":"), (0, "-"), (0.5, "--")):
        label = f"b {shift:+} w₂".replace("+", "+ ").replace("-", "− ") if shift else "b"
        axes[1].plot(ends, slope * ends + offset - shift, "k", linestyle=style, label=label)
    axes[1].set_title("Another b only shifts\nthe line in parallel")
    axes[1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3)

    # The updates.
    bound = perceptron_rule.bound(x, labels)
    updates = np.cumsum([0, *updates])
    axes[2].plot(updates, "o-", markersize=4)
    axes[2].axhline(bound, color="C1", linestyle="--", label="(R/γ)²")
    axes[2].set(yscale="symlog", xlabel="epoch", ylabel="updates so far", ylim=(0, 3 * bound))
    axes[2].set_title(f"{updates[-1]:.0f} updates;\n(R/γ)² allows {bound:,.0f}")
    axes[2].legend(loc="lower right")
    return figure


def plot_attempts(model):
    """A card of each class, the learned weights, and the accuracy card by card."""
    figure, axes = plt.subplots(
        1, 4, figsize=(12, 3.6), width_ratios=(1, 1, 1.25, 1.9), layout="constrained"
    )
    # A card of each class.
    images, labels = perceptron_rule.cards(50, seed=1)
    for label, name in enumerate(("left", "right")):
        card = images[labels[:, 0] == label][0].reshape(RETINA, RETINA)
        axes[label].imshow(card, cmap="gray_r")
        axes[label].set(title=f"A card: {name}", xticks=[], yticks=[])
        axes[label].spines[:].set_visible(True)

    # The learned weights.
    kernel, _ = model.get_weights()
    limit = np.abs(kernel).max() or 1
    picture = plots.show_images(
        axes[2], kernel.reshape(1, RETINA, RETINA), cmap="PuOr_r", vmin=-limit, vmax=limit
    )
    axes[2].set_title("The learned weights:\npositive for right")
    figure.colorbar(picture, ax=axes[2], shrink=0.7)

    # Accuracy card by card, of many learners.
    curves = accuracy_by_card()
    accuracy = 100 * curves
    low, high = np.quantile(accuracy, [0.1, 0.9], axis=0)
    band = {"color": "C0", "alpha": 0.25, "label": "10 to 90 % of them"}
    axes[3].fill_between(range(accuracy.shape[1]), low, high, **band)
    axes[3].plot(accuracy.mean(axis=0), label="mean of the learners")
    axes[3].axvline(50, color="C1", linestyle="--")
    axes[3].set(xlabel="cards shown", ylabel="accuracy on new cards, %", ylim=(48, 101))
    axes[3].legend(loc="lower right")
    after_fifty, perfect, cards = summary(curves)
    title = (
        f"After 50 cards {100 * after_fifty:.1f} %, mean of {len(curves)};\n"
        f"{perfect} reach 100 %, after {cards:.0f} in the median"
    )
    axes[3].set_title(title)
    return figure
