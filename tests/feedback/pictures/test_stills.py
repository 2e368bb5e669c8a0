import numpy as np
import pytest

from feedback.checks.judgement import Finding
from feedback.exercises import CATALOGUE
from feedback.pictures.cards import WIDTH
from feedback.pictures.curve import driving_angle
from feedback.pictures.drawing import RIGHT, WANTED, WRONG
from feedback.pictures.shots import Shot, best_shot, worst_shots
from feedback.pictures.stills import (
    clock,
    level_of,
    measured,
    picture_of,
    shown_points,
    target_text,
    title_of,
    unsmoothed,
    value_texts,
)
from feedback.review import examine
from feedback.words import words_of
from pose.motion import INDEX
from pose.movements.angles import angle_at
from tests.figures import figure

FAULTY = {
    "push_up": {"peaks": [{}, {"hip": 215}, {"elbow": 125, "shoulder": 55}, {}]},
    "squat": {"depth": [1, 0.5, 1, 1]},
    "deadlift": {"reps": 3, "rest": {"hip": 140}},
    "overhead_press": {"azimuth": 0, "peaks": [{"elbow": 120}] * 4},
    "jumping_jack": {"azimuth": 0, "peaks": [{"shoulder": 90}] * 4},
    "plank": {"reps": 0, "lead": 3, "tail": 3, "both": {"hip": 215}},
}


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    "size", [(640, 360), *(pytest.param(size, marks=pytest.mark.slow) for size in ((360, 640), (320, 240)))], ids=str
)
@pytest.mark.parametrize("exercise", FAULTY)
def test_every_kind_of_fault_is_shown_in_any_format_and_language(exercise, size, language):
    motion = figure(exercise, **{**FAULTY[exercise], "size": size, "scale": 0.3 * min(size)})
    examined = examine(motion, exercise=exercise, language=language).main
    assert examined.report.faults
    curve = driving_angle(examined)
    frame = np.full((size[1], size[0], 3), 120, np.uint8)
    worst = worst_shots([examined])[0][1]
    picture = picture_of(examined, curve, worst, frame)
    assert picture.shape[1] == WIDTH
    assert (picture == WRONG).all(axis=2).sum() > 500
    assert (picture[:2] == picture[0, 0]).all(), "the words begin below the upper edge"
    assert (picture[-2:] == picture[-1, 0]).all(), "and end above the lower one"
    best = best_shot([examined])
    if best is not None:
        good = picture_of(examined, curve, best[1], frame, best=True)
        assert (good == RIGHT).all(axis=2).sum() > 500
        assert not (good == WRONG).all(axis=2).any()


def test_the_target_is_drawn_beside_a_faulty_angle():
    examined = examine(figure("push_up", depth=[1, 0.4, 1, 1]), exercise="push_up").main
    picture = picture_of(examined, driving_angle(examined), worst_shots([examined])[0][1], np.zeros((360, 640, 3), np.uint8))
    # Beyond the sample of it in the legend.
    assert (picture[:-200] == WANTED).all(axis=2).sum() > 100


def test_a_moment_without_a_verdict_shows_the_driving_angle():
    examined = examine(figure("squat", 2), exercise="squat").main
    shot = Shot(examined.repetitions[0].peak, None, examined.repetitions[0])
    picture = picture_of(examined, driving_angle(examined), shot, np.zeros((360, 640, 3), np.uint8))
    assert (picture == RIGHT).all(axis=2).any()


@pytest.mark.parametrize(
    ("against", "end", "value", "expected"),
    [
        ("vertical", (30, -40), 37, (0, -50)),
        ("vertical", (30, 40), 37, (0, 50)),
        ("vertical", (30, 40), 143, (0, -50)),
        ("horizontal", (30, 40), 53, (50, 0)),
        ("horizontal", (-30, 40), 53, (-50, 0)),
        ("horizontal", (-30, 40), 127, (50, 0)),
    ],
)
def test_a_line_is_shown_against_the_arm_that_gives_the_measured_angle(against, end, value, expected):
    arm = level_of(np.array([[0, 0], end], float), against, value)
    assert arm == pytest.approx(expected)
    assert float(angle_at(arm, np.zeros(2), np.array(end, float))) == pytest.approx(value, abs=1)


CHECKS = [(name, check) for name, exercise in CATALOGUE.items() for check in exercise.checks]


@pytest.mark.parametrize("fault", [True, False])
@pytest.mark.parametrize(("exercise", "check"), CHECKS, ids=[f"{name} {check.id}" for name, check in CHECKS])
def test_a_target_says_on_which_side_of_it_is_good(exercise, check, fault):
    value = check.threshold if fault else check.clear
    finding = Finding(check, 1, "left", fault, value, check.threshold, 0, 0.0, (), ())
    text = target_text(words_of("en"), finding)
    good_is_below = check.above != (check.threshold < 0)
    assert (("at most" in text) or ("up to" in text)) == good_is_below
    assert text.startswith("Target" if fault else "Good")


