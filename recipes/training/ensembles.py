"""Ensembles on 3,000 images of Fashion-MNIST: averaging nine networks, the same or different ones, and bagging.

Slides: 000 «Combinar modelos», 002 «GoogLeNet», «ResNet».
Paper:  Breiman (1996), Bagging predictors, https://doi.org/10.1007/BF00058655
Departs from the slides: nine small networks; GoogLeNet's headline figure came from seven large ones, ResNet's from six.

One functional model holds all the networks and has two outputs, "members" and their mean, "ensemble". Only the members
have a loss, so each learns by itself. In bagging, each has a sample of its own, drawn with replacement: an image counts
as often as it was drawn, which is 0 times for 37 % of them, and these serve as the member's test set ("out of bag").
The cross-entropy of the mean can never be above the mean cross-entropy of the members (−log is convex); for errors this
is no law, but was so whenever we looked. Slide 002 gives 7.89 % for GoogLeNet's ensemble of seven: that was one network
on 144 crops of each image, the ensemble had 6.67 %.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

EPOCHS = 10
OBJECTIVE = ("val_ensemble_accuracy", "max")
MEMBERS = 9
VARIANTS = {
    "same": {"kind": "same"},
    "different": {"kind": "different"},
    "bagging": {"kind": "bagging"},
}
TITLES = {
    "same": "same network, other weights",
    "different": "different networks",
    "bagging": "bagging",
}


def draw(count, seed=0):
    """How often each of `count` examples is in each member's sample of the same size, drawn with replacement."""
    rng = np.random.default_rng(seed)
    samples = [rng.integers(0, count, count) for _ in range(MEMBERS)]
    return np.stack([np.bincount(sample, minlength=count) for sample in samples], axis=1).astype(
        "float32"
    )


def load_data(batch_size=64, kind="same"):
    """Images, their label for the ensemble and for every member, and while training how much it counts for each."""
    splits = ["train[:5%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("fashion_mnist", split=splits, as_supervised=True)
    count = int(train.cardinality())
    drawn = draw(count) if kind == "bagging" else np.ones((count, MEMBERS), "float32")

    def for_all(image, label):
        return image, {"ensemble": label, "members": tf.repeat(label, MEMBERS)}

    weights = tf.data.Dataset.from_tensor_slices(
        {"ensemble": np.ones(count, "float32"), "members": drawn}
    )
    train = tf.data.Dataset.zip(train.map(for_all), weights).map(
        lambda example, weight: (*example, weight)
    )
    train = train.cache().shuffle(count).batch(batch_size).prefetch(2)
    return train, validation.map(for_all).batch(1000).cache(), test.map(for_all).batch(1000).cache()


def build_model(kind="same", units=64, learning_rate=0.001):
    """The compiled networks: (28, 28, 1) images to ten probabilities by each of nine members, and to their mean."""
    inputs = keras.Input((28, 28, 1), dtype="uint8")
    pixels = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    members = []
    for number in range(MEMBERS):
        size, activation = units, "relu"
        if kind == "different":
            size, activation = (
                units * (1, 2, 4)[number // 3] // 2,
                ("relu", "tanh", "sigmoid")[number % 3],
            )
        hidden = keras.layers.Dense(size, activation=activation)(pixels)
        probabilities = keras.layers.Dense(10, activation="softmax")(hidden)
        members.append(keras.layers.Reshape((1, 10))(probabilities))
    members = keras.layers.Concatenate(axis=1, name="members")(members)
    mean = keras.layers.GlobalAveragePooling1D(name="ensemble")(members)
    model = keras.Model(inputs, {"ensemble": mean, "members": members})

    def scores():
        return [
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            keras.metrics.SparseCategoricalCrossentropy(name="crossentropy"),
        ]

    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss={"ensemble": None, "members": "sparse_categorical_crossentropy"},
        metrics={"ensemble": scores(), "members": scores()},
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "kind": hp.Choice("kind", list(VARIANTS), default="same"),
        "units": hp.Int("units", 32, 256, step=32, default=64),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002, 0.005], default=0.001),
    }


def baseline(train, test):
    """Random forest of 50 trees: bagging again (scikit-learn)."""
    from sklearn.ensemble import RandomForestClassifier

    def arrays(data):
        images, labels = zip(
            *((batch[0], batch[1]["ensemble"]) for batch in data.as_numpy_iterator()), strict=True
        )
        return np.concatenate(images).reshape(-1, 784), np.concatenate(labels)

    forest = RandomForestClassifier(50, random_state=0).fit(*arrays(train))
    return {"ensemble_accuracy": forest.score(*arrays(test))}


