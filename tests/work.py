"""A fast replacement of the analysis, for children of the real sandbox. It follows instructions in the "video".

A video is a JSON object: {"sleep": seconds, "fail": error code, "raise": true, "die": true, ...}; {} is a good one.
"""

import ctypes
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from consumer.jobs.document import REPORT_FILES
from consumer.jobs.errors import ErrorCode, JobError
from consumer.work.analysis import MOTION, VIDEO, Analysis

Report = Callable[[float], None]

ROOT = Path(__file__).parent.parent
WORK = Analysis("tests.work:analyse", "tests.work:write_feedback", "tests.work:annotate", preload=("tests.work",))


def video(**instructions: Any) -> bytes:
    """Make a video with instructions."""
    return json.dumps(instructions).encode()


def analyse(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Follow the video's instructions, then write the motion."""
    source = Path(arguments["source"]) / VIDEO
    told = json.loads(source.read_bytes())
    report(0.1)
    obey(told)
    sleep_s = told.get("sleep", 0.0)
    for step in range(10):
        time.sleep(sleep_s / 10)
        report((step + 1) / 10)
    (Path(arguments["target"]) / MOTION).write_bytes(source.read_bytes())
    return {}


def write_feedback(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write all files. The video's instructions give the number of repetitions in the report."""
    told = json.loads((Path(arguments["motions"]) / MOTION).read_bytes())
    target = Path(arguments["target"])
    for name in REPORT_FILES.values():
        if name not in {REPORT_FILES["comparison"], REPORT_FILES["video"]}:
            (target / name).write_bytes(f"{name} of {told}".encode())
    found = {
        "exercise": {"id": arguments["exercise"] or "squat", "name": "Squat"},
        "reps": {"total": told.get("reps", 5), "good": 3},
        "hold": None,
        "score": 80,
        "statistics": {"rangeOfMotion": {"value": 95.0, "unit": "deg"}},
        "summary": told.get("summary", "Well done."),
        "faults": [{"id": "shallow_depth", "title": "Not deep enough", "advice": "Deeper.", "reps": [2], "severity": "major"}],
    }
    whole = {"index": 1, "exercise": "squat", "startS": 1.0, "endS": 9.0, "reps": found["reps"]["total"], "goodReps": 3}
    found["sets"] = [{**whole, **{key: found[key] for key in ("hold", "score", "statistics", "faults")}}]
    (target / REPORT_FILES["report"]).write_text(json.dumps(found), encoding="utf-8")
    report(1.0)
    return {}


def annotate(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Follow the instructions under `annotate`, then write the annotated video."""
    told = json.loads((Path(arguments["motions"]) / MOTION).read_bytes())
    time.sleep(told.get("annotate", {}).get("sleep", 0.0))
    obey(told.get("annotate", {}))
    (Path(arguments["target"]) / REPORT_FILES["video"]).write_bytes(f"the annotated video of {told}".encode())
    report(1.0)
    return {}


def obey(told: dict[str, Any]) -> None:
    """Follow an instruction to fail."""
    if "fail" in told:
        raise JobError(ErrorCode(told["fail"]), "as the video says", sentence=told.get("sentence", ""))
    if "raise" in told:
        raise RuntimeError("as the video says")
    if "die" in told:
        os.kill(os.getpid(), signal.SIGKILL)
    if "segfault" in told:
        ctypes.string_at(0)
    if "memory" in told:
        bytearray(10_000_000_000)
    for number in range(told.get("litter", 0)):
        Path(f"litter-{number}").write_bytes(b"x" * 1_000_000)
    while "hang" in told:
        time.sleep(0.1)
