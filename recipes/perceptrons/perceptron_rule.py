"""The perceptron: Rosenblatt's rule separates points by a line, and learns left from right in fifty attempts.

Slides: 000 «El perceptrón (1957)», 000 «En la prensa», 003 «Perceptrón: 2 dimensiones».
Paper:  Rosenblatt (1958), The perceptron, https://doi.org/10.1037/h0042519; Novikoff (1962), On convergence proofs for
        perceptrons (the bound); «New Navy device learns by doing», The New York Times, 8 July 1958.
Departs from the slides: 003 answers −1 and 1, here 0 and 1, which draws the same line. The newspaper tells of squares
on the left or the right of a card; their size, 5 × 5 of 20 × 20 pixels, is our guess.

After a mistake, and only then, the input is added to the weights or subtracted from them. Where all inputs are shorter
than R and some line keeps them at a distance of γ, that happens at most (R/γ)² times in a lifetime (tested).
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from layers.threshold import Threshold

EPOCHS = 15
OBJECTIVE = ("val_accuracy", "max")
VARIANTS = {"points": {"task": "points"}, "cards": {"task": "cards"}}
LINE = np.array([0.6, 0.8, 0.1])  # w₁, w₂, b of the line that divides the points
MARGIN, RETINA, SQUARE = 0.05, 20, 5


def points(count, seed):
    """Points (count, 2) of a square, none nearer to the line than the margin, and (count, 1) 1 above it, 0 below."""
    x = np.random.default_rng(seed).uniform(-1, 1, (20 * count, 2))
    side = x @ LINE[:2] + LINE[2]
    chosen = np.concatenate([x[side >= MARGIN][: count // 2], x[side <= -MARGIN][: count // 2]])
    return chosen.astype("float32"), np.repeat([1, 0], count // 2)[:, None].astype("float32")


def cards(count, seed):
    """Cards (count, 400) with a square on one half, in the order in which they are shown; (count, 1) 1 for right."""
    rng = np.random.default_rng(seed)
    right = rng.permutation(np.arange(count) % 2)
    top, left = rng.integers(0, [RETINA - SQUARE + 1, RETINA // 2 - SQUARE + 1], (count, 2)).T
    row, column = (
        np.mgrid[:RETINA, :RETINA][:, None]
        - np.stack([top, left + RETINA // 2 * right])[:, :, None, None]
    )
    images = (row >= 0) & (row < SQUARE) & (column >= 0) & (column < SQUARE)
    return images.reshape(count, -1).astype("float32"), right[:, None].astype("float32")


def load_data(batch_size=1, task="points"):
    """Train, validation and test batches: (2,) points or (400,) cards, and answers 0 or 1. Always the same ones."""
    make, count = (points, 200) if task == "points" else (cards, 50)
    sets = [
        tf.data.Dataset.from_tensor_slices(make(n, seed))
        for n, seed in ((count, 1), (500, 2), (2000, 3))
    ]
    return sets[0].shuffle(count).batch(batch_size), sets[1].batch(500), sets[2].batch(500)


@keras.saving.register_keras_serializable(package="perceptron_rule")
class Perceptron(keras.Model):
    """y = 1 if x·w + b ≥ 0, else 0; w starts at 0, so that a learning rate would only change its length."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.threshold = Threshold()

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], 1), initializer="zeros"
        )
        self.bias = self.add_weight(name="bias", shape=(1,), initializer="zeros")
        self.updates = self.add_weight(
            name="updates", shape=(), initializer="zeros", trainable=False
        )
        self.built = True

    def call(self, x):
        return self.threshold(keras.ops.matmul(x, self.kernel) + self.bias)

    def train_step(self, data):
        x, right_answer = data
        answer = self(x)
        mistake = right_answer - keras.ops.cast(
            answer, right_answer.dtype
        )  # 0 when right, else 1 or −1
        self.kernel.assign_add(keras.ops.matmul(keras.ops.transpose(x), mistake))
        self.bias.assign_add(keras.ops.sum(mistake, axis=0))
        self.updates.assign_add(keras.ops.sum(keras.ops.abs(mistake)))
        return {"accuracy": self.accuracy(x, right_answer, answer), "updates": self.updates}

    def test_step(self, data):
        x, right_answer = data
        return {"accuracy": self.accuracy(x, right_answer, self(x))}

    def accuracy(self, x, right_answer, answer):
        return self.compute_metrics(x, right_answer, answer)["accuracy"]


def build_model():
    """The compiled perceptron; no loss, for the rule is not descent of an error, and an optimizer that stays idle."""
    model = Perceptron()
    model.compile(optimizer="sgd", metrics=["accuracy"])
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; the defaults are the recipe's own."""
    return {
        "batch_size": hp.Choice("batch_size", [1, 2, 5, 10], default=1)
    }  # mistakes corrected together


def baseline(train, test):
    """Always the same answer."""
    answers = np.concatenate([answers for _, answers in test.as_numpy_iterator()])
    return {"accuracy": np.mean(answers == 1)}


def line(kernel, bias):
    """Slope and offset of `x₂ = −(w₁/w₂) x₁ − b/w₂`: the weights turn the line, the bias shifts it in parallel."""
    (w1,), (w2,) = kernel
    return -w1 / w2, -bias[0] / w2


def bound(x, answers):
    """(R/γ)², the most updates there can be: R and γ measured with the bias as a weight of a third input, always 1."""
    x, side = np.c_[x, np.ones(len(x))], 2 * answers[:, 0] - 1
    radius, gamma = (
        np.linalg.norm(x, axis=1).max(),
        (side * (x @ LINE)).min() / np.linalg.norm(LINE),
    )
    return (radius / gamma) ** 2


