"""One sweep: asks the store which jobs are due, and adds them to the candidates.

Each query reads one page:

    uploaded        by createdAt                                    new jobs, oldest first
    waiting         by notBefore, up to the next sweep              jobs that are due, now or soon
    processing      by lease.renewedAt, without a recent heartbeat  jobs whose lease has expired, or will soon
    all three       by id, the next page at each full sweep         jobs without the field that the queries above order by

Each status has a query of its own, so that many jobs of one status cannot hide those of another.

While the watch works, only each fourth sweep asks for new and waiting jobs: the watch reports new jobs, and a worker that
postpones a job remembers when it is due.

With a subscription (`DOTHIS_INTAKE=pubsub`), sweeps measure the queue and are a safety net: they add candidates only after a
worker has been idle for a while, so that they do not compete with messages.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, zip_longest

from consumer.backends import DocumentStore, Snapshot
from consumer.intake.candidates import Candidates
from consumer.jobs.document import Lease, Status, age_s, seconds_until_due, status_of
from consumer.operations.metrics import Metrics
from consumer.settings import Settings

PAGE = 100
"""Most documents that one query reads."""

NET_PAGE = 10
"""The same with a subscription, where sweeps are only the safety net."""

NET_IDLE_S = 5.0
"""With a subscription: a worker gets candidates from sweeps after it was idle for this long."""

NET_AGE_S = 15.0
"""With a subscription: a younger job is not a candidate, since its message may still come."""

MAX_PAGES = 5
"""Most pages that a sweep reads to find jobs of other owners behind those of an owner who has enough running jobs."""

SILENT_SHARE = 0.5
"""A lease that was not renewed for this share of its length has missed a heartbeat. Its job becomes a candidate for the moment
when the lease expires, so that a takeover does not wait for the next sweep."""

TAKEOVER_S = 0.2
"""An expired lease is taken over after one to two times this, at random, so that consumers do not all try at once."""

CALM_SWEEPS = 4
"""While the watch works, one of this many sweeps asks for new and waiting jobs. This lowers the cost of an idle consumer."""

FULL_SWEEP_S = {Status.UPLOADED: 60.0, Status.WAITING: 600.0, Status.PROCESSING: 600.0}
"""Seconds between two queries by id. An app may omit `createdAt`; the daemon writes the other two fields."""

_ORDER = {Status.UPLOADED: "createdAt", Status.WAITING: "notBefore", Status.PROCESSING: "lease.renewedAt"}


Found = tuple[str, str]
"""A job's id and its owner. The owner is empty for waiting and processing jobs, to which the limit of candidates per owner does
not apply."""


class Sweep:
    """Asks the store which jobs are due.

    Args:
        documents: the document store.
        settings: intervals, length of the lease, limit per owner.
        candidates: receives the jobs that are due.
        metrics: shows backlog and age of the queue.
        subscribed: whether a subscription brings the jobs, and sweeps are only its safety net.
        settle: called with each document; returns True if it settles the job, which then needs no worker.

    Attributes:
        more: whether the last sweep filled its page with new jobs, so that there may be more.
    """

    def __init__(
        self,
        documents: DocumentStore,
        settings: Settings,
        candidates: Candidates,
        metrics: Metrics,
        *,
        subscribed: bool,
        settle: Callable[[Snapshot], bool],
    ) -> None:
        self._documents = documents
        self._settings = settings
        self._candidates = candidates
        self._metrics = metrics
        self._subscribed = subscribed
        self._settle = settle
        self.more = False
        self._page = NET_PAGE if subscribed else PAGE
        self._pages: dict[Status, Snapshot | None] = dict.fromkeys(_ORDER)
        self._seen = dict.fromkeys(_ORDER, False)
        self._full_sweep_at = dict.fromkeys(_ORDER, 0.0)
        self._due_sweep_at = dict.fromkeys(_ORDER, 0.0)
        self._skew = timedelta(0)
        self._oldest_uploaded_s = 0.0
        self._oldest_waiting: datetime | None = None

    def expect_everything(self) -> None:
        """Let the next sweep make all queries: there was no watch for a while."""
        self._due_sweep_at = dict.fromkeys(_ORDER, 0.0)

    def run(self, *, watched: bool) -> None:
        """Make one sweep.

        Args:
            watched: whether a watch works, which reports new jobs.

        Raises:
            StoreError: the store cannot be reached.
        """
        now = time.monotonic()
        pages = [self._find_due(status) for status in _ORDER if not self._can_skip(status, now, watched=watched)]
        full = [status for status in _ORDER if now >= self._full_sweep_at[status]]
        for status in full:
            self._full_sweep_at[status] = now + FULL_SWEEP_S[status]
            pages.append(self._next_page(status))
        if Status.UPLOADED in full:
            # Ordered by createdAt: a job that outages postpone again and again is rarely due, but its age counts.
            oldest = []
            if self._seen[Status.WAITING]:
                oldest = self._documents.find({"status": str(Status.WAITING)}, order_by="createdAt", limit=1)
            created = oldest[0].fields["createdAt"] if oldest else None
            self._oldest_waiting = created if isinstance(created, datetime) else None
        waited_s = (
            0.0 if self._oldest_waiting is None else (datetime.now(UTC) + self._skew - self._oldest_waiting).total_seconds()
        )
        self._metrics.queue_age.set(max(self._oldest_uploaded_s, waited_s))
        # One of each list in turn, so that no status waits for another.
        for found in chain.from_iterable(zip_longest(*pages)):
            if found is not None:
                self._offer(*found)

    def _offer(self, job_id: str, owner: str = "", *, delay_s: float = 0.0) -> None:
        if not self._subscribed or self._candidates.starving(NET_IDLE_S):
            self._candidates.add([job_id], owner=owner, delay_s=delay_s)

    def _can_skip(self, status: Status, now: float, *, watched: bool) -> bool:
        """Whether this sweep can omit the query, since the watch reports such jobs."""
        if status is Status.PROCESSING or self._subscribed or not watched or self.more:
            return False
        if now < self._due_sweep_at[status]:
            return True
        self._due_sweep_at[status] = now + (CALM_SWEEPS - 0.5) * self._settings.sweep_s
        return False

    def _find_due(self, status: Status) -> list[Found]:
        if status is Status.UPLOADED and len(self._candidates) >= 2 * self._settings.workers:
            # There are enough candidates: read only the oldest job, for the age of the queue.
            oldest = self._documents.find({"status": str(status)}, order_by=_ORDER[status], limit=1)
            self._oldest_uploaded_s = _age(oldest)
            return list(self._select(oldest))
        found = self._find(status)
        self._metrics.backlog.labels(status=str(status)).set(len(found))
        if status is not Status.UPLOADED:
            return list(self._select(found))
        self._oldest_uploaded_s = _age(found)
        fair = self._fair(found)
        # `fair`, not `found`: further jobs of an owner with enough running jobs are no reason for another sweep.
        self.more = not self._subscribed and len(fair) >= self._page
        return list(self._select(fair))

    def _find(self, status: Status, after: Snapshot | None = None) -> list[Snapshot]:
        """Read one page of the jobs with a status that are due before the next sweep."""
        until = None if status is Status.UPLOADED else self._until(status)
        found = self._documents.find(
            {"status": str(status)}, order_by=_ORDER[status], until=until, after=after, limit=self._page
        )
        if found:
            self._seen[status] = True
            self._skew = found[0].read_time - datetime.now(UTC)
        return found

    def _until(self, status: Status) -> datetime:
        """The latest `notBefore`, or `lease.renewedAt`, of a job that is due before the next sweep, by the store's clock.

        The difference between the clocks is known after the first query; until then the limit is less exact.
        """
        now = datetime.now(UTC) + self._skew
        if status is Status.WAITING:
            return now + timedelta(seconds=(CALM_SWEEPS + 1) * self._settings.sweep_s)
        # A living holder renews its lease after each third of the lease's length.
        return now - timedelta(seconds=self._settings.lease_s * SILENT_SHARE)

    def _fair(self, found: list[Snapshot]) -> list[Snapshot]:
        """Keep as many jobs of each owner as may run at once: the claim would refuse the others.

        While the result is shorter than a page, further pages are read, at most MAX_PAGES.
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
        """Read the next page in order of id; after the last page the first."""
        found = self._documents.find({"status": str(status)}, after=self._pages[status], limit=self._page)
        self._seen[status] = bool(found or self._pages[status])
        self._pages[status] = found[-1] if len(found) == self._page else None
        return list(self._select(found))

    def _select(self, found: Sequence[Snapshot]) -> Iterator[Found]:
        """Yield the jobs that may be claimed now; add those that are due soon to the candidates, with a delay."""
        for snapshot in found:
            fields = snapshot.fields
            if self._settle(snapshot):
                continue
            match status_of(fields):
                case Status.UPLOADED:
                    if not self._may_have_message(snapshot):
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

    def _may_have_message(self, snapshot: Snapshot) -> bool:
        """Whether a message of the subscription may still bring this job."""
        age = age_s(snapshot)
        return self._subscribed and age is not None and age < NET_AGE_S


def _age(found: Sequence[Snapshot]) -> float:
    ages = [age_s(snapshot) for snapshot in found]
    return max((age for age in ages if age is not None), default=0.0)
