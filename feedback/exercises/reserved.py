"""Ids and names of the two exercises that have no file: `any` and `reference`."""

from collections.abc import Mapping

from feedback.checks.catalogue import Exercise
from feedback.words import N_, Words

ANY, REFERENCE = "any", "reference"
"""Values of a document's `exercise`: any repeated movement; the movement of the reference video."""

RESERVED = {ANY: N_("Repeated movement"), REFERENCE: N_("Like the reference")}
"""The names by id. No exercise file may have one of these ids."""


def name_of(words: Words, id_: str, exercises: Mapping[str, Exercise]) -> str:
    """The name of an exercise; its id if the catalogue does not have it."""
    if id_ in RESERVED:
        return words(RESERVED[id_])
    return words(exercises[id_].name) if id_ in exercises else id_
