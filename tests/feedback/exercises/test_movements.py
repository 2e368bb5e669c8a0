"""The movements on stick figures: recognised and counted from every side, and what must not be counted."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.exercises import CATALOGUE
from pose.motion import INDEX, LANDMARKS, Motion
from pose.movements.repetitions import find_hold, find_repetitions
from pose.movements.sets import find_sets
from pose.movements.signals import clean
from tests.figures import EXERCISES, FLOOR, HANG, STAND, Keys, blend, figure, film, script, then, walk, wave

pytestmark = pytest.mark.slow

MOVEMENTS = {name: exercise.movement for name, exercise in CATALOGUE.items()}
IN_TURN = sorted(name for name, movement in MOVEMENTS.items() if movement.alternating and movement.each_side)
"""Those that count each side and need both."""
COUNTED = sorted(name for name in EXERCISES.keys() - {"lat_pulldown", *IN_TURN} if not MOVEMENTS[name].held)
"""Without the lat pulldown: noise decides whether a figure's pulldown or a press backwards is seen."""
ALL = [movement for exercise in CATALOGUE.values() for movement in exercise.movements]
VIEWS = (0, 45, 90, 150, -90, -45)

PANNED = [
    name
    for name in COUNTED
    if not any(band.signal.endswith("_rise") and band.when == "range" for band in MOVEMENTS[name].signature)
    and not any(drive.signal.endswith("_rise") for drive in MOVEMENTS[name].drives)
]
"""The exercises that are recognised under a moving camera, too; the others have parts whose place in the picture counts."""

every_exercise = pytest.mark.parametrize("exercise", COUNTED)


def count(motion: Motion, exercise: str) -> int:
    return len(find_repetitions(clean(motion), MOVEMENTS[exercise]))


def seen(motion: Motion) -> str:
    return " and ".join(one.movement.id for one in find_sets(clean(motion), ALL)) or "none"


def extreme(exercise: str, share: float = 1.0) -> Keys:
    """A single pose: so far on the way to the exercise's extreme."""
    calm, changes = EXERCISES[exercise]
    return [(0.0, blend(calm, replace(calm, **changes), share))]


def calm(exercise: str, seconds: float = 1.0) -> Keys:
    pose, _ = EXERCISES[exercise]
    return [(0.0, pose), (seconds, pose)]


@every_exercise
@pytest.mark.parametrize("azimuth", VIEWS)
def test_every_exercise_from_every_side(exercise: str, azimuth: float) -> None:
    motion = figure(exercise, reps=3, azimuth=azimuth)
    assert (seen(motion), count(motion, exercise)) == (exercise, 3)


@pytest.mark.parametrize("exercise", IN_TURN)
@pytest.mark.parametrize("azimuth", [0, 45, -45])
@pytest.mark.parametrize(("period", "fps"), [(0.6, 30), (2.0, 15), (4.0, 10)])
def test_sides_in_turn_count_each(exercise: str, azimuth: float, period: float, fps: float) -> None:
    motion = figure(exercise, reps=8, azimuth=azimuth, period=period, fps=fps)
    sides = [each.side for each in find_repetitions(clean(motion), MOVEMENTS[exercise])]
    assert (seen(motion), sides) == (exercise, ["left", "right"] * 4)


def test_a_camera_from_one_side_moves_the_middle_of_a_twist() -> None:
    """Wrists that are seen 4 cm too far to the left: both sides still swing alike."""
    motion = figure("russian_twist", reps=6, azimuth=45)
    world = motion.world.copy()
    across = world[:, INDEX["left_shoulder"]] - world[:, INDEX["right_shoulder"]]
    hips = world[:, INDEX["left_hip"]] - world[:, INDEX["right_hip"]]
    across = (across + hips) / np.linalg.norm(across + hips, axis=1, keepdims=True)
    world[:, [INDEX["left_wrist"], INDEX["right_wrist"]]] += 0.04 * across[:, None]
    found = find_repetitions(clean(replace(motion, world=world)), MOVEMENTS["russian_twist"])
    assert [each.side for each in found] == ["left", "right"] * 3
    assert min(each.swing for each in found) > 0.9 * max(each.swing for each in found)


def test_three_takes_with_black_between() -> None:
    """The person is lost while the picture is black; each take is a set, and none is lost or counted twice."""
    takes = [clean(figure("squat", reps, azimuth=azimuth)) for reps, azimuth in ((3, 90), (2, 45), (4, -90))]
    motion = joined(takes, black_s=1.5)
    found = find_sets(clean(motion), ALL)
    assert {one.movement.id for one in found} == {"squat"}
    assert sum(len(one.repetitions) for one in found) == 9


