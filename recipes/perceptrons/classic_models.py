"""Classic models beside networks: logistic regression, SVM, nearest neighbors, boosting, CNN.

Slides: 003 «Modelos» (four models), 000 «Estadística vs Inteligencia Artificial», 002 «Motivación»
        (the curse of dimensionality).
Paper:  Fix & Hodges (1951), https://doi.org/10.2307/1403797 (nearest neighbors);
        Friedman (2001), https://doi.org/10.1214/aos/1013203451 (gradient boosting);
        Pace & Barry (1997), https://doi.org/10.1016/S0167-7152(96)00140-X (the districts)
Departs from the slides: three questions with real data instead of drawn points. The first two are
whether the houses of a Californian district are expensive, the third is whether a photograph shows
a dog or a cat.

Which model is best depends on the problem. Two numbers with much noise (`income`: of a district,
the income of its people and the rooms of a home): a straight line is as good as anything, and
boosting, which follows single examples, is worse. Two numbers with little noise, but a border of
many details (`map`: longitude and latitude): nearest neighbors and boosting are better than a
multilayer perceptron (MLP), whose function is smooth. A quarter of the test districts are at the
same place as one of the training set, to 0.01 degrees. 3,072 numbers with much structure
(`photos`): distances say little, and a convolutional network (CNN) finds features that the others
lack.

Logistic regression and the linear SVM are networks of one unit, with cross-entropy and with hinge
loss; nearest neighbors and gradient boosting are scikit-learn's. The pictures add numbers that say
nothing to the map, and reduce the photographs to a few principal components.
"""

import keras
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier

import recipes.datasets.california_housing  # noqa: F401 (registers the data set)
from recipes.common.arrays import to_numpy

EPOCHS = 12
CLASSES = ["no", "yes"]  # is it expensive, or is it a dog?
EXPENSIVE = 180_000  # dollars: about the median of the districts
CAT = 3  # among CIFAR-10's ten classes
DOG = 5
NEIGHBORS = 15  # whose majority decides
TREES = 100  # of gradient boosting
EXAMPLES = {"income": 1000, "map": 5000, "photos": 5000}  # for training
VARIANTS = {
    "income_logistic": {"problem": "income", "network": "logistic"},
    "income_svm": {"problem": "income", "network": "linear_svm"},
    "income_mlp": {"problem": "income", "network": "mlp", "learning_rate": 0.003},
    "map_logistic": {"problem": "map", "network": "logistic"},
    "map_svm": {"problem": "map", "network": "linear_svm"},
    "map_mlp": {"problem": "map", "network": "mlp", "learning_rate": 0.01, "weight_decay": 0.0},
    "photos_logistic": {"problem": "photos", "network": "logistic", "learning_rate": 0.0003},
    "photos_svm": {"problem": "photos", "network": "linear_svm", "learning_rate": 0.0003},
    "photos_cnn": {"problem": "photos", "network": "cnn", "learning_rate": 0.01},
}


def two_numbers(problem):
    """A function of a district that returns two numbers, and whether its houses are expensive."""

    def features_and_label(district):
        if problem == "map":
            numbers = [district["longitude"], district["latitude"]]
        else:
            rooms = district["total_rooms"] / district["households"]
            numbers = [tf.math.log(district["median_income"]), tf.math.log(rooms)]
        expensive = district["median_house_value"][None] > EXPENSIVE
        return tf.stack(numbers), tf.cast(expensive, "float32")

    return features_and_label


def is_cat_or_dog(image, label):
    return (label == CAT) | (label == DOG)


def with_binary_label(image, label):
    return image, tf.cast(label[None] == DOG, "float32")


def load_data(problem="income", batch_size=50):
    """Train, validation and test batches of a problem; labels are (1,) float32, 0 or 1.

    Inputs are (2,) float32, the logarithms of income and rooms for `"income"`, longitude and
    latitude for `"map"`; or (32, 32, 3) uint8 images of cats and dogs for `"photos"`.
    """
    if problem == "photos":
        splits = ["train[:90%]", "train[90%:]", "test"]
        sets = tfds.load("cifar10", split=splits, as_supervised=True)
        sets = [part.filter(is_cat_or_dog).map(with_binary_label) for part in sets]
    else:
        splits = ["train[:70%]", "train[70%:80%]", "train[80%:]"]
        sets = tfds.load("california_housing", split=splits)
        sets = [part.map(two_numbers(problem)) for part in sets]
    train, validation, test = sets
    count = EXAMPLES[problem]
    train = train.take(count).cache().shuffle(count).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def hidden_layers(x, network):
    """What comes before the output unit, flat."""
    if network == "mlp":
        x = keras.layers.Dense(64, activation="relu")(x)
        x = keras.layers.Dense(64, activation="relu")(x)
    elif network == "cnn":
        x = keras.layers.RandomFlip("horizontal")(x)
        for filters, size, strides in ((16, 4, 2), (24, 3, 1), (48, 3, 1)):
            x = keras.layers.Conv2D(filters, size, strides, padding="same", use_bias=False)(x)
            x = keras.layers.BatchNormalization(momentum=0.9)(x)
            x = keras.layers.ReLU()(x)
            if strides == 1:
                x = keras.layers.AveragePooling2D(2)(x)
        x = keras.layers.Flatten()(x)  # (batch, 4 · 4 · 48)
        return keras.layers.Dropout(0.3)(x)
    return keras.layers.Flatten()(x)


