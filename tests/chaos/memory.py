"""Measures the peak memory of a process and its descendants."""

import contextlib
import threading
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Self

LOOK_S = 0.1


class Peak:
    """Watches the descendants of a process while the block runs.

    Attributes:
        largest_mb: the most resident memory that a single descendant had.
    """

    def __init__(self, process_id: int) -> None:
        self._root = process_id
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.largest_mb = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            for process_id in _descendants(self._root):
                with contextlib.suppress(OSError, StopIteration):  # it has ended meanwhile
                    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
                    peak = next(line for line in lines if line.startswith("VmHWM:"))
                    self.largest_mb = max(self.largest_mb, int(peak.split()[1]) // 1000)


def _descendants(root: int) -> list[int]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name before it, in brackets, may hold blanks.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children[parent].append(int(stat.parent.name))
    found = [root]
    for process_id in found:
        found += children[process_id]
    return found[1:]
