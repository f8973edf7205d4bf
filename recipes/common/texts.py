"""Preparation of texts for a network's vocabulary."""

import tensorflow as tf

# Where `str.splitlines` splits: besides line feed and return, the vertical tab, the form feed,
# three separators of old files, next line, and Unicode's line and paragraph separators.
BREAKS = r"[\n\r\v\f\x1c-\x1e\x{85}\x{2028}\x{2029}]"


def one_line(texts):
    """Replace each character that Python treats as a line break by a space.

    Keras 3.15 saves a vocabulary with one word per line and reads it with `str.splitlines`. A word
    that contains a line break, such as "good\\x85but" in an IMDB review, is read as two words, and
    the saved network cannot be loaded ("vocabulary has at least one repeated term"). Therefore
    adapt to these texts:

        vectorize.adapt(train.map(lambda text, label: one_line(text)))

    The network itself may take unmodified texts: a word with a line break is out of vocabulary.

    Args:
        texts: string tensor of any shape, UTF-8.

    Returns:
        String tensor of the same shape.

    Example:

    >>> one_line(["good\\x85but\\u2028long"]).numpy()[0].decode()
    'good but long'
    """
    return tf.strings.regex_replace(texts, BREAKS, " ")