def joined(takes: Sequence[Motion], black_s: float) -> Motion:
    """One take after the other, with cuts, and samples without a person between them."""
    black = round(black_s * 15)
    times, cuts, parts = [], [], []
    start = 0.0
    for take in takes:
        if parts:
            cuts += [start, start + black_s]
            times.append(start + np.arange(black) / 15)
            parts.append([np.full((black, 33, 3), np.nan), np.full((black, 33, 3), np.nan), np.zeros((black, 33))])
            start += black_s
        times.append(take.times + start)
        parts.append([take.image, take.world, take.visibility])
        start = float(times[-1][-1]) + 1 / 15
    return Motion(takes[0].video, np.concatenate(times), *map(np.concatenate, zip(*parts, strict=True)), tuple(cuts))


@pytest.mark.parametrize("exercise", sorted(name for name in EXERCISES if MOVEMENTS[name].held))
@pytest.mark.parametrize("azimuth", VIEWS)
def test_held_positions_from_every_side(exercise: str, azimuth: float) -> None:
    (held,) = find_sets(clean(figure(exercise, reps=0, lead=4, tail=4, azimuth=azimuth)), ALL)
    assert held.movement.id == exercise
    assert held.duration_s == pytest.approx(8, abs=0.5)


@every_exercise
@pytest.mark.parametrize(("period", "pause", "fps"), [(0.4, 0.05, 30), (0.8, 0.0, 15), (6.0, 1.0, 10)])
def test_fast_and_slow_repetitions(exercise: str, period: float, pause: float, fps: float) -> None:
    assert count(figure(exercise, reps=5, period=period, pause=pause, fps=fps), exercise) == 5


@every_exercise
def test_partial_repetitions_count(exercise: str) -> None:
    part = 0.5 if MOVEMENTS[exercise].floor < 0.4 else 0.85
    assert count(figure(exercise, reps=4, depth=[1, part, 1, part]), exercise) == 4


def test_one_faulty_repetition_amid_good_ones_counts() -> None:
    narrow = {"spread": 3}
    assert count(figure("jumping_jack", reps=5, peaks=[{}, {}, narrow, {}, {}]), "jumping_jack") == 5


@pytest.mark.parametrize("bend", [0.22, 0.3])
def test_shallow_repetitions_beside_deep_ones_count(bend: float) -> None:
    assert count(figure("push_up", reps=4, depth=[1, bend, 1, bend]), "push_up") == 4


@every_exercise
def test_bounces_in_a_pause_are_no_repetitions(exercise: str) -> None:
    keys = then(script(exercise, 1), script(exercise, 2, depth=0.14, period=0.6), script(exercise, 2), change=0.2)
    assert count(film(keys), exercise) == 3


@every_exercise
def test_pulsing_at_the_extreme_is_one_repetition(exercise: str) -> None:
    pulses = [extreme(exercise, share) for share in (1, 0.8, 1, 0.8, 1)]
    keys = then(script(exercise, 2), *pulses, script(exercise, 1), change=0.5)
    assert count(film(keys), exercise) == 4


@every_exercise
def test_a_long_stop_at_the_extreme_is_one_repetition(exercise: str) -> None:
    keys = then(calm(exercise), extreme(exercise), extreme(exercise), calm(exercise), change=3.0)
    assert count(film(keys), exercise) == 1


@every_exercise
def test_going_back_only_halfway_still_parts_two_repetitions(exercise: str) -> None:
    keys = then(calm(exercise), *[extreme(exercise, share) for share in (1, 0.45, 1, 0.45, 1)], calm(exercise), change=0.9)
    assert count(film(keys), exercise) == 3


@pytest.mark.parametrize("exercise", [name for name in COUNTED if name not in {"calf_raise", "side_leg_raise"}])
@pytest.mark.parametrize(
    ("start", "expected"), [(1.0, 3), (0.3, 2)], ids=["the extreme is seen", "the extreme was before the video"]
)
def test_a_repetition_that_the_start_cuts_off(exercise: str, start: float, expected: int) -> None:
    """Not for small movements: somebody who begins on tiptoe or on one leg may just stand like that."""
    keys = then(extreme(exercise, start), script(exercise, 2, lead=0.2))
    assert count(film(keys), exercise) == expected


