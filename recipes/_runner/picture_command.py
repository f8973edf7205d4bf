"""`python -m recipes picture NAME`: a small copy of a run's figure for the chapter's page.

`recipes/pictures.csv` defines the figure and the part of it; `--figure` and `--part` change it. The
picture becomes `recipes/<chapter>/pictures/<recipe>.png`; an animation remains one (`.gif`) if it
can be made small enough, otherwise its last frame is used.
"""

import argparse
import csv
import io
import json

import PIL.Image
import PIL.ImageSequence

from recipes._runner.arguments import expanded, expanded_path
from recipes._runner.errors import UserError
from recipes._runner.recipe import ROOT, all_recipes, find
from recipes._runner.run_command import SAVED_MODELS, shown
from recipes.tuning import storage

PATH = ROOT / "pictures.csv"
COLUMNS = (
    "recipe",  # cnn_mnist
    "figure",  # a file of its run: "feature_maps.png"
    "part",  # "0 0 50 100": left, top, right and bottom in percent; the whole figure if empty
)
SIDE = 320  # pixels; of the longer side
BYTES = 60_000
COLORS = (256, 128, 64, 32, 16)  # tried in turn until the file is small enough
EVERY = (1, 2, 3, 4, 6)  # steps between the frames of an animation, tried in the same way


def add_arguments(parser):
    parser.add_argument("recipe", type=expanded, help="as in `make list`; it has been run before")
    parser.add_argument("--figure", metavar="FILE", help="as its run calls it: feature_maps.png")
    parser.add_argument(
        "--part",
        type=part,
        metavar="PERCENT",
        help='"LEFT TOP RIGHT BOTTOM" of what to show: "0 0 50 100" is the left half',
    )
    parser.add_argument(
        "--saved", type=expanded_path, metavar="DIR", help="where its run lies [saved_models/NAME]"
    )


def part(text):
    """The argument type of `--part`: four numbers from 0 to 100, as text; "" for all of it."""
    numbers = [float(word) for word in text.split()]
    if numbers:
        left, top, right, bottom = numbers
        if not (0 <= left < right <= 100 and 0 <= top < bottom <= 100):
            raise argparse.ArgumentTypeError(f"{text!r}: left < right, top < bottom, from 0 to 100")
    return " ".join(f"{number:g}" for number in numbers)


part.__name__ = 'four numbers, "0 0 50 100",'  # for argparse's error message


def main(options):
    recipe = find(options.recipe)
    if not recipe.chapter:
        raise UserError(f"{options.recipe} is in no chapter, so there is no page for its picture")
    folder = options.saved or SAVED_MODELS / recipe.name
    check(folder, recipe)
    rows = read()
    row = rows.get(recipe.name, {"recipe": recipe.name, "figure": "", "part": ""})
    if options.figure is not None:
        row = {**row, "figure": options.figure, "part": ""}
    if options.part is not None:
        row = {**row, "part": options.part}
    source = folder / row["figure"]
    if source.suffix not in (".png", ".gif") or not source.is_file():
        there = ", ".join(path.name for path in sorted(folder.glob("*.[pg][ni][gf]")))
        raise UserError(f"name one of the figures in {shown(folder)} with --figure: {there}")
    target = recipe.path.parent / "pictures" / recipe.name
    target = save(source, row["part"], target)
    write(rows | {recipe.name: row})
    print(f"{shown(target)}: {target.stat().st_size / 1000:.0f} kB")


def check(folder, recipe):
    """Refuse any folder that is not a complete run on the real data.

    Raises:
        UserError: if there is no such run.
    """
    if not (folder / "README.md").exists():
        raise UserError(
            f"{shown(folder)} holds no run of {recipe.name}: `make recipe-{recipe.slug}`"
        )
    metrics = folder / "metrics.json"
    if not recipe.trains or not metrics.exists():
        return
    read_metrics = json.loads(metrics.read_text(encoding="utf8"))
    networks = [read_metrics] if "scores" in read_metrics else read_metrics.values()
    if any("stand-in" in network["data"].values() for network in networks):
        raise UserError(f"{shown(folder)} is of stand-in data, which chapter pages do not show")


def save(source, percent, target):
    """Save a small copy of a figure, or of a part of it; return its path.

    Args:
        source: A PNG or a GIF.
        percent: The part, as in `pictures.csv`.
        target: The target path without suffix; a picture of the other kind there is removed.
    """
    with PIL.Image.open(source) as figure:
        frames = [small(frame, percent) for frame in PIL.ImageSequence.Iterator(figure)]
        duration = figure.info.get("duration", 100)
    content, suffix = None, ".gif"
    if len(frames) > 1:
        content = animation(frames, duration)
    if content is None:
        content, suffix = still(frames[-1]), ".png"
    target.parent.mkdir(exist_ok=True)
    for other in (".png", ".gif"):
        target.with_suffix(other).unlink(missing_ok=True)
    target.with_suffix(suffix).write_bytes(content)
    return target.with_suffix(suffix)


def small(frame, percent):
    """A frame, or a part of it, of at most `SIDE` pixels."""
    frame = frame.convert("RGB")
    if percent:
        left, top, right, bottom = (float(number) / 100 for number in percent.split())
        width, height = frame.size
        frame = frame.crop(
            (round(left * width), round(top * height), round(right * width), round(bottom * height))
        )
    frame.thumbnail((SIDE, SIDE), PIL.Image.Resampling.LANCZOS)
    return frame


def still(frame):
    """A PNG with an adapted palette of as many colors as fit into `BYTES`.

    Raises:
        UserError: if even the smallest palette does not fit.
    """
    for colors in COLORS:
        file = io.BytesIO()
        palette = frame.quantize(colors, dither=PIL.Image.Dither.NONE)
        palette.save(file, "PNG", optimize=True)
        if file.tell() <= BYTES:
            return file.getvalue()
    raise UserError(f"in {COLORS[-1]} colors it still takes {file.tell() / 1000:.0f} kB")


def animation(frames, duration):
    """A GIF of all frames, or of every n-th, that fits into `BYTES`; None if none does."""
    width, height = frames[0].size
    strip = PIL.Image.new("RGB", (width, height * len(frames)))
    for number, frame in enumerate(frames):
        strip.paste(frame, (0, number * height))
    # With the same palette in all frames, only the moving parts are stored repeatedly.
    palette = strip.quantize(32, dither=PIL.Image.Dither.NONE)
    for every in EVERY:
        chosen = [
            frame.quantize(palette=palette, dither=PIL.Image.Dither.NONE)
            for frame in frames[::-every]  # always including the last frame
        ]
        file = io.BytesIO()
        chosen[-1].save(
            file,
            "GIF",
            save_all=True,
            append_images=chosen[-2::-1],
            duration=every * duration,
            loop=0,
            optimize=True,
        )
        if file.tell() <= BYTES:
            return file.getvalue()
    return None


def read():
    """The rows of `pictures.csv`, by recipe."""
    if not PATH.exists():
        return {}
    with open(PATH, encoding="utf8", newline="") as file:
        return {row["recipe"]: row for row in csv.DictReader(file)}


def write(rows):
    """Replace `pictures.csv`, in the order of the recipes."""
    order = [recipe.name for recipe in all_recipes()]
    lines = io.StringIO()
    writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows.values(), key=lambda row: order.index(row["recipe"])))
    storage.write(PATH, lines.getvalue())
