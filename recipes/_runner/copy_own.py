"""The source of a recipe for one's own data: what `copy … --data` writes in place of the recipe's.

`load_data` and `main` are written anew, in plain Keras and pandas; the network keeps its lines,
with other defaults; what nothing needs any more goes.
"""

import ast
import inspect
import json
import re
import textwrap

import PIL.Image

from recipes._runner import copy_extras, inputs
from recipes._runner.errors import UserError

# What Keras' own readers of folders take; they do not turn photographs as the camera was held.
KERAS_READS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
# Targets that say where something is, with the functions that fit only the recipe's own images:
# a network for masks has a search for the size of its crops.
PLACES = {"boxes": ("baseline",), "masks": ("baseline", "search_space")}
COLORS = {1: "grayscale", 3: "rgb", 4: "rgba"}
ORIENTATION = 0x0112  # EXIF's tag of how the camera was held
# Names that a recipe has whether or not its `main` uses them.
LASTING = {"load_data", "build_model", "search_space", "baseline", "deployed", "callbacks", "main"}
LASTING |= {"EPOCHS", "OBJECTIVE", "KEEP", "CLASSES", "DATA", "features"}
WHERE_FROM = {
    "PIL": "import PIL.Image",
    "np": "import numpy as np",
    "pathlib": "import pathlib",
    "pd": "import pandas as pd",
    "split_by_class": "from recipes.common.splits import split_by_class",
    "tf": "import tensorflow as tf",
    "to_numpy": "from recipes.common.arrays import to_numpy",
}


def source(recipe, module, own, options):
    """The recipe's source, for the user's data.

    Args:
        recipe: The recipe.
        module: Its module.
        own: What was found of the data, an `OwnData`.
        options: With `variant`, `encoding`, `early_stopping` and `class_weights`.

    Raises:
        UserError: if Keras' readers cannot read what the runner can.
    """
    check(own, options)
    written = {
        "load_data": load_data(module, own, options),
        "main": main(recipe, module, own, options),
    }
    if own.kind == "table":
        written["deployed"] = deployed(own)
    elif own.scale:
        written["deployed"] = DEPLOYED
    constants = {"CLASSES": f"CLASSES = {literal(own.classes)}" if own.classes else None}
    defaults = dict(getattr(module, "VARIANTS", {}).get(options.variant) or {})
    names = build_arguments(recipe)
    classes = "len(CLASSES)" if own.classes else "None"
    defaults |= {"classes": classes} if "classes" in names else {}
    defaults |= {"input_shape": repr(own.shape)} if own.shape else {}
    defaults |= own.head
    parts = segments(recipe)
    blocks = []
    for node, text in parts:
        name = defined(node)
        if name in ("deployed", "VARIANTS", "WRONG") and name not in written:
            used = name == "VARIANTS" and "VARIANTS" in names_in(function(recipe, "build_model"))
            if not used:
                continue
        if name in PLACES.get(own.form, ()):
            continue
        if name == "build_model":
            text = with_defaults(node, text, defaults, own)
        elif name in written:
            text = written.pop(name)
        elif name in constants:
            continue
        blocks.append(text.strip("\n"))
    place = next(i for i, text in enumerate(blocks) if text.startswith("EPOCHS"))
    told = [block for block in (data_constants(own), constants["CLASSES"]) if block]
    blocks[place] = "\n".join([blocks[place], *told])
    if "deployed" in written:
        blocks.insert(-2, written.pop("deployed"))
    if own.kind == "table":
        before = next(i for i, text in enumerate(blocks) if text.startswith("def load_data"))
        blocks.insert(before, FEATURES)
    return tidy(blocks, own)


def check(own, options):
    """Raises a UserError for files that a copy in plain Keras cannot read."""
    if own.layout == "folder" and own.kind == "image":
        others = [file for file in own.files if file.suffix.lower() not in KERAS_READS]
        if others:
            raise UserError(
                f"{others[0]}: a copy reads {' '.join(KERAS_READS)} "
                "with Keras; save it as one of these"
            )
    if own.kind == "image":
        check_images(own)
    if own.layout == "folder" and own.kind == "text" and options.encoding:
        raise UserError("--encoding: a copy reads folders of texts in UTF-8; save them so")
    if own.layout == "pairs":
        if own.in_parts:
            raise UserError(
                f"{own.path}: a copy splits {own.form} itself; join the folders "
                "of train, validation and test"
            )
        folders = {file.parent.parent for file in own.files}
        if folders != {own.path} or len({file.suffix for file in own.files}) > 1:
            raise UserError(f"{own.path}: a copy reads {own.form} of one suffix, in one folder")
    elif own.in_parts:
        check_parts(own)


def check_images(own):
    """Raises a UserError for an image that Keras reads in another way than `run` does."""
    for file in own.pictures:
        with PIL.Image.open(file) as image:
            turned = image.getexif().get(ORIENTATION, 1) != 1
            transparent = image.has_transparency_data and own.shape[2] != 4
            deep = image.mode.startswith("I")
        if turned:
            why = "was taken with the camera turned, which only its EXIF data say"
        elif transparent:
            why = "has transparent places"
        elif deep:
            why = "has 16 bits per pixel"
        else:
            continue
        raise UserError(f"{file} {why}; Keras, with which a copy reads, ignores that: save it anew")


def check_parts(own):
    """Raises a UserError unless train, validation and test have a folder each, with all classes."""
    if [part for part, _ in own.in_parts] != [0, 1, 2]:
        names = ", ".join(name for _, name in own.in_parts)
        raise UserError(
            f"{own.path} has {names}: a copy reads one folder each of train, validation and test, "
            "or of each class, which it divides itself"
        )
    there = {file.relative_to(own.path).parts[:2] for file in own.files}
    for _, part in own.in_parts:
        for name in own.classes:
            if (part, name) not in there:
                raise UserError(f"{own.path / part} has no {name}: a copy reads all classes there")


# The source, part by part


def segments(recipe):
    """`(node, text)` of all that stands on the top level, each with the comments before it."""
    lines = recipe.source.splitlines()
    found, begin = [], 0
    for node in recipe.tree.body:
        end = node.end_lineno
        # A comment behind the last line of an expression belongs to it.
        found.append((node, "\n".join(lines[begin:end])))
        begin = end
    return found


def defined(node):
    """The name that a statement of the top level defines, or None."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return None


def function(recipe, name):
    return next(node for node in recipe.tree.body if getattr(node, "name", "") == name)


def build_arguments(recipe):
    return [each.arg for each in function(recipe, "build_model").args.args]


def names_in(node):
    """All names that a piece of source reads."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def with_defaults(node, text, defaults, own):
    """`build_model` with other defaults, and a docstring that is true of them."""
    tree = ast.parse(text.strip("\n"))
    (build,) = (each for each in tree.body if isinstance(each, ast.FunctionDef))
    lines = text.strip("\n").split("\n")
    changes = []
    named = build.args.args[len(build.args.args) - len(build.args.defaults) :]
    for argument, default in zip(named, build.args.defaults, strict=True):
        if argument.arg in defaults:
            value = defaults[argument.arg]
            value = value if argument.arg in ("classes", "input_shape") else repr(value)
            changes.append((default, value))
    words = build.body[0]
    changes.append((words, f'"""The compiled network: {takes(own)} to {answers(own)}."""'))
    # The last one first: the places of the others stay.
    places = sorted(changes, key=lambda change: (change[0].lineno, change[0].col_offset))
    for old, new in reversed(places):
        first, last = old.lineno - 1, old.end_lineno - 1
        before = lines[first].encode()[: old.col_offset].decode()
        after = lines[last].encode()[old.end_col_offset :].decode()
        lines[first : last + 1] = [before + new + after]
    return "\n".join(lines)


def takes(own):
    if own.kind == "image":
        return f"{own.shape} images"
    return "a string" if own.kind == "text" else "the numbers of a row"


def answers(own):
    if own.form == "numbers":
        return f"{own.names['target'][0]}, standardized"
    if own.form == "two classes":
        return f'the probability of "{own.classes[1]}"'
    if own.form == "labels":
        return f"{len(own.classes)} probabilities, one for each label"
    if own.form == "masks":
        return f"{len(own.classes)} class probabilities in each pixel"
    if own.form == "boxes":
        return f"boxes of {len(own.classes)} classes in each cell"
    return f"{len(own.classes)} class probabilities"


