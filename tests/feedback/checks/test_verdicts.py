"""Every fault of every exercise on stick figures, on both sides of its threshold, and only from views that show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from feedback.exercises import CATALOGUE
from feedback.report.schema import Report
from feedback.review import review
from pose.motion import INDEX, Motion
from tests.figures import EXERCISES, Keys, figure, film

pytestmark = pytest.mark.slow

FRONT, OBLIQUE, LEFT, RIGHT, REAR = 0, 45, 90, -90, 180
BAR = {"rise": 2.2}


@dataclass(frozen=True)
class Case:
    """A fault, what is just right and what is plainly wrong: fields of `Pose` at the extreme of the second of three reps.

    `rest` holds them between the repetitions, so that all three are faulty; `both` all the time.
    """

    exercise: str
    fault: str
    azimuth: float
    right: Mapping[str, Any]
    wrong: Mapping[str, Any]
    where: str = "peaks"
    also: Mapping[str, Any] = field(default_factory=dict)

    def report(self, changes: Mapping[str, Any]) -> Report:
        options: dict[str, Any] = {"reps": 3, "azimuth": self.azimuth, **self.also}
        options[self.where] = [{}, changes, {}] if self.where == "peaks" else {**options.get(self.where, {}), **changes}
        return review(figure(self.exercise, **options), exercise=self.exercise)

    @property
    def faulty(self) -> list[int]:
        if self.exercise == "plank":
            return []
        return [2] if self.where == "peaks" else [1, 2, 3]

    def __str__(self) -> str:
        return f"{self.exercise}-{self.fault}-{self.azimuth}"


CASES = [
    Case("squat", "shallow_depth", LEFT, {"hip": 78, "knee": 85}, {"hip": 108, "knee": 112, "lean": 25}),
    Case("squat", "shallow_depth", OBLIQUE, {"hip": 78, "knee": 85}, {"hip": 108, "knee": 112, "lean": 25}),
    Case("squat", "knee_valgus", FRONT, {"knee_in": 0.01}, {"knee_in": 0.04}),
    Case("squat", "forward_lean", RIGHT, {"lean": 45}, {"lean": 58}),
    Case("squat", "heel_rise", LEFT, {"heel": 0.025}, {"heel": 0.07}),
    Case("push_up", "shallow_depth", RIGHT, {"elbow": 95, "shoulder": 40}, {"elbow": 128, "shoulder": 60, "lean": 76}),
    Case("push_up", "shallow_depth", OBLIQUE, {"elbow": 95, "shoulder": 40}, {"elbow": 128, "shoulder": 60, "lean": 76}),
    Case("push_up", "hips_sagging", LEFT, {"hip": 188}, {"hip": 198}, "both"),
    Case("push_up", "hips_piked", LEFT, {"hip": 169}, {"hip": 150}, "both", {"scale": 120}),
    Case("push_up", "incomplete_lockout", LEFT, {"elbow": 160}, {"elbow": 142}, "rest"),
    Case("push_up", "incomplete_lockout", OBLIQUE, {"elbow": 160}, {"elbow": 130}, "rest"),
    Case("push_up", "elbow_flare", FRONT, {"plane": 60, "shoulder": 60}, {"plane": 88, "shoulder": 80, "elbow": 80}),
    Case("lunge", "shallow_depth", LEFT, {"hip": (100, 182), "knee": (108, 100)}, {"hip": (125, 190), "knee": (132, 130)}),
    Case("lunge", "shallow_depth", OBLIQUE, {"hip": (100, 182), "knee": (108, 100)}, {"hip": (125, 190), "knee": (132, 130)}),
    Case("lunge", "forward_lean", LEFT, {"lean": 26, "hip": (68, 162)}, {"lean": 38, "hip": (56, 150)}),
    Case("lunge", "knee_valgus", FRONT, {"knee_in": 0.06}, {"knee_in": 0.15}),
    Case("plank", "hips_sagging", LEFT, {"hip": 188}, {"hip": 198}, "both", {"lead": 4}),
    Case("plank", "hips_piked", RIGHT, {"hip": 163}, {"hip": 148}, "both", {"lead": 4, "scale": 100}),
    Case("deadlift", "incomplete_lockout", LEFT, {"hip": 168, "lean": 8}, {"hip": 152, "lean": 22}, "rest"),
    Case("overhead_press", "incomplete_lockout", FRONT, {"elbow": 162}, {"elbow": 135, "shoulder": 155}),
    Case("overhead_press", "incomplete_lockout", OBLIQUE, {"elbow": 162}, {"elbow": 130, "shoulder": 155}),
    Case("overhead_press", "back_lean", RIGHT, {"lean": -10}, {"lean": -20}),
    Case("biceps_curl", "incomplete_extension", LEFT, {"elbow": 155}, {"elbow": 132}, "rest"),
    Case("biceps_curl", "incomplete_extension", OBLIQUE, {"elbow": 155}, {"elbow": 125}, "rest"),
    Case("biceps_curl", "partial_curl", RIGHT, {"elbow": 65}, {"elbow": 90}),
    Case("biceps_curl", "partial_curl", OBLIQUE, {"elbow": 65}, {"elbow": 95}),
    Case("biceps_curl", "elbow_drift", LEFT, {"shoulder": 24}, {"shoulder": 36}),
    Case("biceps_curl", "body_swing", LEFT, {"lean": -3}, {"lean": -14}),
    Case("sit_up", "partial_rise", LEFT, {"lean": -28, "hip": 74}, {"lean": -48, "hip": 94}),
    Case("sit_up", "partial_rise", OBLIQUE, {"lean": -28, "hip": 74}, {"lean": -50, "hip": 96}),
    Case("sit_up", "feet_lift", LEFT, {"hip": 44}, {"hip": 36}),
    Case("jumping_jack", "arms_low", FRONT, {"shoulder": 145}, {"shoulder": 105}),
    Case("jumping_jack", "arms_low", REAR, {"shoulder": 145}, {"shoulder": 105}),
    Case("jumping_jack", "feet_narrow", FRONT, {"spread": 12}, {"spread": 5.5}),
    Case("jumping_jack", "feet_narrow", REAR, {"spread": 12}, {"spread": 5.5}),
    Case("pull_up", "incomplete_extension", FRONT, {"elbow": 155}, {"elbow": 132}, "rest", {"both": BAR}),
    Case("pull_up", "incomplete_extension", REAR, {"elbow": 155}, {"elbow": 132}, "rest", {"both": BAR}),
    Case("pull_up", "chin_below_bar", FRONT, {"elbow": 55}, {"elbow": 85, "shoulder": 70}, also={"both": BAR}),
    Case("pull_up", "chin_below_bar", REAR, {"elbow": 55}, {"elbow": 85, "shoulder": 70}, also={"both": BAR}),
    Case("pull_up", "kipping", LEFT, {"lean": 15}, {"lean": 32, "hip": 145}, also={"both": BAR}),
    Case("overhead_press", "uneven_sides", FRONT, {"shoulder": (170, 158)}, {"shoulder": (170, 130), "elbow": (170, 120)}),
    Case("biceps_curl", "uneven_sides", FRONT, {"elbow": (45, 65)}, {"elbow": (45, 95)}),
    Case("jumping_jack", "uneven_sides", FRONT, {"shoulder": (165, 140)}, {"shoulder": (165, 110)}),
]


def faults(report: Report) -> dict[str, list[int]]:
    return {fault.id: fault.reps for fault in report.faults}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fault_is_found_beyond_its_threshold_in_its_repetition(case: Case) -> None:
    assert faults(case.report(case.wrong)).get(case.fault) == case.faulty


@pytest.mark.parametrize("case", CASES, ids=str)
def test_there_is_no_fault_on_the_good_side(case: Case) -> None:
    report = case.report(case.right)
    assert case.fault not in faults(report)
    assert case.fault not in {each.id for each in report.not_assessed}


FIGURED = [exercise for exercise in CATALOGUE if exercise in EXERCISES]
COUNTED = [exercise for exercise in FIGURED if not CATALOGUE[exercise].movement.held]


# Of those whose sides take turns the limit lies near the shortest repetition that counts.
@pytest.mark.parametrize(
    "exercise", [each for each in COUNTED if CATALOGUE[each].movement.fewest < 4 and each != "russian_twist"]
)
def test_too_fast(exercise: str) -> None:
    limit = next(check.threshold for check in CATALOGUE[exercise].checks if check.id == "too_fast")
    # A repetition is timed from leaving rest to being back, which is some 80 % of the figure's smooth period.
    slow = figure(exercise, reps=4, period=1.5 * limit, fps=30)
    fast = figure(exercise, reps=4, period=0.8 * limit, fps=30)
    assert "too_fast" not in faults(review(slow, exercise=exercise))
    assert faults(review(fast, exercise=exercise)).get("too_fast") == [1, 2, 3, 4]


def test_a_repetition_under_way_when_the_video_begins_is_not_timed() -> None:
    motion = figure("push_up", reps=4, period=1.2, pause=1.0, lead=0.0, azimuth=LEFT)
    # The video begins a little before the lowest point of the first repetition.
    begun = motion.part(int(np.searchsorted(motion.times, 0.4)), len(motion.times))
    report = review(begun, exercise="push_up")
    assert report.reps.items[0].end_s - report.reps.items[0].start_s < 0.6
    assert "too_fast" not in faults(report)


@pytest.mark.parametrize(("seconds", "found"), [(0.1, False), (2.0, True)])
def test_leaving_a_hold_is_no_fault_of_it(seconds: float, found: bool) -> None:
    calm, *_ = EXERCISES["plank"]
    sagging = replace(calm, hip=205)
    keys: Keys = [(0.0, calm), (6.0, calm), (6.7, sagging), (6.7 + seconds, sagging)]
    report = review(film(keys, azimuth=LEFT, scale=100, fps=30), exercise="plank")
    assert ("hips_sagging" in faults(report)) is found


@pytest.mark.parametrize(("both", "judged"), [({}, True), ({"lean": 0, "rise": 0.9}, False)])
def test_legs_of_somebody_who_hangs_need_not_point_to_the_ceiling(both: Mapping[str, Any], judged: bool) -> None:
    report = review(figure("leg_raise", reps=3, azimuth=LEFT, both=both), exercise="leg_raise")
    assert ("partial_rise" not in {each.id for each in report.not_assessed}) is judged


def raised(motion: Motion, part: str, metres: float) -> Motion:
    """The left part higher than the right one in the second of three repetitions of a figure at 140 pixels a metre."""
    image, world = motion.image.copy(), motion.world.copy()
    middle = (motion.times > 3.7) & (motion.times < 4.9)
    for array, scale in ((image, 140), (world, 1)):
        array[middle, INDEX[f"left_{part}"], 1] -= metres / 2 * scale
        array[middle, INDEX[f"right_{part}"], 1] += metres / 2 * scale
    return replace(motion, image=image, world=world)


@pytest.mark.parametrize("exercise", ["squat", "push_up", "lunge", "deadlift", "sit_up", "pull_up"])
@pytest.mark.parametrize("azimuth", [FRONT, REAR])
def test_uneven_sides(exercise: str, azimuth: float) -> None:
    check = next(check for check in CATALOGUE[exercise].checks if check.id == "uneven_sides")
    part = check.marks[0].removeprefix("left_")
    motion = figure(exercise, reps=3, azimuth=azimuth, both=BAR if exercise == "pull_up" else {})
    even = review(raised(motion, part, 0.7 * check.threshold / 100), exercise=exercise)
    uneven = review(raised(motion, part, 1.3 * check.threshold / 100), exercise=exercise)
    assert "uneven_sides" not in faults(even) | {each.id: [] for each in even.not_assessed}
    assert faults(uneven)["uneven_sides"] == [2]


def lifts(middle: Mapping[str, Any]) -> Keys:
    """Three deadlifts that pass through a posture half-way up."""
    stand, _ = EXERCISES["deadlift"]
    bottom = replace(stand, lean=60, hip=70, knee=100, shoulder=60)
    keys: Keys = [(0.0, stand), (1.0, stand)]
    for number in range(3):
        start = 1.0 + 2.8 * number
        keys += [(start + 1.2, bottom), (start + 1.8, replace(stand, **middle)), (start + 2.4, stand), (start + 2.8, stand)]
    return [*keys, (keys[-1][0] + 1, stand)]


@pytest.mark.parametrize(
    ("middle", "found"),
    [
        ({"lean": 62, "hip": 90, "knee": 125, "shoulder": 62}, False),
        ({"lean": 80, "hip": 82, "knee": 145, "shoulder": 80}, True),
    ],
)
def test_hips_that_rise_before_the_chest(middle: Mapping[str, Any], found: bool) -> None:
    report = review(film(lifts(middle), azimuth=LEFT), exercise="deadlift")
    assert ("hips_rise_first" in faults(report)) is found


def test_alternating_curls_are_neither_partial_nor_uneven() -> None:
    left, right = {"elbow": (45, 165)}, {"elbow": (165, 45)}
    report = review(figure("biceps_curl", reps=4, azimuth=FRONT, peaks=[left, right, left, right]), exercise="biceps_curl")
    assert report.reps.total == 4
    assert not report.faults


@pytest.mark.parametrize("exercise", FIGURED)
@pytest.mark.parametrize("azimuth", [FRONT, OBLIQUE, LEFT, 140, REAR, RIGHT])
def test_a_clean_set_has_no_fault_from_any_side(exercise: str, azimuth: float) -> None:
    options: dict[str, Any] = {"lead": 4} if CATALOGUE[exercise].movement.held else {"reps": 4}
    report = review(figure(exercise, azimuth=azimuth, both=BAR if exercise == "pull_up" else {}, **options), exercise=exercise)
    assert not report.faults
    assert report.reps.good == (0 if report.score is None else report.reps.total)


MUST_BE_JUDGED = {
    "squat": {"shallow_depth": "so", "knee_valgus": "f", "forward_lean": "s", "heel_rise": "s"},
    "push_up": {
        "shallow_depth": "so",
        "hips_sagging": "s",
        "hips_piked": "s",
        "incomplete_lockout": "so",
        "elbow_flare": "f",
        "hand_off_floor": "fo",
        "head_dropped": "s",
    },
    "lunge": {"shallow_depth": "so", "forward_lean": "s", "knee_valgus": "f"},
    "plank": {"hips_sagging": "s", "hips_piked": "s"},
    "deadlift": {"incomplete_lockout": "s", "hips_rise_first": "s", "heel_rise": "s"},
    "overhead_press": {"incomplete_lockout": "fso", "back_lean": "s"},
    "biceps_curl": {"incomplete_extension": "so", "elbow_drift": "s", "partial_curl": "so", "body_swing": "s"},
    "sit_up": {"partial_rise": "so", "feet_lift": "s"},
    "jumping_jack": {"arms_low": "fr", "feet_narrow": "fr"},
    "pull_up": {"incomplete_extension": "fr", "chin_below_bar": "fr", "kipping": "s"},
}
"""The contract: each exercise's faults and the views (front, side, oblique, rear) from which they must be judged."""


