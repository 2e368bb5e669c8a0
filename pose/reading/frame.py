"""One decoded frame: rotated upright, scaled, and converted for the pose model or an encoder."""

import math
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Size = tuple[int, int]

SAME_SHAPE = 0.02
"""Two aspect ratios count as the same if the logarithm of their quotient is below this: scaled sizes are rounded."""

BLACK = (16, 128, 128)
"""Black in 8-bit YUV of limited range."""


@dataclass(frozen=True)
class Orientation:
    """How stored pixels become upright: transpose first, then flip. Source: the 3 x 3 display matrix of the container."""

    transposed: bool = False
    flipped_x: bool = False
    flipped_y: bool = False

    @classmethod
    def of(cls, frame: Any) -> "Orientation":
        """Read the orientation from a decoded frame's side data. A rotation by other than a multiple of 90 degrees counts as
        none.

        FFmpeg's `libavutil/display.h`: stored (p, q) is shown at (a p + c q, b p + d q), as 16.16 fixed point numbers
        a b u / c d v / x y w.
        """
        data = next((bytes(item) for item in frame.side_data if item.type.name == "DISPLAYMATRIX"), b"")
        if len(data) < 36:
            return cls()
        a, b, _, c, d = (int(value) for value in np.frombuffer(data[:20], "<i4"))
        if abs(a) >= abs(b):
            return cls(transposed=False, flipped_x=a < 0, flipped_y=d < 0)
        return cls(transposed=True, flipped_x=c < 0, flipped_y=b < 0)

    def turned(self, degrees: int) -> "Orientation":
        """This orientation followed by a clockwise rotation of 0, 90, 180 or 270 degrees."""
        turned = self
        for _ in range(degrees // 90):
            # A quarter turn is a transposition, then a flip from left to right. A transposition exchanges the two flips.
            turned = Orientation(not turned.transposed, not turned.flipped_y, turned.flipped_x)
        return turned

    def upright_size(self, size: Size) -> Size:
        """(width, height) after the rotation."""
        return (size[1], size[0]) if self.transposed else size

    def upright(self, pixels: Pixels) -> Pixels:
        """The pixels (height, width) or (height, width, 3) rotated upright, contiguous in memory."""
        if self.transposed:
            pixels = pixels.swapaxes(0, 1)
        if self.flipped_x:
            pixels = pixels[:, ::-1]
        if self.flipped_y:
            pixels = pixels[::-1]
        return np.ascontiguousarray(pixels)


@dataclass(frozen=True)
class Region:
    """A rectangle in the upright picture, in pixels of its full size."""

    left: int
    top: int
    width: int
    height: int

    @property
    def size(self) -> Size:
        """(width, height)."""
        return self.width, self.height


def fit(size: Size, long_side: int, *, even: bool = False) -> Size:
    """The size scaled down, never up, so that its longer side is at most `long_side`; `even` sides suit video encoders."""
    scale = min(1.0, long_side / max(size))
    step = 2 if even else 1
    width, height = (max(step, round(side * scale / step) * step) for side in size)
    return width, height


def planes(frame: av.VideoFrame) -> list[Pixels]:
    """The planes of a planar 8-bit frame as (height, width) views: writing to a view changes the frame."""
    return [np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width] for plane in frame.planes]


class Frame:
    """One decoded frame. The pixels are converted in `rgb` and `yuv` only, so that a skipped frame costs nothing but
    decoding."""

    def __init__(
        self, decoded: Any, index: int, time: float, orientation: Orientation, *, size: Size, first_size: Size
    ) -> None:
        self._decoded = decoded
        self._orientation = orientation
        self.index = index
        """Position among the frames that this pass decoded."""
        self.time = time
        """Seconds since the video's first frame."""
        self.size = size
        """(width, height) of the upright picture at full size."""
        self.first_size = first_size
        """(width, height) in pixels of the video's first picture, upright."""

    def rgb(self, size: Size | None = None, region: Region | None = None) -> Pixels:
        """The upright picture, or a region of it.

        Args:
            size: (width, height) of the result; None for full size.
            region: the part of the picture; None for the whole picture.

        Returns:
            (height, width, 3) RGB.
        """
        if region:
            size = size or region.size
            scale_x, scale_y = size[0] / region.width, size[1] / region.height
            whole = self.rgb((max(size[0], round(self.size[0] * scale_x)), max(size[1], round(self.size[1] * scale_y))))
            left = min(round(region.left * scale_x), whole.shape[1] - size[0])
            top = min(round(region.top * scale_y), whole.shape[0] - size[1])
            return np.ascontiguousarray(whole[top : top + size[1], left : left + size[0]])
        size = size or self.size
        inner, left, top = self._place(size)
        width, height = self._orientation.upright_size(inner)  # as stored: a transposition is its own inverse
        stored = self._decoded.to_ndarray(format="rgb24", width=width, height=height, interpolation="AREA", threads=1)
        upright = self._orientation.upright(stored)
        if inner == size:
            return upright
        framed = np.zeros((size[1], size[0], 3), np.uint8)
        framed[top : top + inner[1], left : left + inner[0]] = upright
        return framed

    def _place(self, size: Size) -> tuple[Size, int, int]:
        """Where the frame lies in a picture of a given size: its scaled size, and its left and upper border.

        The aspect ratio of a stream may change, for example when a phone is turned. Such a frame is not squeezed into the
        aspect ratio of the first frame, but gets black bars.
        """
        width, height = self._orientation.upright_size((self._decoded.width, self._decoded.height))
        if (width, height) == self.first_size:
            return size, 0, 0
        shape = width / height * (self.size[0] / self.size[1]) / (self.first_size[0] / self.first_size[1])
        if abs(math.log(shape / (size[0] / size[1]))) < SAME_SHAPE:
            return size, 0, 0
        inner = (
            (size[0], round(size[0] / shape / 2) * 2)
            if shape > size[0] / size[1]
            else (round(size[1] * shape / 2) * 2, size[1])
        )
        return inner, (size[0] - inner[0]) // 4 * 2, (size[1] - inner[1]) // 4 * 2

    def yuv(self, size: Size) -> av.VideoFrame:
        """The upright picture for an encoder, in 8-bit YUV 4:2:0 of limited range. The caller may draw on its planes.

        Args:
            size: (width, height), both even.

        Returns:
            A new frame with the source's colour matrix, transfer function and primaries.
        """
        inner, left, top = self._place(size)
        width, height = self._orientation.upright_size(inner)
        full = self._decoded.color_range == ColorRange.JPEG
        stored = self._decoded.reformat(
            width=width,
            height=height,
            format="yuv420p",
            interpolation="AREA",
            src_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        if self._orientation == Orientation() and inner == size:
            # Without a conversion this is the decoder's own picture, which later frames depend on.
            stored.make_writable()
            return stored
        upright = av.VideoFrame(*size, "yuv420p")
        for number, (source, target) in enumerate(zip(planes(stored), planes(upright), strict=True)):
            half = min(number, 1)  # the colour planes have half the size
            target[:] = BLACK[number]
            turned = self._orientation.upright(source)
            target[top >> half :, left >> half :][: turned.shape[0], : turned.shape[1]] = turned
        return upright
