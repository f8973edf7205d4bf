"""Random, grid, Bayesian and Hyperband search on three small problems, each replayed 100 times.

Slides: 000 «Ajuste de hiperparámetros», «Modelo de procesos gaussianos», «AutoML».
Paper:  Bergstra & Bengio (2012), https://jmlr.org/papers/v13/bergstra12a.html (random search); Snoek, Larochelle &
        Adams (2012), https://arxiv.org/abs/1206.2944 (Bayesian); Li et al. (2018),
        https://jmlr.org/papers/v18/16-558.html (Hyperband).
Departs from the papers: every point of the space was trained once, on few examples; searches take the scores from that
table (as in Eggensperger et al. 2015, https://doi.org/10.1609/aaai.v29i1.9375), so a hundred cost no more than one.

A convolutional network for Fashion-MNIST, averaged word vectors for IMDB and dense layers for California's houses have
the same five hyperparameters. `VARIANTS` start with Keras' own rate. Live: `make tune-search-comparison
ARGS="--variant imdb_text --tuner random"`; on 15 % of Fashion-MNIST: `--variant fashion_cnn --set percent=15 --set
augment=True --set width=32 --set batch_size=128 --epochs 6 --trials 16 --prune median`; what it found, trained on 96 %
for 30 epochs, is in `recipes/results.csv`.
The tables are made by `fill_tables()`, the replays by `replay_searches()`.
"""

import functools
import pathlib

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import recipes.datasets.california_housing  # noqa: F401 (registers the data set)
from layers.masked_average import MaskedAverage
from layers.random_affine import RandomAffine
from recipes.tuning import replay

EPOCHS = 9
PROBLEMS = {  # percent of the examples, last layer, loss, metric
    "fashion_cnn": (5, (10, "softmax"), "sparse_categorical_crossentropy", "accuracy"),
    "imdb_text": (16, (1, "sigmoid"), "binary_crossentropy", "accuracy"),
    "california_mlp": (30, (1, "linear"), "mse", "r2_score"),
}
VARIANTS = {
    problem: {"problem": problem, "percent": percent} for problem, (percent, *_) in PROBLEMS.items()
}
SEARCHES = {  # kind, and which part of the space
    "random": ("RandomSearch", {}),
    "grid": ("GridSearch", {}),
    "Bayesian": ("BayesianOptimization", {}),
    "Hyperband": ("Hyperband", {}),
    "Adam": (
        "RandomSearch",
        {"fixed": {"optimizer": "adam"}, "start": {"learning_rate": 0.001}},
    ),  # Keras' own rates
    "SGD": ("RandomSearch", {"fixed": {"optimizer": "sgd"}, "start": {"learning_rate": 0.01}}),
}
FOLDER = pathlib.Path(__file__).parent
REPLAYS = FOLDER / "search_comparison.csv"


def load_data(problem="fashion_cnn", percent=5, batch_size=64):
    """Train, validation and test batches of a problem, with `percent` of its examples to train on.

    (28, 28, 1) images and classes 0–9; the first 150 words of a review, as numbers below 5,000, and 0 or 1; 12 numbers
    of a district and its (1,) price in 100,000 dollars.
    """
    share = f"train[:{percent}%]"
    if problem == "fashion_cnn":
        parts = tfds.load("fashion_mnist", split=[share, "train[96%:]", "test"], as_supervised=True)
    elif problem == "imdb_text":
        parts = tfds.load("imdb_reviews", split=[share, "train[85%:]", "test"], as_supervised=True)
        vectorize = keras.layers.TextVectorization(5_000, output_sequence_length=150)
        vectorize.adapt(parts[0].batch(500).map(lambda text, label: text))
        parts = [part.map(lambda text, label: (vectorize(text), label)) for part in parts]
    else:
        parts = tfds.load("california_housing", split=[share, "train[70%:80%]", "train[80%:]"])
        parts = [part.map(columns) for part in parts]
    train, validation, test = parts
    train = train.cache().shuffle(60_000).batch(batch_size).prefetch(2)
    return train, validation.batch(1000).cache(), test.batch(1000)


def columns(district):
    """A district as 12 numbers around 0, and its median price in units of 100,000 dollars."""
    rooms, people, homes = district["total_rooms"], district["population"], district["households"]
    place = [district["longitude"] / 10 + 12, district["latitude"] / 10 - 3.5]
    size = tf.math.log(
        [district["median_income"] / 3, rooms / homes / 5, people / homes / 3, homes / 400]
    )
    age = district["housing_median_age"] / 30 - 1
    numbers = tf.concat([place, size, [age], tf.one_hot(district["ocean_proximity"], 5)], 0)
    return numbers, district["median_house_value"][None] / 100_000


def convolutions(width, depth, augment):
    """A convolution in steps of two pixels, then `depth` times convolution, normalisation and average pooling."""
    moved = (
        [RandomAffine(translation=2, horizontal_flip=True, fill_mode="constant")] if augment else []
    )
    yield from [keras.Input((28, 28, 1)), keras.layers.Rescaling(1 / 255), *moved]
    yield keras.layers.Conv2D(width, 4, strides=2, padding="same", activation="relu")
    for block in range(1, depth + 1):
        yield keras.layers.Conv2D(width * 2**block, 3, padding="same", use_bias=False)
        yield from [keras.layers.BatchNormalization(momentum=0.9), keras.layers.ReLU()]
        yield keras.layers.AveragePooling2D(2)
    yield keras.layers.Flatten()


