"""What is recorded is the mean and deviation over the seeds of real runs."""

import json
import pathlib
import statistics
import subprocess

import pytest

from recipes._runner import cli, measure_command, pages, results

SCORES = {0: 0.98, 1: 0.97, 2: 0.99}


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Runs that only write their metrics; returns the commands they were started with."""
    commands = []

    def run(command):
        commands.append(command)
        folder = pathlib.Path(command[command.index("--output") + 1])
        kind = "stand-in" if "--no-data" in commands[0] else "real"
        variant = command[command.index("--variant") + 1] if "--variant" in command else None
        folder = folder / ("stand-in" if kind == "stand-in" else "") / (variant or "")
        folder.mkdir(parents=True)
        metrics = {
            "recipe": "cnn_mnist",
            "variant": variant,
            "data": {"mnist": kind},
            "metric": "accuracy",
            "scores": {"accuracy": SCORES[int(command[command.index("--seed") + 1])], "loss": 0.1},
            "baseline": {"accuracy": 0.92},
            "baseline_name": "Logistic regression",
            "parameters": 29466,
            "fit_seconds": 60.0,
            "hardware": "a computer",
        }
        (folder / "metrics.json").write_text(json.dumps(metrics))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(measure_command.subprocess, "run", run)
    monkeypatch.setattr(measure_command, "size", lambda name: f"{name}, 21 MB")
    monkeypatch.setattr(results, "PATH", tmp_path / "results.csv")
    monkeypatch.setattr(pages, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr(pages, "README", tmp_path / "README.md")
    blocks = "<!-- results -->\n<!-- /results -->\n<!-- items -->\n<!-- /items -->\n"
    pages.README.write_text(blocks)
    return commands


def test_mean_and_deviation_are_recorded_beside_the_baseline(runs):
    assert cli.main(["measure", "cnn_mnist", "--seeds", "3", "--epochs", "10", "--set", "filters=8"]) == 0
    (row,) = results.read(results.PATH)
    assert float(row["mean"]) == pytest.approx(statistics.mean(SCORES.values()))
    assert float(row["deviation"]) == pytest.approx(statistics.stdev(SCORES.values()))
    assert (row["runs"], row["baseline_score"], row["data"]) == ("3", "0.92", "mnist, 21 MB")
    assert row["command"] == 'make measure-cnn-mnist ARGS="--seeds 3 --epochs 10 --set filters=8"'
    assert "0.980 ± 0.010" in pages.RESULTS.read_text(encoding="utf8")
    assert [command[command.index("--seed") + 1] for command in runs] == ["0", "1", "2"]
    assert all("filters=8" in command for command in runs)


def test_one_of_the_variants(runs):
    assert cli.main(["measure", "lstm", "--variant", "simple_rnn", "--seeds", "2"]) == 0
    (row,) = results.read(results.PATH)
    assert (row["recipe"], row["variant"], row["runs"]) == ("lstm", "simple_rnn", "2")
    assert row["command"] == 'make measure-lstm ARGS="--seeds 2 --variant simple_rnn"'
    assert all(command[-2:] == ["--variant", "simple_rnn"] for command in runs)


def test_stand_in_data_are_not_measured(runs, capsys):
    runs.append(["--no-data"])
    assert cli.main(["measure", "cnn_mnist", "--seeds", "1"]) == 2
    assert "stand-in" in capsys.readouterr().err
    assert results.read(results.PATH) == []


def test_what_trains_nothing_is_not_measured(capsys):
    assert cli.main(["measure", "convolution_by_hand"]) == 2
    assert "trains nothing" in capsys.readouterr().err
