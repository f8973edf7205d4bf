"""Counterfactual regret minimization: two players of Kuhn poker teach each other to bluff.

Slides: 000 «Poker: DeepStack (Science 2017)».
Paper:  Zinkevich et al. (2007), Regret minimization in games with incomplete information
        (NIPS 20); Tammelin (2014), Solving large imperfect information games using CFR+,
        https://arxiv.org/abs/1407.5042; the game: Kuhn (1950), A simplified two-person poker
Departs from the slide: DeepStack plays Texas hold'em, which has more than 10¹⁶⁰ decision points; at
each turn it solves the rest of the game anew to a limited depth, and networks estimate the values
beyond that depth. Kuhn's game has twelve information sets, so the whole game is solved at once,
without a network.

Each player puts one chip into the pot and is dealt one of three cards. The first player may check
or bet one chip. After a bet, the other one folds or calls; after a check, the other one may bet,
too. As players know only their own card, they have to bluff: a player who never bets with the
lowest card reveals that a bet means a high one.

The regret of an action is how much more it would have won in the same situation, weighted by the
probability of reaching the situation if the player had aimed for it (counterfactual). Actions are
chosen in proportion to their positive cumulative regrets. The strategies of single rounds cycle;
their mean over all rounds converges to an equilibrium, in which the first player loses 1/18 of a
chip per game and no player can gain by deviating.
"""

import itertools

import matplotlib.pyplot as plt
import numpy as np

CARDS = ("J", "Q", "K")
DEALS = list(itertools.permutations(range(3), 2))  # the cards of both players
# The actions before a player's move: p is pass (check or fold), b is bet (or call).
HISTORIES = ("", "p", "b", "pb")
PASS = 0  # check or fold
BET = 1  # bet or call
VALUE = -1 / 18  # of the game for the first player
ROUNDS = 3000
SHOWN = 20  # number of rounds, evenly on a logarithmic scale, at which exploitability is computed


def payoff(cards, history):
    """Chips that the first player wins at the end of a game; None if it has not ended.

    Args:
        cards: Both players' cards, 0 to 2.
        history: Actions so far, such as `"pb"`.
    """
    if history == "bp":
        return 1
    if history == "pbp":
        return -1
    if history in ("pp", "bb", "pbb"):
        stake = 1 if history == "pp" else 2
        return stake if cards[0] > cards[1] else -stake
    return None


def regret_matching(regrets):
    """Probabilities in proportion to positive regrets, (…, 2); 1/2 each if there are none."""
    positive = np.maximum(regrets, 0)
    total = positive.sum(axis=-1, keepdims=True)
    return np.divide(positive, total, out=np.full_like(positive, 0.5), where=total > 0)


def walk(cards, history, reach, strategy, regrets, played):
    """Traverse the rest of a game, and accumulate regrets and strategies.

    Args:
        cards: Both players' cards.
        history: Actions so far.
        reach: For each player, the probability that its own actions lead here.
        strategy: Array (3, 4, 2): for each card and history, the probabilities of both actions.
        regrets: Array like it, updated in place.
        played: Array like it, updated in place with the probabilities times `reach`.

    Returns:
        The expected gain of the first player.
    """
    end = payoff(cards, history)
    if end is not None:
        return end
    player = len(history) % 2
    situation = cards[player], HISTORIES.index(history)
    probabilities = strategy[situation]
    values = np.zeros(2)
    for action, letter in enumerate("pb"):
        further = list(reach)
        further[player] *= probabilities[action]
        values[action] = walk(cards, history + letter, further, strategy, regrets, played)
    value = probabilities @ values
    # The second player loses the amount that the first one wins.
    sign = 1 if player == 0 else -1
    regrets[situation] += reach[1 - player] * sign * (values - value)
    played[situation] += reach[player] * probabilities
    return value


def solve(rounds=ROUNDS, plus=False):
    """Generate the mean strategy after each round, an array (3, 4, 2).

    Args:
        rounds: Number of rounds.
        plus: Whether regrets are clipped at 0 and later rounds have a larger weight (CFR+).
    """
    regrets = np.zeros((3, 4, 2))
    sums = np.zeros((3, 4, 2))
    for number in range(1, rounds + 1):
        strategy = regret_matching(regrets)
        played = np.zeros((3, 4, 2))
        for cards in DEALS:
            walk(cards, "", (1.0, 1.0), strategy, regrets, played)
        if plus:
            regrets = np.maximum(regrets, 0)
            played *= number
        sums += played
        yield sums / sums.sum(axis=-1, keepdims=True)


