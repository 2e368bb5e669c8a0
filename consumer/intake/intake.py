"""The thread that feeds the candidates: it runs the sweeps, keeps the watch alive and settles jobs that need no worker.

The sweep (sweep.py) finds every job that is due; the watch only finds new jobs sooner. A watch can stop reporting without an
error, so it is replaced when it is dead or silent, and the next sweep finds what it missed.

With `DOTHIS_INTAKE=pubsub` a subscription (pubsub.py) takes the place of the watch.
"""

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from consumer.backends import DocumentStore, Snapshot, StoreError, Watch
from consumer.intake.candidates import Candidates
from consumer.intake.claims import Missed
from consumer.intake.sweep import Sweep
from consumer.jobs.document import Status
from consumer.operations.metrics import Metrics
from consumer.settings import Settings

logger = logging.getLogger(__name__)

BACKLOG = 50
"""This many candidates, and at least four for each worker, are a backlog."""

BACKLOG_S = 1.0
"""After a backlog has lasted this long the watch is closed until the backlog is small: every consumer's watch receives every
change, which is expensive when there are many consumers and many changes, and of no use while all workers are busy."""

WATCHED = 100
"""Number of documents that the watch listens to: the newest. Sweeps find the older ones."""

EXTRA_SWEEP_S = 1.0
"""Longest time between two turns of the thread, and so the wait between two sweeps after a full page."""

MAKE_WATCH_S = 5.0
"""Shortest time between two attempts to open a watch."""


class Feed(Watch, Protocol):
    """A source of jobs that takes the place of the watch. It gives each job to one consumer, which reports to it when it has
    finished with the job."""

    @property
    def over(self) -> bool:
        """Whether the feed is closed and all its jobs were handled."""
        ...

    def handled(self, job_id: str, missed: Missed | None) -> None:
        """Take note that this consumer has finished with a job; also called for jobs that the feed did not bring."""
        ...


class Settles(Protocol):
    """Ends jobs that need no work."""

    def wanted(self, snapshot: Snapshot) -> bool:
        """Whether the job needs to be ended or removed, but needs no work."""
        ...

    def settle(self, job_id: str) -> float | None:
        """Read the document and settle the job.

        Returns:
            Seconds until the document has to be read again; None if it need not be.
        """
        ...


REQUESTS: tuple[dict[str, Any], ...] = (
    {"deleteRequested": True},
    {"status": str(Status.UPLOADED), "cancelRequested": True},
    {"status": str(Status.WAITING), "cancelRequested": True},
)
"""Filters of a second watch: requests of an app that need no worker. Few documents match at any time, so it is never closed."""

RETRY_SETTLING_S = 5.0
"""Wait before a job is settled again after an error of a store."""


