"""Exercises that no file describes: whatever is repeated."""

from feedback.catalogue import Exercise
from feedback.reserved import ANY
from feedback.words import N_
from pose.motion import Motion
from pose.repeated import find_repeated, is_plain
from pose.sets import FoundSet

NAME = N_("Repeated movement")


def unnamed(found: FoundSet) -> Exercise:
    """The exercise of a set without a name: it is counted and measured, and has no checks."""
    return Exercise(movement=found.movement, name=NAME)


def find_unnamed(motion: Motion, *, plain: bool) -> list[FoundSet]:
    """The sets of whatever is repeated, in order of time; the id of each movement is "any".

    Args:
        motion: the cleaned motion.
        plain: whether nobody asked for it, so that only what is clearly repeated in place counts.
    """
    found = find_repeated(motion, name=ANY)
    return [one for one in found if is_plain(motion, one)] if plain else found
