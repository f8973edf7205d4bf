"""`python -m recipes compare RUN RUN …`: compare runs, with a plot of curves and a table of scores.

A run is a result of `run`: a recipe's name (cnn-mnist, cnn-mnist/smoke), or a folder. A run with
several variants stands for all of them.
"""

import csv
import dataclasses
import pathlib

from recipes._runner import output, results, saved
from recipes._runner.arguments import expanded, expanded_path
from recipes._runner.errors import UserError
from recipes._runner.run_command import SAVED_MODELS, shown
from recipes.tuning import storage

LEGEND = 24  # most characters of a name in the legend


def add_arguments(parser):
    parser.add_argument(
        "runs", nargs="+", type=expanded, metavar="RUN", help="cnn-mnist, vgg/smoke, or a folder"
    )
    parser.add_argument(
        "--output",
        type=expanded_path,
        metavar="DIR",
        help="where to write [saved_models/comparison]",
    )


@dataclasses.dataclass
class Run:
    """One trained network.

    Args:
        name: Its name in the comparison.
        folder: Its folder.
        metrics: The content of its `metrics.json`.
    """

    name: str
    folder: pathlib.Path
    metrics: dict

    @property
    def history(self):
        """`{metric: [value of each epoch, …]}`; empty if there is none."""
        path = self.folder / "history.csv"
        if not path.exists():
            return {}
        columns = {}
        with open(path, encoding="utf8", newline="") as file:
            for row in csv.DictReader(file):
                for name, value in row.items():
                    if name != "epoch":
                        columns.setdefault(name, []).append(float(value or "nan"))
        return columns

    @property
    def data(self):
        """The data it was trained and tested on, in words."""
        noted = self.metrics.get("data") or {}
        words = [name + " (stand-in)" * (kind == "stand-in") for name, kind in noted.items()]
        return ", ".join(words) or "generated"


def main(options):
    if options.output:
        output.refuse_others(options.output)
    runs = named([run for name in options.runs for run in runs_of(name)])
    folder = options.output or SAVED_MODELS / "comparison"
    head, *rows = table(runs)
    output.mark(folder)
    lines = ["# Comparison", "", *results.table_head(head)]
    lines += [results.table_line(row) for row in rows]
    curves = {short(run.name): run.history for run in runs if run.history}
    if curves:
        draw(curves, runs, folder)
        lines += ["", "![training_curves](training_curves.png)"]
    storage.write(folder / "README.md", "\n".join(lines) + "\n")
    print("\n".join(aligned([head, *rows])))
    for line in remarks(runs):
        print(line)
    print(f"Saved in {shown(folder)}: README.md" + ", training_curves.png" * bool(curves))


def runs_of(name):
    """The runs of a name or a folder.

    Raises:
        UserError: if there is none.
    """
    folder = run_folder(name)
    metrics = saved.read_json(folder / "metrics.json")
    if "scores" in metrics:
        return [Run(called(folder), folder, metrics)]
    variants = {
        variant: noted
        for variant, noted in metrics.items()
        if isinstance(noted, dict) and "scores" in noted
    }
    if not variants:
        what = "is damaged" if (folder / "metrics.json").exists() else "is missing"
        raise UserError(f"{name} is no run: {shown(folder / 'metrics.json')} {what}")
    return [
        Run(called(folder / variant), folder / variant, noted)
        for variant, noted in variants.items()
    ]


def run_folder(name):
    """The folder of a run; raises a UserError with advice if there is none."""
    path = pathlib.Path(name)
    is_path = path.is_absolute() or name.startswith(".")
    folder = None if is_path else saved.named(name)
    if folder is None and path.is_dir():
        folder = path
    if folder is None:
        recipe = None if is_path else saved.recipe_called(name.partition("/")[0])
        hint = f"`make recipe-{recipe.slug}` makes one" if recipe else "no folder of that name"
        raise UserError(f"{name} is no run: {hint}")
    return folder


