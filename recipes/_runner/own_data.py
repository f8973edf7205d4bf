"""The user's data in place of a recipe's: `--data FOLDER_OR_CSV`, as described in OWN_DATA.md.

The kind of inputs of a recipe's network is read from its source, the form of the targets from a
network that is built for this purpose. Files are read as by `predict`.
"""

import dataclasses
import inspect
import math
import pathlib

import keras
import numpy as np
import PIL.Image
import tensorflow as tf

from recipes._runner import arguments, copy_extras, copy_own, inputs, training
from recipes._runner import recipe as recipes
from recipes._runner.errors import UserError
from recipes._runner.own_boxes_and_masks import read_boxes, read_masks
from recipes._runner.own_files import from_boxes, from_csv, from_folders, from_pairs, labels_file
from recipes._runner.own_kinds import (
    BESIDE,
    BY_CHANCE,
    FORMS,
    PAGE,
    TOLD,
    Faults,
    OwnData,
    kind,
    others,
)
from recipes._runner.own_targets import are_numbers, read_targets, takes_labels, takes_numbers
from recipes._runner.own_words import found_in_words
from recipes.common import head_check, head_look
from recipes.common.splits import split_by_class

LONGEST_SIDE = 64  # pixels of images unless `--set input_shape` is given: feasible on two CPU cores
LONGEST_WITH_MASK = 128
MULTIPLE = 16  # of it height and width are if there are masks: networks halve them four times
MOST_BYTES = 4 * 2**30  # of images in memory


def trial(recipe, module, found, settings, classes=3):
    """The form of the targets of the recipe's network, from a network built for this purpose.

    Returns:
        The form; the metric that selects the best epoch, with its direction; and the shape of the
        network's outputs.
    """
    build = module.build_model
    _, given = arguments.split(module, settings)
    if arguments.wants(build, "classes"):
        given["classes"] = classes
    if arguments.wants(build, "steps"):
        given["steps"] = 1
    if arguments.wants(build, "train"):
        few = few_examples(found, build)
        targets = np.zeros((len(few), 1), "float32")
        given["train"] = tf.data.Dataset.from_tensor_slices((few, targets)).batch(2)
    with arguments.blamed(module, settings):
        model = build(**given)
    shape = model.output_shape
    units = shape[-1]
    loss, _ = head_look.resolve_loss(model.loss, (None,), model.output_shape)
    want = head_check.LOSSES.get(loss)
    want = "sparse" if loss == "sparse_categorical_crossentropy" else want
    if len(shape) == 4:
        want = f"{want} of pixels"
    monitor = training.monitored(module, model)
    # Reset the layers' names; garbage collection would take longer than building the network.
    keras.backend.clear_session(free_memory=False)
    if copy_extras.takes_boxes(recipe):
        return "boxes", monitor, shape
    try:
        return FORMS[want, units == 1], monitor, shape
    except KeyError:
        raise UserError(
            f"--data: {recipe.name} is trained with {loss or 'a loss of its own'}, for which no "
            f"data of yours has targets; {others(found)}"
        ) from None


def few_examples(found, build):
    """A few texts, images or rows of a table that a network can be built on."""
    if found == "text":
        return tf.constant(["a b c", "d e f"])
    if found == "image":
        shape = inspect.signature(build).parameters["input_shape"].default
        return np.zeros((4, *shape), "uint8")
    return np.eye(4, 3, dtype="float32")


