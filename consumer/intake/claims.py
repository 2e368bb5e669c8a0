"""From a job's id to a lease: what is to be done with a document that somebody came across, and doing it.

Whoever sees a document settles it: a due one is claimed, a malformed one ends failed, a cancelled one cancelled, one that has
killed its workers too often ends `analysis_crashed`. Each is one compare-and-set; who loses it has nothing to do.
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
"""How long is spent on finding out whether a claim, whose answer never came, was written."""


LEFT_S = 60.0
"""A job with an exercise that this consumer does not know is left to others for so long: in the middle of an upgrade a newer
one hears of it at once, or finds it in its next sweeps."""


class Missed(Enum):
    """Why there is no lease."""

    LOST = auto()
    """Another worker was faster by a hair."""
    TAKEN = auto()
    """Somebody had it already, or it is over."""
    SETTLED = auto()
    """It needed no work, only an end."""
    OWNER_BUSY = auto()
    """Its owner has as many running jobs as one may have."""
    UNKNOWN = auto()
    """Its exercise is not known here; others have it before them for a while."""


class Claims:
    """Claims jobs for one worker process.

    Args:
        documents: where the jobs are.
        settings: lease, attempts, limit per owner.
        worker: name in the lease.
        exercises: ids that a document may name.
        metrics: what is counted.
        is_orphan: whether the holder of a lease (job's id, token) is known to be dead, before the lease is over.
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

    def next_of(self, owner: str) -> list[str]:
        """Ids of the owner's next jobs, where the number of running ones is limited; one of them has just ended.

        Raises:
            StoreError: the store cannot be asked; the sweep finds them later.
        """
        return self._owners.next_of(owner)

    def needs_no_work(self, snapshot: Snapshot) -> bool:
        """Whether a document that nobody holds is to be given its end, or removed: the intake does so, no worker is needed."""
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

    def take(self, job_id: str) -> Lease | Missed:
        """Read the document and settle it; a lease if there is work to do.

        Raises:
            StoreError: the store cannot be asked.
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
        """The same for a document that was read just now and is not over."""
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
                logger.warning("Took over a job whose worker is dead or silent (attempt %d)", claimed.attempt)
            self._metrics.takeovers.inc()
        elif job.created_at is not None and job.started_at is None:
            self._metrics.queue_wait.observe(max((snapshot.read_time - job.created_at).total_seconds(), 0.0))
        return lease

    def _too_late(self, job: Job) -> bool:
        try:
            return self._owners.too_late(job)
        except StoreError as error:
            logger.warning("The owner's running jobs could not be counted, the claim stands: %s", error)
            return False

    def _undo(self, lease: Lease, *, first: bool) -> None:
        changes = moves.hand_back(lease.job.attempt) | ({"startedAt": DELETE} if first else {})
        try:
            lease.end(changes, patient=False)
        except LeaseLost:
            logger.info("The document is gone already.")

    def _was_written(self, job_id: str, token: str) -> bool:
        """Whether a claim was written although no answer came; else the job would lie idle, and an attempt be lost."""
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
            # Filled to the store's limit, the document has no room for its end. Without one it would be looked at for ever.
            kept = small_fields(snapshot.fields) | changes
            self._documents.replace(snapshot, {name: value for name, value in kept.items() if value is not DELETE})


def _left_to_others(snapshot: Snapshot) -> bool:
    return free_for_s(snapshot) < LEFT_S
