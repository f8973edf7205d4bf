"""The one exception that ends a command with one line and exit status 2."""


class UserError(Exception):
    """What the user got wrong, in one line: what was received, and what would do."""
