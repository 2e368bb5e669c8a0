import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import Backend
from consumer.catalogue import Catalogue
from consumer.daemon import Daemon
from consumer.intake import Missed
from consumer.work.lease import Lease
from tests.consumer_kit import change, eventually, fields, in_background, put_job, put_video, settings
from tests.emulators import free_port
from tests.work import ROOT, WORK

pytestmark = pytest.mark.slow


def points(data_dir: Path) -> Counter[str]:
    return Counter((data_dir / "points.log").read_text().splitlines())


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(child) for child in listed.stdout.split()]


def test_a_job_is_done(start: Any, backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path)
    process = start().ready()
    put_job(backend)
    assert eventually(lambda: fields(backend)["status"] == "done")
    assert process.end() == 0
    assert all(line["severity"] in {"INFO", "WARNING"} for line in process.lines())
    of_job = [line for line in process.lines() if line["logger"] in {"consumer.work.worker", "consumer.work.stages"}]
    assert of_job
    assert all(line["job"] == "job" for line in of_job)


def test_a_job_from_before_the_start_is_found_without_the_watch(start: Any, backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path)
    put_job(backend, "no-time", createdAt=None)
    put_job(backend, "odd-time", createdAt=["yesterday"])
    put_job(backend, "lost", status="processing", lease={"token": "gone"})
    put_job(backend, "waiting", status="waiting")
    put_job(backend, "malformed", video=None)
    put_job(backend, "foreign", status="archived")
    start()
    done = ("no-time", "odd-time", "lost", "waiting")
    assert eventually(lambda: all(fields(backend, job)["status"] == "done" for job in done))
    assert eventually(lambda: fields(backend, "malformed")["status"] == "failed")
    assert fields(backend, "foreign")["status"] == "archived"


def test_sigterm_lets_a_short_job_finish(start: Any, backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path, sleep=1.5)
    process = start(settings={"grace_s": 10}).ready()
    put_job(backend)
    assert eventually(lambda: fields(backend)["status"] == "processing")
    assert process.end() == 0
    assert fields(backend)["status"] == "done"


def test_sigterm_hands_a_long_job_back_and_a_restart_finishes_it(start: Any, backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path, sleep=6)
    process = start(settings={"grace_s": 0.2}).ready()
    put_job(backend)
    assert eventually(lambda: "analysing started" in points(tmp_path))
    assert process.end() == 0
    assert (fields(backend)["status"], fields(backend)["attempt"]) == ("uploaded", 0)
    assert "lease" not in fields(backend)
    put_video(backend, tmp_path)
    start()
    assert eventually(lambda: fields(backend)["status"] == "done")
    assert points(tmp_path)["downloading video"] == 1


def test_a_second_signal_ends_at_once_and_leaves_no_child(start: Any, backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path, hang=True)
    process = start(settings={"grace_s": 60}).ready()
    put_job(backend)
    assert eventually(lambda: "analysing started" in points(tmp_path))
    servers = children(process.process.pid)
    assert eventually(lambda: any(children(server) for server in servers))
    analyses = [child for server in servers for child in children(server)]
    process.process.send_signal(signal.SIGTERM)
    assert eventually(lambda: process.says("Stopping"))
    assert process.end(signal.SIGTERM, 5) == 128 + signal.SIGTERM
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in [*servers, *analyses]), 10)


@pytest.mark.parametrize(
    ("point", "repeated"),
    [
        ("claimed", set()),
        ("downloading video", {"downloading video"}),
        ("downloading finished", set()),
        ("analysing started", {"analysing started"}),
        ("analysing finished", set()),
        ("writing_feedback finished", set()),
        ("uploading graph.png", {"uploading graph.png"}),
        ("uploaded", set()),
        ("annotating started", {"annotating started"}),
        ("annotating finished", set()),
        ("uploading annotated.mp4", {"uploading annotated.mp4"}),
        ("done", set()),
    ],
)
def test_after_a_kill_at_any_point_a_job_is_done_once_and_no_finished_stage_twice(
    start: Any, backend: Backend, tmp_path: Path, *, point: str, repeated: set[str]
) -> None:
    put_video(backend, tmp_path)
    put_job(backend)
    # A lease outlasts every stall of the machine, so none is lost and no work repeated. The dead process's lease ends here.
    process = start(die_at=point, settings={"lease_s": 60})
    assert process.process.wait(60) == -signal.SIGKILL
    lease = fields(backend).get("lease")
    if lease is not None:
        change(backend, "job", {"lease": {**lease, "renewedAt": lease["renewedAt"] - timedelta(hours=1)}})
    start(settings={"lease_s": 60})
    assert eventually(lambda: fields(backend)["status"] == "done")
    seen = points(tmp_path)
    stages = ("downloading video", "analysing started", "writing_feedback started", "uploading graph.png")
    for stage in (*stages, "annotating started", "uploading annotated.mp4"):
        assert seen[stage] == (2 if stage in repeated else 1), stage
    assert fields(backend)["result"]["reps"] == 5
    assert eventually(lambda: list((tmp_path / "spool").iterdir()) == [] or point == "done", 5)


