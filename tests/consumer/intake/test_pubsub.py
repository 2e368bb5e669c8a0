"""Against the Pub/Sub emulator; documents are in the embedded backend, since Firestore has no part in it."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import consumer.intake as intake_package
from consumer.backends import Backend, StoreError, Unavailable
from consumer.catalogue import Catalogue
from consumer.daemon import Daemon
from consumer.intake import Candidates, Missed, pubsub
from consumer.intake.pubsub import Subscription, check_subscription, open_subscription
from consumer.operations.metrics import Metrics
from consumer.settings import Settings, SettingsError
from tests.consumer_kit import change, eventually, fields, in_background, put_job, put_video, settings
from tests.emulators import Emulator, free_port
from tests.trigger import MAX_DELIVERIES, Trigger
from tests.work import ROOT, WORK

pytestmark = pytest.mark.emulator


@pytest.fixture
def trigger(pubsub_emulator: Emulator) -> Trigger:
    return Trigger.make(pubsub_emulator.host)


class Consumer:
    """A subscription, and workers that draw one candidate each when they are told to."""

    def __init__(self, backend: Backend, using: Settings) -> None:
        self.candidates = Candidates()
        self.metrics = Metrics()
        self.subscription: Subscription = open_subscription(backend.documents, self.candidates, using, self.metrics)

    def draw(self, timeout_s: float = 10.0) -> str | None:
        return self.candidates.draw(timeout_s)

    def counted(self, outcome: str) -> float:
        return self.metrics.registry.get_sample_value("dothis_messages_total", {"outcome": outcome}) or 0.0

    def close(self) -> None:
        self.subscription.close()


@pytest.fixture
def consumer(trigger: Trigger, backend: Backend, tmp_path: Path) -> Iterator[Callable[..., Consumer]]:
    opened: list[Consumer] = []

    def start(**changes: Any) -> Consumer:
        using = settings(tmp_path, intake="pubsub", subscription=trigger.subscription, **changes)
        opened.append(Consumer(backend, using))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


Start = Callable[..., Consumer]


def test_a_message_brings_its_job_and_is_acknowledged_when_that_is_over(
    consumer: Start, trigger: Trigger, backend: Backend
) -> None:
    put_job(backend, status="done")
    one = consumer()
    trigger.announce("job")
    assert one.draw() == "job"
    one.subscription.handled("job")
    assert one.counted("acknowledged") == 1
    assert one.draw(4) is None


@pytest.mark.parametrize("state", [{}, {"status": "archived"}])
def test_messages_of_deleted_and_foreign_documents_are_acknowledged(
    consumer: Start, trigger: Trigger, backend: Backend, state: dict[str, str]
) -> None:
    if state:
        put_job(backend, **state)
    one = consumer()
    trigger.announce("job")
    assert one.draw() == "job"
    one.subscription.handled("job", Missed.TAKEN)
    assert one.counted("acknowledged") == 1


def test_only_as_many_as_there_are_idle_workers_are_taken(consumer: Start, trigger: Trigger) -> None:
    busy, idle = consumer(), consumer()
    trigger.announce("a", "b", "c")
    assert busy.draw() in {"a", "b", "c"}
    got: list[str | None] = []
    workers = [in_background(lambda: got.append(idle.draw())) for _ in range(2)]
    for worker in workers:
        worker.join(10)
    assert len(set(got)) == 2
    assert None not in got
    assert len(busy.candidates) == 0


def test_the_message_of_a_running_job_does_not_come_again(consumer: Start, trigger: Trigger) -> None:
    one, other = consumer(lease_s=2), consumer(lease_s=2)
    trigger.announce("job")
    assert one.draw() == "job"
    assert other.draw(5) is None


def test_the_message_of_a_silent_consumer_goes_to_another(
    consumer: Start, trigger: Trigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = consumer(lease_s=2), consumer(lease_s=2)
    trigger.announce("job")
    assert one.draw() == "job"
    monkeypatch.setattr(one.subscription, "_move_deadline", lambda *_: None)  # as when its process is stopped
    assert other.draw(8) == "job"


def test_a_job_handed_back_comes_again_at_once(consumer: Start, trigger: Trigger, backend: Backend) -> None:
    put_job(backend)
    one, other = consumer(lease_s=60), consumer()
    trigger.announce("job")
    assert one.draw() == "job"
    one.close()
    one.subscription.handled("job")
    assert other.draw(3) == "job"


@pytest.mark.parametrize(
    ("state", "missed"),
    [
        ({"status": "waiting"}, None),
        ({"status": "processing"}, Missed.TAKEN),
    ],
)
def test_what_is_not_due_comes_again_when_it_is(
    consumer: Start, trigger: Trigger, backend: Backend, state: dict[str, Any], missed: Missed | None
) -> None:
    now = datetime.now(UTC)
    lease = {"token": "t", "worker": "other", "renewedAt": now, "seconds": 3}
    put_job(backend, notBefore=now + timedelta(seconds=3), lease=lease, **state)
    one = consumer()
    trigger.announce("job")
    assert one.draw() == "job"
    one.subscription.handled("job", missed)
    assert one.counted("put_off") == 1
    assert one.draw(2) is None
    assert one.draw(6) == "job"


def test_a_job_of_a_busy_owner_comes_again_later_and_later(
    consumer: Start, trigger: Trigger, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pubsub.AGAIN_S, Missed.OWNER_BUSY, 2.0)
    put_job(backend)
    one = consumer()
    trigger.announce("job")
    waits = []
    assert one.draw() == "job"
    for _ in range(2):
        since = time.monotonic()
        one.subscription.handled("job", Missed.OWNER_BUSY)
        assert one.draw(15) == "job"
        waits.append(time.monotonic() - since)
    assert 1.5 < waits[0] < waits[1] < 9


def test_a_message_that_names_no_job_becomes_a_dead_letter(
    consumer: Start, trigger: Trigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub, "UNREADABLE_S", 0.0)
    one = consumer()
    trigger.publish({"attributes": {"subject": "documents/elsewhere/job"}, "data": b"\xff"})
    dead: list[dict[str, str]] = []

    def come() -> bool:
        dead.extend(trigger.dead_letters(1))
        return bool(dead)

    asking = in_background(lambda: one.draw(40))  # a message is only asked for while somebody is idle
    assert eventually(come, 40)
    assert dead[0]["subject"] == "documents/elsewhere/job"
    assert one.counted("unreadable") == MAX_DELIVERIES
    one.candidates.add(["end"])
    asking.join(10)


def test_candidates_of_others_are_left_alone(consumer: Start, backend: Backend) -> None:
    put_job(backend, status="done")
    one = consumer()
    one.subscription.handled("job")
    assert one.counted("acknowledged") == 0


def test_closing_does_not_wait_for_a_message(consumer: Start) -> None:
    one = consumer()
    asking = in_background(lambda: one.draw(5))
    assert eventually(lambda: one.subscription._pull is not None)
    since = time.monotonic()
    one.close()
    assert time.monotonic() - since < 2
    assert not one.subscription.alive
    one.candidates.add(["end"])
    asking.join(10)


def test_an_outage_is_a_sign_of_life_and_passes(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
    one = Consumer(backend, settings(tmp_path, intake="pubsub", subscription="projects/p/subscriptions/subs"))
    asking = in_background(lambda: one.draw(6))
    assert eventually(lambda: "cannot be reached" in caplog.text)
    assert "(UNAVAILABLE)" in caplog.text
    heard = one.subscription.last_heard
    assert eventually(lambda: one.subscription.last_heard > heard)
    assert one.subscription.alive
    one.close()
    one.candidates.add(["end"])
    asking.join(10)


def test_after_an_unexpected_error_messages_are_still_taken(
    consumer: Start, trigger: Trigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([RuntimeError("a defect"), None])

    def fails_once(*arguments: Any) -> str | None:
        failure = next(failures, None)
        if failure:
            raise failure
        return "job"

    monkeypatch.setattr(pubsub, "LONGEST_PAUSE_S", 0.1)
    monkeypatch.setattr(pubsub, "job_of", fails_once)
    one = consumer(lease_s=2)
    trigger.announce("job")
    assert one.draw(20) == "job"


def test_surplus_messages_go_to_other_consumers(consumer: Start, trigger: Trigger, backend: Backend) -> None:
    one = consumer()
    asking = in_background(lambda: one.draw(10))
    assert eventually(lambda: one.subscription._pull is not None)
    one.candidates.add(["swept"])
    asking.join(5)
    trigger.announce("job")
    assert eventually(lambda: one.counted("put_off") == 1)
    assert consumer().draw() == "job"


def test_a_short_name_needs_a_project(backend: Backend, tmp_path: Path, trigger: Trigger) -> None:
    short = trigger.subscription.rpartition("/")[2]
    with pytest.raises(StoreError, match="DOTHIS_PROJECT"):
        Consumer(backend, settings(tmp_path, intake="pubsub", subscription=short))
    named = Consumer(backend, settings(tmp_path, intake="pubsub", subscription=short, project=trigger.project))
    trigger.announce("job")
    assert named.draw() == "job"
    named.close()


def test_without_the_library_the_message_says_what_to_install(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "google.pubsub_v1", None)
    monkeypatch.delitem(sys.modules, "consumer.intake.pubsub")
    monkeypatch.delattr(intake_package, "pubsub")
    with pytest.raises(SettingsError, match=r"dothis-server\[pubsub\]"):
        Daemon(
            backend,
            settings(tmp_path, intake="pubsub", subscription="subs"),
            model=ROOT / "setup.cfg",
            catalogue=Catalogue(),
            analysis=WORK,
        )


# --- whole daemons; no sweep comes in time, so that only messages can bring the jobs ----------------------------------------


def by_messages(trigger: Trigger, **changes: Any) -> dict[str, Any]:
    return {"intake": "pubsub", "subscription": trigger.subscription, "sweep_s": 600, "workers": 1, "lease_s": 2, **changes}


def test_two_messages_for_a_job_run_it_once(start: Any, trigger: Trigger, backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path, sleep=0.5)
    start(settings=by_messages(trigger)).ready()
    start(settings=by_messages(trigger)).ready()
    put_job(backend)
    trigger.announce("job", "job", "job")
    assert eventually(lambda: fields(backend)["status"] == "done")
    time.sleep(4)  # whatever comes again by now finds the job done
    assert fields(backend)["attempt"] == 1
    points = (tmp_path / "points.log").read_text().splitlines()
    assert points.count("uploaded") == 1


def test_killed_before_its_acknowledgement_another_does_the_job(
    start: Any, trigger: Trigger, backend: Backend, tmp_path: Path
) -> None:
    put_video(backend, tmp_path)
    put_job(backend)
    first = start(die_at="analysing started", settings=by_messages(trigger))
    trigger.announce("job")
    assert first.process.wait(30) == -signal.SIGKILL
    start(settings=by_messages(trigger))
    assert eventually(lambda: fields(backend)["status"] == "done", 40)
    assert fields(backend)["attempt"] == 2


def test_killed_after_the_end_the_message_comes_again_and_does_no_harm(
    start: Any, trigger: Trigger, backend: Backend, tmp_path: Path
) -> None:
    put_video(backend, tmp_path)
    put_job(backend)
    first = start(die_at="done", settings=by_messages(trigger))
    trigger.announce("job")
    assert first.process.wait(30) == -signal.SIGKILL
    finished = fields(backend)["finishedAt"]
    second = start(settings=by_messages(trigger)).ready()
    put_job(backend, "next")
    time.sleep(4)
    trigger.announce("next")
    assert eventually(lambda: fields(backend, "next")["status"] == "done")
    assert (fields(backend)["attempt"], fields(backend)["finishedAt"]) == (1, finished)
    assert second.end() == 0


def test_a_job_that_fails_is_tried_again_by_its_message(start: Any, trigger: Trigger, backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path, die=True)
    put_job(backend)
    start(settings=by_messages(trigger, max_attempts=2))
    trigger.announce("job")
    assert eventually(lambda: fields(backend)["status"] == "failed", 40)
    assert (fields(backend)["attempt"], fields(backend)["error"]["code"]) == (2, "analysis_crashed")


def test_a_sweep_finds_a_job_without_a_message(start: Any, trigger: Trigger, backend: Backend, tmp_path: Path) -> None:
    put_video(backend, tmp_path)
    put_job(backend, createdAt=datetime.now(UTC) - timedelta(minutes=1))
    start(settings=by_messages(trigger, sweep_s=1))
    assert eventually(lambda: fields(backend)["status"] == "done", 40)


def test_a_cancelled_job_ends_by_its_message(start: Any, trigger: Trigger, backend: Backend, tmp_path: Path) -> None:
    put_job(backend)
    change(backend, "job", {"cancelRequested": True})
    start(settings=by_messages(trigger))
    trigger.announce("job")
    assert eventually(lambda: fields(backend)["status"] == "cancelled")


class TestCheck:
    def test_an_empty_subscription_is_in_order(self, trigger: Trigger, tmp_path: Path) -> None:
        check_subscription(settings(tmp_path, intake="pubsub", subscription=trigger.subscription))

    def test_a_message_is_given_back_at_once(self, consumer: Start, trigger: Trigger, backend: Backend, tmp_path: Path) -> None:
        put_job(backend)
        trigger.announce("job")
        check_subscription(settings(tmp_path, intake="pubsub", subscription=trigger.subscription))
        assert consumer().draw(5) == "job"

    def test_a_missing_subscription_is_named(self, trigger: Trigger, tmp_path: Path) -> None:
        wrong = f"{trigger.subscription}-none"
        with pytest.raises(StoreError, match="DOTHIS_SUBSCRIPTION"):
            check_subscription(settings(tmp_path, intake="pubsub", subscription=wrong))

    def test_an_unreachable_service_is_unavailable(
        self, trigger: Trigger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
        with pytest.raises(Unavailable):
            check_subscription(settings(tmp_path, intake="pubsub", subscription=trigger.subscription))
