import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from consumer.backends import Backend, DocumentStore, Revision
from consumer.catalogue import Catalogue
from consumer.daemon import Daemon
from consumer.intake import Missed
from consumer.intake.owners import BUSY_S, Owners
from consumer.settings import Settings
from consumer.work.lease import Lease
from tests.consumer_kit import claims, eventually, fields, in_background, job_of, put_job, put_video, settings
from tests.work import ROOT, WORK

NOW = datetime.now(UTC)


def running(backend: Backend, job_id: str, owner: str = "ann", began_s: float = 0) -> None:
    put_job(
        backend,
        job_id,
        owner=owner,
        video=f"users/{owner}/uploads/set.mp4",
        status="processing",
        attempt=1,
        startedAt=NOW + timedelta(seconds=began_s),
        lease={"token": job_id, "worker": "w", "renewedAt": NOW + timedelta(days=1), "seconds": 30},
    )


@pytest.mark.parametrize(("limit", "busy"), [(0, False), (1, True), (2, True), (3, False)])
def test_an_owner_is_busy_at_the_limit(backend: Backend, limit: int, *, busy: bool) -> None:
    running(backend, "one")
    running(backend, "two")
    running(backend, "other", owner="bob")
    put_job(backend, "new")
    assert Owners(backend.documents, limit).busy(job_of(backend, "new")) is busy


def test_a_job_that_is_taken_over_does_not_stand_in_its_own_way(backend: Backend) -> None:
    running(backend, "one")
    assert not Owners(backend.documents, 1).busy(job_of(backend, "one"))


def test_busy_is_remembered_for_a_moment_and_forgotten_when_a_job_ends(backend: Backend) -> None:
    now = [0.0]
    owners = Owners(backend.documents, 1, clock=lambda: now[0])
    running(backend, "one")
    put_job(backend, "new")
    new = job_of(backend, "new")
    assert owners.busy(new)
    backend.documents.delete("one")
    assert owners.busy(new)
    now[0] = BUSY_S + 0.1
    assert not owners.busy(new)
    running(backend, "one")
    assert owners.busy(new)
    backend.documents.delete("one")
    owners.find_next_of("ann")
    assert not owners.busy(new)


def test_above_the_limit_the_jobs_that_started_first_stay(backend: Backend) -> None:
    for job_id, began_s in (("z", 0), ("a", 2), ("m", 1)):
        running(backend, job_id, began_s=began_s)
    owners = Owners(backend.documents, 2)
    assert [owners.too_late(job_of(backend, job_id)) for job_id in ("z", "m", "a")] == [False, False, True]


def test_the_next_jobs_of_an_owner_are_the_oldest(backend: Backend) -> None:
    for job_id in ("z", "b", "a"):
        put_job(backend, job_id)
    put_job(backend, "other", owner="bob")
    running(backend, "one")
    assert Owners(backend.documents, 2).find_next_of("ann") == ["z", "b"]
    assert Owners(backend.documents, 0).find_next_of("ann") == []


class Together:
    """Documents of which the first updates wait for one another: all claimants have looked before one of them claims."""

    def __init__(self, documents: DocumentStore, number: int) -> None:
        self._documents = documents
        self._barrier = threading.Barrier(number)
        self._come: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)

    def update(self, revision: Revision, changes: Mapping[str, Any], beside: Any = None) -> Revision:
        if threading.get_ident() not in self._come:
            self._come.add(threading.get_ident())
            self._barrier.wait(10)
        return self._documents.update(revision, changes, beside)


def test_concurrent_claims_do_not_exceed_the_limit(backend: Backend, tmp_path: Path) -> None:
    using = settings(tmp_path, max_per_owner=2)
    jobs = [f"job{number}" for number in range(8)]
    for job_id in jobs:
        put_job(backend, job_id)
    together = Backend("together", Together(backend.documents, len(jobs)), backend.objects)
    claimants = [claims(together, using, f"w{number}") for number in range(len(jobs))]
    with ThreadPoolExecutor(len(jobs)) as pool:
        outcomes = list(pool.map(lambda pair: pair[0].claim(pair[1]), zip(claimants, jobs, strict=True)))
    kept = [outcome for outcome in outcomes if isinstance(outcome, Lease)]
    assert len(kept) == using.max_per_owner
    assert set(outcomes) - set(kept) == {Missed.OWNER_BUSY}
    held = {lease.job.id for lease in kept}
    for job_id in set(jobs) - held:
        left = fields(backend, job_id)
        assert (left["status"], left.get("attempt", 0)) == ("uploaded", 0)
        assert "lease" not in left
        assert "startedAt" not in left


@pytest.mark.slow
def test_an_owner_with_four_hundred_jobs_does_not_delay_another(backend: Backend, tmp_path: Path) -> None:
    using = settings(tmp_path, workers=2, max_per_owner=Settings.model_fields["max_per_owner"].default)
    for number in range(200):
        put_job(backend, f"before-{number:03}", owner="greedy", video="users/greedy/uploads/set.mp4")
    daemon = Daemon(backend, using, model=ROOT / "setup.cfg", catalogue=Catalogue(), analysis=WORK, python_path=(ROOT,))
    put_video(backend, tmp_path, "users/greedy/uploads/set.mp4", sleep=0.2)
    put_video(backend, tmp_path, "users/modest/uploads/set.mp4")
    serving = in_background(daemon.serve)
    done = lambda: backend.documents.find({"owner": "greedy", "status": "done"}, limit=500)  # noqa: E731
    assert eventually(lambda: len(done()) >= 2)
    for number in range(200):
        put_job(backend, f"after-{number:03}", owner="greedy", video="users/greedy/uploads/set.mp4")
    before = len(done())
    put_job(backend, "theirs", owner="modest", video="users/modest/uploads/set.mp4")
    assert eventually(lambda: fields(backend, "theirs")["status"] == "done")
    assert len(done()) - before <= 6
    daemon.stop()
    serving.join(20)


def test_when_a_job_has_ended_the_next_may_begin(backend: Backend, tmp_path: Path) -> None:
    mine = claims(backend, settings(tmp_path, max_per_owner=1))
    put_job(backend, "first")
    put_job(backend, "second")
    assert isinstance(mine.claim("first"), Lease)
    assert mine.claim("second") is Missed.OWNER_BUSY
    backend.documents.delete("first")
    (following,) = mine.find_next_of("ann")
    assert isinstance(mine.claim(following), Lease)
