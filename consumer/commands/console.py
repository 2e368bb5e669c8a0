"""Output, errors and progress of all commands."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from consumer.backends import Backend, Denied, StoreError
from consumer.backends.selection import open_backend
from consumer.catalogue import Catalogue, load_catalogue
from consumer.jobs.errors import ErrorCode, JobError
from consumer.operations import logs
from consumer.settings import Settings, SettingsError
from feedback.exercises.reserved import REFERENCE, RESERVED
from feedback.words import Words, words_of
from pose.errors import ModelMissing

# Lines are wrapped on a terminal only, not in a pipe or a file.
out = Console(highlight=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200)
err = Console(stderr=True, highlight=False)


class Failed(Exception):
    """A command failed.

    Attributes:
        code: the error code, for programs.
        message: a sentence for the user.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def load_settings() -> Settings:
    """Load the settings. A wrong setting is wrong usage (exit code 2)."""
    try:
        return Settings.load()
    except SettingsError as error:
        said = str(error) if str(error).endswith("?") else f"{error}."
        raise typer.BadParameter(f"{said} See .env.example for all settings.", param_hint="settings") from error


def load_exercises(settings: Settings, *, asked: str | None = None) -> Catalogue:
    """Load the exercises. A wrong file of the operator, or an unknown id, is wrong usage."""
    try:
        catalogue = load_catalogue(settings)
    except SettingsError as error:
        raise typer.BadParameter(str(error), param_hint="settings") from error
    if asked is not None and asked not in {*catalogue.exercises, *RESERVED}:
        choices = ", ".join((*catalogue.exercises, *sorted(RESERVED)))
        raise typer.BadParameter(f"choose one of {choices}", param_hint="--exercise")
    return catalogue


def check_reference(exercise: str | None, reference: object) -> None:
    """Refuse the exercise `reference` without a reference video, before anything is read: wrong usage."""
    if exercise == REFERENCE and reference is None:
        raise typer.BadParameter("name the video that shows the exercise", param_hint="--reference")


@contextlib.contextmanager
def reporting(*, as_json: bool = False, language: str = "en") -> Iterator[None]:
    """Convert errors to a sentence and an exit code."""
    try:
        yield
    except Failed as failed:
        _fail(failed.code, failed.message, as_json=as_json)
    except JobError as error:
        # In English the reason is shown, which says more. In other languages it is the sentence that apps show.
        specific = error.reason if language == "en" and error.reason else error.message(language)
        _fail(str(error.code), specific, as_json=as_json)
    except Denied as error:
        _fail(str(ErrorCode.NOT_ALLOWED), str(error), as_json=as_json)
    except StoreError as error:
        _fail(str(ErrorCode.UNAVAILABLE), str(error), as_json=as_json)
    except (ModelMissing, SettingsError) as error:
        _fail(str(ErrorCode.INTERNAL), str(error), as_json=as_json)
    except KeyboardInterrupt:
        err.print("Interrupted.")
        raise typer.Exit(130) from None


def _fail(code: str, message: str, *, as_json: bool) -> NoReturn:
    if as_json:
        print_json({"error": {"code": code, "message": message}})
    err.print(message, markup=False, soft_wrap=True)
    raise typer.Exit(1)


def print_json(value: Any) -> None:
    """Print one JSON value on stdout."""
    escaped = sys.stdout.encoding.lower().replace("-", "") != "utf8"
    sys.stdout.write(json.dumps(value, ensure_ascii=escaped, indent=2, default=plain) + "\n")


def plain(value: Any) -> Any:
    """Convert a value of a document that JSON does not have: times become ISO 8601 in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Backend]:
    """Open the stores; close them at the end."""
    backend = open_backend(settings)
    try:
        yield backend
    finally:
        backend.close()


@contextlib.contextmanager
def connected(*, as_json: bool) -> Iterator[Backend]:
    """Open the stores for a short command, and report their errors."""
    settings = load_settings()
    quiet_logs()
    with reporting(as_json=as_json), opened(settings) as backend:
        yield backend


def quiet_logs() -> None:
    """Log only errors, and hide the messages of native libraries: for commands whose output people read."""
    _silence_native_libraries()
    logs.configure("error", "console")


def _silence_native_libraries() -> None:
    """Give Python its own stderr. MediaPipe and FFmpeg write to descriptor 2 and have no option against it."""
    sys.stderr.flush()
    own = os.fdopen(os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")
    sys.stderr = own
    err.file = own
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


@contextlib.contextmanager
def progress_bar(*, shown: bool = True, language: str = "en") -> Iterator[Callable[[str, float], None]]:
    """Show a progress bar on stderr if it is a terminal, else a line for each stage.

    Args:
        shown: whether to show progress.
        language: language of the stages.

    Yields:
        A function that takes the name of the stage and the share that is done, 0 to 1.
    """
    words = words_of(language)
    if not shown:
        yield lambda _what, _share: None
    elif err.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=err, transient=True) as progress:
            task = progress.add_task("", total=1.0)
            yield lambda what, share: progress.update(task, description=words(what), completed=share)
    else:
        yield _lines(words)


def _lines(words: Words) -> Callable[[str, float], None]:
    told: tuple[str, int] | None = None

    def tell(what: str, share: float) -> None:
        nonlocal told
        now = (what, int(share * 4))
        if now != told:
            line = words(what)
            err.print(f"{line} {share:.0%}" if told and told[0] == what else line)
            told = now

    return tell
