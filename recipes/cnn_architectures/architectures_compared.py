"""Architectures compared: accuracy against operations, parameters and memory, and the Pareto front.

Slides: 003 «Reducción del número de parámetros manteniendo la precisión», 003 «culurciello»
        (three charts), 000, 001 and 002 «ILSVRC», 002 «Mejoras en reconocimiento».
Paper:  Canziani, Paszke & Culurciello (2016), An Analysis of Deep Neural Network Models for
        Practical Applications, https://arxiv.org/abs/1605.07678
        Russakovsky et al. (2015), ImageNet Large Scale Visual Recognition Challenge,
        https://arxiv.org/abs/1409.0575
Departs from both: besides the published results on ImageNet there are results of our own small
versions on CIFAR-10, which are so narrow that each trains in about 5 CPU minutes
(`recipes/common/cifar10.py`). These are read from `recipes/results.csv`, where
`make measure-NAME` writes them; nothing is trained.
"""

import csv
import pathlib
import typing

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import ticker
from sklearn.isotonic import isotonic_regression

from recipes.common import cifar10

RESULTS = pathlib.Path(cifar10.__file__).parents[1] / "results.csv"
BATCH = 128  # images, in the protocol of CIFAR-10
HUMAN = 5.1  # top-5 error in percent of a trained human annotator (Russakovsky et al.)

# Our small forms: recipe and variant of their row in results.csv.
SMALL_FORMS = {
    "AlexNet": ("alexnet", "two_groups"),
    "VGG-11": ("vgg", "vgg11"),
    "PReLU-net": ("prelu_net", "he_prelu"),
    "GoogLeNet": ("googlenet", "bottlenecks"),
    "Inception-v2": ("inception_v2", ""),
    "Inception-v3": ("inception_v3", ""),
    "Inception-ResNet-v2": ("inception_resnet_v2", "scaled"),
    "ResNet-20": ("resnet", "padded"),
    "SE-ResNet-14": ("senet", "with_gates"),
    "SqueezeNet": ("squeezenet", "squeezenet"),
    "Xception": ("xception", "separable"),
    "MobileNet": ("mobilenet", "wide"),
    "DenseNet": ("densenet", ""),
    "ShuffleNet": ("shufflenet", "shuffled"),
}
# Their epochs, where they are not the protocol's.
EPOCHS = {"VGG-11": 10, "Inception-v2": 6}


class Published(typing.NamedTuple):
    """A network on ImageNet: its errors on the validation set in percent, and its cost.

    The errors are those of one network on one crop of each image, except AlexNet's (ten crops) and
    VGG's (the whole image and its mirror image).
    """

    top_1: float
    top_5: float | None  # where it was published
    parameters: float  # trainable ones, millions
    products: float  # multiply–accumulates of one image, billions
    source: str  # of the errors


# The costs are those of this chapter's networks.
PUBLISHED = {
    "AlexNet": Published(40.7, 18.2, 60.97, 0.72, "Krizhevsky et al. (2012), table 2"),
    "VGG-11": Published(29.6, 10.4, 132.86, 7.61, "arXiv 1409.1556, table 3"),
    "VGG-16": Published(27.0, 8.8, 138.36, 15.47, "arXiv 1409.1556, table 3"),
    "VGG-19": Published(27.3, 9.0, 143.67, 19.63, "arXiv 1409.1556, table 3"),
    "GoogLeNet": Published(31.3, 11.1, 7.00, 1.58, "github.com/BVLC/caffe, models/bvlc_googlenet"),
    "Inception-v2": Published(25.2, 7.82, 11.19, 2.02, "arXiv 1502.03167, figure 4"),
    "Inception-v3": Published(21.2, 5.6, 23.82, 5.71, "arXiv 1512.00567, table 3"),
    "Inception-ResNet-v2": Published(19.9, 4.9, 55.81, 13.16, "arXiv 1602.07261, table 2"),
    "ResNet-50": Published(24.7, 7.8, 25.56, 3.86, "github.com/KaimingHe/deep-residual-networks"),
    "ResNet-152": Published(23.0, 6.7, 60.19, 11.28, "github.com/KaimingHe/deep-residual-networks"),
    "SE-ResNet-50": Published(23.29, 6.62, 28.09, 3.86, "arXiv 1709.01507, table 2"),
    "SqueezeNet": Published(42.5, 19.7, 1.25, 0.83, "arXiv 1602.07360, table 2"),
    "Xception": Published(21.0, 5.5, 22.86, 8.36, "arXiv 1610.02357, table 1"),
    "MobileNet": Published(29.4, None, 4.23, 0.57, "arXiv 1704.04861, table 8"),
    "DenseNet-121": Published(25.02, 7.71, 7.98, 2.60, "arXiv 1608.06993, table 3"),
    "ShuffleNet": Published(32.6, None, 1.87, 0.14, "arXiv 1707.01083, table 5"),
}

