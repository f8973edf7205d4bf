"""What is typed, as values: paths, seeds, and `--set NAME=VALUE` as a recipe's arguments."""

import argparse
import ast
import contextlib
import difflib
import inspect
import pathlib

from recipes._runner.errors import UserError

FILLED_IN = ("steps", "train", "classes")  # given by the runner to a `build_model` that names them
FOR_FIT = {"class_weights": "none"}  # what a `search_space` may choose besides: or "balanced"


def expanded(text):
    """A path or address as typed, `~` spelled out also where the shell leaves it: `--output=~/x`.

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
    """The type of every option that names a file or a folder."""
    return pathlib.Path(expanded(text))


def expanded_place(text):
    """The type of an option for a folder here or, as `gs://…`, in a bucket, which stays text."""
    return text if "://" in text else expanded_path(text)


def seed(text):
    """The type of `--seed`: what NumPy, too, takes as one."""
    value = int(text)
    if not 0 <= value < 2**32:
        raise ValueError(text)
    return value


seed.__name__ = "whole number from 0 to 4294967295"  # what argparse calls a value it refuses


def parameters(module):
    """The arguments a user may set, with defaults: those of `load_data`, then of `build_model`.

    Of a recipe that trains nothing they are those of `main`.
    """
    trains = hasattr(module, "build_model")
    found = {}
    for function in (module.load_data, module.build_model) if trains else (module.main,):
        for name, parameter in inspect.signature(function).parameters.items():
            if name not in FILLED_IN:
                found.setdefault(name, parameter.default)
    return found


def parse(module, settings, batch_size=None):
    """`["filters=32", …]` as `{"filters": 32, …}`, each value of the kind of its default.

    Raises:
        UserError: for a word without `=`, an unknown name, or a value of another kind; it names
            what would do.
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
    """The arguments of `build_model` that make a recipe's variant; none of them without a name.

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
    """The value that `text` spells, if it is of the kind of `default`."""
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
    """The arguments of `load_data` and those of `build_model`; a name of both goes to both."""
    return tuple(
        {
            name: value
            for name, value in arguments.items()
            if name in inspect.signature(function).parameters
        }
        for function in (module.load_data, module.build_model)
    )


def class_weights(values):
    """What the values of a trial say of the weights of classes: `"balanced"`, or None."""
    weights = values.get("class_weights", "none")
    return None if weights == "none" else weights


def wants(function, name):
    """Whether the function names such an argument."""
    return name in inspect.signature(function).parameters


@contextlib.contextmanager
def blamed(module, given):
    """What a recipe's functions raise in here is put down to the user's arguments, if any.

    Args:
        module: the recipe.
        given: `{name: value}`, as `parse` returns it.

    Raises:
        UserError: one line with the values given, the defaults, and what was said of them.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if not given:
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
