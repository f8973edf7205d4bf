"""One network on several machines, by Keras on JAX; processes on loopback stand for the machines.

Each test runs in processes of its own, for the backend of this one is TensorFlow.
"""

import importlib.util
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from recipes._runner import several_machines
from recipes._runner.recipe import find
from recipes.datasets import stand_ins

pytestmark = pytest.mark.full
jax = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
MODULE = [sys.executable, "-m", "recipes._runner.several_machines"]


def environment(devices=1, backend="jax"):
    return {
        **os.environ,
        "KERAS_BACKEND": backend,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def start(folder, *flags, devices=1, recipe="adaline"):
    command = [*MODULE, recipe, "--batch-size", "40", "--folder", str(folder), *flags]
    return subprocess.Popen(
        command,
        env=environment(devices),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def losses(process):
    """The losses of the epochs and of the test, and all it said, once a process has ended well."""
    said, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors[-2000:]
    return [float(loss) for loss in re.findall(r"\bloss:? ([\d.]+)", said)], said


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The losses on one device."""
    return losses(start(tmp_path_factory.mktemp("alone"), "--epochs", "3"))[0]


def same(together, alone):
    """Of the epochs four digits are shown."""
    assert len(together) == 4
    assert together[:3] == pytest.approx(alone[:3], abs=1.5e-4)
    assert together[3] == pytest.approx(alone[3], rel=1e-5)


def test_tensorflow_is_refused(tmp_path):
    """There `keras.distribution` does nothing, without a word."""
    command = [*MODULE, "adaline", "--folder", str(tmp_path)]
    done = subprocess.run(
        command, env=environment(backend="tensorflow"), capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        "recipes: keras.distribution does nothing on tensorflow: `make setup EXTRAS=jax`"
    )


def test_batches_are_what_the_devices_can_share(capsys):
    import tensorflow as tf

    data = tf.data.Dataset.range(70).batch(16)
    full = several_machines.shared(data, 8, "training")
    assert [len(batch) for batch in full] == [16] * 4
    assert len(full) == 4
    assert "6 of 70 examples of training are left out" in capsys.readouterr().out
    assert [len(batch) for batch in several_machines.shared(data, 3, "training")] == [15] * 4
    assert "batches of 15 are what 3 devices can share" in capsys.readouterr().out
    several_machines.shared(data.take(4), 8, "training")
    assert capsys.readouterr().out == ""
    with pytest.raises(several_machines.UserError, match="32 devices cannot share 16 examples"):
        several_machines.shared(data, 32, "training")


@pytest.mark.parametrize("strings", [(["good", "bad"], [1, 0]), ([[1.0], [0.0]], ["good", "bad"])])
def test_strings_that_are_no_inputs_of_a_graph_are_refused(strings):
    """JAX has none; Keras would end in a traceback, in the first epoch."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(strings).batch(2)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    with pytest.raises(several_machines.UserError, match="JAX cannot read strings") as error:
        several_machines.without_strings(model, data, None, "`…`")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("own", ["own_step", "own_loss"])
def test_training_step_of_its_own_is_refused(own, tmp_path, monkeypatch, capsys):
    """Without JAX: only connecting the devices needs it, and the network is built afterwards."""
    monkeypatch.setenv(several_machines.INSIDE, "1")
    monkeypatch.setattr(several_machines, "distribute", lambda machines, number: 2)
    recipe = str(pathlib.Path(__file__).with_name("parallel_recipe.py"))
    words = [recipe, "--set", f"{own}=True", "--folder", str(tmp_path / "state")]
    words += ["--machines", "10.0.0.5:7000,10.0.0.6:7000"]
    assert several_machines.main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "recipes: parallel_recipe has a training step of its own and needs one device: "
        f"`python -m recipes run {recipe}`"
    )
    assert list((tmp_path / "state").iterdir()) == []


@jax
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_eight_devices_learn_what_one_learns(tmp_path, alone):
    together, _ = losses(start(tmp_path, "--epochs", "3", devices=8))
    same(together, alone)


@jax
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_variant_with_a_setting(tmp_path):
    """The variant says how far apart the data lie, and which network it is."""
    command = [*MODULE, "double_moon", "--variant", "hidden_layer", "--set", "units=7"]
    command += ["--epochs", "1", "--folder", str(tmp_path)]
    subprocess.run(command, env=environment(), check=True)
    model = keras.saving.load_model(tmp_path / "model.keras")
    assert model.count_params() == 2 * 7 + 7 + 7 + 1


@jax
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_deployed_network_takes_and_gives_texts(tmp_path):
    """Made on JAX, which has none, for TensorFlow."""
    flags = ["--variant", "code_4", "--set", "count=100", "--epochs", "1"]
    losses(start(tmp_path, *flags, recipe="seq2seq_dates"))
    _ = find("seq2seq_dates").module  # registers the layer that writes dates
    model = keras.saving.load_model(tmp_path / "deployed.keras")
    (date,) = model.predict(np.array(["3 de mayo de 2033"], "object"), verbose=0)
    assert re.fullmatch(b"[0-9-]{10}", date)


@pytest.fixture
def machines(loopback):
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(f"127.0.0.1:{free.getsockname()[1]}")
    return ["--machines", ",".join(ports)]


def begin(folder, machines, epochs, *flags, recipe="adaline"):
    flags = [*machines, "--epochs", str(epochs), *flags]
    return [start(folder, *flags, "--number", str(number), recipe=recipe) for number in range(2)]


@jax
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_machines_learn_what_one_learns(tmp_path, machines, alone):
    first, second = begin(tmp_path, machines, 3)
    together, _ = losses(first)
    assert second.wait(300) == 0
    same(together, alone)


@jax
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_machines_learn_from_texts_what_one_learns(tmp_path, machines):
    """The vocabulary, with a function of the recipe's own, is in the saved network."""
    reviews = stand_ins.make("imdb_reviews", 200)
    flags = ["--variant", "bag_of_words", "--data-dir", str(reviews)]
    one = start(tmp_path / "one", "--epochs", "3", *flags, recipe="sentiment_lstm")
    alone, _ = losses(one)
    first, second = begin(tmp_path / "two", machines, 3, *flags, recipe="sentiment_lstm")
    together, said = losses(first)
    assert second.wait(300) == 0
    assert re.search("^All texts are padded to the length of the longest, [0-9]+", said, re.M)
    same(together, alone)

    # In a fresh process, on TensorFlow, both answer the same.
    texts = tmp_path / "texts.txt"
    texts.write_text("A wonderful film.\nBoring, and far too long!\n")
    command = [sys.executable, "-m", "recipes", "predict", "--json"]
    answers = []
    for name in ("one", "two"):
        words = [*command, str(tmp_path / name), str(texts)]
        done = subprocess.run(
            words, env=environment(backend="tensorflow"), capture_output=True, text=True, check=True
        )
        answers.append([answer["probability"] for answer in json.loads(done.stdout)])
    assert answers[0] == pytest.approx(answers[1], abs=1e-5)
    assert answers[0][0] != answers[0][1]


@jax
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_lost_machine_ends_the_training_which_can_be_continued(tmp_path, machines, alone):
    first, second = begin(tmp_path, machines, 1000)
    end = time.monotonic() + 600
    while several_machines.latest(tmp_path)[1] < 1:
        assert time.monotonic() < end
        time.sleep(0.05)
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(second.pid)], capture_output=True, text=True
    )
    os.kill(int(children.stdout), 9)
    _, errors = first.communicate(timeout=600)
    assert first.returncode == 1
    last = errors.strip().splitlines()[-1]
    done = several_machines.latest(tmp_path)[1]
    assert f"perhaps for a machine that was lost; {done} epochs are saved: the same line" in last
    assert second.wait(60) == 1
    again, other = begin(tmp_path, machines, done + 1)
    assert f"Continuing after epoch {done}." in losses(again)[1]
    assert other.wait(300) == 0


