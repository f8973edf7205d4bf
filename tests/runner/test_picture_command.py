"""Small pictures for chapter pages: of real runs only, small enough, shown where they belong."""

import json
import re

import numpy as np
import PIL.Image
import PIL.ImageSequence
import pytest

from recipes._runner import cli, picture_command
from recipes._runner.recipe import CHAPTERS, ROOT, Recipe, all_recipes

RECIPES = {recipe.name: recipe for recipe in all_recipes()}
PICTURES = sorted(ROOT.glob("*/pictures/*"))
PAGES = sorted(ROOT.glob("*/README.md"))


def identity(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PICTURES, ids=identity)
def test_picture_is_small_and_named_after_a_recipe_of_its_chapter(path):
    assert path.suffix in (".png", ".gif")
    assert RECIPES[path.stem].chapter == path.parents[1].name
    assert path.stat().st_size <= picture_command.BYTES
    with PIL.Image.open(path) as picture:
        assert 200 <= max(picture.size) <= picture_command.SIDE


@pytest.mark.parametrize("page", PAGES, ids=identity)
def test_page_shows_each_picture_there_is_in_the_row_of_its_recipe(page):
    there = {path.name for path in PICTURES if path.parents[1] == page.parent}
    text = page.read_text(encoding="utf8")
    shown = re.findall(r"\]\(pictures/([^)]+)\)", text)
    assert sorted(shown) == sorted(there)
    for name in there:
        (line,) = [line for line in text.splitlines() if f"](pictures/{name})" in line]
        assert f"]({name.partition('.')[0]}.py)" in line
        assert re.search(rf"!\[[^\]]{{12,}}\]\(pictures/{name}\)", line), "says what one sees"


@pytest.mark.parametrize("page", PAGES, ids=identity)
def test_page_lists_every_recipe_of_its_chapter(page):
    assert page.parent.name in CHAPTERS
    text = page.read_text(encoding="utf8")
    names = [recipe.name for recipe in RECIPES.values() if recipe.chapter == page.parent.name]
    assert [name for name in names if f"[{name}]({name}.py)" not in text] == []


def test_table_names_the_figure_of_each_picture():
    rows = picture_command.read()
    assert set(rows) == {path.stem for path in PICTURES}
    for row in rows.values():
        assert tuple(row) == picture_command.COLUMNS
        assert re.fullmatch(r"[\w-]+\.(png|gif)", row["figure"])
        assert picture_command.part(row["part"]) == row["part"]


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """A chapter of its own, where cnn_mnist lies, and the folder of a run of it."""
    folder = tmp_path / "convolution"
    folder.mkdir()
    recipe = Recipe("cnn_mnist", "convolution", folder / "cnn_mnist.py")
    recipe.path.write_text("def build_model():\n    pass\n")
    monkeypatch.setattr(picture_command, "find", lambda name: recipe)
    monkeypatch.setattr(picture_command, "PATH", tmp_path / "pictures.csv")
    run = tmp_path / "run"
    run.mkdir()
    (run / "README.md").touch()
    write_metrics(run, {"scores": {}, "data": {"mnist": "real"}})
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (600, 800, 3), "uint8")
    noise[:, :400] = 255
    PIL.Image.fromarray(noise).save(run / "noise.png")
    return folder, run


def write_metrics(run, metrics):
    (run / "metrics.json").write_text(json.dumps(metrics))


def picture(run, *options):
    return cli.main(["picture", "cnn_mnist", "--saved", str(run), *options])


def test_figure_becomes_a_small_picture(chapter):
    folder, run = chapter
    assert picture(run, "--figure", "noise.png") == 0
    (path,) = (folder / "pictures").iterdir()
    assert path.name == "cnn_mnist.png"
    assert path.stat().st_size <= picture_command.BYTES
    with PIL.Image.open(path) as small:
        assert small.size == (320, 240)
        pixels = np.asarray(small.convert("RGB"), "float64")
    assert pixels[:, :155].min() == 255
    assert pixels[:, 165:].std() > 10


