"""Import of TensorFlow without its messages on CPUs and missing GPUs, and of Keras with defaults.

C++ code prints these messages before it reads any setting.
"""

import contextlib
import os
import sys
import warnings

from recipes._runner.errors import UserError


@contextlib.contextmanager
def standard_error_closed():
    """Discard what C++ code writes to standard error; Python's exceptions are unaffected."""
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
    """Import TensorFlow silently, including its search for devices, and Keras with its defaults.

    Recipes ignore the settings of a `keras.json` in the user's home or in KERAS_HOME.

    Raises:
        UserError: if another backend is selected, or the user's Keras configuration is damaged.
    """
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend != "tensorflow":
        raise UserError(
            f"KERAS_BACKEND={backend}: recipes run on TensorFlow; unset it, or set it to tensorflow"
        )
    os.environ["KERAS_BACKEND"] = backend  # overrides keras.json, also in child processes
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
    # Printed at the end of any data set of unknown size, such as batches of similar length.
    warnings.filterwarnings("ignore", "Your input ran out of data")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