@every_exercise
@pytest.mark.parametrize(("stop", "expected"), [(0.4, 3), (0.95, 2)], ids=["the way back is seen", "no way back"])
def test_a_repetition_that_the_end_cuts_off(exercise: str, stop: float, expected: int) -> None:
    keys = then(script(exercise, 2, tail=0.2), extreme(exercise), extreme(exercise, stop))
    assert count(film(keys), exercise) == expected


@pytest.mark.parametrize("exercise", [name for name in COUNTED if MOVEMENTS[name].fewest == 1])
def test_only_the_way_back_of_one_repetition(exercise: str) -> None:
    motion = film(then(extreme(exercise), extreme(exercise), calm(exercise), change=0.9))
    assert (seen(motion), count(motion, exercise)) == (exercise, 1)


@pytest.mark.parametrize("exercise", ["squat", "deadlift", "lunge", "biceps_curl", "overhead_press", "jumping_jack"])
def test_walking_in_and_out_changes_nothing(exercise: str) -> None:
    keys = then(walk(3, speed=0.8), script(exercise, 3), walk(3, speed=0.8))
    motion = film(keys)
    assert (seen(motion), count(motion, exercise)) == (exercise, 3)


@pytest.mark.parametrize("exercise", ["push_up", "plank", "sit_up"])
def test_getting_down_and_standing_up_changes_nothing(exercise: str) -> None:
    standing = [(0.0, STAND), (1.0, STAND)]
    motion = film(then(standing, script(exercise, 3 if exercise != "plank" else 0, lead=4), standing))
    assert seen(motion) == exercise
    if exercise != "plank":
        assert count(motion, exercise) == 3


def test_jumping_to_the_bar_and_letting_go_is_no_pull_up() -> None:
    standing = [(0.0, replace(STAND, anchor="hips", rise=-1)), (1.0, replace(STAND, anchor="hips", rise=-1))]
    reach = [(0.0, replace(HANG, anchor="hips", rise=-1))]
    motion = film(then(standing, reach, script("pull_up", 2), reach, standing), azimuth=180)
    assert (seen(motion), count(motion, "pull_up")) == ("pull_up", 2)


@pytest.mark.parametrize("exercise", PANNED)
def test_a_moving_camera_changes_nothing(exercise: str) -> None:
    motion = figure(exercise, reps=4, pan=12)
    assert (seen(motion), count(motion, exercise)) == (exercise, 4)


@every_exercise
def test_jitter_and_slips_of_the_landmarks_change_nothing(exercise: str) -> None:
    motion = figure(exercise, reps=4, noise=0.012, seed=1)
    rng = np.random.default_rng(2)
    for sample in rng.choice(len(motion.times), 8, replace=False):
        motion.world[sample, rng.integers(33)] += 0.6
    assert (seen(motion), count(motion, exercise)) == (exercise, 4)


@every_exercise
def test_a_short_loss_of_the_person_changes_nothing(exercise: str) -> None:
    motion = figure(exercise, reps=3, fps=30)
    lost = (motion.times > 2.0) & (motion.times < 2.3)
    motion.image[lost] = motion.world[lost] = np.nan
    assert count(motion, exercise) == 3


NOTHING = {
    "standing": [(0.0, STAND), (8.0, STAND)],
    "walking": walk(8, speed=0.9),
    "walking on the spot": walk(8, knees=55, stride=10),
    "running": walk(8, step=0.34, stride=38, knees=75, speed=2),
    "waving": wave(8),
    "one nod of the knees in a minute": then(
        [(0.0, STAND), (30.0, STAND)], script("squat", 1, depth=0.3), [(0.0, STAND), (30.0, STAND)]
    ),
}


@pytest.mark.parametrize("azimuth", [0, 45, 90])
@pytest.mark.parametrize("what", NOTHING)
def test_what_is_no_exercise(what: str, azimuth: float) -> None:
    motion = film(NOTHING[what], azimuth=azimuth, noise=0.005)
    assert seen(motion) == "none"


@pytest.mark.parametrize("samples", [0, 1, 2])
def test_too_short_to_be_anything(samples: int) -> None:
    motion = figure("squat", 1)
    first = Motion(motion.video, *(each[:samples] for each in (motion.times, motion.image, motion.world, motion.visibility)))
    assert seen(first) == "none"


