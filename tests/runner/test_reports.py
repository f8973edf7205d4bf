"""A run with variants on stand-in data, its every file held against a fresh evaluation."""

import json
import re

import keras
import numpy as np
import PIL.Image
import pytest

from recipes._runner import cli, data
from recipes.datasets import stand_ins
from tests.runner import houses
from tests.runner.test_run_command import eager  # noqa: F401 (for all tests here)

NOTE_COLOR = (0xD5, 0x5E, 0x00)  # of `figures.add_note`


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The folder of a run on stand-in data, in which results of the real set lay before."""
    folder = tmp_path_factory.mktemp("reports") / "houses"
    folder.mkdir()
    (folder / ".made_by_recipes").touch()
    for name in ("README.md", "metrics.json", "training_curves.png", "hidden/model.keras"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"{name} of the real set")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setitem(stand_ins.SIZES, "california_housing", {"train": 600})
        assert cli.main(["run", houses.__file__, "--stand-in", "--output", str(folder)]) == 0
        data.choose(["california_housing"], stand_in=True)
    return folder


def table(card):
    """The first table of a card: `{first cell: [other cells]}`."""
    rows = [line.strip("|").split("|") for line in card.splitlines() if line.startswith("|")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


def test_a_run_on_stand_in_data_leaves_the_results_of_the_real_set_alone(base):
    kept = sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file())
    kept = [name for name in kept if not name.startswith(("stand-in", "."))]
    assert kept == ["README.md", "hidden/model.keras", "metrics.json", "training_curves.png"]
    for name in kept:
        assert (base / name).read_text() == f"{name} of the real set"


def test_every_picture_and_card_says_that_the_data_are_a_stand_in(base):
    pictures = sorted((base / "stand-in").rglob("*.png"))
    assert {picture.parent.name for picture in pictures} == {"stand-in", *houses.VARIANTS}
    for picture in pictures:
        below = np.asarray(PIL.Image.open(picture).convert("RGB"))[-40:]
        assert (below == NOTE_COLOR).all(-1).sum() > 50, picture
    for card in [base / "stand-in" / "README.md", *(base / "stand-in").glob("*/README.md")]:
        text = card.read_text()
        assert "Stand-in data (california_housing): not comparable" in text, card
        assert "--stand-in" in re.search("Made by `(.*)`", text)[1], card
        linked = re.findall(r"!\[.*\]\((.*)\)", text)
        assert sorted(linked) == sorted(picture.name for picture in card.parent.glob("*.png"))


def test_each_variant_has_its_own_model_scores_history_and_card(base):
    train, validation, test = houses.load_data()
    together = json.loads((base / "stand-in" / "metrics.json").read_text())
    overview = table((base / "stand-in" / "README.md").read_text())
    names = overview["variant"]
    baseline = houses.baseline(train, test)
    seen = set()
    for variant, arguments in houses.VARIANTS.items():
        folder = base / "stand-in" / variant
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics == together[variant]
        assert metrics["variant"] == variant
        assert metrics["arguments"] == arguments
        assert metrics["data"] == {"california_housing": "stand-in"}
        model = keras.saving.load_model(folder / "model.keras")
        assert model.count_params() == metrics["parameters"] == metrics["trainable_parameters"]
        scores = model.evaluate(test, return_dict=True, verbose=0)
        assert metrics["scores"] == pytest.approx(scores, rel=1e-4)
        assert metrics["baseline"] == pytest.approx(baseline)

        # The epoch with the least error is the one that was kept.
        history = np.genfromtxt(folder / "history.csv", delimiter=",", names=True)
        least = history["val_loss"].min()
        assert metrics["best_epoch"] == 1 + history["val_loss"].argmin()
        assert metrics["validation"]["val_loss"] == pytest.approx(least)
        assert metrics["direction"] == "min"
        assert model.evaluate(validation, return_dict=True, verbose=0)["loss"] == pytest.approx(
            least, rel=1e-4
        )

        card = (folder / "README.md").read_text()
        assert card.startswith(f"# houses – {variant}\n")
        own = table(card)
        line = overview[f"[{variant}]({variant}/README.md)"]
        assert line[0] == f"{metrics['trainable_parameters']:,}"
        assert f"\n{line[0]} trainable parameters; " in card
        for name, score in scores.items():
            assert float(own[name][0]) == pytest.approx(score, abs=1e-4)
            assert float(line[names.index(name)]) == pytest.approx(score, abs=1e-4)
        assert float(own["mae"][1]) == pytest.approx(baseline["mae"], abs=1e-4)
        seen.add(json.dumps(metrics["scores"]))
    assert len(seen) == len(houses.VARIANTS)
    assert float(overview["The mean price"][names.index("mae")]) == pytest.approx(
        baseline["mae"], abs=1e-4
    )


@pytest.mark.slow
def test_a_file_of_the_users_is_searched_in_processes_that_import_it_too(tmp_path):
    flags = ["--variant", "hidden", "--smoke", "--trials", "2", "--output", str(tmp_path / "out")]
    assert cli.main(["tune", houses.__file__, *flags]) == 0
    card = tmp_path / "out" / "smoke" / "tuned" / "metrics.json"
    assert json.loads(card.read_text())["recipe"] == "houses"
