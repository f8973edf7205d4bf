"""What holds for every recipe, on tiny stand-in data.

It runs, `main()` gives the scores of `run`, its head is right, its search starts at its defaults.

Functions run eagerly: compiling a training step costs several times what two steps of it cost.
Sequences, searches and generated data are shorter than the recipes' own (`SHORTER`). Pictures are
drawn coarsely, as they come, for half of the time would go into their layout.
"""

import ast
import dataclasses
import functools
import inspect
import json
import math
import os
import pickle
import re
import sys
import zipfile

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from recipes._runner import arguments, cli, data, figures, run_command, training
from recipes.cnn_architectures import (
    googlenet,
    inception_resnet_v2,
    inception_v2,
    inception_v3,
    mobilenet,
    resnet,
    senet,
    shufflenet,
    squeezenet,
    xception,
)
from recipes.common import pretrained
from recipes.convolution import lenet_robustness
from recipes.hardware import throughput
from recipes.perceptrons import hog_features
from recipes.recurrent import seq2seq_dates
from recipes.training import layers_catalogue, optimizers
from tests import selection
from tests.selection import RECIPES, TRAINED, parameters

IN_BOTH_APIS = [
    recipe for recipe in TRAINED if {"build_sequential", "build_functional"} <= recipe.functions
]


def beginnings(load_poems):
    """Has `load_poems` give the first characters of each poem, and the END after it."""
    return lambda split: [poem[:29] + poem[-1] for poem in load_poems(split)]


def first_pages(load_text):
    """Has `load_text` give the first characters of each text."""
    return lambda: [text[:2000] for text in load_text()]


