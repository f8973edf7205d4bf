"""The recipes' titles in Spanish, the slides' language: `recipes/titles.es.tsv`, one per line."""

from recipes._runner.errors import UserError
from recipes._runner.recipe import CHAPTERS, ROOT, all_recipes
from recipes.tuning import storage

PATH = ROOT / "titles.es.tsv"
HEAD = "recipe\ttitle"
CHAPTERS_ES = dict(
    zip(
        CHAPTERS,
        (
            "perceptrones",
            "capas de salida",
            "entrenamiento",
            "convolución",
            "redes convolutivas",
            "redes recurrentes",
            "atención",
            "autocodificadores",
            "redes generativas antagónicas",
            "detección y segmentación",
            "redes entrenadas",
            "otras redes",
            "aprendizaje por refuerzo",
            "hardware",
            "aplicaciones",
        ),
        strict=True,
    )
)


def read():
    """`{recipe: title}`.

    Raises:
        UserError: if a line is not a name, a tab and a title.
    """
    head, *lines = PATH.read_text(encoding="utf8").splitlines()
    found = {}
    for number, line in enumerate(lines, start=2):
        name, tab, title = line.partition("\t")
        if head != HEAD or not (name and tab and title) or name in found:
            raise UserError(f"{PATH.name}, line {number}: a recipe, a tab and its Spanish title")
        found[name] = title
    return found


def add(name, title):
    """Add the title of a new recipe."""
    titles = read() | {name: title}
    order = [recipe.name for recipe in all_recipes()]
    known = sorted(titles, key=lambda each: order.index(each) if each in order else len(order))
    lines = [HEAD, *(f"{each}\t{titles[each]}" for each in known)]
    storage.write(PATH, "\n".join(lines) + "\n")
