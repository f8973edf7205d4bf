"""Which comments count as found, and which are shown, by hand."""

import numpy as np

from recipes.heads.figures import head_multilabel as figures

LABELS = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1]])
OUTPUT = np.array(
    [
        [0.9, 0.2, 0.0],  # one of two
        [0.4, 0.3, 0.9],  # both, and one too many
        [0.0, 0.0, 0.5],
        [0.5, 0.0, 0.6],  # both
        [0.9, 0.9, 0.9],  # all three
    ]
)


def test_a_comment_is_found_when_all_its_emotions_exceed_the_threshold():
    assert figures.share_all_found(LABELS, OUTPUT, count=1) == 1
    assert figures.share_all_found(LABELS, OUTPUT, count=2) == 2 / 3
    assert figures.share_all_found(LABELS, OUTPUT, count=2, threshold=0.45) == 1 / 3
    assert figures.share_all_found(LABELS, OUTPUT, count=3) == 1


def test_the_best_found_are_short_have_several_emotions_and_come_first():
    texts = np.array([b"a", b"b", b"c", b"d", b"x" * 65], dtype=object)
    assert figures.best_found(texts, LABELS, OUTPUT) == [3, 1, 0]
    assert figures.best_found(texts, LABELS, OUTPUT, count=1) == [3]
    texts[3] = "ñ".encode()
    assert figures.best_found(texts, LABELS, OUTPUT) == [1, 0]
