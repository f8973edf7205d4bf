"""GoEmotions: Reddit comments, each labeled with one or more of 27 emotions, or as neutral.

Demszky et al. (2020), https://arxiv.org/abs/2005.00547.
"""

import tensorflow as tf

from recipes.common.arrays import to_numpy

SPLITS = ["train", "validation", "test"]
EMOTIONS = [
    "admiration",
    "amusement",
    "anger",
    "annoyance",
    "approval",
    "caring",
    "confusion",
    "curiosity",
    "desire",
    "disappointment",
    "disapproval",
    "disgust",
    "embarrassment",
    "excitement",
    "fear",
    "gratitude",
    "grief",
    "joy",
    "love",
    "nervousness",
    "neutral",
    "optimism",
    "pride",
    "realization",
    "relief",
    "remorse",
    "sadness",
    "surprise",
]


def text_and_labels(comment):
    """A comment of the data set as its text and its labels.

    Args:
        comment: A dictionary of the string `comment_text` and a Boolean for each emotion.

    Returns:
        String tensor (), and float32 tensor (28,): 1 for the emotions it has, else 0.
    """
    labels = [tf.cast(comment[name], "float32") for name in EMOTIONS]
    return comment["comment_text"], tf.stack(labels)


def with_one_emotion(comments):
    """The comments that have exactly one emotion, about five out of six.

    Args:
        comments: `tf.data.Dataset` of the data set's dictionaries.

    Returns:
        `tf.data.Dataset` of texts (string) and integer labels 0–27.
    """
    texts, labels = to_numpy(comments.map(text_and_labels).batch(1000))
    has_one = labels.sum(axis=-1) == 1
    classes = labels[has_one].argmax(axis=-1)
    return tf.data.Dataset.from_tensor_slices((texts[has_one], classes))
