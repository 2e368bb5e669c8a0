"""The ends of work on a job other than `done`: failed, waiting for another attempt, cancelled, handed back, lost."""

import logging
import random

from consumer.backends import Snapshot, StoreError, TooLarge
from consumer.jobs import moves
from consumer.jobs.document import Changes, Status
from consumer.jobs.errors import CancelRequested, ErrorCode, Interrupted, JobError, LeaseLost
from consumer.operations.metrics import Metrics
from consumer.sandbox.supervisor import Crashed, Defect, SandboxError, TimedOut
from consumer.settings import Settings
from consumer.work.lease import Lease
from consumer.work.spool import NoRoom

logger = logging.getLogger(__name__)


def as_job_error(error: JobError | StoreError | SandboxError | NoRoom) -> JobError:
    """Convert what a stage raised to a JobError with its code."""
    match error:
        case JobError():
            return error
        case TimedOut():
            return JobError(ErrorCode.TIMED_OUT, str(error))
        case Crashed():
            return JobError(ErrorCode.ANALYSIS_CRASHED, str(error))
        case TooLarge():
            return JobError(ErrorCode.INTERNAL, "the result does not fit into the document")
        case Defect():
            logger.error("The analysis failed: %s", error)
            return JobError(ErrorCode.INTERNAL, "the analysis raised an unexpected error")
        case _:
            return JobError(ErrorCode.UNAVAILABLE, str(error))


class Endings:
    """Writes the end of the work on a job. Each method returns whether the job's directory is of no more use."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics

    def record_failure(self, lease: Lease, error: JobError) -> bool:
        """Write `failed`, or `waiting` if there will be another attempt."""
        job, code = lease.job, error.code
        self._metrics.attempts_failed.labels(code=str(code)).inc()
        again = code.retryable and (job.attempt < self._settings.max_attempts or not code.uses_attempt)
        logger.warning("Attempt %d failed, %s: %s", job.attempt, "another follows" if again else "it was the last", error)
        try:
            if again:
                lease.end(lambda snapshot: self._postpone(snapshot, lease, error))
            else:
                self._give_up(lease, error)
        except Interrupted as reason:
            return self.record_interruption(lease, reason)
        return not again

    def record_interruption(self, lease: Lease, reason: Interrupted) -> bool:
        """Write `cancelled`, or `uploaded` for a job that is handed back; write nothing for a job that is lost."""
        match reason:
            case LeaseLost():
                logger.warning("This worker has lost the job: %s", reason)
                self._metrics.leases_lost.inc()
                return True
            case CancelRequested():
                logger.info("The job was cancelled")
                if _try_to_end(lease, moves.cancel(lease.job.language)):
                    self._metrics.ended(str(Status.CANCELLED), str(ErrorCode.CANCELLED))
                return True
            case _:
                logger.info("The job is handed back")
                if _try_to_end(lease, moves.hand_back(lease.job.attempt)):
                    self._metrics.handed_back.inc()
                return False

    def _give_up(self, lease: Lease, error: JobError) -> None:
        ended: list[Changes] = []

        def changes(snapshot: Snapshot) -> Changes:
            ended[:] = [moves.give_up(snapshot.fields, error, lease.job.language)]
            return ended[0]

        lease.end(changes)
        status = ended[0]["status"]
        self._metrics.ended(status, str(error.code) if status == Status.FAILED else "")

    def _postpone(self, snapshot: Snapshot, lease: Lease, error: JobError) -> Changes:
        settings, job = self._settings, lease.job
        # An outage is not the job's fault: the number of attempts after outages has no limit, and the first wait is short.
        attempt, outages, base_s = job.attempt, 0, settings.retry_base_s
        if not error.code.uses_attempt:
            attempt = outages = job.outages + 1
            base_s = settings.outage_retry_s
        wait = moves.backoff(attempt, base_s=base_s, max_s=settings.retry_max_s, jitter=random.random())  # noqa: S311
        lease.retry_after_s = wait.total_seconds()
        return moves.postpone(error, job.language, attempt=job.attempt, outages=outages, until=snapshot.read_time + wait)


def _try_to_end(lease: Lease, changes: Changes) -> bool:
    """Write the end once; whether it was written. After a failed write the lease expires, and another worker ends the job."""
    try:
        lease.end(changes, patient=False)
    except LeaseLost:
        logger.info("Another worker already has the job.")
    except StoreError as error:
        logger.warning("The job's end could not be written; its lease will run out: %s", error)
    return lease.ended
