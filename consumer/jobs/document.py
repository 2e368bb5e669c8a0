"""The job's document: the fields that the app writes, those that the daemon writes, and how both are read."""

import math
from collections.abc import Collection, Mapping
from datetime import datetime
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

from consumer.backends import Snapshot
from consumer.jobs import paths
from consumer.jobs.errors import ErrorCode, JobError
from feedback.exercises.reserved import REFERENCE, RESERVED

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
"""Kind of file (key of the document's `result.files`) to file name."""


MAX_DOCUMENT_CHARACTERS = 100_000
"""An app's document has a few hundred characters. A larger one leaves no room for the result (Firestore's limit: 1 MiB)."""


class Status(StrEnum):
    """The status of a job."""

    UPLOADED = "uploaded"
    WAITING = "waiting"
    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether the job is over. Only an operator can restart it."""
        return self in {Status.DONE, Status.FAILED, Status.CANCELLED}


class Stage(StrEnum):
    """The stages of the work on a job, in their order."""

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
    """Percentage of the whole job when `fraction` (0 to 1) of the stage is done: at most 99, since 100 means `done`."""
    start, end = SHARES[stage]
    return min(99, int(start + (end - start) * min(max(fraction, 0.0), 1.0)))


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Validate a field that only the daemon writes. An invalid value counts as absent, so that it cannot fail the job."""
    try:
        return handler(value)
    except ValidationError:
        return None


class UnknownExercise(JobError):
    """The document names an exercise that this consumer does not know. A consumer of a newer version may know it."""


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=AliasGenerator(validation_alias=to_camel), frozen=True, extra="ignore")


class Lease(_Part):
    """The lease: which worker holds the job, and for how long."""

    token: StrictStr
    worker: StrictStr = ""
    renewed_at: AwareDatetime
    seconds: float = Field(gt=0, le=86_400)

    @classmethod
    def read(cls, value: Any) -> "Lease | None":
        """Read the document's field `lease`; None when it is absent or invalid."""
        try:
            return cls.model_validate(value)
        except ValidationError:
            return None

    def over(self, now: datetime) -> bool:
        """Whether the lease has expired at the store's time `now`."""
        return self.seconds_left(now) < 0

    def silent_s(self, now: datetime) -> float:
        """Seconds from the last renewal of the lease to the store's time `now`."""
        return (now - self.renewed_at).total_seconds()

    def seconds_left(self, now: datetime) -> float:
        """Seconds from the store's time `now` until the lease expires; negative after that."""
        return (self.renewed_at - now).total_seconds() + self.seconds


class Progress(_Part):
    """The progress of a job. The stage is any string: a daemon of another version may have other stages."""

    stage: str = ""
    percent: int = Field(ge=0, le=100)


class Job(_Part):
    """A job, as a valid document describes it."""

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
            snapshot: the document; its `status` must be valid (`status_of`).
            exercises: ids of the exercises in the catalogue.

        Raises:
            UnknownExercise: the exercise is not in the catalogue.
            JobError: `invalid_request` or `not_allowed`; the reason names the field, never its value.
        """
        if len(repr(snapshot.fields)) > MAX_DOCUMENT_CHARACTERS:
            raise JobError(ErrorCode.INVALID_REQUEST, "the document is too large")
        try:
            job = cls.model_validate({**snapshot.fields, "id": snapshot.id})
        except ValidationError as error:
            raise JobError(ErrorCode.INVALID_REQUEST, _complaint(error)) from error
        if job.exercise == REFERENCE and job.reference is None:
            raise JobError(ErrorCode.INVALID_REQUEST, 'reference: missing; the exercise "reference" needs a reference video')
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
        # Checked last: a consumer of another version may know the exercise, while the other errors are errors everywhere.
        if job.exercise is not None and job.exercise not in {*exercises, *RESERVED}:
            raise UnknownExercise(ErrorCode.INVALID_REQUEST, "exercise: not in the catalogue")
        return job

    def results_prefix(self, attempt: int | None = None) -> str:
        """The path prefix of the results of an attempt; by default of the current one."""
        return paths.results_prefix(self.owner, self.id, self.attempt if attempt is None else attempt)

    @property
    def percent(self) -> int:
        """The percentage that the document shows. Progress never falls below it."""
        return self.progress.percent if self.progress else 0


def _complaint(error: ValidationError) -> str:
    return "; ".join(sorted({f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()}))[:500]


def small_fields(fields: Mapping[str, Any]) -> Changes:
    """The fields that an app wrote, without those that are too long to be valid."""
    wanted = ("owner", "video", "createdAt", "exercise", "reference", "language", "origin")
    return {name: fields[name] for name in wanted if name in fields and len(repr(fields[name])) <= 2 * paths.MAX_PATH_BYTES}


def status_of(fields: Mapping[str, Any]) -> Status | None:
    """The document's status; None when it has no valid one, so that the document is no job."""
    try:
        return Status(fields["status"])
    except (KeyError, ValueError):
        return None


def has_result(fields: Mapping[str, Any]) -> bool:
    """Whether the document has a `result`. The annotated video may still follow."""
    return isinstance(fields.get("result"), Mapping)


def seconds_until_due(snapshot: Snapshot) -> float:
    """Seconds until a `waiting` document is due; 0 when it has no valid `notBefore`."""
    not_before = snapshot.fields.get("notBefore")
    if not isinstance(not_before, datetime):
        return 0.0
    return max((not_before - snapshot.read_time).total_seconds(), 0.0)


def age_s(snapshot: Snapshot) -> float | None:
    """Seconds since the document was created; None when it has no valid `createdAt`."""
    created = snapshot.fields.get("createdAt")
    return max((snapshot.read_time - created).total_seconds(), 0.0) if isinstance(created, datetime) else None


def held_s(snapshot: Snapshot) -> float:
    """Seconds for which the job's lease still lasts; 0 when no worker holds the job."""
    lease = Lease.read(snapshot.fields.get("lease"))
    if lease is None or status_of(snapshot.fields) is not Status.PROCESSING:
        return 0.0
    return max(lease.seconds_left(snapshot.read_time), 0.0)


def free_for_s(snapshot: Snapshot) -> float:
    """Seconds for which any worker could have claimed the job; infinite when the document has no times.

    Counted from the latest of: creation, last update, `notBefore`, end of the lease.
    """
    fields, now = snapshot.fields, snapshot.read_time
    moments = [moment for name in ("createdAt", "updatedAt", "notBefore") if isinstance(moment := fields.get(name), datetime)]
    # `createdAt` and `updatedAt` in the future are wrong and are ignored, else the job would never be free. `notBefore` may be.
    ages = [(now - moment).total_seconds() for moment in moments if moment <= now or moment == fields.get("notBefore")]
    lease = Lease.read(fields.get("lease"))
    if lease is not None:
        ages.append(-lease.seconds_left(now))
    return min(ages, default=math.inf)
