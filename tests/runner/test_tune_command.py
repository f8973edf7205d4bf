"""`tune`: what it refuses, what it leaves, and what it takes for it or its workers to be killed."""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time
import types

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from recipes._runner import (
    earlier_search,
    output,
    search,
    search_objective,
    search_reporter,
    training,
    tune_command,
    tune_results,
    worker_pool,
)
from recipes._runner.recipe import Recipe, all_recipes, find
from tests.runner import tiny, tiny_recipe


def tune(folder, *flags, recipe="tiny"):
    return tiny.main(["tune", recipe, "--output", str(folder), *flags])


def leaderboard(folder, tuner):
    return json.loads((folder / f"tuning-{tuner}" / "leaderboard.json").read_text())


def test_an_ensemble_of_an_earlier_search_does_not_stay_beside_the_new_winner(tmp_path, capsys):
    tune_results.remove_older_ensemble(tmp_path)
    assert capsys.readouterr().out == ""
    (tmp_path / "ensemble").mkdir()
    (tmp_path / "ensemble" / "model.keras").touch()
    tune_results.remove_older_ensemble(tmp_path)
    assert not (tmp_path / "ensemble").exists()
    assert "which was of an earlier search" in capsys.readouterr().out


def plan(module="tests.runner.tiny_recipe", **changes):
    keywords = {
        "recipe": "tiny",
        "module": module,
        "epochs": 2,
        "variant": None,
        "defaults": {},
        "arguments": {},
        "data": {},
        "choice": {},
        "precision": "auto",
        "smoke": False,
        "tuner": "RandomSearch",
        "objective": ["val_accuracy", "max"],
        "tuner_arguments": {"max_trials": 3, "seed": 0},
    }
    return search.SearchPlan(**{**keywords, **changes})


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5h", 5400)]
)
def test_durations(text, seconds):
    assert tune_command.duration(text) == seconds


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--time-limit", "soon"], "time such as 90s, 30m or 2h"),
        (["--trial-time-limit", "0"], "time such as"),
        (["--trials", "0"], "positive whole number"),
        (["--tuner", "magic"], "magic"),
        (["--tuner", "hyperband", "--trials", "3"], "follows from --epochs"),
        (
            ["--tuner", "hyperband", "--prune", "median"],
            "--prune does not go with --tuner hyperband",
        ),
        (["--set", "unit=3"], "did you mean units"),
        (["--variant", "big"], "tiny has no such variant; it has no variants"),
        (["--seed", "-1"], "invalid whole number from 0 to 4294967295 value: '-1'"),
        (["--seed", str(2**32)], "invalid whole number from 0 to 4294967295 value"),
        (
            ["--device", "tpu", "--workers", "2"],
            "--workers 2: only one process at a time can use a TPU",
        ),
        (["--objective", "val_loss:small"], "write val_loss:min or val_loss:max"),
        (["--objective", "val_acuracy"], "what there is: accuracy, loss, val_accuracy, val_loss"),
    ],
)
def test_wrong_flags_get_one_line_and_status_2(flags, said, tmp_path, capsys):
    assert tune(tmp_path, *flags) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]


def test_a_recipe_that_trains_nothing_is_refused(tmp_path, capsys):
    assert tune(tmp_path, recipe="im2col") == 2
    assert "there is nothing to search" in capsys.readouterr().err


def test_a_device_that_is_not_there_is_refused_before_anything_is_touched(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [])
    assert tune(tmp_path, "--device", "gpu", "--fresh") == 2
    assert "--device gpu: TensorFlow sees no GPU here" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    trials = search.recipe_model(plan(), "gpu")
    trials.known = True
    with pytest.raises(tune_command.UserError, match="--device gpu"):  # it reaches the trials
        trials.build(keras_tuner.HyperParameters())


@pytest.mark.parametrize("flags", [[], ["--objective", "val_loss"]])
def test_defaults_that_cannot_be_built_are_one_line_and_touch_nothing(flags, tmp_path, capsys):
    given = ["--set", "kind=raises", "--fresh", *flags]
    assert tune(tmp_path, "--tuner", "grid", *given, recipe="deadly") == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.endswith("kind='raises' (default 'good'): ValueError: this never works")
    assert not list(tmp_path.iterdir())


