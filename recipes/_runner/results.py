"""`recipes/results.csv`: every measured figure, one row each, and the README's table made from it."""

import contextlib
import csv
import fcntl
import io
import math
import os
import pathlib
import shlex

from recipes._runner.errors import UserError
from recipes._runner.output import write_atomically
from recipes._runner.recipe import ROOT, all_recipes

PATH = ROOT / "results.csv"
COLUMNS = (
    "recipe",  # cnn_mnist
    "variant",  # of a comparison (VARIANTS); else empty
    "data",  # the test set and its size: "mnist, 21 MB"
    "metric",  # as `model.evaluate` calls it
    "mean",  # over the runs
    "deviation",  # of the sample; empty with a single run
    "runs",
    "baseline",  # its name
    "baseline_score",  # in the same metric
    "paper",  # the published figure and where; written by hand
    "verdict",  # reproduced, partly, no: and why in a few words; written by hand
    "parameters",
    "seconds",  # of training, mean over the runs
    "hardware",
    "command",  # that makes the row
    "date",
)
BY_HAND = ("paper", "verdict")
# Options after which a row is the same experiment: how often and where it ran; the variant has a column of its own.
NOT_THE_EXPERIMENT = ("--seeds", "--seed", "--data-dir", "--output", "--variant")
BEGIN, END = "<!-- results -->", "<!-- /results -->"


def settings(command):
    """The options of a command that make it another experiment than the recipe's defaults, as one string.

    >>> settings('make measure-cnn-mnist ARGS="--seeds 5 --epochs 10"')
    '--epochs 10'
    """
    words = [word for part in shlex.split(command) for word in shlex.split(part.removeprefix("ARGS="))]
    options = []  # each with its value
    for word in words:
        if word.startswith("--"):
            options.append(word.replace("=", " ", 1))
        elif options and " " not in options[-1]:
            options[-1] += f" {word}"
    return " ".join(sorted(option for option in options if option.split()[0] not in NOT_THE_EXPERIMENT))


def key(row):
    """What makes two rows the same figure: more seeds replace a row, `--epochs 10` stands beside it."""
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
            if tuple(rows.fieldnames or ()) != COLUMNS:
                raise UserError(f"{path}: the first line should be {','.join(COLUMNS)}")
            rows = list(rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise UserError(f"{path}: row {number} should have {len(COLUMNS)} fields")
    return rows


def update(rows, path=None):
    """Add measured rows, each in the place of the row of the same figure.

    What the old row says in the columns written by hand stays, unless the new row says something there.

    Args:
        rows: Dictionaries; columns that are missing stay empty.
        path: The table; `recipes/results.csv` if None.
    """
    path = pathlib.Path(path or PATH)
    with locked(path):
        table = {key(row): row for row in read(path)}
        for row in rows:
            unknown = set(row) - set(COLUMNS)
            if unknown:
                raise ValueError(f"results.csv has no column {', '.join(sorted(unknown))}; it has {', '.join(COLUMNS)}")
            row = {column: text(row.get(column)) for column in COLUMNS}
            old = table.get(key(row), {})
            for column in BY_HAND:
                row[column] = row[column] or old.get(column, "")
            table[key(row)] = row
        order = {recipe.name: number for number, recipe in enumerate(all_recipes())}
        lines = io.StringIO()
        writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(table.values(), key=lambda row: order.get(row["recipe"], len(order))))
        write_atomically(path, lines.getvalue())


@contextlib.contextmanager
def locked(path):
    """One process at a time; the lock is on the folder, because the file itself is replaced."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def text(value):
    """A field: six significant digits are more than any of these figures has."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def table(rows=None):
    """The results as Markdown."""
    rows = read() if rows is None else rows
    if not rows:
        return "Nothing measured yet: `make measure-NAME` does."
    chapters = {recipe.name: recipe.chapter for recipe in all_recipes()}
    head = ("recipe", "data", "metric", "test score", "baseline", "paper", "verdict", "parameters", "training")
    lines = ["| " + " | ".join(head) + " |", "|---|---|---|---:|---:|---|---|---:|---:|"]
    for row in rows:
        name = row["recipe"]
        if name in chapters:
            name = f"[{name}](recipes/{chapters[name]}/{name}.py)"
        extra = [row["variant"], f"`{settings(row['command'])}`" if settings(row["command"]) else ""]
        cells = (
            " ".join(filter(None, [name, *extra])),
            row["data"],
            row["metric"],
            score(row),
            f"{significant(row['baseline_score'])} {row['baseline']}".strip(),
            row["paper"],
            row["verdict"],
            f"{int(float(row['parameters'])):,}" if row["parameters"] else "",
            duration(row["seconds"]),
        )
        lines.append("| " + " | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines)


def score(row):
    """`0.9925 ± 0.0007 (5 runs)`: the deviation with two digits, the mean with as many decimals."""
    if not row["mean"]:
        return ""
    deviation = float(row["deviation"] or 0)
    if deviation:
        decimals = max(0, 1 - math.floor(math.log10(deviation)))
        value = f"{float(row['mean']):,.{decimals}f} ± {deviation:,.{decimals}f}"
    else:
        value = significant(row["mean"])
    runs = int(row["runs"] or 1)
    return f"{value} ({runs} run{'s' if runs > 1 else ''})"


def significant(number, digits=4):
    """A number, or its text, with so many significant digits at least, without an exponent; "" stays empty."""
    if number == "":
        return ""
    value = float(number)
    if not value or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"


def duration(seconds):
    """Seconds below two minutes, then minutes, then hours."""
    if not seconds:
        return ""
    seconds = float(seconds)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def around_table(readme):
    """What the README says before and after the table.

    Raises:
        UserError: if the file cannot be read, or the markers are not there.
    """
    try:
        content = pathlib.Path(readme).read_text(encoding="utf8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{readme} cannot be read: {error}") from None
    if BEGIN not in content or END not in content.partition(BEGIN)[2]:
        raise UserError(f"{readme}: the results table belongs between lines {BEGIN} and {END}; they are missing")
    before, _, rest = content.partition(BEGIN)
    return before, rest.partition(END)[2]


def write_readme_table(readme):
    """Put the table between the README's markers.

    Raises:
        UserError: if the markers are not there.
    """
    before, after = around_table(readme)
    write_atomically(readme, f"{before}{BEGIN}\n{table()}\n{END}{after}")
