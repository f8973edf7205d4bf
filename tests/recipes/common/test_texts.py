"""What Python takes for the end of a line is a space, all else stays."""

import doctest
import sys

import tensorflow as tf

from recipes.common import texts

CODES = [code for code in range(1, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


def test_example():
    result = doctest.testmod(texts)
    assert result.attempted
    assert not result.failed


def test_exactly_the_characters_at_which_splitlines_splits_become_spaces():
    letters = [f"a{chr(code)}b" for code in CODES]
    expected = ["a b" if len(letter.splitlines()) > 1 else letter for letter in letters]
    assert [text.decode() for text in texts.one_line(letters).numpy()] == expected


def test_shape_stays():
    batch = tf.constant([["a\nb", "c"], ["", "d\r\ne"]])
    assert texts.one_line(batch).numpy().tolist() == [[b"a b", b"c"], [b"", b"d  e"]]
