"""The one exception that ends a command with one line and exit status 2."""

import errno
import os


class UserError(Exception):
    """What the user got wrong, in one line: what was received, and what would do."""


def full_disk(error):
    """Whether an error, or what led to it, says that nothing more can be written.

    HDF5 and TensorFlow say so in words.

    Args:
        error: an exception.
    """
    seen = []  # what led to an error may, in a circle, be that error itself
    while error is not None and error not in seen:
        seen.append(error)
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT)):
            return True
        error = error.__cause__ or error.__context__
    return False
