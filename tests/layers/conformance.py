"""One call puts a layer through all it has to stand: `check_layer(MyLayer, arguments={…}, …)`.

`check_model` does so with a model that has a training step of its own, as far as it is a layer.

Runs on TensorFlow, JAX and torch (`KERAS_BACKEND`), and fails with a line that names the layer and
what it got wrong.
"""

import contextlib
import inspect
import os
import tempfile
import warnings

import keras
import numpy as np
from keras import ops, tree

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
STEPS = 3  # of a model's own training: after the first, learning rates may have decayed


def check_layer(
    layer_class,
    arguments=None,
    input_shape=(2, 8, 8, 3),
    *,
    inputs=None,
    reference=None,
    parameters=None,
    unknown_sizes=True,
    mask=None,
    random=False,
    training_differs=None,
    jit_compile=True,
    why=None,
    bad_arguments=(),
    bad_shapes=(),
    tolerance=1e-5,
    large=600,
):
    """Checks a layer; raises `AssertionError` with one line saying what is wrong.

    Args:
        layer_class: the layer's class.
        arguments: its constructor's arguments, best none at its default.
        input_shape: shape with batch, or a list or dictionary of shapes for a layer that takes
            several inputs in one.
        inputs: array (or list or dictionary) in place of standard normal numbers of `input_shape`.
        reference: `reference(inputs, weights)` gives the inference output in another way (NumPy,
            a built-in layer), from NumPy inputs and `layer.get_weights()`, moved off their
            initial values.
        parameters: exact number of parameters.
        unknown_sizes: whether height, width, length may be unknown too; an unknown batch is
            always tried.
        mask: `"passed"` if the layer hands a time mask on, `"consumed"` if it uses it up. Either
            way, what stands at masked steps must not reach the other outputs.
        random: whether training draws random numbers; `arguments` must then hold a `seed`.
        training_differs: whether training and inference outputs differ; by default as `random`.
        jit_compile: whether the layer compiles with XLA; if False, `why` must say why not.
        bad_arguments: dictionaries, each of which, laid over `arguments`, must raise a `ValueError`
            that names the argument or shows its value.
        bad_shapes: input shapes that must raise a `ValueError` that shows them.
        tolerance: largest difference from the reference, absolute and relative.
        large: a value among the inputs with which `mixed_float16` must give what float32 does.
    """
    check = _Check(layer_class, arguments, input_shape, inputs)
    check.must(jit_compile or why, "jit_compile=False needs a reason in `why`")
    check.run(check.call, parameters)
    if reference is not None:
        found = reference(check.inputs, check.weights)
        check.same(check.expected, found, "against the reference", tolerance)
    check.bad_arguments(bad_arguments)
    for bad in bad_shapes:
        zeros = tree.map_shape_structure(lambda s: np.zeros(s, "float32"), bad)
        shown = [str(kind(x.shape)) for x in tree.flatten(zeros) for kind in (tuple, list)]
        check.raises(lambda zeros=zeros: check.make()(zeros), f"inputs of shape {bad}", shown)
    check.run(check.shapes)
    check.run(check.unknown, unknown_sizes)
    check.run(check.configuration)
    check.run(check.saving)
    check.run(check.frozen)
    check.run(check.policies)
    check.run(check.large_value, large)
    check.run(check.training, random if training_differs is None else training_differs)
    if random:
        check.run(check.randomness)
    # torch.compile needs a C++ compiler at run time.
    compiled = jit_compile and keras.backend.backend() != "torch"
    # The step that XLA compiles is traced, too: without XLA it need not be.
    check.run(check.step, False, compiled and keras.backend.backend() == "tensorflow")
    if compiled:
        check.run(check.step, True)
    if mask is not None:
        check.run(check.mask, mask)


