"""Exercises that no file describes: their ids and their names."""

from collections.abc import Mapping

from feedback.checks.catalogue import Exercise
from feedback.words import N_, Words

ANY, REFERENCE = "any", "reference"
"""Ids of a document's `exercise`: any repeated movement; the movement that the reference video shows."""

RESERVED = {ANY: N_("Repeated movement"), REFERENCE: N_("Like the reference")}
"""Their names. No exercise file has one of these ids."""


def name_of(words: Words, id_: str, exercises: Mapping[str, Exercise]) -> str:
    """An exercise's name by its id; the id itself when the catalogue does not have it."""
    if id_ in RESERVED:
        return words(RESERVED[id_])
    return words(exercises[id_].name) if id_ in exercises else id_
