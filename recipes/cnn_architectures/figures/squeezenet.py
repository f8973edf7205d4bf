"""The picture of squeezenet: the parameters of the two networks by part."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots

TITLES = {"squeezenet": "SqueezeNet", "vgg_like": "VGG-like"}


def figures(models, test, histories):
    """The parameters of each part: fire modules, and plain convolutions with as many channels."""
    counts = {}
    accuracies = {}
    for name, model in models.items():
        counts[name] = part_parameters(model)
        accuracies[name] = model.evaluate(test, verbose=0, return_dict=True)["accuracy"]
    return {"parameters_by_part": plot_parameters(counts, accuracies)}


def part_parameters(model):
    """`{part: number of parameters}` in the network's order; a fire module is one part."""
    counts = {}
    for layer in model.layers:
        if layer.count_params():
            part = layer.name.partition("_")[0]
            counts[part] = counts.get(part, 0) + layer.count_params()
    return counts


def ratio(counts):
    """The ratio of the parameters of the VGG-like network to SqueezeNet's."""
    return sum(counts["vgg_like"].values()) / sum(counts["squeezenet"].values())


def plot_parameters(counts, accuracies):
    """Bars of the parameters in each part, on a logarithmic axis; the title gives the sums."""
    parts = list(dict.fromkeys(part for network in counts.values() for part in network))
    bars = {}
    for name, network in counts.items():
        label = f"{TITLES[name]}: {sum(network.values()):,}, accuracy {accuracies[name]:.1%}"
        bars[label] = [network.get(part, np.nan) for part in parts]
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    plots.class_bars(axis, bars, parts)
    axis.set(
        title=f"SqueezeNet has {ratio(counts):.1f} times fewer parameters "
        "than the VGG-like network",
        ylabel="parameters",
        yscale="log",
    )
    axis.tick_params(axis="x", labelrotation=45)
    return figure
