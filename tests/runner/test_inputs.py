"""What `predict` makes of pictures, texts and tables, however they were saved."""

import io
import itertools
import pathlib

import keras
import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION

from recipes._runner import inputs
from recipes._runner.errors import UserError

INK, PAPER = 40, 220


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(kind, path):
    """Places and values of all that a file holds."""
    places, values = zip(*kind.read(pathlib.Path(path)), strict=True)
    return list(itertools.chain(*places)), np.concatenate(values)


def pixels(path, shape=(3, 4, 1), dtype="float32", invert=False):
    """The only picture of a file, without the last axis if that is 1."""
    places, values = read(inputs.Pictures(keras.Input(shape, dtype=dtype), invert), path)
    assert places == [{"file": str(path)}]
    assert values.shape[1:] == shape
    assert values.dtype == dtype
    return values[0, ..., 0] if shape[-1] == 1 else values[0]


# Pictures


def drawing():
    """3 × 4 pixels that differ however they are turned: ink at the upper left, going right."""
    values = np.full((3, 4), PAPER, "uint8")
    values[0, :3] = values[1, 0] = INK
    return values


SAVED_AS = {
    "gray.png": lambda image: image,
    "color.png": lambda image: image.convert("RGB"),
    "color.jpg": lambda image: image.convert("RGB"),
    "print.jpg": lambda image: image.convert("CMYK"),
    "print.tif": lambda image: image.convert("CMYK"),
    "video.jpg": lambda image: image.convert("YCbCr"),
    "palette.png": lambda image: image.convert("RGB").quantize(4),
    "palette.gif": lambda image: image.convert("P"),
    "alpha.png": lambda image: image.convert("RGBA"),
    "gray_alpha.png": lambda image: image.convert("LA"),
    "web.webp": lambda image: image.convert("RGB"),
    "bitmap.bmp": lambda image: image,
}


