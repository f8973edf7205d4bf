"""The standard pictures of every trained recipe, and functions that save all pictures."""

import itertools
import math
import pathlib
import re
import textwrap

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import PIL.ImageSequence
from matplotlib import animation, font_manager, ticker

from recipes._runner import own_pictures
from recipes._runner.results import significant

STYLE = pathlib.Path(__file__).with_name("style.mplstyle")
GIF_BYTES = 1_000_000


def use_style():
    """Use a file backend and the common style for all pictures."""
    matplotlib.use("Agg")
    plt.style.use(STYLE)


def standard(result, answers):
    """The pictures that fit any network: training curves, and predictions against targets.

    Args:
        result: Of a training: `history`, `monitored`, `head`, `metrics`, `model` and `test`.
        answers: A function of model and test set: inputs, targets and predictions as arrays.
    """
    figures = {}
    if result.history:
        figures["training_curves"] = training_curves({None: result.history}, *result.monitored)
    if result.test is None or result.head.status != "ok" or result.head.dense:
        return figures
    task = result.head.task
    if task in ("multi-class", "binary"):
        inputs, targets, predictions = answers(result.model, result.test)
        labels, probabilities = classes_and_probabilities(task, targets, predictions)
        names = result.metrics.get("classes") or list(range(probabilities.shape[1]))
        figures["confusion_matrix"] = confusion_matrix(labels, probabilities.argmax(1), names)
        if is_image(inputs) or is_text(inputs):
            figures["mistakes"] = mistakes(inputs, labels, probabilities, names)
    elif task in ("regression", "unit-interval regression"):
        _, targets, predictions = answers(result.model, result.test)
        figures["predicted_against_true"] = predicted_against_true(targets, predictions)
    return figures


def captions(paths, figures):
    """`{file: sentence}` for saved pictures: the description of standard ones, and the titles."""
    kinds = (training_curves, confusion_matrix, mistakes, predicted_against_true)
    kinds += (own_pictures.masks, own_pictures.boxes)
    known = {function.__name__: function.__doc__.partition("\n")[0] for function in kinds}
    found = {}
    for path, (name, figure) in zip(paths, (figures or {}).items(), strict=True):
        figure = figure._fig if isinstance(figure, animation.Animation) else figure
        said = " ".join(title(figure).split())
        said += "." * (said[-1:] not in ("", ".", "?", "!"))
        found[path.name] = " ".join(filter(None, [known.get(name), said]))
    return found


def title(figure):
    """The title of a picture, or the titles of its parts."""
    if figure.get_suptitle():
        return figure.get_suptitle()
    places = ("left", "center", "right")
    parts = [
        axis.get_title(place) for axis in figure.axes for place in places if axis.get_title(place)
    ]
    return "; ".join(parts)


def classes_and_probabilities(task, targets, predictions):
    """Class numbers `(n,)` and probabilities `(n, classes)`, also from one unit or logits."""
    predictions = np.asarray(predictions, "float64")
    targets = np.asarray(targets)
    if task == "binary":
        p = predictions.reshape(len(predictions))
        if p.min() < 0 or p.max() > 1:
            p = 0.5 * (1 + np.tanh(p / 2))
        return targets.reshape(len(targets)).astype(int), np.stack([1 - p, p], 1)
    if predictions.min() < 0 or not np.allclose(predictions.sum(1), 1, atol=0.05):
        predictions = np.exp(predictions - predictions.max(1, keepdims=True))
        predictions /= predictions.sum(1, keepdims=True)
    if targets.ndim > 1 and targets.shape[-1] > 1:
        targets = targets.argmax(-1)
    return targets.reshape(len(targets)).astype(int), predictions


def is_image(inputs):
    return isinstance(inputs, np.ndarray) and inputs.ndim == 4 and inputs.shape[-1] in (1, 3)


def is_text(inputs):
    return (
        isinstance(inputs, np.ndarray) and inputs.dtype.kind in "OSU" and inputs.size == len(inputs)
    )


