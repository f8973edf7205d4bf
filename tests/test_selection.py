"""What `make test` runs in full, and what it leaves to `make test-all`."""

import subprocess

import pytest

from tests import selection


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("recipes/heads/head_regression.py", "head_regression"),
        ("recipes/heads/figures/head_regression.py", "head_regression"),
        ("tests/recipes/heads/test_head_regression.py", "head_regression"),
        ("tests/recipes/heads/figures/test_head_regression.py", "head_regression"),
        ("tests/recipes/test_contract.py", None),
        ("recipes/heads/README.md", None),
        ("layers/sampling.py", None),
    ],
)
def test_files_belong_to_recipes(path, name):
    assert selection.recipe_of(path) == name


def test_chosen_recipes_exist_and_are_few():
    names = {recipe.name for recipe in selection.RECIPES}
    assert set(selection.KINDS) <= names
    assert len(selection.KINDS) < 20, "make test stays within minutes however many there are"


def test_what_differs_from_the_main_branch_is_chosen(tmp_path, monkeypatch):
    def write(name, text):
        path = tmp_path / "recipes" / "heads" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit():
        git("add", "--all")
        git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "a")

    def git(*arguments):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True)

    git("init", "--quiet", "--initial-branch", "main")
    for name in ("same", "committed", "edited"):
        write(name, "1")
    commit()
    git("checkout", "--quiet", "-b", "other")
    write("committed", "2")
    commit()
    write("edited", "3")
    write("new", "4")
    monkeypatch.setattr(selection, "ROOT", tmp_path)
    assert selection.changed.__wrapped__() == {"committed", "edited", "new"}


def test_without_git_nothing_differs(tmp_path, monkeypatch):
    monkeypatch.setattr(selection, "ROOT", tmp_path)
    assert selection.changed.__wrapped__() == set()
