"""The mean of thinned passes and the full network, and what dropout does to training accuracy."""

import keras
import numpy as np

from recipes.training import dropout as recipe
from recipes.training.figures import dropout as figures


def test_mean_of_thinned_passes_is_nearly_the_full_network():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 500)
    images = (60 * rng.random((500, 28, 28, 1))).astype("uint8")
    images[np.arange(500), 2 * labels + 4] += 50  # a bright row tells the class, in some noise
    model = recipe.build_model(units=64)
    history = model.fit(images[:300], labels[:300], epochs=40, batch_size=30, verbose=0).history
    new, truth = images[300:], labels[300:]
    passes = figures.thinned_passes(model, new, 40)
    errors = figures.errors_of_means(passes, truth)
    full = np.mean(model.predict_on_batch(new).argmax(axis=-1) != truth)
    assert abs(errors[-1] - full) < 0.02
    assert errors[0] > full + 0.02
    assert passes.std(axis=0).max() > 0.1
    _, whole = model.evaluate(images[:300], labels[:300], verbose=0)
    assert history["accuracy"][-1] < whole, "while training some units are off"


def test_pixels_are_dropped_at_most_at_a_fifth():
    for rate, expected in ((0.1, [0.1, 0.1, 0.1]), (0.8, [0.2, 0.8, 0.8])):
        layers = recipe.build_model(rate, units=4).layers
        rates = [layer.rate for layer in layers if isinstance(layer, keras.layers.Dropout)]
        assert rates == expected
