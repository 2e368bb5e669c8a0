"""The exercises of this package. Each YAML file in this directory is one; a new file needs no other change in the code."""

from collections.abc import Mapping

from feedback.checks.catalogue import Exercise
from feedback.exercises.files import DIRECTORY, parse_exercises, read_exercises

CATALOGUE = read_exercises(DIRECTORY)
"""Every exercise of the package by its id, which is also its file's name."""


def extend_catalogue(files: Mapping[str, bytes]) -> dict[str, Exercise]:
    """The exercises of this package and of an operator, by id. With the same id, the operator's replaces the package's.

    Args:
        files: contents of the operator's files by their names, as `feedback.exercises.files.read_files` gives them.

    Raises:
        ExerciseFileError: a file is wrong.
    """
    return {**CATALOGUE, **parse_exercises(files)}
