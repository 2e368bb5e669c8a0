"""Finds the jobs that are due. The watch only makes it fast; the sweep is the truth.

A sweep asks the store, each query bounded:

    uploaded        by createdAt                                    new jobs, oldest first
    waiting         by notBefore, up to the next sweep              those that are due, or are soon
    processing      by lease.renewedAt, that missed a heartbeat     those whose lease is over, or is soon
    all three       in any order, a page at a time                  what lacks the field that it would be found by

While a watch is heard, new and waiting jobs are asked for in each fourth sweep only: the watch tells of new ones, and a worker
that puts a job off remembers when it is due.

With `DOTHIS_INTAKE=pubsub` a subscription stands in the watch's place (pubsub.py). Sweeps are only its safety net
then: they see that the store answers and how long the queue is, and hand out what they find only when a worker has had nothing
to do for a while, so that they never compete with messages that are on their way.

The queries stand apart, so that a pile of one kind cannot starve another. A watch can go deaf in many ways; it is made anew
when it is dead or silent, and what it missed the sweep finds.
"""

import logging
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, zip_longest
from typing import Any, Protocol

from consumer.backends import DocumentStore, Snapshot, StoreError, Watch
from consumer.intake.candidates import Candidates
from consumer.intake.claims import Missed
from consumer.jobs.document import Lease, Status, age_s, seconds_until_due, status_of
from consumer.operations.metrics import Metrics
from consumer.settings import Settings

logger = logging.getLogger(__name__)

PAGE = 100
"""Documents that one query of a sweep reads at most."""

NET_PAGE = 10
"""The same where sweeps are only the safety net of a subscription."""

NET_IDLE_S = 5.0
"""A worker that the subscription has left idle for so long takes what a sweep finds."""

NET_AGE_S = 15.0
"""The message of a younger document may still be on its way."""

BACKLOG = 50
"""So many candidates, and at least four for each worker, are a backlog: enough to do without being told of more."""

BACKLOG_S = 1.0
"""A backlog that has lasted for so long lets the watch rest. Every consumer's watch hears of every change: that costs most when
there are many of both, and helps nobody while all workers are busy."""

WATCHED = 100
"""Documents that the watch listens to, the newest: what is older the sweep before it has read."""

MAX_PAGES = 5
"""Pages that a sweep turns, at the most, to see past an owner who has as many jobs running as one may have."""

EXTRA_SWEEP_S = 1.0
"""A backlog larger than a page is swept again this soon once its candidates are used up."""

SILENT_SHARE = 0.5
"""A holder that has not renewed its lease for this share of it has missed a heartbeat. The end of its lease is waited for
by a timer, so that a takeover does not wait for the next sweep."""

TAKEOVER_S = 0.2
"""So long after the end of a lease the job is tried, and up to as long again, so that consumers do not all try at once."""

CALM_SWEEPS = 4
"""New and waiting jobs are asked for in one of so many sweeps while a watch is heard: an idle consumer's cost."""

FULL_SWEEP_S = {Status.UPLOADED: 60.0, Status.WAITING: 600.0, Status.PROCESSING: 600.0}
"""How often documents are looked for in any order. An app may leave `createdAt` out; the other two fields the daemon writes."""

_ORDER = {Status.UPLOADED: "createdAt", Status.WAITING: "notBefore", Status.PROCESSING: "lease.renewedAt"}


Found = tuple[str, str]
"""A job's id and its owner; of jobs that were begun already the owner is left out: they are never too many."""


class Feed(Watch, Protocol):
    """What may stand in the watch's place: it hands jobs to one consumer only, and wants to know what became of them."""

    @property
    def over(self) -> bool:
        """Whether it is closed, and everything that it brought was handled."""
        ...

    def handled(self, job_id: str, missed: Missed | None) -> None:
        """The consumer is through with a job, one that somebody else brought included."""
        ...


class Settles(Protocol):
    """Gives documents that need no work their end."""

    def wanted(self, snapshot: Snapshot) -> bool:
        """Whether the document is one of them."""
        ...

    def settle(self, job_id: str) -> float | None:
        """Look at a document and settle it; in how many seconds it is to be looked at again, None when never."""
        ...


