"""Fairness: one owner has at most so many jobs running at once, so that a hundred videos of one do not hold up the rest.

Nobody keeps a count, which a crash would make wrong: the documents are counted. Before a claim, which spares a write when there
are too many already; and after it, since several consumers may have claimed at the same moment. Then those that began first
stay, by the store's own times, and the others are handed back. When a job ends, its owner's next ones are looked up at once.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from consumer.backends import DocumentStore, Snapshot
from consumer.jobs.document import Job, Status

BUSY_S = 2.0
"""An owner found busy is taken to be so for this long: a page of an owner's jobs costs one count, not one for each."""

MOST_AT_ONCE = 64
"""Consumers that may have claimed jobs of one owner at the same moment."""

_NEVER = datetime.max.replace(tzinfo=UTC)


class Owners:
    """Counts the running jobs of owners. Safe for threads.

    Args:
        documents: where they are counted.
        limit: how many one owner may have; 0 is no limit, and then nothing is ever asked.
        clock: monotonic seconds.
    """

    def __init__(self, documents: DocumentStore, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._documents = documents
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._busy_until: dict[str, float] = {}

    def busy(self, job: Job) -> bool:
        """Whether the owner has as many running as one may have, without this one. Raises StoreError."""
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
        """Whether a job, just claimed, is one too many, since others of its owner were claimed before it. Raises StoreError."""
        if not self._limit:
            return False
        running = sorted(self._running(job.owner, self._limit + MOST_AT_ONCE), key=_began)
        return job.id in [other.id for other in running[self._limit :]]

    def next_of(self, owner: str) -> list[str]:
        """The owner's oldest new jobs, as many as one may have running; a job of theirs has just ended. Raises StoreError."""
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
