"""Training compute: operations to train published networks, their doubling time, and machines.

Slides: 000 «El futuro: AI and compute», 000 «Diferencias» (TEPS), 000 «TrueNorth», 000 «DGX-1»,
        000 «DGX-2», 000 «DGX A100», 002 «Evolución de modelos», 002 «Por qué ahora»,
        002 «DGX A100 Selene», 003 «El círculo virtuoso».
Paper:  Amodei & Hernandez (2018), AI and compute, https://openai.com/index/ai-and-compute;
        Kaplan et al. (2020), Scaling laws, https://arxiv.org/abs/2001.08361;
        Brown et al. (2020), GPT-3, appendix D, https://arxiv.org/abs/2005.14165
Departs from the slides: of the 15 points of «AI and compute», only the 12 with a figure in the
post; networks before 2012 and after 2017 are added. The peaks of the three DGX are for three number
formats (16 bits; 16 bits in tensor cores; the same with half of the weights zero), so their
quotients exaggerate. 6.4 · 10¹⁴ TEPS are the upper end of the estimates for a brain, whose lower
end is 0.18 · 10¹⁴. The «512 GB DDR» of the DGX-2 are the 16 · 32 GB of HBM2 of its chips.

A product of an input and a weight counts as two operations, with its addition. For each product of
the forward pass, training takes two more: one for the gradient of the weight, one for that of the
input. So it costs 2 · 3 · products · examples. In a Transformer each token is multiplied by each
weight once, hence 6 · parameters · tokens. The doubling time is that of a least-squares line
through the logarithms.
"""

import time
import typing

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

DAY = 86_400  # seconds
PETAFLOPS_DAY = 1e15 * DAY  # operations
IMAGENET = 1_281_167  # training images
CLAIM = 3.4  # months, the doubling time of training compute on the slide
MOORE = 24  # months


class Network(typing.NamedTuple):
    """A network, the size of one training, and its published number of operations."""

    name: str
    date: float  # year
    parameters: float | None
    products: float | None  # of a weight and an input, for one example
    examples: float | None  # images, words or tokens, counted in every epoch
    published: float | None  # operations
    on_slide: bool = False


# Products and examples are those of the papers. Half of T5 and of the Transformer processes a
# token: either the encoder or the decoder. Sources of `published`: for the slide's networks, Amodei
# & Hernandez (if they give two figures, the one by machine time); for BERT, T5 and GPT-3, Brown et
# al. (2020), table D.1; for the others, the papers themselves (Vaswani et al., table 2; Hoffmann et
# al.; Chowdhery et al.; Grattafiori et al.).
NETWORKS = [
    # 576 connections; 1,500 sweeps over 100 examples.
    Network("Family trees", 1986.8, 576, 576, 100 * 1500, None),
    Network("ALVINN", 1989.0, 36_627, 36_627, 1200 * 40, None),
    Network("Zip codes", 1989.9, 9_760, 64_660, 7_291 * 23, None),
    Network("LeNet-5", 1998.9, 60_000, 340_908, 60_000 * 20, None),
    Network("Deep MLP", 2010.2, 12.11e6, 12.11e6, 60_000 * 800, None),
    Network("Dropout", 2012.5, None, None, None, 0.0021 * PETAFLOPS_DAY, True),
    Network("AlexNet", 2012.8, 61e6, 0.72e9, IMAGENET * 90, 0.0058 * PETAFLOPS_DAY, True),
    Network("ZFNet", 2013.9, None, None, None, 0.0062 * PETAFLOPS_DAY, True),
    Network("DQN", 2014.0, None, 2.55e6, 5e6 * 32, 2.7e-5 * PETAFLOPS_DAY, True),
    Network("VGG-16", 2014.7, 138.4e6, 15.47e9, IMAGENET * 74, 0.12 * PETAFLOPS_DAY, True),
    Network("Seq2seq", 2014.7, 0.38e9, 0.38e9, 652e6 * 7.5, 0.093 * PETAFLOPS_DAY, True),
    Network("Deep Speech 2", 2015.9, None, 98e6, 4.32e10, 0.25 * PETAFLOPS_DAY, True),
    Network("ResNet-152", 2015.9, 60.2e6, 11.28e9, 600_000 * 256, 0.117 * PETAFLOPS_DAY, True),
    Network("GNMT", 2016.7, None, None, None, 79 * PETAFLOPS_DAY, True),
    Network("Xception", 2016.8, None, None, None, 5.0 * PETAFLOPS_DAY, True),
    # 12,800 networks, each for 50 epochs of 50,000 images.
    Network(
        "Architecture search", 2016.8, None, 1e10, 12_800 * 50 * 50_000, 31 * PETAFLOPS_DAY, True
    ),
    # "More than 300,000 times" AlexNet.
    Network("AlphaGo Zero", 2017.8, None, None, None, 300_000 * 0.0058 * PETAFLOPS_DAY, True),
    Network("Transformer", 2017.5, 213e6, 213e6 / 2, 300_000 * 50_000, 2.3e19),
    Network("BERT-Large", 2018.8, 355e6, 355e6, 250e9, 5.33e20),
    Network("T5-11B", 2019.8, 11e9, 11e9 / 2, 1e12, 3.30e22),
    Network("GPT-3", 2020.4, 174.6e9, 174.6e9, 300e9, 3.14e23),
    # 430,000 batches of 1,024 pictures, each of 256 tokens of text and 1,024 of an image.
    Network("DALL·E", 2021.2, 12e9, 12e9, 430_000 * 1024 * 1280, None),
    Network("Chinchilla", 2022.2, 70e9, 70e9, 1.4e12, 5.76e23),
    Network("PaLM", 2022.3, 540e9, 540e9, 780e9, 2.53e24),
    Network("Llama 3.1", 2024.6, 405e9, 405e9, 15.6e12, 3.8e25),
]
GNMT_OF_VASWANI = 1.4e20  # operations: its other published figure
ERAS = {"before 2012": (1980, 2012), "2012 to 2017": (2012, 2018), "since 2018": (2018, 2030)}
# Layers, width and context of GPT-3; the rule ignores its attention scores.
GPT_3_SHAPE = (96, 12_288, 2_048)