def test_the_recipes_own_metric_is_the_objective():
    assert search_objective.objective(tiny_recipe, None, 1, {}, {}) == ("val_accuracy", "max")
    assert search_objective.objective(tiny_recipe, "val_loss", 1, {}, {}) == ("val_loss", "min")
    assert search_objective.objective(tiny_recipe, "val_accuracy:min", 1, {}, {}) == (
        "val_accuracy",
        "min",
    )
    # A search for the worst GAN.
    own = types.SimpleNamespace(OBJECTIVE=("val_frechet_distance", "min"))
    assert search_objective.objective(own, "val_frechet_distance", 1, {}, {}) == (
        "val_frechet_distance",
        "min",
    )
    assert search_objective.objective(own, None, 1, {}, {}) == ("val_frechet_distance", "min")
    with pytest.raises(
        tune_command.UserError, match=r'OBJECTIVE = \("val_x", "min"\) or \("val_x", "max"\)'
    ):
        search_objective.objective(types.SimpleNamespace(OBJECTIVE="val_x"), None, 1, {}, {})


def test_every_recipe_says_which_direction_of_its_objective_is_better():
    for recipe in all_recipes():
        if recipe.trains and hasattr(recipe.module, "OBJECTIVE"):
            name, direction = training.monitored(recipe.module, None)
            errors = re.search(r"loss|mse|mae|distance|bits|error|off|kl", name)
            assert direction == ("min" if errors else "max"), recipe.name


def maestro_accuracy(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(keras.ops.cast(y_true, y_pred.dtype) - y_pred))


@pytest.mark.parametrize(
    ("metric", "direction"),
    [
        *[
            (name, "min")
            for name in ("mae", "mape", "hinge", "kl_divergence", "poisson", "binary_crossentropy")
        ],
        *[(name, "max") for name in ("accuracy", "binary_accuracy", "cosine_similarity")],
        (keras.metrics.R2Score(name="r2"), "max"),
        (keras.metrics.RootMeanSquaredError(name="high_is_bad"), "min"),
        (keras.metrics.AUC(name="error"), "max"),  # whatever it is called
        (keras.metrics.MeanIoU(2, name="overlap"), "max"),
        # Keras does not say, and no guess is made from a name.
        (maestro_accuracy, None),
        (keras.metrics.TruePositives(), None),
    ],
)
def test_the_compiled_metric_says_whether_more_is_better(metric, direction):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse", metrics=[metric])
    x, y = np.ones((4, 2)), np.ones((4, 1))
    model.compute_metrics(x, y, model(x), None)
    name = next(name for name in model.get_metrics_result() if name != "loss")
    assert search_objective.better(f"val_{name}", model) == direction
    assert search_objective.better("val_loss", model) == "min"


@pytest.mark.parametrize(
    ("name", "direction"),
    [("val_psnr", "max"), ("frechet_distance", "min"), ("acc", None), ("val_my_error", None)],
)
def test_metrics_of_callbacks_have_the_direction_of_the_results(name, direction):
    assert search_objective.better(name, keras.Sequential()) == direction


def test_an_objective_of_which_nobody_knows_the_direction_is_refused(monkeypatch):
    build_model = tiny_recipe.build_model

    def with_its_own_metric(**given):
        model = build_model(**given)
        model.compile("adam", "binary_crossentropy", metrics=[maestro_accuracy])
        return model

    monkeypatch.setattr(tiny_recipe, "build_model", with_its_own_metric)
    with pytest.raises(tune_command.UserError, match="write val_maestro_accuracy:min or "):
        search_objective.objective(tiny_recipe, "val_maestro_accuracy", 1, {}, {})
    found = search_objective.objective(tiny_recipe, "val_maestro_accuracy:min", 1, {}, {})
    assert found == ("val_maestro_accuracy", "min")


def test_metrics_of_several_outputs_have_a_direction():
    inputs = keras.Input((2,))
    outputs = [
        keras.layers.Dense(1, name="left")(inputs),
        keras.layers.Dense(1, name="right")(inputs),
    ]
    model = keras.Model(inputs, outputs)
    model.compile(loss=["mse", "mse"], metrics=[["mae"], [keras.metrics.R2Score(name="r2")]])
    x, y = np.ones((4, 2)), [np.ones((4, 1))] * 2
    model.compute_metrics(x, y, model(x), None)
    assert [search_objective.better(name, model) for name in ("val_left_mae", "val_right_r2")] == [
        "min",
        "max",
    ]