@pytest.mark.parametrize("azimuth", VIEWS)
def test_the_leg_in_front_in_a_lunge(azimuth: float) -> None:
    other = {"hip": (182, 88), "knee": (92, 90), "anchor": "right_ankle"}
    right = script("lunge", 1, both={"anchor": "right_ankle"}, rest={"hip": (195, 155)}, peaks=[other])
    repetitions = find_repetitions(clean(film(then(script("lunge", 1), right), azimuth=azimuth)), MOVEMENTS["lunge"])
    assert [repetition.side for repetition in repetitions] == ["left", "right"]


@pytest.mark.parametrize("azimuth", [0, 90, -90])
def test_how_long_a_plank_is_held(azimuth: float) -> None:
    standing = [(0.0, STAND), (2.0, STAND)]
    hold = find_hold(
        clean(film(then(standing, script("plank", 0, lead=6, tail=6), standing), azimuth=azimuth)), MOVEMENTS["plank"]
    )
    assert hold is not None
    assert hold.duration_s == pytest.approx(12, abs=1)


def test_sagging_does_not_end_a_plank() -> None:
    sag = [(0.0, replace(EXERCISES["plank"][0], hip=208)), (2.0, replace(EXERCISES["plank"][0], hip=208))]
    hold = find_hold(clean(film(then(script("plank", 0, lead=4), sag, script("plank", 0, lead=4)))), MOVEMENTS["plank"])
    assert hold is not None
    assert hold.duration_s == pytest.approx(13.6, abs=1)


def test_pauses_between_push_ups_are_no_plank() -> None:
    assert seen(figure("push_up", reps=3, pause=4.0, lead=4.0)) == "push_up"


def test_lying_down_is_no_plank() -> None:
    flat = replace(FLOOR, lean=90, shoulder=150, elbow=90, anchor="hips")
    assert find_hold(clean(film([(0.0, flat), (6.0, flat)])), MOVEMENTS["plank"]) is None


MIRROR = [INDEX[name.replace("left", "#").replace("right", "left").replace("#", "right")] for name in LANDMARKS]


def mirrored(motion: Motion) -> Motion:
    image, world = motion.image[:, MIRROR].copy(), motion.world[:, MIRROR].copy()
    image[..., 0] = motion.video.width - image[..., 0]
    world[..., 0] *= -1
    return replace(motion, image=image, world=world, visibility=motion.visibility[:, MIRROR])


reps_of_any = st.tuples(
    st.sampled_from([name for name in COUNTED if MOVEMENTS[name].fewest == 1]),
    st.integers(1, 4),
    st.sampled_from(VIEWS),
    st.integers(0, 5),
)


@settings(deadline=None, max_examples=25)
@given(reps_of_any, st.floats(0.2, 5), st.floats(-500, 500), st.booleans())
def test_size_place_and_mirror_do_not_change_the_count(
    case: tuple[str, int, float, int], scale: float, shift: float, mirror: bool
) -> None:
    exercise, reps, azimuth, seed = case
    motion = figure(exercise, reps, azimuth=azimuth, noise=0.004, seed=seed)
    moved = replace(motion, image=motion.image * scale + np.array([shift, -shift, 0]))
    if mirror:
        moved = mirrored(moved)
    assert (seen(moved), count(moved, exercise)) == (exercise, reps)


@settings(deadline=None, max_examples=25)
@given(reps_of_any, st.floats(8, 60), st.integers(0, 1000))
def test_the_frame_rate_does_not_change_the_count(case: tuple[str, int, float, int], fps: float, seed: int) -> None:
    """Neither another rate nor uneven times, as sampling and variable frame rates give."""
    exercise, reps, azimuth, _ = case
    motion = figure(exercise, reps, azimuth=azimuth, fps=fps)
    kept = np.random.default_rng(seed).random(len(motion.times)) > 0.2
    uneven = Motion(motion.video, *(each[kept] for each in (motion.times, motion.image, motion.world, motion.visibility)))
    assert (seen(uneven), count(uneven, exercise)) == (exercise, reps)


@pytest.mark.parametrize("azimuth", VIEWS)
def test_a_pulldown_is_no_press_as_long_as_it_begins_above(azimuth: float) -> None:
    assert seen(figure("lat_pulldown", reps=3, azimuth=azimuth)) == "lat_pulldown"


def test_a_plank_after_rows_and_a_walk_is_a_set_of_its_own() -> None:
    strolling = [(time, replace(pose, lean=7)) for time, pose in walk(20)]
    keys = then(script("row", 3), strolling, script("plank", 0, lead=4, tail=4, both={"elbow": 168, "shoulder": 74}))
    assert seen(film(keys)) == "row and plank"
