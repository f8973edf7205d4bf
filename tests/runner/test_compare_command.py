"""`python -m recipes compare`: each run with its scores and curves; a line for what is no run."""

import json

import matplotlib.pyplot as plt
import pytest

from recipes._runner import cli, compare_command, figures, saved


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch, coarse_pictures):
    monkeypatch.chdir(tmp_path)
    for module in (saved, compare_command):
        monkeypatch.setattr(module, "SAVED_MODELS", tmp_path / "saved_models")
    with plt.style.context("default"):
        yield tmp_path


def noted(accuracy, data="mnist", kind="real", **arguments):
    return {
        "data": {data: kind},
        "split": "test",
        "metric": "accuracy",
        "scores": {"loss": 1 - accuracy, "accuracy": accuracy},
        "baseline": {"accuracy": 0.5},
        "validation": {"val_accuracy": accuracy},
        "trainable_parameters": 1234,
        "epochs": 2,
        "fit_seconds": 130.0,
        "seed": 3,
        "arguments": arguments,
    }


def leave(folder, metrics, values=(0.1, 0.2)):
    """What a run leaves in a folder."""
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    lines = [f"{epoch},{value},{value}" for epoch, value in enumerate(values, start=1)]
    (folder / "history.csv").write_text("\n".join(["epoch,accuracy,val_accuracy", *lines]) + "\n")


def rows(text):
    """The table of a README by its first column: `{run: {column: cell}}`."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    head, _, *body = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {cells[0]: dict(zip(head, cells, strict=True)) for cells in body}


def compare(*runs):
    return cli.main(["compare", *map(str, runs)])


@pytest.fixture
def drawn(monkeypatch):
    """What each call of `training_curves` is given."""
    given = []
    curves = figures.training_curves

    def recorded(*arguments):
        given.append(arguments)
        return curves(*arguments)

    monkeypatch.setattr(figures, "training_curves", recorded)
    return given


@pytest.mark.parametrize("direction", ["min", "max"])
def test_a_run_says_which_values_of_its_objective_are_better(workplace, drawn, direction):
    """Also of a metric that only the user's recipe has."""
    own = {**noted(0.5), "validation": {"val_wobble": 0.5}, "direction": direction}
    leave(workplace / "mine", own)
    assert compare("mine") == 0
    ((_, *selection),) = drawn
    assert selection == ["val_wobble", direction]


def test_runs_selected_by_different_metrics_are_compared_by_their_loss(workplace, drawn):
    leave(workplace / "mine", noted(0.5))
    leave(workplace / "other", {**noted(0.5), "validation": {"val_auc": 0.5}})
    assert compare("mine", "other") == 0
    ((_, *selection),) = drawn
    assert selection == ["val_loss", "min"]


def test_each_run_has_its_row_and_its_curve(workplace, capsys, drawn):
    models = workplace / "saved_models"
    leave(models / "cnn_mnist", noted(0.75, filters=8, units=1))
    leave(workplace / "elsewhere", noted(0.5, filters=16, units=1), (0.4, 0.3))
    assert compare("cnn-mnist", "elsewhere") == 0
    out = models / "comparison"
    found = rows((out / "README.md").read_text(encoding="utf8"))
    assert found["cnn_mnist"] == {
        "run": "cnn_mnist",
        "loss ↓": "0.2500",
        "accuracy ↑": "0.7500",
        "baseline": "0.5000",
        "parameters": "1,234",
        "epochs": "2",
        "training": "2 min",
        "seed": "3",
        "filters": "8",
    }
    assert found["elsewhere"]["accuracy ↑"] == "0.5000"
    assert found["elsewhere"]["filters"] == "16"
    ((histories, monitor, direction),) = drawn
    assert histories == {
        "cnn_mnist": {"accuracy": [0.1, 0.2], "val_accuracy": [0.1, 0.2]},
        "elsewhere": {"accuracy": [0.4, 0.3], "val_accuracy": [0.4, 0.3]},
    }
    assert (monitor, direction) == ("val_accuracy", "max")
    assert (out / "training_curves.png").exists()
    said = capsys.readouterr().out
    assert "Saved in saved_models/comparison: README.md, training_curves.png" in said
    assert "Not on the same data" not in said
    columns = [line.index("0.5000") for line in said.splitlines() if line.startswith("elsewhere")]
    assert said.splitlines()[0].index("loss") == columns[0]


