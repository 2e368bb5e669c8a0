"""A claimed job: fenced writes and the heartbeat.

A fenced write is made on condition that nobody has written the document since our own last read or write of it: nothing is
read before. After a conflict the document is read and its lease's token compared with ours. Under our own token (the app has
set `cancelRequested`) the write is repeated; another token, or no document, means that the job is lost to us. So a worker that
slept through its lease can do no harm when it wakes.
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
"""How often progress is written at most. Each is a write, and an event for whatever else listens to the documents."""

LOOK_S = 4.0
"""How often the document is read while there is no progress to write: the app's `cancelRequested` is seen that soon. A write
finds out as well: it conflicts."""

MAX_CONFLICTS = 20
"""So many conflicts in a row under one token are no coincidence but a store that does not keep its word."""


class Lease:
    """A job that this worker holds. Safe for the worker's thread and the heartbeat's.

    Attributes:
        job: as it was claimed; `attempt` is the present one.
        token: what the document's lease must carry.
        seconds: how long the lease lasts without a heartbeat.
        ended: whether the job was given out of our hands.
        gone: whether the document was found to be deleted.
        again_s: after how many seconds it is due again, when it ended as `waiting`.

    Args:
        documents: where the job is.
        job: see above.
        token: see above.
        seconds: see above.
        revision: the document as our claim left it; without it the first write reads.
        update: how a compare-and-set is made; by default the store's own.
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
        self.again_s: float | None = None
        self._documents = documents
        self._compare_and_set = update or documents.update
        # Two threads may write on one revision: the later write conflicts, and reads.
        self._revision = revision
        self._reason: Interrupted | None = None
        self._interrupted = threading.Event()
        self._progress = threading.Lock()
        self._stage, self._percent = Stage.DOWNLOADING, job.percent
        self._written = (self._stage, self._percent)

    def check(self) -> None:
        """Raises the Interrupted that has ended the work, if one has."""
        if self._reason is not None:
            raise self._reason

    def interrupt(self, reason: Interrupted) -> None:
        """End the work soon: `check` raises `reason` from now on. The first reason stands."""
        if self._reason is None:
            self._reason = reason
            self._interrupted.set()

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until the work is interrupted; then raise as `check` does."""
        self._interrupted.wait(seconds)
        self.check()

    def confirm(self) -> None:
        """Read the document and see that the job is still ours.

        Raises:
            LeaseLost: it is not.
            CancelRequested: it is, but the app wants it no more.
            StoreError: the store cannot be asked.
        """
        self._read()
        self.check()

    def write(self, changes: Changes | Callable[[Snapshot], Changes]) -> None:
        """A fenced write.

        Args:
            changes: what to write, or how to tell it from the document as it is now.

        Raises:
            LeaseLost: the job is not ours any more; nothing was written.
            StoreError: the store cannot be asked, or breaks its word.
        """
        if not callable(changes) and self._revision is not None and self._update(self._revision, changes):
            return
        for _ in range(MAX_CONFLICTS):
            snapshot = self._read()
            if self._update(snapshot, changes(snapshot) if callable(changes) else changes):
                return
        raise Unavailable("The store has refused a write again and again.")

    def _update(self, revision: Revision, changes: Changes) -> bool:
        """Whether nobody else had written since."""
        self._revision = None
        try:
            self._revision = self._compare_and_set(revision, changes)
        except Conflict:
            return False
        return True

    def end(self, changes: Changes | Callable[[Snapshot], Changes], *, patient: bool = True) -> None:
        """The last write, that gives the job out of our hands.

        Args:
            changes: as `write` takes them.
            patient: wait for the end of an outage.

        Raises:
            LeaseLost: the job is not ours any more; nothing was written.
            Interrupted: as `check` does, while waiting.
            TooLarge: the changes do not fit into the document.
            StoreError: the store cannot be asked, and we are not patient.
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
        """Note progress: `fraction` (0 to 1) of the stage is done. The heartbeat writes it."""
        percent = percent_of(stage, fraction)
        with self._progress:
            self._stage, self._percent = stage, max(self._percent, percent)

    def beat(self) -> None:
        """One heartbeat: the lease is renewed, progress written. Raises as `confirm` does."""
        with self._progress:
            progress = (self._stage, self._percent)
        self.write(moves.advance(*progress))
        self._written = progress
        self.check()

    @property
    def has_news(self) -> bool:
        """Whether there is progress that the document does not show yet."""
        with self._progress:
            return (self._stage, self._percent) != self._written

    def _write_end(self, changes: Changes | Callable[[Snapshot], Changes]) -> None:
        try:
            self.write(changes)
        except LeaseLost:
            # A write whose answer never came has taken the lease away as well.
            snapshot = self._documents.get(self.job.id)
            if snapshot is None or not self._shows(snapshot, changes(snapshot) if callable(changes) else changes):
                raise

    def _shows(self, snapshot: Snapshot, end: Changes) -> bool:
        """Whether the document is as our own end leaves it: nobody else ends this attempt."""
        attempt = end.get("attempt", self.job.attempt)
        found = snapshot.fields
        return "lease" not in found and (found.get("status"), found.get("attempt")) == (end.get("status"), attempt)

    def _wait_in_doubt(self, seconds: float) -> None:
        """As `wait`, but the heartbeat may take an end that was written for a lost lease; the next write finds out."""
        try:
            self.wait(seconds)
        except LeaseLost:
            time.sleep(seconds)

    def _heed(self, snapshot: Snapshot) -> None:
        if snapshot.fields.get("cancelRequested") is True:
            self.interrupt(CancelRequested("The app has cancelled the job."))
        if snapshot.fields.get("deleteRequested") is True:
            # It ends cancelled; the intake removes it as soon as nobody holds it any more.
            self.interrupt(DeleteRequested("The app has deleted the job."))

    def _read(self) -> Snapshot:
        snapshot = self._documents.get(self.job.id)
        if snapshot is None or token_of(snapshot.fields) != self.token:
            self.gone = snapshot is None
            lost = LeaseLost("The document is gone." if self.gone else "Another worker has the job.")
            # It is lost whatever else has ended the work before.
            self.interrupt(lost)
            raise lost
        # Later writes on this revision read nothing: they would not see these wishes any more.
        self._heed(snapshot)
        self._revision = snapshot
        return snapshot


def token_of(fields: Mapping[str, Any]) -> str | None:
    """The token of the document's lease, if it has one."""
    lease = fields.get("lease")
    token = lease.get("token") if isinstance(lease, Mapping) else None
    return token if isinstance(token, str) else None


class Heartbeat:
    """A thread that keeps one lease alive, writes its progress and sees its end, for as long as the `with` block lasts."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._done = threading.Event()
        # What it logs carries the job's id, as what the worker logs does.
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
                # While the store is away nobody else can take the job either; the next beat tries again.
                logger.warning("The heartbeat failed: %s", error)
            except Exception:
                # Without a heartbeat the job would be lost to another worker in silence; the next beat may succeed.
                logger.exception("The heartbeat failed.")
