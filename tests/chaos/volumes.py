"""A volume that is full."""

import os
import subprocess
import time

from tests.chaos.ground import Ground
from tests.chaos.kills import PATIENCE_S, running
from tests.chaos.report import Report, say
from tests.consumer_kit import eventually

SIZE_MB = 700
"""Size of the volume in bytes: it has room for the work, which needs 300 MB for results."""


def full(ground: Ground, report: Report, *, jobs: int) -> None:
    """Fill a small volume while jobs run; check that claims pause, that running jobs end, and that claims resume."""
    volume = ground.data_dir / ("spool" if ground.name == "local" else "volume")
    volume.mkdir(exist_ok=True)
    if not _mount(volume):
        say("  ! skipped: mounting a small volume needs root")
        return
    try:
        _fill(ground, report, volume / "ballast", jobs)
    finally:
        subprocess.run(["umount", "--lazy", str(volume)], check=True)


def _fill(ground: Ground, report: Report, ballast: os.PathLike[str], jobs: int) -> None:
    told = {"workers": 2, "outage_retry_s": 0.5, "min_free_bytes": 50_000_000}
    with running(ground, settings=told) as daemon:
        assert eventually(lambda: daemon.says("Ready"), PATIENCE_S)
        for number in range(jobs):
            ground.put(f"before-{number}", sleep=1.0)
        assert eventually(lambda: any(point == "analysing started" for point, _ in ground.walk()), PATIENCE_S)
        subprocess.run(["fallocate", "-l", f"{SIZE_MB - 20}M", str(ballast)], check=False, capture_output=True)
        report.figure("a full volume: intake pauses", eventually(lambda: daemon.says("The volume is full"), 60), True)
        ground.put("meanwhile")
        time.sleep(3)
        report.figure("  taken meanwhile", ground.documents()["meanwhile"]["status"], "uploaded")
        os.unlink(ballast)  # noqa: PTH108 - a PathLike
        report.figure("  all done when there is room", eventually(lambda: ground.unfinished() == 0, PATIENCE_S), True)
    report.figure("  done", ground.outcomes()["done"], jobs + 1)


def _mount(volume: os.PathLike[str]) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(volume)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
