"""Each recipe has a title in Spanish, and `list` shows it to those who want it."""

import re

import pytest

from recipes._runner import cli, list_command, titles
from recipes._runner.errors import UserError
from recipes._runner.recipe import CHAPTERS, all_recipes

LONGEST = 110  # characters


def test_each_recipe_has_one_of_its_own_in_their_order():
    found = titles.read()
    assert list(found) == [recipe.name for recipe in all_recipes()]
    assert len(set(found.values())) == len(found)
    english = {recipe.title for recipe in all_recipes()}
    for name, title in found.items():
        assert title.endswith((".", "?")), name
        assert len(title) <= LONGEST, name
        assert title not in english, name


def test_numbers_are_those_of_the_english_title():
    """1,200 is written 1.200 in Spanish; a title may leave numbers out, and add none."""

    def numbers(title):
        return set(re.findall(r"\d+", re.sub(r"(?<=\d)[.,](?=\d{3}\b)", "", title)))

    for recipe in all_recipes():
        more = numbers(titles.read()[recipe.name]) - numbers(recipe.title)
        assert not more, (recipe.name, more)


def test_each_chapter_has_a_spanish_name():
    assert list(titles.CHAPTERS_ES) == list(CHAPTERS)
    assert len(set(titles.CHAPTERS_ES.values())) == len(CHAPTERS)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("recipe\ttitle\nxor\tXOR.\n\n", 3),
        ("recipe\ttitle\nxor XOR.\n", 2),
        ("recipe\ttitle\nxor\tXOR.\nxor\tXOR.\n", 3),
        ("name\ttitle\nxor\tXOR.\n", 2),
    ],
)
def test_damaged_line_is_named(tmp_path, monkeypatch, text, line):
    monkeypatch.setattr(titles, "PATH", tmp_path / "titles.tsv")
    titles.PATH.write_text(text)
    with pytest.raises(UserError, match=f"titles.tsv, line {line}: "):
        titles.read()


@pytest.mark.parametrize(
    ("environment", "spanish"),
    [
        ({}, False),
        ({"LANG": "es_ES.UTF-8"}, True),
        ({"LANG": "es"}, True),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "en_US", "LC_MESSAGES": "es_MX.UTF-8"}, True),
        ({"LANG": "es_ES", "LC_ALL": "C"}, False),
        ({"LANG": "es_ES", "LC_ALL": ""}, True),
        ({"LANG": "C", "LC_TIME": "es_ES"}, False),
    ],
)
def test_language_is_that_of_messages(environment, spanish):
    assert list_command.is_spanish(environment) == spanish


@pytest.mark.parametrize("by", ["flag", "variable"])
def test_list_in_spanish(capsys, monkeypatch, by):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    if by == "variable":
        monkeypatch.setenv("LANG", "es_ES.UTF-8")
    assert cli.main(["list", *["--es"] * (by == "flag")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "perceptrones"
    assert "capas de salida" in lines
    shown = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines if line[:2] == "  "}
    for recipe in all_recipes():
        assert shown[recipe.slug].startswith(titles.read()[recipe.name])
    assert lines[-2].startswith("Ejecutar una:")


def test_list_is_english_otherwise(capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert cli.main(["list", "cápsulas"]) == 0
    said = capsys.readouterr().out
    assert "Capsule network on MNIST" in said, "found by a word of the Spanish title"
    assert "Red de" not in said
