"""The whole state of a training inside a trial, at the end of each epoch.

Killed and promoted trials go on from it.

Keras' `BackupAndRestore` leaves out the seed generators, what callbacks remember and the history.
Here the state is a folder an epoch, written under another name and renamed when complete.
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
# Keras turns the sign of a callback's `min_delta` around at the end of its first epoch, where less
# is better: given back, it would be turned around once more.
NOT_REMEMBERED = ("min_delta",)
# What `fit` of Keras 3.15 opens on a tf.data set of known size; one when the size is unknown.
ITERATORS_PER_EPOCH = 2


class NotFiniteError(ArithmeticError):
    """The objective of a trial, or one of its weights, is NaN or infinite."""


def is_plain(value):
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    return isinstance(value, PLAIN)


def untracked(value):
    """Plain containers for those of Keras' layers, which cannot be pickled."""
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
    """Pass over the orders that a shuffled tf.data set had in `epochs` finished epochs."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or not isinstance(data, tensorflow.data.Dataset):
        return
    known_size = int(data.cardinality()) >= 0
    iterators = ITERATORS_PER_EPOCH if known_size else 1
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
    """What is remembered in the last state under `folder` that can be read, or None."""
    while state := latest(folder):
        try:
            saved = pickle.loads((state / "state.pickle").read_bytes())
            if (state / "last.weights.h5").exists():
                return {**saved, "weights": state / "last.weights.h5"}
        except Exception:  # a spoilt pickle raises anything
            pass
        shutil.rmtree(state)
    return None


def restore(saved, model, callbacks):
    """Put a state into a model and its optimizer.

    Returns the callbacks, to go first, that do it for the callbacks.
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
    """Gives callbacks their memory back once training has begun.

    They forget everything in `on_train_begin`.
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
    """Save the state of a training, in place of the one before.

    Args:
        folder: where `epoch-<n>/` goes.
        model: compiled and built.
        callbacks: those whose plain attributes (numbers, strings, arrays, lists of them) are part
            of the state.
        remembered: a dictionary with `"epochs"`, the number of finished epochs, and whatever else
            shall be kept.
        best: whether the weights are the best so far, where the best shall be kept too, as
            `best.weights.h5`.

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
    """Follows one execution of a trial: curves, best weights, state, limits.

    The last of the callbacks.

    Args:
        tuner: asked after every batch whether the time is over, and after every epoch whether to
            prune.
        trial: the trial.
        objective: what decides on the best epoch.
        folder: where the state of the execution goes.
        checkpoint: where the best weights over all executions go.
        callbacks: the other callbacks, whose memory is part of the state.
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
        self.epochs = 0  # that have ended
        self.message = None  # why the trial was pruned

    def take_up(self, saved):
        """Go on from what was remembered in a state."""
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
        """What Keras calls the history; None where a metric was not computed."""
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
            self.model.stop_training = True  # no later epoch can mend the weights
        elif layer := layer_without_numbers(self.model):
            # The loss stays finite where a ReLU hides them, and the trial might even win.
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