@pytest.mark.parametrize("exercise", MUST_BE_JUDGED)
def test_the_catalogue_keeps_the_contract(exercise: str) -> None:
    checks = {check.id: set(check.views) for check in CATALOGUE[exercise].checks}
    views = {"f": {"front"}, "s": {"side_left", "side_right"}, "o": {"oblique"}, "r": {"rear"}}
    expected = dict(MUST_BE_JUDGED[exercise])
    if exercise != "plank":
        expected |= {"uneven_sides": "fr", "too_fast": "fsor"}
    assert set(checks) == set(expected)
    for fault, letters in expected.items():
        assert set().union(*(views[letter] for letter in letters)) <= checks[fault]


# The view of a side plank is that of its chest, which is turned against the figure's azimuth.
@pytest.mark.parametrize("exercise", [exercise for exercise in FIGURED if exercise != "side_plank"])
@pytest.mark.parametrize(("azimuth", "view"), [(FRONT, "front"), (LEFT, "side_left"), (OBLIQUE, "oblique"), (REAR, "rear")])
def test_what_a_view_does_not_show_is_not_assessed(exercise: str, azimuth: float, view: str) -> None:
    options: dict[str, Any] = {"lead": 4} if exercise == "plank" else {"reps": 3}
    report = review(figure(exercise, azimuth=azimuth, **options), exercise=exercise)
    missing = {each.id for each in report.not_assessed}
    assert report.view.id == view
    assert {check.id for check in CATALOGUE[exercise].checks if view not in check.views} <= missing
    assert all(each.reason for each in report.not_assessed)


