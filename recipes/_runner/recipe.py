"""Finding recipes and reading them without importing them: no Keras, no NumPy, no running of their code."""

import ast
import dataclasses
import difflib
import functools
import importlib
import pathlib
import re

from recipes._runner.errors import UserError

ROOT = pathlib.Path(__file__).resolve().parents[1]
CHAPTERS = (
    "perceptrons",
    "heads",
    "training",
    "convolution",
    "cnn_architectures",
    "recurrent",
    "attention",
    "autoencoders",
    "gans",
    "detection_and_segmentation",
    "trained_networks",
    "other_networks",
    "reinforcement_learning",
    "hardware",
    "applications",
)
OTHER_FOLDERS = ("common", "datasets", "tuning")  # of `recipes/`, that hold no recipes
DOCSTRING = re.compile(r'\s*(?:#[^\n]*\n\s*)*[rR]?"""(?:[^"\\]|\\.|"(?!""))*"""', re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One file of `recipes/<chapter>/`.

    Args:
        name: The slug, with underscores: `cnn_mnist`.
        chapter: The folder it lies in.
        path: Its file.
    """

    name: str
    chapter: str
    path: pathlib.Path

    @property
    def slug(self):
        """The name as `make` takes it: `cnn-mnist`."""
        return self.name.replace("_", "-")

    @functools.cached_property
    def source(self):
        return self.path.read_text(encoding="utf8")

    @functools.cached_property
    def tree(self):
        return ast.parse(self.source, filename=str(self.path))

    @functools.cached_property
    def docstring(self):
        """The module's docstring. Only the file's head is parsed: `list` reads hundreds of files."""
        head = DOCSTRING.match(self.source)
        return ast.get_docstring(ast.parse(head.group().lstrip())) or "" if head else ast.get_docstring(self.tree) or ""

    @property
    def title(self):
        return self.docstring.partition("\n")[0].strip()

    @property
    def slides(self):
        """What the docstring says after `Slides:`."""
        return self.field("Slides")

    @property
    def paper(self):
        """What the docstring says after `Paper:`."""
        return self.field("Paper")

    def field(self, name):
        """The text after `name:` in the docstring, its indented continuation lines included; else ""."""
        found = re.search(rf"^{re.escape(name)}:[ \t]*(.*(?:\n[ \t]+\S.*)*)", self.docstring, re.MULTILINE)
        return " ".join(found.group(1).split()) if found else ""

    @functools.cached_property
    def functions(self):
        """The names of the functions on the file's top level."""
        return frozenset(node.name for node in self.tree.body if isinstance(node, ast.FunctionDef))

    @property
    def trains(self):
        """Whether there is a network to train, not only something to compute and show."""
        return "build_model" in self.functions

    @property
    def module(self):
        """The recipe, imported."""
        return importlib.import_module(f"recipes.{self.chapter}.{self.name}")

    @property
    def figures_path(self):
        """The file that draws the recipe's pictures; those that have none draw them in the recipe itself."""
        return self.path.parent / "figures" / self.path.name

    @property
    def figures(self):
        """The function that draws the recipe's own pictures, or None."""
        module = self.module
        if self.chapter and self.figures_path.exists():
            module = importlib.import_module(f"recipes.{self.chapter}.figures.{self.name}")
        return getattr(module, "figures", None)

    @property
    def figures_summary(self):
        """What the docstring of `figures` says the recipe's own pictures show; "" where there is none."""
        path = self.figures_path if self.figures_path.exists() else self.path
        for node in ast.parse(path.read_text(encoding="utf8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == "figures":
                return " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
        return ""


def all_recipes():
    """Every recipe, by chapter in the slides' order, then by name."""

    def order(recipe):
        known = recipe.chapter in CHAPTERS
        return (CHAPTERS.index(recipe.chapter) if known else len(CHAPTERS), recipe.chapter, recipe.name)

    paths = (path for path in ROOT.glob("[!_]*/[!_]*.py") if path.parent.name not in OTHER_FOLDERS)
    return sorted((Recipe(path.stem, path.parent.name, path) for path in paths), key=order)


def find(name):
    """The recipe called `name`: `cnn_mnist` or `cnn-mnist`.

    Raises:
        UserError: if there is none; it says the nearest names.
    """
    recipes = {recipe.name: recipe for recipe in all_recipes()}
    wanted = name.rpartition("/")[2].removesuffix(".py").replace("-", "_").lower()
    if wanted in recipes:
        return recipes[wanted]
    near = difflib.get_close_matches(wanted, recipes, n=3) or [known for known in recipes if wanted in known][:3]
    hint = f"did you mean {' or '.join(near)}?" if near else "`make list` shows them all"
    raise UserError(f"no recipe is called {name!r}; {hint}")
