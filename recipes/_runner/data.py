"""The choice of a run's data: the real set if it is available, otherwise a marked stand-in."""

import ast
import contextlib
import importlib
import io
import json
import logging
import os
import pathlib
import shutil
import sys
import threading
import time
import urllib.parse

from recipes._runner.errors import UserError
from recipes.datasets import stand_ins

# Total seconds for the hosts of the missing sets to respond; TFDS alone gives up after 205.
PATIENCE = 5.0
RETRIES = 2  # of a failed download; TFDS' default of 10 takes minutes
# Statuses of a proxy that cannot, or is not allowed to, reach the host.
NO_WAY_THROUGH = (407, 502, 503, 504)
RECORD_OVERHEAD = 16  # bytes that a TFRecord adds to each example: its length and two checksums

_used = {}  # name: the folder with the files that `tfds.load` uses, for `explain`


def names(path):
    """The data sets that a recipe loads, in source order.

    They are the literal first arguments of its `tfds.load` and `tfds.builder` calls.
    """
    tree = ast.parse(pathlib.Path(path).read_text(encoding="utf8"))
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if ast.unparse(node.func) not in ("tfds.load", "tfds.builder"):
            continue
        given = list(node.args[:1])
        given += [keyword.value for keyword in node.keywords if keyword.arg == "name"]
        name = getattr(given[0], "value", None) if given else None
        if isinstance(name, str):
            found.append((node.lineno, name))
    return list(dict.fromkeys(name for _, name in sorted(found)))


def choose(names, data_dir=None, stand_in=False, rows=None):
    """Choose real or stand-in data for each set, and let plain `tfds.load(name)` find it.

    Sets are searched for in `data_dir`, `TFDS_DATA_DIR` and `~/tensorflow_datasets`, and downloaded
    if possible, into the first of these that is given.

    Args:
        names: of TFDS data sets, such as `mnist` or `imdb_reviews/plain_text`.
        data_dir: folder of prepared sets, searched first.
        stand_in: use stand-ins for all of them, even if the real ones are available.
        rows: size of the stand-ins, see `stand_ins.make`.

    Returns:
        `{name: "real" or "stand-in"}`.

    Raises:
        UserError: if `data_dir` cannot be read, a prepared set is damaged, a download fails with a
            reachable host, or there is no stand-in for a set that cannot be reached.
    """
    if not names:
        return {}
    _silence()
    folders = _folders(data_dir)
    roots = {} if stand_in else _real(names, folders)
    for name in names:
        if roots.get(name) is None:
            roots[name] = _stand_in(name, rows)
    _use(roots)
    chosen = {}
    for name, folder in _used.items():
        # A stand-in remains one even if it was copied to the folder of real sets.
        generated = (folder / stand_ins.MARK).exists()
        chosen[name] = "stand-in" if generated else "real"
    return chosen


def _real(names, folders):
    """`{name: folder}` of the sets that are prepared in one of the folders, or downloaded."""
    roots = {}
    missing = {}
    for name in names:
        prepared = (folder for folder in folders if _prepared(_builder(name, folder)))
        roots[name] = next(prepared, None)
        if roots[name] is None:
            missing[name] = _builder(name, folders[0])
    answering = _answering({name: builder.url_infos for name, builder in missing.items()})
    for name, builder in missing.items():
        if name in answering:
            _download(name, builder, folders[0])
            roots[name] = folders[0]
        else:
            where = f"not prepared in {folders[0]}, and {_host(builder)} cannot be reached"
            print(f"{name}: {where}; using stand-in data")
    return roots


def explain(error):
    """A UserError in place of an error from damaged data; other errors are returned unchanged.

    tf.data does not report which file contains the damaged record, so all used files are read to
    find it.
    """
    import tensorflow as tf

    if not isinstance(error, tf.errors.DataLossError):
        return error
    for folder in _used.values():
        for path in sorted(folder.glob("*.tfrecord*")):
            intact = 0
            try:
                for _ in tf.data.TFRecordDataset(str(path)):
                    intact += 1
            except tf.errors.DataLossError:
                return _damaged(path, f"record {intact + 1} is corrupt")
    return UserError(f"damaged data: {str(error).splitlines()[0]}")


def _silence():
    """Disable TFDS' progress bars, and its warnings about each folder it searches."""
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    logging.getLogger("absl").addFilter(_not_tfds)


def _not_tfds(record):
    return record.levelno >= logging.ERROR or "tensorflow_datasets" not in record.pathname


def _folders(data_dir):
    """The folders that may contain prepared sets, in search order."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core import constants

    named = [data_dir] if data_dir else []
    # The current value of TFDS_DATA_DIR, not the one at the time of the import.
    named.append(constants.get_default_data_dir())
    folders = [tfds.core.Path(folder).expanduser().absolute() for folder in named]
    for folder in folders:
        try:
            next(folder.iterdir(), None)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not (data_dir and folder is folders[0]):
                continue  # the first download creates it
            why = (error.strerror or str(error)).lower()
            raise UserError(
                f"data folder {folder}: {why}; name a readable folder of prepared sets"
            ) from None
    default = tfds.core.Path("~/tensorflow_datasets").expanduser()
    if os.access(default, os.R_OK):
        folders.append(default)
    return list(dict.fromkeys(folders))


def _builder(name, folder):
    """TFDS' builder of the set, restricted to the folder."""
    import tensorflow_datasets as tfds

    ours = f"recipes.datasets.{name.partition('/')[0].partition(':')[0]}"
    if importlib.util.find_spec(ours):
        importlib.import_module(ours)  # registers the builder
    try:
        return tfds.builder(name, data_dir=folder)
    except Exception as error:
        path = folder / name.partition(":")[0]
        for file in [*path.glob("*/*.json"), *path.glob("*/*/*.json")]:
            _check_json(file)
        if path.exists():
            raise _damaged(path, "dataset_info.json describes something else") from error
        raise  # there is no such set


