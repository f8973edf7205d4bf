"""Titles say how many modes a generator has; frames are every second snapshot."""

import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from recipes.gans import gan_toy as recipe
from recipes.gans.figures import gan_toy as pictures


@pytest.fixture(autouse=True)
def default_style():
    with plt.style.context("default"):
        yield
    plt.close("all")


def test_end_and_animation(monkeypatch, tmp_path):
    model = recipe.build_model(minibatch_statistics=False, units=4)
    three = np.repeat(recipe.CENTERS, [5, 3, 2, 0, 0, 0, 0, 0], axis=0)
    monkeypatch.setattr(model, "generate", lambda count: tf.constant(three))
    (axis,) = pictures.draw_end({"plain": model}).axes
    assert axis.get_title() == "plain: 3 of 8 modes,\n100% high-quality samples"
    samples, probabilities = recipe.snapshot(model)
    model.snapshots = [(epoch, [samples + epoch, probabilities]) for epoch in range(5)]
    animation = pictures.animate({"plain": model})
    animation.save(tmp_path / "game.gif", writer="pillow", dpi=20)
    with PIL.Image.open(tmp_path / "game.gif") as picture:
        assert picture.n_frames == 3
    (axis,) = animation._fig.axes
    assert axis.get_title() == "plain, epoch 4"
    np.testing.assert_allclose(axis.lines[0].get_xdata(), samples[:, 0] + 4)
