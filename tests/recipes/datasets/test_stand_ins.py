"""Stand-ins look like the real sets, are made once, and are worth learning."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow_datasets as tfds
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from recipes.datasets import cifar100, stand_ins

ROWS = 200


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield stand_ins.root()


def examples(name, split, rows=ROWS):
    return list(
        tfds.load(name, split=split, data_dir=stand_ins.make(name, rows)).as_numpy_iterator()
    )


@pytest.mark.parametrize("name", stand_ins.SIZES)
def test_is_the_real_builders_set(cache, name, tmp_path):
    stand_in = tfds.builder(name, data_dir=stand_ins.make(name, ROWS))
    real = tfds.builder(name, data_dir=tmp_path)
    assert stand_in.is_prepared()
    assert type(stand_in) is type(real)
    assert stand_in.version == real.version
    assert (
        stand_in.info.features.to_json() == real.info.features.to_json()
        or name in ("cifar10", "cifar100")  # their names come later
    )
    assert stand_in.info.supervised_keys == real.info.supervised_keys
    assert set(stand_in.info.splits) == set(stand_ins.SIZES[name])
    assert {
        split: info.num_examples for split, info in stand_in.info.splits.items()
    } == stand_ins.sizes(name, ROWS)
    assert (Path(stand_in.data_path) / stand_ins.MARK).exists()


@pytest.mark.parametrize(
    ("name", "key", "classes"),
    [
        ("mnist", "label", 10),
        ("fashion_mnist", "label", 10),
        ("cifar10", "label", 10),
        ("imdb_reviews", "label", 2),
        ("california_housing", "ocean_proximity", 5),
    ],
)
def test_every_class_is_there_in_every_split(cache, name, key, classes):
    for split in stand_ins.SIZES[name]:
        assert {int(example[key]) for example in examples(name, split)} == set(range(classes))


def test_every_emotion_is_there_in_every_split(cache):
    for split in ("train", "validation", "test"):
        rows = examples("goemotions", split)
        emotions = set(rows[0]) - {"comment_text"}
        assert len(emotions) == 28
        assert all(any(row[emotion] for row in rows) for emotion in emotions)
        assert all(any(row[emotion] for emotion in emotions) for row in rows)


def test_cifar10_names_its_classes(cache):
    assert (
        tfds.builder("cifar10", data_dir=stand_ins.make("cifar10", ROWS))
        .info.features["label"]
        .names[5]
        == "dog"
    )


def test_cifar100_has_superclasses_that_agree_with_its_classes(cache):
    features = tfds.builder("cifar100", data_dir=stand_ins.make("cifar100", ROWS)).info.features
    assert features["label"].names[23] == "cloud"
    assert features["coarse_label"].names[10] == "large_natural_outdoor_scenes"
    known = cifar100.superclass_labels()
    rows = examples("cifar100", "train") + examples("cifar100", "test")
    assert all(known[row["label"]] == row["coarse_label"] for row in rows)
    assert {int(row["coarse_label"]) for row in rows} == set(range(20))


def test_handwriting_fills_the_image_as_mnist_does(cache):
    images = np.stack([example["image"] for example in examples("mnist", "train")])
    assert images.dtype == np.uint8
    assert images.shape[1:] == (28, 28, 1)
    assert images.max() == 255
    assert 0.1 < images.mean() / 255 < 0.2  # MNIST: 0.13
    assert images[:, :3].mean() < 3  # nothing on the margin


def test_test_drawings_are_not_in_train():
    train, test = (list(stand_ins.mnist(split, 50)) for split in ("train", "test"))
    distances = [
        min(np.abs(a["image"].astype(int) - b["image"]).mean() for a in train) for b in test
    ]
    assert min(distances) > 2


def test_houses_miss_bedrooms_and_stay_plausible(cache):
    rows = examples("california_housing", "train")
    assert any(np.isnan(row["total_bedrooms"]) for row in rows)
    assert not any(
        np.isnan(value) for row in rows for key, value in row.items() if key != "total_bedrooms"
    )
    assert all(14_999 <= row["median_house_value"] <= 500_001 for row in rows)
    assert all(-124.4 < row["longitude"] < -114.3 and 32.5 < row["latitude"] < 42 for row in rows)


def test_engines_run_to_failure_in_train_and_are_cut_off_in_test(cache):
    assert all(engine["remaining"] == 0 for engine in examples("cmapss", "train"))
    for engine in examples("cmapss", "test"):
        assert engine["remaining"] >= 7
        assert len(engine["sensors"]) == len(engine["settings"]) >= 31


@pytest.mark.parametrize("name", stand_ins.TEXTS)
def test_texts_hold_every_character_that_python_takes_for_the_end_of_a_line(cache, name):
    rows = examples(name, "train")
    texts = "".join(row[key].decode() for row in rows for key in stand_ins.TEXTS[name])
    characters = map(chr, range(sys.maxunicode + 1))
    breaks = {each for each in characters if len(f"a{each}b".splitlines()) > 1}
    assert breaks - set("\n\r") <= set(texts)


@pytest.mark.parametrize("name", stand_ins.SIZES)
def test_the_generator_repeats_itself(name):
    count = 2 if name in ("isbi2012", "blood_cells") else 40  # their images are large
    first, second = (list(stand_ins.GENERATORS[name]("train", count)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys()
        for key in a:
            np.testing.assert_array_equal(a[key], b[key])


def test_is_made_once(cache, monkeypatch):
    stand_ins.make("imdb_reviews", ROWS)
    monkeypatch.setattr(stand_ins, "write", lambda *arguments: pytest.fail("made again"))
    stand_ins.make("imdb_reviews", ROWS)


def test_an_interrupted_generation_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def interrupted(name, sizes, data_dir):
        (Path(data_dir) / "half").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(stand_ins, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stand_ins.make("mnist", ROWS)
    assert list(stand_ins.folder("mnist", ROWS).parent.iterdir()) == []


def test_the_slower_of_two_processes_uses_what_the_faster_made(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def beaten(name, sizes, data_dir):
        stand_ins.folder(name, ROWS).mkdir()
        (stand_ins.folder(name, ROWS) / "of the faster").touch()

    monkeypatch.setattr(stand_ins, "write", beaten)
    made = stand_ins.make("mnist", ROWS)
    assert [path.name for path in made.iterdir()] == ["of the faster"]
    assert list(made.parent.iterdir()) == [made]


@pytest.mark.slow
def test_two_processes_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code = "from recipes.datasets import stand_ins; stand_ins.make('mnist', 200)"
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    data = tfds.load("mnist", split="train", data_dir=stand_ins.folder("mnist", 200))
    assert sum(1 for _ in data) == 200
    assert (
        json.loads((stand_ins.folder("mnist", 200) / "mnist/3.0.1/dataset_info.json").read_text())[
            "name"
        ]
        == "mnist"
    )
    assert len(list(stand_ins.folder("mnist", 200).parent.iterdir())) == 1


# On the full stand-ins a small network beats a linear model by far and still errs


def columns(name, split, *keys):
    rows = examples(name, split, rows=None)
    return [np.stack([row[key] for row in rows]) for key in keys]


def fit(network, inputs, targets, epochs, loss, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(network())
    model.compile(keras.optimizers.Adam(options.pop("learning_rate", 2e-3)), loss)
    model.fit(inputs, targets, batch_size=64, epochs=epochs, verbose=0)
    return model


def convolutions(filters):
    layers = [keras.layers.Rescaling(1 / 255)]
    for width in filters:
        layers += [
            keras.layers.Conv2D(width, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.ReLU(),
            keras.layers.MaxPooling2D(2),
        ]
    return [*layers, keras.layers.Flatten(), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "filters", "epochs", "margin"),
    [
        ("mnist", (16, 32), 4, 0.05),
        ("fashion_mnist", (16, 32), 4, 0.1),
        ("cifar10", (16, 32, 64), 6, 0.3),
    ],
)
def test_images_want_convolutions(cache, name, filters, epochs, margin):
    train, labels = columns(name, "train", "image", "label")
    test, truth = columns(name, "test", "image", "label")
    linear = RidgeClassifier(100.0).fit(train.reshape(len(train), -1) / 255, labels)
    baseline = linear.score(test.reshape(len(test), -1) / 255, truth)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = fit(lambda: convolutions(filters), train, labels, epochs, loss)
    accuracy = np.mean(model.predict(test, verbose=0).argmax(-1) == truth)
    print(name, baseline, accuracy)
    assert baseline > 0.1
    assert baseline + margin < accuracy < 0.995


def bags(train, test, ngrams):
    vectorizer = CountVectorizer(
        ngram_range=(1, ngrams), min_df=3, binary=True, token_pattern=r"[\w']+"
    )
    decode = np.vectorize(bytes.decode)
    return vectorizer.fit_transform(decode(train)), vectorizer.transform(decode(test))


@pytest.mark.slow
def test_reviews_want_more_than_single_words(cache):
    train, labels = columns("imdb_reviews", "train", "text", "label")
    test, truth = columns("imdb_reviews", "test", "text", "label")
    words, test_words = bags(train, test, 1)
    baseline = LogisticRegression(C=0.1, max_iter=1000).fit(words, labels).score(test_words, truth)
    pairs, test_pairs = bags(train, test, 3)
    network = lambda: [  # noqa: E731
        keras.layers.Dense(16, "relu"),
        keras.layers.Dense(1, "sigmoid"),
    ]
    model = fit(network, pairs.toarray().astype("float32"), labels, 4, "binary_crossentropy")
    accuracy = np.mean((model.predict(test_pairs.toarray(), verbose=0)[:, 0] > 0.5) == truth)
    print("imdb_reviews", baseline, accuracy)
    assert baseline > 0.6
    assert baseline + 0.05 < accuracy < 0.99


@pytest.mark.slow
def test_emotions_want_more_than_single_words(cache):
    emotions = list(stand_ins.EMOTIONS)
    train, *labels = columns("goemotions", "train", "comment_text", *emotions)
    test, *truth = columns("goemotions", "test", "comment_text", *emotions)
    labels, truth = np.stack(labels, 1).astype("float32"), np.stack(truth, 1)
    words, test_words = bags(train, test, 1)
    linear = OneVsRestClassifier(LogisticRegression(max_iter=1000)).fit(words, labels)
    baseline = f1_score(truth, linear.predict(test_words), average="micro")
    pairs, test_pairs = bags(train, test, 2)
    network = lambda: [  # noqa: E731
        keras.layers.Dense(64, "relu"),
        keras.layers.Dense(28, "sigmoid"),
    ]
    model = fit(network, pairs.toarray().astype("float32"), labels, 8, "binary_crossentropy")
    score = f1_score(truth, model.predict(test_pairs.toarray(), verbose=0) > 0.5, average="micro")
    print("goemotions", baseline, score)
    assert baseline > 0.3
    assert baseline + 0.02 < score < 0.95


@pytest.mark.slow
def test_prices_are_not_linear(cache):
    rows = examples("california_housing", "train", rows=None)
    names = sorted(set(rows[0]) - {"median_house_value"})
    inputs = np.nan_to_num(
        np.array([[row[name] for name in names] for row in rows], "float32"), nan=400.0
    )
    inputs = (inputs - inputs.mean(0)) / inputs.std(0)
    price = np.array([row["median_house_value"] for row in rows]) / 1e5

    def r2(predicted):
        return 1 - np.var(price[-1000:] - predicted) / np.var(price[-1000:])

    baseline = r2(LinearRegression().fit(inputs[:-1000], price[:-1000]).predict(inputs[-1000:]))

    def network():
        return [
            keras.layers.Dense(64, "relu"),
            keras.layers.Dense(64, "relu"),
            keras.layers.Dense(1),
        ]

    model = fit(network, inputs[:-1000], price[:-1000], 20, "mse")
    score = r2(model.predict(inputs[-1000:], verbose=0)[:, 0])
    print("california_housing", baseline, score)
    assert baseline > 0.3
    assert baseline + 0.08 < score < 0.95


@pytest.mark.slow
def test_wear_is_not_linear(cache):
    def windows(split):
        """The last 30 cycles, flat, and the life left up to 125: all of train, the end of test."""
        inputs, targets = [], []
        for engine in examples("cmapss", split, rows=None):
            ends = (
                range(30, len(engine["sensors"]) + 1, 2)
                if split == "train"
                else [len(engine["sensors"])]
            )
            for end in ends:
                inputs.append((engine["sensors"][end - 30 : end] - stand_ins.SENSORS[:, 0]) / scale)
                targets.append(min(125, len(engine["sensors"]) - end + engine["remaining"]))
        return np.array(inputs, "float32"), np.array(targets, "float32")

    scale = stand_ins.SENSORS[:, 2] * 4 + 1e-6
    (train, life), (test, truth) = windows("train"), windows("test")
    rmse = lambda predicted: np.sqrt(np.mean((predicted - truth) ** 2))  # noqa: E731
    baseline = rmse(LinearRegression().fit(train[:, -1], life).predict(test[:, -1]))
    network = lambda: [  # noqa: E731
        keras.layers.AveragePooling1D(10),
        keras.layers.Flatten(),
        keras.layers.Dense(32, "relu"),
        keras.layers.Dense(32, "relu"),
        keras.layers.Dense(1),
    ]
    model = fit(network, train, life / 125, 10, "mse")
    error = rmse(model.predict(test, verbose=0)[:, 0] * 125)
    print("cmapss", baseline, error)
    assert 5 < error < baseline - 2 < 50
