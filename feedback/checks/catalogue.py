"""The definition of an exercise: how it is recognised and counted, and its checks. Pure data.

Each exercise is a YAML file, which `feedback.exercises.files` reads and validates. The models in this module define the fields
of such a file.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    WithJsonSchema,
    model_validator,
)

from feedback.checks.measures import MEASURES, check_joint
from feedback.checks.references import Measure, resolve
from feedback.checks.take import LEG_END
from feedback.errors import nearest
from feedback.words import DEFAULT_LANGUAGE, Message, languages, words_of
from pose.motion import INDEX
from pose.movements.movement import Movement
from pose.movements.signals import ANGLES, LENGTHS
from pose.movements.view import ViewId

When = Literal["repetition", "before_peak", "after_peak", "after_end"]
Sides = Literal["near", "each", "better", "working"]
Verdict = Literal["exceeds", "falls_short"]
Severity = Literal["minor", "major"]
Unit = Literal["deg", "s", "%", "ratio", "cm"]

SIGNALS = {**ANGLES, **LENGTHS}

LONGEST_TEXT = 1000
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


def _shown(value: Any) -> str:
    """A text, or a text for each language, which must include English."""
    texts: dict[str, str] = value if isinstance(value, dict) else {DEFAULT_LANGUAGE: value}
    for language, text in texts.items():
        if language != DEFAULT_LANGUAGE and language not in languages():
            raise ValueError(f"there are no words in the language {language!r}; use {', '.join(languages())}")
        if not isinstance(text, str) or not 1 <= len(text) <= LONGEST_TEXT:
            raise ValueError(f"this must be a text of 1 to {LONGEST_TEXT} characters, or one for each language")
    if DEFAULT_LANGUAGE not in texts:
        raise ValueError(f"the text in {DEFAULT_LANGUAGE} is missing; languages without a text of their own show it")
    english = texts[DEFAULT_LANGUAGE]
    return Message(english, texts) if isinstance(value, dict) else english


_TEXT_SCHEMA = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}
Shown = Annotated[
    str,
    PlainValidator(_shown),
    WithJsonSchema(
        {
            "anyOf": [
                _TEXT_SCHEMA,
                {
                    "type": "object",
                    "required": [DEFAULT_LANGUAGE],
                    "additionalProperties": False,
                    "properties": dict.fromkeys(languages(), _TEXT_SCHEMA),
                },
            ]
        }
    ),
]
"""A text for the user: English, or one for each language. The package's own files have English only; Babel translates them."""

ID_PATTERN = r"^[a-z][a-z0-9_-]{0,39}$"


def _number(value: object) -> float:
    # Integers stay integers, so that they are shown as in the file.
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
        raise ValueError(f"this must be a number between -{LARGEST} and {LARGEST}")
    return value


LARGEST = 1000
Number = Annotated[float, PlainValidator(_number), WithJsonSchema({"type": "number", "minimum": -LARGEST, "maximum": LARGEST})]


MEASURE_SCHEMA = {
    "anyOf": [
        {"enum": sorted(MEASURES)},
        {"type": "object", "required": ["name"], "properties": {"name": {"enum": sorted(MEASURES)}}},
    ]
}


def _measure(reference: Any) -> Any:
    return reference if callable(reference) else resolve(reference)


def _landmark(name: str) -> str:
    if name != LEG_END and name not in INDEX and f"left_{name}" not in INDEX:
        raise ValueError(f"there is no landmark {name!r}")
    return name


