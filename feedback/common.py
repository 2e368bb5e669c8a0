"""Checks that several exercises share."""

from feedback import measures
from feedback.catalogue import ANY, ENGINEERING_DEFAULT, Check
from feedback.words import N_


def too_fast(seconds: float) -> Check:
    """Repetitions that take less than so many seconds."""
    return Check(
        id="too_fast",
        measures="the duration of the repetition",
        measure=measures.duration,
        verdict="exceeds",
        above=False,
        threshold=seconds,
        clear=round(1.25 * seconds, 2),
        unit="s",
        marks=(),
        views=ANY,
        severity="minor",
        title=N_("Too fast"),
        advice=N_("Slow down so that you control every part of the movement; count one-two on the way back."),
        praise=N_("Your pace was well controlled."),
        why=N_("A controlled pace keeps the muscles, not momentum, at work."),
        source="FitnessGram's 3 seconds for a push-up is the nearest published pace; this limit is an " + ENGINEERING_DEFAULT,
    )
