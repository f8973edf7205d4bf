"""`python -m recipes list [WORD …]`: what there is, read from the files without importing one of them."""

import difflib
import os
import re
import shutil
import sys
import textwrap
import unicodedata

from recipes._runner import results
from recipes._runner.errors import UserError
from recipes._runner.recipe import all_recipes

# "I have X, which recipe?": what one may ask for, and what else shows that a recipe is about it.
TASKS = (
    ("image, photo, photograph, picture, imagen, imagenes, foto", "mnist, fashion mnist, cifar10, cifar100, pixel"),
    ("text, sentence, document, comment, texto", "imdb reviews, goemotions, review, translation, character"),
    ("table, tabular, csv, spreadsheet, tabla", "california housing, column, features of"),
    ("series, time series, sequence, sensor, signal, serie, secuencia", "cmapss, cycles, weather, electricity"),
    ("audio, sound, speech, voice, music, sonido, voz", "spoken, wav"),
    ("video, film, clip", ""),
    ("regression, price, regresion, precio", "mean squared error, remaining life, engine health"),
    ("classification, multiclass, multi class, class, clasificacion, clase", "class probabilities, softmax, sentiment"),
    ("binary, yes no, two classes, binaria", "sentiment, cats against dogs, cats or dogs"),
    ("multi label, multilabel, several labels, tag, etiqueta", "goemotions, any number of"),
    ("unlabelled, unlabeled, unsupervised, anomaly, anomalia", "autoencoder, cluster, clustering"),
    ("generate, generation, generative, generar", "gan, vae, diffusion"),
    ("detection, object, box, deteccion, objeto", "yolo, localization"),
    ("segmentation, mask, segmentacion", "unet, per pixel"),
    ("reinforcement, game, agent, control, juego", "reward, q learning, dqn"),
)
# A classifier, for all its name.
NOT_MEANT = "logistic regression"
# By pattern: to parse the whole of every file would take seconds once there are hundreds.
SAID_BY_FUNCTIONS = re.compile(r'^def (?:load_data|build_model)\(.*?\n    """(.*?)"""', re.DOTALL | re.MULTILINE)


def add_arguments(parser):
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="only recipes about all of these: data or a task (text, image, table, regression, multi-label …), "
        "a data set, or a word of the title, the docstring or a slide's heading",
    )


def main(options):
    recipes = all_recipes()
    found = recipes
    for word in options.words:
        found = about(word, found)
    if not found:
        raise UserError(nothing_found(options.words, recipes))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    try:
        print(listing(found, results.read(), width), flush=True)
    except BrokenPipeError:  # `make list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def listing(recipes, rows=(), width=None):
    """The recipes by chapter; `width` is the terminal's, None for one plain line each."""
    measured = {row["recipe"]: row for row in reversed(rows)}  # a recipe's first row is that of its defaults
    indent = max(len(recipe.slug) for recipe in recipes) + 4
    lines = []
    chapter = None
    for recipe in recipes:
        if recipe.chapter != chapter:
            chapter = recipe.chapter
            heading = chapter.replace("_", " ")
            lines += ["", f"\033[1m{heading}\033[0m" if width else heading]
        row = measured.get(recipe.name, {"seconds": "", "data": ""})
        facts = ", ".join(filter(None, [results.duration(row["seconds"]), row["data"]]))
        line = f"  {recipe.slug}".ljust(indent) + recipe.title + (f" [{facts}]" if facts else "")
        if width:
            line = textwrap.fill(line, max(width, indent + 30), subsequent_indent=" " * indent, drop_whitespace=True)
        lines.append(line)
    slugs = [recipe.slug for recipe in recipes]
    example = "cnn-mnist" if "cnn-mnist" in slugs else slugs[0]
    lines += ["", f"Run one:   make recipe-{example}", f"Take one:  make copy-{example} TO=../mine"]
    return "\n".join(lines[1:])


def normal(text):
    """Words only, in lower case, without accents, in the singular, with a space before and after each."""
    text = unicodedata.normalize("NFKD", text.lower())
    text = "".join(character for character in text if not unicodedata.combining(character))
    return " " + " ".join(singular(word) for word in re.findall(r"[^\W_]+", text)) + " "


def singular(word):
    """The word without a plural's ending; right for what it is compared with having lost its own alike."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def terms(words):
    return [normal(term) for term in words.split(",") if term.strip()]


def evidence(recipe):
    """Where a recipe says what goes in and what comes out: title, name, data sets, two functions' docstrings."""
    said = [recipe.title, recipe.name, *data_sets(recipe), *SAID_BY_FUNCTIONS.findall(recipe.source)]
    return normal("\n".join(said)).replace(normal(NOT_MEANT), " ")


def data_sets(recipe):
    return re.findall(r'\btfds\.load\(\s*"([^"]+)"', recipe.source)


def about(word, recipes):
    """Those of the recipes that are about the word.

    A word of `TASKS` is looked for, with what shows the same, where recipes say what goes in and what comes out, and
    in the slides' headings: in the prose "text" or "image" may mean anything. Any other word is looked for everywhere,
    as a whole word first, and if that finds nothing as the beginning of one.
    """
    asked = normal(word)
    if not asked.strip():
        return []
    evident = [term for ask, show in TASKS if asked in terms(ask) for term in terms(ask) + terms(show)]
    if evident:
        pattern = re.compile("|".join(map(re.escape, evident)))
        return [recipe for recipe in recipes if asked in normal(recipe.slides) or pattern.search(evidence(recipe))]
    texts = {r: normal(" ".join([r.name, r.chapter, r.docstring, *data_sets(r)])) for r in recipes}
    return [r for r in recipes if asked in texts[r]] or [r for r in recipes if asked.rstrip() in texts[r]]


def nothing_found(words, recipes):
    """One line: what could be asked instead, of what would be found."""
    if not words:
        return "there are no recipes here"
    tasks = [ask.partition(",")[0] for ask, _ in TASKS if about(ask.partition(",")[0], recipes)]
    known = {*tasks, *(recipe.slug for recipe in recipes)}.union(*map(data_sets, recipes))
    near = difflib.get_close_matches(" ".join(words).lower(), sorted(known), n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    asked = " and ".join(words)
    return f"no recipe is about {asked}; {hint}Ask for {', '.join(tasks)}, a data set, or a word of a title or heading"
