"""BLEU is told translations from references."""

import math

import pytest

from recipes.attention import transformer_translation as recipe


def test_translations_that_are_too_short_are_punished_and_references_that_are_not():
    """Five words of eight, all right: precision 1, brevity penalty exp(1 − 8 / 5)."""
    reference = "el perro negro come carne en el jardín"
    short = "el perro negro come carne"
    assert recipe.bleu([short], [reference.encode()]) == pytest.approx(
        100 * math.exp(1 - 8 / 5), rel=1e-4
    )
    swapped = recipe.bleu(
        [reference], [short.encode()]
    )  # no penalty, but precisions 5/8, 4/7, 3/6 and 2/5
    assert swapped == pytest.approx(100 * (5 / 8 * 4 / 7 * 3 / 6 * 2 / 5) ** 0.25, rel=1e-4)
