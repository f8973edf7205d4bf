"""`python -m recipes list [WORD …]`: list or search recipes, read without importing them."""

import ast
import difflib
import functools
import os
import re
import shutil
import sys
import textwrap

from recipes._runner import results, slides, titles
from recipes._runner.errors import UserError
from recipes._runner.recipe import all_recipes
from recipes._runner.vocabulary import STOP_WORDS, TASKS, TECHNIQUES, normal, phrases, words

# A classifier, despite its name.
NOT_MEANT = "logistic regression"
# Found by a pattern: parsing every file would take seconds with hundreds of recipes.
VARIANTS = re.compile(r"^VARIANTS\b.*?(?=^[^\s\])}])", re.MULTILINE | re.DOTALL)
SAID_BY_FUNCTIONS = re.compile(
    r'^def (?:load_data|build_model)\(.*?\n    """(.*?)"""', re.DOTALL | re.MULTILINE
)
# The relevance of a match, by where it is found.
WEIGHTS = {
    "name": 12,
    "title": 8,
    "slides": 6,
    "spanish": 6,
    "inputs": 4,
    "docstring": 2,
    "code": 1,
}
# The hints below a list of recipes.
ENGLISH = ("Run one: ", "Take one:")
SPANISH = ("Ejecutar una:", "Llevarse una:")


def add_arguments(parser):
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="only recipes about all of these: data or a task (text, image, table, regression, "
        "multi-label …), a technique (dropout, beam search, atención …), a data set, or a word of "
        "the title, the docstring or a slide's heading",
    )
    parser.add_argument(
        "--es",
        action="store_true",
        default=is_spanish(os.environ),
        help="titles in Spanish; without it where the language of messages is Spanish",
    )


def is_spanish(environment):
    """Whether the locale variables select Spanish messages."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return environment[name].lower().startswith("es")
    return False


def main(options):
    recipes = all_recipes()
    question = " ".join(options.words)
    found = search(question, recipes) if options.words else recipes
    if not found:
        raise UserError(nothing_found(question, recipes))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    try:
        lines = listing(found, results.read(), width, not options.words, options.es)
        print(lines, flush=True)
    except BrokenPipeError:  # `make list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def listing(recipes, rows=(), width=None, by_chapter=True, es=False):
    """The list of recipes as text; `width` is the terminal's, None for one plain line each."""
    in_spanish = titles.read() if es else {}
    indent = max(len(recipe.slug) for recipe in recipes) + 4
    lines = []
    chapter = None
    for recipe in recipes:
        if by_chapter and recipe.chapter != chapter:
            chapter = recipe.chapter
            heading = titles.CHAPTERS_ES[chapter] if es else chapter.replace("_", " ")
            lines += ["", f"\033[1m{heading}\033[0m" if width else heading]
        measured = [row for row in rows if row["recipe"] == recipe.name]
        data = measured[0]["data"] if measured else ""
        facts = ", ".join(filter(None, [results.duration(seconds(measured, recipe.source)), data]))
        title = in_spanish.get(recipe.name, recipe.title)
        line = f"  {recipe.slug}".ljust(indent) + title + (f" [{facts}]" if facts else "")
        if width:
            line = textwrap.fill(
                line, max(width, indent + 30), subsequent_indent=" " * indent, drop_whitespace=True
            )
        lines.append(line)
    slugs = [recipe.slug for recipe in recipes]
    example = "cnn-mnist" if by_chapter and "cnn-mnist" in slugs else slugs[0]
    run, take = SPANISH if es else ENGLISH
    lines += ["", f"{run}  make recipe-{example}", f"{take}  make copy-{example} TO=../mine"]
    return "\n".join(lines).strip("\n")


def seconds(rows, source):
    """The training time of all variants of a recipe without options; None if unknown.

    A variant has several rows if several metrics were measured; rows with other settings
    (`--epochs 8`) are different experiments.

    Args:
        rows: The recipe's rows in the table of results.
        source: The recipe's source, which lists the variants.
    """
    by_variant = {}
    for row in rows:
        if row["seconds"] and not results.settings(row["command"]):
            by_variant.setdefault(row["variant"], float(row["seconds"]))
    if len(by_variant) < len(variants(source)):
        return None  # not all of them have been measured
    return sum(by_variant.values()) or None


def variants(source):
    """The names in a recipe's `VARIANTS`; none if it is not a literal."""
    found = VARIANTS.search(source)
    value = ast.parse(found.group()).body[0].value if found else None
    return [ast.literal_eval(key) for key in value.keys] if isinstance(value, ast.Dict) else []


