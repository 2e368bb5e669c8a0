"""A circuit breaker: stops claims while the storage refuses this process, since every job would fail.

A refusal (`Denied`: the bucket is gone, a role was withdrawn, a key revoked) concerns every job until a person mends it.
After `REFUSALS` refusals in a row the breaker opens. An open breaker admits one job at a time, with growing pauses, as a test.
As soon as a job completes a stage that was refused before, the breaker closes.
"""

import logging
import threading
import time

from consumer.operations.metrics import Metrics

logger = logging.getLogger(__name__)

REFUSALS = 3
"""This many refusals in a row open the breaker: they do not concern one object only. /readyz and alerts then report them."""

FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 60.0
"""The pause between two jobs that an open breaker admits doubles each time, from the first to the longest."""


class Breaker:
    """A circuit breaker for one process. Safe for threads.

    Args:
        metrics: shows the number of refusals in a row.
        first_pause_s: pause before the first test job, in seconds.
    """

    def __init__(self, metrics: Metrics, *, first_pause_s: float = FIRST_PAUSE_S) -> None:
        self._metrics = metrics
        self._first_pause_s = self._pause_s = first_pause_s
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._stages: set[str] = set()
        self._next_at = 0.0
        self._reason = ""

    @property
    def problem(self) -> str | None:
        """A sentence for the operator while the breaker is open; else None."""
        with self._lock:
            if self._in_a_row < REFUSALS:
                return None
            return f"The storage has refused {self._in_a_row} jobs in a row, so almost no jobs are claimed: {self._reason}"

    def record_refusal(self, stage: str, reason: str) -> None:
        """Count a refusal of the storage in this stage of a job."""
        with self._lock:
            self._in_a_row += 1
            self._stages.add(stage)
            self._reason = reason
            if self._in_a_row >= REFUSALS:
                if self._in_a_row == REFUSALS:
                    logger.error("The storage refuses every job; almost no jobs are claimed until it stops: %s", reason)
                self._next_at = time.monotonic() + self._pause_s
                self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._metrics.refusals.set(self._in_a_row)

    def record_success(self, stage: str) -> None:
        """Note that a job completed this stage. This closes the breaker only if the stage was refused before."""
        with self._lock:
            if stage not in self._stages:
                return
            if self._in_a_row >= REFUSALS:
                logger.warning("The storage no longer refuses jobs.")
            self._in_a_row, self._pause_s = 0, self._first_pause_s
            self._stages.clear()
            self._metrics.refusals.set(0)

    def wait_s(self) -> float:
        """Seconds until the next job may be claimed; 0 when one may be claimed now."""
        with self._lock:
            return max(self._next_at - time.monotonic(), 0.0) if self._in_a_row >= REFUSALS else 0.0

    def admit(self) -> bool:
        """Whether a job may be claimed now. Each True of an open breaker starts the pause before the next one."""
        with self._lock:
            if self._in_a_row < REFUSALS:
                return True
            now = time.monotonic()
            if now < self._next_at:
                return False
            self._next_at = now + self._pause_s
            return True
