"""Files as a model's inputs: pictures, texts (one per line) and tables (one example per row).

Each kind has a `read(file)` that yields places, `{"file": …, "line": …}`, and the model's inputs
for them.
"""

import csv
import io

from recipes._runner.errors import UserError
from recipes._runner.saved import reason

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
TEXTS = (".txt",)
TABLES = (".csv", ".tsv")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # Pillow's names, by number of channels
SEPARATORS = (",", ";", "\t", "|")
GAPS = ("", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "None")  # as in pandas
BATCH = 64  # pictures per batch, unless they are large
BATCH_BYTES = 2**26  # in a batch of several
csv.field_size_limit(2**31 - 1)  # a quote that is not closed is detected at the end of the file


def check(file):
    """Raise a UserError unless the file exists and has a supported type."""
    known = (*PICTURES, *TEXTS, *TABLES)
    if file.suffix.lower() not in known:
        pictures, texts, tables = map(" ".join, (PICTURES, TEXTS, TABLES))
        raise UserError(f"{file}: give images ({pictures}), texts ({texts}) or tables ({tables})")
    if not file.is_file():
        raise UserError(f"{file} {'is no file' if file.exists() else 'does not exist'}")


def taken_by(model, path, invert=False, whole=False, encoding=None, columns=None):
    """The kind of files that a model takes, by its inputs and the columns it was trained on.

    Raises:
        UserError: if it takes none of these kinds, or the options do not fit the kind.
    """
    if not getattr(model, "inputs", None):
        said = f"is a {type(model).__name__}, which takes neither images, texts nor tables"
        raise UserError(f"{path} {said}: load it in Python")
    shapes = [tuple(each.shape[1:]) for each in model.inputs]
    first = model.inputs[0]
    single = len(shapes) == 1 and not named_inputs(model)
    scalars = all(shape in ((), (1,)) for shape in shapes)
    vector = single and len(shapes[0]) == 1 and shapes[0][0] and first.dtype != "string"
    if single and scalars and first.dtype == "string":
        kind = Texts(first, whole, encoding)
    elif vector and columns:
        kind = TrainedColumns(path, encoding, columns)
    elif scalars or vector:
        kind = Table(model, path, encoding)
    elif single and is_picture(model):
        kind = Pictures(first, invert)
    else:
        them = " and ".join(map(str, shapes))
        said = f"takes arrays of shape {them}, which are no images, texts or rows of a table"
        raise UserError(f"{path} {said}: load it in Python")
    if invert and not isinstance(kind, Pictures):
        raise UserError(f"--invert is for images; {path} takes {kind.what}")
    if encoding and isinstance(kind, Pictures):
        raise UserError(f"--encoding is for texts and tables; {path} takes {kind.what}")
    if whole and not isinstance(kind, Texts):
        raise UserError(f"--whole is for texts; {path} takes {kind.what}")
    return kind


def named_inputs(model):
    """The dictionary that a model takes, or None."""
    given = getattr(model, "input", None)  # a sequential model has none before its first call
    return given if isinstance(given, dict) else None


def is_picture(model):
    """Whether the only input is a picture: it has channels, or the first layer flattens it.

    Windows of a time series also have two axes, like a gray picture, but recurrent networks and
    one-dimensional convolutions do not flatten them.
    """
    shape = tuple(model.inputs[0].shape[1:])
    if len(shape) == 3:
        return shape[2] in MODES
    if len(shape) != 2:
        return False
    for layer in model.layers:
        if type(layer).__name__ not in ("InputLayer", "Rescaling"):
            return type(layer).__name__ in ("Flatten", "Reshape")
    return False