@pytest.mark.parametrize("name", SAVED_AS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_the_same_in_every_color_space(name, channels):
    # Blocks of 16 pixels, which JPEG's do not blur.
    image = Image.fromarray(drawing().repeat(16, 0).repeat(16, 1))
    SAVED_AS[name](image).save(name)
    found = pixels(name, (48, 64, channels))
    expected = np.asarray(image)
    for values in np.moveaxis(found, -1, 0) if channels == 3 else [found]:
        np.testing.assert_allclose(values, expected, atol=4)


def test_black_and_white():
    Image.fromarray(drawing() > 128).save("fax.tif")
    np.testing.assert_array_equal(pixels("fax.tif"), np.where(drawing() > 128, 255, 0))


TURNS = {  # what EXIF's number says was done to the picture, undone
    1: lambda values: values,
    2: lambda values: values[:, ::-1],
    3: lambda values: values[::-1, ::-1],
    4: lambda values: values[::-1],
    5: lambda values: values.T,
    6: lambda values: np.rot90(values),
    7: lambda values: values[::-1, ::-1].T,
    8: lambda values: np.rot90(values, -1),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("name", ["photo.png", "photo.tif", "photo.jpg"])
def test_pictures_stand_as_the_camera_was_held(turn, name, dtype):
    if name == "photo.jpg" and dtype == "uint16":
        pytest.skip("JPEG has 8 bits")
    big = drawing().repeat(8, 0).repeat(8, 1)
    stored = np.ascontiguousarray(TURNS[turn](big)).astype(dtype)
    stored *= 257 if dtype == "uint16" else 1
    exif = Image.Exif()
    exif[0x112] = turn
    Image.fromarray(stored).save(name, exif=exif)
    np.testing.assert_allclose(pixels(name, (24, 32, 1)), big, atol=20 * (name == "photo.jpg"))


@pytest.mark.parametrize("name", ["scan.png", "scan.tif"])
def test_sixteen_bits_are_scaled_to_eight(name):
    sixteen = np.array([[0, 257, 20_000, 65_535]] * 3, "uint16")
    Image.fromarray(sixteen).save(name)
    np.testing.assert_array_equal(pixels(name)[0], [0, 1, 78, 255])
    np.testing.assert_array_equal(pixels(name, (3, 4, 3))[0, :, 2], [0, 1, 78, 255])
    np.testing.assert_array_equal(pixels(name, invert=True)[0], [255, 254, 177, 0])


def test_tags_of_a_tiff_say_what_its_bits_mean():
    image = Image.fromarray(np.array([[0, 4095]], "uint16"))
    twelve = inputs.eight_bits(image, {BITSPERSAMPLE: (12,)}, "x.tif")
    np.testing.assert_array_equal(np.asarray(twelve), [[0, 255]])
    values = np.array([[0, 65_535, 65_535, 65_535]] * 3, "uint16")
    Image.fromarray(values).save("negative.tif", tiffinfo={PHOTOMETRIC_INTERPRETATION: 0})
    np.testing.assert_array_equal(pixels("negative.tif")[0], [255, 0, 0, 0])


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_an_unknown_range_is_refused(dtype):
    Image.fromarray(np.ones((3, 4), dtype)).save("depth.tif")
    with pytest.raises(UserError, match=r"depth.tif has pixels of 32 bits.*8 or 16"):
        pixels("depth.tif")


@pytest.mark.parametrize(("ink", "seen", "paper"), [(0, 0, 255), (255, 255, 0), (120, 120, 255)])
def test_ink_on_something_transparent_lies_on_paper_that_shows_it(ink, seen, paper):
    image = Image.new("LA", (4, 3), (ink, 0))
    image.putpixel((1, 2), (ink, 255))
    image.save("ink.png")
    expected = np.full((3, 4), paper)
    expected[2, 1] = seen
    np.testing.assert_array_equal(pixels("ink.png"), expected)


def test_transparent_colors_of_a_palette():
    image = Image.new("P", (4, 3), 1)
    image.putpalette([200, 0, 0, 0, 0, 0])
    image.putpixel((0, 0), 0)
    image.save("palette.gif", transparency=1)
    found = pixels("palette.gif", (3, 4, 3))
    np.testing.assert_array_equal(found[0, :2], [[200, 0, 0], [255, 255, 255]])


def test_a_model_of_four_channels_sees_transparency():
    Image.new("RGBA", (4, 3), (10, 20, 30, 0)).save("clear.png")
    np.testing.assert_array_equal(pixels("clear.png", (3, 4, 4))[0, 0], [10, 20, 30, 0])


def test_a_size_that_the_model_leaves_open_stays():
    Image.fromarray(drawing()).save("small.png")
    kind = inputs.Pictures(keras.Input((None, None, 1)), False)
    _, values = read(kind, "small.png")
    np.testing.assert_array_equal(values[0, ..., 0], drawing())


@pytest.mark.parametrize("name", ["scan.tif", "film.gif", "film.webp", "film.png"])
def test_each_page_and_frame_gets_an_answer(name):
    frames = [Image.new("L", (4, 3), value) for value in (0, 128, 255)]
    options = {"lossless": True} if name.endswith("webp") else {}
    frames[0].save(name, save_all=True, append_images=frames[1:], **options)
    places, values = read(inputs.Pictures(keras.Input((3, 4, 1)), False), name)
    assert places == [{"file": name, "page": page} for page in (1, 2, 3)]
    np.testing.assert_allclose(values[:, 0, 0, 0], [0, 128, 255], atol=1)


def test_the_previews_in_a_photograph_are_no_pages():
    views = [Image.new("RGB", (4, 3), color) for color in ("white", "black")]
    views[0].save("stereo.jpg", format="MPO", save_all=True, append_images=views[1:])
    assert pixels("stereo.jpg").min() > 250


# Two of 3 × 4 pixels of four bytes.
@pytest.mark.parametrize("most", [{"BATCH": 2}, {"BATCH_BYTES": 2 * 48}])
def test_pages_of_different_sizes_and_many_of_them(most, monkeypatch):
    for name, value in most.items():
        monkeypatch.setattr(inputs, name, value)
    pages = [Image.new("L", size, size[0]) for size in ((4, 3), (4, 3), (4, 3), (2, 2))]
    pages[0].save("scan.tif", save_all=True, append_images=pages[1:])
    kind = inputs.Pictures(keras.Input((None, None, 1)), False)
    shapes = [(len(places), values.shape) for places, values in kind.read(pathlib.Path("scan.tif"))]
    assert shapes == [(2, (2, 3, 4, 1)), (1, (1, 3, 4, 1)), (1, (1, 2, 2, 1))]


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("kind", ["png", "tiff", "gif", "jpeg", "webp", "bmp"])
def test_damaged_pictures_get_one_line(kind):
    """Cut anywhere, or with any bytes changed: pictures or one line, never another exception."""
    rng = np.random.default_rng(0)
    content = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (9, 9, 3), "uint8")).save(content, kind)
    path = pathlib.Path("picture")
    refusals = []
    for trial in range(40):
        damaged = bytearray(content.getvalue())
        if trial % 2:
            damaged = damaged[: rng.integers(len(damaged))]
        else:
            damaged[rng.integers(len(damaged))] ^= rng.integers(1, 256)
        path.write_bytes(damaged)
        try:
            list(inputs.pages(path))
        except UserError as error:
            refusals.append(str(error))
    assert refusals
    assert not [each for each in refusals if "\n" in each]


