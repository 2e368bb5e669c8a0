"""Composes sentences of a report: the summary, the reason why a check was not made, the warnings."""

from collections.abc import Sequence
from dataclasses import dataclass

from feedback.checks.catalogue import Check, Exercise
from feedback.checks.judgement import Scene
from feedback.exercises.reserved import ANY
from feedback.report.schema import Fault, Hold, SetReport, ViewId
from feedback.words import N_, Words

VIEW_NAMES: dict[ViewId, str] = {
    "front": N_("the front"),
    "side_left": N_("the left side"),
    "side_right": N_("the right side"),
    "oblique": N_("an angle"),
    "rear": N_("behind"),
}


MOST_SENTENCES = 3
"""Of a summary of one set: more are not read on a phone."""

FEET = {"ankle", "heel", "foot_index"}


def not_assessed_reason(words: Words, check: Check, scene: Scene) -> str:
    """Why a check could not be made, and what to do about it."""
    if scene.shows(check):
        if FEET.intersection(check.marks):
            return words("Your feet were hidden or out of the picture. Step back until your whole body is in view.")
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
    """The results of a set from which the summary is made.

    Attributes:
        exercise: the exercise that was judged.
        report: the repetitions and faults of the set, the most important fault first.
        praised: checks whose target every repetition reached, the most important first.
        unseen: checks for major faults that could not be made.
        hidden: those of them that this view allows, but whose body parts were hidden or outside the picture.
        borderline: checks with a value close to a fault.
        form_judged: whether any check for a major fault could be made.
        main_checks_made: whether enough of them were made to call the form good.
        need_of_change: sort key of sets with a fault; see `feedback.report.composition.need_of_change`. Empty without one.
    """

    exercise: Exercise
    report: SetReport
    praised: Sequence[Check]
    unseen: Sequence[Check]
    hidden: Sequence[Check]
    borderline: Sequence[Check]
    form_judged: bool
    main_checks_made: bool
    need_of_change: tuple[bool, int, float] | tuple[()]


def summarise(
    words: Words,
    sets: Sequence[Outcome],
    *,
    shown_instead: Exercise | None = None,
    besides: Sequence[Exercise] = (),
    recognised: bool = False,
) -> str:
    """The summary: the first thing to change with its set, then how each set went; for a single set also a praise.

    That the video shows another exercise than the requested one is said before everything else. For a single set there are at
    most `MOST_SENTENCES`. Where no form was judged, one of them says from where to film; for a set without a fault the last one
    says how more can be checked, if there is room.

    Args:
        words: the job's language.
        sets: in order of time.
        shown_instead: the exercise that the video plainly shows when another one was asked for.
        besides: other exercises in the video than the one asked for.
        recognised: whether no exercise was asked for.
    """
    main, alone = sets[0], len(sets) == 1
    sentences = [_how_it_went(words, outcome, shown_instead, alone=alone) for outcome in sets]
    worst = min(
        (outcome for outcome in sets if outcome.report.faults), key=lambda outcome: outcome.need_of_change, default=None
    )
    if worst is not None:
        sentences.insert(0 if shown_instead is None else 1, _first_change(words, worst.report, alone=alone))
    if besides:
        names = words.listing([words(exercise.name) for exercise in besides])
        sentences.append(words("The video also shows: {names}. That was not looked at.", names=names))
    if main.exercise.id == ANY:
        if recognised:
            sentences.append(words("This is none of the exercises that are recognised."))
        sentences.append(
            words("It was counted and measured, but how it should look is not known, so your form was not judged.")
        )
    if alone:
        sentences += _closing(words, main, room=MOST_SENTENCES - len(sentences), well_done=shown_instead is None)
    return " ".join(sentences)


def _closing(words: Words, outcome: Outcome, *, room: int, well_done: bool) -> list[str]:
    """At most `room` sentences that follow on how a single set went, the most useful first."""
    report = outcome.report
    praise = [words(check.praise) for check in outcome.praised[:1]]
    elsewhere = [_film_elsewhere(words, outcome)] if outcome.unseen else []
    if elsewhere and not outcome.form_judged:
        return [*praise[: max(room - 1, 0)], *elsewhere][: max(room, 0)]
    if not praise and well_done and (report.reps or report.hold):
        praise = [words("You stayed with it to the end, well done.")]
    if report.faults:
        return praise[:room]
    close = words.listing([words(check.title) for check in outcome.borderline])
    warned = [words("Close to the limit, so keep an eye on it: {titles}.", titles=close)] if close else []
    return [*warned, *praise, *elsewhere][: max(room, 0)]


