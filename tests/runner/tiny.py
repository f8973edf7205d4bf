"""`python -m tests.runner.tiny run tiny …`: the command line, with this folder's recipes too."""

import importlib
import pathlib
import sys

from recipes._runner import cli, run_command, tune_command, tune_results
from recipes._runner.recipe import Recipe, find


class Tiny(Recipe):
    @property
    def module(self):
        return importlib.import_module(f"tests.runner.{self.path.stem}")


SMALL = {
    name: Tiny(name, "runner", pathlib.Path(__file__).with_name(f"{name}_recipe.py"))
    for name in ("tiny", "deadly", "scheduled")
}


def find_small_too(name):
    return SMALL.get(name) or find(name)


def main(arguments):
    run_command.find = tune_command.find = find_small_too
    tune_results.PROGRAM = [sys.executable, "-m", "tests.runner.tiny"]
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