class Intake:
    """Feeds `candidates` from the watch and from sweeps, in a thread of its own between `start` and `stop`.

    Args:
        documents: the document store.
        settings: intervals, number of workers, limit per owner.
        candidates: receives the jobs that are due.
        metrics: counts sweeps and watches.
        subscribe: opens the subscription that takes the place of the watch; None for a watch.
        settles: ends jobs that need no work; without it the workers do.
    """

    def __init__(
        self,
        documents: DocumentStore,
        settings: Settings,
        candidates: Candidates,
        metrics: Metrics,
        *,
        subscribe: Callable[[], Feed] | None = None,
        settles: Settles | None = None,
    ) -> None:
        self._documents = documents
        self._settings = settings
        self._candidates = candidates
        self._metrics = metrics
        self._subscribe = subscribe
        self._settles = settles
        self._sweep = Sweep(
            documents, settings, candidates, metrics, subscribed=subscribe is not None, settle=self._settle_later
        )
        self._unsettled: dict[str, float] = {}
        self._requests: Watch | None = None
        self._requests_wanted_at = 0.0
        self._lock = threading.Lock()
        self._woken = threading.Event()
        # The current subscription, and earlier ones some of whose jobs are not handled yet.
        self._feeds: list[Feed] = []
        self._watch: Watch | None = None
        self._watch_wanted_at = 0.0
        self._watch_made_at = math.inf
        self._backlog_since: float | None = None
        self._sweep_at = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self.swept_at = time.monotonic()
        self.failing: str | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop the thread; wait for it for `timeout_s` seconds, since a call of the store may hang."""
        self._stopped.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def handled(self, job_id: str, missed: Missed | None) -> None:
        """Tell the subscription that a worker has finished with a candidate; `missed` says why it was not claimed, if so."""
        for feed in self._feeds:
            feed.handled(job_id, missed)

    @property
    def silence_s(self) -> float:
        """Seconds since the last successful sweep."""
        return time.monotonic() - self.swept_at

    @property
    def watching(self) -> bool:
        """Whether a watch, or a subscription, is open and alive."""
        return self._watch is not None and self._watch.alive

    def _run(self) -> None:
        while not self._stopped.is_set():
            if self._sweep.more and len(self._candidates) < 2 * self._settings.workers:
                self._try_sweep()
            now = time.monotonic()
            if now >= self._sweep_at:
                self._sweep_at = now + self._settings.sweep_s * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load
                self._try_sweep()
            # After the sweep, because the number of candidates decides whether a watch is needed.
            self._tend_watch()
            self._tend_requests()
            self._settle_all()
            self._woken.wait(min(EXTRA_SWEEP_S, self._settings.sweep_s))
            self._woken.clear()
        self._close_watch()
        self._close(self._requests)

    # --- jobs that need no work ----------------------------------------------------------------------------------------------

    def _settle_later(self, snapshot: Snapshot) -> bool:
        """Whether the job needs no work. If so, the thread settles it soon."""
        if self._settles is None or not self._settles.wanted(snapshot):
            return False
        self._settle_soon(snapshot.id)
        return True

    def _settle_soon(self, job_id: str, delay_s: float = 0.0) -> None:
        with self._lock:
            self._unsettled[job_id] = time.monotonic() + delay_s
        if not delay_s:
            self._woken.set()

    def _settle_all(self) -> None:
        now = time.monotonic()
        with self._lock:
            ready = [job_id for job_id, at in self._unsettled.items() if at <= now]
            for job_id in ready:
                del self._unsettled[job_id]
        for job_id in ready:
            if self._stopped.is_set():
                return
            self._settle(job_id)

    def _settle(self, job_id: str) -> None:
        if self._settles is None:
            return
        try:
            again_s = self._settles.settle(job_id)
        except StoreError as error:
            logger.warning("A job could not be settled, trying again: %s", error)
            again_s = RETRY_SETTLING_S
        except Exception:
            # The other jobs must not wait; a sweep finds this one again.
            logger.exception("A job could not be settled: unexpected error.")
            return
        if again_s is not None:
            self._settle_soon(job_id, again_s)

    def _tend_requests(self) -> None:
        watch, now = self._requests, time.monotonic()
        if self._settles is None or now < self._requests_wanted_at:
            return
        if watch is not None:
            if watch.alive and now - watch.last_heard < self._settings.watch_silence_s:
                return
            self._close(watch)
        self._requests, self._requests_wanted_at = None, now + MAKE_WATCH_S
        try:
            self._requests = self._documents.watch_any(REQUESTS, self._settle_soon)
        except StoreError as error:
            logger.warning("The requests of apps cannot be watched; sweeps go on: %s", error)

    # --- sweeps -------------------------------------------------------------------------------------------------------------

    def _try_sweep(self) -> None:
        try:
            self.sweep()
        except StoreError as error:
            self._failed(str(error))
        except Exception as error:
            # If the thread ended here, the daemon would find no more jobs. It goes on, and /readyz shows the problem.
            logger.exception("A sweep failed with an unexpected error.")
            self._failed(type(error).__name__)
        else:
            if self.failing is not None:
                logger.warning("The document store can be reached again after %.0f s", self.silence_s)
            self.failing = None
            self.swept_at = time.monotonic()
            self._metrics.sweeps.labels(outcome="ok").inc()
            self._metrics.last_sweep.set_to_current_time()

    def _failed(self, reason: str) -> None:
        self._metrics.sweeps.labels(outcome="failed").inc()
        log = logger.error if self.failing is None else logger.warning
        log("The document store could not be reached for %.0f s: %s", self.silence_s, reason)
        self.failing = reason

    def sweep(self) -> None:
        """Ask the store once which jobs are due. Raises StoreError."""
        self._sweep.run(watched=self._is_heard())

    def _is_heard(self) -> bool:
        """Whether the watch gave a sign of life lately, and did so since it was opened: a refused watch never gives one."""
        watch, silence_s = self._watch, self._settings.watch_silence_s
        return watch is not None and watch.alive and self._watch_made_at < watch.last_heard > time.monotonic() - silence_s

    # --- the watch ----------------------------------------------------------------------------------------------------------

    def _tend_watch(self) -> None:
        watch, now = self._watch, time.monotonic()
        if self._has_backlog(now):
            self._close_watch()
            return
        if watch is not None:
            if watch.alive and now - watch.last_heard < self._settings.watch_silence_s:
                return
            logger.warning("The watch is %s; a new one is opened", "silent" if watch.alive else "dead")
            self._metrics.watch_restarts.inc()
            self._close_watch()
        if now < self._watch_wanted_at:
            return
        self._watch_wanted_at = now + MAKE_WATCH_S
        # Sweep at once: without a watch, new jobs may have been missed.
        self._sweep_at = 0.0
        self._sweep.expect_everything()
        try:
            if self._subscribe is not None:
                self._watch = feed = self._subscribe()
                self._feeds = [*(before for before in self._feeds if not before.over), feed]
            else:
                self._watch = self._documents.watch(str(Status.UPLOADED), self._candidates.hint, newest=WATCHED)
                self._watch_made_at = time.monotonic()
        except StoreError as error:
            logger.warning("The watch cannot be opened; sweeps go on: %s", error)

    def _has_backlog(self, now: float) -> bool:
        """Whether there are enough candidates without a watch."""
        workers = self._settings.workers
        enough = max(BACKLOG, 4 * workers) if self._backlog_since is None else 2 * workers
        if self._subscribe is not None or len(self._candidates) < enough:
            self._backlog_since = None
            return False
        if self._backlog_since is None:
            self._backlog_since = now
        # During a backlog no watch is opened: its first answer would be the whole backlog.
        return self._watch is None or now - self._backlog_since > BACKLOG_S

    def _close_watch(self) -> None:
        watch, self._watch = self._watch, None
        self._close(watch)

    @staticmethod
    def _close(watch: Watch | None) -> None:
        if watch is None:
            return
        try:
            watch.close()
        except Exception:
            # A new watch does not depend on the old one.
            logger.exception("The watch could not be closed.")