def read_text(file, encoding=None):
    """The text of a file, with "\\n" at the end of its lines.

    The encoding is UTF-8, or UTF-16 or UTF-32 if the file begins with their byte order mark, unless
    `encoding` is given.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None
    encoding = encoding or encoding_of(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.removesuffix("-sig").upper()
        raise UserError(
            f"{file} is no text in {name}: byte {error.start} is {content[error.start]:#x}; "
            "save it in UTF-8, or say --encoding latin-1"
        ) from None
    except LookupError:
        raise UserError(f"--encoding {encoding}: such as utf-8, latin-1 or cp1252") from None
    # Not `splitlines`: a form feed or U+2028 does not end a line here.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def encoding_of(content):
    """The encoding of a file, by its byte order mark if it has one."""
    if content.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "utf-32"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8-sig"


def tensor(values, like):
    """A tensor of the input's type and rank, with one value or one row per example."""
    import tensorflow as tf

    values = tf.constant(values, "string" if like.dtype == "string" else None)
    if like.dtype != "string":
        values = tf.cast(values, like.dtype)
    return tf.reshape(values, (len(values), *(size or 1 for size in like.shape[1:])))


# Pictures


class Pictures:
    """Pictures, resized if the model has a fixed input size, with values from 0 to 255."""

    what, suffixes = "images", PICTURES

    def __init__(self, like, invert):
        self.like, self.invert = like, invert

    def read(self, file):
        import numpy as np

        height, width, channels = (*self.like.shape[1:], 1)[:3]
        mode = MODES[channels]
        batch, places = [], []
        for place, image in pages(file):
            image = image_in_mode(image, mode, self.invert)
            size = (width or image.width, height or image.height)
            array = np.asarray(image.resize(size, resample=2)).astype(self.like.dtype)  # bilinear
            array = array.reshape(*array.shape[:2], *self.like.shape[3:])
            count = len(batch) + 1
            full = too_large(count, count * array.nbytes)
            if batch and (full or batch[0].shape != array.shape):
                yield places, np.stack(batch)
                batch, places = [], []
            batch.append(array)
            places.append(place)
        yield places, np.stack(batch)


def too_large(count, size):
    """Whether a batch should not have so many pictures, or so many bytes."""
    return count > BATCH or size > BATCH_BYTES


def pages(file):
    """Yield place and 8-bit picture of each page of a TIFF, or of each frame of an animation."""
    from PIL import Image, ImageOps

    try:
        # Open a stream: given a path, Pillow misreads a rotated, uncompressed TIFF.
        with open(file, "rb") as stream, Image.open(stream) as opened:
            # The other pictures in a camera's MPO are previews of the first.
            count = 1 if opened.format == "MPO" else getattr(opened, "n_frames", 1)
            for number in range(count):
                opened.seek(number)
                place = {"file": str(file)}
                if count > 1:
                    place["page"] = number + 1
                tags = dict(getattr(opened, "tag_v2", {}))
                image = ImageOps.exif_transpose(opened)  # upright, by the camera's orientation
                yield place, eight_bits(image, tags, file)
    except UserError:
        raise
    except Exception as error:  # for damaged bytes, Pillow's decoders can raise anything
        raise UserError(f"{file} is no readable image: {reason(error)}") from None


def eight_bits(image, tags, file):
    """The picture with values from 0 to 255; 16-bit values are scaled by their range.

    Args:
        image: In any of Pillow's modes.
        tags: Of a TIFF: the number of used bits, and whether 0 is white.
    """
    import numpy as np
    from PIL import Image
    from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION

    if image.mode in ("I", "F"):
        said = "has pixels of 32 bits, which do not say how bright the brightest is"
        raise UserError(f"{file} {said}: save it with 8 or 16 bits")
    if not image.mode.startswith("I;16"):
        return image
    (bits,) = tags.get(BITSPERSAMPLE, (16,))
    values = np.asarray(image) / (2**bits - 1)
    if tags.get(PHOTOMETRIC_INTERPRETATION) == 0:  # 0 is white; Pillow handles this for 8 bits only
        values = 1 - values
    return Image.fromarray(np.rint(255 * values).astype("uint8"))


