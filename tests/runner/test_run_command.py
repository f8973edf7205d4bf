"""What a run refuses in one line, and what it never does to what is already saved."""

import argparse
import errno
import json
import os
import pathlib
import pickle
import shlex
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes._runner import arguments, cli, devices, figures, output, run_command, training
from recipes._runner.errors import UserError
from recipes._runner.recipe import find
from recipes.tuning import progress
from tests.runner import tiny, tiny_recipe


@pytest.fixture(autouse=True)
def eager():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
    keras.backend.clear_session(free_memory=False)


def run(folder, *flags, recipe="tiny"):
    return tiny.main(["run", recipe, "--epochs", "1", "--output", str(folder), *flags])


def refusal(capsys):
    """The one line on standard error."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--epochs", "0"], "positive whole number"),
        (["--epochs", "many"], "many"),
        (["--sed", "1"], "--sed"),
        (["--set", "units"], "NAME=VALUE"),
        (["--set", "unit=3"], "did you mean units"),
        (["--set", "banana=3"], "takes batch_size, units, rate, learning_rate"),
        (["--set", "units=many"], "units takes a whole number, such as 8"),
        (["--set", "units=1.5"], "units takes a whole number"),
        (["--set", "rate=high"], "rate takes a number, such as 0.3"),
        (
            ["--set", "units=-3"],
            "tiny_recipe does not work with units=-3 (default 8): ValueError: ",
        ),
        (["--set", "units=0"], "units=0 (default 8)"),
        (["--set", "rate=1.5"], "rate=1.5 (default 0.3)"),
        (["--set", "batch_size=0"], "batch_size=0 (default 50)"),
        (["--set", "batch_size=-1"], "batch_size=-1 (default 50)"),
        (["--seed", "-1"], "whole number from 0 to 4294967295"),
        (["--seed", "4294967296"], "whole number from 0 to 4294967295"),
        (["--output", ""], "an empty path"),
        (["--output=~nobody-of-that-name/x"], "there is no user nobody-of-that-name"),
        (["--resume"], "nothing to resume"),
        (["--variant", "big"], "tiny has no such variant; it has no variants"),
        (["--device", "gpu"], "no GPU"),
        (["--precision", "int8"], "int8"),
    ],
)
def test_wrong_flags_get_one_line_and_status_2(flags, said, tmp_path, capsys):
    assert run(tmp_path / "out", *flags) == 2
    assert said in refusal(capsys)


@pytest.mark.parametrize(
    ("name", "setting", "said"),
    [
        ("cnn_mnist", "api=funktional", "api='funktional' (default 'sequential'): KeyError: "),
        ("cnn_mnist", "filters=0", "filters=0 (default 16): ValueError: "),
        ("dropout", "activation=relux", "activation='relux' (default 'relu'): ValueError: "),
    ],
)
def test_what_a_recipe_or_keras_refuses_is_put_down_to_what_was_typed(name, setting, said):
    module = find(name).module
    given = arguments.parse(module, [setting])
    with pytest.raises(UserError) as caught, arguments.blamed(module, given):
        module.build_model(**given)
    assert f"{name} does not work with {said}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_recipe_gets_the_nearest_name(tmp_path, capsys):
    assert run(tmp_path, recipe="cnn-mnits") == 2
    assert "cnn_mnist" in refusal(capsys)


@pytest.mark.parametrize("command", ["run", "tune"])
def test_unwritable_output_folder(command, tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    assert tiny.main([command, "tiny", "--output", str(tmp_path / "file" / "out")]) == 2
    assert "cannot write to" in refusal(capsys)


def test_values_take_the_kind_of_the_default():
    assert arguments.parse(
        tiny_recipe, ["units=4", "rate=0", "learning_rate=1e-3"], batch_size=8
    ) == {
        "units": 4,
        "rate": 0.0,
        "learning_rate": 1e-3,
        "batch_size": 8,
    }


def test_second_run_of_a_recipe_says_who_holds_the_folder(tmp_path, capsys):
    with output.held(tmp_path):
        assert run(tmp_path) == 2
    assert "in use by process" in refusal(capsys)


def test_lock_of_a_dead_process_does_not_block(tmp_path):
    (tmp_path / ".lock").write_text("process 1")
    assert run(tmp_path) == 0


def test_loss_that_is_no_number_stops_the_run_and_changes_nothing(tmp_path, capsys):
    assert run(tmp_path) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.*")}
    capsys.readouterr()
    assert run(tmp_path, "--set", "learning_rate=1e38") == 2
    assert "in epoch 1, step " in refusal(capsys)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.*")} == before


def test_loss_that_is_no_number_before_any_training_is_the_fault_of_the_data(
    tmp_path, capsys, monkeypatch
):
    load_data = tiny_recipe.load_data

    def load_data_with_gaps():
        train, *others = load_data()
        return train.map(lambda x, y: (x * [np.nan, 1, 1, 1], y)), *others

    monkeypatch.setattr(tiny_recipe, "load_data", load_data_with_gaps)
    assert run(tmp_path) == 2
    said = refusal(capsys)
    assert "in epoch 1, step 1" in said
    assert "gaps in the inputs or targets" in said
    assert "learning rate" not in said


def test_weights_that_are_no_numbers_stop_the_run_and_change_nothing(tmp_path, capsys, monkeypatch):
    """The slope of √x at 0 is infinite: the one step of the epoch spoils weights, not its loss."""

    def build_model():
        inputs = keras.Input((4,))
        reader = keras.layers.Dense(8, "relu", kernel_initializer="zeros", name="reader")
        x = keras.layers.Dense(1, activation="sigmoid")(keras.ops.sqrt(reader(inputs)))
        model = keras.Model(inputs, x)
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        return model

    assert run(tmp_path) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.*")}
    monkeypatch.setattr(tiny_recipe, "build_model", build_model)
    capsys.readouterr()
    assert run(tmp_path, "--batch-size", "200") == 2
    said = refusal(capsys)
    assert "layer reader has weights that are NaN" in said
    assert "after epoch 1" in said
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.*")} == before


def test_keras_says_nothing_of_data_whose_size_is_not_known(tmp_path, monkeypatch, recwarn):
    original = tiny_recipe.load_data

    def load_data(*arguments, **keywords):
        """As buckets by length do, the filter makes the number of batches unknown."""
        return [part.filter(lambda *batch: True) for part in original(*arguments, **keywords)]

    monkeypatch.setattr(tiny_recipe, "load_data", load_data)
    assert run(tmp_path) == 0
    assert not [warning for warning in recwarn if "ran out of data" in str(warning.message)]


def test_pictures_that_do_not_know_a_setting_do_not_cost_the_run(tmp_path, monkeypatch, capsys):
    """A recipe's figures may unpack its weights; with another depth there are others."""

    def figures(model, test, history):
        raise ValueError("too many values to unpack\nsecond line")

    monkeypatch.setattr(tiny_recipe, "figures", figures, raising=False)
    assert run(tmp_path, "--set", "units=5") == 0
    said = capsys.readouterr().out
    assert "cannot be drawn with these settings: ValueError: too many values to unpack\n" in said
    assert (tmp_path / "model.keras").exists()
    assert (tmp_path / "README.md").exists()
    with pytest.raises(ValueError, match="too many values"):  # a mistake in the recipe
        run(tmp_path / "defaults")


