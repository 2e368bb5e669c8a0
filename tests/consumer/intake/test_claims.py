import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import DELETE, Backend, Unavailable
from consumer.backends.local import open_local
from consumer.intake import LEFT_S, Claims, Missed
from consumer.operations.metrics import Metrics
from consumer.work.lease import Lease
from tests.consumer_kit import EXERCISES, change, claims, document, fields, put_job, settings

NOW, OLD, FUTURE = timedelta(0), timedelta(seconds=-LEFT_S - 1), timedelta(days=900)
"""From the beginning of a test on."""

HELD = {"token": "t", "worker": "newer", "renewedAt": timedelta(seconds=-60), "seconds": 90}
"""Held by another consumer, which may know more."""


def at(now: datetime, value: Any) -> Any:
    """The value with times for durations."""
    if isinstance(value, timedelta):
        return now + value
    return {name: at(now, item) for name, item in value.items()} if isinstance(value, dict) else value


def expire(backend: Backend, job_id: str = "job") -> None:
    change(backend, job_id, {"lease.renewedAt": document(backend).read_time - timedelta(hours=1)})


def test_a_claim_is_a_lease(backend: Backend, tmp_path: Path) -> None:
    put_job(backend)
    lease = claims(backend, settings(tmp_path), "w1").claim("job")
    assert isinstance(lease, Lease)
    assert fields(backend)["status"] == "processing"
    assert fields(backend)["lease"]["token"] == lease.token
    assert fields(backend)["lease"]["worker"] == "w1"
    assert lease.job.attempt == fields(backend)["attempt"] == 1


def test_of_many_claimants_one_wins(backend: Backend, tmp_path: Path) -> None:
    stores = [open_local(tmp_path) for _ in range(8)]
    for number in range(20):
        put_job(backend, f"job-{number}")
    won: list[str] = []
    start = threading.Barrier(len(stores))

    def run(store: Backend) -> None:
        start.wait()
        taking = claims(store, settings(tmp_path))
        won.extend(str(number) for number in range(20) if isinstance(taking.claim(f"job-{number}"), Lease))

    threads = [threading.Thread(target=run, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert sorted(won) == sorted(str(number) for number in range(20))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "done"}, (Missed.TAKEN, "done", None)),
        ({"status": "archived by the app"}, (Missed.TAKEN, "archived by the app", None)),
        ({"video": None}, (Missed.SETTLED, "failed", "invalid_request")),
        ({"video": "users/bob/uploads/x.mp4"}, (Missed.SETTLED, "failed", "not_allowed")),
        ({"exercise": "zumba"}, (Missed.UNKNOWN, "uploaded", None)),
        ({"exercise": "zumba", "createdAt": OLD, "language": "ko"}, (Missed.SETTLED, "failed", "invalid_request")),
        ({"exercise": "zumba", "video": "users/bob/uploads/x.mp4"}, (Missed.SETTLED, "failed", "not_allowed")),
        ({"exercise": "zumba", "createdAt": None}, (Missed.SETTLED, "failed", "invalid_request")),
        ({"exercise": "zumba", "createdAt": FUTURE}, (Missed.SETTLED, "failed", "invalid_request")),
        ({"exercise": "zumba", "createdAt": OLD, "updatedAt": NOW}, (Missed.UNKNOWN, "uploaded", None)),
        ({"exercise": "zumba", "createdAt": OLD, "status": "waiting", "notBefore": NOW}, (Missed.UNKNOWN, "waiting", None)),
        ({"exercise": "zumba", "createdAt": OLD, "status": "processing", "lease": HELD}, (Missed.UNKNOWN, "processing", None)),
        ({"language": 7}, (Missed.SETTLED, "failed", "invalid_request")),
        ({"cancelRequested": True}, (Missed.SETTLED, "cancelled", "cancelled")),
        ({"status": "waiting", "cancelRequested": True}, (Missed.SETTLED, "cancelled", "cancelled")),
    ],
)
def test_jobs_that_need_no_work_are_settled(
    backend: Backend, tmp_path: Path, changes: dict[str, Any], expected: tuple[Missed, str, str | None]
) -> None:
    put_job(backend, **at(datetime.now(UTC), changes))
    missed = claims(backend, settings(tmp_path)).claim("job")
    assert (missed, fields(backend)["status"], (fields(backend).get("error") or {}).get("code")) == expected


def test_an_exercise_that_only_a_newer_consumer_knows_is_left_to_it(backend: Backend, tmp_path: Path) -> None:
    put_job(backend, exercise="zumba")
    assert claims(backend, settings(tmp_path)).claim("job") is Missed.UNKNOWN
    newer = Claims(backend.documents, settings(tmp_path), worker="w2", exercises={"zumba"}, metrics=Metrics())
    assert isinstance(newer.claim("job"), Lease)


def test_a_deleted_job_cannot_be_claimed(backend: Backend, tmp_path: Path) -> None:
    assert claims(backend, settings(tmp_path)).claim("job") is Missed.TAKEN


def test_an_expired_lease_is_taken_over_until_the_attempts_are_used_up(backend: Backend, tmp_path: Path) -> None:
    put_job(backend)
    using = settings(tmp_path, max_attempts=3)
    for attempt in (1, 2, 3):
        lease = claims(backend, using).claim("job")
        assert isinstance(lease, Lease)
        assert lease.job.attempt == attempt
        assert claims(backend, using, "w2").claim("job") is Missed.TAKEN
        expire(backend)
    assert claims(backend, using).claim("job") is Missed.SETTLED
    assert (fields(backend)["status"], fields(backend)["error"]["code"]) == ("failed", "analysis_crashed")


def test_processing_without_a_lease_is_taken_over(backend: Backend, tmp_path: Path) -> None:
    put_job(backend, status="processing")
    assert isinstance(claims(backend, settings(tmp_path)).claim("job"), Lease)


class Forgetful:
    """Writes, and then does not answer."""

    def __init__(self, backend: Backend, *, writes: bool) -> None:
        self._documents = backend.documents
        self._writes = writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)

    def update(self, *arguments: Any) -> None:
        if self._writes:
            self._documents.update(*arguments)
        raise Unavailable("no answer")


def test_a_claim_whose_answer_was_lost_is_found_to_be_ours(backend: Backend, tmp_path: Path) -> None:
    put_job(backend)
    forgetful: Any = Forgetful(backend, writes=True)
    taking = Claims(forgetful, settings(tmp_path), worker="w", exercises=EXERCISES, metrics=Metrics())
    assert isinstance(taking.claim("job"), Lease)


def test_a_claim_that_was_never_written_is_no_claim(backend: Backend, tmp_path: Path) -> None:
    put_job(backend)
    forgetful: Any = Forgetful(backend, writes=False)
    taking = Claims(forgetful, settings(tmp_path), worker="w", exercises=EXERCISES, metrics=Metrics())
    with pytest.raises(Unavailable):
        taking.claim("job")
    change(backend, "job", {"note": DELETE})
    assert fields(backend)["status"] == "uploaded"
