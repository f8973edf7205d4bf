"""MENACE: 304 matchboxes of beads learn tic-tac-toe by reinforcement.

Slides: 000 «MENACE».
Paper:  Michie (1963), Experiments on the mechanization of game-learning,
        https://doi.org/10.1093/comjnl/6.3.232
Departs from the paper: the opponents are programs that do not learn. Against a perfect opponent so
many of the first games are lost that some machines lose all beads of their first box, and would
resign forever: that box, and no other, is refilled. The probabilities that the machine wins, draws
or loses are not estimated from games, but computed exactly over all possible games.

The machine has the first move. There is a matchbox for each position in which it is to move;
rotated and reflected positions share one. A box contains beads, one color for each distinct move,
and a bead drawn at random determines the move. After a win or a draw, beads of the color drawn are
added to each box that was used; after a loss, the drawn bead is removed. If a box is empty, the
machine resigns.
"""

import functools
import random

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

EMPTY = 0
OWN = 1  # the machine's
OTHER = -1
START = (EMPTY,) * 9
LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]
FIRST_BEADS = {0: 4, 2: 3, 4: 2, 6: 1}  # of each color, by number of stones on the board
WIN = 0
DRAW = 1
LOSS = 2
REWARDS = {WIN: 3, DRAW: 1, LOSS: -1}  # in beads
GAMES = 500
SEEDS = 10
TAKE_DOWN = 10  # games between two evaluations of the machine


def symmetries():
    """The eight rotations and reflections of a board, each as the squares in their new order."""
    board = np.arange(9).reshape(3, 3)
    turned = [np.rot90(board, quarter) for quarter in range(4)]
    mirrored = [np.fliplr(each) for each in turned]
    return [tuple(each.ravel().tolist()) for each in turned + mirrored]


SYMMETRIES = symmetries()


@functools.cache
def canonical(board):
    """One representative of all boards that are equal after rotation and reflection."""
    return max(tuple(board[square] for square in order) for order in SYMMETRIES)


def place(board, square, stone):
    """The board after a move."""
    return (*board[:square], stone, *board[square + 1 :])


def winner(board):
    """OWN or OTHER; EMPTY if nobody has three in a row."""
    for line in LINES:
        first, second, third = (board[square] for square in line)
        if first == second == third != EMPTY:
            return first
    return EMPTY


def result(board):
    """WIN, DRAW or LOSS for the machine; None if the game goes on."""
    won = winner(board)
    if won != EMPTY:
        return WIN if won == OWN else LOSS
    return None if EMPTY in board else DRAW


@functools.cache
def moves(board, stone):
    """`{position after the move: square}`, with the first of the moves to equal positions."""
    after = {}
    for square in range(9):
        if board[square] == EMPTY:
            after.setdefault(canonical(place(board, square, stone)), square)
    return after


def positions_to_move():
    """The positions, up to symmetry, in which the machine, moving first, has a choice."""
    found = [START]
    for board in found:  # the list grows
        for after in moves(board, OWN):
            if result(after) is not None:
                continue
            for answered in moves(after, OTHER):
                # With one empty square left, there is no choice.
                more = result(answered) is None and answered.count(EMPTY) > 1
                if more and answered not in found:
                    found.append(answered)
    return found


def new_machine():
    """`{position: {position after a move: beads}}`: the matchboxes as Michie filled them."""
    boxes = {}
    for board in positions_to_move():
        beads = FIRST_BEADS[9 - board.count(EMPTY)]
        boxes[board] = dict.fromkeys(moves(board, OWN), beads)
    return boxes


@functools.cache
def value(board, stone):
    """The result for the machine under perfect play (minimax), if `stone` is to move."""
    if result(board) is not None:
        return result(board)
    other = OTHER if stone == OWN else OWN
    values = [value(after, other) for after in moves(board, stone)]
    return min(values) if stone == OWN else max(values)  # a win is 0, a loss 2


