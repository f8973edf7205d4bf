"""Numbers on the slides about games, calculated again."""

import numpy as np
import pytest


@pytest.mark.slides
def test_elo_difference_of_alphago():
    """N103: the difference in Elo points for which 4–1 is the expected result."""
    won, lost = 4, 1
    difference = 400 * np.log10(won / lost)
    assert difference == pytest.approx(240.8, abs=0.05)
    # A win counts 1 and a loss 0: with this difference, four of five points are expected.
    assert 1 / (1 + 10 ** (-difference / 400)) == pytest.approx(0.8)
    # 5–0 has no finite difference; with a pseudo-win for each side it is 6–1.
    assert 400 * np.log10(6 / 1) == pytest.approx(311, abs=0.5)


@pytest.mark.slides
def test_kills_per_death_in_doom():
    """N100: the second ratio is printed as 5.12."""
    kills = np.array([12.6, 27.6, 5.5, 8.0])
    deaths = np.array([8.3, 5.0, 11.2, 6.0])
    np.testing.assert_allclose(kills / deaths, [1.52, 5.52, 0.49, 1.33], atol=0.005)