class Unregistered(keras.layers.Dense):
    """What a process cannot load that does not give its name to `load_model`."""


@keras.saving.register_keras_serializable(package="test_run_command")
class Forgetful(keras.layers.Dense):
    """Saves nothing, so that another layer comes back."""

    def save_own_variables(self, store):
        pass

    def load_own_variables(self, store):
        pass


@pytest.mark.parametrize(
    ("layer", "said"),
    [(Unregistered, "Could not locate class 'Unregistered'"), (Forgetful, "other weights")],
)
def test_network_that_does_not_come_back_is_not_saved(tmp_path, capsys, monkeypatch, layer, said):
    assert run(tmp_path) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.*")}

    def build_model():
        model = keras.Sequential([keras.Input((4,)), layer(1, activation="sigmoid")])
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        return model

    monkeypatch.setattr(tiny_recipe, "build_model", build_model)
    capsys.readouterr()
    assert run(tmp_path) == 2
    output = capsys.readouterr()
    assert said in output.err
    assert output.err.startswith("recipes: model.keras ")
    assert output.err.count("\n") == 1
    assert "Saved" not in output.out
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.*")} == before


def test_resume_with_other_arguments_names_the_difference(tmp_path, capsys):
    assert run(tmp_path, "--seed", "1") == 0
    for flags, said in [
        (["--seed", "2"], "seed was 1"),
        (["--set", "units=4"], "arguments was {}"),
    ]:
        capsys.readouterr()
        assert run(tmp_path, "--resume", *flags) == 2
        assert said in refusal(capsys)


def test_finished_run_goes_on_for_more_epochs_as_if_it_had_never_stopped(tmp_path):
    assert run(tmp_path / "longer", "--epochs", "2") == 0
    assert run(tmp_path / "extended") == 0
    search = tmp_path / "extended" / "tuning-bayesian"
    search.mkdir()
    before = search.stat().st_ino
    assert run(tmp_path / "extended", "--resume", "--epochs", "2") == 0
    assert search.stat().st_ino == before, "a search that may be running was moved"
    longer, extended = (tmp_path / name / "history.csv" for name in ("longer", "extended"))
    np.testing.assert_allclose(
        *(np.loadtxt(path, delimiter=",", skiprows=1) for path in (longer, extended)), rtol=1e-4
    )


def test_damaged_state_is_named(tmp_path, capsys):
    assert run(tmp_path) == 0
    for state in tmp_path.glob("state/*/state.pickle"):
        state.write_bytes(state.read_bytes()[:100])
    capsys.readouterr()
    assert run(tmp_path, "--resume", "--epochs", "2") == 2
    assert "cannot continue from" in refusal(capsys)


