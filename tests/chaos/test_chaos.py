"""The short version of `make chaos`; the figures print when one is wrong."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chaos import hostile, kills, mutants, outages, parameters, variants
from tests.chaos.ground import Ground, local_ground
from tests.chaos.report import Report


@pytest.fixture
def ground() -> Iterator[Ground]:
    with local_ground() as made:
        yield made


@pytest.fixture
def report() -> Iterator[Report]:
    made = Report(seed=7)
    yield made
    assert made.failures == []


def test_kills_at_points(ground: Ground, report: Report) -> None:
    kills.at_each_point(ground, report, times=2, points=("analysing finished", "uploading graph.png", "annotating started"))


def test_several_consumers_one_of_them_killed_again_and_again(ground: Ground, report: Report) -> None:
    kills.among_several(ground, report, consumers=2, jobs=12, every_s=4.0)


def test_a_storage_that_goes_away(ground: Ground, report: Report) -> None:
    outages.everything(ground, report, seconds=2)


def test_hostile_documents(ground: Ground, report: Report) -> None:
    hostile.documents(ground, report, count=40)


def test_hostile_parameters(ground: Ground, report: Report) -> None:
    parameters.parameters(ground, report, count=40)


@pytest.mark.parametrize(
    ("came", "expectation", "good"),
    [
        ({"result": {"reps": 4}}, "4 reps", True),
        ({"result": {"reps": 3}}, "4 reps", False),
        ({"result": {"reps": 176}}, "176 reps, in bounded memory", True),
        ({"error": {"code": "video_unreadable"}}, "clear error: not a video", True),
        ({"error": {"code": "analysis_crashed"}}, "clear error: not a video", False),
        ({"error": {"code": "video_unreadable"}}, "clear error: picture too large (no large allocation)", False),
        ({"error": {"code": "video_too_large"}}, "clear error: picture too large (no large allocation)", True),
        ({"error": {"code": "no_person"}}, "clear error: too many frames / too long, or 0 reps", True),
        ({"result": {"reps": 0}}, "clear error: too short, or 0 reps", True),
        ({"result": {"reps": 1}}, "clear error: too short, or 0 reps", False),
        ({"result": {"reps": 2}}, "reps of the readable part with a warning, or clear error: file is incomplete", True),
        (
            {"error": {"code": "internal"}},
            "reps of the readable part with a warning, or clear error: file is incomplete",
            False,
        ),
    ],
)
def test_expectations_name_the_codes_that_fit(came: dict[str, Any], expectation: str, good: bool) -> None:
    assert variants.fits(came, expectation) is good


def test_a_figure_that_is_wrong_is_a_failure() -> None:
    made = Report(seed=7)
    made.about("points", "local")
    made.figure("lost", 0, 0)
    made.figure("memory", 10, at_most=20)
    assert made.ok
    made.figure("lost", 1, 0)
    made.figure("memory", 30, at_most=20)
    made.figure("cut", 0, at_least=1)
    assert [failure.rpartition(": ")[0] for failure in made.failures] == [
        f"points, local: {it}" for it in ("lost", "memory", "cut")
    ]


def test_mutated_videos(ground: Ground, report: Report) -> None:
    mutants.videos(ground, report, count=15)
