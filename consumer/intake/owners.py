"""Fairness: limits the running jobs of each owner, so that an owner's hundred videos do not hold up all other owners.

The running jobs are counted in the store, since a crash would make a stored count wrong. They are counted twice. Before the
claim: if the owner has too many, no write is needed. After the claim: several consumers may have claimed at the same moment;
the jobs that started first (by the store's time) stay, and the others are handed back. When a job ends, the consumer looks up
its owner's next jobs at once.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from consumer.backends import DocumentStore, Snapshot
from consumer.jobs.document import Job, Status

BUSY_S = 2.0
"""For this time a busy owner counts as busy without another query, so a page of the owner's jobs costs one query."""

MOST_AT_ONCE = 64
"""Highest expected number of consumers that claim jobs of one owner at the same moment."""

_NEVER = datetime.max.replace(tzinfo=UTC)


class Owners:
    """Counts the running jobs of owners. Safe for threads.

    Args:
        documents: the document store.
        limit: most running jobs of one owner; with 0 there is no limit and no query.
        clock: monotonic seconds.
    """

    def __init__(self, documents: DocumentStore, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._documents = documents
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._busy_until: dict[str, float] = {}

    def busy(self, job: Job) -> bool:
        """Whether the owner has `limit` running jobs other than this one. Raises StoreError."""
        if not self._limit:
            return False
        now = self._clock()
        with self._lock:
            self._busy_until = {owner: until for owner, until in self._busy_until.items() if until > now}
            if job.owner in self._busy_until and job.status is not Status.PROCESSING:
                return True
        running = self._running(job.owner, self._limit)
        if len(running) < self._limit or any(other.id == job.id for other in running):
            return False
        with self._lock:
            self._busy_until[job.owner] = now + BUSY_S
        return True

    def too_late(self, job: Job) -> bool:
        """Whether a job that was just claimed exceeds the limit, and others started before it. Raises StoreError."""
        if not self._limit:
            return False
        running = sorted(self._running(job.owner, self._limit + MOST_AT_ONCE), key=_began)
        return job.id in [other.id for other in running[self._limit :]]

    def find_next_of(self, owner: str) -> list[str]:
        """Find the owner's oldest `uploaded` jobs, at most `limit`, after a job of this owner has ended. Raises StoreError."""
        if not self._limit:
            return []
        with self._lock:
            self._busy_until.pop(owner, None)
        new = {"status": str(Status.UPLOADED), "owner": owner}
        return [snapshot.id for snapshot in self._documents.find(new, order_by="createdAt", limit=self._limit)]

    def _running(self, owner: str, limit: int) -> list[Snapshot]:
        return self._documents.find({"status": str(Status.PROCESSING), "owner": owner}, limit=limit)


def _began(snapshot: Snapshot) -> tuple[datetime, str]:
    started = snapshot.fields.get("startedAt")
    return started if isinstance(started, datetime) else _NEVER, snapshot.id
