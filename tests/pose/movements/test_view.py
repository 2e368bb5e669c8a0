from dataclasses import replace

import numpy as np
import pytest

from pose.motion import Motion
from pose.movements.view import estimate_view, name_view, views_at
from tests.figures import EXERCISES, figure


# A view is that of the chest: in a side plank and a Russian twist it turns against the figure's azimuth.
@pytest.mark.parametrize("exercise", sorted(EXERCISES.keys() - {"side_plank", "russian_twist"}))
@pytest.mark.parametrize(
    ("azimuth", "view"),
    [
        (0, "front"),
        (-15, "front"),
        (40, "oblique"),
        pytest.param(-50, "oblique", marks=pytest.mark.slow),
        (90, "side_left"),
        (-80, "side_right"),
        (140, "rear"),
        pytest.param(176, "rear", marks=pytest.mark.slow),
        pytest.param(-170, "rear", marks=pytest.mark.slow),
    ],
)
def test_the_view_whatever_the_body_does(exercise: str, azimuth: float, view: str) -> None:
    found = estimate_view(figure(exercise, 2, azimuth=azimuth))
    assert found.id == view
    assert found.azimuth == pytest.approx(azimuth, abs=3)
    assert found.confidence > 0.9


@pytest.mark.parametrize(
    ("azimuth", "view"), [(22.4, "front"), (22.5, "oblique"), (-67.5, "side_right"), (67.5, "side_left"), (112.5, "rear")]
)
def test_the_borders_between_views(azimuth: float, view: str) -> None:
    assert name_view(azimuth) == view


def joined(*motions: Motion) -> Motion:
    first = motions[0]
    image, world, visibility = (
        np.concatenate([getattr(each, name) for each in motions]) for name in ("image", "world", "visibility")
    )
    return replace(first, times=np.arange(len(image)) / 15, image=image, world=world, visibility=visibility)


def test_someone_who_turns_is_seen_with_less_confidence() -> None:
    turning = joined(figure("squat", 3, azimuth=90), figure("squat", 1, azimuth=0))
    found = estimate_view(turning)
    assert found.id == "side_left"
    assert found.confidence < 0.8


def test_only_the_named_samples_count() -> None:
    turning = joined(figure("squat", 3, azimuth=90), figure("squat", 1, azimuth=0))
    assert estimate_view(turning, start=len(turning.times) - 20).id == "front"


def test_no_view_without_a_person() -> None:
    motion = figure("squat", 1)
    motion.world[:] = np.nan
    with pytest.raises(ValueError, match="no person"):
        estimate_view(motion)


@pytest.mark.parametrize(
    ("azimuth", "views"),
    [
        (0, {"front": 1}),
        (22.5, {"front": 0.5, "oblique": 0.5}),
        (-45, {"oblique": 1}),
        (63.75, {"oblique": 0.75, "side_left": 0.25}),
        (-71.25, {"oblique": 0.25, "side_right": 0.75}),
        (-116.25, {"side_right": 0.25, "rear": 0.75}),
        (180, {"rear": 1}),
    ],
)
def test_views_fade_into_each_other_at_their_borders(azimuth: float, views: dict[str, float]) -> None:
    assert views_at(azimuth) == pytest.approx(views)
