"""`tune --data`: what is read, who learns from it, and what may be continued."""

import argparse

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from recipes._runner import cli, search, search_reporter, tune_command
from recipes._runner.recipe import find
from tests.runner.test_tune_command import leaderboard, start, wait_until, workers

KINDS = ("mlp", "linear", "residual", "attention")  # of automl_table


@pytest.fixture(autouse=True)
def eager():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
    keras.backend.clear_session(free_memory=False)


@pytest.fixture
def stones(tmp_path):
    """A table of 24 heavy and 6 light stones; what is heavy is large."""
    lines = ["size,color,weight"]
    for number in range(30):
        heavy = number % 5 > 0
        lines.append(
            f"{number / 10 + 5 * heavy},{'ab'[number % 2]},{'heavy' if heavy else 'light'}"
        )
    path = tmp_path / "stones.csv"
    path.write_text("\n".join(lines))
    return path


def options(*words):
    parser = argparse.ArgumentParser()
    tune_command.add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def begun(folder, *words):
    """Plan, data and folder of a search that has been begun."""
    given = options(*words)
    plan, place, own = tune_command.planned(find(given.recipe), given, folder)
    place.mkdir(parents=True, exist_ok=True)
    tune_command.begin(plan, own, given, place)
    return plan, own, place


def refusal(capsys):
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def test_trials_learn_from_what_the_chief_has_read(stones, tmp_path):
    given = ["--data", stones, "--set", "units=4", "--epochs", "1", "--class-weights", "balanced"]
    plan, own, place = begun(tmp_path / "out", "table_multiclass", *given)
    assert place == tmp_path / "out" / "own" / "stones"
    assert plan.own == {"path": str(stones), "digest": own.digest}
    stones.unlink()
    trials = search.recipe_model(plan, "cpu", place)
    hp = search.space(trials, plan)
    trials.known = True
    model = trials.build(hp)
    assert (model.input_shape, model.output_shape) == ((None, 3), (None, 2))
    for batches, rows in zip((trials.train, trials.validation), own.parts, strict=False):
        inputs = np.concatenate([x for x, _ in batches])
        assert sorted(inputs.tolist()) == sorted(own.inputs[rows].tolist())
    # 30 stones, 4 of 20 to train with are light.
    assert trials.class_weights == pytest.approx({0: 20 / (2 * 16), 1: 20 / (2 * 4)})
    given = {}
    model.fit = lambda *_, **keywords: given.update(keywords)
    trials.fit(hp, model)
    assert given["class_weight"] == trials.class_weights


def test_a_search_space_may_choose_class_weights(stones, tmp_path):
    """Of each trial anew; the same in all with --class-weights. Own data changes nothing."""
    words = ["--data", stones, "--epochs", "1", "--set", "kind=linear"]
    plan, _, place = begun(tmp_path / "out", "automl_table", *words)
    trials = search.recipe_model(plan, "cpu", place)
    hp = search.space(trials, plan)
    assert hp.get("class_weights") == "none"
    trials.known = True
    found = []
    for weights in ("none", "balanced", "none"):
        hp.values["class_weights"] = weights
        trials.build(hp)
        found.append(trials.class_weights)
    assert found == [None, pytest.approx({0: 20 / (2 * 16), 1: 20 / (2 * 4)}), None]
    always = ["--class-weights", "balanced"]
    plan, _, place = begun(tmp_path / "other", "automl_table", *words, *always)
    hp = search.space(search.recipe_model(plan, "cpu", place), plan)
    (fixed,) = (each for each in hp.space if each.name == "class_weights")
    assert (type(fixed).__name__, fixed.value) == ("Fixed", "balanced")


