"""The examples in a user's folders and tables: the file or row of each input, and its target."""

import dataclasses
import pathlib

import numpy as np

from recipes._runner import inputs
from recipes._runner.errors import UserError
from recipes._runner.own_kinds import BESIDE, CLASS_NAMES, PAGE, PARTS, SHOWN, TOLD, WORDS, Example

MOST_WORDS = 50  # different words in a column of a table, each of which becomes an input
TARGETS = (
    "target",
    "label",
    "labels",
    "class",
    "category",
)  # names of columns that are targets by default
CORNERS = (  # names of the columns of boxes
    ("left", "top", "right", "bottom"),
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
)
NOBODYS = ("Thumbs.db", "desktop.ini")  # files of the system, besides hidden ones like .DS_Store
SUFFIXES = {"image": inputs.PICTURES, "text": inputs.TEXTS}


def labels_file(path, found):
    """The CSV of a path: the path itself, or the folder's only one; None for folders of classes."""
    if path.is_file():
        if path.suffix.lower() not in inputs.TABLES:
            raise UserError(f"--data {path}: give a folder, or a table ({' '.join(inputs.TABLES)})")
        return path
    tables = [each for each in listed(path) if each.suffix.lower() in inputs.TABLES]
    if len(tables) > 1:
        names = ", ".join(each.name for each in tables[:SHOWN])
        raise UserError(
            f"{path} holds {len(tables)} tables ({names}): name one of them with --data"
        )
    if tables:
        return tables[0]
    if found == "table":
        raise UserError(f"{path} holds no CSV: give one with --data")
    return None


def listed(folder):
    """The content of a folder, sorted, without hidden and system files."""
    try:
        inner = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror}") from None
    return [each for each in inner if not each.name.startswith(".") and each.name not in NOBODYS]


def from_folders(path, found, faults):
    """Examples in one folder per class, or in such folders in `train`, `validation`, `test`."""
    inner = [each for each in listed(path) if each.is_dir()]
    parts = {each: PARTS.get(each.name.lower()) for each in inner}
    if inner and None not in parts.values():
        if 0 not in parts.values():
            raise UserError(f"{path} holds {', '.join(each.name for each in inner)}, but no train")
        places = [(each, part) for each, part in parts.items()]
    else:
        places = [(path, None)]
    examples = []
    for place, part in places:
        for folder in listed(place):
            if not folder.is_dir():
                faults.add(folder.relative_to(path), "lies in no folder of a class")
                continue
            files = [file for file in sorted(folder.rglob("*")) if is_somebodys(file)]
            if not files:
                faults.add(f"class {folder.name}", "has no examples")
            for file in files:
                where = file.relative_to(path)
                if file.suffix.lower() in SUFFIXES[found]:
                    examples.append(Example(where, file, folder.name, part))
                else:
                    faults.add(where, f"is none of {WORDS[found]} ({' '.join(SUFFIXES[found])})")
    if not examples:
        raise UserError(
            f"{path} holds neither a folder of {WORDS[found]} for each "
            f"class nor a CSV; {PAGE} shows both"
        )
    return examples


def from_pairs(own, faults):
    """Examples in a folder `images`, each with a file of the same name in the folder beside it."""
    folder, suffixes = BESIDE[own.form]
    for name in ("images", folder):
        if not (own.path / name).is_dir():
            raise UserError(
                f"{own.path} holds no folder {name!r}: images lie in images, and what belongs to "
                f"them in {folder}; {PAGE} shows both"
            )
    images = files_by_name(own.path / "images", inputs.PICTURES, faults)
    others = files_by_name(own.path / folder, suffixes, faults)
    examples = []
    for name, file in images.items():
        where = file.relative_to(own.path)
        if name not in others:
            faults.add(where, f"has no file of this name in {folder}")
            continue
        part = PARTS.get(name.parts[0].lower()) if len(name.parts) > 1 else None
        examples.append(Example(where, file, others[name], part))
    for name in others.keys() - images.keys():
        faults.add(others[name].relative_to(own.path), "belongs to no image")
    if not examples:
        faults.refuse(own.path)
        raise UserError(f"{own.path} holds no image with a file of the same name in {folder}")
    parts = {example.part for example in examples}
    if None in parts:  # these folders are no split
        examples = [dataclasses.replace(example, part=None) for example in examples]
    elif 0 not in parts:
        raise UserError(f"{own.path}/images holds folders for the split, but no train")
    return examples


