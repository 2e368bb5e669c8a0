"""Judges each check in each repetition, from several frames, if its landmarks are visible."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feedback.checks.catalogue import Check
from feedback.checks.take import SEEN_SHARE, Side, Take, cut_off, seen
from pose.motion import Floats
from pose.movements.repetitions import Hold, Repetition
from pose.movements.signals import SMOOTHING_S, Body
from pose.movements.view import View, views_at, views_besides

ALSO_SEEN = 0.2
"""Smallest share of the set that must be filmed from another view for that view to count."""

SAME_VIEW = 30.0
"""Degrees by which the views of two repetitions may differ for the body at rest to look the same in both."""

BORDERLINE = 0.2
"""Distance from the threshold, in steps from `clear` to `threshold`, within which the pose error decides about the verdict."""

FEWEST = 2
"""Lowest number of samples that must agree, at any sample rate, so that one frame never decides."""

EXTREME_S = 0.15
"""Seconds. Samples this near to an extreme lie on a parabola, in repetitions of a second and less."""

KEPT_SHARE = 0.75
"""Share of a repetition for which a value must last to be kept; see `Check.kept`."""

HOLD_ENDS_S = 0.5
"""The first and the last half second of a hold are not judged: the person takes the position, or leaves it."""

PAUSE_S = 0.5
"""Seconds after a repetition in which its end position is measured, or until the next repetition starts."""


@dataclass(frozen=True)
class Finding:
    """The result of one check in one repetition or in a hold.

    Attributes:
        check: the check.
        repetition: index of the repetition from 1; None in a hold.
        side: the side of the body that was measured.
        fault: whether the value is a fault: beyond the threshold, and not borderline.
        value: the value that decided, in the check's unit.
        threshold: the threshold from this view.
        sample, time_s: the sample and time in seconds at which it was measured; a picture of this moment shows it.
        spans: (start, end) of the fault in seconds; empty without a fault.
        marks: full names of the landmarks that show the value; see `Check.marks`.
    """

    check: Check
    repetition: int | None
    side: Side
    fault: bool
    value: float
    threshold: float
    sample: int
    time_s: float
    spans: tuple[tuple[float, float], ...]
    marks: tuple[str, ...]

    @property
    def excess(self) -> float:
        """Excess of the value over the threshold, in units of the distance from `clear` to `threshold`; negative on the good
        side."""
        return _steps(self.check, self.value, self.threshold)

    @property
    def borderline(self) -> bool:
        """Whether the value is so near to the threshold that the true value may be on the other side."""
        return abs(self.excess) <= BORDERLINE

    @property
    def clean(self) -> bool:
        """Whether the value reaches `Check.clear`."""
        return self.excess <= -1


def _steps(check: Check, value: float, limit: float) -> float:
    """Distance of a value beyond a limit, in steps from `clear` to `threshold`."""
    return (value - limit) * (1 if check.above else -1) / abs(check.threshold - check.clear)


@dataclass(frozen=True)
class Scene:
    """A cleaned motion with its view and its repetitions or hold.

    Attributes:
        body: the motion.
        view: the view of most of the set.
        repetitions, hold: the repetitions or the hold that are judged.
        views: the view of each repetition, because people turn in mid-set; empty if `view` applies to all.
    """

    body: Body
    view: View
    repetitions: Sequence[Repetition]
    hold: Hold | None
    views: Sequence[View] = ()

    @property
    def times(self) -> Floats:
        """(n,) seconds."""
        return self.body.motion.times

    @property
    def rest(self) -> NDArray[np.bool_]:
        """(n,) whether the sample lies near the start or end of a repetition, where the body rests."""
        return self._ends_of(self.repetitions)

    def rest_seen_like(self, repetition: Repetition | None) -> NDArray[np.bool_]:
        """(n,) the rest samples of those repetitions that have about the same view as this one, so that they can be
        compared."""
        azimuth = self.view_of(repetition).azimuth
        return self._ends_of(
            [each for each in self.repetitions if abs(_turn(self.view_of(each).azimuth - azimuth)) <= SAME_VIEW]
        )

    def _ends_of(self, repetitions: Sequence[Repetition]) -> NDArray[np.bool_]:
        rest = np.zeros(len(self.times), dtype=bool)
        for repetition in repetitions:
            for end in (repetition.start, repetition.end):
                rest |= np.abs(self.times - self.times[end]) <= 0.1
        return rest

    def view_of(self, repetition: Repetition | None) -> View:
        """The view of a repetition; with None, the view of the set."""
        return self.views[repetition.index - 1] if repetition and self.views else self.view

    def shows(self, check: Check) -> bool:
        """Whether the check can be judged in at least one repetition."""
        return any(_look(check, view) is not None for view in (self.view, *self.views))

    @property
    def active(self) -> slice:
        """The samples from the first repetition to the last, or of the hold; all samples if there is neither."""
        spans = self._spans
        return slice(spans[0].start, spans[-1].end + 1) if spans else slice(None)

    @property
    def span_s(self) -> tuple[float, float]:
        """Start and end of the active samples in seconds; (0, 0) without repetitions and hold."""
        spans = self._spans
        return (spans[0].start_s, spans[-1].end_s) if spans else (0.0, 0.0)

    @property
    def _spans(self) -> list[Repetition | Hold]:
        return [*self.repetitions, *([self.hold] if self.hold else [])]

    @property
    def near_side(self) -> Side:
        """The side of the body that is nearer to the camera in most of the set."""
        return near_side(self.view)


def _turn(degrees: float) -> float:
    """The same angle between -180 and 180 degrees."""
    return (degrees + 180) % 360 - 180


def near_side(view: View) -> Side:
    """The side of the body that is nearer to the camera."""
    return "left" if view.azimuth >= 0 else "right"


LEAST_SHARE = 0.25
"""Lowest weight of the views that a check allows. Below it, the view counts as another one. Engineering default."""


@dataclass(frozen=True)
class _Look:
    """How a check is judged from a view.

    Attributes:
        view: the view; if two views apply, with the name of the one that the check allows.
        doubt: 0 to 1, weight of the views from which the check cannot be judged.
        oblique: 0 to 1, weight of the oblique view among those from which it can be judged.
    """

    view: View
    doubt: float
    oblique: float


def _look(check: Check, view: View) -> _Look | None:
    """How a check is judged from a view; None if it cannot be judged."""
    allowed = {name: weight for name, weight in views_at(view.azimuth).items() if name in check.views}
    if not allowed:
        return None
    share = sum(allowed.values())
    if share < LEAST_SHARE:
        return None
    heaviest = max(allowed, key=lambda name: allowed[name])
    return _Look(replace(view, id=heaviest), 1 - share, allowed.get("oblique", 0.0) / share)


def judge(scene: Scene, check: Check) -> list[Finding]:
    """Judge one check in all repetitions (or the hold) that are seen from a suitable view with its landmarks visible."""
    found: list[Finding] = []
    for window, repetition in _windows(scene, check):
        look = _look(check, scene.view_of(repetition))
        if look is None:
            continue
        rest = scene.rest_seen_like(repetition)
        verdicts = [
            finding
            for side in _sides(check, repetition, look.view)
            if (finding := _judge_side(scene, check, Take(scene.body, look.view, side, rest, repetition), look, window))
            is not None
        ]
        if verdicts:
            decides = min if check.sides == "better" else max
            found.append(decides(verdicts, key=lambda finding: finding.excess))
    return found


def depends_on_view(scene: Scene, findings: Sequence[Finding], checks: Sequence[Check]) -> bool:
    """Whether the faults would be different if they were judged from another view that is frequent in the set."""
    moments = scene.active
    part = scene.body.motion.part(moments.start or 0, moments.stop or len(scene.times))
    faults = _faults_of(findings)
    return any(
        faults != _faults_of([finding for check in checks for finding in judge(replace(scene, view=view, views=()), check)])
        for view in views_besides(part, scene.view, least=ALSO_SEEN)
    )


def _faults_of(findings: Sequence[Finding]) -> set[tuple[str, int | None]]:
    return {(finding.check.id, finding.repetition) for finding in findings if finding.fault}


def _windows(scene: Scene, check: Check) -> list[tuple[slice, Repetition | None]]:
    if scene.hold:
        return [(_held(scene.times, scene.hold), None)]
    windows: list[tuple[slice, Repetition | None]] = []
    for number, repetition in enumerate(scene.repetitions):
        start, end = repetition.start, repetition.end
        if check.when == "before_peak":
            end = repetition.peak
        elif check.when == "after_peak":
            start = repetition.peak
        elif check.when == "after_end":
            if cut_off(scene.body.motion, repetition).at_end:
                continue
            start = repetition.peak
            last = len(scene.times) - 1
            following = scene.repetitions[number + 1].start if number + 1 < len(scene.repetitions) else last
            pause = int(np.searchsorted(scene.times, scene.times[end] + PAUSE_S))
            end = max(end, min(pause, following, last))
        windows.append((slice(start, end + 1), repetition))
    return windows


def _held(times: Floats, hold: Hold) -> slice:
    """The samples of a hold without its ends, in which the person takes the position or leaves it; all of a short hold."""
    ends = min(HOLD_ENDS_S, (hold.end_s - hold.start_s) / 4)
    first = int(np.searchsorted(times, hold.start_s + ends))
    last = int(np.searchsorted(times, hold.end_s - ends, side="right"))
    return slice(first, last)


def _sides(check: Check, repetition: Repetition | None, view: View) -> tuple[Side, ...]:
    if check.sides in ("each", "better") and not view.id.startswith("side"):
        return ("left", "right")
    if check.sides == "working" and repetition is not None and repetition.side is not None:
        return (repetition.side,)
    return (near_side(view),)


def _judge_side(scene: Scene, check: Check, take: Take, look: _Look, window: slice) -> Finding | None:
    side, repetition = take.side, take.repetition
    sign = 1 if check.above else -1
    values = check.measure(take) * sign
    marks = take.full_names(check.marks)
    visible = np.all([seen(scene.body.motion, name) for name in marks], axis=0) | np.zeros(len(scene.times), dtype=bool)
    known = window.start + np.flatnonzero((visible & ~np.isnan(values))[window])
    if len(known) < FEWEST or np.mean(visible[window]) < SEEN_SHARE:
        return None
    times, beyond = scene.times[known], values[known]
    frames = _in_a_row(check, times)
    # Between two views of which one does not show the fault: the more that view applies, the clearer the fault must be.
    shift = look.oblique * check.oblique_margin + look.doubt * abs(check.threshold - check.clear)
    threshold, clear = (value * sign + shift for value in (check.threshold, check.clear))
    limit = threshold + BORDERLINE * abs(threshold - clear)
    spans: tuple[tuple[float, float], ...] = ()
    if check.verdict == "exceeds":
        worst, value = _sustained(beyond, frames)
        if value > limit:
            spans = _spans(times, beyond, limit, clear, frames)
        elif check.kept is not None and repetition is not None:
            kept = float(np.percentile(beyond, 100 * (1 - KEPT_SHARE)))
            if kept > check.kept * sign + shift + BORDERLINE * abs(threshold - clear):
                value, threshold, limit = kept, check.kept * sign + shift, -math.inf
                worst = int(np.argmin(np.abs(beyond - kept)))
                spans = ((float(times[0]), float(times[-1])),)
    else:
        worst, value = _reached(scene.times, np.where(visible, values, np.nan), window, frames)
        if value > limit:
            spans = ((float(times[0]), float(times[-1])),)
            # The decisive moment may be outside the picture: straight arms lift the hands over its edge.
            if _reached(scene.times, values, window, frames)[1] <= limit:
                return None
    return Finding(
        check,
        repetition.index if repetition else None,
        side,
        bool(value > limit),
        float(value * sign),
        threshold * sign,
        int(known[worst]),
        float(times[worst]),
        spans,
        marks,
    )


def _in_a_row(check: Check, times: Floats) -> int:
    """Number of consecutive samples that last as long as the check requires; at least `FEWEST`."""
    step = float(np.median(np.diff(times)))
    return min(max(FEWEST, round(check.lasting_s / step)), len(times))


def _sustained(beyond: Floats, frames: int) -> tuple[int, float]:
    """Place and value of the extreme in the direction of the fault: the value that `frames` consecutive ones exceed."""
    runs = np.lib.stride_tricks.sliding_window_view(beyond, frames)
    least = runs.min(axis=1)
    first = int(np.argmax(least))
    return first + int(np.argmax(runs[first])), float(least[first])


def _reached(times: Floats, beyond: Floats, window: slice, frames: int) -> tuple[int, float]:
    """Place and value of the extreme in the direction of the good side.

    A fast repetition has few samples at its extreme, and smoothing lowers the extreme by its curvature times half the variance
    of the Gaussian. A parabola through the samples around it, also outside the window, corrects both.

    Args:
        times: (n,) seconds.
        beyond: (n,) values, NaN where there is none; at least `frames` in the window.
        window: the samples in which the extreme lies.
        frames: number of consecutive samples that decide if there is no parabola.

    Returns:
        The place among the window's values that are not NaN, and the value.
    """
    known = np.flatnonzero(~np.isnan(beyond))
    inside = np.flatnonzero((known >= window.start) & (known < window.stop))
    times, beyond = times[known], beyond[known]
    runs = np.lib.stride_tricks.sliding_window_view(beyond[inside], frames)
    first = int(np.argmin(runs.mean(axis=1)))
    place = first + int(np.argmin(runs[first]))
    mean, best = float(runs[first].mean()), int(inside[place])
    near = np.abs(times - times[best]) <= EXTREME_S
    if near[:best].any() and near[best + 1 :].any():
        square, slope, level = np.polyfit(times[near] - times[best], beyond[near], 2)
        if square > 0 and abs(slope) <= 2 * square * EXTREME_S:
            return place, min(mean, float(level - slope**2 / (4 * square) - square * SMOOTHING_S**2))
    return place, mean


def _spans(times: Floats, beyond: Floats, limit: float, clear: float, frames: int) -> tuple[tuple[float, float], ...]:
    """Spans in seconds in which values exceed the limit for at least `frames` samples, until they are back inside `clear`."""
    spans: list[tuple[float, float]] = []
    open_since: int | None = None
    run = 0
    for number, value in enumerate(beyond):
        run = run + 1 if value > limit else 0
        if open_since is None and run >= frames:
            open_since = number - frames + 1
        if open_since is not None and value <= clear:
            spans.append((float(times[open_since]), float(times[number])))
            open_since = None
    if open_since is not None:
        spans.append((float(times[open_since]), float(times[-1])))
    return tuple(spans)
