"""`python -m recipes exercises`: what it says of exercises solved, begun, wrong and broken."""

import pytest

from recipes._runner import cli, exercises_command

EXERCISE = '''"""Halves{number}: divide by two.

Slides: none.
"""

from recipes.common.exercise import check


def half(x):
    {answer}


def main():
    return [check("of 4", lambda: half(4), 2), check("of 3", lambda: half(3), 1.5)]
'''
ANSWERS = {
    "01_right": "return x / 2",
    "02_begun": "raise NotImplementedError",
    "03_off": "return x // 2",
    "04_broken": "return (",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A collection of one chapter with four exercises, all of them solved beside."""
    monkeypatch.setattr(exercises_command, "ROOT", tmp_path)
    solutions = tmp_path / "gans" / "exercises" / "solutions"
    solutions.mkdir(parents=True)
    for number, (name, answer) in enumerate(ANSWERS.items(), start=1):
        source = EXERCISE.format(number=number, answer=answer)
        (solutions.parent / f"{name}.py").write_text(source, encoding="utf8")
        source = EXERCISE.format(number=number, answer=ANSWERS["01_right"])
        (solutions / f"{name}.py").write_text(source, encoding="utf8")
    (solutions.parent / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_chapter_shows_each_exercise_and_the_next_to_solve(folder, capsys):
    assert cli.main(["exercises", "gans"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in lines[:4]] == [
        "01_right right 2 of 2 Halves1: divide by two.",
        "02_begun still to do 0 of 2 Halves2: divide by two.",
        "03_off off 1 of 2 Halves3: divide by two.",
        "04_broken off 0 of 1 Halves4: divide by two.",
    ]
    assert lines[5] == "Next: .venv/bin/python gans/exercises/02_begun.py"


@pytest.mark.parametrize("words", [[], ["gans"]])
def test_messages_of_tensorflow_are_not_among_the_results(words, folder, monkeypatch):
    """Its import, which prints them, comes before the first exercise."""
    said = []
    monkeypatch.setattr(exercises_command.quiet, "import_tensorflow", lambda: said.append("quiet"))
    monkeypatch.setattr(exercises_command, "outcomes", lambda path: said.append("run") or [])
    assert cli.main(["exercises", *words]) == 0
    assert said == ["quiet", *["run"] * 4]


def test_solutions_are_run_instead(folder, capsys):
    assert cli.main(["exercises", "gans", "--solutions"]) == 0
    output = capsys.readouterr().out
    assert output.count(" right ") == 4
    assert "Next" not in output


def test_without_a_chapter_the_solved_are_counted(folder, capsys):
    assert cli.main(["exercises"]) == 0
    assert capsys.readouterr().out.startswith("gans  1 of 4 solved\n")


@pytest.mark.parametrize(
    ("chapter", "hint"), [("gan", "did you mean gans?"), ("zoo", "there are gans")]
)
def test_chapter_without_exercises_is_refused(folder, capsys, chapter, hint):
    assert cli.main(["exercises", chapter]) == 2
    assert hint in capsys.readouterr().err
