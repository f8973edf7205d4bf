"""What `--data` says it has found, in three lines."""

import numpy as np

from recipes._runner.own_kinds import BESIDE, BY_CHANCE, FEWEST, SHOWN, WORDS


def found_in_words(own, examples, faults, recipe):
    """Lines on the data, its split, the network's task, rare labels and examples left out."""
    train, validation, test = own.parts
    lines = [f"{own.name}: {len(examples):,} {WORDS[own.kind]}{described(own)}"]
    sizes = (
        f"{len(train):,} to train, {len(validation):,} for validation, {len(test):,} for the test"
    )
    if own.in_parts:
        lines.append(f"Split as the folders say: {sizes}.")
    else:
        by = "by chance" if own.form in BY_CHANCE else "by class"
        lines.append(f"Split {by}, seed 0: {sizes}.")
    takes = {
        "image": f"images of {own.shape}",
        "text": "texts",
        "table": f"{len(own.columns or ())} columns",
    }[own.kind]
    lines.append(f"{recipe.name} learns from {takes}: {head_in_words(own)}.")
    lines += own.notes
    if rare := rare_labels(own):
        lines.append(f"Too rare to learn: {rare}.")
    if faults.found:
        lines.append(f"Left out ({len(faults.found):,}): {faults.in_words()}.")
    return lines


def described(own):
    """Classes with their counts, or the range of the numbers."""
    if own.form == "numbers":
        mean, deviation = own.scale
        values = own.targets[:, 0] * deviation + mean
        low, middle, high = np.quantile(values, [0, 0.5, 1])
        name = own.names["target"][0]
        return f"; {name} from {low:g} to {high:g}, median {middle:g}"
    counts = counted(own)
    what = "labels" if own.form == "labels" else "classes"
    order = np.argsort(-counts, kind="stable")
    named = [f"{own.classes[index]} {counts[index]:,}" for index in order]
    if own.form == "masks":
        shares = counts / counts.sum()
        named = [f"{own.classes[index]} {shares[index]:.1%}" for index in order]
    if len(named) > 8:
        named = [*named[:4], "…", *named[-3:]]
    words = f" of {len(counts)} {what}: {', '.join(named)}"
    if own.form == "boxes":
        without = int((present(own).sum(axis=1) == 0).sum())
        more = f"; {without:,} without any" if without else ""
        return f" with {counts.sum():,} boxes{words}{more}"
    if own.form == "masks":
        return f" with masks{words} of the pixels"
    if own.form != "labels" and counts.max() >= 3 * counts.min():
        times = counts.max() / counts.min()
        words += f"; the largest is {times:.3g} times the smallest (--class-weights balanced)"
    return words


def rare_labels(own):
    """Labels, or classes in images, in fewer than three examples or not in training; or ""."""
    if own.form not in ("labels", *BESIDE):
        return ""
    shown = present(own)
    counts, to_train = shown.sum(axis=0), shown[own.parts[0]].sum(axis=0)
    found = []
    for name, count, left in zip(own.classes, counts, to_train, strict=True):
        if count < FEWEST or not left:
            found.append(f"{name} ({count:.0f} of the examples, {left:.0f} of them to train with)")
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


def present(own):
    """Which labels each example has, or which classes are in its mask: (examples, classes)."""
    if own.form == "masks":
        numbers = range(len(own.classes))
        return np.array([[number in mask for number in numbers] for mask in own.targets])
    if own.form == "boxes":
        return own.targets[..., 5:].any(axis=(1, 2))
    return own.targets


def counted(own):
    """The examples of each class; of boxes and masks the boxes and pixels."""
    if own.form == "boxes":
        return own.targets[..., 5:].sum(axis=(0, 1, 2)).astype(int)
    if own.form == "masks":
        return np.bincount(own.targets.ravel(), minlength=len(own.classes))
    if own.targets.ndim > 1:
        return own.targets.sum(axis=0).astype(int)
    return np.bincount(own.targets, minlength=len(own.classes))


def head_in_words(own):
    """The network's head in words, and the score of always predicting the most frequent class."""
    if own.form == "numbers":
        _, deviation = own.scale
        of = f"{own.names['target'][0]} in units of its deviation, {deviation:.4g}"
        return f"one linear unit, mean squared error of {of}"
    if own.form == "labels":
        return f"{len(own.classes)} sigmoid units, binary cross-entropy"
    if own.form == "boxes":
        _, rows, columns, _ = own.targets.shape
        return f"a box of one of {len(own.classes)} classes in each of {rows} × {columns} cells"
    counts = counted(own)
    most = own.classes[int(counts.argmax())]
    head = f"{len(own.classes)} softmax units, categorical cross-entropy"
    if own.form == "two classes":
        head = f"one sigmoid unit for {own.classes[1]!r}, binary cross-entropy"
    right = f"{counts.max() / counts.sum():.1%}"
    if own.form == "masks":
        head = head.replace(" units", " units for each pixel")
        right += " of the pixels"
    return f"{head}; always {most!r} would be right in {right}"
