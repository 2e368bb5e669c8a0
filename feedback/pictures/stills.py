"""worst1.png, worst2.png and best.png: a moment of the video with the measured value and the advice."""

from dataclasses import replace
from typing import Literal

import numpy as np

from feedback.checks import measures
from feedback.checks.catalogue import Check
from feedback.checks.judgement import Finding
from feedback.examination import Examination, ExaminedSet
from feedback.pictures.cards import TEXT, Measure, card
from feedback.pictures.curve import CHORD, DrivingAngle
from feedback.pictures.drawing import RIGHT, WANTED, WHITE, WRONG, turned
from feedback.pictures.lettering import Line, Picture
from feedback.pictures.naming import at_start, function_of, measure_name
from feedback.pictures.shots import Shot
from feedback.report.summary import set_name
from feedback.words import N_, Words
from pose.motion import INDEX, Floats, Motion
from pose.movements.angles import angle_at

SEEN = 0.3
"""Landmarks below this visibility are not drawn, since the model guesses their position."""
OUTLIER = 0.12
"""A landmark that lies further from where it is on average over time, as a share of the person's size in the picture, is an
outlier."""
GAP = 12
"""Pixels between the legend and the text below it."""
FROM_REST = frozenset({measures.trunk_swing, measures.arm_swing})
"""What measures a line against its own resting position."""
STRAIGHT = 160.0
"""Degrees. A target angle of at least this is drawn as a straight line."""


def shown_points(motion: Motion) -> Floats:
    """(n, 33, 2) pixels of the landmarks that are drawn; NaN for the others."""
    points: Floats = np.where(motion.visibility[..., None] >= SEEN, motion.image[..., :2], np.nan)
    return points


def unsmoothed(examination: Examination, cleaned: Motion) -> Motion:
    """A cleaned motion, of a set or of the whole video, with its landmarks where they were seen in each frame.

    The average over time that the checks use cuts the corners of a fast movement, which shows in a picture. A landmark that was
    not found, or is an outlier, stays where the cleaned motion has it.
    """
    first = int(np.searchsorted(examination.as_read.times, cleaned.times[0]))
    read = examination.as_read.image[first : first + len(cleaned.times)]
    apart = np.linalg.norm(read[..., :2] - cleaned.image[..., :2], axis=-1)
    size = np.ptp(cleaned.image[..., :2], axis=1).max(axis=1)
    return replace(cleaned, image=np.where((apart < OUTLIER * size[:, None])[..., None], read, cleaned.image))


def picture_of(examined: ExaminedSet, curve: DrivingAngle, shot: Shot, frame: Picture, *, best: bool = False) -> Picture:
    """Draw the card of a shot.

    Args:
        examined: the set.
        curve: the driving angle of the set, shown if the shot has no finding.
        shot: the moment.
        frame: the upright frame of that moment at full size.
        best: whether the shot is the good example.
    """
    words, finding = examined.words, shot.finding
    title, subtitle = _headline(examined, shot, best=best)
    if finding is None:
        measure = _driving(examined, curve, shot)
        notes = [Line(f"{at_start(curve.name)}: {measure.value}", TEXT, RIGHT, mark="solid")] if measure else []
    else:
        measure, notes = measured(examined, finding)
        notes.append(Line(words(finding.check.why if finding.clean else finding.check.advice), TEXT, WHITE, space=GAP))
    points = shown_points(examined.motion)[shot.sample]
    return card(frame, points, measure, title=title, subtitle=subtitle, notes=notes)


def target_text(words: Words, finding: Finding) -> str:
    """What to aim at, such as `Target: at most 95°`; where that is reached, `Good: up to 95°`; one limit for all cards."""
    if not finding.clean:
        return limit_text(words, finding)
    _, value = value_texts(words, finding)
    return words(N_("Good: up to {value}") if _is_upper_limit(finding.check) else N_("Good: from {value}"), value=value)


