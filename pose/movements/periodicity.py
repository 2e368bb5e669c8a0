"""Finds repeated movements in a motion without a definition of the movement.

1. The signals are scaled to the pose error. Signals of hidden landmarks have less weight.
2. In each window of the film, the principal components of the signals without slow drift say which signals may swing together.
   The projection on a component, in either direction, is a phase, and `pose.movements.cycles` finds its cycles.
3. Cycles in which the whole body moves in a similar way are a chain. The component is computed again from the chain alone,
   twice, so that walking in and resting have no influence.
4. A chain becomes a `Movement` (`pose.movements.learning`), and `pose.movements.sets` counts it like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from pose.motion import Floats, Motion
from pose.movements.candidates import UNDER_WAY, Film
from pose.movements.cycles import Cycle, find_cycles
from pose.movements.signals import Signals, smooth
from pose.movements.tracks import NAMES, UNITS, Tracks, ends_of, rests_of

DRIFT_S = 3.0
"""Standard deviation, in seconds, of the Gaussian whose result is subtracted before the components are computed. It removes
slow changes such as walking in and turning."""

COMPONENTS = 3
"""Number of principal components of a window that are tried."""

ROUNDS = 3
"""Number of times that a component is computed: first from the window, then from the chain."""

FLOOR = 1.4
"""Lowest swing of a phase, in pose errors, over all signals together."""

PLAIN_SWING = 12.0
"""Swing from which a repetition has its full weight in the choice between chains: that of three joints that bend by 100 degrees
together."""

ALIKE = 0.6
"""Lowest correlation of a repetition with the most typical repetition of its chain."""

SHAPE = 16
"""Number of moments at which two repetitions are compared."""

PAUSE, SHORTEST_PAUSE_S = 2.0, 4.0
"""A pause ends a chain if it is at least this many times as long as the repetition, and at least this many seconds."""

SAME = 0.8
"""Two chains are of one movement, possibly with rest and extreme exchanged, if their components, or their changes from rest to
extreme, have at least this cosine."""

RELAXED_GAIN, RELAXED = 0.5, 6.0
"""If the rest position is more relaxed than the extreme, the gain rises by up to this share; most of it is reached at this many
pose errors."""

DWELLING = 8.0
"""A person who spends all the time at rest, apart from the repetitions, counts as more relaxed there by this many pose
errors."""

WAIT_S = 1.5
"""Seconds before and after a chain that belong to the time at rest or at the extreme: a film begins and ends at rest."""

NEAR_END = 0.25
"""The body is at an end of the movement within this share of the range."""

SEEN = 0.6
"""Lowest visibility, 0 to 1, of the landmarks of a joint that is used to judge how relaxed the body is."""


@dataclass(frozen=True)
class Chain:
    """Similar repetitions of an unknown movement.

    Attributes:
        tracks: the signals of the window.
        cycles: the repetitions in order, with samples counted in the window.
        direction: (k,) the weights of the signals; unit length, positive on the way from rest to the extreme.
        gain: seconds of repetitions, weighted by likeness and swing.
        likeness: 0 to 1, mean correlation with the most typical repetition; 0 for a single repetition.
    """

    tracks: Tracks
    cycles: tuple[Cycle, ...]
    direction: Floats
    gain: float
    likeness: float

    def resembles(self, other: "Chain") -> bool:
        """Whether both are of one movement, possibly with rest and extreme exchanged: same direction, or same ends."""
        return any(abs(float(one @ two)) >= SAME for one, two in zip(self._directions, other._directions, strict=True))

    @cached_property
    def _directions(self) -> tuple[Floats, Floats]:
        rests, peaks = ends_of(self.tracks, self.cycles)
        change = (peaks - rests) / UNITS * self.tracks.seen
        return self.direction, change / max(float(np.linalg.norm(change)), 1e-9)


def find_chains(motion: Motion) -> list[Chain]:
    """The chains of all windows, the one with the largest gain first; for each movement only the best of a window.

    Args:
        motion: the landmarks, cleaned (`pose.movements.signals.clean`).
    """
    found: list[Chain] = []
    for window in Film(motion).windows():
        part = motion.part(window.start, window.stop)
        if np.count_nonzero(part.detected) > COMPONENTS:
            found += distinct(_chains_in(Tracks(Signals(part))))
    return sorted(found, key=lambda chain: -chain.gain)


def _chains_in(tracks: Tracks) -> list[Chain]:
    times, values = tracks.times, tracks.values
    swinging = values - smooth(times, values, DRIFT_S)
    components = _components(swinging, COMPONENTS)
    found = (_refine(tracks, sign * component) for component in components for sign in (1, -1))
    return [chain for chain in found if chain is not None]


def _refine(tracks: Tracks, direction: Floats) -> Chain | None:
    """The best chain along a direction. The direction is then computed again from the chain."""
    chain = None
    for _ in range(ROUNDS):
        if chain is not None:
            own = tracks.values[chain.cycles[0].start : chain.cycles[-1].end + 1]
            component = _components(own - own.mean(axis=0), 1)[0]
            direction = component if component @ direction > 0 else -component
        chain = _best_chain(tracks, direction)
        if chain is None:
            return None
    if chain is None:
        return None
    rest, extreme = (relaxation(values, tracks.seen) for values in ends_of(tracks, chain.cycles))
    at_rest = rest - extreme + DWELLING * _dwelling(chain)
    return replace(chain, gain=chain.gain * (1 + RELAXED_GAIN * float(np.tanh(at_rest / RELAXED))))


def _dwelling(chain: Chain) -> float:
    """The share of the time at rest minus the share at the extreme, -1 to 1, with the pauses before and after."""
    times, phase = chain.tracks.times, chain.tracks.values @ chain.direction
    first, last = chain.cycles[0], chain.cycles[-1]
    rest = float(np.median(phase[[sample for cycle in chain.cycles for sample in rests_of(cycle)]]))
    way = max(float(np.median(phase[[cycle.peak for cycle in chain.cycles]])) - rest, FLOOR)
    there = (phase[(times >= times[first.start] - WAIT_S) & (times <= times[last.end] + WAIT_S)] - rest) / way
    return float(np.mean(there < NEAR_END) - np.mean(there > 1 - NEAR_END))


def relaxation(values: Floats, seen: Floats) -> float:
    """How relaxed a body is, in pose errors: straight joints and hanging hands are relaxed.

    Most exercises start from a relaxed position. A press and a pulldown differ only in their start; for them the two parts of
    this measure cancel each other.

    Args:
        values: (k,) all signals, in degrees and metres.
        seen: (k,) 0 to 1, visibility of the landmarks of each signal.
    """
    scaled = dict(zip(NAMES, values / UNITS * (seen >= SEEN), strict=True))
    hanging = scaled["wrist_over_shoulder"] * float(np.cos(np.radians(values[NAMES.index("trunk")])))
    return float(scaled["knee"] + scaled["hip"] + scaled["elbow"] - hanging)


def _components(values: Floats, count: int) -> list[Floats]:
    """The first principal components of (n, k) values without a mean."""
    _, vectors = np.linalg.eigh(values.T @ values)
    return [vectors[:, -1 - number] for number in range(count)]


def _best_chain(tracks: Tracks, direction: Floats) -> Chain | None:
    times = tracks.times
    cycles = find_cycles(times, tracks.values @ direction, FLOOR)
    shapes = [_shape(tracks, cycle) for cycle in cycles]
    best: Chain | None = None
    for model in shapes:
        like = [_likeness(model, shape) for shape in shapes]
        for numbers in _groups(times, cycles, [number for number, value in enumerate(like) if value >= ALIKE]):
            gain = sum(like[number] * _weight(times, cycles[number]) for number in numbers)
            if best is None or gain > best.gain:
                others = [like[number] for number in numbers if shapes[number] is not model]
                chosen = tuple(cycles[number] for number in numbers)
                best = Chain(tracks, chosen, direction, gain, float(np.mean(others)) if others else 0.0)
    return best


def likeness(tracks: Tracks, cycles: Sequence[Cycle]) -> float:
    """Median correlation of these repetitions with the most typical one; 0 for a single repetition."""
    shapes = [_shape(tracks, cycle) for cycle in cycles]
    of_each = [[_likeness(model, shape) for shape in shapes if shape is not model] for model in shapes]
    return max((float(np.median(found)) for found in of_each if found), default=0.0)


def _weight(times: Floats, cycle: Cycle) -> float:
    seconds = float(times[cycle.end] - times[cycle.start])
    return seconds * min(1.0, cycle.swing / PLAIN_SWING) * (UNDER_WAY if cycle.start == cycle.peak else 1.0)


def _groups(times: Floats, cycles: Sequence[Cycle], numbers: Sequence[int]) -> list[list[int]]:
    """Cycles without a long pause between them."""
    groups = [[number] for number in numbers[:1]]
    for before, number in pairwise(numbers):
        first, second = cycles[before], cycles[number]
        usual = max(times[each.end] - times[each.start] for each in (first, second))
        if times[second.start] - times[first.end] > max(SHORTEST_PAUSE_S, PAUSE * usual):
            groups.append([])
        groups[-1].append(number)
    return groups


def _shape(tracks: Tracks, cycle: Cycle) -> Floats:
    """(SHAPE, k) signals on the way to the extreme and back, at even steps of each; NaN for a way that is not in the video."""
    times, half = tracks.times, SHAPE // 2
    there = np.linspace(times[cycle.start], times[cycle.peak], half, endpoint=False)
    back = np.linspace(times[cycle.peak], times[cycle.end], half)
    moments = np.concatenate([there, back])
    shape = np.stack([np.interp(moments, times, track) for track in tracks.values.T], axis=1)
    if cycle.start == cycle.peak:
        shape[:half] = np.nan
    return shape


def _likeness(first: Floats, second: Floats) -> float:
    """The correlation of two shapes, where both have values."""
    seen = ~np.isnan(first[:, 0]) & ~np.isnan(second[:, 0])
    one, other = (shape[seen] - shape[seen].mean(axis=0) for shape in (first, second))
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    return float(np.sum(one * other) / lengths) if lengths > 0 else 0.0


def distinct(chains: Sequence[Chain]) -> list[Chain]:
    """For each movement, only the chain with the largest gain."""
    kept: list[Chain] = []
    for chain in sorted(chains, key=lambda chain: -chain.gain):
        if not any(chain.resembles(other) for other in kept):
            kept.append(chain)
    return kept
