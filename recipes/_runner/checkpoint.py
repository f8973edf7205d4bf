"""The whole state of a training run at the end of each epoch, so that a killed run continues as if nothing had been.

Keras' `BackupAndRestore` leaves out the seed generators, what callbacks remember, the history and the order of the data
(they all change the result), and writes its two files one after the other. Here the state is one folder an epoch,
written under another name and renamed when complete; the previous epoch's is deleted after that.
"""

import csv
import io
import math
import os
import pathlib
import pickle
import random
import shutil
import time

import keras
import numpy as np

from recipes._runner.errors import UserError
from recipes._runner.output import write_atomically

PLAIN = (type(None), bool, int, float, str, np.generic, np.ndarray)


def unsaved_variables(model):
    """What `save_weights` leaves out: the states of seed generators, in dropout and the like."""
    weights = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def plain_attributes(callback):
    """What a callback remembers, as far as it is numbers, strings, arrays, or lists of them."""

    def is_plain(value):
        if isinstance(value, list | tuple):
            return all(is_plain(item) for item in value)
        return isinstance(value, PLAIN)

    return {name: value for name, value in vars(callback).items() if is_plain(value)}


class Checkpoint(keras.callbacks.Callback):
    """Saves the state of the run after each epoch, and stops a run whose loss is no longer a number.

    The last callback in the list: what the others change at the end of an epoch is part of the state.

    Args:
        folder: where `state/epoch-<n>/` and `history.csv` go.
        monitor: name of the value that chooses the best epoch, for example `"val_accuracy"`.
        direction: `"max"` or `"min"`.
        callbacks: the other callbacks, whose memory is saved too.
    """

    def __init__(self, folder, monitor, direction, callbacks=()):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.states = self.folder / "state"
        self.monitor, self.direction, self.callbacks = monitor, direction, list(callbacks)
        self.finished_epochs, self.stopped = 0, False
        self.history, self.best_epoch, self.best_score = {}, None, None
        self.seconds = self.cpu_seconds = 0.0
        self.memories = None

    # Restoring

    def restore(self, model):
        """Put the last saved state into `model` and the callbacks. Returns the number of epochs already done."""
        state = self.latest()
        if state is None:
            return 0
        try:
            saved = pickle.loads((state / "state.pickle").read_bytes())
            model.load_weights(state / "last.weights.h5")
            for variable, value in zip(unsaved_variables(model), saved["variables"], strict=True):
                variable.assign(value)
        except Exception as error:
            raise UserError(f"cannot continue from {state}: {error}; run again without --resume") from error
        for name in ("finished_epochs", "stopped", "history", "best_epoch", "best_score", "seconds", "cpu_seconds"):
            setattr(self, name, saved[name])
        self.memories = saved["memories"]
        random.setstate(saved["python_random"])
        np.random.set_state(saved["numpy_random"])
        return self.finished_epochs

    def load_best(self, model):
        """Put the weights of the best epoch into `model`."""
        if state := self.latest():
            model.load_weights(state / "best.weights.h5")

    def latest(self):
        """The folder of the last complete state, or None."""
        states = sorted(self.states.glob("epoch-*"), key=lambda state: int(state.name.removeprefix("epoch-")))
        return states[-1] if states else None

    # Following the training

    def on_train_begin(self, logs=None):
        self._started, self._cpu_started = time.perf_counter(), time.process_time()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        if self.memories:  # only now: callbacks forget everything in their `on_train_begin`
            for callback, memory in zip(self.callbacks, self.memories, strict=True):
                vars(callback).update(memory)
            self.memories = None

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise UserError(
                f"the loss became {loss} in epoch {self.epoch + 1}, step {batch + 1}: nothing saved was changed; "
                "a smaller learning rate or gradient clipping (clipnorm=1.0) may help"
            )

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self.finished_epochs, self.stopped = epoch + 1, bool(self.model.stop_training)
        score = self.history.get(self.monitor, [None])[-1]
        better = self.best_epoch is None or score is None
        if not better and not math.isnan(score):
            better = score > self.best_score if self.direction == "max" else score < self.best_score
        if better:
            self.best_epoch, self.best_score = epoch + 1, score
        self.save(is_best=better)
        write_atomically(self.folder / "history.csv", history_as_csv(self.history))

    def save(self, is_best):
        previous, new = self.latest(), self.states / ".new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        self.model.save_weights(new / "last.weights.h5")
        link_or_copy(new / "last.weights.h5" if is_best else previous / "best.weights.h5", new / "best.weights.h5")
        now, cpu_now = time.perf_counter(), time.process_time()
        self.seconds, self._started = self.seconds + now - self._started, now
        self.cpu_seconds, self._cpu_started = self.cpu_seconds + cpu_now - self._cpu_started, cpu_now
        saved = {
            "finished_epochs": self.finished_epochs,
            "stopped": self.stopped,
            "history": self.history,
            "best_epoch": self.best_epoch,
            "best_score": self.best_score,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
            "memories": [plain_attributes(callback) for callback in self.callbacks],
            "variables": [np.asarray(variable) for variable in unsaved_variables(self.model)],
            "python_random": random.getstate(),
            "numpy_random": np.random.get_state(),
        }
        (new / "state.pickle").write_bytes(pickle.dumps(saved))
        os.rename(new, self.states / f"epoch-{self.finished_epochs}")
        if previous:
            shutil.rmtree(previous)


def link_or_copy(source, target):
    try:
        os.link(source, target)
    except OSError:  # file systems without hard links
        shutil.copyfile(source, target)


def history_as_csv(history):
    """One line an epoch, one column a value."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["epoch", *history])
    for epoch, row in enumerate(zip(*history.values(), strict=True), start=1):
        table.writerow([epoch, *row])
    return text.getvalue()
