"""Keeps the volume, and what is kept for users, from growing for ever: remains of jobs, results whose time is over."""

import logging
import threading
from datetime import timedelta

from consumer import jobs
from consumer.backends import Backend, StoreError
from consumer.jobs import Status
from consumer.keeping import remove_results
from consumer.metrics import Metrics
from consumer.settings import Settings
from consumer.spool import Spool

logger = logging.getLogger(__name__)

CLEAN_S = 300.0
"""How often the spool is cleaned, and old results are looked for."""

PAGE = 100


class Housekeeping:
    """A thread between `start` and `stop`."""

    def __init__(self, backend: Backend, settings: Settings, spool: Spool, metrics: Metrics) -> None:
        self._backend = backend
        self._settings = settings
        self._spool = spool
        self._metrics = metrics
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            try:
                self.clean()
            except (StoreError, OSError) as error:
                logger.warning("Could not clean up, trying again later: %s", error)
            except Exception:
                # The next turn may go better; a full volume would be worse than a logged defect.
                logger.exception("Cleaning up failed by a defect.")
            if self._stopped.wait(CLEAN_S):
                return

    def clean(self) -> None:
        """One turn. Raises StoreError, OSError."""
        settings = self._settings
        left = self._spool.clean(max_age_s=settings.spool_age_s, max_bytes=settings.spool_max_bytes, over=self._over)
        self._metrics.spool_bytes.set(left)
        self._metrics.free_bytes.set(self._spool.free_bytes())
        if settings.results_days is not None:
            self._forget_old(timedelta(days=settings.results_days))

    def _over(self, job_id: str) -> bool:
        snapshot = self._backend.documents.get(job_id)
        status = None if snapshot is None else jobs.status_of(snapshot.fields)
        return status is None or status.final

    def _forget_old(self, lifetime: timedelta) -> None:
        documents = self._backend.documents
        for status in (Status.DONE, Status.FAILED, Status.CANCELLED):
            for snapshot in documents.find({"status": str(status)}, order_by="finishedAt", limit=PAGE):
                # Not the end of the page: a time that is no time stands before or behind all others.
                if not jobs.finished_before(snapshot, snapshot.read_time - lifetime):
                    continue
                remove_results(self._backend, snapshot)
                documents.delete(snapshot.id)
                logger.info("Removed a job whose results have had their time")
