"""The sentences of a report that are put together: the summary, why a check was not made, what to know before trusting it."""

from collections.abc import Sequence
from dataclasses import dataclass

from feedback.catalogue import Check, Exercise
from feedback.judgement import Scene
from feedback.report import Fault, Hold, Reps, ViewId
from feedback.words import N_, Words

VIEW_NAMES: dict[ViewId, str] = {
    "front": N_("the front"),
    "side_left": N_("the left side"),
    "side_right": N_("the right side"),
    "oblique": N_("an angle"),
    "rear": N_("behind"),
}


def not_assessed_reason(words: Words, check: Check, scene: Scene) -> str:
    """Why a check could not be made, and what to do about it."""
    if scene.shows(check):
        return words("The body parts that this needs were hidden or out of the picture. Keep your whole body in view.")
    names: list[str] = []
    for each in check.views:
        name = words(N_("the side")) if each.startswith("side") else words(VIEW_NAMES[each])
        if name not in names:
            names.append(name)
    return words(
        "This video was filmed from {view}. To check this, film from {views}.",
        view=words(VIEW_NAMES[scene.view.id]),
        views=words.either(names),
    )


@dataclass(frozen=True)
class Outcome:
    """What a summary is made from.

    Attributes:
        exercise: what was judged.
        reps, hold: what was counted.
        faults: the first to change first.
        praised: checks that found nothing to change in any repetition, the most important first.
        unseen: checks for major faults that could not be made.
        form_judged: whether any of those could be made.
        shown_instead: the exercise that the video plainly shows when another one was asked for.
    """

    exercise: Exercise
    reps: Reps
    hold: Hold | None
    faults: Sequence[Fault]
    praised: Sequence[Check]
    unseen: Sequence[Check]
    form_judged: bool
    shown_instead: Exercise | None


def summarise(words: Words, outcome: Outcome) -> str:
    """Two or three sentences: how it went, the first thing to change and where, something that was good.

    Without a fault, the last one says from where to film to have more checked.
    """
    sentences = [_how_it_went(words, outcome)]
    if outcome.faults:
        sentences.append(_first_change(words, outcome.faults[0], outcome.reps, outcome.hold))
    if outcome.praised:
        sentences.append(words(outcome.praised[0].praise))
    elif outcome.shown_instead is None and outcome.reps.total:
        sentences.append(
            words.plural(
                "You stayed with it to the end, well done.",
                "You stayed with it for all {n} repetitions, well done.",
                outcome.reps.total,
            )
        )
    elif outcome.hold:
        sentences.append(words("You stayed with it until the end, well done."))
    if outcome.unseen and not outcome.faults:
        sentences.append(_film_elsewhere(words, outcome))
    return " ".join(sentences)


def _how_it_went(words: Words, outcome: Outcome) -> str:
    name, reps, hold = words(outcome.exercise.name), outcome.reps, outcome.hold
    if outcome.shown_instead is not None:
        return words(
            "This video seems to show another exercise ({shown}) than the one asked for ({asked}), so read the rest with care.",
            shown=words(outcome.shown_instead.name),
            asked=name,
        )
    if hold:
        return _how_the_hold_went(words, name, hold, form_judged=outcome.form_judged)
    if not outcome.form_judged:
        return words.plural("{name}: {n} repetition.", "{name}: {n} repetitions.", reps.total, name=name)
    if reps.good == reps.total:
        return words.plural(
            "{name}: {n} repetition, and it was good.", "{name}: {n} repetitions, all of them good.", reps.total, name=name
        )
    if not reps.good:
        return words.plural(
            "{name}: {n} repetition, with something to improve.",
            "{name}: {n} repetitions, each with something to improve.",
            reps.total,
            name=name,
        )
    return words.plural(
        "{name}: {good} of {n} repetition was good.",
        "{name}: {good} of {n} repetitions were good.",
        reps.total,
        name=name,
        good=words.number(reps.good),
    )


def _how_the_hold_went(words: Words, name: str, hold: Hold, *, form_judged: bool) -> str:
    held, good = words.quantity(hold.duration_s, "s"), words.quantity(hold.good_s, "s")
    if not form_judged:
        return words("{name}: you held it for {held}.", name=name, held=held)
    if hold.good_s >= hold.duration_s - 0.05:
        return words("{name}: you held it for {held}, all of it in good form.", name=name, held=held)
    return words("{name}: you held it for {held}, {good} of it in good form.", name=name, held=held, good=good)


def _film_elsewhere(words: Words, outcome: Outcome) -> str:
    """From where most of what could not be seen can be seen."""
    from_side = sum("side_left" in check.views for check in outcome.unseen)
    view = words(N_("the side")) if 2 * from_side >= len(outcome.unseen) else words(VIEW_NAMES["front"])
    if not outcome.form_judged:
        return words(
            "Your form cannot be judged from here: next time, film from {view} with your whole body in view.", view=view
        )
    return words.plural(
        "To have one more point checked, film from {view} with your whole body in view.",
        "To have {n} more points checked, film from {view} with your whole body in view.",
        len(outcome.unseen),
        view=view,
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
