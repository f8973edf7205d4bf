"""The user's data in place of a recipe's: `--data FOLDER_OR_CSV`, as described in OWN_DATA.md.

The kind of inputs of a recipe's network is read from its source, the form of the targets from a
network that is built for this purpose. Files are read as by `predict`.
"""

import ast
import collections
import dataclasses
import functools
import hashlib
import inspect
import math
import pathlib
import types
import warnings

import keras
import numpy as np
import PIL.Image
import tensorflow as tf

from recipes._runner import arguments, copy_extras, copy_own, inputs, training
from recipes._runner import recipe as recipes
from recipes._runner.errors import UserError
from recipes._runner.run_command import OF_DATA, own_name
from recipes.common import head_check, head_look
from recipes.common.splits import split_by_class

LONGEST_SIDE = 64  # pixels of images unless `--set input_shape` is given: feasible on two CPU cores
LONGEST_WITH_MASK = 128
MULTIPLE = 16  # of it height and width are if there are masks: networks halve them four times
FEWEST = 3  # examples of a class: one each for training, validation and test
MOST_WORDS = 50  # different words in a column of a table, each of which becomes an input
MOST_CLASSES = 20  # different numbers in a target; more are numbers to predict where both can be
MOST_KINDS = 1000  # classes of boxes
MOST_BYTES = 4 * 2**30  # of images in memory
SHOWN = 3  # faults, classes and the like that a line lists
TARGETS = (
    "target",
    "label",
    "labels",
    "class",
    "category",
)  # names of columns that are targets by default
PARTS = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "test": 2, "testing": 2}
CORNERS = (  # names of the columns of boxes
    ("left", "top", "right", "bottom"),
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
)
NOBODYS = ("Thumbs.db", "desktop.ini")  # files of the system, besides hidden ones like .DS_Store
SUFFIXES = {"image": inputs.PICTURES, "text": inputs.TEXTS}
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


# Kinds of inputs and targets

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


def trial(recipe, module, found, settings, classes=3):
    """The form of the targets of the recipe's network, from a network built for this purpose.

    Returns:
        The form; the metric that selects the best epoch, with its direction; and the shape of the
        network's outputs.
    """
    build = module.build_model
    _, given = arguments.split(module, settings)
    if arguments.wants(build, "classes"):
        given["classes"] = classes
    if arguments.wants(build, "steps"):
        given["steps"] = 1
    if arguments.wants(build, "train"):
        few = few_examples(found, build)
        targets = np.zeros((len(few), 1), "float32")
        given["train"] = tf.data.Dataset.from_tensor_slices((few, targets)).batch(2)
    with arguments.blamed(module, settings):
        model = build(**given)
    shape = model.output_shape
    units = shape[-1]
    loss, _ = head_look.resolve_loss(model.loss, (None,), model.output_shape)
    want = head_check.LOSSES.get(loss)
    want = "sparse" if loss == "sparse_categorical_crossentropy" else want
    if len(shape) == 4:
        want = f"{want} of pixels"
    monitor = training.monitored(module, model)
    # Reset the layers' names; garbage collection would take longer than building the network.
    keras.backend.clear_session(free_memory=False)
    if copy_extras.takes_boxes(recipe):
        return "boxes", monitor, shape
    try:
        return FORMS[want, units == 1], monitor, shape
    except KeyError:
        raise UserError(
            f"--data: {recipe.name} is trained with {loss or 'a loss of its own'}, for which no "
            f"data of yours has targets; {others(found)}"
        ) from None


def few_examples(found, build):
    """A few texts, images or rows of a table that a network can be built on."""
    if found == "text":
        return tf.constant(["a b c", "d e f"])
    if found == "image":
        shape = inspect.signature(build).parameters["input_shape"].default
        return np.zeros((4, *shape), "uint8")
    return np.eye(4, 3, dtype="float32")


def others(found):
    """The recipes that take data of a given kind, in words."""
    names = [recipe.name for recipe in recipes.all_recipes() if kind(recipe) == found]
    return f"for {WORDS[found]} there are {', '.join(names)}"


# Reading


