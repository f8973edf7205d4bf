"""`python -m recipes gallery`: a static page of all recipes, each with picture, slide and results.

The page needs neither server nor network: `gallery/index.html`, with the pictures beside it.
"""

import html
import importlib.resources
import os
import pathlib
import re
import shutil
import string
import urllib.parse

from recipes._runner import output, picture_command, results, titles
from recipes._runner.arguments import expanded_path
from recipes._runner.errors import UserError
from recipes._runner.recipe import ROOT, all_recipes
from recipes._runner.run_command import SAVED_MODELS, shown
from recipes.tuning import storage

GALLERY = ROOT.parent / "gallery"
TEMPLATE = importlib.resources.files("recipes._runner") / "gallery.html"
# The standard pictures; a recipe's own pictures are preferred.
STANDARD = ("training_curves", "confusion_matrix", "mistakes", "predicted_against_true")
ROWS = 3  # rows of results that are visible at first
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
    page, pictures = make(recipes, results.read(), folder)
    storage.write(folder / "index.html", page)
    print(f"{shown(folder / 'index.html')}: {len(recipes)} recipes, {pictures} with a picture")


def make(recipes, rows, folder):
    """The page and its number of recipes with pictures; the pictures are put into the folder."""
    spanish = titles.read()
    by_recipe = {}
    for row in rows:
        by_recipe.setdefault(row["recipe"], []).append(row)
    sections, chapters, count = [], [], 0
    for chapter in dict.fromkeys(recipe.chapter for recipe in recipes):
        alts = descriptions(chapter)
        cards = []
        for recipe in recipes:
            if recipe.chapter != chapter:
                continue
            file = picture(recipe, folder / "pictures")
            count += file is not None
            title_es = spanish.get(recipe.name, recipe.title)
            alt = alts.get(recipe.name) or recipe.title
            rows_of = by_recipe.get(recipe.name, [])
            link = link_to(recipe.path, folder)
            cards.append(card(recipe, title_es, file, alt, rows_of, link))
        names = english(chapter), titles.CHAPTERS_ES[chapter].capitalize()
        sections.append(SECTION.format(id=chapter, name=both(*names), cards="\n".join(cards)))
        chapters.append(BUTTON.format(id=chapter, name=both(*names), count=len(cards)))
    page = string.Template(TEMPLATE.read_text(encoding="utf8")).substitute(
        count=len(recipes), chapters="\n".join(chapters), sections="\n".join(sections)
    )
    return page, count


def english(chapter):
    """A chapter's name, as a heading."""
    words = chapter.replace("_", " ").capitalize()
    return words.replace("Cnn ", "CNN ").replace("Gans", "GANs")


SECTION = """\
<section id="{id}" aria-labelledby="{id}-name">
<h2 id="{id}-name">{name}</h2>
<div class="cards">
{cards}
</div>
</section>"""
BUTTON = (
    '<button type="button" data-chapter="{id}" aria-pressed="false">'
    "{name} <small>{count}</small></button>"
)
CARD = """\
<article data-words="{words}">
{picture}
<h3><a href="{link}"><code>{name}</code></a></h3>
<p class="title">{title}</p>
<p class="slides">{slides}</p>
{results}
<p class="command"><code>make recipe-{slug}</code></p>
</article>"""
PICTURE = '<div class="picture"><img src="pictures/{file}" alt="{alt}" loading="lazy"></div>'
TABLE = """\
<table>
<thead><tr><th>{what}</th><th>{score}</th><th>{baseline}</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>"""


def both(english, spanish):
    """A text in both languages; the page shows one of them."""
    return (
        f'<span lang="en">{html.escape(english)}</span>'
        f'<span lang="es">{html.escape(spanish)}</span>'
    )


def link_to(path, folder):
    """The link from a page in the folder to a file: a relative path if the drive is the same."""
    path, folder = path.resolve(), folder.resolve()
    if path.drive != folder.drive:
        return path.as_uri()
    return urllib.parse.quote(pathlib.Path(os.path.relpath(path, folder)).as_posix())


def card(recipe, title_es, file, alt, rows, link):
    """A recipe's card on the page."""
    shown_picture = PICTURE.format(file=file, alt=html.escape(alt)) if file else ""
    words = f"{recipe.name} {recipe.slug} {recipe.title} {title_es} {recipe.slides} {recipe.paper}"
    data = " ".join(row["data"] for row in rows)
    return CARD.format(
        words=html.escape(" ".join(f"{words} {data}".split())),
        picture=shown_picture,
        link=link,
        name=breakable(recipe.name),
        title=both(recipe.title, title_es),
        slides=re.sub(r"\b(00[0-3])\b", r"<b>\1</b>", html.escape(recipe.slides)),
        results=table(rows),
        slug=recipe.slug,
    )


def table(rows):
    """The recipe's rows of the results; those beyond the first few are collapsed."""
    if not rows:
        return ""
    lines = []
    for row in rows:
        what = [row["variant"], results.settings(row["command"]), results.metric(row)]
        cells = (" ".join(filter(None, what)), results.score(row), results.compared(row))
        lines.append(f"<tr>{''.join(f'<td>{breakable(cell)}</td>' for cell in cells)}</tr>")
    head = {
        "what": both("metric", "métrica"),
        "score": both("test score", "en test"),
        "baseline": both("baseline", "referencia"),
    }
    shown_rows = TABLE.format(rows="\n".join(lines[:ROWS]), **head)
    if len(lines) <= ROWS:
        return shown_rows
    rest = TABLE.format(rows="\n".join(lines[ROWS:]), **head)
    more = len(lines) - ROWS
    summary = both(f"{more} more", f"{more} más")
    return f"{shown_rows}\n<details><summary>{summary}</summary>\n{rest}\n</details>"


def breakable(text):
    """A text in which lines may break after underscores."""
    return html.escape(text).replace("_", "_<wbr>")


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
