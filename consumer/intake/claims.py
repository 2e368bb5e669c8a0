"""Claims jobs, and ends jobs that need no work.

A consumer that reads a document settles it: it claims a job that is due, and ends one that is malformed, cancelled, or has lost
its worker in every attempt. Each of these is one compare-and-set. If several consumers try, one of them succeeds.
"""

import logging
import time
from collections.abc import Callable, Collection
from enum import Enum, auto
from functools import partial

from consumer.backends import DELETE, Conflict, DocumentStore, Revision, Snapshot, StoreError, TooLarge, Unavailable
from consumer.intake.owners import Owners
from consumer.jobs import moves
from consumer.jobs.companions import Companions
from consumer.jobs.document import Changes, Job, Status, UnknownExercise, free_for_s, held_s, small_fields, status_of
from consumer.jobs.errors import ErrorCode, JobError, LeaseLost
from consumer.jobs.moves import Action
from consumer.operations import logs
from consumer.operations.metrics import Metrics
from consumer.settings import Settings
from consumer.work.lease import Lease, token_of

logger = logging.getLogger(__name__)

DOUBT_S = 10.0
"""A claim may have been written although no answer came. The document is read for up to this time to find out."""


LEFT_S = 60.0
"""A job with an exercise that this consumer does not know is left to other consumers for this time. During an upgrade, a
consumer of the newer version claims it."""


class Missed(Enum):
    """Why a candidate was not claimed."""

    LOST = auto()
    """Another consumer claimed it between this one's read and write."""
    TAKEN = auto()
    """Another worker holds it, or it is over."""
    SETTLED = auto()
    """It needed no work: its end was written."""
    OWNER_BUSY = auto()
    """Its owner already has as many running jobs as allowed."""
    UNKNOWN = auto()
    """This consumer does not know its exercise, and leaves it to others for `LEFT_S`."""


