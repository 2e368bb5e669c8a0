"""The published report: its schema, its names, its numbers."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

import feedback
from feedback.report.schema import Quantity, Tempo, json_schema
from feedback.review import review
from tests.figures import figure

SCHEMA = Path(__file__).parents[3] / "docs" / "report.schema.json"


def test_the_published_schema_is_current() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == json_schema(), (
        "run: python -m feedback.report.schema > docs/report.schema.json"
    )


@pytest.mark.parametrize("exercise", ["squat", "lunge", "plank", "jumping_jack"])
@pytest.mark.parametrize("azimuth", [90, *(pytest.param(azimuth, marks=pytest.mark.slow) for azimuth in (0, 45))])
def test_reports_validate(exercise: str, azimuth: float) -> None:
    options = {"lead": 4} if exercise == "plank" else {"reps": 2, "peaks": [{}, {"lean": 60}]}
    made = review(figure(exercise, azimuth=azimuth, **options), exercise=exercise)
    written = json.loads(made.to_json(), parse_constant=pytest.fail)
    jsonschema.validate(written, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_the_report_has_the_names_of_the_contract() -> None:
    written = json.loads(review(figure("squat", reps=2, peaks=[{}, {"heel": 0.08}])).to_json())
    assert list(written) == [
        *("schema", "video", "exercise", "view", "reps", "hold", "faults", "notAssessed", "score", "statistics"),
        *("similarity", "warnings", "summary", "sets", "files"),
    ]
    assert written["schema"] == 2
    assert set(written["video"]) == {"durationS", "width", "height", "fps", "framesDecoded", "framesAnalysed"}
    assert set(written["reps"]["items"][0]) == {
        *("index", "side", "startS", "peakS", "endS", "good", "score", "rangeOfMotion", "tempo", "faults"),
        "borderline",
    }
    assert set(written["sets"][0]) >= {
        *("index", "exercise", "startS", "endS", "reps", "goodReps", "hold", "score", "faults"),
    }
    assert set(written["reps"]["items"][0]["tempo"]) == {"loweringS", "pauseS", "liftingS"}
    assert set(written["faults"][0]) == {
        *("id", "title", "advice", "severity", "reps", "spans", "measured", "threshold", "unit", "view", "source"),
    }
    assert set(written["statistics"]) == {"rangeOfMotion", "tempo", "symmetry", "consistency", "timeUnderTension"}
    assert set(written["files"]) == {"report", "worst1", "worst2", "best", "graph", "video", "comparison"}


def test_every_warning_is_explained() -> None:
    sources = Path(feedback.__file__).parent.rglob("*.py")
    codes = {code for source in sources for code in re.findall(r'Warn\(code="(\w+)"', source.read_text(encoding="utf-8"))}
    page = (SCHEMA.parent / "report.md").read_text(encoding="utf-8")
    assert codes
    assert {code for code in codes if f"`{code}`" not in page} == set()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_know_are_refused(value: float) -> None:
    with pytest.raises(ValidationError):
        Quantity(value=value, unit="deg")
    with pytest.raises(ValidationError):
        Tempo(lowering_s=value, pause_s=0, lifting_s=0)
