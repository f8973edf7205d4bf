"""`python -m recipes new NAME --chapter CHAPTER`: create a recipe, its pictures and its test.

The files work and pass the tests immediately: they are an MLP on MNIST, to be changed step by step
into the intended recipe. The pages that list every recipe get a line, too.
"""

import importlib.util
import keyword
import re
import sys

from recipes._runner import pages, slides, titles
from recipes._runner.arguments import expanded
from recipes._runner.errors import UserError
from recipes._runner.recipe import CHAPTERS, ROOT, all_recipes
from recipes.tuning import storage

TESTS = ROOT.parent / "tests" / "recipes"

RECIPE = '''\
"""{title}

Slides: {slides}.

What the slide says, what is trained here to see it, and where that departs from the slide.
"""

import keras
import numpy as np
import tensorflow_datasets as tfds
from sklearn.linear_model import LogisticRegression

from recipes.common.arrays import to_numpy

EPOCHS = 3


def load_data(batch_size=128):
    """Train, validation and test batches of (28, 28, 1) uint8 images and integer labels 0–9."""
    splits = ["train[:95%]", "train[95%:]", "test"]
    train, validation, test = tfds.load("mnist", split=splits, as_supervised=True)
    train = train.cache().shuffle(10_000).batch(batch_size).prefetch(2)
    return train, validation.batch(500).cache(), test.batch(500).cache()


def build_model(units=64, learning_rate=0.001):
    """The compiled network: (28, 28, 1) images to 10 class probabilities. 50,890 parameters."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` and `load_data` worth tuning; their defaults are the recipe's."""
    return {{
        "units": hp.Int("units", 32, 256, step=32, default=64),
        "learning_rate": hp.Choice("learning_rate", [0.0005, 0.001, 0.002], default=0.001),
        "batch_size": hp.Choice("batch_size", [64, 128, 256], default=128),
    }}


def baseline(train, test):
    """Logistic regression on the pixels."""
    images, labels = to_numpy(train)
    classifier = LogisticRegression(solver="saga", tol=0.1)
    classifier.fit(images.reshape(-1, 784) / np.float32(255), labels)
    images, labels = to_numpy(test)
    return {{"accuracy": classifier.score(images.reshape(-1, 784) / np.float32(255), labels)}}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model()
    best = keras.callbacks.ModelCheckpoint(
        "{name}.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("{name}.keras")  # the best epoch
    print("Test:", model.evaluate(test, return_dict=True))
    print("Logistic regression on the pixels:", baseline(train, test))


if __name__ == "__main__":
    main()
'''

FIGURES = '''\
"""The picture of {name}: what its hidden units respond to."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common import plots


def figures(model, test, history):
    """The weights of the first 16 hidden units as images, orange where ink adds."""
    return {{"weights": plot_weights(model)}}


def plot_weights(model, count=16):
    """The weights from the pixels to the first hidden units."""
    kernel = model.layers[-2].get_weights()[0]  # (784, units)
    weights = kernel.T[:count].reshape(-1, 28, 28)
    largest = np.abs(weights).max()
    figure, axis = plt.subplots(figsize=(5, 4.4), layout="constrained")
    style = {{"cmap": "PuOr_r", "vmin": -largest, "vmax": largest}}
    picture = plots.show_images(axis, weights, columns=4, **style)
    figure.colorbar(picture, label="weight")
    figure.suptitle("What one sees here, in a sentence")
    return figure
'''

TEST = '''\
"""Its network learns, and its picture shows the weights that it has."""

import keras
import matplotlib.pyplot as plt
import numpy as np

from recipes.{chapter} import {name}
from recipes.{chapter}.figures import {name} as pictures

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 28, 28, 1)).astype("uint8")


def test_network_learns_a_batch_by_heart():
    keras.utils.set_random_seed(0)
    model = {name}.build_model(learning_rate=0.005)
    labels = np.arange(10)
    losses = [float(model.train_on_batch(IMAGES, labels)[0]) for _ in range(20)]
    assert losses[-1] < 0.1 * losses[0]
    assert (model.predict_on_batch(IMAGES).argmax(axis=1) == labels).all()


def test_picture_shows_the_weights_of_each_unit():
    model = {name}.build_model(units=3)
    kernel = np.zeros((784, 3), "float32")
    kernel[29, 1] = 2.0  # second row, second column of the second unit
    model.layers[-2].set_weights([kernel, np.zeros(3)])
    figure = pictures.plot_weights(model)
    shown = figure.axes[0].images[0].get_array()
    (row,), (column,) = np.nonzero(np.ma.filled(shown, 0) == 2)
    assert row % 29 == 1
    assert column == 29 + 1, "the second tile, after a gap of one pixel"
    plt.close(figure)
'''
TABLE_HEAD = "| recipe | question |\n|---|---|\n"  # in each chapter's README
CHAPTER_HEAD = "# {}\n\n" + TABLE_HEAD


