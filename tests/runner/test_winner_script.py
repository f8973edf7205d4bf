"""The winner as a plain script: which lines stay, which go, and what is written in their place."""

import ast
import builtins
import types

import keras
import pytest

from recipes._runner import winner_script
from recipes._runner.recipe import find
from tests.runner.test_tune_command import plan
from tests.selection import TRAINED

SOURCE = '''\
"""A network.

Slides: none.
"""

import keras
import numpy as np  # noqa: F401 (for what it does)
from os import path, sep

# How long.
EPOCHS = 3
SIZES = {"plain": 3, "deep": 9}
VARIANTS = {"plain": {"kind": "plain"}}


def load_data(batch_size=8, kind="plain"):
    """Batches."""
    if kind == "plain":
        # As they are.
        data = path.join("a", "ä")
    else:
        data = sep
    return data, batch_size


def plain(units):
    """Of `units`."""
    return units


def deep(units, depth):
    """Of `depth` layers."""
    return units * depth


def build_model(
    kind="plain",  # or "deep"
    units=4,
    depth=2,
    head="sigmoid",
):
    """The network, 1,234 parameters.

    1,000 of them are trainable.

    As `plain` 12 parameters, as `deep` 34. The `depth` is of one
    kind only. `kind` decides on it.
    """
    # Which one.
    if kind == "plain":
        body = plain(units)
    elif kind == "deep":
        # The deep one.
        body = deep(units, depth)  # as long as it is
    else:
        body = None
    if depth > 2 and head == "sigmoid":
        body += 1
    size = SIZES[kind] if kind in ("plain", "deep") else 0
    # Only for plain ones.
    if kind != "deep":
        text = """
        as it stands"""
        body += len(text)
    head = head.upper()
    if head == "SIGMOID":
        body += 1
    return body, {"plain": plain, "deep": deep}[kind], size, head


def search_space(hp):
    """All of them."""
    return list(VARIANTS)


def main():
    keras.utils.set_random_seed(0)
    model = build_model()
    print(model, load_data())


if __name__ == "__main__":
    main()
'''


def network():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, trainable=False)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def written(source, tmp_path, values, **changes):
    recipe = types.SimpleNamespace(source=source, tree=ast.parse(source), name="tiny")
    described = plan(epochs=7, **changes)
    winner_script.write(recipe, None, described, None, values, network(), 5, tmp_path)
    return (tmp_path / "winner.py").read_text()


def run(text):
    space = {"__name__": "winner"}
    exec(compile(text, "winner.py", "exec"), space)
    return space


def test_the_winners_lines_stay_and_the_others_go(tmp_path):
    values = {"kind": "deep", "units": 5, "batch_size": 32}
    text = written(SOURCE, tmp_path, values)
    expected = run(SOURCE)["build_model"](**{"kind": "deep", "units": 5})
    space = run(text)
    got = space["build_model"]()
    assert (got[0], got[1].__name__, got[2:]) == (expected[0], "deep", expected[2:])
    assert space["load_data"]() == run(SOURCE)["load_data"](32, "deep")
    assert space["EPOCHS"] == 7
    for gone in (
        "VARIANTS",
        "search_space",
        "SIZES",
        "def plain",
        "path",
        "if kind",
        "elif",
        'or "deep"',
    ):
        assert gone not in text, gone
    for there in (
        "# How long.\nEPOCHS",
        "import numpy as np  # noqa: F401 (for what it does)",
        (
            "    # Which one.\n    # The deep one.\n"
            "    body = deep(units, depth)  # as long as it is\n"
        ),
        '"""Of `depth` layers."""',
        "    size = 9\n",
        "set_random_seed(5)",
        "The winner of a search by val_accuracy: kind=deep, units=5, batch_size=32.",
        "The network, 8 parameters.\n\n    0 of them are trainable.\n\n",
        "    8 parameters. The `depth` is of one kind only.\n",
    ):
        assert there in text, there


