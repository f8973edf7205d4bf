"""What is recorded is the mean and deviation over the seeds of real runs."""

import csv
import errno
import io
import json
import pathlib
import statistics
import subprocess

import pytest
import scipy.stats

from recipes._runner import cli, measure_command, pages, results
from recipes.tuning import storage

SCORES = {0: 0.98, 1: 0.97, 2: 0.99}


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Runs that only write their metrics; returns the commands they were started with."""
    commands = []

    def run(command, **_):
        commands.append(command)
        folder = pathlib.Path(command[command.index("--output") + 1])
        kind = "stand-in" if "--no-data" in commands[0] else "real"
        variant = command[command.index("--variant") + 1] if "--variant" in command else None
        place = "stand-in" if kind == "stand-in" else "own/photos" if "--data" in command else ""
        kind = "own" if "--data" in command else kind
        folder = folder / place / (variant or "")
        folder.mkdir(parents=True, exist_ok=True)
        metrics = {
            "recipe": "cnn_mnist",
            "variant": variant,
            "data": {"photos" if kind == "own" else "mnist": kind},
            "metric": "accuracy",
            "scores": {"accuracy": SCORES[int(command[command.index("--seed") + 1])], "loss": 0.1},
            "baseline": {"accuracy": 0.92},
            "baseline_name": "Logistic regression",
            "parameters": 29466,
            "trainable_parameters": 29354,
            "multiply_accumulates": 2_276_544,
            "activations": None,
            "fit_seconds": 60.0,
            "fit_cpu_seconds": 50.0,
            "hardware": "a computer, 2 cores",
        }
        (folder / "metrics.json").write_text(json.dumps(metrics))
        return subprocess.CompletedProcess(command, 0, stderr="")

    monkeypatch.setattr(measure_command.subprocess, "run", run)
    monkeypatch.setattr(measure_command, "size", lambda name: f"{name}, 21 MB")
    monkeypatch.setattr(results, "PATH", tmp_path / "results.csv")
    monkeypatch.setattr(pages, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr(pages, "README", tmp_path / "README.md")
    blocks = "<!-- results -->\n<!-- /results -->\n<!-- items -->\n<!-- /items -->\n"
    pages.README.write_text(blocks)
    monkeypatch.setattr(measure_command, "SAVED_MODELS", tmp_path / "saved_models")
    return commands


def test_mean_and_deviation_are_recorded_beside_the_baseline(runs):
    assert (
        cli.main(["measure", "cnn_mnist", "--seeds", "3", "--epochs", "10", "--set", "filters=8"])
        == 0
    )
    (row,) = results.read(results.PATH)
    assert float(row["mean"]) == pytest.approx(statistics.mean(SCORES.values()))
    assert float(row["deviation"]) == pytest.approx(statistics.stdev(SCORES.values()))
    assert (row["runs"], row["baseline_score"], row["data"]) == ("3", "0.92", "mnist, 21 MB")
    assert (row["multiply_accumulates"], row["activations"]) == ("2276544", "")
    assert row["command"] == 'make measure-cnn-mnist ARGS="--seeds 3 --epochs 10 --set filters=8"'
    assert "0.980 ± 0.010" in pages.RESULTS.read_text(encoding="utf8")
    assert [command[command.index("--seed") + 1] for command in runs] == ["0", "1", "2"]
    assert all("filters=8" in command for command in runs)


@pytest.mark.parametrize(
    ("hardware", "wall", "cpu", "expected"),
    [
        ("a computer, 1 of 2 cores", 900.0, 300.0, 300.0),  # other programs took two thirds
        ("a computer, 2 cores", 60.0, 110.0, 60.0),
        ("1 × a GPU", 60.0, 20.0, 60.0),
    ],
)
def test_time_that_other_programs_took_is_not_counted(hardware, wall, cpu, expected):
    metrics = {"hardware": hardware, "fit_seconds": wall, "fit_cpu_seconds": cpu}
    assert measure_command.training_seconds(metrics) == expected


def test_data_of_ones_own_is_recorded_beside(runs, tmp_path):
    words = ["--data", "../photos", "--skip-broken", "--class-weights", "balanced"]
    assert cli.main(["measure", "cnn_cifar10", "--seeds", "2", *words]) == 0
    assert not results.PATH.exists()
    place = tmp_path / "saved_models" / "cnn_cifar10" / "own" / "photos" / "results.csv"
    (row,) = results.read(place)
    assert (row["data"], row["runs"]) == ("photos", "2")
    assert all(set(words) <= set(command) for command in runs)
    said = '--data ../photos --skip-broken --class-weights balanced"'
    assert row["command"].endswith(said), row["command"]


def test_one_of_the_variants(runs):
    assert cli.main(["measure", "lstm", "--variant", "simple_rnn", "--seeds", "2"]) == 0
    (row,) = results.read(results.PATH)
    assert (row["recipe"], row["variant"], row["runs"]) == ("lstm", "simple_rnn", "2")
    assert row["command"] == 'make measure-lstm ARGS="--seeds 2 --variant simple_rnn"'
    assert all(command[-2:] == ["--variant", "simple_rnn"] for command in runs)


def test_other_scores_of_the_same_networks_are_rows_of_their_own(runs):
    assert cli.main(["measure", "cnn_mnist", "--seeds", "2", "--metric", "loss"]) == 0
    own, other = results.read(results.PATH)
    assert len(runs) == 2
    assert (own["metric"], own["command"]) == (
        "accuracy",
        'make measure-cnn-mnist ARGS="--seeds 2"',
    )
    assert (other["metric"], float(other["mean"]), other["baseline_score"]) == ("loss", 0.1, "")
    assert other["command"] == 'make measure-cnn-mnist ARGS="--seeds 2 --metric loss"'
    assert results.settings(other["command"]) == ""


def test_a_score_that_there_is_not_costs_none_of_the_others(runs, tmp_path, capsys):
    words = ["measure", "cnn_mnist", "--seeds", "2", "--metric", "recal", "--metric", "loss"]
    assert cli.main(words) == 2
    assert "--metric recal: cnn_mnist has the scores accuracy, loss" in capsys.readouterr().err
    assert [row["metric"] for row in results.read(results.PATH)] == ["accuracy", "loss"]
    # The runs are kept, so that the right name costs nothing.
    assert cli.main(["measure", "cnn_mnist", "--seeds", "2"]) == 0
    assert len(runs) == 2


def test_variants_are_compared_seed_by_seed():
    """As scipy's test of pairs does: what all networks owe to a seed widens no interval."""
    of_draws = [0.60, 0.70, 0.80, 0.75]
    gains = [0.050, 0.060, 0.055, 0.051]
    runs = [
        {
            "frozen": {"metric": "accuracy", "scores": {"accuracy": score}, "baseline": {}},
            "tuned": {
                "metric": "accuracy",
                "scores": {"accuracy": score + gain},
                "baseline": {"accuracy": 0.3},
            },
        }
        for score, gain in zip(of_draws, gains, strict=True)
    ]
    tuned = [score + gain for score, gain in zip(of_draws, gains, strict=True)]
    expected = scipy.stats.ttest_rel(tuned, of_draws).confidence_interval(0.95)
    to_baseline, to_first = measure_command.differences(runs)
    assert to_first == (
        f"tuned − frozen: +0.0540, 95 % interval {expected.low:+.4f} "
        f"to {expected.high:+.4f} (4 pairs)"
    )
    assert to_baseline.startswith("tuned − baseline: +0.4665, 95 % interval ")
    assert measure_command.differences(runs[:2]) == []


