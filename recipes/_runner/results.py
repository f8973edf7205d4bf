"""`recipes/results.csv`, with a row for every measured value, and the tables made from it."""

import csv
import io
import math
import pathlib
import shlex

from recipes._runner.errors import UserError
from recipes._runner.recipe import ROOT, all_recipes
from recipes.tuning import storage

PATH = ROOT / "results.csv"
COLUMNS = (
    "recipe",  # cnn_mnist
    "variant",  # of a comparison (VARIANTS), or empty
    "data",  # the test set and its size: "mnist, 21 MB"
    "metric",  # its name in `model.evaluate`
    "mean",  # over the runs
    "deviation",  # of the sample; empty with a single run
    "runs",
    "baseline",  # its name
    "baseline_score",  # in the same metric
    "paper",  # the published value and its source; written by hand
    "verdict",  # reproduced, partly, no: and why in a few words; written by hand
    "parameters",  # the trainable ones
    "multiply_accumulates",  # of one inference; empty where they cannot be counted
    "activations",  # number of values in one inference; empty where they cannot be counted
    "seconds",  # of training, mean over the runs
    "hardware",
    "command",  # that reproduces the row
    "date",
)
BY_HAND = ("paper", "verdict")
# Columns of older tables, without these two.
OLDER_COLUMNS = tuple(
    column for column in COLUMNS if column not in ("multiply_accumulates", "activations")
)
# Options that do not change the experiment: number of runs and paths; the variant has its own
# column.
NOT_THE_EXPERIMENT = (
    "--seeds",
    "--seed",
    "--data-dir",
    "--output",
    "--folder",
    "--variant",
    "--metric",
)
# Metrics of which more, or less, is better. Other metrics are shown without an arrow and without a
# mark against the baseline.
MORE = """
accuracy auc autonomy average_precision balanced_steps beam_bleu bin_accuracy bit_accuracy bleu
catch_rate compressed_accuracy compression conditional_accuracy coverage damaged_accuracy
distorted_accuracy elbo ensemble_accuracy exact fgsm_accuracy high_quality_samples int8_accuracy
iou map50 micro_f1 mode_coverage noisy_accuracy overlap pass_rate pgd_accuracy phoneme_accuracy
precision psnr r2 r2_score random_signs_accuracy recall saturation stress_accuracy
transformed_accuracy
"""
LESS = """
bits_per_character false_alarms frechet_distance interventions kl loss mae mse nrmse_1 nrmse_84
position_mae quantization_error rmse rmse_cycles scrambled_as_face topographic_error training_loss
units_off
"""
ARROWS = dict.fromkeys(MORE.split(), "↑") | dict.fromkeys(LESS.split(), "↓")
# Recipe, variant and metric of the results in README, and their descriptions.
HEADLINES = (
    ("cnn_mnist", "", "accuracy", "Handwritten digits (MNIST)"),
    ("cifar10_fast", "", "accuracy", "Ten kinds of small photographs (CIFAR-10)"),
    ("head_binary_images", "", "accuracy", "Cat or dog (CIFAR-10)"),
    ("head_binary_sentiment", "", "accuracy", "Film reviews, positive or negative (IMDB)"),
    ("head_multilabel", "sigmoid", "micro_f1", "Emotions of a comment, 28 labels (GoEmotions)"),
    ("head_regression", "linear", "r2", "House prices (California, 1990)"),
    ("head_unit_interval", "mse", "rmse_cycles", "Remaining life of a jet engine (C-MAPSS)"),
    ("electricity", "", "mae", "Demand for electricity, next 24 hours (Spain), in MW"),
    ("transformer_translation", "", "beam_bleu", "English to Spanish"),
    ("gpt", "gpt", "bits_per_character", "The next character of Don Quijote"),
    ("vae", "latent_20", "elbo", "Variational autoencoder (MNIST), in nats"),
    ("gan_mnist", "", "frechet_distance", "Generated digits"),
)
HEADLINE_COLUMNS = ("what", "recipe", "metric", "test score:", "baseline", "training:")
PAGE_COLUMNS = (
    *("recipe", "data", "metric", "test score:", "baseline", "paper", "remark"),
    *("trainable parameters:", "training:", "machine"),
)
PAGE_HEAD = """# Results

Made from `results.csv` by `make results`; do not edit. Mean ± standard deviation over seeds on the
real test set; all choices are made on the validation set. `results.csv` has each row's command.

↑ higher is better, ↓ lower is better. ✓ better than the baseline by more than the deviation,
✗ worse by more than that, ≈ neither. `--epochs 8` and the like mark settings other than the
recipe's own."""


