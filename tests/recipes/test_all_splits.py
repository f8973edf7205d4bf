"""What holds for the data of every recipe: its parts share no examples, labels mean what their
names say, and a baseline learns from the training set alone."""

import collections
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from recipes._runner import arguments, data
from recipes._runner.recipe import find
from tests.selection import TRAINED, parameters

FEWER = {
    "bad_art": {"count": 400},
    "cnn_regression": {"count": 2000},
    "alvinn": {"count": 600},
    "captioning": {"count": 300},
    "code_completion": {"examples": 400},
    "pilotnet": {"count": 20},
    "seq2seq_dates": {"count": 1000},
    "yolo_v1": {"count": 160},
}
ALL_THERE_ARE = {  # whose world is so small that all parts know all of it
    "autoencoder_8_3_8": {},  # eight patterns
    "boltzmann_machine": {},  # four
    "perceptron_rule": {"task": "cards"},  # some hundred places of a square
    "dqn": {},  # 1,120 beginnings of an episode
}
RECOGNIZED_BY_TARGET = {"denoising_autoencoder"}  # noisy copies of an image differ
REPEATED = {  # how much of a part may be found in another: short texts occur more than once
    "head_multilabel": 0.25,
    "text_multiclass": 0.25,
    "automl_text": 0.25,
    "transformer_translation": 0.25,
    "gpt": 0.25,
    "char_rnn": 0.25,
    "code_completion": 0.25,
    "word2vec": 0.25,
    "nettalk": 0.25,  # of seven letters
    "classic_models": 0.25,  # districts at the same place, to 0.01 degrees
    "neural_turing_machine": 0.25,  # sequences of a single vector: there are 256
}
LEARNS_NOTHING = {
    "perceptron_rule",
    "irnn",
    "seq2seq_attention",
    "electricity",
    "xor",
    "logistic_regression",
    "wrong_heads",
    "conv3d_clips",
    "dqn",
    "policy_gradient",
    "pilotnet",
    "face_verification",
    "enet",
    "unet",
    "yolo_v1",
    "yolo_v3",
    "captioning",
    "colorization",
    "kohonen",
    "boltzmann_machine",
    "neural_turing_machine",
    "echo_state",
    "hog_features",
}  # baselines: constants, a copy, a single frame, pixels, one threshold, a neighbor, a plane, rules
NEEDS_MORE = {  # baselines that learn nothing of so few rows
    "dropout",
    "cnn_cifar10",
    "transfer_learning",
    "vit",
    "ensembles",
    # All have the baseline of `recipes.common.cifar10`, which has a test of its own.
    *(recipe.name for recipe in TRAINED if recipe.chapter == "cnn_architectures"),
}
CLASSIFIED = {"mnist", "fashion_mnist", "cifar10", "imdb_reviews"}  # one class for each
ERRORS = {
    "units_off",
    "rmse",
    "mse",
    "loss",
    "rmse_cycles",
}  # less is better; `loss` is a squared error, too


@pytest.fixture(autouse=True)
def clean_session():
    yield
    keras.backend.clear_session(free_memory=False)


@pytest.fixture(autouse=True)
def few_repeats(request, monkeypatch):
    """An epoch of some recipes has the training examples many times."""
    if "recipe" in request.fixturenames:
        module = request.getfixturevalue("recipe").module
        if hasattr(module, "REPEATS"):
            monkeypatch.setattr(module, "REPEATS", min(module.REPEATS, 20))


REAL = pytest.param("real", marks=[pytest.mark.slow, pytest.mark.real_data])


@pytest.fixture(params=["stand-in", REAL])
def chosen(recipe, request):
    """The recipe's data sets are small stand-ins, or the real ones where all are prepared."""
    names = data.names(recipe.path)
    if request.param == "stand-in":
        request.getfixturevalue("loaded_once")
        data.choose(names, stand_in=True, rows=200)
    elif not names:
        pytest.skip("it generates its data")
    elif set(data.choose(names).values()) != {"real"}:
        pytest.skip("not prepared")
    return names


def all_parts(recipe):
    """Train, validation and test set of all that its variants load, but for small worlds."""
    kinds = []
    for own in getattr(recipe.module, "VARIANTS", {None: {}}).values():
        load_arguments, _ = arguments.split(recipe.module, own)
        if load_arguments not in kinds and load_arguments != ALL_THERE_ARE.get(recipe.name):
            kinds.append(load_arguments)
    for load_arguments in kinds:
        yield recipe.module.load_data(**{**FEWER.get(recipe.name, {}), **load_arguments})


def joined(dataset):
    """A batched set as one batch: arrays in the structure of its elements."""
    batches = list(dataset.as_numpy_iterator())
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *batches)


def first_of(targets):
    """The targets of the first output, or those of an ensemble."""
    if isinstance(targets, dict):
        return targets.get("ensemble", next(iter(targets.values())))
    return targets


def as_bytes(value):
    return value if isinstance(value, bytes) else value.tobytes()


def digests(dataset, index=0):
    """A hash of each example's inputs (or targets, `index` 1)."""
    found = set()
    for batch in dataset.as_numpy_iterator():
        parts = tf.nest.flatten(batch[index])
        for row in zip(*parts, strict=True):
            found.add(hash(tuple(as_bytes(part) for part in row)))
    return found


@pytest.mark.parametrize("recipe", parameters(TRAINED, full=True))
def test_parts_share_no_examples(recipe, chosen):
    compared = list(all_parts(recipe))
    assert compared or recipe.name in ALL_THERE_ARE
    for parts in compared:
        named = dict(zip(("train", "validation", "test"), parts, strict=True))
        index = int(recipe.name in RECOGNIZED_BY_TARGET)
        known = {name: digests(part, index) for name, part in named.items() if part is not None}
        for one, other in itertools.combinations(known, 2):
            shared = len(known[one] & known[other]) / min(len(known[one]), len(known[other]))
            limit = REPEATED.get(recipe.name, 0.02)
            assert shared <= limit, f"{shared:.0%} of {one} and {other} are the same"


