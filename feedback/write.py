"""Everything that is written about one video: the pictures with the graph, the annotated video, the report that names them.

Each is a function of its own, since a person is shown the pictures before the video is made.
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
"""How long a fault is flagged in the video at least, so that it can be read, unless the next repetition begins."""

SLACK_S = 1e-3
"""Times are compared with this much slack, for the rounding of a container's time base."""

NAMES = {
    "worst1": "worst1.png",
    "worst2": "worst2.png",
    "best": "best.png",
    "graph": "graph.png",
    "video": "annotated.mp4",
    "comparison": "comparison.png",
}
"""What is written beside report.json: the field of its `files` and the file's name."""
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
    """Write worst1.png, worst2.png, graph.png and, where there is something to show, best.png and comparison.png.

    Args:
        examination: what `feedback.review.examine` found out about the video.
        video_path: the same video.
        out_dir: an existing directory; files of these names are replaced.
        reference_path: the reference's video; without it comparison.png shows only its skeleton.
        limits: what the videos may cost, as for `pose.read_motion`.
        workers: cores to use; each picture is made on one of them.
        progress: called from this thread with the share done, 0 to 1; what it raises ends the writing.

    Raises:
        VideoError: the video cannot be read any more.
    """
    for name in PICTURES:
        # An earlier attempt may have left one that this attempt does not make.
        (out_dir / name).unlink(missing_ok=True)

    def draw_moment(moment: _Moment) -> None:
        moment.use(_frame_at(video_path, limits, moment.time_s, examination.motion.video.turned))

    def draw_the_graph() -> None:
        # matplotlib takes a third of a second to import, which passes here beside the other pictures.
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
    """Write annotated.mp4; see `feedback.video.annotate`."""
    annotate(video_path, out_dir / NAMES["video"], overlay_of(examination), limits=limits, workers=workers, progress=progress)


def write_report(examination: Examination, out_dir: Path) -> Report:
    """Write report.json, which names the pictures and the video that are beside it now.

    Returns:
        The report as it was written.
    """
    made = {kind: name for kind, name in NAMES.items() if (out_dir / name).is_file()}
    report = examination.report.model_copy(update={"files": Files(report="report.json", **made)})
    (out_dir / "report.json").write_text(report.to_json(), encoding="utf-8")
    return report


@dataclass(frozen=True)
class _Moment:
    """A frame that is wanted, and what to do with it."""

    time_s: float
    use: Callable[[Picture], None]


def _moments(examination: Examination, out_dir: Path, reference_path: Path | None, limits: Limits | None) -> list[_Moment]:
    """The frames that pictures are made from."""
    shots = dict(zip(("worst1.png", "worst2.png"), worst_shots(examination.sets), strict=True))
    best = best_shot(examination.sets)
    if best is not None:
        shots["best.png"] = best

    def draw(name: str, frame: Picture) -> None:
        examined, shot = shots[name]
        driving = driving_angle(examined)
        in_frame = replace(examined, motion=unsmoothed(examination, examined))
        save(picture_of(in_frame, driving, shot, frame, best=name == "best.png"), out_dir / name)

    def compare(span: SpanComparison, frame: Picture) -> None:
        mine = panel(unsmoothed(examination, main), span.sample, frame, span.joint, colour=WRONG)
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
    """The first frame from a moment on; the last one where the video can only be read to before it."""
    with Video(path, limits, turn=turn) as video:
        frame = next(video.frames(time_s - SLACK_S), None)
        if frame is None:
            frame = next(iter(deque(video.frames(), maxlen=1)), None)
        if frame is None:
            raise VideoUnreadable("The video can no longer be read. Please upload it again.")
        return frame.rgb()


def overlay_of(examination: Examination) -> Overlay:
    """What is drawn over the video: in each set its own angle, counter and faults."""
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
        # Two sets that follow each other closely share what lies between them: it belongs to the later one.
        start_s = max(float(examined.motion.times[0]), until_s)
        counts = [count for count in counts if count[0] < start_s]
        angles.append((start_s, curve.marks))
        counts += [(max(time_s, start_s), text) for time_s, text in _counts(examined)]
        if not examined.alone:
            counts.append((float(examined.motion.times[-1]), ""))
        flags += _flags(examined)
        until_s = examined.report.end_s
    return Overlay(motion.times, shown_points(motion), angles, values, counts, flags, turn=motion.video.turned)


def _counts(examined: ExaminedSet) -> list[tuple[float, str]]:
    """What the counter says from which second on."""
    words, hold = examined.words, examined.hold
    if hold is not None:
        seconds = range(int(hold.duration_s) + 1)
        counts = [(hold.start_s + second, words.quantity(second, "s")) for second in seconds]
    else:
        # The number is that of the repetition under way, as in the report; the sum follows the last one.
        counts = [(rep.start_s, words(N_("Repetition {n}"), n=words.number(rep.index))) for rep in examined.repetitions]
        if counts:
            total = len(counts)
            counts.append((examined.repetitions[-1].end_s, words.plural("{n} repetition", "{n} repetitions", total)))
    name = set_name(words, examined.report, alone=examined.alone)
    return [(time_s, f"{name} · {count}") for time_s, count in counts]


def _flags(examined: ExaminedSet) -> Iterator[Flag]:
    """Each fault with its measured value, which stands in the video as long as the fault is shown."""
    words = examined.words
    begins = [rep.start_s for rep in examined.repetitions]
    for finding in examined.findings:
        # That something was not reached shows at the moment when it came closest, not before.
        reached = finding.check.verdict == "falls_short"
        starts = [finding.time_s] if reached else [start for start, _ in finding.spans]
        ends = [end for _, end in finding.spans]
        marks = tuple(INDEX[name] for name in finding.marks)
        title, (value, _) = words(finding.check.title), value_texts(words, finding)
        for start, end in zip(starts, ends, strict=False):
            # Not into the next repetition, whose number the counter shows.
            following = next((begin for begin in begins if begin >= end), math.inf)
            until = min(start + FLAG_S, following)
            yield Flag(title, start, end, marks, value)
            if until > end:
                # The words stay to be read; the body has moved on from what was measured.
                yield Flag(title, end, until)
