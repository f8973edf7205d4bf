"""The picture of automl_image: how the kinds train, and who leads, support vectors included."""

from recipes.common.leaderboard import plot_kinds
from recipes.training import automl_image


def figures(models, test, histories):
    """The leaderboard of the kinds at their defaults, beside a support vector machine."""
    train, _, _ = automl_image.load_data()
    machine = automl_image.baseline(train, test)["accuracy"]
    return {"leaderboard": plot_kinds(models, test, histories, "SVM", machine)}
