"""Draws lines on a picture: the skeleton, an angle at its joint, the target beside it. Finds a place for the value.

The colours are from the Okabe-Ito palette (Okabe & Ito 2008, "Color Universal Design"), which colour-blind people can
distinguish.
Faults also have thicker lines, and targets are dashed. All lines have a dark edge, so that they are visible on bright and on
dark clothes. `NEUTRAL` is the skeleton's colour in the annotated video.

Points are (x, y) pixels of the picture. Nothing is drawn at NaN, which marks an unknown landmark.

A canvas is an RGB picture, or the planes of a frame that will be encoded.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from feedback.pictures.lettering import Colour, Picture
from feedback.pictures.planes import Plane, Planes
from pose.motion import INDEX, Floats

ORANGE: Colour = (230, 159, 0)
SKY: Colour = (86, 180, 233)
GREEN: Colour = (0, 158, 115)
YELLOW: Colour = (240, 228, 66)
BLUE: Colour = (0, 114, 178)
VERMILLION: Colour = (213, 94, 0)
PURPLE: Colour = (204, 121, 167)

WHITE: Colour = (255, 255, 255)
INK: Colour = (22, 26, 31)
PALE: Colour = (190, 197, 205)

WRONG, WANTED, RIGHT, NEUTRAL = VERMILLION, SKY, GREEN, WHITE

BONES = tuple(
    (INDEX[a], INDEX[b])
    for a, b in (
        *(("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")),
        *((f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in (
            *(("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "index"), ("shoulder", "hip")),
            *(("hip", "knee"), ("knee", "ankle"), ("ankle", "heel"), ("heel", "foot_index"), ("ankle", "foot_index")),
        )),
    )
)  # fmt: skip
"""The skeleton's lines as pairs of landmarks. The face is left out, because it does not show the form."""
JOINTS = tuple(sorted({end for bone in BONES for end in bone} | {INDEX["nose"]}))

_BONES = np.array(BONES)
_DOTS = np.array([(joint, joint) for joint in JOINTS])

_FRACTION = 3
"""Fractional bits of coordinates for OpenCV, so that lines do not jump from pixel to pixel in a video."""

Canvas = Picture | Planes


