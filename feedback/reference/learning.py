"""Learns an exercise from a reference video: its movement, and a check for each end of each joint's range."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import yaml

from feedback.checks.catalogue import Check
from feedback.checks.judgement import PAUSE_S, Scene
from feedback.checks.references import resolve
from feedback.checks.take import Take
from feedback.errors import NoExercise
from feedback.exercises.files import parse_exercise
from feedback.words import DEFAULT_LANGUAGE, N_
from pose.motion import Floats, Motion
from pose.movements.angles import TRIPLES
from pose.movements.learning import SEEN, with_identity
from pose.movements.movement import Band, Movement
from pose.movements.repeated import find_repeated
from pose.movements.signals import Body, Signals, clean
from pose.movements.tracks import NAMES, Tracks
from pose.movements.view import View, ViewId, estimate_view

MOVES = 20.0
"""Smallest range of a joint that is checked, degrees: more than the pose error."""

SHORT, AIM = 15.0, 0.5
"""Degrees by which a repetition may fall short of the reference: the pose error. The share of them that is the target."""

SHORT_SHARE = 0.5
"""The same limit for a joint that moves little, as a share of its range."""

LEAST_SWING = 0.15
"""Smallest repetition that counts, as a share of the reference's range. It is low, so that a very small repetition gets a fault
instead of being left out."""

UTMOST = 8.0
"""Percentile of a repetition's samples that is taken as the end of a joint's range."""

HASTE, CALM = 0.5, 0.65
"""Shares of the reference's usual duration: below the first a repetition is too fast, from the second on it is good."""

JOINTS = ("knee", "hip", "elbow", "shoulder")
"""The joints whose range is checked."""


@dataclass(frozen=True)
class Texts:
    """The English texts of a check on one end of a joint's range; they are message ids of the translations."""

    title: str
    advice: str
    praise: str


TEXTS = {
    ("knee", True): Texts(
        N_("Knees bent less than the reference's"),
        N_("Bend your knees as far as the reference does."),
        N_("You bent your knees as far as the reference does."),
    ),
    ("knee", False): Texts(
        N_("Knees straightened less than the reference's"),
        N_("Straighten your knees as far as the reference does."),
        N_("You straightened your knees as far as the reference does."),
    ),
    ("hip", True): Texts(
        N_("Hips bent less than the reference's"),
        N_("Bend your hips as far as the reference does."),
        N_("You bent your hips as far as the reference does."),
    ),
    ("hip", False): Texts(
        N_("Hips straightened less than the reference's"),
        N_("Straighten your hips as far as the reference does."),
        N_("You straightened your hips as far as the reference does."),
    ),
    ("elbow", True): Texts(
        N_("Elbows bent less than the reference's"),
        N_("Bend your elbows as far as the reference does."),
        N_("You bent your elbows as far as the reference does."),
    ),
    ("elbow", False): Texts(
        N_("Elbows straightened less than the reference's"),
        N_("Straighten your elbows as far as the reference does."),
        N_("You straightened your elbows as far as the reference does."),
    ),
    ("shoulder", True): Texts(
        N_("Arms brought back less than the reference's"),
        N_("Bring your arms back as far as the reference does."),
        N_("You brought your arms back as far as the reference does."),
    ),
    ("shoulder", False): Texts(
        N_("Arms raised less than the reference's"),
        N_("Raise your arms as far as the reference does."),
        N_("You raised your arms as far as the reference does."),
    ),
}
"""The texts by joint, and by whether the joint bends. In a written file, its author can replace and translate them."""


@dataclass(frozen=True)
class Learned:
    """The exercise of a reference.

    Attributes:
        movement: the movement, for counting.
        identity: the movement with the bands that distinguish it from other movements.
        view: the view of the reference video.
        ends: both ends of the range of each joint that moves far enough to be checked.
        duration_s: usual duration of a repetition, seconds.
        count: number of repetitions in the reference.
    """

    movement: Movement
    identity: Movement
    view: View
    ends: tuple["End", ...]
    duration_s: float
    count: int

    @property
    def views(self) -> tuple[ViewId, ...]:
        """The views from which the checks can be made. A view from the other side is the mirror image."""
        return ("side_left", "side_right") if self.view.id.startswith("side") else (self.view.id,)


