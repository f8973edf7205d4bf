"""W14, W16: formats against NumPy's own, policies, small losses, gradients by hand, XLA."""

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from recipes.hardware import mixed_precision as recipe
from recipes.hardware.figures import mixed_precision as figures

RNG = np.random.default_rng(0)
TYPES = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}
# Numbers of all sizes, those between two numbers of a format, and special ones.
NUMBERS = np.concatenate(
    [
        RNG.normal(size=2000) * 2.0 ** RNG.integers(-160, 135, 2000),
        RNG.normal(size=2000) * 2.0 ** RNG.integers(-30, 18, 2000),
        np.arange(-600, 600) / 512 + 2,
        [0.0, -0.0, 65_504, 65_519, 65_520, -65_520, 2.0**-25, 1.5 * 2.0**-24, np.inf, -np.inf],
        [np.nan, 2049, 2051, 257, 259, 16_777_217, 3.4e38, 3.5e38, 2.0**-150, 2.0**-133],
    ]
)
IMAGES = (RNG.integers(0, 256, (6, 28, 28, 1)) * (RNG.random((6, 28, 28, 1)) < 0.3)).astype("uint8")
LABELS = np.array([3, 1, 4, 1, 5, 9])


@pytest.mark.parametrize("name", TYPES)
def test_rounded_as_by_conversion(name):
    with np.errstate(over="ignore"):
        expected = NUMBERS.astype(TYPES[name]).astype("float64")
    found = recipe.rounded(NUMBERS, *recipe.FORMATS[name])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", TYPES)
def test_limits_are_those_of_the_type(name):
    known = ml_dtypes.finfo(TYPES[name])
    found = recipe.limits(*recipe.FORMATS[name])
    assert found["largest"] == float(known.max)
    assert found["normal"] == float(known.smallest_normal)
    assert found["smallest"] == float(known.smallest_subnormal)
    assert found["spacing"] == float(known.eps)
    count = found["counts"]
    one_more = np.array(count, TYPES[name]) + np.array(1, TYPES[name])
    assert np.array(count - 1, TYPES[name]) + np.array(1, TYPES[name]) == one_more == count


@pytest.mark.parametrize("name", TYPES)
def test_running_sums_are_those_of_the_type(name, monkeypatch):
    monkeypatch.setattr(recipe, "ADDENDS", 600)
    addend = np.array(recipe.ADDEND, TYPES[name])
    total = np.array(0, TYPES[name])
    expected = []
    for _ in range(600):
        total = total + addend
        expected.append(float(total))
    np.testing.assert_array_equal(recipe.running_sums(*recipe.FORMATS[name]), expected)


def test_a_sum_in_16_bits_stops_growing():
    ends = {name: recipe.running_sums(*bits)[-1] for name, bits in recipe.FORMATS.items()}
    assert ends == {"float32": pytest.approx(5, rel=1e-4), "bfloat16": 0.5, "float16": 4}


@pytest.mark.parametrize(
    ("policy", "computed", "kept"),
    [
        ("float32", "float32", "float32"),
        ("mixed_bfloat16", "bfloat16", "float32"),
        ("mixed_float16", "float16", "float32"),
        ("bfloat16", "bfloat16", "bfloat16"),
    ],
)
def test_activations_and_weights_of_a_policy(policy, computed, kept):
    model = recipe.build_model(policy, units=4)
    *layers, softmax = model.layers
    assert {layer.output.dtype for layer in layers} == {computed}
    assert softmax.output.dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {kept}


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("loss_scaling", [False, True])
def test_loss_scaling_is_what_is_asked_for(policy, loss_scaling):
    """Where all of Keras has the policy, too."""
    keras.config.set_dtype_policy(policy)
    try:
        model = recipe.build_model(policy, loss_scaling, units=4)
    finally:
        keras.config.set_dtype_policy("float32")
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == loss_scaling
    model.train_on_batch(IMAGES, LABELS)
    if scaled:
        assert float(model.optimizer.dynamic_scale) == recipe.SCALE


def trained(**arguments):
    """The weights after a few steps, as one array."""
    keras.utils.set_random_seed(0)
    model = recipe.build_model(units=8, **arguments)
    before = np.concatenate([weight.ravel() for weight in model.get_weights()])
    for _ in range(3):
        model.train_on_batch(IMAGES, LABELS)
    after = np.concatenate([weight.ravel() for weight in model.get_weights()])
    assert not np.array_equal(before, after)
    return after.astype("float32")


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_divisor_changes_nothing_where_gradients_have_the_range_of_float32(policy):
    small = trained(policy=policy, divisor=recipe.PIXELS)
    np.testing.assert_array_equal(small, trained(policy=policy))


