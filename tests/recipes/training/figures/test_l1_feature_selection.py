"""Paths of weights beside scikit-learn's estimators with the same cost."""

import numpy as np
from sklearn.linear_model import Lasso, Ridge

from recipes.training import l1_feature_selection as recipe
from recipes.training.figures import l1_feature_selection as figures


def test_paths_pass_through_the_minima_in_the_order_of_the_strengths():
    inputs, targets = recipe.sample_examples(60, 1)
    inputs, targets = inputs.astype("float64") + 3, targets[:, 0] - 5  # they need an offset
    strengths = np.array([0.05, 0.3, 1.0])
    ridge, lasso = figures.regularization_paths(inputs, targets, strengths)
    for index, strength in enumerate(strengths):
        expected = Ridge(60 * strength).fit(inputs, targets).coef_
        np.testing.assert_allclose(ridge[index], expected, atol=1e-6)
        expected = Lasso(strength / 2, tol=1e-8).fit(inputs, targets).coef_
        np.testing.assert_allclose(lasso[index], expected, atol=5e-3)
