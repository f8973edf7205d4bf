"""Value iteration: the best way through a grid that one knows.

Slides: 001 «Aprendizaje por refuerzo», 000 «Limitaciones: planificar a largo plazo».
Recipe: q_learning.

If the results of all actions are known, no exploration is needed. Start with V = 0 and repeat, for
all states at once,

    V(s) ← max over a of  r(s, a) + γ V(s'),

until nothing changes: then V is the best return from each state, and the action with the maximum is
the best one. Each round extends the horizon by one step, so a reward ten steps away has an effect
after ten rounds. Write a round, and follow the best moves.
"""

import numpy as np

from recipes.common.exercise import check, finish

GRID = ["S..#.", ".#...", ".#.#.", "...#G"]  # S start, G goal, # wall
MOVES = [(-1, 0), (0, 1), (1, 0), (0, -1)]  # up, right, down, left


def step(row, column, move):
    """The position after a move, unchanged at a wall or the grid's edge; and the reward, 1 at G."""
    new_row, new_column = row + move[0], column + move[1]
    inside = 0 <= new_row < len(GRID) and 0 <= new_column < len(GRID[0])
    if not inside or GRID[new_row][new_column] == "#":
        new_row, new_column = row, column
    return new_row, new_column, float(GRID[new_row][new_column] == "G")


def action_values(V, row, column, discount):
    """r + γ V(s') (4,) of the four moves from a position, for V (rows, columns)."""
    # Your code: `step` for each of MOVES; V is 0 at the goal, where the episode ends.
    values = []
    for move in MOVES:
        new_row, new_column, reward = step(row, column, move)
        values.append(reward + discount * V[new_row, new_column])
    return np.array(values)


def one_round(V, discount):
    """V (rows, columns) after one round; walls and the goal stay 0."""
    result = np.zeros_like(V)
    # Your code: the largest action value of each position that is neither "#" nor "G".
    for row, column in np.ndindex(V.shape):
        if GRID[row][column] not in "#G":
            result[row, column] = action_values(V, row, column, discount).max()
    return result


def best_moves(V, row, column, discount):
    """The indices of the moves, in order, on the best path from a position to the goal."""
    moves = []
    # Your code: take the best move until there is a reward.
    reward = 0.0
    while not reward:
        best = int(np.argmax(action_values(V, row, column, discount)))
        moves.append(best)
        row, column, reward = step(row, column, MOVES[best])
    return moves


def after(rounds, discount=0.9):
    """V (rows, columns) after the given number of rounds."""
    V = np.zeros((len(GRID), len(GRID[0])))
    for _ in range(rounds):
        V = one_round(V, discount)
    return V


def main():
    V = np.zeros((4, 5))
    V[2, 4] = 1.0
    return [
        check(
            "moves from the right edge",
            lambda: action_values(V, 1, 4, 0.9),
            [0, 0, 0.9, 0],
        ),
        check(
            "moves from above the goal",
            lambda: action_values(np.zeros((4, 5)), 2, 4, 0.9),
            [0, 0, 1, 0],
        ),
        check("one round", lambda: np.argwhere(after(1)), [[2, 4]]),
        check("places with a value after three rounds", lambda: np.count_nonzero(after(3)), 4),
        # Seven steps: six discounts.
        check("start after 7 rounds", lambda: after(7)[0, 0], 0.9**6),
        check("… after 6", lambda: after(6)[0, 0], 0),
        check("lower left corner: eight steps", lambda: after(20)[3, 0], 0.9**7),
        check("best way", lambda: best_moves(after(20), 0, 0, 0.9), [1, 1, 2, 1, 1, 2, 2]),
    ]


if __name__ == "__main__":
    finish(main())
