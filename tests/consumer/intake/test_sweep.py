import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import Backend, Unavailable
from consumer.intake import Candidates, Intake, Missed, intake, sweep
from consumer.intake.intake import BACKLOG
from consumer.intake.sweep import NET_AGE_S, PAGE
from consumer.operations.metrics import Metrics
from tests.consumer_kit import change, document, eventually, put_job, settings

pytestmark = pytest.mark.slow


class Documents:
    """A store whose watch and queries can be spoilt."""

    def __init__(self, backend: Backend) -> None:
        self._documents = backend.documents
        self.watches: list[Any] = []
        self.find_fails: Exception | None = None
        self.watch_fails = False
        self.deaf = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)

    def find(self, *arguments: Any, **options: Any) -> Any:
        if self.find_fails:
            raise self.find_fails
        return self._documents.find(*arguments, **options)

    def watch(self, status: str, callback: Callable[[str, str], None], *, newest: int | None = None) -> Any:
        if self.watch_fails:
            raise Unavailable("no watch today")
        told = (lambda _job_id, _owner: None) if self.deaf else callback
        self.watches.append(self._documents.watch(status, told, newest=newest))
        return self.watches[-1]


class Bench:
    """An intake of its own, and what it has found."""

    def __init__(self, backend: Backend, tmp_path: Path, **changes: Any) -> None:
        self.documents = Documents(backend)
        self.candidates = Candidates()
        self.metrics = Metrics()
        store: Any = self.documents
        self.intake = Intake(store, settings(tmp_path, **changes), self.candidates, self.metrics)

    def found(self) -> set[str]:
        everything = iter(lambda: self.candidates.draw(0), None)
        return set(everything)


