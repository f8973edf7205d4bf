"""The pictures of gpt: bits per character by context, and samples at several temperatures."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np

from recipes.attention import gpt as recipe

TEMPERATURES = (0.0, 0.5, 0.8, 1.0, 1.2)


def figures(models, test, histories):
    """Bits per character by the number of characters seen, and generated text."""
    return {"context": plot_context(models, test), "samples": plot_samples(models)}


def bits_by_position(model, test):
    """Mean of −log₂ p(next) at each position of the test windows, unweighted: (context,)."""
    bits = []
    for inputs, targets, _ in test:
        probabilities = model.predict_on_batch(inputs)  # (windows, context, characters)
        targets = targets.numpy()[..., None]
        bits.append(-np.log2(np.take_along_axis(probabilities, targets, axis=-1)[..., 0]))
    return np.concatenate(bits).mean(axis=0)


def logarithmic_bins(values, bins=15):
    """Means of values in logarithmically spaced bins of positions, which are counted from 1.

    Returns:
        The middle of each bin, and the mean of its values.
    """
    starts = np.unique(np.geomspace(1, len(values), bins).astype(int)) - 1
    ends = np.append(starts[1:], len(values))
    means = np.add.reduceat(values, starts) / (ends - starts)
    return (starts + 1 + ends) / 2, means


def plot_context(models, test):
    figure, axis = plt.subplots(figsize=(9, 5), layout="constrained")
    for name, model in models.items():
        seen, bits = logarithmic_bins(bits_by_position(model, test))
        axis.plot(seen, bits, "o-", label=name.upper())
    train_text, _, test_text = recipe.load_text()
    context = np.arange(1, 9)
    bits = [recipe.ngram_bits(train_text, test_text, order=seen + 1) for seen in context]
    axis.plot(context, bits, "s--", color="0.4", label="n-grams")
    axis.set(xscale="log", xlabel="characters seen before", ylabel="bits per character")
    axis.set_xticks(2 ** np.arange(7), 2 ** np.arange(7))
    axis.set_title("How much it helps to have seen one character more")
    axis.legend()
    return figure


def samples(model):
    """Samples of a network after the prompt at each temperature, as one text."""
    temperatures = np.array(TEMPERATURES)[:, None]
    texts = recipe.generate(
        model, [recipe.PROMPT] * len(TEMPERATURES), recipe.SAMPLE_LENGTH, temperatures
    )
    parts = []
    for temperature, text in zip(TEMPERATURES, texts, strict=True):
        parts.append(f"temperature {temperature}\n" + textwrap.fill(text, 58))
    (text,) = recipe.generate(
        model, [recipe.PROMPT], recipe.SAMPLE_LENGTH, temperature=1.0, top_k=5
    )
    parts.append("temperature 1, of the five likeliest (top-k)\n" + textwrap.fill(text, 58))
    return "\n\n".join(parts)


def plot_samples(models):
    figure, axes = plt.subplots(1, 2, figsize=(10.5, 7), layout="constrained")
    for axis, (name, model) in zip(axes, models.items(), strict=True):
        style = {"va": "top", "family": "monospace", "fontsize": 10}
        axis.text(0, 1, samples(model), transform=axis.transAxes, **style)
        axis.set_title(f"{name.upper()} goes on after «{recipe.PROMPT}»", loc="left")
        axis.axis("off")
    return figure