def test_what_is_set_is_not_searched_and_a_variant_is_where_the_search_starts():
    def space(**changes):
        described = plan(**changes)
        return search.space(search.recipe_model(described), described)

    assert space().get("units") == 8
    started = space(defaults={"units": 12})
    assert started.get("units") == 12
    assert isinstance(started.space[0], keras_tuner.engine.hyperparameters.Int)
    # 5 is not on the grid.
    for fixed in (
        space(arguments={"units": 16}),
        space(defaults={"units": 5}),
    ):
        assert isinstance(fixed.space[0], keras_tuner.engine.hyperparameters.Fixed)


def test_another_search_in_the_folder_is_refused(tmp_path):
    tune_command.output.write_json(tmp_path / "plan.json", tune_command.dataclasses.asdict(plan()))
    tune_command.refuse_another(plan(), tmp_path)
    # More of the same.
    tune_command.refuse_another(plan(tuner_arguments={"max_trials": 30, "seed": 0}), tmp_path)
    with pytest.raises(tune_command.UserError, match="epochs 2 there, 5 here"):
        tune_command.refuse_another(plan(epochs=5), tmp_path)
    with pytest.raises(tune_command.UserError, match="seed 0 there, 1 here"):
        tune_command.refuse_another(plan(tuner_arguments={"max_trials": 3, "seed": 1}), tmp_path)