@dataclass(frozen=True)
class End:
    """How far one joint goes at one end of a repetition.

    Attributes:
        joint: one of `JOINTS`.
        at_peak: whether the end is the extreme of the repetition; else it is the rest position.
        bends: whether the joint bends on the way to this end; else it straightens.
        angle: the angle that the reference reaches, degrees.
        in_picture: whether the angle is measured in the picture; else in space.
        short: degrees by which a repetition may fall short of the reference.
        drives: whether the joint drives the movement; else it only moves along.
    """

    joint: str
    at_peak: bool
    bends: bool
    angle: float
    in_picture: bool
    short: float
    drives: bool


def learn(reference: Motion, name: str) -> Learned:
    """Learn the movement that a reference repeats most.

    Args:
        reference: the result of `pose.read_motion`.
        name: the movement's id.

    Raises:
        NoExercise: no repetition was found.
    """
    motion = clean(reference)
    sets = find_repeated(motion, name=name)
    if not sets:
        raise NoExercise(
            "No repetition was seen in the reference video. Film the whole body, from one place, for a few repetitions."
        )
    best = max(sets, key=lambda one: (len(one.repetitions), one.duration_s))
    part = motion.part(best.start, best.end)
    repetitions = best.repetitions
    cycles = [repetition.cycle for repetition in repetitions]
    view = estimate_view(part, start=cycles[0].start, end=cycles[-1].end + 1)
    scene = Scene(Body(part), view, repetitions, None)
    tracks = Tracks(Signals(part))
    return Learned(
        movement=replace(best.movement, floor=LEAST_SWING),
        identity=with_identity(best.movement, tracks, cycles),
        view=view,
        ends=tuple(_ends(scene, tracks, best.movement)),
        duration_s=float(np.median([each.end_s - each.start_s for each in repetitions])),
        count=len(repetitions),
    )


def _ends(scene: Scene, tracks: Tracks, movement: Movement) -> list[End]:
    found = []
    times = scene.times
    driving = {name for drive in movement.drives for name in JOINTS if drive.signal.endswith(name)} | {movement.joint}
    for joint in [joint for joint in JOINTS if tracks.seen[NAMES.index(joint)] >= SEEN]:
        in_picture = scene.view.id.startswith("side") or joint == "shoulder"
        measure = resolve({"name": "joint", "joint": joint, "in_picture": in_picture})
        tops, rests = [], []
        for repetition in scene.repetitions:
            side = repetition.side or scene.near_side
            values = measure(Take(scene.body, scene.view, side, scene.rest, repetition))
            top, rest = _at(values, repetition.peak), _at(values, repetition.end)
            pause = (times >= repetition.peak_s) & (times <= repetition.end_s + PAUSE_S)
            own = (times >= repetition.start_s) & (times <= repetition.end_s)
            tops.append(_reached(values[own], bends=top < rest))
            rests.append(_reached(values[pause], bends=rest < top))
        top, rest = float(np.median(tops)), float(np.median(rests))
        if np.isfinite(top) and np.isfinite(rest) and abs(top - rest) >= MOVES:
            least, drives = min(SHORT, SHORT_SHARE * abs(top - rest)), joint in driving
            found += [
                End(joint, True, top < rest, top, in_picture, least + _spread(tops), drives),
                End(joint, False, rest < top, rest, in_picture, least + _spread(rests), drives),
            ]
    return found


def _spread(values: Sequence[float]) -> float:
    """Median absolute deviation of the reference's repetitions from their median, degrees."""
    return float(np.nanmedian(np.abs(np.asarray(values) - np.nanmedian(values))))


def _reached(values: Floats, *, bends: bool) -> float:
    """The end of a joint's range, without its outermost samples, which may be tracking errors."""
    known = values[np.isfinite(values)]
    return float(np.percentile(known, UTMOST if bends else 100 - UTMOST)) if len(known) else float("nan")


def _at(values: Floats, sample: int) -> float:
    return float(np.median(values[max(0, sample - 1) : sample + 2]))


