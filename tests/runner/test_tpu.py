"""Training on a TPU, two parts of the CPU in place of its cores; nothing here has seen one."""

import json
import subprocess

import keras
import pytest
import tensorflow as tf

from layers.random_affine import RandomAffine
from recipes._runner import cli, devices, tpu_table
from recipes._runner.errors import UserError
from recipes._runner.recipe import all_recipes, find
from tests.selection import TRAINED

pytestmark = pytest.mark.full

# TensorFlow divides the CPU before its first use only.
PROGRAM = """
import contextlib, io, json, pathlib, sys
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
from recipes import tuning
from recipes._runner import devices, training
from recipes._runner.errors import UserError
from tests.runner import parallel_recipe

folder = pathlib.Path(sys.argv[1])
said = {"calls": []}

class Resolver:
    def __init__(self, tpu):
        said["calls"].append(f"find {tpu}")

class Strategy(tf.distribute.MirroredStrategy):
    def __init__(self, resolver):
        said["calls"].append(f"strategy of {type(resolver).__name__}")
        super().__init__(["CPU:0", "CPU:1"])

tf.distribute.cluster_resolver.TPUClusterResolver = Resolver
tf.config.experimental_connect_to_cluster = lambda at: said["calls"].append("connect")
tf.tpu.experimental.initialize_tpu_system = lambda at: said["calls"].append("initialize")
tf.distribute.TPUStrategy = Strategy

tpu = devices.strategy("tpu")
assert devices.strategy("tpu") is tpu

def run(name, strategy, **given):
    plan = training.Plan("parallel", 1, 0, given, {}, "float32", False, False)
    (folder / name).mkdir()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        result = training.train(parallel_recipe, plan, given, folder / name, strategy)
    said[name] = printed.getvalue()
    return result

# The batches.
train, validation, test = parallel_recipe.load_data()
full = devices.for_fit(train, tpu, "training")
said["shapes"] = [spec.shape.as_list() for spec in full.element_spec]
said["batches"] = [len(full), len(list(full))]
said["odd"] = devices.for_fit(validation.rebatch(7), tpu, "training").element_spec[1].shape[0]

# One core trains on the same full batches as two.
class OneCore(tf.distribute.OneDeviceStrategy):
    pass

tf.distribute.TPUStrategy = (Strategy, OneCore)  # for isinstance
one = run("one", OneCore("CPU:0"))
both = run("both", tpu)
said["distance"] = max(
    float(np.abs(a - b).max())
    for a, b in zip(one.model.get_weights(), both.model.get_weights(), strict=True)
)

# Texts of 1 to 4 words are padded to 4, and their words looked up by the host.
one_texts = run("one_texts", OneCore("CPU:0"), strings=True)
texts = run("texts", tpu, strings=True)
said["texts"] = max(
    float(np.abs(a - b).max())
    for a, b in zip(one_texts.model.get_weights(), texts.model.get_weights(), strict=True)
)
said["answers"] = texts.model.predict(tf.constant(["up up", "down"]), verbose=0).shape
given = {"strings": True}
plan = training.Plan("parallel", 1, 0, given, {}, "float32", False, False)
model, batch, *sets, _ = training.prepare(parallel_recipe, plan, given, tpu)
network, *sets = training.for_devices(model, batch, *sets, tpu)
said["padded"] = [data.element_spec[0].shape.as_list() for data in sets]
said["taken"] = network.inputs[0].dtype

# The score is of all 29 examples of the test, on the host.
x, y = (np.concatenate(part) for part in zip(*test.as_numpy_iterator(), strict=True))
right = (both.model.predict(x, verbose=0)[:, 0] > 0.5) == y
said["scores"] = [both.metrics["scores"]["accuracy"], float(right.mean()), len(y)]
said["host"] = sorted(
    {str(each.value.device).rpartition("device:")[2] for each in both.model.weights}
)

# Refusals.
for number, (strategy, given) in enumerate([
    (tpu, {"strings": True, "own_step": True}),
    (OneCore("CPU:0"), {"strings": True, "own_step": True}),
    (tpu, {"own_step": True}),
    (tpu, {"batch_size": 17}), (OneCore("CPU:0"), {"own_step": True}),
]):
    try:
        run(f"refused {number}", strategy, **given)
        said[f"refused {number}"] = "nothing"
    except UserError as error:
        said[f"refused {number}"] = str(error)
texts = tf.data.Dataset.from_tensor_slices([[1, 2, 3, 4]] * 8).map(lambda x: x[: x[0] + 1])
for name, data in (("lengths", texts.ragged_batch(4).map(lambda x: x.to_tensor())),
                   ("few", test.take(1).rebatch(1).take(1))):
    try:
        devices.for_fit(data, tpu, "validation")
    except UserError as error:
        said[name] = str(error)

# A search: the cores add up their gradients, so they have the same weights afterwards.
built = []
def build(hp):
    hp.Float("rate", 0.1, 0.2)
    with tpu.scope():
        built.append(parallel_recipe.build_model())
    return built[-1]
tuner = tuning.RandomSearch(
    build, "val_loss", max_trials=1, seed=0, directory=str(folder / "search")
)
tuner.search(full, validation_data=validation, epochs=1, verbose=0)
copies = [each.value.values for each in built[-1].trainable_variables]
said["apart"] = max(float(np.abs(a.numpy() - b.numpy()).max()) for a, b in copies)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory, fresh_python):
    done = fresh_python("-c", PROGRAM, tmp_path_factory.mktemp("tpu"))
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_tpu_of_this_machine_is_started_once(said):
    assert said["calls"] == ["find local", "connect", "initialize", "strategy of Resolver"]


def test_batches_have_one_size_that_the_cores_can_share(said):
    assert said["shapes"] == [[16, 4], [16]]
    assert said["batches"] == [4, 4]  # 70 examples
    assert said["odd"] == 6


def test_two_cores_learn_what_one_learns(said):
    assert 0 < said["distance"] < 1e-6


def test_two_cores_learn_from_texts_what_one_learns(said):
    """Both with the look-up of words on the host, and the network saved with it."""
    assert 0 < said["texts"] < 1e-6
    assert said["answers"] == [2, 1]


def test_texts_are_padded_to_the_longest(said):
    assert said["padded"] == [[16, 4], [8, 4]]
    assert said["taken"] == "int64"


def test_what_validation_leaves_out_is_said(said):
    line = "On the TPU 5 of the 21 examples of validation are left out"
    assert line in said["both"]
    assert said["both"].count(line) == 1


def test_score_is_of_the_whole_test_set(said):
    reported, counted, examples = said["scores"]
    assert examples == 29
    assert reported == pytest.approx(counted)
    assert said["host"] == ["CPU:0"]


def test_what_a_tpu_cannot_train_is_one_line(said):
    for number in (0, 1):
        assert said[f"refused {number}"].startswith("--device tpu: a TPU cannot read strings")
    assert (
        "for it has a training step of its own: choose one, with --device cpu, or"
        in said["refused 2"]
    )
    assert "--batch-size 17 cannot be shared among 2 devices" in said["refused 3"]
    assert said["refused 4"] == "nothing"
    assert "the batches of validation differ in shape, (4, None)" in said["lengths"]
    assert "2 cores cannot share 1 examples of validation" in said["few"]


def test_cores_of_a_search_have_the_same_weights(said):
    assert said["apart"] == 0


def test_what_xla_lacks_is_one_line():
    layer = keras.layers.RandomRotation(0.1, seed=0)

    @tf.function(jit_compile=True)
    def rotated(images):
        return layer(images, training=True)

    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        rotated(tf.zeros((1, 4, 4, 1)))
    said = devices.explain(error.value)
    assert isinstance(said, UserError)
    assert "has no operation ImageProjectiveTransformV3:" in str(said)
    other = tf.errors.InvalidArgumentError(None, None, "something else")
    assert devices.explain(other) is other


def test_no_tpu_is_one_line(capsys, tmp_path):
    assert cli.main(["run", "xor", "--device", "tpu", "--output", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("recipes: --device tpu: TensorFlow sees no TPU here; recipes/DEVICES.md")
    assert len(said.splitlines()) == 1


# The table


def test_table_has_a_row_for_each_recipe_that_trains():
    """A new recipe gets its row by `make tpu-table`."""
    rows = tpu_table.read(tpu_table.TABLE.read_text(encoding="utf8"))
    assert rows.keys() == {recipe.name for recipe in all_recipes() if recipe.trains}
    for name, cells in rows.items():
        assert len(cells) == 2, name
        assert all(cell == "✓" or cell.startswith("✗ ") for cell in cells), name
        assert cells[0] == "✓" or cells[0] == cells[1], name


@pytest.mark.slow
@pytest.mark.parametrize("recipe", TRAINED, ids=lambda recipe: recipe.name)
def test_row_of_the_table_is_what_comes_of_it(recipe):
    """Compiled in a process of its own, which XLA may end."""
    rows = tpu_table.read(tpu_table.TABLE.read_text(encoding="utf8"))
    assert tpu_table.cells(recipe.name) == rows[recipe.name]


def test_process_that_dies_is_said_in_the_table(monkeypatch):
    died = subprocess.CompletedProcess([], -6, "")
    monkeypatch.setattr(tpu_table.subprocess, "run", lambda *given, **more: died)
    assert tpu_table.cells("xor") == ["✗ XLA ends the process"] * 2


def test_page_is_read_as_it_was_written_and_counts():
    recipes = [find("xor"), find("lstm")]
    rows = {"lstm": ["✓", "✗ no a|b"], "xor": ["✓", "✓"]}
    text = tpu_table.page("# TPU", rows, recipes)
    assert "| of 2 | 2 | 1 |" in text
    assert tpu_table.read(text) == rows


def test_layers_are_told_of_the_compiler(monkeypatch):
    inner = keras.Sequential([RandomAffine(rotation=5)])
    model = keras.Sequential([keras.Input((4, 4, 1)), inner])
    devices.make_ready(model, None)
    assert not inner.layers[0].xla
    monkeypatch.setattr(devices, "is_tpu", lambda strategy: True)
    devices.make_ready(model, None)
    assert inner.layers[0].xla