def load(recipe, module, options, settings):
    """The user's data in the form of the recipe's own.

    Args:
        recipe: The recipe to train.
        module: Its module.
        options: With `data`, `target`, `leave_out`, `skip_broken` and `encoding`.
        settings: Arguments of the recipe's functions; `input_shape` sets the size of images.

    Raises:
        UserError: if the data cannot be used; everything is checked before training.
    """
    # Determine the kind of inputs and the form of the targets.
    path = pathlib.Path(options.data)
    if not path.exists():
        raise UserError(f"--data {path} does not exist")
    path = path.resolve()
    found = kind(recipe)
    if found is None:
        takers = [each.name for each in recipes.all_recipes() if kind(each)]
        raise UserError(
            f"--data: {recipe.name} is made for its own data; {', '.join(takers)} take yours"
        )
    wanted, monitor, answers = trial(recipe, module, found, settings)
    shape = settings.get("input_shape")
    if wanted == "boxes":
        # As large as the recipe's images: that determines the number of cells.
        shape = shape or inspect.signature(module.build_model).parameters["input_shape"].default
        if answers[1] != answers[2]:
            raise UserError(f"--set input_shape={shape}: {recipe.name} takes squares")
    faults = Faults(bool(options.skip_broken))
    file = None if wanted == "masks" else labels_file(path, found)
    own = OwnData(
        path=path,
        kind=found,
        form=wanted,
        layout="csv" if file else "folder",
        inputs=None,
        targets=None,
        parts=None,
        classes=None,
        monitor=monitor,
    )
    # Find the examples.
    if wanted in BESIDE and not file:
        for name in ("target", "leave_out"):
            if getattr(options, name):
                flag = "--" + name.replace("_", "-")
                raise UserError(f"{flag} is for a CSV; {recipe.name} learns {TOLD[wanted]}")
        own.layout = "pairs"
        examples = from_pairs(own, faults)
        own.files = [example.target for example in examples]
        if examples[0].part is not None:
            own.in_parts = sorted({(each.part, each.where.parts[1]) for each in examples})
    elif wanted == "boxes":
        examples = from_boxes(own, file, options, faults)
    elif file:
        labels = own.form != "labels" and takes_labels(recipe)
        examples = from_csv(own, file, options, faults, labels)
        cells = [example.target for example in examples]
        if labels and (len(own.names["target"]) > 1 or any("|" in cell for cell in cells)):
            own.head = {"head": "sigmoid"}
            own.form, own.monitor, _ = trial(recipe, module, found, settings | own.head)
        elif takes_numbers(recipe) and are_numbers(cells):
            own.form, own.monitor, _ = trial(recipe, module, found, settings, classes=None)
    else:
        for name in ("target", "leave_out"):
            if getattr(options, name):
                flag = "--" + name.replace("_", "-")
                raise UserError(f"{flag} is for a CSV; {path} is a folder of classes")
        if wanted in ("labels", "numbers"):
            raise UserError(
                f"{path}: {recipe.name} learns {TOLD[wanted]}, which folders of classes do not "
                f"say: put a CSV of them beside the files; {PAGE} shows one"
            )
        examples = from_folders(path, found, faults)
        own.files = [example.value for example in examples]
        if examples[0].part is not None:
            own.in_parts = sorted({(each.part, each.where.parts[0]) for each in examples})
    # Read inputs and targets, and split the data.
    if found == "image":
        examples = read_images(own, examples, shape, faults)
    elif found == "text":
        examples = read_texts(own, examples, options.encoding, faults)
    if wanted == "masks":
        examples = read_masks(own, recipe, examples, faults)
    elif wanted == "boxes":
        examples = read_boxes(own, module.encode, answers[1], examples, faults)
    else:
        examples = read_targets(own, recipe, examples, faults)
    faults.refuse(path)
    if found == "table":
        own.reading = copy_own.reading_of_table(own, options.encoding)
        own.inputs = own.inputs[[example.value for example in examples]]
    else:
        own.inputs = np.array(
            [example.value for example in examples], *[object] * (found == "text")
        )
    split(own, examples)
    if own.form == "numbers":
        standardize(own)
    own.lines = found_in_words(own, examples, faults, recipe)
    return own


def labels_file(path, found):
    """The CSV of a path: the path itself, or the folder's only one; None for folders of classes."""
    if path.is_file():
        if path.suffix.lower() not in inputs.TABLES:
            raise UserError(f"--data {path}: give a folder, or a table ({' '.join(inputs.TABLES)})")
        return path
    tables = [each for each in listed(path) if each.suffix.lower() in inputs.TABLES]
    if len(tables) > 1:
        names = ", ".join(each.name for each in tables[:SHOWN])
        raise UserError(
            f"{path} holds {len(tables)} tables ({names}): name one of them with --data"
        )
    if tables:
        return tables[0]
    if found == "table":
        raise UserError(f"{path} holds no CSV: give one with --data")
    return None


def listed(folder):
    """The content of a folder, sorted, without hidden and system files."""
    try:
        inner = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror}") from None
    return [each for each in inner if not each.name.startswith(".") and each.name not in NOBODYS]


def from_folders(path, found, faults):
    """Examples in one folder per class, or in such folders in `train`, `validation`, `test`."""
    inner = [each for each in listed(path) if each.is_dir()]
    parts = {each: PARTS.get(each.name.lower()) for each in inner}
    if inner and None not in parts.values():
        if 0 not in parts.values():
            raise UserError(f"{path} holds {', '.join(each.name for each in inner)}, but no train")
        places = [(each, part) for each, part in parts.items()]
    else:
        places = [(path, None)]
    examples = []
    for place, part in places:
        for folder in listed(place):
            if not folder.is_dir():
                faults.add(folder.relative_to(path), "lies in no folder of a class")
                continue
            files = [file for file in sorted(folder.rglob("*")) if is_somebodys(file)]
            if not files:
                faults.add(f"class {folder.name}", "has no examples")
            for file in files:
                where = file.relative_to(path)
                if file.suffix.lower() in SUFFIXES[found]:
                    examples.append(Example(where, file, folder.name, part))
                else:
                    faults.add(where, f"is none of {WORDS[found]} ({' '.join(SUFFIXES[found])})")
    if not examples:
        raise UserError(
            f"{path} holds neither a folder of {WORDS[found]} for each "
            f"class nor a CSV; {PAGE} shows both"
        )
    return examples


def from_pairs(own, faults):
    """Examples in a folder `images`, each with a file of the same name in the folder beside it."""
    folder, suffixes = BESIDE[own.form]
    for name in ("images", folder):
        if not (own.path / name).is_dir():
            raise UserError(
                f"{own.path} holds no folder {name!r}: images lie in images, and what belongs to "
                f"them in {folder}; {PAGE} shows both"
            )
    images = files_by_name(own.path / "images", inputs.PICTURES, faults)
    others = files_by_name(own.path / folder, suffixes, faults)
    examples = []
    for name, file in images.items():
        where = file.relative_to(own.path)
        if name not in others:
            faults.add(where, f"has no file of this name in {folder}")
            continue
        part = PARTS.get(name.parts[0].lower()) if len(name.parts) > 1 else None
        examples.append(Example(where, file, others[name], part))
    for name in others.keys() - images.keys():
        faults.add(others[name].relative_to(own.path), "belongs to no image")
    if not examples:
        faults.refuse(own.path)
        raise UserError(f"{own.path} holds no image with a file of the same name in {folder}")
    parts = {example.part for example in examples}
    if None in parts:  # these folders are no split
        examples = [dataclasses.replace(example, part=None) for example in examples]
    elif 0 not in parts:
        raise UserError(f"{own.path}/images holds folders for the split, but no train")
    return examples


