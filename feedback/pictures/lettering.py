"""Draws text for pictures and video: bundled fonts, wrapped lines, and patches of text that are laid over a picture.

OpenCV cannot draw Korean and a container has no fonts, so Pillow draws the text with bundled fonts (see fonts/README.md).
Pictures are RGB arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
"""(height, width, 3) RGB."""
Patch = NDArray[np.uint8]
"""(height, width, 4) RGB and opacity."""
Colour = tuple[int, int, int]
"""RGB."""

Weight = Literal["medium", "bold"]
LEADING = 1.28
"""Distance between two lines of text, in type sizes; Hangul needs more than Latin."""


def font_path(weight: Weight = "medium") -> Path:
    """The path of the bundled font, which has Latin, Greek, Cyrillic and Hangul."""
    return Path(__file__).parent / "fonts" / f"dothis-{weight}.ttf"


@cache
def typeface(size: int, weight: Weight = "medium") -> ImageFont.FreeTypeFont:
    """The bundled font in a size in pixels."""
    return ImageFont.truetype(font_path(weight), size)


def wrap(text: str, face: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break text into lines of at most `width` pixels: between words if possible, else inside a word."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if face.getlength(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while len(line) > 1 and face.getlength(line) > width:
            fitting = next(n for n in range(len(line) - 1, 0, -1) if n == 1 or face.getlength(line[:n]) <= width)
            lines.append(line[:fitting])
            line = line[fitting:]
    return [*lines, line] if line else lines


@lru_cache(maxsize=256)
def chip(text: str, size: int, *, ink: Colour, paper: Colour, opacity: float = 0.85, max_width: int = 10_000) -> Patch:
    """Draw text on a rounded plate. Cached, because most frames of a video show the same text as the previous frame.

    Args:
        text: the text.
        size: type size in pixels.
        ink: colour of the text.
        paper: colour of the plate.
        opacity: opacity of the plate, 0 to 1.
        max_width: largest width of the plate in pixels; longer text is wrapped.

    Returns:
        (height, width, 4); it must not be changed.
    """
    face = typeface(size, "bold")
    pad = max(2, round(size * 0.35))
    lines = wrap(text, face, max_width - 2 * pad) or [""]
    step = round(size * LEADING)
    width = 2 * pad + max(int(np.ceil(face.getlength(line))) for line in lines)
    height = pad + step * len(lines)
    image = Image.new("RGBA", (width, height), (*paper, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, width - 1, height - 1), radius=pad, fill=(*paper, round(255 * opacity)))
    for number, line in enumerate(lines):
        # "lm": the middle between ascender and descender is in the middle of the line, for any letters.
        draw.text((pad, pad / 2 + step * (number + 0.5)), line, font=face, fill=(*ink, 255), anchor="lm")
    patch = np.array(image)
    patch.flags.writeable = False
    return patch


def blend(picture: Picture, patch: Patch, left: int, top: int) -> None:
    """Lay a patch over a picture, in place. The patch is moved so that it lies inside the picture."""
    height, width = min(patch.shape[0], picture.shape[0]), min(patch.shape[1], picture.shape[1])
    left = min(max(left, 0), picture.shape[1] - width)
    top = min(max(top, 0), picture.shape[0] - height)
    under = picture[top : top + height, left : left + width]
    # Opacity from 0 to 256, so that a shift can divide: this runs for each frame of a video.
    opacity = patch[:height, :width, 3:].astype(np.uint16)
    opacity += opacity >> 7
    under[:] = (patch[:height, :width, :3] * opacity + under * (256 - opacity)) >> 8


@dataclass(frozen=True)
class Line:
    """A paragraph of a band of text."""

    text: str
    size: int
    ink: Colour
    weight: Weight = "medium"
    mark: Literal["none", "solid", "dashed", "blank"] = "none"
    """A stroke in the ink's colour before the text, as in a legend, or space for it; the text is then white."""
    space: int = 0
    """Free pixels above the paragraph."""


def band(lines: Sequence[Line], width: int, paper: Colour) -> Picture:
    """Draw a strip of text, as wide as the picture above or below it.

    Returns:
        (height, width, 3); as high as the wrapped text needs.
    """
    pad = round(width / 30)
    laid: list[tuple[Line, list[str], int]] = []
    height = 0.6 * pad
    for line in lines:
        indent = round(2.2 * line.size) if line.mark != "none" else 0
        rows = wrap(line.text, typeface(line.size, line.weight), width - 2 * pad - indent)
        laid.append((line, rows, indent))
        height += line.space + len(rows) * line.size * LEADING
    image = Image.new("RGB", (width, round(height + 0.6 * pad)), paper)
    draw = ImageDraw.Draw(image)
    top = 0.6 * pad
    for line, rows, indent in laid:
        step = line.size * LEADING
        top += line.space
        if line.mark != "none":
            _stroke(draw, pad, top + step / 2, 1.7 * line.size, line)
        for row in rows:
            ink = line.ink if line.mark == "none" else (255, 255, 255)
            draw.text((pad + indent, top + step / 2), row, font=typeface(line.size, line.weight), fill=ink, anchor="lm")
            top += step
    return np.array(image)


def _stroke(draw: ImageDraw.ImageDraw, left: float, middle: float, length: float, line: Line) -> None:
    thick = max(3, line.size // 5)
    dashes = {"solid": 1, "dashed": 3}.get(line.mark, 0)
    for n in range(dashes):
        start = left + n * length / dashes
        end = start + length / dashes * (1 if dashes == 1 else 0.62)
        draw.rectangle((start, middle - thick / 2, end, middle + thick / 2), fill=line.ink)
