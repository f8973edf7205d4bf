"""The complete training state of a trial, saved at the end of each epoch.

Killed and promoted trials continue from it.

Keras' `BackupAndRestore` omits the seed generators, the state of callbacks and the history. Here
the state is one folder per epoch, written under a temporary name and renamed when complete.
"""

import os
import pathlib
import pickle
import random
import shutil
import sys

import keras
import numpy as np

from recipes.tuning import storage

PLAIN = (type(None), bool, int, float, str, np.generic, np.ndarray)
# Keras changes the sign of a callback's `min_delta` at the end of its first epoch if less is
# better: a restored value would change its sign again.
NOT_REMEMBERED = ("min_delta",)
# Iterators that `fit` of Keras 3.15 opens on a tf.data set of known size (one if it is unknown, or
# on JAX).
ITERATORS_PER_EPOCH = 2


class NotFiniteError(ArithmeticError):
    """The objective of a trial, or one of its weights, is NaN or infinite."""


def is_plain(value):
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return isinstance(value, PLAIN)


def untracked(value):
    """Plain containers instead of Keras' tracked ones, which cannot be pickled."""
    if isinstance(value, dict):
        return {name: untracked(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(map(untracked, value))
    return value


def outside_weights(model):
    """The states of seed generators, which `save_weights` leaves out."""
    weights = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def skip_epochs(data, epochs):
    """Advance a shuffled tf.data set past the orders of `epochs` finished epochs."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or not isinstance(data, tensorflow.data.Dataset):
        return
    known_size = int(data.cardinality()) >= 0
    on_tensorflow = keras.backend.backend() == "tensorflow"
    iterators = ITERATORS_PER_EPOCH if known_size and on_tensorflow else 1
    for _ in range(epochs * iterators):
        iter(data)


def latest(folder):
    """The folder of the last complete state, or None."""
    states = {}
    for state in pathlib.Path(folder).glob("epoch-*"):
        number = state.name.removeprefix("epoch-")
        if number.isdigit():
            states[int(number)] = state
    return states[max(states)] if states else None


def load(folder):
    """The content of the last readable state under `folder`, or None."""
    while state := latest(folder):
        try:
            saved = pickle.loads((state / "state.pickle").read_bytes())
            if (state / "last.weights.h5").exists():
                return {**saved, "weights": state / "last.weights.h5"}
        except Exception:  # a corrupt pickle can raise anything
            pass
        shutil.rmtree(state)
    return None


def restore(saved, model, callbacks):
    """Restore the state of a model and its optimizer.

    Returns additional callbacks, to be put first, that restore the state of the callbacks.
    """
    if not model.built:
        model.build_from_config(saved["build_config"])
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    model.load_weights(saved["weights"])
    for variable, value in zip(outside_weights(model), saved["variables"], strict=True):
        variable.assign(value)
    random.setstate(saved["python_random"])
    np.random.set_state(saved["numpy_random"])
    return [Reminder(callbacks, saved["memories"])]


class Reminder(keras.callbacks.Callback):
    """Restores the state of callbacks after the start of training.

    They reset their state in `on_train_begin`.
    """

    def __init__(self, callbacks, memories):
        super().__init__()
        self.pairs = list(zip(callbacks, memories, strict=False))

    def on_epoch_begin(self, epoch, logs=None):
        for callback, (name, memory) in self.pairs:
            if type(callback).__name__ != name:
                continue
            for attribute, value in memory.items():
                if attribute not in NOT_REMEMBERED:
                    vars(callback)[attribute] = value
        self.pairs = []


def save(folder, model, callbacks, remembered, best=None):
    """Save the state of a training, replacing the previous one.

    Args:
        folder: parent folder of `epoch-<n>/`.
        model: compiled and built.
        callbacks: those whose plain attributes (numbers, strings, arrays, lists of them) are part
            of the state.
        remembered: a dictionary with `"epochs"`, the number of finished epochs, and anything else
            to keep.
        best: whether the weights are the best so far, if the best are also to be kept, as
            `best.weights.h5`; otherwise None.

    Returns:
        The path of the weights.
    """
    folder = pathlib.Path(folder)
    before = latest(folder)
    new = folder / ".new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    model.save_weights(new / "last.weights.h5")
    if best is not None:
        source = new / "last.weights.h5" if best else before / "best.weights.h5"
        storage.link_or_copy(source, new / "best.weights.h5")
    memories = []
    for callback in callbacks:
        plain = {name: value for name, value in vars(callback).items() if is_plain(value)}
        memories.append((type(callback).__name__, plain))
    state = {
        **remembered,
        "memories": memories,
        "variables": [np.asarray(variable) for variable in outside_weights(model)],
        "build_config": untracked(model.get_build_config()),
        "python_random": random.getstate(),
        "numpy_random": np.random.get_state(),
    }
    (new / "state.pickle").write_bytes(pickle.dumps(state))
    target = folder / f"epoch-{remembered['epochs']}"
    shutil.rmtree(target, ignore_errors=True)
    os.rename(new, target)
    if before and before != target:
        shutil.rmtree(before)
    return target / "last.weights.h5"


class Follower(keras.callbacks.Callback):
    """Monitors one execution of a trial: curves, best weights, state, limits.

    It must be the last callback.

    Args:
        tuner: checks the time limit after every batch, and pruning after every epoch.
        trial: the trial.
        objective: the metric that determines the best epoch.
        folder: path of the state of the execution.
        checkpoint: path of the best weights over all executions.
        callbacks: the other callbacks, which are part of the state.
        best: the best value of earlier executions, or None.
    """

    def __init__(self, tuner, trial, objective, folder, checkpoint, callbacks, best=None):
        super().__init__()
        self.tuner = tuner
        self.trial = trial
        self.objective = objective
        self.folder = folder
        self.checkpoint = checkpoint
        self.callbacks = callbacks
        self.best = best
        self.rows = []  # the logs of each epoch
        self.epochs = 0  # finished ones
        self.message = None  # why the trial was pruned

    def take_up(self, saved):
        """Continue from a saved state."""
        self.best = saved["best"]
        self.rows = list(saved["rows"])
        self.epochs = saved["epochs"]
        self.message = saved["message"]

    def values(self):
        """The objective after each epoch; None where it is not in the logs."""
        return [
            self.objective.get_value(row) if self.objective.has_value(row) else None
            for row in self.rows
        ]

    def history(self):
        """The dictionary `History.history`; None where a metric was not computed."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        return {name: [row.get(name) for row in self.rows] for name in names}

    def on_train_batch_end(self, batch, logs=None):
        self.tuner.check_time(self.epochs)

    def on_test_batch_end(self, batch, logs=None):
        self.tuner.check_time(self.epochs)

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self.rows.append(logs)
        self.epochs = epoch + 1
        value = self.objective.get_value(logs) if self.objective.has_value(logs) else None
        if np.isnan(logs.get("loss", 0.0)):
            self.model.stop_training = True  # the weights cannot recover
        elif layer := layer_without_numbers(self.model):
            # A ReLU can hide such weights: the loss stays finite, and the trial might even win.
            raise NotFiniteError(
                f"layer {layer} has weights that are NaN or infinite after epoch {epoch + 1}"
            )
        improved = value is None or (
            np.isfinite(value)
            and (self.best is None or self.objective.better_than(value, self.best))
        )
        if improved:
            self.best = value
        self.message = self.tuner.verdict(self.trial, self.values()) if value is not None else None
        if self.message:
            self.model.stop_training = True
        remembered = {
            "epochs": self.epochs,
            "stopped": bool(self.model.stop_training),
            "rows": self.rows,
            "best": self.best,
            "message": self.message,
            "seconds": self.tuner.seconds(),
        }
        weights = save(self.folder, self.model, self.callbacks, remembered)
        if improved:
            storage.link_or_copy(weights, self.checkpoint)
        self.tuner.check_time(self.epochs)


def layer_without_numbers(model):
    """The name of the first layer with a weight that is not finite, or None."""
    for weight in model.weights:
        if "float" in weight.dtype and not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            return weight.path.rpartition("/")[0] or weight.name
    return None
