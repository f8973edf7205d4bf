"""Errors by number of members, and votes of members that have not seen an image."""

import numpy as np
import pytest

from recipes.training.figures import ensembles as figures


def test_only_members_that_have_not_seen_an_image_vote_on_it():
    sure_of_0, sure_of_1, rather_1 = [1, 0], [0, 1], [0.4, 0.6]
    members = [
        [sure_of_0, rather_1, rather_1],  # only the second has not seen it: 1, wrong
        [sure_of_1, sure_of_1, sure_of_0],  # all have seen it: does not count
        [sure_of_1, sure_of_0, rather_1],  # the last two vote: 1.4 against 0.6 for 0, right
        [sure_of_0, sure_of_1, sure_of_0],  # the first and the second vote: level, so 0, right
    ]
    counts = np.array([[1, 0, 2], [1, 1, 1], [3, 0, 0], [0, 0, 1]], "float32")
    error, voters = figures.out_of_bag(np.array(members), counts, np.zeros(4, int))
    assert error == pytest.approx(1 / 3)
    assert voters == pytest.approx((1 + 2 + 2) / 3)


def test_errors_of_members_and_of_means_of_them():
    right, wrong = [0.6, 0.4], [0.1, 0.9]
    members = np.array(  # (images, members, classes), labels all 0
        [
            [right, right, wrong],  # 1.3 against 1.7: the mean of all is wrong
            [right, right, right],
            [right, wrong, wrong],
            [right, right, right],
        ]
    )
    labels = np.zeros(4, int)
    assert figures.member_errors(members, labels).tolist() == [0, 0.25, 0.5]
    assert figures.ensemble_error(members, labels) == 0.5
    errors = figures.errors_by_size(members, labels, repeats=50)
    assert errors.shape == (3, 50)
    assert set(errors[0]) == {0, 0.25, 0.5}  # each member comes first at times
    assert set(errors[-1]) == {0.5}  # whatever the order
