"""Landmarks of people in pictures, by the MediaPipe Tasks API.

MediaPipe is imported when the first `Tracker` or `Detector` is made, since the import takes most of a second, and a process
that only counts repetitions does not need it. Its calls release Python's global lock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pose.errors import ModelMissing
from pose.motion import INDEX, LANDMARKS
from pose.reading.frame import Pixels
from pose.reading.model import Model
from pose.reading.native_log import Quiet

Points = NDArray[np.float32]

SHOULDERS = [INDEX["left_shoulder"], INDEX["right_shoulder"]]
HIPS = [INDEX["left_hip"], INDEX["right_hip"]]
KNEES = [INDEX["left_knee"], INDEX["right_knee"]]


@dataclass(frozen=True)
class Pose:
    """One person in one picture.

    Attributes:
        image: (33, 3) pixels of that picture, x right, y down; a smaller z is nearer to the camera.
        world: (33, 3) metres, with the origin between the hips.
        visibility: (33,) 0 to 1.
    """

    image: Points
    world: Points
    visibility: Points

    @cached_property
    def centre(self) -> Points:
        """(2,) centre of the trunk in pixels."""
        middle: Points = self.image[SHOULDERS + HIPS, :2].mean(axis=0)
        return middle

    @cached_property
    def length(self) -> float:
        """The person's size in pixels: the longest of trunk, shoulder line and thighs, since each of them may point at the
        camera."""
        points = self.image[:, :2]
        trunk = points[SHOULDERS].mean(axis=0) - points[HIPS].mean(axis=0)
        shoulders = points[SHOULDERS[0]] - points[SHOULDERS[1]]
        thighs = points[HIPS] - points[KNEES]
        return float(np.linalg.norm([trunk, shoulders, *thighs], axis=1).max())


class _Landmarker:
    """A MediaPipe landmarker. It owns native memory and a thread, so use it in a `with` block."""

    def __init__(self, model: Model, *, follow: bool) -> None:
        """Load the model.

        Raises:
            ModelMissing: the bundle is not one that MediaPipe can use.
        """
        from mediapipe import Image, ImageFormat  # noqa: PLC0415
        from mediapipe.tasks.python import BaseOptions  # noqa: PLC0415
        from mediapipe.tasks.python.vision import PoseLandmarker, PoseLandmarkerOptions, RunningMode  # noqa: PLC0415

        self._to_image: Callable[[Pixels], Any] = lambda pixels: Image(image_format=ImageFormat.SRGB, data=pixels)
        options = PoseLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(model.path)),
            running_mode=RunningMode.VIDEO if follow else RunningMode.IMAGE,
        )
        # MediaPipe's threads load until the first picture is analysed, and load more when the first person is found.
        self._loading = Quiet()
        self._loaded = False
        try:
            self._landmarker = PoseLandmarker.create_from_options(options)
        except (RuntimeError, ValueError, OSError) as error:
            self._loading.end()
            raise ModelMissing(f"The pose model '{model.name}' cannot be loaded: make it again with `make setup`.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the model. Without this call MediaPipe prints a traceback at the interpreter's exit."""
        self._landmarker.close()
        self._loading.end()

    def _analyse(self, analyse: Callable[[Any], Any], image: Any) -> Any:
        """Analyse a picture, without the messages of native libraries about loading."""
        if self._loaded:
            return analyse(image)
        with Quiet():
            result = analyse(image)
            self._loading.end()
        self._loaded = bool(result.pose_landmarks)
        return result


class Tracker(_Landmarker):
    """MediaPipe's VIDEO mode: detects a person once, then tracks the person from picture to picture.

    The detector's first guess of the person's place and orientation can be wrong. At 30 pictures per second the tracker
    recovers from that, at 10 it does not: a man seen from behind was tracked upside down. So the picture in which a person is
    detected is analysed several times.
    """

    SETTLING = 2
    """Number of additional passes over the picture in which a person is detected."""

    SETTLING_AFTER_CUT, SETTLED = 10, 0.03
    """After a cut the tracker starts from the region of the previous shot and approaches the person pass by pass: at most so
    many additional passes, until two successive poses differ by less than this, in lengths of the person."""

    def __init__(self, model: Model) -> None:
        super().__init__(model, follow=True)
        self._last_ms = -1
        self._following = False

    def follow(self, pixels: Pixels, time: float, *, cut: bool = False) -> Pose | None:
        """Find the tracked person at that time; None if there is none.

        Args:
            pixels: the picture.
            time: seconds, rising from call to call.
            cut: whether there is a cut before this picture, so that the tracker has to settle again.
        """
        image = self._to_image(pixels)
        pose = self._look(image, pixels, time)
        if pose is None and cut and self._following:
            pose = self._look(image, pixels, time)  # nobody is where the last shot's person was: now it detects anew
        if pose and (cut or not self._following):
            for number in range(1, 1 + (self.SETTLING_AFTER_CUT if cut else self.SETTLING)):
                before, pose = pose, self._look(image, pixels, time)
                if number >= self.SETTLING and before and pose and self._is_settled(before, pose):
                    break
        self._following = pose is not None
        return pose

    def _is_settled(self, before: Pose, after: Pose) -> bool:
        moved = np.linalg.norm(after.image[SHOULDERS + HIPS, :2] - before.image[SHOULDERS + HIPS, :2], axis=1)
        return bool(moved.mean() < self.SETTLED * after.length)

    def _look(self, image: Any, pixels: Pixels, time: float) -> Pose | None:
        self._last_ms = max(self._last_ms + 1, round(time * 1000))
        return _pose(self._analyse(lambda seen: self._landmarker.detect_for_video(seen, self._last_ms), image), pixels)


class Detector(_Landmarker):
    """MediaPipe's IMAGE mode: each picture is analysed on its own. Several threads may share a detector."""

    def __init__(self, model: Model) -> None:
        super().__init__(model, follow=False)

    def find(self, pixels: Pixels) -> Pose | None:
        """Find the most prominent person; None if there is none."""
        return _pose(self._analyse(self._landmarker.detect, self._to_image(pixels)), pixels)


def _pose(result: Any, pixels: Pixels) -> Pose | None:
    if not result.pose_landmarks or len(result.pose_landmarks[0]) != len(LANDMARKS):
        return None
    image, world = result.pose_landmarks[0], result.pose_world_landmarks[0]
    height, width = pixels.shape[:2]
    return Pose(
        # z has about the same scale as x.
        np.array([(point.x * width, point.y * height, point.z * width) for point in image], np.float32),
        np.array([(point.x, point.y, point.z) for point in world], np.float32),
        np.array([point.visibility for point in image], np.float32),
    )
