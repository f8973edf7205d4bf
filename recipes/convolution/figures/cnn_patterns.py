"""The picture of cnn_patterns: errors against parameters and against computation."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import ticker

TITLES = {  # of the variants
    "fc": "INPUT → FC",
    "conv_fc": "INPUT → CONV → RELU → FC",
    "conv_pool": "INPUT → [CONV → RELU → POOL] × 2\n→ FC → RELU → FC",
    "conv_conv_pool": "INPUT → [CONV → RELU → CONV → RELU → POOL] × 3\n→ [FC → RELU] × 2 → FC",
}
MARKERS = {"fc": "o", "conv_fc": "s", "conv_pool": "D", "conv_conv_pool": "^"}


def figures(models, test, histories):
    """The test error of each pattern, against its parameters and its multiplications per image."""
    errors = {}
    for name, model in models.items():
        scores = model.evaluate(test, verbose=0, return_dict=True)
        errors[name] = 100 * (1 - scores["accuracy"])
    parameters = {name: model.count_params() for name, model in models.items()}
    products = {name: multiplications(model) for name, model in models.items()}

    figure, axes = plt.subplots(1, 2, figsize=(10, 4.5), sharey=True, layout="constrained")
    plot_errors(axes[0], parameters, errors)
    axes[0].set(xlabel="parameters", ylabel="errors on test images")
    plot_errors(axes[1], products, errors)
    axes[1].set(xlabel="multiplications per image")
    figure.suptitle("Convolutions in depth, not parameters, bring the errors down")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize="small")
    return {"comparison": figure}


def multiplications(model):
    """Multiplications for one image: each weight is used once at each output position."""
    total = 0
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            positions = np.prod(layer.output.shape[1:-1])  # 1 for a dense layer
            total += int(np.prod(layer.kernel.shape) * positions)
    return total


def plot_errors(axis, costs, errors):
    """Errors in percent against a cost, both on logarithmic scales, one marker for each pattern."""
    for name, error in errors.items():
        axis.plot(costs[name], error, MARKERS[name], markersize=10, label=TITLES[name])
    axis.set(xscale="log", yscale="log")
    axis.yaxis.set_major_locator(ticker.FixedLocator([0.5, 1, 2, 5, 10, 20, 50, 100]))
    axis.yaxis.set_minor_locator(ticker.NullLocator())
    axis.yaxis.set_major_formatter("{x:g} %")
    axis.grid(alpha=0.3)