def image_in_mode(image, mode, invert):
    """The picture in the mode of the model's channels; transparent parts become white, or black."""
    from PIL import Image, ImageOps

    if image.has_transparency_data and mode != "RGBA":
        image = image.convert("RGBA")
        on_white = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        on_black = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
        darkest, _ = on_white.convert("L").getextrema()
        _, brightest = on_black.convert("L").getextrema()
        # White ink would be invisible on white: use black behind it.
        image = on_black if min(darkest, brightest) > 200 else on_white
    image = image.convert(mode)
    return ImageOps.invert(image) if invert and mode != "RGBA" else image


# Texts


class Texts:
    """Texts, one per line or one per file."""

    what, suffixes = "texts", TEXTS

    def __init__(self, like, whole, encoding):
        self.like, self.whole, self.encoding = like, whole, encoding

    def read(self, file):
        text = read_text(file, self.encoding)
        if self.whole:
            places, texts = [{"file": str(file)}], [text.strip()]
        else:
            places, texts = [], []
            for number, line in enumerate(text.split("\n"), 1):
                if line.strip():
                    places.append({"file": str(file), "line": number})
                    texts.append(line)
        if not any(texts):
            raise UserError(f"{file} holds nothing to predict")
        yield places, tensor(texts, self.like)


# Tables


class Table:
    """Tables with columns named as the model's inputs, or in order if it takes a vector."""

    what, suffixes = "tables", TABLES

    def __init__(self, model, path, encoding):
        self.path, self.encoding, self.width = path, encoding, None
        self.named = named_inputs(model)
        self.inputs = self.named or {each.name: each for each in model.inputs}
        if len(model.inputs) == 1 and not self.named:
            self.like = model.inputs[0]
            self.width = self.like.shape[1] if len(self.like.shape) == 2 else 1

    def read(self, file):
        text = read_text(file, self.encoding)
        if not text.strip():
            raise UserError(f"{file} holds nothing to predict")
        separator = self.separator(text, file)
        rows = parse(text, separator, file)
        names = first_row(text, separator)
        if self.width is None or is_header(names):
            rows = rows.iloc[1:]
        else:
            names = [str(number) for number in range(1, len(names) + 1)]
        if rows.empty:
            raise UserError(f"{file} holds nothing to predict")
        places = [{"file": str(file), "line": int(line)} for line in rows.index]
        yield places, self.values(rows, names, separator, file)

    def separator(self, text, file):
        """The column separator: the first one for which the first row fits the model."""
        most = []
        for separator in SEPARATORS:
            names = first_row(text, separator)
            if len(names) == self.width if self.width else set(names) >= set(self.inputs):
                return separator
            most = max(most, names, key=len)
        if self.width:
            raise UserError(f"{file} has {len(most)} columns, {self.path} takes {self.width}")
        lacking = ", ".join(name for name in self.inputs if name not in most)
        wanted = ", ".join(self.inputs)
        raise UserError(f"{file} has no column {lacking}; {self.path} takes {wanted}")

    def values(self, rows, names, separator, file):
        """The model's inputs for rows of strings."""
        import numpy as np

        if self.width:
            needed = [(index, self.like) for index in range(self.width)]
        else:
            twice = [name for name in self.inputs if names.count(name) > 1]
            if twice:
                raise UserError(f"{file} has two columns named {twice[0]}")
            needed = [(names.index(name), like) for name, like in self.inputs.items()]
        numeric = rows[[index for index, like in needed if like.dtype != "string"]]
        decimal = decimal_mark(numeric, separator)
        columns = []
        for index, like in needed:
            cells = rows[index].str.strip()
            if like.dtype != "string":
                cells = numbers(cells, decimal, "int" in like.dtype, f"{file}, line", names[index])
            columns.append(cells.to_numpy())
        if self.width:
            return tensor(np.stack(columns, axis=1), self.like)
        tensors = [tensor(cells, like) for cells, (_, like) in zip(columns, needed, strict=True)]
        return dict(zip(self.inputs, tensors, strict=True)) if self.named else tensors


