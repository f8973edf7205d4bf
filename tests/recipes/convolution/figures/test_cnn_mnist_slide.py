"""Each bar is the layer that stands beside it."""

from matplotlib import pyplot as plt

from recipes.convolution import cnn_mnist_slide as recipe
from recipes.convolution.figures import cnn_mnist_slide


def test_the_share_is_that_of_the_last_layer():
    model = recipe.build_model()
    counts = cnn_mnist_slide.parameters_by_layer(model)
    assert list(counts.values()) == [640, 18_464, 184_330]
    assert [label.split("\n")[1] for label in counts] == ["(26, 26, 64)", "(24, 24, 32)", "(10,)"]
    figure = cnn_mnist_slide.plot_parameters(counts)
    (axis,) = figure.axes
    assert axis.get_title().startswith("91% of the parameters")
    assert [text.get_text() for text in axis.get_yticklabels()] == list(counts)
    assert [bar.get_width() for bar in axis.patches] == list(counts.values())
    plt.close(figure)
