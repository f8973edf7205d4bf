"""The search that `tune --fresh` replaces: kept until a trial of the new one is completed."""

import os
import shutil

from recipes._runner import output
from recipes.tuning import storage

EARLIER = ".earlier"  # where --fresh puts the old search until a trial of the new one is completed
STAYING = (".lock", output.MARK, EARLIER)  # what belongs to the folder, not to the search in it


def set_aside(folder):
    """Make room: the earlier search lies in `EARLIER` until `confirm` or `put_back`."""
    names = [path.name for path in folder.iterdir() if path.name not in STAYING]
    names.sort(key=lambda name: name == "plan.json")  # last there, first back: with it all is there
    if not names:
        return
    (folder / EARLIER).mkdir()
    for name in names:
        os.rename(folder / name, folder / EARLIER / name)


def resolve(folder):
    """Where a search was set aside: the new one stays if it completed a trial, else the earlier."""
    if (folder / EARLIER).exists():
        confirm(folder) if anything_found(folder) else put_back(folder)


def confirm(folder):
    """The new search has begun to find something: it takes the place of the earlier one."""
    shutil.rmtree(folder / EARLIER, ignore_errors=True)


def put_back(folder):
    """What `set_aside` has moved, unless it was replaced. Safe to repeat after an interruption."""
    earlier = folder / EARLIER
    if (earlier / "plan.json").exists():
        for path in folder.iterdir():  # of the new search
            if path.name not in STAYING:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in sorted(earlier.iterdir(), key=lambda path: path.name != "plan.json"):
        os.rename(path, folder / path.name)
    earlier.rmdir()


def anything_found(folder):
    """Whether a trial of the new search was completed: then the earlier one is not missed."""
    if not (folder / EARLIER / "plan.json").exists():
        return False  # the earlier one is just being moved
    records = map(storage.load_json, folder.glob("trials/trial_*/trial.json"))
    return any(record and record["status"] == "COMPLETED" for record in records)