def stroke_width(canvas: Canvas) -> int:
    """Thickness of a line in pixels, in proportion to the picture's size."""
    height, width = (canvas.y if isinstance(canvas, Planes) else canvas).shape[:2]
    return int(max(2, min(height, width) // 120))


def _layers(canvas: Canvas, colour: Colour) -> Iterator[tuple[Picture | Plane, Colour | int, int]]:
    """The arrays on which OpenCV draws, each with the colour's value in it and the bits by which its coordinates are
    smaller."""
    if isinstance(canvas, Planes):
        yield from canvas.layers(colour)
    else:
        yield canvas, colour, 0


def _fixed(points: Floats) -> NDArray[np.int32]:
    """Points (..., 2) as fixed point numbers for OpenCV. Points far outside the picture are moved nearer, to avoid an
    overflow."""
    return np.rint(np.clip(points, -10_000, 20_000) * (1 << _FRACTION)).astype(np.int32)


def _strokes(canvas: Canvas, lines: Sequence[NDArray[np.int32]], colour: Colour, thickness: int) -> None:
    """Draw lines of one colour with round ends, each (k, 2) from `_fixed`, in one call. Two equal points are a dot."""
    if not len(lines):
        return
    for pixels, value, halving in _layers(canvas, colour):
        thick = max(1, (thickness + halving) >> halving)
        # Steps in the chroma planes are not visible.
        smooth = cv2.LINE_8 if halving else cv2.LINE_AA
        cv2.polylines(pixels, lines, False, value, thick, smooth, _FRACTION + halving)


def _edged(canvas: Canvas, lines: Sequence[Floats], colour: Colour, width: int) -> None:
    """Draw lines with a dark edge."""
    paths = [_fixed(line) for line in lines]
    _strokes(canvas, paths, INK, width + max(2, width // 2))
    _strokes(canvas, paths, colour, width)


def draw_line(canvas: Canvas, start: Floats, end: Floats, colour: Colour, width: int) -> None:
    """Draw a line with a dark edge, in place."""
    if np.isfinite(start).all() and np.isfinite(end).all():
        _edged(canvas, [np.array([start, end])], colour, width)


def draw_dashes(picture: Picture, start: Floats, end: Floats, colour: Colour, width: int) -> None:
    """Draw a dashed line with a dark edge, in place."""
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        return
    length = float(np.hypot(*(end - start)))
    count = int(np.clip(length / (5 * width), 2, 200))
    for n in range(count):
        draw_line(picture, start + (end - start) * n / count, start + (end - start) * (n + 0.5) / count, colour, width)


def draw_skeleton(canvas: Canvas, points: Floats, *, colour: Colour = NEUTRAL, width: int = 0) -> None:
    """Draw the whole skeleton, in place.

    Args:
        canvas: to draw on.
        points: (33, 2) or wider; NaN for landmarks that are not drawn.
        colour: colour of the lines.
        width: width of the lines in pixels; by default in proportion to the picture.
    """
    width = width or stroke_width(canvas)
    known = np.asarray(np.isfinite(points[:, :2]).all(axis=1))
    at = _fixed(np.nan_to_num(points[:, :2]))
    lines = list(at[_BONES[known[_BONES].all(axis=1)]])
    dots = list(at[_DOTS[known[_DOTS].all(axis=1)]])
    # All edges first: the edge of one bone must not cover another bone.
    _strokes(canvas, lines, INK, width + max(2, width // 2))
    _strokes(canvas, dots, INK, 2 * width + 3)
    _strokes(canvas, lines, colour, width)
    _strokes(canvas, dots, colour, 2 * width + 1)


def draw_angle(canvas: Canvas, arm: Floats, vertex: Floats, other: Floats, *, colour: Colour, width: int = 0) -> None:
    """Draw the two arms of an angle and the arc between them, in place. Nothing is drawn if a point is unknown."""
    width = width or stroke_width(canvas)
    draw_line(canvas, vertex, arm, colour, round(1.6 * width))
    draw_line(canvas, vertex, other, colour, round(1.6 * width))
    draw_arc(canvas, arm, vertex, other, colour=colour, width=width)


def draw_arc(canvas: Canvas, arm: Floats, vertex: Floats, other: Floats, *, colour: Colour, width: int = 0) -> None:
    """Draw only the arc of an angle; see `draw_angle`."""
    if not (np.isfinite(arm).all() and np.isfinite(vertex).all() and np.isfinite(other).all()):
        return
    width = width or stroke_width(canvas)
    thick = round(1.6 * width)
    reach = min(float(np.hypot(*(arm - vertex))), float(np.hypot(*(other - vertex))))
    radius = float(np.clip(0.42 * reach, 3 * width, 14 * width))
    begin = np.arctan2(*(arm - vertex)[::-1])
    sweep = (np.arctan2(*(other - vertex)[::-1]) - begin + np.pi) % (2 * np.pi) - np.pi
    turns = begin + np.linspace(0, sweep, 24)
    arc = vertex + radius * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    for thickness, paint in ((thick + max(2, width // 2), INK), (thick, colour)):
        _strokes(canvas, [_fixed(arc)], paint, thickness)


def draw_marks(canvas: Canvas, points: Floats, *, colour: Colour, width: int = 0) -> None:
    """Draw the marks of a value, in place: a ring around one point, a line between two, an angle at the middle one of three.

    Args:
        canvas: to draw on.
        points: (0 to 3, 2).
        colour: colour of the lines.
        width: width of the skeleton's lines in pixels; by default in proportion to the picture.
    """
    width = width or stroke_width(canvas)
    if len(points) == 3:
        draw_angle(canvas, points[0], points[1], points[2], colour=colour, width=width)
    elif len(points) == 2:
        draw_line(canvas, points[0], points[1], colour, round(1.6 * width))
    elif len(points) == 1 and np.isfinite(points).all():
        turns = np.linspace(0, 2 * np.pi, 33)
        _edged(canvas, [points[0] + 4 * width * np.stack([np.cos(turns), np.sin(turns)], axis=1)], colour, width)


def turned(arm: Floats, vertex: Floats, other: Floats, degrees: float) -> Floats:
    """The place of `other` if the angle at the vertex were `degrees`: rotated about the vertex, on the same side of the arm.

    Returns:
        (2,) the point.
    """
    first, second = arm - vertex, other - vertex
    side = np.sign(first[0] * second[1] - first[1] * second[0]) or 1.0
    turn = np.arctan2(first[1], first[0]) + side * np.radians(degrees)
    found: Floats = vertex + np.hypot(*second) * np.array([np.cos(turn), np.sin(turn)])
    return found


Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


def find_place(size: tuple[int, int], anchor: Floats, bounds: tuple[int, int], avoid: Floats, taken: Sequence[Box] = ()) -> Box:
    """Find a place for a label: near its anchor, inside the picture, on as few of the given points as possible.

    Args:
        size: width and height of the label, pixels.
        anchor: the point to which the label belongs.
        bounds: width and height of the picture.
        avoid: (m, 2) points that it should not hide; NaN is ignored.
        taken: other labels, which it touches only if there is no other place.
    """
    width, height = size
    best: tuple[float, Box] = (np.inf, (0, 0, width, height))
    for ring, gap in enumerate((0.7, 1.4, 2.4, 3.6)):
        for turn in np.radians(np.arange(0, 360, 30)):
            middle = anchor + np.array([np.cos(turn) * (width / 2 + gap * height), np.sin(turn) * (height / 2 + gap * height)])
            left, top = (int(at) for at in np.clip(middle - np.array(size) / 2, 0, np.maximum(0, np.subtract(bounds, size))))
            box = (left, top, left + width, top + height)
            hidden = np.sum(((avoid > np.array(box[:2]) - 4) & (avoid < np.array(box[2:]) + 4)).all(axis=1))
            overlaps = sum(left < right and box[2] > x and top < bottom and box[3] > y for x, y, right, bottom in taken)
            cost = float(hidden) + 100.0 * overlaps + 1.5 * ring
            if cost < best[0]:
                best = (cost, box)
    return best[1]


def along_bones(points: Floats, step: int = 6) -> Floats:
    """(m, 2) points along the whole skeleton and around the head, which a label should not hide; for `find_place`."""
    share = np.linspace(0, 1, step)[:, None]
    lines = [points[a, :2] * (1 - share) + points[b, :2] * share for a, b in BONES]
    face = points[:11, :2]
    # The face's landmarks span less than half of a head.
    head = face.mean(axis=0) + 2.2 * (face - face.mean(axis=0))
    return np.concatenate([*lines, face, head])
