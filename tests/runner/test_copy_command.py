"""Copies are complete, come from nowhere else, say what they need, and replace nothing unasked."""

import ast
import os
import pathlib
import subprocess
import sys
import sysconfig
import tomllib
import venv

import pytest

from recipes._runner import cli, copy_command, recipe

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

    print(Outer.__module__, layers.__file__, recipes.datasets.__file__, layers.late.__file__, sep="\\n")


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
    "constraints.txt": "keras==3.15.1\nTensorFlow_Datasets==4.9.10  # data\nscikit-learn==1.9.1\ntensorflow==2.21.0\n",
}


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


def files_in(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_is_imported_comes_along_and_nothing_else(project, tmp_path):
    mine = tmp_path / "deep" / "mine"
    assert copy("tiny", mine) == 0
    assert files_in(mine) == {
        "tiny.py",
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
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for folder, script in ((mine, "tiny.py"), (tmp_path, "mine/tiny.py")):
        done = subprocess.run(
            [sys.executable, script], cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
        module, *paths = done.stdout.splitlines()
        assert module == "layers.inner"
        assert len(paths) == 3
        assert all(pathlib.Path(path).resolve().is_relative_to(mine) for path in paths), paths


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


def test_work_of_the_user_is_replaced_only_by_force(project, tmp_path, capsys):
    mine = tmp_path / "mine"
    copy("tiny", mine)
    (mine / "layers/inner.py").write_text("# mine\n")
    (project / "recipes/heads/tiny.py").write_text('"""Newer."""\nimport layers.inner\n')
    capsys.readouterr()
    assert copy("tiny", mine) == 2
    assert capsys.readouterr().err == f"recipes: {mine} has another layers/inner.py, tiny.py; --force replaces them\n"
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
    for folder in (".", "recipes/heads", "recipes"):
        assert copy("tiny", folder, "--force") == 2
        assert "this project itself" in capsys.readouterr().err
    assert FILES["recipes/__init__.py"] == (project / "recipes/__init__.py").read_text()


@pytest.mark.parametrize("found", recipe.all_recipes(), ids=lambda found: found.name)
def test_every_recipe_can_be_copied_whole_and_its_requirements_have_versions(found, tmp_path):
    files, requirements = copy_command.contents(found)
    assert all("==" in requirement for requirement in requirements)
    for name, content in files.items():
        package = name.rpartition("/")[0].replace("/", ".")
        for module in copy_command.imported(content, package):
            # Names imported from a module look like modules too: those that are files must be there.
            if module.split(".")[0] in copy_command.PACKAGES:
                assert {relative for _, relative in copy_command.module_files(module)} <= set(files)
    assert not any("_runner" in name for name in files)


@pytest.mark.slow
def test_all_copies_work_together_in_an_environment_without_the_checkout(tmp_path):
    mine = tmp_path / "mine"
    names = [found.name for found in recipe.all_recipes()]
    for name in names:
        assert copy(name, mine) == 0
    venv.create(tmp_path / "venv", symlinks=True)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    # What is installed beside the checkout; the file by which the checkout itself is installed is not read there.
    site.joinpath("installed.pth").write_text(sysconfig.get_path("purelib"))
    code = (
        f"import sys, {', '.join(names)}\n"
        "for name, module in sys.modules.items():\n"
        "    if name.partition('.')[0] in ('layers', 'recipes'): print(module.__file__)"
    )
    outside = subprocess.run(
        [tmp_path / "venv/bin/python", "-c", "import layers"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "No module named 'layers'" in outside.stderr
    done = subprocess.run([tmp_path / "venv/bin/python", "-c", code], cwd=mine, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    paths = done.stdout.splitlines()
    assert str(mine / "layers/__init__.py") in paths
    assert all(pathlib.Path(path).is_relative_to(mine) for path in paths)
