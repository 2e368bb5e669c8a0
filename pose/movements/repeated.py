"""Finds sets of any repeated movement: `find_sets` with movements that are learned from the film itself.

Walking, running and gestures are found in the same way, so that no other movement takes their time, and are then left out.
"""

from collections.abc import Sequence

import numpy as np

from pose.motion import Floats, Motion
from pose.movements.learning import learn_movement
from pose.movements.movement import Movement
from pose.movements.periodicity import ALIKE, Chain, find_chains, likeness
from pose.movements.sets import FoundSet, find_sets
from pose.movements.signals import Body, Signals
from pose.movements.tracks import NAMES, UNITS, Tracks, ends_of

BESIDES = "besides"
"""The id of movements that are no exercise: walking, running, gestures."""

MOST = 8
"""Largest number of different movements in one film."""

SMALL_SWING, SMALL_FEWEST, SMALL_LIKENESS = 4.0, 3, 0.8
"""Swing in pose errors, number, and likeness. Repetitions with a smaller swing count only if there are at least this many with
at least this likeness."""

SINGLE_SWING = 9.0
"""Lowest swing of a single repetition that counts: a squat has it, a step has not."""

STEP_KNEE_M = 0.2
"""Largest height of one knee above the other in walking and running; in high knees it is larger."""

UPRIGHT = 45.0
"""Largest lean of a person who stands, degrees."""

GESTURE = 45.0
"""Largest range of elbow and shoulder in a gesture (waving, talking, swaying), degrees."""

WAVE, QUICK_S = 75.0, 1.2
"""The same for one arm in a swing of less than this many seconds: no weight is lifted so fast."""

GESTURE_SWING = 5.5
"""Largest swing of both arms, in pose errors, that is no exercise of the arms."""

LEGS = ("left_ahead", "left_knee_higher", "left_ankle_higher", "left_hip_more_bent")
"""Signals of the differences between both legs."""

BODY = ("knee", "hip", "trunk", "shoulder_over_ankle", "shoulder_rise", "hip_rise", *LEGS)
"""Signals that do not change in a gesture."""

PLACES = 2.0
"""A person moves through the picture if the place changes this many times as much as any three other signals."""

STILL = 1.2
"""Largest change, in pose errors, of a part of the body that does not move."""

PLAIN_FEWEST, PLAIN_SWING = 3, 5.0
"""Lowest number of repetitions, and their lowest swing in pose errors, of a set that was not requested."""

PLACE_M = 0.35
"""Largest movement of the hips at rest of a person who stays in place, in metres of the person."""


def find_repeated(motion: Motion, *, name: str) -> list[FoundSet]:
    """The sets of a film in order of time.

    A single repetition counts only if no movement is repeated.

    Args:
        motion: the landmarks, cleaned (`pose.movements.signals.clean`).
        name: the id of each movement.
    """
    movements = [_learn(chain, name) for chain in _choose(find_chains(motion))]
    found = [one for one in find_sets(motion, movements) if one.movement.id == name]
    repeated = [one for one in found if len(one.repetitions) > 1]
    return repeated or found[:1]


def is_plain(motion: Motion, one: FoundSet) -> bool:
    """Whether a set has at least three similar repetitions in place.

    Args:
        motion: the landmarks, cleaned.
        one: a set of this motion.
    """
    if len(one.repetitions) < PLAIN_FEWEST:
        return False
    part = motion.part(one.start, one.end)
    cycles = [repetition.cycle for repetition in one.repetitions]
    tracks = Tracks(Signals(part))
    rest, extreme = ends_of(tracks, cycles)
    swing = float(np.linalg.norm((extreme - rest) / UNITS * tracks.seen))
    hips = Body(part).at("hip")[[cycle.end for cycle in cycles]]
    return swing >= PLAIN_SWING and likeness(tracks, cycles) >= ALIKE and float(np.ptp(hips, axis=0).max()) <= PLACE_M


def _choose(chains: Sequence[Chain]) -> list[Chain]:
    """The different movements: repeated ones before single ones, each by its gain.

    A single movement, such as lying down, counts only if no movement is repeated.
    """
    chosen: list[Chain] = []
    for chain in sorted(chains, key=lambda chain: len(chain.cycles) == 1):
        if chosen and len(chain.cycles) == 1 and chain.cycles[0].start == chain.cycles[0].peak:
            continue
        if len(chosen) < MOST and _counts(chain) and all(not chain.resembles(other) for other in chosen):
            chosen.append(chain)
    return chosen


def _counts(chain: Chain) -> bool:
    swing = float(np.median([cycle.swing for cycle in chain.cycles]))
    if len(chain.cycles) == 1:
        return swing >= SINGLE_SWING
    return swing >= SMALL_SWING or (len(chain.cycles) >= SMALL_FEWEST and chain.likeness >= SMALL_LIKENESS)


def _learn(chain: Chain, name: str) -> Movement:
    rest, extreme = ends_of(chain.tracks, chain.cycles)
    besides = any(kind(chain, rest, extreme) for kind in (_is_gait, _is_gesture, _is_travel))
    return learn_movement(chain.tracks, chain.cycles, chain.direction, name=BESIDES if besides else name)


def _is_gait(chain: Chain, rest: Floats, extreme: Floats) -> bool:
    """Whether the person stands, the legs take turns and the knees stay low."""
    first, second = (dict(zip(NAMES, values, strict=True)) for values in (rest, extreme))
    change = np.abs(extreme - rest) / UNITS
    of_legs = max(change[NAMES.index(name)] for name in LEGS)
    sinks = abs(second["shoulder_rise"] - first["shoulder_rise"])
    knee = max(abs(values["left_knee_higher"]) for values in (first, second))
    upright = max(first["trunk"], second["trunk"]) < UPRIGHT
    return bool(upright and of_legs >= STILL and knee < STEP_KNEE_M and sinks < 0.1 and _steps(chain, change))


def _steps(chain: Chain, change: Floats) -> bool:
    """Whether the legs' differences change more than their common movement."""
    differences = max(change[NAMES.index(name)] for name in LEGS[:-1])
    together = max(change[NAMES.index(name)] for name in ("hip", "shoulder_over_ankle", "trunk"))
    return bool(differences > together)


def _is_gesture(chain: Chain, rest: Floats, extreme: Floats) -> bool:
    """Whether a standing person moves only the arms: one of them, or both slightly."""
    change = dict(zip(NAMES, np.abs(extreme - rest), strict=True))
    scaled = dict(zip(NAMES, np.abs(extreme - rest) / UNITS, strict=True))
    if max(values[NAMES.index("trunk")] for values in (rest, extreme)) > UPRIGHT or any(scaled[name] >= STILL for name in BODY):
        return False
    arms = [max(change[f"{side}_{joint}"] for joint in ("elbow", "shoulder")) for side in ("left", "right")]
    swing = float(np.median([cycle.swing for cycle in chain.cycles]))
    times = chain.tracks.times
    quick = np.median([times[cycle.end] - times[cycle.start] for cycle in chain.cycles]) < QUICK_S
    of_one_arm = min(arms) < GESTURE / 3 and max(arms) < (WAVE if quick else GESTURE)
    return of_one_arm or (max(arms) < GESTURE and swing < GESTURE_SWING)


def _is_travel(chain: Chain, rest: Floats, extreme: Floats) -> bool:
    """Whether only the place in the picture changes and not the pose: the camera moves, or the person comes nearer."""
    change = np.abs(extreme - rest) / UNITS * chain.tracks.seen
    places = np.array([name.endswith("_rise") for name in NAMES])
    return float(np.median(change[places])) > PLACES * float(np.sort(change[~places])[-3])