# The best top-5 error of each year's challenge, in percent, without external training data.
CHALLENGE = {
    2010: ("NEC-UIUC", 28.2),
    2011: ("XRCE", 25.8),
    2012: ("AlexNet", 16.4),
    2013: ("Clarifai", 11.7),
    2014: ("GoogLeNet", 6.66),
    2015: ("ResNet", 3.57),
    2016: ("Trimps-Soushen", 2.99),
    2017: ("SENet", 2.25),
}
FIRST_NETWORK = 2012  # year of the first winner with a convolutional network


class Point(typing.NamedTuple):
    """A network in a chart."""

    accuracy: float  # percent
    deviation: float  # over runs with different seeds; 0 if unknown
    parameters: float
    products: float  # multiply–accumulates of one image


class Measured(typing.NamedTuple):
    """A small form of ours on CIFAR-10."""

    point: Point
    activations: float  # number of values for one image
    seconds: float  # of training
    hardware: str  # of the measurement
    epochs: int

    def training_memory(self):
        """A lower bound of the memory for training, in bytes.

        It includes weights, gradients, the two moments of Adam, and the activations for a batch.
        """
        return 4 * (4 * self.point.parameters + BATCH * self.activations)

    def images_per_second(self):
        """Training images per second, including the validation after each epoch."""
        return self.epochs * cifar10.IMAGES / self.seconds