def add_arguments(parser):
    parser.add_argument("name", type=expanded, help="new and unique: my_network, or my-network")
    parser.add_argument("--chapter", required=True, choices=CHAPTERS, metavar="CHAPTER")
    parser.add_argument(
        "--item", metavar="P12", help="what it shows of recipes/SLIDES.md [where it is planned]"
    )
    parser.add_argument("--title", help="what `make list` prints [made of the name]")
    parser.add_argument("--title-es", metavar="TITLE", help="the same in Spanish")


def main(options):
    name = options.name.replace("-", "_")
    check(name)
    rows = slides.items()
    item = shown_item(name, options.item, rows)
    words = name.replace("_", " ").capitalize()
    title = options.title or f"{words}: what it shows, in one line."
    title_es = options.title_es or f"{words}: qué muestra, en una línea."
    if title in [recipe.title for recipe in all_recipes()]:
        raise UserError(f"another recipe has the title {title!r}")
    headings = slides.deck_headings(item.headings)
    said = ", ".join(f"{deck} «{heading}»" for deck, heading in headings) or "000 «…»"
    given = {"name": name, "chapter": options.chapter, "title": title, "slides": said}

    chapter, tests = ROOT / options.chapter, TESTS / options.chapter
    files = {
        chapter / f"{name}.py": RECIPE,
        chapter / "figures" / f"{name}.py": FIGURES,
        tests / f"test_{name}.py": TEST,
    }
    for folder in (chapter, chapter / "figures", tests):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
    for path, template in files.items():
        storage.write(path, template.format(**given))
    list_in_chapter(chapter, name)
    list_in_slides(name, item, options.chapter)
    titles.add(name, title_es)
    pages.write()
    for path in files:
        print(path.relative_to(ROOT.parent))
    print(f"Change them into what {name} is to show, then:")
    print(f"  make recipe-{options.name}")
    print(
        f"  make exports tpu-table ARGS={name}  # its rows in the two tables, which tests look for"
    )


def check(name):
    """Refuse a name that is reserved by Python or used by another recipe."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UserError(f"{name}: a recipe's name has small letters, digits and - or _ in it")
    if any(recipe.name == name for recipe in all_recipes()):
        raise UserError(f"there is a recipe {name} already: names are unique over all chapters")
    if name in sys.stdlib_module_names or importlib.util.find_spec(name):
        raise UserError(f"{name} is a Python module, which a recipe of that name would hide")


def shown_item(name, number, rows):
    """The slides' item for the recipe: the given one, or the first for which it is planned.

    Raises:
        UserError: if there is none.
    """
    for row in rows:
        if row.number == number or (
            number is None and name in slides.PLANNED.findall(row.shown_by)
        ):
            return row
    wrong = f"no item {number}" if number else f"{name} is not planned"
    raise UserError(
        f"recipes/SLIDES.md: {wrong}; name the item that it shows, for example --item P12, "
        "or ITEM=P12 with make"
    )


def list_in_chapter(chapter, name):
    """Add the recipe at the end of the table of questions in its chapter's README."""
    path = chapter / "README.md"
    heading = chapter.name.replace("_", " ").capitalize()
    text = path.read_text(encoding="utf8") if path.exists() else CHAPTER_HEAD.format(heading)
    before, head, rest = text.partition(TABLE_HEAD)
    rows, gap, after = rest.partition("\n\n")
    row = f"| [{name}]({name}.py) | What does it ask? |"
    end = "\n"
    rows = end.join([*rows.strip("\n").splitlines(), row])
    storage.write(path, f"{before}{head}{rows}{gap or end}{after}")


def list_in_slides(name, item, chapter):
    """Link the recipe wherever it is planned, beside the recipes that already show the item."""
    text = slides.PATH.read_text(encoding="utf8")
    link = f"[{name}]({chapter}/{name}.py)"
    text = text.replace(f"not yet (`{name}`)", link)
    if name not in slides.PLANNED.findall(item.shown_by):
        row = item
        text = text.replace(
            f"| {row.number} | {row.headings} | {row.shown_by} |",
            f"| {row.number} | {row.headings} | {row.shown_by}, {link} |",
            1,
        )
    storage.write(slides.PATH, text)
