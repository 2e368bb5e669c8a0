"""The sentences of a report that are put together: the summary, why a check was not made, what to know before trusting it."""

from collections.abc import Sequence

from feedback.catalogue import Check, Exercise
from feedback.report import Fault, Hold, Reps, ViewId
from feedback.words import N_, Words

VIEW_NAMES: dict[ViewId, str] = {
    "front": N_("the front"),
    "side_left": N_("the left side"),
    "side_right": N_("the right side"),
    "oblique": N_("an angle"),
    "rear": N_("behind"),
}


def not_assessed_reason(words: Words, check: Check, view: ViewId, *, in_view: bool) -> str:
    """Why a check could not be made, and what to do about it."""
    if in_view:
        return words("The body parts that this needs were hidden or out of the picture. Keep your whole body in view.")
    names: list[str] = []
    for each in check.views:
        name = words(N_("the side")) if each.startswith("side") else words(VIEW_NAMES[each])
        if name not in names:
            names.append(name)
    return words(
        "This video was filmed from {view}. To check this, film from {views}.",
        view=words(VIEW_NAMES[view]),
        views=words.either(names),
    )


def summarise(
    words: Words,
    *,
    exercise: Exercise,
    reps: Reps,
    hold: Hold | None,
    faults: Sequence[Fault],
    praised: Sequence[Check],
    shown_instead: Exercise | None,
) -> str:
    """Two or three sentences: how it went, the first thing to change and where, something that was good.

    Args:
        words: the job's language.
        exercise: what was judged.
        reps, hold: what was counted.
        faults: the first to change first.
        praised: checks that found nothing to change in any repetition, the most important first.
        shown_instead: the exercise that the video plainly shows when another one was requested.
    """
    sentences = [_how_it_went(words, exercise, reps, hold, shown_instead)]
    if faults:
        sentences.append(_first_change(words, faults[0], reps, hold))
    if praised:
        sentences.append(words(praised[0].praise))
    elif reps.total and shown_instead is None:
        sentences.append(
            words.plural(
                "You stayed with it to the end, well done.",
                "You stayed with it for all {n} repetitions, well done.",
                reps.total,
            )
        )
    elif hold:
        sentences.append(words("You stayed with it to the end, well done."))
    return " ".join(sentences[:3])


def _how_it_went(words: Words, exercise: Exercise, reps: Reps, hold: Hold | None, shown_instead: Exercise | None) -> str:
    name = words(exercise.name)
    if shown_instead is not None:
        return words(
            "This video seems to show another exercise ({shown}) than the one asked for ({asked}), so read the rest with care.",
            shown=words(shown_instead.name),
            asked=name,
        )
    if hold:
        held, good = words.quantity(hold.duration_s, "s"), words.quantity(hold.good_s, "s")
        if hold.good_s >= hold.duration_s - 0.05:
            return words("{name}: you held it for {held}, all of it in good form.", name=name, held=held)
        return words("{name}: you held it for {held}, {good} of it in good form.", name=name, held=held, good=good)
    if reps.good == reps.total:
        return words.plural(
            "{name}: {n} repetition, and it was good.", "{name}: {n} repetitions, all of them good.", reps.total, name=name
        )
    return words.plural(
        "{name}: {good} of {n} repetition was good.",
        "{name}: {good} of {n} repetitions were good.",
        reps.total,
        name=name,
        good=words.number(reps.good),
    )


def _first_change(words: Words, fault: Fault, reps: Reps, hold: Hold | None) -> str:
    if hold or not fault.reps:
        first = fault.spans[0] if fault.spans else None
        if first is None:
            return words("Change this first: {advice}", advice=fault.advice)
        start, end = words.quantity(first.start_s, "s"), words.quantity(first.end_s, "s")
        return words("Change this first (from {start} to {end}): {advice}", start=start, end=end, advice=fault.advice)
    if len(fault.reps) == reps.total and reps.total > 1:
        return words("Change this first (in every repetition): {advice}", advice=fault.advice)
    return words.plural(
        "Change this first (repetition {reps}): {advice}",
        "Change this first (repetitions {reps}): {advice}",
        len(fault.reps),
        reps=words.rep_numbers(fault.reps),
        advice=fault.advice,
    )