# Year and number of units of networks in the slides' list, if known. Inputs are included, except
# for the last one and the echo state network.
UNITS = {
    "Neocognitron": (1980, 11_320),
    "Family trees": (1986, 90),
    "NETtalk": (1987, 309),
    "Zip codes": (1989, 1_256),
    "LeNet-5": (1998, 9_118),
    "Echo state network": (2004, 1_000),
    "Deep belief network": (2006, 3_794),
    "Deep MLP": (2010, 8_351),
    "AlexNet": (2012, 650_000),
}
UNITS_DOUBLE = 2.4  # years, according to Goodfellow


class Machine(typing.NamedTuple):
    """A row of the slides' table; the last column is its peak without sparsity and with 16 bits."""

    chips: int
    cores: int  # of a chip
    operations: float  # per second, as printed
    numbers: str
    watts: float
    dollars: float
    dense: float  # operations per second with numbers of 16 bits


MACHINES = {
    "DGX-1": Machine(8, 3_584, 170e12, "16 bits", 3_200, 129_000, 170e12),
    "DGX-2": Machine(16, 5_120, 2e15, "16 bits, tensor cores", 10_000, 399_000, 2e15),
    "DGX A100": Machine(8, 6_912, 5e15, "16 bits, half of them 0", 6_500, 199_000, 2.5e15),
}
SELENE = (560, 80)  # servers, and GB of a chip
# What connects the chips of a DGX A100, and its servers.
NVLINKS = 12  # of a chip
NVLINK = 50  # GB a second, both directions together
NETWORK_PORTS = 9
NETWORK_PORT = 200  # Gbit a second in each direction
UTILIZATION = 0.33  # share of the peak; as Amodei & Hernandez assume
TRAINED = ("AlexNet", "ResNet-152", "GPT-3")  # training times on each machine are printed

# Traversed edges per second (TEPS).
COMPUTER_TEPS = 2.3e13  # of a computer, on the slide
BRAIN_TEPS = 6.4e14  # the slide's, the upper end of the estimates
LOWEST_BRAIN_TEPS = 0.18e14  # their lower end
# The human brain.
NEURONS = 1e11
SYNAPSES = (1e14, 1e15)  # from, to
# TrueNorth.
CORES = 4_096  # of a chip
CROSSBAR = 256  # neurons of a core, and inputs of each
BOARDS = 16  # of the larger system, a chip each