def check_model(
    model_class,
    build_model,
    arguments,
    *,
    inputs,
    targets,
    weights=None,
    reference=None,
    parameters=None,
    output_dtype=None,
    training_differs=False,
    bad_arguments=(),
    tolerance=1e-5,
):
    """Checks a `keras.Model` that trains in its own way, on TensorFlow; raises as `check_layer`.

    Some of `check_layer` does not hold for it. Keras traces its call instead of asking it for its
    output shape; only its batch has an unknown size; it has no mask; and it need not be trained by
    the gradient of a loss of its outputs. So its own training step is checked instead: it moves
    each weight that is to be trained, compiled as well as eager, in 16 bits as in 32, the same for
    the same seed, and does not change another model of the class.

    Args:
        model_class: the model's class.
        build_model: `build_model()` gives a compiled model of these `arguments`.
        arguments: its constructor's arguments, best none at its default.
        inputs, targets: arrays, a batch.
        weights: in place of the initial ones moved at random.
        output_dtype: of its floats, if it is the same under all policies.
        reference, parameters, training_differs, bad_arguments, tolerance: as in `check_layer`.
    """
    check = _Check(model_class, arguments, None, inputs)
    check.run(check.call, parameters, weights)
    if reference is not None:
        found = reference(check.inputs, check.weights)
        check.same(check.expected, found, "against the reference", tolerance)
    check.bad_arguments(bad_arguments)
    check.run(check.unknown, False)
    check.run(check.configuration)
    check.run(check.saving)
    check.run(check.frozen)
    check.run(check.policies, output_dtype)
    check.run(check.training, training_differs)
    check.run(check.own_step, build_model, targets)