def files_by_name(folder, suffixes, faults):
    """Files below a folder, `{path in it without suffix: file}`, sorted."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if not is_somebodys(file) or file.name == CLASS_NAMES:
            continue
        name = file.relative_to(folder).with_suffix("")
        where = file.relative_to(folder.parent)
        if file.suffix.lower() not in suffixes:
            faults.add(where, f"is none of {' '.join(suffixes)}")
        elif name in found:
            faults.add(where, f"has the name of {found[name].name}")
        else:
            found[name] = file
    return found


def class_names(own):
    """The lines of `classes.txt`, or []."""
    for folder in (own.path, own.path / BESIDE[own.form][0]):
        if (folder / CLASS_NAMES).is_file():
            lines = inputs.read_text(folder / CLASS_NAMES).splitlines()
            return [line.strip() for line in lines if line.strip()]
    return []


def is_somebodys(file):
    hidden = file.name.startswith(".") or file.name in NOBODYS
    return file.is_file() and not hidden


def from_csv(own, file, options, faults, labels=False):
    """Examples of a CSV: texts, names of files beside it, or rows of numbers and words.

    With `labels`, the targets may also be labels, in a column each, where classes are learned.
    """
    rows = rows_of(own, file, options.encoding, faults)
    names = list(rows.columns)

    # Choose the columns of inputs and targets.
    wanted = named_columns("--target", options.target, names, file)
    left_out = named_columns("--leave-out", options.leave_out, names, file)
    if both := [name for name in wanted if name in left_out]:
        raise UserError(f"--leave-out {both[0]}: it is the target")
    rows = rows.drop(columns=left_out)
    names = [name for name in names if name not in left_out]
    if len(names) < 2:
        raise UserError(f"--leave-out {options.leave_out}: {file} has nothing else to learn from")
    source = source_column(own, file, rows.drop(columns=wanted))
    wanted = wanted or target_columns(own, rows, source, labels)
    if len(wanted) > 1 and own.form != "labels" and not labels:
        raise UserError(
            f"--target {options.target}: one column, for this network learns {TOLD[own.form]}"
        )
    if len(wanted) > 1:
        told = [labels_of(dict(zip(wanted, row, strict=True))) for row in rows[wanted].to_numpy()]
    else:
        told = rows[wanted[0]].tolist()
    own.names |= {"source": source, "target": wanted}
    # Create the examples.
    if own.kind == "table":
        return read_table(own, rows.drop(columns=wanted), told, file, faults)
    examples = []
    is_files = holds_files(own, file, rows[source])
    for line, value, goal in zip(rows.index, rows[source], told, strict=True):
        where = f"{file.name}, line {line}"
        path = file.parent / value
        if is_files and not path.is_file():
            faults.add(where, f"{value or 'a gap'} is no file beside it")
            continue
        examples.append(Example(value if is_files else where, path if is_files else value, goal))
    own.names["files"] = is_files
    return examples


def from_boxes(own, file, options, faults):
    """Examples of a CSV with a row for each box, in pixels of an image that lies beside it.

    The targets are lists of boxes: where each is written, its class, and its four cells.
    """
    rows = rows_of(own, file, options.encoding, faults)
    names = {name.lower(): name for name in rows.columns}
    corners = [[names[name] for name in each] for each in CORNERS if names.keys() >= set(each)]
    if not corners:
        raise UserError(
            f"{file} does not have the columns {', '.join(CORNERS[0])} (or {', '.join(CORNERS[1])})"
        )
    rest = rows.drop(columns=corners[0])
    rest = rest.drop(columns=named_columns("--leave-out", options.leave_out, list(rest), file))
    wanted = named_columns("--target", options.target, list(rest), file)
    source = source_column(own, file, rest)
    label = (wanted or target_columns(own, rest, source) or [None])[0]
    if label is None:
        raise UserError(f"{file} has no column with the class of a box, as in: {columns_of(own)}")
    own.names |= {"source": source, "target": [label], "corners": corners[0]}
    examples = {}
    for line, row in rows.iterrows():
        where = f"{file.name}, line {line}"
        path = file.parent / row[source]
        if not path.is_file():
            faults.add(where, f"{row[source] or 'a gap'} is no file beside it")
            continue
        example = examples.setdefault(path, Example(row[source], path, []))
        cells = row[corners[0]].tolist()
        if not {row[label], *cells} <= set(inputs.GAPS):  # otherwise an image without objects
            example.target.append((where, row[label], cells))
    if own.path.is_dir():
        for path in sorted(own.path.rglob("*")):
            is_image = path.suffix.lower() in inputs.PICTURES and is_somebodys(path)
            if is_image and path not in examples:
                faults.add(path.relative_to(own.path), f"has no line in {file.name}")
    return list(examples.values())


def rows_of(own, file, encoding, faults):
    """The rows of a CSV as strings, with the names of its columns; notes how to read it again."""
    text = inputs.read_text(file, encoding)
    if not text.strip():
        raise UserError(f"{file} is empty")
    separator = max(inputs.SEPARATORS, key=lambda each: len(inputs.first_row(text, each)))
    names = inputs.first_row(text, separator)
    if not inputs.is_header(names):
        raise UserError(f"{file}: the first line must name the columns, as in: {columns_of(own)}")
    if len(names) < 2:
        raise UserError(
            f"{file} has one column only ({names[0]}): what is to be learned from what?"
        )
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{file} has two columns named {name!r}")
    rows = inputs.parse(text, separator, file, faults).iloc[1:]
    rows.columns = names
    rows = rows.apply(lambda cells: cells.str.strip())
    if rows.empty:
        raise UserError(f"{file} has no rows below its first line")
    # Record how to read the file again.
    own.names = {"separator": separator, "file": file}
    numeric = [name for name in names if all(map(inputs.is_number, filled(rows[name])))]
    own.names["spaces"] = f"{separator} " in text
    own.names["decimal"] = inputs.decimal_mark(rows[numeric], separator)
    return rows


def named_columns(flag, words, names, file):
    """The columns that `--target` or `--leave-out` names, with commas between; [] without it."""
    found = [word.strip() for word in (words or "").split(",") if word.strip()]
    for name in found:
        if name not in names:
            raise UserError(f"{flag} {name}: {file} has {', '.join(names)}")
    return found


def filled(cells):
    """The cells of a column without gaps."""
    return cells[~cells.isin(inputs.GAPS)]


def columns_of(own):
    if own.form == "boxes":
        return "file,left,top,right,bottom,label"
    return {"image": "file,label", "text": "text,label", "table": "rooms,district,price"}[own.kind]


def source_column(own, file, rows):
    """The column with the texts, or the names of the files; None for a table."""
    if own.kind == "table":
        return None
    for name in rows.columns:
        if holds_files(own, file, rows[name]):
            return name
    if own.kind == "image":
        suffixes = " ".join(inputs.PICTURES)
        raise UserError(f"{file}: no column names the images beside it ({suffixes})")
    return rows.apply(lambda cells: cells.str.len().mean()).idxmax()  # the longest on average


def holds_files(own, file, cells):
    """Whether most cells of a column end in a suffix of this kind of files."""
    suffixes = [pathlib.PurePath(cell).suffix.lower() in SUFFIXES[own.kind] for cell in cells]
    return np.mean(suffixes) > 0.5


def target_columns(own, rows, source, labels=False):
    """The default of `--target`: all columns of 0 and 1 for labels, otherwise one column.

    With `labels`, these are possible, but a column that is named as a target comes first.
    """
    rest = [name for name in rows.columns if name != source]
    named = [name for name in rest if name.lower() in TARGETS]
    zero_or_one = rows[rest].isin(["0", "1"]).all(axis=None)
    wanted = own.form == "labels" or (labels and len(named) != 1)
    if wanted and zero_or_one and len(rest) > 1:
        return rest
    return named if len(named) == 1 else rest[-1:]


def labels_of(cells):
    """Names of the columns with a 1, joined as in a cell; a gap if one has neither 0 nor 1."""
    if not set(cells.values()) <= {"0", "1"}:
        return ""
    return "|".join(name for name, cell in cells.items() if cell == "1") or "|"


def read_table(own, rows, told, file, faults):
    """Read columns of numbers and of words; each word becomes a column of zeros and ones."""
    own.columns = []
    for name in rows.columns:
        words = sorted(set(filled(rows[name])))
        if not words:
            faults.add(f"column {name}", f"is empty (--leave-out {name})")
        elif all(map(inputs.is_number, words)):
            own.columns.append([name, None])
        elif len(words) > MOST_WORDS:
            faults.add(f"column {name}", f"has {len(words):,} different words (--leave-out {name})")
        else:
            own.columns.append([name, words])
    if not own.columns:
        raise UserError(
            f"{file} has no column to learn from besides {', '.join(own.names['target'])}"
        )
    own.inputs = inputs.encoded(rows, own.columns, own.names["decimal"], f"{file}, line")
    places = enumerate(zip(rows.index, told, strict=True))
    return [Example(f"{file.name}, line {line}", row, goal) for row, (line, goal) in places]


def read_images(own, examples, shape, faults):
    """Read the images in a common size: `shape`, or close to their own."""
    # Read the sizes.
    sizes, channels, readable = [], 1, []
    for example in examples:
        try:
            if not example.value.stat().st_size:
                raise UserError("is empty")
            with PIL.Image.open(example.value) as image:
                turned = image.getexif().get(0x0112, 1) > 4  # on its side
                sizes.append(image.size[:: 1 if turned else -1])
                channels = max(
                    channels, 1 if image.mode in ("1", "L", "LA", "I;16", "I;16B") else 3
                )
        except Exception as error:  # for damaged bytes, Pillow can raise anything
            said = str(error) if isinstance(error, UserError) else "is no readable image"
            faults.add(example.where, said)
            continue
        readable.append(dataclasses.replace(example, size=tuple(sizes[-1])))
    if not readable:
        raise UserError(f"{own.path}: {faults.in_words()}; no image is left")
    # Choose the common size, and check that all images fit into memory.
    if shape is None:
        height, width = np.median(sizes, axis=0)
        longest, multiple = LONGEST_SIDE, 1
        if own.form == "masks":
            longest, multiple = LONGEST_WITH_MASK, MULTIPLE
        scale = min(1, longest / max(height, width)) / multiple
        height, width = (multiple * max(1, round(side * scale)) for side in (height, width))
        shape = (height, width, channels)
    if len(shape) != 3 or shape[2] not in inputs.MODES or min(shape) < 1:
        raise UserError(f"--set input_shape={shape}: height, width and 1, 3 or 4 channels")
    need = math.prod(shape) * len(readable)
    if need > MOST_BYTES:
        raise UserError(
            f"{own.path}: {len(readable):,} images of {shape} take {need / 2**30:.1f} GB of "
            "memory; a smaller --set input_shape=… takes less"
        )
    # Read the images.
    own.shape = shape
    reader = inputs.Pictures(keras.KerasTensor((None, *shape), "uint8"), invert=False)
    done = []
    for example in readable:
        try:
            _, values = next(reader.read(example.value))
        except UserError as error:
            faults.add(example.where, str(error).removeprefix(f"{example.value} "))
            continue
        done.append(dataclasses.replace(example, value=values[0]))
    return done


def read_texts(own, examples, encoding, faults):
    """Read the texts of files, or of a column."""
    done = []
    for example in examples:
        text = example.value
        try:
            if isinstance(text, pathlib.Path):
                text = inputs.read_text(text, encoding)
        except UserError as error:
            faults.add(example.where, str(error).removeprefix(f"{example.value} "))
            continue
        if text.strip():
            done.append(dataclasses.replace(example, value=text.strip()))
        else:
            faults.add(example.where, "holds no text")
    return done


# Targets and split


def read_targets(own, recipe, examples, faults):
    """Convert target texts to the targets of `own`; returns the examples that have a target."""
    # Skip examples without a target.
    having = []
    for example in examples:
        if own.layout == "csv" and example.target in inputs.GAPS:
            faults.add(example.where, f"has no {' or '.join(own.names['target'])}")
        else:
            having.append(example)
    if own.form == "numbers":
        return read_numbers(own, having, faults)
    # Find the classes; those with too few examples are faults.
    told = [
        split_labels(example.target) if own.form == "labels" else [example.target]
        for example in having
    ]
    counts = collections.Counter(name for names in told for name in names)
    rare = [name for name in in_order(counts) if own.form != "labels" and counts[name] < FEWEST]
    for name in rare:
        number = f"{counts[name]} example" + "s" * (counts[name] != 1)
        faults.add(f"class {name}", f"has {number}; {FEWEST} are needed")
    if len(rare) > len(counts) / 2 and own.layout == "csv":
        raise UserError(
            f"{own.path}: {len(counts):,} different values in column {own.names['target'][0]}, "
            f"most of them fewer than {FEWEST} times: is it what you want to predict? "
            f"--target names another, and {PAGE} the recipes that predict numbers"
        )
    faults.refuse(own.path)
    own.classes = [name for name in in_order(counts) if name not in rare]
    kept = [
        example for example, names in zip(having, told, strict=True) if not set(names) & set(rare)
    ]
    told = [names for names in told if not set(names) & set(rare)]
    check_classes(own, recipe)
    # Encode the classes.
    numbers = {name: number for number, name in enumerate(own.classes)}
    if own.form in ("labels", "one-hot classes"):
        own.targets = np.zeros((len(told), len(own.classes)), "float32")
        for row, names in enumerate(told):
            own.targets[row, [numbers[name] for name in names]] = 1
    else:
        own.targets = np.array([numbers[name] for (name,) in told], "int32")
    return kept


def read_masks(own, recipe, examples, faults):
    """Read the masks, in the size of the images; returns the examples that have one.

    The value of a pixel is the number of its class. With two classes, they may be 0 and 255.
    """
    # Read them; the values are those before the nearest pixels are taken.
    height, width, _ = own.shape
    kept, masks, values = [], [], []
    has_palette = False
    for example in examples:
        where = example.target.relative_to(own.path)
        try:
            mask, mode = read_mask(example.target)
        except UserError as error:
            faults.add(where, str(error))
            continue
        if mask.shape != example.size:
            size, wanted = (f"{columns} × {rows}" for rows, columns in (mask.shape, example.size))
            faults.add(where, f"has {size} pixels, its image {wanted}")
            continue
        has_palette |= mode == "P"
        kept.append(dataclasses.replace(example, where=where))
        values.append(set(np.flatnonzero(np.bincount(mask.ravel())).tolist()))
        masks.append(np.asarray(PIL.Image.fromarray(mask).resize((width, height), resample=0)))
    # Find the classes.
    names = class_names(own)
    there = set().union(*values)
    if 255 in there and there <= {0, 255} and len(names) in (0, 2):
        masks = [mask // 255 for mask in masks]
        values = [{value // 255 for value in each} for each in values]
        own.names["white"] = True
        there = set().union(*values)
        own.notes.append("The masks hold 0 and 255: 255 is taken as class 1.")
    if has_palette:
        own.notes.append("Masks with a palette: the number of a color in it is taken as the class.")
    count = len(names) or next(value for value in range(len(there) + 1) if value not in there)
    why = f"no mask holds {count}: classes are numbered from 0 without gaps"
    if names:
        why = f"{CLASS_NAMES} names the classes 0 to {count - 1}"
    if any(example.target.suffix.lower() in (".jpg", ".jpeg") for example in kept):
        why += " (JPEG changes values: save masks as PNG)"
    right = []
    for index, example in enumerate(kept):
        if max(values[index]) >= count:
            faults.add(example.where, f"holds {max(values[index])}, but {why}")
        else:
            right.append(index)
    faults.refuse(own.path)
    check_number(own, right)
    own.classes = names or [str(number) for number in range(count)]
    if not names and count == 2:
        own.classes = ["background", "foreground"]
    check_classes(own, recipe)
    own.targets = np.array([masks[index] for index in right], "uint8")
    return [kept[index] for index in right]


def read_mask(file):
    """The values of a mask, an array (height, width) of int32, and Pillow's name of its mode.

    Raises:
        UserError: if it cannot be read, or has colors.
    """
    if not file.stat().st_size:
        raise UserError("is empty")
    try:
        with PIL.Image.open(file) as image:
            values = np.asarray(image).astype("int32")
    except Exception:  # for damaged bytes, Pillow can raise anything
        raise UserError("is no readable image") from None
    if values.ndim > 2:
        raise UserError(
            f"has colors ({image.mode}): save it in gray, the value of a pixel its class's number"
        )
    if image.mode in ("I", "F"):
        raise UserError("has pixels of 32 bits: save it with 8 or 16")
    return values, image.mode


def read_boxes(own, encode, cells, examples, faults):
    """Read the boxes, and encode them as the recipe does; returns the examples that have them.

    Args:
        own: What was found until now.
        encode: Of the recipe.
        cells: Cells of the network along each side of an image.
        examples: Their targets are files of labels, or lists of boxes as strings.
        faults: Collects the boxes that cannot be used; their images are left out.
    """
    names = class_names(own) if own.layout == "pairs" else []
    kept, boxes, labels = [], [], []
    for example in examples:
        lines = example.target
        if own.layout == "pairs":
            lines = label_lines(own, example.target, names, faults)
        found = []
        for where, label, numbers in lines or []:
            try:
                if label in inputs.GAPS:
                    raise UserError(f"has no {own.names['target'][0]}")
                found.append((label, box_of(own, numbers, example.size)))
            except UserError as error:
                faults.add(where, str(error))
        if lines is not None and len(found) == len(lines):
            kept.append(example)
            labels.append([label for label, _ in found])
            boxes.append(np.reshape([box for _, box in found], (-1, 4)))
    faults.refuse(own.path)
    check_number(own, kept)
    total = sum(map(len, boxes))
    if not total:
        raise UserError(f"{own.path}: no image has a box")
    own.classes = names or in_order({label for each in labels for label in each})
    if own.layout == "pairs" and not names:
        own.classes = [str(number) for number in range(1 + int(own.classes[-1]))]
    targets = []
    for image_boxes, image_labels in zip(boxes, labels, strict=True):
        numbers = [own.classes.index(label) for label in image_labels]
        targets.append(encode(image_boxes, numbers, len(own.classes), side=1, cells=cells))
    own.targets = np.array(targets)
    lost = total - int(own.targets[..., 4].sum())
    if lost:
        own.notes.append(
            f"Not learned: {lost:,} of the {total:,} boxes, whose center is in the same of "
            f"{cells} × {cells} cells as another's."
        )
    return kept


def label_lines(own, file, names, faults):
    """The boxes in a file of labels as YOLO has them; None if there are faults.

    Returns:
        A list of: where the box is written, its class, and its four numbers as strings.
    """
    where = file.relative_to(own.path)
    try:
        lines = inputs.read_text(file).split("\n")
    except UserError as error:
        faults.add(where, str(error).removeprefix(f"{file} "))
        return None
    found = []
    for number, line in enumerate(lines, 1):
        label, *cells = line.split() or [None]
        said = ""
        if label is None:
            continue
        if len(cells) != 4:
            said = f"{1 + len(cells)} numbers instead of 5: class, center x and y, width, height"
        elif not label.isdecimal():
            said = f"{label!r} is no number of a class"
        elif names and int(label) >= len(names):
            said = f"class {label}, but {CLASS_NAMES} names the classes 0 to {len(names) - 1}"
        elif int(label) >= MOST_KINDS:
            said = f"class {label}, and there can be {MOST_KINDS:,}"
        if said:
            faults.add(f"{where}, line {number}", said)
            return None
        name = names[int(label)] if names else str(int(label))
        found.append((f"{where}, line {number}", name, cells))
    return found


def box_of(own, cells, size):
    """Left, top, right and bottom of a box, an array (4,), from 0 to 1 in the image.

    Args:
        own: Its layout is "csv" if the cells are these four in pixels, and "pairs" if they are the
            center, width and height from 0 to 1.
        cells: Four strings.
        size: Height and width of the image.

    Raises:
        UserError: if it is no box in the image.
    """
    height, width = size
    try:
        numbers = np.array([float(cell.replace(",", ".")) for cell in cells])
    except ValueError:
        raise UserError(f"{' '.join(cells)!r} are no four numbers") from None
    if own.layout == "pairs":
        center, extent = numbers[:2], numbers[2:]
        box = np.concatenate([center - extent / 2, center + extent / 2])
        shown = f"{' '.join(cells)} (from 0 to 1)"
    else:
        box = numbers / (width, height, width, height)
        shown = " ".join(cells)
    if not (box[:2] < box[2:]).all():
        raise UserError(f"the box {shown} has no area")
    # Pixels are counted from 0 or 1.
    slack = np.array([1 / width, 1 / height] * 2)
    if (box < -slack).any() or (box > 1 + slack).any():
        raise UserError(f"the box {shown} leaves the image of {width} × {height} pixels")
    if own.layout == "csv" and numbers.max() <= 1:
        raise UserError(f"the box {shown} is smaller than a pixel; boxes are in pixels")
    return box.clip(0, 1)


def check_number(own, examples):
    """Raise a UserError if there is not an example for each part of the split."""
    if len(examples) < FEWEST:
        number = f"{len(examples)} usable image" + "s" * (len(examples) != 1)
        raise UserError(f"{own.path} holds {number}; {FEWEST} are needed")


def split_labels(cell):
    """`joy|love` as `["joy", "love"]`."""
    return [name.strip() for name in cell.split("|") if name.strip()]


def in_order(names):
    """The names in alphabetical order, or in ascending order if all are numbers."""
    if all(map(inputs.is_number, names)):
        return sorted(names, key=lambda name: float(name.replace(",", ".")))
    return sorted(names)


def check_classes(own, recipe):
    """Raise a UserError if the recipe's network does not support this number of classes."""
    count = len(own.classes)
    names = ", ".join(own.classes[:SHOWN]) + ", …" * (count > SHOWN)
    if count < 2:
        raise UserError(f"{own.path} has one class only ({names}): there is nothing to tell apart")
    if own.form == "two classes" and count > 2:
        wider = [
            each.name
            for each in recipes.all_recipes()
            if kind(each) == own.kind and takes_classes(each) and not has_places(each)
        ]
        instead = f"; {', '.join(wider)} take more" if wider else ""
        raise UserError(
            f"{own.path} has {count} classes ({names}), {recipe.name} tells two apart{instead}"
        )


