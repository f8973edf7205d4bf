"""Finding recipes and reading their docstrings."""

import ast

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


def test_name_is_taken_with_dashes_underscores_or_as_a_file(made):
    made("convolution/cnn_mnist.py")
    for name in ("cnn_mnist", "cnn-mnist", "CNN-MNIST", "recipes/convolution/cnn_mnist.py"):
        assert recipe.find(name).name == "cnn_mnist"


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
    made("heads/__init__.py", "heads/_helper.py", "datasets/d.py", "tuning/t.py", "_runner/r.py", "top.py")
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


@pytest.mark.parametrize("source", ["", "import os\n", "'Single quotes.'\n", "x = '''no docstring'''\n"])
def test_files_without_the_usual_docstring(made, source):
    made("heads/a.py", source=source)
    assert recipe.find("a").title == ("Single quotes." if "Single" in source else "")
    assert not recipe.find("a").trains


def test_head_of_the_file_gives_the_same_docstring_as_the_whole():
    for found in recipe.all_recipes():
        assert found.docstring == ast.get_docstring(found.tree), found.name