@pytest.mark.timeout(900)  # five trainings, each in a process of its own
def test_a_search_leaves_its_results_and_the_lines_that_build_the_winner(
    tmp_path, capsys, monkeypatch, fresh_python
):
    """On a recipe where steps, training set and batch size decide on the weights."""

    def run(command, **_):
        assert command[0] == sys.executable
        return fresh_python(*command[1:])

    monkeypatch.setattr(tune_results.subprocess, "run", run)
    monkeypatch.setattr(search_reporter, "PROGRESS", 0.0)
    flags = ["--epochs", "3", "--variant", "bent", "--tuner", "random", "--workers", "3"]
    assert tune(tmp_path, *flags, "--trials", "2", recipe="scheduled") == 0
    said = capsys.readouterr().out
    folder, tuned = tmp_path / "tuning-random", tmp_path / "tuned"
    rows = leaderboard(tmp_path, "random")
    assert [row["hyperparameters"]["batch_size"] for row in rows] == [10, 50]  # the defaults lose
    assert rows[1]["trial"] == "0"

    assert "Trial 1 of 2: val_loss " in said
    assert f"; best {rows[0]['score']:.5g} (trial 2)" in said
    assert (
        f"    {rows[0]['score']:<10.5g} trial 2: batch_size=10\n"
        f"    {rows[1]['score']:<10.5g} trial 1:" in said
    )
    assert re.search(r"  trial [12]: epoch [123] of 3, loss [\d.e-]+, val_loss [\d.e-]+", said)
    assert len(list(folder.glob("worker-*.log"))) == 2  # no more than there are trials
    left = {path.name for path in folder.iterdir()}
    assert {
        "leaderboard.csv",
        "best.py",
        "best_so_far.png",
        "hyperparameters.png",
        "parallel_coordinates.png",
    } <= left
    assert not {"final", earlier_search.EARLIER} & left

    metrics = json.loads((tuned / "metrics.json").read_text())
    assert metrics["arguments"] == {"power": 2, "batch_size": 10}
    assert json.loads((tuned / "defaults" / "metrics.json").read_text())["arguments"] == {
        "power": 2
    }
    card = (tuned / "README.md").read_text()
    assert "keras.saving.load_model(" in card
    assert "| batch_size |  | 10 |" in card
    # That is the defaults' column.
    assert f"| loss, test set | {metrics['scores']['loss']:.4g}" not in card
    assert f"| {metrics['scores']['loss']:.4g} |" in card
    assert (tuned / "defaults" / "model.keras").exists()

    lines = (folder / "best.py").read_text()
    assert "".join(f"    {line}\n" for line in lines.splitlines()) in said
    keras.backend.clear_session(free_memory=False)  # the names of what is built begin anew
    pasted = {}
    exec(lines, pasted)
    saved = keras.saving.load_model(tuned / "model.keras")
    assert pasted["model"].optimizer.get_config() == saved.optimizer.get_config()
    assert int(pasted["model"].optimizer.iterations) == int(saved.optimizer.iterations) == 3 * 20
    for trained, kept in zip(pasted["model"].get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_allclose(trained, kept, rtol=1e-4, atol=1e-6)


def test_the_lines_of_the_winner_set_its_precision_and_import_a_file_of_the_users(tmp_path):
    path = tmp_path / "mine.py"
    described = plan(module=str(path), precision="mixed_float16", epochs=7)
    lines = tune_results.python_lines(tiny_recipe, described, {"units": 4, "batch_size": 32})
    assert lines == [
        "import keras",
        "",
        "from mine import build_model, callbacks, load_data",
        "",
        "keras.config.set_dtype_policy('mixed_float16')",
        "train, validation, test = load_data(batch_size=32)",
        "model = build_model(units=4)",
        (
            "model.fit(train, validation_data=validation, epochs=7, shuffle=False, "
            "callbacks=callbacks())"
        ),
    ]


def test_the_lines_of_a_winner_with_class_weights_weigh_classes():
    labels = np.array([0, 0, 0, 1])
    given = {}
    train = tf.data.Dataset.from_tensor_slices((labels, labels)).batch(3)
    network = types.SimpleNamespace(fit=lambda *_, **keywords: given.update(keywords))
    for one_hot, targets in ((False, train), (True, train.map(lambda x, y: (x, tf.one_hot(y, 2))))):
        values = {"units": 4, "class_weights": "balanced"}
        lines = tune_results.python_lines(tiny_recipe, plan(), values, one_hot)
        code = "\n".join(line for line in lines if " import build_model" not in line)
        load = lambda targets=targets: (targets, None, None)  # noqa: E731
        names = {"load_data": load, "build_model": lambda units: network}
        exec(code, names | {"callbacks": list})
        assert given.pop("class_weight") == pytest.approx({0: 4 / 6, 1: 4 / 2})
    lines = tune_results.python_lines(tiny_recipe, plan(), {"units": 4, "class_weights": "none"})
    assert not any("weight" in line for line in lines)


def test_all_that_was_typed_reaches_the_trials_and_the_training_of_the_winner(
    tmp_path, monkeypatch
):
    """Not the collection's recipe of that name, nor another device, precision, seed or data."""
    commands = []

    def run(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, stderr="")

    monkeypatch.setattr(tune_results.subprocess, "run", run)
    mine = Recipe("cnn_mnist", None, tmp_path / "cnn_mnist.py")
    parser = argparse.ArgumentParser()
    tune_command.add_arguments(parser)
    options = parser.parse_args([str(mine.path), "--device", "cpu", "--seed", "3"])
    described = plan(
        variant="wide",
        epochs=7,
        precision="mixed_bfloat16",
        choice={"data_dir": "/data", "stand_in": True},
    )
    tune_command.begin(described, None, options, tmp_path)
    assert json.loads((tmp_path / "limits.json").read_text())["device"] == "cpu"

    target = tmp_path / "tuned"
    values = {"units": 4, "class_weights": "balanced"}
    left = tune_results.train_and_test(
        mine, described, options, values, target, seed=3, all_data=True
    )
    assert left == target / "stand-in" / "wide"
    (command,) = commands
    assert shlex.join(command[len(tune_results.PROGRAM) :]) == (
        f"run {mine.path} --output {target} --force --class-weights balanced --seed 3 --epochs 7 "
        "--precision mixed_bfloat16 --device cpu --all-data --variant wide --set units=4 "
        "--data-dir /data --stand-in"
    )


@pytest.mark.parametrize("visible", [None, "2,5"])
def test_workers_and_the_last_trainings_get_one_gpu_each(visible, tmp_path, monkeypatch):
    """Of all that the machine has, or that CUDA_VISIBLE_DEVICES leaves."""
    names = ["0", "1"] if visible is None else visible.split(",")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [None, None])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    given = []

    def started(command, env, **_):
        given.append(env.get("CUDA_VISIBLE_DEVICES"))
        return subprocess.CompletedProcess(command, 0, stderr="")

    monkeypatch.setattr(tune_results.subprocess, "Popen", started)
    monkeypatch.setattr(tune_results.subprocess, "run", started)
    oracle = types.SimpleNamespace(most_trials=lambda: 5, end_order=[])
    server = types.SimpleNamespace(environment=lambda name: {})
    mine = Recipe("tiny", None, pathlib.Path(tiny_recipe.__file__))
    parser = argparse.ArgumentParser()
    tune_command.add_arguments(parser)
    for device in ("auto", "cpu"):
        options = parser.parse_args([str(mine.path), "--device", device, "--workers", "3"])
        worker_pool.WorkerPool(oracle, server, options, tmp_path).fill()
        described = plan(choice={"data_dir": None, "stand_in": False})
        tune_results.train_and_test(mine, described, options, {}, tmp_path, 0, False)
    assert given[:4] == [names[0], names[1], names[0], names[0]]
    assert given[4:] == [visible] * 4  # the CPU's have them as they were