@pytest.mark.parametrize("fps", [8, 15, 60])
def test_one_bad_sample_is_no_fault(fps: int) -> None:
    motion = figure("squat", reps=3, azimuth=FRONT, fps=fps)
    image, world = motion.image.copy(), motion.world.copy()
    for array, scale in ((image, 140), (world, 1)):
        # Less than what is taken for a slip of the landmark and mended.
        array[int(2.0 * fps), INDEX["left_knee"], 0] -= 0.14 * scale
    assert not review(replace(motion, image=image, world=world), exercise="squat").faults


@pytest.mark.parametrize("fps", [8, 15, 60])
def test_the_sampling_rate_changes_no_verdict(fps: int) -> None:
    motion = figure("squat", reps=3, azimuth=LEFT, fps=fps, peaks=[{}, {"lean": 56}, {"heel": 0.08}])
    assert faults(review(motion, exercise="squat")) == {"forward_lean": [2], "heel_rise": [3]}


@pytest.mark.parametrize("azimuth", [LEFT, FRONT])
@pytest.mark.parametrize("until", [0.0, 2.0], ids=["at once", "within two seconds"])
@pytest.mark.parametrize("factor", [1.25, 0.8])
def test_a_camera_that_zooms_lifts_no_heel_and_no_side(azimuth: float, until: float, factor: float) -> None:
    motion = figure("squat", reps=4, azimuth=azimuth)
    zoom = np.interp(motion.times, [5.0, 5.01 + until], [1.0, factor])[:, None, None]
    middle = np.array([motion.video.width / 2, motion.video.height / 2])
    image = motion.image.copy()
    image[..., :2] = middle + zoom * (image[..., :2] - middle)
    report = review(replace(motion, image=image), exercise="squat")
    assert report.reps.total == 4
    assert not {"heel_rise", "uneven_sides"} & set(faults(report))