class _Check:
    def __init__(self, layer_class, arguments, input_shape, inputs):
        self.layer_class, self.arguments = layer_class, dict(arguments or {})
        self.own = not layer_class.__module__.startswith("keras.")
        self.is_model = issubclass(layer_class, keras.Model)
        self.rng = np.random.default_rng(0)
        if inputs is None:
            inputs = tree.map_shape_structure(
                lambda s: self.rng.normal(size=s).astype("float32"), input_shape
            )
        self.inputs = inputs
        self.weights = None

    def must(self, condition, message):
        assert condition, f"{self.layer_class.__name__}: {message}"

    def run(self, part, *arguments):
        """One part of the check; an error of the layer's own is a failure like any other."""
        try:
            part(*arguments)
        except AssertionError:
            raise
        except Exception as error:
            message = (
                f"{self.layer_class.__name__}: {part.__name__}: {type(error).__name__}: {error}"
            )
            raise AssertionError(message) from error

    def same(self, found, expected, what, within=1e-5):
        found, expected = tree.flatten(found), tree.flatten(expected)
        self.must(
            len(found) == len(expected), f"{what}: {len(found)} outputs, expected {len(expected)}"
        )
        for f, e in zip(found, expected, strict=True):
            self.must(f.shape == e.shape, f"{what}: shape {f.shape}, expected {e.shape}")
            self.must(
                np.allclose(f, e, atol=within, rtol=min(within, 0.05)),
                f"{what}: differs by up to {_distance(f, e):.2g}",
            )

    def make(self, **more):
        return self.layer_class(**{**self.arguments, **more})

    def layer(self, **more):
        """A new layer with the weights of the first; if there are any, it is built."""
        layer = self.make(**more)
        if self.weights:
            layer(self.inputs)
            layer.set_weights(self.weights)
        return layer

    def shape(self, change=lambda s: s):
        """Shapes of the inputs, in their structure, with `change` applied to each."""
        return tree.map_structure(lambda x: change(x.shape), self.inputs)

    def model(self, change=lambda s: (None, *s[1:])):
        """A functional model around a new layer with the weights of the first, and that layer."""
        make_input = lambda x: keras.Input(  # noqa: E731
            batch_shape=change(x.shape), dtype=str(x.dtype)
        )
        start, layer = tree.map_structure(make_input, self.inputs), self.make()
        model = keras.Model(start, layer(start))
        layer.set_weights(self.weights)
        return model, layer

    def bad_arguments(self, bad_arguments):
        for bad in bad_arguments:
            shown = [*bad, *map(str, bad.values())]
            self.raises(lambda bad=bad: self.make(**bad), f"{bad}", shown)

    def call(self, parameters, weights=None):
        layer = self.make()
        layer(self.inputs)
        self.must(layer.built, "not built after a call")
        if parameters is not None:
            count = layer.count_params()
            self.must(count == parameters, f"{count} parameters, expected {parameters}")
        for (
            weight
        ) in layer.trainable_weights:  # so that no bias of 0, no scale of 1 hides a mistake
            weight.assign(weight + self.rng.uniform(0.05, 0.2, weight.shape).astype("float32"))
        if weights is not None:
            layer.set_weights(weights)
        self.weights = layer.get_weights()
        self.expected = _numpy(layer(self.inputs, training=False))
        for y in tree.flatten(self.expected):
            self.must(np.all(np.isfinite(y)), "output is not finite")
        self.output_shapes = [y.shape for y in tree.flatten(self.expected)]

    def shapes(self):
        symbolic = _shapes(self.model(lambda s: s)[0].outputs)
        computed = _shapes(self.make().compute_output_shape(self.shape()))
        given = self.output_shapes
        self.must(symbolic == given, f"a symbolic call says {symbolic}, a real one gives {given}")
        self.must(computed == given, f"compute_output_shape says {computed}, a call gives {given}")

    def unknown(self, unknown_sizes):
        for change in [lambda s: (None, *s[1:])] + [
            lambda s: (*[None] * (len(s) - 1), s[-1])
        ] * unknown_sizes:
            model, _ = self.model(change)
            said = [_shapes(model.outputs)]
            if not self.is_model:
                said.append(_shapes(self.make().compute_output_shape(self.shape(change))))
            for found in said:
                fits = [
                    len(f) == len(s) and all(a in (None, b) for a, b in zip(f, s, strict=True))
                    for f, s in zip(found, self.output_shapes, strict=True)
                ]
                self.must(
                    all(fits),
                    f"given {self.shape(change)} the shape is {found}, not {self.output_shapes}",
                )
            run = model
            if (
                keras.backend.backend() == "tensorflow"
            ):  # the only backend whose compiled code meets unknown sizes
                import tensorflow as tf

                specs = tree.map_structure(
                    lambda x, s=change: tf.TensorSpec(s(x.shape), x.dtype), self.inputs
                )
                run = tf.function(lambda x, model=model: model(x), input_signature=[specs])
            self.same(
                _numpy(run(self.inputs)),
                self.expected,
                f"inside a model with inputs {self.shape(change)}",
            )

    def configuration(self):
        layer = self.make()
        config = layer.get_config()
        named = set(self.arguments)
        defines = next(kind for kind in self.layer_class.__mro__ if "__init__" in vars(kind))
        if not defines.__module__.startswith("keras."):  # Keras answers for its own arguments
            parameters = inspect.signature(defines.__init__).parameters.values()
            named |= {
                p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
            } - {"self"}
        missing = sorted(named - set(config))
        self.must(not missing, f"get_config lacks {missing}")
        again = self.layer_class.from_config(config).get_config()
        self.must(again == config, f"the configuration becomes {again}, was {config}")

    def saving(self):
        registered = keras.saving.get_registered_name(self.layer_class)
        self.must(not self.own or ">" in registered, "not registered as a Keras serializable")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.keras")
            self.model()[0].save(path)
            self.same(
                _numpy(keras.saving.load_model(path)(self.inputs)),
                self.expected,
                "saved and loaded",
            )

    def frozen(self):
        self.must(
            not self.layer(trainable=False).trainable_weights,
            "has trainable weights although trainable=False",
        )

    def in_policy(self, policy):
        """A layer of a policy. A model's layers have the global one, unless it says otherwise."""
        if not self.is_model:
            return self.layer(dtype=policy)
        with global_policy(policy):
            return self.layer()

    def policies(self, output_dtype=None):
        for policy in POLICIES:
            layer = self.in_policy(policy)
            kinds = {str(w.dtype) for w in layer.trainable_weights}
            self.must(kinds <= {"float32"}, f"weights are {kinds} under {policy}")
            output = layer(self.inputs, training=False)
            for y in tree.flatten(output):
                kind = keras.backend.standardize_dtype(y.dtype)
                self.must(
                    "float" not in kind or kind == (output_dtype or layer.compute_dtype),
                    f"output is {kind} under {policy}",
                )
            within = 1e-5 if policy == "float32" else 0.05 * (1 + _distance(self.expected))
            self.same(_numpy(output), self.expected, f"under {policy}", within)

    def large_value(self, large):
        """Float16 ends at 65,504: squares of values above 255 are infinite in it."""
        inputs = tree.map_structure(np.copy, self.inputs)
        for x in tree.flatten(inputs):
            if "float" in str(x.dtype):
                x.flat[0] = large
        expected = _numpy(self.layer()(inputs, training=False))
        if _distance(expected) > 65_504:
            return  # no output of float16 could be right
        found = _numpy(self.layer(dtype="mixed_float16")(inputs, training=False))
        within = 0.05 * (1 + _distance(expected))
        self.same(found, expected, f"with a value of {large} under mixed_float16", within)

    def training(self, differs):
        self.differs = differs
        self.trained = _numpy(self.layer()(self.inputs, training=True))
        really = _distance(self.trained, self.expected) > 1e-6
        self.must(
            really == differs, f"training and inference {'differ' if really else 'do not differ'}"
        )

    def randomness(self):
        self.must("seed" in self.arguments, "`arguments` need a seed")
        draw = lambda layer: _numpy(layer(self.inputs, training=True))  # noqa: E731
        again = self.layer()
        self.same(draw(again), self.trained, "drawn again with the same seed")
        self.must(
            _distance(draw(again), self.trained) > 1e-6, "the second call draws what the first drew"
        )
        other = self.layer(seed=self.arguments["seed"] + 1)
        self.must(_distance(draw(other), self.trained) > 1e-6, "another seed draws the same")
        model = AlwaysTraining(self.layer())
        first, second = (_numpy(model.predict_on_batch(self.inputs)) for _ in range(2))
        self.must(
            _distance(first, second) > 1e-6,
            "in a compiled function the second call draws what the first drew",
        )

    def step(self, jit_compile, eager=False):
        """Inference and a training step, compiled or eager: every trainable weight must move."""
        how = f"with jit_compile={jit_compile}"
        model, layer = self.model()
        real = [
            i
            for i, y in enumerate(model.outputs)
            if "float" in keras.backend.standardize_dtype(y.dtype)
        ]
        model = keras.Model(model.inputs, [model.outputs[i] for i in real])
        given = {"jit_compile": jit_compile, "run_eagerly": eager}
        model.compile(keras.optimizers.SGD(0.01), ["mse"] * len(real), **given)
        expected = [tree.flatten(self.expected)[i] for i in real]
        # Without XLA, `unknown` has compiled it on TensorFlow.
        if jit_compile or keras.backend.backend() != "tensorflow":
            self.same(
                _numpy(model.predict_on_batch(tree.flatten(self.inputs))),
                expected,
                f"predicted {how}",
                1e-4,
            )
        if jit_compile and not layer.trainable_weights and not self.differs:
            return  # a step would only compile the prediction again
        before = [ops.convert_to_numpy(w).copy() for w in layer.trainable_weights]
        targets = [self.rng.normal(size=y.shape).astype("float32") for y in expected]
        with warnings.catch_warnings():  # nothing to train is no fault
            warnings.filterwarnings(
                "ignore", message="The model does not have any trainable weights"
            )
            loss = np.ravel(model.train_on_batch(tree.flatten(self.inputs), targets))
        self.must(np.all(np.isfinite(loss)), f"the loss is not finite {how}")
        for weight, old in zip(layer.trainable_weights, before, strict=True):
            new = ops.convert_to_numpy(weight)
            self.must(np.all(np.isfinite(new)), f"{weight.path} is not finite after a step {how}")
            self.must(np.any(new != old), f"no gradient reaches {weight.path} {how}")

    def own_step(self, build_model, targets):
        """Some training steps of a model's own, in each way in which it can be run."""
        names = [weight.name for weight in build_model().trainable_weights]
        expected = self.moved(build_model, targets, run_eagerly=True)
        for name, change in zip(names, expected, strict=True):
            self.must(np.any(change), f"its training does not move {name}")
        compiled = self.moved(build_model, targets, jit_compile=False)
        self.same(compiled, expected, "trained in a compiled function, not eagerly", 1e-4)
        # XLA draws other random numbers, and sums of 16 bits differ: the weights move about as far.
        for policy in POLICIES:
            how = {"jit_compile": True} if policy == "float32" else {"run_eagerly": True}
            with global_policy(policy):
                moved = self.moved(build_model, targets, **how)
            for name, change, other in zip(names, moved, expected, strict=True):
                found, wanted = np.mean(np.abs(change)), np.mean(np.abs(other))
                self.must(
                    0.5 < found / wanted < 2,
                    f"trained under {policy}, {how}, {name} moves by {found:.2g}, not {wanted:.2g}",
                )

    def moved(self, build_model, targets, **settings):
        """By how much training changes each weight of a compiled model with the first's weights."""
        keras.utils.set_random_seed(0)
        model, other = build_model(), build_model()
        for each in (model, other):
            each.set_weights(self.weights)
        for name, value in settings.items():
            setattr(model, name, value)
        before = [_numpy(weight) for weight in model.trainable_weights]
        batch = {"batch_size": len(targets), "epochs": STEPS, "shuffle": False, "verbose": 0}
        said = model.fit(self.inputs, targets, **batch).history
        self.must(np.all(np.isfinite(list(said.values()))), f"its training says {said}")
        self.same(other.get_weights(), self.weights, "another model's weights, after training")
        after = [_numpy(weight) for weight in model.trainable_weights]
        return [new - old for new, old in zip(after, before, strict=True)]

    def mask(self, mask):
        kept = np.ones(self.inputs.shape[:2], "bool")
        kept[:, -1] = False
        kept[0, -2] = False
        start = keras.Input(self.inputs.shape[1:], dtype=str(self.inputs.dtype))
        flags, layer = keras.Input(kept.shape[1:], dtype="bool"), self.make()
        output = layer(AttachMask()([start, flags]))
        model = keras.Model([start, flags], [output, ShowMask()(output)])
        layer.set_weights(self.weights)
        first, seen = map(_numpy, model([self.inputs, kept]))
        changed = np.where(
            kept.reshape(*kept.shape, *[1] * (self.inputs.ndim - 2)),
            self.inputs,
            self.inputs[::-1] + 1,
        )
        second, _ = map(_numpy, model([changed.astype(self.inputs.dtype), kept]))
        if mask == "passed":
            self.must(
                seen.shape == kept.shape and np.all(seen == kept), "does not pass the mask on"
            )
            first, second = first[kept], second[kept]
        else:
            self.must(np.all(seen == -1), "passes a mask on although it should use it up")
        self.same(second, first, "what stands at masked steps reaches the other outputs")

    def raises(self, call, what, shown):
        try:
            call()
        except ValueError as error:
            self.must(
                any(s in str(error) for s in shown),
                f"{what}: the message shows none of {shown}: {error}",
            )
        except Exception as error:
            raise AssertionError(
                f"{self.layer_class.__name__}: {what}: {type(error).__name__}: {error}"
            ) from error
        else:
            self.must(False, f"{what}: no ValueError")