REQUESTS: tuple[dict[str, Any], ...] = (
    {"deleteRequested": True},
    {"status": str(Status.UPLOADED), "cancelRequested": True},
    {"status": str(Status.WAITING), "cancelRequested": True},
)
"""What an app asks of jobs that perhaps nobody works on. These documents are few at any time, so this watch never rests."""

RETRY_SETTLING_S = 5.0
"""A document that could not be settled for want of a store is tried again after this long."""


class Intake:
    """Feeds `candidates` from the watch and from sweeps, in a thread of its own between `start` and `stop`.

    Args:
        documents: the store.
        settings: how often, and how many of one owner.
        candidates: what it feeds.
        metrics: what is counted.
        subscribe: opens what stands in the watch's place, if anything does.
        settles: what ends documents that need no work; without it they are left to the workers.
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
        self._unsettled: dict[str, float] = {}
        self._requests: Watch | None = None
        self._requests_wanted_at = 0.0
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._page = PAGE if subscribe is None else NET_PAGE
        # All that may still wait to hear what became of a job: the last one, and those before it that have jobs in hand.
        self._feeds: list[Feed] = []
        self._watch: Watch | None = None
        self._watch_wanted_at = 0.0
        self._backlog_since: float | None = None
        self._pages: dict[Status, Snapshot | None] = dict.fromkeys(_ORDER)
        self._seen = dict.fromkeys(_ORDER, False)
        self._full_sweep_at = dict.fromkeys(_ORDER, 0.0)
        self._due_sweep_at = dict.fromkeys(_ORDER, 0.0)
        self._watch_made_at = math.inf
        self._skew = timedelta(0)
        self._oldest_uploaded_s = 0.0
        self._oldest_waiting: datetime | None = None
        self._sweep_at = 0.0
        self._more = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self.swept_at = time.monotonic()
        self.failing: str | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End; a store that hangs is left to itself after a while."""
        self._stopped.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def handled(self, job_id: str, missed: Missed | None) -> None:
        """A worker is through with a candidate; `missed` says why it was not claimed, if it was not."""
        for feed in self._feeds:
            feed.handled(job_id, missed)

    @property
    def silence_s(self) -> float:
        """Seconds since a sweep last succeeded."""
        return time.monotonic() - self.swept_at

    @property
    def watching(self) -> bool:
        """Whether there is a living watch."""
        return self._watch is not None and self._watch.alive

    def _run(self) -> None:
        while not self._stopped.is_set():
            if self._more and len(self._candidates) < 2 * self._settings.workers:
                self._try_sweep()
            now = time.monotonic()
            if now >= self._sweep_at:
                self._sweep_at = now + self._settings.sweep_s * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load
                self._try_sweep()
            # After a sweep, which knows whether there is a backlog.
            self._tend_watch()
            self._tend_requests()
            self._settle_all()
            self._woken.wait(min(EXTRA_SWEEP_S, self._settings.sweep_s))
            self._woken.clear()
        self._close_watch()
        self._close(self._requests)

    # --- what needs no work -------------------------------------------------------------------------------------------------

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
            # The others shall not wait behind a defect; sweeps find this one again.
            logger.exception("A job could not be settled by a defect.")
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
        self._requests, self._requests_wanted_at = None, now + 5.0
        try:
            self._requests = self._documents.watch_any(REQUESTS, self._settle_soon)
        except StoreError as error:
            logger.warning("Requests of apps cannot be watched, sweeps go on: %s", error)

    # --- sweeps -------------------------------------------------------------------------------------------------------------

    def _try_sweep(self) -> None:
        try:
            self.sweep()
        except StoreError as error:
            self._failed(str(error))
        except Exception as error:
            # Whatever it is: an intake that has died in silence would be worse than one that goes on failing aloud.
            logger.exception("A sweep failed.")
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
        log("The document store cannot be asked since %.0f s: %s", self.silence_s, reason)
        self.failing = reason

    def sweep(self) -> None:
        """Ask the store once. Raises StoreError."""
        now = time.monotonic()
        pages = [self._due(status) for status in _ORDER if not self._calm(status, now)]
        full = [status for status in _ORDER if now >= self._full_sweep_at[status]]
        for status in full:
            self._full_sweep_at[status] = now + FULL_SWEEP_S[status]
            pages.append(self._next_page(status))
        if Status.UPLOADED in full:
            # By createdAt: those that an outage puts off again and again are rarely due, and yet they wait.
            oldest = []
            if self._seen[Status.WAITING]:
                oldest = self._documents.find({"status": str(Status.WAITING)}, order_by="createdAt", limit=1)
            created = oldest[0].fields["createdAt"] if oldest else None
            self._oldest_waiting = created if isinstance(created, datetime) else None
        waited_s = (
            0.0 if self._oldest_waiting is None else (datetime.now(UTC) + self._skew - self._oldest_waiting).total_seconds()
        )
        self._metrics.queue_age.set(max(self._oldest_uploaded_s, waited_s))
        # In turn one of each kind, so that no kind waits for another.
        for found in chain.from_iterable(zip_longest(*pages)):
            if found is not None:
                self._offer(*found)

    def _offer(self, job_id: str, owner: str = "", *, delay_s: float = 0.0) -> None:
        if self._subscribe is None or self._candidates.starving(NET_IDLE_S):
            self._candidates.add([job_id], owner=owner, delay_s=delay_s)

    def _calm(self, status: Status, now: float) -> bool:
        """Whether this sweep may do without the query, since a watch that is heard would have told of such jobs."""
        watch = self._watch
        heard = (
            watch is not None and watch.alive and self._watch_made_at < watch.last_heard > now - self._settings.watch_silence_s
        )
        if status is Status.PROCESSING or self._subscribe is not None or not heard or self._more:
            return False
        if now < self._due_sweep_at[status]:
            return True
        self._due_sweep_at[status] = now + (CALM_SWEEPS - 0.5) * self._settings.sweep_s
        return False

    def _due(self, status: Status) -> list[Found]:
        if status is Status.UPLOADED and len(self._candidates) >= 2 * self._settings.workers:
            # There is more than enough to do: only how old the queue is has to be known. The next page is read in time.
            oldest = self._documents.find({"status": str(status)}, order_by=_ORDER[status], limit=1)
            self._oldest_uploaded_s = _age(oldest)
            return list(self._worth_a_look(oldest))
        found = self._find(status)
        self._metrics.backlog.labels(status=str(status)).set(len(found))
        if status is not Status.UPLOADED:
            return list(self._worth_a_look(found))
        self._oldest_uploaded_s = _age(found)
        fair = self._fair(found)
        # Of one owner's pile, however long, no more can be done than what is fair.
        self._more = self._subscribe is None and len(fair) >= self._page
        return list(self._worth_a_look(fair))

    def _find(self, status: Status, after: Snapshot | None = None) -> list[Snapshot]:
        """One page; of what is not due before the next sweep nothing is read, but for the first page of new jobs."""
        until = None if status is Status.UPLOADED else self._until(status)
        found = self._documents.find(
            {"status": str(status)}, order_by=_ORDER[status], until=until, after=after, limit=self._page
        )
        if found:
            self._seen[status] = True
            self._skew = found[0].read_time - datetime.now(UTC)
        return found

    def _until(self, status: Status) -> datetime:
        """By the store's clock, as far as it is known. Where it is not yet, somewhat more or less is read; nothing else."""
        now = datetime.now(UTC) + self._skew
        if status is Status.WAITING:
            return now + timedelta(seconds=(CALM_SWEEPS + 1) * self._settings.sweep_s)
        # A living holder renews its lease each third of it.
        return now - timedelta(seconds=self._settings.lease_s * SILENT_SHARE)

    def _fair(self, found: list[Snapshot]) -> list[Snapshot]:
        """Of each owner as many as may run at once: the others would only be refused. Beyond a full page of few owners it looks
        further, so that nobody stands behind them.
        """
        limit = self._settings.max_per_owner
        if not limit:
            return found
        page, fair, owners = found, list[Snapshot](), Counter[str]()
        for turned in range(1, MAX_PAGES + 1):
            for snapshot in page:
                owner = str(snapshot.fields.get("owner"))
                owners[owner] += 1
                if owners[owner] <= limit:
                    fair.append(snapshot)
            if len(page) < self._page or len(fair) >= self._page or turned == MAX_PAGES:
                break
            page = self._find(Status.UPLOADED, after=page[-1])
        return fair

    def _next_page(self, status: Status) -> list[Found]:
        """The next page in order of id; after the last one the first."""
        found = self._documents.find({"status": str(status)}, after=self._pages[status], limit=self._page)
        self._seen[status] = bool(found or self._pages[status])
        self._pages[status] = found[-1] if len(found) == self._page else None
        return list(self._worth_a_look(found))

    def _worth_a_look(self, found: Sequence[Snapshot]) -> Iterator[Found]:
        for snapshot in found:
            fields = snapshot.fields
            if self._settles is not None and self._settles.wanted(snapshot):
                self._settle_soon(snapshot.id)
                continue
            match status_of(fields):
                case Status.UPLOADED:
                    if not self._on_its_way(snapshot):
                        owner = fields.get("owner")
                        yield snapshot.id, owner if isinstance(owner, str) else ""
                case Status.WAITING:
                    wait_s = seconds_until_due(snapshot)
                    if wait_s <= 0 or fields.get("cancelRequested") is True:
                        yield snapshot.id, ""
                    elif wait_s < (CALM_SWEEPS + 1) * self._settings.sweep_s:
                        self._offer(snapshot.id, delay_s=wait_s)
                case Status.PROCESSING:
                    lease = Lease.read(fields.get("lease"))
                    if lease is None or lease.over(snapshot.read_time):
                        yield snapshot.id, ""
                    elif lease.silent_s(snapshot.read_time) > lease.seconds * SILENT_SHARE:
                        left_s = lease.seconds_left(snapshot.read_time)
                        self._offer(snapshot.id, delay_s=left_s + TAKEOVER_S * random.uniform(1, 2))  # noqa: S311 - spreads load
                case _:
                    continue

    def _on_its_way(self, snapshot: Snapshot) -> bool:
        age = age_s(snapshot)
        return self._subscribe is not None and age is not None and age < NET_AGE_S

    def _tend_watch(self) -> None:
        watch, now = self._watch, time.monotonic()
        if self._resting(now):
            self._close_watch()
            return
        if watch is not None:
            if watch.alive and now - watch.last_heard < self._settings.watch_silence_s:
                return
            logger.warning("The watch is %s; it is made anew", "silent" if watch.alive else "dead")
            self._metrics.watch_restarts.inc()
            self._close_watch()
        if now < self._watch_wanted_at:
            return
        self._watch_wanted_at = now + 5.0
        # What was written while there was no watch is found at once, not at the next turn.
        self._sweep_at = 0.0
        self._due_sweep_at = dict.fromkeys(_ORDER, 0.0)
        try:
            if self._subscribe is not None:
                self._watch = feed = self._subscribe()
                self._feeds = [*(before for before in self._feeds if not before.over), feed]
            else:
                self._watch = self._documents.watch(str(Status.UPLOADED), self._candidates.hint, newest=WATCHED)
                # Only what is heard after this is a sign of life: a watch that is refused was never heard.
                self._watch_made_at = time.monotonic()
        except StoreError as error:
            logger.warning("The watch cannot be started, sweeps go on: %s", error)

    def _resting(self, now: float) -> bool:
        """Whether there is enough to do without a watch."""
        workers = self._settings.workers
        enough = max(BACKLOG, 4 * workers) if self._backlog_since is None else 2 * workers
        if self._subscribe is not None or len(self._candidates) < enough:
            self._backlog_since = None
            return False
        if self._backlog_since is None:
            self._backlog_since = now
        # With a backlog no watch is opened at all: its first answer would be the whole backlog.
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
            # A watch that cannot even be closed is left behind; the new one does not depend on it.
            logger.exception("The watch cannot be closed.")


def _age(found: Sequence[Snapshot]) -> float:
    ages = [age_s(snapshot) for snapshot in found]
    return max((age for age in ages if age is not None), default=0.0)
