"""Composes the report from the findings."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from feedback.checks.catalogue import Check, Exercise
from feedback.checks.judgement import Finding, Scene, depends_on_view
from feedback.checks.take import LEG_END, Take
from feedback.report.schema import (
    ExerciseFound,
    Fault,
    NotAssessed,
    RepItem,
    Report,
    Reps,
    SetReport,
    Span,
    Video,
    ViewFound,
    Warn,
)
from feedback.report.schema import Hold as HeldTime
from feedback.report.score import form_judged, hold_score, rep_score, set_score
from feedback.report.statistics import Figures, figures, statistics
from feedback.report.summary import Outcome, not_assessed_reason, summarise
from feedback.words import Words
from pose.motion import VideoInfo
from pose.movements.repetitions import Repetition
from pose.movements.signals import Signals

SEEN_SHARE = 0.8
"""If the person was found in less than this share of the set, the report warns."""

EVENNESS, EVEN = "uneven_sides", 85.0
"""The shared check that compares both sides, and the symmetry in per cent below which it gives no praise (an engineering
default)."""

PUSH_UP = "push_up"
"""The exercise that raised hands make easier."""

SURE_OF_VIEW = 0.6
"""If less than this share of the set was filmed from the named view, the report warns if faults depend on the view."""


@dataclass(frozen=True)
class Judged:
    """One set with its findings.

    Attributes:
        words: the words of the job's language.
        exercise: the exercise that was judged.
        confidence: 0 to 1, of the recognition; 0 if the exercise was requested and not recognised.
        scene: motion, view and repetitions of the set.
        signals: the signals of the same motion.
        findings: all findings, in the order of the exercise's checks.
        unlike: whether nothing was judged because the movement plainly is another exercise.
    """

    words: Words
    exercise: Exercise
    confidence: float
    scene: Scene
    signals: Signals
    findings: Sequence[Finding]
    unlike: bool = False

    @property
    def main_checks_made(self) -> bool:
        """Whether the first check for a major fault, and at least half of them, were made; else no full score."""
        unseen = {check.id for check in self.unseen}
        major = [check for check in self.exercise.checks if check.severity == "major"]
        made = sum(check.id not in unseen for check in major)
        return bool(major) and major[0].id not in unseen and 2 * made >= len(major)

    @property
    def unseen(self) -> list[Check]:
        """The checks that could not be made in any repetition."""
        made = {finding.check.id for finding in self.findings}
        return [check for check in self.exercise.checks if check.id not in made]


@dataclass(frozen=True)
class Workout:
    """A video with its judged sets. The report is made from it.

    Attributes:
        words: the words of the job's language.
        video: the properties of the file.
        requested: the id of the requested exercise; None if none was requested.
        sets: the sets in order of time.
        shown_instead: the exercise that the video clearly shows if the requested exercise was not found.
        besides: other exercises that were recognised beside the requested one.
    """

    words: Words
    video: VideoInfo
    requested: str | None
    sets: Sequence[tuple[Judged, SetReport]]
    shown_instead: Exercise | None
    besides: Sequence[Exercise]


def compose_set(judged: Judged, index: int) -> SetReport:
    """Compose the report on one set.

    Args:
        judged: the set.
        index: its number, from 1.
    """
    scene, movement = judged.scene, judged.exercise.movement
    of_reps = [figures(judged.signals, movement, repetition) for repetition in scene.repetitions]
    items = _items(scene, of_reps, judged.findings)
    held = _held_time(scene, judged.findings)
    score = set_score([item.score for item in items], main_checks_made=judged.main_checks_made)
    if held is not None:
        score = hold_score(held.duration_s, held.good_s, judged.findings, main_checks_made=judged.main_checks_made)
    start_s, end_s = scene.span_s
    return SetReport(
        index=index,
        exercise=judged.exercise.id,
        name=judged.words(judged.exercise.name),
        confidence=judged.confidence,
        start_s=round(start_s, 3),
        end_s=round(end_s, 3),
        view=ViewFound(id=scene.view.id, confidence=scene.view.confidence),
        reps=len(items),
        good_reps=sum(item.good for item in items),
        items=items,
        hold=held,
        score=score,
        faults=_faults(judged),
        not_assessed=_not_assessed(judged),
        statistics=statistics(
            signals=judged.signals,
            movement=movement,
            view=scene.view,
            repetitions=scene.repetitions,
            of_reps=of_reps,
            hold=scene.hold,
        ),
    )


def compose(workout: Workout) -> Report:
    """Compose the report, without a comparison and without files."""
    main = longest([report for _, report in workout.sets])
    return Report(
        video=_video(workout.video),
        exercise=ExerciseFound(
            id=main.exercise,
            name=main.name,
            confidence=main.confidence,
            source="requested" if workout.requested is not None else "recognised",
        ),
        view=main.view,
        reps=Reps(total=main.reps, good=main.good_reps, items=main.items),
        hold=main.hold,
        faults=main.faults,
        not_assessed=main.not_assessed,
        score=main.score,
        statistics=main.statistics,
        warnings=_warnings(workout),
        summary=summarise(
            workout.words,
            [_outcome(judged, report) for judged, report in workout.sets],
            shown_instead=workout.shown_instead,
            besides=workout.besides,
            recognised=workout.requested is None,
        ),
        sets=[report for _, report in workout.sets],
    )


def longest(sets: Sequence[SetReport]) -> SetReport:
    """The longest set; of two sets of the same duration the first one."""
    return max(sets, key=lambda one: one.end_s - one.start_s)


def _outcome(judged: Judged, report: SetReport) -> Outcome:
    # No other place of the camera shows the checks of another exercise.
    unseen = [check for check in judged.unseen if check.severity == "major" and not judged.unlike]
    return Outcome(
        exercise=judged.exercise,
        report=report,
        praised=_praised(judged, report),
        unseen=unseen,
        hidden=[check for check in unseen if judged.scene.shows(check)],
        borderline=[check for check in judged.exercise.checks if _is_borderline(judged, check)],
        form_judged=form_judged(judged.findings),
        main_checks_made=judged.main_checks_made,
        need_of_change=need_of_change(report, judged.findings) if report.faults else (),
    )


def need_of_change(report: SetReport, findings: Sequence[Finding]) -> tuple[bool, int, float]:
    """Sort key of sets with a fault: by the severity of its first fault, how often that occurs, and its excess.

    Args:
        report: the set.
        findings: the findings of the set; those that are no fault do not matter.
    """
    first = report.faults[0]
    excess = max(finding.excess for finding in findings if finding.fault and finding.check.id == first.id)
    return first.severity != "major", -max(len(first.reps), len(first.spans)), -excess


def _is_borderline(judged: Judged, check: Check) -> bool:
    """Whether a check found no fault, but a value near the limit."""
    found = [finding for finding in judged.findings if finding.check is check]
    return any(finding.borderline for finding in found) and not any(finding.fault for finding in found)


def _video(video: VideoInfo) -> Video:
    return Video(
        duration_s=round(video.duration_s, 3),
        width=video.width,
        height=video.height,
        fps=round(video.fps, 3),
        frames_decoded=video.frames_decoded,
        frames_analysed=video.frames_analysed,
    )


def _not_assessed(judged: Judged) -> list[NotAssessed]:
    words = judged.words
    other = words("The movement does not look like this exercise.")
    unseen = [
        (check.id, check.title, other if judged.unlike else not_assessed_reason(words, check, judged.scene))
        for check in judged.unseen
    ]
    never = [(each.id, each.title, words(each.reason)) for each in judged.exercise.never_seen]
    return [NotAssessed(id=id_, title=words(title), reason=reason) for id_, title, reason in [*unseen, *never]]


def _praised(judged: Judged, report: SetReport) -> list[Check]:
    """Checks that were made in every repetition, and whose target every repetition reached."""
    symmetry = report.statistics.symmetry
    uneven = symmetry is not None and symmetry.value < EVEN
    praised = []
    for check in judged.exercise.checks:
        found = [finding for finding in judged.findings if finding.check is check]
        if uneven and check.id == EVENNESS:
            continue
        if found and len(found) >= report.reps and all(finding.clean for finding in found):
            praised.append(check)
    return praised


def _items(scene: Scene, of_reps: Sequence[Figures], judged: Sequence[Finding]) -> list[RepItem]:
    items = []
    for repetition, figure in zip(scene.repetitions, of_reps, strict=True):
        findings = [finding for finding in judged if finding.repetition == repetition.index]
        faults = [finding.check for finding in findings if finding.fault]
        items.append(
            RepItem(
                index=repetition.index,
                side=repetition.side,
                start_s=round(repetition.start_s, 3),
                peak_s=round(repetition.peak_s, 3),
                end_s=round(repetition.end_s, 3),
                good=form_judged(judged) and all(check.severity != "major" for check in faults),
                score=rep_score(findings),
                range_of_motion=figure.range_of_motion,
                tempo=figure.tempo,
                faults=list(dict.fromkeys(check.id for check in faults)),
                borderline=[finding.check.id for finding in findings if finding.borderline],
            )
        )
    return items


def _held_time(scene: Scene, judged: Sequence[Finding]) -> HeldTime | None:
    if scene.hold is None:
        return None
    spans = sorted(span for finding in judged if finding.check.severity == "major" for span in finding.spans)
    faulty, until = 0.0, 0.0
    for start, end in spans:
        faulty += max(0.0, end - max(start, until))
        until = max(until, end)
    duration = scene.hold.duration_s
    return HeldTime(duration_s=round(duration, 2), good_s=round(max(0.0, duration - faulty), 2))


def _faults(judged: Judged) -> list[Fault]:
    """One entry for each fault. The fault to change first comes first.

    Major faults come before minor ones, then faults of more repetitions, then faults further beyond their threshold.
    """
    # All deviations from a reference have the same id; their titles differ.
    of_check: dict[tuple[str, str], list[Finding]] = {}
    for finding in judged.findings:
        if finding.fault:
            of_check.setdefault((finding.check.id, finding.check.title), []).append(finding)
    ranked = sorted(
        of_check.values(),
        key=lambda found: (found[0].check.severity != "major", -len(found), -max(finding.excess for finding in found)),
    )
    return [_fault(judged, found[0].check, found) for found in ranked]


def _fault(judged: Judged, check: Check, found: Sequence[Finding]) -> Fault:
    worst = max(found, key=lambda finding: finding.excess)
    digits = 2 if check.unit in {"ratio", "s"} else 1
    return Fault(
        id=check.id,
        title=judged.words(check.title),
        advice=judged.words(check.advice),
        severity=check.severity,
        reps=[finding.repetition for finding in found if finding.repetition is not None],
        spans=[Span(start_s=round(start, 3), end_s=round(end, 3)) for finding in found for start, end in finding.spans],
        measured=round(worst.value, digits),
        threshold=round(worst.threshold, 2),
        unit=check.unit,
        view=judged.scene.view.id,
        source=check.source,
    )


def _kneels(judged: Judged) -> bool:
    """Whether the body's line was judged from shoulders to knees in most repetitions, because the person was kneeling."""
    scene = judged.scene
    if not any(LEG_END in finding.check.marks for finding in judged.findings):
        return False
    return _most(take.kneels for take in _takes(scene))


