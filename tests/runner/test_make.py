"""What is given to make reaches the commands as it was typed, spaces and quotes included."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
WORDS = "printf '<%s>'"  # in the place of Python: shows the words that the shell makes of the line


def make(*arguments, python=sys.executable):
    """`make` in the project, which does not set up its environment anew."""
    command = [
        "make",
        "--silent",
        "--old-file=.venv/.ready",
        "-C",
        str(ROOT),
        *arguments,
        f"PYTHON={python}",
    ]
    # What a `make test ARGS=…` around this passes on to each `make` below it.
    passed_on = ("MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "ARGS")
    variables = {name: value for name, value in os.environ.items() if name not in passed_on}
    variables |= {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [*command, f"ANY_PYTHON={python}"], env=variables, capture_output=True, text=True
    )


def test_word_of_several_words_is_one_term():
    spaced, dashed = make("list", "WORD=multi label"), make("list", "WORD=multi-label")
    assert spaced.returncode == 0, spaced.stderr
    assert "head-multilabel" in spaced.stdout
    assert spaced.stdout == dashed.stdout


@pytest.mark.parametrize("word", ["it's", 'a "b" c', "$$HOME", "a; exit 3", "*"])
def test_word_is_not_read_by_the_shell(word):
    assert (
        make("list", f"WORD={word}", python=WORDS).stdout
        == f"<-m><recipes><list><{word.replace('$$', '$')}>"
    )


def test_list_without_a_word_shows_everything():
    assert make("list", python=WORDS).stdout == "<-m><recipes><list>"


@pytest.mark.parametrize("name", ["my project", "it's mine", "plain"])
def test_copy_goes_into_a_folder_whose_name_has_spaces(tmp_path, name):
    done = make("copy-cnn-mnist", f"TO={tmp_path / name}")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "cnn_mnist.py").is_file()


def test_copy_goes_below_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    done = make("copy-cnn-mnist", "TO=~/mine")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mine" / "cnn_mnist.py").is_file()
    assert not (ROOT / "~").exists()


def test_copy_without_a_folder_says_what_is_missing():
    done = make("copy-cnn-mnist")
    assert done.returncode == 2
    assert "TO=../mine" in done.stderr


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ("{0}/a.png {0}/b.png", ["a.png", "b.png"]),
        ("{0}/my seven.png", ["my seven.png"]),
        ("'{0}/my seven.png' {0}/a.png", ["my seven.png", "a.png"]),
        ("{0}/*.png", ["a.png", "b.png", "it's.png", "my seven.png"]),
        ("{0}/it's.png", ["it's.png"]),
    ],
)
def test_files_may_have_spaces_in_their_names(tmp_path, files, words):
    for name in ("a.png", "b.png", "my seven.png", "it's.png"):
        (tmp_path / name).touch()
    done = make("predict-cnn-mnist", f"FILES={files.format(tmp_path)}", "ARGS=--json", python=WORDS)
    given = "".join(f"<{tmp_path}/{word}>" for word in words)
    assert done.stdout == f"<-m><recipes><predict><cnn-mnist>{given}<--json>"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export-lenet/lenet", "FORMAT=onnx"], ["export", "lenet/lenet", "--format", "onnx"]),
        (["new-a-net", "CHAPTER=gans"], ["new", "a-net", "--chapter", "gans"]),
        (
            ["new-a-net", "CHAPTER=gans", "ITEM=G3", "ARGS=--title 'A net.'"],
            ["new", "a-net", "--chapter", "gans", "--item", "G3", "--title", "A net."],
        ),
        (
            ["compare", "RUNS=cnn-mnist 'my runs' vgg/smoke"],
            ["compare", "cnn-mnist", "my runs", "vgg/smoke"],
        ),
        (["notebook-cnn-mnist", "ARGS=--smoke"], ["notebook", "cnn-mnist", "--smoke"]),
        (["notebooks"], ["notebook", "all"]),
        (["gallery"], ["gallery"]),
        (["exercises"], ["exercises"]),
        (
            ["exercises", "CHAPTER=gans", "ARGS=--solutions"],
            ["exercises", "gans", "--solutions"],
        ),
        (["list", "ES=1", "WORD=red convolutiva"], ["list", "--es", "red convolutiva"]),
    ],
)
def test_commands_get_what_was_typed(arguments, words):
    done = make(*arguments, python=WORDS)
    assert done.stdout == "".join(f"<{word}>" for word in ["-m", "recipes", *words])


@pytest.mark.parametrize(
    ("target", "missing"),
    [("export-cnn-mnist", "FORMAT="), ("new-a-net", "CHAPTER="), ("compare", "RUNS=")],
)
def test_what_a_command_lacks_is_said(target, missing):
    done = make(target, python=WORDS)
    assert done.returncode == 2
    assert missing in done.stderr
