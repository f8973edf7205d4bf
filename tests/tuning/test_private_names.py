"""The names of KerasTuner that `recipes.tuning` stands on are there, and are all of them."""

import ast
import inspect
import pathlib
import pkgutil
import re

import keras_tuner
import pytest

from recipes import tuning

LINES = re.findall(r"^    (keras_tuner\.\S+): (.+)$", tuning.__doc__, re.MULTILINE)
NAMES = [(place, name) for place, names in LINES for name in names.split()]


@pytest.mark.parametrize(("place", "name"), NAMES)
def test_private_names_are_there(place, name):
    advice = (
        f"KerasTuner {keras_tuner.__version__} has no {name} in {place}, on which recipes.tuning "
        "stands: install the version that pyproject.toml pins, or adapt recipes/tuning "
        "to the new one"
    )
    try:
        owner = pkgutil.resolve_name(place)
    except (ImportError, AttributeError):
        pytest.fail(advice)
    assert hasattr(owner, name) or f"self.{name} =" in inspect.getsource(owner), advice


def test_no_others_are_used():
    """What our code takes from a private module, or reads from itself without having defined it."""
    modules, used, own = set(), set(), set()
    for path in pathlib.Path(tuning.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("keras_tuner.src"):
                modules |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                own.add(node.name)
            elif isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr):
                (own if isinstance(node.ctx, ast.Store) else used).add(node.attr)
    used -= {"_y_train_mean", "_y_train_std"}  # of scikit-learn
    assert modules <= {place for place, _ in NAMES}
    assert used - own <= {name for _, name in NAMES}
