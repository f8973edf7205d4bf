import numpy as np
import pytest
from keras import ops
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from layers.digits import CenterDigit, UnlikeDigit
from tests.layers.conformance import check_layer

SEVEN = [(0, 0), (6, 0), (2, 10)]
TWO = [(0, 2), (1, 0), (5, 0), (6, 2), (6, 4), (0, 10), (6, 10)]
FOUR = [(5, 10), (5, 0), (0, 7), (7, 7)]


def drawn(strokes, height=400, width=300, at=(150, 90), scale=10, pen=14):
    """Ink of 0 to 1 on (height, width) pixels: strokes from point to point, `at` (row, column)."""
    image = Image.new("L", (width, height))
    points = [(at[1] + scale * x, at[0] + scale * y) for x, y in strokes]
    ImageDraw.Draw(image).line(points, fill=255, width=pen, joint="curve")
    return np.asarray(image.filter(ImageFilter.GaussianBlur(0.5))) / np.float32(255)


def photographed(ink, light=240, shadow=100, dark=0.85, noise=5):
    """Dark ink on paper that a shadow from one corner crosses, as a camera sees it."""
    height, width = ink.shape
    down, right = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    paper = light - shadow * (down + right) / 2
    grain = np.random.default_rng(0).normal(0, noise, ink.shape)
    return np.clip(paper * (1 - dark * ink) + grain, 0, 255).astype("uint8")


def as_mnist(ink):
    """MNIST's preparation of clean ink with Pillow and SciPy: box, 20 pixels, center of mass."""
    rows, columns = np.nonzero(ink > 0.5)
    digit = Image.fromarray(ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])
    factor = 20 / max(digit.size)
    size = [max(1, round(side * factor)) for side in digit.size]
    digit = np.asarray(digit.resize(size, Image.Resampling.BILINEAR))
    canvas = np.zeros((28, 28))
    canvas[: digit.shape[0], : digit.shape[1]] = digit
    canvas = ndimage.shift(canvas, 13.5 - np.array(ndimage.center_of_mass(canvas)), order=1)
    return 255 * canvas / canvas.max()


def prepared(picture):
    return ops.convert_to_numpy(CenterDigit()(picture[None, :, :, None]))[0, :, :, 0]


def unlike(*images):
    return ops.convert_to_numpy(UnlikeDigit()(np.stack(images)[..., None]))


def settled(strokes):
    """A digit that has size and place as in MNIST, with its strongest ink at 255."""
    return np.round(as_mnist(drawn(strokes)))


def test_conformance_of_center_digit():
    digits = np.stack([settled(SEVEN), settled(TWO)])[..., None].astype("float32")
    check_layer(
        CenterDigit,
        inputs=digits,
        reference=lambda x, weights: x,
        parameters=0,
        tolerance=1,
        bad_shapes=[(2, 28, 28), (2, 28, 28, 2), (2, 28, 28, 4)],
    )


def reference_of_unlike(images, weights):
    found = []
    for image in images[..., 0] / 255:
        strong, number = ndimage.label(image > 0.3, np.ones((3, 3)))
        sizes = ndimage.sum_labels(image, strong, range(1, number + 1))
        near = ndimage.binary_dilation(strong == 1 + np.argmax(sizes), np.ones((3, 3)))
        apart = image[~near].sum() / image.sum()
        inside = ndimage.minimum_filter(image, 3, mode="nearest") > 0.25
        gray = np.sum(inside & (image < 0.63)) / np.sum(image > 0.25)
        length = max((image > 0.3).any(axis).sum() for axis in (0, 1))
        share = image.mean()
        found.append(max(0.03 / share, share / 0.3, apart / 0.25, gray / 0.05, 17 / length) / 2)
    return np.minimum(found, 1)


def test_conformance_of_unlike_digit():
    two, seven = settled(TWO), settled(SEVEN)
    speck = np.zeros((28, 28))
    speck[1:4, 1:4] = 200
    gray = ndimage.gaussian_filter(two * 0.9, 2.0)
    images = [two, seven, np.maximum(two, speck), gray, two * (np.arange(28) < 15), 0.4 * seven]
    check_layer(
        UnlikeDigit,
        inputs=np.stack(images)[..., None].astype("float32"),
        reference=reference_of_unlike,
        parameters=0,
        unknown_sizes=False,
        bad_shapes=[(2, 28, 28), (2, 28, 28, 3), (2, 20, 28, 1)],
    )


