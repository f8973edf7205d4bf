"""Do last layer, loss, metrics and targets belong together? The slides' table of output layers.

from recipes import check_head
print(check_head(model, batch))
# "ok: multi-class, …", or one line with the wrong pair and the right one
"""

import collections
import dataclasses
import math
import re

import keras
import numpy as np

from recipes.common import head_look

Row = collections.namedtuple("Row", "task targets layer loss metric")
# Slides 001 «Capas de salida dependiendo de la tarea»; K: the number of classes, labels or values.
TABLE = (
    Row("binary", "0 or 1", 'Dense(1, activation="sigmoid")', "binary_crossentropy", "accuracy"),
    Row(
        "multi-class",
        "integers",
        'Dense(K, activation="softmax")',
        "sparse_categorical_crossentropy",
        "accuracy",
    ),
    Row(
        "multi-class",
        "one-hot",
        'Dense(K, activation="softmax")',
        "categorical_crossentropy",
        "accuracy",
    ),
    Row(
        "multi-label",
        "multi-hot",
        'Dense(K, activation="sigmoid")',
        "binary_crossentropy",
        "binary_accuracy",
    ),
    Row("regression", "numbers", "Dense(K)", "mse", "mae"),
    Row(
        "unit-interval regression",
        "fractions",
        'Dense(K, activation="sigmoid")',
        "mse or binary_crossentropy",
        "mae",
    ),
)
ALIKE = {
    "zeros and ones": "multi-hot",
    "distribution": "one-hot",
    "coded": "one-hot",
    "signs": "0 or 1",
}

# What each loss requires of the outputs: a distribution over classes, a probability in each unit,
# a sign, or a number.
# fmt: off
WANTS = {
    "distribution": "categorical_crossentropy sparse_categorical_crossentropy "
                    "categorical_focal_crossentropy kl_divergence",
    "probability": "binary_crossentropy binary_focal_crossentropy dice tversky",
    "sign": "hinge squared_hinge categorical_hinge",
    "number": "mean_squared_error mean_absolute_error mean_absolute_percentage_error "
              "mean_squared_logarithmic_error huber log_cosh poisson cosine_similarity",
}
# fmt: on
LOSSES = {loss: want for want, losses in WANTS.items() for loss in losses.split()}

# The largest value of an 8- or 16-bit image: not a class number, but the positive pixels of a mask,
# or a label for "void".
FULL_SCALE = (255, 65535)

# Metrics, written without "_", grouped by what they compare.
ARGMAX = {"categoricalaccuracy", "topkcategoricalaccuracy"}
SPARSE = {"sparsecategoricalaccuracy", "sparsetopkcategoricalaccuracy"}
COUNTS = {"binaryaccuracy", "precision", "recall", "binaryiou"}
COUNTS |= {"truepositives", "truenegatives", "falsepositives", "falsenegatives"}
CURVES = {
    "auc",
    "precisionatrecall",
    "recallatprecision",
    "sensitivityatspecificity",
    "specificityatsensitivity",
}
F_SCORES = {"f1score", "fbetascore"}
ERRORS = {
    "meansquarederror",
    "meanabsoluteerror",
    "rootmeansquarederror",
    "meanabsolutepercentageerror",
}
IOUS = {"iou", "meaniou"}
HIGHER_IS_BETTER = (
    ARGMAX
    | SPARSE
    | CURVES
    | F_SCORES
    | IOUS
    | {"accuracy", "binaryaccuracy", "binaryiou", "r2score"}
)
HIGHER_IS_BETTER |= {
    "onehotiou",
    "onehotmeaniou",
    "pearsoncorrelation",
    "concordancecorrelation",
    "cosinesimilarity",
}

