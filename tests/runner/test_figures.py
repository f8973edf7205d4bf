"""What the runner draws: the titles say what is in the picture, and odd data break nothing."""

import types

import keras
import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from matplotlib import animation

from recipes._runner import figures, training

pytestmark = pytest.mark.filterwarnings("error::UserWarning", "error::RuntimeWarning")
RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def style():
    with plt.style.context("default"):
        figures.use_style()
        yield
        plt.close("all")


def drawn(figure):
    """The figure, laid out and drawn: warnings come only then."""
    figure.canvas.draw()
    return figure


def texts(figure):
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def titles(figure):
    places = ("left", "center")
    return [
        axis.get_title(place) for axis in figure.axes for place in places if axis.get_title(place)
    ]


def test_training_curves_say_the_best_epoch_of_validation():
    history = {
        "loss": [3, 2, 1],
        "val_loss": [3, 1, 2],
        "accuracy": [0.1, 0.2, 0.3],
        "val_accuracy": [0.1, 0.2, 0.3],
    }
    figure = drawn(
        figures.training_curves(
            {None: history | {"learning_rate": [1, 1, 1]}}, "val_accuracy", "max"
        )
    )
    assert titles(figure) == ["loss: best 1, epoch 2", "accuracy: best 0.3, epoch 3"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["training", "validation"]
    assert [line.get_linestyle() for line in figure.axes[0].lines] == ["--", "-"]
    assert [list(line.get_ydata()) for line in figure.axes[0].lines] == [[3, 2, 1], [3, 1, 2]]
    assert [list(line.get_xdata()) for line in figure.axes[0].lines] == [[1, 2, 3]] * 2


def test_training_curves_say_the_best_only_of_what_chose_the_epoch_and_of_the_loss():
    history = {"val_loss": [2, 1, 3], "val_distance": [0.9, 0.2, 0.1], "val_entropy": [1, 2, 3]}
    figure = drawn(figures.training_curves({None: history}, "val_distance", "min"))
    assert titles(figure) == ["loss: best 1, epoch 2", "distance: best 0.1, epoch 3", "entropy"]


def test_training_curves_of_variants_name_the_best_and_color_by_variant():
    histories = {
        name: {"loss": [2, loss], "val_loss": [2, loss]}
        for name, loss in {"a": 1.5, "b": 1.0}.items()
    }
    figure = drawn(figures.training_curves(histories))
    assert titles(figure) == ["loss: best 1, b"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]
    colors = [line.get_color() for line in figure.axes[0].lines]
    assert colors[0] == colors[1] != colors[2] == colors[3]


@pytest.mark.parametrize(
    "history",
    [
        {"loss": [1.0]},
        {"loss": [np.nan, np.inf], "val_loss": [np.nan, np.nan]},
        {"loss": [2, 1], "val_loss": [1.5]},
    ],
)
def test_training_curves_of_odd_histories(history):
    assert titles(drawn(figures.training_curves({None: history})))


def test_confusion_matrix_counts_and_names_the_commonest_mistake():
    figure = drawn(
        figures.confusion_matrix([0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 0, 2], ["cat", "dog", "cow"])
    )
    assert figure.get_suptitle() == "3 of 6 right; most often cat taken for dog (2 times)"
    assert texts(figure) == ["1", "2", "1", "1", "1"]


def test_confusion_matrix_has_the_truth_in_rows_and_the_names_in_order():
    truth, said = [0, 0, 0, 0, 1, 1, 2], [0, 1, 1, 2, 1, 2, 2]
    figure = drawn(figures.confusion_matrix(truth, said, ["cat", "dog", "cow"]))
    axis = figure.axes[0]
    numbers = {
        (text.get_position()[1], text.get_position()[0]): text.get_text() for text in axis.texts
    }
    assert numbers == {(0, 0): "1", (0, 1): "2", (0, 2): "1", (1, 1): "1", (1, 2): "1", (2, 2): "1"}
    colors = axis.images[0].get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(colors), np.eye(3, dtype=bool))
    np.testing.assert_array_equal(colors.filled(-1), [[-1, 50, 25], [0, -1, 50], [0, 0, -1]])
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted", "true")
    for labels in (axis.get_xticklabels(), axis.get_yticklabels()):
        assert [label.get_text() for label in labels] == ["cat", "dog", "cow"]


