"""results.csv keeps every figure once, loses none, and is what RESULTS.md and README show."""

import csv
import subprocess
import sys

import pytest

from recipes._runner import pages, results, slides
from recipes._runner.errors import UserError
from recipes._runner.recipe import all_recipes, find

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
    results.update(
        [{**ROW, "command": 'make measure-cnn-mnist ARGS="--epochs 10 --seeds 5"', "mean": 0.9951}],
        path,
    )
    results.update(
        [
            {
                **ROW,
                "command": 'make measure-cnn-mnist ARGS="--seeds 10"',
                "mean": 0.9926,
                "runs": 10,
            }
        ],
        path,
    )
    results.update(
        [{**ROW, "command": 'make measure-cnn-mnist ARGS="--seeds=3 --epochs=10"', "mean": 0.9952}],
        path,
    )
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
        (
            "python -m recipes measure x --epochs=10 --set filters=32 --seeds 3",
            "--epochs 10 --set filters=32",
        ),
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
    assert (row["mean"], row["paper"], row["verdict"]) == (
        "0.4",
        "99.2 % (LeCun 1998)",
        "no: diverges",
    )


def test_rows_are_in_the_order_of_the_recipes(path):
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
    with pytest.raises(UserError, match="row 2 should have 18 fields"):
        results.read(path)


def test_a_table_from_before_the_cost_was_counted_stays_readable(path):
    old = {column: results.text(ROW.get(column)) for column in results.OLDER_COLUMNS}
    with open(path, "w", encoding="utf8") as file:
        csv.writer(file).writerows([old, old.values()])
    assert len(results.COLUMNS) - len(old) == 2
    results.update([{**ROW, "variant": "new", "multiply_accumulates": 730_752}], path)
    older, new = results.read(path)
    assert older == results.read(path)[0] == dict.fromkeys(results.COLUMNS, "") | old
    assert (new["variant"], new["multiply_accumulates"], new["activations"]) == (
        "new",
        "730752",
        "",
    )


def test_two_processes_at_once_lose_no_row(path):
    code = (
        "import sys; from recipes._runner import results\n"
        "for n in range(15): results.update([{'recipe': sys.argv[1] + str(n), 'variant': '', "
        "'metric': 'm', 'command': ''}], sys.argv[2])"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, name, str(path)]) for name in "abc"]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(results.read(path)) == 45


def texts(**changes):
    """A row as it is read: every field a text."""
    return {column: results.text({**ROW, **changes}.get(column)) for column in results.COLUMNS}


def test_page_shows_results_by_chapter():
    rows = [texts(), texts(recipe="vae", variant="two", metric="elbo", baseline_score=None)]
    lines = results.page(rows).splitlines()
    first = lines.index("## convolution")
    second = lines.index("## autoencoders")
    head, rule, line = lines[first + 2 : first + 5]
    assert line.startswith("| [cnn_mnist](convolution/cnn_mnist.py) | mnist, 22 MB | accuracy ↑ | ")
    assert "| 0.9925 ± 0.0007 (5 runs) | ✓ 0.9256 Logistic regression | " in line
    assert line.endswith("| 29,466 | 25 s | 2 CPU cores |")
    assert head.count("|") == rule.count("|") == line.count("|")
    other = lines[second + 4]
    assert other.startswith("| [vae](autoencoders/vae.py) two | ")
    assert "Logistic" not in other, "a baseline's name without its number"


@pytest.mark.parametrize(
    ("mean", "deviation", "runs", "shown"),
    [
        ("46813.2", "512.3", "3", "46,813 ± 512 (3 runs)"),
        ("0.81234", "", "1", "0.8123 (1 run)"),
        ("1", "0", "3", "1.000 (3 runs)"),
        ("-0.5", "0.25", "3", "-0.5 ± 0.2 (3 runs)"),
        ("0.85448", "0.000000034", "3", "0.85448 ± <0.00001 (3 runs)"),
        ("0.170041", "0.000018", "6", "0.17004 ± 0.00002 (6 runs)"),
        ("0.497", "0.0556", "3", "0.50 ± 0.06 (3 runs)"),
        ("-102.442", "0.0919", "3", "-102.44 ± 0.09 (3 runs)"),
        ("0", "", "1", "0 (1 run)"),
        ("10.5838", "0.1464", "5", "10.58 ± 0.15 (5 runs)"),
        ("0", "0.01", "3", "0.000 ± 0.010 (3 runs)"),
        ("", "", "", ""),
    ],
)
def test_score(mean, deviation, runs, shown):
    assert results.score({"mean": mean, "deviation": deviation, "runs": runs}) == shown