def a_tenth(sample):
    """Has a function give a tenth of the examples."""
    return lambda count, seed: sample(count // 10, seed)


def of_two_batches(train_classifier):
    """Has a classifier, by which networks are judged, learn from two batches, once."""
    return lambda classifier, examples: train_classifier(classifier, examples.take(2), epochs=1)


def of_few_trees(boosting):
    """Has gradient boosting end after a few trees."""
    return lambda **given: boosting(**given | {"max_iter": 5})


def few_trials(search):
    """Has a search give up after a few trials."""
    return lambda function, bounds, evaluations, seed: search(function, bounds, 6, seed=seed)


def seven_blocks(efficientnet_lite0):
    """Has the network one block of each kind, and random weights."""

    @functools.wraps(efficientnet_lite0)
    def build(*arguments, weights=None, **keywords):
        groups = pretrained.GROUPS
        pretrained.GROUPS = [(*group[:-1], 1) for group in groups]
        try:
            return efficientnet_lite0(*arguments, weights=None, **keywords)
        finally:
            pretrained.GROUPS = groups

    return build


# By recipe, what is smaller here: names of its modules, as a value or a function of the old one,
# and arguments of its functions by default. What networks need when they are loaded stays as it is:
# in a fresh process nothing is smaller.
SHORTER = {
    "transformer_translation": {
        "MAX_LENGTH": 5,  # what an untrained network writes never ends by itself
        "BLEU_SENTENCES": 8,
        "BEAM_WIDTH": 2,
        "build_model": {"depth": 1, "embed_dim": 16},
    },
    "gpt": {
        "load_text": first_pages,
        "SAMPLE_LENGTH": 5,
        "load_data": {"context": 12},
        "build_model": {"depth": 1, "embed_dim": 16},
    },
    "code_completion": {
        "COMPLETIONS": 5,
        "load_data": {"examples": 400},
        "build_model": {"depth": 1, "embed_dim": 16},
    },
    "optimizers": {
        "SLIDES": {name: optimizers.SLIDES[name] for name in ("SGD", "Adam")},
        "OTHERS": {name: optimizers.OTHERS[name] for name in ("Lion", "Muon")},
        "LEARNING_RATES": optimizers.LEARNING_RATES[::6],
        "STEPS": 30,
        "descend": {"steps": 30},
    },
    "gaussian_process_search": {
        "bayesian_search": few_trials,
        "random_search": few_trials,
        "plot_steps": {"counts": (3, 5)},
    },
    # TensorFlow has used the CPU of this process before, which cannot be divided any more.
    "data_parallel": {"DEVICES": 1, "STEPS": 2},
    "cnn_regression": {"load_data": {"count": 400}},
    "char_rnn": {
        "SAMPLE_LENGTH": 5,
        "LONGEST": 30,
        "load_poems": beginnings,
        "load_data": {"length": 10},
        "generate": {"length": 5},
    },
    "gan_failures": {"sample_mixture": a_tenth},
    "gan_mnist": {"train_classifier": of_two_batches},
    "conditional_gan": {"train_classifier": of_two_batches},
    "irnn": {"load_data": {"length": 6}, "gradient_through": {"steps": 5}},
    "lstm": {"load_data": {"length": 6}, "gradient_flow": {"steps": 5}},
    "automl_image": {"build_model": {"filters": 4, "depth": 1, "embed_dim": 8}},
    "automl_text": {
        "build_model": {"length": 10, "embed_dim": 16, "filters": 16, "vocabulary": 500}
    },
    "vit": {"build_model": {"depth": 1, "embed_dim": 16}},
    "arithmetic_intensity": {
        "TIMED": {"dense, batch 1": (keras.layers.Dense(4), (8,), 1)},
        "best_seconds": {"repeats": 1},
        "machine_peak": {"size": 64},
        "machine_bandwidth": {"megabytes": 1},
    },
    "systolic_array": {"HIDDEN": 4},
    "throughput": {
        "BATCHES": [1, 2],
        "WARM_UP": 1,
        "REPEATS": 1,
        "SECONDS": 0,
        "matrix_rate": {"size": 64},
        "NETWORKS": {"LeNet": throughput.build_lenet},
    },
    "training_compute": {
        "SEEN": 1300,
        "CUT": 1,  # of one epoch, nothing would be left
        "SEEDS": 1,
        "own_teps": {"vertices": 100, "edges": 1000},
    },
    "unet": {"load_data": {"size": 16}, "build_model": {"filters": 2, "depth": 1}},
    "enet": {
        "FIRST_STAGE": 1,
        "SECOND_STAGE": [{}],
        "load_data": {"size": 16},
        "build_model": {"filters": 2},
    },
    "yolo_v1": {
        "load_data": {"count": 40},
        "SMALL": [(2, 4, 4), "pool", (4, 2, 2)],
    },
    "yolo_v3": {
        "HEIGHT": 64,
        "WIDTH": 64,
        "build_model": {"filters": 2, "repeats": (0, 0, 0, 0, 1)},
    },
    "face_detector": {"SIZES": (48,), "FACES": 2},
    "face_verification": {"PAIRS": 64, "build_model": {"filters": 2, "units": 4}},
    "captioning": {
        "load_data": {"count": 60},
        "build_model": {"filters": 2, "units": 8},
        "unseen_scenes": {"count": 20},
        "describe": {"most": 2},
    },
    "colorization": {"build_model": {"filters": 2}},
    "alvinn": {"load_data": {"count": 150}},
    "pilotnet": {"load_data": {"count": 6}, "LAPS": 0.01, "METERS": 5},
    "analog_noise": {
        "DRAWS": 1,
        "NOISES": (0, 0.1),
        "BITS": (2, 4),
        "DEAD_SHARES": (0, 0.1),
        "build_model": {"units": 8},
    },
    "quantization": {"BITS": (2, 8), "CALIBRATION": 5, "build_model": {"filters": 2, "units": 8}},
    "mixed_precision": {"ADDENDS": 50, "BATCH": 10, "REPEATS": 1, "build_model": {"units": 8}},
    "weight_compression": {
        "SPARSITIES": (0.0, 0.9),
        "COUNTS": (2, 4),
        "ROUNDS": 3,
        "build_model": {"units": 12},
    },
    "policy_gradient": {"LIMIT": 10},
    "menace": {"GAMES": 20, "SEEDS": 1, "often_opened": {"games": 5}},
    "q_learning": {"STEPS": 1000, "MAZE_STEPS": 50, "MAZES": 1},
    "nettalk": {"DAMAGE": (0, 3), "REPEATS": 1},
    "markov_chain": {
        "load_text": first_pages,
        "STEPS": 500,
        "ORDERS": (0, 1, 2),
        "SAMPLED": (1, 2),
        "SAMPLE_LENGTH": 20,
    },
    "hopfield": {
        "SIDE": 4,
        "LOADS": (0.05, 0.3),
        "NETWORKS": {20: 1},
        "build_model": {"units": 16},
    },
    "echo_state": {
        "WARMUP": 20,
        "HORIZON": 5,
        "BLOCKS": 1,
        "load_data": {"length": 50},
        "VARIANTS": {"units_10": {"units": 10}, "units_20": {"units": 20}},
    },
    "boltzmann_machine": {"SWEEPS": 1, "CHAINS": 100},
    "rbm": {"build_model": {"hidden": 20}, "STEPS": 10},
    "spiking_digits": {"build_model": {"hidden": 8, "time_steps": 3}},
    "bad_art": {
        "load_data": {"count": 60},
        "build_model": {"width": 0.0625},
        "HANDS": 2,
        "PICTURES": 2,
    },
    "neural_turing_machine": {
        "load_data": {"count": 64},
        "build_model": {"units": 8, "slots": 6, "width": 4},
        "LONGEST": 3,
        "TEST_LENGTH": 4,
        "LENGTHS": (1, 3),
        "SEQUENCES": 4,
        "SHOWN": 3,
    },
    "kohonen": {"build_model": {"rows": 4, "columns": 5}},
    "transfer_learning": {
        "efficientnet_lite0": seven_blocks,
        "SIZE": 32,
        "MAPPED": 20,
        "build_model": {"size": 32},
    },
    "cnn_cifar100": {"build_model": {"filters": 2}},
    "cifar10_fast": {"load_data": {"batch_size": 64}, "build_model": {"filters": 2}},
    "neocognitron": {
        "LAYERS": [(4, 0.75, 0.7), (6, 0.7, 0.6), (8, 0.7, 0.4)],
        "WINDOWS": 200,
        "DIGITS": 20,
        "SHIFTS": (0, 4),
    },
    "omp1": {"PATCHES": 500, "ROUNDS": 1},
    "grad_cam": {"efficientnet_lite0": seven_blocks, "SIZE": 64, "PAIRS": 3},
    "adversarial_attacks": {
        "EPSILONS": (0.1, 0.3),
        "STEPS": 2,
        "ATTACKED": 20,
        "build_model": {"filters": 2, "units": 8},
    },
    "style_transfer": {
        "efficientnet_lite0": seven_blocks,
        "HEIGHT": 32,
        "WIDTH": 64,
        "STYLES": ("strokes",),
        "STYLE_LAYERS": ("block_0", "block_2"),
        "CONTENT_LAYER": "block_2",
        "transfer": {"steps": 2},
    },
    "deep_dream": {
        "efficientnet_lite0": seven_blocks,
        "WIDTH": 64,
        "PHOTOGRAPHS": ("china",),
        "LAYERS": {"block_1": "lines"},
        "deep_dream": {"octaves": (1.0,), "steps": 2},
    },
    "data_scaling": {"TREES": 3, "LEAST": 200},
    "classic_models": {"NOISE": (0, 2), "COMPONENTS": (2, 4), "TREES": 3},
    "hog_features": {
        "CLASSIFIERS": {name: hog_features.CLASSIFIERS[name] for name in ("3 nearest neighbors",)},
    },
    "layers_catalogue": {
        "CATALOG": {name: found[:1] for name, found in layers_catalogue.CATALOG.items()},
        "FOLLOWERS": layers_catalogue.FOLLOWERS[:2],
    },
    "rbf_network": {"STEPS": 20},
    "relu_regions": {"UNITS": (4, 8), "SEEDS": (0,)},
    "universal_approximation": {"UNITS": (4, 8)},
    "seq2seq_dates": {
        "LENGTH": 10,
        "FORMATS": seq2seq_dates.FORMATS[-2:],  # the shortest
        "load_data": {"count": 400},
        "build_model": {"units": 8},
    },
    "seq2seq_attention": {"LENGTH": 5, "SHORTEST": 3, "SHOWN": np.array([3, 1, 4])},
    "spiking_neuron": {"CURRENTS": np.array([0.0, 15.0]), "STEP": 0.025},
    "vanishing_gradient_rnn": {"STEPS": 12, "LENGTHS": (2, 4), "WINDOWS": (1, 12)},
    "vanishing_gradient": {
        "DEPTHS": (1, 2),
        "build_model": {"depth": 2},
        "new_network": {"depth": 2},
    },
    "head_unit_interval": {
        "WINDOWS": [10, 20, 40],
        "HistGradientBoostingRegressor": of_few_trees,
    },
    "head_regression": {"HistGradientBoostingRegressor": of_few_trees},
    "automl_table": {
        "HistGradientBoostingRegressor": of_few_trees,
        "HistGradientBoostingClassifier": of_few_trees,
    },
    "sentiment_lstm": {
        "WORDS": 4,
        "SENTENCES": ["it is good", "a bad film"],
        "dog_bites_man": {"epochs": 1},
    },
    "weight_sharing": {"TESTED": 10, "SHIFTS": (0, 2)},
    "lenet_robustness": {
        "STRENGTHS": {kind: values[:2] for kind, values in lenet_robustness.STRENGTHS.items()},
    },
    "unsupervised_convnet": {"PATCHES": 500},
    "anomaly_detection": {"DIGITS": (2, 9)},
    "regularization": {"REPEATS": 2},
    # Of deep networks one block of each kind: each layer costs time to build, run, save and load.
    "resnet": {"SMALL": {**resnet.SMALL, "depths": (1, 1)}},
    "senet": {"SMALL": {**senet.SMALL, "depths": (1, 1)}},
    "densenet": {"build_model": {"depths": (1, 1)}},
    "shufflenet": {"SMALL": {**shufflenet.SMALL, "units": (1, 2, 1)}},
    "mobilenet": {"SMALL": {**mobilenet.SMALL, "repeats": 0}},
    "xception": {"SMALL": {**xception.SMALL, "middle_blocks": 1}},
    "googlenet": {
        "MODULES": {name: googlenet.MODULES[name] for name in ("3a", "4a", "5a")},
        "BRANCHES": {"5×5": "5x5"},
        "IMAGES": 20,
    },
    "squeezenet": {
        "FIRE_MODULES": {
            name: squeezenet.FIRE_MODULES[name] for name in ("fire2", "fire4", "fire8")
        },
    },
    "prelu_net": {"STAGE": 2},
    "cnn_improvements": {"DEPTH": 3},
    "normalization": {"DEPTH": 3, "SIZES": (1, 8)},
    "conv3d_clips": {"sample_clips": a_tenth},
    "pooling": {"milliseconds": {"rounds": 1}},
    "scrambled_parts": {"sample_images": a_tenth, "SHIFTS": (0, 1)},
    "inception_v2": {
        "MODULES": {name: inception_v2.MODULES[name] for name in ("3a", "3c", "5b")},
    },
    "inception_v3": {"SMALL": {**inception_v3.SMALL, "modules": (1, 1, 1)}},
    "inception_resnet_v2": {"SMALL": {**inception_resnet_v2.SMALL, "blocks": (1, 1, 1)}},
}


MOST_IN_A_BATCH = 16  # examples; recipes have up to 2,048

# By recipe, the variants that are trained here, of more of the same kinds.
VARIANTS = {
    "automl_image": ("cnn", "residual", "attention"),
    "automl_text": ("cnn", "transformer"),
    "wrong_heads": ("sigmoid_bce", "logits_bce", "two_softmax", "one_softmax_cce", "saturated_bce"),
    "gan_failures": (
        "healthy",
        "mode_collapse",
        "weak_discriminator",
        "weak_generator",
        "low_quality_samples",
    ),
    "dropout": ("relu", "relu_50", "sigmoid", "sigmoid_50"),
    "ensembles": ("different", "bagging"),
    "overfitting": ("few", "augmented"),
    "seq2seq_dates": ("code_128", "code_4"),
    "irnn": ("tanh", "irnn", "lstm"),
    "lenet_to_alexnet": ("lenet", "augmentation"),
    "cnn_improvements": ("plain", "all"),
    "plain_versus_residual": ("plain_8", "residual_8"),
    "alexnet": ("two_groups", "zfnet"),
    "resnet": ("padded", "preactivation"),
    "vgg": ("vgg11", "vgg11_lrn"),
    "cnn_patterns": ("fc", "conv_conv_pool"),
    "inception_resnet_v2": ("scaled",),
    "mobilenet": ("wide",),
    "omp1": ("features_25", "features_50"),
    "svm": ("linear", "features_64", "lenet"),
    "dqn": ("dqn", "neither"),
    "quantization": ("float32", "flexpoint_8"),
    "mixed_precision": ("float32", "bfloat16_weights", "small_loss"),
    "hog_features": ("pixels", "hog", "cnn"),
    "transfer_learning": ("frozen", "fine_tuned"),
    "yolo_v3": ("three_scales",),
    "vanishing_gradient": ("relu_scaled", "sigmoid_small", "sigmoid_small_500"),
    "activations": ("sigmoid", "dying_relu", "dying_leaky_relu"),
    "universal_approximation": ("units_4", "deep"),
    "logistic_regression": ("degree_1", "degree_6"),
    "hopfield": ("hebbian_6", "perceptron_26"),
    "colorization": ("rebalanced", "regression"),
    "gan_toy": ("plain", "low_momentum"),
    "double_moon": ("apart", "hidden_layer"),
    "extreme_learning_machine": ("elm_100", "backprop_20"),
    "data_scaling": ("images_100", "images_54000"),
    "classic_models": ("income_svm", "map_mlp", "photos_cnn"),
}

# Recipes whose `main()` does not give the scores of `run` yet.
NOT_YET_EQUAL = set()
# Recipes that define what their `main()` does not reach yet.
NOT_YET_ALIVE = set()


def eager(recipe):
    """What only computes does all of it, and may need to be compiled."""
    return recipe.trains


@pytest.fixture(autouse=True)
def in_an_empty_folder(monkeypatch, tmp_path, loaded_once):
    monkeypatch.chdir(tmp_path)
    yield
    keras.backend.clear_session(free_memory=False)
    keras.config.set_dtype_policy("float32")
    tf.config.run_functions_eagerly(False)


def with_defaults(function, given):
    """The defaults of all arguments of a function, of which some are given by name."""
    known = inspect.signature(function).parameters
    assert given.keys() <= known.keys(), f"{function.__name__} has no {given.keys() - known.keys()}"
    defaults = {name: known[name].default for name in known} | given
    return tuple(value for value in defaults.values() if value is not inspect.Parameter.empty)


def first(batches, dataset):
    """The first batches, got at once: to optimize that takes longer than to get them."""
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    return dataset.take(batches).with_options(options)


def few_batches(load_data, loaded):
    """Has `load_data` give the first batches of what it generates; stand-ins are small anyway.

    What it gives is put into the dictionary `loaded`, by its arguments.
    """

    @functools.wraps(load_data)
    def wrapped(*arguments, **keywords):
        train, validation, test = load_data(*arguments, **keywords)
        validation = None if validation is None else first(1, validation)
        # Enough for a warmup of a tenth of the steps to be one.
        loaded[repr((arguments, keywords))] = first(10, train), validation, first(2, test)
        return loaded[repr((arguments, keywords))]

    return wrapped


@pytest.fixture
def shorter(recipe, monkeypatch):
    """Makes the recipe smaller. What it loads is put into the dictionary that this is."""
    loaded = {}
    places = [recipe.module]
    if recipe.figures_path.exists():
        places.append(sys.modules[recipe.figures.__module__])
    for name, value in SHORTER.get(recipe.name, {}).items():
        having = [module for module in places if hasattr(module, name)]
        assert having, f"{recipe.name} has no {name} that could be made smaller"
        for module in having:
            old = getattr(module, name)
            if callable(old) and isinstance(value, dict):
                monkeypatch.setattr(old, "__defaults__", with_defaults(old, value))
            else:
                monkeypatch.setattr(module, name, value(old) if callable(old) else value)
    if recipe.trains:
        size = inspect.signature(recipe.module.load_data).parameters.get("batch_size")
        if size is not None and size.default > MOST_IN_A_BATCH:
            smaller = with_defaults(recipe.module.load_data, {"batch_size": MOST_IN_A_BATCH})
            monkeypatch.setattr(recipe.module.load_data, "__defaults__", smaller)
    if recipe.name in VARIANTS:
        chosen = {name: recipe.module.VARIANTS[name] for name in VARIANTS[recipe.name]}
        monkeypatch.setattr(recipe.module, "VARIANTS", chosen)
    if recipe.trains:
        load_data = few_batches(recipe.module.load_data, loaded)
        monkeypatch.setattr(recipe.module, "load_data", load_data)
    return loaded


@pytest.fixture(scope="module")
def smoke_runs(tmp_path_factory):
    """Where `run --smoke` leaves each recipe's models, for the tests that look at them."""
    return tmp_path_factory.mktemp("smoke")


def kinds(model, saved):
    """What a network consists of: the classes of its layers, losses and the like, and functions."""
    with zipfile.ZipFile(saved) as parts:
        text = parts.read("config.json").decode()
    written = set(re.findall(r'"(?:class|registered)_name": "([^"]+)"', text))
    assert written, "Keras writes it down in another way"
    # What a class of ours builds by itself is not written down.
    return written | {type(layer).__name__ for layer in model._flatten_layers()}


def loaded_again(load_data, loaded):
    """Has `load_data` give what is in `loaded` for its arguments, if anything is."""

    @functools.wraps(load_data)
    def wrapped(*arguments, **keywords):
        return loaded.get(repr((arguments, keywords))) or load_data(*arguments, **keywords)

    return wrapped


def reporting(report, loaded):
    """Has `report` write what networks make of some inputs, for a fresh process to compare with.

    A variant that consists of nothing new is loaded as those before it. Baseline and pictures are
    given the data that is in `loaded`.
    """

    @functools.wraps(report)
    def wrapped(recipe, module, plan, results, unfinished):
        known = set()
        for variant, result in results.items():
            own = kinds(result.model, unfinished / (variant or "") / "model.keras")
            if own <= known:
                continue
            known |= own
            inputs = tf.nest.map_structure(np.asarray, next(iter(result.test.take(1)))[0])
            outputs = result.model.predict_on_batch(tf.nest.map_structure(tf.constant, inputs))
            path = unfinished / (variant or "") / "model.pickle"
            path.write_bytes(pickle.dumps((inputs, outputs)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "load_data", loaded_again(module.load_data, loaded))
            return report(recipe, module, plan, results, unfinished)

    return wrapped


def drawing_once(standard):
    """Has `standard` draw the pictures of each kind of head once, not for every variant."""
    drawn = set()

    @functools.wraps(standard)
    def wrapped(result, answers):
        kind = (result.head.task, result.head.status, result.head.dense)
        if kind in drawn:
            return {}
        drawn.add(kind)
        return standard(result, answers)

    return wrapped


@pytest.fixture
def smoke_run(recipe, smoke_runs, recwarn, coarse_pictures, shorter, monkeypatch):
    """The folder that `run --smoke` has left: the recipe is run once, by the first who asks."""
    apart = recipe.trains or data.names(recipe.path)
    folder = smoke_runs / recipe.name / ("smoke" if apart else "")
    if not folder.exists():
        monkeypatch.setattr(run_command, "report", reporting(run_command.report, shorter))
        monkeypatch.setattr(figures, "standard", drawing_once(figures.standard))
        tf.config.run_functions_eagerly(eager(recipe))
        output = str(smoke_runs / recipe.name)
        assert cli.main(["run", recipe.name, "--smoke", "--output", output]) == 0
        said = [str(warning.message) for warning in recwarn]
        assert not [text for text in said if "Limiting steps_per_epoch" in text]
    return folder


def variants_of(recipe):
    return getattr(recipe.module, "VARIANTS", {None: {}})


def metrics_of(folder, variant):
    return json.loads((folder / (variant or "") / "metrics.json").read_text())


@pytest.mark.parametrize("recipe", parameters(RECIPES, full=True))
def test_smoke_run_leaves_model_scores_and_pictures(recipe, smoke_run):
    assert list(smoke_run.glob("*.png")) + list(smoke_run.glob("*.gif"))
    assert (smoke_run / "README.md").exists()
    if not recipe.trains:
        return
    wrong_on_purpose = getattr(recipe.module, "WRONG", {})
    for variant in variants_of(recipe):
        left = {path.name for path in (smoke_run / (variant or "")).iterdir()}
        assert {"model.keras", "history.csv", "README.md"} <= left
        metrics = metrics_of(smoke_run, variant)
        assert metrics["scores"]
        assert (metrics["head_check"] == "wrong") == (variant in wrong_on_purpose), metrics
        assert metrics["baseline"]
        unknown = set(metrics["baseline"]) - set(metrics["scores"])
        assert not unknown, "named otherwise than the model's scores"
        assert all(math.isfinite(score) for score in metrics["baseline"].values())


# One of each kind of training that mixes a network's output with float32 data; the rest is slow.
IN_16_BITS = {
    "perceptron_rule": "mixed_bfloat16",  # a training step of its own
    "vae": "mixed_float16",  # a loss of its own
    "electricity": "mixed_float16",  # Normalization.adapt, and outputs of five digits
    "double_moon": "mixed_bfloat16",  # pictures of outputs
    "conditional_gan": "mixed_bfloat16",  # a baseline that trains a network
}


# Recipes whose variants are precisions, whatever `--precision` says.
OWN_PRECISION = {"mixed_precision"}


def in_16_bits():
    for parameter in parameters(TRAINED, full=True):
        (recipe,) = parameter.values
        if recipe.name in OWN_PRECISION:
            continue
        for policy in ("mixed_bfloat16", "mixed_float16"):
            marks = list(parameter.marks)
            if IN_16_BITS.get(recipe.name) != policy:
                marks.append(pytest.mark.slow)
            yield pytest.param(recipe, policy, id=f"{recipe.name}-{policy}", marks=marks)


@pytest.mark.parametrize(("recipe", "policy"), in_16_bits())
@pytest.mark.usefixtures("coarse_pictures", "shorter")
def test_smoke_run_in_16_bits(recipe, policy, monkeypatch, tmp_path):
    """It trains, answers with numbers, and what comes after the training is given float32."""
    tf.config.run_functions_eagerly(eager(recipe))
    reported = []

    def report(recipe, module, plan, results, unfinished):
        for result in results.values():
            for batch in result.test.take(1) if result.test is not None else ():
                few = tf.nest.map_structure(lambda part: part[:4], batch[0])
                reported.extend(keras.tree.flatten(result.model(few)))
        return original(recipe, module, plan, results, unfinished)

    original = run_command.report
    monkeypatch.setattr(run_command, "report", report)
    command = ["run", recipe.name, "--smoke", "--precision", policy, "--output", str(tmp_path)]
    assert cli.main(command) == 0
    assert keras.config.dtype_policy().name == "float32", "left behind for what runs next"
    for output in reported:
        assert keras.backend.standardize_dtype(output.dtype) == "float32"
        assert np.isfinite(output).all()
    saved = list(tmp_path.rglob("model.keras"))
    assert saved
    for path in saved:
        scores = json.loads(path.with_name("metrics.json").read_text())["scores"]
        assert None not in scores.values(), f"not a number: {scores}"
    layers = keras.saving.load_model(saved[0])._flatten_layers()
    assert policy in {layer.dtype_policy.name for layer in layers}, "it was not trained in 16 bits"


@dataclasses.dataclass
class Recording:
    """What a recipe's `main()` did.

    Args:
        loaded: what each `load_data` returned.
        built: (model, training set loaded last, arguments given) of each call of `build_model`.
        scores: what each `model.evaluate` returned on the test set that `load_data` returned, and
            the recipe's further scores.
        printed: what `main()` is to print of them.
    """

    loaded: list = dataclasses.field(default_factory=list)
    built: list = dataclasses.field(default_factory=list)
    scores: list = dataclasses.field(default_factory=list)
    printed: list = dataclasses.field(default_factory=list)


@pytest.fixture
def recording(recipe, smoke_run, monkeypatch):
    """Has the recipe's functions, and `fit` of two steps, take down what `main()` does."""
    module = recipe.module
    load_data, build_model = module.load_data, module.build_model
    fit, evaluate = keras.Model.fit, keras.Model.evaluate
    recorded = Recording()
    loaded = recorded.loaded
    depth = [0]  # inside `fit`, whose evaluations are not the test
    building = [False]  # inside `build_model`, which may train a network that the model needs

    def uncounted(function):
        @functools.wraps(function)
        def wrapped(*arguments, **keywords):
            depth[0] += 1
            try:
                return function(*arguments, **keywords)
            finally:
                depth[0] -= 1

        return wrapped

    @functools.wraps(load_data)
    def load(*arguments, **keywords):
        loaded.append(load_data(*arguments, **keywords))
        return loaded[-1]

    @functools.wraps(build_model)
    def build(*arguments, **keywords):
        building[0] = True
        try:
            model = build_model(*arguments, **keywords)
        finally:
            building[0] = False
        given = inspect.signature(build_model).bind(*arguments, **keywords).arguments
        recorded.built.append((model, loaded[-1][0], given))
        return model

    def fit_two_steps(model, *arguments, **keywords):
        keras.config.set_max_steps_per_epoch(None if building[0] else 2)
        try:
            history = fit(model, *arguments, **keywords)
        finally:
            keras.config.set_max_steps_per_epoch(None)
        for callback in keywords.get("callbacks") or ():
            if isinstance(callback, keras.callbacks.ModelCheckpoint) and not building[0]:
                direction = "min" if callback.monitor_op(0, 1) else "max"
                chosen = (callback.monitor, direction)
                assert chosen == training.monitored(module, model), "as `run` chooses the epoch"
        return history

    def evaluate_recorded(model, x, *arguments, **keywords):
        scores = evaluate(model, x, *arguments, **keywords)
        if not depth[0] and any(x is test for _, _, test in loaded):
            recorded.scores.append(scores)
            recorded.printed.append(scores)
        return scores

    def baseline_of_run(train, test):
        """What `run` computed from the same data need not be computed again."""
        assert any(train is known and test is own for known, _, own in loaded)
        return metrics_of(smoke_run, next(iter(variants_of(recipe))))["baseline"]

    monkeypatch.setattr(module, "load_data", load)
    monkeypatch.setattr(module, "build_model", build)
    monkeypatch.setattr(module, "baseline", baseline_of_run)
    if hasattr(module, "further_scores"):
        further_scores = module.further_scores

        def further_recorded(model, test, history):
            further = further_scores(model, test, history)
            recorded.scores[-1] = recorded.scores[-1] | further
            recorded.printed.append(further)
            return further

        monkeypatch.setattr(module, "further_scores", further_recorded)
    monkeypatch.setattr(keras.Model, "fit", uncounted(fit_two_steps))
    monkeypatch.setattr(keras.Model, "evaluate", evaluate_recorded)
    monkeypatch.setattr(module, "EPOCHS", 1)
    return recorded


# For the recipes that do not train, `run` is their `main()`.
@pytest.mark.parametrize("recipe", parameters(TRAINED, full=True))
def test_main_gives_the_scores_of_run(recipe, monkeypatch, smoke_run, recording, capsys):
    """With the same seed, data and steps: what a script prints is the row of the results.

    Score and baseline are printed, and the learning rate is planned for all epochs.

    With the first and the last variant: all have been trained by `run`.
    """
    names = list(variants_of(recipe))
    two = list(dict.fromkeys([names[0], names[-1]]))
    expected = [metrics_of(smoke_run, variant)["scores"] for variant in two]
    if two != [None]:
        monkeypatch.setattr(
            recipe.module, "VARIANTS", {name: recipe.module.VARIANTS[name] for name in two}
        )
    tf.config.run_functions_eagerly(eager(recipe))
    data.choose(data.names(recipe.path), stand_in=True, rows=200)
    capsys.readouterr()
    recipe.module.main()
    said = capsys.readouterr().out
    for printed in (*recording.printed, metrics_of(smoke_run, names[0])["baseline"]):
        assert str(printed) in said
    builds_networks_for_its_data(recipe, recording.built)
    if recipe.name not in NOT_YET_EQUAL:
        assert len(recording.scores) == len(expected), "main() tests each network once"
        for scores, of_run in zip(recording.scores, expected, strict=True):
            assert isinstance(scores, dict), "evaluate(test, return_dict=True)"
            of_run = {name: math.nan if value is None else value for name, value in of_run.items()}
            assert scores == pytest.approx(of_run, rel=1e-4, abs=1e-7, nan_ok=True)
    if arguments.wants(recipe.module.build_model, "steps"):
        plans_the_steps_of_all_epochs(recipe, monkeypatch, recording.loaded[0])


def builds_networks_for_its_data(recipe, built):
    """The learning rate ends with the training, however long; vocabularies are the data's own."""
    assert built
    scheduled = 0
    for model, train, given in built:
        if arguments.wants(recipe.module.build_model, "train"):
            assert given.get("train") is train, "main() gives its training set to build_model"
        rate = model.optimizer._learning_rate  # `learning_rate` is its value at the current step
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            scheduled += 1
            steps = recipe.module.EPOCHS * sum(1 for _ in train)
            end = float(rate(steps))
            later = [float(rate(steps + 1)), float(rate(10 * steps))]
            assert later == [end, end], "still changes at the end"
            assert float(rate(0.9 * steps)) != end, "stands still before the end"
    assert bool(scheduled) == arguments.wants(recipe.module.build_model, "steps")


def best_epoch_is_tested(main):
    """Whether `main()` loads what its ModelCheckpoint has kept, between training and test.

    One epoch above is the best and the last at once. Where no checkpoint keeps the best one only,
    the last is tested.
    """
    file = None
    loaded = False
    for line in ast.unparse(main).splitlines():  # a statement each
        if "ModelCheckpoint(" in line and "save_best_only=True" in line:
            file = re.search(r"ModelCheckpoint\((.+?), ", line).group(1)
        elif ".fit(" in line:
            loaded = file is None
        elif f" = keras.saving.load_model({file})" in line or f".load_weights({file})" in line:
            loaded = True
        elif ".evaluate(test," in line:
            return loaded
    return False


@pytest.mark.parametrize("recipe", parameters(TRAINED))
def test_main_tests_the_best_epoch(recipe):
    (main,) = definitions(recipe.tree)["main"]
    assert best_epoch_is_tested(main), "main() loads what its checkpoint has kept, then tests it"


@pytest.mark.parametrize(
    ("line", "best"),
    [
        ("model = keras.saving.load_model('own.keras')", True),
        ("model.load_weights('own.keras')", True),
        ("keras.saving.load_model('own.keras')", False),
        ("model = keras.saving.load_model('other.keras')", False),
        ("pass", False),
    ],
)
def test_an_epoch_that_is_not_loaded_is_noticed(line, best):
    source = f"""def main():
    best = keras.callbacks.ModelCheckpoint('own.keras', save_best_only=True)
    model.fit(train, callbacks=[best])
    {line}
    print(model.evaluate(test, return_dict=True))
"""
    assert best_epoch_is_tested(ast.parse(source)) == best


@pytest.mark.parametrize(
    "recipe", parameters(filter(lambda recipe: "deployed" in recipe.functions, TRAINED))
)
def test_main_saves_what_takes_raw_input(recipe):
    (main,) = definitions(recipe.tree)["main"]
    assert re.search(r"\bdeployed\(.+\)\.save\(.+_deployed\.keras'\)", ast.unparse(main))


class BuiltError(Exception):
    """Ends `main()` where it builds its first network."""


def plans_the_steps_of_all_epochs(recipe, monkeypatch, sets):
    """Above, there is one epoch only.

    Args:
        recipe: one whose learning rate follows a schedule.
        monkeypatch: pytest's.
        sets: what its `load_data` has returned first.
    """

    def build_model(*arguments, steps, **keywords):
        assert steps == 3 * sum(1 for _ in sets[0])
        raise BuiltError

    monkeypatch.setattr(recipe.module, "EPOCHS", 3)
    monkeypatch.setattr(recipe.module, "load_data", lambda *arguments, **keywords: sets)
    monkeypatch.setattr(recipe.module, "build_model", build_model)
    with pytest.raises(BuiltError):
        recipe.module.main()


# What DESIGN §3 has a recipe define for the runner, whether `main()` asks for it or not …
FOR_THE_RUNNER = {"search_space", "OBJECTIVE", "KEEP", "WRONG", "CLASSES"}
# … and what `main()` asks for.
FOR_MAIN = {"EPOCHS", "load_data", "build_model", "baseline", "VARIANTS", "callbacks", "deployed"}
FOR_MAIN |= {"further_scores"}


def definitions(tree):
    """`{name: nodes}` of what a module defines on its top level, imports left out."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [part for target in targets for part in ast.walk(target)]
            names = [part.id for part in parts if isinstance(part, ast.Name)]
        else:
            continue
        for name in names:
            found.setdefault(name, []).append(node)
    return found


def reached(tree, *roots):
    """The names of a module's top level used by those of `roots`, and by what these use."""
    defined = definitions(tree)
    todo = [name for name in roots if name in defined]
    seen = set()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            parts = [part for node in defined[name] for part in ast.walk(node)]
            used = {part.id for part in parts if isinstance(part, ast.Name)}
            todo.extend(used & set(defined))
    return seen


def dead(tree):
    """Names that a recipe defines and nobody needs."""
    defined = set(definitions(tree))
    from_main = reached(tree, "main")
    unused = defined - from_main - reached(tree, "main", *FOR_THE_RUNNER)
    return unused | (defined & FOR_MAIN) - from_main


@pytest.mark.parametrize("recipe", parameters(RECIPES))
def test_nothing_is_dead(recipe):
    """What a recipe defines, `main()` reaches, or the runner and a search do."""
    if recipe.name in NOT_YET_ALIVE:
        pytest.skip("not rewritten yet")
    unused = dead(recipe.tree)
    assert not unused, f"main() does not reach {sorted(unused)}"


@pytest.mark.parametrize(
    ("line", "unused"),
    [
        ("def helper(): pass", {"helper"}),
        ("SIZE = 3\ndef helper(): return SIZE", {"SIZE", "helper"}),
        ("def figures(model, test, history): pass", {"figures"}),
        ("def baseline(train, test): pass", {"baseline"}),
        ("STEPS = 2\ndef search_space(hp): return STEPS", set()),
        ("WRONG = {'a': 'b'}", set()),
    ],
)
def test_what_is_dead_is_noticed(line, unused):
    source = f"""{line}
def loss(y): return y
class Net:
    def call(self, x): return loss(x)
def build_model(): return Net()
def main(): build_model()
"""
    assert dead(ast.parse(source)) == unused


# Recipes whose baseline learns of a part of the training set, and does not say so yet.
NOT_YET_SAID = set()


def takes_a_part(tree):
    """Whether a recipe's baseline is fitted on `train.take(…)` or `train.unbatch().take(…)`."""
    for node in definitions(tree).get("baseline", []):
        parts = [part for part in ast.walk(node) if isinstance(part, ast.Attribute)]
        if {ast.unparse(part) for part in parts} & {"train.take", "train.unbatch().take"}:
            return True
    return False


@pytest.mark.parametrize(
    "recipe", parameters(filter(lambda recipe: takes_a_part(recipe.tree), TRAINED))
)
def test_baseline_of_a_part_of_the_data_says_so(recipe):
    """The first line of its docstring is its name in the table of results."""
    if recipe.name in NOT_YET_SAID:
        pytest.skip("not rewritten yet")
    (node,) = definitions(recipe.tree)["baseline"]
    name = ast.get_docstring(node).partition("\n")[0]
    assert re.search(r"\d", name), f'"{name.rstrip(".")} on 12,800 images"'


NUMBER = r"\d[\d,]*\d|\d"
COUNTS = re.compile(rf"((?:(?:{NUMBER})(?:, | or | and ))*(?:{NUMBER})) parameters\b")


def stated_counts(docstring):
    """The numbers of parameters named first: those of "3, 5 or 7 parameters"."""
    found = COUNTS.search(" ".join(docstring.split()))
    numbers = re.findall(NUMBER, found.group(1)) if found else []
    return [int(number.replace(",", "")) for number in numbers]


@pytest.mark.parametrize(
    ("docstring", "counts"),
    [
        ("(2,) to 1. 29,466 parameters;\n104 as a `cnn`.", [29_466]),
        ("9 parameters.", [9]),
        ("Of 7,850, 251,210 or\n41 parameters.", [7_850, 251_210, 41]),
        ("(28, 28, 1) images to 10 numbers.", []),
    ],
)
def test_number_of_parameters_is_read(docstring, counts):
    assert stated_counts(docstring) == counts


# The vocabulary, and so the number of parameters, is the data's: the recipes' own tests count.
VOCABULARIES = {"imdb_transformer"}


@pytest.mark.parametrize("recipe", parameters(TRAINED))
def test_docstring_has_the_number_of_parameters(recipe):
    """Of the network with the default arguments, trainable and not."""
    build_model = recipe.module.build_model
    stated = stated_counts(build_model.__doc__)
    if not stated or recipe.name in VOCABULARIES:
        pytest.skip("depends on the vocabulary" if stated else "says none")
    data.choose(data.names(recipe.path), stand_in=True, rows=200)
    if arguments.wants(build_model, "train"):
        train, _, _ = recipe.module.load_data()
        model = build_model(train=train)
    else:
        model = build_model()
    if not model.built:
        train, _, _ = recipe.module.load_data()
        batch = next(iter(train))
        model(batch[0] if isinstance(batch, tuple) else batch)
    assert model.count_params() in stated
    # The table of results counts these.
    trainable = training.trainable_parameters(model)
    said = re.findall(rf"({NUMBER}) of them are trainable", " ".join(build_model.__doc__.split()))
    assert said == ([f"{trainable:,}"] if trainable != model.count_params() else [])


@pytest.mark.parametrize("recipe", parameters(IN_BOTH_APIS))
@pytest.mark.usefixtures("shorter")
def test_both_apis_make_the_same_network(recipe):
    """With weights copied over, all of them moved off their initial values, outputs are equal."""
    build_model = recipe.module.build_model
    data.choose(data.names(recipe.path), stand_in=True, rows=200)
    train, _, test = recipe.module.load_data()
    # Cached, both adapt to the same order of the examples.
    given = {"train": train.cache()} if arguments.wants(build_model, "train") else {}
    sequential = build_model(api="sequential", **given)
    functional = build_model(api="functional", **given)
    assert isinstance(sequential, keras.Sequential)
    assert not isinstance(functional, keras.Sequential)
    keras.utils.set_random_seed(0)
    for weight in sequential.weights:
        if "float" in weight.dtype:
            # Upwards, for variances are above 0.
            weight.assign(weight + 0.1 * keras.random.uniform(weight.shape))
    functional.set_weights(sequential.get_weights())
    inputs = tf.nest.map_structure(lambda part: part[:4], next(iter(test))[0])
    np.testing.assert_allclose(functional(inputs), sequential(inputs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("recipe", parameters(TRAINED))
def test_search_space_starts_at_the_defaults(recipe):
    hp = keras_tuner.HyperParameters()
    space = recipe.module.search_space(hp)
    assert space
    defaults = arguments.parameters(recipe.module) | arguments.FOR_FIT
    for name, value in space.items():
        assert name in defaults, f"{name} is for none of load_data, build_model, fit"
        assert value == pytest.approx(defaults[name]), name
    for parameter in hp.space:
        if getattr(parameter, "step", None) or isinstance(
            parameter, keras_tuner.engine.hyperparameters.Choice
        ):
            assert any(value == pytest.approx(parameter.default) for value in parameter.values), (
                "default off its grid"
            )
        if hasattr(parameter, "min_value"):
            assert parameter.min_value <= parameter.default <= parameter.max_value


@pytest.mark.parametrize("recipe", parameters(TRAINED))
def test_search_space_says_whose_arguments_it_has(recipe):
    hp = keras_tuner.HyperParameters()
    names = recipe.module.search_space(hp).keys() | {parameter.name for parameter in hp.space}
    searched = names & inspect.signature(recipe.module.load_data).parameters.keys()
    assert ("`load_data`" in recipe.module.search_space.__doc__) == bool(searched)


@pytest.mark.parametrize("recipe", parameters(TRAINED))
def test_a_stepped_range_is_searched_to_its_upper_end(recipe):
    """Sums of 0.1 miss it: KerasTuner ends `Float(0.0, 0.5, step=0.1)` at 0.4."""
    hp = keras_tuner.HyperParameters()
    recipe.module.search_space(hp)
    for parameter in hp.space:
        if getattr(parameter, "step", None):
            last = max(parameter.values)
            assert last == pytest.approx(parameter.max_value), parameter.name


@pytest.mark.parametrize("recipe", parameters(TRAINED))
def test_functions_have_defaults_and_docstrings(recipe):
    module = recipe.module
    for function in (module.load_data, module.build_model):
        assert function.__doc__, function.__name__
        for name, parameter in inspect.signature(function).parameters.items():
            assert parameter.default is not inspect.Parameter.empty or name == "train", name
    assert module.EPOCHS >= 1


RELOAD = """
import importlib, pathlib, pickle, sys
import keras, numpy as np, tensorflow as tf

for argument in sys.argv[1:]:
    if argument.startswith("recipes."):
        importlib.import_module(argument)
        continue
    inputs, outputs = pickle.loads(pathlib.Path(argument).read_bytes())
    model = keras.saving.load_model(pathlib.Path(argument).with_suffix(".keras"))
    # Layers of 16 bits round otherwise where their operations are fused, as here.
    spacing = {"bfloat16": 2**-7, "float16": 2**-10}
    within = max(spacing.get(layer.compute_dtype, 1e-4) for layer in model._flatten_layers())
    again = model.predict_on_batch(tf.nest.map_structure(tf.constant, inputs))
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=within, atol=1e-5), outputs, again
    )
    print(argument)
"""


MOST_RECIPES = 20  # of one process, so that none takes half a minute


def parts_of_chapters():
    for chapter in dict.fromkeys(recipe.chapter for recipe in TRAINED):
        recipes = [recipe for recipe in TRAINED if recipe.chapter == chapter]
        parts = math.ceil(len(recipes) / MOST_RECIPES)
        for part in range(parts):
            some = recipes[part::parts]
            chosen = any(selection.chosen(recipe.name) for recipe in some)
            marks = [] if chosen else [pytest.mark.full]
            yield pytest.param(some, id=f"{chapter}-{part + 1}", marks=marks)


@pytest.mark.parametrize("recipes", parts_of_chapters())
def test_models_predict_the_same_in_a_fresh_process(recipes, smoke_runs, fresh_python):
    assert smoke_runs.is_dir(), "another run of pytest has cleared the temporary folder"
    saved = [
        str(path) for recipe in recipes for path in (smoke_runs / recipe.name).rglob("model.pickle")
    ]
    if not saved:
        pytest.skip("run together with the smoke runs")
    modules = [f"recipes.{recipe.chapter}.{recipe.name}" for recipe in recipes]
    environment = {**os.environ, "PYTHONPATH": str(selection.ROOT)}
    loaded = fresh_python("-c", RELOAD, *modules, *saved, env=environment)
    assert loaded.returncode == 0, loaded.stderr[-3000:]
    assert set(loaded.stdout.split()) >= set(saved)
