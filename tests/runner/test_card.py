"""The README beside a saved model: its figures are that network's, its words true of this run."""

import json
import re
import types

import keras
import matplotlib.pyplot as plt
import pytest
import tensorflow as tf

from recipes._runner import card, training
from recipes._runner.recipe import Recipe, find
from tests.runner import tiny, tiny_recipe


@pytest.fixture(autouse=True)
def eager():
    tf.config.run_functions_eagerly(True)
    with plt.style.context("default"):
        yield
    tf.config.run_functions_eagerly(False)
    keras.backend.clear_session(free_memory=False)


def run(folder, *flags):
    assert tiny.main(["run", "tiny", "--epochs", "2", "--output", str(folder), *flags]) == 0
    return (folder / "README.md").read_text(encoding="utf8")


def table(card_text):
    """The rows of the table of a card, `{first cell: other cells}`."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in card_text.splitlines()
        if line[:1] == "|"
    ]
    return {cells[0]: cells[1:] for cells in rows}


def fresh_scores(folder):
    *_, test = tiny_recipe.load_data()
    return keras.saving.load_model(folder / "model.keras").evaluate(
        test, return_dict=True, verbose=0
    )


def shown_pictures(card_text):
    return re.findall(r"^!\[.*\]\((.*)\)$", card_text, re.MULTILINE)


def figures_of_one(model, test, history):
    """What it does.

    Not for the card.
    """
    figure, axis = plt.subplots()
    axis.set_title("Zero and one")
    return {"zebra": figure}


def test_card_of_one_network_tells_its_scores_and_shows_all_its_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny_recipe, "figures", figures_of_one, raising=False)
    monkeypatch.setattr(tiny_recipe, "CLASSES", ["inner", "outer"], raising=False)
    # Read from the file, which has none.
    monkeypatch.setattr(Recipe, "figures_summary", "What it does.")
    text = run(tmp_path)
    scores = fresh_scores(tmp_path)
    assert {name: cells[0] for name, cells in table(text).items() if name in scores} == {
        name: f"{score:.4f}" for name, score in scores.items()
    }
    pictures = shown_pictures(text)
    assert pictures == ["zebra.png", "training_curves.png", "confusion_matrix.png"]
    assert set(pictures) == {path.name for path in tmp_path.glob("*.png")}
    assert "What it does.\n\n![zebra](zebra.png)\n\nZero and one.\n" in text
    assert re.search(
        r"\(training_curves.png\)\n\nLoss and metrics over the epochs; .*loss: best .*epoch \d",
        text,
    )
    assert re.search(
        r"\(confusion_matrix.png\)\n\nHow often .*(inner taken for outer|outer taken for inner)",
        text,
    )
    assert 'load_model("model.keras")' in text


def test_cards_of_variants_tell_each_its_own(tmp_path, monkeypatch):
    variants = {
        "narrow": {"units": 1, "learning_rate": 1e-4},
        "wide": {"units": 16},
        "batches": {"batch_size": 40},
    }
    monkeypatch.setattr(tiny_recipe, "VARIANTS", variants, raising=False)
    monkeypatch.setattr(tiny_recipe, "figures", figures_of_one, raising=False)
    monkeypatch.setattr(Recipe, "figures_summary", "What they do.")
    text = run(tmp_path)
    compared, seen = table(text), set()
    for variant in variants:
        own = (tmp_path / variant / "README.md").read_text(encoding="utf8")
        scores = {name: f"{score:.4f}" for name, score in fresh_scores(tmp_path / variant).items()}
        seen.add(tuple(scores.values()))
        metrics = json.loads((tmp_path / variant / "metrics.json").read_text())
        assert own.startswith(f"# tiny – {variant}\n")
        assert {name: cells[0] for name, cells in table(own).items() if name in scores} == scores
        network = keras.saving.load_model(tmp_path / variant / "model.keras")
        units = variants[variant].get("units", 8)
        # The moving averages of batch normalization are not trained.
        trainable = f"{8 * units + 1} trainable parameters of {network.count_params()}"
        assert f"{trainable}; epoch {metrics['best_epoch']} of 2" in own
        columns = dict(
            zip(compared["variant"], compared[f"[{variant}]({variant}/README.md)"], strict=True)
        )
        assert columns == {"trainable parameters": f"{8 * units + 1}", **scores}
        assert shown_pictures(own) == ["training_curves.png", "confusion_matrix.png"]
        assert "What they do." not in own, "of pictures that are not there"
    assert len(seen) == len(variants), "the test needs networks that differ"
    assert shown_pictures(text) == ["zebra.png", "training_curves.png"]


@pytest.mark.full
def test_card_names_the_baseline_of_each_variant_where_their_data_differ(tmp_path, monkeypatch):
    scores = iter([{"accuracy": 0.25}, {"accuracy": 0.75}])
    monkeypatch.setattr(
        tiny_recipe,
        "VARIANTS",
        {"a": {}, "b": {"units": 4}, "c": {"batch_size": 100}},
        raising=False,
    )

    def baseline(train, test):
        """Chance."""
        return next(scores)

    monkeypatch.setattr(tiny_recipe, "baseline", baseline)
    rows = table(run(tmp_path, "--epochs", "1"))
    assert "0.2500" in rows["Chance (a, b)"]
    assert "0.7500" in rows["Chance (c)"]


def without_validation():
    train, _, test = load_data()
    return train, None, test


load_data = tiny_recipe.load_data


def test_epoch_chosen_on_validation_is_said_to_be(tmp_path):
    text = run(tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    score = metrics["validation"]["val_accuracy"]
    assert (
        f"epoch {metrics['best_epoch']} of 2, chosen on validation (val_accuracy {score:.4g})"
        in text
    )


@pytest.mark.parametrize(
    ("changes", "flags", "said"),
    [
        ({"KEEP": "last"}, [], "the last of 2 epochs, which this recipe keeps"),
        ({"load_data": without_validation}, [], "the last of 2 epochs: there is no validation set"),
        ({}, ["--all-data"], "the last of 2 epochs: the validation set was trained on, too"),
        ({"OBJECTIVE": ("loss", "min")}, [], "chosen on loss on the training set ("),
        ({"KEEP": "last"}, ["--epochs", "1"], "the last of 1 epoch, "),
    ],
)
def test_epoch_not_chosen_on_validation_is_not_said_to_be(
    tmp_path, monkeypatch, changes, flags, said
):
    for name, value in changes.items():
        monkeypatch.setattr(tiny_recipe, name, value, raising=False)
    text = run(tmp_path, *flags)
    assert said in text
    assert "chosen on validation" not in text


def test_command_on_the_card_makes_the_same_again(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny_recipe, "VARIANTS", {"a": {}, "b": {"units": 4}}, raising=False)
    flags = ["--variant", "b", "--all-data", "--set", "rate=0.1", "--seed", "3", "--epochs", "1"]
    assert tiny.main(["run", "tiny", "--output", str(tmp_path), *flags]) == 0
    text = (tmp_path / "b" / "README.md").read_text(encoding="utf8")
    command = re.search(r'make recipe-tiny ARGS="(.*)"', text).group(1)
    again = tmp_path / "again"
    assert tiny.main(["run", "tiny", "--output", str(again), *command.split()]) == 0
    plans = [json.loads((folder / "b" / "plan.json").read_text()) for folder in (tmp_path, again)]
    assert plans[0] == plans[1]


@pytest.mark.parametrize(
    ("units", "own", "names"),
    [
        (1, None, ["neg", "pos"]),
        (2, None, ["neg", "pos"]),
        (3, None, None),
        (1, ["bad", "good"], ["bad", "good"]),
    ],
)
def test_names_of_classes_are_the_recipes_else_the_data_sets(units, own, names):
    module = types.SimpleNamespace(**({"CLASSES": own} if own else {}))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])
    plan = types.SimpleNamespace(data={"imdb_reviews": "real"}, own=None)
    assert training.classes(module, plan, model) == names
    plan = types.SimpleNamespace(data={}, own=None)
    assert training.classes(module, plan, model) == own


def test_what_one_should_use_is_loaded_first(tmp_path):
    (tmp_path / "deployed.keras").touch()
    lines = card.loading(find("cnn_mnist"), tmp_path, {})
    loads = [line for line in lines if "load_model" in line]
    assert 'model = keras.saving.load_model("deployed.keras")' in loads[0]
    assert 'keras.saving.load_model("model.keras")' in loads[1]
    assert any(line.startswith("import recipes.convolution.cnn_mnist") for line in lines)


def test_card_without_training_shows_its_own_pictures_only(tmp_path):
    (tmp_path / "holiday.png").touch()
    found = find("convolution_by_hand")
    card.write_without_training(found, tmp_path, ["walk.gif", "point.png"], {})
    text = (tmp_path / "README.md").read_text()
    assert shown_pictures(text) == ["walk.gif", "point.png"]
    assert found.figures_summary.startswith("The animation on the slide's image")
    assert text.index(found.figures_summary) < text.index("walk.gif")