def test_part_is_cut_out_and_remembered(chapter):
    folder, run = chapter
    assert picture(run, "--figure", "noise.png", "--part", "0 0 50 100") == 0
    assert picture_command.read()["cnn_mnist"]["part"] == "0 0 50 100"
    (folder / "pictures" / "cnn_mnist.png").unlink()
    assert picture(run) == 0, "the table says which figure"
    with PIL.Image.open(folder / "pictures" / "cnn_mnist.png") as small:
        assert small.size == (213, 320)
        assert np.asarray(small.convert("L")).min() == 255
    assert picture(run, "--figure", "noise.png") == 0
    assert picture_command.read()["cnn_mnist"]["part"] == "", "of another figure"


def frames(count, size):
    rng = np.random.default_rng(0)
    return [PIL.Image.fromarray(rng.integers(0, 256, (*size, 3), "uint8")) for _ in range(count)]


def test_small_animation_stays_one(chapter):
    folder, run = chapter
    first, *others = frames(20, (24, 32))
    first.save(run / "walk.gif", save_all=True, append_images=others, duration=50)
    (folder / "pictures").mkdir()
    (folder / "pictures" / "cnn_mnist.png").touch()
    assert picture(run, "--figure", "walk.gif") == 0
    (path,) = (folder / "pictures").iterdir()
    assert path.suffix == ".gif"
    assert path.stat().st_size <= picture_command.BYTES
    with PIL.Image.open(path) as small:
        kept = list(PIL.ImageSequence.Iterator(small))
        assert small.info["duration"] * len(kept) == 1000, "as long as before"
        last = np.asarray(kept[-1].convert("RGB"), "float64")
    assert np.corrcoef(last.ravel(), np.asarray(others[-1], "float64").ravel())[0, 1] > 0.8


def test_of_a_large_animation_the_last_frame_is_taken(chapter):
    folder, run = chapter
    first, *others = frames(13, (300, 300))
    others[-1] = PIL.Image.new("RGB", (300, 300), (40, 40, 40))
    first.save(run / "noise.gif", save_all=True, append_images=others)
    assert picture(run, "--figure", "noise.gif") == 0
    (path,) = (folder / "pictures").iterdir()
    assert path.suffix == ".png"
    with PIL.Image.open(path) as small:
        assert set(np.asarray(small.convert("L")).ravel()) == {40}


@pytest.mark.parametrize(
    "metrics",
    [
        {"scores": {}, "data": {"mnist": "stand-in"}},
        {
            "a": {"scores": {}, "data": {"mnist": "real"}},
            "b": {"scores": {}, "data": {"mnist": "stand-in"}},
        },
    ],
)
def test_stand_in_data_are_not_shown(chapter, metrics, capsys):
    folder, run = chapter
    write_metrics(run, metrics)
    assert picture(run, "--figure", "noise.png") == 2
    assert "stand-in data" in capsys.readouterr().err
    assert not (folder / "pictures").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "name one of the figures in"),
        (["--figure", "walk.gif"], "with --figure: noise.png"),
        (["--figure", "README.md"], "with --figure: noise.png"),
        (["--figure", "noise.png", "--part", "0 0 50"], "invalid four numbers"),
        (["--figure", "noise.png", "--part", "50 0 50 100"], "left < right"),
        (["--figure", "noise.png", "--part", "a b c d"], "invalid four numbers"),
    ],
)
def test_what_does_not_do_gets_one_line(chapter, capsys, options, said):
    folder, run = chapter
    assert picture(run, *options) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (folder / "pictures").exists()


def test_without_a_run_there_is_no_picture(chapter, capsys):
    folder, _ = chapter
    assert picture(folder) == 2
    assert "holds no run of cnn_mnist: `make recipe-cnn-mnist`" in capsys.readouterr().err
