"""The yardstick: the loop that every comparable project has.

    python -m tests.bench.plain VIDEO [OUT]

OpenCV reads every frame, `cvtColor` turns it into RGB at full size, MediaPipe's full model with its segmentation branch infers
on each, in one process. With OUT the landmarks are drawn by MediaPipe's own drawing utilities and each frame is written to an
mp4 by OpenCV, as its users get theirs.
"""

import json
import sys
from pathlib import Path

import cv2
from mediapipe import Image, ImageFormat
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import (
    PoseLandmarker,
    PoseLandmarkerOptions,
    PoseLandmarksConnections,
    RunningMode,
    drawing_utils,
)

from pose.reading import model as models
from tests.bench.clock import Steps


def load() -> PoseLandmarker:
    """The model, ready; it follows one video only."""
    base = BaseOptions(model_asset_path=str(models.make("full", masks=True).path))
    return PoseLandmarker.create_from_options(PoseLandmarkerOptions(base_options=base, running_mode=RunningMode.VIDEO))


def plain_loop(video: Path, landmarker: PoseLandmarker, steps: Steps, out: Path | None = None) -> int:
    """Landmarks of every frame; how many frames there were. The landmarks themselves go, as counting is not measured here."""
    capture = cv2.VideoCapture(str(video))
    fps = capture.get(cv2.CAP_PROP_FPS) or 30.0
    size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    writer = cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*"mp4v"), fps, size) if out else None
    frames = 0
    while True:
        with steps.step("decode"):
            there, picture = capture.read()
        if not there:
            break
        with steps.step("convert"):
            image = Image(image_format=ImageFormat.SRGB, data=cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        with steps.step("infer"):
            found = landmarker.detect_for_video(image, int(1000 * frames / fps))
        if writer is not None:
            with steps.step("draw"):
                for person in found.pose_landmarks:
                    drawing_utils.draw_landmarks(picture, person, PoseLandmarksConnections.POSE_LANDMARKS)
            with steps.step("encode"):
                writer.write(picture)
        frames += 1
    capture.release()
    if writer is not None:
        writer.release()
    return frames


def main() -> None:
    """A cold process, from imports to the last frame."""
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with load() as landmarker:
        frames = plain_loop(Path(sys.argv[1]), landmarker, Steps(), out)
    sys.stdout.write(json.dumps({"frames": frames}))


if __name__ == "__main__":
    main()
