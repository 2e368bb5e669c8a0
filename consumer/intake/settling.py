"""Settles jobs that need no worker: ends cancelled and malformed jobs, and removes jobs that their owner wants deleted.

The intake thread does this, so that a cancellation does not wait behind the backlog of the workers.
"""

import logging

from consumer.backends import Backend, Snapshot
from consumer.intake.claims import Claims
from consumer.jobs.document import held_s
from consumer.operations.removal import remove_job

logger = logging.getLogger(__name__)


class Settler:
    """Settles one document at a time. Several consumers may try the same one; the first succeeds.

    Args:
        backend: both stores, since a job is removed together with its objects.
        claims: decides whether a job has to be ended, and ends it.
    """

    def __init__(self, backend: Backend, claims: Claims) -> None:
        self._backend = backend
        self._claims = claims

    def wanted(self, snapshot: Snapshot) -> bool:
        """Whether the job needs to be ended or removed, but needs no work."""
        return self._claims.needs_no_work(snapshot)

    def settle(self, job_id: str) -> float | None:
        """Read the document and settle it.

        Returns:
            Seconds until it has to be read again, when a worker still holds a job that is to be removed; else None.

        Raises:
            StoreError: a store cannot be reached.
        """
        snapshot = self._backend.documents.get(job_id)
        if snapshot is None:
            return None
        if self.wanted(snapshot):
            if snapshot.fields.get("deleteRequested") is True:
                remove_job(self._backend, snapshot)
                logger.info("Removed a job, as its owner requested")
            else:
                self._claims.settle(snapshot)
            return None
        held = held_s(snapshot)
        return held + 1.0 if held > 0 and snapshot.fields.get("deleteRequested") is True else None
