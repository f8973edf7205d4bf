"""What is tried next: no repetition on finite spaces, good points soon, and at a small cost."""

import math
import time

import keras_tuner
import numpy as np
import pytest
from scipy import stats

from recipes.tuning import gaussian_process
from tests.tuning import tiny


def sixteen():
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", ["p", "q"])
    hp.Int("b", 0, 3, default=1)
    hp.Boolean("c")
    return hp


@pytest.mark.parametrize("kind", ["BayesianOptimization", "RandomSearch", "GridSearch"])
def test_finite_space_is_covered_once(kind, tmp_path, capsys):
    def function(values):
        return values["b"] + (values["a"] == "p") + 0.5 * values["c"]

    tuner = tiny.fake(kind, tmp_path, function, hyperparameters=sixteen(), max_trials=30)
    tuner.search()
    assert len(tuner.calls) == 16
    assert len({tuple(sorted(values.items())) for _, values in tuner.calls}) == 16
    last = capsys.readouterr().out.splitlines()[-1]
    assert (
        last == "All points of the search space are tried: the search ends after 16 of 30 trials."
    )


@pytest.mark.parametrize("kind", ["BayesianOptimization", "RandomSearch", "Hyperband"])
def test_first_points_come_right_after_the_defaults(kind, tmp_path):
    points = [{}, {"a": "q"}, {"b": 3, "c": True}]
    tuner = tiny.fake(
        kind,
        tmp_path,
        lambda values: values["b"],
        hyperparameters=sixteen(),
        first_points=points,
        **({"max_epochs": 9} if kind == "Hyperband" else {"max_trials": 5}),
    )
    tuner.search(verbose=0)
    tried = [tuple(values[name] for name in "abc") for _, values in tuner.calls[:4]]
    assert tried[:3] == [("p", 1, False), ("q", 1, False), ("p", 3, True)]
    assert tried[3] not in tried[:3]


def test_conditional_points(tmp_path):
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("depth", 1, 3)
    tuner = tiny.fake(
        "RandomSearch", tmp_path, lambda values: 1.0, hyperparameters=hp, max_trials=20
    )
    tuner.search(verbose=0)
    tried = sorted(str(values) for _, values in tuner.calls)
    assert tried == [
        "{'kind': 'a'}",
        *(f"{{'kind': 'b', 'depth': {depth}}}" for depth in (1, 2, 3)),
    ]


def test_bayesian_beats_random(tmp_path):
    """On a smooth function of four numbers, with half the trials."""

    def space():
        hp = keras_tuner.HyperParameters()
        for name in "abcd":
            hp.Float(name, 0.0, 1.0, default=0.9)
        return hp

    def bowl(values):
        return sum(
            (values[name] - place) ** 2
            for name, place in zip("abcd", (0.2, 0.7, 0.4, 0.6), strict=True)
        )

    best = {}
    for kind, trials in (("BayesianOptimization", 15), ("RandomSearch", 30)):
        best[kind] = []
        for seed in (0, 1, 2):
            folder = tmp_path / f"{kind}{seed}"
            tuner = tiny.fake(
                kind, folder, bowl, hyperparameters=space(), max_trials=trials, seed=seed
            )
            tuner.search(verbose=0)
            best[kind].append(tuner.oracle.get_best_trials()[0].score)
    assert np.median(best["BayesianOptimization"]) < 0.5 * np.median(best["RandomSearch"])


def test_bayesian_after_failures_and_with_max(tmp_path):
    def function(values):
        if values["units"] == 8:
            raise MemoryError("too large")
        return -tiny.score(values)

    tuner = tiny.fake("BayesianOptimization", tmp_path, function, max_trials=14, direction="max")
    tuner.search(verbose=0)
    trials = list(tuner.oracle.trials.values())
    guided = trials[
        next(i for i in range(14) if sum(t.status == "COMPLETED" for t in trials[:i]) == 5) :
    ]
    assert sum(trial.status == "FAILED" for trial in guided) <= 2  # it has learnt where not to go
    best = tuner.oracle.get_best_trials(14)
    assert best[0] in guided
    assert best[0].score == max(trial.score for trial in best) > trials[0].score + 1.0


def six():
    hp = keras_tuner.HyperParameters()
    for number in range(4):
        hp.Float(f"x{number}", 0.0, 1.0)
    hp.Int("n", 1, 64)
    hp.Choice("c", ["a", "b", "c"])
    return hp