def training_curves(histories, monitor="val_loss", direction="min"):
    """Loss and metrics over the epochs; training dashed, validation solid.

    Args:
        histories: `{name: {"loss": […], "val_loss": […], …}}`; a single network's name may be None.
        monitor: The metric that selected the epoch. The title gives the best value of it and of the
            loss; the direction of other metrics is not known.
        direction: `"max"` or `"min"`: which values of the metric are better.
    """
    # The panels: the loss and each metric.
    directions = {"loss": "min", monitor.removeprefix("val_"): direction}
    keys = dict.fromkeys(
        key.removeprefix("val_") for history in histories.values() for key in history
    )
    metrics = [key for key in keys if key != "learning_rate"]
    columns = min(len(metrics), 3) or 1
    rows = -(-len(metrics) // columns) or 1
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(max(4 * columns, 6), 3.6 * rows),
        layout="constrained",
        squeeze=False,
    )
    # The lines of each panel: training and validation of each network.
    for axis, metric in itertools.zip_longest(axes.flat, metrics):
        if metric is None:
            axis.set_axis_off()
            continue
        best = {}
        for number, (name, history) in enumerate(histories.items()):
            alone = name is None  # then color distinguishes the two lines, otherwise the networks
            training, validation = history.get(metric), history.get(f"val_{metric}")
            for values, style in ((training, "--"), (validation, "-")):
                if values:
                    label = ("training" if values is training else "validation") if alone else name
                    if not alone and values is training and validation:
                        label = None
                    color = f"C{int(values is validation)}" if alone else f"C{number % 8}"
                    marker = "o" if len(values) < 20 else ""
                    epochs = range(1, len(values) + 1)
                    axis.plot(
                        epochs,
                        values,
                        style,
                        color=color,
                        label=label,
                        marker=marker,
                        markersize=4,
                    )
            if metric in directions and validation and np.isfinite(validation).any():
                best[name] = best_of(directions[metric], validation)
        axis.set_title(curve_title(metric, directions.get(metric), best))
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
        axis.grid(True)
    # One legend for all panels.
    handles, labels = axes.flat[0].get_legend_handles_labels()
    if len(handles) > 1:
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(handles), 4))
    if None not in histories:
        figure.suptitle("Validation solid, training dashed")
    return figure


def best_of(direction, values):
    """The best value and its epoch."""
    choose = np.nanargmin if direction == "min" else np.nanargmax
    epoch = int(choose(values))
    return float(values[epoch]), epoch + 1


def curve_title(metric, direction, best):
    words = metric.replace("_", " ")
    if not best:
        return words
    choose = min if direction == "min" else max
    name = choose(best, key=lambda name: best[name][0])
    value, epoch = best[name]
    return f"{words}: best {value:.4g}" + (f", epoch {epoch}" if name is None else f", {name}")


def confusion_matrix(y_true, y_pred, class_names):
    """How often each class was taken for each; mistakes are colored, right answers stay gray.

    Args:
        y_true, y_pred: Class numbers.
        class_names: Their names.
    """
    # Count the pairs of true and predicted class.
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    size = max(len(class_names), y_true.max(initial=0) + 1, y_pred.max(initial=0) + 1)
    names = [str(name) for name in class_names] + [
        str(number) for number in range(len(class_names), size)
    ]
    counts = np.zeros((size, size), int)
    np.add.at(counts, (y_true, y_pred), 1)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    wrong = np.ma.masked_array(100 * share, np.eye(size, dtype=bool))

    # Color the mistakes.
    longest = max(map(len, names))
    side = min(max(4, 0.5 * size), 7.5)
    small = 11 if size <= 10 else 8
    figure, axis = plt.subplots(
        figsize=(side + 1.7 + 0.08 * longest, side + 0.7), layout="constrained"
    )
    cmap = plt.get_cmap("Blues").with_extremes(bad="0.9")
    image = axis.imshow(
        wrong, cmap=cmap, vmin=0, vmax=max(wrong.max(), 0.1) if wrong.count() else 1
    )
    figure.colorbar(image, label="mistakes, % of the true class", shrink=0.8)
    # Write names and counts if there is room.
    if size <= 40:
        upright = longest <= 3 or size * longest < 40
        axis.set_xticks(range(size), names, rotation=0 if upright else 90, fontsize=small)
        axis.set_yticks(range(size), names, fontsize=small)
    if size <= 20:
        for row, column in np.argwhere(counts):
            dark = row != column and wrong[row, column] > 0.6 * image.norm.vmax
            number = f"{counts[row, column]:,}"
            axis.text(
                column,
                row,
                number,
                ha="center",
                va="center",
                color="w" if dark else "k",
                fontsize=small,
            )
    axis.set(xlabel="predicted", ylabel="true")
    axis.spines[:].set_visible(False)
    # The title gives the accuracy and the most frequent mistake.
    right, total = int(np.trace(counts)), len(y_true)
    title = f"{right:,} of {total:,} right"
    if right < total:
        row, column = np.unravel_index(np.where(np.eye(size), -1, counts).argmax(), counts.shape)
        times = f"{counts[row, column]:,} time{'' if counts[row, column] == 1 else 's'}"
        title += f"; most often {names[row]} taken for {names[column]} ({times})"
    figure.suptitle(textwrap.fill(title, 60))
    return figure


