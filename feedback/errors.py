"""What can go wrong between a motion and its feedback.

    FeedbackError
    |-- UnknownExercise     the requested exercise is not in the catalogue
    +-- NoExercise          a person, but nothing of the catalogue

Each message is a sentence that a user can act on.
"""


class FeedbackError(Exception):
    """Root of this package's errors."""


class UnknownExercise(FeedbackError):
    """The requested exercise is not in the catalogue."""


class NoExercise(FeedbackError):
    """A person is seen, but no exercise of the catalogue."""
