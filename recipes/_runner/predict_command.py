"""`python -m recipes predict MODEL FILES…`: predict class and probability, or value, for files.

Images are resized to the model's input size and keep their pixel values from 0 to 255. MNIST's
digits are white on black: a digit written with a pen on paper needs `--invert`, unless the recipe
has a `deployed` model, which inverts by itself. Texts get one prediction per line, tables one per
row. Of a folder, all files of the right kind are read, at any depth; unreadable ones are reported
and skipped. Models whose outputs are images, such as masks, write them into the folder `--images`;
those that find boxes of objects write the images with the boxes there.
"""

import csv
import io
import itertools
import json
import math
import pathlib
import sys
import warnings

import numpy as np

from recipes._runner import inputs, saved
from recipes._runner.arguments import expanded, expanded_path
from recipes._runner.errors import UserError
from recipes.common.plots import CLASS_COLORS, MASK_COLORS
from recipes.tuning import storage

UNLIKE = "unlike what it was trained on"


def add_arguments(parser):
    model_help = "a recipe's name (cnn-mnist, cnn-mnist/smoke), a folder or a .keras file"
    parser.add_argument("model", type=expanded, help=model_help)
    parser.add_argument(
        "files",
        nargs="+",
        type=expanded_path,
        help="images, one answer a page; texts (.txt), one a line; tables (.csv), one a row; "
        "or folders of them",
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print a JSON list")
    shape.add_argument(
        "--csv", type=expanded_path, metavar="FILE", help="write a table, one row an answer"
    )
    parser.add_argument(
        "--images",
        type=expanded_path,
        metavar="FOLDER",
        help="where the answers go, if they are images, such as masks; or the images with boxes",
    )
    parser.add_argument(
        "--force", action="store_true", help="replace the table of --csv, the images of --images"
    )
    parser.add_argument("--invert", action="store_true", help="swap light and dark")
    parser.add_argument(
        "--whole", action="store_true", help="a .txt file is one text, of many lines"
    )
    parser.add_argument("--encoding", metavar="NAME", help="of texts and tables [utf-8]")


def main(options):
    warnings.filterwarnings("ignore", module="PIL")  # warnings about pictures that it can read
    path = saved.model_file(options.model)
    for file in options.files:
        if not file.is_dir():
            inputs.check(file)
    if options.csv and options.csv.exists() and not options.force:
        raise UserError(f"{options.csv} is there already; --force replaces it")
    model = saved.load(path)
    columns = saved.facts(path).get("columns")
    kind = inputs.taken_by(model, path, options.invert, options.whole, options.encoding, columns)
    answer = Answer(model, path)
    if answer.task == "image" and not options.images:
        raise UserError(f"{path} answers with images: --images FOLDER says where they go")
    files = [each for file in options.files for each in found(file, kind, path)]
    results = []
    for places, values in batches(kind, files):
        outputs = predicted(model, values, path, places[0]["file"])
        results += [
            place | answered for place, answered in zip(places, answer(outputs), strict=True)
        ]
    if not results:
        raise UserError("nothing of all this can be read")
    if answer.classes_of_pixels:
        # The network's answers may have a size of their own; masks have that of their images.
        for result in results:
            size = upright(result).size
            result["image"] = result["image"].resize(size, resample=0)
    if answer.task == "boxes":
        for result in results:
            draw_boxes(result, upright(result), bool(options.images))
    if options.images and answer.task in ("image", "boxes"):
        write_images(results, options.images, options.force)
    if options.csv:
        write_table(results, options.csv)
    print(saved.origin(path), file=sys.stderr)
    if options.csv:
        print(f"{len(results)} answers in {options.csv}")
    elif options.json:
        print(json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print("\n".join(map(in_words, results)))


# Reading


def found(file, kind, path):
    """Pairs of a file and whether it is from a folder: the file, or all of the kind in a folder.

    Raises:
        UserError: if the model does not take the file, or no file in the folder.
    """
    suffixes = " ".join(kind.suffixes)
    if not file.is_dir():
        if file.suffix.lower() not in kind.suffixes:
            raise UserError(f"{file}: {path} takes {kind.what} ({suffixes})")
        return [(file, False)]
    inside = [
        each
        for each in sorted(file.rglob("*"))
        if each.suffix.lower() in kind.suffixes
        and each.is_file()
        and not any(part.startswith(".") for part in each.relative_to(file).parts)
    ]
    if not inside:
        raise UserError(f"{file} holds no {kind.what} ({suffixes}), which {path} takes")
    return [(each, True) for each in inside]


def batches(kind, files):
    """Yield places and inputs, of several files at once if they are arrays of the same shape.

    For a file from a folder that cannot be read, a line is printed.
    """
    places, parts = [], []
    for file, in_folder in files:
        try:
            read = list(kind.read(file))
        except UserError as error:
            if not in_folder:
                raise
            print(f"recipes: left out: {error}", file=sys.stderr)
            continue
        for new_places, values in read:
            if not isinstance(values, np.ndarray):
                yield new_places, values
                continue
            size = sum(part.nbytes for part in [*parts, values])
            full = inputs.too_large(len(places) + len(values), size)
            if parts and (full or parts[0].shape[1:] != values.shape[1:]):
                yield places, np.concatenate(parts)
                places, parts = [], []
            places = places + new_places
            parts.append(values)
    if parts:
        yield places, np.concatenate(parts)


def upright(result):
    """The picture of a result, as Pillow's image."""
    for place, image in inputs.pages(pathlib.Path(result["file"])):
        if place.get("page") == result.get("page"):
            return image


def predicted(model, values, path, file):
    """The model's outputs; an exception means that the file does not fit the model."""
    try:
        return model.predict(values, verbose=0)
    except Exception as error:
        said = f"{type(error).__name__}: {saved.reason(error)}"
        raise UserError(f"{path} cannot answer {file}: {said}") from None


# Output


def write_table(results, path):
    """Write the predictions as a table (CSV) with file, line and result.

    Raises:
        UserError: if it cannot be written.
    """
    rows = [row for result in results for row in as_rows(result)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = io.StringIO()
    writer = csv.DictWriter(lines, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    try:
        storage.write(path, lines.getvalue())
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def write_images(results, folder, force):
    """Write output images as PNG, named after their inputs; the results then contain the paths.

    Raises:
        UserError: if two would have the same name, if one exists and `force` is not given, or if
            they cannot be written.
    """
    targets = []
    for result in results:
        name = pathlib.Path(result["file"]).stem
        page = f"-{result['page']}" if "page" in result else ""
        targets.append(folder / f"{name}{page}.png")
    for target in targets:
        if targets.count(target) > 1:
            raise UserError(f"two answers would be {target}: ask for them one after the other")
        if target.exists() and not force:
            raise UserError(f"{target} is there already; --force replaces it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for result, target in zip(results, targets, strict=True):
            result["image"].save(target)
            result["image"] = str(target)
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}") from None


def draw_boxes(result, picture, draw):
    """Convert a result's boxes to pixels of its picture, and optionally draw them in it."""
    from PIL import ImageDraw, ImageFont

    names = sorted({found["class"] for found in result["boxes"]}, key=str)
    if draw:
        result["image"] = picture.convert("RGB")
        pen = ImageDraw.Draw(result["image"])
        thick = max(1, round(max(picture.size) / 250))
        font = ImageFont.load_default(size=max(10, 5 * thick))
    for found in result["boxes"]:
        box = found["box"] * np.array([*picture.size, *picture.size])
        box = box.clip(0, [*picture.size, *picture.size])
        found["box"] = box.round(1).tolist()
        if draw:
            color = CLASS_COLORS[names.index(found["class"]) % len(CLASS_COLORS)]
            pen.rectangle(found["box"], outline=color, width=thick)
            text = f"{found['class']} {found['score']:.2f}"
            place = (found["box"][0], max(0, found["box"][1] - 6 * thick))
            pen.rectangle(pen.textbbox(place, text, font=font), fill=color)
            pen.text(place, text, fill="white", font=font)


def as_rows(result):
    """A result as rows of a table; of boxes one each, or one with the file only, as in `--data`."""
    if "boxes" not in result:
        return [as_row(result)]
    place = as_row({key: result[key] for key in ("file", "page") if key in result})
    rows = []
    for found in result["boxes"]:
        corners = zip(("left", "top", "right", "bottom"), map(number, found["box"]), strict=True)
        row = {**place, **dict(corners), "label": found["class"]}
        rows.append(row | {"score": number(found["score"])})
    return rows or [place]


def as_row(result):
    """A result as `{column: cell}`; several labels, and their probabilities, share a cell."""
    row = {key: result[key] for key in ("file", "page", "line") if key in result}
    if "labels" in result:
        labels = result["labels"] or []
        row["labels"] = "; ".join(str(label["class"]) for label in labels)
        row["probabilities"] = "; ".join(
            number(label["probability"]) for label in labels if "probability" in label
        )
    values = result.get("value")
    if isinstance(values, list):
        row |= {f"value_{place}": number(value) for place, value in enumerate(values, start=1)}
    elif "value" in result:
        row["value"] = number(values)
    for key in ("class", "text", "image"):
        if key in result:
            row[key] = result[key]
    for key in ("probability", "unlike"):
        if key in result:
            row[key] = number(result[key])
    return row


def number(value):
    """A number with six digits, more than any prediction has; "" for None."""
    return "" if value is None else f"{value:.6g}"


def in_words(result):
    """`digit.png: 7 0.998`, `scan.tif:2: …`, `day.csv:2: 17.3`, `post.txt:1: joy 0.91, …`."""
    where = ":".join(str(result[key]) for key in ("file", "page", "line") if key in result)
    if "boxes" in result:
        words = [box_in_words(each) for each in result["boxes"]] or ["none"]
    elif "text" in result:
        words = [result["text"]]
    elif "image" in result:
        words = [result["image"]]
    elif "value" in result:
        values = result["value"] if isinstance(result["value"], list) else [result["value"]]
        words = [" ".join("nan" if value is None else f"{value:.6g}" for value in values)]
    elif "labels" in result and result["labels"] is None:
        words = ["nan"]
    else:
        words = [class_in_words(each) for each in result.get("labels", [result])] or ["none"]
    if (result.get("unlike") or 0) > 0.5:
        words.append(UNLIKE)
    return f"{where}: {', '.join(words)}"


def box_in_words(found):
    """`car 0.91 at 120 40 180 96`, the left, top, right and bottom in pixels."""
    sides = " ".join(f"{side:.0f}" for side in found["box"])
    return f"{found['class']} {found['score']:.2f} at {sides}"


def class_in_words(found):
    if found["class"] is None:
        return "nan"
    if "probability" in found:
        return f"{found['class']} {found['probability']:.3f}"
    return str(found["class"])


# Results


class Answer:
    """The meaning of an output, by the run's task and classes, or by the model's head and loss.

    A second output named "unlike", from 0 to 1, measures how unlike the training data an input is.
    """

    def __init__(self, model, path):
        from recipes.common import head_check, head_look

        facts = saved.facts(path)
        self.classes = facts.get("classes") or []
        self.decode = decoder(facts)
        self.classes_of_pixels = False
        if self.decode:
            self.name, self.task = None, "boxes"
            return
        self.name, output = main_output(model)
        images = output is not None and len(output.shape) == 4
        if images:
            head = head_look.last_activation(output)
            images = head.sums or output.shape[-1] in (1, 3)
        if output is None or (len(output.shape) > 2 and not images):
            shapes = " and ".join(str(tuple(each.shape[1:])) for each in model.outputs)
            raise UserError(f"{path} answers with arrays of shape {shapes}: load it in Python")
        shape = tuple(output.shape)
        self.units = shape[1] if len(shape) == 2 else 1
        head = head_look.last_activation(output)
        loss, options = None, {}
        if model.compiled and model.loss and not isinstance(model.loss, (list, dict)):
            loss, options = head_look.resolve_loss(model.loss, (None,), shape)
        self.logits = options.get("from_logits", False)
        self.classes_of_pixels = images and head.sums
        self.probabilities = self.logits or head.probability or not head.known
        task = "image" if images else facts.get("task")
        if task is None:
            # A network whose last activation is unknown, but whose outputs have names.
            named = not head.known and len(self.classes) == self.units > 1
            wants = head_check.LOSSES.get(loss, "distribution" if head.sums or named else "number")
            task = {"distribution": "multi-class", "number": "regression"}.get(wants, "binary")
            task = "multi-label" if task == "binary" and self.units > 1 else task
        self.task = task
        self.threshold = threshold(facts) if task == "multi-label" else 0.5

    def __call__(self, outputs):
        """A dictionary for each example; non-finite numbers are None."""
        if self.name is None:
            return [self.of(output) for output in outputs]
        flags = np.reshape(outputs["unlike"], -1)
        both = zip(outputs[self.name], flags, strict=True)
        return [self.of(output) | {"unlike": finite(flag)} for output, flag in both]

    def of(self, output):
        if self.task == "image":
            return {"image": self.image(output)}
        if self.task == "boxes":
            return {"boxes": self.boxes(output)}
        values = np.ravel(output)
        if isinstance(values[0], bytes):  # of a model that generates text
            return {"text": values[0].decode(errors="replace")}
        values = values.astype("float64")
        if "regression" in self.task:
            found = [finite(value) for value in values]
            return {"value": found if self.units > 1 else found[0]}
        distribution = self.task == "multi-class" and self.units > 1
        if self.logits:
            values = softmax(values) if distribution else 1 / (1 + np.exp(-values))
        if distribution:
            return self.named(values.argmax(), values.max())
        positive = values > (self.threshold if self.probabilities else 0)
        if self.task == "multi-label" and self.units > 1:
            if np.isnan(values).any():
                return {"labels": None}
            found = np.flatnonzero(positive)
            return {"labels": [self.named(index, values[index]) for index in found]}
        return self.named(int(positive[0]), values[0] if positive[0] else 1 - values[0])

    def image(self, output):
        """An output (height, width, channels) as a picture: gray, or red, green and blue.

        Probabilities of classes become the likeliest class: black for the first, white for the
        last. More than two classes with names get a color each, with their numbers in the palette.
        """
        from PIL import Image, ImageColor

        values = np.nan_to_num(output.astype("float64"))
        if self.classes_of_pixels and len(self.classes) > 2:
            picture = Image.fromarray(values.argmax(axis=-1).astype("uint8"), "P")
            colors = [MASK_COLORS[0]]
            colors += itertools.islice(itertools.cycle(MASK_COLORS[1:]), len(self.classes) - 1)
            picture.putpalette(np.ravel([ImageColor.getrgb(color) for color in colors]).tolist())
            return picture
        if self.classes_of_pixels:
            values = values.argmax(axis=-1, keepdims=True) / max(1, values.shape[-1] - 1)
        elif self.logits:
            values = 1 / (1 + np.exp(-values))
        image = np.rint(255 * np.clip(values, 0, 1)).astype("uint8")
        return Image.fromarray(image if image.shape[-1] == 3 else image[..., 0])

    def boxes(self, output):
        """The detections in an output; each box is an array (4,), from 0 to 1 in the image."""
        from recipes.common import detection

        boxes, scores = (np.asarray(part)[0] for part in self.decode(output[None]))
        found = detection.detect(boxes, scores, threshold=detection.SURE)
        results = []
        for box, label, score in zip(*found, strict=True):
            name = self.classes[label] if self.classes else int(label)
            results.append({"class": name, "score": float(score), "box": box})
        return results

    def named(self, index, probability):
        """Class and probability; None if the probability is NaN."""
        index = int(index)
        name = self.classes[index] if len(self.classes) == max(self.units, 2) else index
        found = {"class": None if np.isnan(probability) else name}
        return found | ({"probability": finite(probability)} if self.probabilities else {})


def decoder(facts):
    """The function that makes boxes and scores of a network's outputs, or None for other recipes.

    Args:
        facts: Of the run.
    """
    from recipes._runner import copy_extras

    name = facts.get("recipe")
    recipe = saved.recipe_called(name) if name else None
    return recipe.module.decode if recipe and copy_extras.takes_boxes(recipe) else None


def threshold(facts):
    """The probability above which a label counts: the recipe's own, as in its score, or 1/2."""
    name = facts.get("recipe")
    recipe = saved.recipe_called(name) if name else None
    return getattr(recipe.module, "THRESHOLD", 0.5) if recipe else 0.5


def main_output(model):
    """`(name, tensor)` of the main output; the name is None if it is the only one.

    The tensor is None if there are several, none of them named "unlike".
    """
    outputs = getattr(model, "outputs", None) or []
    if len(outputs) == 1:
        return None, outputs[0]
    given = getattr(model, "output", None)
    if isinstance(given, dict) and len(given) == 2 and "unlike" in given:
        (name,) = given.keys() - {"unlike"}
        return name, given[name]
    return None, None


def softmax(logits):
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def finite(value):
    """The number, or None if it is not finite, as JSON requires."""
    value = float(value)
    return value if math.isfinite(value) else None