@pytest.fixture
def bench(backend: Backend, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(backend, tmp_path, sweep_s=600)
    yield made
    made.intake.stop()


def put_strange(backend: Backend) -> dict[str, bool]:
    """Documents of every kind, and whether a sweep has to find them."""
    put_job(backend, "clock")
    now = document(backend, "clock").read_time
    old, soon = now - timedelta(hours=1), now + timedelta(hours=1)
    lease = {"token": "t", "worker": "w", "seconds": 30}
    kinds: dict[str, tuple[dict[str, Any], bool]] = {
        "new": ({}, True),
        "new without a time": ({"createdAt": None}, True),
        "new with an odd time": ({"createdAt": {"when": "now"}}, True),
        "malformed": ({"video": 7}, True),
        "waiting, due": ({"status": "waiting", "notBefore": old}, True),
        "waiting, not due": ({"status": "waiting", "notBefore": soon}, False),
        "waiting for ever": ({"status": "waiting"}, True),
        "waiting, cancelled": ({"status": "waiting", "notBefore": soon, "cancelRequested": True}, True),
        "held": ({"status": "processing", "lease": {**lease, "renewedAt": now}}, False),
        "lease over": ({"status": "processing", "lease": {**lease, "renewedAt": old}}, True),
        "no lease": ({"status": "processing"}, True),
        "odd lease": ({"status": "processing", "lease": [1]}, True),
        "odd renewal": ({"status": "processing", "lease": {**lease, "renewedAt": "yes"}}, True),
        "done": ({"status": "done"}, False),
        "foreign": ({"status": "mine"}, False),
    }
    for job_id, (changes, _) in kinds.items():
        put_job(backend, job_id, **changes)
    return {job_id: due for job_id, (_, due) in kinds.items()} | {"clock": True}


def test_a_sweep_finds_every_document_that_is_due_and_no_other(backend: Backend, bench: Bench) -> None:
    kinds = put_strange(backend)
    bench.intake.sweep()
    assert bench.found() == {job_id for job_id, due in kinds.items() if due}


def test_many_jobs_of_one_status_hide_no_others(backend: Backend, bench: Bench) -> None:
    for number in range(PAGE + 20):
        put_job(backend, f"waiting-{number:03}", status="waiting")
    put_job(backend, "new")
    bench.intake.sweep()
    assert bench.candidates.draw(0) == "new"


def test_jobs_after_a_full_page_come_with_the_next_page(
    backend: Backend, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.intake.sweep.FULL_SWEEP_S", dict.fromkeys(sweep.FULL_SWEEP_S, 0.0))
    for number in range(PAGE + 20):
        put_job(backend, f"a-{number:03}", createdAt=None)
    bench.intake.sweep()
    first = bench.found()
    bench.intake.sweep()
    assert len(first | bench.found()) == PAGE + 20


def test_a_job_that_is_due_soon_is_tried_on_time(backend: Backend, bench: Bench) -> None:
    put_job(backend, "clock", status="done")
    due = document(backend, "clock").read_time + timedelta(seconds=0.5)
    put_job(backend, status="waiting", notBefore=due)
    bench.intake.sweep()
    assert bench.candidates.draw(0) is None
    assert bench.candidates.draw(3) == "job"


class TestWatch:
    def test_the_watch_brings_a_new_document_at_once(self, backend: Backend, bench: Bench) -> None:
        bench.intake.start()
        assert eventually(lambda: bench.intake.watching)
        bench.found()
        started = time.monotonic()
        put_job(backend)
        assert bench.candidates.draw(5) == "job"
        assert time.monotonic() - started < 1

    def test_a_dead_watch_is_replaced(self, backend: Backend, bench: Bench) -> None:
        bench.intake.start()
        assert eventually(lambda: len(bench.documents.watches) == 1)
        assert eventually(lambda: bench.intake.silence_s < 1)
        bench.documents.watches[0].close()
        put_job(backend, "meanwhile")
        assert eventually(lambda: len(bench.documents.watches) == 2, 10)
        assert eventually(lambda: "meanwhile" in bench.found())
        put_job(backend)
        assert bench.candidates.draw(5) == "job"
        assert bench.metrics.watch_restarts._value.get() == 1

    def test_a_silent_watch_is_replaced(self, backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        bench = Bench(backend, tmp_path, sweep_s=600, watch_silence_s=1)
        monkeypatch.setattr("consumer.backends.local_documents.POLL_S", 1000)
        bench.intake.start()
        assert eventually(lambda: len(bench.documents.watches) >= 2, 15)
        bench.intake.stop()

    def test_sweeps_go_on_without_a_watch_that_cannot_be_opened(self, backend: Backend, tmp_path: Path) -> None:
        bench = Bench(backend, tmp_path, sweep_s=0.2)
        bench.documents.watch_fails = True
        bench.intake.start()
        put_job(backend)
        assert bench.candidates.draw(5) == "job"
        bench.intake.stop()

    def test_sweeps_go_on_beside_a_watch_that_reports_nothing(self, backend: Backend, tmp_path: Path) -> None:
        bench = Bench(backend, tmp_path, sweep_s=0.2)
        bench.documents.deaf = True
        bench.intake.start()
        assert eventually(lambda: bench.intake.watching)
        put_job(backend)
        assert bench.candidates.draw(5) == "job"
        bench.intake.stop()


@pytest.mark.parametrize("error", [Unavailable("away"), RuntimeError("a defect")])
def test_failing_sweeps_are_reported_and_recover(backend: Backend, tmp_path: Path, error: Exception) -> None:
    bench = Bench(backend, tmp_path, sweep_s=0.2)
    bench.documents.find_fails = error
    bench.intake.start()
    assert eventually(lambda: bench.intake.failing is not None)
    assert eventually(lambda: bench.intake.silence_s > 0.5)
    put_job(backend, createdAt=None)
    bench.documents.find_fails = None
    assert bench.candidates.draw(5) == "job"
    assert eventually(lambda: bench.intake.failing is None)
    assert bench.intake.silence_s < 0.5
    bench.intake.stop()


def put_jobs_of(backend: Backend, owner: str, number: int) -> list[str]:
    """The ids sort by number within an owner."""
    made = [f"{owner}-{index:03}" for index in range(number)]
    for job_id in made:
        put_job(backend, job_id, owner=owner, video=f"users/{owner}/uploads/set.mp4")
    return made


def test_candidates_of_an_owner_are_limited_and_do_not_hide_other_owners(backend: Backend, tmp_path: Path) -> None:
    put_jobs_of(backend, "greedy", PAGE + 20)
    put_jobs_of(backend, "modest", 1)
    bench = Bench(backend, tmp_path, max_per_owner=2)
    bench.intake.sweep()
    first_by_id = {f"greedy-{index:03}" for index in range(PAGE)}  # the sweep in any order is for those without a time
    assert bench.found() - first_by_id == {"modest-000"}
    bench.intake.sweep()
    assert bench.found() == {"greedy-000", "greedy-001", "modest-000"}


def test_many_jobs_of_one_owner_cause_no_extra_sweeps(backend: Backend, tmp_path: Path) -> None:
    put_jobs_of(backend, "greedy", PAGE + 20)
    bench = Bench(backend, tmp_path, max_per_owner=2, sweep_s=600)
    bench.intake.start()
    sweeps = bench.metrics.sweeps.labels(outcome="ok")._value
    # The first, and the one that follows the opening of the watch, once what was found has been taken.
    assert eventually(lambda: bench.found() is not None and sweeps.get() == 2)
    time.sleep(2.5)
    bench.intake.stop()
    assert sweeps.get() == 2


def test_the_watch_is_closed_during_a_backlog(bench: Bench, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "BACKLOG_S", 0.2)
    monkeypatch.setattr(intake, "EXTRA_SWEEP_S", 0.1)
    bench.intake.start()
    assert eventually(lambda: bench.intake.watching)
    bench.candidates.add(f"job{number}" for number in range(BACKLOG + 1))
    assert eventually(lambda: not bench.intake.watching)
    bench.found()
    put_job(backend)
    assert bench.candidates.draw(20) == "job"
    assert bench.intake.watching


class Feed:
    """What stands in the watch's place."""

    alive = True
    last_heard = float("inf")

    def __init__(self) -> None:
        self.told: list[tuple[str, Missed | None]] = []

    def handled(self, job_id: str, missed: Missed | None) -> None:
        self.told.append((job_id, missed))

    @property
    def over(self) -> bool:
        return not self.alive and bool(self.told)

    def close(self) -> None:
        self.alive = False


def test_an_earlier_feed_is_told_about_its_jobs(backend: Backend, tmp_path: Path) -> None:
    feeds: list[Feed] = []

    def subscribe() -> Feed:
        feeds.append(Feed())
        return feeds[-1]

    made = Intake(backend.documents, settings(tmp_path), Candidates(), Metrics(), subscribe=subscribe)
    for number in range(3):
        made._watch_wanted_at = 0.0
        made._tend_watch()
        feeds[number].alive = False
    made.handled("job", None)
    assert [feed.told for feed in feeds] == [[("job", None)]] * 3
    made._watch_wanted_at = 0.0
    made._tend_watch()
    made.handled("later", None)
    assert [len(feed.told) for feed in feeds] == [1, 1, 1, 1]


def test_with_a_feed_sweeps_serve_idle_workers_only(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "NET_IDLE_S", 0.5)
    put_job(backend, "young")
    put_job(backend, createdAt=datetime.now(UTC) - timedelta(seconds=2 * NET_AGE_S))
    candidates, feed = Candidates(), Feed()
    made = Intake(backend.documents, settings(tmp_path), candidates, Metrics(), subscribe=lambda: feed)
    made.start()
    made.handled("early", None)
    time.sleep(1.2)
    assert len(candidates) == 0
    assert made.silence_s < 1
    assert candidates.draw(10) == "job"
    made.handled("job", Missed.TAKEN)
    assert ("job", Missed.TAKEN) in feed.told
    change(backend, "job", {"status": "done"})
    assert set(iter(lambda: candidates.draw(2), None)) <= {"job"}, "the message of the young one may be on its way"
    made.stop()
    assert not feed.alive


def test_the_queue_is_as_old_as_its_oldest_job_uploaded_or_waiting(backend: Backend, bench: Bench) -> None:
    put_job(backend, "clock")
    now = document(backend, "clock").read_time
    put_job(backend, status="waiting", createdAt=now - timedelta(hours=1), notBefore=now + timedelta(hours=1))
    bench.intake.sweep()
    assert 3600 <= bench.metrics.registry.get_sample_value("dothis_queue_age_seconds") <= 3700  # type: ignore[operator]


def test_sweeps_read_neither_living_jobs_nor_what_is_due_later(
    backend: Backend, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_job(backend, "clock", status="done")
    now = document(backend, "clock").read_time
    for number in range(30):
        lease = {"token": "t", "seconds": 30, "renewedAt": now}
        put_job(backend, f"running-{number}", status="processing", lease=lease)
        put_job(backend, f"waiting-{number}", status="waiting", notBefore=now + timedelta(days=1))
    bench.intake.sweep()
    reads = 0
    find = backend.documents.find

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal reads
        found = find(*arguments, **options)
        reads += max(len(found), 1)
        return found

    monkeypatch.setattr(backend.documents, "find", counted)
    # Those of the fixture's settings would all be due before its next sweep, or have missed a heartbeat.
    calm = Bench(backend, Path(), sweep_s=20, lease_s=30)
    calm.intake._sweep._full_sweep_at = dict.fromkeys(sweep.FULL_SWEEP_S, time.monotonic() + 60)
    calm.intake.sweep()
    assert reads <= 3


def queries_of(bench: Bench, monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[str]:
    """The statuses that an intake asks for, in order of time, after its first sweeps."""
    asked: list[str] = []
    find = bench.documents.find

    def noted(equal: Any, **options: Any) -> Any:
        asked.append(equal["status"])
        return find(equal, **options)

    bench.intake.start()
    time.sleep(1.5)
    monkeypatch.setattr(bench.documents, "find", noted)
    time.sleep(seconds)
    bench.intake.stop()
    return asked


def test_while_a_watch_works_few_sweeps_ask_for_new_jobs(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = queries_of(Bench(backend, tmp_path, sweep_s=0.1), monkeypatch, 3)
    assert 0 < asked.count("uploaded") <= asked.count("processing") / 2
    assert 0 < asked.count("waiting") <= asked.count("processing") / 2


class Refused:
    """A watch that lives and never hears a thing."""

    alive = True

    def __init__(self) -> None:
        self.last_heard = time.monotonic()

    def close(self) -> None:
        self.alive = False


def test_with_a_refused_watch_every_sweep_asks_for_new_jobs(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(backend, tmp_path, sweep_s=0.1)
    monkeypatch.setattr(bench.documents, "watch", lambda *_, **__: Refused())
    asked = queries_of(bench, monkeypatch, 2)
    assert asked.count("uploaded") == asked.count("processing") == asked.count("waiting")


def test_no_watch_is_opened_during_a_backlog(backend: Backend, tmp_path: Path) -> None:
    for number in range(BACKLOG + 10):
        put_job(backend, f"job-{number}")
    bench = Bench(backend, tmp_path, sweep_s=600)
    bench.intake.start()
    assert eventually(lambda: len(bench.candidates) > BACKLOG)
    time.sleep(1.5)
    assert bench.documents.watches == []
    bench.found()
    assert eventually(lambda: bench.intake.watching)
    bench.intake.stop()


def test_an_expired_lease_is_taken_over_without_another_sweep(backend: Backend, bench: Bench) -> None:
    put_job(backend, "clock", status="done")
    now = document(backend, "clock").read_time
    lease = {"token": "t", "worker": "w", "seconds": 4, "renewedAt": now - timedelta(seconds=3)}
    put_job(backend, status="processing", lease=lease)
    bench.intake.sweep()
    assert bench.candidates.draw(0) is None
    assert bench.candidates.draw(3) == "job"
    assert document(backend, "job").read_time > now + timedelta(seconds=1)


def test_a_backlog_is_not_read_again_while_there_is_enough_to_do(
    backend: Backend, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(PAGE + 50):
        put_job(backend, f"job-{number:03}")
    bench.intake.sweep()
    limits: list[int] = []
    find = backend.documents.find

    def counted(equal: Any, **options: Any) -> Any:
        if equal["status"] == "uploaded":
            limits.append(options["limit"])
        return find(equal, **options)

    monkeypatch.setattr(backend.documents, "find", counted)
    bench.intake.sweep()
    assert limits == [1]
    assert len(bench.found()) == PAGE
    bench.intake.sweep()
    assert limits == [1, PAGE]