class Texts:
    """The normalized texts of a recipe, by place."""

    def __init__(self, recipe):
        self.source = recipe.source
        data = " ".join(data_sets(recipe))
        functions = "\n".join(SAID_BY_FUNCTIONS.findall(recipe.source))
        title = f"{recipe.name} {recipe.title}"
        self.places = {
            "name": normal(recipe.name),
            "title": normal(title),
            "slides": normal(recipe.slides),
            "spanish": normal(spanish_titles().get(recipe.name, "")),
            "inputs": normal(f"{title} {data} {functions}").replace(normal(NOT_MEANT), " "),
            "docstring": normal(f"{recipe.name} {recipe.chapter} {recipe.docstring} {data}"),
        }


@functools.cache
def spanish_titles():
    return titles.read()


@functools.cache
def texts_of(recipe):
    return Texts(recipe)


def data_sets(recipe):
    return re.findall(r'\btfds\.load\(\s*"([^"]+)"', recipe.source)


class Wanted:
    """A search term: a word, or the phrases of a task or technique.

    Args:
        asked: Normalized phrases for the term itself.
        shown: Normalized phrases that also indicate that a recipe is about it.
        code: Strings in the source that indicate it.
        places: Places to search.
    """

    def __init__(self, asked, shown=(), code=(), places=tuple(WEIGHTS)):
        self.asked = asked
        self.shown = shown
        self.code = code
        self.places = places

    def score(self, texts, beginnings=False):
        """The relevance of the texts; 0: no match."""
        score = 0
        for place, text in texts.places.items():
            if place not in self.places:
                continue
            if any((asked.rstrip() if beginnings else asked) in text for asked in self.asked):
                score += 2 * WEIGHTS[place]
            elif any(shown in text for shown in self.shown):
                score += WEIGHTS[place]
        if not score and any(code in texts.source for code in self.code):
            score = WEIGHTS["code"]
        return score

    def in_heading(self, heading):
        return any(phrase in heading for phrase in (*self.asked, *self.shown))


@functools.cache
def known():
    """Tasks and techniques by each of their phrases."""
    found = {}
    for asked, shown, code in TECHNIQUES:
        code = [each.strip() for each in code.split(",") if each.strip()]
        wanted = Wanted(phrases(asked), phrases(shown), code)
        found |= dict.fromkeys(wanted.asked, wanted)
    for asked, shown in TASKS:
        wanted = Wanted(phrases(asked), phrases(shown), places=("title", "slides", "inputs"))
        found |= dict.fromkeys(wanted.asked, wanted)
    return found


def understood(question):
    """The search terms of a query: the longest known phrases first, then single words.

    Stop words count only within a phrase, or if there is nothing else.
    """
    rest = words(question)
    wanted = []
    while rest:
        for length in range(len(rest), 0, -1):
            phrase = normal(" ".join(rest[:length]))
            if phrase in known():
                wanted.append(known()[phrase])
                break
        else:
            if rest[0] not in STOP_WORDS:
                wanted.append(Wanted([normal(rest[0])]))
            length = 1
        rest = rest[length:]
    return wanted or [Wanted([normal(word)]) for word in words(question)]


def search(question, recipes):
    """The recipes that match all terms, the best match first.

    Words match whole words, inflected or not; if no recipe has them, they match as prefixes.
    """
    wanted = understood(question)
    if not wanted:
        return []
    texts = [texts_of(recipe) for recipe in recipes]
    for beginnings in (False, True):
        scores = []
        for number, text in enumerate(texts):
            each = [one.score(text, beginnings) for one in wanted]
            if all(each):
                whole = any(normal(question) in place for place in text.places.values())
                scores.append((-sum(each) - 2 * whole, number))
        if scores:
            return [recipes[number] for _, number in sorted(scores)]
    return []


def search_planned(question):
    """Names of the planned recipes that match all terms."""
    wanted = understood(question)
    names = []
    for name, headings in slides.planned(slides.items()).items():
        heading = normal(f"{name} {headings}")
        if all(one.in_heading(heading) for one in wanted):
            names.append(name)
    return names if wanted else []


def nothing_found(question, recipes):
    """One line: matching planned recipes, or similar words that would match."""
    if not recipes:
        return "there are no recipes here"
    if planned := search_planned(question):
        more = f" and {len(planned) - 4} more" if len(planned) > 4 else ""
        names = ", ".join(planned[:4]) + more
        return f"no recipe is about {question} yet; planned: {names} (see recipes/SLIDES.md)"
    tasks = [asked.partition(",")[0] for asked, _ in TASKS]
    tasks = [task for task in tasks if search(task, recipes)]
    names = {*tasks, *(recipe.slug for recipe in recipes)}.union(*map(data_sets, recipes))
    near = difflib.get_close_matches(question.lower(), sorted(names), n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return (
        f"no recipe is about {question}; {hint}Ask for {', '.join(tasks[:8])}, a technique, "
        "a data set, or a word of a title or heading"
    )
