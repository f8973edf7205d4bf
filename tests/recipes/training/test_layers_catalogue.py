"""T45, T46: formulas of shapes and parameters hold for any size; every layer of ours is listed."""

import dataclasses
import importlib
import inspect
import itertools
import math
import pathlib

import keras
import numpy as np
import pytest

import layers
from recipes.training import layers_catalogue as recipe

ROOT = pathlib.Path(recipe.__file__).parents[1]
ENTRIES = list(itertools.chain(*recipe.CATALOG.values()))
OF_THE_SLIDE = (
    "Dense Conv1D Conv2D Conv3D Conv2DTranspose LSTM GRU Attention MultiHeadAttention "
    "Input MaxPooling2D Dropout Flatten Reshape LayerNormalization BatchNormalization Concatenate "
    "UpSampling2D"
)
# Layers whose arguments or code fix a size of the input.
FIXED = {
    "Reshape",
    "CenterDigit",
    "UnlikeDigit",
    "ENetBottleneck",
    "UpsamplingBottleneck",
    "Transformer",
    "IntegrateAndFireCell",
}


def settings(config):
    """The whole-number arguments of a layer, those of a wrapped layer or cell included.

    A size that is the same for height and width, such as `kernel_size`, is one number.
    """
    found = {}
    for name, value in config.items():
        if isinstance(value, dict) and "config" in value:
            found |= settings(value["config"])
        if isinstance(value, list | tuple) and value and value.count(value[0]) == len(value):
            value = value[0]
        if isinstance(value, int) and not isinstance(value, bool):
            found[name] = value
    return found


def names_in_formulas(entry, layer):
    """Sizes of the inputs, arguments, and the three functions of a size, by name."""
    names = settings(layer.get_config()) if isinstance(layer, keras.Layer) else {}
    for axes in entry.inputs:
        names |= axes
    window = names.get("kernel_size", names.get("pool_size"))
    strides = names.get("strides")
    functions = {
        "valid": lambda size: (size - window) // strides + 1,
        "same": lambda size: math.ceil(size / strides),
        "transposed": lambda size: (size - 1) * strides + max(window, strides),
    }
    return names | functions


def output_shapes(entry, layer):
    """The shapes that the formula of an entry gives, as a list of tuples."""
    formula = f"({entry.output},)" if entry.output else "()"
    found = eval(formula, names_in_formulas(entry, layer))
    return list(found[0]) if entry.output.startswith("[") else [found]


def of(name):
    """The first entry of a layer."""
    return next(entry for entry in ENTRIES if entry.name == name)


def check(entry):
    """The formulas of an entry give what its layer does."""
    layer, _, outputs = recipe.run(entry)
    shapes = [tuple(output.shape[1:]) for output in outputs]
    assert output_shapes(entry, layer) == shapes
    count, _ = recipe.parameter_counts(layer)
    assert eval(entry.parameters, names_in_formulas(entry, layer)) == count


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_formulas_give_shapes_and_parameters_of_the_call_shown(entry):
    check(entry)


def larger(entry, factor):
    """The same layer on inputs with other sizes: a few times as many channels, pixels, steps."""
    inputs = [{name: factor * size for name, size in axes.items()} for axes in entry.inputs]
    arguments = {**entry.arguments}
    if entry.layer is keras.Input:
        arguments = {"shape": tuple(inputs[0].values())}
    return dataclasses.replace(entry, inputs=inputs, arguments=arguments)


