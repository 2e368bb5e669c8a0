"""A real daemon process with cheap analyses, for tests that send signals, and that end it at a named point.

    python -m tests.daemon_process '{"data_dir": "...", "die_at": "analysing finished", "settings": {...}}'

Each point of the walk is appended to DATA_DIR/points.log, and with its job to DATA_DIR/walk.log, before the process may die
there. It dies once for each job, not again when another process on the same volume comes to that point.
"""

import json
import os
import signal
import sys
from pathlib import Path

import structlog

from consumer import logs
from consumer.daemon import Daemon
from consumer.stores import open_backend
from tests.consumer_kit import EXERCISES, settings
from tests.work import ROOT, WORK


def main() -> int:
    """Run until a signal, or until the point is reached."""
    told = json.loads(sys.argv[1])
    data_dir = Path(told["data_dir"])
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    points, walk = (os.open(data_dir / name, append, 0o600) for name in ("points.log", "walk.log"))

    def hook(point: str) -> None:
        job = structlog.contextvars.get_contextvars()["job"]
        os.write(points, f"{point}\n".encode())
        os.write(walk, f"{point}\t{job}\n".encode())
        if point == told.get("die_at") and first_time(data_dir / f"died-{point}-{job}"):
            os.kill(os.getpid(), signal.SIGKILL)

    logs.configure("info", "json")
    using = settings(data_dir, **told.get("settings", {}))
    backend = open_backend(using)
    model = ROOT / "setup.cfg"
    code = Daemon(backend, using, model=model, exercises=EXERCISES, analysis=WORK, python_path=(ROOT,), hook=hook).run()
    backend.close()
    return code


def first_time(marker: Path) -> bool:
    """Whether nobody has been here before."""
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
