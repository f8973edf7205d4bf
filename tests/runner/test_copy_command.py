"""Copies are complete, come from nowhere else, say what they need, and replace nothing unasked."""

import ast
import codecs
import json
import os
import pathlib
import re
import runpy
import subprocess
import sys
import sysconfig
import tomllib
import venv

import keras
import numpy as np
import PIL.Image
import pytest

from recipes._runner import cli, copy_command, copy_extras, data, recipe
from recipes.cnn_architectures import architectures_compared
from recipes.datasets import stand_ins
from tests.selection import RECIPES, TRAINED

DRAWN = [found for found in RECIPES if found.figures_path.exists()]
FILES = {
    "recipes/__init__.py": "from recipes import _runner\n",
    "recipes/_runner/__init__.py": "raise ImportError('the checkout')\n",
    "recipes/datasets/__init__.py": '"""Data."""\n',
    "recipes/datasets/houses.py": "import csv\nimport sklearn\n",
    "recipes/datasets/unused.py": "",
    "recipes/heads/__init__.py": "",
    "recipes/heads/tiny.py": '''\
"""Tiny: «señal».

Slides: none.
"""

import recipes.datasets.houses  # noqa: F401
from layers.outer import Outer


def main():
    import layers.late

    print(
        Outer.__module__,
        layers.__file__,
        recipes.datasets.__file__,
        layers.late.__file__,
        sep="\\n",
    )


if __name__ == "__main__":
    main()
''',
    "recipes/heads/other.py": '''\
"""Other."""

import keras
import tensorflow_datasets as tfds
from layers import late
''',
    "layers/__init__.py": '"""Layers."""\n',
    "layers/outer.py": "from .inner import Inner as Outer\nfrom layers import deep\n",
    "layers/inner.py": "class Inner:\n    pass\n",
    "layers/late.py": "",
    "layers/deep/__init__.py": "from . import below\n",
    "layers/deep/below.py": "from .. import inner\nfrom ..inner import Inner\n",
    "layers/unused.py": "import torch\n",
    "constraints.txt": (
        "keras==3.15.1\nTensorFlow_Datasets==4.9.10  # data\n"
        "scikit-learn==1.9.1\ntensorflow==2.21.0\n"
    ),
}


