"""From a motion to its examination and report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from feedback.checks.catalogue import Exercise
from feedback.checks.judgement import Scene, judge
from feedback.errors import NoExercise, UnknownExercise
from feedback.examination import Examination, ExaminedSet
from feedback.exercises import CATALOGUE
from feedback.exercises.reserved import ANY, REFERENCE, RESERVED
from feedback.exercises.unnamed import find_plain, find_unnamed, unnamed
from feedback.reference.deviation import Deviations, deviation_checks, fit_to_person, with_amounts
from feedback.reference.learning import learn
from feedback.reference.similarity import compare_with_reference, similarity, spans_of
from feedback.report.composition import Judged, Workout, compose, compose_set, longest
from feedback.report.schema import Report
from feedback.words import Words, words_of
from pose.motion import Motion
from pose.movements.movement import Movement
from pose.movements.repetitions import Hold, Repetition, find_hold, find_repetitions
from pose.movements.sets import FoundSet, find_sets
from pose.movements.signals import Body, Signals, clean
from pose.movements.view import estimate_view

LITTLE = 0.01
"""Weight of a repetition with fit 0 in the choice of a variant."""

PLAIN = 0.6
"""Lowest confidence at which the report says that the video shows another exercise than the requested one."""


def review(
    motion: Motion,
    *,
    exercise: str | None = None,
    language: str | None = "en",
    reference: Motion | None = None,
    catalogue: Mapping[str, Exercise] = CATALOGUE,
) -> Report:
    """Judge a motion and return only the report; see `examine`."""
    return examine(motion, exercise=exercise, language=language, reference=reference, catalogue=catalogue).report


def examine(
    motion: Motion,
    *,
    exercise: str | None = None,
    language: str | None = "en",
    reference: Motion | None = None,
    catalogue: Mapping[str, Exercise] = CATALOGUE,
) -> Examination:
    """Find the sets of a motion, judge their form and compose the report.

    Args:
        motion: as `pose.read_motion` gives it.
        exercise: the id of the exercise whose sets are judged; "any" for any repeated movement; "reference" for the movement of
            the reference. None recognises all sets; if it recognises none, it counts a movement that is clearly repeated.
        language: the language of the report, such as "en" or "ko-KR".
        reference: a motion to compare with.
        catalogue: the exercises to choose from, by id.

    Raises:
        UnknownExercise: `exercise` is not in the catalogue.
        NoExercise: the motion shows no exercise of the catalogue and no repeated movement.
    """
    if exercise == REFERENCE and reference is None:
        raise UnknownExercise("A reference video is missing: it is the exercise.")
    if exercise is not None and exercise not in {*catalogue, *RESERVED}:
        raise UnknownExercise(f"There is no such exercise. Choose one of: {', '.join(catalogue)}.")
    words = words_of(language)
    cleaned = clean(motion)
    deviations: Deviations = {}
    if exercise == REFERENCE and reference is not None:
        learned = learn(reference, REFERENCE)
        deviations = deviation_checks(learned)
        checks = tuple(check for check, _ in deviations.values())
        catalogue = {REFERENCE: Exercise(movement=learned.movement, name=RESERVED[REFERENCE], checks=checks)}
    choice = _choose_sets(cleaned, catalogue, exercise)
    judged = [
        _judge(cleaned, found, _exercise_of(found, catalogue), words, plainly_another=choice.instead is not None)
        for found in choice.sets
    ]
    if deviations:
        judged = [_told(one, deviations) for one in judged]
    reports = [compose_set(one, number) for number, one in enumerate(judged, 1)]
    workout = Workout(
        words=words,
        video=motion.video,
        requested=exercise,
        sets=list(zip(judged, reports, strict=True)),
        shown_instead=choice.instead,
        besides=choice.besides,
    )
    sets = tuple(
        ExaminedSet(
            motion=one.scene.body.motion,
            reference=None,
            comparison=None,
            exercise=one.exercise,
            view=one.scene.view,
            signals=one.signals,
            repetitions=tuple(one.scene.repetitions),
            hold=one.scene.hold,
            judged=tuple(one.findings),
            words=words,
            report=report,
            alone=len(judged) == 1,
        )
        for one, report in workout.sets
    )
    main = sets[reports.index(longest(reports))]
    examination = Examination(cleaned, motion, sets, main, words, compose(workout))
    return _compare(examination, clean(reference), catalogue) if reference else examination


@dataclass(frozen=True)
class _Choice:
    """The sets to judge.

    Attributes:
        sets: the sets in order of time.
        instead: the exercise that the video shows in place of the requested one; None if the requested one was found.
        besides: other exercises that the video shows.
    """

    sets: Sequence[FoundSet]
    instead: Exercise | None = None
    besides: Sequence[Exercise] = ()


def _exercise_of(found: FoundSet, catalogue: Mapping[str, Exercise]) -> Exercise:
    return unnamed(found) if found.movement.id == ANY else catalogue[found.movement.id].done_as(found.movement)


def _choose_sets(motion: Motion, catalogue: Mapping[str, Exercise], exercise: str | None) -> _Choice:
    if exercise == ANY:
        repeated = find_unnamed(motion)
        if not repeated:
            raise NoExercise("Nothing is repeated in this video. Film your whole body, from one place, for the whole set.")
        return _Choice(repeated)
    found = find_sets(motion, [movement for each in catalogue.values() for movement in each.movements])
    if exercise is None:
        found = found or find_plain(motion)
        if not found:
            raise NoExercise("No exercise was recognised. Film your whole body, from one place, for the whole set.")
        return _Choice(found)
    wanted = [one for one in found if one.movement.id == exercise]
    others = [one for one in found if one.movement.id != exercise and one.confidence >= PLAIN]
    ids = dict.fromkeys(one.movement.id for one in others)
    if wanted:
        return _Choice(wanted, besides=[catalogue[id_] for id_ in ids])
    forced = _count_anyway(motion, catalogue[exercise].movements)
    if forced is None:
        if not found:
            raise NoExercise("No repetition was seen. Film your whole body, from one place, for the whole set.")
        forced = FoundSet(catalogue[exercise].movement, 0, len(motion.times), 0.0)
    plain = max(others, key=lambda one: one.duration_s, default=None)
    return _Choice([forced], instead=catalogue[plain.movement.id] if plain else None)


def _count_anyway(motion: Motion, movements: Sequence[Movement]) -> FoundSet | None:
    """Count the requested exercise although it was not recognised; of its variants, use the one that fits best."""
    found: list[tuple[float, FoundSet]] = []
    for movement in movements:
        if movement.held:
            hold = find_hold(motion, movement)
            if hold:
                found.append((hold.duration_s, FoundSet(movement, 0, len(motion.times), 0.0, hold=hold)))
            continue
        repetitions = tuple(find_repetitions(motion, movement))
        if repetitions:
            explained_s = sum((each.fit + LITTLE) * (each.end_s - each.start_s) for each in repetitions)
            found.append((explained_s, FoundSet(movement, 0, len(motion.times), 0.0, repetitions)))
    return max(found, key=lambda each: each[0])[1] if found else None


def _judge(motion: Motion, found: FoundSet, exercise: Exercise, words: Words, *, plainly_another: bool) -> Judged:
    """Judge a set. Repetitions of plainly another exercise, without any likeness to this one, are counted and not judged."""
    part = motion.part(found.start, found.end)
    scene = _scene(part, found.repetitions, found.hold)
    unlike = plainly_another and found.hold is None and all(each.fit == 0 for each in found.repetitions)
    return Judged(
        words=words,
        exercise=exercise,
        confidence=found.confidence,
        scene=scene,
        signals=Signals(part),
        findings=[] if unlike else [finding for check in exercise.checks for finding in judge(scene, check)],
        unlike=unlike,
    )


def _told(judged: Judged, deviations: Deviations) -> Judged:
    """The same set, judged with limits that are fitted to the person; the advice says how much was missing to the reference."""
    fitted = fit_to_person(deviations, judged.findings)
    found = [finding for check, _ in fitted.values() for finding in judge(judged.scene, check)]
    checks, findings = with_amounts(fitted, found, judged.words)
    return replace(judged, exercise=judged.exercise.model_copy(update={"checks": tuple(checks)}), findings=findings)


def _scene(motion: Motion, repetitions: Sequence[Repetition], hold: Hold | None) -> Scene:
    """Make the scene. The views are estimated from the samples of the exercise only: walking in and out does not change
    them."""
    spans = spans_of(repetitions, hold)
    view = estimate_view(motion, start=spans[0][0], end=spans[-1][1] + 1) if spans else estimate_view(motion)
    views = [estimate_view(motion, start=each.start, end=each.end + 1) for each in repetitions]
    return Scene(Body(motion), view, repetitions, hold, views)


def _compare(examination: Examination, reference: Motion, catalogue: Mapping[str, Exercise]) -> Examination:
    """Compare the longest set with a reference, and add the comparison to the examination."""
    main, report = examination.main, examination.report
    comparison, warnings = compare_with_reference(
        main.motion,
        spans_of(main.repetitions, main.hold),
        reference,
        exercise=main.exercise,
        catalogue=catalogue.values(),
        words=examination.words,
    )
    alike = similarity(comparison, main.repetitions, main.motion, reference) if comparison else None
    compared = replace(main, reference=reference, comparison=comparison)
    return replace(
        examination,
        main=compared,
        sets=tuple(compared if one is main else one for one in examination.sets),
        report=report.model_copy(update={"similarity": alike, "warnings": [*report.warnings, *warnings]}),
    )
