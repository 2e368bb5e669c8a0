"""Ends what needs no work, without a worker: cancelled and malformed jobs, and those that their owner wants removed.

The intake hears of them at once. Were they left to the workers, a cancellation would wait behind the whole backlog.
"""

import logging

from consumer.backends import Backend, Snapshot
from consumer.intake.claims import Claims
from consumer.jobs.document import held_s
from consumer.operations.removal import remove_job

logger = logging.getLogger(__name__)


class Settler:
    """Settles one document at a time; every consumer may try, the first one does it.

    Args:
        backend: both stores: a job is removed with its objects.
        claims: knows what is due.
    """

    def __init__(self, backend: Backend, claims: Claims) -> None:
        self._backend = backend
        self._claims = claims

    def wanted(self, snapshot: Snapshot) -> bool:
        """Whether the document needs an end and no work."""
        return self._claims.needs_no_work(snapshot)

    def settle(self, job_id: str) -> float | None:
        """Look at the document and settle it.

        Returns:
            Seconds after which it has to be looked at again: its holder may be dead. None when never.

        Raises:
            StoreError: a store cannot be asked.
        """
        snapshot = self._backend.documents.get(job_id)
        if snapshot is None:
            return None
        if self.wanted(snapshot):
            if snapshot.fields.get("deleteRequested") is True:
                remove_job(self._backend, snapshot)
                logger.info("Removed a job that its owner has deleted")
            else:
                self._claims.settle(snapshot)
            return None
        held = held_s(snapshot)
        return held + 1.0 if held > 0 and snapshot.fields.get("deleteRequested") is True else None
