"""Which data a run uses, and what it says about damaged or missing data."""

import functools
import http.server
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core import constants
from tensorflow_datasets.core.utils import file_utils

from recipes._runner import data
from recipes._runner.errors import UserError
from recipes.datasets import california_housing, stand_ins

ROWS = 200
reachable = data._reachable


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield stand_ins.root()


@pytest.fixture(autouse=True)
def machine(cache, tmp_path, monkeypatch):
    """A machine without data and a network; afterwards TFDS looks where it looked before."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.setattr(constants, "DATA_DIR", constants.DATA_DIR)
    monkeypatch.setattr(data, "_reachable", lambda url, seconds: False)
    registered = set(file_utils._REGISTERED_DATA_DIRS)
    yield
    file_utils.clear_registered_data_dirs()
    file_utils._REGISTERED_DATA_DIRS.update(registered)


def real(name, folder):
    """A folder in which `name` lies prepared, as if it were the real one: 60 examples in train."""
    sizes = {split: 60 if split == "train" else 30 for split in stand_ins.SIZES[name]}
    stand_ins.write(name, sizes, folder)
    for mark in folder.rglob(stand_ins.MARK):
        mark.unlink()
    return folder


@pytest.fixture(scope="module")
def mnist(cache, tmp_path_factory):
    return real("mnist", tmp_path_factory.mktemp("data"))


@pytest.fixture
def copy(mnist, tmp_path):
    """A copy of it to damage."""
    return shutil.copytree(mnist, tmp_path / "copy")


def loaded(name="mnist"):
    return sum(1 for _ in tfds.load(name, split="train"))


def choose(*names, **options):
    return data.choose(names, rows=ROWS, **options)


def test_names(tmp_path):
    recipe = tmp_path / "recipe.py"
    recipe.write_text(
        "import tensorflow_datasets as tfds\n"
        "def load_data(name='cifar10'):\n"
        "    tfds.load('mnist', split='train'), tfds.load('mnist', split='test')\n"
        "    tfds.load(name), other.load('text'), tfds.as_numpy('no')\n"
        "    return tfds.builder(name='imdb_reviews/plain_text')\n"
    )
    assert data.names(recipe) == ["mnist", "imdb_reviews/plain_text"]


def test_nothing_to_choose():
    assert data.choose([]) == {}


def test_data_dir_given_at_run_time(mnist):
    assert choose("mnist", data_dir=mnist) == {"mnist": "real"}
    assert loaded() == 60


def test_environment_variable_set_after_the_import(mnist, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(mnist))
    assert choose("mnist") == {"mnist": "real"}
    assert loaded() == 60


def test_default_folder_is_looked_into_as_well(mnist, tmp_path):
    (tmp_path / "home").mkdir()
    shutil.copytree(mnist, tmp_path / "home/tensorflow_datasets")
    (tmp_path / "empty").mkdir()
    assert choose("mnist", data_dir=tmp_path / "empty") == {"mnist": "real"}
    assert loaded() == 60


def test_data_dir_comes_before_the_environment(mnist, tmp_path, monkeypatch):
    other = shutil.copytree(mnist, tmp_path / "other")
    monkeypatch.setenv("TFDS_DATA_DIR", str(other))
    choose("mnist", data_dir=mnist)
    assert str(tfds.builder("mnist").data_path).startswith(str(mnist))


def test_relative_and_home_folders(mnist, tmp_path, monkeypatch):
    monkeypatch.chdir(mnist.parent)
    assert choose("mnist", data_dir=mnist.name) == {"mnist": "real"}
    shutil.copytree(mnist, tmp_path / "home" / "sets")
    assert choose("mnist", data_dir="~/sets") == {"mnist": "real"}


def test_stand_in_on_request_is_what_is_loaded(mnist, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(mnist))
    choose("mnist")
    assert choose("mnist", stand_in=True) == {"mnist": "stand-in"}
    assert loaded() == ROWS
    assert choose("mnist") == {"mnist": "real"}  # and back
    assert loaded() == 60


def test_no_network_means_stand_ins_and_says_so(capsys):
    assert choose("mnist", "imdb_reviews/plain_text") == {
        "mnist": "stand-in",
        "imdb_reviews/plain_text": "stand-in",
    }
    assert loaded() == ROWS
    assert loaded("imdb_reviews") == ROWS
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.startswith("mnist: not prepared")] == [said[0]]
    assert "storage.googleapis.com cannot be reached; using stand-in data" in said[0]
    assert "ai.stanford.edu" in said[1]


def test_real_and_stand_in_together(mnist):
    assert choose("mnist", "california_housing", data_dir=mnist) == {
        "mnist": "real",
        "california_housing": "stand-in",
    }
    assert (loaded(), loaded("california_housing")) == (60, ROWS)


def test_copied_stand_in_does_not_pass_for_real(tmp_path):
    folder = shutil.copytree(stand_ins.make("mnist", ROWS), tmp_path / "copied")
    assert choose("mnist", data_dir=folder) == {"mnist": "stand-in"}


def test_set_in_two_folders_of_one_run(mnist, tmp_path, monkeypatch):
    both = shutil.copytree(mnist, tmp_path / "both")
    real("california_housing", both)
    monkeypatch.setenv("TFDS_DATA_DIR", str(both))
    with pytest.raises(UserError, match="mnist lies in more than one of"):
        choose("mnist", "california_housing", data_dir=mnist)


def test_sets_without_stand_in():
    with pytest.raises(UserError, match="no stand-in for spoken_digit"):
        choose("spoken_digit")
    with pytest.raises(UserError, match="no stand-in for spoken_digit"):
        choose("spoken_digit", stand_in=True)


def test_damaged_stand_in_is_made_again(mnist):
    broken = stand_ins.make("mnist", 100) / "mnist/3.0.1/features.json"
    broken.unlink()
    data.choose(["mnist"], stand_in=True, rows=100)
    assert broken.exists()
    assert loaded() == 100


def test_unwritable_cache(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(
        UserError, match=r"cannot write stand-in data to .*: not a directory; set XDG_CACHE_HOME"
    ):
        choose("mnist", stand_in=True)


# Damaged data


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_data_dir_that_is_none(kind, tmp_path):
    path = tmp_path / "nowhere"
    if kind == "file":
        path.write_text("")
    with pytest.raises(
        UserError, match=f"{path}: (no such file or directory|not a directory); name a readable"
    ):
        choose("mnist", data_dir=path)


def test_environment_variable_that_names_a_file(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(UserError, match="not a directory"):
        choose("mnist")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_data_dir(copy):
    copy.chmod(0)
    with pytest.raises(UserError, match="permission denied"):
        choose("mnist", data_dir=copy)


TRAIN = "mnist-train.tfrecord-00000-of-00001"


@pytest.mark.parametrize(
    ("file", "damage", "said"),
    [
        ("dataset_info.json", lambda path: path.unlink(), "the file is missing"),
        (
            "dataset_info.json",
            lambda path: path.write_text(path.read_text()[:300]),
            "not valid JSON",
        ),
        ("dataset_info.json", lambda path: path.write_text(""), "not valid JSON"),
        (
            "dataset_info.json",
            lambda path: path.write_text('{"name": "mnist", "version": "3.0.1"}'),
            "it names no splits",
        ),
        ("features.json", lambda path: path.unlink(), "the file is missing"),
        ("features.json", lambda path: path.write_text("{"), "not valid JSON"),
        (TRAIN, lambda path: path.unlink(), "the file is missing"),
        (TRAIN, lambda path: path.write_bytes(path.read_bytes()[:-100]), "bytes instead of"),
        (
            TRAIN,
            lambda path: path.write_bytes(bytes(path.stat().st_size)),
            "first record cannot be read",
        ),
    ],
)
def test_damaged_set_is_named_with_the_cure(copy, file, damage, said):
    folder = copy / "mnist/3.0.1"
    damage(folder / file)
    with pytest.raises(UserError, match=re.escape(said)) as caught:
        choose("mnist", data_dir=copy)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder / file) in message
    assert f"delete {folder}, and the next run makes it anew" in message


def test_description_of_another_set(copy):
    (copy / "mnist/3.0.1/dataset_info.json").write_text('{"name": "mnist"}')
    with pytest.raises(
        UserError, match=f"{copy}/mnist: dataset_info.json describes something else; delete"
    ):
        choose("mnist", data_dir=copy)


def test_damage_deep_inside_is_explained(copy):
    path = copy / "mnist/3.0.1" / TRAIN
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert choose("mnist", data_dir=copy) == {"mnist": "real"}
    with pytest.raises(tf.errors.DataLossError) as caught:
        loaded()
    explained = data.explain(caught.value)
    assert isinstance(explained, UserError)
    assert re.search(
        rf"{re.escape(str(path))}: record [2345]\d is corrupt; delete {path.parent},",
        str(explained),
    )
    assert "\n" not in str(explained)


def test_other_errors_stay_what_they_are():
    error = tf.errors.ResourceExhaustedError(None, None, "out of memory")
    assert data.explain(error) is error


# The network


def test_download_is_announced_and_used(mnist, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data, "_reachable", lambda url, seconds: True)

    def download(builder):
        print("Downloading and preparing dataset Unknown size")  # as TFDS does
        shutil.copytree(mnist, tmp_path, dirs_exist_ok=True)

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", download)
    assert choose("mnist", data_dir=tmp_path) == {"mnist": "real"}
    assert loaded() == 60
    said = capsys.readouterr().out
    assert said == f"mnist: downloading 11.06 MiB from storage.googleapis.com into {tmp_path} …\n"


def test_failing_download_of_a_host_that_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "_reachable", lambda url, seconds: True)

    def fail(builder):
        raise OSError("No space left on device\nand more")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(
        UserError, match=r"No space left on device; try again.*--data-dir.*--stand-in"
    ) as caught:
        choose("mnist", data_dir=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.fixture
def server(tmp_path, monkeypatch, loopback):
    """A host that offers three houses of California, and a builder that knows it."""
    content = tmp_path / "content"
    content.mkdir()
    (content / "housing.csv").write_text(
        ",".join([*california_housing.NUMBERS, "ocean_proximity"])
        + "\n-122.2,37.9,41,880,129,322,126,8.3,452600,NEAR BAY\n"
        "-118.3,33.3,52,2359,,1100,518,2.8,414700,ISLAND\n"
    )
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=content)
    monkeypatch.setattr(handler.func, "log_message", lambda *arguments: None)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(data, "_reachable", reachable)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as host:
        url = f"http://127.0.0.1:{host.server_port}/housing.csv"
        info = tfds.download.checksums.compute_url_info(content / "housing.csv")
        monkeypatch.setattr(california_housing, "URL", url)
        monkeypatch.setattr(california_housing.CaliforniaHousing, "url_infos", {url: info})
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield content
        host.shutdown()


def test_download_from_a_host(server, tmp_path, capsys):
    assert choose("california_housing", data_dir=tmp_path) == {"california_housing": "real"}
    assert loaded("california_housing") == 2
    said = capsys.readouterr()
    assert re.fullmatch(
        r"california_housing: downloading \d+ bytes from 127.0.0.1:\d+ into .* …\n", said.out
    )
    assert said.err == ""


def test_download_with_another_checksum(server, tmp_path):
    with (server / "housing.csv").open("a") as file:
        file.write("-118,33,52,2359,300,1100,518,2.8,500000,ISLAND\n")
    with pytest.raises(
        UserError, match=r"california_housing could not be downloaded .*housing.csv.*; try again"
    ):
        choose("california_housing", data_dir=tmp_path)


def test_download_of_a_file_that_is_gone(server, tmp_path):
    (server / "housing.csv").unlink()
    with pytest.raises(UserError, match="HTTP code: 404; try again"):
        choose("california_housing", data_dir=tmp_path)


def test_slower_of_two_downloads_uses_what_the_faster_made(mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "_reachable", lambda url, seconds: True)

    def beaten(builder):
        shutil.copytree(mnist, tmp_path, dirs_exist_ok=True)
        raise OSError("Directory not empty")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", beaten)
    assert choose("mnist", data_dir=tmp_path) == {"mnist": "real"}
    assert loaded() == 60


def test_all_hosts_together_get_five_seconds(monkeypatch):
    asked = []

    def hangs(url, seconds):
        asked.append(url)
        time.sleep(30)

    monkeypatch.setattr(data, "_reachable", hangs)
    monkeypatch.setattr(data, "PATIENCE", 0.2)
    start = time.monotonic()
    assert data._answering({name: {f"https://{name}.org/": None} for name in "abc"}) == set()
    assert time.monotonic() - start < 5
    assert len(asked) == 3


def test_set_without_address_is_not_asked_for():
    assert data._answering({"manual": None, "empty": {}}) == set()


def test_reachable_is_a_host_that_answers(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/file"
        start = time.monotonic()
        assert not data._reachable(url, 0.3)  # listens and stays silent
        assert time.monotonic() - start < 3
    assert not data._reachable(url, 0.3)  # refuses


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="unshare is Linux'")
def test_unplugged_machine_decides_at_once(cache, tmp_path):
    code = (
        "import time; from recipes._runner import data; "
        "import tensorflow, requests, tensorflow_datasets as tfds;"
        "tfds.builder('mnist');"
        "start = time.monotonic(); print(data.choose(['mnist', 'cifar10'], rows=200)); "
        "print(time.monotonic() - start)"
    )
    for name in ("mnist", "cifar10"):
        stand_ins.make(name, ROWS)
    command = ["unshare", "-rn", sys.executable, "-c", code]
    if subprocess.run(["unshare", "-rn", "true"]).returncode:
        pytest.skip("unshare is not allowed here")
    chosen, seconds = subprocess.run(
        command, check=True, capture_output=True, text=True
    ).stdout.splitlines()[-2:]
    assert chosen == "{'mnist': 'stand-in', 'cifar10': 'stand-in'}"
    assert float(seconds) < 3
