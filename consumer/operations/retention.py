"""Removes data that is older than `DOTHIS_RETENTION_DAYS`, and results whose document is gone.

Old jobs are found by their documents. Objects without a document are found by their paths: each turn reads one page of the
bucket, and the next turn continues after it. Only the folders that consumer/jobs/paths.py names are read.
"""

import logging
import random
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice, takewhile

from consumer.backends import Backend, DatedPath, Snapshot
from consumer.jobs import paths
from consumer.jobs.document import Status, held_s, status_of
from consumer.operations.removal import remove_job
from consumer.settings import Settings

logger = logging.getLogger(__name__)

PAGE = 100

OBJECTS_PAGE = 1000
"""Objects that one turn reads in each folder; a page of Cloud Storage has as many."""

ORPHAN_AGE = timedelta(days=1)
"""Results without a document are kept for this long: while a backup is restored, objects come before documents."""


class Retention:
    """Removes old data in bounded turns. Several processes may do so at once.

    Args:
        backend: both stores.
        settings: `retention_days`.
    """

    def __init__(self, backend: Backend, settings: Settings) -> None:
        self._backend = backend
        self._lifetime = timedelta(days=settings.retention_days) if settings.retention_days else None
        # Start at a random path: a process that restarts each hour must not read the same objects each time.
        self._after = {folder: folder + random.choice(string.ascii_letters) for folder in self._folders()}  # noqa: S311

    def remove_old_jobs(self) -> None:
        """Remove jobs that are too old, with their videos and results. A running job is left for a later turn.

        Raises:
            StoreError: a store cannot be asked; what is left is found again.
        """
        if self._lifetime is None:
            return
        moment = datetime.now(UTC) - self._lifetime
        for snapshot in chain(self._created_before(moment), self._finished_before(moment)):
            if held_s(snapshot) == 0:
                remove_job(self._backend, snapshot)
                logger.info("Removed a job that was older than the retention time")

    def remove_objects(self) -> None:
        """Remove objects that are too old, and results whose document is gone.

        Raises:
            StoreError: a store cannot be asked; what is left is found again.
        """
        now, results = datetime.now(UTC), set[tuple[str, str]]()
        for folder in self._folders():
            for found in self._next_page(folder):
                owned = paths.owner_of(found.path)
                if owned is None:
                    continue
                if self._lifetime is not None and found.created < now - self._lifetime:
                    self._backend.objects.purge(found.path)
                elif owned.job is not None and found.created < now - ORPHAN_AGE:
                    results.add((owned.owner, owned.job))
        self._remove_orphans(results)

    def _created_before(self, moment: datetime) -> Iterator[Snapshot]:
        return self._pages({}, "createdAt", moment)

    def _finished_before(self, moment: datetime) -> Iterator[Snapshot]:
        """Find jobs by their end: an app may omit `createdAt`."""
        for status in (Status.DONE, Status.FAILED, Status.CANCELLED):
            yield from self._pages({"status": str(status)}, "finishedAt", moment)

    def _pages(self, equal: dict[str, str], order_by: str, until: datetime) -> Iterator[Snapshot]:
        after = None
        while page := self._backend.documents.find(equal, order_by=order_by, until=until, after=after, limit=PAGE):
            yield from (snapshot for snapshot in page if status_of(snapshot.fields) is not None)
            after = page[-1]

    def _folders(self) -> tuple[str, ...]:
        return (paths.USERS,) if self._lifetime is None else (paths.USERS, paths.LEGACY_UPLOADS)

    def _next_page(self, folder: str) -> list[DatedPath]:
        """Read the next page of a folder; after the folder's end go on at its beginning, but read no object twice."""
        objects, start = self._backend.objects, self._after[folder]
        behind = objects.list_dated(folder, after=start)
        before = takewhile(lambda found: found.path <= start, objects.list_dated(folder))
        page = list(islice(chain(behind, before), OBJECTS_PAGE))
        if len(page) == OBJECTS_PAGE:
            self._after[folder] = page[-1].path
        return page

    def _remove_orphans(self, results: set[tuple[str, str]]) -> None:
        documents = self._backend.documents
        orphans = [(owner, job_id) for owner, job_id in results if not _belongs(documents.get(job_id), owner)]
        if orphans and not documents.find({}, limit=1):
            # An empty collection may be a lost database or a mistyped setting.
            logger.warning("The bucket has results but the collection has no documents, so no results are removed.")
            return
        for owner, job_id in orphans:
            self._backend.objects.purge(paths.job_results_prefix(owner, job_id))
            logger.info("Removed results whose document is gone")


def _belongs(snapshot: Snapshot | None, owner: str) -> bool:
    return snapshot is not None and snapshot.fields.get("owner") == owner
