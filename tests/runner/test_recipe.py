"""Finding recipes and reading their docstrings."""

import ast
import pickle
import sys

import pytest

from recipes._runner import recipe
from recipes._runner.errors import UserError

SOURCE = '''\
# A comment above.
"""A title with "quotes" and a \\\\ backslash.

Slides: 001 «Una cosa», 002 «Otra
        cosa».
Paper:  Somebody (1990).
"""

def build_model():
    pass
'''


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A collection of its own: files by path below `recipes/`."""
    monkeypatch.setattr(recipe, "ROOT", tmp_path)

    def make(*paths, source=SOURCE):
        for path in paths:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(source, encoding="utf8")

    return make


def test_name_is_taken_with_dashes_underscores_or_as_a_file(made, tmp_path, monkeypatch):
    made("convolution/cnn_mnist.py")
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "convolution" / "cnn_mnist.py"
    for name in ("cnn_mnist", "cnn-mnist", "CNN-MNIST", "convolution/cnn_mnist.py", str(file)):
        assert recipe.find(name) == recipe.Recipe("cnn_mnist", "convolution", file)


OWN = (
    SOURCE
    + """
EPOCHS = 3

def load_data():
    pass

class Thing:
    pass
"""
)


@pytest.fixture
def mine(tmp_path_factory, monkeypatch):
    """A folder of the user's, in which one is; what is imported from it is forgotten afterwards."""
    folder = tmp_path_factory.mktemp("mine")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_path_is_that_file_whatever_the_collection_holds(made, mine):
    made("convolution/cnn_mnist.py", "convolution/lenet.py")
    (mine / "cnn_mnist.py").write_text(OWN + "WHOSE = 'mine'\n", encoding="utf8")
    for name in (
        "cnn_mnist.py",
        "./cnn_mnist.py",
        f"../{mine.name}/cnn_mnist.py",
        str(mine / "cnn_mnist.py"),
    ):
        found = recipe.find(name)
        assert found.path == mine / "cnn_mnist.py"
        assert found.typed == str(mine / "cnn_mnist.py")
        assert found.module.WHOSE == "mine"
    assert found.folder_name == f"{mine.name}_cnn_mnist", "not where the collection's results lie"
    assert recipe.find("cnn_mnist").folder_name == "cnn_mnist"
    for name in (
        "lenet.py",
        "./lenet.py",
        "recipes/convolution/lenet.py",
        "gone/cnn_mnist.py",
        "convolution/lenet",
    ):
        with pytest.raises(UserError, match="does not exist"):
            recipe.find(name)
    with pytest.raises(UserError, match="is a folder"):
        recipe.find("./")


def test_a_file_is_imported_under_its_stem_so_that_what_it_defines_is_found_again(made, mine):
    (mine / "beside.py").write_text("VALUE = 7\n")
    (mine / "my_own.py").write_text(OWN + "from beside import VALUE\n", encoding="utf8")
    module = recipe.find("./my_own.py").module
    assert module.__name__ == "my_own"
    assert module.VALUE == 7
    assert isinstance(pickle.loads(pickle.dumps(module.Thing())), module.Thing)
    assert recipe.load(str(mine / "my_own.py")) is module
    assert recipe.find("./my_own.py").module is module
    assert recipe.load("recipes._runner.recipe") is recipe


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("half.py", "def build_model(:\n", "is no Python file"),
        ("binary.py", b"\xff\xfe\x00", "is no Python file"),
        ("other.py", "x = 1\n", "it lacks main"),
        ("short.py", "def build_model(): pass\n", "it lacks EPOCHS, load_data"),
        ("json.py", OWN, "json is another module's name"),
        (
            "lost.py",
            OWN + "\nimport nothing_of_that_name\n",
            r"lost.py, line \d+: ModuleNotFoundError",
        ),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_in_one_line(name, source, said, made, mine):
    (mine / name).write_bytes(source if isinstance(source, bytes) else source.encode())
    with pytest.raises(UserError, match=said) as refused:
        _ = recipe.find(f"./{name}").module
    assert "\n" not in str(refused.value)
    assert "lost" not in sys.modules


def test_unknown_name_is_answered_with_near_ones(made):
    made("convolution/cnn_mnist.py", "heads/regression.py")
    with pytest.raises(UserError, match=r"'cnn-mnits'; did you mean cnn_mnist\?"):
        recipe.find("cnn-mnits")
    with pytest.raises(UserError, match=r"'regr'; did you mean regression\?"):
        recipe.find("regr")
    with pytest.raises(UserError, match="`make list`"):
        recipe.find("qqq")


def test_recipes_are_in_the_order_of_the_chapters_and_nothing_else_is_one(made):
    made("heads/z.py", "heads/a.py", "perceptrons/x.py", "hardware/b.py", "added_later/c.py")
    made(
        "heads/__init__.py",
        "heads/_helper.py",
        "datasets/d.py",
        "tuning/t.py",
        "_runner/r.py",
        "top.py",
    )
    assert [found.name for found in recipe.all_recipes()] == ["x", "a", "z", "b", "c"]


def test_docstring_and_its_fields(made):
    made("heads/a.py")
    found = recipe.find("a")
    assert found.title == 'A title with "quotes" and a \\ backslash.'
    assert found.slides == "001 «Una cosa», 002 «Otra cosa»."
    assert found.paper == "Somebody (1990)."
    assert found.field("Departs from both") == ""
    assert found.trains


def test_docstring_is_read_even_if_the_code_below_does_not_parse(made):
    made("heads/a.py", source='"""Half written."""\n\ndef build_model(:\n')
    assert recipe.find("a").title == "Half written."


@pytest.mark.parametrize(
    "source", ["", "import os\n", "'Single quotes.'\n", "x = '''no docstring'''\n"]
)
def test_files_without_the_usual_docstring(made, source):
    made("heads/a.py", source=source)
    assert recipe.find("a").title == ("Single quotes." if "Single" in source else "")
    assert not recipe.find("a").trains


def test_head_of_the_file_gives_the_same_docstring_as_the_whole():
    for found in recipe.all_recipes():
        assert found.docstring == ast.get_docstring(found.tree), found.name
