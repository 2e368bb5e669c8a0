"""comparison.png: video and reference side by side at the moment of their greatest difference."""

import cv2
import numpy as np

from feedback.examination import ExaminedSet
from feedback.pictures.cards import TEXT, TITLE, WIDTH, cut_out, enlarge
from feedback.pictures.drawing import INK, NEUTRAL, PALE, WANTED, WHITE, WRONG, draw_marks, draw_skeleton
from feedback.pictures.lettering import Colour, Line, Picture, band
from feedback.pictures.stills import clock, shown_points
from feedback.reference.similarity import JOINT_NAMES
from feedback.words import N_
from pose.motion import INDEX, Floats, Motion
from pose.movements.comparison import SpanComparison

GAP = 8
PANEL = (WIDTH - GAP) // 2
PANEL_HEIGHT = 520
STROKE = 5


def greatest_difference(examined: ExaminedSet) -> SpanComparison | None:
    """The repetition (or the hold) that differs most from the reference; None without a comparison."""
    if examined.comparison is None:
        return None
    return min(examined.comparison.spans, key=lambda span: span.similarity)


def panel(motion: Motion, sample: int, frame: Picture | None, joint: str, *, colour: Colour, mirrored: bool = False) -> Picture:
    """One half of the picture: the person with the skeleton and the joint marked.

    Args:
        motion: the motion with the landmarks.
        sample: the sample of the motion.
        frame: the upright frame of that sample; None for a plain background of the video's size.
        joint: the joint to mark.
        colour: the colour of the mark.
        mirrored: mirror the picture, so that both people face the same way.

    Returns:
        (at most PANEL_HEIGHT, PANEL, 3).
    """
    points = shown_points(motion)[sample]
    if frame is None:
        frame = np.full((motion.video.height, motion.video.width, 3), 70, np.uint8)
    marked: Floats = motion.image[sample, [INDEX[joint]], :2]
    if mirrored:
        frame = cv2.flip(frame, 1)
        points, marked = ((each - (frame.shape[1], 0)) * (-1, 1) for each in (points, marked))
    cut = enlarge(frame, cut_out((frame.shape[1], frame.shape[0]), points), PANEL, PANEL_HEIGHT)
    draw_skeleton(cut.picture, cut.place(points), colour=NEUTRAL, width=STROKE)
    draw_marks(cut.picture, cut.place(marked), colour=colour, width=STROKE)
    return cut.picture


def side_by_side(examined: ExaminedSet, span: SpanComparison, mine: Picture, its: Picture) -> Picture:
    """Put two panels together, with words above them.

    Returns:
        (height, WIDTH, 3).
    """
    words = examined.words
    comparison, reference = examined.comparison, examined.reference
    if comparison is None or reference is None:
        raise ValueError("there was no reference")
    overall = words.quantity(100 * comparison.overall, "%")
    joint = words(JOINT_NAMES[span.joint])
    head = band(
        [
            Line(words(N_("Similarity to the reference: {value}"), value=overall), TITLE, WHITE, "bold"),
            Line(words(N_("Greatest difference: {joint}"), joint=joint), TEXT, PALE),
        ],
        WIDTH,
        INK,
    )
    labels = (
        (words(N_("You, {time}"), time=clock(float(examined.motion.times[span.sample]))), WRONG),
        (words(N_("Reference, {time}"), time=clock(float(reference.times[span.reference_sample]))), WANTED),
    )
    columns = [
        np.concatenate([band([Line(label, TEXT, colour, mark="solid")], PANEL, INK), picture])
        for (label, colour), picture in zip(labels, (mine, its), strict=True)
    ]
    height = max(column.shape[0] for column in columns)
    padded = [np.concatenate([column, np.full((height - column.shape[0], PANEL, 3), INK, np.uint8)]) for column in columns]
    body = np.concatenate([padded[0], np.full((height, WIDTH - 2 * PANEL, 3), INK, np.uint8), padded[1]], axis=1)
    return np.concatenate([head, body])
