"""Landmarks of the person in a picture, by the MediaPipe Tasks API."""

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np

from pose.errors import ModelMissing
from pose.model import Model
from pose.motion import LANDMARKS, Floats
from pose.video import Pixels


@dataclass(frozen=True)
class Pose:
    """One person in one picture.

    Attributes:
        image: (33, 3) in shares of the picture's width, height and width.
        world: (33, 3) metres, origin between the hips.
        visibility: (33,) 0 to 1.
    """

    image: Floats
    world: Floats
    visibility: Floats


class Tracker:
    """MediaPipe's VIDEO mode: finds a person once, then follows them from picture to picture.

    It holds native memory and a thread: use it in a `with` block. Pictures come in order of time.
    """

    def __init__(self, model: Model) -> None:
        """Load the model.

        Raises:
            ModelMissing: the bundle is not one that MediaPipe can use.
        """
        self._landmarker = _create(model, video=True, people=1)
        self._last_ms = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the model. Left to the interpreter's exit it would print a traceback."""
        self._landmarker.close()

    def follow(self, pixels: Pixels, time: float) -> Pose | None:
        """The person at that time (seconds, rising), or None."""
        self._last_ms = max(self._last_ms + 1, round(time * 1000))
        poses = _poses(self._landmarker.detect_for_video(_image(pixels), self._last_ms))
        return poses[0] if poses else None


def _create(model: Model, *, video: bool, people: int) -> Any:
    # Imported here: it takes most of a second, and a process that only counts repetitions never needs it.
    from mediapipe.tasks.python import BaseOptions  # noqa: PLC0415
    from mediapipe.tasks.python.vision import PoseLandmarker, PoseLandmarkerOptions, RunningMode  # noqa: PLC0415

    options = PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model.path)),
        running_mode=RunningMode.VIDEO if video else RunningMode.IMAGE,
        num_poses=people,
    )
    try:
        return PoseLandmarker.create_from_options(options)
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelMissing(f"The pose model '{model.name}' cannot be loaded: make it again with `make setup`.") from error


def _image(pixels: Pixels) -> Any:
    from mediapipe import Image, ImageFormat  # noqa: PLC0415

    return Image(image_format=ImageFormat.SRGB, data=pixels)


def _poses(result: Any) -> list[Pose]:
    return [
        Pose(
            np.array([(point.x, point.y, point.z) for point in image]),
            np.array([(point.x, point.y, point.z) for point in world]),
            np.array([point.visibility for point in image]),
        )
        for image, world in zip(result.pose_landmarks, result.pose_world_landmarks, strict=True)
        if len(image) == len(LANDMARKS)
    ]
