"""Q-learning: three visits to a corridor.

Slides: 001 «Aprendizaje por refuerzo».
Recipe: q_learning.

Q(s, a) is the expected return of taking action a in state s, and the best actions afterwards. Each
transition, with state s, action a, reward r and next state s', corrects one number of the table:

    Q(s, a) ← Q(s, a) + α (r + γ max Q(s', ·) − Q(s, a)),

without γ max Q(s', ·) if the episode ends. The agent takes the action of highest value, but with
probability ε a random one, which may be the same. The learned values do not depend on the
exploration: the maximum is that of the best action, not of the next action taken. Write the target,
the update, and the agent's probabilities.
"""

import numpy as np

from recipes.common.exercise import check, finish

LEFT = 0
RIGHT = 1


def target(Q, reward, following, done, discount):
    """r + γ max Q(s', ·), with the index of the next state s' and Q (states, actions)."""
    # Your code: nothing follows if the episode is done.
    raise NotImplementedError


def update(Q, state, action, reward, following, done, rate, discount):
    """The table (states, actions) after one transition; the old one is not changed."""
    Q = Q.copy()
    # Your code: correct Q[state, action].
    raise NotImplementedError


def probabilities(values, epsilon):
    """The probabilities (actions,) of an epsilon-greedy agent, for values with a single maximum."""
    # Your code: ε / actions for each, and the rest for the best.
    raise NotImplementedError


def walks(count):
    """The table after `count` walks to the right, from state 0 to 2, which gives 1 and ends."""
    Q = np.zeros((3, 2))
    for _ in range(count):
        for state in range(2):
            done = state == 1
            Q = update(Q, state, RIGHT, float(done), state + 1, done, rate=0.5, discount=0.9)
    return Q


def main():
    Q = np.array([[1.0, 2.0], [5.0, 3.0]])
    return [
        check("reward 1, then state 1", lambda: target(Q, 1.0, 1, False, 0.9), 5.5),
        check("reward 1, the end", lambda: target(Q, 1.0, 1, True, 0.9), 1),
        # 2 + 0.1 (5.5 − 2)
        check(
            "Q(0, right)",
            lambda: update(Q, 0, RIGHT, 1.0, 1, False, 0.1, 0.9),
            [[1, 2.35], [5, 3]],
        ),
        check("one walk", lambda: walks(1)[:2, RIGHT], [0, 0.5]),
        check("two walks", lambda: walks(2)[:2, RIGHT], [0.225, 0.75]),
        check("three walks", lambda: walks(3)[:2, RIGHT], [0.45, 0.875]),
        check("200 walks: γ and 1", lambda: walks(200)[:2, RIGHT], [0.9, 1]),
        check(
            "ε = 0.2, four actions",
            lambda: probabilities([1, 7, 3, 2], 0.2),
            [0.05, 0.85, 0.05, 0.05],
        ),
    ]


if __name__ == "__main__":
    finish(main())