def measured(path=RESULTS):
    """Our small forms with a row in the table of results.

    Args:
        path: A file such as `recipes/results.csv`; it need not exist.

    Returns:
        Dictionary of `Measured`, in the order of `SMALL_FORMS`.
    """
    if not path.exists():
        return {}
    with open(path, encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for name, recipe_and_variant in SMALL_FORMS.items():
        for row in rows:
            if (row.get("recipe"), row.get("variant")) != recipe_and_variant:
                continue
            if row["metric"] != "accuracy":
                continue
            # Skip rows with other settings than the protocol's, or without costs.
            others = any(flag in row["command"] for flag in ("--set", "--epochs", "--batch-size"))
            if others or not row["multiply_accumulates"]:
                continue
            point = Point(
                100 * float(row["mean"]),
                100 * float(row["deviation"] or 0),
                float(row["parameters"]),
                float(row["multiply_accumulates"]),
            )
            activations, seconds = float(row["activations"]), float(row["seconds"])
            epochs = EPOCHS.get(name, cifar10.EPOCHS)
            found[name] = Measured(point, activations, seconds, row["hardware"], epochs)
    return found


def published():
    """The networks on ImageNet as points: top-1 accuracy."""
    points = {}
    for name, network in PUBLISHED.items():
        accuracy = 100 - network.top_1
        points[name] = Point(accuracy, 0, 1e6 * network.parameters, 1e9 * network.products)
    return points


def pareto_front(points, cost):
    """The Pareto front: networks such that no other has both higher accuracy and lower cost.

    Args:
        points: Dictionary of `Point`.
        cost: "parameters" or "products".

    Returns:
        List of names, the cheapest network first.
    """
    front = []
    best = -np.inf
    # Sort by cost, and by decreasing accuracy for equal costs.
    order = sorted(points, key=lambda name: (getattr(points[name], cost), -points[name].accuracy))
    for name in order:
        if points[name].accuracy > best:
            front.append(name)
            best = points[name].accuracy
    return front


def density(points):
    """Accuracy in percent per million parameters, the highest first: `{name: density}`."""
    densities = {name: point.accuracy / point.parameters * 1e6 for name, point in points.items()}
    return dict(sorted(densities.items(), key=lambda item: -item[1]))


def spread(values, gap):
    """Values moved apart to distances of at least `gap`, with the least squared displacement.

    Args:
        values: Array (n,).
        gap: Least distance between neighbors.

    Returns:
        Array (n,), in the same order.
    """
    order = np.argsort(values)
    steps = gap * np.arange(len(values))
    places = np.empty(len(values))
    places[order] = isotonic_regression(np.asarray(values)[order] - steps) + steps
    return places


def logarithmic(axis, formatter):
    """Give an axis a logarithmic horizontal scale with a number at each 1, 2 and 5."""
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(formatter)
    axis.xaxis.set_minor_formatter(ticker.NullFormatter())


def plot_networks(axis, points, cost, size):
    """One circle for each network, its name at the right, and a line along the Pareto front.

    Args:
        axis: Where to draw.
        points: Dictionary of `Point`.
        cost: The horizontal axis, "parameters" or "products".
        size: The area of the circles, the other of the two.
    """
    costs = [getattr(point, cost) for point in points.values()]
    areas = [getattr(point, size) for point in points.values()]
    accuracies = [point.accuracy for point in points.values()]
    deviations = [point.deviation for point in points.values()]
    front = pareto_front(points, cost)
    colors = ["C1" if name in front else "C0" for name in points]
    axis.scatter(costs, accuracies, 700 * np.divide(areas, max(areas)), colors, alpha=0.35)
    axis.scatter(costs, accuracies, 12, colors)
    axis.errorbar(costs, accuracies, deviations, fmt="none", ecolor="0.5", elinewidth=1)
    axis.plot(
        [getattr(points[name], cost) for name in front],
        [points[name].accuracy for name in front],
        "C1--",
        linewidth=1,
    )
    logarithmic(axis, ticker.EngFormatter(sep=""))
    axis.margins(x=0.1, y=0.12)

    # Names in a column at the right, each with a thin line to its circle.
    low, high = axis.get_ylim()
    places = spread(accuracies, (high - low) / 21)
    places += (low + high) / 2 - (places.min() + places.max()) / 2
    column = axis.get_xlim()[1]
    for name, x, y, place, color in zip(points, costs, accuracies, places, colors, strict=True):
        axis.annotate(
            name,
            (x, y),
            (column, place),
            fontsize=9,
            color=color,
            verticalalignment="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "0.8", "linewidth": 0.6},
        )


def plot_costs(networks, cost, size):
    """Accuracy against a cost: our small forms on CIFAR-10, and the published networks.

    Args:
        networks: Dictionary of `Measured`; it may be empty.
        cost, size: As in `plot_networks`.
    """
    ours = {name: network.point for name, network in networks.items()}
    words = {"parameters": "parameters", "products": "multiply–accumulates for an image"}
    figure, axes = plt.subplots(1, 2, figsize=(13, 5.5), layout="constrained")
    titles = ("CIFAR-10, about 5 CPU minutes of training", "ImageNet, as published")
    for axis, points, title in zip(axes, (ours, published()), titles, strict=True):
        axis.set(title=title, xlabel=words[cost], ylabel="accuracy (%)")
        if points:
            plot_networks(axis, points, cost, size)
            best = max(points, key=lambda name: points[name].accuracy)
            axis.set_title(f"{title}:\n{best} is the most accurate, {points[best].accuracy:.1f} %")
        else:
            axis.text(0.5, 0.5, "not measured yet", ha="center", transform=axis.transAxes)
    figure.suptitle(f"Area: {words[size]}. Orange: no other is both more accurate and cheaper")
    return figure


def plot_density(ours):
    """Accuracy per million parameters, the highest on top."""
    figure, axes = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
    titles = ("CIFAR-10, our small forms", "ImageNet, as published")
    for axis, points, title in zip(axes, (ours, published()), titles, strict=True):
        axis.set(title=title, xlabel="accuracy (%) per million parameters")
        densities = density(points)
        if densities:
            axis.plot(densities.values(), densities.keys(), "o")
            axis.grid(axis="both")
            axis.set_title(f"{title}:\n{list(densities)[-1]} makes least of its parameters")
            logarithmic(axis, ticker.FormatStrFormatter("%g"))
            axis.invert_yaxis()
        else:
            axis.text(0.5, 0.5, "not measured yet", ha="center", transform=axis.transAxes)
    return figure


def better_than_human():
    """The first year in which the best error was below that of a human."""
    return min(year for year, (_, error) in CHALLENGE.items() if error < HUMAN)


def plot_challenge():
    """The best top-5 error of each year's ImageNet challenge, as bars."""
    figure, axis = plt.subplots(figsize=(10, 4.5), layout="constrained")
    for year, (name, error) in CHALLENGE.items():
        axis.bar(year, error, color="C0" if year >= FIRST_NETWORK else "C7")
        place = error if error > HUMAN else HUMAN
        axis.text(year, place + 0.4, f"{name}\n{error} %", ha="center", fontsize=9)
    axis.axhline(HUMAN, 0, 0.91, color="C1", linestyle="--", linewidth=1)
    axis.text(2017.5, HUMAN, f"human\n{HUMAN} %", color="C1", fontsize=9, va="center")
    axis.set(
        title=f"Convolutional networks (blue) win from {FIRST_NETWORK} on, "
        f"and err less than a human from {better_than_human()} on",
        ylabel="top-5 error (%)",
        xlim=(2009.4, 2018.2),
        ylim=(0, 32),
        xticks=list(CHALLENGE),
    )
    return figure


def figures():
    """Accuracy against operations, against parameters, and per parameter; the challenge by year."""
    networks = measured()
    ours = {name: network.point for name, network in networks.items()}
    return {
        "operations": plot_costs(networks, "products", "parameters"),
        "parameters": plot_costs(networks, "parameters", "products"),
        "density": plot_density(ours),
        "challenge": plot_challenge(),
    }


def print_measured(networks):
    """Print the table of our small forms, and a list of those without measurements."""
    print("CIFAR-10, about 5 CPU minutes of training each")
    print("(images/s: in training, on the CPU named; memory: what a training step holds at least)")
    print(
        f"{'network':>20} {'accuracy (%)':>14} {'parameters':>11} {'products':>12} {'memory':>8} "
        f"{'images/s':>9}"
    )
    for name, network in networks.items():
        point = network.point
        print(
            f"{name:>20} {point.accuracy:>7.2f} ± {point.deviation:4.2f} "
            f"{point.parameters:>11,.0f} {point.products / 1e6:>10.2f} M "
            f"{network.training_memory() / 1e6:>5.0f} MB "
            f"{network.images_per_second():>9,.0f}  {network.hardware}"
        )
    for name, (recipe, variant) in SMALL_FORMS.items():
        if name not in networks:
            measure = f"make measure-{recipe.replace('_', '-')}"
            flags = f" ARGS='--variant {variant}'" if variant else ""
            print(f"{name:>20} has no row with its cost in {RESULTS.name} yet: {measure}{flags}")
    if networks:
        products = [network.point.products / 1e6 for network in networks.values()]
        print(f"An image takes {min(products):.2f} to {max(products):.2f} M multiply–accumulates")


def print_published():
    """Print the table of the published networks."""
    print("\nImageNet, as published: errors in percent, the share of right answers per parameter")
    print(
        f"{'network':>20} {'top-1':>6} {'top-5':>6} {'parameters':>11} {'products':>9} "
        f"{'% per million':>14}"
    )
    densities = density(published())
    for name, network in PUBLISHED.items():
        top_5 = "–" if network.top_5 is None else f"{network.top_5:.1f}"
        print(
            f"{name:>20} {network.top_1:>6.1f} {top_5:>6} {network.parameters:>9.2f} M "
            f"{network.products:>7.2f} G {densities[name]:>14.1f}"
        )


def main():
    networks = measured()
    print_measured(networks)
    print_published()
    for where, points in (
        ("CIFAR-10", {name: network.point for name, network in networks.items()}),
        ("ImageNet", published()),
    ):
        print(f"\n{where}: not beaten in both accuracy and cost")
        for cost in ("products", "parameters"):
            print(f"{cost:>12}:", ", ".join(pareto_front(points, cost)) or "not measured yet")

    for name, figure in figures().items():
        figure.savefig(f"{name}.png")


if __name__ == "__main__":
    main()
