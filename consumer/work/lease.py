"""A claimed job: fenced writes and the heartbeat.

A fenced write succeeds only if the document has not changed since this worker last read or wrote it, so it needs no read first.
After a conflict the worker reads the document and compares the lease's token. If the token is still the worker's own (the app
may have set `cancelRequested`), it repeats the write. Another token, or no document, means that the worker has lost the job.
So a process that was paused for longer than its lease cannot overwrite what another worker wrote.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from consumer.backends import Conflict, DocumentStore, Revision, Snapshot, StoreError, TooLarge, Unavailable
from consumer.jobs import moves
from consumer.jobs.document import Changes, Job, Stage, percent_of
from consumer.jobs.errors import CancelRequested, DeleteRequested, Interrupted, LeaseLost

logger = logging.getLogger(__name__)

BEAT_S = 2.0
"""Shortest time between two writes of progress, in seconds. Each write costs money and is an event for every listener."""

LOOK_S = 4.0
"""Seconds between two reads of the document while there is no progress to write. A read shows `cancelRequested`; a write shows
it too, by a conflict."""

MAX_CONFLICTS = 20
"""This many conflicts in a row under one token mean a defect of the store."""


class Lease:
    """The lease of a job that this worker holds. The worker's thread and the heartbeat's thread may both use it.

    Attributes:
        job: the job as it was claimed; `attempt` is the current one.
        token: the token that the document's lease must have.
        seconds: length of the lease without a heartbeat.
        ended: whether this worker has written the end of its work.
        gone: whether the document was deleted.
        retry_after_s: seconds until the next attempt, when the job ended as `waiting`.

    Args:
        documents: the document store.
        job: see above.
        token: see above.
        seconds: see above.
        revision: the document's revision after the claim; without it the first write reads the document.
        update: makes a compare-and-set; by default the store's `update`.
    """

    def __init__(
        self,
        documents: DocumentStore,
        job: Job,
        token: str,
        seconds: float,
        revision: Revision | None = None,
        *,
        update: Callable[[Revision, Changes], Revision] | None = None,
    ) -> None:
        self.job = job
        self.token = token
        self.seconds = seconds
        self.ended = False
        self.gone = False
        self.retry_after_s: float | None = None
        self._documents = documents
        self._compare_and_set = update or documents.update
        # Two threads may write on one revision: the later write conflicts, reads the document and is repeated.
        self._revision = revision
        self._reason: Interrupted | None = None
        self._interrupted = threading.Event()
        self._progress = threading.Lock()
        self._stage, self._percent = Stage.DOWNLOADING, job.percent
        self._written = (self._stage, self._percent)

    def check(self) -> None:
        """Raise the Interrupted that ends the work, if there is one."""
        if self._reason is not None:
            raise self._reason

    def interrupt(self, reason: Interrupted) -> None:
        """End the work: `check` raises `reason` from now on. A second reason does not replace the first."""
        if self._reason is None:
            self._reason = reason
            self._interrupted.set()

    def wait(self, seconds: float) -> None:
        """Sleep until `seconds` are over or the work is interrupted; then `check`."""
        self._interrupted.wait(seconds)
        self.check()

    def confirm(self) -> None:
        """Read the document and check that this worker still holds the job.

        Raises:
            LeaseLost: another worker holds it, or the document is gone.
            CancelRequested: the app has cancelled the job.
            StoreError: the store cannot be reached.
        """
        self._read()
        self.check()

    def write(self, changes: Changes | Callable[[Snapshot], Changes]) -> None:
        """Make a fenced write.

        Args:
            changes: the changes, or a function that computes them from the current document.

        Raises:
            LeaseLost: this worker has lost the job; nothing was written.
            StoreError: the store cannot be reached, or reports a conflict again and again.
        """
        if not callable(changes) and self._revision is not None and self._update(self._revision, changes):
            return
        for _ in range(MAX_CONFLICTS):
            snapshot = self._read()
            if self._update(snapshot, changes(snapshot) if callable(changes) else changes):
                return
        raise Unavailable(f"The store reported a conflict for each of {MAX_CONFLICTS} writes.")

    def _update(self, revision: Revision, changes: Changes) -> bool:
        """Make one compare-and-set; whether it succeeded."""
        self._revision = None
        try:
            self._revision = self._compare_and_set(revision, changes)
        except Conflict:
            return False
        return True

    def end(self, changes: Changes | Callable[[Snapshot], Changes], *, patient: bool = True) -> None:
        """Make the last write, after which this worker no longer holds the job.

        Args:
            changes: as for `write`.
            patient: whether to repeat the write until an outage of the store is over.

        Raises:
            LeaseLost: this worker has lost the job; nothing was written.
            Interrupted: the work was interrupted while this call waited.
            TooLarge: the changes do not fit into the document.
            StoreError: the store cannot be reached, and `patient` is False.
        """
        wait_s = 0.5
        while not self.ended:
            try:
                self._write_end(changes)
            except TooLarge:
                raise
            except StoreError as error:
                if not patient:
                    raise
                logger.warning("The document cannot be written, trying again: %s", error)
                self._wait_in_doubt(wait_s)
                wait_s = min(wait_s * 2, 15.0)
            else:
                self.ended = True

    def report(self, stage: Stage, fraction: float) -> None:
        """Set the progress: `fraction` (0 to 1) of the stage is done. The heartbeat writes it to the document."""
        percent = percent_of(stage, fraction)
        with self._progress:
            self._stage, self._percent = stage, max(self._percent, percent)

    def beat(self) -> None:
        """Make one heartbeat: renew the lease and write the progress. Raises the same errors as `confirm`."""
        with self._progress:
            progress = (self._stage, self._percent)
        self.write(moves.advance(*progress))
        self._written = progress
        self.check()

    @property
    def has_news(self) -> bool:
        """Whether there is progress that is not in the document yet."""
        with self._progress:
            return (self._stage, self._percent) != self._written

    def _write_end(self, changes: Changes | Callable[[Snapshot], Changes]) -> None:
        try:
            self.write(changes)
        except LeaseLost:
            # An earlier write may have succeeded although its answer never came; it removed the lease.
            snapshot = self._documents.get(self.job.id)
            if snapshot is None or not self._shows(snapshot, changes(snapshot) if callable(changes) else changes):
                raise

    def _shows(self, snapshot: Snapshot, end: Changes) -> bool:
        """Whether the document shows this end. No other worker can have ended this attempt."""
        attempt = end.get("attempt", self.job.attempt)
        found = snapshot.fields
        return "lease" not in found and (found.get("status"), found.get("attempt")) == (end.get("status"), attempt)

    def _wait_in_doubt(self, seconds: float) -> None:
        """Wait as `wait` does, but ignore LeaseLost: after an unanswered write of the end, the heartbeat finds no lease. The
        next write decides."""
        try:
            self.wait(seconds)
        except LeaseLost:
            time.sleep(seconds)

    def _check_requests(self, snapshot: Snapshot) -> None:
        if snapshot.fields.get("cancelRequested") is True:
            self.interrupt(CancelRequested("The app has cancelled the job."))
        if snapshot.fields.get("deleteRequested") is True:
            # The job ends `cancelled`. The intake removes it as soon as no worker holds it.
            self.interrupt(DeleteRequested("The app has deleted the job."))

    def _read(self) -> Snapshot:
        snapshot = self._documents.get(self.job.id)
        if snapshot is None or token_of(snapshot.fields) != self.token:
            self.gone = snapshot is None
            lost = LeaseLost("The document is gone." if self.gone else "Another worker has the job.")

            self.interrupt(lost)
            raise lost
        # Later writes on this revision do not read the document, so this is the only chance to see the app's requests.
        self._check_requests(snapshot)
        self._revision = snapshot
        return snapshot


def token_of(fields: Mapping[str, Any]) -> str | None:
    """The token of the document's lease; None when it has none."""
    lease = fields.get("lease")
    token = lease.get("token") if isinstance(lease, Mapping) else None
    return token if isinstance(token, str) else None


class Heartbeat:
    """A thread that renews a lease, writes the progress and notices a lost lease, while the `with` block runs."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._done = threading.Event()
        # The copied context puts the job's id on the lines that this thread logs.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._run,), name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        lease = self._lease
        renew_s = lease.seconds / 3
        renewed = looked = time.monotonic()
        interval = min(BEAT_S, renew_s)
        while not self._done.wait(interval) and not lease.ended:
            now = time.monotonic()
            try:
                if lease.has_news or now - renewed >= renew_s:
                    lease.beat()
                    renewed = looked = now
                elif now - looked >= LOOK_S:
                    lease.confirm()
                    looked = now
            except Interrupted as reason:
                if not lease.ended:
                    logger.info("The work on the job stops: %s", reason)
                return
            except StoreError as error:
                # While the store cannot be reached, no other worker can take the job either. The next heartbeat tries again.
                logger.warning("The heartbeat failed: %s", error)
            except Exception:
                # If the thread ended here, the lease would expire. The next heartbeat may succeed.
                logger.exception("The heartbeat failed.")
