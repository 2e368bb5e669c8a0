"""`dothis run`: the intake, the workers, health, housekeeping, and how they end.

    main thread     waits for a signal, keeps an eye on the intake
    intake          feeds the candidates from the watch and from sweeps
    worker 1..n     draws a candidate, claims it, works on the job
    heartbeat       renews the lease; one thread for each running job
    push            sends messages to devices, if DOTHIS_PUSH is on
    housekeeping    cleans the spool, measures the volume
    health          /healthz, /readyz and /metrics

SIGTERM or SIGINT stops the intake. Running jobs may finish within the grace time, then they are handed back. A second signal
ends the process at once: the leases expire, and other consumers take the jobs over.
"""

import logging
import os
import random
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from consumer.backends import Backend, DocumentStore, StoreError
from consumer.catalogue import Catalogue
from consumer.intake import LEFT_S, PUBSUB_MISSING, Candidates, Claims, Feed, Intake, Missed, Settler
from consumer.jobs.errors import HandedBack
from consumer.operations import logs
from consumer.operations.health import Health, serve_health
from consumer.operations.housekeeping import Housekeeping
from consumer.operations.metrics import Metrics
from consumer.push import Outbox, Sender
from consumer.sandbox.supervisor import Sandbox
from consumer.settings import Settings, SettingsError
from consumer.work.analysis import Analysis, fingerprint
from consumer.work.breaker import Breaker
from consumer.work.lease import Lease
from consumer.work.spool import Spool
from consumer.work.stages import Hook, WorkContext
from consumer.work.worker import Worker

logger = logging.getLogger(__name__)

DRAW_S = 1.0
"""Longest time that an idle worker waits for a candidate before it checks whether the daemon is stopping."""

FULL_S = 5.0
"""Pause before a worker checks again whether the volume can be used."""

LATE_S = 0.2
"""A postponed job is tried this long after it is due, since the clocks of daemon and store differ."""

STALE_S = 60.0
"""/readyz fails when no sweep has succeeded for this long, or for three times `DOTHIS_SWEEP_S` if that is longer."""

HAND_BACK_S = 10.0
"""Longest time for handing back jobs after the grace time."""

_SHUTDOWN = "The worker is shutting down."


