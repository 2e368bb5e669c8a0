import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from consumer.backends import DELETE, SERVER_TIME, Backend, Revision, Snapshot, TooLarge, Unavailable
from consumer.intake import Missed
from consumer.jobs import moves
from consumer.jobs.document import Changes, Stage
from consumer.jobs.errors import CancelRequested, ErrorCode, HandedBack, Interrupted, JobError, LeaseLost
from consumer.operations.metrics import Metrics
from consumer.work.endings import Endings
from consumer.work.lease import Heartbeat, Lease
from tests.consumer_kit import change, claim, claims, document, eventually, fields, in_background, put_job, settings

RESULT = {"exercise": "squat", "reps": 5, "goodReps": 4, "hold": None, "score": 90, "faults": []}

pytestmark = pytest.mark.slow


@pytest.fixture
def lease(backend: Backend, tmp_path: Path) -> Lease:
    put_job(backend)
    return claim(backend, settings(tmp_path))


def rival(backend: Backend) -> None:
    """Another worker takes the job over."""
    change(backend, "job", {"lease.token": "rival"})


class Flaky:
    """Documents that cannot be reached for a while."""

    def __init__(self, backend: Backend) -> None:
        self._documents = backend.documents
        self.away = False
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        if self.away:
            self.refused += 1
            raise Unavailable("away")
        return getattr(self._documents, name)


class TestFencedWrite:
    def test_writes_while_the_job_is_ours(self, backend: Backend, lease: Lease) -> None:
        lease.write({"note": 1})
        assert fields(backend)["note"] == 1

    def test_repeats_after_a_conflict_under_our_own_token(self, backend: Backend, lease: Lease) -> None:
        meddled = threading.Event()

        def changes(_: Snapshot) -> Changes:
            if not meddled.is_set():
                meddled.set()
                change(backend, "job", {"cancelRequested": True})
            return {"note": 1}

        lease.write(changes)
        assert fields(backend)["note"] == 1
        assert fields(backend)["cancelRequested"] is True

    @pytest.mark.parametrize(
        "spoil",
        [
            rival,
            lambda backend: backend.documents.delete("job"),
            lambda backend: change(backend, "job", {"lease": DELETE}),
            lambda backend: change(backend, "job", {"lease": "mine"}),
            lambda backend: change(backend, "job", {"lease": {"token": 5}}),
        ],
        ids=["another token", "deleted", "no lease", "no map", "token of a wrong type"],
    )
    def test_writes_nothing_after_the_job_was_lost(self, backend: Backend, lease: Lease, spoil: Any) -> None:
        spoil(backend)
        before = backend.documents.get("job")
        with pytest.raises(LeaseLost):
            lease.write({"note": 1})
        after = backend.documents.get("job")
        assert (before and before.version) == (after and after.version)

    def test_a_lost_race_with_the_new_holder_is_a_lost_lease(self, backend: Backend, lease: Lease) -> None:
        def changes(_: Snapshot) -> Changes:
            rival(backend)
            return {"note": 1}

        with pytest.raises(LeaseLost):
            lease.write(changes)
        assert "note" not in fields(backend)

    def test_confirm_sees_the_cancellation(self, backend: Backend, lease: Lease) -> None:
        lease.confirm()
        change(backend, "job", {"cancelRequested": True})
        with pytest.raises(CancelRequested):
            lease.confirm()
        with pytest.raises(CancelRequested):
            lease.check()


class Counting:
    """Documents that count what is asked of them."""

    def __init__(self, backend: Backend) -> None:
        self._documents = backend.documents
        self.counts: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.counts[name] += 1
        return getattr(self._documents, name)