def has_places(recipe):
    """Whether a recipe learns boxes or masks, by its source."""
    return "metrics.IoU(" in recipe.source or copy_extras.takes_boxes(recipe)


def takes_classes(recipe):
    """Whether the number of classes is an argument of a recipe's network."""
    build = copy_own.function(recipe, "build_model")
    return "classes" in [each.arg for each in build.args.args]


def takes_labels(recipe):
    """Whether a recipe's network for classes learns labels instead with `head="sigmoid"`."""
    build = ast.unparse(copy_own.function(recipe, "build_model"))
    return "head == 'sigmoid'" in build


def takes_numbers(recipe):
    """Whether a recipe's network for classes predicts a number instead with `classes=None`."""
    return "classes is None" in ast.unparse(copy_own.function(recipe, "build_model"))


def are_numbers(cells):
    """Whether the cells of a target are numbers to predict, not classes that are called by one."""
    cells = {cell for cell in cells if cell not in inputs.GAPS}
    if not all(map(inputs.is_number, cells)):
        return False
    whole = all(float(cell.replace(",", ".")).is_integer() for cell in cells)
    return len(cells) > MOST_CLASSES or not whole


def read_numbers(own, examples, faults):
    kept, values = [], []
    for example in examples:
        try:
            value = float(example.target.replace(own.names["decimal"], "."))
        except ValueError:
            value = math.nan
        if math.isfinite(value):
            kept.append(example)
            values.append(value)
        else:
            faults.add(example.where, f"{example.target!r} is no number to predict")
    faults.refuse(own.path)
    if len(kept) < 10 or len(set(values)) == 1:
        what = f"{len(kept)} numbers" if len(set(values)) != 1 else f"always {values[0]:g}"
        raise UserError(
            f"{own.path}: {what} in column {own.names['target'][0]}: too little to learn"
        )
    own.targets = np.array(values, "float32")[:, None]
    return kept