def test_interrupted_publication_is_completed_by_the_next_run(tmp_path):
    unfinished = tmp_path / output.UNFINISHED
    (unfinished / "logs").mkdir(parents=True)
    (unfinished / "model.keras").write_text("new")
    (tmp_path / "model.keras").write_text("old")
    output.publish(tmp_path)
    assert (tmp_path / "model.keras").read_text() == "old", "not complete"
    (unfinished / output.COMPLETE).touch()
    output.publish(tmp_path)
    assert (tmp_path / "model.keras").read_text() == "new"
    assert (tmp_path / "logs").is_dir()
    assert not unfinished.exists()


# A run whose last epoch is not its best.
WORSE_AT_THE_END = ["--epochs", "4", "--batch-size", "25", "--set", "learning_rate=0.5"]
WORSE_AT_THE_END += ["--seed", "0"]


def test_best_epoch_is_chosen_on_validation(tmp_path):
    assert run(tmp_path, *WORSE_AT_THE_END) == 0
    history = np.genfromtxt(tmp_path / "history.csv", delimiter=",", names=True)
    assert history["val_accuracy"].argmax() < 3
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["best_epoch"] == 1 + history["val_accuracy"].argmax()
    model = keras.saving.load_model(tmp_path / "model.keras")
    _, validation, test = tiny_recipe.load_data()
    assert model.evaluate(validation, return_dict=True)["accuracy"] == pytest.approx(
        history["val_accuracy"].max()
    )
    assert model.evaluate(test, return_dict=True)["accuracy"] == pytest.approx(
        metrics["scores"]["accuracy"]
    )


def test_what_an_inference_costs_is_recorded_but_in_a_smoke_run(tmp_path):
    for flags, folder, products, values in [
        ([], tmp_path, 4 * 8 + 8 * 1, 4 + 8 + 1),
        (["--smoke"], tmp_path / "smoke", None, None),
    ]:
        assert run(tmp_path, *flags) == 0
        metrics = json.loads((folder / "metrics.json").read_text())
        assert (metrics["multiply_accumulates"], metrics["activations"]) == (products, values)


@pytest.mark.parametrize(
    ("there", "usable", "said"),
    [(2, {0, 1}, "2 cores"), (2, {1}, "1 of 2 cores"), (1, {0}, "1 core")],
)
def test_cores_that_a_process_may_use(there, usable, said, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: there)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: usable, raising=False)
    assert devices.cores() == said


def of_two_inputs():
    inputs = keras.Input((4,)), keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Add()(inputs)))


class Subclassed(keras.Model):
    """Has no inputs that are known before a call."""

    def call(self, x):
        return x


@pytest.mark.parametrize(
    "build",
    [
        of_two_inputs,
        Subclassed,
        lambda: keras.Sequential([keras.Input((None, 4)), keras.layers.Dense(1)]),
        lambda: keras.Sequential([keras.Input((3, 4)), keras.layers.LSTM(1)]),
    ],
    ids=["two inputs", "subclassed", "unknown length", "loop"],
)
def test_what_cannot_be_counted_is_not(build):
    assert training.inference_cost(build()) == {}


def test_a_recipe_may_keep_the_last_epoch(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny_recipe, "KEEP", "last", raising=False)
    assert run(tmp_path, *WORSE_AT_THE_END) == 0
    history = np.genfromtxt(tmp_path / "history.csv", delimiter=",", names=True)
    _, validation, _ = tiny_recipe.load_data()
    scores = keras.saving.load_model(tmp_path / "model.keras").evaluate(
        validation, return_dict=True
    )
    assert history["val_accuracy"].argmax() < 3
    assert scores["accuracy"] == pytest.approx(history["val_accuracy"][-1])


def test_further_scores_are_of_the_model_that_is_saved_and_of_all_epochs(tmp_path, monkeypatch):
    def further_scores(model, test, history):
        (example,) = test.unbatch().batch(1).take(1)
        return {"first": float(model(example[0])[0, 0]), "largest": max(history["loss"])}

    monkeypatch.setattr(tiny_recipe, "further_scores", further_scores, raising=False)
    assert run(tmp_path, *WORSE_AT_THE_END) == 0
    scores = json.loads((tmp_path / "metrics.json").read_text())["scores"]
    assert scores.keys() == {"loss", "accuracy", "first", "largest"}
    history = np.genfromtxt(tmp_path / "history.csv", delimiter=",", names=True)
    assert scores["largest"] == pytest.approx(history["loss"].max())
    model = keras.saving.load_model(tmp_path / "model.keras")
    *_, test = tiny_recipe.load_data()
    assert scores["first"] == pytest.approx(further_scores(model, test, {"loss": [0]})["first"])


def test_input_pipelines_run_without_autotune():
    plan = training.Plan("tiny", 1, 0, {}, {}, "auto", False, False)
    *_, train, validation, test = training.prepare(
        tiny_recipe, plan, {}, tf.distribute.get_strategy()
    )
    assert tiny_recipe.load_data()[0].options().autotune.enabled is not False
    for data in (train, validation, test):
        assert data.options().autotune.enabled is False


