"""Exercises and their solutions: the same but for the gaps, and checks that can fail."""

import functools
import io
import re
import types

import numpy as np
import pytest

from recipes._runner import slides
from recipes._runner.exercises_command import EXERCISES, SOLUTIONS, files
from recipes._runner.recipe import ROOT, Recipe, all_recipes
from recipes.common import exercise
from recipes.common.exercise import OFF, RIGHT, TO_DO, check
from tests import selection

CHAPTERS_WITH = list(dict.fromkeys(recipe.chapter for recipe in all_recipes()))
PATHS = [
    pytest.param(path, id=f"{chapter}-{path.stem}")
    for chapter in CHAPTERS_WITH
    for path in files(chapter)
]
GAP = "    # Your code: "
NOT_YET = "    raise NotImplementedError"


def with_gaps(source, only=None):
    """A solution as the exercise: what follows `# Your code: …` in a function is left to do.

    Args:
        source: The solution.
        only: The number of the one gap to make, from 0; all of them without it.
    """
    # Each part but the first begins with a hint, of one line or more, and ends after its function.
    first, *parts = re.split(rf"^(?={GAP})", source, flags=re.MULTILINE)
    for number, part in enumerate(parts):
        if only not in (None, number):
            continue
        hint, answer, rest = re.fullmatch(
            r"((?:    #.*\n)+)((?:    .*\n|\n(?=    ))+)((?:\n|\S)[\s\S]*)", part
        ).groups()
        assert answer.strip()
        parts[number] = f"{hint}{NOT_YET}\n{rest}"
    return "".join([first, *parts])


def outcomes(source):
    """What the checks of a file say."""
    module = types.ModuleType("an_exercise")
    exec(compile(source, "an_exercise", "exec"), module.__dict__)
    return module.main()


def perturbed(value):
    """An answer that is wrong in one place: by a tenth, where it is a number."""
    if isinstance(value, str):
        return f"{value}, or not"
    array = np.array(value)
    if array.dtype.kind == "U":
        array = array.astype(object)
        array.flat[0] += ", or not"
        return array.tolist()
    array = array.astype("float64")
    size = abs(array.flat[0])
    array.flat[0] += 0.1 * size if size > 1e-6 else 0.1
    return array


@functools.cache
def being_solved():
    """The files that differ from what was committed."""
    return selection.git("diff", "--name-only", "HEAD")


@pytest.mark.parametrize("chapter", CHAPTERS_WITH)
def test_five_exercises_each_with_a_solution(chapter):
    names = [path.name for path in files(chapter)]
    assert [name[:3] for name in names] == ["01_", "02_", "03_", "04_", "05_"]
    assert names == [path.name for path in files(chapter, solutions=True)]
    assert (ROOT / chapter / SOLUTIONS / "__init__.py").exists()
    page = (ROOT / chapter / "README.md").read_text(encoding="utf8")
    assert f"]({EXERCISES})" in page
    assert f"]({SOLUTIONS})" in page


@pytest.mark.parametrize("path", PATHS)
def test_exercise_and_solution_differ_only_in_the_gaps(path):
    if path.relative_to(ROOT.parent).as_posix() in being_solved():
        pytest.skip("somebody is solving it")
    solution = (path.parent / "solutions" / path.name).read_text(encoding="utf8")
    source = path.read_text(encoding="utf8")
    assert GAP in source
    assert source == with_gaps(solution)


@pytest.mark.parametrize("path", PATHS)
def test_solution_is_right_and_every_gap_and_every_check_matter(path, monkeypatch, capsys):
    solution = (path.parent / "solutions" / path.name).read_text(encoding="utf8")
    answers = []
    true_value_of = exercise.value_of

    def value_of(got):
        answers.append(true_value_of(got))
        return answers[-1]

    monkeypatch.setattr(exercise, "value_of", value_of)
    said = outcomes(solution)
    assert said == [RIGHT] * len(answers), capsys.readouterr().out
    # A wrong answer is told from a right one.
    monkeypatch.setattr(exercise, "value_of", lambda got: perturbed(true_value_of(got)))
    capsys.readouterr()
    said = outcomes(solution)
    assert said == [OFF] * len(said), capsys.readouterr().out
    monkeypatch.setattr(exercise, "value_of", true_value_of)
    # Nothing is right before something is done, and each gap is noticed.
    assert set(outcomes(with_gaps(solution))) == {TO_DO}
    for gap in range(solution.count(GAP)):
        assert TO_DO in outcomes(with_gaps(solution, only=gap)), gap


