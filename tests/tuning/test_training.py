"""With real, tiny networks: seeds, states, promotion, resuming, limits, pruning, files on disk."""

import gc
import json
import math
import os
import pathlib
import types

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from recipes import tuning
from recipes.tuning import progress, storage, tuners
from tests.tuning import tiny

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 3)).astype("float32")
Y = (X @ [[1.0], [-2.0], [0.5]]).astype("float32")


def build(hp):
    """Dropout, Adam and a schedule: weights, seed generators, moments and iterations."""
    schedule = keras.optimizers.schedules.ExponentialDecay(
        hp.Float("rate", 0.001, 0.1, default=0.02), 3, 0.8
    )
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(hp.Int("units", 2, 6, default=4), activation="relu"),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(schedule), loss="mse", run_eagerly=True)
    return model


def shuffled():
    data = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(16, seed=7)
    return data.batch(8)


def tuner(kind, folder, hypermodel=build, **arguments):
    arguments = {"seed": 0, "directory": folder, "project_name": "search", **arguments}
    return getattr(tuning, kind)(hypermodel, **{"objective": "val_loss", **arguments})


FIT = {"validation_data": (X, Y), "verbose": 0}


@pytest.fixture(autouse=True)
def no_collection(monkeypatch):
    """KerasTuner collects garbage before each build, and that takes longer than a training here."""
    monkeypatch.setattr(gc, "collect", lambda *arguments: 0)


def last_state(search, trial_id):
    return progress.load(f"{search.project_dir}/trial_{trial_id}/execution0")


class Die(keras.callbacks.Callback):
    """Dies at the end of an epoch of a trial, once."""

    def __init__(self, epochs):
        super().__init__()
        self.left = {"epochs": epochs}  # a dictionary is not part of the state of a training

    def __deepcopy__(self, memo):
        return self

    def on_epoch_begin(self, epoch, logs=None):
        self.left["epochs"] -= 1
        if self.left["epochs"] < 0:
            raise tiny.Killed


def test_same_score_in_any_order(tmp_path):
    """Weights, dropout and the order of data depend on seed and values, not on what ran before."""
    first = tuner("GridSearch", tmp_path / "a", max_trials=3)
    first.search(shuffled, epochs=2, **FIT)
    trials = {
        str(trial.hyperparameters.values): trial.score for trial in first.oracle.trials.values()
    }
    hp = keras_tuner.HyperParameters()
    hp.Fixed("rate", list(first.oracle.trials.values())[2].hyperparameters.values["rate"])
    hp.Fixed("units", list(first.oracle.trials.values())[2].hyperparameters.values["units"])
    alone = tuner("RandomSearch", tmp_path / "b", max_trials=1, hyperparameters=hp)
    alone.search(shuffled, epochs=2, **FIT)
    trial = alone.oracle.get_best_trials()[0]
    assert (
        trials[str({k: trial.hyperparameters.values[k] for k in ("rate", "units")})] == trial.score
    )
    assert len(set(trials.values())) == 3


@pytest.mark.parametrize("keyword", [False, True])
def test_a_function_may_give_inputs_and_targets(keyword, tmp_path):
    """As `keras.datasets.mnist.load_data()[0]` is."""

    def data():
        return X, Y

    search = tuner("RandomSearch", tmp_path, max_trials=1)
    search.search(
        *[] if keyword else [data], **{"x": data} if keyword else {}, epochs=1, batch_size=8, **FIT
    )
    apart = tuner("RandomSearch", tmp_path / "apart", max_trials=1)
    apart.search(X, Y, epochs=1, batch_size=8, **FIT)
    assert tiny.table(search) == tiny.table(apart)