class Check(BaseModel):
    """A value that is measured, and the limit from which it is a fault.

    With the verdict `exceeds`, the value must stay inside a limit: it is a fault if it is beyond `threshold` for `lasting_s`,
    and the fault ends when the value is back inside `clear`. With `falls_short`, the value must reach a target: it is a fault
    if even the mean of its best span of `lasting_s` does not reach `threshold`; the target is `clear`.

    Attributes:
        id: the fault's id.
        measures: a description of the measured value.
        measure: the function that gives the value over time, for one side of the body.
        verdict: how a value becomes a fault; see above.
        above: whether values above the threshold are faults; else values below it.
        threshold, clear: limits in `unit`; their distance is larger than the jitter of a pose.
        unit: the unit of the value.
        marks: landmarks that show the value in a picture, without a side, or with it if both sides are meant. Three: the
            angle at the middle one; two: the line from the first to the second, against the vertical or the horizontal
            (`against`) or by itself; one: a point. None for a value that no landmark shows. "leg_end" is the ankle, or the knee
            if the person kneels or the ankle is not seen.
        views: the views from which it can be judged.
        when: the part of the repetition. "after_end" reaches from the extreme into the pause after the repetition.
        sides: "near" judges the side that the camera sees better, "working" the one that the repetition works; "each" and
            "better" judge both that are seen, except from the side, and decide by the worse or by the better one.
        oblique_margin: distance by which the threshold is moved to the faulty side from an oblique view, where angles are
            measured in space and are about twice as uncertain.
        kept: a stricter limit between `clear` and `threshold`, for the verdict `exceeds`: a value that is beyond it for three
            quarters of the repetition is a fault. A posture that is kept that long is measured better, because jitter averages
            out. None: there is no such limit.
        lasting_s: shortest time for which a value must last to decide: consecutive samples, never one, three at 30 a second.
        severity: a repetition with a major fault is not a good one.
        title, advice: shown to the user; the advice is one sentence that says what to change and gives a cue for how.
        praise: one sentence for the user if no repetition has this fault.
        why: why it matters, without a medical claim.
        source: the source of the threshold: a publication, or "engineering default" if no publication gives a value. A default
            lies between clean and faulty recordings, with a margin for the pose error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=ID_PATTERN)]
    measures: Text
    measure: Annotated[Measure, BeforeValidator(_measure), WithJsonSchema(MEASURE_SCHEMA)]
    verdict: Verdict
    above: StrictBool
    threshold: Number
    clear: Number
    unit: Unit
    marks: tuple[Annotated[str, AfterValidator(_landmark)], ...] = Field(max_length=3)
    views: tuple[ViewId, ...] = Field(min_length=1)
    title: Shown
    advice: Shown
    praise: Shown
    why: Shown
    source: Text
    severity: Severity = "major"
    when: When = "repetition"
    sides: Sides = "near"
    against: Literal["vertical", "horizontal"] | None = None
    oblique_margin: Number = 0.0
    kept: Number | None = None
    lasting_s: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 0.1

    @model_validator(mode="after")
    def _good_side(self) -> "Check":
        inside = self.clear < self.threshold if self.above else self.clear > self.threshold
        if not inside:
            raise ValueError(f"{self.id}: clear must lie on the good side of the threshold")
        return self

    @model_validator(mode="after")
    def _kept_between(self) -> "Check":
        if self.kept is None:
            return self
        if self.verdict != "exceeds":
            raise ValueError(f"{self.id}: only a check that exceeds its limit has kept")
        if not min(self.clear, self.threshold) < self.kept < max(self.clear, self.threshold):
            raise ValueError(f"{self.id}: kept must lie between clear and the threshold")
        return self


class NeverSeen(BaseModel):
    """Something that a coach checks but that landmarks cannot show from any view.

    Attributes:
        id: its id in a report's `notAssessed`.
        title, reason: shown to the user.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=ID_PATTERN)]
    title: Shown
    reason: Shown


class Exercise(BaseModel):
    """An exercise of the catalogue.

    Attributes:
        movement: its movement, by which it is recognised and counted.
        variants: movements of other ways to do it, such as seated or standing.
        name: shown to the user.
        checks: the checks, the most important first.
        never_seen: what a coach would also check, but landmarks do not show.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    movement: Movement
    variants: tuple[Movement, ...] = ()
    name: Shown
    checks: tuple[Check, ...] = ()
    never_seen: tuple[NeverSeen, ...] = ()

    @model_validator(mode="after")
    def _known_signals(self) -> "Exercise":
        movement = self.movement
        if not re.fullmatch(ID_PATTERN, movement.id):
            raise ValueError(f"an exercise cannot be called {movement.id!r}: use up to 40 small letters, digits, _ and -")
        used = [drive.signal for each in self.movements for drive in each.drives]
        used += [band.signal for each in self.movements for band in (*each.posture, *each.signature)]
        unknown = next((name for name in used if name not in SIGNALS), None)
        if unknown is not None:
            raise ValueError(f"there is no signal {unknown!r}{nearest(unknown, SIGNALS)}")
        for each in self.movements:
            check_joint(each.joint)
        return self

    @property
    def movements(self) -> tuple[Movement, ...]:
        """The movement and its variants."""
        return (self.movement, *self.variants)

    def done_as(self, movement: Movement) -> "Exercise":
        """The exercise with one of its movements as the only one."""
        return self.model_copy(update={"movement": movement, "variants": ()})

    @property
    def id(self) -> str:
        """The exercise's id."""
        return self.movement.id


def describe(exercises: Iterable[Exercise]) -> list[dict[str, Any]]:
    """The catalogue for people and machines: plain values, in English (`names` in every language), ready for JSON."""
    return [
        {
            "id": exercise.id,
            "name": str(exercise.name),
            "names": {language: words_of(language)(exercise.name) for language in languages()},
            "held": exercise.movement.held,
            "checks": [
                {
                    "id": check.id,
                    "title": str(check.title),
                    "measures": check.measures,
                    "fault": "above" if check.above else "below",
                    "threshold": check.threshold,
                    "target": check.clear,
                    "kept": check.kept,
                    "unit": check.unit,
                    "views": list(check.views),
                    "severity": check.severity,
                    "lastingS": check.lasting_s,
                    "advice": str(check.advice),
                    "why": str(check.why),
                    "source": check.source,
                }
                for check in exercise.checks
            ],
        }
        for exercise in exercises
    ]