@pytest.mark.parametrize(("hip", "found"), [(172, []), (163, [1, 2, 3])])
def test_hips_that_are_high_throughout_are_too_high_although_no_moment_is(hip: float, found: list[int]) -> None:
    """The bend is 17 degrees all the time: less than a moment may have, more than a posture may."""
    report = review(figure("push_up", reps=3, azimuth=LEFT, scale=120, both={"hip": hip}), exercise="push_up")
    assert faults(report).get("hips_piked", []) == found
    assert all(fault.threshold < 15 for fault in report.faults)


@pytest.mark.parametrize("azimuth", [FRONT, OBLIQUE, -OBLIQUE])
@pytest.mark.parametrize(("up", "found"), [(0.06, []), (0.3, [1, 2, 3])])
def test_a_push_up_with_one_hand_off_the_floor(azimuth: float, up: float, found: list[int]) -> None:
    motion = figure("push_up", reps=3, azimuth=azimuth)
    image, world = motion.image.copy(), motion.world.copy()
    image[:, INDEX["right_wrist"], 1] -= 140 * up
    world[:, INDEX["right_wrist"], 1] -= up
    report = review(replace(motion, image=image, world=world), exercise="push_up")
    assert faults(report).get("hand_off_floor", []) == found


@pytest.mark.parametrize("azimuth", [LEFT, RIGHT])
@pytest.mark.parametrize(("down", "found"), [(0.08, []), (0.3, [1, 2, 3])])
def test_a_head_that_hangs_in_a_push_up(azimuth: float, down: float, found: list[int]) -> None:
    motion = figure("push_up", reps=3, azimuth=azimuth)
    image = motion.image.copy()
    for ear in ("left_ear", "right_ear"):
        image[:, INDEX[ear], 1] += 140 * down
    report = review(replace(motion, image=image), exercise="push_up")
    assert faults(report).get("head_dropped", []) == found
    assert "head_dropped" not in {each.id for each in report.not_assessed}


