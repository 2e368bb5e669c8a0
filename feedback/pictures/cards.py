"""Makes cards for a phone: a person cut out of a frame, the measured value at the joint, and a few words above and below.

A card is `WIDTH` pixels wide for any size of the video. Its text can still be read if the card is shown at half that width.
Words are on bands above and below the picture, where they cannot hide the person; only values are in the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from feedback.pictures.drawing import (
    INK,
    NEUTRAL,
    PALE,
    WANTED,
    WHITE,
    Box,
    along_bones,
    draw_arc,
    draw_dashes,
    draw_marks,
    draw_skeleton,
    find_place,
)
from feedback.pictures.lettering import Colour, Line, Picture, band, blend, chip
from pose.motion import Floats

WIDTH = 720
MAX_HEIGHT = 960
"""Largest height of the picture without its bands, so that the whole card fits on a phone's screen."""
NARROWEST, WIDEST = 0.76, 1.6
"""Ratio of width to height of a cut-out, if the frame is large enough."""
MARGIN = 0.2
"""Margin around the person, as a share of the longer side: the landmarks end at the eyes, the knuckles and the hip joints."""

STROKE = 7
"""Thickness of the skeleton's lines, pixels."""
TITLE, TEXT, VALUE = 38, 28, 40
"""Type sizes. At 360 pixels wide, TEXT is 14 pixels."""


@dataclass(frozen=True)
class Measure:
    """A value to show in a picture.

    Attributes:
        points: (k, 2) pixels of the frame: an angle at the middle one of three, a line between two, a ring around one.
        value: the measured value as text.
        colour: colour of the lines.
        level: (2,) for a line of two points: the end of the other arm of its angle, straight up, down or sideways from the
            first point; None if the line has no angle.
        wanted: (2,) the target of the last point; None draws no target.
        straight: whether the target is the straight line from the first to the last of three points instead.
        bend: whether the value is the deviation of three points from a straight line, not their angle; then no arc is drawn.
    """

    points: Floats
    value: str
    colour: Colour
    level: Floats | None = None
    wanted: Floats | None = None
    straight: bool = False
    bend: bool = False

    @property
    def vertex(self) -> Floats:
        """(2,) the point at which the value is shown."""
        if len(self.points) == 3:
            return np.asarray(self.points[1])
        return np.asarray(self.points[0] if self.level is not None else self.points.mean(axis=0))


def cut_out(size: tuple[int, int], points: Floats) -> Box:
    """The part of a frame that shows the person with a margin, in a format for phones.

    Args:
        size: width and height of the frame.
        points: (33, 2) or wider, pixels; NaN for unknown points.

    Returns:
        Left, top, right, bottom inside the frame; the whole frame if no point is in it.
    """
    known = points[np.isfinite(points[:, :2]).all(axis=1), :2]
    if not len(known):
        return 0, 0, *size
    limit = np.array(size, float)
    low, high = np.clip(known.min(axis=0), 0, limit), np.clip(known.max(axis=0), 0, limit)
    margin = max(MARGIN * float((high - low).max()), 0.04 * float(limit.min()))
    low, high = np.maximum(low - margin, 0), np.minimum(high + margin, limit)
    width, height = high - low
    if width < NARROWEST * height:
        low[0], high[0] = _widened(low[0], high[0], NARROWEST * height, limit[0])
    elif width > WIDEST * height:
        low[1], high[1] = _widened(low[1], high[1], width / WIDEST, limit[1])
    left, top = np.floor(low).astype(int)
    right, bottom = np.ceil(high).astype(int)
    return int(left), int(top), max(int(right), int(left) + 1), max(int(bottom), int(top) + 1)


def _widened(low: float, high: float, length: float, limit: float) -> tuple[float, float]:
    length = min(length, limit)
    start = min(max((low + high - length) / 2, 0), limit - length)
    return start, start + length


@dataclass(frozen=True)
class CutOut:
    """A part of a frame, scaled for a card. It converts points of the frame to the card."""

    picture: Picture
    left: float
    top: float
    scale: float
    pad: float

    def place(self, points: Floats) -> Floats:
        """Points of the frame in the card's picture."""
        moved: Floats = (points[..., :2] - (self.left, self.top)) * self.scale + (self.pad, 0)
        return moved


