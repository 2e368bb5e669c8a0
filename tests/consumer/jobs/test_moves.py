from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.backends import DELETE, SERVER_TIME, Snapshot
from consumer.jobs import moves
from consumer.jobs.document import Changes, Job, Lease, Stage, Status, percent_of, status_of
from consumer.jobs.errors import ErrorCode, JobError
from consumer.jobs.moves import Action

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
GOOD = {"owner": "ann", "video": "users/ann/uploads/a.mp4", "status": "uploaded", "createdAt": NOW}


def snapshot(**changes: Any) -> Snapshot:
    fields = {name: value for name, value in {**GOOD, **changes}.items() if value is not DELETE}
    return Snapshot(id="job", fields=fields, version=1, read_time=NOW)


def parse(**changes: Any) -> Job:
    return Job.parse(snapshot(**changes), {"squat"})


def lease(age_s: float, seconds: float = 30) -> dict[str, Any]:
    return {"token": "t", "worker": "w", "renewedAt": NOW - timedelta(seconds=age_s), "seconds": seconds}


def apply(fields: dict[str, Any], changes: Changes) -> dict[str, Any]:
    """What a store does with the changes that moves make: all of them are of top-level fields."""
    return {name: resolved(value) for name, value in {**fields, **changes}.items() if value is not DELETE}


def resolved(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: resolved(item) for name, item in value.items()}
    return NOW if value is SERVER_TIME else value


def test_a_plain_request_is_a_job() -> None:
    job = parse()
    assert (job.status, job.language, job.attempt, job.cancel_requested) == (Status.UPLOADED, "en", 0, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"exercise": "squat"},
        {"exercise": "any"},
        {"exercise": "reference", "reference": "references/best.mp4"},
        {"exercise": None, "reference": None, "language": None, "cancelRequested": None, "attempt": None},
        {"language": "klingon"},
        {"reference": "references/best.mp4"},
        {"reference": "users/ann/uploads/mine.mp4"},
        {"createdAt": DELETE},
        {"createdAt": "yesterday"},
        {"lease": "none of your business"},
        {"progress": {"stage": "sleeping", "percent": 1e9}},
        {"notBefore": ["soon"]},
        {"somethingElse": {"deep": [1, 2, 3]}},
        {"origin": "shim", "owner": "ann@example.com", "video": "temp/video/user/ann@example.com/exercise_Squat_1.mp4"},
    ],
)
def test_optional_and_unknown_fields_are_accepted(changes: dict[str, Any]) -> None:
    assert parse(**changes).id == "job"


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"owner": DELETE}, ErrorCode.INVALID_REQUEST, "owner"),
        ({"owner": 7}, ErrorCode.INVALID_REQUEST, "owner"),
        ({"owner": ""}, ErrorCode.INVALID_REQUEST, "owner"),
        ({"owner": "a/b"}, ErrorCode.INVALID_REQUEST, "owner"),
        ({"owner": ".."}, ErrorCode.INVALID_REQUEST, "segment"),
        ({"video": DELETE}, ErrorCode.INVALID_REQUEST, "video"),
        ({"video": ["users/ann/uploads/a.mp4"]}, ErrorCode.INVALID_REQUEST, "video"),
        ({"video": "users/ann/uploads/../../bob/uploads/a.mp4"}, ErrorCode.INVALID_REQUEST, "segment"),
        ({"video": "users/ann/uploads/a\x00.mp4"}, ErrorCode.INVALID_REQUEST, "control"),
        ({"video": "x" * 2000}, ErrorCode.INVALID_REQUEST, "1024"),
        ({"exercise": "zumba"}, ErrorCode.INVALID_REQUEST, "exercise"),
        ({"exercise": "reference"}, ErrorCode.INVALID_REQUEST, "reference"),
        ({"exercise": ""}, ErrorCode.INVALID_REQUEST, "exercise"),
        ({"exercise": {"id": "squat"}}, ErrorCode.INVALID_REQUEST, "exercise"),
        ({"language": 5}, ErrorCode.INVALID_REQUEST, "language"),
        ({"reference": 5}, ErrorCode.INVALID_REQUEST, "reference"),
        ({"cancelRequested": "yes"}, ErrorCode.INVALID_REQUEST, "cancelRequested"),
        ({"attempt": True}, ErrorCode.INVALID_REQUEST, "attempt"),
        ({"attempt": -1}, ErrorCode.INVALID_REQUEST, "attempt"),
        ({"origin": "app"}, ErrorCode.INVALID_REQUEST, "origin"),
        ({"video": "users/bob/uploads/a.mp4"}, ErrorCode.NOT_ALLOWED, "owner"),
        ({"video": "users/ann/results/a.mp4"}, ErrorCode.NOT_ALLOWED, "owner"),
        ({"reference": "users/bob/uploads/a.mp4"}, ErrorCode.NOT_ALLOWED, "reference"),
        ({"video": "temp/video/user/ann/a.mp4"}, ErrorCode.NOT_ALLOWED, "owner"),
        ({"origin": "shim"}, ErrorCode.NOT_ALLOWED, "owner"),
    ],
)
def test_a_malformed_request_says_which_field_and_never_its_value(changes: dict[str, Any], code: ErrorCode, named: str) -> None:
    with pytest.raises(JobError) as caught:
        parse(**changes)
    assert caught.value.code is code
    assert named in caught.value.reason
    assert "bob" not in caught.value.reason


