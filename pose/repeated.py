"""The sets of whatever is repeated, without knowing any exercise: `find_sets` with movements that the film itself gives.

Walking, running and gestures are found like the rest, so that nothing else takes their time, and then left out.
"""

from collections.abc import Sequence

import numpy as np

from pose.learning import learn_movement
from pose.motion import Floats, Motion
from pose.movement import Movement
from pose.periodicity import Chain, find_chains
from pose.sets import FoundSet, find_sets
from pose.tracks import NAMES, UNITS, rests_of, values_at

ANY = "any"
"""The id of a movement without a name."""

NO_EXERCISE = "no_exercise"
"""The id of what people do besides: walking, running, gestures."""

MOST = 8
"""So many different movements are looked for in one film."""

SMALL_SWING, SMALL_FEWEST = 5.0, 3
"""Repetitions that swing less, in pose errors, count only when so many are alike."""

SINGLE_SWING = 9.0
"""A single repetition counts from this swing on: a squat, not a step."""

STEP_KNEE_M = 0.25
"""In walking and running one knee is less than this above the other; in high knees it is more."""

UPRIGHT = 45.0
"""Degrees of lean up to which somebody stands."""

GESTURE = 45.0
"""Degrees that elbow and shoulder move at most in a gesture: waving, talking, swaying."""

STILL = 1.2
"""Pose errors up to which a part of the body does not move."""


def find_repeated(motion: Motion) -> list[FoundSet]:
    """The sets of a film in order of time; each movement has the id "any".

    A single repetition counts only where nothing is repeated.

    Args:
        motion: the landmarks, cleaned (`pose.signals.clean`).
    """
    movements = [_learn(chain) for chain in _choose(find_chains(motion))]
    found = [one for one in find_sets(motion, movements) if one.movement.id == ANY]
    repeated = [one for one in found if len(one.repetitions) > 1]
    return repeated or found[:1]


def _choose(chains: Sequence[Chain]) -> list[Chain]:
    """Different movements, what explains most first."""
    chosen: list[Chain] = []
    for chain in chains:
        if len(chosen) < MOST and _counts(chain) and all(not chain.resembles(other) for other in chosen):
            chosen.append(chain)
    return chosen


def _counts(chain: Chain) -> bool:
    swing = float(np.median([cycle.swing for cycle in chain.cycles]))
    if len(chain.cycles) == 1:
        return swing >= SINGLE_SWING
    return swing >= SMALL_SWING or len(chain.cycles) >= SMALL_FEWEST


def _learn(chain: Chain) -> Movement:
    rest = values_at(chain.tracks, [sample for cycle in chain.cycles for sample in rests_of(cycle)])
    extreme = values_at(chain.tracks, [cycle.peak for cycle in chain.cycles])
    name = NO_EXERCISE if _is_gait(chain, rest, extreme) or _is_gesture(chain, rest, extreme) else ANY
    return learn_movement(chain.tracks, chain.cycles, chain.direction, name=name)


def _is_gait(chain: Chain, rest: Floats, extreme: Floats) -> bool:
    """Whether somebody stands, the legs take turns and the knees stay low."""
    first, second = (dict(zip(NAMES, values, strict=True)) for values in (rest, extreme))
    legs = [name for name in ("left_ahead", "left_knee_higher", "left_ankle_higher", "left_hip_more_bent")]
    change = np.abs(extreme - rest) / UNITS
    of_legs = max(change[NAMES.index(name)] for name in legs)
    sinks = abs(second["shoulder_over_ankle"] - first["shoulder_over_ankle"])
    knee = max(abs(values["left_knee_higher"]) for values in (first, second))
    upright = max(first["trunk"], second["trunk"]) < UPRIGHT
    return bool(upright and of_legs >= STILL and knee < STEP_KNEE_M and sinks < 0.1 and _steps(chain, change))


def _steps(chain: Chain, change: Floats) -> bool:
    """Whether the two legs move more differently than together."""
    differences = max(change[NAMES.index(name)] for name in ("left_ahead", "left_knee_higher", "left_ankle_higher"))
    together = max(change[NAMES.index(name)] for name in ("hip", "shoulder_over_ankle", "trunk"))
    return bool(differences > together)


def _is_gesture(chain: Chain, rest: Floats, extreme: Floats) -> bool:
    """Whether only the arms move, and not far."""
    change = dict(zip(NAMES, np.abs(extreme - rest), strict=True))
    scaled = dict(zip(NAMES, np.abs(extreme - rest) / UNITS, strict=True))
    still = all(scaled[name] < STILL for name in ("knee", "hip", "trunk", "shoulder_over_ankle", "shoulder_rise", "hip_rise"))
    return still and all(change[f"{side}_{joint}"] < GESTURE for side in ("left", "right") for joint in ("elbow", "shoulder"))
