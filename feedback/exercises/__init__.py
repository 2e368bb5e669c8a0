"""The package's exercises, one YAML file each, found by themselves: adding an exercise touches nothing else here."""

from collections.abc import Mapping

from feedback.checks.catalogue import Exercise
from feedback.exercises.files import DIRECTORY, parse_exercises, read_exercises

CATALOGUE = read_exercises(DIRECTORY)
"""Every exercise of the package by its id, which is also its file's name."""


def extend_catalogue(files: Mapping[str, bytes]) -> dict[str, Exercise]:
    """The package's exercises and an operator's, by id; the operator's replaces ours of the same id.

    Args:
        files: contents of the operator's files by their names, as `feedback.exercises.files.read_files` gives them.

    Raises:
        ExerciseFileError: a file is wrong.
    """
    return {**CATALOGUE, **parse_exercises(files)}
