"""Removes what is no longer needed, in a thread: directories of finished jobs, and data older than DOTHIS_RETENTION_DAYS."""

import logging
import threading
import time

from consumer.backends import Backend, StoreError
from consumer.jobs.document import status_of
from consumer.operations.metrics import Metrics
from consumer.operations.retention import Retention
from consumer.settings import Settings
from consumer.work.spool import Spool

logger = logging.getLogger(__name__)

CLEAN_S = 300.0
"""Seconds between two turns, each of which cleans the spool and removes old jobs."""

OBJECTS_S = 3600.0
"""Seconds between two looks at a page of the bucket. Each reads a document for every job with results on the page."""


class Housekeeping:
    """The housekeeping thread. It runs between `start` and `stop`."""

    def __init__(self, backend: Backend, settings: Settings, spool: Spool, metrics: Metrics) -> None:
        self._backend = backend
        self._settings = settings
        self._retention = Retention(backend, settings)
        self._objects_at = 0.0
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
                logger.warning("Housekeeping failed; the next turn tries again: %s", error)
            except Exception:
                # The thread goes on, since without it the volume would become full.
                logger.exception("Housekeeping failed with an unexpected error.")
            if self._stopped.wait(CLEAN_S):
                return

    def clean(self) -> None:
        """Make one turn. Raises StoreError, OSError."""
        settings = self._settings
        left = self._spool.clean(max_age_s=settings.spool_age_s, max_bytes=settings.spool_max_bytes, over=self._over)
        self._metrics.spool_bytes.set(left)
        self._metrics.free_bytes.set(self._spool.free_bytes())
        self._retention.remove_old_jobs()
        now = time.monotonic()
        if now >= self._objects_at:
            self._objects_at = now + OBJECTS_S
            self._retention.remove_objects()

    def _over(self, job_id: str) -> bool:
        snapshot = self._backend.documents.get(job_id)
        status = None if snapshot is None else status_of(snapshot.fields)
        return status is None or status.final
