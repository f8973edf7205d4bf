"""results.csv keeps every figure once, loses none, and is what the README shows."""

import pathlib
import subprocess
import sys

import pytest

from recipes._runner import results
from recipes._runner.errors import UserError

README = pathlib.Path(__file__).parents[2] / "README.md"
ROW = {
    "recipe": "cnn_mnist",
    "variant": "",
    "data": "mnist, 22 MB",
    "metric": "accuracy",
    "mean": 0.99254,
    "deviation": 0.000713,
    "runs": 5,
    "baseline": "Logistic regression",
    "baseline_score": 0.9256,
    "parameters": 29466,
    "seconds": 25.4,
    "hardware": "2 CPU cores",
    "command": 'make measure-cnn-mnist ARGS="--seeds 5"',
    "date": "2025-11-21",
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.csv"


def test_columns_are_those_of_the_file():
    assert results.PATH.read_text(encoding="utf8").splitlines()[0] == ",".join(results.COLUMNS)


def test_rows_come_back_as_they_were_written(path):
    results.update([{**ROW, "verdict": 'partly: "99.3", not 99.5\nyet'}], path)
    (row,) = results.read(path)
    assert row["verdict"] == 'partly: "99.3", not 99.5\nyet'
    assert (row["mean"], row["parameters"], row["paper"]) == ("0.99254", "29466", "")
    assert b"\r" not in path.read_bytes()


def test_a_measurement_replaces_the_older_one_of_the_same_figure_only(path):
    results.update([ROW, {**ROW, "variant": "plain"}, {**ROW, "metric": "loss"}], path)
    results.update([{**ROW, "command": 'make measure-cnn-mnist ARGS="--epochs 10 --seeds 5"', "mean": 0.9951}], path)
    results.update([{**ROW, "command": 'make measure-cnn-mnist ARGS="--seeds 10"', "mean": 0.9926, "runs": 10}], path)
    results.update([{**ROW, "command": 'make measure-cnn-mnist ARGS="--seeds=3 --epochs=10"', "mean": 0.9952}], path)
    rows = results.read(path)
    assert [(row["variant"], row["metric"], row["mean"], row["runs"]) for row in rows] == [
        ("", "accuracy", "0.9926", "10"),
        ("plain", "accuracy", "0.99254", "5"),
        ("", "loss", "0.99254", "5"),
        ("", "accuracy", "0.9952", "5"),
    ]


@pytest.mark.parametrize(
    ("command", "settings"),
    [
        ("make measure-x", ""),
        ('make measure-x ARGS="--seeds 5 --data-dir /data"', ""),
        ('make measure-x ARGS="--set filters=32 --epochs 10"', "--epochs 10 --set filters=32"),
        ("python -m recipes measure x --epochs=10 --set filters=32 --seeds 3", "--epochs 10 --set filters=32"),
        ("python -m recipes measure x --set b=1 --set a=2", "--set a=2 --set b=1"),
        ("python -m recipes measure x --deterministic --seed 1", "--deterministic"),
        ("python -m recipes measure x --variant plain --epochs 2", "--epochs 2"),
        ("", ""),
    ],
)
def test_settings_are_what_makes_another_experiment(command, settings):
    assert results.settings(command) == settings


def test_what_was_written_by_hand_stays(path):
    results.update([{**ROW, "paper": "99.2 % (LeCun 1998)", "verdict": "reproduced"}], path)
    results.update([{**ROW, "mean": 0.5}], path)
    results.update([{**ROW, "mean": 0.4, "verdict": "no: diverges"}], path)
    (row,) = results.read(path)
    assert (row["mean"], row["paper"], row["verdict"]) == ("0.4", "99.2 % (LeCun 1998)", "no: diverges")


def test_rows_are_in_the_order_of_the_recipes(path):
    from recipes._runner.recipe import all_recipes

    names = [recipe.name for recipe in all_recipes()]
    results.update([{**ROW, "recipe": name} for name in ["gone", *reversed(names)]], path)
    assert [row["recipe"] for row in results.read(path)] == [*names, "gone"]


def test_unknown_columns_and_damaged_files_are_refused(path):
    with pytest.raises(ValueError, match="no column precision"):
        results.update([{**ROW, "precision": "float32"}], path)
    assert not path.exists()
    path.write_text("recipe,mean\ncnn_mnist,1\n")
    with pytest.raises(UserError, match="the first line should be recipe,variant"):
        results.update([ROW], path)
    path.write_text(",".join(results.COLUMNS) + "\ncnn_mnist,1\n")
    with pytest.raises(UserError, match="row 2 should have 16 fields"):
        results.read(path)


def test_two_processes_at_once_lose_no_row(path):
    code = (
        "import sys; from recipes._runner import results\n"
        "for n in range(15): results.update([{'recipe': sys.argv[1] + str(n), 'variant': '', 'metric': 'm', "
        "'command': ''}], sys.argv[2])"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, name, str(path)]) for name in "abc"]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(results.read(path)) == 45


