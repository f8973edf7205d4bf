"""`recipes/SLIDES.md` against the files: what it says is shown is there, and what is there it says."""

import pathlib
import re

from recipes._runner.recipe import ROOT, all_recipes

TABLE = ROOT / "SLIDES.md"
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in TABLE.read_text(encoding="utf8").splitlines()
    if re.match(r"\| [A-Z]\d+ \|", line)
]
LINK = re.compile(r"\[(\w+)\]\(([^)]+)\)")


def test_every_item_stands_once_with_its_slide():
    items = [item for item, *_ in ROWS]
    assert len(items) == len(set(items)) > 500
    assert [heading for _, heading, _ in ROWS if not re.match(r"00[0-3]\b|\(.*not a slide\)", heading)] == []


def test_what_is_said_to_be_there_is_there_and_the_rest_is_not():
    there = {recipe.name for recipe in all_recipes()}
    for item, _, shown in ROWS:
        links = LINK.findall(shown)
        assert links or "not yet" in shown, item
        for name, path in links:
            assert (ROOT / path).is_file(), (item, path)
            assert name in (pathlib.Path(path).stem, "test"), (item, path)
        assert not there & set(re.findall(r"not yet \(`(\w+)`\)", shown)), f"{item} is there now: link it"


def test_every_recipe_stands_in_the_table():
    linked = {(ROOT / path).resolve() for *_, shown in ROWS for _, path in LINK.findall(shown)}
    missing = [recipe.name for recipe in all_recipes() if pathlib.Path(recipe.path).resolve() not in linked]
    assert not missing
