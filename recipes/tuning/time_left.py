"""How much longer a search will take."""


def seconds_left(spent, done, to_come=None, limit=None):
    """Estimate the remaining seconds of a search; None if it is not possible or nothing remains.

    Args:
        spent: seconds since the start of the search.
        done: number of trials that have ended in this time.
        to_come: number of trials that have not ended; None if it is not known.
        limit: seconds after which no new trial starts; None for no limit.

    >>> seconds_left(60, done=3, to_come=5)
    100.0
    >>> seconds_left(60, done=3, to_come=5, limit=90)
    30
    """
    if to_come == 0 or (limit is not None and spent >= limit):
        return None
    estimates = []
    if done and to_come is not None:
        estimates.append(spent / done * to_come)
    if limit is not None:
        estimates.append(limit - spent)
    return min(estimates, default=None)


def in_words(seconds):
    """An estimate as text; "" for None.

    >>> [in_words(seconds) for seconds in (0.2, 40.2, 150, None)]
    ['less than 1 s left', 'about 40 s left', 'about 2 min left', '']
    """
    if seconds is None:
        return ""
    if seconds < 1:
        return "less than 1 s left"
    if seconds < 100:
        return f"about {seconds:.0f} s left"
    return f"about {seconds / 60:.0f} min left"
