"""Which data a run uses: the real set where it is prepared or can be downloaded, else a stand-in that says so."""

import ast
import logging
import os
import pathlib
import re
import time

from recipes._runner import stand_ins
from recipes._runner.errors import UserError

OURS = ("california_housing", "cmapss")  # sets with a builder in recipes/datasets
PATIENCE = 5.0  # seconds in all to find out whether the hosts of the missing sets answer
RECORD_OVERHEAD = 16  # bytes a TFRecord adds to each example: its length and two checksums


def names(path):
    """The data sets that a recipe loads: the literal first arguments of its `tfds.load` and `tfds.builder` calls."""
    found = []
    for node in ast.walk(ast.parse(pathlib.Path(path).read_text(encoding="utf8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("tfds.load", "tfds.builder") and node.args:
            name = getattr(node.args[0], "value", None)
            if isinstance(name, str) and name.partition("/")[0] not in found:
                found.append(name.partition("/")[0])
    return found


def choose(names, data_dir=None, stand_in=False, rows=None):
    """Decide for each set, download what can be downloaded, and make plain `tfds.load(name)` find the chosen one.

    Args:
        names: of TFDS data sets.
        data_dir: where prepared sets lie; `TFDS_DATA_DIR` or TFDS' own folder if None.
        stand_in: use stand-ins for all of them.
        rows: size of the stand-ins, see `stand_ins.make`.

    Returns:
        `{name: "real" or "stand-in"}`.

    Raises:
        UserError: if `data_dir` cannot be read, a prepared set is damaged, or a download fails though its host answers.
    """
    if not names:
        return {}
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core import constants
    from tensorflow_datasets.core.utils import file_utils

    logging.getLogger("absl").setLevel(logging.ERROR)  # TFDS warns of every version folder it looks into
    tfds.disable_progress_bar()
    folder = (
        existing(data_dir)
        if data_dir
        else pathlib.Path(os.environ.get("TFDS_DATA_DIR") or constants.get_default_data_dir())
    )
    deadline = time.monotonic() + PATIENCE
    chosen = {}
    for name in names:
        if name in OURS:
            __import__(f"recipes.datasets.{name}")
        real = not stand_in and (prepared(name, folder) or downloaded(name, folder, deadline))
        chosen[name] = "real" if real else "stand-in"

    # `tfds.load` looks into TFDS' own folder and those added, and refuses a set that lies in two of them.
    file_utils.clear_registered_data_dirs()
    constants.DATA_DIR = str(stand_ins.root() / "none" if stand_in else folder)
    for name, kind in chosen.items():
        if kind == "stand-in":
            tfds.core.add_data_dir(stand_ins.make(name, rows))
    return chosen


def existing(data_dir):
    folder = pathlib.Path(data_dir).expanduser().resolve()
    try:
        next(folder.iterdir(), None)
    except OSError as error:
        raise UserError(
            f"--data-dir {data_dir}: {error.strerror.lower()}; name a folder of prepared data sets"
        ) from None
    return folder


def prepared(name, folder):
    """Whether the set lies prepared in the folder, by its description and the sizes of its files."""
    import tensorflow_datasets as tfds

    if not (folder / name).is_dir():
        return False
    try:
        builder = tfds.builder(name, data_dir=folder)
    except Exception as error:
        raise damaged(folder / name, str(error).strip().splitlines()[0]) from error
    if not pathlib.Path(builder.data_path).is_dir():
        return False
    if not builder.info.splits:
        raise damaged(builder.data_path, "dataset_info.json names no splits")
    for split in builder.info.splits.values():
        sizes = []
        for path in map(pathlib.Path, split.filepaths):
            if not path.is_file():
                raise damaged(path, "the file is missing")
            sizes.append(path.stat().st_size)
        if ".tfrecord" in path.name and sum(sizes) != split.num_bytes + RECORD_OVERHEAD * split.num_examples:
            raise damaged(path.parent, f"the files of split {split.name} do not have the size they should have")
    return True


def damaged(path, why):
    return UserError(f"damaged data set {path}: {why}; delete the folder of the set, and it is made anew")


def downloaded(name, folder, deadline):
    """Download and prepare the set if its host answers before the deadline; whether it did."""
    import tensorflow_datasets as tfds

    builder = tfds.builder(name, data_dir=folder)
    if not answers(next(iter(builder.url_infos), None), deadline):
        print(f"{name}: not prepared in {folder} and its host cannot be reached; using stand-in data.")
        return False
    size = sum(info.size for info in builder.url_infos.values())
    print(f"Downloading {name} ({size / 2**20:.0f} MB) into {folder} …", flush=True)
    try:
        builder.download_and_prepare()
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{name} could not be prepared: {reason}; try again later, or use --stand-in") from error
    return True


def answers(url, deadline):
    """Whether anything answers at the address, whatever it says."""
    import requests

    remaining = deadline - time.monotonic()
    if url is None or remaining <= 0:
        return False
    try:
        requests.head(url, timeout=remaining, allow_redirects=False)
    except requests.RequestException:
        return False
    return True


def explain(error):
    """A TensorFlow error met while training: a line for the user where the data are to blame, else the error itself."""
    first = str(error).strip().splitlines()[0]
    if type(error).__name__ == "DataLossError" or re.search(r"corrupted record|truncated record", str(error)):
        return UserError(f"damaged data: {first}; delete the folder of the data set, and it is made anew")
    return error
