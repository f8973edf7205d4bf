import keras
import numpy as np
import pytest

from recipes.heads import cnn_regression as recipe


@pytest.mark.parametrize(
    ("pool_strides", "flat", "parameters"), [(1, 118, 57_100_098), (2, 29, 3_512_130)]
)
def test_parameters_of_the_slides_network(pool_strides, flat, parameters):
    with keras.StatelessScope(
        initialize_variables=False
    ):  # counted without a place for 57 million numbers
        model = recipe.slide_network(pool_strides)
    assert model.count_params() == parameters
    flatten = next(layer for layer in model.layers if isinstance(layer, keras.layers.Flatten))
    assert flatten.output.shape == (None, flat * flat * 64)


def test_parameters_and_shapes():
    model = recipe.build_model()
    assert model.count_params() == 192_724
    assert model.output_shape == (None, 4)


def test_the_targets_are_what_is_drawn():
    """Without noise, the centre of gravity of the bright pixels lies a third of the way from the base to the tip."""
    images, targets = recipe.examples(64, seed=0)
    pixels = images[..., 0].astype("float32")
    bright = (
        pixels
        > (np.median(pixels, axis=(1, 2), keepdims=True) + pixels.max((1, 2), keepdims=True)) / 2
    )
    axis = (np.arange(recipe.SIZE) + 0.5) * 2 / recipe.SIZE - 1
    x, y = (bright.sum(a) @ axis / bright.sum((1, 2)) for a in (1, 2))
    for found, middle, direction in (
        (x, targets[:, 0], targets[:, 2]),
        (y, targets[:, 1], targets[:, 3]),
    ):
        # length 0.3 to 0.4 each way: the centre of gravity is a third of it behind the middle
        assert found == pytest.approx(recipe.REACH * middle - 0.35 / 3 * direction, abs=0.05)
    assert np.hypot(targets[:, 2], targets[:, 3]) == pytest.approx(np.ones(64), abs=1e-5)


def test_the_whole_triangle_is_in_the_image():
    images, _ = recipe.examples(200, seed=1)
    border = np.concatenate(
        [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1
    )[..., 0]
    ground = np.median(images, axis=(1, 2))
    assert np.abs(border - ground).max() < 50  # noise of deviation 8 alone


def test_examples_repeat_and_splits_differ():
    first, again, other = (recipe.examples(5, seed)[0] for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_errors_by_hand():
    def answer(x, y, degrees, length=1):
        return np.array(
            [[x, y, length * np.cos(np.radians(degrees)), length * np.sin(np.radians(degrees))]],
            "float32",
        )

    true, predicted = answer(0, 0.5, 359), answer(0.1, 0.2, 1, length=3)
    assert float(recipe.position_mae(true, predicted)[0]) == pytest.approx(0.2 / 2, abs=1e-6)
    assert float(recipe.angle_mae(true, predicted)[0]) == pytest.approx(2 / 360, abs=1e-6)
    assert float(recipe.angle_mae(answer(0, 0, 10), answer(0, 0, 190))[0]) == pytest.approx(
        0.5, abs=1e-6
    )


def test_both_apis_give_the_same_network():
    keras.utils.set_random_seed(0)
    models = [recipe.build_model(api=api) for api in ("sequential", "functional")]
    for weight in models[0].weights:  # moved off their initial values, moving averages too
        weight.assign(weight + 0.1 * keras.random.uniform(weight.shape))
    models[1].set_weights(models[0].get_weights())
    images, _ = recipe.examples(4, seed=2)
    np.testing.assert_allclose(*(model(images) for model in models), rtol=1e-5, atol=1e-5)
