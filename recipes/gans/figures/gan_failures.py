"""The pictures of gan_failures: samples of each variant, and the curves."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.gans import gan_failures

LINE = np.linspace(-3, 3, 31, dtype="float32")
GRID = np.stack(np.meshgrid(LINE, LINE), axis=-1).reshape(-1, 2)
VIEW = (-3.1, 3.1)


def figures(models, test, histories):
    """The samples of each variant with the diagnosis, and the losses beside the coverage."""
    return {"failures": draw_samples(models, histories), "losses": draw_curves(histories)}


def draw_samples(models, histories):
    """A panel for each variant."""
    figure, axes = plt.subplots(2, 4, figsize=(12, 7), layout="constrained")
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (name, model) in zip(axes.flat, models.items(), strict=False):
        axis.set_axis_on()
        probabilities = np.asarray(keras.ops.sigmoid(model(GRID))).reshape(31, 31)
        style = {"cmap": "PiYG", "vmin": 0, "vmax": 1, "alpha": 0.5}
        axis.imshow(probabilities, extent=(*VIEW, *VIEW), origin="lower", **style)
        real = gan_failures.sample_mixture(500, seed=3)
        generated = np.asarray(model.generate(500))
        axis.plot(*real.T, ".", color="C1", markersize=2)
        axis.plot(*generated.T, ".", color="black", markersize=2)
        axis.set(xlim=VIEW, ylim=VIEW, xticks=[], yticks=[])
        found = ",\n".join(gan_failures.diagnose(histories[name])) or "nothing"
        axis.set_title(f"{name.replace('_', ' ')}:\n{found}", fontsize=10)
    figure.suptitle(
        "Real points (orange), samples (black), where D takes points for real (green),"
        " and the diagnosis"
    )
    return figure


def draw_curves(histories):
    """Both losses, which look alike, and the coverage, which does not."""
    titles = {
        "discriminator_loss": "The discriminators' losses: healthy\nand collapsed are much alike",
        "generator_loss": "The generators' losses: good ones\nare flat (below 0: minimax loss)",
        "val_coverage": "Coverage: share of real points\nwith samples around them",
    }
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.4), layout="constrained")
    for axis, (metric, title) in zip(axes, titles.items(), strict=True):
        for name, history in histories.items():
            epochs = np.arange(len(history[metric])) + 1
            axis.plot(epochs, history[metric], label=name.replace("_", " "), linewidth=1.5)
        axis.set(title=title, xlabel="epoch")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure
