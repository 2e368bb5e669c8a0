"""Messages to devices: what is due, what is sent, to whom, and that neither crash nor endpoint harms the job."""

import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import firebase_admin.messaging
import pytest

from consumer.backends import Backend, Unavailable
from consumer.backends.firebase import open_firebase
from consumer.commands.doctor import examine
from consumer.jobs.errors import ErrorCode, JobError
from consumer.operations.metrics import Metrics
from consumer.push import Outbox, outbox
from consumer.push import fcm as fcm_module
from consumer.push.fcm import Fcm
from consumer.sandbox.supervisor import Sandbox
from consumer.settings import Settings
from consumer.work.endings import Endings
from feedback.exercises import CATALOGUE
from tests.consumer_kit import claim, claims, eventually, fields, in_background, put_job, put_video, settings, worker
from tests.daemons import Process
from tests.emulators import FirebaseProject
from tests.messaging import Messaging, messaging, write_key

PUSHES = "pushes"
DEVICES = "users/ann/devices"
KILLS = 6


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Messaging]]:
    with messaging() as stand_in:
        path = tmp_path_factory.mktemp("key") / "key.json"
        write_key(path)
        yield path, stand_in


@pytest.fixture
def google(key: tuple[Path, Messaging], monkeypatch: pytest.MonkeyPatch) -> Messaging:
    """The stand-in, empty; this process's messages go there."""
    path, stand_in = key
    stand_in.received.clear()
    stand_in.asked.clear()
    stand_in.hang = stand_in.forbids = False
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.setattr(firebase_admin.messaging._MessagingService, "FCM_URL", stand_in.url)
    return stand_in


@pytest.fixture
def using(tmp_path: Path) -> Settings:
    return settings(tmp_path, push="fcm")


def due(backend: Backend) -> dict[str, Any]:
    return {push.id: push.fields for push in backend.documents.collection(PUSHES).find({})}


def add_devices(backend: Backend, **tokens: Any) -> None:
    for device, token in tokens.items():
        backend.documents.collection(DEVICES).create(device, token if isinstance(token, dict) else {"token": token})


def post(backend: Backend) -> None:
    """Send what is due."""
    Outbox(backend.documents, Fcm(None), CATALOGUE, Metrics()).send_due()


class TestDue:
    def test_a_push_is_written_in_the_commit_of_the_result(
        self, backend: Backend, sandbox: Sandbox, using: Settings, tmp_path: Path
    ) -> None:
        seen = []

        def look(point: str) -> None:
            if point == "uploading report.json":
                seen.append(due(backend))
            if point == "annotating started":
                seen.append(due(backend))

        put_job(backend)
        put_video(backend, tmp_path)
        worker(backend, using, sandbox, look).run(claim(backend, using))
        assert seen[0] == {}
        assert seen[1]["job"]["owner"] == "ann"
        assert due(backend) == seen[1]

    def test_once_though_an_earlier_attempt_had_a_result(
        self, backend: Backend, sandbox: Sandbox, using: Settings, tmp_path: Path
    ) -> None:
        put_job(backend, result={"sets": []}, attempt=1)
        put_video(backend, tmp_path)
        worker(backend, using, sandbox).run(claim(backend, using))
        assert fields(backend)["status"] == "done"
        assert due(backend) == {}

    def test_a_push_is_written_with_a_failure(self, backend: Backend, using: Settings) -> None:
        put_job(backend)
        Endings(using, Metrics()).record_failure(claim(backend, using), JobError(ErrorCode.NO_PERSON))
        assert due(backend)["job"]["error"] == "no_person"

    def test_no_push_for_a_failure_that_is_retried(self, backend: Backend, using: Settings) -> None:
        put_job(backend)
        Endings(using, Metrics()).record_failure(claim(backend, using), JobError(ErrorCode.INTERNAL))
        assert fields(backend)["status"] == "waiting"
        assert due(backend) == {}

    def test_a_push_is_written_for_a_malformed_document(self, backend: Backend, using: Settings) -> None:
        put_job(backend, language=5)
        claims(backend, using).claim("job")
        assert due(backend)["job"]["error"] == "invalid_request"

    @pytest.mark.parametrize("changes", [{"owner": 5}, {"owner": "a/b"}, {"owner": "__ann__"}, {"owner": None}])
    def test_no_push_for_an_owner_that_is_no_valid_id(self, backend: Backend, using: Settings, changes: dict[str, Any]) -> None:
        put_job(backend, **changes)
        claims(backend, using).claim("job")
        assert fields(backend)["status"] == "failed"
        assert due(backend) == {}

    def test_no_push_when_it_is_off(self, backend: Backend, tmp_path: Path) -> None:
        put_job(backend, language=5)
        claims(backend, settings(tmp_path)).claim("job")
        assert due(backend) == {}

    def test_no_push_from_a_worker_that_has_lost_the_job(self, backend: Backend, using: Settings) -> None:
        put_job(backend)
        lease = claim(backend, using)
        backend.documents.update(backend.documents.get("job"), {"lease.token": "rival"})  # type: ignore[arg-type]
        Endings(using, Metrics()).record_failure(lease, JobError(ErrorCode.NO_PERSON))
        assert due(backend) == {}


class TestSent:
    def test_in_the_language_of_each_device(
        self, backend: Backend, google: Messaging, sandbox: Sandbox, using: Settings, tmp_path: Path
    ) -> None:
        add_devices(backend, phone="live-1", tablet={"token": "live-2", "language": "ko_KR"})
        put_job(backend)
        put_video(backend, tmp_path)
        worker(backend, using, sandbox).run(claim(backend, using))
        post(backend)
        shown = {message["token"]: message for message in google.received}
        assert shown["live-1"]["notification"] == {
            "title": "Your feedback is ready",
            "body": "Squat: 3 of 5 repetitions were good.",
        }
        assert shown["live-2"]["notification"]["body"] == "스쿼트: 5회 중 3회가 좋았어요."
        assert shown["live-1"]["data"] == {"job": "job", "status": "result"}
        assert due(backend) == {}

    def test_the_message_says_that_a_job_failed_and_why(self, backend: Backend, google: Messaging, using: Settings) -> None:
        add_devices(backend, phone="live-1")
        put_job(backend)
        Endings(using, Metrics()).record_failure(claim(backend, using), JobError(ErrorCode.NO_PERSON))
        post(backend)
        (message,) = google.received
        assert message["notification"]["title"] == "Your video could not be analysed"
        assert message["notification"]["body"].startswith("Nobody was seen in the video.")
        assert message["data"] == {"job": "job", "status": "failed"}

    def test_sends_to_valid_devices_and_removes_invalid_ones(
        self, backend: Backend, google: Messaging, using: Settings
    ) -> None:
        odd = {"none": {"language": "en"}, "number": {"token": 5}, "empty": {"token": ""}, "long": {"token": "x" * 5000}}
        add_devices(backend, live="live-1", dead="dead-1", foreign="foreign-1", garbled="garbled-1", busy="busy-1", **odd)
        claims_of_failed(backend, using)
        post(backend)
        assert sorted(message["token"] for message in google.received) == ["busy-1", "live-1"]
        left = {device.id for device in backend.documents.collection(DEVICES).find({})}
        assert left == {"live", "busy", *odd}
        assert due(backend) == {}

    def test_retries_only_the_devices_that_were_not_reached(
        self, backend: Backend, google: Messaging, using: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fcm_module, "DEADLINE_S", 2.0)
        monkeypatch.setattr(outbox, "RETRY_BASE_S", 0.01)
        add_devices(backend, live="live-1", slow="hang-1")
        claims_of_failed(backend, using)
        post(backend)
        assert [message["token"] for message in google.received] == ["live-1"]
        devices = backend.documents.collection(DEVICES)
        slow = devices.get("slow")
        assert slow is not None
        devices.update(slow, {"token": "live-2"})
        time.sleep(0.05)
        post(backend)
        assert [message["token"] for message in google.received] == ["live-1", "live-2"]
        assert due(backend) == {}

    def test_an_old_message_is_not_sent(
        self, backend: Backend, google: Messaging, using: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbox, "GIVE_UP", outbox.GIVE_UP * 0)
        add_devices(backend, live="live-1")
        claims_of_failed(backend, using)
        post(backend)
        assert google.received == []
        assert due(backend) == {}

    def test_one_of_several_daemons_sends_a_message(self, backend: Backend, google: Messaging, using: Settings) -> None:
        add_devices(backend, live="live-1")
        for number in range(10):
            put_job(backend, f"job{number}", language=5)
            claims(backend, using).claim(f"job{number}")
        threads = [in_background(lambda: post(backend)) for _ in range(4)]
        for thread in threads:
            thread.join(30)
        assert len(google.received) == 10
        assert len(google.shown()["live-1"]) == 10

    def test_a_page_of_messages_with_a_defect_is_not_read_without_a_pause(
        self, backend: Backend, google: Messaging, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbox, "PAGE", 2)
        for number in range(2):
            backend.documents.collection(PUSHES).create(f"job{number}", {"dueAt": datetime(2026, 1, 1, tzinfo=UTC)})
        sending = in_background(lambda: post(backend))
        sending.join(20)
        assert not sending.is_alive()
        errors = [record.message for record in caplog.records if record.exc_info]
        assert errors == ["A message failed with an unexpected error."] * 2
        assert len(due(backend)) == 2

    def test_when_a_token_has_changed_meanwhile_the_new_one_stays(
        self, backend: Backend, google: Messaging, using: Settings
    ) -> None:
        class Changing(Fcm):
            def send(self, messages: Any) -> Any:
                outcomes = super().send(messages)
                device = backend.documents.collection(DEVICES).get("phone")
                assert device is not None
                backend.documents.collection(DEVICES).update(device, {"token": "live-new"})
                return outcomes

        add_devices(backend, phone="dead-1")
        claims_of_failed(backend, using)
        Outbox(backend.documents, Changing(None), CATALOGUE, Metrics()).send_due()
        assert [device.fields["token"] for device in backend.documents.collection(DEVICES).find({})] == ["live-new"]