def literal(value):
    """A string, list of strings or None as formatted: double quotes, several lines if need be."""
    if isinstance(value, list):
        items = [literal(each) for each in value]
        line = f"[{', '.join(items)}]"
        return (
            line if len(line) <= 80 else "[\n" + "".join(f"    {item},\n" for item in items) + "]"
        )
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def data_constants(own):
    file = own.names.get("file")
    why = "a folder for each class" if own.layout == "folder" else "the target is a column of it"
    if own.in_parts:
        why = f"{', '.join(name for _, name in own.in_parts)} in it, {why} in each"
    elif own.form in PLACES:
        why = "a row for each box" if own.layout == "csv" else f"images beside their {own.form}"
    lines = [f"DATA = {literal(str(file or own.path))}  # {why}"]
    if own.scale:
        mean, deviation = own.scale
        lines += [f"MEAN = {mean!r}  # of {own.names['target'][0]} in the training set"]
        lines += [f"DEVIATION = {deviation!r}"]
    if own.columns:
        lines += ["# Columns of numbers, and of words with the words in them."]
        lines += ["COLUMNS = {"]
        lines += [f"    {literal(name)}: {literal(words)}," for name, words in own.columns]
        lines += ["}"]
    if has_words(own):
        lines += ["# Words stay text: pandas would read True as a truth value."]
        lines += ["KINDS = {name: str for name, words in COLUMNS.items() if words}"]
    return "\n".join(lines)


def has_words(own):
    """Whether a table has columns of words to learn from."""
    return any(words for _, words in own.columns or ())


FEATURES = '''\
def features(table):
    """The columns as numbers, (rows, numbers): one of words becomes a 0 or 1 for each word."""
    numbers = []
    for name, words in COLUMNS.items():
        if words is None:
            numbers.append(table[name])
        else:
            numbers.extend(table[name] == word for word in words)
    return np.stack(numbers, axis=1).astype("float32")'''

DEPLOYED = '''\
def deployed(model):
    """The network, with answers in the units of the data."""
    return keras.Sequential([model, keras.layers.Rescaling(DEVIATION, MEAN)])'''

DEPLOYED_TABLE = '''\
def deployed(model):
    """The network for rows as in the file: a dictionary of columns, each (batch, 1).

    Numbers are float32, NaN where one is missing; words are strings, "" where one is missing.
    {units}"""
    columns = {{}}
    numbers = []
    for name, words in COLUMNS.items():
        columns[name] = keras.Input((1,), dtype="string" if words else "float32"{name})
        if words:
            # The first of the zeros and ones is for unknown words.
            lookup = keras.layers.StringLookup(
                vocabulary=words, oov_token="", output_mode="one_hot"
            )
            numbers.append(lookup(columns[name])[:, 1:])
        else:
            numbers.append(columns[name])
    answers = model(keras.layers.Concatenate()(numbers))
    return keras.Model(columns, {answers})'''
# Names that Keras gives to the layers of `deployed`, or does not allow, for its inputs.
NO_INPUT = re.compile(
    r".*/.*|(cast|concatenate|functional|get_item|rescaling|sequential|string_lookup)(_\d+)?"
)


def deployed(own):
    """The source of `deployed` for a table."""
    # Without a name, Keras only warns that it differs from that of the column.
    named = not any(NO_INPUT.fullmatch(name) for name, _ in own.columns)
    units, answers = "", "answers"
    if own.scale:
        units = "It answers in the units of the file.\n    "
        answers = 'keras.layers.Rescaling(DEVIATION, MEAN, dtype="float32")(answers)'
    name = ", name=name" if named else ""
    return DEPLOYED_TABLE.format(units=units, name=name, answers=answers)