def test_training_step_is_traced_once(monkeypatch):
    tf.config.run_functions_eagerly(False)
    traced = []

    def loss(y_true, y_pred):
        traced.append(tf.inside_function())
        return keras.losses.binary_crossentropy(y_true, y_pred)

    def build_model():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
        model.compile("adam", loss, metrics=["accuracy"])
        return model

    monkeypatch.setattr(tiny_recipe, "build_model", build_model)
    plan = training.Plan("tiny", 1, 0, {}, {}, "auto", False, False)
    model, _, train, *_ = training.prepare(tiny_recipe, plan, {}, tf.distribute.get_strategy())
    model.fit(train, verbose=0)
    assert traced == [True]


def test_resumed_order_of_the_data_is_the_uninterrupted_one():
    """Keras opens two iterators an epoch on a set of known size, and one where it is unknown."""
    for known in (True, False):
        seen = {first: batches_seen(known, first) for first in (0, 2)}
        assert seen[0][2:] == seen[2], f"known size: {known}"


def batches_seen(known, first_epoch, epochs=4):
    """What the first batch of each epoch holds, in a run that starts at `first_epoch`."""
    keras.utils.set_random_seed(0)
    data = tf.data.Dataset.range(1000).shuffle(1000).batch(1000)
    data = (
        data.map(lambda x: (tf.cast(x, "float32")[:, None], x))
        if known
        else data.map(lambda x: (tf.cast(x, "float32")[:, None], x)).filter(lambda *_: True)
    )
    progress.skip_epochs(data, first_epoch)
    seen = []

    class Watching(keras.Model):
        def train_step(self, batch):
            seen.append([int(y) for y in batch[1][:5]])
            return {"loss": tf.constant(0.0)}

    model = Watching()
    model.compile(optimizer="sgd")
    model.fit(data, initial_epoch=first_epoch, epochs=epochs, verbose=0, shuffle=False)
    return seen


def test_more_than_one_device_is_refused_for_training_of_its_own_kind(monkeypatch):
    class Own(keras.Sequential):
        def train_step(self, data):
            raise NotImplementedError

    class OwnLoss(keras.Sequential):
        def compute_loss(self, *arguments, **keywords):
            raise NotImplementedError

    assert devices.own_training(Own([keras.layers.Dense(1)]))
    assert devices.own_training(OwnLoss([keras.layers.Dense(1)]))
    assert not devices.own_training(tiny_recipe.build_model())


def test_all_data_trains_on_the_validation_set_too(tmp_path, capsys):
    assert run(tmp_path, "--all-data") == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["split"] == "test"
    assert "val_loss" not in (tmp_path / "history.csv").read_text()
    keras.utils.set_random_seed(0)
    plan = training.Plan("tiny", 1, 0, {}, {}, "float32", False, False, all_data=True)
    train = training.prepare(tiny_recipe, plan, {}, tf.distribute.get_strategy())[2]
    apart = tiny_recipe.load_data()[:2]
    assert int(train.cardinality()) == sum(int(part.cardinality()) for part in apart)
    rows = np.concatenate([x for x, _ in train.as_numpy_iterator()])
    parts = [np.concatenate([x for x, _ in part.as_numpy_iterator()]) for part in apart]
    both = np.concatenate(parts)
    np.testing.assert_array_equal(rows[np.lexsort(rows.T)], both[np.lexsort(both.T)])


def test_one_variant_alone_lies_in_the_folder_of_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(
        tiny_recipe, "VARIANTS", {"small": {"units": 4}, "large": {"units": 16}}, raising=False
    )
    assert run(tmp_path, "--variant", "large") == 0
    metrics = json.loads((tmp_path / "large" / "metrics.json").read_text())
    assert metrics["variant"] == "large"
    assert metrics["arguments"] == {"units": 16}
    assert not (tmp_path / "small").exists()
    assert run(tmp_path, "--variant", "huge") == 2


def interrupt_at(monkeypatch, epoch, error=KeyboardInterrupt):
    """Make runs of the tiny recipe end early, as with Ctrl-C, when this epoch begins."""

    class Interrupting(keras.callbacks.Callback):
        def on_epoch_begin(self, number, logs=None):
            if number == epoch:
                raise error

    own = tiny_recipe.callbacks
    monkeypatch.setattr(tiny_recipe, "callbacks", lambda: [*own(), Interrupting()])


@pytest.fixture
def interrupted(tmp_path, monkeypatch, capsys):
    """The folder of a run with seed 1 that was interrupted in its second of three epochs."""
    with monkeypatch.context() as patch:
        interrupt_at(patch, epoch=1)
        assert run(tmp_path / "out", "--epochs", "3", "--seed", "1") == 130
    return tmp_path / "out"


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_ctrl_c_prints_the_line_that_continues(interrupted, capsys):
    said = refusal(capsys)
    typed = said.split("`")[1]
    assert typed.startswith("make recipe-tiny ARGS=")
    flags = shlex.split(shlex.split(typed)[2].removeprefix("ARGS="))
    assert tiny.main(["run", "tiny", *flags]) == 0
    assert "Continuing after epoch 1 of 3." in capsys.readouterr().out
    assert json.loads((interrupted / "metrics.json").read_text())["seed"] == 1