def perfect_player(board):
    """The opponent's best moves, as the resulting positions."""
    after = list(moves(board, OTHER))
    best = max(value(each, OWN) for each in after)
    return [each for each in after if value(each, OWN) == best]


def random_player(board):
    """All of the opponent's moves, as the resulting positions."""
    return list(moves(board, OTHER))


OPPONENTS = {"perfect": perfect_player, "random": random_player}


def play(boxes, opponent, rng):
    """Play one game.

    Returns:
        The result; and for each of the machine's moves, the position of the opened box and the one
        after the move, which is the color of the bead that was drawn.
    """
    board = START
    drawn = []
    while True:
        if board in boxes:
            box = boxes[board]
            if not any(box.values()):
                return LOSS, drawn
            (after,) = rng.choices(list(box), weights=list(box.values()))
            drawn.append((board, after))
        else:
            (after,) = moves(board, OWN)  # the last square needs no box
        if result(after) is not None:
            return result(after), drawn
        board = rng.choice(opponent(after))
        if result(board) is not None:
            return result(board), drawn


def reinforce(boxes, outcome, drawn):
    """Add beads to the boxes that were opened, or take them away."""
    for board, after in drawn:
        boxes[board][after] += REWARDS[outcome]
    if not any(boxes[START].values()):
        boxes[START] = dict.fromkeys(boxes[START], FIRST_BEADS[0])


def chances(boxes, opponent):
    """The machine's probabilities of winning, drawing and losing, over all possible games."""

    @functools.cache
    def from_position(board):
        if result(board) is not None:
            return np.eye(3)[result(board)]
        box = boxes.get(board, dict.fromkeys(moves(board, OWN), 1))
        beads = sum(box.values())
        if not beads:
            return np.eye(3)[LOSS]
        return sum(count / beads * from_move(after) for after, count in box.items() if count)

    @functools.cache
    def from_move(board):
        if result(board) is not None:
            return np.eye(3)[result(board)]
        answers = opponent(board)
        return sum(from_position(answer) for answer in answers) / len(answers)

    return from_position(START)


def train(opponent, seed):
    """Train a machine by games against an opponent.

    Returns:
        Its boxes; its `chances` (evaluations, 3) against the perfect player during the training;
        and the beads (evaluations, 3) in the box of the empty board.
    """
    rng = random.Random(seed)
    boxes = new_machine()
    history = [chances(boxes, perfect_player)]
    opening = [list(boxes[START].values())]
    for game in range(1, GAMES + 1):
        reinforce(boxes, *play(boxes, opponent, rng))
        if game % TAKE_DOWN == 0:
            history.append(chances(boxes, perfect_player))
            opening.append(list(boxes[START].values()))
    return boxes, np.array(history), np.array(opening)


def plot_learning(histories):
    """Plot the results against the perfect player by number of games, for each opponent."""
    figure, axes = plt.subplots(
        1, len(histories), figsize=(10, 4), sharey=True, layout="constrained"
    )
    for axis, (name, of_seeds) in zip(axes, histories.items(), strict=True):
        games = TAKE_DOWN * np.arange(of_seeds.shape[1])
        for outcome, label, color in ((LOSS, "loses", "C1"), (DRAW, "draws", "C0")):
            share = of_seeds[:, :, outcome]
            axis.plot(games, share.mean(axis=0), color=color, label=label)
            axis.fill_between(games, share.min(axis=0), share.max(axis=0), color=color, alpha=0.2)
        axis.set(title=f"Taught by a {name} player", xlabel="games played", ylim=(0, 1))
    axes[0].set_ylabel("chances against a perfect player")
    axes[0].legend(loc="center right")
    figure.suptitle(f"Mean and range of {of_seeds.shape[0]} machines: who teaches matters")
    return figure


