"""What a copied recipe gets beside it: a README, and a `predict.py` for files of one's own.

Both are written from the recipe's source, which is not run: what `main()` saves, and what the
network takes.
"""

import ast
import dataclasses
import re

from recipes._runner import data

MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # Pillow's names, by the number of channels
FILES = {"image": "seven.png", "text": "texts.txt", "table": "table.csv"}  # an example's name
TOLD = {
    "image": "pictures",
    "text": "texts, one on each line",
    "table": "the rows of a table (CSV, its first line the names of the columns)",
}


@dataclasses.dataclass(frozen=True)
class Use:
    """How the network that `main()` saves is used.

    Args:
        file: What `main()` saves; of a comparison's networks, its first variant's.
        others: What it saves besides.
        kind: `"image"`, `"text"`, `"table"`, or None where no file holds what the network takes.
        shape: Of one input, batch left out.
        outputs: The names of the outputs, where it has several.
        writes: Whether it answers with texts.
    """

    file: str | None
    others: tuple = ()
    kind: str | None = None
    shape: tuple = ()
    outputs: tuple = ()
    writes: bool = False


def use(recipe):
    """How the trained network is used, read from the recipe's source."""
    functions = {node.name: node for node in recipe.tree.body if isinstance(node, ast.FunctionDef)}
    files = saved(functions["main"], variants(recipe.tree)) if "main" in functions else []
    if not files:
        return Use(None)
    called = {node.id for node in ast.walk(functions["main"]) if isinstance(node, ast.Name)}
    deployed = "deployed" in functions and "deployed" in called
    own = assigned(recipe.tree, "DATA") is not None  # a copy for the user's data
    files = sorted(files, key=lambda file: "deployed" not in file)  # the one to use first
    if deployed and not own:
        kind, shape, outputs = takes([functions["deployed"]])
    else:
        rest = [node for node in recipe.tree.body if getattr(node, "name", "") != "deployed"]
        kind, shape, outputs = takes(rest)
    if kind == "image" and not classifies(recipe) and "unlike" not in outputs:
        kind = None  # it answers with images, or with places in them
    if not data.names(recipe.path) and not own:
        kind = None  # what it takes is generated: there are no files of it
    writes = kind == "text" and deployed and assigned(recipe.tree, "CLASSES") is None
    return Use(files[0], tuple(files[1:]), kind, shape, outputs, writes)


def variants(tree):
    """The names in the dictionary VARIANTS; `{name}` stands for those that are not written out."""
    value = assigned(tree, "VARIANTS")
    keys = value.keys if isinstance(value, ast.Dict) else [None]
    names = [key.value for key in keys if isinstance(key, ast.Constant)]
    return names if len(names) == len(keys) else [*names, "{name}"]


