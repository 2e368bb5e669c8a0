"""Draw on pictures in the format of video encoders: YUV 4:2:0, with luma at full size and both chroma planes at half size.

Videos are decoded to these planes and encoded from them. Drawing on them avoids the conversions to RGB and back, which take
longer than the drawing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from feedback.pictures.lettering import Colour, Patch

Plane = NDArray[np.uint8]

MATRICES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
"""Weights of red and blue in luma: ITU-R BT.601, BT.709 and BT.2020."""


@dataclass(frozen=True)
class Planes:
    """One picture that is drawn on in place.

    Attributes:
        y: (height, width) luma, 16 to 235.
        u, v: (height / 2, width / 2) chroma, 16 to 240.
        matrix: a key of `MATRICES`: the conversion to RGB that a player uses.
    """

    y: Plane
    u: Plane
    v: Plane
    matrix: str = "bt601"

    def layers(self, colour: Colour) -> Iterator[tuple[Plane, int, int]]:
        """Yield each plane, the colour's value in it, and the number of bits to shift the picture's coordinates right."""
        values = yuv_of(colour, self.matrix)
        yield from zip((self.y, self.u, self.v), values, (0, 1, 1), strict=True)

    def blend(self, patch: Patch, left: int, top: int) -> None:
        """Blend an RGBA patch (height, width, 4) into the picture, moved inside the picture and to even coordinates.

        The patch must not change afterwards, since values computed from it are cached.
        """
        height, width = (side // 2 * 2 for side in self.y.shape)
        colours = _patch_layers(_Same(patch), self.matrix)
        whole = colours[0][0].shape
        patch_height, patch_width = min(whole[0], height), min(whole[1], width)
        left = min(max(left, 0), width - patch_width) // 2 * 2
        top = min(max(top, 0), height - patch_height) // 2 * 2
        for plane, (weighted, rest), halving in zip((self.y, self.u, self.v), colours, (0, 1, 1), strict=True):
            rows, columns = patch_height >> halving, patch_width >> halving
            under = plane[top >> halving :, left >> halving :][:rows, :columns]
            under[:] = (weighted[:rows, :columns] + under * rest[:rows, :columns]) >> 8


@lru_cache(maxsize=64)
def yuv_of(colour: Colour, matrix: str) -> tuple[int, int, int]:
    """A colour in limited range: luma 16 to 235, chroma 16 to 240 around 128 (ITU-R BT.601, section 2.5)."""
    y, u, v = _yuv(np.array(colour, float), matrix)
    return round(float(y)), round(float(u)), round(float(v))


def _yuv(rgb: NDArray[np.float64], matrix: str) -> tuple[NDArray[np.float64], ...]:
    """Convert (..., 3) RGB, 0 to 255, to three arrays (...)."""
    red, blue = MATRICES[matrix]
    luma = rgb @ np.array([red, 1 - red - blue, blue]) / 255
    u = (rgb[..., 2] / 255 - luma) / (2 * (1 - blue))
    v = (rgb[..., 0] / 255 - luma) / (2 * (1 - red))
    return 16 + 219 * luma, 128 + 224 * u, 128 + 224 * v


class _Same:
    """A patch as a cache key. It equals only itself, so that the cache does not compare pixels."""

    def __init__(self, patch: Patch) -> None:
        self.patch = patch

    def __hash__(self) -> int:
        return id(self.patch)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.patch is self.patch


@lru_cache(maxsize=256)
def _patch_layers(same: _Same, matrix: str) -> list[tuple[NDArray[np.uint16], NDArray[np.uint16]]]:
    """For each plane: the values times opacity, and 256 minus the opacity. Both are computed once per patch."""
    patch = same.patch
    # Even sides, since chroma has half as many; a row or column that is added is transparent.
    patch = np.pad(patch, ((0, patch.shape[0] % 2), (0, patch.shape[1] % 2), (0, 0)))
    opacity = patch[..., 3] / 255
    layers = []
    for plane, halving in zip(_yuv(patch[..., :3].astype(float), matrix), (0, 1, 1), strict=True):
        weighted, share = plane * opacity, opacity
        if halving:
            rows, columns = weighted.shape
            weighted, share = (a.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3)) for a in (weighted, share))
        layers.append((np.rint(weighted * 256).astype(np.uint16), np.rint((1 - share) * 256).astype(np.uint16)))
    return layers
