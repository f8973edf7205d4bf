"""Training on several devices at once: two parts of the CPU, in a process of their own."""

import json

import pytest

from tests.runner import parallel_recipe

pytestmark = pytest.mark.full

# TensorFlow divides the CPU before its first use only.
TEXTS = ["up", "down down up", "sideways up"]
PROGRAM = (
    f"TEXTS = {TEXTS}"
    + """
import json, pathlib, sys
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
from recipes import tuning
from recipes._runner import devices, search, training
from recipes._runner.errors import UserError
from tests.runner import parallel_recipe

both = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
folder = pathlib.Path(sys.argv[1])
said = {}
losses = {}

def run(name, strategy, epochs=1, **given):
    plan = training.Plan("parallel", epochs, 0, given, {}, "float32", False, False)
    (folder / name).mkdir(exist_ok=True)
    result = training.train(parallel_recipe, plan, given, folder / name, strategy)
    losses[name] = result.history["loss"] + result.history["val_loss"]
    return result.model

def distance(model, other):
    pairs = zip(model.get_weights(), other.get_weights(), strict=True)
    return float(max(np.abs(one - another).max() for one, another in pairs))

one = tf.distribute.get_strategy()
plain = run("plain", one, epochs=2)
run("plain_both", both)
plain_both = run("plain_both", both, epochs=2)  # goes on after the first epoch
said["plain"] = distance(plain, plain_both)
state = [each.value for each in plain_both.weights + plain_both.optimizer.variables]
said["devices"] = [
    [part.device[-5:] for part in getattr(each, "values", [each])] for each in state
]
said["loaded"] = distance(
    plain_both, keras.saving.load_model(folder / "plain_both" / "model.keras")
)
for name in ("synchronized", "shares"):
    given = {"normalization": name}
    said[name] = distance(run(name, one, **given), run(f"{name}_both", both, **given))

texts = run("texts", one, epochs=2, strings=True)
run("texts_both", both, strings=True)
texts_both = run("texts_both", both, epochs=2, strings=True)  # goes on after the first epoch
said["texts"] = distance(texts, texts_both)
said["texts losses"] = [losses["texts"], losses["texts_both"]]
said["texts scores"] = [
    json.loads((folder / name / "metrics.json").read_text())["scores"]
    for name in ("texts", "texts_both")
]
said["texts answers"] = texts.predict(tf.constant(TEXTS), verbose=0).ravel().tolist()

searched = search.SearchPlan(
    "parallel", "tests.runner.parallel_recipe", 1, None, {}, {"strings": True}, {}, {}, "float32",
    False, "RandomSearch", ["val_loss", "min"], {"max_trials": 2, "seed": 0},
)
said["searched"] = []
for name, strategy in (("search", one), ("search_both", both)):
    devices.strategy = lambda choice: strategy
    tuner, _ = search.make_tuner(tuning.RandomSearch, searched, folder / name)
    tuner.search(verbose=0)
    said["searched"].append([trial.score for trial in tuner.oracle.get_best_trials(2)])

small = {"validated": 7, "tested": 5}
said["small"] = distance(run("small", one, **small), run("small_both", both, **small))
scores = [
    json.loads((folder / name / "metrics.json").read_text())["scores"]
    for name in ("small", "small_both")
]
said["small scores"] = max(abs(scores[0][name] - scores[1][name]) for name in scores[0])

for number, given in enumerate(parallel_recipe.IMPOSSIBLE):
    try:
        run(f"impossible_{number}", both, **given)
        said[str(given)] = "nothing"
    except UserError as error:
        said[str(given)] = str(error)
print(json.dumps(said))
"""
)


LOADED = f"""
import json, sys
import keras, tensorflow as tf
from layers.masked_average import MaskedAverage
model = keras.saving.load_model(sys.argv[1])
print(json.dumps(model.predict(tf.constant({TEXTS}), verbose=0).ravel().tolist()))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("devices")


@pytest.fixture(scope="module")
def said(folder, fresh_python):
    done = fresh_python("-c", PROGRAM, folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_two_devices_learn_what_one_learns(said):
    """In two epochs, before the second of which the training is interrupted."""
    assert said["plain"] < 1e-6
    assert said["loaded"] == 0


def test_two_devices_learn_from_texts_what_one_learns(said):
    """The host looks up the words; the training is interrupted before its second epoch."""
    assert said["texts"] < 1e-6
    one, both = said["texts losses"]
    assert len(one) == 4
    assert both == pytest.approx(one, rel=1e-5)
    assert said["texts scores"][1] == pytest.approx(said["texts scores"][0], rel=1e-5)


def test_two_devices_search_on_texts_as_one_does(said):
    one, both = said["searched"]
    assert len(set(one)) == 2
    assert both == pytest.approx(one, rel=1e-5)


def test_network_trained_on_two_devices_is_saved_with_its_look_up_of_words(
    said, folder, fresh_python
):
    done = fresh_python("-c", LOADED, folder / "texts_both" / "model.keras")
    assert done.returncode == 0, done.stderr[-3000:]
    answers = json.loads(done.stdout.splitlines()[-1])
    assert len(set(answers)) == len(TEXTS)
    assert answers == pytest.approx(said["texts answers"], rel=1e-5)


def test_normalization_by_the_statistics_of_all_shares(said):
    """In one epoch. The statistics of single shares are others."""
    assert said["synchronized"] < 1e-6
    assert said["shares"] > 1e-2


def test_sets_smaller_than_a_batch_are_measured_as_on_one_device(said):
    """7 examples of validation and 5 of the test, which 2 devices cannot share evenly."""
    assert said["small"] < 1e-6
    assert said["small scores"] < 1e-6


def test_weights_and_moments_lie_on_both_devices(said):
    assert len(said["devices"]) > 4
    assert all(each == ["CPU:0", "CPU:1"] for each in said["devices"])


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"own_step": True}, "it has a training step of its own: choose one"),
        ({"own_loss": True}, "it has a training step of its own: choose one"),
        ({"strings": True, "own_step": True}, "it has a training step of its own: choose one"),
        ({"steps_per_execution": 3}, "it is compiled with steps_per_execution=3: choose one"),
        ({"jit_compile": True}, "it is compiled with jit_compile=True: choose one"),
        ({"accumulated": 2}, "its optimizer accumulates gradients: choose one"),
        ({"batch_size": 17}, "--batch-size 17 cannot be shared among 2 devices: 16 or 18 can"),
        ({"batch_size": 1}, "--batch-size 1 cannot be shared among 2 devices: 2 can"),
        (
            {"batch_size": 100, "examples": 35},
            "the training set's 35 examples cannot be shared among 2 devices: --batch-size 34 can",
        ),
        (
            {"batch_size": 2, "examples": 1},
            "the training set's 1 example cannot be shared among 2 devices: choose one, with CUDA",
        ),
        ({"validated": 1}, "2 devices cannot share 1 example of validation: choose one, with CUDA"),
    ],
)
def test_what_several_devices_cannot_train_is_one_line(said, given, reason):
    assert given in parallel_recipe.IMPOSSIBLE
    assert reason in said[str(given)]
