"""`make exports`: the export formats of each recipe's network, as `recipes/EXPORT.md`.

Recipes without a row get one; rows of named recipes are renewed. After a change of the version of
Keras, TensorFlow, a converter or a runtime, all rows are renewed.
"""

import importlib.metadata
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from recipes._runner import results
from recipes._runner.errors import UserError
from recipes._runner.export_command import FORMATS, TABLE
from recipes._runner.recipe import all_recipes, find
from recipes.tuning import storage

PACKAGES = ("keras", "tensorflow", "tf2onnx", "onnxruntime", "ai-edge-litert")
COLUMNS = ("recipe", "SavedModel", "ONNX", "LiteRT")
HEAD = """# Export

Made by `make exports`; do not edit. Each recipe's network (the first one of a comparison),
untrained, is exported by `make export-NAME FORMAT=saved_model|onnx|litert` and run in the format's
own runtime: TensorFlow, ONNX Runtime or LiteRT. ✓ its outputs for eight examples are those of
Keras, to within a thousandth of the largest; ✓ 1 the same, one example at a time; ✗ not, and why.

Networks are exported as they behave at inference: `model.export` alone leaves layers such as
`RandomFlip` active.

{versions}."""
ROW = re.compile(r"^\| \[(\w+)\]\([^)]*\) \| (.*) \|$", re.MULTILINE)
ROWS = 200  # of the stand-in data
MARK = "exported: "  # precedes the result of a child process


def main(names):
    """Update the page; each row is written as soon as it is known.

    Args:
        names: Recipes whose rows to renew; missing rows are always added.
    """
    trained = [recipe for recipe in all_recipes() if recipe.trains]
    again = {find(name).name for name in names}
    head = HEAD.format(versions=versions())
    text = TABLE.read_text(encoding="utf8") if TABLE.exists() else ""
    rows = read(text) if text.startswith(head) else {}
    for recipe in trained:
        if recipe.name not in rows or recipe.name in again:
            rows[recipe.name] = cells(in_processes(recipe.name))
            print(recipe.name, *rows[recipe.name], sep="  ", flush=True)
            storage.write(TABLE, page(head, rows, trained))
    storage.write(TABLE, page(head, rows, trained))


def versions():
    """`Keras 3.15.1, …`: the versions of all packages involved.

    Raises:
        UserError: if one of them is not installed.
    """
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            raise UserError(f"{name} is missing: `make setup EXTRAS=export` installs it") from None
    return f"With {', '.join(found[:-1])} and {found[-1]}"


def read(text):
    """The rows of the page: `{recipe: [SavedModel, ONNX, LiteRT]}`."""
    return {name: rest.replace(r"\|", "|").split(" | ") for name, rest in ROW.findall(text)}


def page(head, rows, trained):
    """The page, with the rows in the order of the recipes, and the number that work per format."""
    lines = [head, "", *results.table_head(COLUMNS)]
    there = [recipe for recipe in trained if recipe.name in rows]
    for recipe in there:
        link = f"[{recipe.name}]({recipe.chapter}/{recipe.name}.py)"
        lines.append(results.table_line([link, *rows[recipe.name]]))
    counts = [sum(rows[recipe.name][n][:1] == "✓" for recipe in there) for n in range(3)]
    lines.append(results.table_line([f"of {len(there)}", *map(str, counts)]))
    return "\n".join(lines) + "\n"


def cells(found):
    """The cells of a recipe's network in the table, one for each format."""
    return [
        f"✗ {failure}" if failure else "✓ 1" if batch == 1 else "✓"
        for batch, failure in (found[name] for name in FORMATS)
    ]


def in_processes(name):
    """`{format: (batch, failure)}` of a recipe's network, from processes that may crash."""
    found = {}
    while len(found) < len(FORMATS):
        todo = [each for each in FORMATS if each not in found]
        command = [sys.executable, "-m", "recipes._runner.export_table", "--one", name, *todo]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        for line in done.stdout.splitlines():
            if line.startswith(MARK):
                found |= json.loads(line.removeprefix(MARK))
        if done.returncode > 0:  # not killed by a signal: our own error, already printed
            raise SystemExit(done.returncode)
        if done.returncode < 0 and len(found) < len(FORMATS):
            died = next(each for each in todo if each not in found)
            found[died] = None, "the process that makes it dies"
    return found


def one(name, formats):
    """Print for each format whether a recipe's untrained network can be exported."""
    from recipes._runner import data, exporting, quiet

    quiet.import_tensorflow()
    recipe = find(name)
    data.choose(data.names(recipe.path), stand_in=True, rows=ROWS)
    model, inputs = untrained(recipe)
    for each in formats:
        batch, failure = None, None
        with tempfile.TemporaryDirectory() as folder:
            try:
                batch = exporting.export(
                    model, exporting.FORMATS[each], pathlib.Path(folder), inputs
                ).batch
            except exporting.Failure as error:
                failure = str(error)
        print(MARK + json.dumps({each: (batch, failure)}), flush=True)


def untrained(recipe):
    """The network of a recipe (the first variant of a comparison), and eight examples as inputs."""
    import tensorflow as tf

    from recipes._runner import exporting, training

    module = recipe.module
    given = next(iter(getattr(module, "VARIANTS", {None: {}}).values()))
    plan = training.Plan(recipe.name, 1, 0, {}, {}, "float32", False, True)
    prepared = training.prepare(module, plan, given, tf.distribute.get_strategy())
    model, _, *sets = prepared
    return model, exporting.first_rows(sets)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], sys.argv[3:])
    else:
        try:
            main(sys.argv[1:])
        except UserError as error:
            sys.exit(f"recipes: {error}")
