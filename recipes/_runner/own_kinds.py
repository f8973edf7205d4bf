"""The kinds of a user's data: inputs, targets, and what is known of them while they are read."""

import dataclasses
import functools
import hashlib
import pathlib
import types

import numpy as np
import tensorflow as tf

from recipes._runner import copy_extras, inputs
from recipes._runner import recipe as recipes
from recipes._runner.errors import UserError
from recipes._runner.run_command import OF_DATA, own_name

FEWEST = 3  # examples of a class: one each for training, validation and test
SHOWN = 3  # faults, classes and the like that a line lists
PARTS = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "test": 2, "testing": 2}
WORDS = {"image": "images", "text": "texts", "table": "rows"}
# Where the targets are that lie in files of their own, beside a folder `images`.
BESIDE = {"masks": ("masks", inputs.PICTURES), "boxes": ("labels", inputs.TEXTS)}
CLASS_NAMES = "classes.txt"  # a line for each class
PAGE = "recipes/OWN_DATA.md"


@dataclasses.dataclass
class Faults:
    """Unusable examples with reasons, which are reported and then left out or refused."""

    skip: bool
    found: list = dataclasses.field(default_factory=list)

    def add(self, where, why):
        self.found.append(f"{where}: {why}")

    def refuse(self, of):
        """Raise a UserError that names the first ones, unless they are to be left out."""
        if self.found and not self.skip:
            them = "it" if len(self.found) == 1 else "them"
            raise UserError(f"{of}: {self.in_words()}; --skip-broken leaves {them} out")

    def in_words(self):
        more = f" and {len(self.found) - SHOWN} more" if len(self.found) > SHOWN else ""
        return "; ".join(self.found[:SHOWN]) + more


@dataclasses.dataclass
class Example:
    """An input (a file, a text, or a row number), its target as text, and its split if given."""

    where: str
    value: object
    target: object
    part: int | None = None
    size: tuple | None = None  # of an image: height and width in pixels, upright


@dataclasses.dataclass
class OwnData:
    """The user's data: arrays of inputs and targets, the rows of each split, and a description."""

    path: pathlib.Path
    kind: str  # "image", "text" or "table"
    form: str  # of the targets, as in `FORMS`
    layout: str  # "folder" of classes, "csv", or "pairs" of files in two folders
    inputs: np.ndarray
    targets: np.ndarray
    parts: tuple
    classes: list | None
    shape: tuple | None = None  # of an image
    scale: tuple | None = None  # of numeric targets: mean and deviation in the training set
    columns: list | None = None  # of a table: [name, None or the words in it]
    names: dict = dataclasses.field(default_factory=dict)  # of a CSV: roles of the columns
    reading: dict = dataclasses.field(default_factory=dict)  # of a table: options for pandas
    # Arguments of `build_model` that the targets decide, besides the number of classes.
    head: dict = dataclasses.field(default_factory=dict)
    monitor: tuple = ()  # the metric that selects the best epoch, and "max" or "min"
    files: list = dataclasses.field(default_factory=list)  # of folders of classes
    pictures: list = dataclasses.field(default_factory=list)  # paths of the images
    # The folders that define the split, if there are any: (0, "train"), (1, "val"), (2, "test").
    in_parts: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)  # on how the targets were read
    lines: list = dataclasses.field(default_factory=list)

    @property
    def name(self):
        return own_name(self.path)

    @functools.cached_property
    def digest(self):
        """A hash of all data: a run is only continued on the same data."""
        content = hashlib.sha256()
        for array in (self.inputs, self.targets, *self.parts):
            content.update(
                str(array.tolist()).encode() if array.dtype == object else array.tobytes()
            )
        return content.hexdigest()[:16]

    def load_data(self, batch_size):
        """Train, validation and test batches of the user's data."""
        sets = []
        for rows in self.parts:
            x = self.inputs[rows]
            x = tf.constant(x.tolist()) if x.dtype == object else x
            sets.append(tf.data.Dataset.from_tensor_slices((x, self.targets[rows])))
        train, validation, test = sets
        train = train.shuffle(len(self.parts[0])).batch(batch_size).prefetch(2)
        return train, validation.batch(batch_size), test.batch(batch_size)


# The form of the targets, by the kind of loss and whether there is one output.
FORMS = {
    ("sparse", False): "classes",
    ("distribution", False): "one-hot classes",
    ("probability", True): "two classes",
    ("probability", False): "labels",
    ("number", True): "numbers",
    ("sparse of pixels", False): "masks",
}
TOLD = {
    "classes": "one of several classes",
    "one-hot classes": "one of several classes",
    "two classes": "one of two classes",
    "labels": "any number of labels",
    "numbers": "a number",
    "masks": "a class for each pixel",
    "boxes": "boxes of objects",
}
BY_CHANCE = ("labels", "numbers", *BESIDE)  # forms of targets that are not split by class


def kind(recipe):
    """The kind of user data that a recipe can take: `"image"`, `"text"`, `"table"`, or None.

    A network for images must have their size as its argument `input_shape`.
    """
    if not recipe.trains:
        return None
    functions = {node.name: node for node in recipe.tree.body if hasattr(node, "name")}
    nodes = [node for node in recipe.tree.body if getattr(node, "name", "") != "deployed"]
    found, _, _ = copy_extras.takes(nodes)
    names = [each.arg for each in functions["build_model"].args.args]
    if found == "image":
        return found if "input_shape" in names else None
    if found == "text":
        return found if copy_extras.assigned(recipe.tree, "CLASSES") is not None else None
    return found if found == "table" and "train" in names else None


def others(found):
    """The recipes that take data of a given kind, in words."""
    names = [recipe.name for recipe in recipes.all_recipes() if kind(recipe) == found]
    return f"for {WORDS[found]} there are {', '.join(names)}"


def options(found):
    """The command-line options in a result of `noted`."""
    given = {name: found.get(name) for name in OF_DATA}
    return types.SimpleNamespace(data=found["path"], **given)
