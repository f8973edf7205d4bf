"""`python -m recipes measure NAME --seeds 5`: mean and deviation, to `results.csv`, RESULTS.md.

After an interruption, the same command continues: finished seeds are not repeated, and the
interrupted one continues after its last finished epoch.
"""

import csv
import datetime
import hashlib
import io
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from scipy import stats

from recipes._runner import copy_command, output, pages, results
from recipes._runner.arguments import expanded
from recipes._runner.errors import UserError
from recipes._runner.recipe import find
from recipes._runner.run_command import (
    PRECISIONS,
    SAVED_MODELS,
    add_data_arguments,
    add_training_arguments,
    own_name,
    positive,
)
from recipes.tuning import storage

# Options on which the score depends, such as `--set`.
DECIDING = (
    "variant",
    "epochs",
    "batch_size",
    "precision",
    "data",
    "target",
    "leave_out",
    "skip_broken",
    "encoding",
    "early_stopping",
    "class_weights",
)
PASSED_ON = (*DECIDING, "device", "data_dir")  # to each `run`


def add_arguments(parser):
    parser.add_argument(
        "recipe",
        type=expanded,
        help="as in `make list`, for example cnn_mnist; or a file, ./mine.py",
    )
    parser.add_argument(
        "--seeds", type=positive, default=5, metavar="N", help="runs, with seeds 0 to N−1 [5]"
    )
    parser.add_argument("--variant", metavar="NAME", help="this one of the recipe's variants only")
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="NAME",
        help="another score of the same networks to record as well; may be repeated",
    )
    parser.add_argument("--epochs", type=positive, metavar="N", help="as in `run`")
    parser.add_argument("--batch-size", type=positive, metavar="N", help="as in `run`")
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="as in `run`")
    add_data_arguments(parser)
    add_training_arguments(parser)
    parser.add_argument("--precision", choices=PRECISIONS, help="as in `run`")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu", "tpu"), help="as in `run`")
    parser.add_argument("--data-dir", type=expanded, metavar="DIR", help="as in `run`")


def main(options):
    recipe = find(options.recipe)
    if not recipe.trains:
        raise UserError(f"{recipe.name} trains nothing: there is no score to measure")
    table = results.PATH
    if options.data:
        table = SAVED_MODELS / recipe.folder_name / "own" / own_name(options.data) / "results.csv"
    elif not recipe.chapter:
        table = SAVED_MODELS / recipe.folder_name / "results.csv"
    check(table)
    folder = SAVED_MODELS / recipe.folder_name / "measuring" / digest(recipe, options)
    if options.data:
        shutil.rmtree(folder, ignore_errors=True)  # the data may have changed
    with output.held(folder):
        runs = [run(recipe, seed, options, folder / str(seed)) for seed in range(options.seeds)]
        summarize(recipe, runs, options, table)
    shutil.rmtree(folder)


def summarize(recipe, runs, options, table):
    """Print mean and deviation of each network's scores, and add them to the table.

    Raises:
        UserError: if a network has no such score as `--metric` names; the others are recorded.
    """
    rows, unknown = [], []
    for variant, metrics in runs[0].items():
        networks = [metrics_of[variant] for metrics_of in runs]
        for metric in dict.fromkeys([metrics["metric"], *options.metric]):
            if metric in metrics["scores"]:
                rows.append(row(recipe, networks, metric, options))
            else:
                unknown.append(metric)
    for line in rows:
        score = f"{line['mean']:.4f}" + (
            f" ± {line['deviation']:.4f}" if line["deviation"] is not None else ""
        )
        print(
            f"{line['variant'] or recipe.name}: {line['metric']} {score} over {line['runs']} runs"
        )
    for line in differences(runs):
        print(line)
    record(recipe, rows, table)
    if unknown:
        known = ", ".join(next(iter(runs[0].values()))["scores"])
        raise UserError(f"--metric {unknown[0]}: {recipe.name} has the scores {known}")


def differences(runs):
    """Lines that compare each network with its baseline, and with the first of the variants.

    Scores of the same seed are paired, since they share the split of the data and the order of the
    examples: their differences are compared, with an interval by Student's t-distribution.

    Args:
        runs: For each seed, the metrics of its networks by variant; no lines for fewer than three
            seeds.
    """
    if len(runs) < 3:
        return []
    first = next(iter(runs[0]))
    lines = []
    for variant, metrics in runs[0].items():
        metric = metrics["metric"]
        scores = [metrics_of[variant]["scores"][metric] for metrics_of in runs]
        name = variant or "network"
        if all(metric in metrics_of[variant]["baseline"] for metrics_of in runs):
            baselines = [metrics_of[variant]["baseline"][metric] for metrics_of in runs]
            lines.append(f"{name} − baseline: {interval(scores, baselines)}")
        if variant != first and metric == runs[0][first]["metric"]:
            others = [metrics_of[first]["scores"][metric] for metrics_of in runs]
            lines.append(f"{name} − {first}: {interval(scores, others)}")
    return lines


def interval(scores, others):
    """`+0.0560, 95 % interval +0.0490 to +0.0630 (10 pairs)`: the mean paired difference."""
    differences = [score - other for score, other in zip(scores, others, strict=True)]
    mean = statistics.mean(differences)
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    reach = stats.t.ppf(0.975, len(differences) - 1) * error
    low, high = mean - reach, mean + reach
    return f"{mean:+.4f}, 95 % interval {low:+.4f} to {high:+.4f} ({len(differences)} pairs)"


