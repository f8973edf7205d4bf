"""Finding saved models by the names of recipes, and loading them with all that they name."""

import inspect
import json
import math
import os
import pathlib

import keras
import pytest

from recipes._runner import cli, run_command, saved
from recipes._runner.errors import UserError
from recipes._runner.recipe import ROOT
from tests.selection import RECIPES, TRAINED


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(saved, "SAVED_MODELS", tmp_path / "saved_models")
    return tmp_path


def leave(*folders, file="model.keras"):
    """Files where models would lie."""
    for folder in folders:
        path = pathlib.Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        (path / file).touch()


def found(name):
    return str(saved.model_file(name).parent.absolute().relative_to(pathlib.Path.cwd()))


def refused(name):
    with pytest.raises(UserError) as caught:
        saved.model_file(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Finding


@pytest.mark.parametrize("name", ["cnn_mnist", "cnn-mnist", "CNN_MNIST", "Cnn-Mnist", "cnn_mnist/"])
def test_names_are_found_as_by_the_other_commands(name):
    leave("saved_models/cnn_mnist")
    assert found(name) == "saved_models/cnn_mnist"


@pytest.mark.parametrize(
    "below",
    ["sigmoid", "smoke", "smoke/sigmoid", "stand-in/sigmoid", "stand-in/tuned", "tuned/a/b"],
)
def test_everything_saved_has_a_name_below_that_of_the_recipe(below):
    folder = f"saved_models/head_multilabel/{below}"
    leave(folder)
    for name in (f"head-multilabel/{below}", f"HEAD_MULTILABEL/{below.upper()}/"):
        assert found(name) == folder
    assert f"there is head-multilabel/{below};" in refused("head-multilabel")
    assert f"there is head-multilabel/{below};" in refused("head-multilabel/other")


def test_models_that_are_no_results_are_not_named():
    for below in ("tuning-random/trial_1", "unfinished/plain", ".plain.old", "smoke/unfinished"):
        leave(f"saved_models/cnn_patterns/{below}")
    assert "is not trained yet" in refused("cnn-patterns")
    leave(*(f"saved_models/cnn_patterns/variant{number}" for number in range(10)))
    assert "cnn-patterns/variant7 and 2 more;" in refused("cnn-patterns")


def test_before_any_training_the_line_to_type_is_said():
    assert refused("cnn-mnist") == "cnn-mnist is not trained yet: run `make recipe-cnn-mnist` first"
    assert refused("CNN_MNIST/smoke").endswith("run `make recipe-cnn-mnist` first")
    assert "did you mean cnn_mnist" in refused("cnn_mnits")
    untrained = next(recipe for recipe in RECIPES if not recipe.trains)
    assert "trains no network" in refused(untrained.slug)


def test_a_folder_of_the_same_name_hides_nothing():
    pathlib.Path("cnn-mnist").mkdir()
    assert "make recipe-cnn-mnist" in refused("cnn-mnist")
    leave("cnn-mnist")
    assert found("cnn-mnist") == "cnn-mnist"  # better than nothing
    leave("saved_models/cnn_mnist")
    assert found("cnn-mnist") == "saved_models/cnn_mnist"
    assert found("./cnn-mnist") == "cnn-mnist"
    assert found(str(pathlib.Path("cnn-mnist").resolve())) == "cnn-mnist"


def test_a_network_that_comes_with_the_collection_answers_until_one_is_trained():
    leave("saved_models/trained/cnn_mnist", file="deployed.keras")
    path = saved.model_file("CNN-MNIST/")
    assert path == saved.SAVED_MODELS / "trained/cnn_mnist/deployed.keras"
    path.with_name("metrics.json").write_text('{"data": {"mnist": "real"}}')
    assert "deployed.keras, which comes with the collection, trained on mnist" in saved.origin(path)
    for name in ("cnn-mnist/smoke", "mlp-mnist", "./cnn-mnist"):
        refused(name)
    leave("saved_models/cnn_mnist")
    assert found("cnn-mnist") == "saved_models/cnn_mnist"
    assert "collection" not in saved.origin(saved.model_file("cnn-mnist"))


COME_ALONG = sorted((run_command.SAVED_MODELS / "trained").iterdir())


@pytest.mark.parametrize("folder", COME_ALONG, ids=lambda folder: folder.name)
def test_what_comes_with_the_collection_is_small_measured_and_can_be_loaded(folder):
    assert sum(file.stat().st_size for file in folder.iterdir()) < 2_000_000
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf8"))
    assert set(metrics["data"].values()) == {"real"}
    assert f"| {metrics['metric']} | {metrics['scores'][metrics['metric']]:.4f} |" in (
        folder / "README.md"
    ).read_text(encoding="utf8")
    paths = [folder / file for file in saved.FILES if (folder / file).exists()]
    assert folder / "model.keras" in paths, "`export` takes it"
    for path in paths:
        network = saved.load(path)
        names = {layer.name for layer in network._flatten_layers()}
        assert len(names) > 3
        trainable = sum(math.prod(weight.shape) for weight in network.trainable_weights)
        assert trainable == metrics["trainable_parameters"]


def test_folders_and_files(monkeypatch):
    leave("here/below/deep")
    assert refused("here") == "here holds no model.keras; there is here/below/deep"
    assert refused("./nowhere") == "nowhere does not exist"
    assert found("here/below/deep/model.keras") == "here/below/deep"
    monkeypatch.setenv("HOME", str(pathlib.Path.cwd()))
    assert found("~/here/below/deep") == "here/below/deep"
    leave("here", file="deployed.keras")
    leave("here")
    assert saved.model_file("here").name == "deployed.keras"


def test_an_own_recipe():
    leave("saved_models/my_net", "saved_models/my_net/smoke")
    assert found("my-net") == "saved_models/my_net"
    assert "there is my-net, my-net/smoke;" in refused("my-net/big")


# What it was trained on


@pytest.mark.parametrize(
    ("metrics", "plan", "expected"),
    [
        (None, None, "Answers of net/model.keras"),
        ({"data": {"mnist": "real"}}, None, "trained on mnist"),
        ({"data": {}}, None, "trained on generated data"),
        (
            {"data": {"mnist": "stand-in"}},
            None,
            "trained on stand-in data for mnist, not on the real",
        ),
        ({"data": {"mnist": "stand-in"}}, {"smoke": True}, "smoke run in seconds on tiny data"),
        (
            {"data": {"mnist": "real"}, "metric": "accuracy", "scores": {"accuracy": 0.98765}},
            {"smoke": False},
            "trained on mnist, accuracy 0.9877 on the test set",
        ),
    ],
)
@pytest.mark.parametrize("variant", ["", "plain"])
def test_where_answers_come_from(metrics, plan, expected, variant):
    folder = pathlib.Path("net", variant)
    leave(folder)
    if metrics is not None:
        (folder / "metrics.json").write_text(json.dumps(metrics))
    if plan is not None:
        pathlib.Path("net/plan.json").write_text(json.dumps(plan))
    line = saved.origin(folder / "model.keras")
    assert expected.replace("net/", f"{folder}/") in line
    assert "\n" not in line


# Loading

OWNERS = [recipe for recipe in RECIPES if "register_keras_serializable(" in recipe.source]
LOOK = """
import json, pathlib, sys
import keras
from recipes._runner import saved

found = {}
for name, configs in json.loads(pathlib.Path(sys.argv[1]).read_text()).items():
    for registered, config in configs.items():
        before = keras.saving.get_registered_object(registered)
        assert before is None or registered != next(iter(configs)), registered
        saved.import_owners(config)
        found[registered] = keras.saving.get_registered_object(registered) is not None
print(json.dumps(found))
"""


def registered_by(recipe):
    """`{registered name: what Keras writes in the config of a model that uses it}`."""
    configs = {}
    for thing in vars(recipe.module).values():
        if not inspect.isclass(thing) and not inspect.isfunction(thing):
            continue
        name = keras.saving.get_registered_name(thing)
        if name.startswith(f"{recipe.name}>"):
            if isinstance(thing, type):
                config = {"module": recipe.module.__name__, "registered_name": name}
            else:
                config = keras.saving.serialize_keras_object(thing)
            configs[name] = json.dumps({"layers": [config]})
    return configs


@pytest.fixture(scope="module")
def registered_in_a_fresh_process(tmp_path_factory, fresh):
    """`{registered name: whether Keras knows it after `import_owners`}`, by its own config."""
    path = tmp_path_factory.mktemp("owners") / "configs.json"
    path.write_text(json.dumps({recipe.name: registered_by(recipe) for recipe in OWNERS}))
    return json.loads(fresh("-c", LOOK, path).splitlines()[-1])


@pytest.fixture(scope="module")
def fresh(fresh_python):
    """What a fresh process prints, which finds our packages wherever it is started."""

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(ROOT.parent)}
        done = fresh_python(*arguments, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run


@pytest.mark.parametrize("recipe", OWNERS, ids=lambda recipe: recipe.name)
def test_what_a_recipe_registers_is_known_after_loading(recipe, registered_in_a_fresh_process):
    names = registered_by(recipe)
    assert names
    for name in names:
        assert registered_in_a_fresh_process[name], name


def test_a_registered_function_and_one_of_our_layers_in_a_fresh_process(fresh):
    from layers.masked_average import MaskedAverage
    from recipes.heads.head_multilabel import lower_and_space

    text = keras.Input((), dtype="string")
    vectorize = keras.layers.TextVectorization(
        vocabulary=["good", "film"], standardize=lower_and_space, output_sequence_length=3
    )
    words = keras.layers.Embedding(4, 2, mask_zero=True)(vectorize(text))
    outputs = keras.layers.Dense(1, "sigmoid")(MaskedAverage()(words))
    keras.Model(text, outputs).save("model.keras")
    pathlib.Path("posts.txt").write_text("Good film\nbad\n")
    answers = fresh("-m", "recipes", "predict", "model.keras", "posts.txt")
    assert len(answers.splitlines()) == 2


def test_the_reasons_of_keras_and_tensorflow_in_one_line():
    import tensorflow as tf

    dense = keras.layers.Dense(1)
    dense.build((None, 3))
    lookup = tf.function(lambda x: tf.gather(tf.zeros(3), x))
    with pytest.raises(ValueError, match="incompatible") as caught:
        keras.Sequential([keras.Input((3,)), dense])(tf.zeros((2, 4)))
    assert "incompatible" in saved.reason(caught.value)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        lookup(tf.constant([7]))
    assert "7 is not in [0, 3)" in saved.reason(caught.value)


LOAD = """
import pathlib, sys
from recipes._runner import saved

for path in pathlib.Path(sys.argv[1]).rglob("*.keras"):
    saved.load(path)
    print(path)
"""


@pytest.mark.slow
@pytest.mark.parametrize("recipe", TRAINED, ids=lambda recipe: recipe.name)
def test_every_model_is_loaded_in_a_fresh_process(recipe, workplace, fresh):
    assert cli.main(["run", recipe.name, "--smoke", "--output", str(workplace)]) == 0
    loaded = set(fresh("-c", LOAD, workplace / "smoke").split())
    assert loaded == set(map(str, (workplace / "smoke").rglob("*.keras")))
    assert loaded