def called(folder):
    """The name of the run in a folder: `cnn_mnist/smoke`, or its path if it is elsewhere."""
    folder = folder.resolve()
    if folder.is_relative_to(SAVED_MODELS.resolve()):
        return str(folder.relative_to(SAVED_MODELS.resolve()))
    return shown(folder)


def named(runs):
    """The runs, without the leading folders that all of their names share."""
    parts = [pathlib.PurePath(run.name).parts for run in runs]
    same = 0
    for each in zip(*(names[:-1] for names in parts), strict=False):
        if len(set(each)) > 1 or len(runs) == 1:
            break
        same += 1
    return [
        dataclasses.replace(run, name="/".join(names[same:]))
        for run, names in zip(runs, parts, strict=True)
    ]


def short(name):
    """A name shortened for a legend; its end is the most specific."""
    return name if len(name) <= LEGEND else "…" + name[-LEGEND:]


def table(runs):
    """The rows of the table, its head first."""
    scores = list(dict.fromkeys(name for run in runs for name in run.metrics["scores"]))
    different = differing([run.metrics.get("arguments") or {} for run in runs])
    head = ["run", *map(with_arrow, scores), "baseline", "parameters", "epochs", "training"]
    head += ["seed", *different]
    rows = [head]
    for run in runs:
        noted = run.metrics
        arguments = noted.get("arguments") or {}
        rows.append(
            [
                run.name,
                *(number(noted["scores"].get(name)) for name in scores),
                number((noted.get("baseline") or {}).get(noted.get("metric"))),
                f"{noted['trainable_parameters']:,}",
                str(noted["epochs"]),
                results.duration(noted["fit_seconds"]),
                str(noted["seed"]),
                *(str(arguments.get(name, "")) for name in different),
            ]
        )
    return rows


def differing(arguments):
    """The names of the arguments that differ."""
    names = dict.fromkeys(name for each in arguments for name in each)
    return [name for name in names if len({str(each.get(name)) for each in arguments}) > 1]


def with_arrow(name):
    return f"{name} {results.ARROWS.get(name, '')}".strip()


def number(value):
    return "" if value is None else f"{value:.4f}"


def aligned(rows):
    """The rows as lines with aligned cells."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def remarks(runs):
    """Warnings about runs that are hard to compare: different data, or a smoke run's tiny data."""
    by_data = {}
    for run in runs:
        by_data.setdefault((run.data, run.metrics.get("split")), []).append(run.name)
    if len(by_data) > 1:
        each = "; ".join(
            f"{data}, {split} set: {', '.join(names)}" for (data, split), names in by_data.items()
        )
        yield f"Not on the same data: {each}"
    smoke = [run.name for run in runs if is_smoke(run.folder)]
    if smoke:
        yield f"Made by smoke runs in seconds, which means nothing: {', '.join(smoke)}"


def is_smoke(folder):
    """Whether it is a smoke run, by the plan beside its model or above its variants."""
    return any(
        saved.read_json(place / "plan.json").get("smoke") for place in (folder, folder.parent)
    )


def selection(run):
    """The metric that selected a run's epoch, and whether its "min" or "max" is best, if known."""
    for name in run.metrics.get("validation") or {}:
        arrow = results.ARROWS.get(name.removeprefix("val_"))
        known = {"↑": "max", "↓": "min"}.get(arrow)
        return name, run.metrics.get("direction", known)  # older runs do not say it
    return None, None


def draw(curves, runs, folder):
    """Plot the curves of all runs; the best epochs are marked if the same metric selected them."""
    from recipes._runner import figures

    figures.use_style()
    selections = {selection(run) for run in runs}
    monitor, direction = selections.pop() if len(selections) == 1 else (None, None)
    if direction is None:
        monitor, direction = "val_loss", "min"
    figure = figures.training_curves(curves, monitor, direction)
    figures.save({"training_curves": figure}, folder)