class Daemon:
    """All threads of one consumer process.

    Args:
        backend: both stores; the caller closes it.
        settings: the settings.
        model: file of the pose model.
        catalogue: the exercises that a document may name.
        analysis: the tasks that run in the sandbox; tests replace them by fast ones.
        python_path: directories from which the sandbox imports such tasks.
        sender: sends messages to devices; required when `DOTHIS_PUSH` is not `off`.
        hook: see `WorkContext`.
    """

    def __init__(
        self,
        backend: Backend,
        settings: Settings,
        *,
        model: Path,
        catalogue: Catalogue,
        analysis: Analysis | None = None,
        python_path: tuple[Path, ...] = (),
        sender: Sender | None = None,
        hook: Hook = lambda _: None,
    ) -> None:
        self.settings = settings
        self.metrics = Metrics()
        analysis = analysis or Analysis()
        data_dir = settings.data_dir.resolve()
        self._spool = Spool(data_dir / "spool", min_free_bytes=settings.min_free_bytes, program=fingerprint(model, catalogue))
        self._sandbox = Sandbox(analysis.preload, scratch=data_dir / "cache", python_path=python_path)
        self._candidates = Candidates(most_of_one=settings.max_per_owner)
        self._outbox = Outbox(backend.documents, sender, catalogue.exercises, self.metrics) if sender else None
        worker = f"{settings.worker_name}-{os.getpid()}-{secrets.token_hex(3)}"
        self._claims = Claims(
            backend.documents,
            settings,
            worker=worker,
            exercises=catalogue.exercises,
            metrics=self.metrics,
            is_orphan=self._spool.is_orphan,
            on_push=self._outbox.wake if self._outbox else lambda: None,
        )
        self._intake = Intake(
            backend.documents,
            settings,
            self._candidates,
            self.metrics,
            subscribe=self._subscriber(backend.documents) if settings.intake == "pubsub" else None,
            settles=Settler(backend, self._claims),
        )
        context = WorkContext(
            backend,
            self._spool,
            self._sandbox,
            settings,
            model=model,
            catalogue=catalogue,
            analysis=analysis,
            spare_workers=self._spare_workers,
            hook=hook,
        )
        self._breaker = Breaker(self.metrics)
        self._worker = Worker(context, self.metrics, self._breaker)
        self._housekeeping = Housekeeping(backend, settings, self._spool, self.metrics)
        self._stopping = threading.Event()
        self._running: set[Lease] = set()
        self._handing_back = False
        self._lock = threading.Lock()
        self._obstacle: str | None = None
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(1, settings.workers + 1)
        ]

    def run(self) -> int:
        """Work until a signal comes, or until the store was away too long; return the exit code. Call it in the main thread."""
        with _signals(self._stopping):
            code = self.serve()
        if code:
            # A client library that hangs would also block a normal exit.
            logging.shutdown()
            os._exit(code)
        return code

    def serve(self) -> int:
        """Work until `stop`, without signal handlers; return the exit code.

        Raises:
            SettingsError: the port of /healthz, /readyz and /metrics is taken.
        """
        health = serve_health(
            self.settings, self.settings.health_port, self.health, self.metrics.registry, setting="DOTHIS_HEALTH_PORT"
        )
        self._sandbox.start()
        # Jobs of a killed daemon on this volume: they can be claimed before their leases expire.
        self._candidates.add(self._spool.orphans())
        self._intake.start()
        self._housekeeping.start()
        if self._outbox:
            self._outbox.start()
        for thread in self._threads:
            thread.start()
        workers = "1 worker" if self.settings.workers == 1 else f"{self.settings.workers} workers"
        logger.info(
            "Ready: %s, backend %s, data directory %s", workers, self.settings.backend, self.settings.data_dir.resolve()
        )
        stuck = self._wait()
        self._end()
        if health is not None:
            health.stop()
        return 1 if stuck else 0

    def stop(self) -> None:
        """Stop as SIGTERM does, without waiting for the end."""
        self._stopping.set()

    def health(self) -> Health:
        """The state of the daemon, for /healthz and /readyz."""
        problems = []
        stale_s = max(STALE_S, 3 * self.settings.sweep_s)
        if self._intake.silence_s > stale_s:
            reason = self._intake.failing or "it does not answer"
            problems.append(f"The document store could not be reached for {self._intake.silence_s:.0f} s: {reason}")
        if obstacle := self._spool.obstacle():
            problems.append(f"{obstacle}: no new jobs are taken until this is fixed.")
        if refused := self._breaker.problem:
            problems.append(refused)
        defects = []
        dead = sum(not thread.is_alive() for thread in self._threads)
        if dead and not self._stopping.is_set():
            defects.append(f"{dead} of {len(self._threads)} workers have ended.")
        facts: dict[str, object] = {
            "running": len(self._running),
            "workers": len(self._threads),
            "watching": self._intake.watching,
            "lastSweepS": round(self._intake.silence_s, 1),
            "stopping": self._stopping.is_set(),
        }
        return Health(defects, problems, facts)

    def _subscriber(self, documents: DocumentStore) -> Callable[[], Feed]:
        try:
            from consumer.intake import pubsub  # noqa: PLC0415 - an extra: most daemons do without it
        except ModuleNotFoundError as error:
            raise SettingsError(PUBSUB_MISSING) from error
        return partial(pubsub.open_subscription, documents, self._candidates, self.settings, self.metrics)

    def _wait(self) -> bool:
        """Wait for a signal, or until no sweep has succeeded for `give_up_s` seconds; whether the latter happened."""
        while not self._stopping.wait(1.0):
            if self._intake.silence_s > self.settings.give_up_s:
                logger.critical("No sweep succeeded for %.0f s; the process ends, to be restarted", self._intake.silence_s)
                self._stopping.set()
                return True
        return False

    def _end(self) -> None:
        logger.info("Stopping: %d jobs may finish within %.0f s", len(self._running), self.settings.grace_s)
        self._candidates.wake()
        self._intake.stop()
        self._housekeeping.stop()
        _join_all(self._threads, self.settings.grace_s)
        with self._lock:
            self._handing_back = True
            for lease in self._running:
                lease.interrupt(HandedBack(_SHUTDOWN))
        _join_all(self._threads, HAND_BACK_S)
        if self._outbox:
            self._outbox.stop()
        self._sandbox.close()
        logger.info("Stopped")

    def _work(self) -> None:
        while not self._stopping.is_set():
            if self._obstructed():
                self._stopping.wait(FULL_S)
                continue
            if wait_s := self._breaker.wait_s():
                self._stopping.wait(min(wait_s, DRAW_S))
                continue
            job_id = self._candidates.draw(DRAW_S)
            if job_id is None or self._stopping.is_set():
                continue
            if not self._breaker.admit():
                self._candidates.add([job_id])
                continue
            try:
                self._take(job_id)
            except Exception:
                # The job's lease expires and another attempt follows; this thread has to go on.
                logger.exception("A worker failed with an unexpected error.")

    def _take(self, job_id: str) -> None:
        taken: Lease | Missed | None = None
        try:
            taken = self._claims.claim(job_id)
            match taken:
                case Missed.LOST:
                    self._candidates.raise_contention()
                case Lease():
                    self._candidates.lower_contention()
                    with logs.of_job(taken.job.id, taken.job.attempt), self._counted(taken):
                        self._worker.run(taken)
                    if taken.retry_after_s is not None:
                        self._candidates.add([job_id], delay_s=taken.retry_after_s + LATE_S)
                    owner = taken.job.owner
                    if not self._candidates.has_of(owner):
                        self._candidates.add(self._claims.find_next_of(owner), owner=owner)
                case Missed.UNKNOWN:
                    self._candidates.add([job_id], delay_s=LEFT_S + LATE_S)
                case _:
                    return
        except StoreError as error:
            logger.warning("A job could not be read or claimed; the next sweep finds it again: %s", error)
            self._stopping.wait(random.uniform(0.5, 1.5))  # noqa: S311 - spreads load
        finally:
            self._intake.handled(job_id, taken if isinstance(taken, Missed) else None)

    @contextmanager
    def _counted(self, lease: Lease) -> Iterator[None]:
        with self._lock:
            self._running.add(lease)
            if self._handing_back:
                # This job was claimed while the others were handed back.
                lease.interrupt(HandedBack(_SHUTDOWN))
            self.metrics.running.set(len(self._running))
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(lease)
                self.metrics.running.set(len(self._running))

    def _spare_workers(self) -> int:
        """Number of idle workers, minus the candidates that they will draw."""
        with self._lock:
            return max(len(self._threads) - len(self._running) - len(self._candidates), 0)

    def _obstructed(self) -> bool:
        """Whether the volume cannot take new jobs. Logged once, not at each change of the free space."""
        obstacle = self._spool.obstacle()
        if (obstacle is None) != (self._obstacle is None):
            if obstacle:
                logger.error("%s: no new jobs are taken until this is fixed.", obstacle)
            else:
                logger.info("The volume has room again.")
        self._obstacle = obstacle
        return obstacle is not None


def _join_all(threads: list[threading.Thread], timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0.0))


@contextmanager
def _signals(stopping: threading.Event) -> Iterator[None]:
    """Let SIGTERM and SIGINT set the event, and a second signal end the process at once. Restores the former handlers."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            # The fork server sees its socket close, and ends with all children.
            os._exit(128 + number)
        stopping.set()

    former = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
