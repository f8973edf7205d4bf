"""Overfitting: 500 images learned by heart, more data, data augmentation, and smaller networks.

Slides: 000 «Regularización: el problema del sobreaprendizaje», «Estrategias: obtener más datos»,
        «Capacidad: arquitectura (capas, unidades)».
Paper:  Geman, Bienenstock & Doursat (1992), Neural networks and the bias/variance dilemma,
        https://doi.org/10.1162/neco.1992.4.1.1; Xiao, Rasul & Vollgraf (2017), Fashion-MNIST,
        https://arxiv.org/abs/1708.07747 (the data)
Departs from the slides: they do not name any data; here the images show clothes.

A network with 500 hidden units has enough weights to memorize 500 images: it classifies all of them
correctly, but far fewer new ones. With ten times as many images it overfits less. Without more
images, shifted and flipped copies help (data augmentation). A network with few units cannot
memorize the images; one with too few units cannot learn the task either (underfitting). All
networks are trained for the same number of steps, and their final weights are kept; for early
stopping see `regularization`.
"""

import keras
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 20
KEEP = "last"  # the final weights, to show the effect of long training
EXAMPLES = 500  # for training: few for so many weights
STEPS = 100  # in an epoch
CLASSES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]
VARIANTS = {
    "few": {},
    "more": {"examples": 5000},
    "augmented": {"augmentation": True},
    "units_32": {"units": 32},
    "units_4": {"units": 4},
    "units_2": {"units": 2},
}


def load_data(examples=EXAMPLES, batch_size=50):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9.

    An epoch has 100 batches, in which the training `examples` are repeated.
    """
    splits = ["train[:90%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("fashion_mnist", split=splits, as_supervised=True)
    train = train.take(examples).cache().shuffle(examples).repeat().batch(batch_size).take(STEPS)
    return train, validation.batch(1000).cache(), test.batch(1000).cache()


def build_model(units=500, augmentation=False, learning_rate=0.001, steps=EPOCHS * STEPS):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 397,510 parameters.

    Args:
        units: Number of hidden units.
        augmentation: Whether training images are randomly flipped and shifted by up to one pixel.
        learning_rate: Initial rate of Adam, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    layers = [keras.Input((28, 28, 1), dtype="uint8"), keras.layers.Rescaling(1 / 255)]
    if augmentation:
        layers.append(keras.layers.RandomFlip("horizontal"))
        layers.append(keras.layers.RandomTranslation(1 / 28, 1 / 28, fill_mode="constant"))
    layers.append(keras.layers.Flatten())
    layers.append(keras.layers.Dense(units, activation="relu"))
    layers.append(keras.layers.Dense(10, activation="softmax"))
    model = keras.Sequential(layers)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "units": hp.Choice("units", [1, 2, 4, 8, 16, 32, 64, 125, 250, 500, 1000], default=500),
        "augmentation": hp.Boolean("augmentation", default=False),
        "learning_rate": hp.Choice("learning_rate", [0.0003, 0.001, 0.003], default=0.001),
    }


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    model = LogisticRegression(solver="saga", tol=0.05)
    model.fit(images.reshape(-1, 784) / 255, labels)
    images, labels = to_numpy(test)
    return {"accuracy": model.score(images.reshape(-1, 784) / 255, labels)}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        arguments = dict(arguments)
        train, validation, test = load_data(arguments.pop("examples", EXAMPLES))
        model = build_model(**arguments, steps=EPOCHS * len(train))
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, verbose=2)
        model.save(f"overfitting_{name}.keras")
        print(name, model.evaluate(test, return_dict=True, verbose=0))
        print("Logistic regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()
