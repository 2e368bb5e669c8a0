"""The exercise `any`: repeated movements that no exercise file describes."""

from feedback.checks.catalogue import Exercise
from feedback.exercises.reserved import ANY, RESERVED
from pose.motion import Motion
from pose.movements.repeated import find_repeated, is_plain
from pose.movements.sets import FoundSet


def unnamed(found: FoundSet) -> Exercise:
    """The exercise of a set without a name: it is counted and measured, and has no checks."""
    return Exercise(movement=found.movement, name=RESERVED[ANY])


def find_unnamed(motion: Motion) -> list[FoundSet]:
    """The sets of any repeated movement, in order of time. The id of each movement is "any".

    Args:
        motion: the cleaned motion.
    """
    return find_repeated(motion, name=ANY)


def find_plain(motion: Motion) -> list[FoundSet]:
    """The sets to report if no exercise was requested or recognised: those that are clearly repeated, in place."""
    return [one for one in find_unnamed(motion) if is_plain(motion, one)]