def load(recipe, module, options, settings):
    """The user's data in the form of the recipe's own.

    Args:
        recipe: The recipe to train.
        module: Its module.
        options: With `data`, `target`, `leave_out`, `skip_broken` and `encoding`.
        settings: Arguments of the recipe's functions; `input_shape` sets the size of images.

    Raises:
        UserError: if the data cannot be used; everything is checked before training.
    """
    # Determine the kind of inputs and the form of the targets.
    path = pathlib.Path(options.data)
    if not path.exists():
        raise UserError(f"--data {path} does not exist")
    path = path.resolve()
    found = kind(recipe)
    if found is None:
        takers = [each.name for each in recipes.all_recipes() if kind(each)]
        raise UserError(
            f"--data: {recipe.name} is made for its own data; {', '.join(takers)} take yours"
        )
    wanted, monitor, answers = trial(recipe, module, found, settings)
    shape = settings.get("input_shape")
    if wanted == "boxes":
        # As large as the recipe's images: that determines the number of cells.
        shape = shape or inspect.signature(module.build_model).parameters["input_shape"].default
        if answers[1] != answers[2]:
            raise UserError(f"--set input_shape={shape}: {recipe.name} takes squares")
    faults = Faults(bool(options.skip_broken))
    file = None if wanted == "masks" else labels_file(path, found)
    own = OwnData(
        path=path,
        kind=found,
        form=wanted,
        layout="csv" if file else "folder",
        inputs=None,
        targets=None,
        parts=None,
        classes=None,
        monitor=monitor,
    )
    # Find the examples.
    if wanted in BESIDE and not file:
        for name in ("target", "leave_out"):
            if getattr(options, name):
                flag = "--" + name.replace("_", "-")
                raise UserError(f"{flag} is for a CSV; {recipe.name} learns {TOLD[wanted]}")
        own.layout = "pairs"
        examples = from_pairs(own, faults)
        own.files = [example.target for example in examples]
        if examples[0].part is not None:
            own.in_parts = sorted({(each.part, each.where.parts[1]) for each in examples})
    elif wanted == "boxes":
        examples = from_boxes(own, file, options, faults)
    elif file:
        labels = own.form != "labels" and takes_labels(recipe)
        examples = from_csv(own, file, options, faults, labels)
        cells = [example.target for example in examples]
        if labels and (len(own.names["target"]) > 1 or any("|" in cell for cell in cells)):
            own.head = {"head": "sigmoid"}
            own.form, own.monitor, _ = trial(recipe, module, found, settings | own.head)
        elif takes_numbers(recipe) and are_numbers(cells):
            own.form, own.monitor, _ = trial(recipe, module, found, settings, classes=None)
    else:
        for name in ("target", "leave_out"):
            if getattr(options, name):
                flag = "--" + name.replace("_", "-")
                raise UserError(f"{flag} is for a CSV; {path} is a folder of classes")
        if wanted in ("labels", "numbers"):
            raise UserError(
                f"{path}: {recipe.name} learns {TOLD[wanted]}, which folders of classes do not "
                f"say: put a CSV of them beside the files; {PAGE} shows one"
            )
        examples = from_folders(path, found, faults)
        own.files = [example.value for example in examples]
        if examples[0].part is not None:
            own.in_parts = sorted({(each.part, each.where.parts[0]) for each in examples})
    # Read inputs and targets, and split the data.
    if found == "image":
        pictures = {example.where: example.value for example in examples}
        examples = read_images(own, examples, shape, faults)
        own.pictures = [pictures[example.where] for example in examples]
    elif found == "text":
        examples = read_texts(own, examples, options.encoding, faults)
    if wanted == "masks":
        examples = read_masks(own, recipe, examples, faults)
    elif wanted == "boxes":
        examples = read_boxes(own, module.encode, answers[1], examples, faults)
    else:
        examples = read_targets(own, recipe, examples, faults)
    faults.refuse(path)
    if found == "table":
        own.reading = copy_own.reading_of_table(own, options.encoding)
        own.inputs = own.inputs[[example.value for example in examples]]
    else:
        own.inputs = np.array(
            [example.value for example in examples], *[object] * (found == "text")
        )
    split(own, examples)
    if own.form == "numbers":
        standardize(own)
    own.lines = found_in_words(own, examples, faults, recipe)
    return own