def attempts(seeds=range(30), shown=150):
    """Accuracy on 1,000 new cards after each card shown, (seeds, shown + 1): the rule again, in NumPy."""
    x, answers = cards(1000, seed=1_000_000)
    accuracy = []
    for seed in seeds:
        w, b = np.zeros(RETINA**2, "float32"), 0.0
        accuracy.append([np.mean((x @ w + b >= 0) == answers[:, 0])])
        for card, right_answer in zip(*cards(shown, seed), strict=True):
            mistake = right_answer[0] - float(card @ w + b >= 0)
            w, b = w + mistake * card, b + mistake
            accuracy[-1].append(np.mean((x @ w + b >= 0) == answers[:, 0]))
    return np.array(accuracy)


def figures(models, test, histories):
    """The line and the count of updates; the cards, the weights and the newspaper's fifty attempts."""
    x, answers = points(200, seed=1)
    kernel, bias, _ = models["points"].get_weights()
    plane, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    ends = np.array([-1.0, 1.0])
    for axis in axes[:2]:
        axis.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect="equal", xlabel="x₁", ylabel="x₂")
        for answer, colour, marker in ((1, "C1", "o"), (0, "C0", "s")):
            axis.scatter(*x[answers[:, 0] == answer].T, s=22, color=colour, marker=marker)
    slope, offset = line(kernel, bias) if kernel[1, 0] else (0, 0)
    true_slope, true_offset = line(LINE[:2, None], LINE[2:])
    middle, away = true_slope * ends + true_offset, MARGIN / LINE[1]  # measured along x₂
    axes[0].fill_between(ends, middle - away, middle + away, color="0.8", linewidth=0)
    axes[0].plot(ends, slope * ends + offset, color="black")
    wrong = np.sum(models["points"].predict(x, verbose=0) != answers)
    equation = f"x₂ = {slope:.2f} x₁ {'−' if offset < 0 else '+'} {abs(offset):.2f}".replace(
        "-", "−"
    )
    axes[0].set_title(
        f"{equation}: {wrong} of {len(x)} training\npoints on the wrong side (grey: 2γ)"
    )
    for shift, style in ((-0.5, ":"), (0, "-"), (0.5, "--")):
        label = f"b {'−' if shift < 0 else '+'} {abs(shift)} w₂" if shift else "b"
        axes[1].plot(ends, slope * ends + offset - shift, "k", linestyle=style, label=label)
    axes[1].set_title("Another b only shifts\nthe line in parallel")
    axes[1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3)
    updates = [0, *histories["points"].get("updates", [])]
    axes[2].plot(updates, "o-", markersize=4)
    axes[2].axhline(bound(x, answers), color="C1", linestyle="--", label="(R/γ)²")
    axes[2].set(
        yscale="symlog", xlabel="epoch", ylabel="updates so far", ylim=(0, 3 * bound(x, answers))
    )
    axes[2].set_title(f"{updates[-1]:.0f} updates;\n(R/γ)² allows {bound(x, answers):,.0f}")
    axes[2].legend(loc="lower right")

    fifty, axes = plt.subplots(
        1, 4, figsize=(12, 3.6), width_ratios=(1, 1, 1.25, 1.9), layout="constrained"
    )
    images, sides = cards(50, seed=1)
    for axis, side in zip(axes[:2], (0, 1), strict=True):
        axis.imshow(images[sides[:, 0] == side][0].reshape(RETINA, RETINA), cmap="gray_r")
        axis.set(title=f"A card: {('left', 'right')[side]}", xticks=[], yticks=[])
        axis.spines[:].set_visible(True)
    weights = models["cards"].get_weights()[0].reshape(RETINA, RETINA)
    limit = np.abs(weights).max() or 1
    drawn = axes[2].imshow(weights, cmap="PuOr_r", vmin=-limit, vmax=limit)
    axes[2].set(title="The learned weights:\nwhat speaks for right", xticks=[], yticks=[])
    fifty.colorbar(drawn, ax=axes[2], shrink=0.7)
    accuracy = 100 * attempts()
    axes[3].fill_between(
        range(accuracy.shape[1]), *np.quantile(accuracy, [0.1, 0.9], axis=0), color="C0", alpha=0.25
    )
    axes[3].plot(accuracy.mean(0))
    axes[3].axvline(50, color="C1", linestyle="--")
    axes[3].set(xlabel="cards shown", ylabel="new cards right, %", ylim=(48, 101))
    axes[3].set_title(
        f"After fifty attempts {accuracy[:, 50].mean():.1f} % right\n(mean of 30 learners; 10 to 90 %)"
    )
    return {"points": plane, "fifty_attempts": fifty}


def main():
    for name, arguments in VARIANTS.items():
        train, validation, test = load_data(**arguments)
        model = build_model()
        model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False)
        print(
            name,
            model.evaluate(test, return_dict=True),
            f"after {float(model.updates):.0f} updates",
        )
        model.save(f"perceptron_rule_{name}.keras")
    print(f"The points allow at most {bound(*points(200, seed=1)):.0f} updates.")
    accuracy = attempts()
    perfect = [np.argmax(row == 1) for row in accuracy if row.max() == 1]
    print(
        f"Mean of 30 learners after 50 cards: {accuracy[:, 50].mean():.2%} of new cards right;",
        end=" ",
    )
    print(
        f"{len(perfect)} get all right within {accuracy.shape[1] - 1}, after {np.median(perfect):.0f} in the median."
    )


if __name__ == "__main__":
    main()
