"""Cold costs: whole processes, from their start to their exit, with all imports."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.clock import Cost
from tests.work import ROOT


@dataclass(frozen=True)
class Ended:
    """A process that is over.

    Attributes:
        cost: its time; of CPU with its children's.
        peak_bytes: of memory, of the largest process.
        output: what it printed.
    """

    cost: Cost
    peak_bytes: int
    output: str


def environment(**changes: str) -> dict[str, str]:
    """This one's without the settings of somebody's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DOTHIS_") or name == "DOTHIS_CACHE_DIR"}
    return {**kept, "PYTHONPATH": str(ROOT), **changes}


def run(arguments: Sequence[str | Path], scratch: Path) -> Ended:
    """Run a module of Python's.

    Raises:
        RuntimeError: it failed.
    """
    output = scratch / "output"
    with output.open("wb") as out:
        start = time.perf_counter()
        # A small process has to start it: the kernel counts a parent's memory in its child's peak.
        child = subprocess.Popen(
            [sys.executable, "-m", *map(str, arguments)], cwd=scratch, env=environment(), stdout=out, stderr=subprocess.DEVNULL
        )
        _, status, used = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"`{' '.join(map(str, arguments[:2]))}` ended with {child.returncode}: {output.read_text()[-500:]}")
    return Ended(Cost(wall_s, used.ru_utime + used.ru_stime), used.ru_maxrss * 1024, output.read_text())


def analyze(clip: Path, scratch: Path, *, video: bool = False, out: Path | None = None, exercise: str | None = None) -> Ended:
    """`dothis analyze --json`, by default without anything that is written; with `video` and `out` the whole job."""
    options: list[str | Path] = [*([] if video else ["--no-video"]), *(["--out", out] if out else [])]
    options += ["--exercise", exercise] if exercise else []
    return run(["consumer.cli", "analyze", clip.resolve(), "--json", *options], scratch)


def plain(clip: Path, scratch: Path, *, whole: bool = False) -> Ended:
    """The plain loop; the whole one draws and writes a video too."""
    return run(["tests.bench.plain", clip.resolve(), *([scratch / "plain.mp4"] if whole else [])], scratch)


def counted(ended: Ended) -> int | None:
    """Repetitions that the report says."""
    found = json.loads(ended.output)["reps"]
    return None if found is None else int(found["total"])


@contextmanager
def daemon(data_dir: Path, workers: int, **settings: str) -> Iterator[int]:
    """A real daemon on the embedded backend; its process id."""
    told = environment(DOTHIS_DATA_DIR=str(data_dir), DOTHIS_WORKERS=str(workers), DOTHIS_HEALTH_PORT="0", **settings)
    process = subprocess.Popen(
        [sys.executable, "-m", "consumer.cli", "run"],
        cwd=data_dir,
        env=told,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def memory_of(pid: int) -> int:
    """Bytes that a process and all below it take, pages that several share counted once; what has just ended counts nothing."""
    total = 0
    below = _children()
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        waiting += below.get(process, [])
        with suppress(OSError):
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            total += 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def _children() -> Mapping[int, list[int]]:
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                # The name, in brackets, may hold spaces.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                found.setdefault(parent, []).append(int(entry.name))
    return found
