"""The generated pages, which `make results` and `measure` write.

`recipes/RESULTS.md` is generated from `results.csv`. README and `recipes/SLIDES.md` are written by
hand, except for the parts between `<!-- NAME -->` and `<!-- /NAME -->`.
"""

import pathlib

from recipes._runner import results, slides
from recipes._runner.errors import UserError
from recipes._runner.recipe import ROOT
from recipes.tuning import storage

README = ROOT.parent / "README.md"
RESULTS = ROOT / "RESULTS.md"


def made():
    """Path and current content of each generated page.

    Raises:
        UserError: if `results.csv` is damaged or a page lacks the markers.
    """
    rows = results.read()
    readme = with_block(README, "results", results.headline_table(rows))
    readme = with_block(README, "items", shown_items(), readme)
    return {
        RESULTS: results.page(rows),
        README: readme,
        slides.PATH: with_block(slides.PATH, slides.BY_DECK, slides.by_deck(slides.items())),
    }


def write():
    """Update the pages; up-to-date ones are not written."""
    for path, content in made().items():
        if not path.exists() or path.read_text(encoding="utf8") != content:
            storage.write(path, content)


def with_block(path, name, content, text=None):
    """The text of a page with new content between the markers of that name.

    Raises:
        UserError: if the file cannot be read, or the markers are missing.
    """
    if text is None:
        try:
            text = pathlib.Path(path).read_text(encoding="utf8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{path} cannot be read: {error}") from None
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = text.partition(begin)
    if not found or end not in rest:
        raise UserError(
            f"{path}: lines {begin} and {end} are missing; what belongs between is made"
        )
    return f"{before}{begin}\n{content}\n{end}{rest.partition(end)[2]}"


def shown_items():
    """The number of slide items that are shown, in total and by chapter."""
    counts = slides.chapter_counts()
    shown = sum(done for done, _ in counts.values())
    there = sum(of for _, of in counts.values())
    chapters = ", ".join(
        f"{chapter.replace('_', ' ')} {done}/{of}" for chapter, (done, of) in counts.items()
    )
    return f"**{shown} of their {there} items are shown so far**: {chapters}."


if __name__ == "__main__":
    write()
