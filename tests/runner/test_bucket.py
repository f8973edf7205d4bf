"""A folder in a bucket; another local folder stands in for it."""

import pathlib
import shutil

import pytest
import tensorflow as tf

from recipes._runner import bucket, cli
from recipes._runner.errors import UserError


@pytest.fixture
def url(tmp_path):
    return str(tmp_path / "bucket" / "search")


def contents(url):
    """`{path: text}` of all files in a bucket's folder."""
    found = {}
    for folder, _, names in tf.io.gfile.walk(url):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with tf.io.gfile.GFile(path) as file:
                found[path.removeprefix(url + "/")] = file.read()
    return found


def test_what_is_done_here_is_there_afterwards_and_comes_back(url):
    with bucket.mirrored(url) as mirror:
        (mirror.folder / "trials" / "trial_0").mkdir(parents=True)
        (mirror.folder / "trials" / "trial_0" / "trial.json").write_text("0")
        (mirror.folder / ".lock").write_text("me")
        (mirror.folder / ".plan.json.new").write_text("half")
        (mirror.folder / "spoilt").write_text("soon gone")
        mirror.update()
        (mirror.folder / "spoilt").unlink()
    assert contents(url) == {"trials/trial_0/trial.json": "0"}
    with bucket.mirrored(url) as mirror:
        record = mirror.folder / "trials" / "trial_0" / "trial.json"
        assert record.read_text() == "0"
        record.write_text("changed")
    assert contents(url) == {"trials/trial_0/trial.json": "changed"}


def test_copies_once_a_minute_what_has_changed(url, tmp_path, monkeypatch):
    copied = []
    copy = tf.io.gfile.copy

    def noted(source, target, overwrite):
        copied.append(source.rpartition("/")[2])
        copy(source, target, overwrite)

    monkeypatch.setattr(tf.io.gfile, "copy", noted)
    here = tmp_path / "here"
    here.mkdir()
    mirror = bucket.Mirror(url, here)
    for name in ("run.json", "trial.json", "weights"):
        (here / name).write_text(name)
    mirror.keep()
    assert copied == []
    mirror.copied_at -= bucket.PAUSE
    mirror.keep()
    mirror.keep()
    assert copied == ["run.json", "weights", "trial.json"]
    (here / "weights").write_text("better")
    mirror.update()
    assert copied[3:] == ["weights"]


def test_failure_in_between_is_said_and_the_last_one_loses_nothing(url, capsys):
    def work():
        with bucket.mirrored(url) as mirror:
            (mirror.folder / "plan.json").write_text("plan")
            mirror.url = "nosuch://x"
            mirror.copied_at -= bucket.PAUSE
            mirror.keep()

    with pytest.raises(UserError, match="what was not copied lies in /") as error:
        work()
    assert "trying again in a minute" in capsys.readouterr().out
    folder = pathlib.Path(str(error.value).rpartition(" lies in ")[2])
    assert (folder / "plan.json").read_text() == "plan"
    shutil.rmtree(folder)


def test_bucket_that_cannot_be_reached_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"^--output nosuch://x: .*scheme 'nosuch'.*gcloud"):
        bucket.Mirror("nosuch://x", tmp_path).fetch()


@pytest.mark.parametrize("output", [[], ["--output", "here"]])
def test_search_on_a_tpu_needs_a_bucket(output, capsys):
    assert cli.main(["tune", "xor", "--device", "tpu", *output]) == 2
    said = capsys.readouterr().err
    assert said.startswith("recipes: --device tpu: a TPU VM's disk goes with it")
    assert "--output gs://" in said
    assert len(said.splitlines()) == 1


def test_run_is_not_kept_in_a_bucket(capsys):
    assert cli.main(["run", "xor", "--output", "gs://mine/xor"]) == 2
    assert "only a search (tune) can be kept in a bucket" in capsys.readouterr().err
