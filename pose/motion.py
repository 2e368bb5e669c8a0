"""`Motion`: the landmarks of a person over time, the result of reading a video."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LANDMARKS = (
    *("nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer"),
    *("left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow"),
    *("left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb"),
    *("left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel", "right_heel"),
    *("left_foot_index", "right_foot_index"),
)
"""MediaPipe's 33 pose landmarks, in its order. Left is the person's left."""

INDEX = {name: index for index, name in enumerate(LANDMARKS)}


@dataclass(frozen=True)
class VideoInfo:
    """The video as a viewer sees it: upright, at its own size."""

    duration_s: float
    width: int
    height: int
    fps: float
    frames_decoded: int
    frames_analysed: int
    complete: bool = True
    """False if the file ends earlier than its header says."""
    turned: int = 0
    """Degrees clockwise by which the picture was rotated in addition to the file's metadata."""
    slowed: float = 1.0
    """How many times slower than the movement the file plays. Times, duration and frame rate are those of the movement."""


@dataclass(frozen=True)
class Motion:
    """The landmarks of one person over time. n samples, 33 landmarks; NaN where the person was not found.

    Attributes:
        video: the video they were read from.
        times: (n,) seconds from the first frame by the container, strictly rising; the intervals may vary.
        image: (n, 33, 3) pixels of the upright full-size picture, x right, y down; z has the same scale, smaller is nearer.
        world: (n, 33, 3) metres, origin between the hips, x right, y down, z away from the camera.
        visibility: (n, 33) 0 to 1, MediaPipe's estimate of the probability that the landmark is visible.
        cuts: seconds, rising; a new shot begins at each of them.
    """

    video: VideoInfo
    times: Floats
    image: Floats
    world: Floats
    visibility: Floats
    cuts: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.times)
        for name, shape in (("image", (n, 33, 3)), ("world", (n, 33, 3)), ("visibility", (n, 33))):
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has the shape {getattr(self, name).shape}, expected {shape}")
        if n > 1 and not np.all(np.diff(self.times) > 0):
            raise ValueError("times must rise strictly")

    @property
    def detected(self) -> NDArray[np.bool_]:
        """(n,) whether the person was found in that sample."""
        found: NDArray[np.bool_] = ~np.isnan(self.image[:, 0, 0])
        return found

    def part(self, start: int, stop: int) -> "Motion":
        """The samples from `start` up to `stop`, with their times unchanged."""
        samples = slice(start, stop)
        times = self.times[samples]
        cuts = tuple(cut for cut in self.cuts if len(times) and times[0] < cut <= times[-1])
        return Motion(self.video, times, self.image[samples], self.world[samples], self.visibility[samples], cuts)

    @property
    def shots(self) -> list[slice]:
        """The samples of each shot."""
        borders = [0, *np.searchsorted(self.times, self.cuts).tolist(), len(self.times)]
        return [slice(first, stop) for first, stop in pairwise(borders) if first < stop]

    def save(self, path: Path) -> None:
        """Write the motion to a compressed .npz file."""
        fields = {f"video_{name}": value for name, value in asdict(self.video).items()}
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                times=self.times,
                image=self.image,
                world=self.world,
                visibility=self.visibility,
                cuts=np.array(self.cuts),
                **fields,
            )

    @classmethod
    def load(cls, path: Path) -> "Motion":
        """Read a motion that `save` wrote."""
        with np.load(path, allow_pickle=False) as data:
            video = {name.removeprefix("video_"): data[name].item() for name in data.files if name.startswith("video_")}
            tracks = {name: data[name] for name in ("times", "image", "world", "visibility")}
            return cls(VideoInfo(**video), **tracks, cuts=tuple(data["cuts"].tolist()))
