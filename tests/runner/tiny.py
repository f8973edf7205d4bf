"""`python -m tests.runner.tiny run tiny …`: the command line, with `tests/runner/tiny_recipe.py` as a recipe."""

import importlib
import pathlib
import sys

from recipes._runner import cli, run_command
from recipes._runner.recipe import Recipe, find


class Tiny(Recipe):
    @property
    def module(self):
        return importlib.import_module("tests.runner.tiny_recipe")


TINY = Tiny("tiny", "runner", pathlib.Path(__file__).with_name("tiny_recipe.py"))


def find_tiny_too(name):
    return TINY if name == "tiny" else find(name)


def main(arguments):
    run_command.find = find_tiny_too
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