def split(own, examples):
    """Set the rows of each split: as given by folders, or drawn at random within each class."""
    labels = np.zeros(len(examples), int)
    if own.form not in BY_CHANCE:
        labels = own.targets.argmax(axis=-1) if own.targets.ndim > 1 else own.targets
    said = np.array([-1 if example.part is None else example.part for example in examples])
    if (said < 0).all():
        own.parts = split_by_class(labels)
        return
    parts = [np.flatnonzero(said == part) for part in range(3)]
    lacking = set(range(len(own.classes))) - set(labels[parts[0]])
    if lacking and own.form not in BY_CHANCE:
        names = ", ".join(own.classes[label] for label in sorted(lacking))
        raise UserError(f"{own.path}: the training set has no {names}")
    for part in (1, 2):
        if not len(parts[part]):  # take a part of the training set
            rest, drawn, others = split_by_class(labels[parts[0]])
            parts[part] = parts[0][drawn]
            parts[0] = np.sort(parts[0][np.concatenate([rest, others])])
    own.parts = tuple(parts)


def standardize(own):
    """Standardize the targets to mean 0 and deviation 1; `deployed` reverses it."""
    train = own.targets[own.parts[0]]
    own.scale = tuple(float(f"{number:.6g}") for number in (train.mean(), train.std()))
    own.targets = (own.targets - own.scale[0]) / own.scale[1]


