"""Names what is going wrong with a generative adversarial network, from the numbers of its training."""

import math

import keras
import numpy as np
from keras import ops


def quality_and_coverage(real, generated, neighbours=3):
    """Share of the generated examples that lie among real ones, and share of the real ones that have one around them.

    Around an example is what is nearer to it than its third-nearest real neighbour.

    Args:
        real: examples or their features, `(batch, features)`.
        generated: as many, likewise.
        neighbours: which nearest neighbour sets how far "around" reaches.

    Returns:
        Two numbers from 0 to 1; of examples as good as real ones about 1 and `1 − 2 ** −neighbours`.

    Reference: Kynkäänniemi et al. (2019), who call the first precision, https://arxiv.org/abs/1904.06991; Naeem et al.
        (2020), who have the second, https://arxiv.org/abs/2002.09797
    """
    among = ops.sum((ops.expand_dims(real, 1) - ops.expand_dims(real, 0)) ** 2, axis=-1)
    reach = -ops.top_k(-among, neighbours + 1)[0][
        :, -1:
    ]  # the nearest of all is the example itself
    around = (
        ops.sum((ops.expand_dims(real, 1) - ops.expand_dims(generated, 0)) ** 2, axis=-1) <= reach
    )
    return [ops.mean(ops.cast(ops.any(around, axis=axis), "float32")) for axis in (0, 1)]


def variety(real, generated):
    """Mean distance of one generated example to the next, in units of that of the real ones: 0 if all are the same.

    Args:
        real: examples or their features in random order, `(batch, features)`.
        generated: likewise.

    Returns:
        A number; 1 where both are as far apart.
    """
    examples = map(ops.convert_to_tensor, (real, generated))
    distances = [ops.mean(ops.norm(x - ops.roll(x, 1, axis=0), axis=-1)) for x in examples]
    return distances[1] / ops.maximum(distances[0], keras.config.epsilon())


def diagnose(history):
    """The failures that a training shows, by name, each with the numbers that betray it.

    Looks at the last third of the epochs, for a game goes up and down. Of the losses alone only two failures can be
    told; log 4 and log 2, where a game ends that went well, are also those of a discriminator that learned nothing.

    Args:
        history: `{name: [value of each epoch, …]}` with `discriminator_loss` and `generator_loss`, and as far as they
            are there `val_quality`, `val_variety` and `val_noise_accepted` (share of noise that the discriminator takes
            for real).

    Returns:
        `{name: explanation}`, empty where nothing is wrong.
    """
    values = {name: np.asarray(numbers, "float64") for name, numbers in history.items()}
    length = len(values["generator_loss"])
    if not all(
        np.isfinite(values[name]).all() for name in ("discriminator_loss", "generator_loss")
    ):
        return {"not a number": "a loss has left the numbers"}
    early, middle, late = (slice(k * length // 3, (k + 1) * length // 3) for k in range(3))
    last = {name: float(np.mean(numbers[late])) for name, numbers in values.items() if length >= 3}
    if not last:
        return {}
    steps = [float(np.median(values["generator_loss"][part])) for part in (early, middle, late)]
    found = {}
    if steps[2] > 4 and steps[2] > 1.1 * steps[1] > 1.1**2 * steps[0]:
        found["loss without end"] = (
            f"the generator's rises and rises: {steps[0]:.2g}, {steps[1]:.2g}, {steps[2]:.2g}"
        )
    if last["discriminator_loss"] < 0.1:
        found["generator does not learn"] = (
            f"the discriminator's loss is {last['discriminator_loss']:.2g}: it knows all"
        )
    accepted = last.get("val_noise_accepted", 0.0)
    if accepted > 0.25 and last["discriminator_loss"] > 0.95 * math.log(4):
        found["discriminator does not learn"] = f"it takes {accepted:.0%} of pure noise for real"
    if last.get("val_variety", 1.0) < 0.6:
        found["mode collapse"] = (
            f"its examples differ {last['val_variety']:.2f} times as much as real ones"
        )
    elif last.get("val_quality", 1.0) < 0.5 and "discriminator does not learn" not in found:
        found["poor copies"] = f"only {last['val_quality']:.0%} of its examples lie among real ones"
    return found


class GanMonitor(keras.callbacks.Callback):
    """Says during the training what is going wrong, once for each failure, and when it is over.

    Args:
        patience: how many epochs to wait before the first word, and between two looks.

    Example:

    >>> monitor = GanMonitor(patience=3)
    >>> for epoch in range(3):
    ...     monitor.on_epoch_end(epoch, {"discriminator_loss": 0.01, "generator_loss": 6.0})
    Epoch 3: generator does not learn (the discriminator's loss is 0.01: it knows all)
    """

    def __init__(self, patience=10):
        super().__init__()
        self.patience = patience
        self.history, self.said = {}, []

    def on_train_begin(self, logs=None):
        self.history, self.said = {}, []

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            self.history = {**self.history, name: [*self.history.get(name, []), float(value)]}
        if (epoch + 1) % self.patience:
            return
        found = diagnose(self.history)
        for name in found:
            if name not in self.said:
                print(f"Epoch {epoch + 1}: {name} ({found[name]})")
        for name in self.said:
            if name not in found:
                print(f"Epoch {epoch + 1}: {name}: over")
        self.said = list(found)
