"""Errors of judging a motion.

    FeedbackError
    |-- UnknownExercise     the requested exercise is not in the catalogue
    +-- NoExercise          a person is seen, but no exercise of the catalogue

Each message is a sentence that tells a user what to do.
"""


class FeedbackError(Exception):
    """Root of this package's errors."""


class UnknownExercise(FeedbackError):
    """The requested exercise is not in the catalogue."""


class NoExercise(FeedbackError):
    """A person is seen, but no exercise of the catalogue."""
