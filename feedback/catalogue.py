"""What an exercise is to a coach: how it is recognised and counted, and what to look at in it. Pure data.

Every exercise lies in its own file of feedback/exercises; `feedback.exercises.CATALOGUE` holds them all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from feedback.measures import Measure
from feedback.report import Severity, Unit
from pose.movement import Movement
from pose.view import ViewId

When = Literal["repetition", "before_peak", "after_peak", "after_end"]
Sides = Literal["near", "each", "working"]
Verdict = Literal["exceeds", "falls_short"]

ENGINEERING_DEFAULT = "engineering default"
"""The source of a threshold that no publication gives: chosen between clean and faulty recordings, wide of the pose error."""

SIDE: tuple[ViewId, ...] = ("side_left", "side_right")
FRONT: tuple[ViewId, ...] = ("front",)
REAR: tuple[ViewId, ...] = ("rear",)
OBLIQUE: tuple[ViewId, ...] = ("oblique",)
ANY: tuple[ViewId, ...] = (*FRONT, *SIDE, *OBLIQUE, *REAR)


@dataclass(frozen=True)
class Check:
    """One thing that a coach looks at, and from when on it is a fault.

    A value that must stay inside a limit `exceeds` it when it lies beyond `threshold` for `lasting_s`; the fault is over
    when it is back inside `clear`. A value that must get somewhere `falls_short` when not even the mean of its best stretch of
    that length reaches `threshold`; `clear` is what to aim at.

    Attributes:
        id: the fault's id.
        measures: in words, what is measured.
        measure: the value over time, for one side of the body.
        verdict: how a value becomes a fault.
        above: whether a fault lies above the threshold, or below it.
        threshold, clear: in `unit`; apart by more than the jitter of a pose.
        unit: of the value.
        marks: landmarks that show the value in a picture, without their side, or with it where both sides are meant. Three: the
            angle at the middle one; two: the line from the first to the second, against the vertical or the horizontal
            (`against`) or by itself; one: a point. None for a value that no landmark shows.
        views: from which it can be judged.
        when: in which part of the repetition. "after_end" reaches from the extreme into the pause after the repetition.
        sides: "near" judges the side that the camera sees better, "each" both that are seen, except from the side,
            "working" the one that the repetition works.
        oblique_margin: how much further from the good side the threshold lies obliquely, where angles are taken in space and
            are about twice as uncertain.
        lasting_s: for how long a value must last to decide: consecutive samples, never one, three at 30 a second.
        severity: a repetition with a major fault is not a good one.
        title, advice: for the user; the advice is one sentence that says what to change and gives a cue for how.
        praise: for the user, when no repetition has this fault: one sentence.
        why: why it matters; no medical claim.
        source: where the threshold comes from.
    """

    id: str
    measures: str
    measure: Measure
    verdict: Verdict
    above: bool
    threshold: float
    clear: float
    unit: Unit
    marks: tuple[str, ...]
    views: tuple[ViewId, ...]
    title: str
    advice: str
    praise: str
    why: str
    source: str
    severity: Severity = "major"
    when: When = "repetition"
    sides: Sides = "near"
    against: Literal["vertical", "horizontal"] | None = None
    oblique_margin: float = 0.0
    lasting_s: float = 0.1

    def __post_init__(self) -> None:
        inside = self.clear < self.threshold if self.above else self.clear > self.threshold
        if not inside:
            raise ValueError(f"{self.id}: clear must lie on the good side of the threshold")


@dataclass(frozen=True)
class Exercise:
    """An exercise of the catalogue.

    Attributes:
        movement: how it is recognised and counted.
        name: for the user.
        checks: what is looked at, the most important first.
    """

    movement: Movement
    name: str = ""
    checks: tuple[Check, ...] = ()

    @property
    def id(self) -> str:
        """The exercise's id."""
        return self.movement.id


def describe(exercises: Iterable[Exercise]) -> list[dict[str, Any]]:
    """The catalogue for people and machines: plain values, in English, ready for JSON."""
    return [
        {
            "id": exercise.id,
            "name": exercise.name,
            "held": exercise.movement.held,
            "checks": [
                {
                    "id": check.id,
                    "title": check.title,
                    "measures": check.measures,
                    "fault": "above" if check.above else "below",
                    "threshold": check.threshold,
                    "target": check.clear,
                    "unit": check.unit,
                    "views": list(check.views),
                    "severity": check.severity,
                    "lastingS": check.lasting_s,
                    "advice": check.advice,
                    "why": check.why,
                    "source": check.source,
                }
                for check in exercise.checks
            ],
        }
        for exercise in exercises
    ]