@contextlib.contextmanager
def global_policy(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class AlwaysTraining(keras.Model):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, inputs):
        return self.layer(inputs, training=True)


class AttachMask(keras.layers.Layer):
    def call(self, inputs):
        return inputs[0] + ops.zeros_like(inputs[0])

    def compute_mask(self, inputs, previous_mask):
        return inputs[1]


class ShowMask(keras.layers.Layer):
    """The mask that arrives as 0 and 1; −1 where none does."""

    supports_masking = True

    def call(self, inputs, mask=None):
        return -ops.ones(ops.shape(inputs)[:1]) if mask is None else ops.cast(mask, "float32")


def _numpy(structure):
    def convert(x):
        return ops.convert_to_numpy(ops.cast(x, "float32") if "float" in str(x.dtype) else x)

    return tree.map_structure(convert, structure)


def _shapes(structure):
    """Shapes, as a list of tuples, of tensors or of what `compute_output_shape` returns."""
    shapes = []
    if all(hasattr(x, "shape") for x in tree.flatten(structure)):
        return [tuple(x.shape) for x in tree.flatten(structure)]
    tree.map_shape_structure(lambda s: shapes.append(tuple(s)), structure)
    return shapes


def _distance(a, b=None):
    """Largest absolute difference of two structures of arrays; largest absolute value of one."""
    a = tree.flatten(a)
    b = [0.0] * len(a) if b is None else tree.flatten(b)
    return max(
        float(np.max(np.abs(np.subtract(x, y, dtype="float64")), initial=0))
        for x, y in zip(a, b, strict=True)
    )