class Claims:
    """Claims jobs for one consumer.

    Args:
        documents: the document store.
        settings: lease, attempts, limit per owner.
        worker: this consumer's name, for the lease.
        exercises: ids of the exercises in the catalogue.
        metrics: counts claims, takeovers and ends.
        is_orphan: called with a job's id and its lease's token; whether the holder is known to be dead.
        on_push: see `Companions`.
    """

    def __init__(
        self,
        documents: DocumentStore,
        settings: Settings,
        *,
        worker: str,
        exercises: Collection[str],
        metrics: Metrics,
        is_orphan: Callable[[str, str], bool] = lambda _job_id, _token: False,
        on_push: Callable[[], None] = lambda: None,
    ) -> None:
        self._documents = documents
        self._settings = settings
        self._worker = worker
        self._exercises = exercises
        self._metrics = metrics
        self._is_orphan = is_orphan
        self._owners = Owners(documents, settings.max_per_owner)
        self._companions = Companions(documents, settings, on_push)

    def find_next_of(self, owner: str) -> list[str]:
        """Find the owner's next jobs after one has ended. Empty when the number of running jobs is not limited.

        Raises:
            StoreError: the store cannot be reached; a sweep finds the jobs later.
        """
        return self._owners.find_next_of(owner)

    def needs_no_work(self, snapshot: Snapshot) -> bool:
        """Whether a job that no worker holds has to be ended or removed. The intake does that without a worker."""
        if status_of(snapshot.fields) is None or held_s(snapshot) > 0:
            return False
        if snapshot.fields.get("deleteRequested") is True:
            return True
        try:
            job = Job.parse(snapshot, self._exercises)
        except UnknownExercise:
            return not Status(snapshot.fields["status"]).final and not _left_to_others(snapshot)
        except JobError:
            return not Status(snapshot.fields["status"]).final
        return moves.decide_action(job, snapshot.read_time, self._settings.max_attempts) in {Action.CANCEL, Action.GIVE_UP}

    def claim(self, job_id: str) -> Lease | Missed:
        """Read the document and settle it; returns a lease if the job was claimed.

        Raises:
            StoreError: the store cannot be reached.
        """
        snapshot = self._documents.get(job_id)
        status = None if snapshot is None else status_of(snapshot.fields)
        if snapshot is None or status is None or status.final:
            return Missed.TAKEN
        if snapshot.fields.get("deleteRequested") is True:
            # The intake removes it (settling.py).
            return Missed.SETTLED
        return self.settle(snapshot)

    def settle(self, snapshot: Snapshot) -> Lease | Missed:
        """Settle a document that was just read and whose job is not over; returns a lease if the job was claimed."""
        try:
            job = Job.parse(snapshot, self._exercises)
        except UnknownExercise as error:
            return Missed.UNKNOWN if _left_to_others(snapshot) else self._reject(snapshot, error)
        except JobError as error:
            return self._reject(snapshot, error)
        return self._settle(snapshot, job)

    def _settle(self, snapshot: Snapshot, job: Job) -> Lease | Missed:
        orphan = job.lease is not None and self._is_orphan(job.id, job.lease.token)
        match moves.decide_action(job, snapshot.read_time, self._settings.max_attempts, orphan=orphan):
            case Action.NOTHING:
                return Missed.TAKEN
            case Action.CANCEL:
                return self._end(snapshot, moves.cancel(job.language), ErrorCode.CANCELLED)
            case Action.GIVE_UP:
                error = JobError(ErrorCode.ANALYSIS_CRASHED, f"lost its worker in each of {job.attempt} attempts")
                return self._end(snapshot, moves.give_up(snapshot.fields, error, job.language), error.code)
            case Action.CLAIM:
                return Missed.OWNER_BUSY if self._owners.busy(job) else self._claim(snapshot, job)

    def _claim(self, snapshot: Snapshot, job: Job) -> Lease | Missed:
        settings = self._settings
        token = moves.new_token()
        revision: Revision | None
        changes = moves.claim(job, token=token, worker=self._worker, seconds=settings.lease_s)
        try:
            revision = self._documents.update(snapshot, changes)
        except Conflict:
            self._metrics.claims_lost.inc()
            return Missed.LOST
        except Unavailable:
            if not self._was_written(job.id, token):
                raise
            revision = None
        claimed = job.model_copy(update={"attempt": job.attempt + 1})
        update = partial(self._companions.update, snapshot)
        lease = Lease(self._documents, claimed, token, settings.lease_s, revision, update=update)
        if self._too_late(job):
            self._undo(lease, first=job.started_at is None)
            return Missed.OWNER_BUSY
        if job.status is Status.PROCESSING:
            with logs.of_job(claimed.id, claimed.attempt):
                logger.warning("Took over a job: its worker is dead or its lease expired (attempt %d)", claimed.attempt)
            self._metrics.takeovers.inc()
        elif job.created_at is not None and job.started_at is None:
            self._metrics.queue_wait.observe(max((snapshot.read_time - job.created_at).total_seconds(), 0.0))
        return lease

    def _too_late(self, job: Job) -> bool:
        try:
            return self._owners.too_late(job)
        except StoreError as error:
            logger.warning("The owner's running jobs could not be counted; the claim is kept: %s", error)
            return False

    def _undo(self, lease: Lease, *, first: bool) -> None:
        changes = moves.hand_back(lease.job.attempt) | ({"startedAt": DELETE} if first else {})
        try:
            lease.end(changes, patient=False)
        except LeaseLost:
            logger.info("The claim could not be undone: the document is gone or another worker has the job.")

    def _was_written(self, job_id: str, token: str) -> bool:
        """Whether a claim was written although no answer came. If so, this consumer holds the job and has to work on it."""
        until = time.monotonic() + DOUBT_S
        while True:
            try:
                snapshot = self._documents.get(job_id)
            except Unavailable:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)
            else:
                return snapshot is not None and token_of(snapshot.fields) == token

    def _reject(self, snapshot: Snapshot, error: JobError) -> Missed:
        logger.info("Refused a document: %s", error)
        language = snapshot.fields.get("language")
        return self._end(snapshot, moves.fail(error, language if isinstance(language, str) else None), error.code)

    def _end(self, snapshot: Snapshot, changes: Changes, code: ErrorCode) -> Missed:
        try:
            self._write_end(snapshot, changes)
        except Conflict:
            return Missed.TAKEN
        self._metrics.ended(changes["status"], str(code))
        return Missed.SETTLED

    def _write_end(self, snapshot: Snapshot, changes: Changes) -> None:
        try:
            self._companions.update(snapshot, snapshot, changes)
        except TooLarge:
            # The document is as large as the store allows. Drop its other fields, else the job could never be ended.
            kept = small_fields(snapshot.fields) | changes
            self._documents.replace(snapshot, {name: value for name, value in kept.items() if value is not DELETE})


def _left_to_others(snapshot: Snapshot) -> bool:
    return free_for_s(snapshot) < LEFT_S