def test_ctrl_c_before_the_first_epoch_is_over_leaves_nothing_to_continue(
    tmp_path, monkeypatch, capsys
):
    interrupt_at(monkeypatch, epoch=0)
    assert run(tmp_path / "out") == 130
    assert "nothing to continue" in refusal(capsys)
    assert run(tmp_path / "out", "--resume") == 2
    assert "nothing to resume" in refusal(capsys)


@pytest.mark.parametrize(
    "flags",
    [
        ["--set", "units=-3"],
        *(
            pytest.param(flags, marks=pytest.mark.full)
            for flags in (
                ["--device", "gpu"],
                ["--set", "unit=3"],
                ["--variant", "big"],
                ["--data-dir", "nowhere"],
                ["--set", "learning_rate=1e38"],
            )
        ),
    ],
)
def test_a_command_that_fails_leaves_an_interrupted_run_alone(flags, interrupted, monkeypatch):
    monkeypatch.setattr(
        "recipes._runner.data.names", lambda path: ["mnist"] if "nowhere" in flags else []
    )
    before = contents(interrupted)
    assert run(interrupted, *flags) == 2
    assert contents(interrupted) == before
    monkeypatch.undo()
    assert run(interrupted, "--resume", "--epochs", "3") == 0
    assert json.loads((interrupted / "metrics.json").read_text())["seed"] == 1


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt,
        pytest.param(ZeroDivisionError, marks=pytest.mark.full),
        pytest.param(SystemExit, marks=pytest.mark.full),
    ],
)
def test_a_new_run_that_does_not_get_far_leaves_an_interrupted_one_to_be_continued(
    error, interrupted, monkeypatch, capsys
):
    """SystemExit is caught by nobody here, and so stands for a kill."""
    capsys.readouterr()
    with monkeypatch.context() as patch:
        interrupt_at(patch, epoch=0, error=error)
        if error is KeyboardInterrupt:
            assert run(interrupted, "--seed", "2") == 130
            assert "continues the earlier run" in refusal(capsys)
        else:
            with pytest.raises(error):
                run(interrupted, "--seed", "2")
    assert run(interrupted, "--resume") == 2, "of seed 1, with 3 epochs, not 1"
    assert run(interrupted, "--resume", "--epochs", "3") == 0
    assert json.loads((interrupted / "metrics.json").read_text())["seed"] == 1
    assert not list(interrupted.glob("unfinished*"))


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, pytest.param(SystemExit, marks=pytest.mark.full)]
)
def test_a_new_run_that_has_finished_an_epoch_takes_the_place_of_an_interrupted_one(
    error, interrupted, monkeypatch, capsys
):
    with monkeypatch.context() as patch:
        interrupt_at(patch, epoch=1, error=error)
        if error is KeyboardInterrupt:
            assert run(interrupted, "--seed", "2", "--epochs", "2") == 130
        else:
            with pytest.raises(error):
                run(interrupted, "--seed", "2", "--epochs", "2")
    assert "is kept until this one has finished an epoch" in capsys.readouterr().out
    assert run(interrupted, "--resume", "--epochs", "2") == 0
    assert json.loads((interrupted / "metrics.json").read_text())["seed"] == 2
    assert not list(interrupted.glob("unfinished*"))


def test_resuming_what_is_finished_says_so_and_changes_nothing(tmp_path, capsys):
    assert run(tmp_path) == 0
    before = contents(tmp_path)
    capsys.readouterr()
    assert run(tmp_path, "--resume") == 0
    assert "Nothing to resume: the run in" in capsys.readouterr().out
    assert contents(tmp_path) == before


class Full:
    """A disk that is full from the n-th call of some function on."""

    def __init__(self, monkeypatch, owner, name, calls):
        self.original, self.left = getattr(owner, name), calls
        monkeypatch.setattr(owner, name, self.write)

    def write(self, *arguments, **keywords):
        if not self.left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out/file")
        self.left -= 1
        return self.original(*arguments, **keywords)


@pytest.mark.parametrize(
    ("owner", "name", "calls"),
    [
        (pickle, "dumps", 1),  # the state of the second epoch
        (output, "write_json", 1),  # the metrics
        pytest.param(figures.plt.Figure, "savefig", 0, marks=pytest.mark.full),
        pytest.param(os, "replace", 3, marks=pytest.mark.full),  # some file or other
    ],
)
def test_a_full_disk_is_said_in_one_line_and_the_run_can_be_continued(
    owner, name, calls, tmp_path, monkeypatch, capsys
):
    with monkeypatch.context() as patch:
        Full(patch, owner, name, calls)
        assert run(tmp_path, "--epochs", "2") == 2
    said = refusal(capsys)
    assert "no space left" in said
    assert "--resume" in said
    assert run(tmp_path, "--resume", "--epochs", "2") == 0