READ = {
    ("image", "folder"): """\
    # In the order of the files; split_by_class shuffles them.
    data = keras.utils.image_dataset_from_directory(
        DATA, class_names=CLASSES, color_mode="{color}", image_size={size}, shuffle=False
    )
    images, labels = to_numpy(data)
    images = images.astype("uint8")
""",
    ("text", "folder"): """\
    # In the order of the files; split_by_class shuffles them.
    data = keras.utils.text_dataset_from_directory(DATA, class_names=CLASSES, shuffle=False)
    texts, labels = to_numpy(data)
""",
    ("image", "csv"): """\
    table = pd.read_csv(DATA{reading})
    images = []
    for file in table[{source}]:
        path = pathlib.Path(DATA).parent / file
        image = keras.utils.load_img(
            path, color_mode="{color}", target_size={size}, interpolation="bilinear"
        )
        images.append(keras.utils.img_to_array(image, dtype="uint8"))
    images = np.stack(images)
""",
    ("text", "csv"): """\
    table = pd.read_csv(DATA{reading})
    texts = table[{source}].to_numpy(object)
""",
    ("text", "files"): """\
    table = pd.read_csv(DATA{reading})
    texts = []
    for file in table[{source}]:
        path = pathlib.Path(DATA).parent / file
        texts.append(path.read_text(encoding="utf-8"))
    texts = np.array(texts, object)
""",
    ("table", "csv"): """\
    table = pd.read_csv(DATA{reading})
    rows = features(table)
""",
}
# Of boxes and masks, with the targets.
READ_PLACES = {
    ("masks", "pairs"): """\
    images = []
    masks = []
    for path in sorted(pathlib.Path(DATA, "images").glob("[!.]*")):
        image = keras.utils.load_img(
            path, color_mode="{color}", target_size={size}, interpolation="bilinear"
        )
        images.append(keras.utils.img_to_array(image, dtype="uint8"))
        mask = PIL.Image.open(pathlib.Path(DATA, "masks", path.stem + "{suffix}"))
        mask = mask.resize({across}, PIL.Image.Resampling.NEAREST)
        masks.append(np.asarray(mask, "uint8"){divided})
    images = np.stack(images)
    targets = np.stack(masks)
""",
    ("boxes", "pairs"): """\
    images = []
    targets = []
    for path in sorted(pathlib.Path(DATA, "images").glob("[!.]*")):
        image = keras.utils.load_img(
            path, color_mode="{color}", target_size={size}, interpolation="bilinear"
        )
        images.append(keras.utils.img_to_array(image, dtype="uint8"))
        text = pathlib.Path(DATA, "labels", path.stem + ".txt").read_text(encoding="utf-8")
        rows = np.array(text.split(), float).reshape(-1, 5)  # class, center, size
        labels = rows[:, 0].astype(int)
        center = rows[:, 1:3]
        half = rows[:, 3:] / 2
        boxes = np.concatenate([center - half, center + half], axis=1).clip(0, 1)
        targets.append(encode(boxes, labels, len(CLASSES), side=1))
    images = np.stack(images)
    targets = np.stack(targets)
""",
    ("boxes", "csv"): """\
    table = pd.read_csv(DATA{reading})
    images = []
    targets = []
    for file, rows in table.groupby({source}, sort=False):
        image = keras.utils.load_img(pathlib.Path(DATA).parent / file, color_mode="{color}")
        width, height = image.size
        image = image.resize({across}, PIL.Image.Resampling.BILINEAR)
        images.append(keras.utils.img_to_array(image, dtype="uint8"))
        # An image without objects has a row without a box.
        rows = rows.dropna(subset=[{target}])
        boxes = rows[{corners}] / (width, height, width, height)
        labels = rows[{target}].map(CLASSES.index)
        targets.append(encode(boxes.to_numpy().clip(0, 1), labels, len(CLASSES), side=1))
    images = np.stack(images)
    targets = np.stack(targets)
""",
}
INPUTS = {"image": "images", "text": "texts", "table": "rows"}
TARGETS = {
    "classes": "    labels = table[{target}].map(CLASSES.index).to_numpy()\n",
    "labels": """\
    cells = table[{target}].str.replace(r"\\s*\\|\\s*", "|", regex=True).str.strip()
    labels = cells.str.get_dummies("|")[CLASSES].to_numpy("float32")
""",
    "columns": '    labels = table[CLASSES].to_numpy("float32")\n',
    "numbers": """\
    values = table[{target}].to_numpy("float32")
    values = (values[:, None] - MEAN) / DEVIATION  # (rows, 1)
""",
}
# In place of the split, for folders that define it: the same lines, for each of them.
IN_PARTS = """\
    sets = []
    for part in {parts}:
        folder = f"{{DATA}}/{{part}}"
{read}\
        sets.append(tf.data.Dataset.from_tensor_slices(({inputs}, {targets})))
"""
SPLIT = """\
    sets = []
    for part in split_by_class({by}):
        sets.append(tf.data.Dataset.from_tensor_slices(({inputs}[part], {targets}[part])))
"""
BATCHES = """\
    train, validation, test = sets
    train = train.shuffle(len(train)).batch(batch_size).prefetch(2)
    return train, validation.batch(batch_size), test.batch(batch_size)"""