def settings(command):
    """The options of a command that change the experiment, as one string.

    >>> settings('make measure-cnn-mnist ARGS="--seeds 5 --epochs 10"')
    '--epochs 10'
    """
    words = [
        word for part in shlex.split(command) for word in shlex.split(part.removeprefix("ARGS="))
    ]
    options = []  # each with its value
    for word in words:
        if word.startswith("--"):
            options.append(word.replace("=", " ", 1))
        elif options and " " not in options[-1]:
            options[-1] += f" {word}"
    return " ".join(
        sorted(option for option in options if option.split()[0] not in NOT_THE_EXPERIMENT)
    )


def key(row):
    """The identity of a row: more seeds replace it, another `--epochs` is a row of its own."""
    return row["recipe"], row["variant"], row["metric"], settings(row["command"])


def read(path=None):
    """The rows as dictionaries of strings, in the file's order.

    Raises:
        UserError: if the file is not such a table.
    """
    path = pathlib.Path(path or PATH)
    if not path.exists():
        return []
    try:
        with open(path, encoding="utf8", newline="") as file:
            rows = csv.DictReader(file)
            fields = tuple(rows.fieldnames or ())
            if fields not in (COLUMNS, OLDER_COLUMNS):
                raise UserError(f"{path}: the first line should be {','.join(COLUMNS)}")
            rows = list(rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise UserError(f"{path}: row {number} should have {len(fields)} fields")
    return [dict.fromkeys(COLUMNS, "") | row for row in rows]


def update(rows, path=None):
    """Add measured rows, each replacing the row with the same key.

    Handwritten columns of the old row are kept, unless the new row fills them.

    Args:
        rows: Dictionaries; columns that are missing stay empty.
        path: The table; `recipes/results.csv` if None.
    """
    path = pathlib.Path(path or PATH)
    with storage.held(path.parent, wait=True):
        table = {key(row): row for row in read(path)}
        for row in rows:
            unknown = set(row) - set(COLUMNS)
            if unknown:
                raise ValueError(
                    f"results.csv has no column {', '.join(sorted(unknown))}; "
                    f"it has {', '.join(COLUMNS)}"
                )
            row = {column: text(row.get(column)) for column in COLUMNS}
            old = table.get(key(row), {})
            for column in BY_HAND:
                row[column] = row[column] or old.get(column, "")
            table[key(row)] = row
        order = {recipe.name: number for number, recipe in enumerate(all_recipes())}
        lines = io.StringIO()
        writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            sorted(table.values(), key=lambda row: order.get(row["recipe"], len(order)))
        )
        storage.write(path, lines.getvalue())