def test_a_restart_on_the_same_volume_goes_on_before_the_lease_is_over(start: Any, backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path)
    put_job(backend)
    killed = start(die_at="analysing finished", settings={"lease_s": 600})
    assert killed.process.wait(60) == -signal.SIGKILL
    held = fields(backend)["lease"]["token"]
    begun = time.monotonic()
    restarted = start(settings={"lease_s": 600}).ready()
    ready = time.monotonic()
    assert eventually(lambda: fields(backend).get("lease", {}).get("token") != held, 5)
    claimed = time.monotonic()
    # `pytest -rP` shows it.
    sys.stdout.write(f"Claimed {claimed - ready:.1f} s after the daemon was ready, {claimed - begun:.1f} s after its start.\n")
    assert eventually(lambda: fields(backend)["status"] == "done")
    assert points(tmp_path)["analysing started"] == 1
    takeover = next(line for line in restarted.lines() if line["message"].startswith("Took over"))
    assert (takeover["job"], takeover["attempt"]) == ("job", 2)


def test_a_job_of_a_living_process_on_the_same_volume_is_left_to_it(start: Any, backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path, hang=True)
    put_job(backend)
    start(settings={"lease_s": 600}).ready()
    assert eventually(lambda: "analysing started" in points(tmp_path))
    held = fields(backend)["lease"]["token"]
    start(settings={"lease_s": 600, "sweep_s": 0.2}).ready()
    assert not eventually(lambda: fields(backend)["lease"]["token"] != held, 2)


def test_a_killed_analysis_uses_up_its_attempts(start: Any, backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path, die=True)
    put_job(backend)
    start(settings={"max_attempts": 2})
    assert eventually(lambda: fields(backend)["status"] == "failed")
    assert (fields(backend)["error"]["code"], fields(backend)["attempt"]) == ("analysis_crashed", 2)


def test_health_and_metrics(start: Any, backend: Backend, tmp_path: Path) -> None:
    port = free_port()
    put_video(backend, tmp_path)
    put_job(backend)
    process = start(settings={"health_port": port})
    process.ready()
    assert eventually(lambda: fields(backend)["status"] == "done")

    def get(path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    status, body = get("/healthz")
    assert (status, json.loads(body)["status"]) == (200, "ok")
    assert json.loads(body)["facts"]["watching"] is True
    assert get("/readyz")[0] == 200
    assert eventually(lambda: 'dothis_jobs_total{code="",status="done"} 1.0' in get("/metrics")[1])
    assert "dothis_stage_seconds_bucket" in get("/metrics")[1]
    assert get("/etc/passwd")[0] == 404


def test_a_full_volume_pauses_the_intake(start: Any, backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path)
    put_job(backend)
    process = start(settings={"min_free_bytes": 1 << 55})
    assert eventually(lambda: process.says("The volume is full"))
    time.sleep(1)
    assert fields(backend)["status"] == "uploaded"
    assert process.end() == 0


def test_a_long_outage_of_the_store_ends_the_process(start: Any, backend: Backend, tmp_path: Path) -> None:
    process = start(settings={"give_up_s": 10, "sweep_s": 0.5}).ready()
    assert os.path.getsize(tmp_path / "documents.sqlite") > 0  # noqa: PTH202 - one look
    for file in tmp_path.glob("documents.sqlite*"):
        # In place: to shorten a file that is mapped into memory ends every process that looks at it by SIGBUS.
        with file.open("r+b") as opened:
            opened.write((b"this is no database" * 10_000)[: max(os.path.getsize(file), 1)])  # noqa: PTH202
    assert process.process.wait(40) == 1
    assert process.says("No sweep succeeded")


def test_a_claim_that_comes_after_the_grace_time_is_handed_back(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_video(backend, tmp_path, hang=True)
    put_job(backend)
    using = settings(tmp_path, grace_s=0.1)
    daemon = Daemon(backend, using, model=ROOT / "setup.cfg", catalogue=Catalogue(), analysis=WORK, python_path=(ROOT,))
    take, asked = daemon._claims.claim, threading.Event()

    def take_late(job_id: str) -> Lease | Missed:
        asked.set()
        time.sleep(2)
        return take(job_id)

    monkeypatch.setattr(daemon._claims, "claim", take_late)
    serving = in_background(daemon.serve)
    assert asked.wait(20)
    daemon.stop()
    serving.join(20)
    assert (fields(backend)["status"], fields(backend)["attempt"]) == ("uploaded", 0)
