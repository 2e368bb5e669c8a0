"""The fields of the report. docs/report.schema.json publishes them and docs/report.md explains them.

    python -m feedback.report.schema > docs/report.schema.json

Times are in seconds from the first frame, angles in degrees. No number is NaN or infinite: a value that could not be measured
is null, and a check that could not be made is in `notAssessed`. `SCHEMA` gets a new number when a field is removed, renamed or
changes its meaning, but not when a field is added.
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
    """A part of the report: immutable, with camelCase names in JSON and snake_case names in Python."""

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
    """The exercise that the report describes."""

    id: str
    name: str = Field(description="In the job's language.")
    confidence: Share | None = Field(description="Confidence of the recognition, also if the exercise was requested.")
    source: Literal["recognised", "requested"]


class ViewFound(Part):
    """The side of the person that the camera sees."""

    id: ViewId
    confidence: Share


class Tempo(Part):
    """Durations of the phases of a repetition."""

    lowering_s: Seconds
    pause_s: Seconds
    lifting_s: Seconds


class RepItem(Part):
    """One repetition."""

    index: int = Field(ge=1)
    side: Literal["left", "right"] | None = Field(description="The working side if sides take turns; else null.")
    start_s: Seconds
    peak_s: Seconds
    end_s: Seconds
    good: bool = Field(description="Whether its form was judged and has no major fault.")
    score: Score | None
    range_of_motion: float = Field(ge=0, description="Range of the driving joint, degrees.")
    tempo: Tempo
    faults: list[str]
    borderline: list[str] = Field(description="Checks within the pose error of their limit; they do not lower the score.")


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
    """A span of time."""

    start_s: Seconds
    end_s: Seconds


class Fault(Part):
    """A fault, with all repetitions in which it was found. The first fault of a list is the one to change first."""

    id: str
    title: str
    advice: str
    severity: Severity
    reps: list[int]
    spans: list[Span]
    measured: float = Field(description="The worst measured value.")
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
    """Figures of the whole set; null if there is nothing to measure."""

    range_of_motion: Quantity | None = Field(description="Median over the repetitions, degrees of the driving joint.")
    tempo: Quantity | None = Field(description="Median duration of a repetition, seconds.")
    symmetry: Quantity | None = Field(description="Range of the weaker side as a share of the stronger one, per cent.")
    consistency: Quantity | None = Field(description="Similarity of the repetitions in range and duration, per cent.")
    time_under_tension: Quantity | None = Field(description="Time in repetitions or in the hold, seconds.")


class RepSimilarity(Part):
    """One repetition compared with the reference."""

    index: int = Field(ge=1)
    similarity: Share
    moment_s: Seconds = Field(description="Time of the greatest difference, in this video.")
    reference_moment_s: Seconds = Field(description="The matching time in the reference.")
    joint: str = Field(description="The joint with the greatest difference at that time.")


class Similarity(Part):
    """Similarity of this video and the reference; 1 is the same movement."""

    overall: Share
    per_joint: dict[str, Share]
    per_rep: list[RepSimilarity]


class Warn(Part):
    """A warning about the video or the report."""

    code: str
    message: str


class Files(Part):
    """Names of the files beside the report; null if there is no such file."""

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
    """The report on one video. The fields about a single exercise describe the longest set; `sets` has all sets."""

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
