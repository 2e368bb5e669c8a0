"""From a motion to its examination and report."""

from collections.abc import Mapping

from feedback.catalogue import Exercise
from feedback.composition import Judged, compose
from feedback.errors import NoExercise, UnknownExercise
from feedback.examination import Examination
from feedback.exercises import CATALOGUE
from feedback.judgement import Scene, judge
from feedback.report import Report
from feedback.similarity import compare_with_reference, similarity, spans_of
from feedback.words import words_of
from pose.motion import Motion
from pose.recognition import Recognition, recognise
from pose.repetitions import Hold, Repetition, find_hold, find_repetitions
from pose.signals import Body, Signals, clean
from pose.view import estimate_view

PLAIN = 0.6
"""Confidence of the recognition from which it is said that the video shows another exercise than the one asked for."""


def review(
    motion: Motion,
    *,
    exercise: str | None = None,
    language: str | None = "en",
    reference: Motion | None = None,
    catalogue: Mapping[str, Exercise] = CATALOGUE,
) -> Report:
    """The report alone; see `examine`."""
    return examine(motion, exercise=exercise, language=language, reference=reference, catalogue=catalogue).report


def examine(
    motion: Motion,
    *,
    exercise: str | None = None,
    language: str | None = "en",
    reference: Motion | None = None,
    catalogue: Mapping[str, Exercise] = CATALOGUE,
) -> Examination:
    """Judge a motion like a coach.

    Args:
        motion: as `pose.read_motion` gives it.
        exercise: the id of the exercise that it should be; None recognises it.
        language: the language of every word in the report, such as "en" or "ko-KR".
        reference: a motion to compare with.
        catalogue: the exercises to choose from, by id.

    Raises:
        UnknownExercise: `exercise` is not in the catalogue.
        NoExercise: the motion shows nothing of the catalogue.
    """
    if exercise is not None and exercise not in catalogue:
        raise UnknownExercise(f"There is no such exercise. Choose one of: {', '.join(catalogue)}.")
    words = words_of(language)
    cleaned = clean(motion)
    recognition = recognise(cleaned, [each.movement for each in catalogue.values()])
    id_ = exercise or (recognition.movement.id if recognition.movement else None)
    if id_ is None:
        raise NoExercise("No exercise was recognised. Film your whole body, from one place, for the whole set.")
    chosen = catalogue[id_]
    repetitions = () if chosen.movement.held else tuple(find_repetitions(cleaned, chosen.movement))
    hold = find_hold(cleaned, chosen.movement) if chosen.movement.held else None
    if not repetitions and hold is None and recognition.movement is None:
        raise NoExercise("No repetition was seen. Film your whole body, from one place, for the whole set.")
    scene = _scene(cleaned, repetitions, hold)
    judged = Judged(
        words=words,
        exercise=chosen,
        requested=exercise is not None,
        recognition=recognition,
        shown_instead=_shown_instead(chosen, recognition, catalogue),
        scene=scene,
        signals=Signals(cleaned),
        findings=[finding for check in chosen.checks for finding in judge(scene, check)],
    )
    report = compose(judged)
    comparison = None
    cleaned_reference = clean(reference) if reference else None
    if cleaned_reference is not None:
        comparison, warnings = compare_with_reference(
            cleaned,
            spans_of(repetitions, hold),
            cleaned_reference,
            exercise=chosen,
            catalogue=catalogue.values(),
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
        signals=judged.signals,
        repetitions=repetitions,
        hold=hold,
        judged=tuple(judged.findings),
        words=words,
        report=report,
    )


def _scene(motion: Motion, repetitions: tuple[Repetition, ...], hold: Hold | None) -> Scene:
    """The view is taken where the exercise is, so that walking in and out does no harm."""
    spans: list[Repetition | Hold] = [*repetitions, *([hold] if hold else [])]
    view = estimate_view(motion, start=spans[0].start, end=spans[-1].end + 1) if spans else estimate_view(motion)
    return Scene(Body(motion), view, repetitions, hold)


def _shown_instead(exercise: Exercise, recognition: Recognition, catalogue: Mapping[str, Exercise]) -> Exercise | None:
    """What the video plainly shows when another exercise was asked for."""
    seen = recognition.movement
    if seen is None or seen.id == exercise.id or recognition.confidence < PLAIN:
        return None
    return catalogue[seen.id]
