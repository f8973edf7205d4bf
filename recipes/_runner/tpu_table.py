"""`make tpu-table`: which training steps XLA can compile, as a TPU requires: `recipes/TPU.md`.

Recipes without a row get one; rows of named recipes are renewed. After a change of the version of
Keras or TensorFlow, all rows are renewed.
"""

import importlib.metadata
import json
import pathlib
import re
import subprocess
import sys

from recipes._runner import results
from recipes._runner.errors import UserError
from recipes._runner.recipe import all_recipes, find
from recipes.tuning import storage

TABLE = pathlib.Path(__file__).parents[1] / "TPU.md"
COLUMNS = ("recipe", "one core", "several cores")
HEAD = """# Training on a TPU

Made by `make tpu-table`; do not edit. No TPU was available: the table says which recipes XLA, the
compiler for TPUs, compiles on a CPU. How to train on a TPU: [DEVICES.md](DEVICES.md).

One core: ✓ XLA compiles and runs the training step (for a comparison, that of the first network)
on full batches, and the loss is finite; ✗ not, and why. Several cores: ✓ it also contains nothing
known to fail in Keras' `fit` on several devices; ✗ what fails, as `--device tpu` reports it.

Of a network that takes texts, the layers that read strings run on the machine's CPU; only the rest
is compiled.

With Keras {keras} and TensorFlow {tensorflow}."""
ROW = re.compile(r"^\| \[(\w+)\]\([^)]*\) \| (.*) \|$", re.MULTILINE)
ROWS = 200  # of the stand-in data
MARK = "compiled: "  # precedes the result of a child process


def main(names):
    """Update the page; each row is written as soon as it is known.

    Args:
        names: Recipes whose rows to renew; missing rows are always added.
    """
    trained = [recipe for recipe in all_recipes() if recipe.trains]
    again = {find(name).name for name in names}
    head = HEAD.format(
        **{name: importlib.metadata.version(name) for name in ("keras", "tensorflow")}
    )
    text = TABLE.read_text(encoding="utf8") if TABLE.exists() else ""
    rows = read(text) if text.startswith(head) else {}
    for recipe in trained:
        if recipe.name not in rows or recipe.name in again:
            rows[recipe.name] = cells(recipe.name)
            print(recipe.name, *rows[recipe.name], sep="  ", flush=True)
            storage.write(TABLE, page(head, rows, trained))
    storage.write(TABLE, page(head, rows, trained))


def read(text):
    """The rows of the page: `{recipe: [one core, several cores]}`."""
    return {name: rest.replace(r"\|", "|").split(" | ") for name, rest in ROW.findall(text)}


def page(head, rows, trained):
    """The page, with the rows in the order of the recipes, and the number that work."""
    lines = [head, "", *results.table_head(COLUMNS)]
    there = [recipe for recipe in trained if recipe.name in rows]
    for recipe in there:
        link = f"[{recipe.name}]({recipe.chapter}/{recipe.name}.py)"
        lines.append(results.table_line([link, *rows[recipe.name]]))
    counts = [sum(rows[recipe.name][n] == "✓" for recipe in there) for n in range(2)]
    lines.append(results.table_line([f"of {len(there)}", *map(str, counts)]))
    return "\n".join(lines) + "\n"


def cells(name):
    """The cells of a recipe, determined in a process that may crash."""
    command = [sys.executable, "-m", "recipes._runner.tpu_table", "--one", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            return json.loads(line.removeprefix(MARK))
    if done.returncode > 0:  # not killed by a signal: our own error, already printed
        raise SystemExit(done.returncode)
    return ["✗ XLA ends the process", "✗ XLA ends the process"]


def one(name):
    """Print whether XLA compiles a recipe's training step."""
    import tensorflow as tf

    from recipes._runner import data, quiet

    quiet.import_tensorflow()
    from recipes._runner import devices, training

    recipe = find(name)
    data.choose(data.names(recipe.path), stand_in=True, rows=ROWS)
    module = recipe.module
    given = next(iter(getattr(module, "VARIANTS", {None: {}}).values()))
    plan = training.Plan(recipe.name, 1, 0, {}, {}, "float32", False, True)
    devices.is_tpu = lambda strategy: True
    strategy = tf.distribute.get_strategy()
    try:
        model, batch, train, *_ = training.prepare(module, plan, given, strategy)
        network, train, _ = training.for_devices(model, batch, train, None, strategy)
    except UserError as error:
        found = [f"✗ {reason(error)}"] * 2
    else:
        failure = compiled(network, next(iter(train)))
        found = ["✓", "✓"]
        if failure:
            found = [f"✗ {failure}"] * 2
        elif why := devices.not_shared(model):
            found[1] = f"✗ {why}"
    print(MARK + json.dumps(found), flush=True)


def compiled(model, batch):
    """The reason why XLA does not compile a training step, in one line; None if it does.

    This compiles the step directly: Keras reverts `compile(jit_compile=True)` with only a warning
    if a layer, such as `RandomRotation`, declares that it cannot be compiled.
    """
    import math

    import tensorflow as tf

    step = tf.function(model.train_step, jit_compile=True, reduce_retracing=True)
    try:
        logs = step(batch)
    except Exception as error:
        return reason(error)
    wrong = [name for name, value in logs.items() if not math.isfinite(float(value))]
    return f"{wrong[0]} is not a number" if "loss" in wrong else None


def reason(error):
    """An error as one line for a table."""
    from recipes._runner import devices

    if missing := devices.missing_operations(error):
        return f"XLA has no operation {', '.join(missing)}"
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return re.sub(r"^--device tpu: |[:;] leave .*$", "", lines[0])[:200]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2])
    else:
        main(sys.argv[1:])
