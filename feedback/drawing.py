"""Lines on a picture: the skeleton, an angle at its joint, the target beside it, and a place for the value.

Colours are of the Okabe-Ito palette (Okabe & Ito 2008, "Color Universal Design"), which the colour-blind tell apart; what is
wrong also differs from what is right by thickness, what is wanted by its dashes. Everything has a dark edge, so that it is seen
on bright and on dark clothes.

Points are (x, y) pixels of the picture that is drawn on. NaN marks a landmark that is not known; nothing is drawn there.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from feedback.lettering import Colour, Picture
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
"""The skeleton's lines as pairs of landmarks. The face is left out: it says nothing about form."""
JOINTS = tuple(sorted({end for bone in BONES for end in bone} | {INDEX["nose"]}))

_FRACTION = 3
"""Bits below the point that OpenCV's drawing takes, so that lines do not jump from pixel to pixel in a video."""


def stroke_width(picture: Picture) -> int:
    """Thickness of a line that looks the same on pictures of any size, pixels."""
    height, width, _ = picture.shape
    return int(max(2, min(height, width) // 120))


def _fixed(points: Floats) -> list[list[int]]:
    """(m, 2) points as OpenCV wants them; what is far outside the picture is moved to where its arithmetic still holds."""
    found: list[list[int]] = np.rint(np.clip(points, -10_000, 20_000) * (1 << _FRACTION)).astype(int).tolist()
    return found


def draw_line(picture: Picture, start: Floats, end: Floats, colour: Colour, width: int) -> None:
    """A line with a dark edge, in place."""
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        return
    a, b = _fixed(np.array([start, end]))
    cv2.line(picture, a, b, INK, width + max(2, width // 2), cv2.LINE_AA, _FRACTION)
    cv2.line(picture, a, b, colour, width, cv2.LINE_AA, _FRACTION)


def draw_dashes(picture: Picture, start: Floats, end: Floats, colour: Colour, width: int) -> None:
    """A dashed line with a dark edge, in place."""
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        return
    length = float(np.hypot(*(end - start)))
    count = int(np.clip(length / (5 * width), 2, 200))
    for n in range(count):
        draw_line(picture, start + (end - start) * n / count, start + (end - start) * (n + 0.5) / count, colour, width)


def draw_skeleton(picture: Picture, points: Floats, *, colour: Colour = NEUTRAL, width: int = 0) -> None:
    """The whole skeleton, in place.

    Args:
        picture: to draw on.
        points: (33, 2) or wider; NaN for what is not to be drawn.
        colour: of the lines.
        width: of the lines, pixels; by default what suits the picture.
    """
    width = width or stroke_width(picture)
    known = [math.isfinite(x) and math.isfinite(y) for x, y in points[:, :2].tolist()]
    at = _fixed(np.nan_to_num(points[:, :2]))
    lines = [(at[a], at[b]) for a, b in BONES if known[a] and known[b]]
    dots = [at[joint] for joint in JOINTS if known[joint]]
    # All the edges first: the edge of one bone must not cut through another.
    for thickness, radius, paint in ((width + max(2, width // 2), width + 1, INK), (width, width, colour)):
        for a, b in lines:
            cv2.line(picture, a, b, paint, thickness, cv2.LINE_AA, _FRACTION)
        for dot in dots:
            cv2.circle(picture, dot, radius << _FRACTION, paint, -1, cv2.LINE_AA, _FRACTION)


def draw_angle(picture: Picture, arm: Floats, vertex: Floats, other: Floats, *, colour: Colour, width: int = 0) -> None:
    """The two sides of an angle and the arc between them at its vertex, in place. Nothing when a point is not known."""
    width = width or stroke_width(picture)
    draw_line(picture, vertex, arm, colour, round(1.6 * width))
    draw_line(picture, vertex, other, colour, round(1.6 * width))
    draw_arc(picture, arm, vertex, other, colour=colour, width=width)


def draw_arc(picture: Picture, arm: Floats, vertex: Floats, other: Floats, *, colour: Colour, width: int = 0) -> None:
    """The arc of an angle alone; see `draw_angle`."""
    if not (np.isfinite(arm).all() and np.isfinite(vertex).all() and np.isfinite(other).all()):
        return
    width = width or stroke_width(picture)
    thick = round(1.6 * width)
    reach = min(float(np.hypot(*(arm - vertex))), float(np.hypot(*(other - vertex))))
    radius = float(np.clip(0.42 * reach, 3 * width, 14 * width))
    begin = np.arctan2(*(arm - vertex)[::-1])
    sweep = (np.arctan2(*(other - vertex)[::-1]) - begin + np.pi) % (2 * np.pi) - np.pi
    turns = begin + np.linspace(0, sweep, 24)
    arc = vertex + radius * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    dense = np.round(arc * (1 << _FRACTION)).astype(np.int32)[:, None]
    for thickness, paint in ((thick + max(2, width // 2), INK), (thick, colour)):
        cv2.polylines(picture, [dense], False, paint, thickness, cv2.LINE_AA, _FRACTION)


def draw_marks(picture: Picture, points: Floats, *, colour: Colour, width: int = 0) -> None:
    """What shows a value, in place: a ring around one point, a line between two, an angle at the middle one of three.

    Args:
        picture: to draw on.
        points: (0 to 3, 2).
        colour: of the lines.
        width: of the skeleton's lines, pixels; by default what suits the picture.
    """
    width = width or stroke_width(picture)
    if len(points) == 3:
        draw_angle(picture, points[0], points[1], points[2], colour=colour, width=width)
    elif len(points) == 2:
        draw_line(picture, points[0], points[1], colour, round(1.6 * width))
    elif len(points) == 1 and np.isfinite(points).all():
        for thickness, paint in ((width + max(2, width // 2), INK), (width, colour)):
            cv2.circle(picture, _fixed(points)[0], (4 * width) << _FRACTION, paint, thickness, cv2.LINE_AA, _FRACTION)


def turned(arm: Floats, vertex: Floats, other: Floats, degrees: float) -> Floats:
    """Where `other` would lie if the angle at the vertex were `degrees`: turned about the vertex, on its own side of the arm.

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
    """Where to lay a label: near its anchor, inside the picture, on as few of the given points as possible.

    Args:
        size: width and height of the label, pixels.
        anchor: the point that it belongs to.
        bounds: width and height of the picture.
        avoid: (m, 2) points that it should not hide; NaN counts for nothing.
        taken: other labels, which it does not touch if there is any way round.
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
    """Points along the whole skeleton and around the head, for `find_place` to keep off. (m, 2)"""
    share = np.linspace(0, 1, step)[:, None]
    lines = [points[a, :2] * (1 - share) + points[b, :2] * share for a, b in BONES]
    face = points[:11, :2]
    # The face's landmarks span less than half of a head.
    head = face.mean(axis=0) + 2.2 * (face - face.mean(axis=0))
    return np.concatenate([*lines, face, head])
