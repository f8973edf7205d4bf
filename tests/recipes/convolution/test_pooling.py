"""By hand against Keras, and two networks that differ in their pooling only."""

import keras
import numpy as np
import pytest
from keras import ops

from recipes.convolution import pooling as recipe


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (2, 1), (3, 3)])
def test_by_hand_equals_keras(size, stride):
    maps = np.random.default_rng(0).normal(size=(9, 11, 4)).astype("float32")
    for layer, how in (
        (keras.layers.MaxPooling2D, np.max),
        (keras.layers.AveragePooling2D, np.mean),
    ):
        expected = ops.convert_to_numpy(layer(size, strides=stride)(maps[None]))[0]
        np.testing.assert_allclose(recipe.pool(maps, size, stride, how), expected, atol=1e-6)


def test_variants_differ_in_pooling_only():
    models = [recipe.build_model(**arguments) for arguments in recipe.VARIANTS.values()]
    assert [model.count_params() for model in models] == [20_490, 20_490]
    kinds = [[type(layer).__name__ for layer in model.layers] for model in models]
    differing = {pair for pair in zip(*kinds, strict=True) if len(set(pair)) > 1}
    assert differing == {("MaxPooling2D", "AveragePooling2D")}
    with pytest.raises(ValueError, match="Received: median"):
        recipe.build_model(pooling="median")