# Metrics, when they are wrong (c: the _Case below, m: the metric), why, and the right choice.
# fmt: off
METRIC_RULES = (
    (COUNTS | CURVES | ERRORS, lambda c, m: c.scalar and c.units > 1,
     "compares every unit with the target", "accuracy"),
    ({"accuracy"}, lambda c, m: True,
     "wants class numbers as outputs", 'the string "accuracy" or "binary_accuracy"'),
    (F_SCORES | {"r2score"}, lambda c, m: c.y.ndim != 2 or len(c.shape) != 2,
     "takes targets of two axes", "targets of shape (batch, outputs)"),
    (ARGMAX | SPARSE, lambda c, m: len(c.shape) == 1,
     "takes the batch for the classes", "Dense(1) or binary_accuracy"),
    (ARGMAX | SPARSE, lambda c, m: c.units == 1,
     "takes the largest of the units, of which there is one", None),
    (ARGMAX, lambda c, m: c.scalar,
     "takes one-hot targets, these are {c.kind}", "accuracy"),
    (SPARSE, lambda c, m: not c.scalar,
     "takes integer targets, these are {c.kind}", None),
    (ARGMAX, lambda c, m: c.kind == "multi-hot" or (c.task == "regression" and not c.one_per_row),
     "takes one class per example, the targets are {c.kind}", None),
    (COUNTS - {"binaryiou"},
     lambda c, m: c.low < 0 or c.high > 1 or (c.kind == "fractions" and c.wants == "number"),
     "counts targets 0 and 1, these are {c.kind} from {c.low:g} to {c.high:g}", None),
    ({"binaryaccuracy"}, lambda c, m: c.wants == "distribution",
     "compares each class with 0.5, and most of them pass by being improbable", "accuracy"),
    (COUNTS, lambda c, m: (c.logits or c.wants == "sign") and head_look.threshold(m) == 0.5,
     "decides at 0.5, and logits at 0",
     "a threshold of 0, for example BinaryAccuracy(threshold=0.0), or sigmoid"),
    ({"auc"}, lambda c, m: c.logits and not m._from_logits,
     "takes probabilities, these are logits", "AUC(from_logits=True), or sigmoid"),
    (F_SCORES, lambda c, m: m.threshold is None and (c.units == 1 or c.kind == "multi-hot"),
     "without threshold says yes to the largest unit alone", "threshold=0.5"),
    (F_SCORES, lambda c, m: m.threshold is not None and c.logits,
     "decides within 0 and 1, these are logits", "sigmoid"),
    (IOUS, lambda c, m: m.sparse_y_pred and c.units > 1,
     "wants class numbers as outputs", "sparse_y_pred=False"),
)
# fmt: on


@dataclasses.dataclass(frozen=True)
class HeadCheck:
    """The result of `check_head`; false only where something is wrong.

    status: "ok", "wrong" or "not applicable". task: one of the table's, or None. message: one line,
    "ok: …" (with a remark on a weak choice) or the reason. units: size of the last axis.
    dense: one prediction per pixel or step instead of per example.
    """

    status: str
    task: str | None = None
    message: str = ""
    units: int | None = None
    dense: bool = False

    def __bool__(self):
        return self.status != "wrong"

    def __str__(self):
        return self.message if self.status == "ok" else f"{self.status}: {self.message}"


def check_head(model, batch):
    """Whether a compiled model's head fits its loss, metrics and targets of a batch `(x, y[, w])`.

    Custom training (a custom `train_step`, `compute_loss` or loss function, several outputs,
    `add_loss` alone) is "not applicable", and so are models that cannot be inspected: this check
    never raises.
    """
    try:
        return _check(model, batch if isinstance(batch, (tuple, list)) else (batch,))
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        return HeadCheck(
            "not applicable", message=f"could not be looked into: {type(error).__name__}: {reason}"
        )


