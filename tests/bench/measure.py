"""What is measured on one labelled clip."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

import pose
from feedback.errors import NoExercise
from feedback.examination import Examination
from feedback.exercises.reserved import ANY
from feedback.report.schema import Report
from feedback.review import examine
from pose.errors import PoseError
from pose.motion import Motion
from pose.movements.angles import SIDES, joint_angle_seen
from pose.reading import model
from tests.bench.labels import Clip

MEASURED_FROM = {
    "overhead_press": ("side", "front"),
    "jumping_jack": ("front", "rear"),
    "lateral_raise": ("front", "rear"),
    "pull_up": ("front", "rear"),
}
"""The views in which the angle of an exercise's joint is compared with the truth; the others' is seen best from the side."""

_READING = ("cuts", "far", "frame", "landmarks", "parts", "person", "reader", "sampling", "video")
READERS = ("motion", *(f"reading/{name}" for name in _READING))
"""The modules of `pose` on which a motion that was read depends."""

UNLABELLED = {"too_fast"}
"""Faults that the ground truth does not speak of."""


@dataclass
class Row:
    """The figures of one clip; what does not apply is None."""

    name: str
    folder: str
    exercise: str
    reps: list[int]
    hold_s: float | None
    besides: str | None = None
    recognised: str = "none"
    confidence: float | None = None
    counted: int | None = None
    held_s: float | None = None
    view: str | None = None
    view_right: bool | None = None
    detection: float = 0.0
    angle_error: float | None = None
    faults: dict[str, list[int]] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_s: float = 0.0
    error: str | None = None

    @property
    def named_rightly(self) -> bool:
        """Whether the name is right; for what the catalogue lacks, no name is."""
        return self.recognised in {self.exercise, self.besides}

    @property
    def named_wrongly(self) -> bool:
        """Whether it got a name, and a wrong one."""
        return self.recognised != "none" and not self.named_rightly

    @property
    def miscounted(self) -> int:
        """By how many repetitions the count is off, from the nearest right number."""
        return min((abs((self.counted or 0) - reps) for reps in self.reps), default=0)


def measure(clip: Clip, model_name: str, fresh: bool) -> Row:
    """Read a clip (or take its motion from the cache), examine it without naming the exercise, and compare."""
    row = Row(clip.name, str(clip.path.parent), clip.exercise, sorted(clip.counts), clip.hold_s, clip.besides)
    try:
        motion, row.cpu_s = read_cached(clip.path, model_name, fresh=fresh)
    except PoseError as error:
        row.error = str(error)
        row.counted = 0 if clip.counts else None
        return row
    row.seconds = motion.video.duration_s
    row.detection = float(motion.detected.mean())
    try:
        examination = examine(motion)
    except NoExercise as error:
        row.error = str(error)
        row.counted = 0 if clip.counts else None
        return row
    _compare(row, clip, examination)
    return row


def read_cached(path: Path, model_name: str, *, fresh: bool = False) -> tuple[Motion, float]:
    """The motion of a video and the CPU seconds that reading it took, from the cache when nothing has changed."""
    digest = hashlib.sha256(path.read_bytes())
    digest.update(model.find(model_name).sha256.encode())
    for name in READERS:
        digest.update((Path(pose.__file__).parent / f"{name}.py").read_bytes())
    kept = model.cache_dir() / "bench" / f"{digest.hexdigest()[:32]}.npz"
    cost = kept.with_suffix(".json")
    if kept.is_file() and cost.is_file() and not fresh:
        return Motion.load(kept), json.loads(cost.read_text())["cpu_s"]
    start = time.process_time()
    motion = pose.read_motion(path, model=model_name)
    cpu_s = time.process_time() - start
    kept.parent.mkdir(parents=True, exist_ok=True)
    motion.save(kept)
    cost.write_text(json.dumps({"cpu_s": cpu_s}))
    return motion, cpu_s


def _compare(row: Row, clip: Clip, examination: Examination) -> None:
    report = examination.report
    if report.exercise.id != ANY:  # counted without a name
        row.recognised, row.confidence = report.exercise.id, report.exercise.confidence
    row.counted = report.reps.total if clip.counts else None
    if clip.hold_s is not None and report.hold is not None:
        row.held_s = report.hold.good_s if clip.truth else report.hold.duration_s
    row.view = examination.main.view.id
    row.view_right = examination.main.view.id in clip.views if clip.views else None
    if clip.truth and row.recognised == clip.exercise:
        row.angle_error = _angle_error(clip, examination)
        row.faults = _faults(clip, report)


def _angle_error(clip: Clip, examination: Examination) -> float | None:
    """Mean absolute error of the exercise's joint on the sides that are seen, in degrees; None from other views."""
    joint, view = examination.main.exercise.movement.joint, examination.main.view.id
    if (
        not view.startswith(MEASURED_FROM.get(clip.exercise, ("side",)))
        or f"left_{joint}" not in clip.truth["frames"][0]["angles3d"]
    ):
        return None
    truth, motion = clip.truth["frames"], examination.motion
    times = [frame["t"] for frame in truth]
    sides = [side for side in SIDES if not view.startswith("side") or view.endswith(side)]
    errors = [
        joint_angle_seen(motion, f"{side}_{joint}", view)
        - np.interp(motion.times, times, [frame["angles3d"][f"{side}_{joint}"] for frame in truth])
        for side in sides
    ]
    return float(np.nanmean(np.abs(errors)))


def _faults(clip: Clip, report: Report) -> dict[str, list[int]]:
    """For every fault that was judged: how often rightly found, wrongly found and missed, per repetition."""
    judged_not = {item.id for item in report.not_assessed} | UNLABELLED
    counts: dict[str, list[int]] = {}

    def note(fault: str, kind: int) -> None:
        if fault not in judged_not:
            counts.setdefault(fault, [0, 0, 0])[kind] += 1

    for true in clip.truth["reps"]:
        peaks = [item for item in report.reps.items if true["start_s"] <= item.peak_s <= true["end_s"]]
        found, real = (set(peaks[0].faults) if peaks else set()), set(true["faults"])
        for fault in found | real:
            note(fault, 0 if fault in found & real else 1 if fault in found else 2)
    for span in clip.truth["fault_spans"]:
        middle = (span["start_s"] + span["end_s"]) / 2
        hit = any(
            fault.id == span["fault"] and any(part.start_s <= middle <= part.end_s for part in fault.spans)
            for fault in report.faults
        )
        note(span["fault"], 0 if hit else 2)
    if clip.hold_s is not None:
        real = {span["fault"] for span in clip.truth["fault_spans"]}
        for fault in report.faults:
            if fault.id not in real:
                note(fault.id, 1)
    return counts


def as_json(row: Row) -> dict[str, object]:
    """A row for the JSON file, without the machine's paths."""
    return {**asdict(row), "folder": Path(row.folder).name}
