"""`dothis analyze`: analyses one file in this process, without a store."""

import contextlib
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import FrameType

from consumer.commands import console, summary
from consumer.jobs.errors import ErrorCode, JobError
from consumer.settings import Settings
from consumer.work.analysis import limits_of, named_errors
from feedback.checks.catalogue import Exercise
from feedback.examination import Examination
from feedback.report.schema import Report
from feedback.review import examine
from feedback.words import N_, language_of
from feedback.write import write_pictures, write_report, write_video
from pose import Motion
from pose.reading import model as models
from pose.reading.upright import read_upright

UNFINISHED = ".unfinished-"
"""Prefix of the directory that has the files until all are complete."""

REFERENCE_SHARE = 0.25
ANALYSIS_SHARE = 0.6
"""Positions in the progress bar: the end of reading the reference, and the end of the analysis."""

Tell = Callable[[str, float], None]


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
    """See `dothis analyze --help`. With None, the setting decides about `annotated_video`."""
    settings = console.load_settings()
    console.quiet_logs()
    catalogue = console.load_exercises(settings, asked=exercise)
    console.check_reference(exercise, reference)
    if annotated_video is not None:
        settings = settings.model_copy(update={"annotated_video": annotated_video})
    language = language_of(language)
    target = out if out is not None else None if json else Path(f"{video.stem}_feedback")
    bar = console.progress_bar(shown=not json, language=language)
    with console.reporting(as_json=json, language=language), _ended_by_sigterm(), bar as tell:
        if target is not None:
            _make(target)
        examination = _examine(settings, catalogue.exercises, video, reference, exercise=exercise, language=language, tell=tell)
        report = examination.report
        unprinted: OSError | None = None
        if not json:
            # Print it now: pictures and video take as long as the analysis.
            try:
                summary.show(report.model_dump(mode="json", by_alias=True), language)
            except OSError as error:
                unprinted = error  # a full stdout costs nobody the pictures
        if target is not None:
            report = _write(settings, examination, video, reference, target=target, tell=tell)
        if unprinted is not None:
            raise unprinted
    if json:
        console.print_json(report.model_dump(mode="json", by_alias=True))
    else:
        summary.show_place(target, language)


def _examine(
    settings: Settings,
    exercises: Mapping[str, Exercise],
    video: Path,
    reference: Path | None,
    *,
    exercise: str | None,
    language: str,
    tell: Tell,
) -> Examination:
    start = REFERENCE_SHARE if reference is not None else 0.0
    compared = None
    if reference is not None:
        with named_errors(language, reference=True):
            compared = read(settings, exercises, reference, lambda done: tell(N_("Reading the reference"), start * done))
    with named_errors(language):
        motion = read(settings, exercises, video, lambda done: tell(N_("Analysing"), start + (ANALYSIS_SHARE - start) * done))
        return examine(motion, exercise=exercise, language=language, reference=compared, catalogue=exercises)


def _write(
    settings: Settings, examination: Examination, video: Path, reference: Path | None, *, target: Path, tell: Tell
) -> Report:
    """Write pictures and video in parallel, then the report that names them."""
    limits, workers = limits_of(settings), settings.workers

    def progress(done: float) -> None:
        tell(N_("Writing the feedback"), ANALYSIS_SHARE + (1 - ANALYSIS_SHARE) * done)

    with named_errors(examination.words.language), _complete(target) as unfinished, ThreadPoolExecutor(1) as pool:
        pictures = partial(write_pictures, examination, video, unfinished, reference_path=reference, limits=limits)
        if settings.annotated_video:
            beside = pool.submit(pictures)
            write_video(examination, video, unfinished, limits=limits, workers=workers, progress=progress)
            beside.result()
        else:
            pictures(workers=workers, progress=progress)
        return write_report(examination, unfinished)


def read(
    settings: Settings, exercises: Mapping[str, Exercise], video: Path, progress: Callable[[float], None] | None = None
) -> Motion:
    """Read a motion, upright, with the model and the limits of the settings."""
    return read_upright(
        video,
        [movement for exercise in exercises.values() for movement in exercise.movements],
        model=str(models.find(settings.model).path),
        limits=limits_of(settings),
        progress=progress,
        workers=settings.workers,
    )


def _make(target: Path) -> None:
    """Make the directory before the analysis, so that a wrong --out fails at once."""
    with _write_errors():
        target.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=target).close()
        with tempfile.TemporaryDirectory(dir=target, prefix=UNFINISHED):
            """Only test whether it can be made."""


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the program with exit code 143, after the directory of unfinished files is removed."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    former = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


@contextlib.contextmanager
def _write_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise JobError(
            ErrorCode.UNAVAILABLE, f"The results cannot be written: {error.strerror}. Choose another --out."
        ) from error


@contextlib.contextmanager
def _complete(target: Path) -> Iterator[Path]:
    """A directory for new files. They are moved to `target` when all of them are complete."""
    with _write_errors(), tempfile.TemporaryDirectory(dir=target, prefix=UNFINISHED) as unfinished:
        yield Path(unfinished)
        for file in Path(unfinished).iterdir():
            file.replace(target / file.name)
