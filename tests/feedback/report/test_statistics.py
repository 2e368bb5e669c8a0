"""Range, tempo, symmetry, consistency and time under tension of figures whose motion is known."""

from dataclasses import replace

import pytest

from feedback.report.schema import Report
from feedback.review import review
from tests.figures import EXERCISES, Keys, blend, figure, film


def lowered(down: float, pause: float, up: float, exercise: str = "squat") -> Report:
    calm, extreme = EXERCISES[exercise]
    peak = blend(calm, replace(calm, **extreme), 1)
    keys: Keys = [(0.0, calm), (1.0, calm)]
    for _ in range(3):
        start = keys[-1][0]
        keys += [(start + down, peak), (start + down + pause, peak), (start + down + pause + up, calm)]
        keys.append((keys[-1][0] + 0.5, calm))
    return review(film([*keys, (keys[-1][0] + 1, calm)], azimuth=90), exercise=exercise)


@pytest.mark.parametrize(("down", "pause", "up"), [(2.0, 0.0, 1.0), (1.0, 1.5, 1.0), (1.0, 0.5, 2.5)])
def test_tempo(down: float, pause: float, up: float) -> None:
    for item in lowered(down, pause, up).reps.items:
        # The pause begins within a tenth of the range from the extreme, and the smooth way there and back is slow at its ends.
        assert item.tempo.lowering_s + item.tempo.pause_s + item.tempo.lifting_s == pytest.approx(
            item.end_s - item.start_s, abs=0.05
        )
        assert item.tempo.lowering_s - item.tempo.lifting_s == pytest.approx(0.65 * (down - up), abs=0.2)
        assert item.tempo.pause_s == pytest.approx(pause + 0.2 * (down + up), abs=0.25)


def test_a_curl_is_lifted_first() -> None:
    tempo = lowered(1.0, 0.0, 2.5, "biceps_curl").reps.items[0].tempo
    assert tempo.lifting_s < tempo.lowering_s


def test_range_of_motion_is_the_driving_joints() -> None:
    report = review(figure("squat", reps=3, azimuth=90), exercise="squat")
    assert report.statistics.range_of_motion is not None
    assert report.statistics.range_of_motion.value == pytest.approx(172 - 70, abs=6)
    assert report.statistics.range_of_motion.unit == "deg"


def test_time_under_tension_is_the_time_in_repetitions() -> None:
    report = review(figure("squat", reps=4, azimuth=90), exercise="squat")
    total = sum(item.end_s - item.start_s for item in report.reps.items)
    assert report.statistics.time_under_tension is not None
    assert report.statistics.time_under_tension.value == pytest.approx(total, abs=0.1)


def test_consistency_falls_with_uneven_repetitions() -> None:
    alike, unlike = (
        review(figure("squat", reps=4, azimuth=90, depth=depth), exercise="squat").statistics.consistency
        for depth in (1.0, [1, 0.5, 1, 0.6])
    )
    assert alike is not None
    assert unlike is not None
    assert alike.value > 97
    assert unlike.value < 90


@pytest.mark.parametrize(("right", "symmetry"), [(45, 100), (105, 50)])
def test_symmetry_is_the_weaker_sides_share(right: float, symmetry: float) -> None:
    report = review(figure("biceps_curl", reps=3, azimuth=0, peaks=[{"elbow": (45, right)}] * 3), exercise="biceps_curl")
    assert report.statistics.symmetry is not None
    assert report.statistics.symmetry.value == pytest.approx(symmetry, abs=3)


def test_symmetry_is_null_from_the_side() -> None:
    assert review(figure("squat", reps=2, azimuth=90), exercise="squat").statistics.symmetry is None


def test_a_hold_has_its_time_alone() -> None:
    statistics = review(figure("plank", reps=0, lead=5, tail=0), exercise="plank").statistics
    assert statistics.time_under_tension is not None
    assert statistics.time_under_tension.value == pytest.approx(5, abs=1)
    assert statistics.range_of_motion is statistics.tempo is statistics.consistency is None
