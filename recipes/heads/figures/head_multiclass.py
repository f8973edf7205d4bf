"""The pictures of head_multiclass: softmax with a temperature, calibration, top-k accuracy."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy
from recipes.common.plots import show_images


def figures(models, test, histories):
    """Softmax at several temperatures, and calibration and top-k accuracy of both heads."""
    images, labels = to_numpy(test)
    labels = labels.argmax(axis=-1)
    outputs = {}
    for name, model in models.items():
        outputs[name] = model.predict(images, batch_size=1000, verbose=0)
    return {
        "temperature": plot_temperature(images, labels, outputs["softmax"]),
        "softmax_or_sigmoids": plot_heads(labels, outputs),
    }


def softmax(logits, temperature=1.0):
    """Softmax of logits / temperature along the last axis."""
    scaled = np.asarray(logits) / temperature
    # Softmax is invariant to a constant: with a largest logit of 0, no exponential overflows.
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def with_temperature(probabilities, temperature):
    """The outputs of a softmax layer with its logits divided by a temperature.

    Log-probabilities serve as logits: they differ only by a constant.
    """
    return softmax(np.log(np.maximum(probabilities, 1e-30)), temperature)


def entropy(probabilities):
    """Entropy in bits: 0 for certainty, log2(10) = 3.32 for ten equally probable classes."""
    return -np.sum(probabilities * np.log2(np.maximum(probabilities, 1e-30)), axis=-1)


def reliability(outputs, labels, bins=10):
    """Confidence and accuracy by bin of confidence, as in a reliability diagram.

    Args:
        outputs: Array (n, classes).
        labels: Integers (n,).
        bins: Number of equal bins between 0 and 1.

    Returns:
        Mean confidence, accuracy and number of examples, each (non-empty bins,), and the expected
        calibration error: the mean distance of the first two, weighted by the third.
    """
    confidence = outputs.max(axis=-1)
    is_correct = outputs.argmax(axis=-1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    used = np.unique(bin_of)
    confidences = np.array([confidence[bin_of == each].mean() for each in used])
    accuracies = np.array([is_correct[bin_of == each].mean() for each in used])
    counts = np.array([np.sum(bin_of == each) for each in used])
    error = np.sum(counts * np.abs(confidences - accuracies)) / len(labels)
    return confidences, accuracies, counts, error


def top_k_accuracy(outputs, labels):
    """Share of examples whose class is among the k largest outputs, for k = 1, 2, … classes."""
    of_true_class = outputs[np.arange(len(labels)), labels]
    larger = np.sum(outputs > of_true_class[:, None], axis=-1)  # (n,) outputs above the true one
    return np.array([np.mean(larger < k) for k in range(1, outputs.shape[-1] + 1)])


def none_and_several(outputs, threshold=0.5):
    """Shares of the examples with no output, and with several outputs, above the threshold."""
    yes = np.sum(outputs > threshold, axis=-1)
    return np.mean(yes == 0), np.mean(yes > 1)


def plot_temperature(images, labels, probabilities):
    """The least certain digit, its probabilities at three temperatures, and the entropy at many.

    Args:
        images: Array (n, 28, 28, 1).
        labels: Integers (n,).
        probabilities: Outputs of the softmax, (n, 10).
    """
    figure, (image_axis, class_axis, entropy_axis) = plt.subplots(
        1, 3, figsize=(10, 3.2), layout="constrained", width_ratios=[1.2, 2, 2]
    )
    # The digit.
    hardest = entropy(probabilities).argmax()
    title = f"The least certain\ndigit: a {labels[hardest]}"
    show_images(image_axis, images[hardest : hardest + 1], cmap="gray_r", title=title)

    # Its probabilities, three bars for each class.
    for temperature, shift in ((0.2, -0.27), (1, 0), (5, 0.27)):
        heights = with_temperature(probabilities[hardest], temperature)
        label = f"T = {temperature:g}"
        class_axis.bar(np.arange(10) + shift, heights, width=0.27, label=label)
    class_axis.set(title="Low T: one winner. High T: all alike")
    class_axis.set(xticks=range(10), xlabel="class", ylabel="probability")
    class_axis.legend()

    # Its entropy, and the mean of all digits.
    temperatures = np.geomspace(0.05, 50, 200)
    hardest_bits = []
    mean_bits = []
    for temperature in temperatures:
        bits = entropy(with_temperature(probabilities, temperature))
        hardest_bits.append(bits[hardest])
        mean_bits.append(bits.mean())
    entropy_axis.semilogx(temperatures, hardest_bits, label="this digit")
    entropy_axis.semilogx(temperatures, mean_bits, label="mean of all digits")
    entropy_axis.axhline(np.log2(10), color="gray", linestyle=":", label="log₂ 10")
    entropy_axis.set(title="Entropy grows with temperature", xlabel="temperature T", ylabel="bits")
    entropy_axis.legend(loc="lower right", fontsize="small")
    return figure


def plot_heads(labels, outputs):
    """Calibration, sums of the outputs, and top-k errors of both heads.

    Args:
        labels: Integers (n,).
        outputs: `{name of the head: outputs (n, 10)}`.
    """
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    calibration_axis, sum_axis, error_axis = axes

    # A reliability diagram. On the diagonal, confidence equals accuracy.
    calibration_axis.plot([0, 1], [0, 1], color="gray", linestyle=":")
    for name, output in outputs.items():
        confidences, accuracies, _, error = reliability(output, labels)
        label = f"{name}: calibration error {error:.2%}"
        calibration_axis.plot(confidences, accuracies, "o-", label=label)
    calibration_axis.set(title="When the net says 80 %, is it right\n80 % of the time?")
    calibration_axis.set(xlabel="largest output", ylabel="accuracy")

    # Histograms of the sums; larger ones are in the last bin.
    bins = np.linspace(-0.025, 2.025, 42)
    for name, output in outputs.items():
        sum_axis.hist(output.sum(axis=-1).clip(0, 2), bins=bins, alpha=0.7, label=name)
    none, several = none_and_several(outputs["sigmoids"])
    sum_axis.set(title=f"Sigmoids: {none:.1%} of the images get no class,\n{several:.1%} several")
    sum_axis.set(xlabel="sum of the ten outputs", ylabel="images", yscale="log")

    # Errors for k from 1 to 5.
    for name, output in outputs.items():
        top_k = top_k_accuracy(output, labels)
        label = f"{name}: top-1 {top_k[0]:.2%}"
        error_axis.plot(range(1, 6), 1 - top_k[:5], "o-", label=label)
    error_axis.set(title="Top-k error: the right class is not\namong the k largest outputs")
    error_axis.set(xlabel="k", ylabel="share of the images", xticks=range(1, 6))

    for axis in axes:
        axis.legend(fontsize="small")
    return figure