def test_table_shows_mean_and_deviation_with_the_digits_they_have():
    rows = [{column: results.text(ROW.get(column)) for column in results.COLUMNS}]
    head, rule, line = results.table(rows).splitlines()
    assert line.startswith("| [cnn_mnist](recipes/convolution/cnn_mnist.py) | mnist, 22 MB | accuracy | ")
    assert "| 0.99254 ± 0.00071 (5 runs) | 0.9256 Logistic regression | " in line
    assert line.endswith("| 29,466 | 25 s |")
    assert head.count("|") == rule.count("|") == line.count("|")


@pytest.mark.parametrize(
    ("mean", "deviation", "runs", "shown"),
    [
        ("46813.2", "512.3", "3", "46,813 ± 512 (3 runs)"),
        ("0.81234", "", "1", "0.8123 (1 run)"),
        ("1", "0", "3", "1.000 (3 runs)"),
        ("-0.5", "0.25", "3", "-0.50 ± 0.25 (3 runs)"),
        ("0", "", "1", "0 (1 run)"),
        ("", "", "", ""),
    ],
)
def test_score(mean, deviation, runs, shown):
    assert results.score({"mean": mean, "deviation": deviation, "runs": runs}) == shown


def test_cells_cannot_break_the_table():
    row = {column: "" for column in results.COLUMNS} | {"recipe": "x", "paper": "a | b\nc", "command": "--epochs 3"}
    line = results.table([row]).splitlines()[-1]
    assert line.startswith("| x `--epochs 3` |")
    assert r"a \| b c" in line


def test_readme_gets_the_table_between_its_markers(tmp_path, monkeypatch):
    readme = tmp_path / "README.md"
    monkeypatch.setattr(results, "table", lambda: "NEW")
    readme.write_text("before\n<!-- results -->\nold\n<!-- /results -->\nafter «ñ»\n", encoding="utf8")
    results.write_readme_table(readme)
    results.write_readme_table(readme)
    expected = "before\n<!-- results -->\nNEW\n<!-- /results -->\nafter «ñ»\n"
    assert readme.read_text(encoding="utf8") == expected
    readme.write_text("<!-- /results --> <!-- results -->")
    with pytest.raises(UserError, match="they are missing"):
        results.write_readme_table(readme)


def test_readme_shows_what_results_csv_says():
    content = README.read_text(encoding="utf8") if README.exists() else ""
    if results.BEGIN not in content:
        pytest.skip("README.md has no results table yet")
    shown = content.partition(results.BEGIN)[2].partition(results.END)[0].strip()
    assert shown == results.table(), "results.write_readme_table('README.md') brings it up to date"


def test_every_row_is_of_a_recipe_that_exists():
    from recipes._runner.recipe import find

    for row in results.read():
        assert find(row["recipe"]).name == row["recipe"]