@pytest.mark.parametrize(
    "entry",
    [entry for entry in ENTRIES if entry.name not in FIXED],
    ids=lambda entry: entry.code,
)
def test_formulas_hold_for_other_sizes_of_the_input(entry):
    check(larger(entry, 2))
    if "valid" in entry.output or "same" in entry.output:  # which round
        check(larger(entry, 3))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Dense", {"units": 7}),
        ("Conv2D", {"filters": 5, "kernel_size": 2, "strides": 3}),
        ("Conv1D", {"filters": 5, "kernel_size": 4}),
        ("Conv3D", {"filters": 2, "kernel_size": 2}),
        ("DepthwiseConv2D", {"kernel_size": 2, "depth_multiplier": 3}),
        ("Conv2DTranspose", {"filters": 2, "kernel_size": 2, "strides": 3}),
        ("MaxPooling2D", {"pool_size": 3, "strides": 1}),
        ("UpSampling2D", {"size": 3}),
        ("LSTM", {"units": 7}),
        ("GRU", {"units": 7}),
        ("SimpleRNN", {"units": 7}),
        ("Embedding", {"input_dim": 30, "output_dim": 7}),
        ("MultiHeadAttention", {"num_heads": 3, "key_dim": 5}),
        ("FourierFeatures", {"units": 9}),
        ("Capsule", {"num_capsules": 2, "dim": 7}),
        ("PatchEmbedding", {"embed_dim": 3, "patch_size": 2}),
        ("ResidualBlock", {"filters": 6, "strides": 3}),
        ("SqueezeExcitation", {"ratio": 4}),
        ("GroupedConv2D", {"filters": 6, "kernel_size": 2, "groups": 2}),
        ("MaxUnpooling", {"pool_size": 3}),
        ("DownsamplingBottleneck", {"filters": 12}),
        ("TransformerEncoder", {"num_heads": 4, "ff_dim": 5}),
        ("TransformerDecoder", {"num_heads": 4, "ff_dim": 5}),
        (
            "Transformer",
            {
                "source_vocabulary_size": 12,
                "target_vocabulary_size": 11,
                "embed_dim": 6,
                "num_heads": 3,
                "ff_dim": 5,
                "depth": 2,
            },
        ),
    ],
)
def test_formulas_hold_for_other_arguments(name, arguments):
    entry = of(name)
    check(dataclasses.replace(entry, arguments=arguments))


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("EchoStateCell", {"units": 3}),
        ("TuringMachineCell", {"units": 3, "slots": 4, "width": 5}),
        ("Bidirectional", {"units": 3}),
    ],
)
def test_formulas_hold_for_other_cells(name, units):
    entry = of(name)
    check(dataclasses.replace(entry, inner=(entry.inner[0], units)))


@pytest.mark.parametrize(
    ("name", "arguments", "inputs"),
    [
        ("CenterDigit", {}, [{"height": 30, "width": 24, "channels": 1}]),
        ("ENetBottleneck", {"filters": 16}, [{"height": 6, "width": 4, "channels": 16}]),
        (
            "UpsamplingBottleneck",
            {"filters": 12},
            [
                {"height": 3, "width": 4, "channels": 5},
                {"height": 3, "width": 4, "indices": 12},
            ],
        ),
    ],
)
def test_formulas_hold_for_other_inputs_that_the_layer_takes(name, arguments, inputs):
    check(dataclasses.replace(of(name), arguments=arguments, inputs=inputs))


def test_the_slides_layers_and_all_of_ours_are_there():
    known = {entry.name for entry in ENTRIES}
    assert set(OF_THE_SLIDE.split()) <= known
    ours = set()
    for path in pathlib.Path(layers.__file__).parent.glob("[!_]*.py"):
        module = importlib.import_module(f"layers.{path.stem}")
        for name, value in vars(module).items():
            own = inspect.isclass(value) and value.__module__ == module.__name__
            if own and issubclass(value, keras.layers.Layer) and not name.startswith("_"):
                ours.add(name)
    assert len(ours) > 20
    assert ours <= known


@pytest.mark.slides
@pytest.mark.parametrize(
    ("name", "sizes", "count"),
    [
        ("SimpleRNN", {"features": 32, "units": 64}, 6_208),  # N40
        ("LSTM", {"features": 32, "units": 64}, 24_832),  # N42
        ("GRU", {"features": 32, "units": 64}, 18_816),  # N42
        ("Conv2D", {"kernel_size": 11, "channels": 3, "filters": 96}, 34_944),  # N8
        ("Conv2D", {"kernel_size": 5, "channels": 3, "filters": 6}, 456),  # N10
        ("Conv2D", {"kernel_size": 5, "channels": 1, "filters": 6}, 156),  # N12
        ("Dense", {"features": 22_050, "units": 64}, 1_411_264),  # the slides' first script
        ("BatchNormalization", {"channels": 64}, 256),
    ],
)
def test_parameters_of_the_slides(name, sizes, count):
    assert eval(of(name).parameters, sizes) == count


@pytest.mark.slides
def test_sizes_of_the_slides():
    """N7, and S71: Keras rounds 54.25 down, where the slide says that there is no such layer."""
    for size, window, strides, expected in (
        (32, 5, 1, 28),
        (7, 3, 1, 5),
        (227, 11, 4, 55),
        (224, 11, 4, 54),
    ):
        arguments = {"filters": 1, "kernel_size": window, "strides": strides}
        inputs = [{"height": size, "width": size, "channels": 1}]
        entry = dataclasses.replace(of("Conv2D"), arguments=arguments, inputs=inputs)
        assert output_shapes(entry, entry.build()) == [(expected, expected, 1)]
        check(entry)


