"""Pictures of a network at several moments of its training."""

import keras


class Album(keras.callbacks.Callback):
    """Keeps what `look(model)` gives before the training and after some of its epochs, in `model.album`.

    `model.album` is a list of pairs `(epoch, what was seen)`; it is not saved with the model.

    Args:
        look: function of the model that gives an array, or a list of arrays.
        epochs: after which to look, 0 standing for before the training; None for all.

    Example:

    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> album = Album(lambda model: model.get_weights()[0], epochs=(0, 3))
    >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=3, verbose=0, callbacks=[album])
    >>> [epoch for epoch, kernel in model.album]
    [0, 3]
    """

    def __init__(self, look, epochs=None):
        super().__init__()
        self.look, self.epochs = look, epochs
        self.pages = []

    def on_train_begin(self, logs=None):
        self.pages = []
        self.keep(0)

    def on_epoch_end(self, epoch, logs=None):
        self.keep(epoch + 1)

    def keep(self, epoch):
        if self.epochs is None or epoch in self.epochs:
            self.pages = [*self.pages, (epoch, self.look(self.model))]
        self.model.album = list(self.pages)
