"""From a motion to its examination and report."""

from collections.abc import Sequence
from dataclasses import dataclass

from feedback.catalogue import Check, Exercise
from feedback.errors import NoExercise, UnknownExercise
from feedback.examination import Examination
from feedback.exercises import CATALOGUE
from feedback.judgement import Finding, Scene, judge
from feedback.report import ExerciseFound, Fault, NotAssessed, RepItem, Report, Reps, Span, Video, ViewFound, Warn
from feedback.report import Hold as HeldTime
from feedback.score import hold_score, rep_score, set_score
from feedback.similarity import compare_with_reference, similarity, spans_of
from feedback.statistics import Figures, figures, statistics
from feedback.summary import not_assessed_reason, summarise
from feedback.words import Words, words_of
from pose.motion import Motion
from pose.recognition import Recognition, recognise
from pose.repetitions import find_hold, find_repetitions
from pose.signals import Body, Signals, clean
from pose.view import estimate_view

PLAIN = 0.6
"""Confidence of the recognition from which it is said that the video shows another exercise than the one asked for."""


def review(
    motion: Motion, *, exercise: str | None = None, language: str | None = "en", reference: Motion | None = None
) -> Report:
    """The report alone; see `examine`."""
    return examine(motion, exercise=exercise, language=language, reference=reference).report


def examine(
    motion: Motion, *, exercise: str | None = None, language: str | None = "en", reference: Motion | None = None
) -> Examination:
    """Judge a motion like a coach.

    Args:
        motion: as `pose.read_motion` gives it.
        exercise: the id of the exercise that it should be; None recognises it.
        language: the language of every word in the report, such as "en" or "ko-KR".
        reference: a motion to compare with.

    Raises:
        UnknownExercise: `exercise` is not in the catalogue.
        NoExercise: the motion shows nothing of the catalogue.
    """
    if exercise is not None and exercise not in CATALOGUE:
        raise UnknownExercise(f"There is no such exercise. Choose one of: {', '.join(CATALOGUE)}.")
    words = words_of(language)
    cleaned = clean(motion)
    recognition = recognise(cleaned, [each.movement for each in CATALOGUE.values()])
    id_ = exercise or (recognition.movement.id if recognition.movement else None)
    if id_ is None:
        raise NoExercise("No exercise was recognised. Film your whole body, from one place, for the whole set.")
    chosen = CATALOGUE[id_]
    repetitions = () if chosen.movement.held else tuple(find_repetitions(cleaned, chosen.movement))
    hold = find_hold(cleaned, chosen.movement) if chosen.movement.held else None
    if not repetitions and hold is None and recognition.movement is None:
        raise NoExercise("No repetition was seen. Film your whole body, from one place, for the whole set.")
    scene = Scene(Body(cleaned), estimate_view(cleaned), repetitions, hold)
    work = _Work(words, chosen, exercise is not None, recognition, scene, Signals(cleaned))
    judged, not_assessed = _judge_all(work)
    report = _report(work, judged, not_assessed)
    comparison = None
    cleaned_reference = clean(reference) if reference else None
    if cleaned_reference is not None:
        comparison, warnings = compare_with_reference(
            cleaned,
            spans_of(repetitions, hold),
            cleaned_reference,
            exercise=chosen,
            catalogue=CATALOGUE.values(),
            words=words,
        )
        alike = similarity(comparison, repetitions, cleaned, cleaned_reference) if comparison else None
        report = report.model_copy(update={"similarity": alike, "warnings": [*report.warnings, *warnings]})
    return Examination(
        motion=cleaned,
        reference=cleaned_reference,
        comparison=comparison,
        exercise=chosen,
        view=scene.view,
        signals=work.signals,
        repetitions=repetitions,
        hold=hold,
        judged=tuple(judged),
        words=words,
        report=report,
    )


@dataclass(frozen=True)
class _Work:
    """What the parts of a report are made from."""

    words: Words
    exercise: Exercise
    requested: bool
    recognition: Recognition
    scene: Scene
    signals: Signals

    @property
    def shown_instead(self) -> Exercise | None:
        """What the video plainly shows when another exercise was asked for."""
        seen = self.recognition.movement
        if seen is None or seen.id == self.exercise.id or self.recognition.confidence < PLAIN:
            return None
        return CATALOGUE[seen.id]