def digest(recipe, options):
    """A hash of the options and of the recipe's code, so that different runs are not mixed."""
    files, _ = copy_command.contents(recipe)
    told = hashlib.sha256(" ".join(flags(options, DECIDING)).encode())
    for name, content in sorted(files.items()):
        if name.endswith(".py"):
            told.update(name.encode() + content)
    return told.hexdigest()[:12]


def check(table):
    """Check in advance, instead of after hours of runs, whether the results can be recorded.

    Raises:
        UserError: if not.
    """
    results.read(table)
    places = [table]
    if table == results.PATH:
        places += pages.made()
    for place in places:
        folder = next(parent for parent in place.parents if parent.exists())
        if not os.access(folder, os.W_OK):
            raise UserError(f"cannot write {place}: no permission in {folder}; nothing was run")


def record(recipe, rows, table):
    """Add rows to the table, and to the pages if it is the collection's; on failure, keep them."""
    try:
        table.parent.mkdir(parents=True, exist_ok=True)
        results.update(rows, table)
        if table == results.PATH:
            pages.write()
    except (OSError, UserError) as error:
        raise UserError(f"{error}; {keep(rows, recipe)}") from error
    ours = table == results.PATH
    print(f"Recorded in {'recipes/results.csv and recipes/RESULTS.md' if ours else table}.")


def keep(rows, recipe):
    """Save unrecorded rows to a separate file, or print them; return where they are, in words."""
    lines = io.StringIO()
    writer = csv.DictWriter(lines, results.COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    for folder in (SAVED_MODELS / recipe.folder_name, pathlib.Path(tempfile.gettempdir())):
        path = folder / f"measured-{recipe.name}.csv"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            storage.write(path, lines.getvalue())
        except OSError:
            continue
        return f"the measured rows are kept in {path}"
    print(lines.getvalue())
    return "the measured rows are printed above"


def run(recipe, seed, options, folder):
    """One run in a separate process; returns the content of its metrics.json, by variant."""
    # The command, and the file with its results.
    command = [
        sys.executable,
        "-m",
        "recipes",
        "run",
        recipe.typed,
        "--seed",
        str(seed),
        "--output",
        str(folder),
    ]
    command += flags(options)
    left = folder / (options.variant or "") / "metrics.json"
    if options.data:
        left = folder / "own" / own_name(options.data) / (options.variant or "") / "metrics.json"
    # Skip a finished run, and resume an interrupted one.
    if left.exists():
        print(f"Seed {seed}: done before", flush=True)
        return scores(left)
    if output.epochs_in(left.parent / output.UNFINISHED):
        command.append("--resume")
    print(f"Seed {seed}: ", " ".join(command[3:]), flush=True)
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace")
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [""])[-1].removeprefix("recipes: ")
        if done.returncode != 2:  # not a user error: print the whole message
            print(done.stderr, file=sys.stderr, end="")
            said = f"it ended with status {done.returncode}"
        kept = "; the same command, typed again, goes on from here" if seed else ""
        raise UserError(f"the run with seed {seed}: {said}; nothing was recorded{kept}")
    if not left.exists():
        raise UserError(
            f"{recipe.name} ran on stand-in data, which is not measured; "
            "README, «Data», tells how to get it"
        )
    return scores(left)


def scores(path):
    """The content of a metrics.json, by variant; the variant is None if there are none."""
    metrics = json.loads(path.read_text(encoding="utf8"))
    return {None: metrics} if "scores" in metrics else metrics


def flags(options, names=PASSED_ON):
    """The options that `measure` shares with `run`, as command-line arguments."""
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    words = [
        word
        for name, value in given.items()
        for word in ("--" + name.replace("_", "-"), *[str(value)] * (value is not True))
    ]
    return words + [word for setting in options.set or [] for word in ("--set", setting)]


def row(recipe, runs, metric, options):
    """A row of results.csv: one score of a network, from the metrics of several runs."""
    first = runs[0]
    scores = [metrics["scores"][metric] for metrics in runs]
    baselines = [metrics["baseline"][metric] for metrics in runs if metric in metrics["baseline"]]
    data = [name if kind == "own" else size(name) for name, kind in first["data"].items()]
    own = ["--seeds", str(options.seeds), *flags(options, DECIDING)]
    if metric != first["metric"]:
        own += ["--metric", metric]
    return {
        "recipe": recipe.name,
        "variant": first["variant"] or "",
        "data": ", ".join(data) or "generated",
        "metric": metric,
        "mean": statistics.mean(scores),
        "deviation": statistics.stdev(scores) if len(scores) > 1 else None,
        "runs": len(scores),
        "baseline": first["baseline_name"] or "",
        "baseline_score": statistics.mean(baselines) if baselines else None,
        "parameters": first["trainable_parameters"],
        "multiply_accumulates": first.get("multiply_accumulates"),
        "activations": first.get("activations"),
        "seconds": statistics.mean(training_seconds(metrics) for metrics in runs),
        "hardware": first["hardware"],
        "command": output.command("measure", recipe, own),
        "date": datetime.date.today().isoformat(),
    }


def training_seconds(metrics):
    """The training time; on CPUs without the time that other programs took.

    Training on CPUs keeps at least one core busy, so without other programs it would have taken at
    most its total CPU time.
    """
    if "core" not in metrics["hardware"]:  # CPU time does not include an accelerator's
        return metrics["fit_seconds"]
    return min(metrics["fit_seconds"], metrics["fit_cpu_seconds"])


def size(name):
    """`mnist, 21 MB`: a data set and its size on disk."""
    import tensorflow_datasets as tfds

    return f"{name}, {max(1, round(tfds.builder(name).info.dataset_size / 2**20))} MB"
