"""`recipes/SLIDES.md`: the items of the slides, with the recipes that show them, done or planned.

The tables by chapter are written by hand; `make results` generates the tables by deck from them.
"""

import re
import typing

from recipes._runner.recipe import CHAPTERS, ROOT

PATH = ROOT / "SLIDES.md"
DECKS = {
    "000": "Deep learning: history, applications, limits, hardware (F. Berzal)",
    "001": "Deep learning with Keras: layers, classic results, tools (F. Serradilla, UPM)",
    "002": "Deep learning: recurrent networks, attention, convolution",
    "003": "Context, perceptron, convolution, networks by year, applications (INVETT, Alcalá)",
}
ROW = re.compile(r"^\| ([A-Z]\d+|–) \| (.*?) \| (.*?) \|$", re.MULTILINE)
PLANNED = re.compile(r"not yet \(`(\w+)`\)")
BY_DECK = "by deck"  # the name of the generated block


class Item(typing.NamedTuple):
    """One row: number ("P12"; "–" if no slide has it), decks with headings, recipes or tests."""

    number: str
    headings: str
    shown_by: str

    @property
    def shown(self):
        """Whether a recipe or a test shows it, at least in part."""
        return "](" in self.shown_by


def items(text=None):
    """The rows of the tables by chapter, in their order."""
    text = PATH.read_text(encoding="utf8") if text is None else text
    by_hand = text.partition(f"<!-- {BY_DECK} -->")[0]
    return [Item(*found.groups()) for found in ROW.finditer(by_hand)]


def planned(rows):
    """Planned recipes, each with the headings of its items."""
    headings = {}
    for row in rows:
        for name in PLANNED.findall(row.shown_by):
            headings[name] = (
                f"{headings[name]}; {row.headings}" if name in headings else row.headings
            )
    return headings


def chapter_counts(text=None):
    """Shown and total number of each chapter's items: `{"perceptrons": (25, 51), …}`."""
    text = PATH.read_text(encoding="utf8") if text is None else text
    counts = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        chapter = section.partition("\n")[0].strip()
        rows = [row for row in items(section) if row.number != "–"]
        if chapter in CHAPTERS and rows:
            counts[chapter] = (sum(row.shown for row in rows), len(rows))
    return counts


def by_deck(rows):
    """The same rows as Markdown tables by deck; a heading of two decks appears in both."""
    tables = {deck: [] for deck in DECKS}
    for row in rows:
        for deck, heading in deck_headings(row.headings):
            tables[deck].append(f"| {heading} | {row.number} | {row.shown_by} |")
    lines = []
    for deck, table in tables.items():
        lines += [f"## Deck {deck}", "", f"{DECKS[deck]}: {len(table)} headings.", ""]
        lines += ["| heading | item | shown by |", "|---|---|---|", *table, ""]
    return "\n".join(lines).strip()


def deck_headings(text):
    """Pairs of deck and heading; a heading without a deck belongs to the previous one.

    >>> deck_headings("000 Dropout; 001 Dropout (Hinton 2012), 002, 003 top-5")
    [('000', 'Dropout'), ('001', 'Dropout (Hinton 2012)'), ('002', 'top-5'), ('003', 'top-5')]
    """
    pairs = []
    parts = re.findall(r"((?:\b00[0-3](?:, )?)+) (.*?)(?=[;,] (?:00[0-3]\b)|$)", text)
    for decks, heading in parts:
        pairs += [(deck, heading.strip()) for deck in re.findall(r"00[0-3]", decks)]
    return pairs
