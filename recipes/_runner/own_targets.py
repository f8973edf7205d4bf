"""The targets of a user's data as arrays: classes, several labels, numbers."""

import ast
import collections
import math

import numpy as np

from recipes._runner import copy_extras, copy_own, inputs
from recipes._runner import recipe as recipes
from recipes._runner.errors import UserError
from recipes._runner.own_kinds import FEWEST, PAGE, SHOWN, kind

MOST_CLASSES = 20  # different numbers in a target; more are numbers to predict where both can be


def read_targets(own, recipe, examples, faults):
    """Convert target texts to the targets of `own`; returns the examples that have a target."""
    # Skip examples without a target.
    having = []
    for example in examples:
        if own.layout == "csv" and example.target in inputs.GAPS:
            faults.add(example.where, f"has no {' or '.join(own.names['target'])}")
        else:
            having.append(example)
    if own.form == "numbers":
        return read_numbers(own, having, faults)
    # Find the classes; those with too few examples are faults.
    told = [
        split_labels(example.target) if own.form == "labels" else [example.target]
        for example in having
    ]
    counts = collections.Counter(name for names in told for name in names)
    rare = [name for name in in_order(counts) if own.form != "labels" and counts[name] < FEWEST]
    for name in rare:
        number = f"{counts[name]} example" + "s" * (counts[name] != 1)
        faults.add(f"class {name}", f"has {number}; {FEWEST} are needed")
    if len(rare) > len(counts) / 2 and own.layout == "csv":
        raise UserError(
            f"{own.path}: {len(counts):,} different values in column {own.names['target'][0]}, "
            f"most of them fewer than {FEWEST} times: is it what you want to predict? "
            f"--target names another, and {PAGE} the recipes that predict numbers"
        )
    faults.refuse(own.path)
    own.classes = [name for name in in_order(counts) if name not in rare]
    kept = [
        example for example, names in zip(having, told, strict=True) if not set(names) & set(rare)
    ]
    told = [names for names in told if not set(names) & set(rare)]
    check_classes(own, recipe)
    # Encode the classes.
    numbers = {name: number for number, name in enumerate(own.classes)}
    if own.form in ("labels", "one-hot classes"):
        own.targets = np.zeros((len(told), len(own.classes)), "float32")
        for row, names in enumerate(told):
            own.targets[row, [numbers[name] for name in names]] = 1
    else:
        own.targets = np.array([numbers[name] for (name,) in told], "int32")
    return kept


def check_number(own, examples):
    """Raise a UserError if there is not an example for each part of the split."""
    if len(examples) < FEWEST:
        number = f"{len(examples)} usable image" + "s" * (len(examples) != 1)
        raise UserError(f"{own.path} holds {number}; {FEWEST} are needed")


def split_labels(cell):
    """`joy|love` as `["joy", "love"]`."""
    return [name.strip() for name in cell.split("|") if name.strip()]


def in_order(names):
    """The names in alphabetical order, or in ascending order if all are numbers."""
    if all(map(inputs.is_number, names)):
        return sorted(names, key=lambda name: float(name.replace(",", ".")))
    return sorted(names)


def check_classes(own, recipe):
    """Raise a UserError if the recipe's network does not support this number of classes."""
    count = len(own.classes)
    names = ", ".join(own.classes[:SHOWN]) + ", …" * (count > SHOWN)
    if count < 2:
        raise UserError(f"{own.path} has one class only ({names}): there is nothing to tell apart")
    if own.form == "two classes" and count > 2:
        wider = [
            each.name
            for each in recipes.all_recipes()
            if kind(each) == own.kind and takes_classes(each) and not has_places(each)
        ]
        instead = f"; {', '.join(wider)} take more" if wider else ""
        raise UserError(
            f"{own.path} has {count} classes ({names}), {recipe.name} tells two apart{instead}"
        )


def has_places(recipe):
    """Whether a recipe learns boxes or masks, by its source."""
    return "metrics.IoU(" in recipe.source or copy_extras.takes_boxes(recipe)


def takes_classes(recipe):
    """Whether the number of classes is an argument of a recipe's network."""
    build = copy_own.function(recipe, "build_model")
    return "classes" in [each.arg for each in build.args.args]


def takes_labels(recipe):
    """Whether a recipe's network for classes learns labels instead with `head="sigmoid"`."""
    build = ast.unparse(copy_own.function(recipe, "build_model"))
    return "head == 'sigmoid'" in build


def takes_numbers(recipe):
    """Whether a recipe's network for classes predicts a number instead with `classes=None`."""
    return "classes is None" in ast.unparse(copy_own.function(recipe, "build_model"))


def are_numbers(cells):
    """Whether the cells of a target are numbers to predict, not classes that are called by one."""
    cells = {cell for cell in cells if cell not in inputs.GAPS}
    if not all(map(inputs.is_number, cells)):
        return False
    whole = all(float(cell.replace(",", ".")).is_integer() for cell in cells)
    return len(cells) > MOST_CLASSES or not whole


def read_numbers(own, examples, faults):
    kept, values = [], []
    for example in examples:
        try:
            value = float(example.target.replace(own.names["decimal"], "."))
        except ValueError:
            value = math.nan
        if math.isfinite(value):
            kept.append(example)
            values.append(value)
        else:
            faults.add(example.where, f"{example.target!r} is no number to predict")
    faults.refuse(own.path)
    if len(kept) < 10 or len(set(values)) == 1:
        what = f"{len(kept)} numbers" if len(set(values)) != 1 else f"always {values[0]:g}"
        raise UserError(
            f"{own.path}: {what} in column {own.names['target'][0]}: too little to learn"
        )
    own.targets = np.array(values, "float32")[:, None]
    return kept
