"""Which jobs might be due, in which order they are tried, and how soon: a bounded set in memory that the workers draw from.

Nothing here is true: a candidate may have been taken long ago. The claim finds out.

All consumers hear of the same documents at the same moment. Alone, one takes them at once, from each owner in turn the
oldest: an owner's four hundred jobs do not hold up another's one. The more claims it
loses, the further it spreads: it draws from more of the oldest, and lets hints wait a moment, so that a fleet settles into not
running for the same job, without knowing how large it is.
"""

import math
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable

MAX_CANDIDATES = 2000
"""More are not remembered; the next sweep finds them again."""

MAX_CONTENTION = 6.0
"""At the most, one of the 2**6 oldest is drawn, and a hint waits up to 1.3 s."""

HINT_DELAY_S = 0.02
"""Hints wait up to this long times (2**contention - 1)."""


class Candidates:
    """Job ids that might be due. Safe for threads.

    Args:
        rng: spreads consumers.
        most_of_one: jobs of one owner that are remembered as due now; 0 is no limit. More could not be worked on at once.
    """

    def __init__(self, rng: random.Random | None = None, *, most_of_one: int = 0) -> None:
        self._rng = rng or random.Random()  # noqa: S311 - spreads load, guards nothing
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._idled = threading.Condition(lock)
        self._most_of_one = most_of_one or math.inf
        self._due_at: dict[str, float] = {}
        self._owner: dict[str, str] = {}
        # Owners, that of the latest draw last.
        self._drawn: dict[str, None] = {}
        self._contention = 0.0
        self._waiting = 0
        self._drawn_at = time.monotonic()

    def hint(self, job_id: str, owner: str) -> None:
        """A watch says that this job might be due now."""
        spread = HINT_DELAY_S * (2**self._contention - 1)
        self.add([job_id], owner=owner, delay_s=self._rng.uniform(0, spread))

    def add(self, job_ids: Iterable[str], *, owner: str = "", delay_s: float = 0.0) -> None:
        """These of one owner might be due in `delay_s`, the more urgent first. Known ones keep their place, or come forward.

        Args:
            job_ids: documents' ids.
            owner: whose jobs; empty where that is not known: such jobs are never too many.
            delay_s: until they are due.
        """
        now = time.monotonic()
        at = now + delay_s
        with self._changed:
            for job_id in job_ids:
                known = self._due_at.get(job_id)
                if known is None and (len(self._due_at) >= MAX_CANDIDATES or self._enough_of(owner, now)):
                    break
                self._due_at[job_id] = at if known is None else min(known, at)
                self._owner[job_id] = owner or self._owner.get(job_id, "")
            self._changed.notify_all()

    def has_of(self, owner: str) -> bool:
        """Whether a job of this owner is among those that are due now."""
        with self._changed:
            return any(self._owner[job_id] == owner for job_id in self._ready(time.monotonic()))

    def draw(self, timeout_s: float) -> str | None:
        """The next one to try; None when there is none within `timeout_s`."""
        until = time.monotonic() + timeout_s
        with self._changed:
            while True:
                now = time.monotonic()
                ready = self._ready(now)
                if ready:
                    window = self._in_turn(ready)[: round(2**self._contention)]
                    drawn = self._rng.choice(window)
                    del self._due_at[drawn]
                    self._note_draw(self._owner.pop(drawn))
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

    def _in_turn(self, ready: list[str]) -> list[str]:
        """One of each owner, then the next of each: first those who have waited longest since a job of theirs was drawn."""
        drawn = {owner: turn for turn, owner in enumerate(self._drawn)}
        earlier = Counter[str]()
        order = []
        for place, job_id in enumerate(ready):
            owner = self._owner[job_id]
            order.append((earlier[owner], drawn.get(owner, -1), place, job_id))
            earlier[owner] += 1
        return [job_id for *_, job_id in sorted(order)]

    def _note_draw(self, owner: str) -> None:
        self._drawn.pop(owner, None)
        self._drawn[owner] = None
        if len(self._drawn) > MAX_CANDIDATES:
            del self._drawn[next(iter(self._drawn))]

    def _enough_of(self, owner: str, now: float) -> bool:
        if not owner:
            return False
        soon = now + HINT_DELAY_S * 2**MAX_CONTENTION
        return sum(at <= soon and self._owner[job_id] == owner for job_id, at in self._due_at.items()) >= self._most_of_one

    def _ready(self, now: float) -> list[str]:
        return [job_id for job_id, at in self._due_at.items() if at <= now]

    def _idle(self) -> int:
        return self._waiting - len(self._ready(time.monotonic()))

    def __len__(self) -> int:
        return len(self._due_at)
