"""Its boxes are counted, its games are fair, its chances are exact, and it learns to draw."""

import itertools
import pathlib
import random
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from recipes.reinforcement_learning import menace as recipe

PAGE = pathlib.Path(recipe.__file__).with_name("README.md").read_text(encoding="utf8")
M, X, _ = recipe.OWN, recipe.OTHER, recipe.EMPTY  # M: the machine


def test_boxes_up_to_symmetry():
    """N70, by an enumeration of its own: all fillings of the board, one by one."""
    different = {0: set(), 2: set(), 4: set(), 6: set()}
    for board in itertools.product((M, X, _), repeat=9):
        stones = 9 - board.count(_)
        to_move = stones in different and board.count(M) == board.count(X)
        if to_move and recipe.winner(board) == _:
            grid = np.array(board).reshape(3, 3)
            turned = [np.rot90(each, k) for each in (grid, grid.T) for k in range(4)]
            different[stones].add(min(each.tobytes() for each in turned))
    assert [len(found) for found in different.values()] == [1, 12, 108, 183]
    boxes = recipe.new_machine()
    assert len(boxes) == 304
    counts = [9 - board.count(_) for board in boxes]
    assert [counts.count(stones) for stones in (0, 2, 4, 6)] == [1, 12, 108, 183]


def test_first_beads():
    boxes = recipe.new_machine()
    assert list(boxes[recipe.START].values()) == [4, 4, 4]  # corner, edge and center
    for board, box in boxes.items():
        assert set(box.values()) == {{9: 4, 7: 3, 5: 2, 3: 1}[board.count(_)]}


def test_symmetric_positions_are_one():
    board = (M, X, _, _, M, _, X, _, _)
    quarter = tuple(np.rot90(np.reshape(board, (3, 3))).ravel().tolist())
    mirrored = tuple(np.fliplr(np.reshape(board, (3, 3))).ravel().tolist())
    assert recipe.canonical(board) == recipe.canonical(quarter) == recipe.canonical(mirrored)
    other = (X, M, _, _, M, _, X, _, _)
    assert recipe.canonical(board) != recipe.canonical(other)
    assert len(set(recipe.SYMMETRIES)) == 8


@pytest.mark.parametrize(
    ("board", "expected"),
    [
        ((M, M, M, X, X, _, _, _, _), recipe.WIN),
        ((X, M, M, M, X, _, _, M, X), recipe.LOSS),
        ((M, X, M, M, X, X, X, M, M), recipe.DRAW),
        ((M, X, _, _, _, _, _, _, _), None),
    ],
)
def test_result(board, expected):
    assert recipe.result(board) == expected


def test_between_perfect_players_it_is_a_draw():
    assert recipe.value(recipe.START, M) == recipe.DRAW
    # Two in a row: the other has to be stopped, and is.
    board = recipe.canonical((M, M, _, _, X, _, _, _, _))
    (answer,) = recipe.perfect_player(board)
    assert answer == recipe.canonical((M, M, X, _, X, _, _, _, _))
    assert len(recipe.random_player(board)) == 6


def test_chances_are_those_of_played_games():
    boxes = recipe.new_machine()
    rng = random.Random(0)
    for _game in range(150):
        recipe.reinforce(boxes, *recipe.play(boxes, recipe.random_player, rng))
    counted = np.zeros(3)
    for _game in range(3000):
        outcome, _drawn = recipe.play(boxes, recipe.random_player, rng)
        counted[outcome] += 1
    computed = recipe.chances(boxes, recipe.random_player)
    assert computed.sum() == pytest.approx(1)
    np.testing.assert_allclose(computed, counted / 3000, atol=0.04)


def test_beads_follow_the_result():
    boxes = recipe.new_machine()
    first = boxes[recipe.START]
    bead = next(iter(first))
    for outcome, beads in ((recipe.WIN, 7), (recipe.DRAW, 8), (recipe.LOSS, 7)):
        recipe.reinforce(boxes, outcome, [(recipe.START, bead)])
        assert boxes[recipe.START][bead] == beads
    assert list(boxes[recipe.START].values()).count(4) == 2


def test_an_empty_box_resigns_and_only_the_first_one_is_filled_again():
    boxes = recipe.new_machine()
    second = [board for board in boxes if board.count(recipe.EMPTY) == 7]
    for board in second:
        boxes[board] = dict.fromkeys(boxes[board], 0)
    outcome, drawn = recipe.play(boxes, recipe.random_player, random.Random(0))
    assert outcome == recipe.LOSS
    assert len(drawn) == 1
    np.testing.assert_array_equal(recipe.chances(boxes, recipe.random_player), [0, 0, 1])
    bead = drawn[0][1]
    boxes[recipe.START] = dict.fromkeys(boxes[recipe.START], 0) | {bead: 1}
    recipe.reinforce(boxes, outcome, drawn)
    assert list(boxes[recipe.START].values()) == [4, 4, 4]
    assert not any(boxes[second[0]].values())


@pytest.mark.parametrize("seed", range(3))
def test_learns_to_draw_with_a_perfect_player(seed, monkeypatch):
    monkeypatch.setattr(recipe, "GAMES", 300)
    monkeypatch.setattr(recipe, "TAKE_DOWN", 150)
    _, history, opening = recipe.train(recipe.perfect_player, seed)
    assert history.shape == (3, 3)
    assert opening.shape == (3, 3)
    assert history[0, recipe.LOSS] > 0.7
    assert history[-1, recipe.LOSS] < 0.1
    assert history[-1, recipe.WIN] == 0


def losses_on_the_page(row):
    """Numbers of a row of the page's table, in percent."""
    (cells,) = re.findall(rf"^\| {re.escape(row)} \|(.*)\|$", PAGE, re.MULTILINE)
    return [float(cell) for cell in cells.split("|") if cell.strip()]


def test_losses_are_those_on_the_page(monkeypatch):
    """All games are repeated: 500 of each of ten machines with either teacher."""
    monkeypatch.setattr(recipe, "TAKE_DOWN", recipe.GAMES)  # one evaluation
    players = recipe.OPPONENTS.values()
    boxes = recipe.new_machine()
    untrained = [100 * recipe.chances(boxes, player)[recipe.LOSS] for player in players]
    assert losses_on_the_page("nobody (untrained)") == np.round(untrained, 1).tolist()
    for teacher, opponent in recipe.OPPONENTS.items():
        machines = [recipe.train(opponent, seed)[0] for seed in range(recipe.SEEDS)]
        found = []
        for player in players:
            lost = [100 * recipe.chances(boxes, player)[recipe.LOSS] for boxes in machines]
            found += [round(np.mean(lost), 1), round(np.max(lost), 1)]
        assert losses_on_the_page(f"a {teacher} player") == found


def test_title_says_where_the_machine_opens():
    counts = {0: 5, 1: 9, 4: 7}  # corner, edge, center
    squares = recipe.moves(recipe.START, M).values()
    opening = np.array([[4, 4, 4], [counts[square] for square in squares]])
    figure = recipe.plot_opening(opening)
    assert figure.axes[0].get_title().endswith("in an edge")
    plt.close(figure)
