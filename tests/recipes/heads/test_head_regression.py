"""A linear head leaves the range of its targets, a sigmoid cannot; gaps and 16 bits do no harm."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.heads import head_regression as recipe


@pytest.fixture
def policy():
    yield
    keras.config.set_dtype_policy("float32")


def table_with_gaps(rows=64):
    """Districts of which each column, place included, lacks some numbers, and their prices."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(rows, 15)).astype("float32")
    table[:, :2] += (-119, 36)
    prices = table[:, 2:3] + table[:, 3:4]
    table[rng.random(table.shape) < 0.1] = np.nan
    return tf.data.Dataset.from_tensor_slices((table, prices)).batch(16)


def test_features_of_a_district_by_hand():
    names = ("longitude", "latitude", "housing_median_age", "median_income", "total_rooms")
    values = (-119.5, 36.25, 20.0, np.e, 100.0)
    district = dict(zip(names, values, strict=True))
    district |= {"total_bedrooms": np.nan, "population": 10 * np.e, "households": 10.0}
    district |= {"ocean_proximity": 3, "median_house_value": 250_000.0}
    district = {name: tf.constant(value, "float32") for name, value in district.items()}
    district["ocean_proximity"] = tf.cast(district["ocean_proximity"], "int64")
    features, price = recipe.features_and_price(district)
    expected = [-119.5, 36.25, 20, 1, np.log(10), np.nan, 1, np.log(100), 1 + np.log(10)]
    expected += [np.log(10), 0, 0, 0, 1, 0]
    np.testing.assert_allclose(features, expected, rtol=1e-6)
    assert price.numpy().tolist() == [2.5]


@pytest.mark.parametrize("activation", ["linear", "sigmoid"])
def test_only_the_linear_head_leaves_the_range_of_its_targets(activation):
    """Prices of −4 to 4, growing along the third column; asked far beyond the last of them."""
    table = np.zeros((64, 15), "float32")
    table[:, 2] = np.linspace(-1, 1, 64)
    data = tf.data.Dataset.from_tensor_slices((table, 4 * table[:, 2:3])).batch(64)
    keras.utils.set_random_seed(0)
    model = recipe.build_model(activation, sinusoids=32, dropout=0.0, steps=200, train=data)
    for x, y in data.repeat(150):
        model.train_on_batch(x, y)
    beyond = np.zeros((1, 15), "float32")
    beyond[0, 2] = 2
    answer = float(model(beyond)[0, 0])
    if activation == "linear":
        assert answer > 4.5
    else:
        assert 0.9 < answer <= 1


def test_the_docstring_has_the_number_of_parameters_with_fourier_features():
    model = recipe.build_model(sinusoids=32, train=table_with_gaps())
    trainable = sum(np.prod(weight.shape) for weight in model.trainable_weights)
    assert f"{model.count_params():,} parameters" in recipe.build_model.__doc__
    assert f"of which {trainable:,} are trainable" in recipe.build_model.__doc__


def test_gaps_in_any_column_are_filled_before_both_branches():
    train = table_with_gaps()
    model = recipe.build_model(sinusoids=32, train=train, steps=40)
    for _ in range(10):
        for x, y in train:
            model.train_on_batch(x, y)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    table, _ = recipe.to_numpy(train)
    filled = np.where(np.isnan(table), np.nanmean(table, axis=0), table)
    np.testing.assert_allclose(model(table), model(filled), rtol=1e-4, atol=1e-5)
    assert np.isfinite(model(table)).all()


@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.usefixtures("policy")
def test_places_are_not_rounded_in_16_bits(name):
    """What the dense layers are given differs from float32 by its own rounding only."""
    train = table_with_gaps()
    table, _ = recipe.to_numpy(train)
    features = {}
    for policy in ("float32", name):
        keras.config.set_dtype_policy(policy)
        model = recipe.build_model(sinusoids=32, train=train)
        concatenate = next(
            layer for layer in model.layers if isinstance(layer, keras.layers.Concatenate)
        )
        inside = keras.Model(model.inputs, concatenate.output)
        features[policy] = np.asarray(keras.ops.cast(inside([table]), "float32"))
    assert np.abs(features["float32"]).max() > 2
    np.testing.assert_allclose(features[name], features["float32"], rtol=0.01, atol=0.01)
