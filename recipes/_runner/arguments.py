"""From `--set NAME=VALUE` to keyword arguments of a recipe's `load_data` and `build_model`."""

import ast
import difflib
import inspect

from recipes._runner.errors import UserError

FILLED_IN = ("steps", "train")  # given by the runner to a `build_model` that names them


def parameters(module):
    """The arguments a user may set, with their defaults: those of `load_data`, then those of `build_model`."""
    found = {}
    for function in (module.load_data, module.build_model):
        for name, parameter in inspect.signature(function).parameters.items():
            if name not in FILLED_IN:
                found.setdefault(name, parameter.default)
    return found


def parse(module, settings, batch_size=None):
    """`["filters=32", …]` as `{"filters": 32, …}`, each value of the kind of the argument's default.

    Raises:
        UserError: for a word without `=`, an unknown name, or a value of another kind; it names what would do.
    """
    known = parameters(module)
    settings = list(settings or [])
    if batch_size is not None:
        settings.append(f"batch_size={batch_size}")
    arguments = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UserError(f"--set {setting}: write NAME=VALUE, for example --set {next(iter(known))}=…")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UserError(f"--set {name}: {hint}{module.__name__.rpartition('.')[2]} takes {', '.join(known)}")
        arguments[name] = value_like(name, text, known[name])
    return arguments


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
    kinds = {bool: "True or False", int: "a whole number", float: "a number", tuple: "a tuple", list: "a list"}
    raise UserError(
        f"--set {name}={text}: {name} takes {kinds.get(type(default), type(default).__name__)}, such as {default}"
    )


def split(module, arguments):
    """The arguments of `load_data` and those of `build_model`; a name of both goes to both."""
    return tuple(
        {name: value for name, value in arguments.items() if name in inspect.signature(function).parameters}
        for function in (module.load_data, module.build_model)
    )


def wants(function, name):
    """Whether the function names such an argument."""
    return name in inspect.signature(function).parameters