# Three causes: data, size and computing, for a perceptron that classifies digits of 8 × 8 pixels.
DIGITS = 1_300  # for training; the other 497 are for the test
HIDDEN = 64  # units
SEEN = 32 * DIGITS  # number of training examples in all epochs: 32 epochs of all digits
BATCH = 32  # training examples in a step
CUT = 16  # factor by which one of the three is reduced
SEEDS = 3  # trainings of each kind


def training_operations(products, examples):
    """Additions and multiplications of a training.

    Args:
        products: Of a weight and an input, for one example; in a Transformer, its parameters.
        examples: Number of examples, counted in every epoch.
    """
    return 2 * 3 * products * examples


def counted(network):
    """Operations by the rule; None if the paper does not give the numbers."""
    if network.products is None:
        return None
    return training_operations(network.products, network.examples)


def operations(network):
    """Operations as published, or else by the rule."""
    return network.published or counted(network)


def attention_share(layers, width, context, parameters):
    """The products of queries, keys and values, relative to the products with weights.

    Kaplan et al. (2020), table 1.
    """
    return layers * context * width / parameters


def doubling_time(dates, values):
    """Doubling time in units of `dates`: 1 / slope of the line through log₂ of the values."""
    slope, _ = np.polyfit(dates, np.log2(values), 1)
    return 1 / slope


def doubling_months(networks):
    """Months in which the operations double."""
    dates = [network.date for network in networks]
    return 12 * doubling_time(dates, [operations(network) for network in networks])


def of_era(era):
    """The networks of an era; from 2012 to 2017, only those on the slide."""
    first, last = ERAS[era]
    networks = [network for network in NETWORKS if first <= network.date < last]
    if era == "2012 to 2017":
        return [network for network in networks if network.on_slide]
    return networks


def records(networks):
    """The networks with more operations than all earlier ones."""
    found = []
    for network in sorted(networks, key=lambda network: network.date):
        if not found or operations(network) > operations(found[-1]):
            found.append(network)
    return found


def choices():
    """Networks of 2012 to 2017, selected and counted in several ways: `{how: networks}`."""
    slide = of_era("2012 to 2017")
    by_name = {network.name: network for network in NETWORKS}
    recounted = by_name["GNMT"]._replace(published=GNMT_OF_VASWANI)
    others = [network for network in slide if network.name != "GNMT"]
    by_rule = [
        network._replace(published=counted(network) or network.published) for network in slide
    ]
    return {
        "the slide's with a figure": slide,
        "… by the rule where one can": by_rule,
        "… with GNMT's other figure": [*others, recounted],
        "… without DQN": [network for network in slide if network.name != "DQN"],
        "… without AlphaGo Zero": [network for network in slide if network.name != "AlphaGo Zero"],
        "… that set a record": records(slide),
        "AlexNet and AlphaGo Zero": [by_name["AlexNet"], by_name["AlphaGo Zero"]],
        "AlexNet and Transformer": [by_name["AlexNet"], by_name["Transformer"]],
        "AlexNet and GPT-3": [by_name["AlexNet"], by_name["GPT-3"]],
        "AlexNet and Llama 3.1": [by_name["AlexNet"], by_name["Llama 3.1"]],
    }


def memory(parameters):
    """Bytes of the weights, in 16 bits each."""
    return 2 * parameters


def all_cores(machine):
    """CUDA cores of a machine."""
    return machine.chips * machine.cores


def gigaflops_per_watt(machine):
    """10⁹ operations per second and watt, with the printed peak."""
    return machine.operations / 1e9 / machine.watts


def dollars_per_petaflops(machine):
    """Dollars for 10¹⁵ operations per second, with the printed peak."""
    return machine.dollars / (machine.operations / 1e15)


def selene():
    """Number of chips of the cluster, and GB of their memory."""
    servers, gigabytes = SELENE
    chips = servers * MACHINES["DGX A100"].chips
    return chips, chips * gigabytes


def bandwidths():
    """GB a second of a DGX A100's chip, of all its chips, and of its network; both directions."""
    of_a_chip = NVLINKS * NVLINK
    of_all_chips = MACHINES["DGX A100"].chips * of_a_chip
    of_the_network = NETWORK_PORTS * 2 * NETWORK_PORT // 8  # 8 bits in a byte
    return of_a_chip, of_all_chips, of_the_network