def test_a_moment_reads_as_on_a_player():
    assert [clock(seconds) for seconds in (0, 7.9, 60, 754.2)] == ["0:00", "0:07", "1:00", "12:34"]


def test_landmarks_that_the_model_guesses_are_not_drawn():
    motion = figure("squat", 1)
    motion.visibility[:, 25] = 0.1
    points = shown_points(motion)
    assert np.isnan(points[:, 25]).all()
    assert np.isfinite(points[:, 23]).all()


def finding_of(exercise: str, check_id: str, value: float, *, fault: bool = False) -> Finding:
    check = next(check for check in CATALOGUE[exercise].checks if check.id == check_id)
    return Finding(check, 1, "left", fault, value, check.threshold, 0, 0.0, (), ())


@pytest.mark.parametrize(
    ("exercise", "check", "value", "text"),
    [
        ("squat", "shallow_depth", -7.2, "7° past level"),
        ("squat", "shallow_depth", -0.3, "0°"),
        ("leg_raise", "partial_rise", -12, "12° below level"),
        ("sit_up", "partial_rise", -5, "5° past upright"),
        ("plank", "hips_sagging", -3, "0°"),
        ("squat", "heel_rise", -1.4, "0 cm"),
        ("high_knees", "knees_low", -4, "4 cm"),
        ("high_knees", "knees_low", 6, "6 cm above"),
        ("pull_up", "chin_below_bar", -9.3, "9 cm below"),
    ],
)
def test_no_value_of_a_person_is_below_zero(exercise, check, value, text):
    assert value_texts(words_of("en"), finding_of(exercise, check, value))[0] == text


@pytest.mark.parametrize(
    ("exercise", "check", "value", "texts"),
    [
        ("lat_pulldown", "uneven_sides", 5.9, ("5.9 cm", "5.6 cm")),
        ("squat", "knee_valgus", 93.8, ("93.8%", "94%")),
        ("jumping_jack", "feet_narrow", 1.498, ("1.498", "1.5")),
    ],
)
def test_a_digit_more_is_shown_where_rounding_would_contradict(exercise, check, value, texts):
    assert value_texts(words_of("en"), finding_of(exercise, check, value)) == texts


def titles(examined):
    shots = [*worst_shots([examined]), best_shot([examined])]
    return [title_of(each[0], each[1], best=number == 2) for number, each in enumerate(shots) if each]


def test_cards_of_a_flawless_set_say_that_it_was_good():
    assert titles(examine(figure("squat", 3), exercise="squat").main) == ["This one was good"] * 3


def test_cards_do_not_call_good_what_was_not_judged():
    examined = examine(figure("jumping_jack", 3, azimuth=45), exercise="jumping_jack").main
    assert examined.report.score is None
    assert set(titles(examined)) <= {"Form not judged", "This was good"}


def test_what_is_no_fault_but_misses_its_target_is_almost_there():
    examined = examine(figure("squat", 3), exercise="squat").main
    finding = finding_of("squat", "shallow_depth", 27)
    assert target_text(words_of("en"), finding).startswith("Target")
    assert title_of(examined, Shot(0, finding, examined.repetitions[0]), best=True) == "Almost there"


def test_the_skeleton_lies_on_its_own_frame():
    motion = figure("squat", 3, period=0.8)
    motion.image[50, 15] += 400
    examination = examine(motion, exercise="squat")
    examined = examination.main
    drawn = unsmoothed(examination, examined.motion).image
    first = int(np.searchsorted(motion.times, examined.motion.times[0]))
    lowest = examined.repetitions[1].peak
    assert (drawn[lowest] == motion.image[first + lowest]).all()
    assert (drawn[lowest] != examined.motion.image[lowest]).any()
    assert (drawn[50 - first, 15] == examined.motion.image[50 - first, 15]).all(), "an outlier is not drawn"


def test_a_swing_is_drawn_against_the_resting_position():
    examined = examine(figure("row", 3, azimuth=90, peaks=[{"lean": 20}] * 3), exercise="row").main
    finding = next(finding for finding in examined.findings if finding.check.id == "body_swing")
    points = examined.motion.image[finding.sample, [INDEX[name] for name in finding.marks], :2]
    measure, _ = measured(examined, finding)
    assert float(angle_at(measure.level, *points)) == pytest.approx(finding.value, abs=0.5)
    assert float(angle_at(measure.level, points[0], measure.wanted)) == pytest.approx(finding.check.clear, abs=0.5)