def set_name(words: Words, report: SetReport, *, alone: bool) -> str:
    """The exercise's name, with the set's number where there are several."""
    return report.name if alone else words("Set {n}, {name}", n=words.number(report.index), name=report.name)


def _how_it_went(words: Words, outcome: Outcome, shown_instead: Exercise | None, *, alone: bool) -> str:
    report = outcome.report
    name, reps, good = set_name(words, report, alone=alone), report.reps, report.good_reps
    if shown_instead is not None:
        return words(
            "This video seems to show another exercise ({shown}) than the one asked for ({asked}), so read the rest with care.",
            shown=words(shown_instead.name),
            asked=name,
        )
    return how_it_went(
        words,
        name,
        reps=reps,
        good=good,
        hold=report.hold,
        form_judged=outcome.form_judged,
        main_checks_made=outcome.main_checks_made,
    )


def how_it_went(
    words: Words, name: str, *, reps: int, good: int, hold: Hold | None, form_judged: bool, main_checks_made: bool
) -> str:
    """One sentence on a set.

    Args:
        words: the language.
        name: of the exercise in that language.
        reps: how many repetitions.
        good: how many of them without a major fault.
        hold: of a held exercise.
        form_judged: whether any check for a major fault could be made.
        main_checks_made: whether enough of them were made for a clean bill.
    """
    if hold:
        return _how_the_hold_went(words, name, hold, form_judged=form_judged)
    if not form_judged:
        return words.plural("{name}: {n} repetition.", "{name}: {n} repetitions.", reps, name=name)
    if good == reps:
        return _all_good(words, name, reps, main_checks_made=main_checks_made)
    if not good:
        return words.plural(
            "{name}: {n} repetition, with something to improve.",
            "{name}: {n} repetitions, each with something to improve.",
            reps,
            name=name,
        )
    return words.plural(
        "{name}: {good} of {n} repetition was good.",
        "{name}: {good} of {n} repetitions were good.",
        reps,
        name=name,
        good=words.number(good),
    )


def _all_good(words: Words, name: str, reps: int, *, main_checks_made: bool) -> str:
    if not main_checks_made:
        return words.plural(
            "{name}: {n} repetition, and what could be seen of it was good.",
            "{name}: {n} repetitions, and what could be seen of them was good.",
            reps,
            name=name,
        )
    return words.plural(
        "{name}: {n} repetition, and it was good.", "{name}: {n} repetitions, all of them good.", reps, name=name
    )


def _how_the_hold_went(words: Words, name: str, hold: Hold, *, form_judged: bool) -> str:
    held, good = words.quantity(hold.duration_s, "s"), words.quantity(hold.good_s, "s")
    if not form_judged:
        return words("{name}: you held it for {held}.", name=name, held=held)
    if hold.good_s >= hold.duration_s - 0.05:
        return words("{name}: you held it for {held}, all of it in good form.", name=name, held=held)
    return words("{name}: you held it for {held}, {good} of it in good form.", name=name, held=held, good=good)


def _film_elsewhere(words: Words, outcome: Outcome) -> str:
    """How to film so that most of the missing checks can be made: from further away, or from another side."""
    if 2 * len(outcome.hidden) > len(outcome.unseen):
        return words.plural(
            "To have one more point checked, step back until your whole body is in the picture.",
            "To have {n} more points checked, step back until your whole body is in the picture.",
            len(outcome.hidden),
        )
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


def _first_change(words: Words, report: SetReport, *, alone: bool) -> str:
    fault = report.faults[0]
    name = "" if alone else set_name(words, report, alone=False)
    where = ", ".join(part for part in (name, _where(words, fault, report)) if part)
    if not where:
        return words("Change this first: {advice}", advice=fault.advice)
    return words("Change this first ({where}): {advice}", where=where, advice=fault.advice)


def _where(words: Words, fault: Fault, report: SetReport) -> str:
    """The repetitions or the time span of a fault; empty when neither is known."""
    if report.hold or not fault.reps:
        if not fault.spans:
            return ""
        first = fault.spans[0]
        start, end = words.quantity(first.start_s, "s"), words.quantity(first.end_s, "s")
        return words("from {start} to {end}", start=start, end=end)
    if len(fault.reps) == report.reps and report.reps > 1:
        return words(N_("in every repetition"))
    return words.plural("repetition {reps}", "repetitions {reps}", len(fault.reps), reps=words.rep_numbers(fault.reps))