class TestReads:
    @pytest.fixture
    def counting(self, backend: Backend) -> Counting:
        return Counting(backend)

    @pytest.fixture
    def lease(self, backend: Backend, counting: Counting, tmp_path: Path) -> Lease:
        put_job(backend)
        lease = claim(Backend("counting", counting, backend.objects), settings(tmp_path))  # type: ignore[arg-type]
        counting.counts.clear()
        return lease

    def test_a_job_that_nobody_else_writes_is_never_read(self, counting: Counting, lease: Lease) -> None:
        for percent in range(3):
            lease.report(Stage.ANALYSING, percent / 3)
            lease.beat()
        lease.write(moves.show_result(RESULT))
        lease.end(moves.finish(RESULT))
        assert counting.counts == {"update": 5}

    def test_a_write_of_the_app_costs_one_read(self, backend: Backend, counting: Counting, lease: Lease) -> None:
        change(backend, "job", {"note": 1})
        lease.beat()
        lease.beat()
        assert counting.counts == {"update": 3, "get": 1}
        assert fields(backend)["note"] == 1

    @pytest.mark.parametrize("wish", ["cancelRequested", "deleteRequested"])
    def test_the_next_write_notices_a_request_of_the_app(self, backend: Backend, lease: Lease, wish: str) -> None:
        change(backend, "job", {wish: True})
        lease.write(moves.show_result(RESULT))
        with pytest.raises(CancelRequested):
            lease.beat()


class TestEnd:
    def test_waits_for_the_end_of_an_outage(self, backend: Backend, tmp_path: Path) -> None:
        put_job(backend)
        flaky = Flaky(backend)
        lease = Lease(flaky, claim(backend, settings(tmp_path)).job, token_of(backend), 2.0)  # type: ignore[arg-type]
        flaky.away = True
        writing = in_background(lambda: lease.end(moves.finish(RESULT)))
        assert eventually(lambda: flaky.refused >= 2)
        flaky.away = False
        writing.join(10)
        assert fields(backend)["status"] == "done"
        assert lease.ended

    def test_an_interruption_ends_the_wait(self, backend: Backend, tmp_path: Path) -> None:
        put_job(backend)
        flaky = Flaky(backend)
        lease = Lease(flaky, claim(backend, settings(tmp_path)).job, token_of(backend), 2.0)  # type: ignore[arg-type]
        flaky.away = True
        lease.interrupt(HandedBack("bye"))
        with pytest.raises(HandedBack):
            lease.end(moves.finish(RESULT))


class Mute:
    """Documents that write, but the first answer gets lost."""

    def __init__(self, backend: Backend) -> None:
        self._documents = backend.documents
        self._lost = 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)

    def update(self, snapshot: Revision, changes: Any, beside: Any = None) -> Revision:
        written = self._documents.update(snapshot, changes, beside)
        if self._lost:
            self._lost -= 1
            raise Unavailable("the answer never came")
        return written


class TestAnswerLost:
    @pytest.fixture
    def lease(self, backend: Backend, tmp_path: Path) -> Lease:
        put_job(backend)
        held = claim(backend, settings(tmp_path))
        return Lease(Mute(backend), held.job, held.token, 2.0)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            (moves.finish(RESULT), "done"),
            (moves.fail(JobError(ErrorCode.NO_PERSON), "en"), "failed"),
            (
                lambda snapshot: moves.postpone(JobError(ErrorCode.UNAVAILABLE), "en", attempt=1, until=snapshot.read_time),
                "waiting",
            ),
        ],
    )
    def test_an_end_whose_answer_was_lost_is_no_lost_lease(
        self, backend: Backend, lease: Lease, changes: Any, status: str
    ) -> None:
        with Heartbeat(lease):
            lease.end(changes)
        assert lease.ended
        assert fields(backend)["status"] == status

    def test_an_end_whose_answer_was_lost_is_no_lost_lease_for_the_heartbeat(self, backend: Backend, lease: Lease) -> None:
        backend.documents.update(document(backend), moves.finish(RESULT))
        with pytest.raises(LeaseLost):
            lease.confirm()
        lease.end(moves.finish(RESULT))
        assert lease.ended

    @pytest.mark.parametrize(
        "meanwhile",
        [
            {"status": "done", "lease": DELETE, "attempt": 2},
            {"status": "failed", "lease": DELETE},
            {"lease.token": "rival"},
        ],
    )
    def test_the_end_of_another_worker_is_a_lost_lease(self, backend: Backend, lease: Lease, meanwhile: Any) -> None:
        change(backend, "job", meanwhile)
        with pytest.raises(LeaseLost):
            lease.end(moves.finish(RESULT))
        assert not lease.ended