def _check(model, batch):
    for method in ("train_step", "compute_loss"):
        if getattr(type(model), method) is not getattr(keras.Model, method):
            return HeadCheck(
                "not applicable", message=f"{type(model).__name__} has its own {method}"
            )
    losses = keras.tree.flatten(getattr(model, "loss", None)) if model.compiled else []
    if len(losses) != 1 or losses[0] is None:
        return HeadCheck("not applicable", message="no single loss in compile")
    looked = head_look.look_at_outputs(model, batch[0])
    if looked is None:
        return HeadCheck("not applicable", message="several outputs")
    head, shape = looked
    targets = keras.tree.flatten(batch[1]) if len(batch) > 1 and batch[1] is not None else []
    loss, options = head_look.resolve_loss(
        losses[0], np.shape(targets[0]) if targets else (), shape
    )
    if loss not in LOSSES or options.get("axis", -1) not in (None, -1, len(shape) - 1):
        return HeadCheck(
            "not applicable", message=f"{loss or 'a loss of its own'} is not in the table"
        )
    case = _Case(head, shape, loss, options)
    status, message = "ok", ""
    try:
        case.check(targets, head_look.compiled_metrics(model))
        message = "; ".join([case.summary(), *case.remarks])
    except _Wrong as wrong:
        status, message, case.task = "wrong", str(wrong), None
    dense = math.prod(size or 2 for size in shape[1:-1]) > 1
    return HeadCheck(status, case.task, message, case.units, dense)


class _Wrong(Exception):
    pass


