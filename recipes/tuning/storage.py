"""Crash-safe files, and a folder lock that only one process at a time can hold."""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil

LOCK = ".lock"


class InUseError(RuntimeError):
    """The folder is locked by another process, which the message names."""


def write(path, text, sync=True):
    """Write a text file atomically: after a crash it has either the old or the new content.

    Args:
        path: the file.
        text: its new content.
        sync: wait until it is on disk, so that it also survives a power failure.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.new")
    with open(temporary, "w", encoding="utf8") as file:
        file.write(text)
        file.flush()
        if sync:
            os.fsync(file.fileno())
    os.replace(temporary, path)


def save_json(path, value):
    """Write `value` twice, to `path` and to a copy beside it.

    If one is corrupt, `load_json` reads the other.
    """
    text = json.dumps(value, default=float)
    write(path, text)
    write(f"{path}.copy", text, sync=False)


def load_json(path):
    """The value that `save_json` wrote, or None if neither file is readable."""
    for candidate in (path, f"{path}.copy"):
        with contextlib.suppress(OSError, ValueError):  # ValueError: not JSON, not UTF-8
            return json.loads(pathlib.Path(candidate).read_text(encoding="utf8"))
    return None


def link_or_copy(source, target):
    """Make `target` the same file as `source`, replacing it in one step.

    Does nothing if they are one file already.
    """
    if os.path.exists(target) and os.path.samefile(source, target):
        return
    temporary = f"{target}.new"
    with contextlib.suppress(FileNotFoundError):
        os.remove(temporary)
    try:
        os.link(source, temporary)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, temporary)
    os.replace(temporary, target)


@contextlib.contextmanager
def held(
    folder,
    owner="the search of process",
    advice="give this search another project_name",
    wait=False,
):
    """Lock `folder`, created if necessary, for this process. The lock ends with the process.

    Args:
        folder: the folder.
        owner: description of this process for the error message of others; its id is added.
        advice: alternative to waiting, for that message.
        wait: whether to wait for a process that holds it.

    Raises:
        InUseError: if another process holds it and `wait` is not set.
        OSError: if it cannot be written.
    """
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, LOCK), "a+", encoding="utf8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise InUseError(f"{folder} is in use by {holder}: wait for it, or {advice}") from None
        lock.truncate(0)
        lock.write(f"{owner} {os.getpid()}")
        lock.flush()
        yield
