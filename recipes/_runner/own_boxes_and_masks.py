"""The boxes and masks of a user's images as arrays."""

import dataclasses

import numpy as np
import PIL.Image

from recipes._runner import inputs
from recipes._runner.errors import UserError
from recipes._runner.own_kinds import BESIDE, CLASS_NAMES
from recipes._runner.own_targets import check_classes, check_number, in_order

MOST_KINDS = 1000  # classes of boxes


def class_names(own):
    """The lines of `classes.txt`, or []."""
    for folder in (own.path, own.path / BESIDE[own.form][0]):
        if (folder / CLASS_NAMES).is_file():
            lines = inputs.read_text(folder / CLASS_NAMES).splitlines()
            return [line.strip() for line in lines if line.strip()]
    return []


def read_masks(own, recipe, examples, faults):
    """Read the masks, in the size of the images; returns the examples that have one.

    The value of a pixel is the number of its class. With two classes, they may be 0 and 255.
    """
    # Read them; the values are those before the nearest pixels are taken.
    height, width, _ = own.shape
    kept, masks, values = [], [], []
    has_palette = False
    for example in examples:
        where = example.target.relative_to(own.path)
        try:
            mask, mode = read_mask(example.target)
        except UserError as error:
            faults.add(where, str(error))
            continue
        if mask.shape != example.size:
            size, wanted = (f"{columns} × {rows}" for rows, columns in (mask.shape, example.size))
            faults.add(where, f"has {size} pixels, its image {wanted}")
            continue
        has_palette |= mode == "P"
        kept.append(dataclasses.replace(example, where=where))
        values.append(set(np.flatnonzero(np.bincount(mask.ravel())).tolist()))
        masks.append(np.asarray(PIL.Image.fromarray(mask).resize((width, height), resample=0)))
    # Find the classes.
    names = class_names(own)
    there = set().union(*values)
    if 255 in there and there <= {0, 255} and len(names) in (0, 2):
        masks = [mask // 255 for mask in masks]
        values = [{value // 255 for value in each} for each in values]
        own.names["white"] = True
        there = set().union(*values)
        own.notes.append("The masks hold 0 and 255: 255 is taken as class 1.")
    if has_palette:
        own.notes.append("Masks with a palette: the number of a color in it is taken as the class.")
    count = len(names) or next(value for value in range(len(there) + 1) if value not in there)
    why = f"no mask holds {count}: classes are numbered from 0 without gaps"
    if names:
        why = f"{CLASS_NAMES} names the classes 0 to {count - 1}"
    if any(example.target.suffix.lower() in (".jpg", ".jpeg") for example in kept):
        why += " (JPEG changes values: save masks as PNG)"
    right = []
    for index, example in enumerate(kept):
        if max(values[index]) >= count:
            faults.add(example.where, f"holds {max(values[index])}, but {why}")
        else:
            right.append(index)
    faults.refuse(own.path)
    check_number(own, right)
    own.classes = names or [str(number) for number in range(count)]
    if not names and count == 2:
        own.classes = ["background", "foreground"]
    check_classes(own, recipe)
    own.targets = np.array([masks[index] for index in right], "uint8")
    return [kept[index] for index in right]


def read_mask(file):
    """The values of a mask, an array (height, width) of int32, and Pillow's name of its mode.

    Raises:
        UserError: if it cannot be read, or has colors.
    """
    if not file.stat().st_size:
        raise UserError("is empty")
    try:
        with PIL.Image.open(file) as image:
            values = np.asarray(image).astype("int32")
    except Exception:  # for damaged bytes, Pillow can raise anything
        raise UserError("is no readable image") from None
    if values.ndim > 2:
        raise UserError(
            f"has colors ({image.mode}): save it in gray, the value of a pixel its class's number"
        )
    if image.mode in ("I", "F"):
        raise UserError("has pixels of 32 bits: save it with 8 or 16")
    return values, image.mode


def read_boxes(own, encode, cells, examples, faults):
    """Read the boxes, and encode them as the recipe does; returns the examples that have them.

    Args:
        own: What was found until now.
        encode: Of the recipe.
        cells: Cells of the network along each side of an image.
        examples: Their targets are files of labels, or lists of boxes as strings.
        faults: Collects the boxes that cannot be used; their images are left out.
    """
    names = class_names(own) if own.layout == "pairs" else []
    kept, boxes, labels = [], [], []
    for example in examples:
        lines = example.target
        if own.layout == "pairs":
            lines = label_lines(own, example.target, names, faults)
        found = []
        for where, label, numbers in lines or []:
            try:
                if label in inputs.GAPS:
                    raise UserError(f"has no {own.names['target'][0]}")
                found.append((label, box_of(own, numbers, example.size)))
            except UserError as error:
                faults.add(where, str(error))
        if lines is not None and len(found) == len(lines):
            kept.append(example)
            labels.append([label for label, _ in found])
            boxes.append(np.reshape([box for _, box in found], (-1, 4)))
    faults.refuse(own.path)
    check_number(own, kept)
    total = sum(map(len, boxes))
    if not total:
        raise UserError(f"{own.path}: no image has a box")
    own.classes = names or in_order({label for each in labels for label in each})
    if own.layout == "pairs" and not names:
        own.classes = [str(number) for number in range(1 + int(own.classes[-1]))]
    targets = []
    for image_boxes, image_labels in zip(boxes, labels, strict=True):
        numbers = [own.classes.index(label) for label in image_labels]
        targets.append(encode(image_boxes, numbers, len(own.classes), side=1, cells=cells))
    own.targets = np.array(targets)
    lost = total - int(own.targets[..., 4].sum())
    if lost:
        own.notes.append(
            f"Not learned: {lost:,} of the {total:,} boxes, whose center is in the same of "
            f"{cells} × {cells} cells as another's."
        )
    return kept


def label_lines(own, file, names, faults):
    """The boxes in a file of labels as YOLO has them; None if there are faults.

    Returns:
        A list of: where the box is written, its class, and its four numbers as strings.
    """
    where = file.relative_to(own.path)
    try:
        lines = inputs.read_text(file).split("\n")
    except UserError as error:
        faults.add(where, str(error).removeprefix(f"{file} "))
        return None
    found = []
    for number, line in enumerate(lines, 1):
        label, *cells = line.split() or [None]
        said = ""
        if label is None:
            continue
        if len(cells) != 4:
            said = f"{1 + len(cells)} numbers instead of 5: class, center x and y, width, height"
        elif not label.isdecimal():
            said = f"{label!r} is no number of a class"
        elif names and int(label) >= len(names):
            said = f"class {label}, but {CLASS_NAMES} names the classes 0 to {len(names) - 1}"
        elif int(label) >= MOST_KINDS:
            said = f"class {label}, and there can be {MOST_KINDS:,}"
        if said:
            faults.add(f"{where}, line {number}", said)
            return None
        name = names[int(label)] if names else str(int(label))
        found.append((f"{where}, line {number}", name, cells))
    return found


def box_of(own, cells, size):
    """Left, top, right and bottom of a box, an array (4,), from 0 to 1 in the image.

    Args:
        own: Its layout is "csv" if the cells are these four in pixels, and "pairs" if they are the
            center, width and height from 0 to 1.
        cells: Four strings.
        size: Height and width of the image.

    Raises:
        UserError: if it is no box in the image.
    """
    height, width = size
    try:
        numbers = np.array([float(cell.replace(",", ".")) for cell in cells])
    except ValueError:
        raise UserError(f"{' '.join(cells)!r} are no four numbers") from None
    if own.layout == "pairs":
        center, extent = numbers[:2], numbers[2:]
        box = np.concatenate([center - extent / 2, center + extent / 2])
        shown = f"{' '.join(cells)} (from 0 to 1)"
    else:
        box = numbers / (width, height, width, height)
        shown = " ".join(cells)
    if not (box[:2] < box[2:]).all():
        raise UserError(f"the box {shown} has no area")
    # Pixels are counted from 0 or 1.
    slack = np.array([1 / width, 1 / height] * 2)
    if (box < -slack).any() or (box > 1 + slack).any():
        raise UserError(f"the box {shown} leaves the image of {width} × {height} pixels")
    if own.layout == "csv" and numbers.max() <= 1:
        raise UserError(f"the box {shown} is smaller than a pixel; boxes are in pixels")
    return box.clip(0, 1)
