"""`python -m recipes predict MODEL FILES…`: class and probability, or value, of images, texts and tables.

Images are resized to what the model takes and keep their pixel values from 0 to 255. MNIST's digits are white on black:
a digit written with a pen on paper needs `--invert`. Texts get one answer a line, tables one a row.
"""

import csv
import importlib
import json
import pathlib
import re
import zipfile
import zlib

import numpy as np

from recipes._runner import quiet
from recipes._runner.arguments import expanded, expanded_path
from recipes._runner.errors import UserError
from recipes._runner.recipe import find
from recipes._runner.run_command import SAVED_MODELS

IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def add_arguments(parser):
    parser.add_argument("model", type=expanded, help="a recipe's name, the folder it was saved in, or a .keras file")
    parser.add_argument(
        "files", nargs="+", type=expanded_path, help="images, texts (.txt, one a line) or tables (.csv)"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    parser.add_argument("--invert", action="store_true", help="swap light and dark: MNIST expects white on black")


def main(options):
    path = model_file(options.model)
    for file in options.files:
        check_file(file)
    model = load(path)
    answer = Answer(model, path)
    results = []
    for places, inputs in read(options.files, model, path, options.invert):
        outputs = model.predict(inputs, verbose=0)
        results += [place | answer(output) for place, output in zip(places, outputs, strict=True)]
    print(json.dumps(results, indent=2, ensure_ascii=False) if options.json else "\n".join(map(in_words, results)))


def in_words(result):
    """`digit.png: 7 0.998`, `reviews.txt:3: positive 0.91`, `day.csv:2: 17.3`, `post.txt:1: joy 0.91, love 0.72`."""
    where = ":".join(str(result[key]) for key in ("file", "line") if key in result)
    if "text" in result:
        return f"{where}: {result['text']}"
    if "value" in result:
        return f"{where}: " + " ".join(f"{value:.6g}" for value in np.ravel(result["value"]))
    found = result.get("labels", [result])
    words = (f"{each['class']} {each['probability']:.3f}" if "probability" in each else each["class"] for each in found)
    return f"{where}: {', '.join(map(str, words)) or 'none'}"


# The model


def model_file(name):
    """The .keras file meant by a path or a recipe's name."""
    path = pathlib.Path(name)
    if not path.exists():
        recipe, slash, variant = name.rstrip("/").partition("/")
        path = SAVED_MODELS / (recipe.replace("-", "_") + slash + variant)
    if path.is_dir():
        for file in ("deployed.keras", "model.keras"):
            if (path / file).is_file():
                return path / file
        others = " and ".join(sorted(str(file.parent) for file in path.glob("*/model.keras")))
        raise UserError(f"{path} holds no model.keras" + (f"; there is {others}" if others else ""))
    if path.is_file() and path.suffix == ".keras":
        return path
    if path.is_file() or name.endswith(".keras"):
        raise UserError(f"{name} is no .keras file" if path.is_file() else f"{name} does not exist")
    raise UserError(f"{name} is not trained yet: run `make recipe-{find(name).slug}` first")


def load(path):
    """The model; what it needs of our layers and recipes is imported first."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            config = archive.read("config.json").decode("utf-8")
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, ValueError) as error:
        raise UserError(f"{path} is damaged or no Keras model ({first_line(error)}); make or copy it anew") from None
    if damaged:
        raise UserError(f"{path} is damaged ({damaged}); make or copy it anew")
    quiet.import_tensorflow()
    for module in sorted(set(re.findall(r'"module": "(layers\.\w+)"', config))):
        importlib.import_module(module)
    for package in sorted(set(re.findall(r'"registered_name": "([^">]+)>', config)) - {"layers"}):
        try:
            recipe = find(package)
        except UserError:
            continue  # somebody else's class: Keras says what is missing
        _ = recipe.module
    import keras

    try:
        return keras.saving.load_model(path)
    except Exception as error:
        raise UserError(f"{path} cannot be loaded: {type(error).__name__}: {first_line(error)}") from None


def first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


# The files


def check_file(file):
    if file.suffix.lower() not in (*IMAGES, ".txt", ".csv"):
        raise UserError(f"{file}: give images ({' '.join(IMAGES)}), texts (.txt) or tables (.csv)")
    if not file.is_file():
        raise UserError(f"{file} {'is no file' if file.exists() else 'does not exist'}")


def read(files, model, path, invert):
    """Yields places `{"file": …, "line": …}` and the model's inputs for them, in the order of the files."""
    if not getattr(model, "inputs", None):
        raise UserError(f"{path} does not say what it takes; its recipe needs `deployed(model)`")
    first, columns = model.inputs[0], len(model.inputs) > 1 or named_inputs(model) is not None
    if columns or (first.dtype != "string" and len(first.shape) == 2):
        what, suffixes = "tables (.csv)", (".csv",)
    elif first.dtype == "string":
        what, suffixes = "texts (.txt)", (".txt",)
    else:
        what, suffixes = "images", IMAGES
    for file in files:
        if file.suffix.lower() not in suffixes:
            raise UserError(f"{file}: {path} takes {what}")
    if what == "images":
        yield from read_images(files, first, path, invert)
    for file in files if what != "images" else ():
        lines, values = read_lines(file, first) if suffixes == (".txt",) else read_table(file, model, columns, path)
        if not lines:
            raise UserError(f"{file} holds nothing to predict")
        yield [{"file": str(file), "line": line} for line in lines], values


def named_inputs(model):
    """The dictionary that a model takes, or None; a sequential model has no `input` until it is called."""
    given = getattr(model, "input", None)
    return given if isinstance(given, dict) else None


def read_images(files, like, path, invert):
    shape = tuple(like.shape[1:])
    height, width, channels = (*shape, 1)[:3]
    if len(shape) not in (2, 3) or channels not in MODES:
        raise UserError(f"{path} takes arrays of shape {shape}, which are no images")
    pictures = [read_image(file, height, width, MODES[channels], invert) for file in files]
    together = len({picture.shape for picture in pictures}) == 1
    for group in [range(len(files))] if together else [[index] for index in range(len(files))]:
        values = np.stack([pictures[index] for index in group]).astype(like.dtype)
        yield [{"file": str(files[index])} for index in group], values.reshape(*values.shape[:3], *shape[2:])


def read_image(file, height, width, mode, invert):
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as opened:
            image = ImageOps.exif_transpose(opened)  # as the camera was held
            if image.has_transparency_data and mode != "RGBA":  # on white paper
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            image = image.convert(mode)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{file} is no readable image: {first_line(error)}") from None
    image = ImageOps.invert(image) if invert and mode != "RGBA" else image
    return np.asarray(image.resize((width or image.width, height or image.height), Image.Resampling.BILINEAR))


def read_text(file):
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is no text in UTF-8: byte {error.start} is {error.object[error.start]:#x}") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None


def read_lines(file, like):
    lines = [(number, text) for number, text in enumerate(read_text(file).splitlines(), 1) if text.strip()]
    return [number for number, _ in lines], tensor([text for _, text in lines], like)


def tensor(values, like):
    """A tensor of the input's type and rank: one value per example."""
    import tensorflow as tf

    values = tf.constant(values, "string") if like.dtype == "string" else tf.cast(tf.constant(values), like.dtype)
    return tf.reshape(values, (len(values), *(1 for _ in like.shape[1:])))


def read_table(file, model, by_name, path):
    """Line numbers and inputs of a CSV's rows: columns by name, or as they stand for a model that takes a vector."""
    reader = csv.reader(read_text(file).splitlines())
    rows = [(reader.line_num, row) for row in reader if row]
    header = [cell.strip() for cell in rows[0][1]] if rows else []
    if by_name:
        inputs = named_inputs(model) or {each.name: each for each in model.inputs}
        missing = [name for name in inputs if name not in header]
        if missing:
            raise UserError(f"{file} has no column {', '.join(missing)}; {path} takes {', '.join(inputs)}")
    elif len(header) != model.inputs[0].shape[1]:
        raise UserError(f"{file} has {len(header)} columns, {path} takes {model.inputs[0].shape[1]}")
    if by_name or None in map(number, header):
        rows = rows[1:]
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(f"{file}, line {line}: {len(row)} columns instead of {len(header)}")

    def numbers(index):
        for line, row in rows:
            if number(row[index]) is None:
                raise UserError(f"{file}, line {line}: {row[index]!r} in column {header[index]} is no number")
        return [number(row[index]) for _, row in rows]

    lines = [line for line, _ in rows]
    if not rows:
        return lines, None
    if not by_name:
        return lines, np.stack([numbers(index) for index in range(len(header))], axis=1).astype(model.inputs[0].dtype)
    values = {}
    for name, like in inputs.items():
        index = header.index(name)
        values[name] = tensor([row[index] for _, row in rows] if like.dtype == "string" else numbers(index), like)
    return lines, values if named_inputs(model) else list(values.values())


def number(cell):
    """The number in a cell, NaN where there is nothing, None where there is something else."""
    try:
        return float(cell) if cell.strip() else float("nan")
    except ValueError:
        return None


# The answers


class Answer:
    """What an output means: by the task and classes that the run noted, else by the last activation and the loss."""

    def __init__(self, model, path):
        from recipes._runner import head_check, head_look

        shape = tuple(model.outputs[0].shape)
        if len(model.outputs) != 1 or len(shape) > 2:
            shapes = " and ".join(str(tuple(output.shape[1:])) for output in model.outputs)
            raise UserError(f"{path} answers with arrays of shape {shapes}: load it in Python")
        self.units = shape[1] if len(shape) == 2 else 1
        head = head_look.last_activation(model.outputs[0])
        loss, options = None, {}
        if model.compiled and model.loss and not isinstance(model.loss, (list, dict)):
            loss, options = head_look.resolve_loss(model.loss, (None,), shape)
        self.logits = options.get("from_logits", False)
        self.probabilities = self.logits or head.probability or not head.known
        facts = self.facts(path)
        task = facts.get("task")
        if task is None:
            wants = head_check.LOSSES.get(loss, "distribution" if head.sums else "number")
            task = {"distribution": "multi-class", "number": "regression"}.get(wants, "binary")
            task = "multi-label" if task == "binary" and self.units > 1 else task
        self.task, self.classes = task, facts.get("classes") or []

    @staticmethod
    def facts(path):
        try:
            facts = json.loads((path.parent / "metrics.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}

    def __call__(self, output):
        if isinstance(output, bytes):  # of a model that writes
            return {"text": output.decode()}
        values = np.ravel(output).astype("float64")
        if "regression" in self.task:
            return {"value": values.tolist() if self.units > 1 else values.item()}
        if self.task == "multi-class" and self.units > 1:
            if self.logits:
                values = np.exp(values - values.max())
                values /= values.sum()
            return self.named(values.argmax(), values.max())
        values = 1 / (1 + np.exp(-values)) if self.logits else values
        positive = values > (0.5 if self.probabilities else 0)
        if self.task == "multi-label" and self.units > 1:
            return {"labels": [self.named(index, values[index]) for index in np.flatnonzero(positive)]}
        return self.named(int(positive[0]), values[0] if positive[0] else 1 - values[0])

    def named(self, index, probability):
        index = int(index)
        name = self.classes[index] if len(self.classes) == max(self.units, 2) else index
        return {"class": name} | ({"probability": float(probability)} if self.probabilities else {})
