"""The one exception that ends a command with one line and exit status 2."""

import errno
import os


class UserError(Exception):
    """A user error, described in one line: the value received, and what is valid."""


def full_disk(error):
    """Whether an error, or one of its causes, is due to a full disk.

    HDF5 and TensorFlow report it only in their messages.

    Args:
        error: an exception.
    """
    seen = []  # the causes of an error may form a cycle
    while error is not None and error not in seen:
        seen.append(error)
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT)):
            return True
        error = error.__cause__ or error.__context__
    return False