def mistakes(inputs, y_true, probabilities, class_names, count=None):
    """The most confident wrong predictions.

    Args:
        inputs: Images `(n, height, width, channels)` or texts `(n,)`.
        y_true: Class numbers.
        probabilities: `(n, classes)`.
        class_names: The classes' names.
        count: Number of examples; 12 images or 6 texts if None.
    """
    inputs, y_true, probabilities = (
        np.asarray(inputs),
        np.asarray(y_true),
        np.asarray(probabilities),
    )
    answers = probabilities.argmax(1)
    confidence = probabilities.max(1)
    wrong = np.flatnonzero(answers != y_true)
    draw = draw_images if inputs.ndim >= 3 else draw_texts
    count = count or (12 if draw is draw_images else 6)
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")][:count]
    if not len(chosen):
        figure, axis = plt.subplots(figsize=(8, 1.5), layout="constrained")
        axis.set_axis_off()
        figure.suptitle(f"No mistake among {len(y_true):,}")
        return figure

    def caption(index):
        return (
            f"{class_names[y_true[index]]}, taken for {class_names[answers[index]]}: "
            f"{confidence[index]:.0%}"
        )

    figure = draw([inputs[index] for index in chosen], [caption(index) for index in chosen])
    some = f"The {len(chosen)} most confident of {len(wrong):,} mistakes"
    figure.suptitle(
        f"{'All mistakes' if len(chosen) == len(wrong) else some} among {len(y_true):,}"
    )
    return figure


def draw_images(images, captions):
    columns = min(4, len(images))
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(8, 2.25 * rows + 0.5), layout="constrained", squeeze=False
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image, caption in zip(axes.flat, images, captions, strict=False):
        image = image.astype("float64")
        # Standardized in an unknown way: only the pattern can be shown.
        if image.min() < 0 or image.max() > 255:
            image = (image - image.min()) / max(np.ptp(image), 1e-9)
        elif image.max() > 1:
            image = image / 255
        axis.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=1)
        axis.set_title(textwrap.fill(caption, 24), fontsize=10, loc="center")
    return figure


def draw_texts(texts, captions):
    paragraphs = []
    for text in texts:
        text = text if isinstance(text, str) else np.asarray(text).reshape(-1)[0]
        text = text.decode("utf8", "replace") if isinstance(text, bytes) else str(text)
        paragraphs.append(
            textwrap.wrap(textwrap.shorten(drawable(text), 360, placeholder=" …"), 105) or [""]
        )
    lines = sum(len(paragraph) + 2 for paragraph in paragraphs)
    figure, axis = plt.subplots(figsize=(8, 0.22 * lines + 0.5), layout="constrained")
    axis.set_axis_off()
    axis.set(ylim=(lines, 0), xlim=(0, 1))
    line = 0
    for paragraph, caption in zip(paragraphs, captions, strict=True):
        axis.text(0, line, caption, va="top", weight="bold", color="C1", parse_math=False)
        axis.text(
            0,
            line + 1,
            "\n".join(paragraph),
            va="top",
            fontsize=10,
            linespacing=1.35,
            parse_math=False,
        )
        line += len(paragraph) + 2
    return figure


def drawable(text):
    """The text with a box for each character that the font lacks, mostly emoji."""
    known = font_manager.get_font(
        font_manager.findfont(font_manager.FontProperties())
    ).get_charmap()
    return "".join(
        character if ord(character) in known or character.isspace() else "▯" for character in text
    )


