"""`python -m recipes predict MODEL FILES…`: class and probability, or value, of what is in files.

Images are resized to what the model takes and keep their pixel values from 0 to 255. MNIST's digits
are white on black: a digit written with a pen on paper needs `--invert`, unless the recipe has a
`deployed` model, which sees to that. Texts get one answer a line, tables one a row.
"""

import json
import math
import sys
import warnings

import numpy as np

from recipes._runner import inputs, saved
from recipes._runner.arguments import expanded, expanded_path
from recipes._runner.errors import UserError

UNLIKE = "unlike what it was trained on"


def add_arguments(parser):
    model_help = "a recipe's name (cnn-mnist, cnn-mnist/smoke), a folder or a .keras file"
    parser.add_argument("model", type=expanded, help=model_help)
    parser.add_argument(
        "files",
        nargs="+",
        type=expanded_path,
        help="images, one answer a page; texts (.txt), one a line; tables (.csv), one a row",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    parser.add_argument("--invert", action="store_true", help="swap light and dark")
    parser.add_argument(
        "--whole", action="store_true", help="a .txt file is one text, of many lines"
    )
    parser.add_argument("--encoding", metavar="NAME", help="of texts and tables [utf-8]")


def main(options):
    warnings.filterwarnings("ignore", module="PIL")  # its remarks on pictures that it can read
    path = saved.model_file(options.model)
    for file in options.files:
        inputs.check(file)
    model = saved.load(path)
    columns = saved.facts(path).get("columns")
    kind = inputs.taken_by(model, path, options.invert, options.whole, options.encoding, columns)
    answer = Answer(model, path)
    for file in options.files:
        if file.suffix.lower() not in kind.suffixes:
            raise UserError(f"{file}: {path} takes {kind.what} ({' '.join(kind.suffixes)})")
    results = []
    for file in options.files:
        for places, values in kind.read(file):
            outputs = predicted(model, values, path, file)
            results += [place | found for place, found in zip(places, answer(outputs), strict=True)]
    print(saved.origin(path), file=sys.stderr)
    if options.json:
        print(json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print("\n".join(map(in_words, results)))


def predicted(model, values, path, file):
    """What the model answers; whatever it raises is about a file that is not for it."""
    try:
        return model.predict(values, verbose=0)
    except Exception as error:
        said = f"{type(error).__name__}: {saved.reason(error)}"
        raise UserError(f"{path} cannot answer {file}: {said}") from None


def in_words(result):
    """`digit.png: 7 0.998`, `scan.tif:2: …`, `day.csv:2: 17.3`, `post.txt:1: joy 0.91, love 0.72`."""
    where = ":".join(str(result[key]) for key in ("file", "page", "line") if key in result)
    if "text" in result:
        words = [result["text"]]
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


def class_in_words(found):
    if found["class"] is None:
        return "nan"
    if "probability" in found:
        return f"{found['class']} {found['probability']:.3f}"
    return str(found["class"])


# The answers


class Answer:
    """What an output means: by the task and classes that the run noted, else by head and loss.

    A second output named "unlike", from 0 to 1, says how unlike the training data an input is.
    """

    def __init__(self, model, path):
        from recipes.common import head_check, head_look

        self.name, output = main_output(model)
        if output is None or len(output.shape) > 2:
            shapes = " and ".join(str(tuple(each.shape[1:])) for each in model.outputs)
            raise UserError(f"{path} answers with arrays of shape {shapes}: load it in Python")
        shape = tuple(output.shape)
        self.units = shape[1] if len(shape) == 2 else 1
        head = head_look.last_activation(output)
        loss, options = None, {}
        if model.compiled and model.loss and not isinstance(model.loss, (list, dict)):
            loss, options = head_look.resolve_loss(model.loss, (None,), shape)
        self.logits = options.get("from_logits", False)
        self.probabilities = self.logits or head.probability or not head.known
        facts = saved.facts(path)
        task = facts.get("task")
        if task is None:
            wants = head_check.LOSSES.get(loss, "distribution" if head.sums else "number")
            task = {"distribution": "multi-class", "number": "regression"}.get(wants, "binary")
            task = "multi-label" if task == "binary" and self.units > 1 else task
        self.task, self.classes = task, facts.get("classes") or []

    def __call__(self, outputs):
        """A dictionary for each example; numbers that are not finite are None."""
        if self.name is None:
            return [self.of(output) for output in outputs]
        flags = np.reshape(outputs["unlike"], -1)
        both = zip(outputs[self.name], flags, strict=True)
        return [self.of(output) | {"unlike": finite(flag)} for output, flag in both]

    def of(self, output):
        values = np.ravel(output)
        if isinstance(values[0], bytes):  # of a model that writes
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
        positive = values > (0.5 if self.probabilities else 0)
        if self.task == "multi-label" and self.units > 1:
            if np.isnan(values).any():
                return {"labels": None}
            found = np.flatnonzero(positive)
            return {"labels": [self.named(index, values[index]) for index in found]}
        return self.named(int(positive[0]), values[0] if positive[0] else 1 - values[0])

    def named(self, index, probability):
        """Class and probability; None, where the probability is not a number."""
        index = int(index)
        name = self.classes[index] if len(self.classes) == max(self.units, 2) else index
        found = {"class": None if np.isnan(probability) else name}
        return found | ({"probability": finite(probability)} if self.probabilities else {})


def main_output(model):
    """`(name, tensor)` of the output with the answer; the name is None if it is the only one.

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
    """The number, or None, which JSON has for what is no number."""
    value = float(value)
    return value if math.isfinite(value) else None
