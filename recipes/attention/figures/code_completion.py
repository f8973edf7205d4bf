"""The pictures of code_completion: functions completed by both models, and the temperature."""

import textwrap

import matplotlib.pyplot as plt

from recipes.attention import code_completion as recipe

TEMPERATURES = (0.2, 0.6, 1.0, 1.4)
PASSED = "#009E73"
FAILED = "#D55E00"


def figures(model, test, history):
    """Functions completed by the network and by a 5-gram model, and pass rates by temperature."""
    train, _, _ = recipe.load_data()
    models = {
        "GPT": model.next_token_predictor(),
        "5-gram model": recipe.ngram_model(train).predict,
    }
    given = recipe.prompts(test, recipe.COMPLETIONS)
    longest = sorted(given, key=len)[-4:]
    return {
        "completions": plot_completions(models, longest),
        "temperature": plot_temperature(models, given),
    }


def plot_completions(models, given):
    figure, axes = plt.subplots(
        len(models), len(given), figsize=(14, 4.6), layout="constrained", squeeze=False
    )
    for row, (name, predict) in zip(axes, models.items(), strict=True):
        row[0].text(
            -0.08, 0.5, name, rotation=90, va="center", ha="center", transform=row[0].transAxes
        )
        for axis, prompt, tokens in zip(row, given, recipe.complete(predict, given), strict=True):
            code = recipe.to_code(tokens)
            error = recipe.find_error(code)
            style = {"va": "top", "family": "monospace", "fontsize": 9, "parse_math": False}
            # Draw the prompt in black over the start of the whole text.
            axis.text(0, 1, code, color=FAILED if error else PASSED, **style)
            axis.text(0, 1, recipe.to_code([recipe.TOKENS[number] for number in prompt]), **style)
            axis.set_title(textwrap.shorten(error or "passed", 40), fontsize=10, loc="left")
            axis.axis("off")
    figure.suptitle("Prompts (black) and completions that pass (green) or fail (orange)")
    return figure


def plot_temperature(models, given):
    figure, axis = plt.subplots(layout="constrained")
    for name, predict in models.items():
        rates = [
            100 * recipe.pass_rate(predict, given, temperature) for temperature in TEMPERATURES
        ]
        axis.plot(TEMPERATURES, rates, "o-", label=name)
    axis.set(xlabel="temperature", ylabel="pass rate, %", ylim=(0, 103))
    axis.set_title("Completed functions that compile and know their names")
    axis.legend()
    return figure
