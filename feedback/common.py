"""Checks that several exercises share."""

from feedback import measures
from feedback.catalogue import ANY, ENGINEERING_DEFAULT, FRONT, REAR, SIDE, Check
from feedback.words import N_

BODY_LINE_SOURCE = (
    "Shoulders, hips and ankles in one line, moving as a unit (APFT; FitnessGram); within 15 degrees of straight, and a little "
    "more upwards, where the hip landmark lies above the joint, is an " + ENGINEERING_DEFAULT
)


def hips_sagging(lasting_s: float = 0.1) -> Check:
    """The hips hang below the line from the shoulders to the feet."""
    return Check(
        id="hips_sagging",
        measures="how far the body bends at the hips below the line from shoulder to ankle",
        measure=measures.hips_below_line,
        verdict="exceeds",
        above=True,
        threshold=16,
        clear=11,
        unit="deg",
        marks=("shoulder", "hip", "ankle"),
        views=SIDE,
        lasting_s=lasting_s,
        title=N_("Hips sagging"),
        advice=N_("Lift your hips into one line with shoulders and heels, as if pulling your belt buckle towards your chin."),
        praise=N_("Your hips never sagged."),
        why=N_("A straight body lets trunk, shoulders and legs work together."),
        source=BODY_LINE_SOURCE,
    )


def hips_piked(lasting_s: float = 0.1) -> Check:
    """The hips stick up above the line from the shoulders to the feet."""
    return Check(
        id="hips_piked",
        measures="how far the body bends at the hips above the line from shoulder to ankle",
        measure=measures.hips_above_line,
        verdict="exceeds",
        above=True,
        threshold=22,
        clear=16,
        unit="deg",
        marks=("shoulder", "hip", "ankle"),
        views=SIDE,
        lasting_s=lasting_s,
        title=N_("Hips too high"),
        advice=N_("Lower your hips into one line with shoulders and heels, as if you were a wooden board."),
        praise=N_("Your hips never rose out of line."),
        why=N_("With the hips high, arms and trunk carry less of the work."),
        source=BODY_LINE_SOURCE,
    )


def uneven_sides(part: str, threshold: float) -> Check:
    """One side's part comes higher than the other's, by so many cm."""
    return Check(
        id="uneven_sides",
        measures=f"how much higher one {part} is than the other, more than between repetitions",
        measure=measures.tilt(part, by_turns=part == "wrist"),
        verdict="exceeds",
        above=True,
        threshold=threshold,
        clear=round(0.7 * threshold, 1),
        unit="cm",
        marks=(f"left_{part}", f"right_{part}"),
        against="horizontal",
        views=(*FRONT, *REAR),
        severity="minor",
        title=N_("Left and right uneven"),
        advice=N_("Move both sides to the same height at the same time, as if balancing a full tray."),
        praise=N_("Your left and right side worked evenly."),
        why=N_("Even sides share the load and train both alike."),
        source="Three times the pose's jitter, an " + ENGINEERING_DEFAULT,
    )


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
        advice=N_("Slow down until you control the whole movement, counting one-two on the way back."),
        praise=N_("Your pace was well controlled."),
        why=N_("A controlled pace keeps the muscles, not momentum, at work."),
        source="FitnessGram's 3 seconds for a push-up is the nearest published pace; this limit is an " + ENGINEERING_DEFAULT,
    )
