"""Each panel has the name, the diagnosis and the samples of its variant."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf

from recipes.gans import gan_failures as recipe
from recipes.gans.figures import gan_failures as pictures


@pytest.fixture(autouse=True)
def default_style():
    with plt.style.context("default"):
        yield
    plt.close("all")


def test_panels(monkeypatch):
    histories, models = {}, {}
    for number, (name, loss) in enumerate({"healthy": 1.3, "weak_generator": 0.01}.items()):
        losses = {"discriminator_loss": [loss] * 6, "generator_loss": [0.7] * 6}
        histories[name] = {**losses, "val_coverage": [0.1, 0.5, 0.4, 0.4, 0.5, 0.6]}
        models[name] = recipe.build_model((4, 4))
        points = tf.constant(np.full((500, 2), number, "float32"))
        monkeypatch.setattr(models[name], "generate", lambda count, points=points: points)
    axes = pictures.draw_samples(models, histories).axes
    titles = [axis.get_title() for axis in axes[:2]]
    assert titles == ["healthy:\nnothing", "weak generator:\ngenerator does not learn"]
    assert [set(axis.lines[1].get_xdata()) for axis in axes[:2]] == [{0}, {1}]
    curves = pictures.draw_curves(histories).axes
    assert curves[0].lines[1].get_ydata().tolist() == [0.01] * 6
    assert curves[2].lines[0].get_ydata().tolist() == [0.1, 0.5, 0.4, 0.4, 0.5, 0.6]