def failing_at(seed, monkeypatch):
    """The runs end with a traceback at one seed; returns what puts them right again."""
    whole = measure_command.subprocess.run

    def run(command, **options):
        if command[command.index("--seed") + 1] == str(seed):
            return subprocess.CompletedProcess(command, 1, stderr="Killed\n")
        return whole(command, **options)

    monkeypatch.setattr(measure_command.subprocess, "run", run)
    return lambda: monkeypatch.setattr(measure_command.subprocess, "run", whole)


def test_seeds_that_are_done_are_not_run_again(runs, tmp_path, monkeypatch, capsys):
    mend = failing_at(1, monkeypatch)
    assert cli.main(["measure", "cnn_mnist", "--seeds", "3"]) == 2
    assert "the same command, typed again, goes on from here" in capsys.readouterr().err
    assert results.read(results.PATH) == []
    mend()
    assert cli.main(["measure", "cnn_mnist", "--seeds", "3"]) == 0
    assert [command[command.index("--seed") + 1] for command in runs] == ["0", "1", "2"]
    (row,) = results.read(results.PATH)
    assert float(row["mean"]) == pytest.approx(statistics.mean(SCORES.values()))
    # All of it is recorded, so the next one begins anew.
    assert not list((tmp_path / "saved_models" / "cnn_mnist" / "measuring").iterdir())
    assert cli.main(["measure", "cnn_mnist", "--seeds", "1"]) == 0
    assert len(runs) == 4


@pytest.mark.parametrize(
    "change",
    [["--epochs", "3"], ["--set", "filters=8"], ["--batch-size", "64"]],
    ids=lambda words: words[0],
)
def test_seeds_of_other_settings_are_not_taken(change, runs, monkeypatch):
    mend = failing_at(1, monkeypatch)
    assert cli.main(["measure", "cnn_mnist", "--seeds", "2"]) == 2
    mend()
    assert cli.main(["measure", "cnn_mnist", "--seeds", "2", *change]) == 0
    assert [command[command.index("--seed") + 1] for command in runs] == ["0", "0", "1"]


def test_seeds_of_other_code_are_not_taken(runs, tmp_path, monkeypatch):
    own = tmp_path / "my_net.py"
    own.write_text("EPOCHS = 1\n\ndef load_data(): ...\n\ndef build_model(): ...\n")
    mend = failing_at(1, monkeypatch)
    assert cli.main(["measure", str(own), "--seeds", "2"]) == 2
    mend()
    own.write_text(own.read_text().replace("EPOCHS = 1", "EPOCHS = 2"))
    assert cli.main(["measure", str(own), "--seeds", "2"]) == 0
    assert [command[command.index("--seed") + 1] for command in runs] == ["0", "0", "1"]