def test_comparison_stands_for_all_its_variants(workplace):
    folder = workplace / "saved_models" / "dropout"
    variants = {"relu": noted(0.5), "relu_50": noted(0.75)}
    for variant, metrics in variants.items():
        leave(folder / variant, metrics)
    (folder / "metrics.json").write_text(json.dumps(variants))
    leave(workplace / "saved_models" / "xor" / "smoke" / "stuck", noted(0.25))
    assert compare("dropout", "xor/smoke/stuck") == 0
    text = (workplace / "saved_models" / "comparison" / "README.md").read_text(encoding="utf8")
    assert list(rows(text)) == ["dropout/relu", "dropout/relu_50", "xor/smoke/stuck"]


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["a/b/one", "a/b/two"], ["one", "two"]),
        (["a/b/one", "a/c/one"], ["b/one", "c/one"]),
        (["a", "a/one"], ["a", "a/one"]),
        (["a/one"], ["a/one"]),
    ],
)
def test_names_leave_out_what_all_have(workplace, folders, names):
    runs = [compare_command.Run(folder, workplace, {}) for folder in folders]
    assert [run.name for run in compare_command.named(runs)] == names


def test_long_names_are_cut_in_the_legend_at_their_beginning():
    assert compare_command.short("lenet/lenet") == "lenet/lenet"
    assert compare_command.short("a" * 30 + "b") == "…" + "a" * 23 + "b"


def test_other_data_and_smoke_runs_are_said(workplace, capsys):
    models = workplace / "saved_models"
    leave(models / "cnn_mnist", noted(0.5))
    leave(models / "vgg", noted(0.5, data="cifar10", kind="stand-in"))
    (models / "vgg" / "plan.json").write_text('{"smoke": true}')
    assert compare("cnn_mnist", "vgg") == 0
    said = capsys.readouterr().out
    assert "mnist, test set: cnn_mnist; cifar10 (stand-in), test set: vgg" in said
    assert "which means nothing: vgg\n" in said


def test_run_without_curves_is_in_the_table(workplace):
    leave(workplace / "a", noted(0.5))
    leave(workplace / "b", noted(0.25))
    (workplace / "b" / "history.csv").unlink()
    assert cli.main(["compare", "a", "b", "--output", "out"]) == 0
    assert list(rows((workplace / "out" / "README.md").read_text(encoding="utf8"))) == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cnn-mnist", "cnn-mnist is no run: `make recipe-cnn-mnist` makes one"),
        ("./cnn-mnist", "no folder of that name"),
        ("nothing", "no folder of that name"),
        ("empty", "empty/metrics.json is missing"),
        ("broken", "broken/metrics.json is damaged"),
    ],
)
def test_what_is_no_run_is_said_in_a_line(workplace, capsys, name, said):
    leave(workplace / "a", noted(0.5))
    (workplace / "empty").mkdir()
    (workplace / "broken").mkdir()
    (workplace / "broken" / "metrics.json").write_text("{")
    assert compare("a", name) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.strip().splitlines()
    assert said in line
    assert not (workplace / "saved_models").exists()


def test_folder_of_the_users_is_left_alone(workplace, capsys):
    leave(workplace / "a", noted(0.5))
    (workplace / "thesis").mkdir()
    (workplace / "thesis" / "README.md").write_text("mine")
    assert cli.main(["compare", "a", "--output", "thesis"]) == 2
    assert (workplace / "thesis" / "README.md").read_text() == "mine"