class _Case:
    """One head, loss and batch of targets. Its checks raise _Wrong, or determine the task."""

    def __init__(self, head, shape, loss, options):
        self.head, self.shape, self.loss, self.wants = head, shape, loss, LOSSES[loss]
        self.units = shape[-1] if len(shape) > 1 else 1
        self.logits = bool(options.get("from_logits"))
        self.ignored = options.get("ignore_class")
        self.task, self.remarks = None, []

    def check(self, targets, metrics):
        if len(targets) != 1:
            raise _Wrong(
                f"{self.loss} compares the output with a target, the batch has "
                f"{len(targets) or 'none'}: use (x, y)"
            )
        self.read(np.asarray(targets[0]))
        if self.head.sums and self.units == 1:
            self.wrong("softmax over a single unit is always 1")
        self.task = getattr(self, f"check_{self.wants}")()
        for metric in metrics:
            self.check_metric(*head_look.resolve_metric(metric, self.y.shape, self.shape))

    def summary(self):
        parts = [self.task, f"{self.units} unit{'s' if self.units > 1 else ''}", self.head.name]
        return f"ok: {', '.join([*parts, self.loss])}, targets {self.kind}"

    def check_marks(self, classes):
        """Raise if the targets contain values that are not classes: a mask's 255, "void", padding.

        Args:
            classes: Number of classes; they are numbered from 0 to classes − 1.
        """
        values = np.unique(self.y if self.ignored is None else self.y[self.y != self.ignored])
        if len(values) == 2 and values[0] == 0 and values[1] in FULL_SCALE:
            right = (
                f"one sigmoid unit with {TABLE[0].loss}, or two softmax units with {TABLE[1].loss}"
            )
            raise _Wrong(
                f"the targets are 0 and {self.high:g}, as in masks: "
                f"divide them by {self.high:g}, for {right}"
            )
        outside = values[(values < 0) | (values >= classes)]
        marks = len(outside) == 1 and (outside[0] < 0 or outside[0] in FULL_SCALE)
        if not marks or len(values) < 3 or (values != np.round(values)).any():
            return
        if self.low < 0 and self.high - self.low < classes and self.wants == "distribution":
            return  # they may be classes that are not numbered from 0
        mark = f"{outside[0]:g}"
        logits = ", from_logits=True" if self.logits else ""
        right = f"SparseCategoricalCrossentropy(ignore_class={mark}{logits})"
        if self.loss != "sparse_categorical_crossentropy":
            right = (
                f'Dense({classes}, activation="softmax") with {right}, '
                "or a sample weight of 0 there"
            )
        what = f"targets from {self.low:g} to {self.high:g}, where {mark} seems to mark no class"
        raise _Wrong(f"{what}: use {right}")

    def check_pixels(self):
        """Raise if the targets are unscaled pixels, but the outputs end at 1."""
        if (
            self.low == 0
            and self.high in FULL_SCALE
            and self.head.probability
            and self.units not in FULL_SCALE
        ):
            what = (
                f"{self.head.name} stays within [0, 1], "
                f"the targets are pixels from 0 to {self.high:g}"
            )
            raise _Wrong(f"{what}: divide them by {self.high:g}")

    def row(self, kind=None):
        """The table's row for these targets."""
        kind = kind or ALIKE.get(self.kind, self.kind)
        if kind == "0 or 1" and self.units > 2:
            kind = "integers"
        if kind == "integers" and self.wants == "number" and not self.head.sums:
            kind = "numbers"
        return next(
            (row for row in TABLE if row.targets == kind), TABLE[0 if self.units == 1 else 2]
        )

    def wrong(self, what, kind=None, more=""):
        row = self.row(kind)
        values = 1 if self.scalar else self.y.shape[-1]
        count = max(int(self.high) + 1, self.units, 2) if row.targets == "integers" else values
        right = (
            f"for {row.task} with targets {row.targets} "
            f"use {row.layer.replace('K', str(count))} with {row.loss}"
        )
        if row.task == "binary":
            two = f'Dense(2, activation="softmax") with {TABLE[1].loss}'
            right = f"for two classes use {row.layer} with {row.loss}, or {two}"
        raise _Wrong(f"{what}: {right}{more}")

    def read(self, y):
        """Set y, scalar (one target per row of units), low, high and kind."""
        if y.dtype.kind in "SU" or (y.dtype.kind == "O" and isinstance(y.flat[0], (str, bytes))):
            raise _Wrong(
                "the targets are strings: turn them into integers (StringLookup) "
                f"and use {TABLE[1].loss}"
            )
        # Of a batch of large images, the first ones suffice.
        self.y = y = y[: max(1, 2**22 // math.prod(y.shape[1:]))].astype("float64")
        if not np.isfinite(y).all():
            what = "NaN" if np.isnan(y).any() else "infinite"
            count = f"{(~np.isfinite(y)).sum()} of {y.size}"
            raise _Wrong(f"{count} targets are {what}: fill them or leave these examples out")
        self.scalar = len(self.shape) == 1 or y.ndim < len(self.shape) or y.shape[-1] == 1
        if self.ignored is not None:
            y = y[y != self.ignored]
        self.low, self.high = (y.min(), y.max()) if y.size else (0, 0)
        self.kind = _kind(y, self.scalar)
        self.one_per_row = not self.scalar and self.kind in (
            "one-hot",
            "zeros and ones",
            "coded",
            "distribution",
        )
        self.over_one = not self.scalar and y.size > 0 and y.sum(-1).max() > 1.01

    def check_shape(self):
        """Raise if shapes differ by more than a last axis of 1, which Keras adds or removes."""
        given, made = list(self.y.shape), list(self.shape)
        if self.loss == "sparse_categorical_crossentropy":
            given, made = (
                given[:-1] if len(given) == len(made) and given[-1] == 1 else given,
                made[:-1],
            )
        short, long = sorted((given, made), key=len)
        if len(long) == len(short) + 1 and long[-1] == 1:
            short.append(1) if len(short) == 1 else long.pop()
        known = [pair for pair in zip(given[1:], made[1:], strict=False) if None not in pair]
        if len(given) != len(made) or any(a != b for a, b in known):
            outputs, targets = (
                ", ".join(map(str, ("batch", *shape[1:]))) for shape in (self.shape, self.y.shape)
            )
            self.wrong(f"outputs of shape ({outputs}) do not match targets of shape ({targets})")

    def keep_logits(self):
        """The alternative, if the loss supports it: keep the linear layer and use `from_logits`."""
        possible = (
            self.loss.endswith("crossentropy")
            and self.head.low == -math.inf
            and self.head.high == math.inf
        )
        return ", or keep the layer and pass from_logits=True" if possible else ""

    def check_distribution(self):
        if self.units == 1:
            self.wrong(f"{self.loss} needs one unit per class, there is one unit")
        if self.loss == "sparse_categorical_crossentropy":
            self.check_labels()
        elif self.scalar and self.y.size:
            self.wrong(f"{self.loss} takes one-hot targets, these are {self.kind}")
        elif self.kind == "multi-hot" or self.low < 0 or self.over_one:
            self.wrong(f"{self.loss} takes targets that sum to 1, these are {self.kind}")
        self.check_shape()
        kind = "integers" if self.scalar else "one-hot"
        if self.logits and self.head.probability:
            self.wrong(f"from_logits=True after {self.head.name} squashes twice", kind)
        if not self.logits and self.head.known and not self.head.sums:
            self.wrong(
                f"{self.loss} needs softmax, the last activation is {self.head.name}",
                kind,
                self.keep_logits(),
            )
        if self.logits and self.head.name in ("relu", "tanh"):
            self.remarks.append(f"{self.head.name} limits the logits: leave the last layer linear")
        return "multi-class"

    def check_labels(self):
        low, high, units = self.low, self.high, self.units
        if not self.scalar or self.kind == "fractions" or (self.kind == "numbers" and low >= 0):
            self.wrong(f"{self.loss} takes integer targets, these are {self.kind}")
        if low < 0 or high >= units:
            self.check_marks(units)
            what = (
                f"labels from {low:g} to {high:g} do not fit {units} units, "
                f"which are classes 0 to {units - 1}"
            )
            way = "number the classes from 0" if low < 0 else f"use Dense({int(high) + 1})"
            if low and high - low < units:
                way = f"subtract {low:g}"
                if low == -1:
                    way += ", or pass ignore_class=-1 if −1 marks no class"
            raise _Wrong(f"{what}: {way}")

    def check_probability(self):
        name, head, cross_entropy = self.loss, self.head, self.loss.endswith("crossentropy")
        if self.low < 0 or self.high > 1:
            self.check_marks(2)
            self.check_pixels()
            hint = " (−1 and 1 go with hinge)" if self.kind == "signs" else ""
            self.wrong(
                f"{name} takes targets from 0 to 1{hint}, "
                f"these go from {self.low:g} to {self.high:g}"
            )
        self.check_shape()
        if self.logits and head.probability:
            self.wrong(f"from_logits=True after {head.name} squashes twice")
        if self.logits and head.known and (head.low >= 0 or head.high <= 1):
            self.wrong(
                f"from_logits=True needs a linear output, the last activation is {head.name}"
            )
        if not self.logits and head.known and not head.probability:
            self.wrong(
                f"{name} needs sigmoid, the last activation is {head.name}",
                None,
                self.keep_logits(),
            )
        if head.sums and cross_entropy:
            if self.kind in ("multi-hot", "fractions"):
                self.wrong(
                    f"softmax with {name}: outputs that sum to 1 cannot fit {self.kind} targets"
                )
            self.remarks.append(f"softmax goes with categorical_crossentropy rather than {name}")
        if self.kind in ("fractions", "distribution"):
            return "unit-interval regression"
        return "binary" if self.scalar else "multi-class" if head.sums else "multi-label"

    def check_sign(self):
        if self.loss == "categorical_hinge":
            if self.scalar or not self.one_per_row:
                what = f"categorical_hinge takes one-hot targets, these are {self.kind}"
                raise _Wrong(
                    f"{what}: use one-hot targets, or {TABLE[1].layer} with {TABLE[1].loss}"
                )
        elif (np.abs(self.y) != 1).any() and ((self.y != 0) & (self.y != 1)).any():
            self.wrong(
                f"{self.loss} takes targets −1 and 1, or 0 and 1, "
                f"these go from {self.low:g} to {self.high:g}"
            )
        self.check_shape()
        if self.loss != "categorical_hinge" and self.head.known and self.head.low >= 0:
            what = f"{self.loss} decides by the sign, and {self.head.name} is never negative"
            raise _Wrong(f"{what}: use Dense(1), or {TABLE[0].layer} with {TABLE[0].loss}")
        return "binary" if self.scalar else "multi-class"

    def check_number(self):
        name, head = self.loss, self.head
        if self.low < 0 and name in ("poisson", "mean_squared_logarithmic_error"):
            self.wrong(f"{name} takes targets from 0 up, these start at {self.low:g}", "numbers")
        if name == "poisson" and head.known and head.low < 0:
            right = 'Dense(1, activation="exponential") with poisson'
            raise _Wrong(
                f"poisson takes the logarithm of the output, and {head.name} can be negative: "
                f"use {right}"
            )
        self.check_shape()
        if head.sums and self.over_one:
            self.wrong(f"softmax outputs sum to 1, the {self.kind} targets do not")
        if head.known and name != "cosine_similarity":
            # Targets scaled by the training set may slightly exceed the range elsewhere.
            span = head.high - head.low
            slack = span / 20 if math.isfinite(span) else max(abs(self.low), abs(self.high)) / 100
            if self.low < head.low - slack or self.high > head.high + slack:
                self.check_marks(2)
                self.check_pixels()
                what = f"{head.name} stays within [{head.low:g}, {head.high:g}]"
                self.wrong(f"{what}, the targets go from {self.low:g} to {self.high:g}", "numbers")
        if head.sums:
            self.remarks.append(
                f"softmax learns faster with categorical_crossentropy than with {name}"
            )
            return "multi-class"
        if head.probability and self.kind == "0 or 1":
            self.remarks.append(
                f"on two classes sigmoid learns faster with binary_crossentropy than with {name}"
            )
            return "binary"
        return "unit-interval regression" if head.probability else "regression"

    def check_metric(self, name, kind, metric):
        for kinds, is_wrong, why, right in METRIC_RULES:
            if kind in kinds and is_wrong(self, metric):
                raise _Wrong(
                    f"metric {name} {why.format(c=self)}: "
                    f"for {self.task} use {right or self.row().metric}"
                )
        # Mixed or smoothed labels? Then the metric is correct in validation.
        if kind == "binaryaccuracy" and self.kind == "fractions":
            self.remarks.append(f"{name} counts targets 0 and 1, these are fractions")
        if kind in ARGMAX and self.one_per_row:
            self.task = "multi-class"
        if kind in COUNTS and self.task == "regression":
            self.task = "binary"


def _kind(y, scalar):
    """The kind of targets in the table's terms, or finer ("coded": one-hot with other values)."""
    if not y.size:
        return "nothing"
    low, high, whole = y.min(), y.max(), (y == np.round(y)).all()
    unit, signs = low >= 0 and high <= 1, low == -1 and (np.abs(y) == 1).all()
    if scalar:
        if whole and not signs:
            return "0 or 1" if unit else "integers" if low >= 0 else "numbers"
        return "signs" if signs else "fractions" if unit else "numbers"
    rows, top = y.sum(-1), y == high
    if whole and unit:
        return (
            "one-hot"
            if (rows == 1).all()
            else "multi-hot"
            if (rows > 1).any()
            else "zeros and ones"
        )
    if unit and np.abs(rows - 1).max() < 0.01:
        return "distribution"
    if (top.sum(-1) == 1).all() and (top | (y == low)).all():
        return "coded"
    return "signs" if signs else "fractions" if unit else "numbers"


def monitor(model):
    """The metric and direction that choose the best epoch, such as `("val_accuracy", "max")`.

    The first compiled metric that grows with quality, else `("val_loss", "min")`.
    """
    if len(getattr(model, "output_names", None) or [None]) == 1:
        for metric in head_look.compiled_metrics(model):
            name, kind, _ = head_look.resolve_metric(metric)
            named = re.search(
                r"accuracy|\bacc\b|\bf1|\bauc\b|\biou\b|\br2\b",
                (name or "").lower().replace("_", " "),
            )
            if name and (kind in HIGHER_IS_BETTER or (named and not kind)):
                return f"val_{name}", "max"
    return "val_loss", "min"
