"""Words of a push message: a title and one sentence, in the language of the device."""

from collections.abc import Mapping, Sequence
from typing import Any

from consumer.jobs.errors import ErrorCode
from feedback.checks.catalogue import Exercise
from feedback.exercises.reserved import name_of
from feedback.report.schema import Hold
from feedback.report.score import PARTLY_SEEN
from feedback.report.summary import how_it_went
from feedback.words import Words, words_of


def wording_of(push: Mapping[str, Any], language: str | None, exercises: Mapping[str, Exercise]) -> tuple[str, str]:
    """Title and sentence of a push message.

    Args:
        push: as `companions.build_push` writes it.
        language: a tag, as `feedback.words.language_of` reads it.
        exercises: the catalogue.
    """
    words = words_of(language)
    if push["error"] is not None:
        return words("Your video could not be analysed"), ErrorCode(push["error"]).message(language)
    sets: Sequence[Mapping[str, Any]] = push["sets"]
    names = [name_of(words, one["exercise"], exercises) for one in sets]
    if len(sets) > 1:
        listed = words.listing(list(dict.fromkeys(names)))
        sentence = words.plural("{n} set: {names}.", "{n} sets: {names}.", len(sets), names=listed)
    else:
        sentence = _how_it_went(words, names[0], sets[0])
    return words("Your feedback is ready"), sentence


def _how_it_went(words: Words, name: str, one: Mapping[str, Any]) -> str:
    hold = None if one["hold"] is None else Hold.model_validate(one["hold"])
    score: int | None = one["score"]
    return how_it_went(
        words,
        name,
        reps=one["reps"],
        good=one["goodReps"],
        hold=hold,
        form_judged=score is not None,
        # The document has no list of the checks, but a set whose main checks were not made has a score of at most PARTLY_SEEN.
        main_checks_made=score is not None and score > PARTLY_SEEN,
    )
