"""Documents that nobody would write by mistake."""

import random
import string
from typing import Any

from consumer.backends import SERVER_TIME, StoreError
from tests.chaos.ground import Ground
from tests.chaos.kills import PATIENCE_S, running
from tests.chaos.report import Report
from tests.consumer_kit import OWNER, eventually
from tests.work import video

FIELDS = ("owner", "video", "exercise", "reference", "language", "origin", "attempt", "lease", "progress", "cancelRequested")
VICTIM = "users/bob/uploads/secret.mp4"


def documents(ground: Ground, report: Report, *, count: int) -> None:
    """Each ends failed, or is done when chance made it good; nothing of another owner is read, nothing else is touched."""
    rng = random.Random(report.seed)
    secret = ground.data_dir / "secret"
    secret.write_bytes(video(reps=4711))
    ground.backend.objects.upload(secret, VICTIM, content_type="video/mp4")
    canary = ground.data_dir.parent / f"{ground.data_dir.name}-canary"
    written = 0
    with running(ground, settings={"workers": 2, "max_attempts": 2}) as daemon:
        for number in range(count):
            try:
                ground.backend.documents.create(f"hostile-{number}", hostile(rng))
            except (StoreError, ValueError, TypeError):
                # A store that refuses to hold it has done the daemon's work.
                continue
            written += 1
        ground.put("good", reps=5)
        report.figure(f"{ground.name}, {written} hostile documents, all ended", _ended(ground), True)
        report.figure("  the daemon lives", daemon.process.poll() is None, True)
        report.figure("  defects in its log", sum(line["severity"] in {"ERROR", "CRITICAL"} for line in daemon.lines()), 0)
    fields = ground.documents()
    report.figure("  the good one among them", fields["good"]["status"], "done")
    read = sum("4711" in str(each.get("result")) for each in fields.values())
    report.figure("  read of another owner", read, 0)
    report.figure("  results among another owner's", len(list(ground.backend.objects.list("users/bob/results/"))), 0)
    report.figure("  files outside of the volume", canary.exists(), False)
    report.figure("  leases left", ground.leases(), 0)
    report.figure("  ended", dict(ground.outcomes()))


def _ended(ground: Ground) -> bool:
    # A status that is none of ours is left alone.
    return eventually(lambda: not [1 for each in ground.documents().values() if _ours(each)], PATIENCE_S)


def _ours(fields: Any) -> bool:
    return fields.get("status") in {"uploaded", "waiting", "processing"}


def hostile(rng: random.Random) -> dict[str, Any]:
    """A document with one to three fields that are not as they should be."""
    fields: dict[str, Any] = {
        "owner": OWNER,
        "video": f"users/{OWNER}/uploads/none.mp4",
        "status": rng.choice(["uploaded"] * 4 + ["waiting", "processing"]),
        "createdAt": SERVER_TIME,
    }
    for name in rng.sample(FIELDS, rng.randint(1, 3)):
        fields[name] = value(rng)
    return fields


def value(rng: random.Random) -> Any:
    """Anything."""
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