def test_a_function_beside_targets_gives_the_inputs(tmp_path):
    """Two of them, as it is; and weights come third."""
    assert tuners._with_data((lambda: (X, X), Y), {}, 0) == (((X, X), Y), {})
    assert tuners._with_data((lambda: (X, X),), {"y": Y}, 0) == (((X, X),), {"y": Y})
    arguments, more = tuners._with_data((lambda: (X, Y, Y[:, 0]),), {"epochs": 2}, 0)
    assert arguments == (X,)
    assert more["y"] is Y
    assert more.keys() == {"y", "sample_weight", "epochs"}


@pytest.mark.full
def test_promoted_run_equals_an_uninterrupted_one(tmp_path):
    search = tuner("Hyperband", tmp_path, max_epochs=3, factor=3)
    search.search(shuffled, **FIT)
    promoted = next(
        t for t in search.oracle.trials.values() if t.hyperparameters.values["tuner/round"] == 1
    )
    values = promoted.hyperparameters.values
    assert (values["tuner/initial_epoch"], values["tuner/epochs"]) == (1, 3)
    state = progress.load(f"{search.project_dir}/trial_{promoted.trial_id}/execution0")
    assert state is None  # it came to its end

    keras.utils.set_random_seed(search.trial_seed(values))
    straight = build(promoted.hyperparameters)
    history = straight.fit(shuffled(), epochs=3, **FIT).history
    assert search.curves(promoted.trial_id)[0] == history
    assert search.curves(values["tuner/trial_id"])[0] == {
        name: column[:1] for name, column in history.items()
    }
    assert promoted.score == min(history["val_loss"])
    row = next(row for row in search.leaderboard() if row["trial"] == promoted.trial_id)
    assert row["epochs"] == 2


@pytest.mark.slow
def test_promoted_weights_are_those_of_the_last_epoch(tmp_path):
    """Optimizer, schedule and seed generators too: everything that decides on the next step."""
    search = tuner("Hyperband", tmp_path, max_epochs=3, factor=3)
    with pytest.raises(tiny.Killed):
        # Three beginners, then in the second epoch of the promoted.
        search.search(shuffled, callbacks=[Die(4)], **FIT)
    keras.utils.set_random_seed(0)
    promoted = search.oracle.trials["0003"]
    past = promoted.hyperparameters.values["tuner/trial_id"]
    saved = last_state(search, past)
    model = build(promoted.hyperparameters)
    progress.restore(saved, model, [])
    assert int(model.optimizer.iterations) == 2
    search.oracle._tidy()
    assert last_state(search, past) is not None  # may still be needed
    again = tuner("Hyperband", tmp_path, max_epochs=3, factor=3)
    again.search(shuffled, **FIT)
    whole = tuner("Hyperband", tmp_path / "whole", max_epochs=3, factor=3)
    whole.search(shuffled, **FIT)
    assert tiny.table(again) == tiny.table(whole)
    assert not list(tmp_path.rglob("execution*"))
    kept = {path.parent.name for path in (tmp_path / "search").rglob("checkpoint.weights.h5")}
    assert kept == {f"trial_{row['trial']}" for row in again.leaderboard()[:3]}


def callbacks():
    return [
        keras.callbacks.ReduceLROnPlateau(patience=1, factor=0.5),
        keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True),
    ]


def plain(hp):
    model = build(hp)
    model.compile(optimizer=keras.optimizers.Adam(hp.get("rate")), loss="mse", run_eagerly=True)
    return model