def out_of_bag(model, train):
    """Error on the training images, each judged only by the members that have not seen it; members a judgement."""
    wrong, judges = [], []
    for images, labels, weights in train.as_numpy_iterator():
        unseen = weights["members"] == 0
        votes = np.sum(model.predict_on_batch(images)["members"] * unseen[:, :, None], axis=1)
        judged = unseen.any(axis=1)
        wrong.append(votes.argmax(axis=-1)[judged] != labels["ensemble"][judged])
        judges.append(unseen.sum(axis=1)[judged])
    return np.concatenate(wrong).mean(), np.concatenate(judges).mean()


def errors_by_size(members, labels, tries=20, seed=0):
    """Errors of the mean of 1, 2, … members, over several choices of them: (sizes, tries)."""
    rng, count = np.random.default_rng(seed), members.shape[1]
    errors = np.empty((count, tries))
    for attempt in range(tries):
        order = rng.permutation(count)
        sums = np.cumsum(members[:, order], axis=1)
        errors[:, attempt] = np.mean(sums.argmax(axis=-1) != labels[:, None], axis=0)
    return errors


def figures(models, test, histories):
    """Members beside their mean, error against the number of members, and what the images out of the bag say."""
    images, labels = zip(
        *((batch[0], batch[1]["ensemble"]) for batch in test.as_numpy_iterator()), strict=True
    )
    images, labels = np.concatenate(images), np.concatenate(labels)
    members = {
        name: model.predict(images, batch_size=1000, verbose=0)["members"]
        for name, model in models.items()
    }
    by_size = {name: 100 * errors_by_size(answers, labels) for name, answers in members.items()}
    colours = dict(zip(models, ("#0072B2", "#009E73", "#D55E00"), strict=True))

    together, axis = plt.subplots(figsize=(8, 4.2), layout="constrained")
    for row, (name, answers) in enumerate(members.items()):
        alone = 100 * np.mean(answers.argmax(axis=-1) != labels[:, None], axis=0)
        axis.plot(alone, np.full(MEMBERS, row), "o", color=colours[name], alpha=0.6, markersize=9)
        axis.plot(
            alone.mean(), row, "k|", markersize=22, markeredgewidth=2, label="mean of their errors"
        )
        axis.plot(
            by_size[name][-1, 0],
            row,
            "*",
            color="#E69F00",
            markeredgecolor="k",
            markersize=18,
            label="ensemble",
        )
        axis.text(by_size[name][-1, 0], row - 0.27, f"{by_size[name][-1, 0]:.1f} %", ha="center")
    axis.set_yticks(range(len(members)), [TITLES[name] for name in members])
    axis.set(xlabel="errors on test images, %", ylim=(len(members) - 0.5, -0.6))
    entries = (entries[:2] for entries in axis.get_legend_handles_labels())
    axis.legend(*entries, loc="lower right", markerscale=0.6)
    axis.set_title("The mean of nine answers errs less than the nine (dots)")

    error, judges = out_of_bag(models["bagging"], load_data(kind="bagging")[0])
    size, axis = plt.subplots(figsize=(8, 4.4), layout="constrained")
    sizes = np.arange(1, MEMBERS + 1)
    for name, errors in by_size.items():
        axis.plot(sizes, errors.mean(axis=1), "o-", color=colours[name], label=TITLES[name])
        axis.fill_between(
            sizes, errors.min(axis=1), errors.max(axis=1), color=colours[name], alpha=0.12
        )
    label = f"bagging, on training images: only members that\nhave not seen the image judge it ({judges:.1f} each)"
    axis.plot(
        judges, 100 * error, "X", color="#D55E00", markeredgecolor="k", markersize=12, label=label
    )
    axis.set(xlabel="members", ylabel="errors on test images, %", xticks=sizes)
    axis.set_title("The first few members help most, then the curve flattens")
    axis.legend()
    axis.grid(True)
    return {"together": together, "size": size}


def main():
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data(**arguments)
        model = build_model(**arguments)
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, verbose=0)
        print(name, model.evaluate(test, return_dict=True, verbose=0))
        model.save(f"ensembles_{name}.keras")


if __name__ == "__main__":
    main()
