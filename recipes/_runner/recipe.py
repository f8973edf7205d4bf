"""Finding recipes and reading them without importing them: no Keras, no NumPy, no code is run."""

import ast
import dataclasses
import difflib
import functools
import importlib
import importlib.util
import pathlib
import re
import sys
import traceback

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
    """One file of `recipes/<chapter>/`, or a recipe of the user's own, anywhere.

    Args:
        name: The slug, with underscores: `cnn_mnist`; of a file of the user's, its stem.
        chapter: The folder it lies in; None for a file of the user's.
        path: Its file.
    """

    name: str
    chapter: str | None
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
        """The docstring. Only the file's head is parsed, since `list` reads hundreds of files."""
        head = DOCSTRING.match(self.source)
        return (
            ast.get_docstring(ast.parse(head.group().lstrip())) or ""
            if head
            else ast.get_docstring(self.tree) or ""
        )

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
        """The text after `name:` in the docstring, with indented continuation lines; else ""."""
        found = re.search(
            rf"^{re.escape(name)}:[ \t]*(.*(?:\n[ \t]+\S.*)*)", self.docstring, re.MULTILINE
        )
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
    def typed(self):
        """What to type after `python -m recipes run` to mean this recipe, wherever one is."""
        return self.name if self.chapter else str(self.path)

    @property
    def folder_name(self):
        """Its name in `saved_models/`: a user's `mine/cnn_mnist.py` spares the collection's."""
        taken = not self.chapter and any(recipe.name == self.name for recipe in all_recipes())
        return f"{self.path.parent.name}_{self.name}" if taken else self.name

    @property
    def module(self):
        """The recipe, imported.

        Raises:
            UserError: if a file of the user's cannot be imported, or not under its name.
        """
        if self.chapter:
            return importlib.import_module(f"recipes.{self.chapter}.{self.name}")
        return load_file(self.path)

    @property
    def figures_path(self):
        """The file that draws the recipe's pictures; without one, the recipe itself draws them."""
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
        """What the docstring of `figures` says of the recipe's pictures; "" where there is none."""
        path = self.figures_path if self.figures_path.exists() else self.path
        for node in ast.parse(path.read_text(encoding="utf8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == "figures":
                return " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
        return ""


def all_recipes():
    """Every recipe, by chapter in the slides' order, then by name."""

    def order(recipe):
        known = recipe.chapter in CHAPTERS
        return (
            CHAPTERS.index(recipe.chapter) if known else len(CHAPTERS),
            recipe.chapter,
            recipe.name,
        )

    paths = (path for path in ROOT.glob("[!_]*/[!_]*.py") if path.parent.name not in OTHER_FOLDERS)
    return sorted((Recipe(path.stem, path.parent.name, path) for path in paths), key=order)


def find(name):
    """The recipe called `name`: `cnn_mnist` or `cnn-mnist`; or the file of a path like `./mine.py`.

    Raises:
        UserError: if there is none; it says the nearest names. A path is never taken for a name.
    """
    if name.endswith(".py") or "/" in name:
        return find_file(name)
    recipes = {recipe.name: recipe for recipe in all_recipes()}
    wanted = name.replace("-", "_").lower()
    if wanted in recipes:
        return recipes[wanted]
    near = difflib.get_close_matches(wanted, recipes, n=3)
    near = near or [known for known in recipes if wanted and wanted in known][:3]
    hint = f"did you mean {' or '.join(near)}?" if near else "`make list` shows them all"
    raise UserError(f"no recipe is called {name!r}; {hint}")


def find_file(name):
    """The recipe in a file: one of the collection, or one of the user's own."""
    path = pathlib.Path(name).resolve()
    if not path.is_file():
        why = "is a folder" if path.is_dir() else "does not exist"
        raise UserError(f"{name} {why}; give a recipe's name (`make list`) or a Python file")
    for recipe in all_recipes():
        if recipe.path.resolve() == path:
            return recipe
    recipe = Recipe(path.stem, None, path)
    try:
        defined = recipe.functions | {
            target.id
            for node in recipe.tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
    except OSError as error:
        raise UserError(f"{name} cannot be read: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:  # ValueError: not UTF-8, or null bytes
        raise UserError(f"{name} is no Python file: {error}") from None
    needed = ("EPOCHS", "load_data", "build_model") if recipe.trains else ("main",)
    lacking = [needs for needs in needed if needs not in defined]
    if lacking:
        raise UserError(
            f"{name} is no recipe: it lacks {', '.join(lacking)}; "
            "`make copy-cnn-mnist TO=../mine` gives one to start from"
        )
    return recipe


def load_file(path):
    """The module in a user's file, imported under its stem, its folder in front as for a script.

    A class that it registers, or what was pickled, is found again under that name.

    Raises:
        UserError: if the name is another module's, or importing the file fails.
    """
    path = pathlib.Path(path)
    name, folder = path.stem, str(path.parent)
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    if known is not None:
        raise UserError(f"{path}: {name} is another module's name; rename the file")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        own = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == str(path)
        ]
        line = f", line {own[-1].lineno}" if own else ""
        raise UserError(f"{path}{line}: {type(error).__name__}: {error}") from error
    return module


def load(name):
    """The module of a dotted name or of a file `PATH.py`, as one process tells another."""
    return load_file(name) if name.endswith(".py") else importlib.import_module(name)