def turning(exercise: str, before: float, after: float, **options: Any) -> Motion:
    """A set in the middle of which the camera is somewhere else."""
    first, second = (figure(exercise, azimuth=azimuth, **options) for azimuth in (before, after))
    half = len(first.times) // 2
    image, world, visibility = (
        np.concatenate([getattr(first, name)[:half], getattr(second, name)[half:]]) for name in ("image", "world", "visibility")
    )
    return replace(first, image=image, world=world, visibility=visibility)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [(LEFT, FRONT, {"forward_lean": [1], "knee_valgus": [4]}), (FRONT, LEFT, {"knee_valgus": [2], "forward_lean": [3]})],
)
def test_each_repetition_is_judged_from_its_own_view(before: float, after: float, found: dict[str, list[int]]) -> None:
    """Each half of the set has a fault that its view shows and one that it does not."""
    peaks = [{"lean": 60}, {"knee_in": 0.05}, {"lean": 60}, {"knee_in": 0.05}]
    report = review(turning("squat", before, after, reps=4, peaks=peaks, pause=0.6), exercise="squat")
    assert {id_: reps for id_, reps in faults(report).items() if id_ in {"forward_lean", "knee_valgus"}} == found
    assert not {"forward_lean", "knee_valgus"} & {each.id for each in report.not_assessed}


