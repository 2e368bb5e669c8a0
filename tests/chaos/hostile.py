"""Hostile documents."""

import random
import string
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from consumer.backends import SERVER_TIME, StoreError
from consumer.jobs.document import status_of
from tests.chaos.ground import Ground
from tests.chaos.kills import PATIENCE_S, running
from tests.chaos.outside import VICTIM, Outside
from tests.chaos.report import Report, say
from tests.consumer_kit import OWNER, eventually
from tests.daemons import Process
from tests.work import video

FIELDS = ("owner", "video", "exercise", "reference", "language", "origin", "attempt", "lease", "progress", "cancelRequested")

OWN = f"users/{OWNER}/uploads/own.mp4"
"""A valid video, for documents that also ask for another owner's video."""


def documents(ground: Ground, report: Report, *, count: int) -> None:
    """Check that each job ends failed, that nothing of another owner is read, and that no other file is written."""
    rng = random.Random(report.seed)
    with tempfile.TemporaryDirectory(prefix="dothis-outside-") as directory:
        outside = Outside(ground, Path(directory))
        ground.put_object(OWN, video(reps=5))
        written = 0
        with running(ground, audit=True, settings={"workers": 2, "max_attempts": 2}) as daemon:
            for number in range(count):
                try:
                    ground.backend.documents.create(f"hostile-{number}", hostile(rng, outside.names()))
                except (StoreError, ValueError, TypeError):
                    # The store itself refuses the document.
                    continue
                written += 1
            ground.put("good", reps=5)
            ended = eventually(lambda: not ground.busy(), PATIENCE_S)
            report.figure("hostile documents tried", count)
            report.figure("  held by the store", written)
            report.figure("  all ended", ended, True)
            judge_daemon(report, daemon)
        report.figure("  the good one among them", ground.documents()["good"]["status"], "done")
        outside.judge(report, good=["good"], results=[f"users/{OWNER}/results/good/"])
        report.figure("  leases left by claims", _claimed(ground), 0)
        report.figure("  ended", dict(ground.outcomes()))


def judge_daemon(report: Report, daemon: Process) -> None:
    """Check that the daemon is alive and logged no error of its own."""
    report.figure("  the daemon lives", daemon.process.poll() is None, True)
    errors = [line for line in daemon.lines() if line["severity"] in {"ERROR", "CRITICAL"}]
    # The emulator mangles a message of its watch now and then. gRPC tells of it, the watch ends, and another takes its place.
    defects = [line for line in errors if line["logger"] != "grpc._common"]
    for line in errors:
        say(f"    {line}")
    report.figure("  defects in its log", len(defects), 0)
    report.figure("  messages mangled on their way", len(errors) - len(defects))


def _claimed(ground: Ground) -> int:
    """The leases of documents that a daemon ended or holds. An ignored document keeps the fields of its creation."""
    return sum("lease" in fields and status_of(fields) is not None for fields in ground.documents().values())


def hostile(rng: random.Random, bait: Sequence[str]) -> dict[str, Any]:
    """Make a document with one to three invalid fields."""
    fields: dict[str, Any] = {
        "owner": OWNER,
        "video": f"users/{OWNER}/uploads/none.mp4",
        "status": rng.choice(["uploaded"] * 4 + ["waiting", "processing"]),
        "createdAt": SERVER_TIME,
    }
    if rng.random() < 0.4:  # nothing is wrong but whose it is: the other checks shall not hide this one's failure
        kind = rng.choice(["video", "reference"])
        fields |= {"status": "uploaded", "video": OWN, kind: rng.choice(["", f"users/{OWNER}/uploads/"]) + rng.choice(bait)}
        return fields
    for name in rng.sample(FIELDS, rng.randint(1, 3)):
        fields[name] = value(rng, bait)
    return fields


def value(rng: random.Random, bait: Sequence[str]) -> Any:
    """Make a value of any type."""
    return rng.choice(
        [
            None,
            True,
            -1,
            2**62,
            1.5,
            "",
            "x" * rng.choice([10, 1025, 100_000]),
            "".join(rng.choices(string.printable, k=rng.randint(1, 40))),
            "\x00",
            "\u202e\ud7ff\uffff",
            "../../../etc/passwd",
            "/etc/passwd",
            VICTIM,
            rng.choice(bait),
            f"users/{OWNER}/uploads/{rng.choice(bait)}",
            f"users/{OWNER}/uploads/../../bob/uploads/secret.mp4",
            f"users/{OWNER}/uploads//secret.mp4",
            f"users/{OWNER}/uploads/%2e%2e/secret.mp4",
            f"users/{OWNER}/uploads/\\..\\secret.mp4",
            "gs://bucket/object",
            "http://169.254.169.254/latest",
            "squat'; DROP TABLE documents; --",
            "shim",
            [VICTIM],
            {"token": rng.choice([1, "t" * 1000, None]), "renewedAt": "now", "seconds": -1},
            {"a": {"b": {"c": [{"d": 1}]}}},
            b"bytes",
        ]
    )
