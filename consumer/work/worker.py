"""Runs the stages of one job: downloading -> analysing -> writing_feedback -> uploading -> annotating -> done.

Each stage reads from the job's directory what the stages before left there. A stage that an earlier attempt on this volume has
finished is skipped. So a retry, and a job taken over after a crash, go on with the first unfinished stage.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from consumer.backends import Denied, StoreError
from consumer.jobs.document import Stage, Status
from consumer.jobs.errors import ErrorCode, Interrupted, JobError
from consumer.operations import tracing
from consumer.operations.metrics import Metrics
from consumer.operations.removal import remove_results
from consumer.sandbox.supervisor import SandboxError
from consumer.work import stages
from consumer.work.breaker import Breaker
from consumer.work.endings import Endings, as_job_error
from consumer.work.job_directory import JobDirectory
from consumer.work.lease import Heartbeat, Lease
from consumer.work.spool import NoRoom, room_errors
from consumer.work.stages import WorkContext

logger = logging.getLogger(__name__)

_STAGES: dict[Stage, Callable[[WorkContext, Lease, JobDirectory], None]] = {
    Stage.DOWNLOADING: stages.download,
    Stage.ANALYSING: stages.analyse,
    Stage.WRITING_FEEDBACK: stages.write_feedback,
    Stage.UPLOADING: stages.publish,
    Stage.ANNOTATING: stages.annotate,
}


class Worker:
    """Works on claimed jobs. Safe for threads: each job has its own lease and directory."""

    def __init__(self, context: WorkContext, metrics: Metrics, breaker: Breaker | None = None) -> None:
        self._context = context
        self._metrics = metrics
        self._breaker = breaker or Breaker(metrics)
        self._endings = Endings(context.settings, metrics)

    def run(self, lease: Lease) -> None:
        """Work on the job until it is done, failed, waiting, cancelled, handed back, or lost to another worker."""
        with tracing.span("job", job=lease.job.id, attempt=lease.job.attempt), Heartbeat(lease):
            self._context.hook("claimed")
            try:
                with self._context.spool.open(lease.job) as directory:
                    directory.record_lease(lease.token)
                    if self._work(lease, directory):
                        _discard(directory)
            except (NoRoom, OSError) as error:
                # The job's directory could not be made or locked. `_work` handles all errors of the work itself.
                self._endings.record_failure(lease, JobError(ErrorCode.UNAVAILABLE, type(error).__name__))
        if lease.gone:
            self._remove_results(lease)
        self._context.hook("ended")

    def _remove_results(self, lease: Lease) -> None:
        """Remove the results of a job whose document was deleted: no other part of the service would find them soon."""
        job = lease.job
        try:
            remove_results(self._context.backend, job.id, {"owner": job.owner, "video": job.video, "origin": job.origin})
        except StoreError as error:
            logger.warning("The results of a deleted job could not be removed; housekeeping removes them later: %s", error)

    def _work(self, lease: Lease, directory: JobDirectory) -> bool:
        """Work on the job; whether its directory is of no more use."""
        try:
            with room_errors():
                self._run_stages(lease, directory)
        except Interrupted as reason:
            return self._endings.record_interruption(lease, reason)
        except NoRoom as error:
            over = self._endings.record_failure(lease, as_job_error(error))
            # Jobs that keep their downloads while they wait for free space would block each other for ever.
            return over or not directory.finished(Stage.ANALYSING)
        except (JobError, StoreError, SandboxError) as error:
            return self._endings.record_failure(lease, as_job_error(error))
        except Exception as error:
            logger.exception("The job failed with an unexpected error.")
            return self._endings.record_failure(lease, JobError(ErrorCode.INTERNAL, type(error).__name__))
        self._metrics.ended(str(Status.DONE))
        self._tidy(lease, directory)
        return True

    def _run_stages(self, lease: Lease, directory: JobDirectory) -> None:
        for stage, work in _STAGES.items():
            lease.check()
            lease.report(stage, 0.0)
            if directory.finished(stage):
                logger.info("The stage %s was finished by an earlier attempt", stage)
                continue
            with self._timed(stage):
                work(self._context, lease, directory)
            self._context.hook(f"{stage} finished")
        stages.finish_job(self._context, lease, directory)

    def _tidy(self, lease: Lease, directory: JobDirectory) -> None:
        try:
            stages.tidy(self._context, lease, directory)
        except (StoreError, OSError) as error:
            # The document already says `done`: this is no failure of the job.
            logger.warning("The files of earlier attempts, or the video, could not be deleted: %s", error)

    @contextmanager
    def _timed(self, stage: Stage) -> Iterator[None]:
        started = time.monotonic()
        with tracing.span(str(stage)):
            try:
                yield
            except Denied as error:
                self._breaker.record_refusal(str(stage), str(error))
                raise
        self._breaker.record_success(str(stage))
        seconds = time.monotonic() - started
        self._metrics.stage_seconds.labels(stage=str(stage)).observe(seconds)
        logger.info("The stage %s took %.2f s", stage, seconds)


def _discard(directory: JobDirectory) -> None:
    try:
        directory.discard()
    except OSError as error:
        # The job is over; housekeeping removes the directory later.
        logger.warning("The job's directory could not be removed: %s", type(error).__name__)
