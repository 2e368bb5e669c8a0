"""The output of native libraries while a model is loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pose.reading.native_log import Quiet

CHATTER = (
    "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
    "WARNING: Logging before InitGoogle() is written to STDERR\n"
    "W0000 00:00:1795851963.396366    7805 inference_feedback_manager.cc:121] Feedback manager requires a model.\n"
)
NEWS = (
    "E0000 00:00:1795851963.396366    7805 calculator_graph.cc:928] INTERNAL: out of memory\n"
    "F0000 00:00:1795851963.396366    7805 tensor.cc:12] Check failed\n"
    "WARNING: my program\n"
    "without an end"
)


def test_only_the_chatter_of_libraries_is_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    with Quiet():
        os.write(2, (CHATTER + NEWS).encode())
    os.write(2, b"\n" + CHATTER.encode())
    assert capfd.readouterr().err == NEWS + "\n" + CHATTER


def test_it_filters_until_the_last_of_several_ends(capfd: pytest.CaptureFixture[str]) -> None:
    first, second = Quiet(), Quiet()
    first.end()
    first.end()
    os.write(2, CHATTER.encode())
    second.end()
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_where_no_file_can_be_made_everything_is_written(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
        with Quiet():
            os.write(2, CHATTER.encode())
    assert capfd.readouterr().err == CHATTER


LOAD = """
import numpy as np
from pose.reading import model
from pose.reading.landmarks import Detector, Tracker

picture = np.zeros((120, 160, 3), np.uint8)
for kind, look in ((Tracker, lambda made: made.follow(picture, 0.0)), (Detector, lambda made: made.find(picture))):
    with kind(model.find("full")) as made:
        look(made)
"""


@pytest.mark.slow
def test_loading_a_model_writes_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""


def test_a_program_without_stderr_loads_too() -> None:
    script = "import os; os.close(2); from pose.reading.native_log import Quiet; Quiet().end(); print('fine')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "fine\n"