def labeled(recipe):
    """Whether the recipe's data shows the classes of its data set, one for each example."""
    (source, *others) = data.names(recipe.path) or [None]
    targets_are_images = recipe.name in (
        "autoencoder_mnist",
        "denoising_autoencoder",
        "colorization",
    )
    whether_anomalous = recipe.name == "anomaly_detection"
    own_targets = targets_are_images or whether_anomalous
    return source in CLASSIFIED and not others and not own_targets


def class_names(recipe):
    """The recipe's names of its classes, else those of its data set."""
    if hasattr(recipe.module, "CLASSES"):
        return recipe.module.CLASSES
    features = tfds.builder(data.names(recipe.path)[0]).info.features
    return features["label"].names


@pytest.mark.parametrize("recipe", parameters(filter(labeled, TRAINED), full=True))
def test_labels_mean_what_their_names_say(recipe, chosen):
    """A test example's class has the name that the data set gives to that example."""
    names = class_names(recipe)
    _, _, test = recipe.module.load_data()
    examples, labels, *_ = next(test.as_numpy_iterator())
    labels = first_of(labels)
    one_hot = labels.ndim == 2 and labels.shape[1] > 1
    said = [names[int(label.argmax() if one_hot else label.item())] for label in labels]

    source = data.names(recipe.path)[0]
    known = tfds.builder(source).info.features["label"].names
    order, by_example = [], {}
    for example, label in tfds.load(source, split="test", as_supervised=True).as_numpy_iterator():
        name = known[label]
        if any(own.startswith(name) for own in names):  # `neg` is the data set's name of `negative`
            order.append(name)
            by_example[as_bytes(example)] = name
    keys = [as_bytes(example) for example in examples]
    true = [by_example.get(key, name) for key, name in zip(keys, order, strict=False)]
    assert len(set(true)) > 1
    assert all(own.startswith(name) for own, name in zip(said, true, strict=True))


def test_emotions_mean_what_their_names_say():
    recipe = find("head_multilabel")
    data.choose(data.names(recipe.path), stand_in=True, rows=200)
    _, _, test = recipe.module.load_data()
    _, labels = next(test.as_numpy_iterator())
    comments = tfds.load("goemotions", split="test").as_numpy_iterator()
    for row, comment in zip(labels, comments, strict=False):
        said = {name for name, label in zip(recipe.module.CLASSES, row, strict=True) if label}
        true = {name for name, value in comment.items() if isinstance(value, np.bool_) and value}
        assert true
        assert said == true


def with_shuffled_targets(dataset, rng):
    """The same examples, each with the target of another one, in batches of the same size."""
    size = len(tf.nest.flatten(next(dataset.as_numpy_iterator()))[0])
    inputs, targets, *weights = joined(dataset)
    order = rng.permutation(len(tf.nest.flatten(targets)[0]))
    targets = tf.nest.map_structure(lambda part: part[order], targets)
    return tf.data.Dataset.from_tensor_slices((inputs, targets, *weights)).batch(size)


def skill(scores, test):
    """The first score: 0 for the best answer that is always the same, 1 for right answers only."""
    (name, score), *_ = scores.items()
    _, targets, *_ = joined(test)
    targets = first_of(targets)
    if isinstance(targets, dict):  # "fine_accuracy" is that of the target "fine"
        targets = targets[name.removesuffix("_accuracy")]
    if name in ERRORS:
        variance = np.mean((targets - targets.mean(0)) ** 2)
        scale = 125 if name == "rmse_cycles" else 1  # its targets are shares of 125 cycles
        return 1 - score / (variance if name in ("mse", "loss") else scale * np.sqrt(variance))
    if name in ("r2", "micro_f1"):
        return score
    if targets.ndim == 2 and targets.shape[1] == 10 and targets.max() <= 1:  # one-hot
        targets = targets.argmax(1)
    most = max(collections.Counter(targets.ravel().tolist()).values()) / targets.size
    return (score - most) / (1 - most)


def judges_answers(recipe):
    """Whether the recipe has a baseline that learns to answer, not to draw or to write."""
    others = {"autoencoders", "gans"}
    writers = {"code_completion", "gpt", "transformer_translation", "char_rnn"}
    return (
        "baseline" in recipe.functions
        and recipe.chapter not in others
        and recipe.name not in writers | LEARNS_NOTHING
    )


@pytest.mark.parametrize("recipe", parameters(filter(judges_answers, TRAINED), full=True))
@pytest.mark.usefixtures("loaded_once")
def test_baseline_learns_from_the_training_set_alone(recipe):
    keras.utils.set_random_seed(0)  # of the order in which the data are shuffled
    data.choose(data.names(recipe.path), stand_in=True, rows=200)
    train, _, test = recipe.module.load_data(**FEWER.get(recipe.name, {}))
    baseline, rng = recipe.module.baseline, np.random.default_rng(0)
    honest = skill(baseline(train, test), test)
    if recipe.name not in NEEDS_MORE:
        assert honest > 0.1, "no better than always the same answer: add it to LEARNS_NOTHING"
        taught_nonsense = skill(baseline(with_shuffled_targets(train, rng), test), test)
        assert taught_nonsense < 0.6 * honest, "it knows the answers without having learned them"
    asked_nonsense = with_shuffled_targets(test, rng)
    answered = skill(baseline(train, asked_nonsense), asked_nonsense)
    assert answered < max(0.6 * honest, 0.3), "it has seen the test answers"