def files_by_name(folder, suffixes, faults):
    """Files below a folder, `{path in it without suffix: file}`, sorted."""
    found = {}
    for file in sorted(folder.rglob("*")):
        if not is_somebodys(file) or file.name == CLASS_NAMES:
            continue
        name = file.relative_to(folder).with_suffix("")
        where = file.relative_to(folder.parent)
        if file.suffix.lower() not in suffixes:
            faults.add(where, f"is none of {' '.join(suffixes)}")
        elif name in found:
            faults.add(where, f"has the name of {found[name].name}")
        else:
            found[name] = file
    return found


def is_somebodys(file):
    hidden = file.name.startswith(".") or file.name in NOBODYS
    return file.is_file() and not hidden


def from_csv(own, file, options, faults, labels=False):
    """Examples of a CSV: texts, names of files beside it, or rows of numbers and words.

    With `labels`, the targets may also be labels, in a column each, where classes are learned.
    """
    rows = rows_of(own, file, options.encoding, faults)
    names = list(rows.columns)

    # Choose the columns of inputs and targets.
    wanted = named_columns("--target", options.target, names, file)
    left_out = named_columns("--leave-out", options.leave_out, names, file)
    if both := [name for name in wanted if name in left_out]:
        raise UserError(f"--leave-out {both[0]}: it is the target")
    rows = rows.drop(columns=left_out)
    names = [name for name in names if name not in left_out]
    if len(names) < 2:
        raise UserError(f"--leave-out {options.leave_out}: {file} has nothing else to learn from")
    source = source_column(own, file, rows.drop(columns=wanted))
    wanted = wanted or target_columns(own, rows, source, labels)
    if len(wanted) > 1 and own.form != "labels" and not labels:
        raise UserError(
            f"--target {options.target}: one column, for this network learns {TOLD[own.form]}"
        )
    if len(wanted) > 1:
        told = [labels_of(dict(zip(wanted, row, strict=True))) for row in rows[wanted].to_numpy()]
    else:
        told = rows[wanted[0]].tolist()
    own.names |= {"source": source, "target": wanted}
    # Create the examples.
    if own.kind == "table":
        return read_table(own, rows.drop(columns=wanted), told, file, faults)
    examples = []
    is_files = holds_files(own, file, rows[source])
    for line, value, goal in zip(rows.index, rows[source], told, strict=True):
        where = f"{file.name}, line {line}"
        path = file.parent / value
        if is_files and not path.is_file():
            faults.add(where, f"{value or 'a gap'} is no file beside it")
            continue
        examples.append(Example(value if is_files else where, path if is_files else value, goal))
    own.names["files"] = is_files
    return examples


def from_boxes(own, file, options, faults):
    """Examples of a CSV with a row for each box, in pixels of an image that lies beside it.

    The targets are lists of boxes: where each is written, its class, and its four cells.
    """
    rows = rows_of(own, file, options.encoding, faults)
    names = {name.lower(): name for name in rows.columns}
    corners = [[names[name] for name in each] for each in CORNERS if names.keys() >= set(each)]
    if not corners:
        raise UserError(
            f"{file} does not have the columns {', '.join(CORNERS[0])} (or {', '.join(CORNERS[1])})"
        )
    rest = rows.drop(columns=corners[0])
    rest = rest.drop(columns=named_columns("--leave-out", options.leave_out, list(rest), file))
    wanted = named_columns("--target", options.target, list(rest), file)
    source = source_column(own, file, rest)
    label = (wanted or target_columns(own, rest, source) or [None])[0]
    if label is None:
        raise UserError(f"{file} has no column with the class of a box, as in: {columns_of(own)}")
    own.names |= {"source": source, "target": [label], "corners": corners[0]}
    examples = {}
    for line, row in rows.iterrows():
        where = f"{file.name}, line {line}"
        path = file.parent / row[source]
        if not path.is_file():
            faults.add(where, f"{row[source] or 'a gap'} is no file beside it")
            continue
        example = examples.setdefault(path, Example(row[source], path, []))
        cells = row[corners[0]].tolist()
        if not {row[label], *cells} <= set(inputs.GAPS):  # otherwise an image without objects
            example.target.append((where, row[label], cells))
    if own.path.is_dir():
        for path in sorted(own.path.rglob("*")):
            is_image = path.suffix.lower() in inputs.PICTURES and is_somebodys(path)
            if is_image and path not in examples:
                faults.add(path.relative_to(own.path), f"has no line in {file.name}")
    return list(examples.values())


