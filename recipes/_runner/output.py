"""Output folders of runs: one run at a time per folder, results replaced only when complete."""

import contextlib
import json
import os
import pathlib
import shlex
import shutil

from recipes._runner.errors import UserError
from recipes.tuning import storage

PROJECT = pathlib.Path(__file__).resolve().parents[2]
MARK = ".made_by_recipes"  # marks folders whose files a command may replace
UNFINISHED = "unfinished"  # a run works in here; its results are moved up when they are complete
COMPLETE = "complete"  # marks a finished run whose files are being moved
# An interrupted run, kept until the new run that replaces it has finished an epoch.
GIVEN_UP = "unfinished.old"


def write_json(path, value):
    storage.write(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def replace_folder(new, target):
    """Replace the folder `target` by `new`.

    The old content of `target` is deleted only after `new` has been moved.
    """
    new, target = pathlib.Path(new), pathlib.Path(target)
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        os.rename(target, old)
    os.rename(new, target)
    shutil.rmtree(old, ignore_errors=True)


def refuse_others(folder, force=False):
    """Refuse a folder that contains files other than the results of these commands.

    Args:
        folder: the value of `--output`; it need not exist.
        force: whether the user allows it nevertheless; never in the project itself.

    Raises:
        UserError: if the folder contains something that a command might replace or remove.
    """
    if str(folder).startswith("gs:"):
        raise UserError(
            "--output gs://…: only a search (tune) can be kept in a bucket; "
            "`gcloud storage cp` copies a run there"
        )
    folder = pathlib.Path(folder).resolve()
    sources = [PROJECT / name for name in ("layers", "recipes", "tests")]
    if folder == PROJECT or any(source in (folder, *folder.parents) for source in sources):
        raise UserError(f"--output {folder}: that is this project itself; name a folder of its own")
    if force or (folder / MARK).exists() or not folder.is_dir():
        return
    try:
        others = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise UserError(
            f"cannot read {folder}: {error.strerror}; choose another with --output"
        ) from None
    if others:
        some = ", ".join(others[:3]) + ", …" * (len(others) > 3)
        raise UserError(
            f"--output {folder}: what lies there ({some}) is not from these commands; "
            "name an empty folder or a new one, or replace what has the same name with --force"
        )


def mark(folder):
    """Create a folder if necessary, and mark it as ours, so that results in it may be replaced.

    Raises:
        UserError: if it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).touch()
    except OSError as error:
        raise unwritable(folder, error) from None


def unwritable(folder, error):
    return UserError(f"cannot write to {folder}: {error.strerror}; choose another with --output")


@contextlib.contextmanager
def held(folder):
    """Lock the folder, created if necessary and marked, for one process at a time.

    The lock ends with the process.

    Raises:
        UserError: if another run is using the folder, or it cannot be written.
    """
    folder = pathlib.Path(folder)
    mark(folder)
    with contextlib.ExitStack() as until_the_end:
        try:
            lock = storage.held(folder, "process", "choose another with --output")
            until_the_end.enter_context(lock)
        except storage.InUseError as error:
            raise UserError(str(error)) from None
        except OSError as error:
            raise unwritable(folder, error) from None
        yield folder


def epochs_in(folder):
    """Whether a run in the folder has finished an epoch of one of its variants."""
    return any(folder.rglob("state/epoch-*"))


def set_aside(folder):
    """Set an interrupted run aside for a new one.

    If it has finished an epoch, it is kept until the new one has, too.

    Returns:
        Whether there was such a run.
    """
    unfinished = folder / UNFINISHED
    worth_keeping = epochs_in(unfinished)
    if worth_keeping:
        os.rename(unfinished, folder / GIVEN_UP)
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    return worth_keeping


def settle(folder):
    """Keep either an interrupted run or the new one that replaces it.

    The new one is kept if it has finished an epoch, otherwise the old one.

    Returns:
        Whether the old one was restored.
    """
    unfinished, given_up = folder / UNFINISHED, folder / GIVEN_UP
    if not given_up.exists():
        return False
    if epochs_in(unfinished):
        shutil.rmtree(given_up)
        return False
    shutil.rmtree(unfinished, ignore_errors=True)
    os.rename(given_up, unfinished)
    return True


def publish(folder):
    """Move a complete run's files from `unfinished/` up to `folder`.

    Safe to repeat after an interruption.
    """
    unfinished = folder / UNFINISHED
    if not (unfinished / COMPLETE).exists():
        return
    shutil.rmtree(folder / GIVEN_UP, ignore_errors=True)
    for source in sorted(unfinished.iterdir()):
        if source.name == COMPLETE:
            continue
        if source.is_dir():
            replace_folder(source, folder / source.name)
        else:
            os.replace(source, folder / source.name)
    shutil.rmtree(unfinished)


def command(verb, recipe, words=()):
    """The command to type: `make recipe-cnn-mnist ARGS="--epochs 3"`.

    For a path it is `python -m recipes run ./mine.py`.
    """
    if not recipe.chapter:
        return shlex.join(["python", "-m", "recipes", verb, recipe.typed, *words])
    target = "recipe" if verb == "run" else verb
    return f"make {target}-{recipe.slug}" + f' ARGS="{shlex.join(words)}"' * bool(words)
