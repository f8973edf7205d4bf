"""The picture of cnn_mnist_slide: its parameters by layer."""

import matplotlib.pyplot as plt


def figures(model, test, history):
    """The number of parameters of each layer."""
    return {"parameters": plot_parameters(parameters_by_layer(model))}


def parameters_by_layer(model):
    """Layers with parameters: `{name and output shape: number of parameters}`."""
    counts = {}
    for layer in model.layers:
        if layer.count_params() > 0:
            label = f"{layer.name}\n{layer.output.shape[1:]}"
            counts[label] = layer.count_params()
    return counts


def plot_parameters(counts):
    """A bar for each layer, the first on top; the title gives the share of the last."""
    numbers = list(counts.values())
    figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
    bars = axis.barh(list(counts), numbers)
    axis.invert_yaxis()
    axis.bar_label(bars, fmt="{:,.0f}", padding=4)
    share = numbers[-1] / sum(numbers)
    axis.set(title=f"{share:.0%} of the parameters are in the last layer", xlabel="parameters")
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.locator_params(axis="x", nbins=5)
    axis.margins(x=0.15)
    return figure