def test_what_would_change_by_moving_it_stays(tmp_path):
    """A text over several lines, a test of something else as well, a word that is assigned to."""
    text = written(SOURCE, tmp_path, {"kind": "plain", "depth": 3})
    assert run(text)["build_model"]()[0] == run(SOURCE)["build_model"](depth=3)[0]
    assert '    if kind != "deep":\n        text = """\n        as it stands"""' in text
    assert '    if depth > 2 and head == "sigmoid":\n' in text
    assert 'head="sigmoid"' in text
    assert 'kind="plain",  # or "deep"' in text


def test_a_main_that_trains_something_else_is_written_anew(tmp_path):
    assert not winner_script.needs_main(SOURCE, plan())
    assert winner_script.needs_main(SOURCE, plan(class_weights="balanced"))
    for other in ('build_model("deep")', "build_model(units=3)", "build_model(**VARIANTS)"):
        assert winner_script.needs_main(SOURCE.replace("= build_model()", f"= {other}"), plan())
    filled = SOURCE.replace("= build_model()", "= build_model(steps=3, train=None)")
    assert not winner_script.needs_main(filled, plan())


def test_the_precision_of_the_search_is_that_of_the_script(tmp_path):
    text = written(SOURCE, tmp_path, {}, precision="mixed_bfloat16")
    seeded = "    keras.utils.set_random_seed(5)\n"
    assert f'{seeded}    keras.config.set_dtype_policy("mixed_bfloat16")\n' in text


def test_a_script_weighs_classes_if_the_winner_did(tmp_path):
    recipe = find("automl_text")
    values = {"kind": "average"}
    for weights in ("balanced", "none"):
        described = plan(module=recipe.module.__name__)
        winner_script.write(
            recipe,
            recipe.module,
            described,
            None,
            values | {"class_weights": weights},
            network(),
            0,
            tmp_path,
        )
        text = (tmp_path / "winner.py").read_text()
        for line in ("import numpy as np\n", "        class_weight=weights,\n"):
            assert (line in text) == (weights == "balanced")


@pytest.mark.parametrize(
    ("classes", "kept", "gone"),
    [
        ("classes=None", "Dense(1)", "softmax"),
        ("classes=len(CLASSES)", "softmax", "Dense(1)"),
    ],
)
def test_head_of_the_other_task_goes(classes, kept, gone):
    text = find("automl_table").source.replace("classes=4", classes)
    text = winner_script.folded(text)
    built = ast.unparse(winner_script.function(text, "build_model"))
    assert "classes is None" not in built
    assert kept in built
    assert gone not in built
    assert ("classes" in winner_script.names_of_arguments(text)) == (kept == "softmax")


SEARCHED = [each for each in TRAINED if "search_space" in each.functions]


@pytest.mark.parametrize("recipe", SEARCHED[::8], ids=lambda recipe: recipe.name)
def test_scripts_of_recipes_have_all_that_they_read(recipe, tmp_path):
    """Each name that is read is a builtin, an import, or defined in the script."""
    module = recipe.module
    values = dict(next(iter(getattr(module, "VARIANTS", {None: {}}).values())))
    described = plan(module=module.__name__)
    winner_script.write(recipe, module, described, None, values, network(), 0, tmp_path)
    tree = ast.parse((tmp_path / "winner.py").read_text())
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    known = {node.id for node in names if isinstance(node.ctx, ast.Store)} | set(dir(builtins))
    known |= {"__name__", "__file__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            known |= {each.asname or each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            known.add(node.name)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
        elif isinstance(node, ast.ExceptHandler):
            known.add(node.name)
    assert {node.id for node in names} <= known
    assert "search_space" not in known


@pytest.mark.parametrize("name", ["automl_text", "automl_image"])
def test_labels_keep_their_head_only(name):
    text = find(name).source.replace('head="softmax"', 'head="sigmoid"')
    text = winner_script.folded(text)
    built = ast.unparse(winner_script.function(text, "build_model"))
    assert "head == " not in built
    assert "sparse_categorical_crossentropy" not in built
    for kept in ("F1Score", "Activation(head)", "head='sigmoid'"):
        assert kept in built
