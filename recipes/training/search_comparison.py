"""Hyperparameter search: random, grid, Bayesian and Hyperband on three problems, 100 times each.

Slides: 000 «Ajuste de hiperparámetros», «Modelo de procesos gaussianos», «AutoML».
Paper:  Bergstra & Bengio (2012), https://jmlr.org/papers/v13/bergstra12a.html (random search);
        Snoek, Larochelle & Adams (2012), https://arxiv.org/abs/1206.2944 (Bayesian);
        Li et al. (2018), https://jmlr.org/papers/v18/16-558.html (Hyperband).
Departs from the papers: a network was trained once, on few examples, for every point of the search
space, and the searches look the scores up in that table (as in Eggensperger et al. 2015,
https://doi.org/10.1609/aaai.v29i1.9375). So a hundred searches cost no more than one.

A convolutional network for Fashion-MNIST, averaged word embeddings for IMDB and dense layers for
California housing have the same five hyperparameters. `main()` trains each with Keras' default
learning rate. The searches are simulated by `recipes/training/figures/search_comparison.py`, on the
tables in `recipes/common/search_tables`.

Live: `make tune-search-comparison ARGS="--variant imdb_text --tuner random"`; on 15 % of
Fashion-MNIST: `--variant fashion_cnn --set percent=15 --set augment=True --set width=32 --set
batch_size=128 --epochs 6 --trials 16 --prune median`; the best trial, trained on 96 % for 30
epochs, is in `recipes/results.csv`.
"""

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.linear_model import LinearRegression, LogisticRegression

import recipes.datasets.california_housing  # noqa: F401 (registers the data set)
from layers.masked_average import MaskedAverage
from layers.random_affine import RandomAffine
from recipes.common.arrays import to_numpy

EPOCHS = 9
WORDS = 5_000  # in the vocabulary of the reviews
LENGTH = 150  # words of a review
VARIANTS = {  # percent of the examples used for training
    "fashion_cnn": {"problem": "fashion_cnn", "percent": 5},
    "imdb_text": {"problem": "imdb_text", "percent": 16},
    "california_mlp": {"problem": "california_mlp", "percent": 30},
}
MOST = {"fashion_cnn": 96, "imdb_text": 85, "california_mlp": 70}  # percent; then comes validation
METRICS = {"fashion_cnn": "accuracy", "imdb_text": "accuracy", "california_mlp": "r2_score"}