@pytest.mark.parametrize(
    "strokes",
    [
        SEVEN,
        pytest.param(TWO, marks=pytest.mark.full),
        pytest.param(FOUR, marks=pytest.mark.full),
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        {},
        {"at": (20, 20), "scale": 2, "pen": 3},
        {"at": (60, 40), "scale": 22, "pen": 34},
        {"height": 90, "width": 700, "at": (20, 500), "scale": 5, "pen": 8},
        {"height": 1500, "width": 1100, "at": (900, 600), "scale": 25, "pen": 30},
    ],
)
def test_photographs_become_what_pillow_and_scipy_make_of_the_ink_alone(strokes, place):
    """A shadow, grain, dark ink, another place and size: what remains is the digit."""
    ink = drawn(strokes, **place)
    expected = as_mnist(ink)
    picture = photographed(ink)
    for given in (picture, 255 - picture):
        found = prepared(given)
        assert found.min() >= 0
        assert found.max() == 255
        rows, columns = np.nonzero(found > 127)
        long = max(np.ptp(rows), np.ptp(columns)) + 1
        assert 18 <= long <= 22
        np.testing.assert_allclose(ndimage.center_of_mass(found), 13.5, atol=0.5)
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.93
    assert unlike(prepared(picture))[0] < 0.5


def test_the_preparation_is_the_same_in_color_and_in_another_type():
    picture = photographed(drawn(TWO))
    for given in (np.repeat(picture[..., None], 3, axis=-1), picture[..., None].astype("float32")):
        found = ops.convert_to_numpy(CenterDigit()(given[None]))[0, :, :, 0]
        np.testing.assert_allclose(found, prepared(picture), atol=1)


def test_each_picture_of_a_batch_is_prepared_for_itself():
    pictures = [photographed(drawn(SEVEN)), 255 - photographed(drawn(TWO, at=(20, 30), scale=20))]
    together = ops.convert_to_numpy(CenterDigit()(np.stack(pictures)[..., None]))[..., 0]
    np.testing.assert_allclose(together, [prepared(picture) for picture in pictures], atol=1)


def test_a_tightly_cut_bold_digit_keeps_its_polarity():
    ink = drawn(TWO, 130, 90, at=(14, 14), scale=10, pen=22)
    picture = photographed(ink, shadow=20)
    for given in (picture, 255 - picture):
        found = prepared(given)
        assert np.corrcoef(found.ravel(), as_mnist(ink).ravel())[0, 1] > 0.93


def test_specks_do_not_shrink_the_digit():
    ink = drawn(TWO)
    dirty = ink.copy()
    dirty[10:14, 280:284] = 1
    dirty[380:383, 10:14] = 1
    difference = np.abs(prepared(photographed(dirty)) - prepared(photographed(ink)))
    assert difference.mean() < 1


def test_a_page_without_ink_is_black_and_unlike_any_digit():
    blank = photographed(np.zeros((400, 300)))
    for page in (
        blank,
        255 - blank,
        np.full((400, 300), 255, "uint8"),
        np.zeros((28, 28), "uint8"),
    ):
        digit = prepared(page)
        assert digit.max() == 0
        assert unlike(digit)[0] == 1


def test_several_digits_in_one_picture_are_unlike_one():
    two, four = drawn(TWO, at=(150, 40)), drawn(FOUR, at=(150, 180))
    picture = photographed(np.maximum(two, four))
    assert unlike(prepared(picture))[0] > 0.5


def test_textures_are_unlike_digits():
    rng = np.random.default_rng(0)
    for spread in (1, 3, 8):
        texture = ndimage.gaussian_filter(rng.normal(size=(300, 400)), spread)
        texture = (255 * (texture - texture.min()) / np.ptp(texture)).astype("uint8")
        assert unlike(prepared(texture))[0] > 0.5
