"""`python -m recipes notebook NAME`: a recipe and its pictures as a notebook with outputs.

It is run from top to bottom, training included, in a separate process and folder.
"""

import json
import os
import pathlib
import re
import tempfile

from recipes._runner import data, notebook_cells, output
from recipes._runner.arguments import expanded, expanded_path
from recipes._runner.errors import UserError
from recipes._runner.recipe import ROOT, all_recipes, find
from recipes._runner.run_command import SMOKE_ROWS, shown
from recipes.tuning import storage

NOTEBOOKS = ROOT.parent / "notebooks"
KERNEL = "python3"  # of Jupyter: the Python that runs this
MARK = "data: "
# Run before the first cell, and not saved: chooses the data as `run` does, and silences libraries.
PREPARE = """
import json, sys, warnings
warnings.filterwarnings("ignore")
sys.path.insert(0, {root!r})
from recipes._runner import data, quiet
if {trains}:
    quiet.import_tensorflow()
kinds = data.choose({names!r}, {data_dir!r}, {stand_in!r}, {rows!r})
print({mark!r} + json.dumps(kinds))
del json, sys, warnings, data, quiet, kinds
"""
# Limits `fit` to one epoch of two steps, for `--smoke`.
SMOKE = {"KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "2"}
STAND_IN = "**Stand-in data ({}): not comparable with results on the real set.**"


def add_arguments(parser):
    parser.add_argument(
        "recipe", type=expanded, help="as in `make list`; `all` for one after the other"
    )
    parser.add_argument(
        "--output", type=expanded_path, metavar="DIR", help="where to write [notebooks]"
    )
    parser.add_argument(
        "--data-dir", type=expanded, metavar="DIR", help="prepared data sets, as for `run`"
    )
    parser.add_argument(
        "--stand-in", action="store_true", help="use the stand-in data even where real data is"
    )
    parser.add_argument(
        "--smoke", action="store_true", help="in seconds, on tiny data: does it run?"
    )


def main(options):
    recipes = all_recipes() if options.recipe == "all" else [find(options.recipe)]
    check()
    folder = options.output or NOTEBOOKS
    if options.output:
        output.refuse_others(options.output)
    failures = []
    for recipe in recipes:
        try:
            path = write(recipe, options, folder)
        except UserError as error:
            if len(recipes) == 1:
                raise
            failures.append(str(error))
            print(f"recipes: {error}", flush=True)
        else:
            print(f"{shown(path)}: {path.stat().st_size / 1000:.0f} kB", flush=True)
    if failures:
        raise UserError(f"{len(failures)} of {len(recipes)} notebooks could not be made")


def check():
    """Raise a UserError if the packages for notebooks are not installed."""
    try:
        import ipykernel  # noqa: F401
        import nbclient  # noqa: F401
        import nbformat  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"notebooks need {error.name}: `make setup EXTRAS=notebooks` installs it"
        ) from None


def write(recipe, options, folder):
    """Run a recipe's notebook and save it with its outputs; return its path.

    Raises:
        UserError: if a cell fails.
    """
    import nbclient
    import nbformat

    # Create the cells.
    sources = [
        notebook_cells.Cell("code", prepare(recipe, options)),
        *notebook_cells.cells(recipe),
    ]
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {
        "name": KERNEL,
        "display_name": "Python 3",
        "language": "python",
    }
    for number, (kind, source) in enumerate(sources):
        new = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        notebook.cells.append(new(source, id=f"cell-{number}"))
    # Run them.
    with tempfile.TemporaryDirectory() as workplace:
        client = nbclient.NotebookClient(
            notebook,
            timeout=None,
            kernel_name=KERNEL,
            record_timing=False,
            coalesce_streams=True,  # keep only the last state of a progress bar
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
            resources={"metadata": {"path": workplace}},
        )
        try:
            client.execute(env=os.environ | (SMOKE if options.smoke else {}))
        except nbclient.exceptions.CellExecutionError as error:
            said = f"{error.ename}: {error.evalue}".strip().splitlines()[0]
            raise UserError(f"the notebook of {recipe.name} stops with {said}") from error
    # Save the result.
    without_first(notebook)
    output.mark(folder)
    path = folder / f"{recipe.name}.ipynb"
    storage.write(path, nbformat.writes(notebook) + "\n")
    return path


def prepare(recipe, options):
    """The source of the first cell."""
    stand_in = options.stand_in or options.smoke
    return PREPARE.format(
        root=str(ROOT.parent),
        trains=recipe.trains,
        mark=MARK,
        names=data.names(recipe.path),
        data_dir=options.data_dir and str(pathlib.Path(options.data_dir).absolute()),
        stand_in=stand_in,
        rows=SMOKE_ROWS if options.smoke else None,
    )


def without_first(notebook):
    """Remove the first cell; its message about stand-in data moves to the next one."""
    first = notebook.cells.pop(0)
    said = "".join(each.get("text", "") for each in first.outputs)
    kinds = json.loads(re.search(f"^{MARK}(.*)$", said, re.MULTILINE).group(1))
    stand_ins = [name for name, kind in kinds.items() if kind == "stand-in"]
    if stand_ins:
        notebook.cells[0].source += f"\n\n{STAND_IN.format(', '.join(stand_ins))}"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count -= 1
            for each in cell.outputs:
                if "execution_count" in each:
                    each.execution_count -= 1