def _prepared(builder):
    """Whether the set is prepared in its folder, by the sizes and first records of its files."""
    import tensorflow as tf

    folder = builder.data_path
    if not folder.exists():
        return False
    for name in ("dataset_info.json", "features.json"):
        _check_json(folder / name)
    if not builder.info.splits:
        raise _damaged(folder / "dataset_info.json", "it names no splits")
    for split in builder.info.splits.values():
        size = 0
        for path in split.filepaths:
            if not path.exists():
                raise _damaged(path, "the file is missing")
            size += path.stat().length
        if "tfrecord" not in path.name:
            continue
        expected = split.num_bytes + RECORD_OVERHEAD * split.num_examples
        if size != expected:
            raise _damaged(path, f"split {split.name} has {size:,} bytes instead of {expected:,}")
        try:
            next(iter(tf.data.TFRecordDataset(str(split.filepaths[0])).take(1)), None)
        except tf.errors.OpError:
            raise _damaged(split.filepaths[0], "its first record cannot be read") from None
    return True


def _check_json(path):
    try:
        json.loads(path.read_text())
    except FileNotFoundError:
        raise _damaged(path, "the file is missing") from None
    except ValueError:
        raise _damaged(path, "the file is not valid JSON") from None


def _damaged(path, why):
    folder = path.parent if path.suffix else path
    return UserError(
        f"damaged data set {path}: {why}; delete {folder}, and the next run makes it anew"
    )


def _host(builder):
    return urllib.parse.urlparse(next(iter(builder.url_infos or {}), "")).netloc or "its host"


def _answering(urls):
    """The sets of `{name: addresses}` whose host responds in time."""
    found = []

    def ask(name, url):
        if _reachable(url, PATIENCE):
            found.append(name)

    threads = []
    for name, known in urls.items():
        if known:
            # A daemon thread: the process does not wait for a name lookup that hangs.
            thread = threading.Thread(target=ask, args=(name, next(iter(known))), daemon=True)
            threads.append(thread)
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    return set(found)


def _reachable(url, seconds):
    """Whether the host responds, with any status.

    The download reports errors in the response.
    """
    import requests  # the library that TFDS uses, with the same proxies and certificates

    try:
        return requests.head(url, timeout=seconds).status_code not in NO_WAY_THROUGH
    except requests.exceptions.SSLError:
        return True
    except requests.RequestException:
        return False


def _download(name, builder, folder):
    """Download and prepare a set, after printing its size and target folder."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download import downloader

    size = tfds.core.utils.Size(sum(info.size for info in builder.url_infos.values()))
    print(f"{name}: downloading {size} from {_host(builder)} into {folder} …", flush=True)
    retries = downloader.MAX_RETRIES
    downloader.MAX_RETRIES = RETRIES
    if sys.stderr.isatty():
        tfds.enable_progress_bar()
    try:
        # TFDS' own announcement says "unknown size".
        with contextlib.redirect_stdout(io.StringIO()):
            builder.download_and_prepare()
    except Exception as error:
        with contextlib.suppress(UserError):
            if _prepared(_builder(name, folder)):  # another process was faster
                return
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise UserError(
            f"{name} could not be downloaded into {folder}: {reason[0].rstrip('.')}; "
            "try again, name a folder where it lies prepared (--data-dir), or use --stand-in"
        ) from error
    finally:
        downloader.MAX_RETRIES = retries
        tfds.disable_progress_bar()


def _stand_in(name, rows):
    """The folder of the set's stand-in, generated if it does not exist or is damaged."""
    import tensorflow_datasets as tfds

    plain = name.partition("/")[0].partition(":")[0]
    if plain not in stand_ins.SIZES:
        raise UserError(
            f"there is no stand-in for {name}: run once with a network and without --stand-in"
        )
    root = tfds.core.Path(stand_ins.folder(plain, rows))
    if not root.exists():
        print(f"{plain}: generating stand-in data …", flush=True)
    try:
        stand_ins.make(plain, rows)
        try:
            intact = _prepared(_builder(plain, root))
        except UserError:
            intact = False
        if not intact:
            shutil.rmtree(root)
            stand_ins.make(plain, rows)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UserError(
            f"cannot write stand-in data to {stand_ins.root()}: {why}; set XDG_CACHE_HOME"
        ) from error
    return root


def _use(roots):
    """Make plain `tfds.load(name)` read each set from its folder, and from no other.

    TFDS searches `constants.DATA_DIR`, which it reads from `TFDS_DATA_DIR` on import, and any added
    folders; it refuses a set that is in two of them. Therefore the first of our folders replaces
    `DATA_DIR`, and the rest are added.
    """
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core import constants
    from tensorflow_datasets.core.utils import file_utils

    first, *others = dict.fromkeys(roots.values())
    constants.DATA_DIR = str(first)
    file_utils.clear_registered_data_dirs()
    for folder in others:
        tfds.core.add_data_dir(folder)
    _used.clear()
    for name in roots:
        try:
            _used[name] = tfds.builder(name).data_path
        except ValueError as error:
            twice = ", ".join(str(folder) for folder in (first, *others))
            raise UserError(
                f"{name} lies in more than one of {twice}; name one folder for all with --data-dir"
            ) from error
