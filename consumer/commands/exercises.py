"""`dothis exercises`: the catalogue; and whether it has an exercise that another command was asked for."""

from pathlib import Path
from typing import Any

import typer
from rich.markup import escape

from consumer.commands import console
from consumer.errors import ErrorCode
from feedback.catalogue import Check, Exercise
from feedback.exercise_files import ExerciseFileError, read_exercise
from feedback.exercises import CATALOGUE
from feedback.words import words_of


def run(*, file: Path | None, json: bool) -> None:
    """Print every exercise with its checks; or say whether an exercise file is right."""
    if file is not None:
        with console.reporting(as_json=json):
            exercise = _read(file)
        console.print_json(_plain(exercise)) if json else console.out.print(f"{file.name} is right.", markup=False)
        return
    if json:
        console.print_json([_plain(exercise) for exercise in CATALOGUE.values()])
        return
    words = words_of("en")
    for exercise in CATALOGUE.values():
        console.out.print(f"[bold]{exercise.id}[/] {escape(words(exercise.name))}")
        for check in exercise.checks:
            views = ", ".join(check.views)
            line = f"  {check.id}: {escape(check.measures)} {_bound(check)}, from {views} [dim]({escape(check.source)})[/]"
            console.out.print(line, soft_wrap=True)


def _read(file: Path) -> Exercise:
    try:
        return read_exercise(file)
    except ExerciseFileError as error:
        raise console.Failed(str(ErrorCode.INVALID_REQUEST), str(error)) from error
    except OSError as error:
        raise console.Failed(str(ErrorCode.INVALID_REQUEST), f"{file} cannot be read: {error.strerror}.") from error


def check_exercise(exercise: str | None) -> None:
    """An id that is not in the catalogue is wrong usage."""
    if exercise is not None and exercise not in CATALOGUE:
        raise typer.BadParameter(f"choose one of {', '.join(CATALOGUE)}", param_hint="--exercise")


def _bound(check: Check) -> str:
    return f"{'above' if check.above else 'below'} {check.threshold:g} {check.unit}"


def _plain(exercise: Exercise) -> dict[str, Any]:
    words = words_of("en")
    return {
        "id": exercise.id,
        "name": words(exercise.name),
        "checks": [
            {
                "id": check.id,
                "title": words(check.title),
                "measures": check.measures,
                "fault": "above" if check.above else "below",
                "threshold": check.threshold,
                "unit": check.unit,
                "severity": check.severity,
                "views": list(check.views),
                "source": check.source,
            }
            for check in exercise.checks
        ],
    }
