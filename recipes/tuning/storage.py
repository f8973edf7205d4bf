"""Files that a kill cannot spoil, and a folder that only one process at a time works in."""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil

LOCK = ".lock"


class InUseError(RuntimeError):
    """A folder that another process holds; the message says which."""


def write(path, text, sync=True):
    """Write a text file: a reader, or a crash at any moment, sees the old content or the new.

    Args:
        path: the file.
        text: its new content.
        sync: wait until it is on the disk, so that it outlives a power cut, too.
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

    Should a disk spoil one, `load_json` takes the other.
    """
    text = json.dumps(value, default=float)
    write(path, text)
    write(f"{path}.copy", text, sync=False)


def load_json(path):
    """What `save_json` wrote, or None if neither file is there and readable."""
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
def held(folder, owner="the search of process", advice="give this search another project_name"):
    """Hold `folder`, made if need be, for this process. A killed process lets go by dying.

    Args:
        folder: the folder.
        owner: what others are told who find it in use; the number of this process is added.
        advice: what else than waiting they can do.

    Raises:
        InUseError: if another process holds it.
        OSError: if it cannot be written.
    """
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, LOCK), "a+", encoding="utf8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise InUseError(f"{folder} is in use by {holder}: wait for it, or {advice}") from None
        lock.truncate(0)
        lock.write(f"{owner} {os.getpid()}")
        lock.flush()
        yield
