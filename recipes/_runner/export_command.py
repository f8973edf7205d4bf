"""`python -m recipes export MODEL --format onnx`: export a trained network for another runtime.

The file is kept only if that runtime's outputs for eight rows of the test set match those of Keras.
"""

import os
import pathlib
import tempfile

from recipes._runner import output, quiet, saved
from recipes._runner.arguments import expanded, expanded_path
from recipes._runner.errors import UserError
from recipes._runner.recipe import ROOT
from recipes._runner.run_command import SMOKE_ROWS, shown

FORMATS = ("saved_model", "onnx", "litert")
FOLDER = "exported"  # beside the model
TABLE = ROOT / "EXPORT.md"


def add_arguments(parser):
    model_help = "a recipe's name (cnn-mnist, cnn-mnist/smoke), a folder or a .keras file"
    parser.add_argument("model", type=expanded, help=model_help)
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument(
        "--output", type=expanded_path, metavar="DIR", help="where to write [exported/ beside it]"
    )
    parser.add_argument(
        "--data-dir", type=expanded, metavar="DIR", help="prepared data sets, as for `run`"
    )
    parser.add_argument(
        "--stand-in", action="store_true", help="compare on rows of the stand-in data"
    )


def main(options):
    # Find the model and its recipe.
    path = network(options.model)
    noted = saved.facts(path)
    recipe = saved.recipe_called(noted.get("recipe", ""))
    if recipe is None:
        raise UserError(
            f"{path} has no metrics.json of a recipe beside it, whose test set it takes"
        )
    if options.output:
        output.refuse_others(options.output)
    quiet.import_tensorflow()
    from recipes._runner import exporting, training

    # Load the model and the rows to compare.
    format = exporting.FORMATS[options.format]
    format.check()
    model = saved.load(path)
    training.compute_in_float32(model)
    inputs = rows(recipe, noted, path, options)
    # Export to a temporary folder, and move the result into place.
    folder = options.output or path.parent / FOLDER
    output.mark(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as workplace:
        try:
            exported = exporting.export(model, format, pathlib.Path(workplace), inputs)
        except exporting.Failure as failure:
            raise UserError(
                f"{shown(path)} cannot be had as {options.format}: {failure} "
                f"({shown(TABLE)} says what can)"
            ) from failure
        target = folder / format.file
        if exported.path.is_dir():
            output.replace_folder(exported.path, target)
        else:
            os.replace(exported.path, target)
    print(
        f"{shown(target)}: answers {exporting.ROWS} rows of the test set in {format.runtime} "
        f"as Keras does, to {exported.difference:.0e} of the largest answer"
    )
    only = " only, one example at a time" * (exported.batch == 1)
    print(f"It takes {exported.takes}{only}.")
    print(f"In a program:\n\n{format.use(shown(target), exported.names)}")


def network(name):
    """The trained network of a name, without the deployed model around it."""
    path = saved.model_file(name)
    trained = path.with_name("model.keras")
    is_named = name.endswith(".keras")
    return trained if trained.is_file() and not is_named else path


def rows(recipe, noted, path, options):
    """A batch of the first rows of the test set, without targets."""
    from recipes._runner import arguments, data, exporting

    kinds = (noted.get("data") or {}).values()
    given = noted.get("arguments") or {}
    if noted.get("members"):  # an ensemble's networks read the same data
        given = noted["members"][0]["arguments"]
    if "own" in kinds:
        if options.stand_in or options.data_dir:
            name = "--stand-in" if options.stand_in else "--data-dir"
            raise UserError(f"{name}: {shown(path)} was trained on your own data; leave it out")
        return exporting.first_rows(own_data_again(recipe, given, path).load_data(exporting.ROWS))
    smoke = any(saved.read_json(folder / "plan.json").get("smoke") for folder in path.parents[:2])
    stand_in = options.stand_in or "stand-in" in kinds
    data.choose(data.names(recipe.path), options.data_dir, stand_in, SMOKE_ROWS if smoke else None)
    load_arguments, _ = arguments.split(recipe.module, given)
    return exporting.first_rows(recipe.module.load_data(**load_arguments))


def own_data_again(recipe, given, path):
    """The user's data that a network was trained on, read in the same way.

    Raises:
        UserError: if it no longer exists, or has changed.
    """
    from recipes._runner import own_data, own_kinds

    folder = path.absolute().parent
    # A search's ensemble has no plan: it was trained on the data of the winner beside it.
    plans = [saved.read_json(each / "plan.json") for each in (folder, folder.parent / "tuned")]
    noted = next((plan["own"] for plan in plans if plan.get("own")), None)
    if noted is None:
        raise UserError(f"{shown(path)} has no plan.json beside it that says where its data lies")
    told = f"{noted['path']}, which {shown(path)} was trained on,"
    if not pathlib.Path(noted["path"]).exists():
        raise UserError(f"{told} is no longer there; the answers are compared on rows of it")
    own = own_data.load(recipe, recipe.module, own_kinds.options(noted), given)
    if own.digest != noted["digest"]:
        raise UserError(f"{told} is not what it was; the answers are compared on rows of it")
    return own