def plot_opening(opening):
    """Plot the beads in the first box by number of games."""
    figure, axis = plt.subplots(layout="constrained")
    names = {0: "a corner", 1: "an edge", 4: "the center"}
    for square, counts in zip(moves(START, OWN).values(), opening.T, strict=True):
        axis.plot(TAKE_DOWN * np.arange(len(counts)), counts, label=names[square])
    favorite = names[list(moves(START, OWN).values())[opening[-1].argmax()]]
    axis.set(title=f"The box of the empty board: this machine comes to open in {favorite}")
    axis.set(xlabel="games played", ylabel="beads")
    axis.legend()
    return figure


def draw_box(axis, board, box):
    """Draw a matchbox: the position, and on each free square the share of its beads."""
    beads = sum(box.values())
    for square in range(9):
        row, column = divmod(square, 3)
        axis.add_patch(Rectangle((column, row), 1, 1, facecolor="white", edgecolor="0.6"))
        stone = {OWN: "O", OTHER: "×", EMPTY: ""}[board[square]]
        style = {"ha": "center", "va": "center_baseline"}
        axis.text(column + 0.5, row + 0.52, stone, fontsize=22, color="0.3", **style)
    for after, count in box.items():
        row, column = divmod(moves(board, OWN)[after], 3)
        share = count / max(beads, 1)
        axis.scatter(column + 0.5, row + 0.42, s=2 + 500 * share, color="C1", alpha=0.75)
        axis.text(column + 0.5, row + 0.95, f"{count}", ha="center", fontsize=8)
    axis.set(xlim=(-0.05, 3.05), ylim=(3.05, -0.05), aspect="equal")


def often_opened(boxes, opponent, count, games=500):
    """The boxes that are opened most often, in decreasing order."""
    rng = random.Random(0)
    opened = {}
    for _ in range(games):
        for board, _ in play(boxes, opponent, rng)[1]:
            opened[board] = opened.get(board, 0) + 1
    return sorted(opened, key=opened.get, reverse=True)[:count]


def plot_boxes(boxes):
    """Plot some of the matchboxes of a trained machine."""
    figure, axes = plt.subplots(2, 5, figsize=(10, 4.7), layout="constrained")
    often = often_opened(boxes, perfect_player, axes.size)
    for axis in axes.flat:
        axis.axis("off")
    for axis, board in zip(axes.flat, often, strict=False):
        draw_box(axis, board, boxes[board])
    figure.suptitle("The boxes opened most often, with their beads; O is the machine's stone")
    return figure


def main():
    boxes = new_machine()
    stones = [9 - board.count(EMPTY) for board in boxes]
    by_stones = " + ".join(str(stones.count(count)) for count in FIRST_BEADS)
    print(f"Boxes with 0, 2, 4 and 6 stones: {by_stones} = {len(boxes)}\n")

    print("Chances of winning, drawing and losing against a player who is")
    for name, opponent in OPPONENTS.items():
        print(f"  {name}, before any game:", chances(boxes, opponent).round(3))
    histories = {}
    for teacher, opponent in OPPONENTS.items():
        histories[teacher] = []
        outcomes = {name: [] for name in OPPONENTS}
        for seed in range(SEEDS):
            boxes, history, opening = train(opponent, seed)
            histories[teacher].append(history)
            for name, player in OPPONENTS.items():
                outcomes[name].append(chances(boxes, player))
        for name, of_seeds in outcomes.items():
            mean = np.mean(of_seeds, axis=0).round(3)
            worst = np.max(of_seeds, axis=0)[LOSS]
            print(f"  {name}, after {GAMES:,} games with a {teacher} one:", mean, end=", ")
            print(f"the worst of {SEEDS} machines loses {worst:.1%}")
        if teacher == "perfect":
            plot_boxes(boxes).savefig("boxes.png")
            plot_opening(opening).savefig("opening.png")
    histories = {teacher: np.array(of_seeds) for teacher, of_seeds in histories.items()}
    plot_learning(histories).savefig("learning.png")


if __name__ == "__main__":
    main()
