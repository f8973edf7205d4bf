"""`python -m recipes COMMAND`: each command is a module with `add_arguments` and `main`."""

import argparse
import importlib
import os
import sys

from recipes._runner.errors import UserError, full_disk

COMMANDS = {
    "list": "show the recipes, by chapter; with a word, those about it",
    "run": "train a recipe, test it once, and save model, scores and pictures",
    "tune": "search for better hyperparameters; the defaults are the first trial",
    "measure": (
        "run a recipe with several seeds and record mean and deviation in recipes/results.csv"
    ),
    "picture": "make a small copy of one of a run's figures, for the chapter's page",
    "gallery": "one static page of all recipes, with pictures, slides and results",
    "compare": "runs side by side: their curves in one picture, their scores in a table",
    "predict": "apply a saved model to files",
    "export": "a saved model for another runtime: TensorFlow, ONNX or LiteRT",
    "notebook": "a recipe and its pictures as a notebook with outputs",
    "new": "the skeleton of a recipe for this collection, its pictures and its test",
    "exercises": "the exercises of a chapter: which are right, still to do, or off",
    "copy": "copy a recipe and what it imports to a folder of your own",
}


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, without the usage text."""

    def error(self, message):
        raise UserError(f"{message} (see `python -m {self.prog} --help`)")


def main(arguments=None):
    """Run one command; return 0, or 2 after one line on a user error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a Latin-1 terminal shows ? for other characters
    # Before TensorFlow is imported: no messages about CUDA and the like.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = Parser(prog="recipes", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=Parser
    )
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        # Do not import the other commands' modules: `list` must be fast.
        if name in arguments[:1]:
            module = importlib.import_module(f"recipes._runner.{name}_command")
            module.add_arguments(command)
    try:
        options = parser.parse_args(arguments)
        status = module.main(options) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader has ended, as in `… | head -1`
        # Discard the output that is flushed at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except UserError as error:
        print(f"recipes: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        print(f"recipes: {error or 'interrupted'}", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if "make setup" not in str(error):
            raise
        print(f"recipes: {error}", file=sys.stderr)  # names the extra that installs it
        return 2
    except Exception as error:
        if not full_disk(error):
            raise
        print(
            f"recipes: no space left to write to ({error}); free some and run again",
            file=sys.stderr,
        )
        return 2
