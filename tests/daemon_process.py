"""A real daemon process with a fast analysis, for tests that send signals or kill the daemon at a named point.

    python -m tests.daemon_process '{"data_dir": "...", "die_at": "analysing finished", "settings": {...}}'

Each point that a job reaches (see `WorkContext.hook`) is appended to DATA_DIR/points.log, and with the job's id to
DATA_DIR/walk.log, before the process dies there. It dies once for each job: a later process on the volume passes the point.

With "real": true the real analysis runs. With "audit": true each path outside of DATA_DIR that the process writes is appended
to DATA_DIR/strays.log. With "fcm": URL, push messages go to that URL.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import structlog

from consumer.backends.selection import open_backend
from consumer.catalogue import load_catalogue
from consumer.daemon import Daemon
from consumer.operations import logs
from consumer.push import Sender
from consumer.work.analysis import Analysis
from tests.consumer_kit import settings
from tests.work import ROOT, WORK

WRITES = {"os.mkdir": 1, "os.rmdir": 1, "os.remove": 1, "os.truncate": 1, "os.rename": 2, "os.link": 2, "os.symlink": 2}
"""Python's audit events that change files, with the number of arguments that are paths."""


def main() -> int:
    """Run until a signal comes or the point is reached."""
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
    if told.get("audit"):
        audit(data_dir)
    backend = open_backend(using)
    if told.get("real"):
        # A second of every start, which the others can do without.
        from pose.reading import model as models  # noqa: PLC0415

        model, analysis = models.find(using.model).path, Analysis()
    else:
        model, analysis = ROOT / "setup.cfg", WORK
    daemon = Daemon(
        backend,
        using,
        model=model,
        catalogue=load_catalogue(using),
        analysis=analysis,
        python_path=(ROOT,),
        sender=sender(told["fcm"]) if "fcm" in told else None,
        hook=hook,
    )
    code = daemon.run()
    backend.close()
    return code


def sender(url: str) -> Sender:
    """A sender for Firebase Cloud Messaging with another address than Google's."""
    from firebase_admin import messaging  # noqa: PLC0415 - half a second of every start, which the others can do without

    from consumer.push.fcm import Fcm  # noqa: PLC0415

    messaging._MessagingService.FCM_URL = url  # there is no setting for it
    return Fcm(None)


def audit(data_dir: Path) -> None:
    """Log each file outside of the volume that this process creates, writes, moves or removes from now on."""
    sys.dont_write_bytecode = True
    strays = os.open(data_dir / "strays.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    home = f"{data_dir.resolve()}/"

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            written = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            paths, arguments = arguments[:1] if written else (), ()
        else:
            paths = arguments[: WRITES.get(event, 0)]
        for path in paths:
            if not isinstance(path, str | bytes | os.PathLike):
                continue  # a descriptor, which was opened before
            real = os.path.realpath(os.path.join(place(arguments[-1:]), os.fsdecode(path)))  # noqa: PTH118 - of any kind
            if not f"{real}/".startswith((home, "/dev/")):
                os.write(strays, f"{event}\t{real}\n".encode(errors="replace"))

    sys.addaudithook(look)


def place(last: tuple[Any, ...]) -> str:
    """The directory of a relative path: the one whose descriptor is an event's last argument, if it is a descriptor."""
    return str(Path(f"/proc/self/fd/{last[0]}").readlink()) if last and isinstance(last[0], int) and last[0] > 2 else ""


def first_time(marker: Path) -> bool:
    """Whether the marker file did not exist; make it."""
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
