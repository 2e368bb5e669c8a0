"""One job, stage by stage: downloading -> analysing -> writing_feedback -> uploading -> annotating -> done.

Each stage reads from the spool what the stage before left there, and is passed over when an earlier attempt on this volume has
finished it. Retries, crashes and the older interface enter the same walk where it stopped; there is no second path.
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
from consumer.work.endings import Endings, job_error
from consumer.work.lease import Heartbeat, Lease
from consumer.work.spool import NoRoom, Place, room_errors
from consumer.work.stages import Workshop

logger = logging.getLogger(__name__)

_WALK: dict[Stage, Callable[[Workshop, Lease, Place], None]] = {
    Stage.DOWNLOADING: stages.download,
    Stage.ANALYSING: stages.analyse,
    Stage.WRITING_FEEDBACK: stages.write_feedback,
    Stage.UPLOADING: stages.publish,
    Stage.ANNOTATING: stages.annotate,
}


class Worker:
    """Does jobs that were claimed. Safe for threads: each job has its own lease and place."""

    def __init__(self, workshop: Workshop, metrics: Metrics, breaker: Breaker | None = None) -> None:
        self._shop = workshop
        self._metrics = metrics
        self._breaker = breaker or Breaker(metrics)
        self._endings = Endings(workshop.settings, metrics)

    def run(self, lease: Lease) -> None:
        """Bring the job to an end: done, failed, waiting, cancelled, handed back, or lost to another worker."""
        with tracing.span("job", job=lease.job.id, attempt=lease.job.attempt), Heartbeat(lease):
            self._shop.hook("claimed")
            try:
                with self._shop.spool.open(lease.job) as place:
                    place.hold(lease.token)
                    if self._work(lease, place):
                        _discard(place)
            except (NoRoom, OSError) as error:
                # The job's directory cannot be made or locked; what goes wrong inside is handled there.
                self._endings.failed(lease, JobError(ErrorCode.UNAVAILABLE, type(error).__name__))
        if lease.gone:
            self._remove_results(lease)
        self._shop.hook("ended")

    def _remove_results(self, lease: Lease) -> None:
        """Of a document that is deleted nothing points to the results any more."""
        job = lease.job
        try:
            remove_results(self._shop.backend, job.id, {"owner": job.owner, "video": job.video, "origin": job.origin})
        except StoreError as error:
            logger.warning("Results of a deleted job are left to the sweep of the bucket: %s", error)

    def _work(self, lease: Lease, place: Place) -> bool:
        """Whether what is left in the place is of no more use."""
        try:
            with room_errors():
                self._walk(lease, place)
        except Interrupted as reason:
            return self._endings.interrupted(lease, reason)
        except NoRoom as error:
            over = self._endings.failed(lease, job_error(error))
            # Downloads that wait side by side for room for the rest would keep it from each other for ever.
            return over or not place.finished(Stage.ANALYSING)
        except (JobError, StoreError, SandboxError) as error:
            return self._endings.failed(lease, job_error(error))
        except Exception as error:
            logger.exception("The job failed by a defect.")
            return self._endings.failed(lease, JobError(ErrorCode.INTERNAL, type(error).__name__))
        self._metrics.ended(str(Status.DONE))
        self._tidy(lease, place)
        return True

    def _walk(self, lease: Lease, place: Place) -> None:
        for stage, work in _WALK.items():
            lease.check()
            lease.report(stage, 0.0)
            if place.finished(stage):
                logger.info("The stage %s was finished by an earlier attempt", stage)
                continue
            with self._timed(stage):
                work(self._shop, lease, place)
            self._shop.hook(f"{stage} finished")
        stages.conclude(self._shop, lease, place)

    def _tidy(self, lease: Lease, place: Place) -> None:
        try:
            stages.tidy(self._shop, lease, place)
        except (StoreError, OSError) as error:
            # The job is done, whatever happens here.
            logger.warning("Could not tidy up after the job: %s", error)

    @contextmanager
    def _timed(self, stage: Stage) -> Iterator[None]:
        started = time.monotonic()
        with tracing.span(str(stage)):
            try:
                yield
            except Denied as error:
                self._breaker.refused(str(stage), str(error))
                raise
        self._breaker.passed(str(stage))
        seconds = time.monotonic() - started
        self._metrics.stage_seconds.labels(stage=str(stage)).observe(seconds)
        logger.info("The stage %s took %.2f s", stage, seconds)


def _discard(place: Place) -> None:
    try:
        place.discard()
    except OSError as error:
        # The job is over all the same; housekeeping takes what is left.
        logger.warning("The remains of a job could not be removed: %s", type(error).__name__)
