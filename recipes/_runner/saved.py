"""Saved models: finding them by name, loading them, and saying what they were trained on."""

import importlib
import json
import pathlib
import pkgutil
import re
import warnings
import zipfile
import zlib

from recipes._runner import quiet
from recipes._runner.errors import UserError
from recipes._runner.recipe import find
from recipes._runner.run_command import SAVED_MODELS, shown

FILES = ("deployed.keras", "model.keras")  # the first takes raw input: photographs of any size
NO_RESULTS = re.compile(
    r"\.|unfinished$|state$|measuring$|tuning-"
)  # folders whose models are no results
LISTED = 8  # names in a hint
TRAINED = "trained"  # the folder, among the saved models, of those that come with the collection


# Finding


def model_file(name):
    """The .keras file meant by a recipe's name (`cnn-mnist/smoke`), a folder or a file.

    What was saved under a recipe's name goes before a folder of that name; `./cnn-mnist` is the
    folder. Where there is neither, a trained network may have come with the collection.

    Raises:
        UserError: if there is no such model; it says what to run, or which models there are.
    """
    path = pathlib.Path(name).expanduser()
    if path.suffix == ".keras" or path.is_file():
        if path.suffix == ".keras" and path.is_file():
            return path
        raise UserError(f"{name} is no .keras file" if path.exists() else f"{name} does not exist")
    is_path = path.is_absolute() or name.startswith((".", "~"))
    for folder in (path,) if is_path else (named(name), path, supplied(name)):
        for file in FILES:
            if folder is not None and (folder / file).is_file():
                return folder / file
    raise UserError(path_without_model(path) if is_path else name_without_model(name, path))


def named(name):
    """The folder of saved models that `name` stands for, or None."""
    recipe, *below = pathlib.PurePath(name).parts or ("",)
    known = recipe_called(recipe)
    folder = SAVED_MODELS
    for part in (known.name if known else recipe, *below):
        inner = sorted(each for each in folder.glob("*") if each.is_dir())
        folder = next((each for each in inner if plain(each.name) == plain(part)), None)
        if folder is None:
            return None
    return folder


def supplied(name):
    """The folder of the trained network that comes with the collection for a recipe, or None."""
    recipe = recipe_called(name.rstrip("/"))
    return SAVED_MODELS / TRAINED / recipe.name if recipe else None


def plain(name):
    """Names are compared without regard to case, - and _."""
    return name.lower().replace("-", "_")


def recipe_called(name):
    try:
        return find(name)
    except UserError:
        return None  # perhaps a recipe of the user's own


def path_without_model(path):
    if not path.exists():
        return f"{path} does not exist"
    return f"{path} holds no model.keras" + there_is(models_below(path), str)


def name_without_model(name, path):
    """Why a recipe's name leads to no model, and what would."""
    first = name.partition("/")[0]
    recipe, folder = recipe_called(first), named(first)
    if recipe is None and folder is None:
        if path.is_dir():
            return path_without_model(path)
        find(first)  # raises what the nearest names are
    if recipe is not None and not recipe.trains:
        return f"{name} trains no network: there is nothing to predict with"
    train = f"`make recipe-{recipe.slug}`" if recipe else f"`run` on {first}'s file"
    models = models_below(folder) if folder else []
    if models:
        return f"no model is called {name}{there_is(models, name_of)}; {train} trains the rest"
    return f"{name} is not trained yet: run {train} first"


def models_below(folder):
    """The folders under `folder`, at any depth, that hold a model."""
    found = []
    for below in {file.parent for name in FILES for file in folder.rglob(name)}:
        if not any(NO_RESULTS.match(part) for part in below.relative_to(folder).parts):
            found.append(below)
    return sorted(found)


def name_of(folder):
    """What to type for a folder of saved models: `head-multilabel/smoke/sigmoid`."""
    recipe, *below = folder.relative_to(SAVED_MODELS).parts
    return "/".join([recipe.replace("_", "-"), *below])


def there_is(folders, name):
    if not folders:
        return ""
    more = f" and {len(folders) - LISTED} more" if len(folders) > LISTED else ""
    return "; there is " + ", ".join(map(name, folders[:LISTED])) + more


# Loading


def load(path):
    """The model; what it needs of our layers and recipes is imported first.

    Raises:
        UserError: if the file is damaged, or names what cannot be found.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            config = archive.read("config.json").decode("utf-8")
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, ValueError) as error:
        said = f"{path} is damaged or no Keras model ({reason(error)}); make or copy it anew"
        raise UserError(said) from None
    if damaged:
        raise UserError(f"{path} is damaged ({damaged}); make or copy it anew")
    quiet.import_tensorflow()
    import_owners(config)
    import keras

    try:
        with warnings.catch_warnings(action="ignore"):  # on optimizers, which are not needed here
            return keras.saving.load_model(path)
    except Exception as error:
        said = f"{type(error).__name__}: {reason(error)}"
        raise UserError(f"{path} cannot be loaded: {said}") from None


def import_owners(config):
    """Import the recipes and layers whose registered classes and functions a model's config names.

    Keras writes a registered class as `"registered_name": "gpt>Head"`, a registered function as
    `"config": "gpt>loss"`, and some layers write the bare string: what counts is the string.
    """
    for package in sorted(set(re.findall(r'"(\w+)>[^"]*"', config))):
        if package == "layers":
            for module in pkgutil.iter_modules(importlib.import_module("layers").__path__):
                importlib.import_module(f"layers.{module.name}")
        elif recipe := recipe_called(package):  # else somebody's own: Keras says what is missing
            _ = recipe.module


def reason(error):
    """What an exception says, in one line, without the frames and headings around it."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))  # Keras' bold type
    text, is_from_graph, _ = text.partition("[[{{node")
    heading = r"(Exception encountered|Graph execution error|Detected at node|File \"|<stack )"
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not re.match(heading, line)]
    if not lines:
        return type(error).__name__
    return lines[-1 if is_from_graph else 0][:200]


# What it was trained on


def facts(path):
    """What the run noted in `metrics.json` beside the model; {} if there is none."""
    return read_json(path.with_name("metrics.json"))


def read_json(path):
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def origin(path):
    """One line on which model answers, on what data it was trained, and how good it is."""
    noted = facts(path)
    words = [f"Answers of {shown(path)}"]
    if path.absolute().parents[1] == SAVED_MODELS / TRAINED:
        words.append("which comes with the collection")
    data = noted.get("data")
    stand_ins = [name for name in data or () if data[name] == "stand-in"]
    # A run writes its plan beside its models, or above the variants'.
    if any(read_json(folder / "plan.json").get("smoke") for folder in path.absolute().parents[:2]):
        return f"{words[0]}, made by a smoke run in seconds on tiny data: they mean nothing"
    if stand_ins:
        words.append(f"trained on stand-in data for {', '.join(stand_ins)}, not on the real set")
    elif data is not None:
        words.append(f"trained on {', '.join(data) or 'generated data'}")
    score = (noted.get("scores") or {}).get(noted.get("metric"))
    if score is not None:
        words.append(f"{noted['metric']} {score:.4g} on the {noted.get('split', 'test')} set")
    return ", ".join(words)