def limit_text(words: Words, finding: Finding) -> str:
    """What to aim at, whether it is reached or not."""
    _, value = value_texts(words, finding)
    return words(
        N_("Target: at most {value}") if _is_upper_limit(finding.check) else N_("Target: at least {value}"), value=value
    )


def aim_of(finding: Finding) -> float:
    """The value to aim at from this view: obliquely both limits lie further off."""
    return finding.check.clear + finding.threshold - finding.check.threshold


def _is_upper_limit(check: Check) -> bool:
    """Whether good is below the limit; a limit below zero is one on the other side, where "at least -10" means "at most 10"."""
    return check.above != (check.threshold < 0)


def value_texts(words: Words, finding: Finding) -> tuple[str, str]:
    """What was measured and what to aim at, as texts; with one more digit where they would read the same but are not."""
    check, aim = finding.check, aim_of(finding)
    measured, target = (_value_text(words, check, number, 0) for number in (finding.value, aim))
    if measured == target and not finding.clean:
        measured, target = (_value_text(words, check, number, 1) for number in (finding.value, aim))
    return measured, target


def _value_text(words: Words, check: Check, value: float, finer: int) -> str:
    """A value as a person reads it, never below zero.

    Beyond a level or an upright line, the text says so. Other values below zero lie on the side that is not judged: there is
    nothing of what was looked for.
    """
    number = -value if check.threshold < 0 else value
    text = words.quantity(abs(number), check.unit, finer=finer)
    nothing = words.quantity(0, check.unit)
    if number >= 0 or text == nothing:
        return text
    past = _past_its_line(check)
    return words(past, value=text) if past is not None else nothing


def _past_its_line(check: Check) -> str | None:
    """What a value below zero means; None where it means that there is nothing of what is looked for."""
    function = function_of(check)
    if function is measures.mouth_over_hands:
        return N_("{value} below")
    if function is measures.height:
        return N_("{value} above") if check.threshold < 0 else N_("{value} below")
    if check.unit != "deg" or check.against is None:
        return None
    if check.against == "horizontal":
        return N_("{value} past level") if check.above else N_("{value} below level")
    return N_("{value} past upright") if check.verdict == "falls_short" and check.above else None


