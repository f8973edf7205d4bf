"""The pictures of nettalk: speech by epoch, accuracy by letter, and accuracy after weight noise."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.applications import nettalk
from recipes.common.arrays import to_numpy

DAMAGE = (0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3)  # largest change of a weight
REPEATS = 5  # trials for each size


def figures(model, test, history):
    """The sample after each epoch, the accuracy for each letter, and after noise on all weights."""
    letters, wanted = to_numpy(test)
    answers = model.predict(letters, batch_size=1000, verbose=0)["phoneme"].argmax(axis=-1)
    accuracies = accuracy_by_letter(letters, answers == wanted["phoneme"])
    return {
        "speech": plot_speech(model.snapshots),
        "letters": plot_letters(accuracies),
        "damage": plot_damage(accuracy_by_damage(model, letters, wanted["phoneme"])),
    }


def accuracy_by_letter(letters, right):
    """`{letter: accuracy}` of the letters that occur, the best first."""
    middle = letters[:, nettalk.WINDOW // 2]
    shares = {
        nettalk.LETTERS[number]: np.mean(right[middle == number]) for number in np.unique(middle)
    }
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def accuracy_by_damage(model, letters, wanted):
    """Accuracies of phonemes after uniform noise on all weights, (damages, repeats)."""
    rng = np.random.default_rng(0)
    damaged = keras.models.clone_model(model)
    rows = []
    for most in DAMAGE:
        row = []
        for _ in range(REPEATS):
            changed = [
                weight + rng.uniform(-most, most, weight.shape) for weight in model.get_weights()
            ]
            damaged.set_weights(changed)
            answers = damaged.predict(letters, batch_size=1000, verbose=0)["phoneme"]
            row.append(np.mean(answers.argmax(axis=-1) == wanted))
        rows.append(row)
    return np.array(rows)


def plot_speech(snapshots):
    """Plot the pronunciation of the sample before training and after each epoch."""
    figure, axis = plt.subplots(figsize=(9, 0.36 * len(snapshots) + 1.1), layout="constrained")
    axis.axis("off")
    axis.set(xlim=(0, 1), ylim=(len(snapshots) + 0.5, -1.5))
    axis.text(0.1, -1, nettalk.SAMPLE, weight="bold", va="center")
    for row, (epoch, said) in enumerate(snapshots):
        axis.text(0, row, f"epoch {epoch}", va="center", color="0.4")
        axis.text(0.1, row, said, va="center")
    figure.suptitle("From babbling to speech")
    return figure


def plot_letters(accuracies):
    """The share of correct phonemes for each letter, vowels in another color."""
    colors = ["C1" if letter in "aeiou" else "C0" for letter in accuracies]
    figure, axis = plt.subplots(figsize=(9, 3.2), layout="constrained")
    axis.bar(list(accuracies), accuracies.values(), color=colors)
    axis.set(ylabel="right phonemes", ylim=(0, 1))
    axis.set_title(
        "Of unseen words: consonants are easy to read in English, vowels (orange) are not"
    )
    return figure


def plot_damage(accuracies):
    """Accuracy over the size of the noise; a line for the mean, a dot for each trial."""
    figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
    axis.plot(DAMAGE, accuracies.mean(axis=1), color="C0")
    axis.plot(np.repeat(DAMAGE, REPEATS), accuracies.ravel(), ".", color="C0", alpha=0.5)
    axis.set(xlabel="each weight changed by up to", ylabel="right phonemes", ylim=(0, 1))
    axis.set_title("Damage costs accuracy bit by bit")
    return figure