def _hands_are_raised(judged: Judged) -> bool:
    """Whether the hands of a push-up, seen from the side, stand much higher than the feet in most repetitions."""
    scene = judged.scene
    if judged.exercise.id != PUSH_UP or not scene.view.id.startswith("side"):
        return False
    return _most(take.hands_are_raised for take in _takes(scene))


def _takes(scene: Scene) -> Iterator[Take]:
    """The near side in each repetition, or in the hold."""
    spans: Sequence[Repetition | None] = scene.repetitions or [None]
    return (Take(scene.body, scene.view, scene.near_side, scene.rest, span) for span in spans)


def _most(flags: Iterable[bool]) -> bool:
    """Whether more than half of them are true."""
    known = list(flags)
    return 2 * sum(known) > len(known)


def _warnings(workout: Workout) -> list[Warn]:
    """The warnings. Each is given once, also if it applies to several sets."""
    words = workout.words
    warnings = []
    if not workout.video.complete:
        message = words("The video file ends early. What is there was analysed; upload it again if repetitions are missing.")
        warnings.append(Warn(code="incomplete_file", message=message))
    if workout.video.turned:
        message = words("The video lay on its side and was turned. Check how your phone stands before you film.")
        warnings.append(Warn(code="rotated", message=message))
    if workout.video.slowed > 1:
        message = words(
            "The video is in slow motion, {times} times slower than you moved. All times are those of your movement.",
            times=words.number(workout.video.slowed, 1),
        )
        warnings.append(Warn(code="slow_motion", message=message))
    if workout.shown_instead is not None:
        message = words(
            "The video seems to show {shown}, but {asked} was asked for.",
            shown=words(workout.shown_instead.name),
            asked=workout.sets[0][1].name,
        )
        warnings.append(Warn(code="other_exercise", message=message))
    if any(_kneels(judged) for judged, _ in workout.sets):
        message = words("You were on your knees, so your body was judged along the line from your shoulders to your knees.")
        warnings.append(Warn(code="on_knees", message=message))
    if any(_hands_are_raised(judged) for judged, _ in workout.sets):
        message = words("Your hands were on something higher than your feet, which makes a push-up easier. It costs no points.")
        warnings.append(Warn(code="hands_raised", message=message))
    scenes = [judged.scene for judged, _ in workout.sets]
    if any(np.mean(scene.body.motion.detected[scene.active]) < SEEN_SHARE for scene in scenes):
        message = words("You were out of sight for part of the set. Keep your whole body in the picture.")
        warnings.append(Warn(code="out_of_sight", message=message))
    unsure = [judged for judged, _ in workout.sets if judged.scene.view.confidence < SURE_OF_VIEW]
    if any(depends_on_view(judged.scene, judged.findings, judged.exercise.checks) for judged in unsure):
        message = words("You turned during the set, or the camera moved, so some checks are less certain. Film from one place.")
        warnings.append(Warn(code="uncertain_view", message=message))
    return warnings
