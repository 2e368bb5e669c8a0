"""Acts as a phone app does: uploads a video, writes the document, waits for the result.

`dothis submit` and `dothis demo` use it.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumer.backends import SERVER_TIME, Backend, Missing, Snapshot, Unavailable
from consumer.jobs import paths
from consumer.jobs.document import REPORT_FILES, Status, has_result, status_of
from consumer.jobs.errors import ErrorCode, JobError

FIRST_LOOK_S = 0.05
UNSEEN_S = 8.0
"""Seconds without a claim after which the user is told that perhaps no daemon runs: an idle daemon claims at once."""

LONGEST_LOOK_S = 1.0


class StillRunning(Exception):
    """The job was not finished within the timeout. The job continues."""


@dataclass(frozen=True)
class Request:
    """An app's request.

    Attributes:
        video: path of the video file.
        exercise: an id, or None to have it recognised.
        reference: a file, an object's path under references/, or None.
        language: language of the feedback.
        owner: the user's uid.
    """

    video: Path
    exercise: str | None = None
    reference: str | None = None
    language: str = "en"
    owner: str = "cli"


def submit(backend: Backend, request: Request, progress: Callable[[float], None] = lambda _: None) -> str:
    """Upload the video and write the document.

    Returns:
        The job's id.

    Raises:
        JobError: there is no such file, or the owner's name is not valid.
        StoreError: the stores cannot be reached.
    """
    job_id = secrets.token_hex(10)
    fields: dict[str, Any] = {
        "owner": request.owner,
        "video": _upload(backend, request, request.video, job_id, progress),
        "status": str(Status.UPLOADED),
        "createdAt": SERVER_TIME,
        "language": request.language,
    }
    if request.exercise is not None:
        fields["exercise"] = request.exercise
    if request.reference is not None:
        fields["reference"] = _reference(backend, request, request.reference, job_id)
    backend.documents.create(job_id, fields)
    return job_id


def follow(
    backend: Backend,
    job_id: str,
    *,
    timeout_s: float,
    changed: Callable[[Snapshot], None] = lambda _: None,
    unseen: Callable[[], None] = lambda: None,
    whole: bool = True,
) -> Mapping[str, Any]:
    """Wait for a job's end, or for its result.

    Args:
        backend: the stores.
        job_id: the document's id.
        timeout_s: how long to wait.
        changed: called with each new revision of the document.
        unseen: called once when no daemon has claimed the job for `UNSEEN_S` seconds.
        whole: whether to wait for the annotated video too, not only for the result.

    Returns:
        The document's fields at that moment.

    Raises:
        StillRunning: the job was not finished within `timeout_s`.
        JobError: the document is gone.
        StoreError: the store cannot be reached.
    """
    began = time.monotonic()
    until, told = began + timeout_s, False
    look_s = FIRST_LOOK_S
    version = None
    while True:
        snapshot = _get(backend, job_id)
        if snapshot is None:
            raise JobError(ErrorCode.CANCELLED, "The job's document was deleted.")
        if snapshot.version != version:
            version, look_s = snapshot.version, FIRST_LOOK_S
            changed(snapshot)
        status = status_of(snapshot.fields)
        if not told and status is Status.UPLOADED and time.monotonic() - began > UNSEEN_S:
            told = True
            unseen()
        if (status is not None and status.final) or (not whole and has_result(snapshot.fields)):
            return snapshot.fields
        if time.monotonic() > until:
            raise StillRunning
        time.sleep(look_s)
        look_s = min(look_s * 1.5, LONGEST_LOOK_S)


def fetch(backend: Backend, result: Mapping[str, Any], directory: Path) -> None:
    """Download a result's files. Raises StoreError, OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    for kind, path in result["files"].items():
        if path is not None:
            backend.objects.download(path, directory / REPORT_FILES[kind], max_bytes=1 << 40)


def _get(backend: Backend, job_id: str) -> Snapshot | None:
    for _ in range(5):
        try:
            return backend.documents.get(job_id)
        except Unavailable:
            time.sleep(1.0)
    return backend.documents.get(job_id)


def _reference(backend: Backend, request: Request, reference: str, job_id: str) -> str:
    if reference.startswith(paths.REFERENCES) and not Path(reference).exists():
        return reference
    return _upload(backend, request, Path(reference), f"{job_id}-reference", lambda _: None)


def _upload(backend: Backend, request: Request, file: Path, name: str, progress: Callable[[float], None]) -> str:
    # The name of a user's file never becomes a part of a path.
    path = f"{paths.uploads_prefix(request.owner)}{name}{_suffix(file)}"
    try:
        paths.check_path(request.owner)
        if "/" in request.owner:
            raise JobError(ErrorCode.INVALID_REQUEST, "An owner's name must not contain a slash.")
        backend.objects.upload(
            file, path, content_type="video/mp4", progress=lambda done, total: progress(done / total if total else 1.0)
        )
    except paths.InvalidPath as error:
        raise JobError(ErrorCode.INVALID_REQUEST, str(error)) from error
    except (FileNotFoundError, IsADirectoryError, PermissionError, Missing) as error:
        raise JobError(ErrorCode.VIDEO_MISSING, f"There is no video file that can be read at {file}.") from error
    return path


def _suffix(file: Path) -> str:
    suffix = file.suffix.lower()
    return suffix if suffix in {".mp4", ".mov", ".m4v", ".webm", ".mkv", ".3gp"} else ".mp4"
