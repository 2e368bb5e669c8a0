"""Which jobs might be due, in which order they are tried, and how soon: a bounded set in memory that the workers draw from.

Nothing here is true: a candidate may have been taken long ago. The claim finds out.

All consumers hear of the same documents at the same moment. Alone, one takes the oldest first and at once. The more claims it
loses, the further it spreads: it draws from more of the oldest, and lets hints wait a moment, so that a fleet settles into not
running for the same job, without knowing how large it is.
"""

import random
import threading
import time
from collections.abc import Iterable

MAX_CANDIDATES = 2000
"""More are not remembered; the next sweep finds them again."""

MAX_CONTENTION = 6.0
"""At the most, one of the 2**6 oldest is drawn, and a hint waits up to 1.3 s."""

HINT_DELAY_S = 0.02
"""Hints wait up to this long times (2**contention - 1)."""


class Candidates:
    """Job ids that might be due. Safe for threads."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self._rng = rng or random.Random()  # noqa: S311 - spreads load, guards nothing
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._idled = threading.Condition(lock)
        self._due_at: dict[str, float] = {}
        self._contention = 0.0
        self._waiting = 0
        self._drawn_at = time.monotonic()

    def hint(self, job_id: str) -> None:
        """A watch says that this job might be due now."""
        spread = HINT_DELAY_S * (2**self._contention - 1)
        self.add([job_id], delay_s=self._rng.uniform(0, spread))

    def add(self, job_ids: Iterable[str], *, delay_s: float = 0.0) -> None:
        """These might be due in `delay_s`, the more urgent first. Known ones keep their place, or come forward."""
        at = time.monotonic() + delay_s
        with self._changed:
            for job_id in job_ids:
                known = self._due_at.get(job_id)
                if known is None and len(self._due_at) >= MAX_CANDIDATES:
                    break
                self._due_at[job_id] = at if known is None else min(known, at)
            self._changed.notify_all()

    def draw(self, timeout_s: float) -> str | None:
        """The next one to try; None when there is none within `timeout_s`."""
        until = time.monotonic() + timeout_s
        with self._changed:
            while True:
                now = time.monotonic()
                ready = self._ready(now)
                if ready:
                    window = ready[: round(2**self._contention)]
                    drawn = self._rng.choice(window)
                    del self._due_at[drawn]
                    self._drawn_at = now
                    return drawn
                next_at = min(self._due_at.values(), default=until)
                if now >= until:
                    return None
                self._waiting += 1
                self._idled.notify()
                try:
                    self._changed.wait(max(min(next_at, until) - now, 0.0))
                finally:
                    self._waiting -= 1

    def wait_for_idle(self, timeout_s: float) -> int:
        """Wait for workers that find nothing to draw; how many they are, 0 when there is none within `timeout_s`."""
        with self._changed:
            self._idled.wait_for(lambda: self._idle() > 0, timeout_s)
            return max(self._idle(), 0)

    def starving(self, seconds: float) -> bool:
        """Whether a worker is idle and nothing has been drawn for so long."""
        with self._changed:
            return self._idle() > 0 and time.monotonic() - self._drawn_at > seconds

    def won(self) -> None:
        """A claim succeeded: draw nearer."""
        with self._changed:
            self._contention = max(self._contention - 0.25, 0.0)

    def lost(self) -> None:
        """Another worker was faster: spread further."""
        with self._changed:
            self._contention = min(self._contention + 1.0, MAX_CONTENTION)

    def wake(self) -> None:
        """Let everybody who waits in `draw` look again."""
        with self._changed:
            self._changed.notify_all()

    def _ready(self, now: float) -> list[str]:
        return [job_id for job_id, at in self._due_at.items() if at <= now]

    def _idle(self) -> int:
        return self._waiting - len(self._ready(time.monotonic()))

    def __len__(self) -> int:
        return len(self._due_at)