def test_a_job_id_that_makes_no_path_is_refused() -> None:
    with pytest.raises(JobError) as caught:
        Job.parse(Snapshot(id="..", fields=dict(GOOD), version=1, read_time=NOW), {"squat"})
    assert caught.value.code is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("status", [None, 5, "sleeping", ["uploaded"], {}, ""])
def test_a_document_without_a_known_status_is_not_ours(status: Any) -> None:
    assert status_of({"status": status}) is None
    assert status_of({}) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Action.CLAIM),
        ({"cancelRequested": True}, Action.CANCEL),
        ({"status": "waiting", "notBefore": NOW + timedelta(seconds=1)}, Action.NOTHING),
        ({"status": "waiting", "notBefore": NOW}, Action.CLAIM),
        ({"status": "waiting"}, Action.CLAIM),
        ({"status": "waiting", "notBefore": NOW + timedelta(hours=1), "cancelRequested": True}, Action.CANCEL),
        ({"status": "processing", "attempt": 1, "lease": lease(29)}, Action.NOTHING),
        ({"status": "processing", "attempt": 1, "lease": lease(29), "cancelRequested": True}, Action.NOTHING),
        ({"status": "processing", "attempt": 1, "lease": lease(31)}, Action.CLAIM),
        ({"status": "processing", "attempt": 1, "lease": lease(31), "cancelRequested": True}, Action.CANCEL),
        ({"status": "processing", "attempt": 3, "lease": lease(31)}, Action.GIVE_UP),
        ({"status": "processing", "attempt": 1}, Action.CLAIM),
        ({"status": "processing", "attempt": 1, "lease": lease(-1000, 5)}, Action.NOTHING),
        ({"status": "done"}, Action.NOTHING),
        ({"status": "failed", "cancelRequested": True}, Action.NOTHING),
        ({"status": "cancelled"}, Action.NOTHING),
    ],
)
def test_the_action_for_a_document(changes: dict[str, Any], expected: Action) -> None:
    assert moves.decide_action(parse(**changes), NOW, max_attempts=3) is expected


def test_a_claim_counts_the_attempt_and_keeps_what_progress_shows() -> None:
    job = parse(status="waiting", attempt=1, progress={"stage": "uploading", "percent": 93}, error={"code": "internal"})
    after = apply(dict(snapshot().fields), moves.claim(job, token="t", worker="w", seconds=30))
    assert after["attempt"] == 2
    assert after["status"] == "processing"
    assert after["progress"]["percent"] == 93
    assert "error" not in after
    assert Lease.read(after["lease"]) is not None


