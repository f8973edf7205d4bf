"""The pictures of seq2seq_dates: accuracy by character, dependence on the input, and codes."""

import datetime

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.recurrent import seq2seq_dates as recipe

DATE = datetime.date(2026, 9, 23)
YEAR = 2026
UNKNOWN = 1  # the index of unknown characters


def figures(models, test, histories):
    """Accuracy by position for each code size; input dependence and codes of the first network."""
    model = models[next(iter(models))]
    return {
        "places": plot_places(models, test),
        "dependence": plot_dependence(model),
        "codes": plot_codes(model),
    }


def right_by_place(model, test):
    """The accuracy of the output at each character position: (10,)."""
    _, answers = to_numpy(test)
    found = model.predict(test, verbose=0).argmax(axis=-1)
    return np.mean(found == answers, axis=0)


def plot_places(models, test):
    """A line for each code size: accuracy by character position."""
    figure, axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for name, model in models.items():
        shares = right_by_place(model, test)
        axis.plot(shares, "o-", label=name.replace("_", " of ") + " numbers")
    axis.set(xlabel="place in the answer", ylabel="share that is right", ylim=(0, 1.05))
    axis.set_xticks(range(10), list("YYYY-MM-DD"))
    axis.legend()
    axis.set_title("A date has to pass through the code")
    return figure


def dependence(model, text):
    """The decrease in the probability of each output character without one input character.

    Args:
        model: The network.
        text: A date, of at most 35 characters.

    Returns:
        The output, a string of ten characters, and an array (10, characters of the text): the
        decrease in the probability of an output character if an input character is unknown.
    """
    characters = np.array(recipe.reader()([text]))
    without = np.repeat(characters, len(text), axis=0)
    np.fill_diagonal(without, UNKNOWN)
    whole = model.predict(characters, verbose=0)[0]  # (10, 11)
    answer = whole.argmax(axis=-1)
    places = np.arange(len(answer))
    changed = model.predict(without, verbose=0)[:, places, answer]  # (characters, 10)
    written = "".join(recipe.WRITTEN[symbol] for symbol in answer)
    return written, whole[places, answer][:, None] - changed.T


def plot_dependence(model):
    """A heatmap: a row for each output character, a column for each input character."""
    text = recipe.written(DATE, recipe.FORMATS[0])
    answer, falls = dependence(model, text)
    figure, axis = plt.subplots(figsize=(9, 4.2), layout="constrained")
    image = plots.heatmap(axis, falls, list(answer), list(text), vmin=0, vmax=1)
    axis.set(xlabel="characters read", ylabel="characters written")
    figure.colorbar(image, ax=axis, label="less likely without it, by")
    figure.suptitle("Which characters read each of the characters written depends on")
    return figure


def codes(model, dates):
    """The encoder's codes of dates in words: (dates, units)."""
    encoder = keras.Model(model.inputs, model.get_layer("encoder").output)
    texts = [recipe.written(date, recipe.FORMATS[0]) for date in dates]
    return encoder.predict(np.array(recipe.reader()(texts)), verbose=0)


def plot_codes(model):
    """The codes of the days of a year, along their first two principal components."""
    first = datetime.date(YEAR, 1, 1)
    dates = [first + datetime.timedelta(days=number) for number in range(365)]
    places = PCA(2).fit_transform(codes(model, dates))
    months = np.array([date.month for date in dates])
    figure, axis = plt.subplots(figsize=(8, 6), layout="constrained")
    for number, name in enumerate(recipe.MONTHS, 1):
        color = plt.get_cmap("twilight")(number / 13)
        axis.scatter(*places[months == number].T, s=14, color=color, label=name)
    axis.set(xticks=[], yticks=[], title=f"The codes of all days of {YEAR}, by month")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
