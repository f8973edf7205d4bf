"""`python -m recipes gallery`: a static page of all recipes, each with picture, slide and results.

The page needs neither server nor network: `gallery/index.html`, with the pictures beside it.
"""

import os
import pathlib
import re
import shutil
import urllib.parse

import jinja2

from recipes._runner import output, picture_command, results, titles
from recipes._runner.arguments import expanded_path
from recipes._runner.errors import UserError
from recipes._runner.recipe import ROOT, all_recipes
from recipes._runner.run_command import SAVED_MODELS, shown
from recipes.tuning import storage

GALLERY = ROOT.parent / "gallery"
TEMPLATES = pathlib.Path(__file__).parent
# The standard pictures; a recipe's own pictures are preferred.
STANDARD = ("training_curves", "confusion_matrix", "mistakes", "predicted_against_true")
ROWS = 3  # rows of results that are visible at first
# A deck of the slides.
DECK = re.compile(r"\b(00[0-3])\b")
# An image in a chapter's README: its description and its recipe.
ALT = re.compile(r"!\[([^\]]*)\]\(pictures/(\w+)\.\w+\)")


def add_arguments(parser):
    parser.add_argument(
        "--output", type=expanded_path, metavar="DIR", help="where to write [gallery]"
    )


def main(options):
    if options.output:
        output.refuse_others(options.output)
    folder = options.output or GALLERY
    output.mark(folder)
    shutil.rmtree(folder / "pictures", ignore_errors=True)
    (folder / "pictures").mkdir()
    recipes = all_recipes()
    if not recipes:
        raise UserError("there are no recipes here")
    chapters = gathered(recipes, results.read(), folder)
    storage.write(folder / "index.html", page(chapters))
    cards = [card for chapter in chapters for card in chapter["cards"]]
    pictures = sum(card["picture"] is not None for card in cards)
    print(f"{shown(folder / 'index.html')}: {len(cards)} recipes, {pictures} with a picture")


def gathered(recipes, rows, folder):
    """What the page shows, by chapter; the pictures are put into the folder."""
    spanish = titles.read()
    chapters = []
    for chapter in dict.fromkeys(recipe.chapter for recipe in recipes):
        alts = descriptions(chapter)
        cards = []
        for recipe in recipes:
            if recipe.chapter != chapter:
                continue
            title_es = spanish.get(recipe.name, recipe.title)
            alt = alts.get(recipe.name) or recipe.title
            own = [row for row in rows if row["recipe"] == recipe.name]
            cards.append(card(recipe, title_es, alt, own, folder))
        chapters.append(
            {
                "id": chapter,
                "name": english(chapter),
                "name_es": titles.CHAPTERS_ES[chapter].capitalize(),
                "cards": cards,
            }
        )
    return chapters


def page(chapters):
    """The page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    count = sum(len(chapter["cards"]) for chapter in chapters)
    return environment.get_template("gallery.html").render(chapters=chapters, count=count)


def english(chapter):
    """A chapter's name, as a heading."""
    words = chapter.replace("_", " ").capitalize()
    return words.replace("Cnn ", "CNN ").replace("Gans", "GANs")


def card(recipe, title_es, alt, rows, folder):
    """What a recipe's card shows.

    Args:
        recipe: The recipe.
        title_es: Its title in Spanish.
        alt: The description of its picture.
        rows: Its rows of the results.
        folder: Of the page.
    """
    words = f"{recipe.name} {recipe.slug} {recipe.title} {title_es} {recipe.slides} {recipe.paper}"
    data = " ".join(row["data"] for row in rows)
    cells = []
    for row in rows:
        what = [row["variant"], results.settings(row["command"]), results.metric(row)]
        cells.append((" ".join(filter(None, what)), results.score(row), results.compared(row)))
    return {
        "words": " ".join(f"{words} {data}".split()),
        "picture": picture(recipe, folder / "pictures"),
        "alt": alt,
        "link": link_to(recipe.path, folder),
        "name": recipe.name,
        "title": recipe.title,
        "title_es": title_es,
        "slides": DECK.split(recipe.slides),
        "rows": cells[:ROWS],
        "more_rows": cells[ROWS:],
        "slug": recipe.slug,
    }


def link_to(path, folder):
    """The link from a page in the folder to a file: a relative path if the drive is the same."""
    path, folder = path.resolve(), folder.resolve()
    if path.drive != folder.drive:
        return path.as_uri()
    return urllib.parse.quote(pathlib.Path(os.path.relpath(path, folder)).as_posix())


def descriptions(chapter):
    """`{recipe: description of its picture}`, from the chapter's README."""
    path = ROOT / chapter / "README.md"
    if not path.exists():
        return {}
    return {name: alt for alt, name in ALT.findall(path.read_text(encoding="utf8"))}


def picture(recipe, folder):
    """The name of a small picture of the recipe, put into the folder; None if there is none.

    It is the picture in its chapter's README, or the first figure of its own from a run, or the
    first standard one. Runs on other data than the real set are ignored.
    """
    for suffix in (".gif", ".png"):
        chosen = recipe.path.parent / "pictures" / f"{recipe.name}{suffix}"
        if chosen.is_file():
            shutil.copyfile(chosen, folder / chosen.name)
            return chosen.name
    run = SAVED_MODELS / recipe.name
    figures = [path for path in sorted(run.glob("*.[pg][ni][gf]")) if path.is_file()]
    if not figures:
        return None
    try:
        picture_command.check(run, recipe)
    except UserError:
        return None
    figures.sort(key=lambda path: (path.stem in STANDARD, path.name))
    return picture_command.save(figures[0], "", folder / recipe.name).name