def test_a_target_of_numbers_is_predicted_as_one(stones, tmp_path):
    """The same kinds of networks, with a linear unit; there are no classes to weigh."""
    words = ["--data", stones, "--target", "size", "--epochs", "1", "--set", "units=32"]
    plan, own, place = begun(tmp_path / "out", "automl_table", *words)
    assert (own.form, plan.objective) == ("numbers", ["val_r2", "max"])
    targets = own.targets[own.parts[0]]
    assert (targets.mean(), targets.std()) == (
        pytest.approx(0, abs=1e-5),
        pytest.approx(1, rel=1e-5),
    )
    trials = search.recipe_model(plan, "cpu", place)
    hp = search.space(trials, plan)
    (weights,) = (each for each in hp.space if each.name == "class_weights")
    assert (type(weights).__name__, weights.value) == ("Fixed", "none")
    assert [each.values for each in hp.space if each.name == "kind"] == [list(KINDS)]
    for parameter in hp.space:  # of the other kinds, too
        hp.values.setdefault(parameter.name, parameter.default)
    trials.known = True
    for kind in KINDS:
        hp.values["kind"] = kind
        model = trials.build(hp)
        assert (model.output_shape, model.loss) == ((None, 1), "mse")


def test_what_means_nothing_for_the_data_is_not_shown(stones, tmp_path, capsys):
    """Numbers have no class weights: neither in the lines on the leaders nor in the leaderboard."""
    for target, shown in ("size", False), ("weight", True):
        words = ["--data", stones, "--target", target, "--epochs", "1", "--set", "units=32"]
        plan, _, place = begun(tmp_path / target, "automl_table", *words)
        tuner, _ = search.make_tuner(search.tuner_class(plan), plan, place)
        reporter = search_reporter.Reporter(tuner, plan, options("automl_table"), place)
        for worker in ("a", "b"):
            trial = tuner.oracle.create_trial(worker)
            tuner.oracle.update_trial(trial.trial_id, {plan.objective[0]: 0.5})
            trial.status = "COMPLETED"
            tuner.oracle.end_trial(trial)
        capsys.readouterr()
        reporter.update(tuner.oracle)
        said = capsys.readouterr().out
        assert "kind=mlp" in said
        assert ("class_weights=none" in said) == shown
        values = trial.hyperparameters.values
        assert ("class_weights" in search_reporter.searched(values, reporter.module, plan)) == shown


def test_labels_are_searched_without_class_weights(tmp_path):
    lines = ["text,label"] + [f"text {n},{['joy|love', 'joy', '|'][n % 3]}" for n in range(12)]
    path = tmp_path / "texts.csv"
    path.write_text("\n".join(lines))
    words = ["--data", path, "--epochs", "1", "--ensemble", "2"]
    plan, own, place = begun(tmp_path / "out", "automl_text", *words)
    assert (own.form, plan.objective) == ("labels", ["val_micro_f1", "max"])
    trials = search.recipe_model(plan, "cpu", place)
    hp = search.space(trials, plan)
    (weights,) = (each for each in hp.space if each.name == "class_weights")
    assert (type(weights).__name__, weights.value) == ("Fixed", "none")
    assert "head" not in hp.values
    trials.known = True
    model = trials.build(hp)
    assert (model.output_shape, model.loss) == ((None, 2), "binary_crossentropy")


def test_each_kind_of_network_is_tried_at_its_defaults_first(stones, tmp_path):
    words = ["--data", stones, "--epochs", "1", "--set", "units=32"]
    plan, _, place = begun(tmp_path / "out", "automl_table", *words)
    tuner, _ = search.make_tuner(search.tuner_class(plan), plan, place)
    kinds = []
    for worker in range(4):
        values = tuner.oracle.create_trial(str(worker)).hyperparameters.values
        kinds.append(values["kind"])
        assert values.get("depth", 2) == 2
    assert kinds == list(KINDS)


def test_the_start_that_was_asked_for_is_the_only_one(stones, tmp_path):
    words = ["--data", stones, "--epochs", "1", "--variant", "linear"]
    plan, _, _ = begun(tmp_path / "out", "automl_table", *words)
    assert plan.first == []


@pytest.mark.parametrize(
    ("values", "possible"),
    [
        ({}, True),
        ({"units": 8}, True),
        ({"rate": 0.05, "kind": "b"}, True),
        ({"units": 7}, False),
        ({"rate": 2.0}, False),
        ({"kind": "c"}, False),
        ({"fixed": 4}, False),
        ({"unknown": 1}, False),
    ],
)
def test_a_variant_may_lie_outside_the_search_space(values, possible):
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 4, 16, step=4)
    hp.Float("rate", 0.01, 1.0, sampling="log")
    hp.Choice("kind", ["a", "b"])
    hp.Fixed("fixed", 3)
    assert search.contains(hp, values) == possible


