"""What the pictures of char_rnn say in their titles, and where its characters stand."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.recurrent import char_rnn
from recipes.recurrent.figures import char_rnn as pictures

POEM = f"{char_rnn.END}De tu\n\nmuerte{char_rnn.END}"


class Growing:
    """A network in which the k-th target has the probability 2⁻ᵏ."""

    def predict(self, inputs, verbose):
        steps = inputs.shape[1]
        probabilities = np.zeros((1, steps, 88))
        targets = char_rnn.encode(POEM[1:])
        probabilities[0, np.arange(steps), targets] = 0.5 ** np.arange(1, steps + 1)
        return probabilities


def test_share_of_known_words():
    known = {"de", "niña", "mar"}
    assert pictures.share_of_known_words("De la NIÑA,\n¿el mar2?", known) == 3 / 5
    assert pictures.share_of_known_words("¡...!", known) == 0


def test_surprisal_of_each_character():
    bits = pictures.surprisal(Growing(), POEM)
    assert bits == pytest.approx(np.arange(1, len(POEM)))


def test_each_character_stands_on_its_own_surprisal():
    figure = pictures.plot_surprisal(Growing(), POEM)
    axis = figure.axes[0]
    cells = axis.images[0].get_array().filled(np.nan)
    assert cells.shape == (3, 7)
    for text in axis.texts:
        column, row = text.get_position()
        assert POEM[int(cells[row, column])] == text.get_text()
    assert POEM[int(cells[0, 5])] == "\n"
    assert POEM[int(cells[2, 6])] == char_rnn.END
    assert np.isnan(cells[1, 1:]).all()
    plt.close(figure)
