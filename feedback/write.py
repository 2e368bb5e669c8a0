"""Everything that is written about one video: pictures, graph, annotated video, and the report that names them."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from feedback.cards import save
from feedback.curve import Curve, driving_angle
from feedback.drawing import WANTED, WRONG
from feedback.examination import Examination
from feedback.graph import Graph, Mark, Span, Target, draw_graph
from feedback.judgement import Finding
from feedback.lettering import Picture
from feedback.pictures import picture_of, shown_points
from feedback.report import Files, Report
from feedback.shots import best_shot, worst_shots
from feedback.side_by_side import greatest_difference, panel, side_by_side
from feedback.video import AnnotatedVideo, Flag, Overlay
from feedback.words import N_
from pose.comparison import SpanComparison
from pose.errors import VideoUnreadable
from pose.motion import INDEX
from pose.video import Limits, Video

FLAG_S = 1.2
"""How long a fault is flagged in the video at least, so that it can be read."""

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


def write_feedback(
    examination: Examination,
    video_path: Path,
    out_dir: Path,
    *,
    reference_path: Path | None = None,
    annotated_video: bool = True,
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
) -> Report:
    """Write report.json, worst1.png, worst2.png, graph.png and, where there is something to show, best.png, comparison.png and
    annotated.mp4.

    The video is decoded once, and one of its frames is in memory at a time.

    Args:
        examination: what `feedback.review.examine` found out about the video.
        video_path: the same video.
        out_dir: an existing directory; files of these names are replaced.
        reference_path: the reference's video; without it comparison.png shows only its skeleton.
        annotated_video: whether to make annotated.mp4.
        limits: what the videos may cost, as for `pose.read_motion`.
        progress: called with the share done, 0 to 1; what it raises ends the writing.

    Returns:
        The report as it was written, with the names of the files.

    Raises:
        VideoError: the video cannot be read any more.
    """
    for name in NAMES.values():
        # An earlier attempt may have left something that this one does not make.
        (out_dir / name).unlink(missing_ok=True)
    curve = driving_angle(examination)
    save(draw_graph(_graph(examination, curve)), out_dir / "graph.png")
    moments = _moments(examination, curve, out_dir, reference_path, limits)
    with ExitStack() as stack:
        video = stack.enter_context(Video(video_path, limits))
        annotated = None
        if annotated_video:
            overlay = _overlay(examination, curve)
            annotated = stack.enter_context(AnnotatedVideo(out_dir / "annotated.mp4", video.size, overlay, fps=video.fps))
        _read_through(video, moments, annotated, progress)
        if annotated is not None:
            annotated.finish()
    made = {kind: name for kind, name in NAMES.items() if (out_dir / name).is_file()}
    files = Files(report="report.json", **made)
    report = examination.report.model_copy(update={"files": files})
    (out_dir / "report.json").write_text(report.to_json(), encoding="utf-8")
    if progress is not None:
        progress(1.0)
    return report


@dataclass(frozen=True)
class _Moment:
    """A frame that is wanted, and what to do with it."""

    time_s: float
    use: Callable[[Picture], None]


def _moments(
    examination: Examination, curve: Curve, out_dir: Path, reference_path: Path | None, limits: Limits | None
) -> list[_Moment]:
    """The frames that pictures are made from, in order of time."""
    shots = dict(zip(("worst1.png", "worst2.png"), worst_shots(examination), strict=True))
    best = best_shot(examination)
    if best is not None:
        shots["best.png"] = best

    def draw(name: str, frame: Picture) -> None:
        save(picture_of(examination, curve, shots[name], frame, best=name == "best.png"), out_dir / name)

    def compare(span: SpanComparison, frame: Picture) -> None:
        mine = panel(examination.motion, span.sample, frame, span.joint, colour=WRONG)
        its = _reference_panel(examination, span, reference_path, limits)
        save(side_by_side(examination, span, mine, its), out_dir / "comparison.png")

    times = examination.motion.times
    moments = [_Moment(float(times[shot.sample]), partial(draw, name)) for name, shot in shots.items()]
    span = greatest_difference(examination)
    if span is not None:
        moments.append(_Moment(float(times[span.sample]), partial(compare, span)))
    return sorted(moments, key=lambda moment: moment.time_s)


def _reference_panel(examination: Examination, span: SpanComparison, path: Path | None, limits: Limits | None) -> Picture:
    reference = examination.reference
    if reference is None:
        raise ValueError("there was no reference")
    frame = None
    if path is not None:
        with Video(path, limits) as video:
            wanted = float(reference.times[span.reference_sample]) - SLACK_S
            frame = next((found.rgb() for found in video.frames(wanted)), None)
    return panel(reference, span.reference_sample, frame, span.reference_joint, colour=WANTED, mirrored=span.mirrored)


def _read_through(
    video: Video, moments: Sequence[_Moment], annotated: AnnotatedVideo | None, progress: Callable[[float], None] | None
) -> None:
    """One pass over the video: as far as the last frame that is wanted, or to its end for the annotated video."""
    waiting = deque(moments)
    end_s = video.duration_s or 0.0
    frame = None
    for frame in video.frames():
        if annotated is not None:
            annotated.add(frame)
        elif not waiting:
            return
        while waiting and frame.time >= waiting[0].time_s - SLACK_S:
            waiting.popleft().use(frame.rgb())
        if progress is not None:
            progress(min(1.0, frame.time / end_s) if end_s else 0.0)
    if frame is None:
        raise VideoUnreadable("The video can no longer be read. Please upload it again.")
    for moment in waiting:
        moment.use(frame.rgb())


def _graph(examination: Examination, curve: Curve) -> Graph:
    words, hold = examination.words, examination.hold
    faulty = {finding.repetition for finding in examination.findings}
    spans = [Span(str(rep.index), rep.start_s, rep.end_s, rep.index in faulty) for rep in examination.repetitions]
    if hold is not None:
        spans = [Span(words.quantity(hold.duration_s, "s"), hold.start_s, hold.end_s, bool(faulty))]
    return Graph(
        heading=f"{words(examination.exercise.name)} · {curve.name}",
        times=examination.motion.times,
        values=curve.values,
        spans=spans,
        targets=[Target(words(N_("Target: {value}"), value=words.quantity(value, "deg")), value) for value in curve.targets],
        marks=[Mark(words(finding.check.title), _worst_moment(examination, finding)) for finding in examination.findings],
        seconds=lambda value: words.quantity(value, "s"),
    )


def _worst_moment(examination: Examination, finding: Finding) -> float:
    """When a fault was worst; what concerns a whole repetition, such as its pace, is marked at its extreme."""
    of = next((rep for rep in examination.repetitions if rep.index == finding.repetition), None)
    return of.peak_s if of is not None and not finding.marks else finding.time_s


def _overlay(examination: Examination, curve: Curve) -> Overlay:
    words, hold = examination.words, examination.hold
    if hold is not None:
        seconds = range(int(hold.duration_s) + 1)
        counts = [(hold.start_s + second, words.quantity(second, "s")) for second in seconds]
    else:
        ends = [0.0, *(rep.end_s for rep in examination.repetitions)]
        counts = [(end, words.plural("{n} repetition", "{n} repetitions", n)) for n, end in enumerate(ends)]
    flags = []
    for finding in examination.findings:
        # That something was not reached shows at the moment when it came closest, not before.
        reached = finding.check.verdict == "falls_short"
        starts = [finding.time_s] if reached else [start for start, _ in finding.spans]
        ends = [end for _, end in finding.spans]
        marks = tuple(INDEX[name] for name in finding.marks)
        flags += [
            Flag(words(finding.check.title), start, max(end, start + FLAG_S), marks)
            for start, end in zip(starts, ends, strict=False)
        ]
    return Overlay(examination.motion.times, shown_points(examination.motion), curve.marks, curve.values, counts, flags)
