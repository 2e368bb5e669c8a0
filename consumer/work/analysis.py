"""The three tasks that run in the sandbox, and the codes of their errors. A task reads and writes files:

    analyse             video (and reference) -> motion.npz (and reference.npz)
    write_feedback      motion, video -> report.json, pictures, graph
    annotate            motion, video -> annotated.mp4

`dothis analyze` does the same in its own process, through `pose.read_motion`, `examine` and `feedback.write`.
"""

import errno
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consumer.catalogue import Catalogue, restore_exercises
from consumer.jobs.document import Job
from consumer.jobs.errors import ErrorCode, JobError
from consumer.settings import Settings
from feedback.errors import NoExercise, UnknownExercise
from feedback.words import N_, words_of
from pose.errors import NoPerson, PoseError, VideoError, VideoMissing, VideoTooLarge, VideoTooLong, VideoUnreadable
from pose.reading.video import Limits

if TYPE_CHECKING:
    from feedback.examination import Examination

VIDEO, REFERENCE = "video", "reference"
MOTION, REFERENCE_MOTION = "motion.npz", "reference.npz"

PRELOAD = (
    "consumer.work.analysis",
    "pose.reading.reader",
    "mediapipe.tasks.python.vision",
    "feedback.review",
    "feedback.write",
    "feedback.pictures.graph",
)
"""The modules that the fork server imports, so that its children need not."""

REFERENCE_SHARE = 0.4
"""Share of the progress that reading the reference takes, if there is a reference."""

CODES: dict[type[Exception], ErrorCode] = {
    VideoMissing: ErrorCode.VIDEO_MISSING,
    VideoTooLarge: ErrorCode.VIDEO_TOO_LARGE,
    VideoTooLong: ErrorCode.VIDEO_TOO_LONG,
    VideoUnreadable: ErrorCode.VIDEO_UNREADABLE,
    NoPerson: ErrorCode.NO_PERSON,
    NoExercise: ErrorCode.NO_EXERCISE,
    UnknownExercise: ErrorCode.INVALID_REQUEST,
}

Report = Callable[[float], None]


@dataclass(frozen=True)
class Analysis:
    """The tasks that the stages run. Tests replace them by tasks that take no time."""

    analyse: str = "consumer.work.analysis:analyse"
    write_feedback: str = "consumer.work.analysis:write_feedback"
    annotate: str = "consumer.work.analysis:annotate"
    preload: tuple[str, ...] = PRELOAD


