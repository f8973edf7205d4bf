"""Texts as input of a network."""

import tensorflow as tf

# Where `str.splitlines` splits: besides line feed and return, the vertical tab, the form feed,
# three separators of old files, next line, and Unicode's line and paragraph separators.
BREAKS = r"[\n\r\v\f\x1c-\x1e\x{85}\x{2028}\x{2029}]"


def one_line(texts):
    """The texts with a space in place of each character that Python takes for the end of a line.

    Keras 3.15 saves a vocabulary as one word a line and reads it by `str.splitlines`: from a word
    with such a character in it, like "good\\x85but" in a review of IMDB, it reads two, and the
    saved network cannot be loaded ("vocabulary has at least one repeated term"). So adapt
    to these texts:

        vectorize.adapt(train.map(lambda text, label: one_line(text)))

    The network may take texts as they are: a word that only a rare break joins is an unknown one.

    Args:
        texts: string tensor of any shape, UTF-8.

    Returns:
        String tensor of the same shape.

    Example:

    >>> one_line(["good\\x85but\\u2028long"]).numpy()[0].decode()
    'good but long'
    """
    return tf.strings.regex_replace(texts, BREAKS, " ")
