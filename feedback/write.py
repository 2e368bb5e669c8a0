"""Writes the files of one video: pictures and graph, the annotated video, and the report that names them.

Each has its own function, because a user sees the pictures before the video is made.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from feedback.examination import Examination, ExaminedSet
from feedback.pictures.annotated_video import Flag, Overlay, annotate
from feedback.pictures.cards import save
from feedback.pictures.curve import driving_angle, judged_angle
from feedback.pictures.drawing import WANTED, WRONG
from feedback.pictures.lettering import Picture
from feedback.pictures.shots import best_shot, worst_shots
from feedback.pictures.side_by_side import greatest_difference, panel, side_by_side
from feedback.pictures.stills import picture_of, shown_points, unsmoothed, value_texts
from feedback.report.schema import Files, Report
from feedback.report.summary import set_name
from feedback.words import N_
from pose.errors import VideoUnreadable
from pose.motion import INDEX
from pose.movements.comparison import SpanComparison
from pose.reading.video import Limits, Video

FLAG_S = 1.2
"""Shortest time in seconds for which the video shows a fault, so that it can be read; it ends earlier if the next repetition
begins."""

SLACK_S = 1e-3
"""Tolerance in seconds when times are compared, because a container rounds times to its time base."""

NAMES = {
    "worst1": "worst1.png",
    "worst2": "worst2.png",
    "best": "best.png",
    "graph": "graph.png",
    "video": "annotated.mp4",
    "comparison": "comparison.png",
}
"""The files beside report.json: the field of the report's `files`, and the file's name."""
PICTURES = tuple(name for kind, name in NAMES.items() if kind != "video")


def write_pictures(
    examination: Examination,
    video_path: Path,
    out_dir: Path,
    *,
    reference_path: Path | None = None,
    limits: Limits | None = None,
    workers: int = 1,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write worst1.png, worst2.png and graph.png; best.png and comparison.png if there is something to show in them.

    Args:
        examination: the video's, from `feedback.review.examine`.
        video_path: the video.
        out_dir: an existing directory; files of these names are replaced.
        reference_path: the reference's video; without it comparison.png shows only the reference's skeleton.
        limits: the limits of both videos, as for `pose.read_motion`.
        workers: number of cores to use; each picture is made on one of them.
        progress: called in this thread with the share that is done, 0 to 1; an exception from it ends the writing.

    Raises:
        VideoError: the video can no longer be read.
    """
    for name in PICTURES:
        # An earlier attempt may have left a picture that this attempt does not make.
        (out_dir / name).unlink(missing_ok=True)

    def draw_moment(moment: _Moment) -> None:
        moment.use(_frame_at(video_path, limits, moment.time_s, examination.motion.video.turned))

    def draw_the_graph() -> None:
        # The import of matplotlib takes a third of a second. Here it runs while other threads make the other pictures.
        from feedback.pictures.graph import draw_graphs, graph_of  # noqa: PLC0415

        save(draw_graphs([graph_of(each, judged_angle(each)) for each in examination.sets]), out_dir / "graph.png")

    moments = _moments(examination, out_dir, reference_path, limits)
    with ThreadPoolExecutor(workers, thread_name_prefix="pictures") as pool:
        pictures = [pool.submit(draw_the_graph), *(pool.submit(draw_moment, moment) for moment in moments)]
        try:
            for number, picture in enumerate(pictures):
                picture.result()
                if progress is not None:
                    progress((number + 1) / len(pictures))
        finally:
            pool.shutdown(cancel_futures=True)


