"""One YAML file per exercise, found by itself: adding an exercise touches nothing else here."""

from feedback.exercise_files import DIRECTORY, read_exercises

CATALOGUE = read_exercises(DIRECTORY)
"""Every exercise by its id, which is also its file's name."""