# Description


def found_in_words(own, examples, faults, recipe):
    """Lines on the data, its split, the network's task, rare labels and examples left out."""
    train, validation, test = own.parts
    lines = [f"{own.name}: {len(examples):,} {WORDS[own.kind]}{described(own)}"]
    sizes = (
        f"{len(train):,} to train, {len(validation):,} for validation, {len(test):,} for the test"
    )
    if own.in_parts:
        lines.append(f"Split as the folders say: {sizes}.")
    else:
        by = "by chance" if own.form in BY_CHANCE else "by class"
        lines.append(f"Split {by}, seed 0: {sizes}.")
    takes = {
        "image": f"images of {own.shape}",
        "text": "texts",
        "table": f"{len(own.columns or ())} columns",
    }[own.kind]
    lines.append(f"{recipe.name} learns from {takes}: {head_in_words(own)}.")
    lines += own.notes
    if rare := rare_labels(own):
        lines.append(f"Too rare to learn: {rare}.")
    if faults.found:
        lines.append(f"Left out ({len(faults.found):,}): {faults.in_words()}.")
    return lines


def described(own):
    """Classes with their counts, or the range of the numbers."""
    if own.form == "numbers":
        mean, deviation = own.scale
        values = own.targets[:, 0] * deviation + mean
        low, middle, high = np.quantile(values, [0, 0.5, 1])
        name = own.names["target"][0]
        return f"; {name} from {low:g} to {high:g}, median {middle:g}"
    counts = counted(own)
    what = "labels" if own.form == "labels" else "classes"
    order = np.argsort(-counts, kind="stable")
    named = [f"{own.classes[index]} {counts[index]:,}" for index in order]
    if own.form == "masks":
        shares = counts / counts.sum()
        named = [f"{own.classes[index]} {shares[index]:.1%}" for index in order]
    if len(named) > 8:
        named = [*named[:4], "…", *named[-3:]]
    words = f" of {len(counts)} {what}: {', '.join(named)}"
    if own.form == "boxes":
        without = int((present(own).sum(axis=1) == 0).sum())
        more = f"; {without:,} without any" if without else ""
        return f" with {counts.sum():,} boxes{words}{more}"
    if own.form == "masks":
        return f" with masks{words} of the pixels"
    if own.form != "labels" and counts.max() >= 3 * counts.min():
        times = counts.max() / counts.min()
        words += f"; the largest is {times:.3g} times the smallest (--class-weights balanced)"
    return words