def test_ctrl_c_while_results_are_put_in_place_loses_none_of_them(tmp_path, monkeypatch, capsys):
    replace = os.replace

    def interrupted(source, target):
        if str(source).endswith("unfinished/training_curves.png"):  # after the state
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        assert run(tmp_path) == 130
    assert not list(tmp_path.glob("unfinished/state"))
    assert "--resume" in refusal(capsys)
    assert run(tmp_path, "--resume") == 0
    assert (tmp_path / "training_curves.png").exists()
    assert not (tmp_path / "unfinished").exists()


def test_a_full_disk_is_recognized_in_what_hdf5_and_tensorflow_say():
    hdf5 = OSError(
        "Can't write data (file write failed: errno = 28, "
        "error message = 'No space left on device')"
    )
    tensorflow = tf.errors.ResourceExhaustedError(None, None, "logs/x; No space left on device")
    for error in (hdf5, tensorflow):
        assert run_command.full_disk(error)
    assert not run_command.full_disk(OSError(errno.EACCES, "Permission denied"))


def test_errors_that_led_to_one_another_do_not_hang_a_run():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert not run_command.full_disk(first)


def test_a_full_disk_is_said_in_one_line_by_every_command(monkeypatch, capsys):
    def write(options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out/file")

    monkeypatch.setattr("recipes._runner.list_command.main", write)
    assert cli.main(["list"]) == 2
    assert "no space left to write to" in refusal(capsys)


@pytest.mark.parametrize("recipe", ["tiny", "convolution_by_hand"])
@pytest.mark.parametrize(
    "name", ["README.md", "metrics.json", "logs/of mine.txt", "unfinished/thesis.txt", "notes.txt"]
)
def test_a_folder_with_files_of_the_users_is_left_alone(recipe, name, tmp_path, capsys):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    assert tiny.main(["run", recipe, "--output", str(tmp_path)]) == 2
    assert "--force" in refusal(capsys)
    assert contents(tmp_path) == {name: b"mine"}


def test_force_and_earlier_results_open_a_folder(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine, too")
    assert run(tmp_path, "--force") == 0
    assert (tmp_path / "README.md").read_text().startswith("# tiny")
    assert run(tmp_path) == 0
    assert (tmp_path / "notes.txt").read_text() == "mine, too"


@pytest.mark.parametrize("place", [".", "recipes/convolution", "layers/mine", "tests"])
@pytest.mark.parametrize("command", [["run"], ["run", "--force"], ["tune"]])
def test_the_project_itself_is_no_place_for_results(command, place, tmp_path, monkeypatch, capsys):
    """Tried in a folder laid out like the project: a failure must not overwrite the real README."""
    assert (output.PROJECT / "pyproject.toml").is_file()
    for folder in ("recipes/convolution", "layers", "tests"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "README.md").write_text("the project's")
    monkeypatch.setattr(output, "PROJECT", tmp_path.resolve())
    monkeypatch.chdir(tmp_path)
    assert tiny.main([*command, "tiny", "--output", place]) == 2
    assert "this project itself" in refusal(capsys)
    assert contents(tmp_path) == {"README.md": b"the project's"}


def test_tune_leaves_a_folder_of_the_users_alone(tmp_path, capsys):
    (tmp_path / "tuned").mkdir()
    (tmp_path / "tuned" / "README.md").write_text("mine")
    assert tiny.main(["tune", "tiny", "--fresh", "--output", str(tmp_path)]) == 2
    assert "--force" in refusal(capsys)
    assert contents(tmp_path) == {"tuned/README.md": b"mine"}


INTO_A_FOLDER = {  # the commands that write where --output says
    "run": ["tiny"],
    "tune": ["tiny"],
    "export": ["model.keras", "--format", "onnx"],
    "compare": ["cnn-mnist"],
    "notebook": ["adaline"],
    "gallery": [],
}


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_leaves_a_folder_of_the_users_alone(command, tmp_path, monkeypatch, capsys):
    parser = cli.Parser()
    cli.importlib.import_module(f"recipes._runner.{command}_command").add_arguments(parser)
    assert (command in INTO_A_FOLDER) == any(each.dest == "output" for each in parser._actions)
    if command not in INTO_A_FOLDER:
        return
    monkeypatch.chdir(tmp_path)
    pathlib.Path("model.keras").touch()
    pathlib.Path("metrics.json").write_text('{"recipe": "double_moon"}')
    pathlib.Path("mine").mkdir()
    pathlib.Path("mine/README.md").write_text("mine")
    assert tiny.main([command, *INTO_A_FOLDER[command], "--output", "mine"]) == 2
    assert "what lies there (README.md) is not from these commands" in refusal(capsys)
    assert contents(pathlib.Path("mine")) == {"README.md": b"mine"}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--seed", "-1"], "whole number from 0 to 4294967295"),
        (
            ["--set", "rate=1.5"],
            "tiny_recipe does not work with rate=1.5 (default 0.3): ValueError: ",
        ),
        (["--set", "batch_size=0"], "batch_size=0 (default 50)"),
        (["--output=~nobody-of-that-name/x"], "there is no user nobody-of-that-name"),
    ],
)
def test_tune_refuses_the_same_values(flags, said, tmp_path, capsys):
    assert tiny.main(["tune", "tiny", "--output", str(tmp_path / "out"), *flags]) == 2
    assert said in refusal(capsys)


