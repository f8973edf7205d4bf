"""Finding and reading recipes without importing them: no Keras, no NumPy, no code is run."""

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
OTHER_FOLDERS = ("common", "datasets", "tuning")  # folders of `recipes/` without recipes
DOCSTRING = re.compile(r'\s*(?:#[^\n]*\n\s*)*[rR]?"""(?:[^"\\]|\\.|"(?!""))*"""', re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A file in `recipes/<chapter>/`, or a user's recipe anywhere.

    Args:
        name: The slug with underscores, `cnn_mnist`; for a user's file, its stem.
        chapter: Its folder; None for a user's file.
        path: Its file.
    """

    name: str
    chapter: str | None
    path: pathlib.Path

    @property
    def slug(self):
        """The name for `make`: `cnn-mnist`."""
        return self.name.replace("_", "-")

    @functools.cached_property
    def source(self):
        return self.path.read_text(encoding="utf8")

    @functools.cached_property
    def tree(self):
        return ast.parse(self.source, filename=str(self.path))

    @functools.cached_property
    def docstring(self):
        """The docstring. Only the head of the file is parsed, since `list` reads hundreds."""
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
        """The docstring's field `Slides:`."""
        return self.field("Slides")

    @property
    def paper(self):
        """The docstring's field `Paper:`."""
        return self.field("Paper")

    def field(self, name):
        """The text after `name:` in the docstring, with indented continuation lines, or ""."""
        found = re.search(
            rf"^{re.escape(name)}:[ \t]*(.*(?:\n[ \t]+\S.*)*)", self.docstring, re.MULTILINE
        )
        return " ".join(found.group(1).split()) if found else ""

    @functools.cached_property
    def functions(self):
        """The names of the file's top-level functions."""
        return frozenset(node.name for node in self.tree.body if isinstance(node, ast.FunctionDef))

    @property
    def trains(self):
        """Whether the recipe trains a network, instead of only computing and showing something."""
        return "build_model" in self.functions

    @property
    def typed(self):
        """The argument of `python -m recipes run` for this recipe, in any working directory."""
        return self.name if self.chapter else str(self.path)

    @property
    def folder_name(self):
        """Its name in `saved_models/`, where a user's `cnn_mnist.py` must not replace ours."""
        taken = not self.chapter and any(recipe.name == self.name for recipe in all_recipes())
        return f"{self.path.parent.name}_{self.name}" if taken else self.name

    @property
    def module(self):
        """The recipe, imported.

        Raises:
            UserError: if a user's file cannot be imported, or not under its name.
        """
        if self.chapter:
            return importlib.import_module(f"recipes.{self.chapter}.{self.name}")
        return load_file(self.path)

    @property
    def figures_path(self):
        """The file that draws the recipe's pictures, or the recipe itself if there is none."""
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
        """The docstring of `figures` on the recipe's pictures; "" if there is none."""
        path = self.figures_path if self.figures_path.exists() else self.path
        for node in ast.parse(path.read_text(encoding="utf8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == "figures":
                return " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
        return ""


def all_recipes():
    """All recipes, by chapter in the slides' order, then by name."""

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
    """The recipe named `cnn_mnist` or `cnn-mnist`, or the one in a file such as `./mine.py`.

    Raises:
        UserError: if there is none, with similar names. A path is never taken as a name.
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
    """The recipe in a file, one of the collection or the user's."""
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
    """The module of a user's file, imported under its stem, with its folder first on `sys.path`.

    Registered classes and pickled objects are found again under that name.

    Raises:
        UserError: if another module has the name, or importing the file fails.
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
    """The module of a dotted name or of a file `PATH.py`, as passed between processes."""
    return load_file(name) if name.endswith(".py") else importlib.import_module(name)
