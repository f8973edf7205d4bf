"""What `list` shows, what it finds, and that it does so at once."""

import resource
import subprocess
import sys

import pytest

from recipes._runner import cli, list_command, recipe, results, slides

TEXT = '''"""Sentiment of film reviews: bag of words.

Slides: 001 «Redes de convolución».
Baseline beside it: logistic regression; the word image in prose means nothing.
"""

def load_data(batch_size=32):
    """Reviews as strings and 0 or 1."""
    return tfds.load("imdb_reviews")

def build_model():
    """The compiled network."""
'''
PRICE = '''"""The price of a house from a table of figures.

Slides: 001 «Capas de salida dependiendo de la tarea».
"""

def load_data(batch_size=32):
    """Columns as numbers."""
    return tfds.load(
        "california_housing", split="train")
'''
TAGS = '"""Multi-label text: emotions of comments."""\n'


@pytest.fixture(autouse=True)
def collection(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "ROOT", tmp_path)
    monkeypatch.setattr(results, "PATH", tmp_path / "results.csv")
    (tmp_path / "heads").mkdir()
    for name, source in {"sentiment": TEXT, "house_price": PRICE, "emotions": TAGS}.items():
        (tmp_path / "heads" / f"{name}.py").write_text(source, encoding="utf8")


def found(question):
    return {each.name for each in list_command.search(question, recipe.all_recipes())}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("text", {"sentiment", "emotions"}),
        ("texts", {"sentiment", "emotions"}),
        ("table", {"house_price"}),
        ("regression", {"house_price"}),  # not the logistic one
        ("multi-label", {"emotions"}),
        ("multilabel", {"emotions"}),
        ("binary", {"sentiment"}),
        ("image", set()),
        ("imdb_reviews", {"sentiment"}),
        ("california_housing", {"house_price"}),
        ("convolucion", {"sentiment"}),  # a heading, without its accent
        ("Convolución", {"sentiment"}),
        ("dependi", {"house_price"}),  # the beginning of a word
        ("entiment", set()),  # not its end
        ("red", {"sentiment"}),  # singular of a word of a heading
        ("convolutions", {"sentiment"}),  # another language
        ("a text with labels", {"emotions"}),  # nobody looks for "a" and "with"
        ("house-price", {"house_price"}),
        ("logistic", {"sentiment"}),
        ("text multi-label", {"emotions"}),
        ("text table", set()),
        ("()[", set()),
    ],
)
def test_question_finds(words, names):
    assert found(words) == names


def test_best_match_comes_first_and_without_chapters(capsys, tmp_path):
    """A title says more than prose, whatever the order of the alphabet."""
    (tmp_path / "heads" / "a_footnote.py").write_text('"""A table.\n\nUnlike an emotion."""\n')
    cli.main(["list", "emotions"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["emotions", "a-footnote"]
    assert "make recipe-emotions" in lines[-2]


def test_words_of_a_phrase_may_come_one_by_one(capsys):
    """`make list WORD="multi label"` hands on two words."""
    cli.main(["list", "multi", "label"])
    assert capsys.readouterr().out.split()[0] == "emotions"


@pytest.mark.parametrize(
    ("commands", "shown"),
    [
        ([("", ""), ("", "--epochs 8")], "5 min"),  # another experiment does not count
        ([("", "--epochs 8")], None),
        ([("a", ""), ("b", "")], "10 min"),  # the command trains both
        ([("a", "--variant a"), ("b", "--variant b"), ("b", "--epochs 8 --variant b")], "10 min"),
    ],
)
def test_time_is_that_of_the_whole_default_command(capsys, commands, shown):
    rows = [
        {
            "recipe": "sentiment",
            "variant": variant,
            "metric": metric,
            "seconds": 300,
            "data": "imdb",
        }
        | {"command": f'make measure-sentiment ARGS="--seeds 3 {options}"'}
        for variant, options in commands
        for metric in ("accuracy", "loss")  # a run's two metrics are one run
    ]
    results.update(rows, results.PATH)
    cli.main(["list", "sentiment"])
    assert (f"[{shown}, imdb]" if shown else "[imdb]") in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ('VARIANTS = {\n    "a": {"b": 1},\n    "c": {},\n}\nSIZE = 3', ["a", "c"]),
        ('VARIANTS = {"a": {}}  # one\n\n\ndef f():\n    pass', ["a"]),
        ('SIZES = (1, 2)\nVARIANTS = {\n    name: {"size": name} for name in SIZES\n}\nA = 1', []),
        ("SIZE = 3", []),
    ],
)
def test_variants_are_read_from_the_source(lines, names):
    assert list_command.variants(lines + "\n") == names