def test_an_interrupted_seed_is_resumed(runs, tmp_path, monkeypatch):
    mend = failing_at(1, monkeypatch)
    assert cli.main(["measure", "lstm", "--variant", "lstm", "--seeds", "2"]) == 2
    mend()
    (place,) = (tmp_path / "saved_models" / "lstm" / "measuring").iterdir()
    (place / "1" / "lstm" / "unfinished" / "state" / "epoch-0001").mkdir(parents=True)
    assert cli.main(["measure", "lstm", "--variant", "lstm", "--seeds", "2"]) == 0
    assert ["--resume" in command for command in runs] == [False, True]


def test_stand_in_data_are_not_measured(runs, capsys):
    runs.append(["--no-data"])
    assert cli.main(["measure", "cnn_mnist", "--seeds", "1"]) == 2
    assert "stand-in" in capsys.readouterr().err
    assert results.read(results.PATH) == []


def test_what_trains_nothing_is_not_measured(capsys):
    assert cli.main(["measure", "convolution_by_hand"]) == 2
    assert "trains nothing" in capsys.readouterr().err


def refusal(capsys):
    """The one line on standard error."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("results.csv", b"recipe,mean\n", "the first line should be"),
        ("results.csv", b"\xff\xfe", "cannot be read"),
        ("README.md", b"no table\n", "are missing"),
        ("README.md", b"\xff\xfe", "cannot be read"),
        ("README.md", None, "cannot be read"),
    ],
)
def test_a_damaged_file_is_met_before_the_runs(file, content, said, runs, tmp_path, capsys):
    (tmp_path / file).unlink(missing_ok=True)
    if content is not None:
        (tmp_path / file).write_bytes(content)
    assert cli.main(["measure", "cnn_mnist", "--seeds", "2"]) == 2
    line = refusal(capsys)
    assert said in line
    assert str(tmp_path / file) in line
    assert runs == []


def test_a_folder_that_cannot_be_written_is_met_before_the_runs(
    runs, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(measure_command.os, "access", lambda folder, _: folder != tmp_path)
    assert cli.main(["measure", "cnn_mnist", "--seeds", "2"]) == 2
    assert refusal(capsys).endswith(f"no permission in {tmp_path}; nothing was run")
    assert runs == []


@pytest.mark.parametrize("broken", ["the table", "the README", "every folder"])
def test_figures_that_cannot_be_recorded_are_kept(broken, runs, tmp_path, monkeypatch, capsys):
    write = storage.write

    def full(path, text):
        if broken != "every folder" and path not in (results.PATH, pages.README):
            return write(path, text)
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    if broken == "the README":
        monkeypatch.setattr(pages, "write", lambda: full(pages.README, ""))
    else:
        monkeypatch.setattr(storage, "write", full)
    assert cli.main(["measure", "cnn_mnist", "--seeds", "3"]) == 2
    said = capsys.readouterr()
    assert "No space left" in said.err
    if broken == "every folder":
        text = said.out[said.out.index("recipe,variant") :]
    else:
        place = tmp_path / "saved_models" / "cnn_mnist" / "measured-cnn_mnist.csv"
        assert str(place) in said.err
        text = place.read_text()
    (row,) = csv.DictReader(io.StringIO(text.strip()))
    assert tuple(row) == results.COLUMNS
    assert float(row["mean"]) == pytest.approx(statistics.mean(SCORES.values()))


def test_what_a_run_refuses_is_said_once(runs, monkeypatch, capsys):
    def run(command, **_):
        return subprocess.CompletedProcess(
            command, 2, stderr="a remark\nrecipes: cnn_mnist does not work with x=1\n"
        )

    monkeypatch.setattr(measure_command.subprocess, "run", run)
    assert cli.main(["measure", "cnn_mnist", "--set", "x=1"]) == 2
    assert (
        refusal(capsys)
        == "recipes: the run with seed 0: cnn_mnist does not work with x=1; nothing was recorded"
    )


def test_a_file_of_the_users_is_measured_into_a_table_of_its_own(runs, tmp_path, capsys):
    own = tmp_path / "my_net.py"
    own.write_text("EPOCHS = 1\n\ndef load_data(): ...\n\ndef build_model(): ...\n")
    readme = pages.README.read_text()
    assert cli.main(["measure", str(own), "--seeds", "2"]) == 0
    assert all(command[command.index("run") + 1] == str(own) for command in runs)
    (row,) = results.read(tmp_path / "saved_models" / "my_net" / "results.csv")
    assert row["recipe"] == "my_net"
    assert row["command"] == f"python -m recipes measure {own} --seeds 2"
    assert results.read(results.PATH) == []
    assert pages.README.read_text() == readme
