"""Stops claiming while the storage refuses this process: every job would only be claimed, refused and put off again.

A refusal (`Denied`: the bucket is gone, a role was withdrawn, a key revoked) is mended by a person and concerns every job.
After `REFUSALS` in a row the breaker is open. From then on one job at a time is let through, later and later, to see whether
it is mended; the first stage that had been refused and passes closes the breaker.
"""

import logging
import threading
import time

from consumer.operations.metrics import Metrics

logger = logging.getLogger(__name__)

REFUSALS = 3
"""So many refusals in a row are no matter of one object. Alerts and /readyz speak from here on."""

FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 60.0
"""Between two jobs that are let through the pause doubles from the first to the longest."""


class Breaker:
    """Counts refusals of one process. Safe for threads.

    Args:
        metrics: where the count is shown.
        first_pause_s: before the first job is let through again, in seconds.
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
        """A sentence for the operator while it is open."""
        with self._lock:
            if self._in_a_row < REFUSALS:
                return None
            return f"The storage has refused {self._in_a_row} jobs in a row, so hardly any are claimed: {self._reason}"

    def refused(self, stage: str, reason: str) -> None:
        """The storage has refused a job in this stage."""
        with self._lock:
            self._in_a_row += 1
            self._stages.add(stage)
            self._reason = reason
            if self._in_a_row >= REFUSALS:
                if self._in_a_row == REFUSALS:
                    logger.error("The storage refuses every job; hardly any are claimed until that is mended: %s", reason)
                self._next_at = time.monotonic() + self._pause_s
                self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._metrics.refusals.set(self._in_a_row)

    def passed(self, stage: str) -> None:
        """A job has passed this stage. It says nothing about stages that others were refused in."""
        with self._lock:
            if stage not in self._stages:
                return
            if self._in_a_row >= REFUSALS:
                logger.warning("The storage can be used again.")
            self._in_a_row, self._pause_s = 0, self._first_pause_s
            self._stages.clear()
            self._metrics.refusals.set(0)

    def wait_s(self) -> float:
        """Seconds until a job may be claimed; 0 when one may be now."""
        with self._lock:
            return max(self._next_at - time.monotonic(), 0.0) if self._in_a_row >= REFUSALS else 0.0

    def admit(self) -> bool:
        """Whether this job may be claimed now. While open, that lets one through and makes all others wait."""
        with self._lock:
            if self._in_a_row < REFUSALS:
                return True
            now = time.monotonic()
            if now < self._next_at:
                return False
            self._next_at = now + self._pause_s
            return True