@pytest.mark.parametrize(
    ("metric", "baseline", "scores", "best"),
    [
        ("accuracy", 0.8, [0.7, 0.75, 0.76], 0.76),
        ("accuracy", 0.8, [0.7, 0.81, 0.76], None),
        ("accuracy", 0.8, [0.8, 0.7], None),
        ("mae", 0.2, [0.4, 0.3], 0.3),
        ("mae", 0.2, [0.4, 0.1], None),
        ("found", 0.8, [0.7, 0.6], 0.7),  # its direction is the objective's
        ("other", 0.8, [0.7, 0.6], None),  # nobody knows it
    ],
)
def test_a_search_that_the_baseline_beats_is_told_so(metric, baseline, scores, best):
    noted = {"metric": metric, "baseline_name": "Forest", "baseline": {metric: baseline}}
    metrics = {
        label: noted | {"split": "test", "scores": {metric: score}}
        for label, score in zip(("defaults", "tuned", "ensemble"), scores, strict=False)
    }
    lines = tune_results.scores_in_words(plan(objective=["val_found", "max"]), metrics)
    assert lines[0] == f"defaults: {metric} {scores[0]:.4f} on the test set"
    assert lines[len(scores)] == f"Forest: {metric} {baseline:.4f}"
    said = f"Forest {baseline:.4f} is better than every network of this search"
    if best is None:
        assert len(lines) == len(scores) + 1
    else:
        assert lines[-1] == f"{said}, of which the best has {best:.4f}."
    metrics["tuned"] |= {"baseline": {}, "baseline_name": None}
    assert len(tune_results.scores_in_words(plan(), metrics)) == len(scores)


def test_trained_networks_without_a_finite_score_are_told_so():
    noted = {"metric": "mae", "baseline_name": "Forest", "baseline": {"mae": 0.2}, "split": "test"}
    metrics = {
        "defaults": noted | {"scores": {"mae": None}},  # as `run` writes NaN down
        "tuned": noted | {"scores": {"mae": 0.3}},
    }
    lines = tune_results.scores_in_words(plan(), metrics)
    assert lines[:3] == [
        "defaults: mae is no number on the test set",
        "tuned: mae 0.3000 on the test set",
        "Forest: mae 0.2000",
    ]
    assert lines[3].endswith("of which the best has 0.3000.")
    metrics["tuned"]["scores"] = {"mae": None}
    assert len(tune_results.scores_in_words(plan(), metrics)) == 3


