"""Divide a film into sets: stretches in which one movement is repeated, or one position is held.

A film shows more than exercise: the person walks in, rests, changes the exercise, walks out. Only local evidence decides:

1. Every movement is looked for in overlapping windows. Each candidate repetition has a fit to the movement's signature.
2. Dynamic programming chooses the sequence of candidates that explains most time with a good fit. Candidates do not overlap,
   and a new set costs, so that stray candidates of other movements do not cut a set in two.
3. Each set is counted again in its own window, as if the film were trimmed to it.
4. Positions that are held fill what is left, unless they are the pause before, between or after repetitions.

The cost is linear in the length of the film.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pose.motion import Floats, Motion
from pose.movements.candidates import Candidate, Film, search_film
from pose.movements.movement import Movement
from pose.movements.repetitions import Hold, Repetition, find_holds, find_repetitions, fit, phase, within
from pose.movements.signals import Signals

LEAST_FIT = 0.2
"""Candidates with a lower fit are not chosen. Those between chosen ones are counted with the set in the end."""

GOOD_FIT = 0.45
"""Lowest mean fit of the repetitions of a set."""

LEAST_S, LEAST_SHARE, FILLED_SHARE = 1.0, 0.12, 0.5
"""Shortest duration of a set: seconds of repetitions, weighted by their fit and by the mean fit. In a film of less than eight
seconds the first share of it is enough; in a shot of less than two seconds the second share, because it shows nothing else."""

NEW_SET_S = 0.5
"""Cost of a new set, in seconds of well-fitting repetitions."""

PAUSE, SHORTEST_PAUSE_S = 3.0, 10.0
"""A pause ends a set if it is at least this many times as long as the person's repetitions, and at least this many seconds."""

MARGIN_S = 3.0
"""Seconds before and after a set that belong to its window, unless another set is there."""

RECENT = 4
"""Number of last candidates of a movement that a new candidate may continue. Between them there may be duplicates."""

OVERLAP_S = 0.25
"""Seconds by which two repetitions may overlap, because the end of one and the start of the next are uncertain."""

WAITING_S, LONGEST_WAIT_S, STAYS = 3.0, 120.0, 0.9
"""Seconds, seconds, and a share. A hold within the first distance of a set in the same position is a wait for the set. So is a
hold within the second distance, if the person stays in that position for this share of the time between them."""

INSIDE = 0.8
"""Share of a hold that must lie in a candidate for the hold to lie inside it."""

TREMBLING = 0.4
"""A single repetition inside a hold that swings by less than this does not count."""

HANDLING_S = 3.0
"""Seconds. A single repetition closer than this to a set of several repetitions is not a set."""

AT_REST = 0.35
"""Phase of a movement below which a hold is in the movement's rest position."""


@dataclass(frozen=True)
class FoundSet:
    """One set.

    Attributes:
        movement: the movement that is repeated or held.
        start, end: the window of the set in the motion: the first sample, and the one after the last.
        confidence: 0 to 1, of the recognition.
        repetitions: in order, with samples counted in the window; empty for a hold.
        hold: with samples counted in the window; None for repetitions.
    """

    movement: Movement
    start: int
    end: int
    confidence: float
    repetitions: tuple[Repetition, ...] = ()
    hold: Hold | None = None

    @property
    def start_s(self) -> float:
        """Start of the first repetition or the hold, seconds."""
        return self.hold.start_s if self.hold else self.repetitions[0].start_s

    @property
    def end_s(self) -> float:
        """End of the last repetition or the hold, seconds."""
        return self.hold.end_s if self.hold else self.repetitions[-1].end_s

    @property
    def duration_s(self) -> float:
        """Duration from start to end, seconds."""
        return self.end_s - self.start_s


def find_sets(motion: Motion, movements: Iterable[Movement]) -> list[FoundSet]:
    """The sets of a film in order of time.

    Args:
        motion: the landmarks, cleaned (`pose.movements.signals.clean`).
        movements: the movements to look for.
    """
    known = list(movements)
    film = Film(motion)
    holds = _find_holds(motion, [movement for movement in known if movement.held])
    repeated = [movement for movement in known if not movement.held]
    candidates = [each for each in search_film(film, repeated) if not _is_held(each, motion.times, holds)]
    chains = _choose_sets(film, candidates)
    ends = [0, *(chain[-1].end for chain in chains)]
    starts = [*(chain[0].start for chain in chains), len(motion.times)]
    found = []
    for chain, before, after in zip(chains, ends[:-1], starts[1:], strict=True):
        one = _count(film, chain, (before, after), candidates)
        if one is not None:
            found.append(one)
    found = [one for one in _without_handling(film, found) if not any(_trembles(one, hold) for hold in holds)]
    found += [hold for hold in holds if not any(_waits(film, hold, one) for one in found)]
    return sorted(found, key=lambda one: one.start_s)