class TrainedColumns(Table):
    """Tables with columns named as in training; words become zeros and ones, as in training."""

    def __init__(self, path, encoding, columns):
        self.path, self.encoding, self.width = path, encoding, None
        self.columns = columns
        self.inputs = {name: None for name, _ in columns}

    def values(self, rows, names, separator, file):
        rows.columns = names
        numeric = [name for name, words in self.columns if words is None]
        decimal = decimal_mark(rows[numeric], separator)
        return encoded(rows, self.columns, decimal, f"{file}, line")


def encoded(rows, columns, decimal, where):
    """Rows of strings as numbers; a column of words becomes one column of 0 and 1 for each word.

    Args:
        rows: A data frame with the columns.
        columns: `[name, None]` for numbers, `[name, words]` for words.
        decimal: The decimal mark.
        where: Prefix of the line number in the message about a cell that is not a number.

    Returns:
        Array (rows, numbers) of float32, NaN where a number is missing.
    """
    import numpy as np

    found = []
    for name, words in columns:
        cells = rows[name].str.strip()
        if words is None:
            found.append(numbers(cells, decimal, False, where, name))
        else:
            found.extend(cells == word for word in words)
    return np.stack([each.to_numpy("float32") for each in found], axis=1)


def decimal_mark(numeric, separator):
    """The decimal mark in columns of numbers.

    If columns are not separated by commas, it is the comma, as in Spain, unless the numbers contain
    points: a comma or a point could then also separate thousands.
    """
    has_points = numeric.apply(lambda cells: cells.str.contains(".", regex=False))
    return "," if separator != "," and not has_points.any(axis=None) else "."


def first_row(text, separator):
    """The cells of the first row."""
    rows = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
    return [cell.strip() for cell in next(filter(None, rows))]


def parse(text, separator, file, faults=None):
    """The rows of a table as strings, indexed by the number of their first line.

    Not `pandas.read_csv`, which silently pads short rows or skips damaged ones.

    Args:
        text: With "\\n" at the end of lines; within quotes, they belong to a cell.
        separator: Between the cells of a row.
        file: For error messages.
        faults: Collects rows with a different number of cells than the first; they are left out.

    Raises:
        UserError: if a quote is not closed, or, without `faults`, a row has a different number of
            cells than the first.
    """
    import pandas as pd

    options = {"delimiter": separator, "skipinitialspace": True, "strict": True}
    reader = csv.reader(io.StringIO(text), **options)
    rows, lines, line = [], [], 1
    try:
        for row in reader:
            if row:  # skip empty lines
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{file}, line {line}: is a quote not closed? ({error})") from None
    width, whole = len(rows[0]), {}
    for line, row in zip(lines, rows, strict=True):
        if len(row) == width:
            whole[line] = row
        elif faults is None:
            raise UserError(f"{file}, line {line}: {len(row)} columns instead of {width}")
        else:
            faults.add(f"{file.name}, line {line}", f"{len(row)} columns instead of {width}")
    return pd.DataFrame(whole.values(), index=whole.keys())


def is_header(cells):
    """Whether the first row names the columns: it has more words than numbers."""
    filled = [cell for cell in cells if cell not in GAPS]
    words = [cell for cell in filled if not is_number(cell)]
    return len(words) > len(filled) / 2


def is_number(cell):
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def numbers(cells, decimal, whole, where, name):
    """The numbers in a column of strings, NaN for gaps.

    Raises:
        UserError: if a cell is not a number, or not a whole number although one is required.
    """
    import pandas as pd

    gaps = cells.isin(GAPS)
    cleaned = cells.str.replace(decimal, ".").mask(gaps)
    found = pd.to_numeric(cleaned, errors="coerce").astype("float64")
    wrong = found.isna() & ~gaps
    if whole:
        wrong |= ~(found % 1 == 0)
    if wrong.any():
        line, cell = cells.index[wrong][0], cells[wrong].iloc[0]
        kind = "whole number" if whole else "number"
        raise UserError(f"{where} {line}: {cell!r} in column {name} is no {kind}")
    return found