@pytest.mark.usefixtures("coarse_pictures")
def test_failed_trials_stand_last_in_the_report(tmp_path, capsys):
    """Whatever their messages look like; a row of a failed trial has no score."""
    common = {"epochs": 2, "seconds": 1.0, "scores": []}
    messages = ["ValueError: [/job:worker] is [red] and not [3, 4]", None, "val_accuracy is nan"]
    rows = []
    for trial, score in enumerate((None, 0.5, None)):
        status = "COMPLETED" if score else "FAILED"
        row = {"rank": 1 if score else None, "trial": str(trial), "score": score, "status": status}
        row |= {"message": messages[trial], "hyperparameters": {"units": 4 + 4 * trial}}
        rows.append(common | row)
    rows.sort(key=lambda row: row["rank"] is None)
    tune_results.report_on(plan(), rows, tmp_path, None)
    assert "[/job:worker] is [red] and not [3, 4]" in " ".join(capsys.readouterr().out.split())
    written = json.loads((tmp_path / "leaderboard.json").read_text())
    assert [row["score"] for row in written] == [0.5, None, None]
    table = (tmp_path / "leaderboard.csv").read_text().splitlines()
    assert table[1].startswith("1,1,0.5,COMPLETED,")
    assert table[2].startswith(",0,,FAILED,")


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (".lock", tune_command.output.MARK)
    }


@pytest.fixture
def earlier(tmp_path):
    """The folder of a search that has found something."""
    folder = tmp_path / "tuning-bayesian"
    (folder / "trials" / "trial_00").mkdir(parents=True)
    for name in ("plan.json", "leaderboard.csv", "trials/trial_00/trial.json"):
        (folder / name).write_text(f"{name} of weeks")
    tune_command.output.mark(tmp_path)
    return folder


def begin_another(folder):
    (folder / "plan.json").write_text("new")
    (folder / "trials" / "trial_00").mkdir(parents=True)


def test_fresh_gives_up_the_earlier_search_only_for_a_completed_trial(earlier):
    before = files(earlier)
    record = earlier / "trials" / "trial_00" / "trial.json"
    for status in ("RUNNING", "FAILED"):
        earlier_search.set_aside(earlier)
        begin_another(earlier)
        record.write_text(json.dumps({"status": status}))
        assert not earlier_search.anything_found(earlier)
        earlier_search.put_back(earlier)
        assert files(earlier) == before
    earlier_search.set_aside(earlier)
    begin_another(earlier)
    record.write_text(json.dumps({"status": "COMPLETED"}))
    assert earlier_search.anything_found(earlier)
    earlier_search.confirm(earlier)
    assert set(files(earlier)) == {"plan.json", "trials/trial_00/trial.json"}
    assert (earlier / "plan.json").read_text() == "new"


def test_what_belongs_to_the_folder_is_no_earlier_search(tmp_path):
    """Else an interrupted search with --fresh would say that --fresh is still to be done."""
    output.mark(tmp_path)
    (tmp_path / ".lock").touch()
    earlier_search.set_aside(tmp_path)
    assert not (tmp_path / earlier_search.EARLIER).exists()
    assert (tmp_path / output.MARK).exists()


@pytest.mark.parametrize("renames", range(4))
def test_an_earlier_search_survives_a_kill_while_it_is_moved(renames, earlier, monkeypatch):
    """Killed after so many of three renames, there and back."""
    before, rename = files(earlier), os.rename

    def killed_after(number):
        done = iter(range(number))

        def counted(*paths):
            if next(done, None) is None:
                raise KeyboardInterrupt
            rename(*paths)

        monkeypatch.setattr(os, "rename", counted)

    killed_after(renames)
    with contextlib.suppress(KeyboardInterrupt):
        earlier_search.set_aside(earlier)
    assert not earlier_search.anything_found(earlier)
    killed_after(renames)
    with contextlib.suppress(KeyboardInterrupt):
        earlier_search.resolve(earlier)
    monkeypatch.undo()
    earlier_search.resolve(earlier)
    assert files(earlier) == before


def test_a_time_limit_before_the_first_trial_is_one_line_and_costs_nothing(earlier, capsys):
    before = files(earlier)
    assert tune(earlier.parent, "--time-limit", "1s", "--fresh", "--trials", "2") == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "--time-limit 1s: the time was over before a trial was completed" in lines[0]
    assert files(earlier) == before


