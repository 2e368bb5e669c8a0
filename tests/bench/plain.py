"""The yardstick: the loop that every comparable project has.

    python -m tests.bench.plain VIDEO

OpenCV reads every frame, `cvtColor` turns it into RGB at full size, MediaPipe's full model with its segmentation branch infers
on each, in one process.
"""

import json
import sys
from pathlib import Path

import cv2
from mediapipe import Image, ImageFormat
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import PoseLandmarker, PoseLandmarkerOptions, RunningMode

from pose import model as models
from tests.bench.clock import Steps


def load() -> PoseLandmarker:
    """The model, ready; it follows one video only."""
    base = BaseOptions(model_asset_path=str(models.make("full", masks=True).path))
    return PoseLandmarker.create_from_options(PoseLandmarkerOptions(base_options=base, running_mode=RunningMode.VIDEO))


def plain_loop(video: Path, landmarker: PoseLandmarker, steps: Steps) -> int:
    """Landmarks of every frame; how many frames there were. The landmarks themselves go, as counting is not measured here."""
    capture = cv2.VideoCapture(str(video))
    fps = capture.get(cv2.CAP_PROP_FPS) or 30.0
    frames = 0
    while True:
        with steps.step("decode"):
            there, picture = capture.read()
        if not there:
            break
        with steps.step("convert"):
            image = Image(image_format=ImageFormat.SRGB, data=cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        with steps.step("infer"):
            landmarker.detect_for_video(image, int(1000 * frames / fps))
        frames += 1
    capture.release()
    return frames


def main() -> None:
    """A cold process, from imports to the last frame."""
    with load() as landmarker:
        frames = plain_loop(Path(sys.argv[1]), landmarker, Steps())
    sys.stdout.write(json.dumps({"frames": frames}))


if __name__ == "__main__":
    main()
