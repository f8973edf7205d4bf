"""Where a run writes: atomic files, one run a folder at a time, nothing replaced before the run is complete."""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil

from recipes._runner.errors import UserError

UNFINISHED = "unfinished"  # a run works in here; what it leaves is moved up once all of it is there
COMPLETE = "complete"  # marks a finished run whose files are being moved


def write_atomically(path, text):
    """Write a text file so that a reader, or a crash at any moment, sees the old content or the new."""
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.new")
    with open(temporary, "w", encoding="utf8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_json(path, value):
    write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def replace_folder(new, target):
    """Put the folder `new` in the place of `target`; what `target` held is deleted only once `new` is there."""
    new, target = pathlib.Path(new), pathlib.Path(target)
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        os.rename(target, old)
    os.rename(new, target)
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def held(folder):
    """The folder, made if need be, for one process at a time. A killed process lets go by dying.

    Raises:
        UserError: if another run holds the folder, or it cannot be written.
    """
    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / ".lock", "a+", encoding="utf8")  # noqa: SIM115 (held as long as the run)
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}; choose another with --output") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise UserError(f"{folder} is in use by {holder}; wait for it, or choose another with --output") from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}")
        lock.flush()
        yield folder


def publish(folder):
    """Move a complete run's files from `unfinished/` up to `folder`. Safe to repeat after an interruption."""
    unfinished = folder / UNFINISHED
    if not (unfinished / COMPLETE).exists():
        return
    for source in sorted(unfinished.iterdir()):
        if source.name == COMPLETE:
            continue
        if source.is_dir():
            replace_folder(source, folder / source.name)
        else:
            os.replace(source, folder / source.name)
    shutil.rmtree(unfinished)
