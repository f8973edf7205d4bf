"""Checks of the exercises in `recipes/<chapter>/exercises/`: right, still to do, or how far off.

from recipes.common.exercise import check, finish

def main():
    return [check("softmax of 1, 2, 3", lambda: softmax([1, 2, 3]), [0.0900, 0.2447, 0.6652], 1e-4)]

if __name__ == "__main__":
    finish(main())

An exercise is its solution with `raise NotImplementedError` in place of everything that follows a
comment `# Your code: …` in a function; a test compares the two.
"""

import sys
import traceback

import numpy as np

RIGHT = "right"
OFF = "off"
TO_DO = "still to do"
INDENT = " " * 13  # of the lines below a check's name


def check(name, got, expected, tolerance=1e-6):
    """Compare an answer with the expected one, and print the result.

    Args:
        name: What is checked.
        got: The answer, or a function without arguments that computes it.
        expected: Numbers, Booleans or strings, of any shape.
        tolerance: The largest absolute difference between numbers that counts as equal.

    Returns:
        `RIGHT`; `TO_DO` where a gap is left (`NotImplementedError`); `OFF` for everything else, an
        exception included.
    """
    try:
        value = value_of(got)
    except NotImplementedError:
        return say(TO_DO, name)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        # The last line of the exercise itself, not of a library that it called.
        line = [frame.lineno for frame in frames if "site-packages" not in frame.filename][-1]
        return say(OFF, name, f"{type(error).__name__} in line {line}: {error}")
    mistakes = differences(value, expected, tolerance)
    return say(OFF if mistakes else RIGHT, name, *mistakes)


def finish(outcomes):
    """Print how many checks passed and exit: with status 0 if all of them did, otherwise with 1.

    Args:
        outcomes: A list of what `check` returned.
    """
    right = outcomes.count(RIGHT)
    print(f"{right} of {len(outcomes)} right")
    sys.exit(right < len(outcomes))


def value_of(got):
    """The answer; computed if it is a function."""
    return got() if callable(got) else got


def differences(value, expected, tolerance):
    """Lines that explain how an answer is wrong; an empty list for a right one."""
    if value is None:
        return ["nothing was returned: is there no `return`?"]
    both = [f"came out     {shown(value)}", f"expected     {shown(expected)}"]
    if np.asarray(expected).dtype.kind == "U":
        return [] if np.array_equal(value, expected) else both
    try:
        value = np.asarray(value)
        if value.dtype.kind not in "biuf":
            return [*both, "numbers were expected"]
    except ValueError:
        return [*both, "its rows have different lengths"]
    value = value.astype("float64")
    expected = np.asarray(expected, dtype="float64")
    if value.shape != expected.shape:
        return [*both, f"of shape {value.shape}, expected was {expected.shape}"]
    # The difference of two equal infinities would be NaN: equal values have a gap of 0.
    gap = np.abs(np.subtract(value, expected, out=np.zeros_like(value), where=value != expected))
    gap = np.where(np.isnan(gap), np.inf, gap)
    if gap.size == 0 or gap.max() <= tolerance:
        return []
    where = [int(index) for index in np.unravel_index(gap.argmax(), gap.shape)]
    place = f", the largest, at {where}" if where else ""
    return [*both, f"difference   {gap.max():.4g}{place}"]


def shown(value):
    """A value in readable form, shortened if it is long."""
    if isinstance(value, str | bool | int | list | tuple) and len(str(value)) < 60:
        return str(value)
    text = np.array2string(np.asarray(value), precision=4, suppress_small=True, threshold=50)
    return text.replace("\n", "\n" + 2 * INDENT)


def say(outcome, name, *lines):
    """Print a check's line and the lines below it; return the outcome."""
    print(f"{outcome:<12} {name}")
    for line in lines:
        print(INDENT + line)
    return outcome
