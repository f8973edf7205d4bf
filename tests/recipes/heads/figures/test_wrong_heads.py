"""Each head's picture says whether it is right, and shows its own curves."""

from matplotlib import pyplot as plt

from recipes.heads import wrong_heads as recipe
from recipes.heads.figures import wrong_heads as figures


def test_verdicts_begin_with_their_mark():
    assert figures.verdict("relu_bce").startswith("✗ outside 0…1")
    assert figures.verdict("linear_mse").startswith("✓ right")
    assert figures.verdict("saturated_mse").startswith("– allowed")


def test_the_gallery_shows_the_curves_of_each_head_under_its_name():
    histories = {}
    for number, name in enumerate(recipe.VARIANTS):
        histories[name] = {"loss": [number, 0.5], "val_accuracy": [0.5, number / 20]}
    figure = figures.plot_gallery(histories)
    shown = {}
    for axis in figure.axes:
        if axis.get_title("left"):
            name = axis.get_title("left").partition("\n")[0]
            shown[name] = axis.lines[0].get_ydata().tolist()
    expected = {name: history["loss"] for name, history in histories.items()}
    del expected["saturated_bce"]  # in the other picture
    assert shown == expected
    plt.close("all")


def test_the_saturated_heads_have_their_own_picture():
    curve = [0.5, 0.9]
    histories = {}
    for name in ("relu_bce", "saturated_mse", "saturated_bce"):
        histories[name] = {"val_accuracy": curve}
    _, accuracy = figures.plot_saturation(histories).axes
    drawn = [line.get_label() for line in accuracy.lines]
    assert drawn == ["saturated_bce, validation", "saturated_mse, validation"]
    assert accuracy.lines[0].get_ydata().tolist() == curve
    # A run of other heads has no such curves.
    _, accuracy = figures.plot_saturation({}).axes
    assert not accuracy.lines
    plt.close("all")