def load_data(module, own, options):
    """The source of `load_data` for the user's data."""
    size = inspect.signature(module.load_data).parameters["batch_size"].default
    if own.form in PLACES:
        return load_places(own, options, size)
    forms = {"numbers": f"(1,) {own.names.get('target', [''])[0]}", "labels": "labels, 0 or 1"}
    last = len(own.classes or ()) - 1
    what = forms.get(own.form, f"integer labels 0–{last}")
    what = f"one-hot labels ({last + 1},)" if own.form == "one-hot classes" else what
    kinds = {"image": f"{own.shape} images", "text": "strings", "table": "rows of numbers"}
    lines = f'def load_data(batch_size={size}):\n    """Train, validation and test batches of '
    lines += f'{kinds[own.kind]} and {what}."""\n'
    layout = "files" if own.kind == "text" and own.names.get("files") else own.layout
    given = {"source": literal(own.names.get("source"))}
    if own.layout == "csv":
        given["reading"] = reading(own, options)
    if own.shape:
        given |= {"color": COLORS[own.shape[2]], "size": own.shape[:2]}
    read = READ[own.kind, layout].format(**given)
    targets, by = "labels", "labels"
    if own.layout == "csv":
        form = {"two classes": "classes", "one-hot classes": "classes"}.get(own.form, own.form)
        if form == "labels" and len(own.names["target"]) > 1:
            form = "columns"
        read += TARGETS[form].format(target=literal(own.names["target"][0]))
    if own.form in ("numbers", "labels"):
        targets = "values" if own.form == "numbers" else "labels"
        by = f"np.zeros(len({targets}))"
        read += "    # At random: all examples count as one class.\n"
    else:
        if own.form == "one-hot classes":
            targets = "targets"
            read += "    targets = keras.utils.to_categorical(labels, len(CLASSES))\n"
        if not own.in_parts:
            read += "    # Of each class the same share for validation, and for the test.\n"
    if own.in_parts:
        read = read.replace("split_by_class shuffles them", "those of train are shuffled below")
        read = textwrap.indent(read.replace("DATA,", "folder,"), "    ")
        parts = literal([name for _, name in own.in_parts])
        split = IN_PARTS.format(parts=parts, read=read, inputs=INPUTS[own.kind], targets=targets)
    else:
        split = read + SPLIT.format(by=by, inputs=INPUTS[own.kind], targets=targets)
    return lines + split + BATCHES


def load_places(own, options, batch_size):
    """The source of `load_data` for boxes or masks."""
    height, width, channels = own.shape
    given = {"color": COLORS[channels], "size": (height, width), "across": (width, height)}
    what = f"masks {own.targets.shape[1:]}, 0–{len(own.classes) - 1}"
    if own.form == "boxes":
        what = f"targets {own.targets.shape[1:]}"
    if own.layout == "csv":
        given["source"] = literal(own.names["source"])
        given["target"] = literal(own.names["target"][0])
        given["corners"] = literal(own.names["corners"])
        given["reading"] = reading(own, options)
    elif own.form == "masks":
        given["suffix"] = own.files[0].suffix
        given["divided"] = " // 255" if own.names.get("white") else ""
    lines = f"def load_data(batch_size={batch_size}):\n"
    lines += f'    """Train, validation and test batches of {own.shape} images and {what}."""\n'
    lines += READ_PLACES[own.form, own.layout].format(**given)
    lines += "    # At random: all examples count as one class.\n"
    lines += SPLIT.format(by="np.zeros(len(images))", inputs="images", targets="targets")
    return lines + BATCHES


def reading(own, options):
    """The arguments of `pandas.read_csv` that the file needs, as source."""
    given = reading_of_table(own, options.encoding)
    words = "".join(f", {name}={literal(value)}" for name, value in given.items())
    # What is read as text: columns of words, and a target that is a word, whatever it looks like.
    texts = ["KINDS"] if has_words(own) else []
    if own.form != "numbers" and len(own.names["target"]) == 1:
        texts.append(f"{{{literal(own.names['target'][0])}: str}}")
    if texts:
        words += f", dtype={' | '.join(texts)}"
    return words


def reading_of_table(own, encoding):
    """The arguments of `pandas.read_csv` that a file laid out as the user's needs."""
    given = {}
    if own.names["separator"] != ",":
        given["sep"] = own.names["separator"]
    if (own.kind == "table" or own.form == "boxes") and own.names["decimal"] != ".":
        given["decimal"] = own.names["decimal"]
    content = own.names["file"].read_bytes()[:4]
    if encoding:
        given["encoding"] = encoding
    elif content.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        given["encoding"] = inputs.encoding_of(content)
    if own.names["spaces"]:
        given["skipinitialspace"] = True
    return given


