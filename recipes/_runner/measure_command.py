"""`python -m recipes measure NAME --seeds 5`: mean and deviation over seeds, into `results.csv` and RESULTS.md."""

import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from recipes._runner import pages, results
from recipes._runner.errors import UserError
from recipes._runner.recipe import find
from recipes._runner.run_command import PRECISIONS, positive

DECIDING = ("variant", "epochs", "batch_size", "precision")  # what the score depends on, as `--set` does
PASSED_ON = (*DECIDING, "device", "data_dir")  # to each `run`


def add_arguments(parser):
    parser.add_argument("recipe", help="as in `make list`, for example cnn_mnist")
    parser.add_argument("--seeds", type=positive, default=5, metavar="N", help="runs, with seeds 0 to N−1 [5]")
    parser.add_argument("--variant", metavar="NAME", help="this one of the recipe's variants only")
    parser.add_argument("--epochs", type=positive, metavar="N", help="as in `run`")
    parser.add_argument("--batch-size", type=positive, metavar="N", help="as in `run`")
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="as in `run`")
    parser.add_argument("--precision", choices=PRECISIONS, help="as in `run`")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu", "tpu"), help="as in `run`")
    parser.add_argument("--data-dir", metavar="DIR", help="as in `run`")


def main(options):
    recipe = find(options.recipe)
    if not recipe.trains:
        raise UserError(f"{recipe.name} trains nothing: there is no score to measure")
    with tempfile.TemporaryDirectory() as folder:
        runs = [run(recipe, seed, options, pathlib.Path(folder) / str(seed)) for seed in range(options.seeds)]
    rows = [row(recipe, [metrics[variant] for metrics in runs], options) for variant in runs[0]]
    results.update(rows)
    pages.write()
    for line in rows:
        score = f"{line['mean']:.4f}" + (f" ± {line['deviation']:.4f}" if line["deviation"] is not None else "")
        print(f"{line['variant'] or recipe.name}: {line['metric']} {score} over {line['runs']} runs")
    print("Recorded in recipes/results.csv and recipes/RESULTS.md.")


def run(recipe, seed, options, folder):
    """One run in a process of its own; what its metrics.json says, by variant."""
    command = [sys.executable, "-m", "recipes", "run", recipe.name, "--seed", str(seed), "--output", str(folder)]
    command += flags(options)
    print(f"Seed {seed}: ", " ".join(command[3:]), flush=True)
    if status := subprocess.run(command).returncode:
        raise UserError(f"the run with seed {seed} ended with status {status}; nothing was recorded")
    left = folder / (options.variant or "") / "metrics.json"
    if not left.exists():
        raise UserError(
            f"{recipe.name} ran on stand-in data, which is not measured; README, «Data», tells how to get it"
        )
    metrics = json.loads(left.read_text(encoding="utf8"))
    return {None: metrics} if "scores" in metrics else metrics


def flags(options, names=PASSED_ON):
    """The options that `measure` shares with `run`, as they were typed."""
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    words = [word for name, value in given.items() for word in ("--" + name.replace("_", "-"), str(value))]
    return words + [word for setting in options.set or [] for word in ("--set", setting)]


def row(recipe, runs, options):
    """A line of results.csv from the metrics of several runs of one network."""
    first = runs[0]
    metric = first["metric"]
    scores = [metrics["scores"][metric] for metrics in runs]
    baselines = [metrics["baseline"][metric] for metrics in runs if metric in metrics["baseline"]]
    own = " ".join([f"--seeds {options.seeds}", *flags(options, DECIDING)])
    return {
        "recipe": recipe.name,
        "variant": first["variant"] or "",
        "data": ", ".join(size(name) for name in first["data"]) or "generated",
        "metric": metric,
        "mean": statistics.mean(scores),
        "deviation": statistics.stdev(scores) if len(scores) > 1 else None,
        "runs": len(scores),
        "baseline": first["baseline_name"] or "",
        "baseline_score": statistics.mean(baselines) if baselines else None,
        "parameters": first["parameters"],
        "seconds": statistics.mean(metrics["fit_seconds"] for metrics in runs),
        "hardware": first["hardware"],
        "command": f'make measure-{recipe.slug} ARGS="{own}"',
        "date": datetime.date.today().isoformat(),
    }


def size(name):
    """`mnist, 21 MB`: a data set and what it takes on disk."""
    import tensorflow_datasets as tfds

    return f"{name}, {max(1, round(tfds.builder(name).info.dataset_size / 2**20))} MB"