@pytest.mark.parametrize("azimuth", [61, 119])
def test_a_view_that_hardly_applies_allows_no_check(azimuth: float) -> None:
    report = review(figure("squat", reps=3, azimuth=azimuth, peaks=[{}, {"lean": 64}, {}]), exercise="squat")
    assert "forward_lean" in {each.id for each in report.not_assessed}


@pytest.mark.parametrize("azimuth", [66, 69, 72, 108, 111, 114])
@pytest.mark.parametrize(("lean", "found"), [(46, []), (64, [2])])
def test_a_check_fades_out_at_the_border_of_its_view(azimuth: float, lean: float, found: list[int]) -> None:
    report = review(figure("squat", reps=3, azimuth=azimuth, peaks=[{}, {"lean": lean}, {}]), exercise="squat")
    assert faults(report).get("forward_lean", []) == found
    assert "forward_lean" not in {each.id for each in report.not_assessed}


def test_hidden_landmarks_are_not_judged() -> None:
    motion = figure("squat", reps=3, azimuth=LEFT, peaks=[{"heel": 0.08}] * 3)
    visibility = motion.visibility.copy()
    visibility[:, INDEX["left_heel"]] = 0.2
    report = review(replace(motion, visibility=visibility), exercise="squat")
    assert "heel_rise" in {each.id for each in report.not_assessed}


def test_feet_at_the_lower_edge_are_not_judged() -> None:
    motion = figure("squat", reps=3, azimuth=LEFT, peaks=[{"heel": 0.08}] * 3)
    image = motion.image.copy()
    image[..., 1] += motion.video.height - np.nanmax(image[..., 1]) - 1
    report = review(replace(motion, image=image), exercise="squat")
    assert "heel_rise" in {each.id for each in report.not_assessed}


def test_a_camera_that_sinks_lifts_no_heel() -> None:
    motion = figure("squat", reps=3, azimuth=LEFT)
    image = motion.image.copy()
    sinking = np.exp(-(((motion.times - motion.times[-1] / 2) / 0.6) ** 2))
    image[..., 1] -= 12 * sinking[:, None]
    assert not review(replace(motion, image=image), exercise="squat").faults


def test_a_mirrored_video_has_the_same_faults() -> None:
    shallow = [{}, {"hip": 108, "knee": 112, "lean": 25}, {}]
    left, right = (
        review(figure("squat", reps=3, azimuth=azimuth, peaks=shallow), exercise="squat") for azimuth in (LEFT, RIGHT)
    )
    assert faults(left) == faults(right) == {"shallow_depth": [2]}
