"""The report's comparison with a reference video."""

from collections.abc import Collection, Sequence

from feedback.checks.catalogue import Exercise
from feedback.report.schema import RepSimilarity, Similarity, Warn
from feedback.words import N_, Words
from pose.motion import Motion
from pose.movements.comparison import Comparison, compare
from pose.movements.movement import Movement
from pose.movements.repetitions import Hold, Repetition, find_hold, find_repetitions
from pose.movements.sets import find_sets

PLAIN = 0.5
"""Lowest confidence at which the report says that the reference shows another exercise."""

JOINT_NAMES = {
    "left_shoulder": N_("left shoulder"),
    "right_shoulder": N_("right shoulder"),
    "left_elbow": N_("left elbow"),
    "right_elbow": N_("right elbow"),
    "left_hip": N_("left hip"),
    "right_hip": N_("right hip"),
    "left_knee": N_("left knee"),
    "right_knee": N_("right knee"),
    "left_ankle": N_("left ankle"),
    "right_ankle": N_("right ankle"),
}
"""Names of `pose.movements.comparison.ANGLES` for the user."""

Spans = list[tuple[int, int]]


def compare_with_reference(
    motion: Motion,
    spans: Spans,
    reference: Motion,
    *,
    exercise: Exercise,
    catalogue: Collection[Exercise],
    words: Words,
) -> tuple[Comparison | None, list[Warn]]:
    """Compare a motion with a reference, unless the reference shows another exercise.

    Args:
        motion: the cleaned motion.
        spans: its repetitions or its hold; see `spans_of`.
        reference: the reference's cleaned motion.
        exercise: the exercise of `motion`.
        catalogue: the exercises that the reference could show.
        words: the job's language.

    Returns:
        The comparison, None if there is nothing to compare; and warnings about it.
    """
    names = {each.id: each.name for each in catalogue}
    sets = find_sets(reference, [movement for each in catalogue for movement in each.movements])
    seen = max(sets, key=lambda one: one.duration_s, default=None)
    if seen is not None and seen.confidence >= PLAIN and all(one.movement.id != exercise.id for one in sets):
        message = words(
            N_("The reference video shows {shown}, not {exercise}, so the two were not compared."),
            shown=words(names[seen.movement.id]),
            exercise=words(exercise.name),
        )
        return None, [Warn(code="reference_other_exercise", message=message)]
    reference_spans = _spans_in(reference, exercise.movement)
    if not spans or not reference_spans:
        message = words(N_("No repetition was found in the reference video, so there is nothing to compare with."))
        return None, [Warn(code="reference_without_repetition", message=message)] if spans else []
    comparison = compare(motion, spans, reference, reference_spans)
    if comparison.in_picture:
        return comparison, []
    message = words(N_("The reference was filmed from another side, so the comparison is rough. Film from the same side."))
    return comparison, [Warn(code="reference_other_view", message=message)]


def spans_of(repetitions: Sequence[Repetition], hold: Hold | None) -> Spans:
    """First and last sample of each repetition, or of the hold."""
    if hold is not None:
        return [(hold.start, hold.end)]
    return [(repetition.start, repetition.end) for repetition in repetitions]


def similarity(comparison: Comparison, repetitions: Sequence[Repetition], motion: Motion, reference: Motion) -> Similarity:
    """The report's part about a comparison."""
    return Similarity(
        overall=round(comparison.overall, 3),
        per_joint={joint: round(value, 3) for joint, value in comparison.per_joint.items()},
        per_rep=[
            RepSimilarity(
                index=repetition.index,
                similarity=round(span.similarity, 3),
                moment_s=round(float(motion.times[span.sample]), 3),
                reference_moment_s=round(float(reference.times[span.reference_sample]), 3),
                joint=span.joint,
            )
            for repetition, span in zip(repetitions, comparison.spans, strict=False)
        ],
    )


def _spans_in(motion: Motion, movement: Movement) -> Spans:
    if movement.held:
        return spans_of((), find_hold(motion, movement))
    return spans_of(find_repetitions(motion, movement), None)