def test_a_result_that_is_too_large_is_not_repeated(backend: Backend, lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise TooLarge("1 MiB")

    monkeypatch.setattr(backend.documents, "update", refuse)
    with pytest.raises(TooLarge):
        lease.end(moves.finish(RESULT))


@pytest.mark.parametrize("reason", [CancelRequested("enough"), HandedBack("bye")])
def test_a_lost_lease_counts_as_lost_after_another_interruption(backend: Backend, lease: Lease, reason: Interrupted) -> None:
    lease.interrupt(reason)
    rival(backend)
    metrics = Metrics()
    Endings(settings(Path()), metrics).record_interruption(lease, reason)
    text = generate_latest(metrics.registry).decode()
    assert 'status="cancelled"' not in text
    assert "dothis_jobs_handed_back_total 0.0" in text


def token_of(backend: Backend) -> str:
    return str(fields(backend)["lease"]["token"])


class TestHeartbeat:
    def test_keeps_the_lease_alive(self, backend: Backend, lease: Lease, tmp_path: Path) -> None:
        with Heartbeat(lease):
            time.sleep(2.5)
            assert claims(backend, settings(tmp_path), "w2").claim("job") is Missed.TAKEN
        assert eventually(lambda: isinstance(claims(backend, settings(tmp_path), "w2").claim("job"), Lease), 5)

    def test_writes_progress_that_never_falls(self, backend: Backend, lease: Lease) -> None:
        seen: list[int] = []
        with Heartbeat(lease):
            for stage, fraction in ((Stage.ANALYSING, 0.5), (Stage.DOWNLOADING, 0.1), (Stage.UPLOADING, 0.5)):
                lease.report(stage, fraction)
                assert eventually(lambda stage=stage: fields(backend)["progress"]["stage"] == stage, 5)
                seen.append(fields(backend)["progress"]["percent"])
        assert seen == [30, 30, 67]

    def test_writes_progress_at_most_every_two_seconds(self, backend: Backend, lease: Lease) -> None:
        long = Lease(backend.documents, lease.job, lease.token, 30.0)
        first = document(backend).version
        with Heartbeat(long):
            started = time.monotonic()
            while time.monotonic() - started < 4.5:
                long.report(Stage.ANALYSING, (time.monotonic() - started) / 4.5)
                time.sleep(0.01)
        assert 1 <= document(backend).version - first <= 2

    @pytest.mark.parametrize(
        ("spoil", "reason"),
        [
            (rival, LeaseLost),
            (lambda backend: backend.documents.delete("job"), LeaseLost),
            (lambda backend: change(backend, "job", {"cancelRequested": True}), CancelRequested),
        ],
        ids=["taken over", "deleted", "cancelled"],
    )
    def test_sees_the_end_of_the_work_within_five_seconds(
        self, backend: Backend, lease: Lease, spoil: Any, reason: type[Exception]
    ) -> None:
        with Heartbeat(lease):
            spoil(backend)
            started = time.monotonic()
            with pytest.raises(reason):
                lease.wait(10)
            assert time.monotonic() - started < 5

    def test_survives_an_outage(self, backend: Backend, tmp_path: Path) -> None:
        put_job(backend)
        flaky = Flaky(backend)
        held = claim(backend, settings(tmp_path))
        lease = Lease(flaky, held.job, held.token, 1.0)  # type: ignore[arg-type]
        with Heartbeat(lease):
            flaky.away = True
            assert eventually(lambda: flaky.refused >= 2)
            flaky.away = False
            change(backend, "job", {"note": SERVER_TIME})
            renewed = fields(backend)["lease"]["renewedAt"]
            assert eventually(lambda: fields(backend)["lease"]["renewedAt"] > renewed, 5)
            lease.check()