CHECKED = (
    "import recipes.datasets\nfrom recipes import check_head\n\nprint(check_head.__module__)\n"
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small project with the real one's layout."""
    root = tmp_path / "project"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf8")
    monkeypatch.setattr(recipe, "ROOT", root / "recipes")
    return root


def copy(name, folder, *more):
    return cli.main(["copy", name, str(folder), *more])


def environment():
    """That of a user of a copy, without the checkout on the path and what the runner has set."""
    ours = ("PYTHONPATH", "KERAS_BACKEND")
    return {name: value for name, value in os.environ.items() if name not in ours}


def files_in(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_is_imported_comes_along_and_nothing_else(project, tmp_path):
    mine = tmp_path / "deep" / "mine"
    assert copy("tiny", mine) == 0
    assert files_in(mine) == {
        "tiny.py",
        "README.md",
        "requirements.txt",
        "recipes/__init__.py",
        "recipes/datasets/__init__.py",
        "recipes/datasets/houses.py",
        "layers/__init__.py",
        "layers/outer.py",
        "layers/inner.py",
        "layers/late.py",
        "layers/deep/__init__.py",
        "layers/deep/below.py",
    }
    assert (mine / "recipes/__init__.py").read_text() == ""
    assert (mine / "layers/outer.py").read_bytes() == (project / "layers/outer.py").read_bytes()


def test_copy_uses_its_own_packages_although_the_checkout_is_installed(project, tmp_path):
    mine = tmp_path / "mine"
    copy("tiny", mine)
    for folder, script in ((mine, "tiny.py"), (tmp_path, "mine/tiny.py")):
        done = subprocess.run(
            [sys.executable, script],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        module, *paths = done.stdout.splitlines()
        assert module == "layers.inner"
        assert len(paths) == 3
        assert all(pathlib.Path(path).resolve().is_relative_to(mine) for path in paths), paths


def test_check_head_comes_along_where_it_is_imported(tmp_path):
    (tmp_path / "checked.py").write_text(CHECKED)
    mine = tmp_path / "mine"
    files, requirements = copy_command.contents(
        recipe.Recipe("checked", "heads", tmp_path / "checked.py")
    )
    copy_command.place(files, mine, force=False, requirements=requirements)
    assert {"recipes/common/head_check.py", "recipes/common/head_look.py"} <= files_in(mine)
    assert run_there(mine, "checked.py") == "recipes.common.head_check\n"


def test_source_is_unchanged_below_a_header_that_script_runners_read(project, tmp_path):
    copy("other", tmp_path)
    head, mark, source = (tmp_path / "other.py").read_bytes().partition(b"# ///\n")
    assert mark
    assert source == (project / "recipes/heads/other.py").read_bytes()
    first, *lines = head.decode().splitlines()
    assert first == "# /// script"
    header = tomllib.loads("\n".join(line.removeprefix("# ") for line in lines))
    assert header["requires-python"] == ">=3.11,<3.14"
    assert header["dependencies"] == [
        "importlib-resources",  # no version of it is in constraints.txt here
        "keras==3.15.1",
        "tensorflow==2.21.0",
        "tensorflow-datasets==4.9.10",
    ]
    assert (tmp_path / "requirements.txt").read_text().splitlines() == header["dependencies"]
    assert ast.get_docstring(ast.parse((tmp_path / "other.py").read_text())) == "Other."


def test_second_copy_shares_the_folder(project, tmp_path):
    (tmp_path / "requirements.txt").write_text("keras>=3  # mine\npandas")
    assert copy("tiny", tmp_path) == 0
    assert copy("tiny", tmp_path) == 0, "nothing differs"
    assert copy("other", tmp_path) == 0
    assert (tmp_path / "requirements.txt").read_text().splitlines() == [
        "keras>=3  # mine",
        "pandas",
        "scikit-learn==1.9.1",
        "importlib-resources",
        "tensorflow==2.21.0",
        "tensorflow-datasets==4.9.10",
    ]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf8", codecs.BOM_UTF8),
        ("utf8", b""),
        ("latin-1", b""),
    ],
)
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("last", ["", "# año"])
def test_requirements_keep_their_encoding_and_line_ends(
    project, tmp_path, encoding, mark, end, last
):
    path = tmp_path / "requirements.txt"
    mine = f"keras>=3  # «señal»{end}pandas{end}{last}"
    path.write_bytes(mark + mine.encode(encoding))
    assert copy("other", tmp_path) == 0
    added = ["importlib-resources", "tensorflow==2.21.0", "tensorflow-datasets==4.9.10"]
    expected = mine + (end if last else "") + "".join(line + end for line in added)
    assert path.read_bytes() == mark + expected.encode(encoding)
    assert copy("other", tmp_path) == 0
    assert path.read_bytes() == mark + expected.encode(encoding), (
        "what is listed is not listed twice"
    )


@pytest.mark.parametrize("encoding", ["utf-32", "utf-16-le"])
def test_requirements_that_pip_cannot_read_are_refused(project, tmp_path, encoding, capsys):
    content = "keras\n".encode(encoding)
    (tmp_path / "requirements.txt").write_bytes(content)
    assert copy("other", tmp_path) == 2
    assert "is no text" in capsys.readouterr().err
    assert (tmp_path / "requirements.txt").read_bytes() == content
    assert not (tmp_path / "other.py").exists()


PICTURES = '''\
"""Pictures of tiny."""

import layers.late
import matplotlib.pyplot as plt
from recipes.heads import tiny
from recipes.heads.tiny import main


def figures(model, test, history):
    """What there is to see."""
    return tiny.__file__, main.__module__, layers.late.__file__, plt.__name__
'''


def test_pictures_come_along_where_they_are_wanted(project, tmp_path, monkeypatch):
    (project / "recipes/heads/figures").mkdir()
    (project / "recipes/heads/figures/__init__.py").write_text("")
    (project / "recipes/heads/figures/tiny.py").write_text(PICTURES)
    assert [found.name for found in recipe.all_recipes()] == ["other", "tiny"]
    copy("tiny", tmp_path / "without")
    assert not [name for name in files_in(tmp_path / "without") if "figures" in name]
    assert "Pictures" not in (tmp_path / "without/README.md").read_text()
    mine = tmp_path / "with"
    copy("tiny", mine, "--with-figures")
    assert files_in(mine) - files_in(tmp_path / "without") == {"tiny_figures.py"}
    assert "matplotlib" in (mine / "requirements.txt").read_text()
    assert (
        "from tiny_figures import figures"
        in code_blocks((mine / "README.md").read_text(), "python")[-1]
    )
    code = "import tiny_figures; print(*tiny_figures.figures(None, None, None))"
    said = [str(mine / "tiny.py"), "tiny", str(mine / "layers/late.py"), "matplotlib.pyplot"]
    assert run_there(mine, "-c", code).split() == said


@pytest.mark.parametrize("found", DRAWN, ids=lambda found: found.name)
def test_pictures_are_of_the_copy_and_drawn_as_the_readme_says(found):
    """Their code imports no recipe of ours, and takes what the README gives it."""
    source = copy_command.figures_source(found)
    imported = set(copy_command.imported(source, None))
    assert not {name for name in imported if name.startswith(f"recipes.{found.chapter}")}
    (figures,) = [node for node in ast.parse(source).body if getattr(node, "name", "") == "figures"]
    readme = copy_extras.readme(found, copy_extras.use(found), figures=f"{found.name}_figures.py")
    code = ast.parse(code_blocks(readme, "python")[-1])
    (call,) = [
        node
        for node in ast.walk(code)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "figures"
    ]
    given = [ast.unparse(value).removesuffix(".history") for value in call.args]
    assert given == [argument.arg for argument in figures.args.args]
    assert f"`{given[-1]}`" in readme, "where it comes from"


def test_readme_saves_an_animation_as_a_file_that_can_move():
    moving = recipe.find("gan_toy")
    readme = copy_extras.readme(moving, copy_extras.use(moving), figures="gan_toy_figures.py")
    assert 'figure.save(f"{name}.gif")' in readme


def test_readme_and_predict_of_others_stay(tmp_path):
    (tmp_path / "README.md").write_text("# My project, after cnn_mnist\n")
    (tmp_path / "predict.py").write_text("print('mine')\n")
    assert copy("cnn_mnist", tmp_path, "--force") == 0
    assert copy("cnn_mnist", tmp_path) == 0, "nothing differs"
    assert (tmp_path / "README.md").read_text() == "# My project, after cnn_mnist\n"
    assert (tmp_path / "predict.py").read_text() == "print('mine')\n"
    assert "python predict_cnn_mnist.py" in (tmp_path / "README_cnn_mnist.md").read_text()
    assert (tmp_path / "predict_cnn_mnist.py").exists()


def test_work_of_the_user_is_replaced_only_by_force(project, tmp_path, capsys):
    mine = tmp_path / "mine"
    copy("tiny", mine)
    (mine / "layers/inner.py").write_text("# mine\n")
    (project / "recipes/heads/tiny.py").write_text('"""Newer."""\nimport layers.inner\n')
    capsys.readouterr()
    assert copy("tiny", mine) == 2
    assert capsys.readouterr().err == (
        f"recipes: {mine} has another layers/inner.py, README.md, tiny.py; --force replaces them\n"
    )
    assert (mine / "layers/inner.py").read_text() == "# mine\n"
    assert "Tiny" in (mine / "tiny.py").read_text(), "half of a copy"
    assert copy("tiny", mine, "--force") == 0
    assert "Newer" in (mine / "tiny.py").read_text()
    assert "# mine" not in (mine / "layers/inner.py").read_text()


def test_what_cannot_be_written_is_said_in_one_line_and_leaves_nothing(project, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    (tmp_path / "taken" / "layers").mkdir(parents=True)
    (tmp_path / "taken" / "layers" / "inner.py").mkdir()
    for folder in ("file", "file/below", "taken"):
        assert copy("tiny", tmp_path / folder) == 2
        error = capsys.readouterr().err
        assert error.startswith("recipes: cannot write")
        assert error.count("\n") == 1
    assert files_in(tmp_path / "taken") == set()
    assert not list((tmp_path / "taken").glob(".*"))


def test_disk_that_fills_up_leaves_the_old_copy(project, tmp_path, monkeypatch, capsys):
    copy("tiny", tmp_path)
    (project / "recipes/heads/tiny.py").write_text('"""Newer."""\n')

    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    assert copy("tiny", tmp_path, "--force") == 2
    assert "No space left on device" in capsys.readouterr().err
    assert "Tiny" in (tmp_path / "tiny.py").read_text()


def test_project_itself_is_refused(project, capsys, monkeypatch):
    monkeypatch.chdir(project)
    (project / "outside").symlink_to(project / "layers")
    before = files_in(project)
    for folder in (".", "recipes/heads", "recipes", "layers", "layers/new", "tests", "outside"):
        assert copy("tiny", folder, "--force") == 2
        assert "this project itself" in capsys.readouterr().err
    assert files_in(project) == before
    assert FILES["recipes/__init__.py"] == (project / "recipes/__init__.py").read_text()
    assert copy("tiny", "mine") == 0, "a folder of one's own beside the packages"


@pytest.mark.parametrize("found", RECIPES, ids=lambda found: found.name)
def test_every_recipe_can_be_copied_whole_and_its_requirements_have_versions(found, tmp_path):
    files, requirements = copy_command.contents(found)
    assert all("==" in requirement for requirement in requirements)
    for name, content in files.items():
        if not name.endswith(".py"):
            continue
        package = name.rpartition("/")[0].replace("/", ".")
        for module in copy_command.imported(content, package):
            # Names imported from a module look like modules too: those that are files must exist.
            if module.split(".")[0] in copy_command.PACKAGES:
                assert {relative for _, relative in copy_command.module_files(module)} <= set(files)
    assert not any("_runner" in name for name in files)


def test_table_of_results_goes_along_with_the_recipe_that_reads_it():
    path = architectures_compared.RESULTS.relative_to(recipe.ROOT.parent).as_posix()
    files, _ = copy_command.contents(recipe.find("architectures_compared"))
    assert files[path] == (recipe.ROOT / "results.csv").read_bytes()
    files, _ = copy_command.contents(recipe.find("cnn_mnist"))
    assert path not in files


def code_blocks(markdown, language):
    """The code in a README's fences of a language."""
    return [part.partition("\n```")[0] for part in markdown.split(f"```{language}\n")[1:]]


@pytest.mark.parametrize("found", TRAINED, ids=lambda found: found.name)
def test_readme_says_how_to_load_what_main_saves(found, tmp_path):
    used = copy_extras.use(found)
    readme = copy_extras.readme(found, used)
    assert found.title in readme
    assert f"python {found.name}.py" in readme
    assert "`KERAS_BACKEND=tensorflow KERAS_HOME=.keras`" in readme
    load = code_blocks(readme, "python")[0]
    compile(load, "README.md", "exec")
    assert f'keras.saving.load_model("{used.file}")' in load
    assert used.file.startswith(found.name)
    imports_layers = any(
        name.startswith("layers.") for name in copy_command.imported(found.source, None)
    )
    assert (f"import {found.name}" in load) == (
        imports_layers or "register_keras_serializable" in found.source
    )


KINDS = {
    "cnn_mnist": "image",
    "cnn_cifar10": "image",
    "head_binary_images": "image",
    "ensembles": "image",
    "head_binary_sentiment": "text",
    "head_multilabel": "text",
    "head_regression": "table",
    "head_unit_interval": None,  # windows of sensors
    "electricity": None,  # two inputs
    "two_apis": "image",
    "denoising_autoencoder": None,  # answers with pictures
    "gan_mnist": None,
    "code_completion": None,  # codes
    "xor": None,  # its data is generated
    "x_image": None,
}


@pytest.mark.parametrize("name", KINDS)
def test_predict_is_written_for_what_comes_in_files(name, tmp_path):
    found = recipe.find(name)
    used = copy_extras.use(found)
    assert used.kind == KINDS[name]
    files, requirements = copy_command.contents(found)
    assert ("predict.py" in files) == (used.kind is not None)
    if used.kind:
        source = files["predict.py"].decode()
        compile(source, "predict.py", "exec")
        assert max(map(len, source.splitlines())) <= 120
        assert "recipes" not in source
        needs = {"image": "pillow", "text": "tensorflow", "table": "pandas"}[used.kind]
        assert needs in [requirement.partition("==")[0] for requirement in requirements]
        assert (found.name + ".CLASSES" in source) == hasattr(found.module, "CLASSES")


DEPLOYED = '''\
"""Digits of any size."""

import keras
import tensorflow_datasets as tfds


def load_data():
    return tfds.load("mnist")


def build_model():
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")]
    )
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def deployed(model):
    pictures = keras.Input((None, None, 3), dtype="uint8")
    small = keras.layers.Resizing(28, 28)(pictures)
    brightness = keras.layers.GlobalMaxPooling2D()(small)[:, 0]
    answers = {"probabilities": model(small[..., :1]), "unlike": brightness}
    return keras.Model(pictures, answers)


def main():
    model = build_model()
    model.save("digits.keras")
    deployed(model).save("digits_deployed.keras")
'''


def test_predict_uses_the_deployed_network_that_main_saves(tmp_path, monkeypatch, capsys):
    path = tmp_path / "digits.py"
    path.write_text(DEPLOYED.replace("    deployed(model).save", "    # deployed(model).save"))
    used = copy_extras.use(recipe.Recipe("digits", "convolution", path))
    assert (used.file, used.shape) == ("digits.keras", (28, 28, 1))
    path.write_text(DEPLOYED)
    digits = recipe.Recipe("digits", "convolution", path)
    used = copy_extras.use(digits)
    assert (used.file, used.others) == ("digits_deployed.keras", ("digits.keras",))
    monkeypatch.chdir(tmp_path)
    runpy.run_path("digits.py")["main"]()
    pathlib.Path("predict.py").write_text(copy_extras.predict(digits, used))
    PIL.Image.new("L", (50, 90), 200).save("grey.png")
    monkeypatch.setattr(sys, "argv", ["predict.py", "grey.png"])
    runpy.run_path("predict.py")
    said = capsys.readouterr().out.strip()
    assert said.startswith("grey.png: ")
    assert said.endswith("; unlike what it was trained on: 200.00")
    PIL.Image.fromarray(np.full((50, 90), 40_000, "uint16")).save("deep.png")
    monkeypatch.setattr(sys, "argv", ["predict.py", "deep.png"])
    with pytest.raises(SystemExit, match=r"deep\.png has more than 8 bits"):
        runpy.run_path("predict.py")


HEAD = """\
import keras
import tensorflow as tf
import tensorflow_datasets as tfds

def load_data():
    return tfds.load("mnist")

"""
PIXELS = (
    HEAD
    + """\
CLASSES = ["top left", "top", "top right", "bottom left", "bottom", "bottom right"]

def build_model():
    identity = keras.initializers.Identity()
    model = keras.Sequential([keras.Input((2, 3, 1)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(6, "softmax", kernel_initializer=identity))
    return model

def main():
    build_model().save("own.keras")
"""
)
WORDS = (
    HEAD
    + """\
@keras.saving.register_keras_serializable(package="own")
class Length(keras.layers.Layer):
    def call(self, text):
        return tf.cast(tf.strings.length(text, "UTF8_CHAR"), "float32")[:, None]

def build_model():
    texts = keras.Input((), dtype="string")
    return keras.Model(texts, Length(dtype="string")(texts))

def main():
    build_model().save("own.keras")
"""
)
COLUMNS = (
    HEAD
    + """\
def build_model():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])

def main():
    build_model().save("own.keras")
"""
)

UNUSUAL = (
    HEAD
    + """\
def build_model():
    image = keras.Input((None, None, 1))
    error = keras.layers.GlobalAveragePooling2D()(image)
    return keras.Model(image, {"error": error, "unlike": error / 255})

def main():
    build_model().save("own.keras")
"""
)


@pytest.fixture
def own(request, tmp_path, monkeypatch):
    """The folder of a copy of a small recipe that has trained, as it is for a fresh process."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "own.py").write_text(request.param)
    found = recipe.Recipe("own", "heads", folder / "own.py")
    (folder / "predict.py").write_text(copy_extras.predict(found, copy_extras.use(found)))
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(folder)
    runpy.run_path("own.py")["main"]()
    registered = keras.saving.get_custom_objects()
    for name in [each for each in registered if each.startswith("own>")]:
        del registered[name]
    yield folder
    sys.modules.pop("own", None)


def own_answers(folder, elsewhere, file, capsys, monkeypatch):
    """What `predict.py` prints, started in another folder."""
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr(sys, "argv", ["predict.py", file])
    capsys.readouterr()
    runpy.run_path(folder / "predict.py")
    return capsys.readouterr().out


@pytest.mark.parametrize("own", [UNUSUAL], indirect=True)
def test_predict_says_how_unusual_a_picture_is(own, tmp_path, capsys, monkeypatch):
    PIL.Image.new("L", (50, 90), 204).save(tmp_path / "grey.png")
    said = own_answers(own, tmp_path, "grey.png", capsys, monkeypatch)
    assert said == "grey.png: 204; unlike what it was trained on: 0.80\n"


@pytest.mark.parametrize("own", [PIXELS], indirect=True)
def test_predict_sees_a_picture_as_it_was_held(own, tmp_path, capsys, monkeypatch):
    """The brightest pixel has its place, in a large picture that was stored on its side."""
    upright = np.zeros((20, 30), "uint8")
    upright[:10, 20:] = 255
    exif = PIL.Image.Exif()
    exif[0x112] = 6  # to be turned by a quarter, clockwise
    PIL.Image.fromarray(np.rot90(upright).copy()).save(tmp_path / "photo.jpg", exif=exif)
    said = own_answers(own, tmp_path, "photo.jpg", capsys, monkeypatch)
    assert said.startswith("photo.jpg: top right 1.000, ")


@pytest.mark.parametrize("own", [WORDS], indirect=True)
def test_predict_takes_a_line_as_one_text(own, tmp_path, capsys, monkeypatch):
    """And knows the recipe's own layers, which were registered in another process."""
    (tmp_path / "texts.txt").write_bytes("\ufeffmañana\u2028\x85si\r\n\r\nno\n".encode())
    said = own_answers(own, tmp_path, "texts.txt", capsys, monkeypatch)
    assert said == "mañana\u2028\x85si: 10\nno: 2\n"


@pytest.mark.parametrize("own", [COLUMNS], indirect=True)
def test_predict_takes_each_row_but_the_names(own, tmp_path, capsys, monkeypatch):
    (tmp_path / "table.csv").write_text("1990,2000\n1,2\n3,4\n")
    said = own_answers(own, tmp_path, "table.csv", capsys, monkeypatch)
    assert said == "table.csv, row 1: 3\ntable.csv, row 2: 7\n"


@pytest.mark.slow
def test_all_copies_work_together_in_an_environment_without_the_checkout(tmp_path):
    mine = tmp_path / "mine"
    names = [found.name for found in recipe.all_recipes()]
    for name in names:
        assert copy(name, mine) == 0
    venv.create(tmp_path / "venv", symlinks=True)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    # What is installed beside the checkout; the file by which the checkout itself is installed is
    # not read there.
    site.joinpath("installed.pth").write_text(sysconfig.get_path("purelib"))
    code = (
        f"import sys, {', '.join(names)}\n"
        "for name, module in sys.modules.items():\n"
        "    if name.partition('.')[0] in ('layers', 'recipes'): print(module.__file__)"
    )
    program, words = (
        tmp_path / "venv/bin/python",
        {"env": environment(), "capture_output": True, "text": True},
    )
    outside = subprocess.run([program, "-c", "import layers"], cwd=tmp_path, **words)
    assert "No module named 'layers'" in outside.stderr
    done = subprocess.run([program, "-c", code], cwd=mine, **words)
    assert done.returncode == 0, done.stderr
    paths = done.stdout.splitlines()
    assert str(mine / "layers/__init__.py") in paths
    assert all(pathlib.Path(path).is_relative_to(mine) for path in paths)


def run_there(folder, *command, **variables):
    """What a script prints that a user of a copy runs in a folder."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env=environment() | variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


TINY_STEPS = {"KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "2"}


@pytest.fixture
def trained(request, tmp_path):
    """A copy of a recipe, trained by its own `main()`, on stand-in data for its data set."""
    folder = tmp_path / "my project"
    assert copy(request.param, folder) == 0
    (name,) = data.names(folder / f"{request.param}.py")
    run_there(
        folder, f"{request.param}.py", TFDS_DATA_DIR=str(stand_ins.make(name, 200)), **TINY_STEPS
    )
    return folder


def answers_there(folder, elsewhere, *files):
    """What `predict.py` of a copy prints in a process of its own, started in another folder."""
    return run_there(elsewhere, folder / "predict.py", *files).splitlines()


@pytest.mark.slow
def test_readme_says_how_to_run_beside_other_settings_of_keras(tmp_path):
    mine = tmp_path / "mine"
    assert copy("adaline", mine) == 0
    settings = {"backend": "jax", "floatx": "float16", "image_data_format": "channels_first"}
    home = tmp_path / "home"
    (home / ".keras").mkdir(parents=True)
    (home / ".keras" / "keras.json").write_text(json.dumps(settings))
    variables = {**TINY_STEPS, "HOME": str(home)}
    with pytest.raises(AssertionError, match="jax"):
        run_there(mine, "adaline.py", **variables)
    (line,) = re.findall(r"`(KERAS_BACKEND=\S+ KERAS_HOME=\S+)`", (mine / "README.md").read_text())
    said = dict(word.split("=") for word in line.split())
    run_there(mine, "adaline.py", **variables, **said)
    assert (mine / "adaline.keras").exists()


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["cnn_mnist"], indirect=True)
def test_copy_trains_and_its_network_reads_pictures_in_a_fresh_process(trained, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    pixels = np.zeros((40, 30, 3), "uint8")
    pixels[5:35, 12:18] = 255
    for name in ("one.png", "one more.jpg"):
        PIL.Image.fromarray(pixels).save(elsewhere / name)
    lines = answers_there(trained, elsewhere, "one.png", "one more.jpg")
    assert [line.partition(": ")[0] for line in lines] == ["one.png", "one more.jpg"]
    for line in lines:
        likeliest = line.partition(": ")[2].partition("; ")[0].split(", ")
        classes, probabilities = zip(*(pair.split() for pair in likeliest), strict=True)
        assert len(classes) == 3
        assert set(classes) <= set("0123456789")
        assert sorted(probabilities, reverse=True) == list(probabilities)
        assert 0 < sum(map(float, probabilities)) <= 1.002
    loading = code_blocks((trained / "README.md").read_text(), "python")[0]
    run_there(trained, "-c", loading)


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["head_binary_sentiment"], indirect=True)
def test_copy_trains_and_its_network_reads_texts_in_a_fresh_process(trained, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_bytes("\ufeffA «great» film\u2028indeed.\r\n\r\nBad.\n".encode())
    lines = answers_there(trained, tmp_path, texts)
    assert "\n".join(lines).count("positive 0.") == 2
    assert "\n".join(lines).startswith("A «great» film"), (
        "the mark of the encoding is no part of the text"
    )
    loading = code_blocks((trained / "README.md").read_text(), "python")[0]
    run_there(trained, "-c", loading)


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["head_regression"], indirect=True)
def test_copy_trains_and_its_network_reads_tables_in_a_fresh_process(trained, tmp_path):
    header = ",".join(f"column {number}" for number in range(15))
    rows = [",".join(["-119", "36", "", *["1"] * 12]), ",".join(["-122", "38", *["0.5"] * 13])]
    (tmp_path / "table.csv").write_text("\n".join([header, *rows]))
    lines = answers_there(trained, tmp_path, "table.csv")
    assert [line.partition(": ")[0] for line in lines] == ["table.csv, row 1", "table.csv, row 2"]
    assert all(np.isfinite(float(line.partition(": ")[2])) for line in lines)
    loading = code_blocks((trained / "README.md").read_text(), "python")[0]
    run_there(trained, "-c", loading)


def test_weights_beside_the_code_of_a_package_go_along(tmp_path, fresh_python):
    """The detector's, with what says whose they are; the copy reads its own."""
    folder = tmp_path / "mine"
    assert cli.main(["copy", "face_detector", str(folder)]) == 0
    package = folder / "recipes/common/tiny_face_detector"
    names = {path.name for path in package.iterdir()}
    assert names == {"LICENSE", "README.md", "__init__.py", "manifest.json", "weights.bin"}
    assert (package / "weights.bin").stat().st_size == 193_321
    code = "import face_detector; print(face_detector.build_detector().count_params())"
    done = fresh_python("-c", code, cwd=folder, env=environment())
    assert done.stdout == "193321\n", done.stderr[-2000:]


@pytest.mark.slow
def test_copy_scores_as_the_runner_does(tmp_path):
    """With the same seed and data: its row of the results, whole epochs and the best of them."""
    mine = tmp_path / "mine"
    assert copy("table_multiclass", mine) == 0
    root = stand_ins.make("california_housing")
    said = run_there(mine, "table_multiclass.py", TFDS_DATA_DIR=str(root))
    scores, baseline = map(ast.literal_eval, re.findall(r"^.*(\{.+\})$", said, re.MULTILINE))
    output = tmp_path / "run"
    command = ["run", "table_multiclass", "--stand-in", "--seed", "0", "--output", str(output)]
    assert cli.main(command) == 0
    metrics = json.loads((output / "stand-in/metrics.json").read_text())
    assert scores == pytest.approx(metrics["scores"], rel=1e-4)
    assert baseline == pytest.approx(metrics["baseline"])
    assert metrics["best_epoch"] < metrics["epochs"], "the last epoch would do"
