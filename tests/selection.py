"""Which recipes `make test` runs in full, and which tests run in one process.

In full: one recipe of each kind, and those that were changed. `make test-all` runs them all.
"""

import functools
import pathlib
import re
import subprocess

import pytest

from recipes._runner.recipe import all_recipes

RECIPES = all_recipes()
TRAINED = [recipe for recipe in RECIPES if recipe.trains]
CHAPTER_OF = {recipe.name: recipe.chapter for recipe in RECIPES}
CHAPTER_OF |= {recipe.chapter: recipe.chapter for recipe in RECIPES}
ROOT = pathlib.Path(__file__).parents[1]
KINDS = (
    "cnn_mnist",  # a loss in `compile`, a schedule, `deployed`; images
    "head_binary_sentiment",  # strings: the vocabulary is learned from the training set
    "wrong_heads",  # variants, some of them wrong on purpose
    "electricity",  # forecasts: inputs of several kinds, statistics of the training set
    "perceptron_rule",  # a training step of its own
    "autoencoder_8_3_8",  # targets that are the inputs; generated data
    "vae",  # a loss of its own
    "gan_toy",  # two networks and two optimizers
    "mcculloch_pitts",  # nothing to train
)
# A recipe's own files: recipes/heads/a.py,
# recipes/heads/figures/a.py, tests/recipes/heads/test_a.py …
OWN_FILE = re.compile(
    r"(?:recipes/\w+/(?:figures/)?|tests/recipes/\w+/(?:figures/)?test_)(\w+)\.py"
)


def recipe_of(path):
    """The name of the recipe that a file belongs to, by its path from the root; or None.

    >>> recipe_of("tests/recipes/heads/test_head_regression.py")
    'head_regression'
    """
    found = OWN_FILE.fullmatch(path)
    return found.group(1) if found else None


def git(*arguments):
    """The lines that git answers; none where there is no git, or it has no answer."""
    try:
        done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    except OSError:
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []


@functools.cache
def changed():
    """The recipes whose own files differ from the main branch, or are not committed."""
    forked = (
        git("merge-base", "main", "HEAD") or git("merge-base", "origin/main", "HEAD") or ["HEAD"]
    )
    files = git("diff", "--name-only", forked[0])
    files += git("ls-files", "--others", "--exclude-standard")
    return {recipe_of(path) for path in files}


def chosen(name):
    """Whether `make test` runs everything of a recipe."""
    return name in KINDS or name in changed()


def group(test):
    """The name that tests of one process have in common, by the node id of a test.

    Those of a file, whose fixtures are then made once; of files on all recipes, those of a chapter.

    >>> group("tests/runner/test_run_command.py::test_unwritable_output_folder[run]")
    'tests/runner/test_run_command.py'
    >>> group("tests/recipes/test_contract.py::test_nothing_is_dead[xor]")
    'perceptrons'
    """
    path, _, name = test.partition("::")
    if path.rpartition("/")[0] == "tests/recipes":
        for word in re.split(r"[\[\]-]", name):
            if word in CHAPTER_OF:
                return CHAPTER_OF[word]
    return path


def parameters(recipes, full=False):
    """Recipes as parameters.

    Args:
        recipes: the recipes.
        full: leave to `make test-all` what is not chosen for `make test`.
    """
    for recipe in recipes:
        marks = [pytest.mark.full] if full and not chosen(recipe.name) else []
        yield pytest.param(recipe, id=recipe.name, marks=marks)