def check_of(end: End, *, id_: str, views: Sequence[ViewId]) -> Check:
    """The check for one end of a joint's range: a fault if a repetition falls short of the reference."""
    return Check.model_validate(_check_values(end, id_=id_, views=views))


def _check_values(end: End, *, id_: str, views: Sequence[ViewId]) -> dict[str, Any]:
    towards = 1 if end.bends else -1
    moment = "at the extreme" if end.at_peak else "between repetitions"
    return {
        "id": id_,
        "measure": {"name": "joint", "joint": end.joint, "in_picture": end.in_picture},
        "measures": f"the {end.joint}'s angle {moment}",
        "verdict": "falls_short",
        "above": end.bends,
        "threshold": round(end.angle + towards * end.short),
        "clear": round(end.angle + towards * AIM * end.short),
        "unit": "deg",
        "sides": "working",
        "when": "repetition" if end.at_peak else "after_end",
        "views": list(views),
        "marks": list(TRIPLES[end.joint]),
        **asdict(TEXTS[end.joint, end.bends]),
        "why": "The whole range is what the reference shows.",
        "source": "The reference video, less the pose error",
    }


def write_exercise(learned: Learned, *, names: Mapping[str, str], origin: str) -> str:
    """The text of the exercise file, with comments for the person who edits it.

    Args:
        learned: the learned exercise.
        names: the exercise's name in each language, English among them.
        origin: the reference's file name.

    Raises:
        ExerciseFileError: a file may not have this id or name.
    """
    movement = learned.identity
    lines = [
        f"# {names[DEFAULT_LANGUAGE]}: learned from {origin}, {learned.count} repetitions, {learned.view.id}.",
        "# Read it, edit it, check it with `dothis exercises --check FILE`, and put it into the directory DOTHIS_EXERCISES.",
        f"id: {movement.id}",
        f"name: {_flow(dict(names))}",
        "movement:",
        f"  joint: {movement.joint} # the graph shows this angle",
        "  # The signals of a repetition, with their values at rest and at the extreme. Remove those that only move along.",
        "  drives:",
        *(f"    - {_flow({'signal': each.signal, 'rest': each.rest, 'peak': each.peak})}" for each in movement.drives),
        "  # The posture all the time. Samples outside of it are ignored.",
        "  posture:",
        *(f"    - {_flow(_band(each))}" for each in movement.posture),
        "  # What distinguishes it from other movements: its range, the posture at both ends, the parts that do not move.",
        "  # If repetitions are missing, widen or remove bands. If it is found in other exercises, add bands.",
        "  signature:",
        *(f"    - {_flow(_band(each))}" for each in movement.signature),
        f"  lowering_first: {str(movement.lowering_first).lower()} # whether the way to the extreme lowers the weight",
        *(["  each_side: true # left and right take turns, and each counts"] if movement.each_side else []),
        f"  fewest: {movement.fewest} # smallest number of repetitions of a set if the exercise was not requested",
        f"# A repetition is faulty if it falls short of the reference by about {SHORT:.0f} degrees, the pose error.",
        "checks:",
    ]
    for end in (end for end in learned.ends if end.drives):
        id_ = f"short_{end.joint}_{'peak' if end.at_peak else 'rest'}"
        values = _check_values(end, id_=id_, views=learned.views)
        text = yaml.safe_dump([values], sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
        lines += [f"  {line}" for line in text.splitlines()]
    lines += [
        "  # Much faster than the reference.",
        "  - use: too_fast",
        f"    threshold: {learned.duration_s * HASTE:.2f}",
        f"    clear: {learned.duration_s * CALM:.2f}",
    ]
    text = "\n".join(lines) + "\n"
    parse_exercise(f"{movement.id}.yaml", text.encode())
    return text


def _flow(values: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, default_flow_style=True, width=10_000)).strip()


def _band(band: Band) -> dict[str, Any]:
    values: dict[str, Any] = {"signal": band.signal}
    if np.isfinite(band.low):
        values["low"] = band.low
    if np.isfinite(band.high):
        values["high"] = band.high
    if band.when != "rest":
        values["when"] = band.when
    if band.margin is not None:
        values["margin"] = round(band.margin, 3)
    return values