@pytest.mark.parametrize(
    ("metric", "mean", "deviation", "mark"),
    [
        ("accuracy", 0.93, 0.002, "✓"),
        ("accuracy", 0.90, 0.002, "✗"),
        ("accuracy", 0.927, 0.002, "≈"),
        ("accuracy", 0.924, 0.002, "≈"),
        ("accuracy", 0.9257, 1e-9, "≈"),  # no difference in what is shown
        ("mse", 0.90, 0.002, "✓"),  # less is better
        ("mse", 0.93, 0.002, "✗"),
        ("elegance", 0.93, 0.002, ""),  # nobody knows
    ],
)
def test_mark_against_the_baseline(metric, mean, deviation, mark):
    row = texts(metric=metric, mean=mean, deviation=deviation)
    assert results.compared(row) == f"{mark} 0.9256 Logistic regression".strip()


def test_cells_cannot_break_the_table():
    row = texts(recipe="x", paper="a | b\nc", command="--epochs 3")
    line = results.page([row]).splitlines()[-1]
    assert line.startswith("| x `--epochs 3` |")
    assert r"a \| b c" in line


def test_readme_keeps_the_headlines_at_their_default_settings():
    rows = [
        texts(command="make measure-cnn-mnist ARGS='--epochs 10'", mean=0.5),
        texts(),
        texts(recipe="pooling"),
    ]
    lines = results.headline_table(rows).splitlines()[2:]
    assert len(lines) == 1
    assert "| 0.9925 ± 0.0007 (5 runs) | ✓ 0.9256 " in lines[0]


def test_all_headlines_are_measured():
    shown = results.headline_table(results.read()).splitlines()[2:]
    assert len(shown) == len(results.HEADLINES) == 12


def test_every_metric_has_a_direction_and_what_is_below_its_baseline_says_why():
    for row in results.read():
        assert row["metric"] in results.ARROWS, row["metric"]
        assert (
            row["verdict"] or results.compared(row)[:1] not in "✗≈" or not results.compared(row)
        ), row


@pytest.mark.parametrize(
    "path", [pages.RESULTS, pages.README, slides.PATH], ids=lambda path: path.name
)
def test_made_pages_are_current(path):
    """`make results` brings them up to date."""
    assert path.read_text(encoding="utf8") == pages.made()[path]


def test_block_is_put_between_its_markers_only(tmp_path):
    page = tmp_path / "PAGE.md"
    page.write_text(
        "before\n<!-- a -->\nold\n<!-- /a -->\n<!-- b -->\nkept «ñ»\n<!-- /b -->\n", encoding="utf8"
    )
    expected = "before\n<!-- a -->\nNEW\n<!-- /a -->\n<!-- b -->\nkept «ñ»\n<!-- /b -->\n"
    assert pages.with_block(page, "a", "NEW") == expected
    for text in ("<!-- /a --> <!-- a -->", "<!-- a -->", ""):
        page.write_text(text)
        with pytest.raises(UserError, match="are missing"):
            pages.with_block(page, "a", "NEW")


def test_items_are_counted_by_chapter():
    text = (
        "## perceptrons\n| P1 | 000 A | [x](a/x.py) |\n| P2 | 000 B | not yet (`b`) |\n"
        "| – | asked for | not yet (`c`) |\n## gans\n| G1 | 001 C | not yet (README) |\n"
    )
    assert slides.chapter_counts(text) == {"perceptrons": (1, 2), "gans": (0, 1)}


def test_rows_are_of_variants_that_there_are():
    for row in results.read():
        assert row["variant"] in getattr(find(row["recipe"]).module, "VARIANTS", {"": {}}), row


def with_few_runs(rows):
    """Recipe and variant of rows of fewer than 10 runs, where all variants take less than 10 s."""
    seconds = {}  # by recipe and command: those of its variants
    for row in rows:
        of_variants = seconds.setdefault((row["recipe"], row["command"]), {})
        of_variants[row["variant"]] = float(row["seconds"])
    return [
        (row["recipe"], row["variant"])
        for row in rows
        if sum(seconds[row["recipe"], row["command"]].values()) < 10 and int(row["runs"]) < 10
    ]


def test_cheap_recipes_have_ten_runs():
    """Of what ends in one of two ways, a few runs say nothing."""
    assert not with_few_runs(results.read())


@pytest.mark.parametrize(
    ("seconds", "runs", "few"), [(4, 9, 2), (4, 10, 0), (6, 9, 0), (0.1, 3, 2)]
)
def test_few_runs_of_a_cheap_recipe_are_noticed(seconds, runs, few):
    rows = [{**ROW, "variant": name, "seconds": str(seconds), "runs": str(runs)} for name in "ab"]
    assert len(with_few_runs(rows)) == few


def test_every_row_is_of_a_recipe_that_exists():
    for row in results.read():
        assert find(row["recipe"]).name == row["recipe"]