def assigned(tree, name):
    """The expression that a module gives a name on its top level, or None."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and name in [
            getattr(target, "id", "") for target in node.targets
        ]:
            return node.value
    return None


def saved(main, names):
    """The .keras files that `main` names, in the order of its lines, but variants' files first."""
    strings, inner = [], set()
    for node in ast.walk(main):
        if isinstance(node, ast.JoinedStr):
            parts = [
                part.value if isinstance(part, ast.Constant) else "{name}" for part in node.values
            ]
            strings.append((node.lineno, "".join(parts)))
            inner.update(node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inner:
            strings.append((node.lineno, node.value))
    patterns = [text for _, text in sorted(strings) if text.endswith(".keras")]
    patterns.sort(key=lambda text: "{name}" not in text)
    files = []
    for text in patterns:
        files += (
            [text.replace("{name}", name) for name in names]
            if names and "{name}" in text
            else [text]
        )
    return list(dict.fromkeys(files))


def takes(nodes):
    """Kind and shape of inputs, names of outputs, by `keras.Input(…)`, `keras.Model(…, {…})`."""
    kinds, outputs, dictionaries, defaults = [], (), {}, {}
    # Those of build_model, which comes last, hold for the functions that it calls.
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            named = node.args.args[len(node.args.args) - len(node.args.defaults) :]
            both = zip(named, node.args.defaults, strict=True)
            defaults |= {each.arg: default for each, default in both}
    for node in [inner for outer in nodes for inner in ast.walk(outer)]:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            dictionaries |= {ast.unparse(target): node.value for target in node.targets}
        if not isinstance(node, ast.Call):
            continue
        function = ast.unparse(node.func)
        if function in ("keras.Input", "keras.layers.Input"):
            kinds.append(kind_of(node, defaults))
        elif function == "keras.Model" and len(node.args) == 2:
            answers = dictionaries.get(ast.unparse(node.args[1]), node.args[1])
            if isinstance(answers, ast.Dict):
                outputs = tuple(key.value for key in answers.keys)
    if len(set(kinds)) != 1:  # several parts, each with inputs of its own, or none that is named
        return None, (), outputs
    return *kinds[0], outputs


def kind_of(call, defaults):
    """What a `keras.Input(…)` takes: `(kind, shape)`; `(None, ())` for what no file has: codes.

    Args:
        call: The call.
        defaults: Of the arguments of the functions around it, of which one may be the shape.
    """
    words = {word.arg: ast.unparse(word.value) for word in call.keywords}
    dtype = words.get("dtype", "'float32'")
    size = call.args[0] if call.args else None
    size = defaults.get(size.id) if isinstance(size, ast.Name) else size
    if "name" in words or not isinstance(size, ast.Tuple):
        return None, ()  # one of several inputs, or of a shape that is computed
    sizes = size.elts
    shape = tuple(size.value if isinstance(size, ast.Constant) else None for size in sizes)
    if dtype == "'string'":
        return "text", shape
    if len(shape) == 3 and shape[-1] in MODES:
        return "image", shape
    if len(shape) == 1 and dtype == "'float32'":
        return "table", shape
    return None, ()


def classifies(recipe):
    """Whether the network tells classes apart; the others that take images answer with images."""
    strings = {node.value for node in ast.walk(recipe.tree) if isinstance(node, ast.Constant)}
    if "metrics.IoU(" in recipe.source or takes_boxes(recipe):  # classes of pixels, or of boxes
        return False
    return assigned(recipe.tree, "CLASSES") is not None or "accuracy" in strings


def takes_boxes(recipe):
    """Whether the targets are made of boxes, by a function `encode(boxes, labels, …)`.

    Boxes are left, top, right and bottom. `decode` makes boxes and scores of predictions.
    """
    functions = {node.name: node for node in recipe.tree.body if isinstance(node, ast.FunctionDef)}
    if not functions.keys() >= {"encode", "decode"}:
        return False
    return [each.arg for each in functions["encode"].args.args][:1] == ["boxes"]


def needs_recipe(recipe):
    """Whether loading the model needs the recipe imported: for its own classes or our layers."""
    layers = re.search(r"^\s*(from|import) layers\b", recipe.source, re.MULTILINE)
    return "register_keras_serializable" in recipe.source or layers is not None


# predict.py

PREDICT = '''\
"""What the network of {name}.py makes of {told}.

python {name}.py             trains and saves it
python {script} {file}
"""

{imports}

if not sys.argv[1:]:
    sys.exit(__doc__)
model = keras.saving.load_model(pathlib.Path(__file__).with_name("{saved}"))
for file in sys.argv[1:]:
{read}
'''

READ = {
    "image": """\
    picture = PIL.Image.open(file)
    if picture.mode.startswith(("I", "F")):
        sys.exit(f"{{file}} has more than 8 bits a pixel: save it with 8")
    picture = PIL.ImageOps.exif_transpose(picture){prepared}
    inputs = np.array(picture){axes}  # (1, height, width, {channels})
""",
    "text": """\
    with open(file, encoding="utf-8-sig") as lines:
        texts = [line.strip() for line in lines if line.strip()]
    answers = model.predict(tf.constant(texts), verbose=0){outputs}
    for place, answer in zip(texts, answers, strict=True):
""",
    "table": """\
    table = pd.read_csv(file{reading})
    answers = model.predict(table.to_numpy("float32"), verbose=0){outputs}
    for row, answer in enumerate(answers, start=1):
        place = f"{{file}}, row {{row}}"
""",
}
# Of a copy for the user's table, whose network takes the columns as they are in the file.
READ_COLUMNS = """\
    table = pd.read_csv(file{reading})
    inputs = {{}}
    for name, words in {name}.COLUMNS.items():
        column = table[[name]].fillna("") if words else table[[name]].astype("float32")
        inputs[name] = tf.constant(column.to_numpy())  # (rows, 1)
    answers = model.predict(inputs, verbose=0)
    for row, answer in enumerate(answers, start=1):
        place = f"{{file}}, row {{row}}"
"""
IMPORTS = {
    "image": ["import keras", "import numpy as np", "import PIL.Image", "import PIL.ImageOps"],
    "text": ["import keras", "import tensorflow as tf"],
    "table": ["import keras", "import pandas as pd"],
}


def predict(recipe, used, script="predict.py"):
    """The source of `predict.py`: a plain Keras script for the kind of files the network takes."""
    classes = assigned(recipe.tree, "CLASSES")
    main = "probabilities" if "probabilities" in used.outputs else (*used.outputs, None)[0]
    parts = {"outputs": f'["{main}"]' if main else ""}
    parts["reading"] = reading(recipe)
    if used.kind == "image":
        *size, channels = used.shape
        parts["prepared"] = f'.convert("{MODES[channels]}")'
        if None not in size:
            parts["prepared"] += f".resize(({size[1]}, {size[0]}))"
        parts |= {"channels": channels, "axes": "[None, :, :, None]" if channels == 1 else "[None]"}
    read = READ[used.kind].format(**parts)
    imports = ["import pathlib", "import sys", "", *IMPORTS[used.kind]]
    columns = assigned(recipe.tree, "COLUMNS") is not None and used.kind == "table"
    if columns:
        read = READ_COLUMNS.format(name=recipe.name, reading=parts["reading"])
        imports.append("import tensorflow as tf")
    imports += importing(recipe, classes is not None or columns)
    show = answer(recipe, used, classes, parts["outputs"])
    return PREDICT.format(
        name=recipe.name,
        told=TOLD[used.kind],
        script=script,
        file=FILES[used.kind],
        imports="\n".join(imports),
        saved=used.file,
        read=read + show,
    )


def reading(recipe):
    """How `load_data` reads a table with pandas, but for the column that a new one lacks."""
    words = []
    for node in ast.walk(recipe.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pd.read_csv":
            words = [ast.unparse(word) for word in node.keywords if word.arg != "dtype"]
            break
    if assigned(recipe.tree, "KINDS") is not None:
        words.append(f"dtype={recipe.name}.KINDS")
    return "".join(f", {word}" for word in words)


def importing(recipe, used=False):
    """The lines that import the recipe, where its network needs that or it is `used` besides."""
    if not needs_recipe(recipe):
        return ["", f"import {recipe.name}"] if used else []
    why = "its layers and classes, which Keras needs to load it"
    return ["", f"import {recipe.name}  # {why if used else f'noqa: F401 ({why})'}"]


def answer(recipe, used, classes, outputs):
    """The lines of `predict.py` that print an answer."""
    place, beside, before = "{place}", "", []
    if used.kind == "image":
        place = "{file}"
        before = [f"[answer] = model.predict(inputs, verbose=0){outputs}"]
        if "unlike" in used.outputs:
            before = ["answers = model.predict(inputs, verbose=0)", f"[answer] = answers{outputs}"]
            beside = "; unlike what it was trained on: {answers['unlike'].item():.2f}"
    if used.writes:
        line = f'print(f"{place}: {{answer.decode()}}{beside}")'
    elif classes is None and not (used.kind == "image" and classifies(recipe)):
        before += ['numbers = " ".join(f"{number:.6g}" for number in answer)']
        line = f'print(f"{place}: {{numbers}}{beside}")'
    elif isinstance(classes, ast.List) and len(classes.elts) == 2 and not softmax(recipe):
        # One unit: the probability of the second class.
        line = f'print(f"{place}: {{{recipe.name}.CLASSES[1]}} {{answer[0]:.3f}}{beside}")'
    else:
        name = "number" if classes is None else f"{recipe.name}.CLASSES[number]"
        before += ["likeliest = answer.argsort()[::-1][:3]"]
        before += [f'words = [f"{{{name}}} {{answer[number]:.3f}}" for number in likeliest]']
        line = f"print(f\"{place}: {{', '.join(words)}}{beside}\")"
    indent = "    " if used.kind == "image" else "        "
    return "\n".join(indent + each for each in [*before, line])


def softmax(recipe):
    """Whether two classes have a unit each: where the network leaves their number open."""
    for node in recipe.tree.body:
        if getattr(node, "name", "") == "build_model":
            return "classes" in [each.arg for each in node.args.args]
    return False


# README.md


def readme(recipe, used, script=None, figures=None):
    """The copy's README: what it is, how to run it, how to load and use what it saves.

    Args:
        recipe: What is copied.
        used: Its `Use`.
        script: Name of the `predict.py` beside it, if there is one.
        figures: Name of the file beside it that draws its pictures, if there is one.
    """
    name = recipe.name
    lines = [f"# {name}", "", recipe.title, "", "## Run", ""]
    lines += [
        "In an environment that uv makes for it, or in one of yours:",
        "",
        "```",
        f"uv run {name}.py",
        "",
    ]
    lines += ["pip install -r requirements.txt", f"python {name}.py", "```", ""]
    sets = data.names(recipe.path)
    if sets:
        lines += [
            f"TensorFlow Datasets puts the data ({', '.join(sets)}) into `~/tensorflow_datasets`,",
            "or the folder that `TFDS_DATA_DIR` names.",
        ]
    if used.file:
        files = [f"`{file}`" for file in (used.file, *used.others)]
        verb = "lie" if len(files) > 1 else "lies"
        lines += [f"Then {' and '.join(files)} {verb} beside it. To try everything in seconds, put"]
        lines += ["`KERAS_MAX_EPOCHS=1 KERAS_MAX_STEPS_PER_EPOCH=2` before the line.", ""]
    lines += [
        (
            "It is written for Keras' own settings on TensorFlow. "
            "If your `~/.keras/keras.json` has others"
        ),
        (
            "(`backend`, `floatx`, `image_data_format`), "
            "put `KERAS_BACKEND=tensorflow KERAS_HOME=.keras`"
        ),
        "before the line.",
        "",
    ]
    if script:
        lines += ["## Predict", "", f"The answers to {TOLD[used.kind]}:", ""]
        lines += ["```", f"python {script} {FILES[used.kind]}", "```", ""]
    if used.file:
        lines += ["## Load", "", "```python", "import keras", *importing(recipe), ""]
        lines += [f'model = keras.saving.load_model("{used.file}")', "```", ""]
        for function in ("load_data", "build_model", "deployed"):
            if function in recipe.functions:
                lines.append(f"- `{function}`: {summary(recipe, function)}")
        lines.append("")
    lines += training(recipe)
    if figures:
        lines += pictures(recipe, figures.removesuffix(".py"))
    return "\n".join(lines)


def pictures(recipe, module):
    """How to draw the recipe's pictures, with the module beside it that does."""
    if assigned(recipe.tree, "VARIANTS") is None:
        given = "model, test, history.history"
        words = ["`model` and `test` are those of `main()`, `history` is what `fit` returns:"]
    else:
        given = "models, test, histories"
        words = [
            "`test` is that of `main()`. Collect in its loop, by name of the variant, the networks",
            "that it evaluates in `models`, and `.history` of what `fit` returns in `histories`:",
        ]
    code = [
        f"from {module} import figures",
        "",
        f"for name, figure in figures({given}).items():",
    ]
    if "Animation" in recipe.figures_path.read_text(encoding="utf8"):
        code += [
            '    if hasattr(figure, "savefig"):',
            '        figure.savefig(f"{name}.png")',
            "    else:  # an animation",
            '        figure.save(f"{name}.gif")',
        ]
    else:
        code += ['    figure.savefig(f"{name}.png")']
    return ["## Pictures", "", *words, "", "```python", *code, "```", ""]


def training(recipe):
    """What every project asks for, as lines for `main`: early stopping, and class weights."""
    functions = {node.name: node for node in recipe.tree.body if isinstance(node, ast.FunctionDef)}
    chosen = {}
    for node in ast.walk(functions.get("main", ast.Module([]))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("ModelCheckpoint"):
            chosen = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
    if not chosen.get("monitor"):
        return []
    strings = {node.value for node in ast.walk(recipe.tree) if isinstance(node, ast.Constant)}
    # Keras does not weigh the classes of pixels.
    weigh = "accuracy" in strings and "metrics.IoU(" not in recipe.source
    title = "## Early stopping and class weights" if weigh else "## Early stopping"
    lines = early_stopping(chosen["monitor"], chosen.get("mode"), 3)
    lines += class_weights(one_hot=False) if weigh else ""
    added = ", class_weight=weights" if weigh else ""
    lines += f"    model.fit(…, callbacks=[best, stop]{added})"
    code = [line.removeprefix("    ") for line in lines.splitlines()]
    words = [
        "In `main`, before and in the call of `fit`; EarlyStopping ends the training after three"
    ]
    words += ["epochs that are no better."]
    if weigh:
        words[-1] += " Of one-hot labels, and of labels (1,), count `labels.argmax(axis=-1)`"
        words += ["and `labels.ravel()`."]
    return [title, "", *words, "", "```python", *code, "```", ""]


def early_stopping(monitor, direction, patience):
    """The lines of `main` that make the callback `stop`."""
    mode = f', mode="{direction}"' if direction else ""
    line = (
        f'    stop = keras.callbacks.EarlyStopping(monitor="{monitor}"{mode}, '
        f"patience={patience})\n"
    )
    if len(line) <= 101:
        return line
    inner = line.strip().partition("(")[2].removesuffix(")")
    return f"    stop = keras.callbacks.EarlyStopping(\n        {inner}\n    )\n"


def class_weights(one_hot):
    """The lines of `main` that compute `weights`: a rare class counts as much as a frequent one."""
    index = ".argmax(axis=-1)" if one_hot else ""
    return f"""\
    labels = np.concatenate([targets for _, targets in train.as_numpy_iterator()])
    counts = np.bincount(labels{index})
    weights = dict(enumerate(len(labels) / (len(counts) * counts)))
"""


def summary(recipe, name):
    """The first sentence of a function's docstring."""
    for node in recipe.tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
    return ""
