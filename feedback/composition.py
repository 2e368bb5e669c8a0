"""From verdicts to the report."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feedback.catalogue import Check, Exercise
from feedback.judgement import Finding, Scene
from feedback.report import ExerciseFound, Fault, NotAssessed, RepItem, Report, Reps, Span, Video, ViewFound, Warn
from feedback.report import Hold as HeldTime
from feedback.score import hold_score, rep_score, set_score
from feedback.statistics import Figures, figures, statistics
from feedback.summary import Outcome, not_assessed_reason, summarise
from feedback.words import Words
from pose.recognition import Recognition
from pose.signals import Signals

SEEN_SHARE = 0.8
"""Below this share of the set in which the person was found, the report says so."""

SURE_OF_VIEW = 0.6
"""Below this share of the set that was filmed from the named view, the report says so."""


@dataclass(frozen=True)
class Judged:
    """One video with its verdicts: what a report is made from.

    Attributes:
        words: the job's language.
        exercise: what was judged.
        requested: whether it was asked for, not recognised.
        recognition: what the video shows.
        shown_instead: what it plainly shows when another exercise was asked for.
        scene: where and when.
        signals: of the same motion.
        findings: every verdict, in the order of the exercise's checks.
    """

    words: Words
    exercise: Exercise
    requested: bool
    recognition: Recognition
    shown_instead: Exercise | None
    scene: Scene
    signals: Signals
    findings: Sequence[Finding]

    @property
    def unseen(self) -> list[Check]:
        """The checks that could not be made in any repetition."""
        made = {finding.check.id for finding in self.findings}
        return [check for check in self.exercise.checks if check.id not in made]


def compose(judged: Judged) -> Report:
    """The report without a comparison and without files."""
    scene, movement, words = judged.scene, judged.exercise.movement, judged.words
    of_reps = [figures(judged.signals, movement, repetition) for repetition in scene.repetitions]
    reps = _reps(scene, of_reps, judged.findings)
    held = _held_time(scene, judged.findings)
    faults = _faults(judged)
    score = set_score([item.score for item in reps.items])
    if held is not None:
        score = hold_score(held.duration_s, held.good_s, judged.findings)
    return Report(
        video=_video(judged),
        exercise=_exercise(judged),
        view=ViewFound(id=scene.view.id, confidence=scene.view.confidence),
        reps=reps,
        hold=held,
        faults=faults,
        not_assessed=[_not_assessed(judged, check) for check in judged.unseen],
        score=score,
        statistics=statistics(
            signals=judged.signals,
            movement=movement,
            view=scene.view,
            repetitions=scene.repetitions,
            of_reps=of_reps,
            hold=scene.hold,
        ),
        warnings=_warnings(judged),
        summary=summarise(
            words,
            Outcome(
                exercise=judged.exercise,
                reps=reps,
                hold=held,
                faults=faults,
                praised=_praised(judged, len(reps.items)),
                unseen=[check for check in judged.unseen if check.severity == "major"],
                form_judged=any(finding.check.severity == "major" for finding in judged.findings),
                shown_instead=judged.shown_instead,
            ),
        ),
    )


def _video(judged: Judged) -> Video:
    video = judged.scene.body.motion.video
    return Video(
        duration_s=round(video.duration_s, 3),
        width=video.width,
        height=video.height,
        fps=round(video.fps, 3),
        frames_decoded=video.frames_decoded,
        frames_analysed=video.frames_analysed,
    )


def _exercise(judged: Judged) -> ExerciseFound:
    seen, confidence = judged.recognition.movement, judged.recognition.confidence
    agrees = seen is not None and seen.id == judged.exercise.id
    return ExerciseFound(
        id=judged.exercise.id,
        name=judged.words(judged.exercise.name),
        confidence=round(confidence if agrees else 1 - confidence, 3),
        source="requested" if judged.requested else "recognised",
    )


def _not_assessed(judged: Judged, check: Check) -> NotAssessed:
    reason = not_assessed_reason(judged.words, check, judged.scene)
    return NotAssessed(id=check.id, title=judged.words(check.title), reason=reason)


def _praised(judged: Judged, repetitions: int) -> list[Check]:
    """Checks that were made in every repetition and found nothing to change."""
    praised = []
    for check in judged.exercise.checks:
        found = [finding for finding in judged.findings if finding.check is check]
        if found and len(found) >= repetitions and not any(finding.fault for finding in found):
            praised.append(check)
    return praised


def _reps(scene: Scene, of_reps: Sequence[Figures], judged: Sequence[Finding]) -> Reps:
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
                good=all(check.severity != "major" for check in faults),
                score=rep_score(findings),
                range_of_motion=figure.range_of_motion,
                tempo=figure.tempo,
                faults=[check.id for check in faults],
            )
        )
    return Reps(total=len(items), good=sum(item.good for item in items), items=items)


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
    """One entry for each fault, the first to change first: major before minor, then what concerns more repetitions."""
    of_check: dict[str, list[Finding]] = {}
    for finding in judged.findings:
        if finding.fault:
            of_check.setdefault(finding.check.id, []).append(finding)
    ranked = sorted(of_check.values(), key=lambda found: (found[0].check.severity != "major", -len(found)))
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


def _warnings(judged: Judged) -> list[Warn]:
    words, motion = judged.words, judged.scene.body.motion
    warnings = []
    if not motion.video.complete:
        message = words("The video file ends early. What is there was analysed; upload it again if repetitions are missing.")
        warnings.append(Warn(code="incomplete_file", message=message))
    if judged.shown_instead is not None:
        message = words(
            "The video seems to show {shown}, but {asked} was asked for.",
            shown=words(judged.shown_instead.name),
            asked=words(judged.exercise.name),
        )
        warnings.append(Warn(code="other_exercise", message=message))
    if np.mean(motion.detected[judged.scene.active]) < SEEN_SHARE:
        message = words("You were out of sight for part of the set. Keep your whole body in the picture.")
        warnings.append(Warn(code="out_of_sight", message=message))
    if judged.scene.view.confidence < SURE_OF_VIEW:
        message = words("You turned during the set, or the camera moved, so some checks are less certain. Film from one place.")
        warnings.append(Warn(code="uncertain_view", message=message))
    return warnings