@jax
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("texts", [False, True])
def test_continued_training_is_as_if_it_had_not_been_interrupted(texts, tmp_path, monkeypatch):
    """Weights, moments, the schedule's step, random masks and the order of the data continue."""
    recipe = str(pathlib.Path(__file__).with_name("interrupted_recipe.py"))
    flags = ["--set", f"texts={texts}"]
    _, whole = losses(start(tmp_path / "whole", *flags, recipe=recipe))
    monkeypatch.setenv("INTERRUPTED_AT", "2")
    interrupted = start(tmp_path / "parts", *flags, recipe=recipe)
    _, errors = interrupted.communicate(timeout=600)
    assert interrupted.returncode == 1
    assert "2 epochs are saved" in errors
    monkeypatch.delenv("INTERRUPTED_AT")
    _, rest = losses(start(tmp_path / "parts", *flags, recipe=recipe))
    assert "Continuing after epoch 2." in rest
    (expected,), (found,) = (re.findall(r"^loss .*", said, re.MULTILINE) for said in (whole, rest))
    assert found == expected  # eight digits


SHARDED = """
import json, keras, numpy as np
devices = keras.distribution.list_devices()
mesh = keras.distribution.DeviceMesh((2, 4), ["batch", "model"], devices)
layout = keras.distribution.LayoutMap(mesh)
layout["{pattern}"] = (None, "model")
keras.distribution.set_distribution(
    keras.distribution.ModelParallel(layout_map=layout, batch_dim_name="batch")
)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, name="wide")], name="net")
kernel = model.get_layer("wide").kernel
model.compile("sgd", "mse")
model.fit(np.ones((16, 8)), np.ones((16, 16)), batch_size=8, verbose=0)
shards = [list(shard.data.shape) for shard in kernel.value.addressable_shards]
print(json.dumps([kernel.path, shards]))
"""


@jax
@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "width"), [("net/wide/kernel", 4), (".*/kernel", 4), ("wide/kernel", 16)]
)
def test_a_layer_is_sharded_over_the_devices(pattern, width):
    """`ModelParallel` splits what its patterns name; a pattern must match the whole path."""
    command = [sys.executable, "-c", SHARDED.replace("{pattern}", pattern)]
    done = subprocess.run(command, env=environment(8), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    path, shards = json.loads(done.stdout.splitlines()[-1])
    assert path == "net/wide/kernel"
    assert shards == [[8, width]] * 8
