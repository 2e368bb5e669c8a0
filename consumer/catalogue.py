"""The exercises that this installation knows: the package's, and the operator's from the directory `DOTHIS_EXERCISES`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consumer.settings import Settings, SettingsError
from feedback.checks.catalogue import Exercise, describe
from feedback.exercises import CATALOGUE, extend_catalogue
from feedback.exercises.files import ExerciseFileError, read_files


@dataclass(frozen=True)
class Catalogue:
    """The exercises, as they were when the program started. Later changes of the files take effect at the next start.

    Attributes:
        exercises: all of them by id.
        files: file name to content of the operator's files. The sandboxed child has no settings and parses them again.
    """

    exercises: Mapping[str, Exercise] = field(default_factory=lambda: CATALOGUE)
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the operator's files, names included, as 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(f"{name}\0".encode() + hashlib.sha256(content).digest())
        return digest.hexdigest()

    def describe(self) -> list[dict[str, Any]]:
        """Every exercise for people and machines, ready for JSON; `own` tells the operator's from the package's."""
        own = {name.removesuffix(".yaml") for name in self.files}
        return [{**described, "own": described["id"] in own} for described in describe(self.exercises.values())]

    def save(self, path: Path) -> None:
        """Write the operator's files into one file for a sandboxed child."""
        path.write_text(json.dumps({name: content.decode() for name, content in self.files.items()}), encoding="utf-8")


def restore_exercises(path: Path) -> Mapping[str, Exercise]:
    """Read the exercises that `Catalogue.save` wrote."""
    files = json.loads(path.read_text(encoding="utf-8"))
    return extend_catalogue({name: text.encode() for name, text in files.items()})


def load_catalogue(settings: Settings) -> Catalogue:
    """Read the operator's files, if the settings name a directory.

    Raises:
        SettingsError: the directory cannot be read, or a file is wrong; the sentence names it.
    """
    directory = settings.exercises
    if directory is None:
        return Catalogue()
    try:
        files = read_files(directory)
        return Catalogue(extend_catalogue(files), files)
    except ExerciseFileError as error:
        raise SettingsError(f"DOTHIS_EXERCISES: {error}") from error
    except OSError as error:
        raise SettingsError(f"DOTHIS_EXERCISES: the directory {directory} cannot be read: {error.strerror}.") from error
