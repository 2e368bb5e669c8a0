"""The moves of a job from one status to the next. Pure: no function here uses a store or a clock.

    uploaded --claim--> processing --done--> done
       ^                 |  |   \\--fail--> failed, or waiting --claim--> processing
       |                 |  +--cancel--> cancelled
       +----hand_back----+

Each move returns the changes that a compare-and-set writes. All times are the store's: SERVER_TIME, or a time relative to the
read time of a snapshot.
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


class Action(StrEnum):
    """What a consumer has to do with a job that it does not hold."""

    NOTHING = "nothing"
    CLAIM = "claim"
    CANCEL = "cancel"
    GIVE_UP = "give_up"


def decide_action(job: Job, now: datetime, max_attempts: int, *, orphan: bool = False) -> Action:
    """Decide what a consumer that does not hold the job has to do with it.

    Args:
        job: the job, as its document was just read.
        now: the store's time.
        max_attempts: most attempts at a job.
        orphan: whether the lease's holder is known to be dead. If not, the lease has to expire first.
    """
    if job.status.final:
        return Action.NOTHING
    if job.status is Status.PROCESSING and job.lease is not None and not job.lease.over(now) and not orphan:
        return Action.NOTHING
    if job.cancel_requested:
        return Action.CANCEL
    if job.status is Status.WAITING and job.not_before is not None and job.not_before > now:
        return Action.NOTHING
    if job.status is Status.PROCESSING and job.attempt >= max_attempts:
        return Action.GIVE_UP
    return Action.CLAIM


def new_token() -> str:
    """Make a random token for a lease; no two leases have the same."""
    return secrets.token_hex(16)


def claim(job: Job, *, token: str, worker: str, seconds: float) -> Changes:
    """To `processing`. The attempt is counted here, at its start, so that a crash counts as an attempt."""
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
    """The heartbeat: renew the lease."""
    return {"lease.renewedAt": SERVER_TIME}


def advance(stage: Stage, percent: int) -> Changes:
    """Write progress and renew the lease. The caller makes sure that `percent` never falls."""
    return {**renew(), "progress": _progress(stage, percent), "updatedAt": SERVER_TIME}


def show_result(result: Mapping[str, Any]) -> Changes:
    """Write the result and renew the lease. The status stays `processing`: the annotated video follows."""
    return {**renew(), "result": dict(result), "updatedAt": SERVER_TIME}


def finish(result: Mapping[str, Any]) -> Changes:
    """To `done`."""
    return {**_end(Status.DONE), "result": dict(result), "error": DELETE, "progress": _progress(Stage.ANNOTATING, 100)}


def give_up(fields: Mapping[str, Any], error: JobError, language: str | None) -> Changes:
    """The end after the last attempt: `failed`; or `done` without an annotated video if the document has a result.

    Args:
        fields: the document's current fields.
        error: the error of the last attempt.
        language: language of the message.
    """
    if not has_result(fields):
        return fail(error, language)
    return finish({**fields["result"], "warnings": [{"code": NO_VIDEO, "message": words_of(language_of(language))(_NO_VIDEO)}]})


def hand_back(attempt: int) -> Changes:
    """To `uploaded`, as before the claim: the attempt does not count."""
    return {"status": str(Status.UPLOADED), "attempt": max(attempt - 1, 0), "lease": DELETE, "updatedAt": SERVER_TIME}


def cancel(language: str | None) -> Changes:
    """To `cancelled`."""
    return {**_end(Status.CANCELLED), "error": _error(ErrorCode.CANCELLED, ErrorCode.CANCELLED.message(language))}


def fail(error: JobError, language: str | None) -> Changes:
    """To `failed`, for good."""
    return {**_end(Status.FAILED), "error": _error(error.code, error.message(language))}


def postpone(error: JobError, language: str | None, *, attempt: int, until: datetime, outages: int = 0) -> Changes:
    """To `waiting`, for another attempt at the store's time `until`. `outages` is the number of outages in a row."""
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
    """From `failed` or `cancelled` back to `uploaded`, with attempt 0. Only an operator does this."""
    gone = ("lease", "progress", "notBefore", "outages", "startedAt", "finishedAt", "error", "result", "cancelRequested")
    return {"status": str(Status.UPLOADED), "attempt": 0, "updatedAt": SERVER_TIME, **dict.fromkeys(gone, DELETE)}


def request_cancel() -> Changes:
    """The change that the app or an operator writes to cancel a job. The first worker that sees it cancels the job."""
    return {"cancelRequested": True}


def backoff(attempt: int, *, base_s: float, max_s: float, jitter: float) -> timedelta:
    """The wait before the next attempt: base_s, 2 base_s, 4 base_s and so on up to `max_s`, times 0.5 to 1 (the jitter).

    Args:
        attempt: the attempt that has failed, from 1.
        base_s: longest wait after the first attempt, in seconds.
        max_s: longest wait of all, in seconds.
        jitter: random number, 0 to 1, so that jobs that failed at the same time are not retried at the same time.
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
