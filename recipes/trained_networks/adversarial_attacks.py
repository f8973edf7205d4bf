"""Adversarial examples: small perturbations change a network's predictions (FGSM, PGD, targeted).

Slides: 000 «Limitaciones», 000 «Adversarial».
Paper:  Goodfellow et al. (2015), Explaining and harnessing adversarial examples,
        https://arxiv.org/abs/1412.6572 (FGSM);
        Madry et al. (2018), Towards deep learning models resistant to adversarial attacks,
        https://arxiv.org/abs/1706.06083 (PGD);
        Papernot et al. (2016), Transferability in machine learning,
        https://arxiv.org/abs/1605.07277
Departs from the slides: they attack Inception v3; here a small network on MNIST is attacked, so
thousands of attacks take seconds. Departs from Madry et al.: PGD starts at the image, not at a
random point within ε of it.

No pixel may change by more than ε, on a scale from 0 to 1. The fast gradient sign method (FGSM)
changes each pixel by ε in one step, along the sign of the loss's gradient; projected gradient
descent (PGD) takes many small steps. A targeted attack instead minimizes the loss of a chosen wrong
class. Changes by ±ε at random, for comparison, show that the direction matters, not the size. The
variant `other` has other layers, and is attacked with the images computed for `convolutional`: an
attacker without access to a network can attack another one and transfer the result.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from sklearn.neighbors import NearestCentroid

from layers.digits import CenterDigit, UnlikeDigit
from recipes.common.arrays import to_numpy

EPOCHS = 2
VARIANTS = {"convolutional": {}, "other": {"filters": 0}}
EPSILONS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
EPSILON = 0.25  # of the targeted and the transferred attacks
WEAK = 0.1  # ε of the attacks whose accuracies are further scores
STEPS = 20  # of PGD
ATTACKED = 1000  # test images


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def build_model(filters=16, units=64, learning_rate=0.002, steps=EPOCHS * 446):
    """The compiled network: (28, 28, 1) images to 10 logits. 105,866 parameters.

    Args:
        filters: Of the first convolution; the second has twice as many. With 0 there is neither.
        units: Of the hidden dense layer.
        learning_rate: Its initial value, followed by cosine decay to zero.
        steps: Of the whole training.
    """
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Rescaling(1 / 255)])
    # 28 × 28 to 14 × 14 to 7 × 7.
    for width in (filters, 2 * filters):
        if width:
            model.add(keras.layers.Conv2D(width, 3, 2, padding="same", activation="relu"))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(units, activation="relu"))
    model.add(keras.layers.Dense(10))
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(schedule),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def deployed(model):
    """The network for images of one digit, of any size, dark on light or light on dark.

    Besides the class probabilities it returns `unlike`, how unlike MNIST's digits the image is,
    from 0 to 1.
    """
    image = keras.Input((None, None, 1))
    digit = CenterDigit()(image)  # (batch, 28, 28, 1), white on black as in MNIST
    probabilities = keras.layers.Softmax()(model(digit))
    return keras.Model(image, {"probabilities": probabilities, "unlike": UnlikeDigit()(digit)})


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {
        "filters": hp.Int("filters", 8, 32, step=8, default=16),
        "units": hp.Int("units", 32, 128, step=32, default=64),
        "learning_rate": hp.Float(
            "learning_rate", 0.0005, 0.008, step=2, sampling="log", default=0.002
        ),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }


def baseline(train, test):
    """Nearest class mean."""
    images, labels = to_numpy(train)
    classifier = NearestCentroid().fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}


@tf.function
def gradient(model, images, labels):
    """The gradient of the loss with respect to the images, (count, 28, 28, 1)."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = model(images, training=False)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return tape.gradient(loss, images)


def fgsm(model, images, labels, epsilon):
    """The fast gradient sign method: one step of ε that increases the loss.

    Args:
        model: A network of images from 0 to 255 that outputs logits.
        images: Array (count, 28, 28, 1), from 0 to 255.
        labels: Integers (count,).
        epsilon: Largest change of a pixel, on a scale from 0 to 1.

    Returns:
        The changed images, from 0 to 255 as well.
    """
    images = tf.cast(images, "float32")
    step = 255 * epsilon * tf.sign(gradient(model, images, tf.constant(labels)))
    return tf.clip_by_value(images + step, 0, 255).numpy()


