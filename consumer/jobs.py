"""The job: what a document says, and the moves from one state to the next. Pure: nothing here touches a store or a clock.

    uploaded --claim--> processing --done--> done
       ^                 |  |   \\--fail--> failed, or waiting --claim--> processing
       |                 |  +--cancel--> cancelled
       +----hand_back----+

Each move returns the changes that a compare-and-set writes. Times are the store's own: SERVER_TIME, or counted from the read
time of a snapshot.
"""

import math
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AliasGenerator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

from consumer import paths
from consumer.backends import DELETE, SERVER_TIME, Snapshot
from consumer.errors import ErrorCode, JobError
from feedback.reserved import REFERENCE, RESERVED
from feedback.words import N_, language_of, words_of

Changes = dict[str, Any]

REPORT_FILES = {
    "report": "report.json",
    "worst1": "worst1.png",
    "worst2": "worst2.png",
    "best": "best.png",
    "graph": "graph.png",
    "video": "annotated.mp4",
    "comparison": "comparison.png",
}
"""The document's `result.files`: kind to the file's name."""


MAX_DOCUMENT_CHARACTERS = 100_000
"""A request is a few hundred. One that is larger would leave no room for progress and result (Firestore: 1 MiB in all)."""


NO_VIDEO = "no_annotated_video"
"""Code of the warning in a `result` whose annotated video could not be made."""
_NO_VIDEO = N_("The annotated video could not be made. The feedback is complete without it.")


class Status(StrEnum):
    """Where a job stands."""

    UPLOADED = "uploaded"
    WAITING = "waiting"
    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether only an operator moves it on."""
        return self in {Status.DONE, Status.FAILED, Status.CANCELLED}


class Stage(StrEnum):
    """What a worker does with a job, in this order."""

    DOWNLOADING = "downloading"
    ANALYSING = "analysing"
    WRITING_FEEDBACK = "writing_feedback"
    UPLOADING = "uploading"
    ANNOTATING = "annotating"


SHARES = {
    Stage.DOWNLOADING: (0, 10),
    Stage.ANALYSING: (10, 50),
    Stage.WRITING_FEEDBACK: (50, 65),
    Stage.UPLOADING: (65, 70),
    Stage.ANNOTATING: (70, 100),
}
"""The part of the whole job's percentage that each stage covers."""


def percent_of(stage: Stage, fraction: float) -> int:
    """Percentage of the whole job when `fraction` (0 to 1) of the stage is done; 100 is kept for the finished job."""
    start, end = SHARES[stage]
    return min(99, int(start + (end - start) * min(max(fraction, 0.0), 1.0)))


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """What only the daemon writes is its own business: unreadable, it counts as absent, and the job goes on."""
    try:
        return handler(value)
    except ValidationError:
        return None


class UnknownExercise(JobError):
    """The document names an exercise that this consumer does not know; one of a newer version may."""


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=AliasGenerator(validation_alias=to_camel), frozen=True, extra="ignore")


class Lease(_Part):
    """Who works on the job, until when."""

    token: StrictStr
    worker: StrictStr = ""
    renewed_at: AwareDatetime
    seconds: float = Field(gt=0, le=86_400)

    @classmethod
    def read(cls, value: Any) -> "Lease | None":
        """The lease that a document's field holds; None when it holds none that can be read."""
        try:
            return cls.model_validate(value)
        except ValidationError:
            return None

    def over(self, now: datetime) -> bool:
        """Whether it has expired at the store's time `now`."""
        return self.seconds_left(now) < 0

    def silent_s(self, now: datetime) -> float:
        """Since it was last renewed, at the store's time `now`."""
        return (now - self.renewed_at).total_seconds()

    def seconds_left(self, now: datetime) -> float:
        """Until it expires, from the store's time `now` on; negative afterwards."""
        return (self.renewed_at - now).total_seconds() + self.seconds


class Progress(_Part):
    """How far the job is. A daemon of another version may have named a stage that this one does not know."""

    stage: str = ""
    percent: int = Field(ge=0, le=100)


