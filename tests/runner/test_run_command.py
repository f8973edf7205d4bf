"""What a run refuses in one line, and what it never does to what is already saved."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes._runner import arguments, output, training
from recipes._runner.errors import UserError
from recipes.tuning import progress
from tests.runner import tiny, tiny_recipe


@pytest.fixture(autouse=True)
def eager():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
    keras.backend.clear_session()


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
        (["--resume"], "nothing to resume"),
        (["--variant", "big"], "tiny has no such variant; it has no variants"),
        (["--device", "gpu"], "no GPU"),
        (["--precision", "int8"], "int8"),
    ],
)
def test_wrong_flags_get_one_line_and_status_2(flags, said, tmp_path, capsys):
    assert run(tmp_path / "out", *flags) == 2
    assert said in refusal(capsys)


def test_unknown_recipe_gets_the_nearest_name(tmp_path, capsys):
    assert run(tmp_path, recipe="cnn-mnits") == 2
    assert "cnn_mnist" in refusal(capsys)


def test_unwritable_output_folder(tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    assert run(tmp_path / "file" / "out") == 2
    assert "cannot write to" in refusal(capsys)


def test_values_take_the_kind_of_the_default():
    assert arguments.parse(tiny_recipe, ["units=4", "rate=0", "learning_rate=1e-3"], batch_size=8) == {
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


def test_loss_that_is_no_number_before_any_training_is_the_fault_of_the_data(tmp_path, capsys, monkeypatch):
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
    for flags, said in [(["--seed", "2"], "seed was 1"), (["--set", "units=4"], "arguments was {}")]:
        capsys.readouterr()
        assert run(tmp_path, "--resume", *flags) == 2
        assert said in refusal(capsys)


def test_finished_run_goes_on_for_more_epochs_as_if_it_had_never_stopped(tmp_path):
    assert run(tmp_path / "longer", "--epochs", "2") == 0
    assert run(tmp_path / "extended") == 0
    assert run(tmp_path / "extended", "--resume", "--epochs", "2") == 0
    longer, extended = (tmp_path / name / "history.csv" for name in ("longer", "extended"))
    np.testing.assert_allclose(*(np.loadtxt(path, delimiter=",", skiprows=1) for path in (longer, extended)), rtol=1e-4)


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


def test_best_epoch_is_chosen_on_validation(tmp_path):
    assert run(tmp_path, "--epochs", "4", "--set", "learning_rate=0.5", "--seed", "2") == 0
    history = np.genfromtxt(tmp_path / "history.csv", delimiter=",", names=True)
    assert history["val_accuracy"].argmax() < 3
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["best_epoch"] == 1 + history["val_accuracy"].argmax()
    model = keras.saving.load_model(tmp_path / "model.keras")
    _, validation, test = tiny_recipe.load_data()
    assert model.evaluate(validation, return_dict=True)["accuracy"] == pytest.approx(history["val_accuracy"].max())
    assert model.evaluate(test, return_dict=True)["accuracy"] == pytest.approx(metrics["scores"]["accuracy"])


def test_a_recipe_may_keep_the_last_epoch(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny_recipe, "KEEP", "last", raising=False)
    assert run(tmp_path, "--epochs", "4", "--set", "learning_rate=0.5", "--seed", "2") == 0
    history = np.genfromtxt(tmp_path / "history.csv", delimiter=",", names=True)
    _, validation, _ = tiny_recipe.load_data()
    scores = keras.saving.load_model(tmp_path / "model.keras").evaluate(validation, return_dict=True)
    assert history["val_accuracy"].argmax() < 3
    assert scores["accuracy"] == pytest.approx(history["val_accuracy"][-1])


def test_input_pipelines_run_without_autotune():
    plan = training.Plan("tiny", 1, 0, {}, {}, "auto", False, False)
    *_, train, validation, test = training.prepare(tiny_recipe, plan, {}, tf.distribute.get_strategy())
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

    assert training.own_training(Own([keras.layers.Dense(1)]))
    assert not training.own_training(tiny_recipe.build_model())
    assert issubclass(UserError, Exception)


def test_all_data_trains_on_the_validation_set_too(tmp_path, capsys):
    assert run(tmp_path, "--all-data") == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["split"] == "test"
    assert "val_loss" not in (tmp_path / "history.csv").read_text()
    keras.utils.set_random_seed(0)
    plan = training.Plan("tiny", 1, 0, {}, {}, "float32", False, False, all_data=True)
    train = training.prepare(tiny_recipe, plan, {}, tf.distribute.get_strategy())[2]
    assert int(train.cardinality()) == 17
    rows = np.concatenate([x for x, _ in train.as_numpy_iterator()])
    parts = [np.concatenate([x for x, _ in part.as_numpy_iterator()]) for part in tiny_recipe.load_data()[:2]]
    both = np.concatenate(parts)
    np.testing.assert_array_equal(rows[np.lexsort(rows.T)], both[np.lexsort(both.T)])


def test_one_variant_alone_lies_in_the_folder_of_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny_recipe, "VARIANTS", {"small": {"units": 4}, "large": {"units": 16}}, raising=False)
    assert run(tmp_path, "--variant", "large") == 0
    metrics = json.loads((tmp_path / "large" / "metrics.json").read_text())
    assert metrics["variant"] == "large"
    assert metrics["arguments"] == {"units": 16}
    assert not (tmp_path / "small").exists()
    assert run(tmp_path, "--variant", "huge") == 2
