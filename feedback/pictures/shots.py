"""Choose the moments of a video to show in pictures: the two worst, and a good one for contrast."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feedback.checks.judgement import Finding, Scene
from feedback.checks.take import Take
from feedback.examination import ExaminedSet
from feedback.report.composition import need_of_change
from pose.motion import Floats
from pose.movements.repetitions import Repetition
from pose.movements.signals import Body

APART_S = 1.0
"""Shortest time in seconds between two pictures of the same fault in a hold."""


@dataclass(frozen=True)
class Shot:
    """A moment to show.

    Attributes:
        sample: the sample of the motion.
        finding: the finding to show; None if there is none, and only the driving angle is shown.
        repetition: the repetition of the sample; None in a hold.
    """

    sample: int
    finding: Finding | None
    repetition: Repetition | None


Shown = tuple[ExaminedSet, Shot]


def worst_shots(sets: Sequence[ExaminedSet]) -> tuple[Shown, Shown]:
    """The worst moments of two different faults, or else of the two worst repetitions, or else of the two least good ones.

    The moments differ, unless two faults are worst at the same moment or the person is visible in one sample only. Of several
    sets, those with the faults to change first come first.
    """
    first, *others = ((examined, shot) for examined in sorted(sets, key=_rank) for shot in _by_need(examined))
    faults = [other for other in others if other[1].finding is not None and other[1].finding.fault]
    return first, next((other for other in (*faults, *others) if _is_news(first, other)), first)


def best_shot(sets: Sequence[ExaminedSet]) -> Shown | None:
    """The best moment of the best good repetition, or of the longest good part of a hold; None if there is none.

    For contrast, the picture shows the check that failed elsewhere; in a set without a fault one that neither of the worst
    shots shows, and there is no picture where there is none left. Of several sets, the one with the best score that has such a
    moment is used.
    """
    worst = worst_shots(sets)
    for examined in sorted(sets, key=lambda examined: -(examined.report.score or 0)):
        shown = {shot.finding.check.id for one, shot in worst if one is examined and shot.finding is not None}
        shot = _best_of(examined, set() if examined.findings else shown)
        if shot is not None:
            return examined, shot
    return None


def _rank(examined: ExaminedSet) -> tuple[float, ...]:
    """Sort key of sets: those with a fault first, as in the summary; then those without one by their score."""
    if not examined.findings:
        return 1, examined.report.score or 0
    return 0, *need_of_change(examined.report, examined.findings)


def _best_of(examined: ExaminedSet, seen: Set[str]) -> Shot | None:
    """The best moment of a set, with a check that is not among the seen ones."""
    if examined.hold is not None:
        return _good_part(examined, seen)
    items = {item.index: item for item in examined.report.items}
    # Without a check no repetition can be called good: the most usual one is shown.
    good = [each for each in examined.repetitions if items[each.index].good or not examined.exercise.checks]
    if not good:
        return None
    best = max(
        good,
        key=lambda rep: (
            not items[rep.index].faults,
            items[rep.index].score or 0,
            -_excess(examined, rep),
            -_oddity(examined, rep),
        ),
    )
    shown = examined.findings[0].check.id if examined.findings else None
    verdicts = [finding for finding in examined.of_repetition(best.index) if finding.marks and not finding.fault]
    if not verdicts:
        return Shot(best.peak, None, best)
    verdicts.sort(key=lambda finding: (not finding.clean, finding.check.id != shown))
    return next((_of(finding, examined) for finding in verdicts if finding.check.id not in seen), None)


def _is_news(first: Shown, other: Shown) -> bool:
    if first[0] is not other[0] or first[1].sample != other[1].sample:
        return True
    faults = [shot.finding.check.id for _, shot in (first, other) if shot.finding is not None and shot.finding.fault]
    return len(set(faults)) == 2


def _by_need(examined: ExaminedSet) -> Iterator[Shot]:
    """Yield candidates, the most important first; the last ones are any moments in which the person is visible."""
    of_check: dict[str, list[Finding]] = {}
    for finding in examined.findings:
        of_check.setdefault(finding.check.id, []).append(finding)
    ranked = [sorted(findings, key=lambda finding: -finding.excess) for findings in of_check.values()]
    yield from (_of(findings[0], examined) for findings in ranked)
    yield from (_of(finding, examined) for findings in ranked for finding in findings[1:])
    yield from (_of(again, examined) for findings in ranked if (again := _again(examined, findings[0])) is not None)
    yield from _least_good(examined)
    seen = _seen_in_set(examined)
    for share in (0.5, 0.0, 1.0):
        sample = int(seen[round(share * (len(seen) - 1))])
        yield Shot(sample, None, next((rep for rep in examined.repetitions if rep.start <= sample <= rep.end), None))


def _seen_in_set(examined: ExaminedSet) -> NDArray[np.intp]:
    """Samples from the first repetition to the last, or of the hold, in which the person is visible."""
    spans = examined.repetitions or ((examined.hold,) if examined.hold else ())
    inside = np.zeros(len(examined.motion.times), bool)
    inside[spans[0].start : spans[-1].end + 1] = True
    return np.flatnonzero(inside & examined.motion.detected)


def _least_good(examined: ExaminedSet) -> Iterator[Shot]:
    """Yield moments of repetitions, the least good first, then all other findings.

    Of a repetition, the check with the fault to change first is shown, for comparison. Without a fault it is from one
    repetition to the next another check, of those the one that comes closest to a fault.
    """
    scores = {item.index: item.score if item.score is not None else 0 for item in examined.report.items}
    need = {rep.index: (scores[rep.index], -_excess(examined, rep), -_oddity(examined, rep)) for rep in examined.repetitions}
    compared = examined.findings[0].check if examined.findings else None
    shown: set[str] = set()
    for repetition in sorted(examined.repetitions, key=lambda rep: need[rep.index]):
        verdicts = [finding for finding in examined.of_repetition(repetition.index) if finding.marks]
        if not verdicts:
            yield Shot(repetition.peak, None, repetition)
            continue
        chosen = max(
            verdicts,
            key=lambda finding: (finding.check is compared, finding.check.id not in shown, not finding.clean, finding.excess),
        )
        shown.add(chosen.check.id)
        yield _of(chosen, examined)
    yield from (_of(finding, examined) for finding in sorted(examined.judged, key=lambda one: (not one.marks, -one.excess)))


def _again(examined: ExaminedSet, finding: Finding) -> Finding | None:
    """The fault of a hold at its next worst moment, at least `APART_S` away from the one shown already; None if there is
    none."""
    if finding.repetition is not None:
        return None
    motion, check = examined.motion, finding.check
    values = _measured(examined, finding)
    inside = np.any([(motion.times >= start) & (motion.times <= end) for start, end in finding.spans], axis=0)
    inside &= np.abs(motion.times - finding.time_s) >= APART_S
    beyond = np.where(inside, values * (1 if check.above else -1), np.nan)
    if np.isnan(beyond).all():
        return None
    sample = int(np.nanargmax(beyond))
    return replace(finding, sample=sample, time_s=float(motion.times[sample]), value=float(values[sample]))


def _good_part(examined: ExaminedSet, seen: Set[str]) -> Shot | None:
    hold = examined.hold
    if hold is None:
        return None
    times = examined.motion.times
    good = np.zeros(len(times), bool)
    good[hold.start : hold.end + 1] = examined.motion.detected[hold.start : hold.end + 1]
    for finding in examined.findings:
        for start, end in finding.spans:
            good &= (times < start) | (times > end)
        # The ends of a hold are not judged, and have no spans, but may show the fault all the same.
        good &= ~((_measured(examined, finding) - finding.threshold) * (1 if finding.check.above else -1) > 0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]])))
    if not len(edges):
        return None
    start, end = max(edges.reshape(-1, 2), key=lambda part: part[1] - part[0])
    sample = int(start + end - 1) // 2
    praised = _well_done(examined, sample, seen)
    return None if seen and praised is None else Shot(sample, praised, None)


def _well_done(examined: ExaminedSet, sample: int, seen: Set[str]) -> Finding | None:
    """What a check found at a good moment of a hold: the check that failed elsewhere, else the first one that is not among the
    seen ones; None if none reaches its target there."""
    for finding in (*examined.findings, *examined.judged):
        value = float(_measured(examined, finding)[sample])
        moment = replace(
            finding, fault=False, sample=sample, time_s=float(examined.motion.times[sample]), value=value, spans=()
        )
        if finding.marks and moment.clean and finding.check.id not in seen:
            return moment
    return None


def _measured(examined: ExaminedSet, finding: Finding) -> Floats:
    """(n,) the values of a finding's check in a hold."""
    scene = Scene(Body(examined.motion), examined.view, examined.repetitions, examined.hold)
    return finding.check.measure(Take(scene.body, scene.view, finding.side, scene.rest, None))


def _oddity(examined: ExaminedSet, repetition: Repetition) -> float:
    """How far range and duration of a repetition are from the usual ones, as shares of those."""
    values = {item.index: (item.range_of_motion, item.end_s - item.start_s) for item in examined.report.items}
    usual = np.median(list(values.values()), axis=0)
    return float(np.sum(np.abs(np.array(values[repetition.index]) - usual) / np.maximum(usual, 1e-6)))


def _excess(examined: ExaminedSet, repetition: Repetition) -> float:
    return max((finding.excess for finding in examined.of_repetition(repetition.index)), default=-np.inf)


def _of(finding: Finding, examined: ExaminedSet) -> Shot:
    repetition = next((rep for rep in examined.repetitions if rep.index == finding.repetition), None)
    # A finding without landmarks, such as the pace, has no moment of its own.
    sample = repetition.peak if repetition and not finding.marks else finding.sample
    return Shot(sample, finding, repetition)