def test_confusion_matrix_without_mistakes_and_with_many_classes():
    assert (
        drawn(figures.confusion_matrix([0, 1], [0, 1], ["a", "b"])).get_suptitle() == "2 of 2 right"
    )
    y = RANDOM.integers(0, 100, 500)
    assert texts(drawn(figures.confusion_matrix(y, (y + 1) % 100, range(100)))) == []
    assert (
        drawn(figures.confusion_matrix([0, 3], [3, 0], ["a"]))
        .get_suptitle()
        .startswith("0 of 2 right")
    )


PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
LABELS = np.array([1, 0, 1, 1])


def test_mistakes_come_in_order_of_confidence():
    images = RANDOM.integers(0, 256, (4, 8, 8, 1)).astype("uint8")
    figure = drawn(figures.mistakes(images, LABELS, PROBABILITIES, ["no", "yes"], count=2))
    assert figure.get_suptitle() == "The 2 most confident of 3 mistakes among 4"
    assert titles(figure) == ["yes, taken for no: 90%", "no, taken for yes: 80%"]
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shown, images[0, ..., 0] / 255)


def test_each_mistake_is_shown_under_its_own_caption():
    """Of five examples the second and the fourth are wrong, with the fourth the more confident."""
    shades = np.array([10, 20, 30, 40, 50])
    images = np.broadcast_to(shades[:, None, None, None], (5, 4, 4, 1)).astype("uint8")
    probabilities = np.array([[8, 1, 1], [1, 3, 6], [0, 1, 9], [7, 1, 2], [2, 7, 1]]) / 10
    truth, names = np.array([0, 1, 2, 2, 1]), ["cat", "dog", "cow"]
    figure = drawn(figures.mistakes(images, truth, probabilities, names))
    assert figure.get_suptitle() == "All mistakes among 5"
    assert titles(figure) == ["cow, taken for cat: 70%", "dog, taken for cow: 60%"]
    shown = [round(255 * axis.images[0].get_array().mean()) for axis in figure.axes if axis.images]
    assert shown == [40, 20]
    paragraphs = texts(drawn(figures.mistakes(shades.astype(str), truth, probabilities, names)))
    assert paragraphs == ["cow, taken for cat: 70%", "40", "dog, taken for cow: 60%", "20"]


@pytest.mark.parametrize(
    "scale", [lambda x: x.astype("uint8"), lambda x: x / 255, lambda x: x / 60 - 2]
)
def test_images_of_any_range_are_shown_within_black_and_white(scale):
    images = scale(RANDOM.integers(0, 256, (4, 8, 8, 3)))
    figure = drawn(figures.mistakes(images, LABELS, PROBABILITIES, [0, 1]))
    for axis in figure.axes[:3]:
        shown = axis.images[0].get_array()
        assert shown.min() >= 0
        assert 0.5 < shown.max() <= 1


def test_texts_are_shown_as_they_are_whatever_they_contain():
    awkward = np.array(
        [b"costs $5 or $6 \xff", "東京 😀 _{x}", b"word " * 500, "fine"], dtype=object
    )
    figure = drawn(figures.mistakes(awkward, LABELS, PROBABILITIES, ["no", "yes"]))
    captions, paragraphs = texts(figure)[::2], texts(figure)[1::2]
    assert captions[0] == "yes, taken for no: 90%"
    assert paragraphs[0].startswith("costs $5 or $6")
    assert figure.get_suptitle() == "All mistakes among 4"


def test_no_mistake_is_said():
    figure = drawn(figures.mistakes(np.array(["a", "b"]), [0, 1], np.eye(2), ["no", "yes"]))
    assert figure.get_suptitle() == "No mistake among 2"


