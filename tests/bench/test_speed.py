"""The arithmetic of the benchmark of speed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bench import clips, cold, warm
from tests.bench.clock import Cost, Ratios, Spread, Steps
from tests.bench.speed import main, wrong_counts
from tests.bench.speed_tables import lines, ratio_table, step_table, whole_table
from tests.footage import look_into, record
from tests.work import ROOT


def test_ratios_are_taken_within_a_pair() -> None:
    ratios = Ratios.of([(Cost(10, 20), Cost(2, 10)), (Cost(40, 30), Cost(10, 10)), (Cost(9, 10), Cost(1, 10))])
    assert ratios.wall == Spread(4, 5, 9)
    assert ratios.cpu == Spread(1, 2, 3)
    assert (ratios.plain, ratios.ours) == (Cost(10, 20), Cost(2, 10))
    assert ratios.wall.text(1) == "5.0 (4.0 to 9.0)"


def test_steps_add_up_and_leave_a_rest() -> None:
    steps = Steps()
    for _ in range(2):
        with steps.step("decode"):
            time.sleep(0.01)
    assert 0.02 <= steps.seconds["decode"] < 0.5
    whole = steps.with_rest(1.0)
    assert sum(whole.values()) == pytest.approx(1.0)
    assert steps.with_rest(0.0)["rest"] == 0.0


def test_a_repeated_clip_has_no_gap(tmp_path: Path) -> None:
    once = record(tmp_path / "once.mp4", (64, 48), seconds=1.0)
    seen = look_into(clips.repeat(once, tmp_path / "often.mp4", 2.5))
    assert len(seen.times) == 90
    assert [b - a for a, b in zip(seen.times, seen.times[1:], strict=False)] == pytest.approx([1 / 30] * 89, abs=1e-3)
    assert clips.nearest([once, tmp_path / "often.mp4"], 2.4) == tmp_path / "often.mp4"


def test_the_usual_clips_or_the_first_that_are_counted(tmp_path: Path) -> None:
    heading = "clip\texercise\treps\tview\n"
    others = "".join(f"{name}.mp4\tsquat\t{reps}\tside\n" for name, reps in zip("abcdef", ["0", "9s", *"1234"], strict=True))
    labels = tmp_path / "labels.tsv"
    labels.write_text(heading + others + "x.mp4\tsquat\t5\tside\n")
    assert [clip.name for clip in clips.choose(tmp_path)] == ["c", "d", "e", "f"]
    labels.write_text(heading + others + f"{clips.USUAL[0]}.mp4\tsquat\t5\tside\n")
    assert [clip.name for clip in clips.choose(tmp_path)] == [clips.USUAL[0]]
    labels.write_text(heading)
    assert main([str(tmp_path)]) == 2


def test_a_reading_is_timed_without_the_loading_of_its_models() -> None:
    (cost,) = warm.cost_of_length(ROOT / "consumer" / "sample.mp4", 1)
    assert 0 < cost.wall_s < 60


def test_the_benchmark_itself_stays_small(tmp_path: Path) -> None:
    code = "import sys, tests.bench.speed; assert not {'mediapipe', 'matplotlib.pyplot'} & set(sys.modules)"
    (tmp_path / "look.py").write_text(code)
    subprocess.run([sys.executable, tmp_path / "look.py"], env=cold.environment(), check=True)


def test_memory_of_a_process_and_of_those_below_it(tmp_path: Path) -> None:
    assert cold.memory_of(os.getpid()) > 1_000_000
    ended = cold.run(["json.tool", "--help"], tmp_path)
    assert "usage" in ended.output
    assert 0 < ended.cost.cpu_s <= 60
    with pytest.raises(RuntimeError, match=r"json\.tool"):
        cold.run(["json.tool", "missing"], tmp_path)


def test_the_beginning_of_a_clip(tmp_path: Path) -> None:
    whole = record(tmp_path / "whole.mp4", (64, 48), seconds=3.0)
    assert len(look_into(clips.beginning(whole, tmp_path / "brief.mp4", 2.0)).times) == 60


FIGURES = {
    "whole": {
        "a": {
            "true": 3,
            "counted": [3, 3],
            "ratios": Ratios.of([(Cost(12, 12), Cost(4, 6))]),
            "peak_bytes": 450_000_000,
        }
    },
    "answers": {"a": {"result": Spread.of([5.0]), "done": Spread.of([3.0])}},
    "warm": {
        "a": {
            "true": 3,
            "counted": [3, 3],
            "rate": 8.0,
            "ratios": Ratios.of([(Cost(10, 12), Cost(2, 4))]),
            "single": Ratios.of([(Cost(10, 12), Cost(4, 4))]),
            "steps": {"plain": {"decode": 1.0, "rest": 0.5}, "ours": {"load": 0.1, "rest": 0.2}},
        }
    },
    "cold": {
        "help_s": Spread.of([0.2]),
        "brief_s": Spread.of([2.5, 3.0]),
        "clip": "a",
        "true": 3,
        "counted": [3, None],
        "ratios": Ratios.of([(Cost(9, 12), Cost(3, 4))]),
        "peak_bytes": 500_000_000,
    },
    "length": {"clip": "a", "short": Cost(1, 0.2), "long": Cost(1, 0.21), "cpu": 1.05, "wall": 1.0, "memory": 1.01},
}


def test_a_wrong_count_is_named() -> None:
    assert wrong_counts(FIGURES) == ["a, cold: counted 3, None of 3"]
    assert wrong_counts({}) == []


def test_tables_show_what_was_measured() -> None:
    whole = whole_table(FIGURES)
    assert whole is not None
    assert [next(iter(column.cells)) for column in whole.columns] == [
        "a",
        "3.00 (3.00 to 3.00)",
        "2.00 (2.00 to 2.00)",
        "4.00 / 6.00",
        "450",
        "3 of 3",
        "5.00 (5.00 to 5.00)",
        "3.00 (3.00 to 3.00)",
    ]
    ratios, steps = ratio_table(FIGURES), step_table(FIGURES)
    assert ratios is not None
    assert list(ratios.columns[1].cells) == ["5.00 (5.00 to 5.00)", "2.50 (2.50 to 2.50)", "3.00 (3.00 to 3.00)"]
    assert list(ratios.columns[6].cells) == ["3 of 3", "", "3, None of 3"]
    assert steps is not None
    assert list(steps.columns[2].cells) == ["", "0.10"]
    assert lines(FIGURES) == [
        "cold: `dothis --help` 0.20 (0.20 to 0.20) s (at most 0.3),"
        " `dothis analyze` on 2 s of video 2.75 (2.50 to 3.00) s (at most 4)",
        "memory of `dothis analyze`: 500 MB (at most 600)",
        "600 s / a, cost of a second: CPU 1.05, wall 1.00 (at most 1.1); 0.210 and 0.200 s CPU",
        "600 s / 30 s, memory: 1.01 (at most 1.1)",
    ]
    assert ratio_table({}) is step_table({}) is whole_table({}) is None