PATHS = {"output", "data", "data_dir", "folder", "files", "model", "recipe", "csv", "images"}


@pytest.mark.parametrize("command", ["run", "tune", "measure", "predict", "copy"])
def test_every_option_that_is_a_path_knows_what_a_tilde_means(command, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    parser = cli.Parser()
    cli.importlib.import_module(f"recipes._runner.{command}_command").add_arguments(parser)
    for action in parser._actions:
        if action.metavar in ("DIR", "FILE", "FOLDER", "PATH") or action.type is pathlib.Path:
            assert action.dest in PATHS
        if action.dest in PATHS:
            assert str(action.type("~/x")) == str(tmp_path / "x"), action.dest
    assert arguments.expanded("gs://bucket/tfds") == "gs://bucket/tfds"


def python(code, **environment):
    command = [sys.executable, "-c", code]
    environment = {**os.environ, **environment}
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", env=environment
    )


def test_the_users_keras_configuration_does_not_leak_in(tmp_path):
    settings = {
        "image_data_format": "channels_first",
        "floatx": "float16",
        "backend": "jax",
        "epsilon": 1e-3,
    }
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    code = (
        "from recipes._runner import quiet; quiet.import_tensorflow()\n"
        "import keras; layer = keras.layers.Conv2D(1, 3)\n"
        "print(keras.backend.backend(), layer.data_format, layer.dtype, keras.config.epsilon())"
    )
    done = python(code, KERAS_HOME=str(tmp_path))
    assert done.stdout.split() == ["tensorflow", "channels_last", "float32", "1e-07"], done.stderr


@pytest.mark.parametrize(
    ("settings", "variables", "said"),
    [
        ("{}", {"KERAS_BACKEND": "jax"}, "KERAS_BACKEND=jax: recipes run on TensorFlow"),
        ('{"floatx": "float12"}', {}, "keras.json"),
        ("[]", {}, "keras.json"),
    ],
)
def test_a_keras_configuration_that_cannot_be_used_is_said_in_one_line(
    settings, variables, said, tmp_path
):
    (tmp_path / "keras.json").write_text(settings)
    code = (
        "from recipes._runner import cli; exit(cli.main(['run', 'cnn_mnist', '--output', 'out']))"
    )
    done = python(code, KERAS_HOME=str(tmp_path), **variables)
    lines = [line for line in done.stderr.splitlines() if line.startswith("recipes: ")]
    assert done.returncode == 2
    assert len(lines) == 1
    assert said in lines[0]
    assert "Traceback" not in done.stderr


def test_output_in_latin_1_has_marks_for_what_it_lacks():
    done = python(
        "from recipes._runner import cli; exit(cli.main(['list']))", PYTHONIOENCODING="latin-1"
    )
    assert done.returncode == 0, done.stderr[-1000:]


def test_without_a_terminal_an_epoch_is_a_line(tmp_path, capsys):
    assert run(tmp_path, "--epochs", "3") == 0
    said = capsys.readouterr().out
    assert not set("\b\r\x1b") & set(said)
    assert sum("val_accuracy" in line for line in said.splitlines()) == 3


def test_no_tpu_is_said_without_what_tensorflow_says_of_it(monkeypatch, capsys, tmp_path):
    def resolver(**_):
        raise ValueError("used by {{node ConfigureDistributedTPU}} with these attrs: [a=1]")

    monkeypatch.setattr(tf.distribute.cluster_resolver, "TPUClusterResolver", resolver)
    assert run(tmp_path / "out", "--device", "tpu") == 2
    assert "attrs" not in refusal(capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "device", "policy"),
    [
        ("auto", "tpu", "mixed_bfloat16"),
        ("float32", "tpu", "float32"),
        ("auto", "gpu", "float32"),
        ("mixed_float16", "gpu", "mixed_float16"),
    ],
)
def test_precision_is_bfloat16_on_a_tpu_unless_said_otherwise(
    name, device, policy, tmp_path, monkeypatch, capsys
):
    """It is set before the network is built; the stand-in for a TPU is the CPU."""
    met = []

    def policy_met(*_):
        met.append(keras.config.dtype_policy().name)
        raise UserError("enough")

    monkeypatch.setattr(devices, "strategy", lambda choice: tf.distribute.get_strategy())
    monkeypatch.setattr(training, "prepare", policy_met)
    try:
        assert run(tmp_path, "--device", device, "--precision", name) == 2
    finally:
        keras.config.set_dtype_policy("float32")
    assert met == [policy]


WITHOUT_TRAINING = '''"""Says a word.

Needs:  a network that others have trained
"""


def main({parameters}):
    print({said})
'''