def build_model(
    problem="income",
    network="logistic",
    weight_decay=0.001,
    learning_rate=0.03,
    steps=EPOCHS * 20,
    train=None,
):
    """The compiled network: two numbers or an image to a score for "yes". 3 parameters.

    Args:
        problem: As in `load_data`.
        network: `"logistic"` or `"linear_svm"`, one unit each; `"mlp"` (two numbers) or `"cnn"`
            (images), with hidden layers. The score is a probability, but for the SVM, whose score
            is positive for "yes".
        weight_decay: L2 penalty on the weights of the output unit.
        learning_rate: Initial rate of Adam, followed by cosine decay to zero.
        steps: Number of training steps.
        train: The training set, whose mean and variance normalize the two numbers; by default that
            of `load_data`.
    """
    if problem == "photos":
        inputs = keras.Input((32, 32, 3), dtype="uint8")
        x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    else:
        if train is None:
            train, _, _ = load_data(problem)
        numbers, _ = to_numpy(train)
        inputs = keras.Input((2,), dtype="float32")
        x = keras.layers.Normalization(
            mean=numbers.mean(axis=0), variance=numbers.var(axis=0), dtype="float32"
        )(inputs)
    x = hidden_layers(x, network)
    penalty = keras.regularizers.L2(weight_decay)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    if network == "linear_svm":
        outputs = keras.layers.Dense(1, kernel_regularizer=penalty)(x)
        loss = "hinge"
        accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
    else:
        outputs = keras.layers.Dense(1, activation="sigmoid", kernel_regularizer=penalty)(x)
        loss = "binary_crossentropy"
        accuracy = "accuracy"
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(schedule), loss=loss, metrics=[accuracy])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    return {
        "weight_decay": hp.Choice("weight_decay", [0.0, 0.0001, 0.001, 0.01], default=0.001),
        "learning_rate": hp.Choice("learning_rate", [0.003, 0.01, 0.03, 0.1], default=0.03),
        "batch_size": hp.Choice("batch_size", [10, 20, 50, 100], default=50),
    }


def boosting(numbers):
    """Decision trees, each fitted to the errors of those before.

    A split is chosen among at most 100 of the `numbers` of an example.
    """
    share = min(1.0, 100 / numbers)
    return HistGradientBoostingClassifier(max_iter=TREES, max_features=share, random_state=0)


def flat(dataset):
    """Inputs (examples, numbers) and labels (examples,) of a data set."""
    inputs, labels = to_numpy(dataset)
    return inputs.reshape(len(inputs), -1).astype("float32"), labels[:, 0]


def baseline(train, test):
    """15 nearest neighbors."""
    model = KNeighborsClassifier(NEIGHBORS).fit(*flat(train))
    return {"accuracy": model.score(*flat(test))}


def number_of_batches(dataset):
    """The length of a data set; counted where a filter has made it unknown."""
    length = int(dataset.cardinality())
    return length if length >= 0 else sum(1 for _ in dataset)


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data(arguments["problem"])
        model = build_model(**arguments, steps=EPOCHS * number_of_batches(train), train=train)
        best = keras.callbacks.ModelCheckpoint(
            f"classic_models_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(
            train,
            validation_data=validation,
            epochs=EPOCHS,
            shuffle=False,
            callbacks=[best],
            verbose=2,
        )
        model = keras.saving.load_model(f"classic_models_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True, verbose=0))

    for problem in EXAMPLES:
        train, _, test = load_data(problem)
        print(f"{problem}, {NEIGHBORS} nearest neighbors:", baseline(train, test))
        inputs, labels = flat(train)
        trees = boosting(inputs.shape[1]).fit(inputs, labels)
        print(f"{problem}, gradient boosting: {trees.score(*flat(test)):.4f}")


if __name__ == "__main__":
    main()