def enlarge(frame: Picture, box: Box, width: int = WIDTH, max_height: int = MAX_HEIGHT) -> CutOut:
    """Cut a box out of a frame and scale it to a width. A box that would be too high gets empty margins at its sides."""
    left, top, right, bottom = box
    scale = min(width / (right - left), max_height / (bottom - top))
    size = min(width, round((right - left) * scale)), round((bottom - top) * scale)
    scaled = cv2.resize(frame[top:bottom, left:right], size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    pad = (width - size[0]) // 2
    picture = np.full((size[1], width, 3), INK, np.uint8)
    picture[:, pad : pad + size[0]] = scaled
    return CutOut(picture, left, top, scale, pad)


def draw_person(cut: CutOut, points: Floats, measure: Measure | None, *, colour: Colour = NEUTRAL) -> None:
    """Draw skeleton, measured value and target on a cut-out, in place."""
    inside = cut.place(points)
    draw_skeleton(cut.picture, inside, colour=colour, width=STROKE)
    if measure is None or not len(measure.points):
        return
    marks = cut.place(measure.points)
    avoid = [along_bones(inside)]
    level = None if measure.level is None else cut.place(measure.level)
    if level is not None:
        draw_dashes(cut.picture, marks[0], level, PALE, STROKE // 2)
        avoid.append(_along(marks[0], level))
    target = _target(cut, measure, marks)
    if target is not None:
        draw_dashes(cut.picture, *target, WANTED, STROKE)
        avoid.append(_along(*target))
    if measure.bend:
        draw_marks(cut.picture, marks[:2], colour=measure.colour, width=STROKE)
        draw_marks(cut.picture, marks[1:], colour=measure.colour, width=STROKE)
    else:
        draw_marks(cut.picture, marks, colour=measure.colour, width=STROKE)
    if level is not None:
        draw_arc(cut.picture, level, marks[0], marks[1], colour=measure.colour, width=STROKE)
    anchor = cut.place(measure.vertex)
    if np.isfinite(anchor).all():
        patch = chip(measure.value, VALUE, ink=WHITE, paper=INK)
        height, width = cut.picture.shape[0], cut.picture.shape[1]
        box = find_place((patch.shape[1], patch.shape[0]), anchor, (width, height), np.concatenate(avoid))
        blend(cut.picture, patch, box[0], box[1])


def _target(cut: CutOut, measure: Measure, marks: Floats) -> tuple[Floats, Floats] | None:
    if measure.straight and len(marks) == 3:
        return marks[0], marks[2]
    if measure.wanted is not None:
        return cut.place(measure.vertex), cut.place(measure.wanted)
    return None


def _along(start: Floats, end: Floats) -> Floats:
    found: Floats = start + np.linspace(0, 1, 8)[:, None] * (end - start)
    return found


def card(
    frame: Picture,
    points: Floats,
    measure: Measure | None,
    *,
    title: str,
    subtitle: str,
    notes: Sequence[Line],
    colour: Colour = NEUTRAL,
) -> Picture:
    """Make one card.

    Args:
        frame: the upright frame at full size.
        points: (33, 2) or wider, the landmarks in the frame; NaN for landmarks that are not drawn.
        measure: the value to show.
        title, subtitle: texts above the picture.
        notes: texts below the picture.
        colour: colour of the skeleton.

    Returns:
        (height, WIDTH, 3).
    """
    cut = enlarge(frame, cut_out((frame.shape[1], frame.shape[0]), points))
    draw_person(cut, points, measure, colour=colour)
    head = band([Line(title, TITLE, WHITE, "bold"), Line(subtitle, TEXT, PALE)], WIDTH, INK)
    return np.concatenate([head, cut.picture, band(notes, WIDTH, INK)])


def save(picture: Picture, path: Path) -> None:
    """Write a PNG."""
    # Level 6, the default, takes twice as long for a file that is 5 % smaller.
    Image.fromarray(picture).save(path, compress_level=4)