def fingerprint(model: Path, catalogue: Catalogue) -> str:
    """Hash of everything on which a result depends, except the job's document: code, translations, exercises, model."""
    root = Path(__file__).parents[2]
    files = [
        file
        for package in (root / "pose", root / "feedback")
        for file in sorted(package.rglob("*"))
        if file.is_file() and file.suffix != ".pyc"
    ]
    digest = hashlib.sha256(model.read_bytes() + catalogue.digest.encode())
    for file in files:
        digest.update(f"\0{file.relative_to(root)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def limits_of(settings: Settings) -> Limits:
    """The limits of a video from the settings."""
    return Limits(
        max_bytes=settings.max_video_bytes,
        max_pixels=settings.max_pixels,
        max_duration_s=settings.max_video_s,
        max_frames=settings.max_frames,
        max_fps=settings.max_fps,
    )


def analyse_arguments(
    settings: Settings, job: Job, *, source: Path, target: Path, model: Path, exercises: Path, workers: int
) -> dict[str, Any]:
    """The arguments of `analyse`."""
    return {
        "source": str(source),
        "target": str(target),
        "model": str(model),
        "exercises": str(exercises),
        "language": job.language,
        "reference": job.reference is not None,
        "workers": workers,
        "limits": asdict(limits_of(settings)),
    }


def feedback_arguments(
    settings: Settings, job: Job, *, source: Path, motions: Path, exercises: Path, target: Path, workers: int
) -> dict[str, Any]:
    """The arguments of `write_feedback` and `annotate`."""
    return {
        "source": str(source),
        "motions": str(motions),
        "exercises": str(exercises),
        "target": str(target),
        "exercise": job.exercise,
        "language": job.language,
        "reference": job.reference is not None,
        "workers": workers,
        "limits": asdict(limits_of(settings)),
    }


def analyse(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Read the motion of the video, and of the reference if there is one.

    Args:
        arguments: see `analyse_arguments`.
        report: called with the share that is done, 0 to 1.

    Raises:
        JobError: the video or the reference cannot be analysed; the reason says which.
    """
    from pose.reading.upright import read_upright  # noqa: PLC0415 - the daemon imports this module too, and needs no MediaPipe

    source, target = Path(arguments["source"]), Path(arguments["target"])
    limits = Limits(**arguments["limits"])
    share = 1 - REFERENCE_SHARE if arguments["reference"] else 1.0
    exercises = restore_exercises(Path(arguments["exercises"])).values()
    movements = [movement for exercise in exercises for movement in exercise.movements]

    def read(name: str, to: str, progress: Report) -> None:
        motion = read_upright(
            source / name,
            movements,
            model=arguments["model"],
            limits=limits,
            progress=progress,
            workers=arguments["workers"],
        )
        motion.save(target / to)

    with named_errors(arguments["language"]):
        read(VIDEO, MOTION, lambda fraction: report(share * fraction))
    if arguments["reference"]:
        with named_errors(arguments["language"], reference=True):
            read(REFERENCE, REFERENCE_MOTION, lambda fraction: report(share + (1 - share) * fraction))
    return {}


def write_feedback(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Judge the motion; write the report and the pictures.

    Args:
        arguments: see `feedback_arguments`.
        report: called with the share that is done, 0 to 1.

    Raises:
        JobError: no exercise of the catalogue was found.
    """
    from feedback.write import write_pictures, write_report  # noqa: PLC0415 - as above

    source, target = Path(arguments["source"]), Path(arguments["target"])
    with named_errors(arguments["language"]):
        examination = _examination(arguments)
        write_pictures(
            examination,
            source / VIDEO,
            target,
            reference_path=source / REFERENCE if arguments["reference"] else None,
            limits=Limits(**arguments["limits"]),
            workers=arguments["workers"],
            progress=report,
        )
        write_report(examination, target)
    return {}


def annotate(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write the annotated video.

    Args:
        arguments: see `feedback_arguments`.
        report: called with the share that is done, 0 to 1.

    Raises:
        JobError: the video cannot be read any more.
    """
    from feedback.write import write_video  # noqa: PLC0415 - as above

    with named_errors(arguments["language"]):
        write_video(
            _examination(arguments),
            Path(arguments["source"]) / VIDEO,
            Path(arguments["target"]),
            limits=Limits(**arguments["limits"]),
            workers=arguments["workers"],
            progress=report,
        )
    return {}


def _examination(arguments: dict[str, Any]) -> "Examination":
    """Examine the motion. This takes a few hundredths of a second, so no stage stores the result for the next."""
    from feedback.review import examine  # noqa: PLC0415 - as above
    from pose import Motion  # noqa: PLC0415

    motions = Path(arguments["motions"])
    return examine(
        Motion.load(motions / MOTION),
        exercise=arguments["exercise"],
        language=arguments["language"],
        reference=Motion.load(motions / REFERENCE_MOTION) if arguments["reference"] else None,
        catalogue=restore_exercises(Path(arguments["exercises"])),
    )


@contextmanager
def named_errors(language: str | None, *, reference: bool = False) -> Iterator[None]:
    """Convert errors of `pose` and `feedback` to a `JobError` with its code. With `reference`, reason and sentence name the
    reference."""
    words = words_of(language)
    prefix = "the reference: " if reference else ""
    try:
        yield
    except VideoError as error:
        sentence = words(error.template, **error.fields)
        if reference:
            sentence = words(N_("The video to compare with: {sentence}"), sentence=sentence)
        raise JobError(CODES[type(error)], f"{prefix}{error}", sentence=sentence) from error
    except tuple(CODES) as error:
        raise JobError(CODES[type(error)], f"{prefix}{error}") from error
    except PoseError as error:
        raise JobError(ErrorCode.INTERNAL, f"{prefix}{error}") from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise JobError(ErrorCode.UNAVAILABLE, "the volume is full") from error
        raise
