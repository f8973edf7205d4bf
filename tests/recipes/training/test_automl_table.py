"""A district's class, what each kind of network computes, and what is searched for it."""

import inspect

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from recipes.training import automl_table as recipe

KINDS = {
    "mlp": recipe.mlp_network,
    "linear": lambda x: x,
    "residual": recipe.residual_network,
    "attention": recipe.attention_network,
}


def table(rows=40, columns=15, classes=4):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, columns)).astype("float32")
    features[rng.random(features.shape) < 0.1] = np.nan
    return tf.data.Dataset.from_tensor_slices((features, np.arange(rows) % classes)).batch(16)


def dense_layers(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]


def test_features_and_class_of_a_district_by_hand():
    district = {"longitude": -119.5, "latitude": 36.25, "housing_median_age": 20.0}
    district |= {"median_income": np.e, "total_rooms": 100.0, "total_bedrooms": np.nan}
    district |= {"population": 10 * np.e, "households": 10.0}
    district = {name: tf.constant(value, "float32") for name, value in district.items()}
    district["ocean_proximity"] = tf.constant(3, "int64")
    prices = [60_000.0, 119_900.0, 120_000.0, 180_000.0, 264_900.0, 265_000.0, 500_001.0]
    for price, expected in zip(prices, [0, 0, 1, 2, 2, 3, 3], strict=True):
        given = district | {"median_house_value": tf.constant(price)}
        features, label = recipe.features_and_class(given)
        assert label == expected
    numbers = [-119.5, 36.25, 20, 1, np.log(10), np.nan, 1, np.log(100)]
    numbers += [1 + np.log(10), np.log(10), 0, 0, 0, 1, 0]
    np.testing.assert_allclose(features, numbers, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_gaps_are_filled_with_the_mean_of_the_column(kind):
    train = table(columns=6, classes=3)
    model = recipe.build_model(kind, train=train, classes=3, sinusoids=2)
    features, _ = recipe.to_numpy(train)
    filled = np.where(np.isnan(features), np.nanmean(features, axis=0), features)
    outputs = model(features).numpy()
    assert outputs.shape == (40, 3)
    np.testing.assert_allclose(outputs, model(filled), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(outputs.sum(axis=-1), 1, rtol=1e-5)


def test_numbers_of_parameters_by_hand_and_in_the_docstring():
    by_hand = {
        "mlp": 16 * 128 + 129 * 128 + 129 * 4,
        "linear": 16 * 4,
        "residual": 16 * 128 + 2 * (129 * 256 + 257 * 128) + 129 * 4,
        # Tokens; two blocks of attention, feed-forward network and two normalizations; the head.
        "attention": 2 * 15 * 32 + 2 * (4 * 32**2 + 33 * 64 + 65 * 32 + 4 * 32) + 2 * 32 + 33 * 4,
    }
    said = " ".join(recipe.build_model.__doc__.split())
    for kind, count in by_hand.items():
        model = recipe.build_model(kind, train=table())
        statistics = sum(weight.shape.num_elements() for weight in model.non_trainable_weights)
        assert model.count_params() - statistics == count
        assert f"`{kind}` {count:,}" in said


def test_periodic_features_are_sines_and_cosines_of_multiples_of_each_number():
    x = keras.Input((3,))
    model = keras.Model(x, recipe.periodic_features(x, sinusoids=2, scale=1.0))
    (kernel,) = model.get_weights()  # (columns, sinusoids)
    numbers = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    angles = (numbers[:, :, None] * kernel).reshape(5, 6)
    expected = np.concatenate([numbers, np.sin(angles), np.cos(angles)], axis=-1)
    np.testing.assert_allclose(model(numbers), expected, atol=1e-6)


def test_residual_blocks_that_say_nothing_pass_their_input_on():
    x = keras.Input((3,))
    outputs = recipe.residual_network(x, units=4, depth=2, dropout=0.0, batch_norm=False)
    model = keras.Model(x, outputs)
    first, _, second, _, fourth = dense_layers(model)
    for last_of_block in (second, fourth):
        last_of_block.set_weights([np.zeros_like(w) for w in last_of_block.get_weights()])
    numbers = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    np.testing.assert_allclose(model(numbers), keras.ops.relu(first(numbers)), atol=1e-6)


def test_attention_sees_a_set_of_columns_each_with_its_own_vectors():
    keras.utils.set_random_seed(0)
    x = keras.Input((5,))
    model = keras.Model(x, recipe.attention_network(x, embed_dim=8, depth=1, dropout=0.0))
    numbers = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
    before = model(numbers).numpy()
    order = [3, 0, 4, 1, 2]
    assert np.abs(model(numbers[:, order]) - before).max() > 0.01
    tokens = model.layers[1]
    tokens.set_weights([weight[order] for weight in tokens.get_weights()])
    np.testing.assert_allclose(model(numbers[:, order]), before, atol=1e-6)


def test_attention_has_a_token_for_each_column_and_none_for_sinusoids():
    plain = recipe.build_model("attention", train=table())
    with_sinusoids = recipe.build_model("attention", sinusoids=8, train=table())
    assert with_sinusoids.count_params() == plain.count_params()


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_is_predicted_by_a_linear_unit(kind):
    train = table()
    model = recipe.build_model(kind, train=train, classes=None)
    assert model.output_shape == (None, 1)
    assert model.layers[-1].activation is keras.activations.linear
    features, _ = recipe.to_numpy(train)
    targets = np.linspace(-1, 1, len(features), dtype="float32")[:, None]
    loss, r2 = model.evaluate(features, targets, verbose=0)
    errors = targets - model.predict_on_batch(features)
    assert loss == pytest.approx(np.mean(errors**2), rel=1e-4)
    assert r2 == pytest.approx(1 - np.mean(errors**2) / np.var(targets), rel=1e-3, abs=1e-4)


def test_boosting_of_a_number_and_of_classes():
    x = np.random.default_rng(0).normal(size=(200, 2)).astype("float32")
    for targets, score in (((x[:, :1] > 0).astype(int)[:, 0], "accuracy"), (x[:, :1], "r2")):
        data = tf.data.Dataset.from_tensor_slices((x, targets)).batch(64)
        found = recipe.baseline(data, data)
        assert list(found) == [score]
        assert found[score] > 0.95


def test_a_constant_schedule_and_an_unknown_kind():
    model = recipe.build_model("linear", schedule="constant", learning_rate=0.02, train=table())
    assert float(model.optimizer.learning_rate) == pytest.approx(0.02)
    assert not isinstance(
        model.optimizer._learning_rate, recipe.keras.optimizers.schedules.CosineDecay
    )
    with pytest.raises(ValueError, match="mlp, linear, residual, attention, and not 'forest'"):
        recipe.build_model("forest", train=table())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sinusoids", [0, 8])
def test_a_kind_is_searched_by_the_arguments_that_it_has(kind, sinusoids):
    hp = keras_tuner.HyperParameters()
    recipe.search_space(hp)
    for parameter in hp.space:
        hp.values.setdefault(parameter.name, parameter.default)
    hp.values |= {"kind": kind, "sinusoids": sinusoids}
    found = set(recipe.search_space(hp))
    shared = {"kind", "learning_rate", "schedule", "weight_decay", "batch_size", "class_weights"}
    own = set(inspect.signature(KINDS[kind]).parameters) - {"x"}
    if kind != "attention":
        own |= {"sinusoids"} | ({"scale"} if sinusoids else set())
    assert found == shared | own
    active = {parameter.name for parameter in hp.space if hp.is_active(parameter)}
    assert active == found, "the conditions say otherwise than the code"


def test_the_kinds_that_are_searched_are_the_variants():
    hp = keras_tuner.HyperParameters()
    recipe.search_space(hp)
    kinds = [variant["kind"] for variant in recipe.VARIANTS.values()]
    assert hp.space[0].values == kinds == list(recipe.VARIANTS) == list(KINDS)
    assert kinds[0] == inspect.signature(recipe.build_model).parameters["kind"].default
