"""G4, G8: what counts as having found the ring; the collapse and its remedy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recipes.gans import gan_toy as recipe


def scores(points):
    return {name: float(value) for name, value in recipe.judge(points.astype("float32")).items()}


def test_scores_of_the_ring_of_one_heap_and_of_noise():
    ring = scores(recipe.ring(20_000, seed=5))
    assert ring["good"] == pytest.approx(
        1 - np.exp(-4.5), abs=0.003
    )  # three deviations in the plane
    assert ring["heaps"] == 8
    assert 0.97 < ring["overlap"] < ring["good"]
    one = scores(np.tile(recipe.CENTRES[:1], (100, 1)))
    assert one == pytest.approx({"overlap": 1 / 8, "heaps": 1, "good": 1})
    noise = scores(np.random.default_rng(0).uniform(-1.5, 1.5, (20_000, 2)))
    assert noise["good"] == pytest.approx(8 * np.pi * 0.15**2 / 9, rel=0.1)


@pytest.mark.parametrize(("statistics", "count"), [(True, 9_539), (False, 9_283)])
def test_parameters(statistics, count):
    model = recipe.build_model(statistics)
    model(recipe.ring(2, seed=1))
    assert model.count_params() == count


def test_end_of_the_game():
    """N51: a discriminator that says one half everywhere has the loss log 4, whatever the generator makes."""
    model = recipe.build_model(statistics=False)
    model.discriminator.set_weights([0 * weight for weight in model.discriminator.get_weights()])
    data = tf.data.Dataset.from_tensor_slices((recipe.ring(100, seed=1),)).batch(50)
    found = model.evaluate(data, return_dict=True, verbose=0)
    assert found["discriminator_loss"] == pytest.approx(np.log(4), abs=1e-6)
    assert found["generator_loss"] == pytest.approx(np.log(2), abs=1e-6)


def test_point_is_judged_in_its_company_and_alone():
    points = recipe.ring(10, seed=1)
    for statistics in (True, False):
        model = recipe.build_model(statistics)
        first, other = model(points)[0], model(np.concatenate([points[:1], 0 * points[1:]]))[0]
        assert (abs(float(first[0] - other[0])) > 1e-4) == statistics


def test_album_pages_and_save(tmp_path):
    model = recipe.build_model()
    points, belief = recipe.look(model)
    assert (points.shape, belief.shape) == ((400, 2), (31, 31))
    assert 0 < belief.min() < belief.max() < 1
    model(points)
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    for found, expected in zip(
        recipe.look(keras.saving.load_model(tmp_path / "model.keras")),
        (points, belief),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_collapse_and_remedy(seed):
    """G8: at most two heaps alone, at least seven where D sees the batch."""
    heaps = {}
    for name, arguments in recipe.VARIANTS.items():
        keras.utils.set_random_seed(seed)
        train, _, test = recipe.load_data()
        model = recipe.build_model(**arguments)
        model.fit(train, epochs=recipe.EPOCHS, shuffle=False, verbose=0)
        heaps[name] = model.evaluate(test, return_dict=True, verbose=0)["heaps"]
    assert heaps["alone"] <= 2
    assert min(heaps["statistics"], heaps["calm"]) >= 7