@pytest.mark.parametrize("epochs", [pytest.param(2, marks=pytest.mark.slow), 7])
def test_resume_inside_a_trial(epochs, tmp_path):
    """Killed in the third epoch of trial 1, and of trial 2: goes on there, with the same result."""
    trained = []

    class Count(keras.callbacks.Callback):
        def __deepcopy__(self, memo):
            return self

        def on_epoch_end(self, epoch, logs=None):
            trained.append(epoch)

    whole = tuner("RandomSearch", tmp_path / "whole", plain, max_trials=2, executions_per_trial=2)
    whole.search(shuffled, epochs=3, callbacks=callbacks(), **FIT)
    killed = tuner("RandomSearch", tmp_path, plain, max_trials=2, executions_per_trial=2)
    with pytest.raises(tiny.Killed):
        killed.search(shuffled, epochs=3, callbacks=[*callbacks(), Count(), Die(epochs)], **FIT)
    again = tuner("RandomSearch", tmp_path, plain, max_trials=2, executions_per_trial=2)
    again.search(shuffled, epochs=3, callbacks=[*callbacks(), Count(), Die(99)], **FIT)
    assert tiny.table(again) == tiny.table(whole)
    assert len(trained) == sum(row["epochs"] for row in whole.leaderboard())
    assert sum(row["epochs"] for row in again.leaderboard()) == len(trained)
    for number in "01":
        assert again.curves(number) == whole.curves(number)


@pytest.mark.slow
def test_state_of_a_model_with_several_inputs(tmp_path):
    class Sum(keras.Model):
        def build(self, shapes):
            self.kernel = self.add_weight(shape=shapes["a"][1:], name="kernel")
            self.built = True

        def call(self, inputs):
            return self.kernel * inputs["a"] + inputs["b"]

    model = Sum()
    model.compile("adam", "mse")
    model({"a": X, "b": X})
    progress.save(tmp_path, model, [], {"epochs": 1})
    assert progress.load(tmp_path)["epochs"] == 1


def test_spoilt_state(tmp_path):
    """A state cut off by a failing disk: the trial begins again, and comes to the same result."""
    whole = tuner("RandomSearch", tmp_path / "whole", max_trials=1)
    whole.search(shuffled, epochs=2, **FIT)
    for name in ("last.weights.h5", "state.pickle"):
        killed = tuner("RandomSearch", tmp_path / name, max_trials=1)
        with pytest.raises(tiny.Killed):
            killed.search(shuffled, epochs=2, callbacks=[Die(1)], **FIT)
        file = next((tmp_path / name).rglob(name))
        file.write_bytes(file.read_bytes()[:100])
        again = tuner("RandomSearch", tmp_path / name, max_trials=1)
        again.search(shuffled, epochs=2, **FIT)
        assert tiny.table(again) == tiny.table(whole)


def test_best_model_has_the_best_weights(tmp_path):
    search = tuner("RandomSearch", tmp_path, max_trials=3, keep=2)
    search.search(X, Y, epochs=3, batch_size=8, **FIT)
    best = search.oracle.get_best_trials()[0]
    model = search.get_best_models()[0]
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(best.score, rel=1e-5)
    assert len(list(tmp_path.rglob("checkpoint.weights.h5"))) == 2
    with pytest.raises(ValueError, match="are gone: those of the best 2 are kept"):
        search.load_model(search.oracle.get_best_trials(3)[2])


@pytest.mark.parametrize(
    ("column", "best"),
    [
        ([math.nan, 0.5, 0.4], (0.4, 2)),  # an undefined beginning does no harm
        ([0.5, math.inf, 0.6], (0.5, 0)),
        ([0.5, 0.4, math.nan], None),  # it has diverged
        ([math.nan, math.nan], None),
        ([], None),
    ],
)
@pytest.mark.parametrize("direction", ["min", "max"])
def test_epochs_that_are_not_finite(column, best, direction):
    sign = 1 if direction == "min" else -1
    history = keras.callbacks.History()
    history.history = {"loss": [1.0] * len(column), "val_x": [sign * value for value in column]}
    objective = keras_tuner.Objective("val_x", direction)
    if best is None:
        with pytest.raises(progress.NotFiniteError, match="val_x"):
            tuners._best_metrics(history, objective)
    else:
        metrics, epoch = tuners._best_metrics(history, objective)
        assert (metrics["val_x"], epoch) == (sign * best[0], best[1])