def rare_labels(own):
    """Labels, or classes in images, in fewer than three examples or not in training; or ""."""
    if own.form not in ("labels", *BESIDE):
        return ""
    shown = present(own)
    counts, to_train = shown.sum(axis=0), shown[own.parts[0]].sum(axis=0)
    found = []
    for name, count, left in zip(own.classes, counts, to_train, strict=True):
        if count < FEWEST or not left:
            found.append(f"{name} ({count:.0f} of the examples, {left:.0f} of them to train with)")
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


def present(own):
    """Which labels each example has, or which classes are in its mask: (examples, classes)."""
    if own.form == "masks":
        numbers = range(len(own.classes))
        return np.array([[number in mask for number in numbers] for mask in own.targets])
    if own.form == "boxes":
        return own.targets[..., 5:].any(axis=(1, 2))
    return own.targets


def counted(own):
    """The examples of each class; of boxes and masks the boxes and pixels."""
    if own.form == "boxes":
        return own.targets[..., 5:].sum(axis=(0, 1, 2)).astype(int)
    if own.form == "masks":
        return np.bincount(own.targets.ravel(), minlength=len(own.classes))
    if own.targets.ndim > 1:
        return own.targets.sum(axis=0).astype(int)
    return np.bincount(own.targets, minlength=len(own.classes))