MAIN = """\
def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model({arguments})
    best = keras.callbacks.ModelCheckpoint(
        "{name}.keras", monitor="{monitor}", mode="{direction}", save_best_only=True
    )
{more}\
    model.fit(
        train,
        validation_data=validation,
        epochs=EPOCHS,
        shuffle=False,
        callbacks=[{callbacks}],
{weights}\
    )
    model = keras.saving.load_model("{name}.keras")  # the best epoch
    print("Test:", model.evaluate(test, return_dict=True))
{rest}"""


def main(recipe, module, own, options):
    """The source of `main` for the user's data."""
    names = build_arguments(recipe)
    given = ["train=train"] * ("train" in names)
    given += ["steps=EPOCHS * len(train)"] * ("steps" in names)
    monitor, direction = own.monitor
    callbacks, more, weights, rest = ["best"], "", "", ""
    if hasattr(module, "callbacks"):
        callbacks.append("*callbacks()")
    if options.early_stopping:
        callbacks.append("stop")
        more += copy_extras.early_stopping(monitor, direction, options.early_stopping)
    if options.class_weights:
        more += copy_extras.class_weights(own.form == "one-hot classes")
        weights = "        class_weight=weights,\n"
    if hasattr(module, "baseline") and own.form not in PLACES:
        name = module.baseline.__doc__.strip().splitlines()[0].rstrip(".")
        rest += f'    print("{name}:", baseline(train, test))\n'
    if own.scale or own.kind == "table":
        rest += f'    deployed(model).save("{recipe.name}_deployed.keras")\n'
    return MAIN.format(
        arguments=", ".join(given),
        name=recipe.name,
        monitor=monitor,
        direction=direction,
        more=more,
        callbacks=", ".join(callbacks),
        weights=weights,
        rest=rest,
    ).rstrip("\n")


def tidy(blocks, own):
    """The blocks as a module, without what nothing needs, and with all imports that it does."""
    nodes = [ast.parse(block) for block in blocks]
    while True:
        read = [names_in(node) for node in nodes]
        kept = []
        for index, node in enumerate(nodes):
            name = defined(node.body[0]) if node.body else None
            others = set().union(*read[:index], *read[index + 1 :])
            kept.append(name is None or name in LASTING or name in others)
        if all(kept):
            break
        blocks = [block for block, keep in zip(blocks, kept, strict=True) if keep]
        nodes = [node for node, keep in zip(nodes, kept, strict=True) if keep]
    document, *blocks = blocks
    imports, rest = [], []
    for block, node in zip(blocks, nodes[1:], strict=True):
        is_import = node.body and isinstance(node.body[0], ast.Import | ast.ImportFrom)
        (imports if is_import else rest).append(block)
    read = set().union(*(names_in(ast.parse(block)) for block in rest))
    lines = import_lines(imports, read)
    document = document.rstrip().removesuffix('"""').rstrip()
    kind = "the table" if own.layout == "csv" else "the folders of"
    document += f'\n\nThis copy learns from {kind} {own.path.name}.\n"""'
    body, constant = "", True
    for block in rest:
        also = isinstance(ast.parse(block).body[0], ast.Assign)
        body += ("\n" if constant and also else "\n\n\n") + block  # constants stand together
        constant = also
    return f"{document}\n\n{lines}\n{body}\n"


def import_lines(imports, read):
    """Those imports that are needed, and others for names that are read, in the usual order."""
    lines, bound = [], set()
    for block in imports:
        (node,) = ast.parse(block).body
        used = [each for each in node.names if (each.asname or each.name.partition(".")[0]) in read]
        bound |= {each.asname or each.name for each in used}
        if used:
            lines.append(ast.unparse(type(node)(**{**vars(node), "names": used})))
    lines += [line for name, line in WHERE_FROM.items() if name in read - bound]
    standard = {"pathlib", "math", "random", "re", "collections", "functools", "itertools"}
    groups = [[], [], []]
    for line in sorted(lines, key=lambda line: (line.startswith("from"), line.lower())):
        top = line.split()[1].partition(".")[0]
        groups[0 if top in standard else 2 if top in ("layers", "recipes") else 1].append(line)
    return "\n\n".join("\n".join(group) for group in groups if group)
