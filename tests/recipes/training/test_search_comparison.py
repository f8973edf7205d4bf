"""The space, the three networks, and what the replays on the tables show."""

import numpy as np
import pytest

from recipes.training import search_comparison as recipe
from recipes.tuning import replay

needs_tables = pytest.mark.skipif(
    not recipe.REPLAYS.exists(), reason="the tables have not been filled and replayed"
)


@pytest.mark.parametrize(
    ("problem", "count"),
    [
        # 8 filters of 4×4 and biases; 16 of 8×3×3 and 32 of 16×3×3, each with 4 numbers a filter; 3×3×32 to 10
        ("fashion_cnn", (16 + 1) * 8 + 16 * 72 + 64 + 32 * 144 + 128 + 288 * 10 + 10),
        ("imdb_text", 5_000 * 8 + 8 * 8 + 8 + 8 + 1),
        ("california_mlp", 12 * 64 + 64 + 64 * 64 + 64 + 64 + 1),
    ],
)
def test_parameters(problem, count):
    assert recipe.build_model(problem).count_params() == count


def test_learning_rate_ends_at_zero_after_the_nine_epochs_of_a_small_training_set():
    batches = np.ceil(60_000 * recipe.VARIANTS["fashion_cnn"]["percent"] / 100 / 64)
    rate = recipe.build_model().optimizer._learning_rate
    assert float(rate(0)) == pytest.approx(0.001)
    assert float(rate(recipe.EPOCHS * batches)) == pytest.approx(0, abs=1e-9)


def test_space_has_252_points_and_starts_with_keras_own_rates():
    table = recipe.scores("no such problem")
    assert len(list(table.points())) == len(table.missing()) == 252
    for name in ("Adam", "SGD"):
        _, part = recipe.SEARCHES[name]
        space = replay.part_of(table.space, **part)
        assert space.values == {
            "optimizer": name.lower(),
            "learning_rate": {"Adam": 0.001, "SGD": 0.01}[name],
            "width": 8,
            "depth": 2,
            "dropout": 0.0,
        }


def test_replays_and_pictures_of_any_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "FOLDER", tmp_path)
    monkeypatch.setattr(recipe, "REPLAYS", tmp_path / "search_comparison.csv")
    monkeypatch.setattr(replay.storage.os, "fsync", lambda descriptor: None)
    assert recipe.figures(None, None, None) == {}, "nothing replayed yet"
    for problem in recipe.PROBLEMS:
        table = recipe.scores(problem)
        for values in table.missing():
            rate = np.log10(values["learning_rate"]) + (2 if values["optimizer"] == "adam" else 1)
            score = 0.9 - 0.1 * rate**2 - 0.01 * abs(values["depth"] - 3) - 0.001 * values["width"]
            table.add(values, [score - 0.3 / epoch for epoch in range(1, 10)])
    recipe.replay_searches(seeds=3, trainings=20)
    found = replay.load(recipe.REPLAYS)
    assert {problem: set(of) for problem, of in found.items()} == {
        p: set(recipe.SEARCHES) for p in recipe.PROBLEMS
    }
    assert all(of["Bayesian"][1, -1] <= of["random"][1, -1] for of in found.values())
    pictures = recipe.figures(None, None, None)
    assert set(pictures) == {"tables", "race", "same_budget"}
    assert all(len(picture.axes) == 3 for picture in pictures.values())


@needs_tables
@pytest.mark.parametrize("problem", recipe.PROBLEMS)
def test_tables_are_full(problem):
    table = recipe.scores(problem)
    assert not table.missing()
    assert {len(table[values]) for values in table.points()} == {recipe.EPOCHS}


@needs_tables
def test_settings_matter_by_far():
    """Slide: "arte más que ciencia". Twenty random points are far apart, by 20 percentage points at least."""
    for problem in ("fashion_cnn", "imdb_text"):
        finals = [score for _, score in recipe.scores(problem).finals("max")]
        assert np.ptp(np.random.default_rng(0).choice(finals, 20, replace=False)) > 0.2


@needs_tables
@pytest.mark.parametrize("problem", recipe.PROBLEMS)
def test_bayesian_search_needs_at_most_half_the_trainings_of_random_search(problem):
    found = replay.load(recipe.REPLAYS)[problem]
    assert replay.needed(found["Bayesian"], found["random"]) <= found["random"].shape[1] / 2


@needs_tables
def test_with_the_same_budget_adam_and_sgd_are_closer_than_untuned():
    for problem, found in replay.load(recipe.REPLAYS).items():
        gap = abs(found["Adam"][1] - found["SGD"][1])
        assert gap[19] < gap[0], problem