def head_in_words(own):
    """The network's head in words, and the score of always predicting the most frequent class."""
    if own.form == "numbers":
        _, deviation = own.scale
        of = f"{own.names['target'][0]} in units of its deviation, {deviation:.4g}"
        return f"one linear unit, mean squared error of {of}"
    if own.form == "labels":
        return f"{len(own.classes)} sigmoid units, binary cross-entropy"
    if own.form == "boxes":
        _, rows, columns, _ = own.targets.shape
        return f"a box of one of {len(own.classes)} classes in each of {rows} × {columns} cells"
    counts = counted(own)
    most = own.classes[int(counts.argmax())]
    head = f"{len(own.classes)} softmax units, categorical cross-entropy"
    if own.form == "two classes":
        head = f"one sigmoid unit for {own.classes[1]!r}, binary cross-entropy"
    right = f"{counts.max() / counts.sum():.1%}"
    if own.form == "masks":
        head = head.replace(" units", " units for each pixel")
        right += " of the pixels"
    return f"{head}; always {most!r} would be right in {right}"


# Adapting the recipe


def adapted(module, own, variant=None):
    """A copy of the module with `load_data`, CLASSES and `build_model` for the user's data.

    Parts that fit only the recipe's own data are removed: the comparison of its variants, except a
    selected one, and the baseline of boxes and masks; `deployed` is replaced.
    """
    known = types.ModuleType(module.__name__)
    vars(known).update(vars(module))
    size = inspect.signature(module.load_data).parameters["batch_size"].default

    def load_data(batch_size=size):
        return own.load_data(batch_size)

    known.load_data = load_data
    known.build_model = build_model_for(module.build_model, own)
    known.CLASSES = own.classes
    known.COLUMNS = own.columns
    known.READING = own.reading
    known.FORM = own.form
    for name in ("deployed", "VARIANTS", "WRONG"):
        vars(known).pop(name, None)
    if own.form in BESIDE:
        # It was written for the recipe's images.
        vars(known).pop("baseline", None)
    if make := deployed(own):
        known.deployed = make
    if variant:
        known.VARIANTS = {variant: module.VARIANTS[variant]}
    return known


def noted(own, options):
    """The entry of a plan on the user's data: path, options and hash, fixed when resuming."""
    found = {"path": str(own.path), "digest": own.digest}
    for name in OF_DATA:
        if getattr(options, name):
            found[name] = getattr(options, name)
    return found


def options(found):
    """The command-line options in a result of `noted`."""
    given = {name: found.get(name) for name in OF_DATA}
    return types.SimpleNamespace(data=found["path"], **given)


def deployed(own):
    """A recipe's `deployed`: raw inputs, and outputs in the user's units; None if it has both.

    Inputs are texts; uint8 images (batch, height, width, channels) of any size; or a dictionary of
    a table's columns as they are in the file, each (batch, 1): numbers as float32, NaN where they
    are missing, and words as strings, "" where they are missing.
    """

    def deployed(model):
        if own.scale:
            mean, deviation = own.scale
            units = keras.layers.Rescaling(deviation, mean, dtype="float32")
            model = keras.Sequential([model, units])
        if own.kind == "image":
            return of_any_size(model, own.shape)
        return of_columns(model, own.columns) if own.kind == "table" else model

    return deployed if own.scale or own.kind != "text" else None


def of_any_size(model, shape):
    """A network for images, which it resizes as `inputs.Pictures` does, up to rounding."""
    height, width, channels = shape
    images = keras.Input((None, None, channels), dtype="uint8")
    # Pillow antialiases, too.
    resize = keras.layers.Resizing(height, width, "bilinear", antialias=True, dtype="uint8")
    return keras.Model(images, model(resize(images)))


def of_columns(model, columns):
    """A network for a table, with a dictionary of columns as inputs, encoded as by `inputs`."""
    # Keras allows no "/" in the name of a layer, and warns of other names than in the dictionary.
    warnings.filterwarnings("ignore", "When providing `inputs` as a dict")
    inner, numbers, named = [], [], {}
    for name, words in columns:
        dtype = "string" if words else "float32"
        inner.append(keras.Input((1,), dtype=dtype))
        numbers.append(one_hot(inner[-1], words) if words else inner[-1])
        named[name] = keras.Input((1,), dtype=dtype, name=None if "/" in name else name)
    outputs = model(keras.layers.Concatenate(dtype="float32")(numbers))
    # A network of its own, for a column may be called like a layer.
    network = keras.Model(inner, outputs, name="network_of_columns")
    return keras.Model(named, network(list(named.values())))


def one_hot(column, words):
    """Strings (batch, 1) as zeros and ones (batch, words); unknown words are zeros only."""
    lookup = keras.layers.StringLookup(vocabulary=words, oov_token="", output_mode="one_hot")
    # The first number is for unknown words.
    return keras.ops.cast(lookup(column)[:, 1:], "float32")


def build_model_for(build_model, own):
    """`build_model` with the number of classes and the image size of the user's data."""
    fixed = dict(own.head)
    if arguments.wants(build_model, "classes"):
        fixed["classes"] = own.classes and len(own.classes)
    if own.shape:
        fixed["input_shape"] = own.shape
    signature = inspect.signature(build_model)
    free = [each for name, each in signature.parameters.items() if name not in fixed]

    @functools.wraps(build_model)
    def build(**given):
        return build_model(**given, **fixed)

    build.__signature__ = signature.replace(parameters=free)
    return build
