"""A folder in a bucket of Google Cloud Storage, `gs://…`, mirrored as a local folder.

The disk of a Cloud TPU VM is deleted with the VM, which may be preempted at any time if it is a
Spot VM; a bucket persists. TensorFlow reads and writes it (`tf.io.gfile`).
"""

import contextlib
import os
import pathlib
import shutil
import tempfile
import time

from recipes._runner import quiet
from recipes._runner.errors import UserError

PAUSE = 60.0  # seconds between two copies


def is_bucket(place):
    return "://" in str(place)


class Mirror:
    """A local folder that is copied to a bucket, by `keep` once a minute.

    Args:
        url: `gs://bucket/folder`, or another scheme of `tf.io.gfile`, such as `ram://`.
        folder: the local folder.
    """

    def __init__(self, url, folder):
        self.url = url.rstrip("/")
        self.folder = pathlib.Path(folder)
        self.there = {}  # relative path of each file in the bucket: version of the local file
        self.copied_at = time.monotonic()

    def fetch(self):
        """Copy the content of the bucket to the local folder.

        Raises:
            UserError: if the bucket cannot be read.
        """
        import tensorflow as tf

        with self._understood():
            if not tf.io.gfile.exists(self.url):
                return
            for folder, _, names in tf.io.gfile.walk(self.url):
                for name in names:
                    source = f"{folder.rstrip('/')}/{name}"
                    path = source.removeprefix(self.url + "/")
                    target = self.folder / path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    tf.io.gfile.copy(source, str(target), overwrite=True)
                    self.there[path] = self._version(target)

    def keep(self):
        """Copy if the last copy is a minute old; on failure, print a message and continue."""
        if time.monotonic() - self.copied_at < PAUSE:
            return
        try:
            self.update()
        except UserError as error:
            print(f"{error}; trying again in a minute", flush=True)
        self.copied_at = time.monotonic()

    def update(self):
        """Copy changed files, and remove files from the bucket that no longer exist locally.

        Raises:
            UserError: if the bucket cannot be written.
        """
        import tensorflow as tf

        with self._understood():
            here = self._files()
            # Copy the record of a trial last: if it exists, the trial is complete.
            for path in sorted(here, key=lambda path: ("trial.json" in path, path)):
                if self.there.get(path) == here[path]:
                    continue
                parent = f"{self.url}/{path}".rpartition("/")[0]
                tf.io.gfile.makedirs(parent)
                with contextlib.suppress(FileNotFoundError, tf.errors.NotFoundError):  # was deleted
                    tf.io.gfile.copy(str(self.folder / path), f"{self.url}/{path}", overwrite=True)
                    self.there[path] = here[path]
            for path in [path for path in self.there if path not in here]:
                with contextlib.suppress(tf.errors.NotFoundError):
                    tf.io.gfile.remove(f"{self.url}/{path}")
                del self.there[path]

    def _files(self):
        """`{relative path: version}` of the files to keep: no locks, no partially written files."""
        found = {}
        for path in self.folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                half = path.name == ".lock" or path.name.endswith(".new")
                if path.is_file() and not half:
                    found[path.relative_to(self.folder).as_posix()] = self._version(path)
        return found

    @staticmethod
    def _version(path):
        status = os.stat(path)
        return status.st_mtime_ns, status.st_size

    @contextlib.contextmanager
    def _understood(self):
        import tensorflow as tf

        try:
            yield
        except tf.errors.OpError as error:
            said = str(error).strip().splitlines()[0][:200]
            raise UserError(
                f"--output {self.url}: {said}; `gcloud storage ls` "
                "shows what this machine may reach"
            ) from error


@contextlib.contextmanager
def mirrored(url):
    """A local folder in place of one in a bucket: fetched at the start, copied back at the end.

    Args:
        url: `gs://bucket/folder`.

    Returns:
        The `Mirror`; its `keep` copies in between.

    Raises:
        UserError: if the bucket cannot be read or written; the results stay in the local folder.
    """
    quiet.import_tensorflow()
    folder = tempfile.mkdtemp(prefix="bucket-")
    mirror = Mirror(url, folder)
    try:
        mirror.fetch()
        print(f"Working in {folder}, copied to {url} every minute.", flush=True)
        yield mirror
    finally:
        try:
            mirror.update()
        except UserError as error:
            raise UserError(f"{error}; what was not copied lies in {folder}") from error
        shutil.rmtree(folder)
    print(f"All of it lies in {url}", flush=True)
