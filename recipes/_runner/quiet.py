"""TensorFlow without remarks on CPUs and missing GPUs, made in C++ before any setting is read.

And Keras as recipes need it, whatever the user's settings.
"""

import contextlib
import os
import sys
import warnings

from recipes._runner.errors import UserError


@contextlib.contextmanager
def standard_error_closed():
    """What C++ code writes to standard error in here is lost; Python's exceptions are not."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


def import_tensorflow():
    """Import TensorFlow, and let it look for devices, in silence; and Keras, as recipes need it.

    Recipes are written for Keras without a `keras.json`, in the user's home or in KERAS_HOME.

    Raises:
        UserError: if another backend is asked for, or the user's configuration of Keras is damaged.
    """
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend != "tensorflow":
        raise UserError(
            f"KERAS_BACKEND={backend}: recipes run on TensorFlow; unset it, or set it to tensorflow"
        )
    os.environ["KERAS_BACKEND"] = backend  # before what keras.json says; in other processes, too
    try:
        with standard_error_closed():
            import tensorflow as tf

            tf.config.list_physical_devices()
        import keras
    except (AssertionError, AttributeError, TypeError, ValueError) as error:
        place = os.path.join(os.environ.get("KERAS_HOME", "~/.keras"), "keras.json")
        if not os.path.exists(os.path.expanduser(place)):
            raise
        raise UserError(
            f"Keras cannot be imported with the settings in {place} "
            f"({error}); correct or remove that file"
        ) from error
    tf.get_logger().setLevel("ERROR")
    # Said at the end of any data set whose size is not known, such as batches of similar length.
    warnings.filterwarnings("ignore", "Your input ran out of data")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
