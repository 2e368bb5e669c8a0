"""The job's document: what the app writes in it, what the daemon writes in it, how it is read."""

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
"""The document's `result.files`: kind to the file's name."""


MAX_DOCUMENT_CHARACTERS = 100_000
"""A request is a few hundred. One that is larger would leave no room for progress and result (Firestore: 1 MiB in all)."""


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
