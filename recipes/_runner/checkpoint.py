"""A training run's state after each epoch: a killed run continues as if uninterrupted."""

import csv
import io
import math
import pathlib
import pickle
import time

import keras

from recipes._runner.errors import UserError
from recipes.tuning import progress, storage

REMEMBERED = ("stopped", "history", "best_epoch", "best_score", "seconds", "cpu_seconds")


class Checkpoint(keras.callbacks.Callback):
    """Saves the run's state after each epoch; stops it if the loss or weights become NaN.

    It must be the last callback: changes by the others at the end of an epoch are part of the
    state.

    Args:
        folder: parent folder of `state/epoch-<n>/` and `history.csv`.
        monitor: name of the metric that selects the best epoch, for example `"val_accuracy"`.
        direction: `"max"` or `"min"`.
        callbacks: the other callbacks, whose state is saved too.
        keep: `"best"` or `"last"`: the epoch whose weights the run returns.
    """

    def __init__(self, folder, monitor, direction, callbacks=(), keep="best"):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.states = self.folder / "state"
        self.monitor = monitor
        self.direction = direction
        self.keep = keep
        self.callbacks = list(callbacks)
        self.finished_epochs = 0
        self.stopped = False
        self.history = {}
        self.best_epoch = None
        self.best_score = None
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self.reminders = []

    # Restoring

    def restore(self, model):
        """Restore the last saved state of `model` and callbacks; return its number of epochs.

        `model` is the network to save after each epoch; `fit` may train a part of it.
        """
        self.network = model
        state = progress.latest(self.states)
        if state is None:
            return 0
        try:
            saved = pickle.loads((state / "state.pickle").read_bytes())
            saved["weights"] = state / "last.weights.h5"
            self.reminders = progress.restore(saved, model, self.callbacks)
        except Exception as error:
            raise UserError(
                f"cannot continue from {state}: {error}; run again without --resume"
            ) from error
        for name in REMEMBERED:
            setattr(self, name, saved[name])
        self.finished_epochs = saved["epochs"]
        return self.finished_epochs

    def load_best(self, model):
        """Load the weights of the best or of the last epoch into `model`, depending on `keep`."""
        if state := progress.latest(self.states):
            model.load_weights(state / "best.weights.h5")

    # Monitoring the training

    def on_train_begin(self, logs=None):
        self._started = time.perf_counter()
        self._cpu_started = time.process_time()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        for reminder in self.reminders:
            reminder.on_epoch_begin(epoch)

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            hint = "a smaller learning rate or gradient clipping (clipnorm=1.0) may help"
            if self.epoch == 0 and batch == 0:  # before any update of the weights
                hint = "look for gaps in the inputs or targets (NaN, log 0)"
            when = f"in epoch {self.epoch + 1}, step {batch + 1}"
            raise UserError(f"the loss became {loss} {when}: nothing saved was changed; {hint}")

    def on_epoch_end(self, epoch, logs=None):
        if layer := progress.layer_without_numbers(self.model):
            raise UserError(
                f"layer {layer} has weights that are NaN or infinite after epoch {epoch + 1}: "
                "nothing saved was changed; gaps in the inputs (NaN, log 0) that reach this layer "
                "may be the reason, or too large a learning rate"
            )
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self.finished_epochs = epoch + 1
        self.stopped = bool(self.model.stop_training)
        score = self.history.get(self.monitor, [None])[-1]
        better = self.best_epoch is None or score is None or self.keep == "last"
        if not better and not math.isnan(score):
            better = score > self.best_score if self.direction == "max" else score < self.best_score
        if better:
            self.best_epoch = epoch + 1
            self.best_score = score
        self.save(is_best=better)
        storage.write(self.folder / "history.csv", history_as_csv(self.history))

    def save(self, is_best):
        now = time.perf_counter()
        self.seconds += now - self._started
        self._started = now
        cpu_now = time.process_time()
        self.cpu_seconds += cpu_now - self._cpu_started
        self._cpu_started = cpu_now
        remembered = {name: getattr(self, name) for name in REMEMBERED}
        remembered["epochs"] = self.finished_epochs
        progress.save(self.states, self.network, self.callbacks, remembered, best=is_best)


def history_as_csv(history):
    """One line per epoch, one column per metric."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["epoch", *history])
    for epoch, row in enumerate(zip(*history.values(), strict=True), start=1):
        table.writerow([epoch, *row])
    return text.getvalue()
