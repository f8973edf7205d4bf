"""Q13: Kuhn poker and its value, −1/18 (N71)."""

import numpy as np
import pytest

from recipes.reinforcement_learning import counterfactual_regret as recipe

JACK, QUEEN, KING = 0, 1, 2


@pytest.mark.parametrize(
    ("cards", "history", "chips"),
    [
        ((KING, QUEEN), "pp", 1),
        ((JACK, QUEEN), "pp", -1),
        ((JACK, KING), "bp", 1),  # a bluff that has worked
        ((KING, JACK), "pbp", -1),
        ((KING, QUEEN), "bb", 2),
        ((QUEEN, KING), "pbb", -2),
        ((QUEEN, KING), "pb", None),
        ((QUEEN, KING), "", None),
    ],
)
def test_payoffs(cards, history, chips):
    assert recipe.payoff(cards, history) == chips


def test_regret_matching():
    regrets = np.array([[3.0, 1.0], [-2.0, 5.0], [-1.0, -1.0], [0.0, 0.0]])
    expected = [[0.75, 0.25], [0.0, 1.0], [0.5, 0.5], [0.5, 0.5]]
    assert recipe.regret_matching(regrets).tolist() == expected


def test_regrets_of_one_deal_by_hand():
    """King against jack; both pass and bet with probability one half."""
    strategy = np.full((3, 4, 2), 0.5)
    regrets = np.zeros((3, 4, 2))
    played = np.zeros((3, 4, 2))
    value = recipe.walk((KING, JACK), "", (1.0, 1.0), strategy, regrets, played)
    # After a check: 1 if the jack checks, else half of −1 + 2. After a bet: half of 1 + 2.
    assert value == pytest.approx((0.75 + 1.5) / 2)
    assert regrets[KING, 0] == pytest.approx([0.75 - 1.125, 1.5 - 1.125])
    # The jack gets there with probability 1/2 by the other's check; a bet loses 0.5, a check 1.
    assert regrets[JACK, 1] == pytest.approx([0.5 * (-1 + 0.75), 0.5 * (-0.5 + 0.75)])
    # The king's call wins 2, its fold loses 1; the other gets there with probability one half.
    assert regrets[KING, 3] == pytest.approx([0.5 * (-1 - 0.5), 0.5 * (2 - 0.5)])
    assert played[KING, 3] == pytest.approx([0.25, 0.25]), "half of the time it has checked"


@pytest.mark.parametrize("bluffs", [0, 0.2, 1 / 3])
def test_nobody_does_better_against_an_equilibrium(bluffs):
    strategy = recipe.equilibrium(bluffs)
    assert recipe.value_of(strategy) == pytest.approx(recipe.VALUE)
    assert recipe.best_answer(strategy, 0) == pytest.approx(recipe.VALUE)
    assert recipe.best_answer(strategy, 1) == pytest.approx(-recipe.VALUE)


def test_who_never_bluffs_is_exploited():
    strategy = recipe.equilibrium(0.2)
    strategy[JACK, :, :] = [1, 0]
    assert recipe.exploitability(strategy) > 0.01


@pytest.mark.parametrize("plus", [False, True])
def test_players_come_near_an_equilibrium(plus):
    *_, strategy = recipe.solve(2000, plus)
    assert recipe.value_of(strategy) == pytest.approx(recipe.VALUE, abs=0.001)
    assert recipe.exploitability(strategy) < 0.01
    bluffs = strategy[JACK, 0, recipe.BET]
    assert strategy == pytest.approx(recipe.equilibrium(bluffs), abs=0.12)


def test_exploitability_is_that_of_the_mean_strategy():
    found = recipe.run(rounds=30)
    for strategy, rounds, lost in found.values():
        assert rounds[0] == 1
        assert rounds[-1] == 30
        assert len(lost) == len(rounds)
        assert lost[-1] == pytest.approx(recipe.exploitability(strategy))
        assert lost[-1] < lost[0]
