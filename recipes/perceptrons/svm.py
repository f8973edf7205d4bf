"""Support vector machine (SVM) as a network: random Fourier features, one trained layer; and LeNet.

Slides: 000 «¿Por qué las SVMs nunca fueron una buena opción?», 000 «SVMs: una apuesta»,
        001 zoo of networks (SVM), 002 «Motivación».
Paper:  Cortes & Vapnik (1995), https://doi.org/10.1007/BF00994018 (support vector machines);
        Rahimi & Recht (2007), Random features for large-scale kernel machines,
        https://papers.nips.cc/paper/3182-random-features-for-large-scale-kernel-machines
Departs from the papers: instead of ten SVMs, one for each class, one network is trained by Adam
with the hinge loss of Crammer & Singer (2001), which compares the true class with the strongest
other one.

An SVM classifies an image by kernel values between the image and the support vectors. Cosines and
sines of random waves across the pixels (random Fourier features) have a scalar product that
approximates that kernel, the better the more waves there are. So the SVM is a network of two
layers: the first is wide, random and never trained; the second is a linear classifier with hinge
loss and weight decay. This is the slide's objection: the features of such a network are fixed
beforehand.

In 1995 Vapnik bet Jackel a dinner that in 2005 nobody would use neural networks like those of 1995.
Here all models are trained on the same 5,000 digits: a linear SVM, random features of three sizes,
a multilayer perceptron (MLP), and LeNet, which has about as many parameters as the MLP and
learns its features layer by layer. The baseline is the SVM with its exact kernel.
"""

import math

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.svm import SVC

from layers.fourier_features import FourierFeatures
from recipes.common.arrays import to_numpy

EPOCHS = 10
IMAGES = 5000  # for training
GAMMA = 0.02  # of the kernel exp(−gamma ‖x − y‖²), pixels from 0 to 1
C = 5.0  # penalty of the exact SVM for errors
VARIANTS = {
    "linear": {"network": "linear", "learning_rate": 0.003},
    "features_64": {"waves": 64},
    "features_400": {"waves": 400},
    "features_2500": {"waves": 2500},
    "mlp": {"network": "mlp", "learning_rate": 0.003},
    "lenet": {"network": "lenet", "learning_rate": 0.003},
}


def load_data(batch_size=50):
    """Train, validation and test batches of (28, 28, 1) uint8 images and one-hot labels (10,)."""
    splits = ["train[:20%]", "train[90%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.take(IMAGES).map(one_hot).cache().shuffle(IMAGES).batch(batch_size)
    validation = validation.map(one_hot).batch(500).cache()
    test = test.map(one_hot).batch(500).cache()
    return train, validation, test


def one_hot(image, label):
    """An image and its one-hot label (10,), which the hinge loss requires."""
    return image, tf.one_hot(label, 10)


def linear_svm(x, weight_decay):
    """Scores of the classes, linear in `x`, with the SVM's penalty on the weights."""
    penalty = keras.regularizers.L2(weight_decay)
    return keras.layers.Dense(10, kernel_regularizer=penalty)(x)


def random_features(x, waves):
    """Cosines and sines of random waves across `x`, divided by the square root of their number.

    The scalar product of the features of x and of y is exp(−GAMMA ‖x − y‖²) on average.
    """
    scale = math.sqrt(GAMMA / 2) / math.pi  # standard deviation of the waves' frequencies
    x = FourierFeatures(waves, scale)(x)
    return keras.layers.Rescaling(1 / math.sqrt(waves))(x)


def lenet(x):
    """LeNet-5 with ReLU and max pooling, without its connection table."""
    x = keras.layers.Conv2D(6, 5, padding="same", activation="relu")(x)
    x = keras.layers.MaxPooling2D(2)(x)  # (batch, 14, 14, 6)
    x = keras.layers.Conv2D(16, 5, activation="relu")(x)
    x = keras.layers.MaxPooling2D(2)(x)  # (batch, 5, 5, 16)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(120, activation="relu")(x)
    x = keras.layers.Dense(84, activation="relu")(x)
    return keras.layers.Dense(10, activation="softmax")(x)


def build_model(
    network="random_features",
    waves=2500,
    weight_decay=0.00001,
    learning_rate=0.01,
    steps=EPOCHS * 100,
):
    """The compiled network: (28, 28, 1) images to a score for each class. 2,010,010 parameters.

    50,010 of them are trainable; of the linear SVM all 7,850, of the MLP 62,020, of LeNet 61,706.

    Args:
        network: `"random_features"`, an SVM on fixed features of the pixels, `"linear"`, an SVM on
            the pixels, or `"mlp"` or `"lenet"`, whose scores are probabilities.
        waves: Number of random waves, each with two features: its cosine and its sine.
        weight_decay: L2 penalty on the weights of the SVMs.
        learning_rate: Initial rate of Adam, followed by cosine decay to zero.
        steps: Number of training steps.
    """
    image = keras.Input((28, 28, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(image)
    if network == "lenet":
        outputs = lenet(x)
    elif network == "mlp":
        x = keras.layers.Flatten()(x)
        x = keras.layers.Dense(78, activation="relu")(x)
        outputs = keras.layers.Dense(10, activation="softmax")(x)
    elif network == "linear":
        x = keras.layers.Flatten()(x)
        outputs = linear_svm(x, weight_decay)
    else:
        x = keras.layers.Flatten()(x)
        x = random_features(x, waves)
        outputs = linear_svm(x, weight_decay)
    loss = "categorical_crossentropy" if network in ("mlp", "lenet") else "categorical_hinge"
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model = keras.Model(image, outputs)
    model.compile(keras.optimizers.Adam(schedule), loss=loss, metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; defaults are the recipe's own."""
    decays = [0.0, 0.000001, 0.00001, 0.0001]
    return {
        "waves": hp.Choice("waves", [64, 400, 1000, 2500], default=2500),
        "weight_decay": hp.Choice("weight_decay", decays, default=0.00001),
        "learning_rate": hp.Choice("learning_rate", [0.001, 0.003, 0.01, 0.03], default=0.01),
        "batch_size": hp.Choice("batch_size", [25, 50, 100], default=50),
    }


def baseline(train, test):
    """SVM with an exact RBF kernel."""
    images, labels = to_numpy(train)
    pixels = images.reshape(-1, 784) / np.float32(255)
    classifier = SVC(C=C, gamma=GAMMA).fit(pixels, labels.argmax(axis=1))
    images, labels = to_numpy(test)
    pixels = images.reshape(-1, 784) / np.float32(255)
    return {"accuracy": classifier.score(pixels, labels.argmax(axis=1))}


def main():
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        best = keras.callbacks.ModelCheckpoint(
            f"svm_{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
        )
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
        model = keras.saving.load_model(f"svm_{name}.keras")  # the best epoch
        print(name, model.evaluate(test, return_dict=True))
    print("SVM with an exact RBF kernel:", baseline(train, test))


if __name__ == "__main__":
    main()
