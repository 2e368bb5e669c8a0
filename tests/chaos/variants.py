"""Videos in many containers, and broken ones: each job has to end as the index file in their directory says.

index.tsv has the columns `file` and `expectation`; the latter holds alternatives, such as

    same reps as source         done, with as many repetitions as all files of this expectation
    176 reps, in bounded memory
    clear error: not a video    failed, with a code that fits the words
    clear error: too short, or 0 reps
"""

import csv
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.chaos.ground import Ground
from tests.chaos.hostile import judge_daemon
from tests.chaos.kills import running
from tests.chaos.memory import Peak
from tests.chaos.outside import judge_strays
from tests.chaos.report import Report
from tests.consumer_kit import eventually

LIMIT_S = 900
MEMORY = 4_000_000_000
SAME = "same reps as source"

CODES = {
    "large": {"video_too_large"},
    "long": {"video_too_long"},
    "many": {"video_too_long"},
    "short": {"video_unreadable", "no_person", "no_exercise"},
}
"""Words of the index to the error codes that fit them."""

UNREADABLE = {"video_unreadable"}
NOTHING = {"no_person", "no_exercise"}


def variants(ground: Ground, report: Report, directory: Path) -> None:
    """Run all videos of a directory through a daemon with the real analysis."""
    with (directory / "index.tsv").open(encoding="utf-8", newline="") as index:
        expectations = {row["file"]: row["expectation"] for row in csv.DictReader(index, delimiter="\t")}
    told = {"workers": 1, "max_attempts": 1, "stage_timeout_s": LIMIT_S, "max_memory_bytes": MEMORY, "sweep_s": 1}
    with running(ground, real=True, audit=True, settings=told) as daemon, Peak(daemon.process.pid) as peak:
        for file in expectations:
            ground.put_bytes(file, (directory / file).read_bytes())
        ended = eventually(lambda: not ground.busy(), 2 * LIMIT_S)
        report.figure(f"{len(expectations)} video variants, all ended", ended, True)
        judge_daemon(report, daemon)
    documents = ground.documents()
    same = [_reps(documents[file]) for file, expectation in expectations.items() if expectation == SAME]
    reps = Counter(same).most_common(1)[0][0] if same else None
    for file, expectation in expectations.items():
        wanted = f"{reps} reps" if expectation == SAME else expectation
        came = _came(documents[file])
        report.figure(
            f"  {file}: {came}", f"as told: {wanted}" if fits(documents[file], wanted) else came, f"as told: {wanted}"
        )
    report.figure("  slowest, s", max(_seconds(fields) for fields in documents.values()), at_most=LIMIT_S)
    report.figure("  most memory of a process, MB", peak.largest_mb, at_most=MEMORY / 1e6)
    judge_strays(ground, report)


def fits(fields: Mapping[str, Any], expectation: str) -> bool:
    """Whether a finished job is one of the alternatives of an expectation."""
    return any(_fits(fields, each.strip()) for each in re.split(r",? or (?=\d|clear|reps)", expectation))


def _fits(fields: Mapping[str, Any], wanted: str) -> bool:
    code = fields.get("error", {}).get("code")
    if wanted.startswith("clear error"):
        words = set(re.findall("[a-z]+", wanted))
        codes = set().union(*(codes for word, codes in CODES.items() if word in words)) or UNREADABLE
        return code in codes
    number = re.match(r"(\d+) reps", wanted)
    if number is None:  # of the part that can be read
        return _reps(fields) is not None
    return _reps(fields) == int(number[1]) or (number[1] == "0" and code in NOTHING)


def _reps(fields: Mapping[str, Any]) -> int | None:
    reps: int | None = fields.get("result", {}).get("reps")
    return reps


def _came(fields: Mapping[str, Any]) -> str:
    return f"{_reps(fields)} reps" if fields["status"] == "done" else str(fields.get("error", {}).get("code", fields["status"]))


def _seconds(fields: Mapping[str, Any]) -> float:
    if "finishedAt" not in fields:
        return float("inf")
    return round(float((fields["finishedAt"] - fields["startedAt"]).total_seconds()), 1)