@given(attempt=st.integers(1, 1000), failures=st.sampled_from(list(ErrorCode)))
def test_only_an_outage_gives_the_attempt_back(attempt: int, failures: ErrorCode) -> None:
    changes = moves.postpone(JobError(failures), "en", attempt=attempt, until=NOW)
    assert changes["attempt"] == (attempt - 1 if failures is ErrorCode.UNAVAILABLE else attempt)


@given(attempt=st.integers(0, 1000))
def test_a_hand_back_undoes_the_claim(attempt: int) -> None:
    before = {**GOOD, "attempt": attempt}
    claimed = apply(before, moves.claim(parse(attempt=attempt), token="t", worker="w", seconds=30))
    handed_back = apply(claimed, moves.hand_back(claimed["attempt"]))
    assert (handed_back["status"], handed_back["attempt"]) == ("uploaded", attempt)
    assert "lease" not in handed_back


@pytest.mark.parametrize(
    "end",
    [moves.finish({"reps": 5}), moves.fail(JobError(ErrorCode.NO_PERSON), "en"), moves.cancel("en")],
    ids=["finish", "fail", "cancel"],
)
def test_every_end_takes_the_lease_away_and_an_operator_can_start_afresh(end: Changes) -> None:
    claimed = apply(dict(GOOD), moves.claim(parse(), token="t", worker="w", seconds=30))
    ended = apply(claimed, end)
    assert "lease" not in ended
    assert Status(ended["status"]).final
    assert ended["finishedAt"] == NOW
    again = apply({**ended, "cancelRequested": True}, moves.retry())
    assert again == {**GOOD, "attempt": 0, "updatedAt": NOW}


@given(
    attempt=st.integers(1, 10_000),
    base_s=st.floats(0.01, 3600),
    max_s=st.floats(0.01, 86_400),
    jitter=st.floats(0, 1),
)
def test_backoff_is_bounded_by_its_longest_and_half_of_it(attempt: int, base_s: float, max_s: float, jitter: float) -> None:
    longest = min(max_s, base_s * 2.0 ** min(attempt - 1, 60))
    wait = moves.backoff(attempt, base_s=base_s, max_s=max_s, jitter=jitter).total_seconds()
    assert 0.5 * longest - 1e-5 <= wait <= longest + 1e-5


@pytest.mark.parametrize(("attempt", "wait_s"), [(1, 10), (2, 20), (3, 40), (10, 600)])
def test_backoff_doubles(attempt: int, wait_s: float) -> None:
    assert moves.backoff(attempt, base_s=10, max_s=600, jitter=1).total_seconds() == wait_s


@given(st.lists(st.tuples(st.sampled_from(list(Stage)), st.floats(-1, 2)), min_size=2))
def test_percent_never_falls_from_stage_to_stage(walk: list[tuple[Stage, float]]) -> None:
    order = list(Stage)
    in_order = sorted(walk, key=lambda step: (order.index(step[0]), step[1]))
    percents = [percent_of(stage, fraction) for stage, fraction in in_order]
    assert percents == sorted(percents)
    assert all(0 <= percent <= 99 for percent in percents)


def test_messages_come_in_the_language_of_the_job() -> None:
    english, korean = (moves.fail(JobError(ErrorCode.NO_PERSON), language)["error"] for language in ("en", "ko-KR"))
    assert english["code"] == korean["code"] == "no_person"
    assert english["message"] != korean["message"]
    assert not english["retryable"]


def test_a_malformed_request_tells_the_developer_what_is_wrong() -> None:
    message = moves.fail(JobError(ErrorCode.INVALID_REQUEST, "video: Field required"), None)["error"]["message"]
    assert "video: Field required" in message


def test_percent_is_read_whatever_the_stage_is_called() -> None:
    assert parse(progress={"stage": "a stage of tomorrow", "percent": 95}).percent == 95
    assert parse(progress={"percent": 40}).percent == 40
