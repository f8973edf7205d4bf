"""What the patterns cost, and where their markers stand."""

import matplotlib.pyplot as plt

from recipes.convolution import cnn_patterns as recipe
from recipes.convolution.figures import cnn_patterns as figures


def test_multiplications():
    costs = {}
    for pattern in recipe.VARIANTS:
        costs[pattern] = figures.multiplications(recipe.build_model(pattern))
    assert costs["fc"] == 784 * 10
    assert costs["conv_fc"] == 28 * 28 * 9 * 32 + 28 * 28 * 32 * 10
    assert max(costs.values()) == costs["conv_conv_pool"]
    assert costs["conv_conv_pool"] < 4 * costs["conv_fc"]  # comparable


def test_each_pattern_stands_at_its_cost_and_error():
    _, axis = plt.subplots()
    figures.plot_errors(axis, {"conv_fc": 300, "fc": 20}, {"fc": 7.5, "conv_fc": 1.5})
    points = {line.get_label(): tuple(line.get_xydata()[0]) for line in axis.lines}
    titles = figures.TITLES
    assert points == ({titles["fc"]: (20, 7.5), titles["conv_fc"]: (300, 1.5)})
    plt.close("all")
