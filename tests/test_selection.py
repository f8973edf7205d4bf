"""What `make test` runs in full, what it leaves to `make test-all`, what runs in one process."""

import subprocess
import types

import pytest

from tests import conftest, selection


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


@pytest.mark.parametrize(
    ("test", "group"),
    [
        ("tests/test_readme.py::test_a", "tests/test_readme.py"),
        ("tests/runner/test_saved.py::test_a[xor]", "tests/runner/test_saved.py"),
        ("tests/recipes/heads/test_a.py::test_b[heads]", "tests/recipes/heads/test_a.py"),
        ("tests/recipes/test_contract.py::test_a[vae-mixed_float16]", "autoencoders"),
        ("tests/recipes/test_all_splits.py::test_b[stand-in-vae]", "autoencoders"),
        ("tests/recipes/test_contract.py::test_c[autoencoders]", "autoencoders"),
        ("tests/recipes/test_contract.py::test_d[1 vae-x]", "tests/recipes/test_contract.py"),
    ],
)
def test_tests_of_a_chapter_or_of_a_file_are_a_group(test, group):
    assert selection.group(test) == group


class Worker:
    """A process of pytest-xdist, as far as tests are sent to it."""

    gateway = types.SimpleNamespace(id="")
    shutting_down = False

    def __init__(self):
        self.sent = []

    def send_runtest_some(self, numbers):
        self.sent += numbers

    def shutdown(self):
        self.shutting_down = True


def test_a_group_runs_in_one_process():
    pytest.importorskip("xdist")
    values = {"dist": "loadgroup", "tx": ["popen", "popen"]}
    option = types.SimpleNamespace(loadscopereorder=True)
    config = types.SimpleNamespace(getvalue=values.get, option=option)
    scheduler = conftest.pytest_xdist_make_scheduler(config, None)
    files = [f"tests/layers/test_{name}.py" for name in "abcd"]
    tests = [f"{file}::test_{number}" for number in range(5) for file in files]
    workers = Worker(), Worker()
    for worker in workers:
        scheduler.add_node(worker)
        scheduler.add_node_collection(worker, tests)
    scheduler.schedule()
    for worker in workers:
        assert worker.sent
        sent = [tests[number].partition("::")[0] for number in worker.sent]
        assert all(sent.count(file) in (0, 5) for file in files)