def test_predicted_against_true_says_the_typical_error():
    true = np.arange(100.0) * 1000
    figure = drawn(figures.predicted_against_true(true[:, None], true + 500, "price"))
    assert titles(figure) == ["Half of them within 500, R² 1.000"]
    assert figure.axes[0].get_xlabel() == "true price"
    two = np.stack([true, true], 1)
    assert len(drawn(figures.predicted_against_true(two, two)).axes) == 2
    drawn(figures.predicted_against_true([1.0, 1.0, np.nan], [np.nan, 2.0, 1.0]))
    drawn(figures.predicted_against_true([1.0], [np.nan]))


def points(axis):
    """What a scatter plot shows, `(n, 2)`."""
    return np.asarray(axis.collections[0].get_offsets())


def test_predicted_against_true_has_the_truth_across_and_each_output_in_its_panel():
    true = np.array([[0.0, 10], [1, 30], [2, 20], [3, 70]])
    predicted = np.array([[0.5, 11], [0.5, 32], [2.5, 24], [np.nan, 62]])
    figure = drawn(figures.predicted_against_true(true, predicted))
    np.testing.assert_array_equal(points(figure.axes[0]), [[0, 0.5], [1, 0.5], [2, 2.5]])
    np.testing.assert_array_equal(points(figure.axes[1]), [[10, 11], [30, 32], [20, 24], [70, 62]])
    labels = [(axis.get_xlabel(), axis.get_ylabel()) for axis in figure.axes]
    assert labels == [("true value 1", "predicted value 1"), ("true value 2", "predicted value 2")]
    # Errors 1, 2, 4, 8: half within (2 + 4) / 2. Squares sum to 85, those of the truth about its
    # mean to 2075.
    assert titles(figure) == [
        "Half of them within 0.50, R² 0.625",
        "Half of them within 3.0, R² 0.959",
    ]


