"""`python -m recipes notebook`: the recipe's code in cells, words as text, outputs it has made."""

import ast
import json
import sys

import pytest

from recipes._runner import cli, notebook_cells, notebook_command
from recipes._runner.recipe import Recipe, all_recipes, find
from tests.selection import parameters

SOURCE = '''"""A title.

Slides: 001 «Una», 002
        «Otra».
Departs from the slides: in one
way and another.

A paragraph with
two lines.
"""

import keras
import numpy as np  # noqa

EPOCHS = 2
# What is compared.
VARIANTS = {
    "a": {},
}


def load_data(size=3):
    """Three sets.

    Args:
        size: How many,
            of each.
        *more: Other things.

    Returns:
        Sets.
    """
    # This stays.
    return size


# Said above.
@decorated
class Net(keras.Model):
    """A network."""

    def call(self, x):
        """Inside."""
        return x


def nothing():
    """Only words."""


def main():
    """All of it."""
    # First of all.
    keras.utils.set_random_seed(0)
    for name, arguments in VARIANTS.items():
        model = build_model(**arguments)
        model.fit(
            train
        )

        # Once.
        model.evaluate()
    print("end")

    # At last.
    done()


if __name__ == "__main__":
    main()
'''
FIGURES = '''"""The pictures of mine.

More words.
"""

import numpy as np

from recipes.heads import mine as recipe
from recipes.heads.mine import (
    A,
    B,
)
from recipes.common import plots


def figures(models, test, histories):
    """What one sees."""
    return {"one": recipe.draw(A)}
'''


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "heads" / "mine.py"
    path.parent.mkdir()
    path.write_text(SOURCE, encoding="utf8")
    recipe = Recipe("mine", "heads", path)
    recipe.figures_path.parent.mkdir()
    recipe.figures_path.write_text(FIGURES, encoding="utf8")
    return recipe


def test_cells_are_the_words_and_the_code_in_their_order(mine):
    cells = [(cell.kind, cell.source) for cell in notebook_cells.cells(mine)]
    assert cells == [
        ("text", "# A title.\n\n- **Slides:** 001 «Una», 002 «Otra».\n"
         "- **Departs from the slides:** in one way and another.\n\n"
         "A paragraph with\ntwo lines.\n\n"
         "Made from `recipes/heads/mine.py` by `make notebook-mine`."),
        ("code", "import keras\nimport numpy as np  # noqa"),
        ("code", "EPOCHS = 2"),
        ("text", "What is compared."),
        ("code", 'VARIANTS = {\n    "a": {},\n}'),
        ("text", "## `load_data`\n\nThree sets.\n\n**Args**\n\n"
         "- `size`: How many, of each.\n- `*more`: Other things.\n\n**Returns**\n\nSets."),
        ("code", "def load_data(size=3):\n    # This stays.\n    return size"),
        ("text", "## `Net`\n\nSaid above.\n\nA network."),
        ("code", "@decorated\nclass Net(keras.Model):\n    def call(self, x):\n"
         '        """Inside."""\n        return x'),
        ("text", "## `nothing`\n\nOnly words."),
        ("code", 'def nothing():\n    """Only words."""'),
        ("text", "## Train and test\n\nAll of it."),
        ("text", "First of all."),
        ("code", "keras.utils.set_random_seed(0)\nmodels = {}\nhistories = {}\n"
         "for name, arguments in VARIANTS.items():\n"
         "    model = build_model(**arguments)\n    model.fit(\n        train\n    )\n"
         "    histories[name] = model.history.history\n\n"
         "    # Once.\n    model.evaluate()\n    models[name] = model"),
        ("code", 'print("end")'),
        ("text", "At last."),
        ("code", "done()"),
        ("text", "## Pictures\n\nThe pictures of mine.\n\nMore words."),
        ("code", "import numpy as np\n\nimport __main__ as recipe  # this notebook\n"
         "from recipes.common import plots\n\n\ndef figures(models, test, histories):\n"
         '    """What one sees."""\n    return {"one": recipe.draw(A)}'),
        ("code", "drawn = figures(models, test, histories)"),
    ]  # fmt: skip


def bare(tree):
    """The statements of a module without docstrings of what it defines, `main`, and its call."""
    kept = []
    for node in tree.body:
        if notebook_cells.is_docstring(node) or notebook_cells.is_call_of_main(node):
            continue
        if getattr(node, "name", "") == "main":
            continue
        body = getattr(node, "body", [])
        if len(body) > 1 and notebook_cells.is_docstring(body[0]):
            del body[0]
        kept.append(ast.unparse(node))
    return kept


