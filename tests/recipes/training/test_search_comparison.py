"""The three networks, the schedule, and what a linear model reads."""

import numpy as np
import pytest

from recipes.training import search_comparison as recipe


@pytest.mark.parametrize(
    ("problem", "count"),
    [
        # 8 filters of 4×4 and biases; 16 of 8×3×3 and 32 of 16×3×3, each with 4 numbers a filter;
        # 3×3×32 to 10
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


def test_a_linear_model_reads_pixels_word_counts_or_numbers():
    image = np.zeros((1, 28, 28, 1), "uint8")
    image[0, 0, 2] = 255
    assert np.flatnonzero(recipe.linear_features(image)).tolist() == [2]
    words = np.array([[7, 2, 7, 0], [1, 0, 0, 0]])
    counts = recipe.linear_features(words).toarray()  # of the words 1, 2, …: 0 fills up
    assert counts.shape == (2, recipe.WORDS - 1)
    assert counts[:, :7].tolist() == [[0, 1, 0, 0, 0, 0, 2], [1, 0, 0, 0, 0, 0, 0]]
    numbers = np.array([[0.5, -1.0]], "float32")
    assert recipe.linear_features(numbers) is numbers


@pytest.mark.parametrize("problem", recipe.VARIANTS)
def test_training_examples_do_not_reach_into_those_for_validation(problem):
    with pytest.raises(ValueError, match=f"percent is at most {recipe.MOST[problem]}"):
        recipe.load_data(problem, percent=recipe.MOST[problem] + 1)
