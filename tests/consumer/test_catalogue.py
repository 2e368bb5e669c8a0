"""The operator's exercises in commands and daemons; their content is tested in tests/feedback."""

from collections.abc import Callable
from pathlib import Path

import pytest

from consumer.catalogue import Catalogue, load_catalogue, restore_exercises
from consumer.settings import Settings, SettingsError
from consumer.work.analysis import fingerprint
from feedback.exercises import CATALOGUE
from tests.consumer_kit import settings

SQUAT = (Path(__file__).parents[2] / "feedback" / "exercises" / "squat.yaml").read_text(encoding="utf-8")


@pytest.fixture
def using(tmp_path: Path) -> Settings:
    directory = tmp_path / "exercises"
    directory.mkdir()
    (directory / "box_squat.yaml").write_text(SQUAT.replace("\nid: squat\n", "\nid: box_squat\n"), encoding="utf-8")
    return settings(tmp_path, exercises=directory)


def test_both_kinds_are_known_and_told_apart(using: Settings) -> None:
    own = {each["id"]: each["own"] for each in load_catalogue(using).describe()}
    assert own == {**dict.fromkeys(CATALOGUE, False), "box_squat": True}


def test_a_child_gets_the_same_exercises(using: Settings, tmp_path: Path) -> None:
    catalogue = load_catalogue(using)
    catalogue.save(tmp_path / "saved")
    assert list(restore_exercises(tmp_path / "saved")) == list(catalogue.exercises)


def test_a_change_of_a_file_is_another_analysis(using: Settings, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"1")
    prints = {fingerprint(model, Catalogue()), fingerprint(model, load_catalogue(using))}
    file = tmp_path / "exercises" / "box_squat.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("threshold: 33", "threshold: 34"), encoding="utf-8")
    prints.add(fingerprint(model, load_catalogue(using)))
    assert len(prints) == 3


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda directory: (directory / "row.yaml").write_text("id: squat"), "row.yaml, line 1: id must be"),
        (lambda directory: (directory / "row.yaml").mkdir(), "the directory .* cannot be read: Is a directory"),
        (lambda directory: (directory / "row.yaml").write_bytes(b"#" * 100_001), "row.yaml, line 1: the file is larger"),
        (lambda directory: [(directory / f"a{n}.yaml").touch() for n in range(201)], ".* at most 200"),
    ],
)
def test_what_is_wrong_is_named(using: Settings, tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    make(tmp_path / "exercises")
    with pytest.raises(SettingsError, match=f"DOTHIS_EXERCISES: {said}"):
        load_catalogue(using)


def test_a_directory_that_is_not_there_is_named(using: Settings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"DOTHIS_EXERCISES: the directory .*/nowhere cannot be read: No such file"):
        load_catalogue(using.model_copy(update={"exercises": tmp_path / "nowhere"}))