def training_days(total, per_second, utilization=UTILIZATION):
    """Duration of a training in days.

    Args:
        total: Number of operations.
        per_second: Peak operations per second of the machine.
        utilization: The share of the peak that is reached.
    """
    return total / (per_second * utilization) / DAY


def true_north(boards=1):
    """Neurons and synapses of the given number of chips, each with `CORES` crossbars."""
    return boards * CORES * CROSSBAR, boards * CORES * CROSSBAR**2


def own_teps(vertices=2**17, edges=2**21):
    """Measured edges per second of this machine, in a breadth-first search of a random graph."""
    rng = np.random.default_rng(0)
    ends = rng.integers(0, vertices, (2, edges))
    graph = coo_matrix((np.ones(edges), ends), (vertices, vertices)).tocsr()
    graph = graph + graph.T  # in both directions
    start = time.perf_counter()
    reached = breadth_first_order(graph, ends[0, 0], return_predecessors=False)
    seconds = time.perf_counter() - start
    # The search meets each edge at both ends; it counts once.
    return np.diff(graph.indptr)[reached].sum() / 2 / seconds


def digits_error(examples, units, seen, seed):
    """The test error of a network on digits, from 0 to 1.

    Args:
        examples: Number of training digits.
        units: Number of hidden units.
        seen: Number of training examples in all epochs.
        seed: For the choice of the digits, the weights and the batches.
    """
    images, labels = load_digits(return_X_y=True)
    images = images / 16
    known = np.random.default_rng(seed).permutation(DIGITS)[:examples]
    network = MLPClassifier((units,), batch_size=BATCH, random_state=seed)
    for _ in range(seen // examples):
        network.partial_fit(images[known], labels[known], classes=np.arange(10))
    return 1 - network.score(images[DIGITS:], labels[DIGITS:])


def three_causes():
    """Test errors (seeds,) with all, and with less data, fewer units and less training."""
    amounts = {
        "all": (DIGITS, HIDDEN, SEEN),
        "fewer data": (DIGITS // CUT, HIDDEN, SEEN),
        "fewer units": (DIGITS, HIDDEN // CUT, SEEN),
        "fewer steps": (DIGITS, HIDDEN, SEEN // CUT),
    }
    return {
        name: np.array([digits_error(*amount, seed) for seed in range(SEEDS)])
        for name, amount in amounts.items()
    }


# Offsets in points of the labels that would otherwise overlap others.
PLACES = {
    "Deep MLP": (-6, 1),
    "Dropout": (-6, -8),
    "AlexNet": (-6, 1),
    "VGG-16": (-6, -2),
    "Seq2seq": (-6, -12),
    "Deep Speech 2": (-4, 6),
    "GNMT": (-6, -3),
    "Xception": (-6, -3),
    "AlphaGo Zero": (-6, -3),
    "T5-11B": (-6, -3),
    "GPT-3": (-6, -3),
    "PaLM": (-6, -3),
}
# The slides' largest networks, and the largest one here with full published figures.
LARGEST = ("DALL·E", "GPT-3", "Llama 3.1")


def plot_compute():
    """Plot operations by year with a line for each era, and doubling times by selection."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(13, 6), width_ratios=(3, 2), layout="constrained"
    )
    for number, era in enumerate(ERAS):
        first, last = ERAS[era]
        networks = of_era(era)
        dates = np.array([network.date for network in networks])
        slope, height = np.polyfit(dates, np.log2([operations(each) for each in networks]), 1)
        ends = np.array([dates.min(), dates.max()])
        label = f"{era}: doubles in {12 / slope:.1f} months"
        left.plot(ends, 2 ** (slope * ends + height), color=f"C{number}", label=label)
        for network in NETWORKS:
            if first <= network.date < last:
                fill = f"C{number}" if network.published else "white"
                dot = {"color": f"C{number}", "markerfacecolor": fill}
                left.plot(network.date, operations(network), "o", **dot)
                label_point(left, network)
    start = next(network for network in NETWORKS if network.name == "AlexNet")
    dates = np.array([start.date, 2018])
    claimed = operations(start) * 2 ** (12 * (dates - start.date) / CLAIM)
    left.plot(dates, claimed, ":", color="0.4", label=f"slide: {CLAIM} months")
    left.set(yscale="log", xlim=(1984, 2028.5), ylabel="operations to train it")
    left.set_title("Training compute (filled: as published; open: by the rule)")
    left.legend(loc="upper left")

    months = {name: doubling_months(networks) for name, networks in choices().items()}
    right.barh(list(months), list(months.values()), color="C1")
    right.invert_yaxis()
    right.axvline(CLAIM, color="0.4", linestyle=":")
    right.axvline(MOORE, color="0.4", linestyle="--")
    right.set_xscale("log")
    right.set_xticks([2, 3, 4, 6, 12, 24], ["2", "3", "4", "6", "12", "24"])
    right.set_xticks([], minor=True)
    for row, value in enumerate(months.values()):
        right.text(value * 1.1, row, f"{value:.1f}", va="center", backgroundcolor="white")
    right.set(xlim=(2, 28), xlabel="months in which training compute doubles")
    right.set_title(f"Slide: {CLAIM} months; Moore's law: {MOORE}")
    later = doubling_months(of_era("since 2018"))
    figure.suptitle(title_of(list(months.values()), later))
    return figure


def label_point(axis, network):
    """Write a network's name beside its point."""
    place = PLACES.get(network.name, (6, -3))
    style = {
        "textcoords": "offset points",
        "fontsize": 8,
        "ha": "left" if place[0] > 0 else "right",
    }
    axis.annotate(network.name, (network.date, operations(network)), xytext=place, **style)


def title_of(months, later):
    """A title that compares the doubling times with the claim.

    Args:
        months: Doubling times of the slide's networks, and of other selections.
        later: Doubling time of the networks since 2018.
    """
    first, *others = months
    return (
        f"Training compute doubled in {first:.1f} months by the slide's networks, in "
        f"{min(others):.1f} to {max(others):.1f} by other choices; since 2018 in {later:.1f}"
    )


def plot_sizes():
    """Plot units and parameters by year, with their doubling times."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    years, units = np.array(list(UNITS.values())).T
    parameters = [(each.date, each.parameters) for each in NETWORKS if each.parameters]
    dates, counts = np.array(parameters).T
    draw_line(left, years, units)
    for name, (year, count) in UNITS.items():
        left.annotate(name, (year, count), textcoords="offset points", xytext=(5, -9), fontsize=8)
    title = f"Units double in {doubling_time(years, units):.1f} years (Goodfellow: {UNITS_DOUBLE})"
    left.set(title=title, xlim=(1978, 2018))
    draw_line(right, dates, counts)
    for network in NETWORKS:
        if network.name in LARGEST:
            label = f"{network.name}: {memory(network.parameters) / 1e9:,.0f} GB in 16 bits"
            style = {"textcoords": "offset points", "xytext": (-6, 4), "ha": "right", "fontsize": 8}
            right.annotate(label, (network.date, network.parameters), **style)
    right.set(title=f"Parameters double in {12 * doubling_time(dates, counts):.0f} months")
    return figure


def draw_line(axis, dates, values):
    """Draw points, and the line through their logarithms."""
    slope, height = np.polyfit(dates, np.log2(values), 1)
    ends = np.array([min(dates), max(dates)])
    axis.plot(dates, values, "o")
    axis.plot(ends, 2 ** (slope * ends + height), color="0.4")
    axis.set_yscale("log")


def plot_causes(errors):
    """Plot the test errors with less of one of the three.

    Args:
        errors: `{name: errors (seeds,)}`, as returned by `three_causes`.
    """
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    means = [100 * values.mean() for values in errors.values()]
    spreads = [100 * values.std() for values in errors.values()]
    axis.bar(list(errors), means, yerr=spreads, color=["0.5", "C0", "C1", "C2"], capsize=4)
    worse = sum(mean > means[0] for mean in means[1:])
    axis.set(ylabel="test error in %")
    axis.set_title(f"Cut to 1/{CUT}: {worse} of 3 make it worse")
    return figure


def print_networks():
    """Print the operations of each network, by the rule and as published."""
    print(f"{'':20}{'year':>7} {'by the rule':>12} {'published':>10} {'quotient':>9}")
    for network in sorted(NETWORKS, key=lambda network: network.date):
        rule, published = counted(network), network.published
        print(f"{network.name:20}{network.date:7.1f}", end="")
        print(f"{rule:13.2e}" if rule else f"{'':13}", end="")
        print(f"{published:11.2e}" if published else f"{'':11}", end="")
        print(f"{published / rule:10.2f}" if rule and published else "")
    share = attention_share(*GPT_3_SHAPE, parameters=174.6e9)
    print(f"The rule leaves out the scores of attention: {share:.1%} of GPT-3's products")


def print_doubling_times():
    """Print doubling times by era, and for other selections of networks."""
    print("\nMonths in which training compute doubles")
    for era in ERAS:
        networks = of_era(era)
        print(f"  {era:30} {doubling_months(networks):5.1f}  ({len(networks)} networks)")
    for name, networks in choices().items():
        print(f"  {name:30} {doubling_months(networks):5.1f}  ({len(networks)} networks)")
    slide = of_era("2012 to 2017")
    without_one = [
        doubling_months([other for other in slide if other is not left_out]) for left_out in slide
    ]
    print(f"  without any one of the slide's: {min(without_one):.1f} to {max(without_one):.1f}")
    years, units = np.array(list(UNITS.values())).T
    later = years > UNITS["Neocognitron"][0]
    print(f"Units double in {doubling_time(years, units):.1f} years,", end=" ")
    print(f"without the neocognitron in {doubling_time(years[later], units[later]):.1f}", end=" ")
    print(f"(Goodfellow: {UNITS_DOUBLE})")


def print_machines():
    """Print the slides' machines: hardware, cost, and training times."""
    by_name = {network.name: network for network in NETWORKS}
    print("\nMachines")
    for name, machine in MACHINES.items():
        print(f"  {name:8} {all_cores(machine):6,} cores,", end=" ")
        print(f"{gigaflops_per_watt(machine):5.1f} · 10⁹ operations a second and watt,", end=" ")
        print(f"{dollars_per_petaflops(machine):9,.0f} dollars for 10¹⁵ ({machine.numbers})")
    chips, gigabytes = selene()
    print(f"  Selene   {chips:,} GPUs, {gigabytes:,} GB")
    of_a_chip, of_all_chips, of_the_network = bandwidths()
    print(f"GB a second in a DGX A100: {of_a_chip} to and from a chip,", end=" ")
    print(f"{of_all_chips:,} of all chips, {of_the_network} to and from other servers")
    peaks = {name: machine.dense for name, machine in MACHINES.items()}
    peaks["Selene"] = SELENE[0] * peaks["DGX A100"]
    print(f"Days to train it at {UTILIZATION:.0%} of the peak, in 16 bits")
    for name, peak in peaks.items():
        days = [training_days(operations(by_name[trained]), peak) for trained in TRAINED]
        print(f"  {name:8}", end=" ")
        print(
            ", ".join(
                f"{trained} {value:.3g}" for trained, value in zip(TRAINED, days, strict=True)
            )
        )


def print_brain():
    """Print the comparison of brain and computer, and the figures of a neuromorphic chip."""
    print(
        f"\nBrain and computer: {BRAIN_TEPS / COMPUTER_TEPS:.1f} times the traversed edges", end=""
    )
    print(f" a second; by the lowest estimate, {LOWEST_BRAIN_TEPS / COMPUTER_TEPS:.2f} times")
    print(f"  this machine: {own_teps():.1e}")
    few, many = (synapses / NEURONS for synapses in SYNAPSES)
    print(f"  {few:,.0f} to {many:,.0f} synapses of a neuron")
    for boards in (1, BOARDS):
        neurons, synapses = true_north(boards)
        print(f"  TrueNorth × {boards}: {neurons:,} neurons, {synapses:,} synapses")


def main():
    print_networks()
    print_doubling_times()
    print_machines()
    print_brain()
    print(f"\nTest errors with 1/{CUT} of the data, of the hidden units, of the steps")
    errors = three_causes()
    for name, values in errors.items():
        print(f"  {name:12} {100 * values.mean():5.1f} % ± {100 * values.std():.1f}")
    plot_compute().savefig("compute.png")
    plot_sizes().savefig("sizes.png")
    plot_causes(errors).savefig("causes.png")


if __name__ == "__main__":
    main()
