"""The picture of automl_text: how the kinds train, and who leads, tf-idf included."""

from recipes.common.leaderboard import plot_kinds
from recipes.training import automl_text


def figures(models, test, histories):
    """The leaderboard of the kinds at their defaults, beside logistic regressions on tf-idf."""
    train, _, _ = automl_text.load_data()
    tf_idf = automl_text.baseline(train, test)["accuracy"]
    return {"leaderboard": plot_kinds(models, test, histories, "tf-idf", tf_idf)}