def pgd(model, images, labels, epsilon, targeted=False):
    """Projected gradient descent: small FGSM steps, each clipped to a distance of ε from the image.

    Args:
        model, images, labels, epsilon: As in `fgsm`.
        targeted: Whether to decrease the loss of the `labels`, instead of increasing it.
    """
    images = tf.cast(images, "float32")
    labels = tf.constant(labels)
    lowest = tf.maximum(images - 255 * epsilon, 0)
    highest = tf.minimum(images + 255 * epsilon, 255)
    step = 2.5 * 255 * epsilon / STEPS
    changed = images
    for _ in range(STEPS):
        direction = tf.sign(gradient(model, changed, labels))
        changed += -step * direction if targeted else step * direction
        changed = tf.clip_by_value(changed, lowest, highest)
    return changed.numpy()


def random_signs(images, epsilon):
    """Images with every pixel ε lighter or darker, at random."""
    signs = np.random.default_rng(0).choice([-1, 1], images.shape)
    return np.clip(images + 255 * epsilon * signs, 0, 255).astype("float32")


def next_class(labels):
    """The target class of a targeted attack: 1 for a 0, …, 0 for a 9."""
    return (labels + 1) % 10


def accuracy(model, images, labels):
    """The share of images that a network classifies correctly."""
    answers = model.predict(images, batch_size=500, verbose=0).argmax(axis=1)
    return float(np.mean(answers == labels))


def accuracy_by_epsilon(model, images, labels):
    """`{attack: accuracies}` at each of the `EPSILONS`; the targeted attack is PGD, too."""
    curves = {"random signs": [], "FGSM": [], "PGD": [], "targeted": []}
    wanted = next_class(labels)
    for epsilon in EPSILONS:
        changed = {
            "random signs": random_signs(images, epsilon),
            "FGSM": fgsm(model, images, labels, epsilon),
            "PGD": pgd(model, images, labels, epsilon),
            "targeted": pgd(model, images, wanted, epsilon, targeted=True),
        }
        for name, attacked in changed.items():
            curves[name].append(accuracy(model, attacked, labels))
    return curves


def some_images(test):
    """The first `ATTACKED` test images, float32 from 0 to 255, and their labels."""
    images, labels = to_numpy(test)
    return images[:ATTACKED].astype("float32"), labels[:ATTACKED]


def further_scores(model, test, history):
    """The accuracy on images that are changed by at most `WEAK`, by attacks and by chance."""
    images, labels = some_images(test)
    return {
        "random_signs_accuracy": accuracy(model, random_signs(images, WEAK), labels),
        "fgsm_accuracy": accuracy(model, fgsm(model, images, labels, WEAK), labels),
        "pgd_accuracy": accuracy(model, pgd(model, images, labels, WEAK), labels),
    }


def main():
    models = {}
    for name, arguments in VARIANTS.items():
        keras.utils.set_random_seed(0)
        train, validation, test = load_data()
        model = build_model(**arguments, steps=EPOCHS * len(train))
        path = f"adversarial_attacks_{name}.keras"
        best = keras.callbacks.ModelCheckpoint(
            path, monitor="val_accuracy", mode="max", save_best_only=True
        )
        history = model.fit(
            train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best]
        )
        models[name] = keras.saving.load_model(path)  # the best epoch
        print(name, models[name].evaluate(test, return_dict=True))
        print(name, further_scores(models[name], test, history.history))
        deployed(models[name]).save(f"adversarial_attacks_{name}_deployed.keras")
    print("Nearest class mean:", baseline(train, test))

    images, labels = some_images(test)
    model = models["convolutional"]
    for name, accuracies in accuracy_by_epsilon(model, images, labels).items():
        by_epsilon = zip(EPSILONS, accuracies, strict=True)
        print(f"{name:12}", ", ".join(f"ε {epsilon}: {score:.1%}" for epsilon, score in by_epsilon))
    wanted = next_class(labels)
    reached = accuracy(model, pgd(model, images, wanted, EPSILON, targeted=True), wanted)
    print(f"Targeted attack with ε {EPSILON}: {reached:.1%} are taken for the class it chose")
    for name, attack in (("FGSM", fgsm), ("PGD", pgd)):
        left = accuracy(models["other"], attack(model, images, labels, EPSILON), labels)
        print(f"The other network, {name} of the first with ε {EPSILON}: {left:.1%} are right")


if __name__ == "__main__":
    main()
