"""Files that a kill cannot spoil, and a folder that only one search at a time works in."""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil

LOCK = ".lock"


def write(path, text, sync=True):
    """Write a text file so that whoever reads it, after a crash at any moment, sees the old content or the new."""
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf8") as file:
        file.write(text)
        file.flush()
        if sync:
            os.fsync(file.fileno())
    os.replace(temporary, path)


def save_json(path, value):
    """Write `value` twice, to `path` and to a copy beside it: should a disk spoil one, `load_json` takes the other."""
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
    """Make `target` the same file as `source`, replacing it in one step. Does nothing if they are one file already."""
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
def held(folder):
    """Hold `folder` for this process. A killed process lets go by dying.

    Raises:
        RuntimeError: if another search holds it.
    """
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, LOCK), "a+", encoding="utf8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise RuntimeError(
                f"{folder} is in use by {holder}: wait for it, or give this search another project_name"
            ) from None
        lock.truncate(0)
        lock.write(f"the search of process {os.getpid()}")
        lock.flush()
        yield