def _is_held(candidate: Candidate, times: Floats, holds: Sequence[FoundSet]) -> bool:
    """Whether a candidate is a hold together with the way into it or out of it."""
    start, end = times[candidate.start], times[candidate.end]

    def is_inside(hold: FoundSet) -> bool:
        shared = min(end, hold.end_s) - max(start, hold.start_s)
        # A repetition that moves what the hold keeps still leaves the position at its extreme or at both of its ends.
        still = {drive.signal for drive in candidate.movement.drives} & {band.signal for band in hold.movement.posture}
        stays = hold.start < candidate.peak < hold.end and (hold.start < candidate.start or candidate.end < hold.end)
        whole = shared > INSIDE * (hold.end_s - hold.start_s)
        return bool((whole or (still and stays)) and shared > (end - start) / 2)

    return any(is_inside(hold) for hold in holds)


def _choose_sets(film: Film, candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """The chains that are sets. The time of a chain that is not a set is left to other movements."""
    left = list(candidates)
    while True:
        chains = _choose(left)
        refused = [chain for chain in chains if not _is_set(film, chain)]
        if not refused:
            return chains
        gone = {id(each) for chain in refused for each in chain}
        left = [each for each in left if id(each) not in gone]


def _choose(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """The sets as lists of candidates, in order of time."""
    ordered = sorted((each for each in candidates if each.fit >= LEAST_FIT), key=lambda each: (each.end, each.start))
    ends = [each.end_s for each in ordered]
    totals: list[float] = []
    previous: list[int | None] = []
    best_until: list[int] = []  # index of the best total among the first n
    latest: dict[Movement, list[int]] = {}
    for number, each in enumerate(ordered):
        total, before = each.gain - NEW_SET_S, None
        free = bisect_right(ends, each.start_s + OVERLAP_S, hi=number)
        if free:
            other = best_until[free - 1]
            if totals[other] > 0:
                total, before = total + totals[other], other
        for other in latest.get(each.movement, [])[-RECENT:]:
            if ends[other] <= each.start_s + OVERLAP_S and _one_set(ordered[other], each) and totals[other] + each.gain > total:
                total, before = totals[other] + each.gain, other
        totals.append(total)
        previous.append(before)
        latest.setdefault(each.movement, []).append(number)
        best_until.append(number if not number or total > totals[best_until[-1]] else best_until[-1])
    chains: list[list[Candidate]] = []
    at: int | None = best_until[-1] if ordered and totals[best_until[-1]] > 0 else None
    while at is not None:
        each, at = ordered[at], previous[at]
        if chains and chains[-1][-1].movement is each.movement and _one_set(each, chains[-1][-1]):
            chains[-1].append(each)
        else:
            chains.append([each])
    return [chain[::-1] for chain in reversed(chains)]


def _one_set(first: Candidate, second: Candidate) -> bool:
    """Whether the pause between two repetitions is too short to end a set."""
    usual = max(first.end_s - first.start_s, second.end_s - second.start_s)
    return second.start_s - first.end_s <= max(SHORTEST_PAUSE_S, PAUSE * usual)


def _is_set(film: Film, chain: list[Candidate]) -> bool:
    """Whether candidates fit their movement well enough, for long enough."""
    fit = _mean_fit(chain)
    movement = chain[0].movement
    if len(chain) < movement.fewest:
        return False
    if movement.each_side and movement.alternating and len({each.side for each in chain}) < 2:
        return False
    shot_s = film.seconds_of(film.shot_of(chain[0].start))
    needed = min(LEAST_S, LEAST_SHARE * float(film.clock[-1] - film.clock[0]), FILLED_SHARE * shot_s)
    return fit >= GOOD_FIT and fit * sum(each.gain for each in chain) >= needed


def _mean_fit(chain: list[Candidate]) -> float:
    return float(np.average([each.fit for each in chain], weights=[each.swing for each in chain]))


def _without_handling(film: Film, found: list[FoundSet]) -> list[FoundSet]:
    """Leave out single repetitions right before or after a set, such as bending down for the weight or lying down."""

    def handles(one: FoundSet, other: FoundSet) -> bool:
        apart = max(other.start_s - one.end_s, one.start_s - other.end_s)
        same_shot = film.shot_of(one.start + one.repetitions[0].peak) == film.shot_of(other.start + other.repetitions[0].peak)
        return len(one.repetitions) == 1 < len(other.repetitions) and apart <= HANDLING_S and same_shot

    return [one for one in found if not any(handles(one, other) for other in found if other is not one)]


def _trembles(one: FoundSet, hold: FoundSet) -> bool:
    """Whether a set is only a slight movement of a person who holds a position."""
    inside = hold.start_s <= one.start_s and one.end_s <= hold.end_s
    return inside and len(one.repetitions) == 1 and one.repetitions[0].swing < TREMBLING


def _count(film: Film, chain: list[Candidate], neighbours: tuple[int, int], candidates: Sequence[Candidate]) -> FoundSet | None:
    """Count a set in its own window, shot by shot; None if no repetition is found there.

    Args:
        film: the whole film.
        chain: the chosen candidates.
        neighbours: the last sample of the previous set, and the first sample of the next set.
        candidates: the candidates of all movements.
    """
    movement, clock = chain[0].movement, film.clock
    fit, gain = _mean_fit(chain), sum(each.gain for each in chain)
    first_shot, last_shot = film.shot_of(chain[0].start), film.shot_of(chain[-1].end)
    first = max(neighbours[0], first_shot.start, int(np.searchsorted(clock, chain[0].start_s - MARGIN_S)))
    stop = min(neighbours[1], last_shot.stop, int(np.searchsorted(clock, chain[-1].end_s + MARGIN_S)))
    repetitions: list[Repetition] = []
    for shot in film.motion.part(first, stop).shots:
        for each in find_repetitions(film.motion.part(first + shot.start, first + shot.stop), movement):
            moved = {name: getattr(each, name) + shot.start for name in ("start", "peak", "end")}
            repetitions.append(replace(each, index=len(repetitions) + 1, **moved))
    if not repetitions:
        return None
    rivals: dict[str, float] = {}
    for rival in candidates:
        if rival.movement.id != movement.id and chain[0].start <= rival.peak <= chain[-1].end:
            rivals[rival.movement.id] = rivals.get(rival.movement.id, 0.0) + rival.gain
    confidence = fit * gain / (gain + max(rivals.values(), default=0.0))
    return FoundSet(movement, first, stop, round(confidence, 2), tuple(repetitions))


def _find_holds(motion: Motion, movements: Sequence[Movement]) -> list[FoundSet]:
    """All holds of all movements, shot by shot."""
    found = []
    for shot in motion.shots:
        signals = Signals(motion.part(shot.start, shot.stop))
        for movement in movements:
            for hold in find_holds(signals, movement):
                first, last = shot.start + hold.start, shot.start + hold.end
                found.append(FoundSet(movement, first, last + 1, 1.0, hold=replace(hold, start=0, end=last - first)))
    return found


def _waits(film: Film, hold: FoundSet, one: FoundSet) -> bool:
    """Whether a hold is part of a set of repetitions, or the wait before or after it in the position of rest."""
    apart = max(one.start_s - hold.end_s, hold.start_s - one.end_s)
    if apart < 0:
        return True
    if apart > LONGEST_WAIT_S or film.shot_of(hold.start) != film.shot_of(one.start + one.repetitions[0].start):
        return False
    first, stop = min(hold.start, one.start), max(hold.end, one.end)
    signals = Signals(film.motion.part(first, stop))
    in_posture = within(signals, one.movement.posture, signals.motion.times)
    held = slice(hold.start - first, hold.end - first)
    between = slice(held.stop, one.start + one.repetitions[0].start - first)
    if hold.start > one.start:
        between = slice(one.start + one.repetitions[-1].end - first, held.start)
    # The fit must not be near the edge of a band: a person who walks leans forward nearly as far as in the posture of a row.
    fits = [fit(signals[band.signal], band)[between] for band in one.movement.posture]
    stays = apart <= WAITING_S or (bool(fits) and bool(np.mean(np.min(fits, axis=0)) > STAYS))
    return stays and bool(np.mean(in_posture[held]) > 1 / 2 and np.nanmedian(phase(signals, one.movement)[held]) < AT_REST)
