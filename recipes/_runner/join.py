"""`tune NAME --worker-of HOST:PORT`: run trials for a remote chief until its search is over."""

import os
import socket
import time

from recipes._runner import machines, search, worker_pool
from recipes._runner.errors import UserError
from recipes._runner.run_command import shown

PATIENCE = 60.0  # seconds to wait for the chief


def join(base, options):
    """Work for a chief.

    Args:
        base: the folder that both machines share, the chief's `--output`.
        options: of the command line.

    Raises:
        UserError: if the chief is gone, or no worker can start.
    """
    host, port = options.worker_of
    folder = find_search(base)
    reach(host, port)
    print(f"Working for the chief at {host}:{port}, in {shown(folder)}", flush=True)
    pool = Helpers(folder, options)
    try:
        pool.run()
    finally:
        pool.stop()
    print("The search is over.", flush=True)


def find_search(base):
    """The folder in `base` of the search with a chief.

    Raises:
        UserError: if there is none within a minute.
    """
    end = time.monotonic() + PATIENCE
    while True:
        found = list(base.rglob("tuning-*/chief.json")) if base.is_dir() else []
        if found:
            return max(found, key=lambda path: path.stat().st_mtime).parent
        if time.monotonic() > end:
            raise UserError(
                f"{shown(base)}: no search runs there: start the one with --chief first, and name "
                "with --output the folder that both machines share"
            )
        time.sleep(0.5)


def reach(host, port):
    """Wait until the chief can be reached.

    Raises:
        UserError: if it cannot within a minute.
    """
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection((host, port), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > end:
                raise UserError(
                    f"--worker-of {host}:{port}: nobody answers there ({error.strerror or error}): "
                    "is it the chief's address, and can it be reached from here?"
                ) from None
        time.sleep(0.5)


class Helpers(worker_pool.WorkerPool):
    """The worker processes of this machine for a chief on another.

    Args:
        folder: of the search.
        options: of the command line.
    """

    def __init__(self, folder, options):
        super().__init__(None, None, options, folder)
        self.over = False
        self.words = [options.data_dir] if options.data_dir else []

    def run(self):
        while not self.over:
            self.fill()
            time.sleep(0.2)
            self.reap()

    def name(self, place):
        return f"{socket.gethostname()}-{os.getpid()}-{place}-{self.started}"

    def log(self, place):
        return self.folder / f"worker-{socket.gethostname()}-{place}.log"

    def environment(self, name):
        host, port = map(str, self.options.worker_of)
        return {
            "KERASTUNER_TUNER_ID": name,
            "KERASTUNER_ORACLE_IP": host,
            "KERASTUNER_ORACLE_PORT": port,
        }

    def reap(self):
        """Remove the workers that have ended.

        Raises:
            UserError: if the chief is gone, or several in a row died before their first trial.
        """
        for place, worker in list(self.workers.items()):
            status = worker.poll()
            if status is None:
                continue
            del self.workers[place]
            began = self.forget(worker)
            if status == 0:
                self.over = True
            elif status == machines.NO_CHIEF:
                host, port = self.options.worker_of
                raise UserError(
                    f"the chief at {host}:{port} does not answer any more; "
                    "once it runs again, the same command goes on"
                )
            elif began or status in (search.REPLACE, machines.ANOTHER_CHIEF):
                self.idle_deaths = 0
            else:
                self.count_death(place, worker_pool.ended(status))

    def forget(self, worker):
        """Delete a dead worker's heartbeat, so that the chief notices immediately.

        Returns:
            Whether there was one: whether the worker had started to work.
        """
        sign = self.folder / "alive" / worker.name
        began = sign.exists()
        sign.unlink(missing_ok=True)
        return began

    def stop(self):
        workers = list(self.workers.values())
        super().stop()
        for worker in workers:
            self.forget(worker)