def after(folder, trials):
    """A random search with so many trials, and its score."""

    def function(values):
        return (
            sum((values[f"x{n}"] - 0.3) ** 2 for n in range(4))
            + abs(values["n"] - 20) / 50
            + (values["c"] != "b")
        )

    tuner = tiny.fake("RandomSearch", folder, function, hyperparameters=six(), max_trials=trials)
    tuner.search(verbose=0)
    return tuner


def test_cost_of_a_bayesian_proposal(tmp_path):
    done = after(tmp_path / "random", 200).oracle
    oracle = tiny.fake("BayesianOptimization", tmp_path / "bayes", hyperparameters=six()).oracle
    oracle.trials, oracle.start_order, oracle._tried_so_far = (
        done.trials,
        done.start_order,
        done._tried_so_far,
    )
    begun = time.process_time()
    values = oracle.populate_space("200")["values"]
    assert time.process_time() - begun < 2.0
    assert values.keys() == six().values.keys()


@pytest.mark.slow
def test_cost_of_a_random_trial(tmp_path, monkeypatch):
    # Waiting for the disk is not counted, and takes minutes.
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    tuner = after(tmp_path, 1_000)
    begun = time.process_time()
    more = tiny.fake(
        "RandomSearch", tmp_path, lambda values: 1.0, hyperparameters=six(), max_trials=1_020
    )
    assert time.process_time() - begun < 5.0
    assert len(more.oracle.trials) == len(tuner.oracle.trials) == 1_000
    begun = time.process_time()
    for _ in range(20):
        trial = more.oracle.create_trial("tuner0")
        more.oracle.update_trial(trial.trial_id, {"score": 1.0})
        trial.status = "COMPLETED"
        more.oracle.end_trial(trial)
    assert (time.process_time() - begun) / 20 < 0.1


def test_the_process_finds_out_which_coordinates_matter():
    points = np.random.default_rng(1).random((25, 5))
    process = gaussian_process.fit(points, np.sin(5 * points[:, 0]) + points[:, 1] ** 2)
    lengths = process.kernel_.k1.k2.length_scale
    assert lengths[:2].max() < lengths[2:].min()


def test_acquisition():
    rng = np.random.default_rng(0)
    points = rng.random((30, 2))
    scores = ((points - 0.4) ** 2).sum(axis=1)
    process = gaussian_process.fit(points, scores)
    new = rng.random((50, 2))
    merit = gaussian_process.merit(process, new)
    mean, deviation = process.predict(new, return_std=True)
    deviation = np.sqrt(
        np.maximum(
            deviation**2 - process.kernel_.k2.noise_level * process._y_train_std**2,
            1e-12 * scores.var(),
        )
    )
    z = (process.predict(points).min() - mean) / deviation
    improvement = deviation * (z * stats.norm.cdf(z) + stats.norm.pdf(z))
    usual = z > -5
    assert usual.any()
    np.testing.assert_allclose(merit[usual], np.log(improvement[usual]), rtol=1e-4)
    assert np.isfinite(merit).all()
    assert np.corrcoef(mean, ((new - 0.4) ** 2).sum(axis=1))[0, 1] > 0.99


def test_hyperband_schedule(tmp_path):
    """Brackets and epochs of Li et al. for 9 epochs, factor 3; the best third goes on."""
    tuner = tiny.fake("Hyperband", tmp_path)
    tuner.search(verbose=0)
    rounds = {}
    for _, values in tuner.calls:
        key = (
            values["tuner/bracket"],
            values["tuner/round"],
            values["tuner/initial_epoch"],
            values["tuner/epochs"],
        )
        rounds[key] = rounds.get(key, 0) + 1
    assert rounds == {
        (2, 0, 0, 1): 9,
        (2, 1, 1, 3): 3,
        (2, 2, 3, 9): 1,
        (1, 0, 0, 3): 5,
        (1, 1, 3, 9): 2,
        (0, 0, 0, 9): 3,
    }
    first = [
        trial
        for trial in tuner.oracle.trials.values()
        if trial.hyperparameters.values["tuner/bracket"] == 2
    ]
    beginners = sorted(
        (t.score, t.trial_id) for t in first if t.hyperparameters.values["tuner/round"] == 0
    )
    promoted = {
        t.hyperparameters.values["tuner/trial_id"]
        for t in first
        if t.hyperparameters.values["tuner/round"] == 1
    }
    assert promoted == {trial_id for _, trial_id in beginners[:3]}


