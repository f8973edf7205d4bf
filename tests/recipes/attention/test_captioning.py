"""Scenes and their captions; what counts as right; words one by one; where attention points."""

import keras
import numpy as np
import pytest

from recipes.attention import captioning as recipe
from recipes.attention.figures import captioning as figures

TWO = ["a", "small", "red", "circle", "above", "a", "large", "blue", "square"]


def thing(x, y, half=5, shape="circle"):
    return "small", "red", shape, (x, y, half)


@pytest.mark.parametrize(
    ("one", "other", "relation", "first"),
    [
        ((10, 10), (12, 40), "above", 0),
        ((12, 40), (10, 10), "above", 1),
        ((40, 20), (8, 22), "beside", 1),
        ((8, 22), (40, 20), "beside", 0),
        ((10, 10), (40, 40), None, 0),  # neither above nor beside
        ((10, 10), (10, 18), None, 0),  # they overlap
    ],
)
def test_the_upper_or_the_left_one_comes_first(one, other, relation, first):
    objects = [thing(*one), thing(*other, shape="square")]
    found, ordered = recipe.in_order(objects)
    assert found == relation
    assert ordered[0] is objects[first]


def test_captions_say_what_is_in_the_image():
    """The first shape's color is in the middle of its box; the words follow the grammar."""
    rng = np.random.default_rng(0)
    lengths = set()
    for _ in range(60):
        image, caption, boxes = recipe.sample_scene(rng)
        lengths.add(len(caption))
        assert image.shape == (48, 48, 3)
        assert len(caption) == 5 * len(boxes) - 1
        for number, (left, top, right, bottom) in enumerate(boxes):
            article, size, color, shape = caption[5 * number : 5 * number + 4]
            assert article == "a"
            assert shape in recipe.SHAPES
            assert (right - left > 14) == (size == "large")
            middle = image[int((top + bottom) / 2), int((left + right) / 2)].astype(int)
            distances = {name: np.abs(middle - rgb).sum() for name, rgb in recipe.COLORS.items()}
            assert min(distances, key=distances.get) == color
        if len(boxes) == 2:
            axis = ("beside", "above").index(caption[4])
            assert boxes[0][axis] < boxes[1][axis]
    assert lengths == {4, 9}


def test_words_so_far_are_those_before():
    captions = np.array([recipe.numbers(TWO), recipe.numbers(TWO[:4])])
    inputs, wanted = recipe.with_words_so_far(np.zeros((2, 48, 48, 3)), captions)
    said = [[recipe.WORDS[number] for number in row] for row in inputs["words"]]
    assert said[0] == ["<start>", *TWO]
    assert said[1] == ["<start>", *TWO[:4], "<end>", "", "", "", ""]
    np.testing.assert_array_equal(wanted, captions)
    assert recipe.in_words(captions[1]) == TWO[:4]


def test_a_caption_is_exact_if_all_its_words_are():
    captions = np.array([recipe.numbers(TWO), recipe.numbers(TWO[:4])])
    answers = np.eye(len(recipe.WORDS))[captions]
    answers[1, 7] = np.roll(answers[1, 7], 3)  # behind the end, nothing matters
    found = recipe.exact(
        keras.ops.convert_to_tensor(captions), keras.ops.convert_to_tensor(answers)
    )
    assert keras.ops.convert_to_numpy(found).tolist() == [1, 1]
    answers[0, 2] = np.roll(answers[0, 2], 1)
    found = recipe.exact(
        keras.ops.convert_to_tensor(captions), keras.ops.convert_to_tensor(answers)
    )
    assert keras.ops.convert_to_numpy(found).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("found", "grade"),
    [
        (TWO, "without errors"),
        (["a", "small", "red", "square", "above", "a", "large", "blue", "square"], "minor errors"),
        (["a", "small", "red", "circle"], "somewhat related"),
        (["a", "large", "white", "triangle"], "unrelated"),
    ],
)
def test_grades_of_the_slide(found, grade):
    assert recipe.grade(found, TWO) == grade


def test_shares_of_grades_add_up():
    shares = figures.shares_of_grades([TWO, TWO[:4], TWO], [TWO, TWO, TWO])
    assert shares["without errors"] == pytest.approx(2 / 3)
    assert shares["somewhat related"] == pytest.approx(1 / 3)
    assert sum(shares.values()) == pytest.approx(1)


def test_greedy_words_are_those_that_training_would_call_right():
    """Written word by word, a caption is what the likeliest words are, given that caption."""
    keras.utils.set_random_seed(1)
    model = recipe.build_model(filters=2, units=8)
    images, _ = recipe.sample_scenes(3, seed=0)
    described, maps = recipe.describe(model, images, most=4)
    assert maps.shape == (3, 10, 6, 6)
    np.testing.assert_allclose(maps.sum(axis=(2, 3)), 1, rtol=1e-5)
    captions = np.zeros((3, 10), "int32")
    for step in range(4):
        inputs, _ = recipe.with_words_so_far(images, captions)
        captions[:, step] = model.predict(inputs, verbose=0)[:, step].argmax(axis=-1)
    assert described == [recipe.in_words(caption) for caption in captions]


def test_without_attention_all_words_see_the_same():
    keras.utils.set_random_seed(0)
    model = recipe.build_model(filters=2, units=8, attention=False)
    images, _ = recipe.sample_scenes(2, seed=0)
    captions, maps = recipe.describe(model, images, most=2)
    assert maps is None
    assert len(captions) == 2


def test_pointing_by_hand():
    """Of the first object both words point at it, of the second only the color."""
    maps = np.zeros((1, 10, 6, 6))
    boxes = [[(0, 0, 8, 8), (30, 30, 46, 46)]]
    maps[0, [2, 3], 0, 0] = 1  # red, circle
    maps[0, 7, 5, 4] = 1  # blue: pixels 40 to 48 down, 32 to 40 across
    maps[0, 8, 0, 5] = 1  # square
    assert recipe.pointing(maps, [TWO], boxes) == 3 / 4


def test_a_place_touches_a_box_or_does_not():
    assert recipe.touches(0, 1, (6, 0, 9, 7))
    assert not recipe.touches(0, 2, (6, 0, 9, 7))
    assert not recipe.touches(1, 0, (0, 0, 8, 8))  # side by side


def test_scenes_are_chosen_by_their_words():
    assert figures.scenes_with([["a"], ["above"], ["beside"], ["above"]], ("above", "above")) == [
        1,
        3,
    ]