def value_of(strategy):
    """The expected gain of the first player if both play a strategy (3, 4, 2), in chips."""
    nowhere = np.zeros((3, 4, 2))
    wins = []
    for cards in DEALS:
        wins.append(walk(cards, "", (1.0, 1.0), strategy, nowhere, nowhere))
    return float(np.mean(wins))


def best_answer(strategy, player):
    """The expected gain of a player whose strategy is the best response to the other's.

    It enumerates all 64 choices of an action in each of the player's six situations.
    """
    own = [column for column, history in enumerate(HISTORIES) if len(history) % 2 == player]
    sign = 1 if player == 0 else -1
    best = -np.inf
    for actions in itertools.product((PASS, BET), repeat=6):
        answer = strategy.copy()
        answer[:, own] = np.eye(2)[np.reshape(actions, (3, 2))]
        best = max(best, sign * value_of(answer))
    return best


def exploitability(strategy):
    """Mean gain of both players' best responses to a strategy, in chips; 0 in equilibrium."""
    return (best_answer(strategy, 0) + best_answer(strategy, 1)) / 2


def equilibrium(bluffs):
    """One of the equilibria that Kuhn found, as a strategy (3, 4, 2).

    Args:
        bluffs: Probability that the first player bets with the jack, from 0 to 1/3.
    """
    bets = np.zeros((3, 4))  # of J, Q and K, by history
    bets[:, 0] = bluffs, 0, 3 * bluffs
    bets[:, 1] = 1 / 3, 0, 1
    bets[:, 2] = 0, 1 / 3, 1
    bets[:, 3] = 0, bluffs + 1 / 3, 1
    return np.stack([1 - bets, bets], axis=-1)


def run(rounds=ROUNDS):
    """Run both algorithms, and compute the exploitability during the run.

    Returns:
        By name, the final strategy (3, 4, 2), a list of rounds and a list of exploitabilities.
    """
    shown = np.unique(np.geomspace(1, rounds, SHOWN).astype(int))
    found = {}
    for name, plus in (("CFR", False), ("CFR+", True)):
        lost = []
        for number, strategy in enumerate(solve(rounds, plus), 1):
            if number in shown:
                lost.append(exploitability(strategy))
        found[name] = strategy, list(shown), lost
    return found


def plot_exploitability(found):
    """Plot the exploitability of the strategies by round."""
    figure, axis = plt.subplots(layout="constrained")
    for name, (_, rounds, lost) in found.items():
        axis.loglog(rounds, lost, "o-", label=name)
    axis.set(xlabel="round", ylabel="exploitability (chips a game)")
    axis.set_title("The mean strategy comes near an equilibrium")
    axis.legend()
    return figure


def plot_strategy(strategy):
    """Plot the probability of a bet or call with each card, in each of the four situations.

    A line marks the equilibrium in which the first player bluffs equally often.
    """
    expected = equilibrium(bluffs=min(strategy[0, 0, BET], 1 / 3))
    titles = ("First to move: bet", "After a check: bet", "After a bet: call", "Checked, bet: call")
    figure, axes = plt.subplots(1, 4, figsize=(10, 3.2), sharey=True, layout="constrained")
    for column, (axis, title) in enumerate(zip(axes, titles, strict=True)):
        bars = axis.bar(CARDS, strategy[:, column, BET])
        axis.bar_label(bars, fmt="{:.2f}", padding=2)
        axis.plot(CARDS, expected[:, column, BET], "_", color="black", markersize=30)
        axis.set(ylim=(0, 1.15))
        axis.set_title(title, fontsize=11)
    axes[0].set_ylabel("probability")
    figure.suptitle("The jack bluffs now and then, and the queen calls now and then")
    return figure


def main():
    found = run()
    for name, (strategy, _, lost) in found.items():
        print(
            f"{name}: value {value_of(strategy):+.5f} for the first player "
            f"(−1/18 = {VALUE:+.5f}), exploitability {lost[-1]:.5f}"
        )
    strategy, _, _ = found["CFR"]
    for card, name in enumerate(CARDS):
        bets = [f"{strategy[card, column, BET]:.2f}" for column in range(4)]
        print(f"{name}: bets first {bets[0]}, after a check {bets[1]}; calls {bets[2]}, {bets[3]}")
    plot_exploitability(found).savefig("exploitability.png")
    plot_strategy(strategy).savefig("strategy.png")


if __name__ == "__main__":
    main()
