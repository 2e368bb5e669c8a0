"""From a motion to what the user reads: the exercise, the summary, warnings, holds, languages."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from feedback.errors import NoExercise, UnknownExercise
from feedback.exercises import CATALOGUE
from feedback.report.composition import SURE_OF_VIEW
from feedback.review import examine, review
from pose.motion import INDEX
from tests.figures import EXERCISES, FLOOR, STAND, figure, film, script, then, walk, wave

SHALLOW = {"hip": 108, "knee": 112, "lean": 25}


def sentences(text: str) -> int:
    return len(re.findall(r"[.?!](?:\s|$)", text))


def test_the_exercise_is_recognised() -> None:
    report = review(figure("squat", reps=3))
    assert (report.exercise.id, report.exercise.source, report.exercise.name) == ("squat", "recognised", "Squat")
    assert report.exercise.confidence is not None
    assert report.exercise.confidence > 0.5


def test_a_requested_exercise_is_taken_as_such() -> None:
    assert review(figure("squat", reps=3), exercise="squat").exercise.source == "requested"


def test_an_unknown_exercise_is_refused() -> None:
    with pytest.raises(UnknownExercise, match="squat"):
        review(figure("squat", reps=3), exercise="cartwheel")


@pytest.mark.parametrize("keys", [wave(), walk(), [(0.0, STAND), (5.0, STAND)]], ids=["waving", "walking", "standing"])
@pytest.mark.parametrize("exercise", [None, "squat"])
def test_no_exercise_is_said_so(keys, exercise: str | None) -> None:
    with pytest.raises(NoExercise, match="whole body"):
        review(film(keys, azimuth=0), exercise=exercise)


@pytest.mark.parametrize("asked", ["push_up", "biceps_curl", "plank"])
def test_another_exercise_than_the_one_asked_for_is_said_first(asked: str) -> None:
    report = review(figure("squat", reps=3), exercise=asked)
    assert "other_exercise" in {warning.code for warning in report.warnings}
    assert report.summary.startswith("This video seems to show another exercise (Squat)")
    assert report.exercise.confidence is not None
    assert report.exercise.confidence < 0.5


@pytest.mark.parametrize(("shown", "asked"), [("push_up", "squat"), ("deadlift", "squat"), ("squat", "good_morning")])
def test_repetitions_of_plainly_another_exercise_are_counted_and_not_judged(shown: str, asked: str) -> None:
    """Judged as a squat, a push-up would lean by 88 degrees."""
    report = review(figure(shown, reps=3, azimuth=90), exercise=asked)
    assert report.reps.total
    assert not report.faults
    assert (report.score, report.reps.good) == (None, 0)
    assert {check.id for check in CATALOGUE[asked].checks} <= {each.id for each in report.not_assessed}
    assert "does not look like this exercise" in report.not_assessed[0].reason
    assert "film from" not in report.summary


@pytest.mark.parametrize(("degrees", "codes"), [(0, []), (35, ["hands_raised"])])
def test_a_push_up_with_the_hands_on_a_bench_is_said_and_not_punished(degrees: float, codes: list[str]) -> None:
    motion = figure("push_up", reps=3, azimuth=90)
    ankle, wrist = (motion.image[0, INDEX[f"left_{part}"], :2] for part in ("ankle", "wrist"))
    angle = np.radians(degrees) * -np.sign((wrist - ankle)[0])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    image, world = motion.image.copy(), motion.world.copy()
    image[..., :2] = ankle + (image[..., :2] - ankle) @ turn
    world[..., :2] = world[..., :2] @ turn
    video = replace(motion.video, height=2 * motion.video.height)
    image[..., 1] += motion.video.height
    report = review(replace(motion, video=video, image=image, world=world), exercise="push_up")
    assert [warning.code for warning in report.warnings] == codes
    assert (report.reps.good, report.faults) == (3, [])


def test_the_summary_names_change_repetitions_and_praise() -> None:
    report = review(figure("squat", reps=4, peaks=[{}, SHALLOW, {}, SHALLOW]), exercise="squat")
    assert report.summary == (
        "Change this first (repetitions 2 and 4): Sit lower until your thighs are about level with the floor, "
        "as if reaching back for a low chair. "
        "Squat: 2 of 4 repetitions were good. "
        "Your chest stayed up nicely."
    )


def test_the_summary_in_korean() -> None:
    report = review(figure("squat", reps=4, peaks=[{}, SHALLOW, {}, SHALLOW]), exercise="squat", language="ko-KR")
    assert report.exercise.name == "스쿼트"
    assert report.faults[0].title == "깊이가 부족함"
    assert report.summary == (
        "먼저 고칠 점(2, 4번째 반복): 뒤에 있는 낮은 의자에 앉는다는 느낌으로 "
        "허벅지가 바닥과 거의 나란해질 때까지 앉아 보세요. "
        "스쿼트: 4회 중 2회가 좋았어요. "
        "가슴을 잘 들고 있었어요."
    )


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("exercise", [name for name in CATALOGUE if name in EXERCISES])
@pytest.mark.parametrize("azimuth", [0, 45, 90, 180])
def test_a_summary_has_two_or_three_sentences(exercise: str, azimuth: float, language: str) -> None:
    options = {"lead": 4} if exercise == "plank" else {"reps": 3}
    # The search among all exercises takes most of the time. What it finds does not depend on the language.
    catalogue = CATALOGUE if language == "en" else {exercise: CATALOGUE[exercise]}
    report = review(figure(exercise, azimuth=azimuth, **options), exercise=exercise, language=language, catalogue=catalogue)
    assert 2 <= sentences(report.summary) <= 3


@pytest.mark.parametrize(("right", "praised"), [(85, True), (110, False)])
def test_what_is_not_symmetric_is_not_called_even(right: float, praised: bool) -> None:
    report = review(figure("row", reps=3, azimuth=0, peaks=[{"elbow": (85, right)}] * 3), exercise="row")
    assert not report.faults
    assert ("evenly" in report.summary) is praised


def test_the_first_fault_is_major_and_concerns_most() -> None:
    report = review(figure("squat", reps=3, period=0.8, peaks=[{"heel": 0.08}, SHALLOW, SHALLOW]), exercise="squat")
    assert [fault.id for fault in report.faults] == ["shallow_depth", "heel_rise", "too_fast"]


def test_a_minor_fault_leaves_a_repetition_good() -> None:
    report = review(figure("squat", reps=3, period=0.8), exercise="squat")
    assert [fault.severity for fault in report.faults] == ["minor"]
    assert report.reps.good == 3
    assert report.score is not None
    assert 90 <= report.score < 100


def test_partial_repetitions_count_but_are_not_good() -> None:
    report = review(figure("squat", reps=4, depth=[1, 0.5, 1, 0.5]), exercise="squat")
    assert (report.reps.total, report.reps.good) == (4, 2)


def test_form_that_cannot_be_seen_gets_no_score_and_a_hint() -> None:
    report = review(figure("deadlift", reps=3, azimuth=0), exercise="deadlift")
    assert (report.score, report.reps.total, report.reps.good) == (None, 3, 0)
    assert report.summary.endswith("next time, film from the side with your whole body in view.")


def test_a_fault_in_every_repetition() -> None:
    report = review(figure("squat", reps=3, peaks=[SHALLOW] * 3), exercise="squat")
    assert report.summary.startswith("Change this first (in every repetition)")
    assert "Squat: 3 repetitions, each with something to improve." in report.summary


def test_a_hold_counts_its_good_time() -> None:
    sagging = replace(FLOOR, lean=80, shoulder=80, elbow=90, hip=200)
    straight = replace(sagging, hip=176)
    keys = [(0.0, straight), (4.0, straight), (4.5, sagging), (7.5, sagging), (8.0, straight), (12.0, straight)]
    report = review(film(keys, azimuth=90), exercise="plank")
    assert report.hold is not None
    assert report.hold.duration_s == pytest.approx(12, abs=0.3)
    assert report.hold.good_s == pytest.approx(8.3, abs=0.5)
    assert [fault.id for fault in report.faults] == ["hips_sagging"]
    [span] = report.faults[0].spans
    assert (span.start_s, span.end_s) == (pytest.approx(4.4, abs=0.25), pytest.approx(7.8, abs=0.25))
    assert report.score == pytest.approx(70, abs=3)
    assert "from 4." in report.summary


def test_walking_in_and_out_does_not_change_the_view() -> None:
    report = review(film(then(walk(3, speed=0.5), script("squat", 3), walk(3, speed=0.5)), azimuth=0), exercise="squat")
    assert report.view.id == "front"


def test_an_incomplete_file_is_a_warning() -> None:
    motion = figure("squat", reps=2)
    report = review(replace(motion, video=replace(motion.video, complete=False)))
    assert [warning.code for warning in report.warnings] == ["incomplete_file"]


@pytest.mark.parametrize(("language", "says"), [("en", "8 times slower"), ("ko", "8배 느린")])
def test_slow_motion_is_a_warning(language: str, says: str) -> None:
    motion = figure("squat", reps=2)
    [warning] = review(replace(motion, video=replace(motion.video, slowed=8.0)), language=language).warnings
    assert warning.code == "slow_motion"
    assert says in warning.message


def test_the_examination_holds_what_pictures_need() -> None:
    examination = examine(figure("squat", reps=3, peaks=[{}, SHALLOW, {}]), exercise="squat").main
    [fault] = examination.findings
    assert fault.marks == ("left_knee", "left_hip")
    assert fault.repetition == 2
    second = examination.repetitions[1]
    assert second.start < fault.sample < second.end
    assert examination.motion.times[fault.sample] == fault.time_s
    assert fault.value > fault.threshold
    assert {finding.check.id for finding in examination.of_repetition(1)} >= {"shallow_depth", "forward_lean", "too_fast"}


def test_the_packages_door_gives_the_function_each_time() -> None:
    """Importing `feedback.review` puts the module of that name where the function is looked for."""
    code = "import feedback; assert callable(feedback.review); assert callable(feedback.review)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("depth", "faults", "warnings"),
    [(0.8, [], []), (0.67, ["shallow_depth"], ["uncertain_view"]), (0.5, ["shallow_depth"], [])],
    ids=["good from both", "shallow from the side only", "shallow from both"],
)
def test_an_unsure_view_is_a_warning_where_faults_depend_on_it(depth: float, faults: list[str], warnings: list[str]) -> None:
    """The landmarks turn from a side view to an oblique one, which asks for less, after a little more than half of the set."""
    side, oblique = (figure("squat", 4, azimuth=azimuth, depth=depth) for azimuth in (75, 60))
    turn = int(0.55 * len(side.times))
    world = np.concatenate([side.world[:turn], oblique.world[turn:]])
    report = review(replace(side, world=world), exercise="squat")
    assert report.view.confidence < SURE_OF_VIEW
    assert [fault.id for fault in report.faults] == faults
    assert [warning.code for warning in report.warnings] == warnings


@pytest.mark.parametrize(("exercise", "azimuth", "options"), [("squat", 0, {"period": 0.5}), ("deadlift", 0, {"period": 0.5})])
def test_the_thing_to_change_is_said_first_also_where_no_form_was_judged(exercise, azimuth, options) -> None:
    report = review(figure(exercise, reps=3, azimuth=azimuth, **options), exercise=exercise)
    assert report.faults
    assert report.summary.startswith("Change this first")
    assert report.faults[0].advice in report.summary
    assert ("cannot be judged from here" in report.summary) == (report.score is None)