@pytest.mark.parametrize("found", [False, True])
def test_ctrl_c_prints_the_line_that_continues(found, earlier, capsys, monkeypatch):
    before = files(earlier)

    def interrupted(plan, options, folder, keep):
        begin_another(folder)
        record = folder / "trials" / "trial_00" / "trial.json"
        record.write_text(json.dumps({"status": "COMPLETED" if found else "RUNNING"}))
        raise KeyboardInterrupt

    monkeypatch.setattr(tune_command, "search", interrupted)
    flags = ["--trials", "5", "--output", str(earlier.parent), "--set", "rate=0.1", "--fresh"]
    monkeypatch.setattr(sys, "argv", ["recipes", "tune", "tiny", *flags])
    assert tiny.main(sys.argv[1:]) == 130
    said = capsys.readouterr().out
    assert (
        "    python -m recipes "
        f"{shlex.join(['tune', 'tiny', *flags[:-1], *[flags[-1]] * (not found)])}\n" in said
    )
    assert (files(earlier) == before) != found


def test_a_search_on_other_than_the_real_data_keeps_to_its_folder(tmp_path):
    for flag, place in (("--stand-in", "stand-in"), ("--smoke", "smoke")):
        parser = argparse.ArgumentParser()
        tune_command.add_arguments(parser)
        options = parser.parse_args(["cnn_mnist", flag])
        assert tune_command.planned(find("cnn_mnist"), options, tmp_path)[1] == tmp_path / place


# With processes that die