class Job(_Part):
    """A well-formed document."""

    id: str
    status: Status
    owner: StrictStr = Field(min_length=1)
    video: StrictStr = Field(min_length=1)
    exercise: StrictStr | None = None
    reference: StrictStr | None = None
    language: Annotated[StrictStr, BeforeValidator(lambda value: "en" if value is None else value)] = "en"
    origin: Literal["shim"] | None = None
    cancel_requested: Annotated[StrictBool, BeforeValidator(lambda value: False if value is None else value)] = False
    attempt: Annotated[StrictInt, Field(ge=0, le=1_000_000), BeforeValidator(lambda value: 0 if value is None else value)] = 0
    outages: Annotated[int, Field(ge=0, le=1_000_000), WrapValidator(lambda value, handler: _or_none(value, handler) or 0)] = 0
    lease: Annotated[Lease | None, WrapValidator(_or_none)] = None
    progress: Annotated[Progress | None, WrapValidator(_or_none)] = None
    not_before: Annotated[AwareDatetime | None, WrapValidator(_or_none)] = None
    started_at: Annotated[AwareDatetime | None, WrapValidator(_or_none)] = None
    created_at: Annotated[AwareDatetime | None, WrapValidator(_or_none)] = None

    @classmethod
    def parse(cls, snapshot: Snapshot, exercises: Collection[str]) -> "Job":
        """Read a document.

        Args:
            snapshot: the document; `status_of` knows its status.
            exercises: ids of the catalogue.

        Raises:
            UnknownExercise: the exercise is not in the catalogue.
            JobError: `invalid_request` or `not_allowed`; the reason says which field, never its value.
        """
        if len(repr(snapshot.fields)) > MAX_DOCUMENT_CHARACTERS:
            raise JobError(ErrorCode.INVALID_REQUEST, "the document is too large")
        try:
            job = cls.model_validate({**snapshot.fields, "id": snapshot.id})
        except ValidationError as error:
            raise JobError(ErrorCode.INVALID_REQUEST, _complaint(error)) from error
        if job.exercise == REFERENCE and job.reference is None:
            raise JobError(ErrorCode.INVALID_REQUEST, "reference: missing, and the exercise is what it shows")
        try:
            paths.check_owner(job.owner, job.video, job.reference, from_shim=job.origin == "shim")
            for name in REPORT_FILES.values():
                paths.check_path(job.results_prefix(1_000_000) + name)
            if job.origin == "shim":
                paths.LegacyVideo.of_video(job.video)
        except paths.NotAllowed as error:
            raise JobError(ErrorCode.NOT_ALLOWED, str(error)) from error
        except paths.InvalidPath as error:
            raise JobError(ErrorCode.INVALID_REQUEST, str(error)) from error
        # Last: it alone may be right for a consumer of another version.
        if job.exercise is not None and job.exercise not in {*exercises, *RESERVED}:
            raise UnknownExercise(ErrorCode.INVALID_REQUEST, "exercise: not in the catalogue")
        return job

    def results_prefix(self, attempt: int | None = None) -> str:
        """Where the results of an attempt (by default the present one) go."""
        return paths.results_prefix(self.owner, self.id, self.attempt if attempt is None else attempt)

    @property
    def percent(self) -> int:
        """Percentage that the document shows already; progress never falls below."""
        return self.progress.percent if self.progress else 0


def _complaint(error: ValidationError) -> str:
    return "; ".join(sorted({f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()}))[:500]


def small_fields(fields: Mapping[str, Any]) -> Changes:
    """What an app wrote, but for what is too long to have a meaning."""
    wanted = ("owner", "video", "createdAt", "exercise", "reference", "language", "origin")
    return {name: fields[name] for name in wanted if name in fields and len(repr(fields[name])) <= 2 * paths.MAX_PATH_BYTES}


def status_of(fields: Mapping[str, Any]) -> Status | None:
    """The document's status; None when the document is not ours."""
    try:
        return Status(fields["status"])
    except (KeyError, ValueError):
        return None


def has_result(fields: Mapping[str, Any]) -> bool:
    """Whether the feedback is there already; the annotated video may follow."""
    return isinstance(fields.get("result"), Mapping)


def seconds_until_due(snapshot: Snapshot) -> float:
    """Until a `waiting` document is due; 0 when it does not say."""
    not_before = snapshot.fields.get("notBefore")
    if not isinstance(not_before, datetime):
        return 0.0
    return max((not_before - snapshot.read_time).total_seconds(), 0.0)


def age_s(snapshot: Snapshot) -> float | None:
    """Seconds since the document was created; None when it does not say."""
    created = snapshot.fields.get("createdAt")
    return max((snapshot.read_time - created).total_seconds(), 0.0) if isinstance(created, datetime) else None


def held_s(snapshot: Snapshot) -> float:
    """Seconds for which somebody holds the job; 0 when nobody does."""
    lease = Lease.read(snapshot.fields.get("lease"))
    if lease is None or status_of(snapshot.fields) is not Status.PROCESSING:
        return 0.0
    return max(lease.seconds_left(snapshot.read_time), 0.0)


def free_for_s(snapshot: Snapshot) -> float:
    """Seconds since it was created, put back, due again, or its lease over: since anybody may have it. Endless if unknown."""
    fields, now = snapshot.fields, snapshot.read_time
    moments = [moment for name in ("createdAt", "updatedAt", "notBefore") if isinstance(moment := fields.get(name), datetime)]
    # A document that says it was created in the future must not be left for ever; a job may be put off, or held, until then.
    ages = [(now - moment).total_seconds() for moment in moments if moment <= now or moment == fields.get("notBefore")]
    lease = Lease.read(fields.get("lease"))
    if lease is not None:
        ages.append(-lease.seconds_left(now))
    return min(ages, default=math.inf)


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