def read_images(own, examples, shape, faults):
    """Read the images in a common size: `shape`, or close to their own."""
    # Read the sizes.
    sizes, channels, readable = [], 1, []
    for example in examples:
        try:
            if not example.value.stat().st_size:
                raise UserError("is empty")
            with PIL.Image.open(example.value) as image:
                turned = image.getexif().get(0x0112, 1) > 4  # on its side
                sizes.append(image.size[:: 1 if turned else -1])
                channels = max(
                    channels, 1 if image.mode in ("1", "L", "LA", "I;16", "I;16B") else 3
                )
        except Exception as error:  # for damaged bytes, Pillow can raise anything
            said = str(error) if isinstance(error, UserError) else "is no readable image"
            faults.add(example.where, said)
            continue
        readable.append(dataclasses.replace(example, size=tuple(sizes[-1])))
    if not readable:
        raise UserError(f"{own.path}: {faults.in_words()}; no image is left")
    # Choose the common size, and check that all images fit into memory.
    if shape is None:
        height, width = np.median(sizes, axis=0)
        longest, multiple = LONGEST_SIDE, 1
        if own.form == "masks":
            longest, multiple = LONGEST_WITH_MASK, MULTIPLE
        scale = min(1, longest / max(height, width)) / multiple
        height, width = (multiple * max(1, round(side * scale)) for side in (height, width))
        shape = (height, width, channels)
    if len(shape) != 3 or shape[2] not in inputs.MODES or min(shape) < 1:
        raise UserError(f"--set input_shape={shape}: height, width and 1, 3 or 4 channels")
    need = math.prod(shape) * len(readable)
    if need > MOST_BYTES:
        raise UserError(
            f"{own.path}: {len(readable):,} images of {shape} take {need / 2**30:.1f} GB of "
            "memory; a smaller --set input_shape=… takes less"
        )
    # Read the images.
    own.shape = shape
    reader = inputs.Pictures(keras.KerasTensor((None, *shape), "uint8"), invert=False)
    done = []
    for example in readable:
        try:
            _, values = next(reader.read(example.value))
        except UserError as error:
            faults.add(example.where, str(error).removeprefix(f"{example.value} "))
            continue
        done.append(dataclasses.replace(example, value=values[0]))
    return done


def read_texts(own, examples, encoding, faults):
    """Read the texts of files, or of a column."""
    done = []
    for example in examples:
        text = example.value
        try:
            if isinstance(text, pathlib.Path):
                text = inputs.read_text(text, encoding)
        except UserError as error:
            faults.add(example.where, str(error).removeprefix(f"{example.value} "))
            continue
        if text.strip():
            done.append(dataclasses.replace(example, value=text.strip()))
        else:
            faults.add(example.where, "holds no text")
    return done


def split(own, examples):
    """Set the rows of each split: as given by folders, or drawn at random within each class."""
    labels = np.zeros(len(examples), int)
    if own.form not in BY_CHANCE:
        labels = own.targets.argmax(axis=-1) if own.targets.ndim > 1 else own.targets
    said = np.array([-1 if example.part is None else example.part for example in examples])
    if (said < 0).all():
        own.parts = split_by_class(labels)
        return
    parts = [np.flatnonzero(said == part) for part in range(3)]
    lacking = set(range(len(own.classes))) - set(labels[parts[0]])
    if lacking and own.form not in BY_CHANCE:
        names = ", ".join(own.classes[label] for label in sorted(lacking))
        raise UserError(f"{own.path}: the training set has no {names}")
    for part in (1, 2):
        if not len(parts[part]):  # take a part of the training set
            rest, drawn, others = split_by_class(labels[parts[0]])
            parts[part] = parts[0][drawn]
            parts[0] = np.sort(parts[0][np.concatenate([rest, others])])
    own.parts = tuple(parts)


def standardize(own):
    """Standardize the targets to mean 0 and deviation 1; `deployed` reverses it."""
    train = own.targets[own.parts[0]]
    own.scale = tuple(float(f"{number:.6g}") for number in (train.mean(), train.std()))
    own.targets = (own.targets - own.scale[0]) / own.scale[1]
