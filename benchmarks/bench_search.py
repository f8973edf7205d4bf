"""What a search costs beyond its trials: the chief by number of trials, workers beside ideal.

    make bench-search                       all of it; half an hour on two cores
    make bench-search ARGS="--quick"        few trials, to see that it works

The chief alone: random search over six hyperparameters whose trials end at once, in one process,
written to disk as in a search. CPU time of a trial, by how many there were before; and for
comparison plain KerasTuner, to a thousand trials, for it takes an hour for ten thousand.

Workers: processes that ask a chief for trials over loopback. Each trial takes a second, in which
it waits (as for a GPU) or computes (on one core). Ideal is the number of workers times what one
would do that lost no time between trials.
"""

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import keras_tuner

from recipes import tuning
from recipes.tuning import chief

COUNTS = (10, 100, 1_000, 10_000)
TRIALS = 30  # for each worker
SECONDS = 1.0  # of a trial


def space():
    hp = keras_tuner.HyperParameters()
    for name in "abcdef":
        hp.Float(name, 0.0, 1.0)
    return hp


def simulated(kind, folder, trials, run=None):
    """A tuner whose trials do nothing but `run`."""

    class Simulated(kind):
        def run_trial(self, trial, *fit_args, **fit_kwargs):
            run()
            return trial.hyperparameters.values["a"]

    return Simulated(
        lambda hp: None,
        keras_tuner.Objective("score", "min"),
        hyperparameters=space(),
        max_trials=trials,
        seed=1,
        directory=str(folder),
        project_name="search",
    )


def trial_times(oracle, trials):
    """CPU seconds of each of so many trials: created, reported and ended."""
    times = []
    for number in range(trials):
        began = time.process_time()
        trial = oracle.create_trial("worker")
        oracle.update_trial(trial.trial_id, {"score": number % 97 / 97})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
        times.append(time.process_time() - began)
    return times


def at(times, count):
    """CPU milliseconds of a trial when there are `count`: the mean of the last tenth before."""
    last = times[count - max(count // 10, 5) : count]
    return 1000 * sum(last) / len(last)


def size(folder):
    """Bytes of all files in a folder, and their number."""
    files = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files), len(files)


def measure_chief(counts):
    print("The chief alone: CPU milliseconds of a trial, by how many there are")
    print(f"{'':>24}", *(f"{count:>9,}" for count in counts))
    kinds = {"ours": (tuning.RandomSearch, counts)}
    kinds["KerasTuner"] = keras_tuner.RandomSearch, [count for count in counts if count <= 1000]
    for name, (kind, counts_here) in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            tuner = simulated(kind, folder, max(counts_here))
            tuner.oracle._display.verbose = 0  # KerasTuner prints a table for each trial
            project = tuner.project() if name == "ours" else contextlib.nullcontext()
            with project:
                began = time.perf_counter()
                times = trial_times(tuner.oracle, max(counts_here))
                wall = time.perf_counter() - began
            print(f"{name:>24}", *(f"{at(times, count):9.1f}" for count in counts_here))
            total, files = size(folder)
            each = total / len(times)
            print(
                f"    {len(times):,} trials: {wall:.0f} s, {sum(times):.0f} CPU s; "
                f"{total / 1e6:.1f} MB in {files:,} files, {each:,.0f} bytes a trial"
            )
            if name == "ours":
                began = time.process_time()
                simulated(kind, folder, max(counts_here))
                print(f"    taken up again in {time.process_time() - began:.1f} CPU s")


def wait():
    time.sleep(SECONDS)


def compute():
    end = time.process_time() + SECONDS
    while time.process_time() < end:
        sum(range(10_000))


def work(folder, what, trials):
    """A worker: of the chief that the environment names."""
    simulated(tuning.RandomSearch, folder, trials, {"wait": wait, "compute": compute}[what]).search(
        verbose=0
    )


def throughput(workers, what, trials):
    """Trials a second, from when all workers have begun."""
    with tempfile.TemporaryDirectory() as folder:
        tuner = simulated(tuning.RandomSearch, folder, trials)
        with tuner.project():
            server = chief.serve(tuner.oracle)
            command = [sys.executable, __file__, "--work", folder, what, str(trials)]
            processes = []
            for number in range(workers):
                environment = {**os.environ, **server.environment(f"worker-{number}")}
                processes.append(subprocess.Popen(command, env=environment))
            while len(tuner.oracle.ongoing_trials) < workers:
                time.sleep(0.01)
            before, began = len(tuner.oracle.end_order), time.perf_counter()
            while len(tuner.oracle.end_order) < trials - workers:
                time.sleep(0.005)
            done, spent = len(tuner.oracle.end_order) - before, time.perf_counter() - began
            server.wait()
            for process in processes:
                process.wait()
    return done / spent


def measure_workers(counts, trials):
    print(f"\nTrials of {SECONDS:g} s a second, and the share of ideal ({os.cpu_count()} cores)")
    for what in ("wait", "compute"):
        for workers in counts:
            speed = throughput(workers, what, workers * trials)
            share = speed * SECONDS / workers
            print(f"{what:>10}, {workers} workers: {speed:5.2f} {share:6.1%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few trials, to see that it works")
    parser.add_argument("--only", choices=("chief", "workers"), help="one of the two [both]")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        folder, what, trials = options.work
        work(folder, what, int(trials))
        return
    if options.only != "workers":
        measure_chief(COUNTS[:2] if options.quick else COUNTS)
    if options.only != "chief":
        measure_workers((1, 2, 8), 3 if options.quick else TRIALS)


if __name__ == "__main__":
    main()