def write_video(
    examination: Examination,
    video_path: Path,
    out_dir: Path,
    *,
    limits: Limits | None = None,
    workers: int = 1,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write annotated.mp4; see `feedback.pictures.annotated_video.annotate`."""
    annotate(video_path, out_dir / NAMES["video"], overlay_of(examination), limits=limits, workers=workers, progress=progress)


def write_report(examination: Examination, out_dir: Path) -> Report:
    """Write report.json, which names the pictures and the video that are in the directory.

    Returns:
        The report with the names of the files.
    """
    made = {kind: name for kind, name in NAMES.items() if (out_dir / name).is_file()}
    report = examination.report.model_copy(update={"files": Files(report="report.json", **made)})
    (out_dir / "report.json").write_text(report.to_json(), encoding="utf-8")
    return report


@dataclass(frozen=True)
class _Moment:
    """The time of a frame, and the function that makes a picture of the frame."""

    time_s: float
    use: Callable[[Picture], None]


def _moments(examination: Examination, out_dir: Path, reference_path: Path | None, limits: Limits | None) -> list[_Moment]:
    """The frames from which the pictures are made."""
    shots = dict(zip(("worst1.png", "worst2.png"), worst_shots(examination.sets), strict=True))
    best = best_shot(examination.sets)
    if best is not None:
        shots["best.png"] = best

    def draw(name: str, frame: Picture) -> None:
        examined, shot = shots[name]
        driving = driving_angle(examined)
        in_frame = replace(examined, motion=unsmoothed(examination, examined.motion))
        save(picture_of(in_frame, driving, shot, frame, best=name == "best.png"), out_dir / name)

    def compare(span: SpanComparison, frame: Picture) -> None:
        mine = panel(unsmoothed(examination, main.motion), span.sample, frame, span.joint, colour=WRONG)
        its = _reference_panel(main, span, reference_path, limits)
        save(side_by_side(main, span, mine, its), out_dir / "comparison.png")

    moments = [
        _Moment(float(examined.motion.times[shot.sample]), partial(draw, name)) for name, (examined, shot) in shots.items()
    ]
    main = examination.main
    span = greatest_difference(main)
    if span is not None:
        moments.append(_Moment(float(main.motion.times[span.sample]), partial(compare, span)))
    return moments


def _reference_panel(examined: ExaminedSet, span: SpanComparison, path: Path | None, limits: Limits | None) -> Picture:
    reference = examined.reference
    if reference is None:
        raise ValueError("there was no reference")
    frame = None
    if path is not None:
        with Video(path, limits, turn=reference.video.turned) as video:
            wanted = float(reference.times[span.reference_sample]) - SLACK_S
            frame = next((found.rgb() for found in video.frames(wanted)), None)
    return panel(reference, span.reference_sample, frame, span.reference_joint, colour=WANTED, mirrored=span.mirrored)


def _frame_at(path: Path, limits: Limits | None, time_s: float, turn: int) -> Picture:
    """The first frame at a time or after it; the last frame if the video cannot be read so far."""
    with Video(path, limits, turn=turn) as video:
        frame = next(video.frames(time_s - SLACK_S), None)
        if frame is None:
            frame = next(iter(deque(video.frames(), maxlen=1)), None)
        if frame is None:
            raise VideoUnreadable("The video can no longer be read. Please upload it again.")
        return frame.rgb()


def overlay_of(examination: Examination) -> Overlay:
    """What is drawn on the video: the angle, the counter and the faults of each set."""
    motion = examination.motion
    values = np.full(len(motion.times), np.nan)
    angles: list[tuple[float, tuple[int, int, int]]] = []
    counts: list[tuple[float, str]] = []
    flags: list[Flag] = []
    until_s = 0.0
    for examined in examination.sets:
        curve = driving_angle(examined)
        first = int(np.searchsorted(motion.times, examined.motion.times[0]))
        values[first : first + len(curve.values)] = curve.values
        # The motions of two sets that are close together overlap. The later set shows its values there.
        start_s = max(float(examined.motion.times[0]), until_s)
        counts = [count for count in counts if count[0] < start_s]
        angles.append((start_s, curve.marks))
        counts += [(max(time_s, start_s), text) for time_s, text in _counts(examined)]
        if not examined.alone:
            counts.append((float(examined.motion.times[-1]), ""))
        flags += _flags(examined)
        until_s = examined.report.end_s
    points = shown_points(unsmoothed(examination, motion))
    return Overlay(motion.times, points, angles, values, counts, flags, turn=motion.video.turned)


def _counts(examined: ExaminedSet) -> list[tuple[float, str]]:
    """The texts of the counter, each with the time in seconds at which it appears."""
    words, hold = examined.words, examined.hold
    if hold is not None:
        seconds = range(int(hold.duration_s) + 1)
        counts = [(hold.start_s + second, words.quantity(second, "s")) for second in seconds]
    else:
        # The number of the current repetition, as in the report. After the last repetition the total is shown.
        counts = [(rep.start_s, words(N_("Repetition {n}"), n=words.number(rep.index))) for rep in examined.repetitions]
        if counts:
            total = len(counts)
            counts.append((examined.repetitions[-1].end_s, words.plural("{n} repetition", "{n} repetitions", total)))
    name = set_name(words, examined.report, alone=examined.alone)
    return [(time_s, f"{name} · {count}") for time_s, count in counts]


def _flags(examined: ExaminedSet) -> Iterator[Flag]:
    """Each fault with its measured value, for the time in which the video shows it."""
    words = examined.words
    begins = [rep.start_s for rep in examined.repetitions]
    for finding in examined.findings:
        # If a target was not reached, the fault is shown from the moment at which the person was closest to it.
        reached = finding.check.verdict == "falls_short"
        starts = [finding.time_s] if reached else [start for start, _ in finding.spans]
        ends = [end for _, end in finding.spans]
        marks = tuple(INDEX[name] for name in finding.marks)
        title, (value, _) = words(finding.check.title), value_texts(words, finding)
        for start, end in zip(starts, ends, strict=False):
            # End before the next repetition, whose number the counter then shows.
            following = next((begin for begin in begins if begin >= end), math.inf)
            until = min(start + FLAG_S, following)
            yield Flag(title, start, end, marks, value)
            if until > end:
                # The text stays for reading. The marks go, because the body has left the position that was measured.
                yield Flag(title, end, until)