def test_pictures_hold_each_answer_against_its_own_example():
    """Two batches of different size, whose answers tell which example they belong to."""
    inputs = np.arange(5.0)[:, None, None, None] * np.ones((4, 4, 1)) * 10
    truth = np.array([0, 2, 1, 1, 2])
    said = keras.utils.to_categorical([0, 2, 2, 1, 2], 3)

    class Model:
        def predict_on_batch(self, batch):
            return said[np.asarray(batch)[:, 0, 0, 0].astype(int) // 10]

    test = tf.data.Dataset.from_tensor_slices((inputs, truth)).batch(3)
    given = result("multi-class", test=test)
    given.model, given.metrics = Model(), {"classes": ["cat", "dog", "cow"]}
    pictures = figures.standard(given, training.answers)
    assert (
        pictures["confusion_matrix"].get_suptitle()
        == "4 of 5 right; most often dog taken for cow (1 time)"
    )
    assert titles(drawn(pictures["mistakes"])) == ["dog, taken for cow: 100%"]
    shown = next(axis for axis in pictures["mistakes"].axes if axis.images)
    assert round(255 * shown.images[0].get_array().mean()) == 20


@pytest.mark.parametrize(
    ("task", "targets", "predictions", "labels", "probabilities"),
    [
        ("multi-class", [1, 0], [[0.25, 0.75], [1, 0]], [1, 0], [[0.25, 0.75], [1, 0]]),
        ("multi-class", [[0, 1], [1, 0]], [[0.25, 0.75], [1, 0]], [1, 0], [[0.25, 0.75], [1, 0]]),
        ("multi-class", [[1], [0]], [[0, np.log(3)], [-500, 500]], [1, 0], [[0.25, 0.75], [0, 1]]),
        ("binary", [[1], [0]], [[0.75], [0]], [1, 0], [[0.25, 0.75], [1, 0]]),
        ("binary", [1, 0], [[np.log(3)], [-900]], [1, 0], [[0.25, 0.75], [1, 0]]),
    ],
)
def test_any_classifier_gives_class_numbers_and_probabilities(
    task, targets, predictions, labels, probabilities
):
    got = figures.classes_and_probabilities(task, targets, predictions)
    np.testing.assert_array_equal(got[0], labels)
    np.testing.assert_allclose(got[1], probabilities, atol=1e-12)


def result(task, status="ok", dense=False, test=True):
    head = types.SimpleNamespace(task=task, status=status, dense=dense)
    trained = {
        "history": {"loss": [1]},
        "monitored": ("val_loss", "min"),
        "metrics": {"classes": ["no", "yes"]},
    }
    return types.SimpleNamespace(**trained, head=head, model=None, test=test or None)


@pytest.mark.parametrize(
    ("given", "inputs", "targets", "predictions", "names"),
    [
        (
            result("multi-class"),
            np.zeros((4, 8, 8, 3)),
            LABELS,
            PROBABILITIES,
            "confusion_matrix mistakes",
        ),
        (
            result("binary"),
            np.array(list("abcd")),
            LABELS,
            LABELS[:, None],
            "confusion_matrix mistakes",
        ),
        (result("binary"), {"age": LABELS}, LABELS, LABELS[:, None], "confusion_matrix"),
        (result("regression"), LABELS, LABELS, LABELS[:, None], "predicted_against_true"),
        (result("multi-label"), None, None, None, ""),
        (result(None, "not applicable"), None, None, None, ""),
        (result("multi-class", "wrong"), None, None, None, ""),
        (result("multi-class", dense=True), None, None, None, ""),
        (result("multi-class", test=False), None, None, None, ""),
    ],
)
def test_pictures_by_task(given, inputs, targets, predictions, names):
    names = ["training_curves", *names.split()]
    assert (
        list(figures.standard(given, lambda model, test: (inputs, targets, predictions))) == names
    )


def test_pictures_are_saved_wide_enough_with_the_note_below_and_forgotten(tmp_path):
    plain, noted = (figures.training_curves({None: {"loss": [2, 1]}}) for _ in range(2))
    (first,) = figures.save({"training_curves": plain}, tmp_path)
    (second,) = figures.save(
        {"the same, noted": noted}, tmp_path, note="stand-in data: not comparable"
    )
    assert first.name == "training_curves.png"
    assert second.name == "the_same_noted.png"
    first, second = PIL.Image.open(first).convert("RGB"), PIL.Image.open(second)
    assert first.width == second.width >= 700
    assert second.height > first.height
    assert second.crop((0, 0, *first.size)).tobytes() == first.tobytes()
    assert len(second.crop((0, first.height, *second.size)).getcolors(1000)) > 2, "no writing"
    assert not plt.get_fignums()


def test_captions_say_what_pictures_show_in_the_order_in_which_they_were_drawn(tmp_path):
    two, axes = plt.subplots(1, 2)
    axes[0].set_title("Left")
    axes[1].set_title("right?", loc="left")
    untitled, _ = plt.subplots()
    figure, axis = plt.subplots()
    figure.suptitle("A walk")
    moving = animation.FuncAnimation(figure, lambda _: axis.plot([0, 1]), frames=2)
    matrix = figures.confusion_matrix([0, 1, 1], [0, 1, 0], ["O", "X"])
    pictures = {
        "two of them": two,
        "untitled": untitled,
        "walk": moving,
        "confusion_matrix": matrix,
    }
    captions = figures.captions(figures.save(pictures, tmp_path), pictures)
    assert captions == {
        "two_of_them.png": "Left; right?",
        "untitled.png": "",
        "walk.gif": "A walk.",
        "confusion_matrix.png": "How often each class was taken for each; mistakes are colored, "
        "right answers stay gray. 2 of 3 right; most often X taken for O (1 time).",
    }
    assert figures.captions([], None) == {}


def test_nothing_to_save(tmp_path):
    assert figures.save(None, tmp_path) == figures.save({}, tmp_path) == []


def test_animations_become_gifs_below_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "GIF_BYTES", 40_000)
    figure, axis = plt.subplots(figsize=(2, 2))
    image = axis.imshow(RANDOM.random((50, 50)))
    moving = animation.FuncAnimation(
        figure, lambda _: [image.set_data(RANDOM.random((50, 50)))], frames=4, interval=80
    )
    (path,) = figures.save({"moving": moving}, tmp_path, note="stand-in data")
    assert path.name == "moving.gif"
    assert path.stat().st_size <= 40_000
    with PIL.Image.open(path) as picture:
        assert picture.n_frames == 4
        assert picture.info["duration"] == 80
        assert picture.info["loop"] == 0
