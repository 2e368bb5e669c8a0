"""Candidates: ids of jobs that may be due, from which the workers draw. A bounded set in memory.

A candidate may be out of date: another consumer may have claimed the job already. Only the claim decides.

Owners take turns, each with its oldest job, so an owner with four hundred jobs does not hold up an owner with one.
All consumers hear of a new document at the same moment. A single consumer claims it at once. A consumer that loses claims to
others increases its contention: it draws at random from more of the oldest candidates, and delays hints from the watch. So
consumers spread over the jobs without knowing how many consumers there are.
"""

import math
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable

MAX_CANDIDATES = 2000
"""Candidates beyond this number are dropped; a later sweep finds them again."""

MAX_CONTENTION = 6.0
"""Highest contention: one of the 2**6 oldest candidates is drawn, and a hint waits up to 1.3 s."""

HINT_DELAY_S = 0.02
"""A hint waits up to this time multiplied by (2**contention - 1)."""


class Candidates:
    """Ids of jobs that may be due. Safe for threads.

    Args:
        rng: source of the random draws and delays.
        most_of_one: most candidates of one owner that are due now: as many as may run at once. 0 is no limit.
    """

    def __init__(self, rng: random.Random | None = None, *, most_of_one: int = 0) -> None:
        self._rng = rng or random.Random()  # noqa: S311 - spreads load, guards nothing
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._idled = threading.Condition(lock)
        self._most_of_one = most_of_one or math.inf
        self._due_at: dict[str, float] = {}
        self._owner: dict[str, str] = {}
        # Owners, in the order in which a job of theirs was last drawn.
        self._drawn: dict[str, None] = {}
        self._contention = 0.0
        self._waiting = 0
        self._drawn_at = time.monotonic()

    def hint(self, job_id: str, owner: str) -> None:
        """Add a job that the watch reports as new."""
        spread = HINT_DELAY_S * (2**self._contention - 1)
        self.add([job_id], owner=owner, delay_s=self._rng.uniform(0, spread))

    def add(self, job_ids: Iterable[str], *, owner: str = "", delay_s: float = 0.0) -> None:
        """Add jobs of one owner, most urgent first. A job that is a candidate already keeps its earlier due time.

        Args:
            job_ids: documents' ids.
            owner: owner of the jobs; empty if unknown, and then `most_of_one` does not apply.
            delay_s: seconds until they are due.
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
        """Whether a candidate of this owner is due now."""
        with self._changed:
            return any(self._owner[job_id] == owner for job_id in self._ready(time.monotonic()))

    def draw(self, timeout_s: float) -> str | None:
        """Wait for the next candidate and remove it from the set; None when none is due within `timeout_s` seconds."""
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
        """Wait for idle workers; their number, or 0 when no worker is idle within `timeout_s` seconds."""
        with self._changed:
            self._idled.wait_for(lambda: self._idle() > 0, timeout_s)
            return max(self._idle(), 0)

    def starving(self, seconds: float) -> bool:
        """Whether a worker is idle and no worker has drawn a candidate for `seconds`."""
        with self._changed:
            return self._idle() > 0 and time.monotonic() - self._drawn_at > seconds

    def lower_contention(self) -> None:
        """A claim succeeded: draw from fewer candidates."""
        with self._changed:
            self._contention = max(self._contention - 0.25, 0.0)

    def raise_contention(self) -> None:
        """Another consumer won a claim: draw from more candidates."""
        with self._changed:
            self._contention = min(self._contention + 1.0, MAX_CONTENTION)

    def wake(self) -> None:
        """Let every thread that waits in `draw` check again."""
        with self._changed:
            self._changed.notify_all()

    def _in_turn(self, ready: list[str]) -> list[str]:
        """Sort: the first candidate of each owner, then the second of each; owners with the longest time since a draw first."""
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
