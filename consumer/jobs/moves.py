"""The moves of a job from one state to the next. Pure: nothing here touches a store or a clock.

    uploaded --claim--> processing --done--> done
       ^                 |  |   \\--fail--> failed, or waiting --claim--> processing
       |                 |  +--cancel--> cancelled
       +----hand_back----+

Each move returns the changes that a compare-and-set writes. Times are the store's own: SERVER_TIME, or counted from the read
time of a snapshot.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from consumer.backends import DELETE, SERVER_TIME
from consumer.jobs.document import Changes, Job, Stage, Status, has_result
from consumer.jobs.errors import ErrorCode, JobError
from feedback.words import N_, language_of, words_of

NO_VIDEO = "no_annotated_video"
"""Code of the warning in a `result` whose annotated video could not be made."""
_NO_VIDEO = N_("The annotated video could not be made. The feedback is complete without it.")


class Due(StrEnum):
    """What is to be done with a document that somebody came across."""

    NOTHING = "nothing"
    CLAIM = "claim"
    CANCEL = "cancel"
    GIVE_UP = "give_up"


def due(job: Job, now: datetime, max_attempts: int, *, orphan: bool = False) -> Due:
    """What is to be done with a job at the store's time `now`, by a worker that does not hold it.

    Args:
        job: as it was read.
        now: the store's time.
        max_attempts: how often a job is tried.
        orphan: whether the lease's holder is known to be dead; else the lease has to run out.
    """
    if job.status.final:
        return Due.NOTHING
    if job.status is Status.PROCESSING and job.lease is not None and not job.lease.over(now) and not orphan:
        return Due.NOTHING
    if job.cancel_requested:
        return Due.CANCEL
    if job.status is Status.WAITING and job.not_before is not None and job.not_before > now:
        return Due.NOTHING
    if job.status is Status.PROCESSING and job.attempt >= max_attempts:
        return Due.GIVE_UP
    return Due.CLAIM


def new_token() -> str:
    """A lease's token: never the same twice."""
    return secrets.token_hex(16)


def claim(job: Job, *, token: str, worker: str, seconds: float) -> Changes:
    """To `processing`; the attempt counts from here, so that a crash uses it up."""
    changes: Changes = {
        "status": str(Status.PROCESSING),
        "attempt": job.attempt + 1,
        "lease": {"token": token, "worker": worker, "renewedAt": SERVER_TIME, "seconds": seconds},
        "progress": _progress(Stage.DOWNLOADING, job.percent),
        "notBefore": DELETE,
        "error": DELETE,
        "updatedAt": SERVER_TIME,
    }
    if job.started_at is None:
        changes["startedAt"] = SERVER_TIME
    return changes


def renew() -> Changes:
    """The heartbeat."""
    return {"lease.renewedAt": SERVER_TIME}


def advance(stage: Stage, percent: int) -> Changes:
    """Progress; a heartbeat as well. The caller sees to it that percent never falls."""
    return {**renew(), "progress": _progress(stage, percent), "updatedAt": SERVER_TIME}


def show_result(result: Mapping[str, Any]) -> Changes:
    """The feedback is there; the annotated video follows, so the job goes on."""
    return {**renew(), "result": dict(result), "updatedAt": SERVER_TIME}


def finish(result: Mapping[str, Any]) -> Changes:
    """To `done`."""
    return {**_end(Status.DONE), "result": dict(result), "error": DELETE, "progress": _progress(Stage.ANNOTATING, 100)}


def give_up(fields: Mapping[str, Any], error: JobError, language: str | None) -> Changes:
    """The end after the last attempt: `failed`, or `done` without an annotated video when the feedback is there already.

    Args:
        fields: the document as it is now.
        error: what the last attempt failed by.
        language: of the message.
    """
    if not has_result(fields):
        return fail(error, language)
    return finish({**fields["result"], "warnings": [{"code": NO_VIDEO, "message": words_of(language_of(language))(_NO_VIDEO)}]})


def hand_back(attempt: int) -> Changes:
    """To `uploaded`, as if it had never been claimed: the attempt is given back."""
    return {"status": str(Status.UPLOADED), "attempt": max(attempt - 1, 0), "lease": DELETE, "updatedAt": SERVER_TIME}


def cancel(language: str | None) -> Changes:
    """To `cancelled`."""
    return {**_end(Status.CANCELLED), "error": _error(ErrorCode.CANCELLED, ErrorCode.CANCELLED.message(language))}


def fail(error: JobError, language: str | None) -> Changes:
    """To `failed`, for good."""
    return {**_end(Status.FAILED), "error": _error(error.code, error.message(language))}


def postpone(error: JobError, language: str | None, *, attempt: int, until: datetime, outages: int = 0) -> Changes:
    """To `waiting`: another attempt at the store's time `until`, after so many outages in a row."""
    return {
        "status": str(Status.WAITING),
        "attempt": attempt if error.code.uses_attempt else max(attempt - 1, 0),
        "lease": DELETE,
        "notBefore": until,
        "outages": outages or DELETE,
        "error": _error(error.code, error.message(language)),
        "updatedAt": SERVER_TIME,
    }


def retry() -> Changes:
    """From `failed` or `cancelled` back to `uploaded`, with all attempts: an operator's move."""
    gone = ("lease", "progress", "notBefore", "outages", "startedAt", "finishedAt", "error", "result", "cancelRequested")
    return {"status": str(Status.UPLOADED), "attempt": 0, "updatedAt": SERVER_TIME, **dict.fromkeys(gone, DELETE)}


def request_cancel() -> Changes:
    """The change that the app or an operator writes to cancel a job. The first worker that sees it cancels the job."""
    return {"cancelRequested": True}


def backoff(attempt: int, *, base_s: float, max_s: float, jitter: float) -> timedelta:
    """Wait before the next attempt: base, twice base, four times base, up to `max_s`; halved at most by the jitter.

    Args:
        attempt: the attempt that has failed, from 1.
        base_s: after the first attempt.
        max_s: never longer.
        jitter: 0 to 1, drawn by the caller, so that jobs that failed together do not come back together.
    """
    longest = min(max_s, base_s * 2.0 ** min(attempt - 1, 60))
    return timedelta(seconds=longest * (0.5 + 0.5 * jitter))


def _progress(stage: Stage, percent: int) -> Changes:
    return {"stage": str(stage), "percent": percent}


def _error(code: ErrorCode, message: str) -> Changes:
    return {"code": str(code), "message": message, "retryable": code.retryable}


def _end(status: Status) -> Changes:
    return {
        "status": str(status),
        "lease": DELETE,
        "notBefore": DELETE,
        "outages": DELETE,
        "finishedAt": SERVER_TIME,
        "updatedAt": SERVER_TIME,
    }
