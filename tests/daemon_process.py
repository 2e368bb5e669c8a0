"""A real daemon process with cheap analyses, for tests that send signals, and that end it at a named point.

    python -m tests.daemon_process '{"data_dir": "...", "die_at": "analysing finished", "settings": {...}}'

Each point of the walk is appended to DATA_DIR/points.log before the process may die there.
"""

import json
import os
import signal
import sys
from pathlib import Path

from consumer import logs
from consumer.backends.local import open_local
from consumer.daemon import Daemon
from tests.consumer_kit import EXERCISES, settings
from tests.work import ROOT, WORK


def main() -> int:
    """Run until a signal, or until the point is reached for the `die_count`-th time."""
    told = json.loads(sys.argv[1])
    data_dir = Path(told["data_dir"])
    left = told.get("die_count", 1)
    log = os.open(data_dir / "points.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def hook(point: str) -> None:
        nonlocal left
        os.write(log, f"{point}\n".encode())
        if point == told.get("die_at"):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    logs.configure("info", "json")
    backend = open_local(data_dir)
    using = settings(data_dir, **told.get("settings", {}))
    model = ROOT / "setup.cfg"
    code = Daemon(backend, using, model=model, exercises=EXERCISES, analysis=WORK, python_path=(ROOT,), hook=hook).run()
    backend.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
