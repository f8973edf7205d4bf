"""`python -m recipes new`: a skeleton that passes a recipe's tests at once, and is in each list."""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from recipes._runner import cli, new_command, pages, recipe, slides, titles

ROOT = pathlib.Path(__file__).parents[2]
NAME = "skeleton_net"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the project with a new recipe in it."""
    copy = tmp_path_factory.mktemp("copy") / "recipes"
    left_out = shutil.ignore_patterns("__pycache__", ".*", "saved_models", "build")
    shutil.copytree(ROOT, copy, ignore=left_out)
    (copy / "saved_models").mkdir()
    command = ["new", "skeleton-net", "--chapter", "heads", "--item", "H5"]
    made = in_the_copy(copy, "-m", "recipes", *command)
    assert made.returncode == 0, made.stderr
    assert "make exports tpu-table ARGS=skeleton_net" in made.stdout
    return copy


def in_the_copy(copy, *arguments):
    variables = {**os.environ, "PYTHONPATH": str(copy)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=copy, env=variables, capture_output=True, text=True
    )


def test_files_stand_where_those_of_other_recipes_do(checkout):
    source = (checkout / "recipes" / "heads" / f"{NAME}.py").read_text(encoding="utf8")
    assert source.startswith('"""Skeleton net: ')
    item = next(row for row in slides.items() if row.number == "H5")
    deck, heading = slides.deck_headings(item.headings)[0]
    assert f"Slides: {deck} «{heading}»" in source
    assert (checkout / "recipes" / "heads" / "figures" / f"{NAME}.py").exists()
    assert (checkout / "tests" / "recipes" / "heads" / f"test_{NAME}.py").exists()
    readme = (checkout / "recipes" / "heads" / "README.md").read_text(encoding="utf8")
    rows = [line for line in readme.splitlines() if line.startswith("| [")]
    assert f"[{NAME}]({NAME}.py)" in rows[-1]
    text = (checkout / "recipes" / "SLIDES.md").read_text(encoding="utf8")
    row = next(row for row in slides.items(text) if row.number == "H5")
    assert row.shown_by == f"{item.shown_by}, [{NAME}](heads/{NAME}.py)"
    assert f"\n{NAME}\tSkeleton net: " in (checkout / "recipes" / "titles.es.tsv").read_text()


def test_nothing_else_is_changed(checkout):
    changed = {
        path.relative_to(checkout).as_posix()
        for path in checkout.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and not (
            (ROOT / path.relative_to(checkout)).exists()
            and (ROOT / path.relative_to(checkout)).read_bytes() == path.read_bytes()
        )
    }
    assert changed == {
        "README.md",
        "recipes/SLIDES.md",
        "recipes/heads/README.md",
        f"recipes/heads/{NAME}.py",
        f"recipes/heads/figures/{NAME}.py",
        "recipes/titles.es.tsv",
        f"tests/recipes/heads/test_{NAME}.py",
    } - (
        {"README.md"} if pages.README.read_text() == (checkout / "README.md").read_text() else set()
    )


def test_it_is_formatted_and_says_its_number_of_parameters(checkout):
    files = [str(path) for path in checkout.rglob(f"*{NAME}.py")]
    for command in (["check"], ["format", "--check"]):
        done = in_the_copy(checkout, "-m", "ruff", *command, *files)
        assert done.returncode == 0, done.stdout
    path = checkout / "recipes" / "heads" / f"{NAME}.py"
    spec = importlib.util.spec_from_file_location(NAME, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stated = re.search(r"([\d,]+) parameters", module.build_model.__doc__).group(1)
    assert f"{module.build_model().count_params():,}" == stated


@pytest.mark.slow
def test_it_passes_the_tests_of_every_recipe(checkout):
    done = in_the_copy(
        checkout,
        *("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", f"{NAME} or test_slides"),
        *("tests/recipes/test_contract.py", "tests/recipes/test_all_splits.py"),
        *("tests/recipes/heads", "tests/test_dependence.py", "tests/test_slides.py"),
        "tests/runner/test_titles.py",
    )
    assert done.returncode == 0, done.stdout[-3000:]
    passed = int(re.search(r"(\d+) passed", done.stdout).group(1))
    assert passed > 20


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A collection without recipes, of one chapter that is planned."""
    monkeypatch.setattr(recipe, "ROOT", tmp_path)
    monkeypatch.setattr(new_command, "ROOT", tmp_path)
    monkeypatch.setattr(new_command, "TESTS", tmp_path / "tests")
    monkeypatch.setattr(slides, "PATH", tmp_path / "SLIDES.md")
    monkeypatch.setattr(titles, "PATH", tmp_path / "titles.tsv")
    monkeypatch.setattr(pages, "write", lambda: None)
    slides.PATH.write_text(
        "| D1 | 000 Segmentación; 001 Máscaras | not yet (`a_net`, `b_net`), not yet (`c_net`) |\n"
        "| D2 | 002 Bordes | not yet (`c_net`) |\n",
        encoding="utf8",
    )
    titles.PATH.write_text(f"{titles.HEAD}\n")
    return tmp_path


def test_chapter_that_is_new_is_made(empty):
    arguments = ["c-net", "--chapter", "detection_and_segmentation", "--title", "A net: finds."]
    assert cli.main(["new", *arguments, "--title-es", "Una red: halla."]) == 0
    chapter = empty / "detection_and_segmentation"
    assert (chapter / "__init__.py").exists()
    assert (chapter / "figures" / "__init__.py").exists()
    assert (empty / "tests" / "detection_and_segmentation" / "__init__.py").exists()
    readme = (chapter / "README.md").read_text()
    assert readme.startswith("# Detection and segmentation\n")
    assert "\n|---|---|\n| [c_net](c_net.py) |" in readme
    source = (chapter / "c_net.py").read_text(encoding="utf8")
    assert source.startswith('"""A net: finds.\n\nSlides: 000 «Segmentación», 001 «Máscaras».\n')
    assert titles.read() == {"c_net": "Una red: halla."}


def test_what_was_planned_is_linked_wherever_it_was(empty):
    assert cli.main(["new", "c_net", "--chapter", "heads"]) == 0
    rows = slides.items()
    assert rows[0].shown_by.endswith("), [c_net](heads/c_net.py)")
    assert rows[1].shown_by == "[c_net](heads/c_net.py)"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["My Net", "--chapter", "heads"], "small letters"),
        (["class", "--chapter", "heads"], "small letters"),
        (["random", "--chapter", "heads"], "Python module"),
        (["keras", "--chapter", "heads"], "Python module"),
        (["c_net", "--chapter", "cooking"], "invalid choice: 'cooking'"),
        (["d_net", "--chapter", "heads"], "d_net is not planned"),
        (["d_net", "--chapter", "heads"], "for example --item P12, or ITEM=P12 with make"),
        (["c_net", "--chapter", "heads", "--item", "X9"], "no item X9"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(empty, capsys, arguments, said):
    before = {path: path.read_bytes() for path in empty.rglob("*") if path.is_file()}
    assert cli.main(["new", *arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert {path: path.read_bytes() for path in empty.rglob("*") if path.is_file()} == before


def test_name_of_another_recipe_is_refused(empty, capsys):
    assert cli.main(["new", "c_net", "--chapter", "heads"]) == 0
    assert cli.main(["new", "c-net", "--chapter", "training"]) == 2
    assert "there is a recipe c_net already" in capsys.readouterr().err