def _judge_all(work: _Work) -> tuple[list[Finding], list[NotAssessed]]:
    judged: list[Finding] = []
    not_assessed: list[NotAssessed] = []
    for check in work.exercise.checks:
        in_view = work.scene.view.id in check.views
        found = judge(work.scene, check) if in_view else []
        judged += found
        if not found:
            reason = not_assessed_reason(work.words, check, work.scene.view.id, in_view=in_view)
            not_assessed.append(NotAssessed(id=check.id, title=work.words(check.title), reason=reason))
    return judged, not_assessed


def _report(work: _Work, judged: Sequence[Finding], not_assessed: list[NotAssessed]) -> Report:
    scene, movement = work.scene, work.exercise.movement
    of_reps = [figures(work.signals, movement, repetition) for repetition in scene.repetitions]
    reps = _reps(scene, of_reps, judged)
    held = _held_time(scene, judged)
    faults = _faults(work, judged)
    score = set_score([item.score for item in reps.items])
    if held is not None:
        score = hold_score(held.duration_s, held.good_s, judged)
    video = scene.body.motion.video
    faulty = {fault.id for fault in faults}
    praised = [
        check for check in work.exercise.checks if check.id not in faulty and any(each.check is check for each in judged)
    ]
    confidence = work.recognition.confidence
    agrees = work.recognition.movement is not None and work.recognition.movement.id == work.exercise.id
    return Report(
        video=Video(
            duration_s=round(video.duration_s, 3),
            width=video.width,
            height=video.height,
            fps=round(video.fps, 3),
            frames_decoded=video.frames_decoded,
            frames_analysed=video.frames_analysed,
        ),
        exercise=ExerciseFound(
            id=work.exercise.id,
            name=work.words(work.exercise.name),
            confidence=round(confidence if agrees else 1 - confidence, 3),
            source="requested" if work.requested else "recognised",
        ),
        view=ViewFound(id=scene.view.id, confidence=scene.view.confidence),
        reps=reps,
        hold=held,
        faults=faults,
        not_assessed=not_assessed,
        score=score,
        statistics=statistics(
            signals=work.signals,
            movement=movement,
            view=scene.view,
            repetitions=scene.repetitions,
            of_reps=of_reps,
            hold=scene.hold,
        ),
        warnings=_warnings(work),
        summary=summarise(
            work.words,
            exercise=work.exercise,
            reps=reps,
            hold=held,
            faults=faults,
            praised=praised,
            shown_instead=work.shown_instead,
        ),
    )


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


def _faults(work: _Work, judged: Sequence[Finding]) -> list[Fault]:
    """One entry for each fault, the first to change first: major before minor, then what concerns more repetitions."""
    of_check: dict[str, list[Finding]] = {}
    for finding in judged:
        if finding.fault:
            of_check.setdefault(finding.check.id, []).append(finding)
    ranked = sorted(of_check.values(), key=lambda found: (found[0].check.severity != "major", -len(found)))
    return [_fault(work, found[0].check, found) for found in ranked]


def _fault(work: _Work, check: Check, found: Sequence[Finding]) -> Fault:
    worst = max(found, key=lambda finding: finding.excess)
    digits = 2 if check.unit in {"ratio", "s"} else 1
    return Fault(
        id=check.id,
        title=work.words(check.title),
        advice=work.words(check.advice),
        severity=check.severity,
        reps=[finding.repetition for finding in found if finding.repetition is not None],
        spans=[Span(start_s=round(start, 3), end_s=round(end, 3)) for finding in found for start, end in finding.spans],
        measured=round(worst.value, digits),
        threshold=round(worst.threshold, 2),
        unit=check.unit,
        view=work.scene.view.id,
        source=check.source,
    )


def _warnings(work: _Work) -> list[Warn]:
    words = work.words
    warnings = []
    if not work.scene.body.motion.video.complete:
        message = words("The video file ends early. What is there was analysed; upload it again if repetitions are missing.")
        warnings.append(Warn(code="incomplete_file", message=message))
    if work.shown_instead is not None:
        message = words(
            "The video seems to show {shown}, but {asked} was asked for.",
            shown=words(work.shown_instead.name),
            asked=words(work.exercise.name),
        )
        warnings.append(Warn(code="other_exercise", message=message))
    return warnings
