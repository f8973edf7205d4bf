"""What the penalties leave, beside scikit-learn's Lasso and Ridge with the same cost."""

import keras
import numpy as np
import pytest
from sklearn.linear_model import Lasso, LinearRegression, Ridge

from recipes.training import l1_feature_selection as recipe

STRENGTH = 0.3
INPUTS, TARGETS = recipe.sample_examples(100, 0)


@pytest.fixture(scope="module")
def weights():
    """By penalty, after full training."""
    found = {}
    for name, arguments in recipe.VARIANTS.items():
        keras.utils.set_random_seed(0)
        model = recipe.build_model(**arguments)
        train, _, _ = recipe.load_data()
        model.fit(train, epochs=recipe.EPOCHS, shuffle=False, verbose=0)
        found[name] = model.get_weights()[0][:, 0]
    return found


def test_l1_zeroes_the_irrelevant_weights_and_l2_does_not(weights):
    assert recipe.count_small(weights["l1"]) >= 36  # 80 % of 45
    assert recipe.count_small(weights["l1_exact"], below=1e-12) >= 36
    assert recipe.count_small(weights["l1"], below=1e-12) < 5  # near 0, but not there
    assert recipe.count_small(weights["l2"]) < 5
    assert recipe.count_small(weights["none"]) < 5
    for name in ("l1", "l1_exact"):
        assert (np.abs(weights[name][list(recipe.RELEVANT)]) > 0.2).all()


def test_relevant_inputs_are_found(weights):
    largest = np.argsort(-np.abs(weights["l1_exact"]))[:5]
    assert set(largest) == set(recipe.RELEVANT)


def test_training_ends_where_scikit_learn_does(weights):
    expected = {
        "none": LinearRegression(),
        "l2": Ridge(alpha=len(INPUTS) * STRENGTH),  # Σ e² + α Σ w²
        "l1": Lasso(alpha=STRENGTH / 2, tol=1e-8),  # ½ mean e² + α Σ |w|
        "l1_exact": Lasso(alpha=STRENGTH / 2, tol=1e-8),
    }
    for name, model in expected.items():
        found = model.fit(INPUTS, TARGETS[:, 0]).coef_
        np.testing.assert_allclose(weights[name], found, atol=3e-3, err_msg=name)


def test_soft_threshold():
    threshold = recipe.SoftThreshold(0.5)
    weights = np.array([2.0, 0.5, 0.3, 0.0, -0.2, -3.0], "float32")
    np.testing.assert_allclose(threshold(weights), [1.5, 0, 0, 0, 0, -2.5])
    assert recipe.SoftThreshold.from_config(threshold.get_config()).step == 0.5


def test_a_baseline_sees_each_example_once():
    train, _, _ = recipe.load_data()
    inputs, targets = recipe.distinct_examples(train)
    order = np.lexsort(INPUTS.T[::-1])
    np.testing.assert_array_equal(inputs, INPUTS[order])
    np.testing.assert_array_equal(targets, TARGETS[order])


def test_only_weights_of_irrelevant_inputs_count_as_small():
    weights = np.full(50, 0.5)
    weights[[3, 11]] = 0  # relevant
    weights[[0, 1, 2]] = [0, -0.0005, -0.5]
    assert recipe.count_small(weights) == 2
    assert recipe.count_small(weights, below=1e-12) == 1