# Texts


def lines(content, whole=False, encoding=None):
    pathlib.Path("a.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    kind = inputs.Texts(keras.Input((), dtype="string"), whole, encoding)
    places, values = read(kind, "a.txt")
    return [place.get("line") for place in places], [value.decode() for value in values]


@pytest.mark.parametrize(
    "inside", ["\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85"]
)
def test_nothing_but_line_feeds_and_returns_ends_a_line(inside):
    text = f"good{inside}film"
    assert lines(f"{text}\nbad\n") == ([1, 2], [text, "bad"])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_every_system(end):
    assert lines(f"one{end}{end}three{end}") == ([1, 3], ["one", "three"])


def test_a_file_can_be_one_text():
    assert lines("First paragraph.\n\nSecond.\n", whole=True) == (
        [None],
        ["First paragraph.\n\nSecond."],
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_that_show(encoding):
    assert lines("mañana\n".encode(encoding)) == ([1], ["mañana"])


def test_encodings_that_must_be_said():
    content = "mañana\n".encode("latin-1")
    with pytest.raises(UserError, match=r"no text in UTF-8: byte 2 is 0xf1;.*--encoding latin-1"):
        lines(content)
    assert lines(content, encoding="latin-1") == ([1], ["mañana"])
    with pytest.raises(UserError, match="--encoding klingon"):
        lines(content, encoding="klingon")


@pytest.mark.parametrize("whole", [False, True])
def test_texts_of_nothing(whole):
    with pytest.raises(UserError, match="holds nothing"):
        lines(" \n\n", whole)


# Tables


def vector(width=3, dtype="float32"):
    given = keras.Input((width,), dtype=dtype)
    return inputs.Table(keras.Model(given, given), "m.keras", None)


def house():
    given = {
        "area": keras.Input((), name="area"),
        "rooms": keras.Input((), name="rooms", dtype="int32"),
        "place": keras.Input((), name="place", dtype="string"),
    }
    return inputs.Table(keras.Model(given, given["area"]), "m.keras", None)


def table(kind, text):
    """Numbers of the lines, and the values."""
    pathlib.Path("t.csv").write_bytes(text.encode())
    ((places, values),) = kind.read(pathlib.Path("t.csv"))
    if isinstance(values, dict):
        values = {name: value.numpy().tolist() for name, value in values.items()}
    else:
        values = values.numpy().tolist()
    return [place["line"] for place in places], values


def refused(kind, text):
    with pytest.raises(UserError) as caught:
        table(kind, text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


NUMBERS = [[1.5, 2.0, -30.0], [4.0, 0.5, 6.0]]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("header", [True, False])
def test_columns_are_found_whatever_separates_them(separator, header):
    rows = ["a,b,c"] * header + ["1.5,2,-3e1", "4, .5,6"]
    text = "\n".join(rows).replace(",", separator)
    assert table(vector(), text) == ([1 + header, 2 + header], NUMBERS)


@pytest.mark.parametrize("header", ["a;b;c\n", ""])
def test_decimal_commas(header):
    first = 2 if header else 1
    assert table(vector(), header + "1,5;2;-3e1\n4;,5;6\n") == ([first, first + 1], NUMBERS)
    assert table(house(), "place;area;rooms\nA, B;71,25;3\n")[1] == {
        "area": [71.25],
        "rooms": [3],
        "place": [b"A, B"],
    }


def test_commas_that_separate_thousands_are_not_taken_for_decimal_ones():
    said = refused(vector(2), "a;b\n1.5;1,234\n")
    assert "line 2: '1,234' in column b is no number" in said


@pytest.mark.parametrize("gap", ["", "NA", "N/A", "nan", "NULL", " "])
def test_gaps_are_gaps_in_the_first_row_too(gap):
    numbers, found = table(vector(), f"{gap},2,-3e1\n4,{gap},6\n")
    assert numbers == [1, 2]
    np.testing.assert_array_equal(found, [[np.nan, 2, -30], [4, np.nan, 6]])


def test_a_first_row_of_mostly_numbers_is_data_with_a_fault():
    assert refused(vector(), "?,2,3\n4,5,6\n").endswith(
        "t.csv, line 1: '?' in column 1 is no number"
    )
    assert refused(vector(2), "x,2\n4,5\n").endswith("line 1: 'x' in column 1 is no number")
    assert table(vector(), "year,area,1990\n4,5,6\n") == ([2], [[4, 5, 6]])
    assert table(vector(1), "demand\n4\n") == ([2], [[4]])


def test_words_stay_as_they_are():
    """The country of Namibia is no gap, and no text is a number."""
    text = 'rooms,place,more,area\n1,NA,x,7\n2,"8, ""High"" St",,9\n3,,y,\n'
    numbers, found = table(house(), text)
    assert numbers == [2, 3, 4]
    assert found["place"] == [b"NA", b'8, "High" St', b""]
    assert found["rooms"] == [1, 2, 3]
    np.testing.assert_array_equal(found["area"], [7, 9, np.nan])


@pytest.mark.parametrize("cell", ["", "1.5", "NA", "inf"])
def test_whole_numbers_are_whole(cell):
    said = refused(house(), f"area,rooms,place\n1,1,x\n1,{cell},x\n")
    assert said.endswith(f"line 3: {cell!r} in column rooms is no whole number")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_through_empty_ones_and_quoted_breaks(end):
    rows = [
        "",
        "area,rooms,place",
        "",
        '1,1,"two',
        "",
        'lines"',
        "2,2,x",
        "",
        "3,3,x\u2028y\x0cz",
        "",
    ]
    numbers, found = table(house(), end.join(rows))
    assert numbers == [4, 7, 9]
    assert found["place"] == [b"two\n\nlines", b"x", "x\u2028y\x0cz".encode()]
    assert refused(house(), end.join([*rows, "many,4,x"])).endswith(
        "line 11: 'many' in column area is no number"
    )


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_quotes_around_everything(separator):
    rows = ['"area","rooms","place"', '"1.5","2","a, b; ""c"""']
    numbers, found = table(house(), "\n".join(rows).replace('","', f'"{separator}"'))
    assert numbers == [2]
    assert found == {"area": [1.5], "rooms": [2], "place": [b'a, b; "c"']}


def test_a_column_of_gaps():
    _, found = table(vector(), "a,b,c\n1,,3\n4,NA,6\n")
    np.testing.assert_array_equal(found, [[1, np.nan, 3], [4, np.nan, 6]])


def test_words_alone():
    given = {name: keras.Input((), name=name, dtype="string") for name in ("who", "what")}
    kind = inputs.Table(keras.Model(given, given["who"]), "m.keras", None)
    assert table(kind, "what;who\n1.5;x\n")[1] == {"who": [b"x"], "what": [b"1.5"]}


def test_rows_of_another_length():
    assert refused(vector(), "1,2,3\n4,5\n").endswith("t.csv, line 2: 2 columns instead of 3")
    assert refused(vector(), '1,2,"3"\n\n4,5,6,7\n').endswith("line 3: 4 columns instead of 3")
    assert refused(vector(), "1,2,3\n4,5,6,7,8,9\n").endswith("line 2: 6 columns instead of 3")
    assert refused(vector(), "1,2\n").endswith("t.csv has 2 columns, m.keras takes 3")
    assert refused(vector(), "1;2\n").endswith("t.csv has 2 columns, m.keras takes 3")
    assert refused(house(), "area;rooms\n1;2\n").endswith(
        "t.csv has no column place; m.keras takes area, rooms, place"
    )
    assert "two columns named area" in refused(house(), "area,rooms,place,area\n1,2,x,3\n")


@pytest.mark.parametrize("length", [10, 200_000])
def test_quotes_that_are_not_closed(length):
    text = 'area,rooms,place\n1,2,"' + length * "x\n"
    assert "t.csv, line 2: is a quote not closed?" in refused(house(), text)
    assert "t.csv has 1 columns" in refused(vector(), '"1,2' + length * "x\n")


@pytest.mark.parametrize("text", ["", "\n\n", "a,b,c\n", "a,b,c\n\n"])
def test_tables_of_nothing(text):
    assert refused(vector(), text).endswith("t.csv holds nothing to predict")


def test_what_float32_cannot_hold_becomes_infinite(recwarn):
    assert table(vector(2), "1e39,-inf\n") == ([1], [[np.inf, -np.inf]])
    overflows = [each for each in recwarn if each.category is RuntimeWarning]  # NumPy's
    assert not overflows


# Which kind


@pytest.mark.parametrize(
    ("shape", "dtype", "first", "kind"),
    [
        ((28, 28, 1), "uint8", None, "images"),
        ((None, None, 3), "float32", None, "images"),
        ((28, 28), "float32", "Flatten", "images"),
        ((28, 28), "float32", "LSTM", None),
        ((200, 15), "float32", "LSTM", None),
        ((None, 2), "float32", "LSTM", None),
        ((4, 4, 7), "float32", None, None),
        ((2, 4, 4, 1), "float32", None, None),
        ((5,), "float32", None, "tables"),
        ((), "float32", None, "tables"),
        ((None,), "int32", None, None),
        ((), "string", None, "texts"),
        ((1,), "string", None, "texts"),
        ((3,), "string", None, None),
    ],
)
def test_the_model_says_what_it_takes(shape, dtype, first, kind):
    given = keras.Input(shape, dtype=dtype)
    outputs = given
    if first:
        layer = keras.layers.Flatten() if first == "Flatten" else keras.layers.LSTM(2)
        outputs = layer(keras.layers.Rescaling(1 / 255)(given))
    model = keras.Model(given, outputs)
    if kind:
        assert inputs.taken_by(model, "m.keras").what == kind
    else:
        with pytest.raises(UserError, match=r"m.keras takes arrays of shape \("):
            inputs.taken_by(model, "m.keras")
