"""`dothis analyze`: one file in this process, without any store."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from consumer.analysis import limits_of, named_errors
from consumer.commands import console, summary
from consumer.commands.exercises import check_exercise
from consumer.errors import ErrorCode, JobError
from consumer.settings import Settings
from feedback.report import Report
from feedback.review import examine
from feedback.words import language_of
from feedback.write import write_feedback
from pose import Motion, read_motion
from pose import model as models

REFERENCE_SHARE = 0.25
ANALYSIS_SHARE = 0.75
"""Shares of the progress bar."""


def run(
    video: Path,
    *,
    exercise: str | None,
    reference: Path | None,
    language: str,
    out: Path | None,
    annotated_video: bool | None,
    json: bool,
) -> None:
    """See `dothis analyze --help`. `annotated_video` None leaves it to the settings."""
    check_exercise(exercise)
    settings = console.load_settings()
    console.quiet_logs()
    if annotated_video is not None:
        settings = settings.model_copy(update={"annotated_video": annotated_video})
    language = language_of(language)
    target = out if out is not None else None if json else Path(f"{video.stem}_feedback")
    with console.reporting(as_json=json, language=language):
        report = _analyze(settings, video, reference, target, exercise=exercise, language=language, shown=not json)
        if json:
            console.print_json(report.model_dump(mode="json", by_alias=True))
        else:
            summary.show(report.model_dump(mode="json", by_alias=True), target, language)


def _analyze(
    settings: Settings,
    video: Path,
    reference: Path | None,
    target: Path | None,
    *,
    exercise: str | None,
    language: str,
    shown: bool,
) -> Report:
    with console.progress_bar(shown=shown) as tell:
        share = ANALYSIS_SHARE if target is not None else 1.0
        start = REFERENCE_SHARE * share if reference is not None else 0.0
        compared = None
        if reference is not None:
            with named_errors("the reference: "):
                compared = _read(settings, reference, lambda done: tell("Reading the reference", start * done))
        with named_errors():
            motion = _read(settings, video, lambda done: tell("Analysing", start + (share - start) * done))
            examination = examine(motion, exercise=exercise, language=language, reference=compared)
            if target is None:
                return examination.report
            with _complete(target) as unfinished:
                return write_feedback(
                    examination,
                    video,
                    unfinished,
                    reference_path=reference,
                    annotated_video=settings.annotated_video,
                    limits=limits_of(settings),
                    progress=lambda done: tell("Writing the feedback", share + (1 - share) * done),
                )


def _read(settings: Settings, video: Path, progress: Callable[[float], None]) -> Motion:
    model = str(models.find(settings.model).path)
    limits = replace(limits_of(settings), max_bytes=settings.max_video_bytes)
    return read_motion(video, model=model, limits=limits, progress=progress, workers=settings.workers)


@contextlib.contextmanager
def _complete(target: Path) -> Iterator[Path]:
    """A directory to write into; its files go to `target` together, when all are there."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=".unfinished-") as unfinished:
            yield Path(unfinished)
            for file in Path(unfinished).iterdir():
                file.replace(target / file.name)
    except OSError as error:
        raise JobError(
            ErrorCode.UNAVAILABLE, f"The results cannot be written: {error.strerror}. Choose another --out."
        ) from error
