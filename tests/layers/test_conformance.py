"""The harness lets good layers pass and fails on each kind of broken one."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.layers.conformance import check_layer, check_model

SHAPE = (2, 5, 4)
register = keras.saving.register_keras_serializable(package="tests")


@register
class Scale(keras.layers.Layer):
    """A sound layer: `(x + noise) · scale + bias`. The broken ones below change one method each."""

    def __init__(self, size=1.0, noise=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        if size <= 0:
            raise ValueError(f"`size` must be positive. Received: size={size}")
        self.size, self.noise, self.seed = size, noise, seed
        self.generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        self.scale = self.add_weight(
            (input_shape[-1],), keras.initializers.Constant(self.size), name="scale"
        )
        self.bias = self.add_weight((input_shape[-1],), "zeros", name="bias")

    def call(self, inputs, training=False):
        if training and self.noise:
            noise = keras.random.normal(ops.shape(inputs), dtype=inputs.dtype, seed=self.generator)
            inputs = inputs + self.noise * noise
        return inputs * self.scale + self.bias

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "size": self.size, "noise": self.noise, "seed": self.seed}


def reference(x, weights):
    return x * weights[0] + weights[1]


BAD = {"bad_arguments": [{"size": -1.0}], "bad_shapes": [(2, 5), (2, 5, 4, 1)]}


def test_a_sound_layer_passes():
    check_layer(
        Scale, {"size": 2.0}, SHAPE, reference=reference, parameters=8, mask="passed", **BAD
    )
    check_layer(
        Scale,
        {"size": 2.0, "noise": 0.1, "seed": 1},
        SHAPE,
        reference=reference,
        random=True,
        **BAD,
    )


@pytest.mark.parametrize(
    ("layer", "arguments", "shape", "options"),
    [
        (
            "Dense",
            {"units": 3},
            (2, 4),
            {"reference": lambda x, w: x @ w[0] + w[1], "parameters": 15},
        ),
        ("Conv2D", {"filters": 2, "kernel_size": 3}, (2, 6, 5, 3), {"bad_shapes": [(2, 3)]}),
        ("BatchNormalization", {}, (4, 3), {"training_differs": True}),
        ("Dropout", {"rate": 0.5, "seed": 1}, (4, 3), {"random": True}),
        ("GlobalAveragePooling1D", {}, (2, 5, 4), {"mask": "consumed"}),
        ("Concatenate", {}, [(2, 3), (2, 4)], {}),
    ],
)
def test_keras_own_layers_pass(layer, arguments, shape, options):
    check_layer(getattr(keras.layers, layer), arguments, shape, **options)


def test_integer_inputs_pass():
    inputs = np.array([[0, 1, 2], [2, 1, 0]], "int32")
    check_layer(
        keras.layers.Embedding,
        {"input_dim": 3, "output_dim": 4},
        inputs=inputs,
        reference=lambda x, weights: weights[0][x],
        unknown_sizes=False,
    )


@register
class WrongShape(Scale):
    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 7)


@register
class FixedBatch(Scale):
    def call(self, inputs):
        return ops.reshape(super().call(inputs), (2, *inputs.shape[1:]))


@register
class KnownLength(Scale):
    def call(self, inputs):
        return super().call(inputs) * float(inputs.shape[1])


@register
class ForgetsConfig(Scale):
    def get_config(self):
        return keras.layers.Layer.get_config(self)


@register
class ForgetsState(Scale):
    """The configuration is complete; a number drawn at construction is not in it, nor a weight."""

    def __init__(self, size=1.0, noise=0.0, seed=None, **kwargs):
        super().__init__(size, noise, seed, **kwargs)
        self.drawn = float(np.random.default_rng().random())

    def call(self, inputs):
        return super().call(inputs) + self.drawn


class Unregistered(Scale):
    pass


@register
class StaysTrainable(Scale):
    def build(self, input_shape):
        super().build(input_shape)
        self.trainable = True


@register
class AlwaysFloat32(Scale):
    def call(self, inputs):
        return ops.cast(super().call(inputs), "float32")


@register
class NoGradient(Scale):
    def call(self, inputs):
        return inputs * self.scale + ops.stop_gradient(self.bias)


@register
class SameDraw(Scale):
    def call(self, inputs, training=False):
        return super().call(inputs) + (
            keras.random.normal(SHAPE, seed=self.seed) if training else 0.0
        )


@register
class IgnoresSeed(Scale):
    def __init__(self, *arguments, **kwargs):
        super().__init__(*arguments, **kwargs)
        self.generator = keras.random.SeedGenerator()


@register
class DrawsOnce(Scale):
    """Draws with NumPy: anew in every eager call, but once and for all in a compiled function."""

    def build(self, input_shape):
        super().build(input_shape)
        self.numpy = np.random.default_rng(self.seed)

    def call(self, inputs, training=False):
        return super().call(inputs) + (float(self.numpy.normal()) if training else 0.0)


@register
class LeaksMasked(Scale):
    def call(self, inputs):
        return super().call(inputs) + ops.mean(inputs, axis=1, keepdims=True)


@register
class DropsMask(Scale):
    def compute_mask(self, inputs, previous_mask=None):
        return None


@register
class WrongError(Scale):
    def __init__(self, size=1.0, **kwargs):
        assert size > 0
        super().__init__(size, **kwargs)


@register
class VagueError(Scale):
    def __init__(self, size=1.0, noise=0.0, seed=None, **kwargs):
        if size <= 0:
            raise ValueError("Invalid argument")
        super().__init__(size, noise, seed, **kwargs)


@register
class NotFinite(Scale):
    def call(self, inputs):
        return ops.log(super().call(inputs) * 0 - 1)


@register
class SquaresIn16Bits(Scale):
    def call(self, inputs):
        return super().call(inputs) / ops.sqrt(1 + ops.square(inputs))


SEEDED = {"noise": 0.1, "seed": 1}


@pytest.mark.parametrize(
    ("layer", "arguments", "options", "message"),
    [
        (Scale, {}, {"reference": lambda x, w: x * w[0]}, "against the reference"),
        (
            Scale,
            {},
            {"reference": lambda x, w: reference(x, w)[..., :2]},
            "against the reference: shape",
        ),
        (Scale, {}, {"parameters": 9}, "8 parameters, expected 9"),
        (Scale, {}, {"random": True}, "do not differ"),
        (Scale, SEEDED, {}, "training and inference differ"),
        (Scale, {}, {"mask": "consumed"}, "passes a mask on"),
        (Scale, {}, {"bad_arguments": [{"size": 3.0}]}, "no ValueError"),
        (Scale, {}, {"bad_shapes": [(3, 2, 4)]}, "no ValueError"),
        (Scale, {}, {"jit_compile": False}, "needs a reason"),
        (NotFinite, {}, {}, "not finite"),
        (WrongShape, {}, {}, "a symbolic call says"),
        (ForgetsConfig, {"size": 2.0}, {}, "get_config lacks"),
        (ForgetsState, {}, {}, "differs by up to"),
        (Unregistered, {}, {}, "not registered"),
        (StaysTrainable, {}, {}, "trainable=False"),
        (AlwaysFloat32, {}, {}, "output is float32 under mixed_bfloat16"),
        (SquaresIn16Bits, {}, {}, "with a value of 600 under mixed_float16"),
        (NoGradient, {}, {}, "no gradient reaches"),
        (SameDraw, {"seed": 1}, {"random": True}, "the second call draws what the first drew"),
        (IgnoresSeed, SEEDED, {"random": True}, "drawn again with the same seed"),
        (LeaksMasked, {}, {"mask": "passed"}, "masked steps reach"),
        (DropsMask, {}, {"mask": "passed"}, "does not pass the mask on"),
        (WrongError, {}, {"bad_arguments": [{"size": -1.0}]}, "AssertionError"),
        (VagueError, {}, {"bad_arguments": [{"size": -1.0}]}, "the message shows none"),
    ],
)
def test_a_broken_layer_fails(layer, arguments, options, message):
    with pytest.raises(AssertionError) as failure:
        check_layer(layer, arguments, SHAPE, **options)
    assert message in str(failure.value)
    assert str(failure.value).startswith(layer.__name__)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch compiles nothing here")
def test_a_layer_that_draws_outside_the_graph_fails():
    with pytest.raises(
        AssertionError, match="in a compiled function the second call draws what the first drew"
    ):
        check_layer(DrawsOnce, {"seed": 1}, SHAPE, random=True)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="JAX and torch always know the sizes"
)
def test_a_layer_that_needs_known_sizes_fails():
    for layer in (FixedBatch, KnownLength):
        with pytest.raises(AssertionError, match="unknown: TypeError"):
            check_layer(layer, {}, SHAPE)
    check_layer(KnownLength, {}, SHAPE, unknown_sizes=False)


@register
class Center(keras.Model):
    """A sound model: the distance from the center of the examples, which its training finds."""

    def __init__(self, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        if offset < 0:
            raise ValueError(f"`offset` must not be negative. Received: offset={offset}")
        self.offset = offset
        self.seeds = keras.random.SeedGenerator()

    def build(self, input_shape):
        self.center = self.add_weight((input_shape[-1],), "zeros", name="center")
        self.built = True

    def call(self, inputs):
        distances = ops.sum(ops.square(inputs - self.center), axis=-1)
        return self.offset + distances

    def gradient(self, inputs):
        noise = keras.random.uniform(ops.shape(inputs), -0.1, 0.1, seed=self.seeds)
        return 2 * ops.mean(self.center - inputs - noise, axis=0)

    def train_step(self, data):
        inputs, _ = data
        gradient = self.gradient(ops.cast(inputs, "float32"))
        self.center.assign_sub(self.optimizer.learning_rate * gradient)
        return {"largest": ops.max(ops.abs(gradient))}

    def get_config(self):
        return {**super().get_config(), "offset": self.offset}


@register
class StandsStill(Center):
    def train_step(self, data):
        return {"largest": ops.max(self.gradient(data[0])) + 0 * ops.mean(data[1])}


@register
class Unscaled(Center):
    """`apply` scales gradients back, which no scaled loss has made larger before."""

    def train_step(self, data):
        gradient = self.gradient(data[0])
        self.optimizer.apply([gradient], [self.center])
        return {"largest": ops.max(ops.abs(gradient))}


@register
class DrawsWithNumPy(Center):
    def gradient(self, inputs):
        return super().gradient(inputs) * float(np.random.default_rng().normal())


MADE = []


@register
class ChangesOthers(Center):
    def build(self, input_shape):
        super().build(input_shape)
        MADE.append(self)

    def train_step(self, data):
        for model in MADE:
            model.center.assign_add(ops.ones_like(model.center))
        return super().train_step(data)


@register
class Rounds(Center):
    """In 16 bits, the difference of large numbers is that of rounded ones."""

    def call(self, inputs):
        return super().call(inputs + 100) - super().call(inputs + 99)


@register
class NotANumber(Center):
    def train_step(self, data):
        return {**super().train_step(data), "log": ops.log(-1 - ops.max(data[1]) * 0)}


def check_center(model, **options):
    def build_model():
        made = model(offset=1.0)
        made.build((None, 3))
        made.compile(keras.optimizers.SGD(0.1))
        return made

    rng = np.random.default_rng(0)
    given = {
        "inputs": rng.normal(size=(6, 3)).astype("float32"),
        "targets": np.zeros(6, "float32"),
        "parameters": 3,
        "bad_arguments": [{"offset": -1.0}],
    }
    check_model(model, build_model, {"offset": 1.0}, **given | options)


ON_TENSORFLOW = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="JAX and torch have other training steps"
)


@ON_TENSORFLOW
def test_a_sound_model_passes():
    def reference(x, weights):
        return 1 + np.sum((x - weights[0]) ** 2, axis=-1)

    check_center(Center, weights=[np.arange(3.0)], reference=reference)


@ON_TENSORFLOW
@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Center, {"reference": lambda x, weights: x[:, 0]}, "against the reference"),
        (Center, {"bad_arguments": [{"offset": 2.0}]}, "no ValueError"),
        (Center, {"output_dtype": "float32"}, "output is bfloat16 under mixed_bfloat16"),
        (Center, {"training_differs": True}, "training and inference do not differ"),
        (StandsStill, {}, "its training does not move center"),
        (Unscaled, {}, "trained under mixed_float16"),
        (DrawsWithNumPy, {}, "in a compiled function, not eagerly"),
        (ChangesOthers, {}, "another model's weights"),
        (Rounds, {}, "under mixed_bfloat16: differs"),
        (NotANumber, {}, "its training says"),
    ],
)
def test_a_broken_model_fails(model, options, message):
    with pytest.raises(AssertionError) as failure:
        check_center(model, **options)
    assert message in str(failure.value)
    assert str(failure.value).startswith(model.__name__)
