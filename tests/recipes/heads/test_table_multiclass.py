"""A district's numbers by hand, gaps, other numbers of classes, and the mistakes at the borders."""

import numpy as np
import tensorflow as tf

from recipes.heads import table_multiclass as recipe
from recipes.heads.figures import table_multiclass as figures


def table(rows=40, columns=9, classes=5):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, columns)).astype("float32")
    features[rng.random(features.shape) < 0.1] = np.nan
    return tf.data.Dataset.from_tensor_slices((features, np.arange(rows) % classes)).batch(16)


def test_features_of_a_district_by_hand():
    district = {"longitude": -119.5, "latitude": 36.25, "housing_median_age": 20.0}
    district |= {"median_income": np.e, "median_house_value": np.e**2, "total_rooms": 100.0}
    district |= {"total_bedrooms": np.nan, "population": 10 * np.e, "households": 10.0}
    district = {name: tf.constant(value, "float32") for name, value in district.items()}
    district["ocean_proximity"] = tf.constant(3, "int64")
    features, label = recipe.features_and_class(district)
    expected = [-119.5, 36.25, 20, 1, 2, np.log(10), np.nan, 1, np.log(10)]
    np.testing.assert_allclose(features, expected, rtol=1e-6)
    assert label == 3


def test_classes_stand_in_the_order_of_the_data_set():
    from recipes.datasets.california_housing import CaliforniaHousing

    names = CaliforniaHousing(data_dir="none").info.features["ocean_proximity"].names
    short = {"<1H OCEAN": "within an hour", "INLAND": "inland", "ISLAND": "island"}
    short |= {"NEAR BAY": "near the bay", "NEAR OCEAN": "near the ocean"}
    assert [short[name] for name in names] == recipe.CLASSES


def test_gaps_are_filled_with_the_mean_of_the_column():
    train = table()
    model = recipe.build_model(train=train)
    features, _ = recipe.to_numpy(train)
    filled = np.where(np.isnan(features), np.nanmean(features, axis=0), features)
    outputs = model(features).numpy()
    np.testing.assert_allclose(outputs, model(filled), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(outputs.sum(axis=-1), 1, rtol=1e-5)


def test_as_many_columns_and_classes_as_there_are():
    model = recipe.build_model(train=table(columns=4, classes=3), classes=3)
    assert model.input_shape == (None, 4)
    assert model.output_shape == (None, 3)


def test_districts_where_classes_meet():
    places = np.array([[0, 0], [1, 0], [2, 0], [10, 0], [11, 0], [12, 0], [2.5, 0]])
    labels = np.array([0, 0, 0, 1, 1, 1, 1])
    found = figures.near_another_class(places, labels, neighbors=2)
    assert found.tolist() == [False, False, True, False, False, False, True]