def test_the_doctor_sees_whether_the_service_answers(google: Messaging, tmp_path: Path) -> None:
    using = settings(tmp_path, push="fcm")
    found = {finding.name: finding for finding in examine(using)}
    assert found["messages to devices"].ok
    google.forbids = True
    found = {finding.name: finding for finding in examine(using)}
    assert "enable its API" in found["messages to devices"].says


def answered(question: Callable[[], bool]) -> bool:
    """The answer; no for as long as an emulator on a busy machine gives none."""
    try:
        return question()
    except Unavailable:
        return False


def claims_of_failed(backend: Backend, using: Settings) -> None:
    """A job that failed."""
    put_job(backend)
    Endings(using, Metrics()).record_failure(claim(backend, using), JobError(ErrorCode.NO_PERSON))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fifty_jobs_with_kills_reach_each_live_device_once(
    backend: Backend, key: tuple[Path, Messaging], google: Messaging, tmp_path: Path
) -> None:
    jobs, owners = 50, ("ann", "ben", "eva")
    for owner in owners:
        devices = backend.documents.collection(f"users/{owner}/devices")
        for name in ("live-phone", "live-tablet", "dead"):
            devices.create(name, {"token": f"{name}-{owner}", "language": "ko"})
        put_video(backend, tmp_path, f"users/{owner}/uploads/set.mp4", sleep=0.1)
        put_video(backend, tmp_path, f"users/{owner}/uploads/bad.mp4", fail="no_person")
    wanted = {}
    for number in range(jobs):
        owner, video = owners[number % 3], "bad" if number % 5 == 4 else "set"
        wanted[f"job{number:02}"] = owner
        put_job(backend, f"job{number:02}", owner=owner, video=f"users/{owner}/uploads/{video}.mp4")
    told = {"fcm": google.url, "settings": {"push": "fcm", "workers": 2, "lease_s": 10.0}}
    environment = {"GOOGLE_APPLICATION_CREDENTIALS": str(key[0])}

    def statuses() -> set[str]:
        return {snapshot.fields["status"] for snapshot in backend.documents.find({}, limit=jobs)}

    def over() -> bool:
        time.sleep(0.5)  # the stand-in has other work
        return statuses() <= {"done", "failed", "cancelled"}

    def sent() -> bool:
        time.sleep(0.5)
        return not due(backend)

    running = [Process(tmp_path, environment, **told) for _ in range(2)]
    try:
        for _ in range(KILLS):
            victim = running.pop(0).ready(timeout_s=120)
            # In the midst of sending, however slow the machine is.
            some_more = min(len(google.received) + 8, 2 * jobs)
            until = time.monotonic() + 30
            while len(google.received) < some_more and time.monotonic() < until:
                time.sleep(0.1)
            victim.end(signal.SIGKILL)
            running.append(Process(tmp_path, environment, **told))
        assert eventually(lambda: answered(over), timeout_s=300)
        assert eventually(lambda: answered(sent), timeout_s=300), due(backend)
    finally:
        for process in running:
            process.end(signal.SIGKILL)
    assert statuses() == {"done", "failed"}
    per_device = {
        token: sorted(message["data"]["job"] for message in by_tag.values()) for token, by_tag in google.shown().items()
    }
    assert per_device == {
        f"{name}-{owner}": sorted(job for job, whose in wanted.items() if whose == owner)
        for owner in owners
        for name in ("live-phone", "live-tablet")
    }
    for owner in owners:
        assert [device.id for device in backend.documents.collection(f"users/{owner}/devices").find({})] == [
            "live-phone",
            "live-tablet",
        ]
    # Only what was cut off between sending and writing it down was sent again, under the same tag.
    assert len(google.received) - 2 * jobs <= 2 * KILLS


@pytest.mark.emulator
def test_an_endpoint_that_hangs_delays_no_job(
    firebase_project: FirebaseProject, key: tuple[Path, Messaging], google: Messaging, tmp_path: Path
) -> None:
    google.hang = True
    backend = open_firebase(firebase_project.id, firebase_project.bucket, deadline_s=60.0)
    backend.documents.collection(DEVICES).create("phone", {"token": "live-1"})
    put_video(backend, tmp_path)
    told = {"fcm": google.url, "settings": {"backend": "firebase", "push": "fcm", "workers": 2}}
    daemon = Process(tmp_path, {"GOOGLE_APPLICATION_CREDENTIALS": str(key[0])}, **told)
    try:
        daemon.ready(timeout_s=120)
        for number in range(10):
            put_job(backend, f"job{number}")
        assert eventually(
            lambda: answered(lambda: all(fields(backend, f"job{number}")["status"] == "done" for number in range(10))),
            timeout_s=120,  # the endpoint hangs far longer
        )
        assert google.asked
        assert google.received == []
        assert daemon.end() == 0
    finally:
        if daemon.process.poll() is None:
            daemon.end(signal.SIGKILL)
    backend.close()
