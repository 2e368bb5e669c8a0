"""Starts real daemon processes with a fast analysis (tests/daemon_process.py)."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.consumer_kit import eventually
from tests.work import ROOT


class Process:
    """A real daemon on the test's backend.

    Args:
        data_dir: its volume.
        environment: what is added to its environment.
        told: see tests/daemon_process.py.
    """

    def __init__(self, data_dir: Path, environment: Mapping[str, str] | None = None, **told: Any) -> None:
        self.log = data_dir / f"daemon-{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "tests.daemon_process", json.dumps({"data_dir": str(data_dir), **told})]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stderr=log, stdout=log, env={**os.environ, **(environment or {})}
            )

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def says(self, start: str) -> bool:
        return any(line["message"].startswith(start) for line in self.lines())

    def ready(self, timeout_s: float = 20.0) -> "Process":
        assert eventually(lambda: self.says("Ready"), timeout_s), self.log.read_text()
        return self

    def end(self, number: int = signal.SIGTERM, timeout_s: float = 30) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout_s)
