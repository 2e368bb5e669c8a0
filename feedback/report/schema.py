"""The report: what a job answers, as published in docs/report.schema.json and explained in docs/report.md.

    python -m feedback.report.schema > docs/report.schema.json

Times are seconds from the first frame, angles degrees. No number is ever NaN or infinite: what could not be measured is null or
stands in `notAssessed`. `SCHEMA` is raised when a field is removed, renamed or changes its meaning, not when one is added.
"""

import json
import sys
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from feedback.checks.catalogue import Severity, Unit

SCHEMA: Final = 2

ViewId = Literal["front", "side_left", "side_right", "oblique", "rear"]

Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Score = Annotated[int, Field(ge=0, le=100)]


class Part(BaseModel):
    """A part of the report: immutable, camelCase outside, snake_case inside."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, allow_inf_nan=False, serialize_by_alias=True
    )


class Video(Part):
    """The video as a viewer sees it: upright, at its own size."""

    duration_s: Seconds
    width: int
    height: int
    fps: float = Field(ge=0)
    frames_decoded: int
    frames_analysed: int


class ExerciseFound(Part):
    """Which exercise the report speaks of."""

    id: str
    name: str = Field(description="In the job's language.")
    confidence: Share | None = Field(description="How sure the recognition is of this exercise, requested or not.")
    source: Literal["recognised", "requested"]


class ViewFound(Part):
    """From where the camera looks at the person."""

    id: ViewId
    confidence: Share


class Tempo(Part):
    """How long each phase of a repetition took."""

    lowering_s: Seconds
    pause_s: Seconds
    lifting_s: Seconds


class RepItem(Part):
    """One repetition."""

    index: int = Field(ge=1)
    side: Literal["left", "right"] | None = Field(description="The working side, where sides take turns; else null.")
    start_s: Seconds
    peak_s: Seconds
    end_s: Seconds
    good: bool = Field(description="Its form was judged, and has no major fault.")
    score: Score | None
    range_of_motion: float = Field(ge=0, description="Degrees that the driving joint moved through.")
    tempo: Tempo
    faults: list[str]
    borderline: list[str] = Field(description="Checks so near to their limit that the pose's error decides; they cost nothing.")


class Reps(Part):
    """The repetitions; none for a held exercise."""

    total: int = Field(ge=0)
    good: int = Field(ge=0)
    items: list[RepItem]


class Hold(Part):
    """A held exercise."""

    duration_s: Seconds
    good_s: Seconds = Field(description="The held time without the spans of major faults.")


class Span(Part):
    """A stretch of time."""

    start_s: Seconds
    end_s: Seconds


class Fault(Part):
    """One thing to change, over all repetitions in which it was seen. The first in the list comes first."""

    id: str
    title: str
    advice: str
    severity: Severity
    reps: list[int]
    spans: list[Span]
    measured: float = Field(description="The worst value measured.")
    threshold: float
    unit: Unit
    view: ViewId
    source: str


class NotAssessed(Part):
    """A check that could not be made, and why."""

    id: str
    title: str
    reason: str


class Quantity(Part):
    """A number and its unit."""

    value: float
    unit: Unit


class Statistics(Part):
    """Figures over the whole set; null where there is nothing to measure."""

    range_of_motion: Quantity | None = Field(description="Median over the repetitions, degrees of the driving joint.")
    tempo: Quantity | None = Field(description="Median duration of a repetition, seconds.")
    symmetry: Quantity | None = Field(description="Range of the weaker side as a share of the stronger one, per cent.")
    consistency: Quantity | None = Field(description="How alike the repetitions are in range and duration, per cent.")
    time_under_tension: Quantity | None = Field(description="Time spent inside repetitions or in the hold, seconds.")


class RepSimilarity(Part):
    """One repetition against the reference."""

    index: int = Field(ge=1)
    similarity: Share
    moment_s: Seconds = Field(description="When the two differ most, in this video.")
    reference_moment_s: Seconds = Field(description="The matching moment in the reference.")
    joint: str = Field(description="The joint that differs most there.")


class Similarity(Part):
    """How alike this video and the reference are; 1 is the same movement."""

    overall: Share
    per_joint: dict[str, Share]
    per_rep: list[RepSimilarity]


class Warn(Part):
    """Something to know before trusting the report."""

    code: str
    message: str


class Files(Part):
    """Names of the files beside the report; null where there is none."""

    report: str | None = None
    worst1: str | None = None
    worst2: str | None = None
    best: str | None = None
    graph: str | None = None
    video: str | None = None
    comparison: str | None = None


class SetReport(Part):
    """One set: repetitions of one exercise, or one hold, without a long pause."""

    index: int = Field(ge=1)
    exercise: str = Field(description="The exercise's id.")
    name: str = Field(description="The exercise's name in the job's language.")
    confidence: Share
    start_s: Seconds
    end_s: Seconds
    view: ViewFound
    reps: int = Field(ge=0)
    good_reps: int = Field(ge=0)
    items: list[RepItem] = Field(description="The repetitions, counted from 1 in each set.")
    hold: Hold | None
    score: Score | None
    faults: list[Fault]
    not_assessed: list[NotAssessed]
    statistics: Statistics


class Report(Part):
    """What was seen in one video. What speaks of one exercise speaks of the set that lasted longest; `sets` has them all."""

    # A field named `schema` is the published contract; pydantic's deprecated method of that name is not used here.
    schema_: Literal[2] = Field(default=SCHEMA, alias="schema")
    video: Video
    exercise: ExerciseFound
    view: ViewFound
    reps: Reps
    hold: Hold | None
    faults: list[Fault]
    not_assessed: list[NotAssessed]
    score: Score | None
    statistics: Statistics
    similarity: Similarity | None = None
    warnings: list[Warn]
    summary: str
    sets: list[SetReport]
    files: Files = Files()

    def to_json(self) -> str:
        """The text of report.json."""
        return self.model_dump_json(indent=2) + "\n"


def json_schema() -> str:
    """The text of docs/report.schema.json."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Report.model_json_schema(mode="serialization")}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(json_schema())