def predicted_against_true(y_true, y_pred, label="value"):
    """Predictions over true values; those of a perfect network are on the diagonal.

    Args:
        y_true, y_pred: `(n,)` or `(n, outputs)`; one panel each for up to three outputs.
        label: The predicted quantity, with its unit.
    """
    y_true, y_pred = (
        np.asarray(values, "float64").reshape(len(values), -1) for values in (y_true, y_pred)
    )
    shown = min(y_true.shape[1], 3)
    size = (5.5 if shown == 1 else 4 * shown, 5)
    figure, axes = plt.subplots(1, shown, figsize=size, layout="constrained", squeeze=False)
    for output, axis in enumerate(axes.flat):
        true, predicted = y_true[:, output], y_pred[:, output]
        finite = np.isfinite(true) & np.isfinite(predicted)
        true, predicted = true[finite], predicted[finite]
        if not len(true):
            axis.set_title("no finite predictions")
            continue
        low, high = min(true.min(), predicted.min()), max(true.max(), predicted.max())
        axis.plot([low, high], [low, high], color="0.6", linewidth=1, label="perfect", zorder=3)
        axis.scatter(
            true, predicted, s=8, alpha=float(np.clip(300 / len(true), 0.12, 0.6)), linewidths=0
        )
        error = np.abs(predicted - true)
        variance = np.mean((true - true.mean()) ** 2)
        r2 = f", R² {1 - np.mean(error**2) / variance:.3f}" if variance else ""
        axis.set_title(f"Half of them within {significant(np.median(error), 2)}{r2}")
        name = label if shown == 1 else f"{label} {output + 1}"
        axis.set(xlabel=f"true {name}", ylabel=f"predicted {name}", aspect="equal")
        axis.grid(True)
        for ticks in (axis.xaxis, axis.yaxis):
            ticks.set_major_locator(ticker.MaxNLocator(5))
            if high - low > 5000:
                ticks.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
    return figure


def save(figures, folder, note=None):
    """Save pictures as PNG and animations as GIF of at most 1 MB, and close them.

    Args:
        figures: `{name: matplotlib Figure or Animation}`.
        folder: The target folder.
        note: Text below each picture.

    Returns:
        The files' paths.
    """
    folder = pathlib.Path(folder)
    paths = []
    for name, figure in (figures or {}).items():
        moving = isinstance(figure, animation.Animation)
        path = folder / (re.sub(r"[^\w-]+", "_", name) + (".gif" if moving else ".png"))
        if moving:
            save_animation(figure, path, note)
            plt.close(figure._fig)
        else:
            figure.savefig(path)
            plt.close(figure)
            if note:
                add_note(path, note)
        paths.append(path)
    return paths


def add_note(path, note):
    """Add a line below a saved picture, which leaves its layout unchanged."""
    with PIL.Image.open(path) as picture:
        picture = picture.convert("RGB")
    size = 20
    font = PIL.ImageFont.truetype(
        font_manager.findfont(font_manager.FontProperties(weight="bold")), size
    )
    noted = PIL.Image.new("RGB", (picture.width, picture.height + 2 * size), "white")
    noted.paste(picture)
    place = (picture.width / 2, picture.height + size)
    PIL.ImageDraw.Draw(noted).text(place, note, fill="#D55E00", font=font, anchor="mm")
    noted.save(path)


def save_animation(moving, path, note=None):
    """Save an animation as a GIF, reduced in size until it is below the limit."""
    if note:
        moving._fig.text(
            0.5, 0.005, note, ha="center", va="bottom", weight="bold", color="#D55E00", fontsize=9
        )
    moving.save(path, writer="pillow", dpi=moving._fig.dpi)
    while (size := path.stat().st_size) > GIF_BYTES:
        scale = 0.95 * math.sqrt(GIF_BYTES / size)
        with PIL.Image.open(path) as picture:
            smaller = (max(1, int(scale * picture.width)), max(1, int(scale * picture.height)))
            duration = picture.info["duration"]
            frames = [
                frame.convert("RGB").resize(smaller)
                for frame in PIL.ImageSequence.Iterator(picture)
            ]
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=duration, loop=0)