@pytest.mark.parametrize("recipe", parameters(all_recipes()))
def test_code_of_each_recipe_is_all_there_and_nothing_else(recipe):
    cells = notebook_cells.cells(recipe)
    first = next(
        n for n, cell in enumerate(cells) if cell.source.startswith(("## Train", "## Run"))
    )
    code = "\n".join(cell.source for cell in cells[:first] if cell.kind == "code")
    assert bare(ast.parse(code)) == bare(ast.parse(recipe.source))
    rest = [cell.source for cell in cells[first:] if cell.kind == "code"]
    steps = ast.unparse(ast.parse("\n".join(rest)))
    main = next(node for node in recipe.tree.body if getattr(node, "name", "") == "main")
    lines = iter(steps.splitlines())
    for node in main.body[notebook_cells.is_docstring(main.body[0]) :]:
        for line in ast.unparse(node).splitlines():
            assert line in lines, "each line of main() in its order"
    if recipe.figures_path.exists():
        assert "history.history" in steps
        assert rest[-1].startswith("drawn = figures(model")


DRAWN = [recipe for recipe in all_recipes() if recipe.figures_path.exists()]


@pytest.mark.parametrize("recipe", parameters(DRAWN))
def test_pictures_know_the_recipe_by_its_own_names(recipe):
    """A second copy of the recipe would have other classes than the notebook's models."""
    source = "\n".join(cell.source for cell in notebook_cells.pictures(recipe))
    other = f"recipes.{recipe.chapter} import {recipe.name}"
    assert other not in source or "__file__" in source
    assert f"{recipe.chapter}.{recipe.name} import" not in source


def run(folder, *arguments):
    assert cli.main(["notebook", *arguments, "--output", str(folder)]) == 0
    (path,) = folder.glob("*.ipynb")
    return json.loads(path.read_text(encoding="utf8"))


def outputs(notebook):
    return [each for cell in notebook["cells"] for each in cell.get("outputs", [])]


@pytest.fixture
def jupyter(loopback, tmp_path, monkeypatch):
    pytest.importorskip("nbclient", reason="`make setup EXTRAS=notebooks`")
    pytest.importorskip("ipykernel", reason="`make setup EXTRAS=notebooks`")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))


def test_notebook_has_its_outputs(jupyter, tmp_path, capsys):
    notebook = run(tmp_path / "out", "batch-size")
    said = "".join(text for each in outputs(notebook) for text in each.get("text", []))
    assert "batch size   1: 1024 steps" in said
    assert [each for each in outputs(notebook) if "image/png" in each.get("data", {})]
    counts = [cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert notebook["cells"][0]["source"][0] == f"# {find('batch_size').title}\n"
    assert "batch_size.ipynb: " in capsys.readouterr().out
    assert str(notebook_command.ROOT.parent) not in json.dumps(notebook)


def test_cell_that_fails_is_said_in_a_line_and_nothing_is_left(jupyter, tmp_path, capsys):
    path = tmp_path / "broken.py"
    path.write_text('"""A title."""\n\n\ndef main():\n    print("a")\n    1 / 0\n')
    assert cli.main(["notebook", str(path), "--output", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line == "recipes: the notebook of broken stops with ZeroDivisionError: division by zero"
    assert not list(tmp_path.rglob("*.ipynb"))


@pytest.mark.slow
def test_notebook_of_a_recipe_that_trains(jupyter, tmp_path):
    notebook = run(tmp_path / "out", "cnn-mnist", "--smoke")
    assert "Stand-in data (mnist): not comparable" in "".join(notebook["cells"][0]["source"])
    said = "".join(text for each in outputs(notebook) for text in each.get("text", []))
    assert "val_accuracy" in said
    assert "Logistic regression on the pixels: {'accuracy'" in said
    images = [each for each in outputs(notebook) if "image/png" in each.get("data", {})]
    assert len(images) == 2, "filters and feature maps"
    assert not [each for each in outputs(notebook) if each.get("name") == "stderr"]


def test_package_that_is_missing_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "nbclient", None)
    assert cli.main(["notebook", "xor", "--output", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "notebooks need nbclient: `make setup EXTRAS=notebooks` installs it" in line
