"""A callback that keeps a network's outputs at several moments of its training."""

import keras


class SnapshotCallback(keras.callbacks.Callback):
    """Keeps the results of `snapshot(model)` before training and after given epochs.

    They are in `model.snapshots`, a list of pairs `(epoch, snapshot)`, which is not saved with the
    model.

    Args:
        snapshot: function of the model that returns an array, or a list of arrays.
        epochs: after which epochs to call it (0: before training); None: after all.

    Example:

    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> callback = SnapshotCallback(lambda model: model.get_weights()[0], epochs=(0, 3))
    >>> x = np.ones((4, 1))
    >>> history = model.fit(x, x, epochs=3, verbose=0, callbacks=[callback])
    >>> [epoch for epoch, kernel in model.snapshots]
    [0, 3]
    """

    def __init__(self, snapshot, epochs=None):
        super().__init__()
        self.snapshot = snapshot
        self.epochs = epochs
        self.snapshots = []

    def on_train_begin(self, logs=None):
        self.snapshots = []
        self.keep(0)

    def on_epoch_end(self, epoch, logs=None):
        self.keep(epoch + 1)

    def keep(self, epoch):
        if self.epochs is None or epoch in self.epochs:
            # Create a new list: references to the old one must not change.
            self.snapshots = [*self.snapshots, (epoch, self.snapshot(self.model))]
        self.model.snapshots = list(self.snapshots)
