"""A35: deep learning repeats one elementary layer, and beats features made by hand.

On 1,797 digits of 8 × 8 pixels, which scikit-learn contains.
"""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from recipes.cnn_architectures.plain_versus_residual import build_model
from recipes.common.network_cost import count_layers
from recipes.heads.head_binary_images import oriented_gradients


@pytest.mark.slides
def test_one_function_builds_every_depth():
    """Each block more has two layers more in each of three stages, of 8, 16 and 32 filters."""
    further = sum(2 * (9 * filters**2 + 4 * filters) for filters in (8, 16, 32))
    smallest = build_model(blocks=1, residual=False).count_params()
    for blocks in (1, 2, 5):
        model = build_model(blocks=blocks, residual=False)
        assert count_layers(model) == 6 * blocks + 2
        assert model.count_params() == smallest + (blocks - 1) * further


@pytest.mark.full
def test_learned_from_end_to_end_it_beats_features_made_by_hand():
    """Histograms of oriented gradients and a support vector machine, against eight layers."""
    images, labels = load_digits(return_X_y=True)
    images = 16 * images.reshape(-1, 8, 8, 1)  # from 0 to 256
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:1200], order[1200:]
    features = oriented_gradients(images, cell=2)
    machine = SVC(C=10).fit(features[train], labels[train])
    by_hand = machine.score(features[test], labels[test])
    assert by_hand > 0.95
    keras.utils.set_random_seed(0)
    model = build_model(blocks=1, residual=False, filters=16, steps=12 * 38, input_shape=(8, 8, 1))
    model.fit(images[train], labels[train], batch_size=32, epochs=12, verbose=0)
    learned = model.evaluate(images[test], labels[test], verbose=0, return_dict=True)["accuracy"]
    assert learned > by_hand