def test_a_recipe_without_training_takes_the_arguments_of_its_main(tmp_path, monkeypatch, capsys):
    """The file that one names is found, though the recipe runs in another folder."""
    recipe = tmp_path / "says_a_word.py"
    recipe.write_text(
        WITHOUT_TRAINING.format(parameters="picture='none', times=1", said="picture, times + 1")
    )
    (tmp_path / "mine.jpg").touch()
    monkeypatch.chdir(tmp_path)
    command = ["run", str(recipe), "--output", "out", "--set"]
    assert cli.main([*command, "picture=mine.jpg", "--set", "times=2"]) == 0
    assert f"{tmp_path / 'mine.jpg'} 3" in capsys.readouterr().out
    card = (tmp_path / "out" / "README.md").read_text()
    assert "--set times=2" in card
    assert "Starts from a network that others have trained.\n" in card
    assert cli.main([*command, "pictures=mine.jpg"]) == 2
    assert "did you mean picture? says_a_word takes picture, times" in refusal(capsys)
    assert cli.main([*command, "picture=yours.jpg"]) == 2
    assert "--set picture=yours.jpg: there is no such file" in refusal(capsys)


def test_a_file_that_a_recipe_without_training_cannot_read_is_named(tmp_path, capsys):
    recipe = tmp_path / "reads_a_word.py"
    body = "open(picture, encoding='utf8').read()"
    recipe.write_text(WITHOUT_TRAINING.format(parameters="picture='mine.txt'", said=body))
    (tmp_path / "bytes.jpg").write_bytes(b"\xff")
    command = ["run", str(recipe), "--output", str(tmp_path / "out")]
    assert cli.main([*command, "--set", f"picture={tmp_path / 'bytes.jpg'}"]) == 2
    said = refusal(capsys)
    assert "reads_a_word does not work with picture=" in said
    assert "bytes.jpg' (default 'mine.txt'): UnicodeDecodeError: " in said
    assert all(path.name.startswith(".") for path in (tmp_path / "out").iterdir())
    # Without a value that could be wrong it is the recipe's own fault.
    with pytest.raises(FileNotFoundError):
        cli.main(command)


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("`make setup EXTRAS=x`"), OSError(errno.ENOSPC, "no space left")]
)
def test_what_has_another_reason_is_not_put_down_to_what_was_typed(error):
    module = find("deep_dream").module
    with pytest.raises(type(error)), arguments.blamed(module, {"photograph": "mine.jpg"}):
        raise error


def test_a_recipe_without_arguments_says_so(tmp_path, capsys):
    recipe = tmp_path / "says_nothing_else.py"
    recipe.write_text(WITHOUT_TRAINING.format(parameters="", said="1"))
    assert cli.main(["run", str(recipe), "--set", "a=1", "--output", str(tmp_path / "out")]) == 2
    assert "says_nothing_else takes no arguments" in refusal(capsys)


@pytest.mark.parametrize(
    "flags",
    [
        ["--epochs", "3"],
        ["--seed", "0"],
        ["--variant", "big"],
        ["--all-data"],
        ["--data", "photos"],
        ["--class-weights", "balanced"],
        ["--precision", "float32"],
        ["--device", "cpu"],
        ["--resume"],
    ],
)
def test_a_recipe_without_training_refuses_what_it_would_not_look_at(flags, tmp_path, capsys):
    command = ["run", "mcculloch-pitts", "--output", str(tmp_path / "out"), "--smoke"]
    assert cli.main([*command, *flags]) == 2
    assert f"{flags[0]}: mcculloch_pitts trains nothing" in refusal(capsys)
    assert not (tmp_path / "out").exists()


def test_all_options_of_a_run_are_known_to_be_of_training_or_not():
    parser = argparse.ArgumentParser()
    run_command.add_arguments(parser)
    of_both = {"help", "recipe", "batch_size", "set", "data_dir", "stand_in", "output", "force"}
    of_both |= {"smoke"}
    known = {action.dest for action in parser._actions}
    assert known - of_both == set(run_command.OF_TRAINING)


DRAWING = '''"""Learns from examples that it draws."""

import keras
import numpy as np
import tensorflow as tf

EPOCHS = 1
DRAWN = []


def load_data(batch_size=4):
    """Three times eight numbers."""
    x = np.random.rand(8, 1)
    DRAWN.append(x.sum())
    return [tf.data.Dataset.from_tensor_slices((x, x)).batch(batch_size)] * 3


def build_model():
    """One unit. 2 parameters."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", loss="mse")
    return model


def baseline(train, test):
    """Whether the same numbers were drawn."""
    return {"loss": float(DRAWN[-1] == DRAWN[0] and len(DRAWN) > 1)}


def main():
    """Not called."""
'''


def test_baseline_is_given_the_examples_that_the_network_learned_from(tmp_path, monkeypatch):
    (tmp_path / "draws.py").write_text(DRAWING)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", "draws.py", "--output", "out", "--seed", "3"]) == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["baseline"] == {"loss": 1.0}
