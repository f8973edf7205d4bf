"""`recipes/SLIDES.md` against the files: what it says is shown is there, what is there it says."""

import pathlib
import re

import pytest

from recipes._runner import slides
from recipes._runner.recipe import ROOT, all_recipes

ROWS = [row for row in slides.items() if row.number != "–"]
LINK = re.compile(r"\[(\w+)\]\(([^)]+)\)")


def test_every_item_stands_once_with_its_slide():
    items = [item for item, *_ in ROWS]
    assert len(items) == len(set(items)) == 509
    assert [
        heading for _, heading, _ in ROWS if not re.match(r"00[0-3]\b|\(.*not a slide\)", heading)
    ] == []


def test_what_is_said_to_be_there_is_there_and_the_rest_is_not():
    there = {recipe.name for recipe in all_recipes()}
    for item, _, shown in ROWS:
        links = LINK.findall(shown)
        assert links or "not yet" in shown, item
        for name, path in links:
            assert (ROOT / path).is_file(), (item, path)
            assert name in (pathlib.Path(path).stem, "test"), (item, path)
        assert not there & set(re.findall(r"not yet \(`(\w+)`\)", shown)), (
            f"{item} is there now: link it"
        )


def test_every_recipe_stands_in_the_table():
    rows = slides.items()  # those too that are asked for and on no slide
    linked = {(ROOT / path).resolve() for *_, shown in rows for _, path in LINK.findall(shown)}
    missing = [
        recipe.name for recipe in all_recipes() if pathlib.Path(recipe.path).resolve() not in linked
    ]
    assert not missing


@pytest.mark.parametrize(
    ("cell", "pairs"),
    [
        ("000 Dropout", [("000", "Dropout")]),
        ("000 GANs (D / G); 001 GAN", [("000", "GANs (D / G)"), ("001", "GAN")]),
        (
            "000 El perceptrón (1957), 001 zoo P",
            [("000", "El perceptrón (1957)"), ("001", "zoo P")],
        ),
        ("003 lists A no. 1, B no. 2", [("003", "lists A no. 1, B no. 2")]),
        ("000, 002 top-5", [("000", "top-5"), ("002", "top-5")]),
        ("001 Latent space; Usos", [("001", "Latent space; Usos")]),
        ("(project line, not a slide) KerasTuner", []),
    ],
)
def test_decks_and_headings_of_a_cell(cell, pairs):
    assert slides.deck_headings(cell) == pairs


def test_by_deck_each_item_stands_under_each_of_its_decks_in_order():
    table = slides.by_deck(ROWS)
    sections = dict(
        zip(slides.DECKS, re.split(r"^## Deck .*$", table, flags=re.MULTILINE)[1:], strict=True)
    )
    for deck, section in sections.items():
        numbers = re.findall(r" \| ([A-Z]\d+) \|", section)
        assert list(dict.fromkeys(numbers)) == [
            row.number for row in ROWS if deck in re.findall(r"\b00[0-3]\b", row.headings)
        ]
