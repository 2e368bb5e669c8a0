"""Errors of judging a motion.

    FeedbackError
    |-- UnknownExercise     the requested exercise is not in the catalogue
    +-- NoExercise          a person was found, but no exercise of the catalogue and no repeated movement

Each message is a sentence that tells a user what to do.
"""


class FeedbackError(Exception):
    """Base class of this package's errors."""


class UnknownExercise(FeedbackError):
    """The requested exercise is not in the catalogue."""


class NoExercise(FeedbackError):
    """A person was found, but no exercise of the catalogue and no repeated movement."""
