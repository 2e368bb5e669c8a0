"""`dothis exercises`: prints the catalogue, or checks an exercise file."""

from pathlib import Path
from typing import Any

from rich.markup import escape

from consumer.commands import console
from consumer.jobs.errors import ErrorCode
from feedback.checks.catalogue import Exercise, describe
from feedback.exercises.files import ExerciseFileError, read_exercise


def run(*, file: Path | None, json: bool) -> None:
    """Print every exercise with its checks, or check an exercise file."""
    if file is not None:
        with console.reporting(as_json=json):
            exercise = _read(file)
        console.print_json(describe([exercise])[0]) if json else console.out.print(f"{file.name} is right.", markup=False)
        return
    described = console.load_exercises(console.load_settings()).describe()
    if json:
        console.print_json(described)
        return
    for each in described:
        own = " [green](yours)[/]" if each["own"] else ""
        console.out.print(f"[bold]{each['id']}[/] {escape(each['name'])}{own}")
        for check in each["checks"]:
            said = f"{check['measures']} {_bound(check)}, from {', '.join(check['views'])}"
            console.out.print(f"  {check['id']}: {escape(said)} [dim]({escape(check['source'])})[/]", soft_wrap=True)


def _read(file: Path) -> Exercise:
    try:
        return read_exercise(file)
    except ExerciseFileError as error:
        raise console.Failed(str(ErrorCode.INVALID_REQUEST), str(error)) from error
    except OSError as error:
        raise console.Failed(str(ErrorCode.INVALID_REQUEST), f"{file} cannot be read: {error.strerror}.") from error


def _bound(check: dict[str, Any]) -> str:
    return f"{check['fault']} {check['threshold']:g} {check['unit']}"
