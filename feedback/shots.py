"""Which moments of a video to show: the two worst, and a good one for contrast."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from feedback.examination import Examination
from feedback.judgement import Finding, Scene
from feedback.measures import Take
from pose.repetitions import Repetition
from pose.signals import Body

APART_S = 1.0
"""Two pictures of one fault in a hold are at least so far apart."""


@dataclass(frozen=True)
class Shot:
    """A moment to show.

    Attributes:
        sample: of the motion.
        finding: the verdict to show there; None where none was passed, and only the driving angle is shown.
        repetition: in which it lies; None in a hold.
    """

    sample: int
    finding: Finding | None
    repetition: Repetition | None


def worst_shots(examination: Examination) -> tuple[Shot, Shot]:
    """The worst moments of two different faults, else of the two worst repetitions, else of the two least good ones.

    They are different moments, unless two faults are worst at the same one or the person is seen in only one.
    """
    first, *others = _by_need(examination)
    return first, next((other for other in others if _is_news(first, other)), first)


def best_shot(examination: Examination) -> Shot | None:
    """The best moment of the best good repetition, or of the longest good part of a hold; None when there is none.

    It shows the verdict of the fault that was made elsewhere, for contrast.
    """
    if examination.hold is not None:
        return _good_part(examination)
    items = {item.index: item for item in examination.report.reps.items}
    good = [repetition for repetition in examination.repetitions if items[repetition.index].good]
    if not good:
        return None
    best = max(good, key=lambda rep: (not items[rep.index].faults, items[rep.index].score or 0, -_excess(examination, rep)))
    shown = examination.findings[0].check.id if examination.findings else None
    verdicts = [finding for finding in examination.of_repetition(best.index) if finding.marks and not finding.fault]
    verdicts.sort(key=lambda finding: finding.check.id != shown)
    return _of(verdicts[0], examination) if verdicts else Shot(best.peak, None, best)


def _is_news(first: Shot, other: Shot) -> bool:
    if first.sample != other.sample:
        return True
    faults = [shot.finding.check.id for shot in (first, other) if shot.finding is not None and shot.finding.fault]
    return len(set(faults)) == 2


def _by_need(examination: Examination) -> Iterator[Shot]:
    """Candidates, what most needs to be seen first; at the end any moment in which the person is seen."""
    of_check: dict[str, list[Finding]] = {}
    for finding in examination.findings:
        of_check.setdefault(finding.check.id, []).append(finding)
    ranked = [sorted(findings, key=lambda finding: -finding.excess) for findings in of_check.values()]
    yield from (_of(findings[0], examination) for findings in ranked)
    yield from (_of(finding, examination) for findings in ranked for finding in findings[1:])
    yield from (_of(again, examination) for findings in ranked if (again := _again(examination, findings[0])) is not None)
    yield from _least_good(examination)
    seen = np.flatnonzero(examination.motion.detected)
    for share in (0.5, 0.0, 1.0):
        sample = int(seen[round(share * (len(seen) - 1))])
        yield Shot(sample, None, next((rep for rep in examination.repetitions if rep.start <= sample <= rep.end), None))


def _least_good(examination: Examination) -> Iterator[Shot]:
    """Repetitions without a fault, the least good first, and then what is left of them and of a hold."""
    scores = {item.index: item.score if item.score is not None else 0 for item in examination.report.reps.items}
    for repetition in sorted(examination.repetitions, key=lambda rep: (scores[rep.index], -_excess(examination, rep))):
        verdicts = [finding for finding in examination.of_repetition(repetition.index) if finding.marks]
        if verdicts:
            yield _of(max(verdicts, key=lambda finding: finding.excess), examination)
        else:
            yield Shot(repetition.peak, None, repetition)
    yield from (_of(finding, examination) for finding in sorted(examination.judged, key=lambda finding: -finding.excess))


def _again(examination: Examination, finding: Finding) -> Finding | None:
    """The fault of a hold at its worst moment that is not close to the one shown already."""
    if finding.repetition is not None:
        return None
    motion, check = examination.motion, finding.check
    scene = Scene(Body(motion), examination.view, examination.repetitions, examination.hold)
    values = check.measure(Take(scene.body, scene.view, finding.side, scene.rest, None))
    inside = np.any([(motion.times >= start) & (motion.times <= end) for start, end in finding.spans], axis=0)
    inside &= np.abs(motion.times - finding.time_s) >= APART_S
    beyond = np.where(inside, values * (1 if check.above else -1), np.nan)
    if np.isnan(beyond).all():
        return None
    sample = int(np.nanargmax(beyond))
    return replace(finding, sample=sample, time_s=float(motion.times[sample]), value=float(values[sample]))


def _good_part(examination: Examination) -> Shot | None:
    hold = examination.hold
    if hold is None:
        return None
    times = examination.motion.times
    good = np.zeros(len(times), bool)
    good[hold.start : hold.end + 1] = examination.motion.detected[hold.start : hold.end + 1]
    for finding in examination.findings:
        for start, end in finding.spans:
            good &= (times < start) | (times > end)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]])))
    if not len(edges):
        return None
    start, end = max(edges.reshape(-1, 2), key=lambda part: part[1] - part[0])
    return Shot(int(start + end - 1) // 2, None, None)


def _excess(examination: Examination, repetition: Repetition) -> float:
    return max((finding.excess for finding in examination.of_repetition(repetition.index)), default=-np.inf)


def _of(finding: Finding, examination: Examination) -> Shot:
    repetition = next((rep for rep in examination.repetitions if rep.index == finding.repetition), None)
    # What has no place on the body, such as a pace, has no moment either.
    sample = repetition.peak if repetition and not finding.marks else finding.sample
    return Shot(sample, finding, repetition)
