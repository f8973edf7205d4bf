"""Coordination of a search on several machines, by files in their shared folder.

`chief.json` exists as long as the search runs. Each worker writes a heartbeat every few seconds,
`alive/<name>`: if it disappears or stops changing, the worker is lost, and its trial is repeated
elsewhere. A restarted chief writes a new `chief.json`; workers that see it exit and start again, so
no trial runs twice at the same time.
"""

import contextlib
import json
import os
import pathlib
import re
import socket
import threading
import time
import uuid

from recipes.tuning import storage

PULSE = 5.0  # seconds between two heartbeats
SILENCE = 90.0  # seconds without a heartbeat after which a worker is lost; shared folders may lag
ANOTHER_CHIEF = 76  # exit status of a worker whose chief was restarted
NO_CHIEF = 69  # … whose chief has not answered


def address(text):
    """`("10.0.0.5", 7000)` of `10.0.0.5:7000`; a port alone means the local machine only."""
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"\d+", port) or not 0 < int(port) < 2**16:
        raise ValueError(text)
    return host or "127.0.0.1", int(port)


address.__name__ = "address such as 10.0.0.5:7000"  # for argparse's error message


def announce(folder):
    """Announce a chief in the folder of a search, once the workers of an earlier one have left."""
    folder = pathlib.Path(folder)
    me = uuid.uuid4().hex
    storage.write(folder / "chief.json", json.dumps({"id": me}))
    signs = Signs(folder)
    while others := signs.of_others(me):
        for name in others:
            if signs.lost(name):
                (signs.folder / name).unlink(missing_ok=True)
        time.sleep(0.2)


def withdraw(folder):
    """Announce that the search is over, or that its chief is gone."""
    (pathlib.Path(folder) / "chief.json").unlink(missing_ok=True)


def chief(folder):
    """The id of the folder's chief; None if there is none."""
    try:
        return json.loads((pathlib.Path(folder) / "chief.json").read_text(encoding="utf8"))["id"]
    except (OSError, ValueError):
        return None


@contextlib.contextmanager
def living(folder, name):
    """Write heartbeats within this context; exit if another chief has taken over.

    Args:
        folder: of the search.
        name: of this worker.
    """
    folder = pathlib.Path(folder)
    sign = folder / "alive" / name
    sign.parent.mkdir(exist_ok=True)
    mine = chief(folder)
    over = threading.Event()

    def give(count):
        storage.write(sign, f"{socket.gethostname()} {os.getpid()} {mine} {count}", sync=False)

    def go_on():
        count = 0
        while not over.wait(PULSE):
            if chief(folder) not in (mine, None):
                sign.unlink(missing_ok=True)
                os._exit(ANOTHER_CHIEF)
            count += 1
            give(count)

    give(0)
    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        sign.unlink(missing_ok=True)


class Signs:
    """The heartbeats in the folder of a search."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "alive"
        self.last = {}  # name: the last heartbeat, and its time by the clock of this machine

    def names(self):
        if not self.folder.is_dir():
            return []
        return [path.name for path in self.folder.iterdir() if not path.name.startswith(".")]

    def read(self, name):
        """`host process chief count`, or None."""
        try:
            return (self.folder / name).read_text(encoding="utf8")
        except OSError:
            return None

    def of_others(self, chief):
        """The names of workers of any other chief."""
        signs = {name: self.read(name) for name in self.names()}
        return [name for name, sign in signs.items() if sign and sign.split(" ")[2] != chief]

    def lost(self, name):
        """The reason why a worker is considered lost; None if it is not."""
        sign = self.read(name)
        now = time.monotonic()
        before, since = self.last.get(name, (None, now))
        if sign is None and before is not None:
            return "it has left"
        if sign and died_here(sign):
            return "it has died"
        if sign != before:
            since = now
        self.last[name] = sign, since
        if now - since > SILENCE:
            return f"no sign of life for {SILENCE:g} s"
        return None


def died_here(sign):
    """Whether a heartbeat is from a process of this machine that no longer exists."""
    host, process, *_ = sign.split(" ")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # another user's
        return False
    return False
