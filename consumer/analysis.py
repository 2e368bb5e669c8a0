"""The two pieces of work that a sandboxed child does, file to file, and how their errors are named.

    analyse             video (and reference) -> motion.npz (and reference.npz)
    write_feedback      motion, video -> report.json, pictures, graph, annotated video

`dothis analyze` does the same in its own process, through `pose.read_motion`, `examine` and `write_feedback`.
"""

import errno
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from consumer.errors import ErrorCode, JobError
from consumer.jobs import Job
from consumer.settings import Settings
from feedback.errors import NoExercise, UnknownExercise
from pose.errors import NoPerson, PoseError, VideoMissing, VideoTooLarge, VideoTooLong, VideoUnreadable
from pose.video import Limits

VIDEO, REFERENCE = "video", "reference"
MOTION, REFERENCE_MOTION = "motion.npz", "reference.npz"

PRELOAD = (
    "consumer.analysis",
    "pose.reading",
    "mediapipe.tasks.python.vision",
    "feedback.review",
    "feedback.write",
)
"""What the fork server imports, so that a child finds it done."""

REFERENCE_SHARE = 0.4
"""Share of the progress that reading a reference takes, when there is one."""

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
    """Which tasks the stages run; tests have cheap ones."""

    analyse: str = "consumer.analysis:analyse"
    write_feedback: str = "consumer.analysis:write_feedback"
    preload: tuple[str, ...] = PRELOAD


def fingerprint(model: Path) -> str:
    """Of what a result depends on beside the request: code, words, exercises, the model."""
    root = Path(__file__).parent.parent
    files = [
        file
        for package in (root / "pose", root / "feedback")
        for file in sorted(package.rglob("*"))
        if file.is_file() and file.suffix != ".pyc"
    ]
    digest = hashlib.sha256(model.read_bytes())
    for file in files:
        digest.update(f"\0{file.relative_to(root)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def limits_of(settings: Settings) -> Limits:
    """What a video may cost."""
    return Limits(
        max_bytes=settings.max_video_bytes,
        max_pixels=settings.max_pixels,
        max_duration_s=settings.max_video_s,
        max_frames=settings.max_frames,
        max_fps=settings.max_fps,
    )


def analyse_arguments(
    settings: Settings, *, source: Path, target: Path, model: Path, reference: bool, workers: int
) -> dict[str, Any]:
    """What `analyse` is called with."""
    return {
        "source": str(source),
        "target": str(target),
        "model": str(model),
        "reference": reference,
        "workers": workers,
        "limits": asdict(limits_of(settings)),
    }


def feedback_arguments(settings: Settings, job: Job, *, source: Path, motions: Path, target: Path) -> dict[str, Any]:
    """What `write_feedback` is called with."""
    return {
        "source": str(source),
        "motions": str(motions),
        "target": str(target),
        "exercise": job.exercise,
        "language": job.language,
        "reference": job.reference is not None,
        "annotated_video": settings.annotated_video,
        "limits": asdict(limits_of(settings)),
    }


def analyse(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Read the motion of the video, and of the reference if there is one.

    Args:
        arguments: see `analyse_arguments`.
        report: takes the share that is done.

    Raises:
        JobError: what is wrong with the video; of a reference the reason says so.
    """
    from pose import read_motion  # noqa: PLC0415 - what this module's other half needs is imported without it

    source, target = Path(arguments["source"]), Path(arguments["target"])
    limits = Limits(**arguments["limits"])
    share = 1 - REFERENCE_SHARE if arguments["reference"] else 1.0

    def read(name: str, to: str, progress: Report) -> None:
        motion = read_motion(
            source / name, model=arguments["model"], limits=limits, progress=progress, workers=arguments["workers"]
        )
        motion.save(target / to)

    with named_errors():
        read(VIDEO, MOTION, lambda fraction: report(share * fraction))
    if arguments["reference"]:
        with named_errors("the reference: "):
            read(REFERENCE, REFERENCE_MOTION, lambda fraction: report(share + (1 - share) * fraction))
    return {}


def write_feedback(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Judge the motion; write the report and everything beside it.

    Args:
        arguments: see `feedback_arguments`.
        report: takes the share that is done.

    Raises:
        JobError: no exercise of the catalogue is seen.
    """
    from feedback.review import examine  # noqa: PLC0415 - as above
    from feedback.write import write_feedback as write  # noqa: PLC0415
    from pose import Motion  # noqa: PLC0415

    source, motions = Path(arguments["source"]), Path(arguments["motions"])
    compared = arguments["reference"]
    with named_errors():
        examination = examine(
            Motion.load(motions / MOTION),
            exercise=arguments["exercise"],
            language=arguments["language"],
            reference=Motion.load(motions / REFERENCE_MOTION) if compared else None,
        )
        write(
            examination,
            source / VIDEO,
            Path(arguments["target"]),
            reference_path=source / REFERENCE if compared else None,
            annotated_video=arguments["annotated_video"],
            limits=Limits(**arguments["limits"]),
            progress=report,
        )
    return {}


@contextmanager
def named_errors(prefix: str = "") -> Iterator[None]:
    """Give the errors of `pose` and `feedback` the codes of product.md; `prefix` begins the reason."""
    try:
        yield
    except tuple(CODES) as error:
        raise JobError(CODES[type(error)], f"{prefix}{error}") from error
    except PoseError as error:
        raise JobError(ErrorCode.INTERNAL, f"{prefix}{error}") from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise JobError(ErrorCode.UNAVAILABLE, "the volume is full") from error
        raise
