"""The worker processes of a search on this machine."""

import os
import signal
import subprocess
import sys
import time

from recipes._runner import machines
from recipes._runner.earlier_search import EARLIER, confirm
from recipes._runner.errors import UserError
from recipes._runner.run_command import shown

GRACE = 60.0  # seconds beyond its limit after which a trial that does not answer is killed
# Workers that die before their first trial, one after another, until the search gives up.
START_UPS = 3


class WorkerPool:
    """The worker processes of a search: started, watched, replaced when they end, and stopped.

    Args:
        oracle: chooses the trials.
        server: the chief that answers the workers.
        options: as typed.
        folder: of the search; each worker's log goes there.
    """

    def __init__(self, oracle, server, options, folder):
        self.oracle = oracle
        self.server = server
        self.folder = folder
        self.size = options.workers
        self.device = options.device
        self.options = options
        self.trial_limit = options.trial_time_limit
        self.until = None
        if options.time_limit:
            self.until = time.time() + options.time_limit
        self.most_trials = oracle and oracle.most_trials()
        self.signs = machines.Signs(folder)  # of workers on other machines
        self.next_look = 0.0  # at these
        self.words = []  # more of a worker's command line
        self.workers = {}  # the process in each place, from 0 to `size` - 1
        self.started = 0
        self.idle_deaths = 0  # workers that died without a trial, one after another
        self.running_since = {}  # (worker's name, trial): when it was first seen
        self.overdue = set()  # names of workers that were killed for their time

    def run(self, reporter, keep=lambda: None):
        """Until the search is finished, or its time is over.

        Then running trials are left as a kill would leave them: the same command with more time
        continues them. While no trial is completed, the search waits for one.
        """
        while not self.server.finished():
            over = self.until is not None and time.time() >= self.until
            self.reap()
            if not over:
                self.fill()
            self.give_up_lost()
            self.kill_overdue()
            reporter.update(self.oracle)
            keep()
            if (self.folder / EARLIER).exists() and self.oracle.get_best_trials(1):
                confirm(self.folder)
            working = self.workers or self.oracle.ongoing_trials
            if over and (not working or self.oracle.get_best_trials(1)):
                print(self.out_of_time(), flush=True)
                break
            # All trials have ended, perhaps in an earlier process.
            if not working and (self.size or self.trials_left() == 0):
                break
            time.sleep(0.1)
        reporter.update(self.oracle)

    def out_of_time(self):
        """What becomes of the trials that are running when the time is over, in words."""
        left = sorted(int(trial.trial_id) + 1 for trial in self.oracle.ongoing_trials.values())
        if not left:
            return "The time limit is reached: no new trial is started."
        plural = "s" * (len(left) > 1)
        return (
            f"The time limit is reached: trial{plural} {', '.join(map(str, left))} not finished; "
            "the same command with more time continues."
        )

    def fill(self):
        """Start workers in the free places, no more than there are trials to come."""
        left = self.trials_left()
        for place in range(self.size if left is None else min(self.size, left)):
            if place not in self.workers:
                self.workers[place] = self.start(place)

    def trials_left(self):
        """How many trials have not ended; None if that is not known."""
        if self.most_trials is None:
            return None
        return self.most_trials - len(self.oracle.end_order)

    def name(self, place):
        """A name for a worker that no other has had."""
        return f"worker-{place}-{self.started}"

    def environment(self, name):
        """The variables that make a program the worker `name`."""
        return self.server.environment(name)

    def start(self, place):
        """A new worker process."""
        name = self.name(place)
        self.started += 1
        environment = {**os.environ, **self.environment(name), "TF_CPP_MIN_LOG_LEVEL": "3"}
        if self.size > 1:  # share the processor
            threads = str(max(1, (os.cpu_count() or 1) // self.size))
            environment |= {"TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads}
        environment.pop("TPU_LOAD_LIBRARY", None)  # which `check_tpu` has set for this process
        if self.device != "cpu" and (gpus := visible_gpus()):
            environment["CUDA_VISIBLE_DEVICES"] = gpus[place % len(gpus)]
        with open(self.log(place), "a", encoding="utf8") as log:  # the worker has its own copy
            worker = subprocess.Popen(
                [sys.executable, "-m", "recipes._runner.search", str(self.folder), *self.words],
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the chief, which stops the workers
            )
        worker.name = name
        return worker

    def log(self, place):
        return self.folder / f"worker-{place}.log"

    def reap(self):
        """Take out the workers that have ended; an unfinished trial of theirs is run by another.

        Raises:
            UserError: if several in a row died before their first trial.
        """
        from recipes._runner.search import REPLACE

        for place, worker in list(self.workers.items()):
            if worker.poll() is None:
                continue
            del self.workers[place]
            reason = ended(worker.returncode)
            if worker.name in self.overdue:
                reason = self.hung()
            trial = self.oracle.abandon(worker.name, reason)
            if worker.returncode in (0, REPLACE) or trial is not None:
                self.idle_deaths = 0
            else:
                self.count_death(place, reason)

    def count_death(self, place, reason):
        """Another worker has died without a trial.

        Raises:
            UserError: if it was one of several in a row.
        """
        self.idle_deaths += 1
        if self.idle_deaths >= START_UPS:
            log = self.log(place)
            lines = log.read_text(encoding="utf8", errors="replace").strip().splitlines()
            last = lines[-1] if lines else "no message"
            raise UserError(f"no worker can start ({reason}): {last}; see {shown(log)}")

    def far(self):
        """The names of workers on other machines that run a trial."""
        near = [worker.name for worker in self.workers.values()]
        return [name for name in dict(self.oracle.ongoing_trials) if name not in near]

    def give_up_lost(self):
        """Have trials of lost workers on other machines run elsewhere; looks every few seconds."""
        if time.monotonic() < self.next_look:
            return
        self.next_look = time.monotonic() + machines.PULSE
        for name in self.far():
            if reason := self.signs.lost(name):
                self.oracle.abandon(name, reason)

    def kill_overdue(self):
        """Kill workers far beyond the time limit of a trial, which they should have noticed."""
        now = time.monotonic()
        before, self.running_since = self.running_since, {}
        for name, trial in dict(self.oracle.ongoing_trials).items():
            running = name, trial.trial_id
            self.running_since[running] = before.get(running, now)
        if self.trial_limit is None:
            return
        for (name, _), since in self.running_since.items():
            if now - since <= self.trial_limit + GRACE:
                continue
            for worker in self.workers.values():
                if worker.name == name:
                    self.overdue.add(name)
                    worker.kill()
            if name in self.far():
                self.oracle.abandon(name, self.hung())

    def hung(self):
        return f"it hung: still running after {self.trial_limit + GRACE:g} s"

    def stop(self):
        """Ask all workers to end, and kill those that do not within seconds."""
        for worker in self.workers.values():
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers.values():
            try:
                worker.wait(5)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        self.workers = {}


def ended(status):
    if status >= 0:
        return f"it ended with status {status}"
    if -status == signal.SIGKILL:
        return "killed, by the system for want of memory or by someone"
    return f"it died of {signal.Signals(-status).name}"


def visible_gpus():
    """The GPUs that workers share out among themselves, as CUDA_VISIBLE_DEVICES names them."""
    if given := os.environ.get("CUDA_VISIBLE_DEVICES"):
        return given.split(",")
    import tensorflow as tf

    return [str(number) for number in range(len(tf.config.list_physical_devices("GPU")))]
