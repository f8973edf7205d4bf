"""MENACE: how many matchboxes, and what is drawn from them?

Slides: 000 «MENACE (1961; paper 1963)».
Recipe: menace.

Donald Michie's machine of matchboxes learned tic-tac-toe. It moves first, so it is to move
with 0, 2, 4, 6 or 8 stones on the board; with 8 there is only one move, and no box is needed. There
is a box for each position in which nobody has won; rotated and reflected positions share one.

A box contains beads of one color for each move. A bead drawn at random determines the move. After a
win, three beads of its color are added to the box, after a draw one; after a loss the bead is
removed. Count the boxes, and compute probabilities.
"""

import itertools

import numpy as np

from recipes.common.exercise import check, finish

LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]


def symmetries(board):
    """The eight rotations and reflections of a board, tuples of 9 squares."""
    square = np.reshape(board, (3, 3))
    # Your code: np.rot90(square, quarters) and the same of square.T; tuple(….ravel().tolist()).
    raise NotImplementedError


def canonical(board):
    """The same board for all that are equal up to rotation and reflection."""
    # Your code: any rule that takes one of the eight, such as the largest tuple.
    raise NotImplementedError


def is_won(board):
    """Whether three equal stones, 1 or −1, lie in a line."""
    return any(abs(sum(board[square] for square in line)) == 3 for line in LINES)


def boxes(stones):
    """Number of boxes for positions with this even number of stones, half of each player."""
    positions = set()
    # Your code: `boards` has all positions; keep the canonical ones in which nobody has won.
    raise NotImplementedError


def draw_probability(beads, color, results):
    """The probability of a color after games in which it was drawn, each "win", "draw" or "loss".

    Args:
        beads: `{color: number}` before.
    """
    beads = dict(beads)
    # Your code: change beads[color] for each result; then its share of all.
    raise NotImplementedError


def boards(stones):
    """All boards with this number of stones on 9 squares, half of them 1, half of them −1."""
    for own in itertools.combinations(range(9), stones // 2):
        free = [square for square in range(9) if square not in own]
        for other in itertools.combinations(free, stones // 2):
            yield tuple(1 if s in own else -1 if s in other else 0 for s in range(9))


def main():
    corner = (1, 0, 0, 0, 0, 0, 0, 0, 0)
    lopsided = (1, -1, 0, 0, 0, 0, 0, 0, 0)
    beads = {"corner": 4, "edge": 4, "center": 4}
    return [
        check("a corner: four different boards", lambda: len(set(symmetries(corner))), 4),
        check("corner and edge: eight", lambda: len(set(symmetries(lopsided))), 8),
        check(
            "one board for all of these",
            lambda: len({canonical(board) for board in symmetries(lopsided)}),
            1,
        ),
        check("0, 2, 4, 6 stones", lambda: [boxes(n) for n in (0, 2, 4, 6)], [1, 12, 108, 183]),
        check("in all", lambda: sum(boxes(n) for n in (0, 2, 4, 6)), 304),
        check("center, in the beginning", lambda: draw_probability(beads, "center", []), 1 / 3),
        check(
            "… after win, draw",
            lambda: draw_probability(beads, "center", ["win", "draw"]),
            0.5,
        ),
        check("… after losses", lambda: draw_probability(beads, "center", ["loss", "loss"]), 0.2),
    ]


if __name__ == "__main__":
    finish(main())