@pytest.mark.parametrize("path", PATHS)
def test_exercise_names_its_slides_and_recipes(path):
    text = Recipe(path.stem, None, path)
    assert len(text.title) <= 72
    assert text.title.endswith((".", "?"))
    known = [pair for row in slides.items() for pair in slides.deck_headings(row.headings)]
    headings = re.findall(r"(00[0-3]) «([^»]+)»", text.slides)
    assert headings
    for deck, heading in headings:
        assert any(deck == where and heading in whole for where, whole in known), heading
    names = (text.field("Recipe") or text.field("Recipes")).removesuffix(".").split(", ")
    assert set(names) <= {recipe.name for recipe in all_recipes()}
    said = text.docstring.partition("\n\n")[2].partition("\n\n")[2]
    assert 4 <= len(said.splitlines()) <= 16


def test_titles_are_unique():
    titles = [path.values[0].read_text(encoding="utf8").partition("\n")[0] for path in PATHS]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(
    ("got", "expected", "outcome"),
    [
        (1.0, 1, RIGHT),
        (1 + 1e-7, 1, RIGHT),
        (1 + 1e-5, 1, OFF),
        (lambda: [1, 2], [1, 2], RIGHT),
        (lambda: [1, 2], [2, 1], OFF),
        ([1, 1], 1, OFF),  # not broadcast
        ([[1]], [1], OFF),
        (np.nan, 1, OFF),
        (1, np.nan, OFF),
        ([-np.inf, 1], [-np.inf, 1], RIGHT),
        ([np.inf, 1], [-np.inf, 1], OFF),
        (None, 1, OFF),
        ([1, None], [1, 2], OFF),
        ([[1], [1, 2]], [[1], [2]], OFF),
        ("ok", "ok", RIGHT),
        ("no", "ok", OFF),
        (1, "1", OFF),
        (["a", "b"], ["a", "b"], RIGHT),
        (["a", "c"], ["a", "b"], OFF),
        ("1", 1, OFF),
        (True, True, RIGHT),
        (False, True, OFF),
        ([], [], RIGHT),
        (lambda: 1 / 0, 1, OFF),
    ],
)
def test_check_tells_right_from_wrong(got, expected, outcome):
    assert check("a name", got, expected) == outcome


def test_check_says_what_came_out_and_how_far_off_it_is(capsys):
    check("a matrix", [[1, 2], [3, 4.5]], [[1, 2], [3, 4]])
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "off          a matrix"
    assert said[1].endswith("[[1, 2], [3, 4.5]]")
    assert said[-1].split() == ["difference", "0.5,", "the", "largest,", "at", "[1,", "1]"]
    assert said[2].endswith("[[1, 2], [3, 4]]")


def test_check_says_which_line_raised(capsys):
    def inverse():
        return np.linalg.inv(np.ones((2, 3)))  # raises in a line of NumPy's

    check("inverse", inverse, 1)
    line = inverse.__code__.co_firstlineno + 1
    assert f"LinAlgError in line {line}: Last 2 dimensions" in capsys.readouterr().out


def test_check_of_shapes_says_both(capsys):
    check("a row", [1, 2, 3], [[1, 2, 3]])
    assert "of shape (3,), expected was (1, 3)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("said", "status", "line"),
    [
        ([RIGHT, RIGHT], 0, "2 of 2 right"),
        ([RIGHT, OFF], 1, "1 of 2 right"),
        ([TO_DO], 1, "0 of 1 right"),
    ],
)
def test_status_is_0_only_if_all_is_right(said, status, line, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    with pytest.raises(SystemExit) as left:
        exercise.finish(said)
    assert left.value.code == status
    assert stream.getvalue() == f"{line}\n"