def test_hyperband_on_a_small_space(tmp_path):
    """KerasTuner ends without promoting anybody when it finds no untried values."""
    hp = keras_tuner.HyperParameters()
    hp.Int("n", 0, 4)
    tuner = tiny.fake("Hyperband", tmp_path, lambda values: values["n"], hyperparameters=hp)
    tuner.search(verbose=0)
    longest = [
        values
        for _, values in tuner.calls
        if values["tuner/epochs"] == 9 and values["tuner/bracket"] == 2
    ]
    assert [values["n"] for values in longest] == [0]


def test_hyperband_with_failures_ends(tmp_path):
    def function(values):
        if values["units"] in (6, 8):
            raise ValueError("no")
        return tiny.score(values)

    tuner = tiny.fake("Hyperband", tmp_path, function)
    tuner.search(verbose=0)
    assert (
        max(values["tuner/epochs"] for _, values in tuner.calls if values["tuner/bracket"] == 2)
        == 9
    )


@pytest.mark.parametrize("kind", ["RandomSearch", "GridSearch", "Hyperband"])
def test_most_trials(kind, tmp_path):
    """A bound that a search reaches, so nobody waits for more."""
    tuner = tiny.fake(kind, tmp_path, lambda values: 1.0, hyperparameters=sixteen(), max_trials=30)
    tuner.search(verbose=0)
    assert tuner.oracle.most_trials() == len(tuner.calls) == (23 if kind == "Hyperband" else 16)
    fewer = tiny.fake(kind, tmp_path / "b", hyperparameters=sixteen(), max_trials=5)
    assert fewer.oracle.most_trials() == (23 if kind == "Hyperband" else 5)


def test_most_trials_of_a_search_without_end(tmp_path):
    assert tiny.fake("RandomSearch", tmp_path / "a", max_trials=None).oracle.most_trials() is None
    assert (
        tiny.fake("Hyperband", tmp_path / "b", hyperband_iterations=None).oracle.most_trials()
        is None
    )


@pytest.mark.parametrize("direction", ["min", "max"])
def test_hyperband_promotes_only_who_is_sure_to_be_among_the_best(direction, tmp_path):
    """With five workers that end in turn, and each newcomer better than all before."""
    oracle = tiny.fake("Hyperband", tmp_path, direction=direction).oracle
    sign = 1 if direction == "max" else -1
    running, begun = {}, 0
    while True:
        for worker in "abcde":
            if worker in running:
                trial = running.pop(worker)
                oracle.update_trial(trial.trial_id, {"score": sign * float(int(trial.trial_id))})
                trial.status = "COMPLETED"
                oracle.end_trial(trial)
            trial = oracle.create_trial(worker)
            if trial.status == "RUNNING":
                running[worker] = trial
                begun += 1
        if not running:
            break
    rounds = {}
    for trial in oracle.trials.values():
        values = trial.hyperparameters.values
        rounds.setdefault((values["tuner/bracket"], values["tuner/round"]), []).append(trial)
    assert begun == oracle.most_trials()
    for (bracket, number), trials in rounds.items():
        if number == 0:
            continue
        past = sorted(
            rounds[bracket, number - 1], key=lambda trial: sign * trial.score, reverse=True
        )
        promoted = {trial.hyperparameters.values["tuner/trial_id"] for trial in trials}
        assert promoted == {trial.trial_id for trial in past[: len(trials)]}


def test_nothing_that_is_no_number_is_among_the_best(tmp_path):
    """Even where a record says it was completed, as one of another version might."""
    tuner = tiny.fake("RandomSearch", tmp_path, max_trials=4)
    tuner.search(verbose=0)
    for direction in ("min", "max"):
        tuner.oracle.objective.direction = direction
        for number, score in enumerate((math.nan, 0.5, math.inf, -math.inf)):
            tuner.oracle.trials[str(number)].score = score
        assert [trial.score for trial in tuner.oracle.get_best_trials(4)] == [0.5]


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("direction", ["min", "max"])
def test_a_trial_that_is_reported_without_a_number_has_failed(score, direction, tmp_path):
    """As by a worker with a tuner of its own."""
    oracle = tiny.fake("RandomSearch", tmp_path, direction=direction).oracle
    for value in (0.5, score):
        trial = oracle.create_trial("worker")
        oracle.update_trial(trial.trial_id, {"score": value})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    assert [trial.status for trial in oracle.trials.values()] == ["COMPLETED", "FAILED"]
    assert oracle.trials["1"].message == f"score is {score}"
    assert [trial.score for trial in oracle.get_best_trials(2)] == [0.5]
