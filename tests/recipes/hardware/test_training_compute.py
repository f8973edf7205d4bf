"""The rule, against a graph and published figures; doubling times; the numbers of the slides."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf

from recipes.cnn_architectures import architectures_compared
from recipes.common.network_cost import multiply_accumulates, network_cost
from recipes.hardware import training_compute as recipe

BY_NAME = {network.name: network for network in recipe.NETWORKS}


def test_a_training_step_has_three_products_for_each_of_the_forward_pass():
    """But for the first layer, whose input needs no gradient."""
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(20, activation="relu"),
            keras.layers.Dense(3),
        ]
    )

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(x) ** 2)
        return tape.gradient(loss, model.trainable_variables)

    graph = step.get_concrete_function(tf.TensorSpec((1, 6))).graph
    products = sum(
        multiply_accumulates(each) for each in graph.get_operations() if each.type == "MatMul"
    )
    forward = network_cost(model)["multiply_accumulates"]
    assert forward == 6 * 16 + 16 * 20 + 20 * 3
    assert 2 * products == recipe.training_operations(forward, examples=1) - 2 * 6 * 16


def test_operations_by_the_rule():
    assert recipe.training_operations(10, 7) == 420
    by_rule = recipe.Network("", 0, None, 10, 7, None)
    assert recipe.counted(by_rule) == recipe.operations(by_rule) == 420
    assert recipe.operations(by_rule._replace(published=5)) == 5
    assert recipe.counted(by_rule._replace(products=None)) is None


@pytest.mark.parametrize(
    ("name", "within"),
    [
        ("GPT-3", 0.01),
        ("BERT-Large", 0.01),
        ("T5-11B", 0.01),
        ("PaLM", 0.01),
        ("Llama 3.1", 0.01),
        ("AlexNet", 0.01),
        ("Chinchilla", 0.03),
        ("ResNet-152", 0.03),
        ("DQN", 0.05),
    ],
)
def test_the_rule_gives_what_was_published(name, within):
    network = BY_NAME[name]
    assert recipe.counted(network) == pytest.approx(network.published, rel=within)


def test_published_figures_from_the_time_of_the_machines_are_within_their_factor_of_three():
    """ "We aim to be correct within a factor 2-3", say Amodei & Hernandez."""
    both = [each for each in recipe.NETWORKS if each.published and each.products]
    assert len(both) == 14
    for network in both:
        assert 1 / 3 < recipe.counted(network) / network.published < 3, network.name


def test_products_are_those_of_the_collections_networks():
    for name in ("AlexNet", "VGG-16", "ResNet-152"):
        cost = architectures_compared.PUBLISHED[name]
        assert BY_NAME[name].products == pytest.approx(cost.products * 1e9)
        assert BY_NAME[name].parameters == pytest.approx(cost.parameters * 1e6, rel=1e-3)


def test_connections_and_units_of_the_early_networks():
    # Two groups of inputs, of their codes, a layer in the middle, a code, and outputs.
    tree = 24 * 6 + 12 * 6 + 12 * 12 + 12 * 6 + 6 * 24
    assert BY_NAME["Family trees"].products == tree
    assert recipe.UNITS["Family trees"][1] == 24 + 12 + 6 + 6 + 12 + 6 + 24
    assert BY_NAME["ALVINN"].products == 1217 * 29 + 29 * 46
    assert recipe.UNITS["NETtalk"][1] == 203 + 80 + 26
    # Three layers of maps, with a bias each, and two dense ones.
    zip_codes = 768 * 26 + 192 * (8 * 25 + 1) + 30 * 193 + 10 * 31
    assert BY_NAME["Zip codes"].products == zip_codes
    assert recipe.UNITS["Zip codes"][1] == 256 + 768 + 192 + 30 + 10
    lenet = 6 * 28**2 + 6 * 14**2 + 16 * 10**2 + 16 * 5**2 + 120 + 84 + 10
    assert recipe.UNITS["LeNet-5"][1] == 32**2 + lenet
    assert recipe.UNITS["Deep MLP"][1] == 29**2 + 2500 + 2000 + 1500 + 1000 + 500 + 10
    assert recipe.UNITS["Deep belief network"][1] == 784 + 500 + 500 + 2000 + 10


def test_what_the_rule_leaves_out():
    """Scores and weighted values of one layer: for each token, width products with each other."""
    assert recipe.attention_share(1, 8, 32, parameters=12 * 8**2) == 32 * 8 / (12 * 64)


def test_doubling_time():
    dates = np.array([2000, 2003, 2009])
    assert recipe.doubling_time(dates, 5 * 2 ** (dates / 3.0)) == pytest.approx(3)
    networks = [recipe.Network("", date, None, None, None, 4.0**date) for date in (1, 2, 5)]
    assert recipe.doubling_months(networks) == pytest.approx(6)


def test_records():
    takes = [(2001, 5), (2000, 3), (2002, 4), (2003, 6)]
    networks = [recipe.Network("", date, None, None, None, each) for date, each in takes]
    assert [each.date for each in recipe.records(networks)] == [2000, 2001, 2003]


def test_choices_are_what_their_names_say():
    choices = recipe.choices()
    slide = choices["the slide's with a figure"]
    assert len(slide) == 12
    assert all(network.on_slide for network in slide)
    without = {each.name for each in slide} - {each.name for each in choices["… without DQN"]}
    assert without == {"DQN"}
    recounted = {each.name: each for each in choices["… with GNMT's other figure"]}
    assert recounted.keys() == {each.name for each in slide}
    assert recounted["GNMT"].published == 1.4e20
    by_rule = {each.name: each for each in choices["… by the rule where one can"]}
    assert by_rule["VGG-16"].published == recipe.counted(BY_NAME["VGG-16"])
    assert by_rule["Dropout"] == BY_NAME["Dropout"]


def test_every_network_is_in_one_era():
    eras = list(recipe.ERAS.values())
    assert [first for first, _ in eras[1:]] == [last for _, last in eras[:-1]]
    assert all(eras[0][0] <= network.date < eras[-1][1] for network in recipe.NETWORKS)


@pytest.mark.slides
def test_the_claim_of_ai_and_compute():
    """300,000 times as much in the five years from AlexNet to AlphaGo Zero: 3.3 to 3.4 months."""
    first, last = BY_NAME["AlexNet"], BY_NAME["AlphaGo Zero"]
    assert recipe.operations(last) / recipe.operations(first) == pytest.approx(300_000)
    assert recipe.doubling_months([first, last]) == pytest.approx(recipe.CLAIM, abs=0.15)


@pytest.mark.slides
def test_memory_of_the_largest_models():
    """N97: DALL·E and GPT-3 in numbers of 16 bits."""
    assert recipe.memory(12e9) == 24e9
    assert recipe.memory(175e9) == 350e9


@pytest.mark.slides
def test_traversed_edges():
    """N88, with S47: 6.4 · 10¹⁴ is the upper end; by the lower, the computer is faster."""
    quotient = recipe.BRAIN_TEPS / recipe.COMPUTER_TEPS
    assert quotient == pytest.approx(27.83, abs=0.005)
    assert recipe.LOWEST_BRAIN_TEPS < recipe.COMPUTER_TEPS


@pytest.mark.slides
def test_synapses_of_a_neuron():
    """N89."""
    assert [synapses / recipe.NEURONS for synapses in recipe.SYNAPSES] == [1_000, 10_000]


@pytest.mark.slides
def test_true_north():
    """N90."""
    assert recipe.true_north() == (1_048_576, 268_435_456)
    assert recipe.true_north(recipe.BOARDS) == (16_777_216, 4_294_967_296)


@pytest.mark.slides
def test_machines():
    """N91 and N92; the peaks are of three kinds of numbers."""
    machines = list(recipe.MACHINES.values())
    assert [recipe.all_cores(machine) for machine in machines] == [28_672, 81_920, 55_296]
    per_watt = [recipe.gigaflops_per_watt(machine) for machine in machines]
    np.testing.assert_allclose(per_watt, [53.1, 200, 769], rtol=1e-3)
    dollars = [recipe.dollars_per_petaflops(machine) for machine in machines]
    np.testing.assert_allclose(dollars, [758_824, 199_500, 39_800], atol=0.5)
    assert len({machine.numbers for machine in machines}) == 3
    # N105: the printed peaks are those of the chips, rounded.
    of_chips = [machine.operations / machine.chips for machine in machines]
    np.testing.assert_allclose(of_chips, [21.2e12, 125e12, 624e12], rtol=3e-3)


@pytest.mark.slides
def test_selene():
    """N96."""
    assert recipe.selene() == (4_480, 358_400)


@pytest.mark.slides
def test_bandwidths():
    """N104."""
    assert recipe.bandwidths() == (600, 4_800, 450)


def test_days_of_a_training():
    assert recipe.training_days(recipe.PETAFLOPS_DAY, 1e15, utilization=0.5) == 2
    # Narayanan et al. (2021), arXiv 2104.04473, section 5.1: 34 days for GPT-3 on 1,024 A100s at
    # 140 · 10¹² operations a second. They compute the activations twice: 8 instead of 6.
    total = 8 / 6 * recipe.training_operations(175e9, 300e9)
    assert recipe.training_days(total, 1024 * 140e12, utilization=1) == pytest.approx(34, abs=0.2)


def test_edges_of_a_graph_count_once(monkeypatch):
    class Clock:
        now = 0.0

        def perf_counter(self):
            self.now += 0.5
            return self.now

    monkeypatch.setattr(recipe, "time", Clock())
    # Nearly all of these edges belong to one component.
    assert recipe.own_teps(vertices=100, edges=1000) == pytest.approx(1000 / 0.5, rel=0.15)


def test_causes(monkeypatch):
    asked = []

    def digits_error(examples, units, seen, seed):
        asked.append((examples, units, seen))
        return (1300 / examples) * (64 / units) / (41_600 / seen) / 100

    monkeypatch.setattr(recipe, "digits_error", digits_error)
    monkeypatch.setattr(recipe, "SEEDS", 1)
    errors = recipe.three_causes()
    assert asked == [(1300, 64, 41_600), (81, 64, 41_600), (1300, 4, 41_600), (1300, 64, 2_600)]
    figure = recipe.plot_causes(errors)
    assert figure.axes[0].get_title() == "Cut to 1/16: 2 of 3 make it worse"
    plt.close(figure)


def test_a_network_learns_digits():
    assert recipe.digits_error(1300, 16, 10 * 1300, seed=0) < 0.2
    assert recipe.digits_error(50, 16, 50, seed=0) > 0.5


def test_picture_shows_all_networks_and_the_claim():
    figure = recipe.plot_compute()
    left, right = figure.axes
    named = {text.get_text() for text in left.texts}
    assert named == set(BY_NAME)
    claim = left.lines[-1].get_ydata()
    years = left.lines[-1].get_xdata()
    assert claim[1] / claim[0] == pytest.approx(2 ** ((years[1] - years[0]) * 12 / 3.4))
    lengths = [bar.get_width() for bar in right.patches]
    expected = [recipe.doubling_months(networks) for networks in recipe.choices().values()]
    np.testing.assert_allclose(lengths, expected)
    plt.close(figure)


def test_title_says_the_range():
    title = recipe.title_of([2.0, 3.0, 6.51, 5.0], later=7)
    assert "in 2.0 months by the slide's" in title
    assert "in 3.0 to 6.5 by other choices; since 2018 in 7.0" in title