def start(folder, *flags, recipe="tiny"):
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.runner.tiny",
            "tune",
            recipe,
            "--output",
            str(folder),
            *flags,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Whoever runs the tests in the background has SIGINT ignored; what they start inherits it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def workers(folder):
    """Processes that run trials of the search under `folder`."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
            if b"recipes._runner.search" in words and str(folder).encode() in words:
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def wait_until(condition, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_a_search_without_trials_to_come_ends_and_starts_no_worker(tmp_path):
    """The chief hears that it is over from workers that ask for more: here nobody asks."""
    oracle = types.SimpleNamespace(
        most_trials=lambda: 2, end_order=["0", "1"], ongoing_trials={}, get_best_trials=lambda _: []
    )
    server = types.SimpleNamespace(finished=lambda: False)
    options = types.SimpleNamespace(workers=1, device="cpu", trial_time_limit=None, time_limit=None)
    pool = worker_pool.WorkerPool(oracle, server, options, tmp_path)
    pool.start = lambda place: pytest.fail("nothing is left to run")
    updates = []
    pool.run(types.SimpleNamespace(update=updates.append))
    assert updates


def test_a_search_from_before_variants_were_tried_first_is_continued(tmp_path):
    begun = dataclasses.asdict(plan())
    del begun["first"]
    (tmp_path / "plan.json").write_text(json.dumps(begun))
    tune_command.refuse_another(plan(first=[{"kind": "linear"}]), tmp_path)
    with pytest.raises(output.UserError, match="another search"):
        tune_command.refuse_another(plan(epochs=3), tmp_path)


@pytest.mark.parametrize("completed", [True, False])
def test_at_the_time_limit_running_trials_are_left_if_any_is_completed(completed, tmp_path, capsys):
    ongoing = {"worker-0-0": types.SimpleNamespace(trial_id="0003")}
    oracle = types.SimpleNamespace(
        most_trials=lambda: None,
        end_order=[],
        ongoing_trials=ongoing,
        get_best_trials=lambda _: ["best"] if completed else [],
    )
    server = types.SimpleNamespace(finished=lambda: False)
    options = types.SimpleNamespace(workers=1, device="cpu", trial_time_limit=None, time_limit=0.1)
    pool = worker_pool.WorkerPool(oracle, server, options, tmp_path)
    pool.workers[0] = types.SimpleNamespace(name="worker-0-0", poll=lambda: None)
    updates = []

    def update(_):
        updates.append(dict(ongoing))
        if len(updates) > 5:  # the trial ends, and so does its worker
            ongoing.clear()
            pool.workers.clear()

    pool.run(types.SimpleNamespace(update=update))
    said = capsys.readouterr().out
    if completed:
        assert "trial 4 not finished; the same command with more time continues" in said
        assert updates[-1] == ongoing != {}
    else:
        assert "no new trial is started" in said
        assert updates[-1] == {}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_trials_that_kill_hang_raise_or_diverge_fail_and_the_search_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(worker_pool, "GRACE", 5)
    assert tune(tmp_path, "--tuner", "grid", "--trial-time-limit", "60s", recipe="deadly") == 0
    rows = {row["hyperparameters"]["kind"]: row for row in leaderboard(tmp_path, "grid")}
    assert {kind for kind, row in rows.items() if row["status"] == "COMPLETED"} == {
        "good",
        "also good",
    }
    assert "killed, by the system for want of memory or by someone" in rows["kills"]["message"]
    assert "it hung: still running after 65 s" in rows["hangs"]["message"]
    assert "this never works" in rows["raises"]["message"]
    assert (
        "val_loss is nan" in rows["diverges"]["message"]
        or "val_loss is inf" in rows["diverges"]["message"]
    )


@pytest.mark.slow
def test_defaults_that_fail_end_the_search_with_their_error(tmp_path):
    process = start(
        tmp_path,
        "--tuner",
        "grid",
        "--set",
        "kind=raises",
        "--objective",
        "val_loss",
        recipe="deadly",
    )
    said = process.communicate(timeout=600)[0]
    assert process.returncode == 2
    assert "this never works" in said.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_an_interrupted_search_says_how_to_continue_and_does(tmp_path):
    flags = ["--tuner", "random", "--trials", "3", "--epochs", "3"]
    process = start(tmp_path, *flags, "--fresh")
    records = tmp_path / "tuning-random" / "trials"
    wait_until(
        lambda: any("COMPLETED" in p.read_text() for p in records.glob("trial_*/trial.json"))
    )
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=100)[0]
    assert process.returncode == 130
    line = next(line for line in said.splitlines() if line.startswith("    python -m recipes tune"))
    words = shlex.split(line)[3:]
    assert words == ["tune", "tiny", "--output", str(tmp_path), *flags]
    again = subprocess.run(
        [sys.executable, "-m", "tests.runner.tiny", *words], capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert "Continuing: " in again.stdout
    assert len(leaderboard(tmp_path, "random")) == 3


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_smoke_search_leaves_nothing_outside_its_folder(tmp_path):
    process = start(tmp_path, "--smoke", recipe="scheduled")
    assert process.wait(900) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"smoke", output.MARK}
    assert (tmp_path / "smoke" / "tuned" / "model.keras").exists()


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_its_trial_runs_again(tmp_path):
    process = start(tmp_path, "--tuner", "random", "--trials", "3", "--epochs", "3")
    wait_until(lambda: list(tmp_path.glob("tuning-random/trials/trial_*/trial.json")))
    os.kill(workers(tmp_path)[0], signal.SIGKILL)
    said = process.communicate(timeout=900)[0]
    assert process.returncode == 0, said
    assert [row["status"] for row in leaderboard(tmp_path, "random")] == ["COMPLETED"] * 3


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("tuner", ["random", "bayesian", "hyperband", "grid"])
def test_a_killed_search_continues_as_if_nothing_had_been(tuner, tmp_path):
    flags = ["--tuner", tuner, "--epochs", "3" if tuner == "hyperband" else "2", "--seed", "3"]
    flags += ["--trials", "5"] * (tuner in ("random", "bayesian"))
    whole = start(tmp_path / "whole", *flags)
    assert whole.wait(900) == 0
    process = start(tmp_path / "cut", *flags)
    done = tmp_path / "cut" / f"tuning-{tuner}" / "trials"
    wait_until(lambda: len(list(done.glob("trial_*/trial.json"))) >= 2)
    process.kill()
    process.wait()
    wait_until(lambda: not workers(tmp_path), 30)  # they notice that their chief is gone
    assert start(tmp_path / "cut", *flags).wait(900) == 0
    one, other = (leaderboard(tmp_path / name, tuner) for name in ("whole", "cut"))
    for row in (*one, *other):
        row.pop("seconds")
    assert one == other


@pytest.mark.slow
def test_two_workers_find_what_one_finds(tmp_path):
    flags = ["--tuner", "random", "--trials", "4", "--epochs", "2"]
    assert start(tmp_path / "one", *flags).wait(900) == 0
    assert start(tmp_path / "two", *flags, "--workers", "2").wait(900) == 0
    one, two = (
        {
            row["hyperparameters"]["units"]: row["score"]
            for row in leaderboard(tmp_path / name, "random")
        }
        for name in ("one", "two")
    )
    assert {units: score for units, score in one.items() if units in two} == {
        units: score for units, score in two.items() if units in one
    }