def test_outputs_are_those_of_training_with_the_kernels_described():
    _, (image,), (output,) = recipe.run(of("Conv2D"))
    window = image[0, 2:5, 3:6, 0]
    mean, down, right = output[0, 2, 3]
    assert mean == pytest.approx(window.mean(), abs=1e-6)
    assert down == pytest.approx((window[2] - window[0]).sum() / 3, abs=1e-6)
    assert right == pytest.approx((window[:, 2] - window[:, 0]).sum() / 3, abs=1e-6)
    _, (inputs,), (dropped,) = recipe.run(of("Dropout"))
    assert set(np.unique(np.round(dropped / inputs, 5))) == {0, 2}
    _, _, (normalized,) = recipe.run(of("BatchNormalization"))
    np.testing.assert_allclose(normalized.mean(axis=(0, 1, 2)), 0, atol=1e-5)


def test_card_has_everything():
    lines = recipe.card(of("Conv2D")).splitlines()
    assert lines == [
        "Conv2D(filters=3, kernel_size=3)",
        "    y[i, j, f] = b[f] + Σ_a,c,d w[a, c, d, f] x[i + a, j + c, d]",
        "    input       (height, width, channels) = (8, 8, 1)",
        "    output      (valid(height), valid(width), filters) = (6, 6, 3)",
        "    parameters  (kernel_size² · channels + 1) · filters = 30",
    ]
    assert recipe.card(of("EchoStateCell")).splitlines()[0] == (
        "RNN(EchoStateCell(units=6, seed=1), return_sequences=True)"
    )
    assert "= 8, 4 of them trainable" in recipe.card(of("BatchNormalization"))
    assert " = (4, 4, 2) and (4, 4, 2)" in recipe.card(of("MaxPoolingWithIndices"))
    # Where no formula is given, the layer's own docstring describes it.
    assert "Step function: 1 where the input reaches 0" in recipe.card(of("Threshold"))


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (keras.layers.Dense, (4, 6, 3), (4, 6, 5)),
        (keras.layers.Dense, (3,), (5,)),
        (keras.layers.Flatten, (4, 6, 3), (72,)),
        (keras.layers.LSTM, (4, 3), (5,)),
        (keras.layers.LSTM, (4, 6, 3), None),
        (keras.layers.MaxPooling2D, (6, 3), None),
        (keras.layers.Conv2DTranspose, (4, 4, 4, 3), None),
    ],
)
def test_what_follows_what(layer, shape, expected):
    arguments = {keras.layers.Dense: {"units": 5}, keras.layers.LSTM: {"units": 5}}
    arguments[keras.layers.Conv2DTranspose] = {"filters": 5, "kernel_size": 3}
    assert recipe.following_shape(layer, arguments.get(layer, {}), shape) == expected


def test_attention_to_vectors_mixes_the_examples_of_a_batch():
    """It is no error, as the table shows, but it is never what one wants."""
    vectors = np.eye(3, 4, dtype="float32")
    together = np.asarray(keras.layers.Attention()([vectors, vectors]))
    alone = np.asarray(keras.layers.Attention()([vectors[:1], vectors[:1]]))
    assert np.abs(together[:1] - alone).max() > 0.1


def test_a_forgotten_flatten_is_no_error():
    """T46."""
    with_flatten, without = recipe.with_and_without_flatten()
    assert with_flatten["Flatten"].shape[1:] == (27,)
    assert with_flatten["Dense"].shape[1:] == (10,)
    assert without["Dense"].shape[1:] == (3, 3, 10)
    np.testing.assert_array_equal(without["MaxPooling2D"], with_flatten["MaxPooling2D"])


def test_the_page_is_up_to_date():
    """To write it again: print(layers_catalogue.page(), end="") into recipes/LAYERS.md."""
    assert (ROOT / "LAYERS.md").read_text(encoding="utf8") == recipe.page()


def test_one_layer_by_name(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe.main("LSTM")
    said = capsys.readouterr().out
    assert said.count("LSTM(") == 2
    assert "return_sequences=True" in said
    assert [path.name for path in tmp_path.iterdir()] == ["LSTM.png"]
    with pytest.raises(SystemExit) as exit_of:
        recipe.main("Lstm")
    assert exit_of.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("Lstm is not in the catalog, which has Input, Dense, ")


@pytest.mark.parametrize(
    ("shape", "count", "size"),
    [((), 1, (1, 1)), ((5,), 1, (1, 5)), ((4, 3), 1, (4, 3)), ((2, 4, 5, 3), 6, (4, 5))],
)
def test_tensors_as_matrices(shape, count, size):
    matrices = recipe.maps(np.arange(np.prod(shape, dtype=int)).reshape(shape))
    assert len(matrices) == count
    assert {matrix.shape for matrix in matrices} == {size}
