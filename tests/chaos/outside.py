"""Files that no job may touch: a file beside the volume, another owner's object, files that a daemon writes elsewhere."""

import os
from collections.abc import Collection
from pathlib import Path

from tests.chaos.ground import Ground
from tests.chaos.report import Report, say
from tests.consumer_kit import OWNER
from tests.work import video

VICTIM = "users/bob/uploads/secret.mp4"
SECRET_REPS = 4711


def judge_strays(ground: Ground, report: Report) -> None:
    """Check that the daemon wrote only on its volume."""
    strays = ground.strays()
    for line in strays[:10]:
        say(f"    {line}")
    report.figure("  writes of the daemon outside of its volume", len(strays), 0)


class Outside:
    """Puts bait files and objects in place; `judge` checks that none was touched.

    Args:
        ground: the backend, with nothing on it but the bait.
        directory: empty, outside of all volumes.
    """

    def __init__(self, ground: Ground, directory: Path) -> None:
        self._ground = ground
        self._directory = directory
        self._file = directory / "secret.mp4"
        self._file.write_bytes(video(reps=SECRET_REPS))
        ground.backend.objects.upload(self._file, VICTIM, content_type="video/mp4")
        self._before = self._state()

    def names(self) -> list[str]:
        """Paths that lead to the bait."""
        ups = "../" * 12
        plain = str(self._file)
        there = [plain, f"{ups}{plain.lstrip('/')}", os.path.relpath(plain, self._ground.data_dir), f"file://{plain}"]
        theirs = [VICTIM, f"users/{OWNER}/uploads/../../bob/uploads/secret.mp4", f"users/{OWNER}/../bob/uploads/secret.mp4"]
        return [*there, *(name.removesuffix(".mp4") for name in there), *theirs, VICTIM.removesuffix(".mp4")]

    def judge(self, report: Report, *, good: Collection[str], results: Collection[str]) -> None:
        """Report what was touched.

        Args:
            report: takes the figures.
            good: the jobs that were right to read and to write.
            results: where their objects begin.
        """
        ground = self._ground
        fetched = {job for point, job in ground.walk() if point == "downloading finished"} - set(good)
        report.figure("  objects read for hostile jobs", len(fetched), 0)
        told = sum(str(SECRET_REPS) in str(fields.get("result")) for fields in ground.documents().values())
        report.figure("  told of another owner", told, 0)
        allowed = (*results, "users/ann/uploads/", "temp/video/user/ann/", VICTIM)
        strange = [path for path in ground.backend.objects.list("") if not path.startswith(allowed)]
        report.figure("  objects written for them", len(strange), 0)
        report.figure("  files touched beside the volume", self._state() != self._before, False)
        judge_strays(ground, report)

    def _state(self) -> dict[str, tuple[int, int, bytes]]:
        files = [path for path in self._directory.rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_atime_ns, path.read_bytes()) for path in files}