def rows_of(own, file, encoding, faults):
    """The rows of a CSV as strings, with the names of its columns; notes how to read it again."""
    text = inputs.read_text(file, encoding)
    if not text.strip():
        raise UserError(f"{file} is empty")
    separator = max(inputs.SEPARATORS, key=lambda each: len(inputs.first_row(text, each)))
    names = inputs.first_row(text, separator)
    if not inputs.is_header(names):
        raise UserError(f"{file}: the first line must name the columns, as in: {columns_of(own)}")
    if len(names) < 2:
        raise UserError(
            f"{file} has one column only ({names[0]}): what is to be learned from what?"
        )
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{file} has two columns named {name!r}")
    rows = inputs.parse(text, separator, file, faults).iloc[1:]
    rows.columns = names
    rows = rows.apply(lambda cells: cells.str.strip())
    if rows.empty:
        raise UserError(f"{file} has no rows below its first line")
    # Record how to read the file again.
    own.names = {"separator": separator, "file": file}
    numeric = [name for name in names if all(map(inputs.is_number, filled(rows[name])))]
    own.names["spaces"] = f"{separator} " in text
    own.names["decimal"] = inputs.decimal_mark(rows[numeric], separator)
    return rows


def named_columns(flag, words, names, file):
    """The columns that `--target` or `--leave-out` names, with commas between; [] without it."""
    found = [word.strip() for word in (words or "").split(",") if word.strip()]
    for name in found:
        if name not in names:
            raise UserError(f"{flag} {name}: {file} has {', '.join(names)}")
    return found


def filled(cells):
    """The cells of a column without gaps."""
    return cells[~cells.isin(inputs.GAPS)]


def columns_of(own):
    if own.form == "boxes":
        return "file,left,top,right,bottom,label"
    return {"image": "file,label", "text": "text,label", "table": "rooms,district,price"}[own.kind]


def source_column(own, file, rows):
    """The column with the texts, or the names of the files; None for a table."""
    if own.kind == "table":
        return None
    for name in rows.columns:
        if holds_files(own, file, rows[name]):
            return name
    if own.kind == "image":
        suffixes = " ".join(inputs.PICTURES)
        raise UserError(f"{file}: no column names the images beside it ({suffixes})")
    return rows.apply(lambda cells: cells.str.len().mean()).idxmax()  # the longest on average


def holds_files(own, file, cells):
    """Whether most cells of a column end in a suffix of this kind of files."""
    suffixes = [pathlib.PurePath(cell).suffix.lower() in SUFFIXES[own.kind] for cell in cells]
    return np.mean(suffixes) > 0.5


def target_columns(own, rows, source, labels=False):
    """The default of `--target`: all columns of 0 and 1 for labels, otherwise one column.

    With `labels`, these are possible, but a column that is named as a target comes first.
    """
    rest = [name for name in rows.columns if name != source]
    named = [name for name in rest if name.lower() in TARGETS]
    zero_or_one = rows[rest].isin(["0", "1"]).all(axis=None)
    wanted = own.form == "labels" or (labels and len(named) != 1)
    if wanted and zero_or_one and len(rest) > 1:
        return rest
    return named if len(named) == 1 else rest[-1:]


def labels_of(cells):
    """Names of the columns with a 1, joined as in a cell; a gap if one has neither 0 nor 1."""
    if not set(cells.values()) <= {"0", "1"}:
        return ""
    return "|".join(name for name, cell in cells.items() if cell == "1") or "|"


def read_table(own, rows, told, file, faults):
    """Read columns of numbers and of words; each word becomes a column of zeros and ones."""
    own.columns = []
    for name in rows.columns:
        words = sorted(set(filled(rows[name])))
        if not words:
            faults.add(f"column {name}", f"is empty (--leave-out {name})")
        elif all(map(inputs.is_number, words)):
            own.columns.append([name, None])
        elif len(words) > MOST_WORDS:
            faults.add(f"column {name}", f"has {len(words):,} different words (--leave-out {name})")
        else:
            own.columns.append([name, words])
    if not own.columns:
        raise UserError(
            f"{file} has no column to learn from besides {', '.join(own.names['target'])}"
        )
    own.inputs = inputs.encoded(rows, own.columns, own.names["decimal"], f"{file}, line")
    places = enumerate(zip(rows.index, told, strict=True))
    return [Example(f"{file.name}, line {line}", row, goal) for row, (line, goal) in places]
