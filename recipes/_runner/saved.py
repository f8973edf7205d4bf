"""Saved models: finding them by name, loading them, and describing their training data."""

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
)  # folders whose models are not results
LISTED = 8  # names in a hint
TRAINED = "trained"  # folder of `saved_models/` with the models that come with the collection


# Finding


def model_file(name):
    """The .keras file of a recipe's name (`cnn-mnist/smoke`), a folder or a file.

    A model saved under a recipe's name takes precedence over a folder of that name; `./cnn-mnist`
    is the folder. If there is neither, the collection may contain a trained network.

    Raises:
        UserError: if there is no such model, with the command that creates it or a list of models.
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
    """The folder of saved models with this name, or None."""
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
    """The folder of a recipe's trained network that comes with the collection, or None."""
    recipe = recipe_called(name.rstrip("/"))
    return SAVED_MODELS / TRAINED / recipe.name if recipe else None


def plain(name):
    """A name for comparisons, which ignore case, - and _."""
    return name.lower().replace("-", "_")


def recipe_called(name):
    try:
        return find(name)
    except UserError:
        return None  # possibly a user's recipe


def path_without_model(path):
    if not path.exists():
        return f"{path} does not exist"
    return f"{path} holds no model.keras" + there_is(models_below(path), str)


def name_without_model(name, path):
    """The message that a recipe's name has no model, with valid names."""
    first = name.partition("/")[0]
    recipe, folder = recipe_called(first), named(first)
    if recipe is None and folder is None:
        if path.is_dir():
            return path_without_model(path)
        find(first)  # raises an error with similar names
    if recipe is not None and not recipe.trains:
        return f"{name} trains no network: there is nothing to predict with"
    train = f"`make recipe-{recipe.slug}`" if recipe else f"`run` on {first}'s file"
    models = models_below(folder) if folder else []
    if models:
        return f"no model is called {name}{there_is(models, name_of)}; {train} trains the rest"
    return f"{name} is not trained yet: run {train} first"


def models_below(folder):
    """The folders under `folder`, at any depth, that contain a model."""
    found = []
    for below in {file.parent for name in FILES for file in folder.rglob(name)}:
        if not any(NO_RESULTS.match(part) for part in below.relative_to(folder).parts):
            found.append(below)
    return sorted(found)


def name_of(folder):
    """The name of a folder of saved models on the command line: `head-multilabel/smoke/sigmoid`."""
    recipe, *below = folder.relative_to(SAVED_MODELS).parts
    return "/".join([recipe.replace("_", "-"), *below])


def there_is(folders, name):
    if not folders:
        return ""
    more = f" and {len(folders) - LISTED} more" if len(folders) > LISTED else ""
    return "; there is " + ", ".join(map(name, folders[:LISTED])) + more


# Loading


def load(path):
    """Load a model, after importing the layers and recipes that it uses.

    Raises:
        UserError: if the file is damaged, or refers to classes that cannot be found.
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
        with warnings.catch_warnings(action="ignore"):  # about optimizers, not needed here
            return keras.saving.load_model(path)
    except Exception as error:
        said = f"{type(error).__name__}: {reason(error)}"
        raise UserError(f"{path} cannot be loaded: {said}") from None


def import_owners(config):
    """Import the recipes and layers whose registered classes and functions a model's config uses.

    Keras writes a registered class as `"registered_name": "gpt>Head"`, a registered function as
    `"config": "gpt>loss"`, and some layers write the bare string: search all strings for the form.
    """
    for package in sorted(set(re.findall(r'"(\w+)>[^"]*"', config))):
        if package == "layers":
            for module in pkgutil.iter_modules(importlib.import_module("layers").__path__):
                importlib.import_module(f"layers.{module.name}")
        elif recipe := recipe_called(package):  # otherwise Keras reports the missing class
            _ = recipe.module


def reason(error):
    """The message of an exception in one line, without frames and headings."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))  # Keras' bold type
    text, is_from_graph, _ = text.partition("[[{{node")
    heading = r"(Exception encountered|Graph execution error|Detected at node|File \"|<stack )"
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not re.match(heading, line)]
    if not lines:
        return type(error).__name__
    return lines[-1 if is_from_graph else 0][:200]


# Training data


def facts(path):
    """The content of `metrics.json` beside the model; {} if there is none."""
    return read_json(path.with_name("metrics.json"))


def read_json(path):
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def origin(path):
    """One line on the model used, its training data and its score."""
    noted = facts(path)
    words = [f"Answers of {shown(path)}"]
    if path.absolute().parents[1] == SAVED_MODELS / TRAINED:
        words.append("which comes with the collection")
    data = noted.get("data")
    stand_ins = [name for name in data or () if data[name] == "stand-in"]
    # A run writes its plan beside its model, or above its variants.
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
