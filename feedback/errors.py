"""Errors of judging a motion, and the hint to the nearest name in an error about an unknown one.

    FeedbackError
    |-- UnknownExercise     the requested exercise is not in the catalogue
    +-- NoExercise          a person was found, but no exercise of the catalogue and no repeated movement

Each message is a sentence that tells a user what to do.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class FeedbackError(Exception):
    """Base class of this package's errors."""


class UnknownExercise(FeedbackError):
    """The requested exercise is not in the catalogue."""


class NoExercise(FeedbackError):
    """A person was found, but no exercise of the catalogue and no repeated movement."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(names)}"