def text(value):
    """A field as text: six significant digits are more than any of these values has."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def page(rows):
    """`recipes/RESULTS.md`: all results, by chapter."""
    recipes = {recipe.name: recipe for recipe in all_recipes()}
    lines = [PAGE_HEAD]
    chapter = None
    for row in rows:
        recipe = recipes.get(row["recipe"])
        if chapter != (recipe.chapter if recipe else "gone"):
            chapter = recipe.chapter if recipe else "gone"
            lines += ["", f"## {chapter}", "", *table_head(PAGE_COLUMNS)]
        extra = [
            row["variant"],
            f"`{settings(row['command'])}`" if settings(row["command"]) else "",
        ]
        name = f"[{recipe.name}]({recipe.chapter}/{recipe.name}.py)" if recipe else row["recipe"]
        cells = (
            " ".join(filter(None, [name, *extra])),
            row["data"],
            metric(row),
            score(row),
            compared(row),
            row["paper"],
            row["verdict"],
            f"{int(float(row['parameters'])):,}" if row["parameters"] else "",
            duration(row["seconds"]),
            row["hardware"],
        )
        lines.append(table_line(cells))
    return "\n".join(lines) + "\n"


def headline_table(rows):
    """The README's table: the rows of `HEADLINES` that exist."""
    recipes = {recipe.name: recipe for recipe in all_recipes()}
    lines = table_head(HEADLINE_COLUMNS)
    for name, variant, measured, what in HEADLINES:
        for row in rows:
            wanted = (row["recipe"], row["variant"], row["metric"]) == (name, variant, measured)
            if wanted and not settings(row["command"]):
                link = f"[{name}](recipes/{recipes[name].chapter}/{name}.py)"
                cells = (
                    what,
                    link,
                    metric(row),
                    score(row),
                    compared(row),
                    duration(row["seconds"]),
                )
                lines.append(table_line(cells))
    return "\n".join(lines)


def table_head(columns):
    """The first two lines of a Markdown table; columns that end in ":" are right-aligned."""
    names = [column.rstrip(":") for column in columns]
    rules = ["---:" if column.endswith(":") else "---" for column in columns]
    return ["| " + " | ".join(names) + " |", "|" + "|".join(rules) + "|"]


def table_line(cells):
    cells = [cell.replace("|", r"\|").replace("\n", " ") for cell in cells]
    return "| " + " | ".join(cells) + " |"


def metric(row):
    """`accuracy ↑`: the metric, and whether more or less of it is better, if known."""
    return f"{row['metric']} {ARROWS.get(row['metric'], '')}".strip()


def score(row):
    """`0.9925 ± 0.0007 (5 runs)`: the deviation with one digit, the mean with as many decimals.

    A deviation that begins with 1 keeps a second digit: 0.1 would be a third less than 0.14.
    The mean has at most five digits: `0.85448 ± <0.00001`.
    """
    if not row["mean"]:
        return ""
    mean = float(row["mean"])
    deviation = float(row["deviation"] or 0)
    value = significant(mean)
    if deviation:
        decimals = decimals_of(deviation, 2 if f"{deviation:e}".startswith("1") else 1)
        most = decimals_of(mean, 5) if mean else decimals
        if decimals <= most or deviation >= 10**-most:
            decimals = min(decimals, most)
            value = f"{mean:,.{decimals}f} ± {deviation:,.{decimals}f}"
        else:
            value = f"{mean:,.{most}f} ± <{10**-most:.{most}f}"
    runs = int(row["runs"] or 1)
    return f"{value} ({runs} run{'s' if runs > 1 else ''})"


def compared(row):
    """`✓ 0.9244 Logistic regression`: the baseline, and whether the score is better.

    ✓ is better and ✗ worse by more than the deviation and more than the precision of four digits,
    ≈ neither; no mark if it is unknown whether more or less is better.
    """
    if not row["baseline_score"]:
        return ""
    baseline = float(row["baseline_score"])
    gain = float(row["mean"]) - baseline
    arrow = ARROWS.get(row["metric"])
    if arrow == "↓":
        gain = -gain
    least = max(float(row["deviation"] or 0), 0.0005 * abs(baseline))
    mark = "✓" if gain > least else "✗" if gain < -least else "≈"
    words = [mark if arrow else "", significant(baseline), row["baseline"]]
    return " ".join(filter(None, words))


def decimals_of(number, digits):
    """The number of decimals for `digits` significant digits of a number other than 0."""
    return max(0, digits - 1 - math.floor(math.log10(abs(number))))


def significant(number, digits=4):
    """A number, or its text, with at least `digits` significant digits and no exponent."""
    value = float(number)
    if not value or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:,.{decimals_of(value, digits)}f}"


def duration(seconds):
    """Seconds below two minutes, then minutes, then hours."""
    if not seconds:
        return ""
    seconds = float(seconds)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
