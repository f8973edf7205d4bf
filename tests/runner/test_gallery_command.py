"""`python -m recipes gallery`: each recipe once, in both languages, with results, on its own."""

import html.parser
import json
import re
import urllib.parse

import PIL.Image
import pytest

from recipes._runner import cli, gallery_command, results
from recipes._runner.recipe import Recipe, all_recipes

LANGUAGES = ("en", "es")


class Page(html.parser.HTMLParser):
    """What a page refers to, its cards as `{name: {"en": text, "es": text}}`, its open elements."""

    def __init__(self, text):
        super().__init__()
        self.links, self.cards, self.buttons, self.sections = [], {}, [], []
        self.open, self.card, self.name = [], None, ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links += [(tag, attributes[name]) for name in ("href", "src") if name in attributes]
        if tag == "section":
            self.sections.append(attributes["id"])
        if tag == "button" and "data-chapter" in attributes:
            self.buttons.append(attributes["data-chapter"])
        if tag == "img":
            assert attributes["alt"]
        if tag == "article":
            self.card = {"en": "", "es": "", "words": attributes["data-words"]}
        if tag not in ("meta", "img", "input", "wbr", "link"):
            self.open.append((tag, attributes.get("lang")))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag, "elements are closed in their order"
        if tag == "article":
            self.cards[re.search(r"make recipe-([\w-]+)", self.card["en"]).group(1)] = self.card
            self.card = None

    def handle_data(self, data):
        if self.card is not None:
            spoken = [language for tag, language in self.open if tag == "span" and language]
            for language in spoken or LANGUAGES:
                self.card[language] += data


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    assert cli.main(["gallery", "--output", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def page(made):
    return Page((made / "index.html").read_text(encoding="utf8"))


def test_each_recipe_has_a_card_with_its_title_in_both_languages(page):
    assert page.open == []
    recipes = all_recipes()
    assert list(page.cards) == [recipe.slug for recipe in recipes]
    spanish = gallery_command.titles.read()
    for recipe in recipes:
        card = page.cards[recipe.slug]
        assert recipe.title in card["en"]
        assert recipe.title not in card["es"]
        assert spanish[recipe.name] in card["es"]
        assert spanish[recipe.name] not in card["en"]
        for language in LANGUAGES:
            assert recipe.slides in card[language]
        for text in (recipe.name, recipe.title, spanish[recipe.name], recipe.slides):
            assert " ".join(text.split()) in card["words"]


def test_each_chapter_can_be_chosen(page):
    chapters = list(dict.fromkeys(recipe.chapter for recipe in all_recipes()))
    assert page.sections == chapters
    assert page.buttons == ["", *chapters]


def test_each_row_of_the_results_is_there(page):
    for row in results.read():
        card = page.cards[row["recipe"].replace("_", "-")]["en"]
        for text in (results.metric(row), results.score(row), results.compared(row)):
            assert text in card


def test_nothing_comes_from_outside_and_links_lead_somewhere(page, made):
    assert len(page.links) > len(all_recipes())
    text = (made / "index.html").read_text(encoding="utf8")
    assert not re.search(r"""(src|href)=["']?(https?:|//)|@import|url\(""", text)
    for tag, link in page.links:
        assert (made / urllib.parse.unquote(link)).is_file(), (tag, link)


def test_page_in_the_checkout_can_be_moved_with_it():
    path = gallery_command.ROOT / "perceptrons" / "xor.py"
    assert gallery_command.link_to(path, gallery_command.GALLERY) == "../recipes/perceptrons/xor.py"


def test_pictures_of_the_chapters_are_copied_with_what_they_show(made):
    copied = {path.name for path in (made / "pictures").iterdir()}
    assert {path.name for path in gallery_command.ROOT.glob("*/pictures/*.*")} <= copied
    text = (made / "index.html").read_text(encoding="utf8")
    assert 'src="pictures/im2col.png" alt="A 3 × 3 filter on an 8 × 8 image as a matrix' in text


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Makes what a run has left, with pictures of these names; returns the recipe."""
    monkeypatch.setattr(gallery_command, "SAVED_MODELS", tmp_path / "saved_models")
    source = tmp_path / "heads" / "mine.py"
    source.parent.mkdir()
    source.write_text('"""Mine: a < b & c."""\n\ndef build_model(): pass\n')

    def make(*names, data="real"):
        folder = tmp_path / "saved_models" / "mine"
        folder.mkdir(parents=True)
        (folder / "README.md").touch()
        noted = {"scores": {}, "data": {"mnist": data}}
        (folder / "metrics.json").write_text(json.dumps(noted))
        for number, name in enumerate(names):
            PIL.Image.new("RGB", (1000, 500 + number), "red").save(folder / name)
        return Recipe("mine", "heads", source)

    return make


@pytest.mark.parametrize(
    ("names", "number"),
    [
        (["training_curves.png", "zebra.png"], 1),
        (["training_curves.png", "confusion_matrix.png"], 1),
        (["moving.gif", "zebra.png"], 0),
    ],
)
def test_picture_of_a_run_is_its_own_and_small(run, tmp_path, monkeypatch, names, number):
    taken = []
    save = gallery_command.picture_command.save

    def recorded(source, part, target):
        taken.append(source.name)
        return save(source, part, target)

    monkeypatch.setattr(gallery_command.picture_command, "save", recorded)
    (tmp_path / "out").mkdir()
    name = gallery_command.picture(run(*names), tmp_path / "out")
    assert taken == [names[number]]
    with PIL.Image.open(tmp_path / "out" / name) as picture:
        assert max(picture.size) == 320


@pytest.mark.parametrize("data", ["stand-in", None])
def test_no_picture_of_stand_in_data_or_without_a_run(run, tmp_path, data):
    recipe = run("zebra.png", data=data or "real")
    if data is None:
        (tmp_path / "saved_models" / "mine" / "zebra.png").unlink()
    assert gallery_command.picture(recipe, tmp_path) is None


def test_text_is_not_read_as_html(run, tmp_path):
    (tmp_path / "pictures").mkdir()
    recipe = run("a.png")
    card = gallery_command.card(recipe, "Mía: a < b", 'a "b"', [], tmp_path)
    chapter = {"id": "heads", "name": "Heads & tails", "name_es": "Caras", "cards": [card]}
    text = gallery_command.page([chapter])
    assert "Mine: a &lt; b &amp; c." in text
    assert 'alt="a &#34;b&#34;"' in text
    assert "Heads &amp; tails" in text
    assert Page(text).cards["mine"]["es"].count("Mía: a < b") == 1


def test_many_rows_are_folded(page, made):
    text = (made / "index.html").read_text(encoding="utf8")
    card = re.search(
        r"<article[^>]*>(?:(?!</article>).)*make recipe-dropout<", text, re.DOTALL
    ).group()
    before, _, after = card.partition("<details>")
    rows = [row for row in results.read() if row["recipe"] == "dropout"]
    assert before.count("<tr><td>") == gallery_command.ROWS
    assert after.count("<tr><td>") == len(rows) - gallery_command.ROWS
    assert f">{len(rows) - gallery_command.ROWS} more<" in after


def test_folder_of_the_users_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "index.html").write_text("mine")
    assert cli.main(["gallery", "--output", str(tmp_path / "thesis")]) == 2
    assert (tmp_path / "thesis" / "index.html").read_text() == "mine"