def test_a_recipe_of_which_a_variant_was_not_measured_has_no_time():
    source = 'VARIANTS = {\n    "a": {},\n    "b": {},\n}\nEPOCHS = 1\n'
    rows = [
        {"variant": name, "seconds": "60", "command": "make measure-x", "metric": "loss"}
        for name in ("a", "b")
    ]
    assert list_command.seconds(rows, source) == 120
    assert list_command.seconds(rows[:1], source) is None


def test_what_is_only_planned_is_said_to_be_planned(capsys, tmp_path, monkeypatch):
    table = tmp_path / "SLIDES.md"
    table.write_text(
        "| D1 | 000 Segmentación de imágenes | not yet (`unet`) |\n"
        "| P1 | 001 Redes de Hopfield | [sentiment](heads/sentiment.py), not yet (`hopfield`) |\n"
        "| T1 | 001 Emociones | [emotions](heads/emotions.py) |\n",
        encoding="utf8",
    )
    monkeypatch.setattr(slides, "PATH", table)
    for question, name in {
        "segmentation": "unet",
        "segmentacion": "unet",
        "hopfield": "hopfield",
    }.items():
        assert cli.main(["list", question]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1
        assert f"planned: {name} (" in printed.err
    assert cli.main(["list", "emociones"]) == 2
    assert "planned" not in capsys.readouterr().err, "this one is there"


def test_listing_names_chapter_recipes_and_how_to_run_one(capsys):
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "heads"
    assert lines[2].split(maxsplit=1) == [
        "house-price",
        "The price of a house from a table of figures.",
    ]
    assert "make recipe-emotions" in lines[-2]


def test_minutes_and_size_of_the_data_are_shown_where_they_were_measured(capsys):
    row = {
        "recipe": "sentiment",
        "metric": "accuracy",
        "seconds": 300,
        "data": "imdb_reviews, 127 MB",
        "command": "",
    }
    results.update([row], results.PATH)
    cli.main(["list", "sentiment"])
    assert "bag of words. [5 min, imdb_reviews, 127 MB]" in capsys.readouterr().out


def test_on_a_terminal_titles_are_folded_to_its_width():
    lines = list_command.listing(recipe.all_recipes(), width=50).splitlines()
    assert lines[0] == "\033[1mheads\033[0m"
    assert max(map(len, lines[1:-3])) <= 50
    assert lines[3:5] == [
        "  house-price  The price of a house from a table",
        " " * 15 + "of figures.",
    ]


def test_nothing_found_says_in_one_line_what_could_be_asked(capsys):
    assert cli.main(["list", "tabel"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "did you mean table?" in printed.err
    assert "Ask for text, table," in printed.err
    assert "image," not in printed.err, "is offered, but would not be found"


def list_in_a_process(code):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *code], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_list_imports_nothing_heavy():
    heavy = "{'tensorflow', 'keras', 'numpy', 'matplotlib', 'rich', 'sklearn'}"
    code = (
        "import sys; from recipes._runner import cli; cli.main(['list']); "
        f"print({heavy} & set(sys.modules))"
    )
    assert list_in_a_process(["-c", code])[0].endswith("\nset()\n")


def test_list_takes_less_than_half_a_second():
    assert min(list_in_a_process(["-m", "recipes", "list", "image"])[1] for _ in range(3)) < 0.5


def test_reader_that_stops_early_is_no_error():
    code = "from recipes._runner import cli; import sys; sys.exit(cli.main(['list']))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0