def test_a_divisor_loses_gradients_in_float16_unless_the_loss_is_scaled():
    exact = trained()
    errors = {}
    for loss_scaling in (False, True):
        weights = trained(policy="mixed_float16", loss_scaling=loss_scaling, divisor=recipe.PIXELS)
        errors[loss_scaling] = np.abs(weights - exact).max()
    assert errors[True] < 0.1 * errors[False]


def test_gradients_of_activations_by_hand():
    keras.utils.set_random_seed(1)
    model = recipe.build_model(units=5)
    weights = model.get_weights()
    # Forward.
    x = IMAGES.reshape(6, 784) / 255
    outputs = []
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        x = x @ kernel + bias
        if len(outputs) < 3:
            x = np.maximum(x, 0)
        outputs.append(x)
    probabilities = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    # Backward, from the logits to the output of the first layer.
    expected = [(probabilities - np.eye(10)[LABELS]) / 6]
    for number in (2, 1, 0):
        gradient = expected[0]
        if number < 2:
            gradient = gradient * (outputs[number + 1] > 0)
        expected.insert(0, gradient @ weights[2 * number + 2].T)
    found = recipe.activation_gradients(model, IMAGES, LABELS)
    assert [part.shape for part in found] == [(6, 5), (6, 5), (6, 5), (6, 10)]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_share_that_is_lost():
    """float16 rounds to 0 what is at most half of 2⁻²⁴; what is 0 already is not lost."""
    gradients = np.array([0, 0, 2.0**-25, -(2.0**-26), 1.1 * 2.0**-25, 1.0], "float32")
    assert recipe.share_lost(gradients) == 0.5
    assert recipe.share_lost(gradients, 4) == 0
    assert recipe.share_lost(gradients, 2.0**-30) == 1


def test_memory_by_hand():
    """W14: activations take half the bytes in 16 bits, weights in float32 as many as before."""
    weights = 784 * 8 + 8 + 2 * (8 * 8 + 8) + 8 * 10 + 10
    values = 784 + 784 + 3 * 8 + 10  # of the layers that have the policy
    sizes = {}
    for policy in ("float32", "mixed_float16", "float16"):
        model = recipe.build_model(policy, units=8)
        model.optimizer.build(model.trainable_variables)
        sizes[policy] = recipe.memory(model, 3)
    assert sizes["float32"]["weights"] == sizes["mixed_float16"]["weights"] == 4 * weights
    assert sizes["float16"]["weights"] == 2 * weights
    assert sizes["float32"]["activations"] == 3 * 4 * (values + 10)
    for policy in ("mixed_float16", "float16"):
        assert sizes[policy]["activations"] == 3 * (2 * values + 4 * 10)
    assert 0 <= sizes["float32"]["optimizer"] - 4 * weights < 20  # and a few counters


def test_compiled_by_xla_it_answers_the_same():
    """W16."""
    keras.utils.set_random_seed(0)
    milliseconds, difference = recipe.compare_compiled(recipe.build_model(units=8), IMAGES)
    assert difference < 1e-5
    assert milliseconds.keys() == {"graph", "XLA"}
    assert min(milliseconds.values()) > 0


def test_a_difference_between_both_ways_is_noticed():
    def model(images):
        # A number that is drawn when the function is traced.
        return tf.cast(images, "float32")[:, 0, 0] + next(drawn)

    drawn = iter([0.0, 0.25])
    assert recipe.compare_compiled(model, IMAGES)[1] == 0.25


def test_the_picture_of_gradients_says_how_many_are_lost():
    gradients = np.concatenate([np.full(3, 1e-3), np.zeros(5), np.full(1, 1e-9)])
    figure = figures.plot_gradients(gradients)
    (axis,) = figure.axes
    assert axis.get_title().startswith("With a small loss, 100%")
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert [label.partition(": ")[2] for label in labels] == [
        "25% are lost",
        "100% are lost",
        "25% are lost",
    ]
    figures.plt.close(figure)


def test_the_picture_of_memory_adds_up():
    sizes = {
        "float32": {"weights": 1000, "optimizer": 2000, "activations": 3000},
        "float16": {"weights": 1, "optimizer": 1, "activations": 1},
    }
    figure = figures.plot_memory(sizes)
    assert [text.get_text() for text in figure.axes[0].texts] == [" 6 kB"]
    assert [bar.get_x() for bar in figure.axes[0].patches] == [0, 1, 3]
    figures.plt.close(figure)
