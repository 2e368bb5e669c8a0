"""The benchmark's own arithmetic: a wrong one would hide a wrong analysis."""

import gzip
import json
from pathlib import Path

import pytest

from tests.bench import synthetic
from tests.bench.accuracy import main
from tests.bench.labels import read_set
from tests.bench.measure import Row
from tests.bench.tables import calibration_table, confusion_table, fault_table, misses, summary
from tests.bench.verdicts import Judgement, table


def test_a_set_counted_by_eye(tmp_path: Path) -> None:
    (tmp_path / "labels.tsv").write_text(
        "clip\texercise\treps\tview\na.mp4\tsquat\t3\tside-oblique\nb.mp4\tplank\t6.5s\trear\n"
    )
    counted, held = read_set(tmp_path)
    assert (counted.reps, counted.hold_s, counted.views) == (3, None, {"side_left", "side_right", "oblique"})
    assert (held.reps, held.hold_s, held.views) == (None, 6.5, {"rear"})


def test_what_is_known_of_it_only_in_part(tmp_path: Path) -> None:
    (tmp_path / "labels.tsv").write_text(
        "clip\texercise\treps\tview\na.mp4\tsquat\t4|5\tside\nb.mp4\tother:face_pull\t\tside\nnone_dip.mp4\tnone\t0\tside\n"
    )
    either, other, none = read_set(tmp_path)
    assert (either.exercise, either.counts, either.besides) == ("squat", {4, 5}, None)
    assert (other.exercise, other.counts, other.besides) == ("none", set(), "face_pull")
    assert (none.exercise, none.counts, none.besides) == ("none", set(), "dip")


@pytest.mark.parametrize(
    ("azimuth", "mirror", "view"), [(90, False, "side_left"), (90, True, "side_right"), (180, False, "rear")]
)
def test_a_rendered_set(tmp_path: Path, azimuth: float, mirror: bool, view: str) -> None:
    truth = {
        "exercise": "squat",
        "camera": {"azimuth": azimuth},
        "nuisances": ["mirror"] * mirror,
        "reps": [{}, {}],
        "hold_s": None,
    }
    (tmp_path / "index.tsv").write_text("clip\none\n")
    (tmp_path / "one.json.gz").write_bytes(gzip.compress(json.dumps(truth).encode()))
    (clip,) = read_set(tmp_path)
    assert (clip.reps, clip.views) == (2, {view})


def test_no_labels_is_a_clear_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "neither labels.tsv nor index.tsv" in capsys.readouterr().out
    assert main([]) == 2


ROWS = [
    Row(
        "a", "set", "squat", [4], None, recognised="squat", counted=4, seconds=10, cpu_s=2, faults={"shallow_depth": [3, 0, 1]}
    ),
    Row("b", "set", "squat", [4], None, recognised="lunge", counted=2, seconds=10, cpu_s=4, view="rear", view_right=False),
    Row("c", "set", "plank", [], 10.0, recognised="plank", held_s=8.5),
    Row("d", "set", "none", [0], None, recognised="none", counted=0),
]


def test_figures_of_a_set() -> None:
    figures = summary(ROWS)
    assert figures["squat"]["exact"] == 0.5
    assert figures["squat"]["relative_error"] == 0.25
    assert figures["squat"]["cpu_per_s"] == 0.3
    assert figures["plank"]["hold_error_s"] == 1.5
    assert figures["plank"]["exact"] is None
    assert figures["all"]["recognised"] == 0.6667
    assert figures["none"]["relative_error"] is None


def test_misses_are_named_with_their_reason() -> None:
    assert misses(ROWS) == ["b: recognised as lunge, counted 2 of 4, view rear", "c: held 8.5 of 10.0 s"]


def test_precision_and_recall() -> None:
    table = fault_table(ROWS)
    assert table is not None
    assert [list(column.cells)[-1] for column in table.columns][2:] == ["3", "0", "1", "1.00", "0.75"]
    assert fault_table(ROWS[1:]) is None


def test_names_and_confidence() -> None:
    rows = [
        Row("e", "set", "none", [], None, besides="dip", recognised="dip", confidence=0.95),
        Row("f", "set", "none", [], None, besides="face_pull", recognised="row", confidence=0.8),
        Row("g", "set", "row", [4, 5], None, recognised="row", counted=5, confidence=0.6),
    ]
    assert [row.named_wrongly for row in rows] == [False, True, False]
    assert summary(rows)["all"]["wrong_names"] == 1
    assert rows[2].miscounted == 0
    taken = confusion_table(rows)
    assert taken is not None
    assert [list(column.cells) for column in taken.columns] == [["face_pull"], ["row"], ["1"]]
    assert list(calibration_table(rows).columns[2].cells) == ["", "100 %", "0 %", "100 %"]


def test_verdicts_are_compared_with_labels() -> None:
    judged = [
        Judgement("a", "correct", "correct", "front", ""),
        Judgement("b", "correct", "wrong", "front", ""),
        Judgement("c", "wrong", "wrong", "side_left", ""),
        Judgement("d", "wrong", "not judged", "side_left", ""),
    ]
    shown = table(judged)
    cells = [list(column.cells) for column in shown.columns]
    assert [column[-1] for column in cells] == [
        "all",
        "4",
        "0.50 (2 of 4)",
        "0.50 (1 of 2)",
        "0.50 (1 of 2)",
        "0.25 (1 of 4)",
    ]


def test_synthetic_sequences_are_named_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert synthetic.main(["--exercise", "squat", "wall_sit", "--bodies", "1", "--jobs", "1"]) == 0
    assert "recognised 1.000, exact 1.000" in capsys.readouterr().out