def load_images(percent):
    """Fashion-MNIST: (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = [f"train[:{percent}%]", "train[96%:]", "test"]
    return tfds.load("fashion_mnist", split=splits, as_supervised=True)


def load_reviews(percent):
    """IMDB: the indices of the first (150,) words of a review, padded with 0; labels 0 or 1."""
    splits = [f"train[:{percent}%]", "train[85%:]", "test"]
    train, validation, test = tfds.load("imdb_reviews", split=splits, as_supervised=True)
    vectorize = keras.layers.TextVectorization(WORDS, output_sequence_length=LENGTH)
    vectorize.adapt(train.batch(500).map(lambda text, label: text))

    def to_words(text, label):
        return vectorize(text), label

    return train.map(to_words), validation.map(to_words), test.map(to_words)


def load_districts(percent):
    """California housing: a district as (12,) centered numbers, and its (1,) price in $100,000."""
    splits = [f"train[:{percent}%]", "train[70%:80%]", "train[80%:]"]
    train, validation, test = tfds.load("california_housing", split=splits)
    return train.map(to_numbers), validation.map(to_numbers), test.map(to_numbers)


def to_numbers(district):
    """Inputs and target for a district, from the features of the data set."""
    rooms = district["total_rooms"]
    people = district["population"]
    homes = district["households"]
    place = [district["longitude"] / 10 + 12, district["latitude"] / 10 - 3.5]
    ratios = [district["median_income"] / 3, rooms / homes / 5, people / homes / 3, homes / 400]
    age = district["housing_median_age"] / 30 - 1
    ocean = tf.one_hot(district["ocean_proximity"], 5)
    inputs = tf.concat([place, tf.math.log(ratios), [age], ocean], axis=0)
    return inputs, district["median_house_value"][None] / 100_000


def load_data(problem="fashion_cnn", percent=5, batch_size=64):
    """Train, validation and test batches of a problem, with `percent` of its examples to train on.

    For inputs and targets see `load_images`, `load_reviews` and `load_districts`.

    Raises:
        ValueError: if `percent` reaches into the examples for validation.
    """
    if percent > MOST[problem]:
        raise ValueError(f"percent is at most {MOST[problem]} for {problem}, and not {percent}")
    if problem == "fashion_cnn":
        train, validation, test = load_images(percent)
    elif problem == "imdb_text":
        train, validation, test = load_reviews(percent)
    else:
        train, validation, test = load_districts(percent)
    train = train.cache().shuffle(60_000).batch(batch_size).prefetch(2)
    return train, validation.batch(1000).cache(), test.batch(1000)


def convolutional_layers(width, depth, augment):
    """A strided convolution, then `depth` blocks of convolution, normalization and pooling."""
    network = [keras.layers.Rescaling(1 / 255)]
    if augment:
        network.append(RandomAffine(translation=2, horizontal_flip=True, fill_mode="constant"))
    network.append(keras.layers.Conv2D(width, 4, strides=2, padding="same", activation="relu"))
    for block in range(1, depth + 1):
        network += [
            keras.layers.Conv2D(width * 2**block, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.ReLU(),
            keras.layers.AveragePooling2D(2),
        ]
    return [*network, keras.layers.Flatten()]


def dense_layers(units, depth, dropout):
    """`depth` hidden layers of `units`, each with dropout."""
    network = []
    for _ in range(depth):
        network.append(keras.layers.Dense(units, activation="relu"))
        network.append(keras.layers.Dropout(dropout))
    return network


def build_model(
    problem="fashion_cnn",
    optimizer="adam",
    learning_rate=1e-3,
    width=8,
    depth=2,
    dropout=0.0,
    augment=False,
    steps=EPOCHS * 47,
):
    """The compiled network of a problem, 8,978 parameters for Fashion-MNIST.

    8,882 of them are trainable. Learning-rate schedule: cosine decay to zero over the training
    `steps`. `augment` is for images.
    """
    if problem == "fashion_cnn":
        network = [
            keras.Input((28, 28, 1)),
            *convolutional_layers(width, depth, augment),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(10, activation="softmax"),
        ]
        loss = "sparse_categorical_crossentropy"
    elif problem == "imdb_text":
        network = [
            keras.Input((LENGTH,), dtype="int64"),
            keras.layers.Embedding(WORDS, width, mask_zero=True),
            MaskedAverage(),
            keras.layers.Dropout(dropout),
            *dense_layers(width, depth - 1, dropout),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
        loss = "binary_crossentropy"
    else:
        network = [
            keras.Input((12,)),
            *dense_layers(8 * width, depth, dropout),
            keras.layers.Dense(1),
        ]
        loss = "mse"
    model = keras.Sequential(network)

    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    if optimizer == "adam":
        optimizer = keras.optimizers.Adam(rate)
    else:
        optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    model.compile(optimizer, loss=loss, metrics=[METRICS[problem]])
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


def linear_features(inputs):
    """Features for a linear model, (examples, features): pixels, word counts, or numbers."""
    count = len(inputs)
    if inputs.ndim == 4:  # images
        return inputs.reshape(count, -1) / 255
    if inputs.dtype.kind == "i":  # word indices
        rows = np.repeat(np.arange(count), inputs.shape[1])
        ones = np.ones(inputs.size)
        counts = scipy.sparse.csr_matrix((ones, (rows, inputs.ravel())), shape=(count, WORDS))
        return counts[:, 1:]  # 0 is padding
    return inputs


def baseline(train, test):
    """Linear model of pixels, of word counts, or of a district's numbers."""
    inputs, targets = to_numpy(train)
    test_inputs, test_targets = to_numpy(test)
    is_price = targets.dtype.kind == "f"
    model = LinearRegression() if is_price else LogisticRegression(solver="saga", tol=0.1)
    model.fit(linear_features(inputs), targets)
    score = model.score(linear_features(test_inputs), test_targets)
    return {"r2_score" if is_price else "accuracy": score}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data(**arguments)
        model = build_model(problem=name, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"search_comparison_{name}.keras",
            monitor=f"val_{METRICS[name]}",
            mode="max",
            save_best_only=True,
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"search_comparison_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
        print("linear model", baseline(train, test))


if __name__ == "__main__":
    main()
