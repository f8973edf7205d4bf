"""README says what is there: links, targets, options, code, numbers are held against the files."""

import pathlib
import re
import tomllib

import keras
import numpy as np
import pytest

from recipes import check_head
from recipes._runner import cli, list_command, several_machines
from recipes._runner.recipe import all_recipes, find
from recipes.convolution import cnn_mnist_slide

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf8")
PAGES = {"README.md": README, "README.es.md": (ROOT / "README.es.md").read_text(encoding="utf8")}
DEVICES = (ROOT / "recipes" / "DEVICES.md").read_text(encoding="utf8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
SHELL = "\n".join(block for language, block in BLOCKS if not language)


@pytest.mark.parametrize("page", PAGES)
def test_is_short(page):
    assert len(PAGES[page].splitlines()) <= 150


def test_no_page_holds_a_place_for_a_figure_still_to_come():
    pages = [*ROOT.glob("*.md"), *(ROOT / "recipes").rglob("*.md")]
    assert len(pages) > 20
    held = re.compile(r"\b(?:ACC\d|[A-Z]+ SEEDS|TODO|TBD|FIXME|XX+)\b")
    assert [(page.name, held.findall(page.read_text("utf8"))) for page in pages] == [
        (page.name, []) for page in pages
    ]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)", PAGES[page])
    assert len(links) > 35
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def recipes_of_tasks(page):
    """The recipes in the table of what one has and wants, row by row."""
    rows = [line for line in PAGES[page].splitlines() if line.startswith("| ")]
    found = [re.findall(r"\[(\w+)\]\(recipes/\w+/\w+\.py\)", row) for row in rows]
    return [names for names in found if names][:13]


def test_both_languages_name_the_same_recipes_for_the_same_tasks():
    english, spanish = map(recipes_of_tasks, PAGES)
    assert len(english) == 13
    assert english == spanish
    chapters = [sorted(re.findall(r"\(recipes/(\w+)/README.md\)", PAGES[page])) for page in PAGES]
    assert chapters[0] == chapters[1]
    assert len(chapters[0]) > 8


@pytest.mark.parametrize("page", PAGES)
def test_targets_of_make_and_their_recipes_exist(page):
    targets = re.findall(
        r"^([a-z%-]+):", (ROOT / "Makefile").read_text(encoding="utf8"), re.MULTILINE
    )
    used = set(re.findall(r"\bmake ([\w-]+)", PAGES[page])) - {"tune-NAME", "new-NAME"}
    assert {"recipe-cnn-mnist", "list", "gallery", "export-cnn-mnist"} <= used
    for target in used:
        command, _, name = target.partition("-")
        if f"{command}-%" in targets:
            assert find(name)
        else:
            assert target in targets, target


@pytest.mark.parametrize("command", ["recipe", "predict", "tune"])
def test_options_exist(command, capsys):
    lines = [line for line in SHELL.splitlines() if line.startswith(f"make {command}-")]
    used = {
        option for line in lines for option in re.findall(r"--[a-z-]+", line.partition("  #")[0])
    }
    assert used
    with pytest.raises(SystemExit):
        cli.main([{"recipe": "run"}.get(command, command), "--help"])
    assert used <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))


def test_accelerators_and_curves_are_reached_by_names_that_there_are():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
    extras = set(re.findall(r"EXTRAS=(\w+)", README + DEVICES))
    assert {"gpu", "jax"} <= extras <= set(project["optional-dependencies"])
    assert 'ARGS="--csv answers.csv"' in README
    assert "tensorboard --logdir saved_models/cnn_mnist/logs" in README


def test_what_devices_says_to_type_is_there(capsys):
    """Its targets, links, and the options of each command."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf8")
    targets = re.findall(r"^([a-z%-]+):", makefile, re.MULTILINE)
    used = set(re.findall(r"\bmake ([\w-]+)", DEVICES))
    assert {"setup-tpu", "recipe-cnn-mnist", "tune-cnn-mnist"} <= used
    for target in used:
        assert target in targets or f"{target.partition('-')[0]}-%" in targets, target
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", DEVICES) if "://" not in link]
    assert links
    assert all((ROOT / "recipes" / link).exists() for link in links)
    for command in ("recipe", "tune"):
        lines = re.findall(rf'^make {command}-\S+ ARGS="([^"]*)"', DEVICES, re.MULTILINE)
        options = {option for line in lines for option in re.findall(r"--[a-z-]+", line)}
        assert "--device" in options
        with pytest.raises(SystemExit):
            cli.main([{"recipe": "run"}.get(command, command), "--help"])
        assert options <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    with pytest.raises(SystemExit):
        several_machines.main(["--help"])
    options = {"--machines", "--number", "--folder"}
    assert options <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert all(f" {option} " in DEVICES for option in options)


@pytest.mark.parametrize("word", re.findall(r'WORD="?([^"\s,]+(?: [a-z]+)?)', SHELL))
def test_words_that_are_suggested_find_something(word):
    assert list_command.search(word, all_recipes())


def test_recipe_from_the_inside_is_that_recipe():
    (code,) = [block for language, block in BLOCKS if "def build_functional" in block]
    functions = code.strip().split("\n\n\n")
    assert [re.match(r"def (\w+)", each)[1] for each in functions] == [
        "load_data",
        "build_functional",
        "main",
    ]
    source = pathlib.Path(cnn_mnist_slide.__file__).read_text(encoding="utf8")
    assert [each for each in functions if each + "\n" not in source] == []


def test_head_check_says_what_readme_says():
    images, labels = np.zeros((10, 28, 28, 1), "uint8"), np.arange(10)
    model = cnn_mnist_slide.build_model()
    assert f"`{check_head(model, (images, labels))}`" in README
    model.compile(loss="binary_crossentropy")
    assert str(check_head(model, (images, labels))).startswith("wrong: ")


def test_leaderboard_has_the_columns_that_readme_names(tmp_path):
    from recipes.tuning import RandomSearch

    def build_model(hp):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(hp.Int("units", 1, 2))])
        model.compile("sgd", "mse", run_eagerly=True)
        return model

    tuner = RandomSearch(build_model, "val_loss", max_trials=1, directory=tmp_path)
    data = np.ones((2, 1)), np.ones((2, 1))
    tuner.search(*data, validation_data=data, epochs=1, verbose=0)
    (names,) = re.findall(r"tuner\.leaderboard\(\)  # .*: (.*) …", README)
    assert set(names.split(", ")) <= set(tuner.leaderboard()[0])