def dense_layers(units, depth, dropout):
    """`depth` times a layer of `units` and dropout."""
    for _ in range(depth):
        yield from [keras.layers.Dense(units, activation="relu"), keras.layers.Dropout(dropout)]


def build_model(
    problem="fashion_cnn",
    optimizer="adam",
    learning_rate=1e-3,
    width=8,
    depth=2,
    dropout=0.0,
    augment=False,
    steps=423,
):
    """The compiled network of a problem. Its learning rate falls to zero along a cosine; `augment` is for images."""
    if problem == "fashion_cnn":
        network = [*convolutions(width, depth, augment), keras.layers.Dropout(dropout)]
    elif problem == "imdb_text":
        network = [
            keras.Input((150,), dtype="int64"),
            keras.layers.Embedding(5_000, width, mask_zero=True),
        ]
        network += [
            MaskedAverage(),
            keras.layers.Dropout(dropout),
            *dense_layers(width, depth - 1, dropout),
        ]
    else:
        network = [keras.Input((12,)), *dense_layers(8 * width, depth, dropout)]
    _, (units, activation), loss, metric = PROBLEMS[problem]
    model = keras.Sequential([*network, keras.layers.Dense(units, activation=activation)])
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    adam, sgd = keras.optimizers.Adam(rate), keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    model.compile(adam if optimizer == "adam" else sgd, loss, metrics=[metric])
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning, whatever the problem: 252 points."""
    return {
        "optimizer": hp.Choice("optimizer", ["adam", "sgd"]),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]),
        "width": hp.Choice("width", [4, 8, 16], default=8),
        "depth": hp.Int("depth", 1, 3, default=2),
        "dropout": hp.Choice("dropout", [0.0, 0.3], default=0.0),
    }


def scores(problem):
    """The table of a problem: the validation score after each epoch at each point of the space."""
    return replay.Table(FOLDER / f"search_comparison_{problem}.csv", search_space)


def fill_tables(problems=tuple(PROBLEMS)):
    """Train what is missing in the tables, half an hour on one core. It may be interrupted."""
    for problem in problems:
        train, validation, _ = load_data(**VARIANTS[problem])
        build = functools.partial(
            build_model, problem=problem, steps=EPOCHS * sum(1 for _ in train)
        )
        scores(problem).fill(build, train, validation, EPOCHS, f"val_{PROBLEMS[problem][-1]}")


def replay_searches(seeds=100, trainings=40):
    """Search each table with each tuner, and keep how far the searches were from its best score."""
    found = {
        problem: replay.regret(scores(problem), "max", SEARCHES, trainings, seeds)
        for problem in PROBLEMS
    }
    replay.save(found, REPLAYS)


def draw(title, label, panel, *names):
    figure, axes = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
    for axis, problem in zip(axes, PROBLEMS, strict=True):
        panel(axis, problem, *names)
        axis.set_title(problem)
    axes[0].set_ylabel(label)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(names) or 2
    )
    figure.suptitle(title)
    return figure


def draw_table(axis, problem):
    for name, shift in (("adam", 0.92), ("sgd", 1.09)):
        finals = [
            (v["learning_rate"] * shift, y)
            for v, y in scores(problem).finals("max")
            if v["optimizer"] == name
        ]
        axis.plot(*np.transpose(finals), "o", markersize=4, alpha=0.5, label=name)
    axis.set(
        xscale="log",
        xlabel="learning rate",
        ylim=(max(0, axis.dataLim.y0 - 0.03), axis.dataLim.y1 + 0.03),
    )


def draw_searches(axis, problem, *names):
    replay.draw(axis, {name: replay.load(REPLAYS)[problem][name] for name in names})
    axis.set_xlabel(f"trainings of {EPOCHS} epochs, or as much")


def figures(models, test, histories):
    """The tables, the race of the tuners, and the same budget for Adam and for SGD: once they have been replayed."""
    if not REPLAYS.exists():  # a copy of this file alone
        return {}
    found = replay.load(REPLAYS).values()
    needed = ", ".join(str(replay.needed(of["Bayesian"], of["random"])) for of in found)
    gaps = [
        ", ".join(f"{abs(of['Adam'][1, n] - of['SGD'][1, n]):.3f}" for of in found) for n in (0, 19)
    ]
    race = f"Where random search is after 40 trainings, Bayesian search is after {needed} (medians; bands: 80 %)"
    fair = f"Adam and SGD with Keras' rates differ by {gaps[0]}; after 20 random trials each, by {gaps[1]}"
    return {
        "tables": draw("What 252 choices make of the same data", "validation score", draw_table),
        "race": draw(
            race, "below the best", draw_searches, "random", "grid", "Bayesian", "Hyperband"
        ),
        "same_budget": draw(fair, "below the best", draw_searches, "Adam", "SGD"),
    }


def main():
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data(**arguments)
        model = build_model(problem=name, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(name, model.evaluate(test, return_dict=True))
        model.save(f"search_comparison_{name}.keras")


if __name__ == "__main__":
    main()