def test_what_only_the_recipes_own_data_takes_is_not_searched(stones, tmp_path):
    """The network's defaults are the start, as in `run`, unless a variant is asked for."""
    plan, _, place = begun(tmp_path / "out", "imbalanced", "--data", stones)
    assert (plan.variant, plan.defaults) == (None, {})
    hp = search.space(search.recipe_model(plan, "cpu", place), plan)
    kinds = {each.name: type(each).__name__ for each in hp.space}
    assert kinds.pop("weight") == "Fixed"  # of `load_data`
    assert "Fixed" not in kinds.values()
    variants = find("imbalanced").module.VARIANTS
    name = list(variants)[-1]
    plan, _, _ = begun(tmp_path / "other", "imbalanced", "--data", stones, "--variant", name)
    assert (plan.variant, plan.defaults) == (name, variants[name])


@pytest.mark.parametrize(
    ("recipe", "flags"),
    [
        ("cnn_cifar10", []),
        ("table_multiclass", ["--target", "mass"]),
        ("head_regression", []),
        ("xor", []),
        ("table_multiclass", ["--stand-in"]),
        ("table_multiclass", ["--set", "unit=3"]),
    ],
)
def test_data_that_does_not_fit_gets_the_line_that_run_gives(
    recipe, flags, stones, tmp_path, capsys
):
    lines = []
    for command in ("run", "tune"):
        flags = [*flags, "--data", str(stones), "--output", str(tmp_path / command)]
        assert cli.main([command, recipe, *flags]) == 2
        lines.append(refusal(capsys))
    assert lines[0] == lines[1]


def test_class_weights_without_classes_are_refused_before_the_search(stones, tmp_path, capsys):
    words = ["--data", str(stones), "--target", "size", "--class-weights", "balanced"]
    folder = tmp_path / "out"
    assert cli.main(["tune", "head_regression", *words, "--output", str(folder)]) == 2
    assert refusal(capsys).endswith("learns regression, which has no classes to weigh")
    assert not folder.exists()


def test_options_for_data_need_data(tmp_path, capsys):
    words = ["--target", "weight", "--output", str(tmp_path)]
    assert cli.main(["tune", "table_multiclass", *words]) == 2
    assert "--target is for data of yours" in refusal(capsys)


def test_an_interrupted_search_continues_on_the_same_data_only(
    stones, tmp_path, capsys, monkeypatch
):
    begun = []

    def interrupted(plan, options, folder, keep):
        begun.append(plan)
        raise KeyboardInterrupt

    monkeypatch.setattr(tune_command, "search", interrupted)
    output = str(tmp_path / "out")
    words = ["tune", "table_multiclass", "--data", str(stones), "--output", output]
    for _ in range(2):
        assert cli.main(words) == 130
    assert begun[0] == begun[1]
    capsys.readouterr()
    text = stones.read_text()
    stones.write_text(text.replace("0.5,", "0.6,"))
    assert cli.main(words) == 2
    line = refusal(capsys)
    assert "holds a search on other data than" in line
    assert "--fresh forgets it" in line
    stones.write_text(text)
    assert cli.main([*words, "--target", "color"]) == 2
    assert "holds a search on other data than" in refusal(capsys)
    assert cli.main(words) == 130
    assert len(begun) == 3


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_killed_search_on_ones_own_data_continues_as_if_nothing_had_been(stones, tmp_path):
    flags = ["--data", str(stones), "--tuner", "random", "--trials", "4", "--epochs", "2"]
    whole = start(tmp_path / "whole", *flags, recipe="table_multiclass")
    assert whole.wait(900) == 0
    process = start(tmp_path / "cut", *flags, recipe="table_multiclass")
    done = tmp_path / "cut" / "own" / "stones" / "tuning-random" / "trials"
    wait_until(lambda: len(list(done.glob("trial_*/trial.json"))) >= 2)
    process.kill()
    process.wait()
    wait_until(lambda: not workers(tmp_path), 30)
    assert start(tmp_path / "cut", *flags, recipe="table_multiclass").wait(900) == 0
    folders = [tmp_path / name / "own" / "stones" for name in ("whole", "cut")]
    one, other = (leaderboard(folder, "random") for folder in folders)
    for row in (*one, *other):
        row.pop("seconds")
    assert one == other