def clock(seconds: float) -> str:
    """A time as video players show it: 0:07."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _headline(examined: ExaminedSet, shot: Shot, *, best: bool) -> tuple[str, str]:
    words, repetition = examined.words, shot.repetition
    where = [clock(float(examined.motion.times[shot.sample]))]
    if repetition:
        where.insert(0, words(N_("Repetition {n}"), n=words.number(repetition.index)))
    if not examined.alone:
        where.insert(0, set_name(words, examined.report, alone=False))
    return title_of(examined, shot, best=best), " · ".join(where)


def title_of(examined: ExaminedSet, shot: Shot, *, best: bool) -> str:
    """The heading of a card: the fault, or whether what is shown was good, as far as it was judged."""
    words, finding, repetition = examined.words, shot.finding, shot.repetition
    if not examined.exercise.checks and repetition:
        return words(N_("Most like the others")) if best else words(N_("Least like the others"))
    if finding is not None and finding.fault:
        return words(finding.check.title)
    if finding is not None and not finding.clean:
        return words(N_("Almost there"))
    if _faulty_around(examined, shot):
        return words(N_("For comparison")) if finding is None else words(N_("This was good"))
    if examined.hold is not None:
        judged = examined.report.score is not None
    else:
        judged = any(item.good for item in examined.report.items if repetition and item.index == repetition.index)
    if judged:
        return words(N_("This one was good")) if repetition else words(N_("Well held"))
    return words(N_("Form not judged")) if finding is None else words(N_("This was good"))


def _faulty_around(examined: ExaminedSet, shot: Shot) -> bool:
    """Whether the same repetition, or this moment of a hold, has a fault."""
    if shot.repetition is not None:
        return any(finding.fault for finding in examined.of_repetition(shot.repetition.index))
    time = examined.motion.times[shot.sample]
    return any(start <= time <= end for finding in examined.findings for start, end in finding.spans)


def measured(examined: ExaminedSet, finding: Finding) -> tuple[Measure, list[Line]]:
    """The drawing of a finding, in pixels of the frame, and the legend below the picture."""
    motion, words, check = examined.motion, examined.words, finding.check
    value, _ = value_texts(words, finding)
    colour = WRONG if finding.fault else RIGHT
    points = motion.image[finding.sample, [INDEX[name] for name in finding.marks], :2].reshape(-1, 2)
    level = level_of(points, check.against, finding.value if check.unit == "deg" else 0.0) if check.against else None
    if function_of(check) in FROM_REST and len(points) == 2:
        level = _resting_arm(examined, finding, points)
    if finding.value < 0 and check.unit == "deg" and _past_its_line(check) is None:
        level = None  # The drawn angle would not be the "0°" beside it.
    wanted, straight = _wanted(finding, points, level)
    notes = [
        Line(f"{at_start(measure_name(words, check))}: {value}", TEXT, colour, mark="solid" if len(points) else "blank"),
        Line(target_text(words, finding), TEXT, WANTED, mark="dashed" if straight or wanted is not None else "blank"),
    ]
    bend = len(points) == 3 and abs(check.clear) <= CHORD
    return Measure(points, value, colour, level, wanted, straight, bend), notes


def level_of(points: Floats, against: Literal["vertical", "horizontal"], value: float) -> Floats:
    """The second arm of the angle between a line and the vertical or horizontal.

    The arm is as long as the line. Of its two directions, the one whose angle is nearer to the measured value is used.

    Args:
        points: (2, 2) the line from the vertex to its end.
        against: the direction that the line is measured against.
        value: the measured angle in degrees.

    Returns:
        (2,) the end of the arm. If both directions fit equally: upward, or to the line's own side.
    """
    start, end = points
    length = float(np.hypot(*(end - start)))
    if against == "vertical":
        arms = [start + np.array([0, -length]), start + np.array([0, length])]
    else:
        ahead = length if end[0] >= start[0] else -length
        arms = [start + np.array([ahead, 0]), start - np.array([ahead, 0])]
    return min(arms, key=lambda arm: abs(float(angle_at(arm, start, end)) - abs(value)))


def _resting_arm(examined: ExaminedSet, finding: Finding, points: Floats) -> Floats | None:
    """(2,) where a line that is measured against its resting position would end there; None in a hold, which has none."""
    repetition = next((rep for rep in examined.repetitions if rep.index == finding.repetition), None)
    if repetition is None:
        return None
    start, end = points
    marks = [INDEX[name] for name in finding.marks]
    resting = (examined.motion.image[[repetition.start, repetition.end]][:, marks, :2]).astype(float)
    ends = [start + line[1] - line[0] for line in resting]
    farther = max(ends, key=lambda other: float(angle_at(other, start, end)))
    return turned(end, start, farther, abs(finding.value))


def _wanted(finding: Finding, points: Floats, level: Floats | None) -> tuple[Floats | None, bool]:
    """The target position of the last point, and whether all points should lie on a straight line.

    An angle of the world landmarks differs from the angle in the picture. The difference between value and target is added to
    the angle in the picture, so that the drawn target lies on the right side.
    """
    check = finding.check
    if check.unit != "deg" or not finding.fault:
        return None, False
    missing = check.clear - finding.value
    if len(points) == 3:
        if check.clear >= STRAIGHT or abs(check.clear) <= CHORD:
            return None, True
        arm, vertex, other = points
    elif len(points) == 2 and level is not None:
        (vertex, other), arm = points, level
    else:
        return None, False
    degrees = float(np.clip(angle_at(arm, vertex, other) + missing, 0, 180))
    return turned(arm, vertex, other, degrees), False


def _driving(examined: ExaminedSet, curve: DrivingAngle, shot: Shot) -> Measure | None:
    value = float(curve.values[shot.sample])
    if not np.isfinite(value):
        return None
    points = examined.motion.image[shot.sample, list(curve.marks), :2]
    return Measure(points, examined.words.quantity(value, "deg"), RIGHT)
