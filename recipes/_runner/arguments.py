"""Parsing of command-line values: paths, seeds, and `--set NAME=VALUE` as a recipe's arguments."""

import argparse
import ast
import contextlib
import difflib
import inspect
import pathlib

from recipes._runner.errors import UserError, full_disk

FILLED_IN = ("steps", "train", "classes")  # arguments of `build_model` that the runner provides
FOR_FIT = {"class_weights": "none"}  # `search_space` may also choose this: "none" or "balanced"


def expanded(text):
    """A path or address, with `~` expanded even where the shell does not do so: `--output=~/x`.

    Raises:
        argparse.ArgumentTypeError: if it is empty, or there is no such user.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty path; `.` means this folder")
    if not text.startswith("~"):
        return text
    try:
        return str(pathlib.Path(text).expanduser())
    except RuntimeError:
        raise argparse.ArgumentTypeError(
            f"{text}: there is no user {text[1:].partition('/')[0]}"
        ) from None


def expanded_path(text):
    """The argument type of options that name a file or a folder."""
    return pathlib.Path(expanded(text))


def expanded_place(text):
    """The argument type of a local folder, or of one in a bucket (`gs://…`, kept as a string)."""
    return text if "://" in text else expanded_path(text)


def seed(text):
    """The argument type of `--seed`: an integer that NumPy accepts as a seed."""
    value = int(text)
    if not 0 <= value < 2**32:
        raise ValueError(text)
    return value


seed.__name__ = "whole number from 0 to 4294967295"  # for argparse's error message


def parameters(module):
    """The arguments that a user may set, with defaults: of `load_data`, then of `build_model`.

    For a recipe that trains nothing they are those of `main`.
    """
    trains = hasattr(module, "build_model")
    found = {}
    for function in (module.load_data, module.build_model) if trains else (module.main,):
        for name, parameter in inspect.signature(function).parameters.items():
            if name not in FILLED_IN:
                found.setdefault(name, parameter.default)
    return found


def of_trials(module, own):
    """What a search may choose: `parameters`, and what is for `fit`, on the user's data or not.

    Numbers and labels of the user's, unlike classes, have no weights.
    """
    weighs = not own or module.FORM not in ("numbers", "labels")
    return parameters(module) | (FOR_FIT if weighs else {})


def parse(module, settings, batch_size=None):
    """`["filters=32", …]` as `{"filters": 32, …}`, each value of the type of its default.

    Raises:
        UserError: for a word without `=`, an unknown name, or a value of another type, with what
            is valid.
    """
    known = parameters(module)
    settings = list(settings or [])
    if batch_size is not None:
        settings.append(f"batch_size={batch_size}")
    if settings and not known:
        raise UserError(
            f"--set {settings[0]}: {module.__name__.rpartition('.')[2]} takes no arguments"
        )
    arguments = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UserError(
                f"--set {setting}: write NAME=VALUE, for example --set {next(iter(known))}=…"
            )
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UserError(
                f"--set {name}: {hint}{module.__name__.rpartition('.')[2]} takes {', '.join(known)}"
            )
        arguments[name] = value_like(name, text, known[name])
    return arguments


def of_variant(recipe, name):
    """The arguments of `build_model` that define a recipe's variant; none without a name.

    Raises:
        UserError: if there is no such variant.
    """
    if not name:
        return {}
    variants = getattr(recipe.module, "VARIANTS", {})
    if name not in variants:
        known = f"its variants are {', '.join(variants)}" if variants else "it has no variants"
        raise UserError(f"--variant {name}: {recipe.name} has no such variant; {known}")
    return variants[name]


def value_like(name, text, default):
    """The value of the literal `text`, if it has the type of `default`."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if default is None or default is inspect.Parameter.empty or type(value) is type(default):
        return value
    if isinstance(default, str):
        return text
    if isinstance(default, list | tuple) and isinstance(value, list | tuple):
        return type(default)(value)
    kinds = {
        bool: "True or False",
        int: "a whole number",
        float: "a number",
        tuple: "a tuple",
        list: "a list",
    }
    raise UserError(
        f"--set {name}={text}: {name} takes {kinds.get(type(default), type(default).__name__)}, "
        f"such as {default}"
    )


def split(module, arguments):
    """The arguments of `load_data` and those of `build_model`; shared names go to both."""
    return tuple(
        {
            name: value
            for name, value in arguments.items()
            if name in inspect.signature(function).parameters
        }
        for function in (module.load_data, module.build_model)
    )


def class_weights(values):
    """The choice of class weights in the values of a trial: `"balanced"`, or None."""
    weights = values.get("class_weights", "none")
    return None if weights == "none" else weights


def wants(function, name):
    """Whether the function has such an argument."""
    return name in inspect.signature(function).parameters


@contextlib.contextmanager
def blamed(module, given):
    """Attribute exceptions of a recipe's functions to the user's arguments, if there are any.

    Args:
        module: the recipe.
        given: `{name: value}`, as `parse` returns it.

    Raises:
        UserError: one line with the given values, the defaults, and the original message.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        # A missing package or a full disk has nothing to do with the arguments.
        if not given or isinstance(error, ModuleNotFoundError) or full_disk(error):
            raise
        known = parameters(module)
        values = ", ".join(
            f"{name}={value!r} (default {known[name]!r})" for name, value in given.items()
        )
        said = (str(error).strip().splitlines() or [""])[0].partition("{{")[0]
        name = module.__name__.rpartition(".")[2]
        raise UserError(
            f"{name} does not work with {values}: {type(error).__name__}: {said}"
        ) from error
