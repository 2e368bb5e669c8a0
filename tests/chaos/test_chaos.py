"""The short version of `make chaos`; the figures print when one is wrong."""

from collections.abc import Iterator

import pytest

from tests.chaos import hostile, kills, mutants, outages
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


def test_killed_where_it_hurts(ground: Ground, report: Report) -> None:
    kills.at_each_point(ground, report, times=2, points=("analysing finished", "uploading graph.png"))


def test_several_consumers_one_of_them_killed_again_and_again(ground: Ground, report: Report) -> None:
    kills.among_several(ground, report, consumers=2, jobs=12, every_s=4.0)


def test_a_storage_that_goes_away(ground: Ground, report: Report) -> None:
    outages.everything(ground, report, seconds=2)


def test_hostile_documents(ground: Ground, report: Report) -> None:
    hostile.documents(ground, report, count=40)


def test_mutated_videos(ground: Ground, report: Report) -> None:
    mutants.videos(ground, report, count=15)
