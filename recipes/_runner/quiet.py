"""TensorFlow without its remarks on CPUs and missing GPUs, which come from C++ before any setting is read."""

import contextlib
import os
import sys


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
    """Import TensorFlow, and let it look for devices, in silence."""
    with standard_error_closed():
        import tensorflow as tf

        tf.config.list_physical_devices()
    tf.get_logger().setLevel("ERROR")