def test_nan_loss_stops_the_trial(tmp_path):
    def unstable(hp):
        model = build(hp)
        if hp.get("units") != 4:
            model.compile(keras.optimizers.SGD(1e30), "mse", run_eagerly=True)
        return model

    search = tuner("RandomSearch", tmp_path, unstable, max_trials=3)
    search.search(X, Y, epochs=3, batch_size=8, **FIT)
    failed = [row for row in search.leaderboard() if row["status"] == "FAILED"]
    assert failed
    assert all(row["epochs"] < 3 and "val_loss is" in row["message"] for row in failed)


def test_a_trial_with_spoilt_weights_fails_though_its_loss_is_finite(tmp_path):
    """The weights become NaN after the last step of an epoch, whose losses are finite."""

    class Spoil(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kernel = self.model.layers[0].kernel
            if kernel.shape[-1] != 4:
                kernel.assign(kernel * math.nan)

    search = tuner("RandomSearch", tmp_path, max_trials=3)
    search.search(X, Y, epochs=2, batch_size=8, callbacks=[Spoil()], **FIT)
    failed = [row for row in search.leaderboard() if row["hyperparameters"]["units"] != 4]
    assert failed
    for row in failed:
        assert row["status"] == "FAILED"
        assert row["message"].endswith("weights that are NaN or infinite after epoch 1")


def test_trial_time_limit(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(tuners, "time", types.SimpleNamespace(monotonic=lambda: clock[0]))

    class Slow(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            clock[0] += 1.0 if self.model.layers[0].units == 4 else 2.0

    hp = keras_tuner.HyperParameters()
    hp.Fixed("rate", 0.02)
    search = tuner("GridSearch", tmp_path, max_trials=2, trial_time_limit=5, hyperparameters=hp)
    search.search(X, Y, epochs=2, batch_size=8, callbacks=[Slow()], **FIT)
    first, *_, second = search.leaderboard()
    assert (first["status"], first["seconds"]) == ("COMPLETED", 4.0)
    assert (second["status"], second["seconds"]) == ("FAILED", 6.0)
    assert second["message"] == "exceeded its time limit of 5 s in epoch 2"


class Curves(keras_tuner.HyperModel):
    """Trains nothing: a validation loss that falls to the value of `floor`, epoch by epoch."""

    def build(self, hp):
        hp.Float("floor", 0.0, 1.0, default=0.1)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    def fit(self, hp, model, *arguments, callbacks=(), epochs=1, initial_epoch=0, **keywords):
        every = keras.callbacks.CallbackList(callbacks, model=model, add_history=True)
        model.stop_training = False
        every.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            every.on_epoch_begin(epoch)
            every.on_epoch_end(epoch, {"loss": 1.0, "val_loss": hp.get("floor") + 2.0**-epoch})
            if model.stop_training:
                break
        every.on_train_end()
        return model.history


def test_median_pruning(tmp_path, monkeypatch):
    def save(folder, model, callbacks, remembered):
        (tmp_path / "weights").touch()
        return tmp_path / "weights"

    monkeypatch.setattr(progress, "save", save)
    results = {}
    for prune in (None, "median"):
        search = tuner("RandomSearch", tmp_path / str(prune), Curves(), max_trials=20, prune=prune)
        search.search(epochs=10, verbose=0)
        board = search.leaderboard()
        results[prune] = (
            board[0]["hyperparameters"],
            sum(row["epochs"] for row in board),
            board,
            search,
        )
    assert results[None][0] == results["median"][0]
    assert results["median"][1] <= 0.6 * results[None][1]
    board = results["median"][2]
    pruned = [row for row in board if row["message"]]
    assert all(row["status"] == "COMPLETED" for row in board)
    assert all(row["message"].startswith(f"pruned at epoch {row['epochs']}: ") for row in pruned)
    assert all(row["epochs"] == 10 for row in board if not row["message"])
    again = tuner("RandomSearch", tmp_path / "median", Curves(), max_trials=20, prune="median")
    assert again.leaderboard() == board
    assert len(again.curves(pruned[0]["trial"])[0]["val_loss"]) == pruned[0]["epochs"]


def with_others(folder, curves, **arguments):
    """A search in whose folder others have left these values of the objective, epoch by epoch."""
    search = tuner("RandomSearch", folder, Curves(), prune="median", **arguments)
    for number, curve in enumerate(curves):
        run = {"score": curve[-1], "executions": [{"values": curve}]}
        path = pathlib.Path(search.project_dir, f"trial_{number}", "run.json")
        path.parent.mkdir()
        storage.save_json(path, run)
    return search


FALLING = [[0.9, 0.6, 0.1], [0.9, 0.5, 0.1], [0.9, 0.4, 0.1], [0.9, 0.3, 0.1], [0.9, 0.2]]


@pytest.mark.parametrize("direction", ["min", "max"])
@pytest.mark.parametrize(
    ("values", "pruned"),
    [
        ([0.9, 0.39], False),  # the median at that epoch is 0.4, in the end 0.1
        ([0.9, 0.41], "pruned at epoch 2: 0.41 is worse than 0.4, the median of 5 others"),
        (
            [0.9, math.nan, 0.11],
            "pruned at epoch 3: 0.11 is worse than 0.1, the median of 4 others",
        ),
        ([0.05, 0.9, 0.9], False),  # its best counts, not its last
        ([0.95], False),  # too early
        ([0.9, 0.9, 0.9, 0.9], False),  # no other got so far
    ],
)
def test_a_trial_is_compared_with_others_at_the_same_epoch(values, pruned, direction, tmp_path):
    sign = 1 if direction == "min" else -1
    others = [[sign * value for value in curve] for curve in FALLING]
    search = with_others(tmp_path, others, objective=keras_tuner.Objective("val_loss", direction))
    trial = types.SimpleNamespace(trial_id="9")
    verdict = search.verdict(trial, [sign * value for value in values])
    assert (verdict or "").replace("-0", "0") == (pruned or "")
    again = search.verdict(types.SimpleNamespace(trial_id="0"), [sign * 0.9, sign * 0.37])
    assert again.endswith("0.35, the median of 4 others")  # its own earlier record is no other's


LEAST = keras_tuner.Objective("val_x", "min")


class Numbered(keras_tuner.HyperModel):
    """Trains nothing: gives these values in each execution, with the weight 100 k + epoch."""

    def __init__(self, *executions):
        super().__init__()
        self.executions, self.begun = executions, 0

    def build(self, hp):
        hp.Int("units", 1, 9)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        model.compile("sgd", "mse")
        return model

    def fit(self, hp, model, *arguments, callbacks=(), initial_epoch=0, **keywords):
        every = keras.callbacks.CallbackList(callbacks, model=model, add_history=True)
        model.stop_training = False
        values, number = self.executions[self.begun], 100 * self.begun
        self.begun += 1
        every.on_train_begin()
        for epoch, value in list(enumerate(values))[initial_epoch:]:
            every.on_epoch_begin(epoch)
            if value is None:
                raise tiny.Killed
            model.layers[0].kernel.assign([[number + epoch]])
            every.on_epoch_end(epoch, {"val_x": value})
        every.on_train_end()
        return model.history


@pytest.mark.parametrize("direction", ["min", "max"])
@pytest.mark.parametrize(
    ("executions", "best", "score"),
    [
        ([[0.5, 0.2, 0.3]], 1, 0.2),
        ([[math.nan, 0.2, 0.3]], 1, 0.2),
        ([[-math.inf, 0.4, 0.3]], 2, 0.3),
        ([[0.5, 0.1], [0.4, 0.3]], 1, 0.2),  # the second execution is worse
        ([[0.5, 0.3], [0.1, 0.3]], 100, 0.2),
        ([[0.2, 0.2], [0.2, 0.2]], 0, 0.2),
    ],
)
def test_the_weights_kept_are_the_best_finite_ones_of_all_executions(
    executions, best, score, direction, tmp_path
):
    sign = 1 if direction == "min" else -1
    executions = [[sign * value for value in values] for values in executions]
    search = tuner(
        "RandomSearch",
        tmp_path,
        Numbered(*executions),
        objective=keras_tuner.Objective("val_x", direction),
        executions_per_trial=len(executions),
        max_trials=1,
    )
    search.search(verbose=0)
    (row,) = search.leaderboard()
    assert row["score"] == pytest.approx(sign * score)
    assert search.get_best_models()[0].layers[0].kernel.numpy().item() == best


def test_the_best_weights_from_before_a_kill_stay_the_best(tmp_path):
    killed = tuner(
        "RandomSearch", tmp_path, Numbered([0.1, 0.5, None]), objective=LEAST, max_trials=1
    )
    with pytest.raises(tiny.Killed):
        killed.search(verbose=0)
    again = tuner(
        "RandomSearch", tmp_path, Numbered([9.0, 9.0, 0.4]), objective=LEAST, max_trials=1
    )
    again.search(verbose=0)
    assert again.leaderboard()[0]["score"] == 0.1
    assert again.get_best_models()[0].layers[0].kernel.numpy().item() == 0


def test_weights_are_kept_of_the_best_trials_whichever_direction_is_better(tmp_path):
    for direction in ("min", "max"):
        search = tuner(
            "RandomSearch",
            tmp_path / direction,
            Numbered([0.3], [0.1], [0.4], [0.2]),
            objective=keras_tuner.Objective("val_x", direction),
            max_trials=4,
            keep=2,
        )
        search.search(verbose=0)
        kept = {path.parent.name for path in (tmp_path / direction).rglob("checkpoint.weights.h5")}
        assert kept == ({"trial_1", "trial_3"} if direction == "min" else {"trial_0", "trial_2"})
        best = [row["trial"] for row in search.leaderboard()]
        assert best == ["1", "3", "0", "2"][:: 1 if direction == "min" else -1]


def compiled(hp):
    model = build(hp)
    model.compile(model.optimizer, loss="mse")
    return model


@pytest.mark.full
def test_training_graphs_are_let_go_of(tmp_path, monkeypatch):
    monkeypatch.undo()  # garbage is to be collected
    graphs = []

    class Graphs(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            graphs.append(sum(isinstance(thing, tf.Graph) for thing in gc.get_objects()))

    search = tuner("RandomSearch", tmp_path, compiled, max_trials=4)
    search.search(X, Y, epochs=1, callbacks=[Graphs()], **FIT)
    assert graphs[3] <= graphs[1]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_memory_stays_flat_over_100_trials(tmp_path, monkeypatch):
    monkeypatch.undo()
    megabytes = []

    class Memory(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
            megabytes.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)

    search = tuner("RandomSearch", tmp_path, compiled, max_trials=100)
    search.search(X, Y, epochs=1, callbacks=[Memory()], **FIT)
    assert len(megabytes) == 100
    assert megabytes[99] - megabytes[19] < 0.25 * 80  # stock KerasTuner: 3.7 MB a trial


def test_files(tmp_path):
    search = tuner("RandomSearch", tmp_path, max_trials=1)
    search.search(X, Y, epochs=1, **FIT)
    names = sorted(
        str(path.relative_to(tmp_path / "search")) for path in tmp_path.rglob("*") if path.is_file()
    )
    assert names == [
        ".lock",
        "search.json",
        "search.json.copy",
        *(
            f"trial_0/{name}"
            for name in ("build_config.json", "build_config.json.copy", "checkpoint.weights.h5")
        ),
        *(
            f"trial_0/{name}"
            for name in ("run.json", "run.json.copy", "trial.json", "trial.json.copy")
        ),
    ]
    run = json.loads((tmp_path / "search" / "trial_0" / "run.json").read_text())
    assert run["epochs"] == 1
    assert run["seconds"] > 0
