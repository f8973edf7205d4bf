"""The picture of automl_table: how the kinds train, and who leads, gradient boosting included."""

from recipes.common.leaderboard import plot_kinds
from recipes.training import automl_table


def figures(models, test, histories):
    """The leaderboard of the kinds at their defaults, beside gradient boosting."""
    train, _, _ = automl_table.load_data()
    boosting = automl_table.baseline(train, test)["accuracy"]
    return {"leaderboard": plot_kinds(models, test, histories, "boosting", boosting)}
