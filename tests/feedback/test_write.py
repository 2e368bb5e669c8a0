import json
from itertools import pairwise

import jsonschema
import numpy as np
import pytest
from PIL import Image

from feedback.report.schema import Report, json_schema
from feedback.review import examine
from feedback.write import overlay_of, write_pictures, write_report, write_video
from pose.errors import VideoMissing
from tests.figures import figure, film, script, then
from tests.footage import look_into, record

pytestmark = pytest.mark.slow

SIZE = (320, 240)


def push_ups(tmp_path, language="en", reference=None, **fields):
    motion = figure("push_up", 3, size=SIZE, scale=110, **{"depth": [1, 0.4, 1], **fields})
    examination = examine(motion, exercise="push_up", language=language, reference=reference)
    return examination, record(tmp_path / "in.mp4", SIZE, seconds=motion.video.duration_s, fps=15)


def write_all(examination, video, out, **options):
    write_pictures(examination, video, out, **options)
    write_video(examination, video, out)
    return write_report(examination, out)


def names(directory):
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def out(tmp_path):
    directory = tmp_path / "out"
    directory.mkdir()
    return directory


@pytest.mark.parametrize("language", ["en", "ko"])
def test_everything_is_written_and_named_in_the_report(tmp_path, out, language):
    examination, video = push_ups(tmp_path, language)
    report = write_all(examination, video, out, workers=2)
    assert names(out) == ["annotated.mp4", "best.png", "graph.png", "report.json", "worst1.png", "worst2.png"]
    written = json.loads((out / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(written, json.loads(json_schema()))
    assert Report.model_validate(written) == report
    assert {name for name in written["files"].values() if name} == set(names(out))
    assert written["files"]["comparison"] is None
    for name in ("worst1.png", "worst2.png", "best.png", "graph.png"):
        with Image.open(out / name) as picture:
            picture.load()
            assert picture.width == 720
    assert look_into(out / "annotated.mp4").duration_s == pytest.approx(examination.motion.video.duration_s, abs=1 / 15)


def test_pictures_show_the_frames_of_their_moments(tmp_path, out):
    examination, video = push_ups(tmp_path)
    write_pictures(examination, video, out)
    # The video gets brighter with time; a corner of the picture's ground shows when it was taken.
    grounds = {}
    for name in ("worst1.png", "best.png"):
        with Image.open(out / name) as picture:
            grounds[name] = np.asarray(picture)[140, 3, 0]
    worst = examination.report.reps.items[1]
    length = examination.motion.video.duration_s
    assert grounds["worst1.png"] == pytest.approx(60 + 120 * worst.peak_s / length, abs=8)
    assert abs(int(grounds["best.png"]) - int(grounds["worst1.png"])) > 10


def test_the_report_does_not_name_a_video_that_is_not_there_yet(tmp_path, out):
    examination, video = push_ups(tmp_path)
    write_pictures(examination, video, out)
    assert write_report(examination, out).files.video is None
    write_video(examination, video, out)
    assert write_report(examination, out).files.video == "annotated.mp4"


def test_what_an_earlier_attempt_left_is_not_taken_for_ours(tmp_path, out):
    examination, video = push_ups(tmp_path)
    (out / "comparison.png").write_bytes(b"of a crashed attempt")
    write_pictures(examination, video, out)
    assert write_report(examination, out).files.comparison is None


@pytest.mark.parametrize("with_video", [True, False])
def test_a_reference_is_shown_beside(tmp_path, out, with_video):
    reference = figure("push_up", 3, size=SIZE, scale=110, azimuth=-90)
    examination, video = push_ups(tmp_path, reference=reference)
    path = record(tmp_path / "reference.mp4", SIZE, seconds=reference.video.duration_s, fps=15) if with_video else None
    write_pictures(examination, video, out, reference_path=path)
    report = write_report(examination, out)
    assert report.files.comparison == "comparison.png"
    with Image.open(out / "comparison.png") as picture:
        assert picture.width == 720
        pixels = np.asarray(picture)
    for half in (pixels[:, :350], pixels[:, 370:]):
        assert (half == 255).all(axis=2).sum() > 300, "a skeleton on each side"


@pytest.mark.parametrize("write", [write_pictures, write_video])
def test_progress_rises_to_the_end(tmp_path, out, write):
    examination, video = push_ups(tmp_path)
    told: list[float] = []
    write(examination, video, out, progress=told.append)
    assert all(before <= after for before, after in pairwise(told))
    assert told[-1] == 1


@pytest.mark.parametrize("write", [write_pictures, write_video])
def test_a_cancelled_job_ends_at_once_and_leaves_no_video(tmp_path, out, write):
    class Cancelled(Exception):
        pass

    def cancel(_share):
        raise Cancelled

    examination, video = push_ups(tmp_path)
    with pytest.raises(Cancelled):
        write(examination, video, out, progress=cancel)
    assert "annotated.mp4" not in names(out)
    assert not any(name.endswith(".part") for name in names(out))


def test_a_video_that_is_shorter_than_its_motion_still_gives_all_pictures(tmp_path, out):
    examination, _ = push_ups(tmp_path)
    short = record(tmp_path / "short.mp4", SIZE, seconds=2, fps=15)
    write_all(examination, short, out)
    assert {"worst1.png", "worst2.png", "graph.png"} <= set(names(out))


@pytest.mark.parametrize("write", [write_pictures, write_video])
def test_a_video_that_is_gone_is_said_so(tmp_path, out, write):
    examination, _ = push_ups(tmp_path)
    with pytest.raises(VideoMissing):
        write(examination, tmp_path / "gone.mp4", out)


@pytest.mark.parametrize(
    ("exercise", "fields"), [("plank", {"lead": 3, "tail": 3, "reps": 0}), ("squat", {"reps": 1}), ("squat", {"azimuth": 180})]
)
def test_holds_single_repetitions_and_odd_views_are_written_too(tmp_path, out, exercise, fields):
    motion = figure(exercise, size=SIZE, scale=90, **fields)
    video = record(tmp_path / "in.mp4", SIZE, seconds=motion.video.duration_s, fps=15)
    write_all(examine(motion, exercise=exercise), video, out)
    assert {"worst1.png", "worst2.png", "graph.png", "annotated.mp4", "report.json"} <= set(names(out))


@pytest.mark.parametrize("pause", [0.0, 1.0, 20.0])
def test_the_counter_of_the_video_names_the_set_and_begins_anew(pause):
    keys = then(script("squat", 3, tail=pause), script("push_up", 3), change=1.0)
    examination = examine(film(keys))
    overlay = overlay_of(examination)
    times = [time for time, _ in overlay.counts]
    assert times == sorted(times)
    for examined in examination.sets:
        for repetition in examined.repetitions:
            shown = [text for time, text in overlay.counts if time <= repetition.peak_s][-1]
            assert examined.report.name in shown
            assert f"Repetition {repetition.index}" in shown


def test_the_counter_begins_with_the_first_repetition_and_ends_with_their_sum():
    examination = examine(figure("squat", 3, lead=4), exercise="squat")
    times, texts = zip(*overlay_of(examination).counts, strict=True)
    assert times[0] == examination.main.repetitions[0].start_s > 3
    assert [text.split(" · ")[1] for text in texts] == ["Repetition 1", "Repetition 2", "Repetition 3", "3 repetitions"]


def test_a_fault_stands_with_its_own_value_in_its_own_repetition():
    examination = examine(figure("push_up", 4, period=1.6, depth=[1, 0.4, 1, 1]), exercise="push_up")
    marked, *words_alone = overlay_of(examination).flags
    (fault,) = examination.main.findings
    assert marked.value == f"{fault.value:.0f}°"
    assert marked.end_s <= examination.main.repetitions[1].end_s
    assert [flag.marks for flag in words_alone] == [()]
    assert words_alone[0].end_s <= examination.main.repetitions[2].start_s


def test_the_skeleton_in_the_video_lies_on_its_own_frame():
    motion = figure("squat", 3, period=0.8)
    examination = examine(motion, exercise="squat")
    lowest = int(np.searchsorted(motion.times, examination.main.repetitions[1].peak_s))
    points, _ = overlay_of(examination).at(motion.times[lowest])
    seen = np.isfinite(points).all(axis=1)
    assert points[seen] == pytest.approx(motion.image[lowest, seen, :2])
    assert points[seen] != pytest.approx(examination.motion.image[lowest, seen, :2])
