"""The contract of a document store (consumer/backends/__init__.py)."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consumer.backends import DELETE, SERVER_TIME, Collection, Conflict, DocumentStore, Snapshot, TooLarge, Watch

VALUES = {
    "null": None,
    "true": True,
    "integer": -(2**53),
    "float": 0.1,
    "text": "스쿼트 🏋",
    "time": datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC),
    "list": [1, "two", None, {"three": 3.5}],
    "map": {"empty": {}, "list": [], "한글 key": {"deep": [{"deeper": True}]}},
}


def read(documents: Collection, job_id: str) -> Snapshot:
    snapshot = documents.get(job_id)
    assert snapshot is not None
    return snapshot


def eventually(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_values_come_back_as_they_were(documents: DocumentStore) -> None:
    documents.create("job", VALUES)
    assert dict(read(documents, "job").fields) == VALUES
    assert type(read(documents, "job").fields["true"]) is bool
    assert read(documents, "job").fields["time"].tzinfo is not None


def test_what_is_not_there_is_none(documents: DocumentStore) -> None:
    assert documents.get("nobody") is None


def test_create_refuses_to_overwrite(documents: DocumentStore) -> None:
    documents.create("job", {"a": 1})
    with pytest.raises(Conflict):
        documents.create("job", {"a": 2})
    assert read(documents, "job").fields == {"a": 1}


def test_update_changes_what_it_names_and_nothing_else(documents: DocumentStore) -> None:
    documents.create("job", {"a": 1, "b": {"x": 1, "y": 2}, "c": 3})
    documents.update(read(documents, "job"), {"a": 2, "b.x": 5, "d.e.f": "new", "c": DELETE})
    assert read(documents, "job").fields == {"a": 2, "b": {"x": 5, "y": 2}, "d": {"e": {"f": "new"}}}


def test_update_replaces_a_map_that_it_names_whole(documents: DocumentStore) -> None:
    documents.create("job", {"b": {"x": 1, "y": 2}})
    documents.update(read(documents, "job"), {"b": {"z": 3}})
    assert read(documents, "job").fields == {"b": {"z": 3}}


def test_update_deletes_in_a_map(documents: DocumentStore) -> None:
    documents.create("job", {"b": {"x": 1, "y": 2}})
    documents.update(read(documents, "job"), {"b.x": DELETE, "gone.before": DELETE})
    assert read(documents, "job").fields["b"] == {"y": 2}


def test_update_of_an_old_state_is_refused(documents: DocumentStore) -> None:
    documents.create("job", {"a": 1})
    old = read(documents, "job")
    documents.update(old, {"a": 2})
    with pytest.raises(Conflict):
        documents.update(old, {"a": 3})
    assert read(documents, "job").fields == {"a": 2}


def test_update_of_a_deleted_document_is_refused(documents: DocumentStore) -> None:
    documents.create("job", {"a": 1})
    old = read(documents, "job")
    documents.delete("job")
    with pytest.raises(Conflict):
        documents.update(old, {"a": 2})
    assert documents.get("job") is None


def test_update_of_one_created_anew_is_refused(documents: DocumentStore) -> None:
    documents.create("job", {"a": 1})
    old = read(documents, "job")
    documents.delete("job")
    documents.create("job", {"a": 1})
    with pytest.raises(Conflict):
        documents.update(old, {"a": 2})


def test_replace_removes_all_other_fields(documents: DocumentStore) -> None:
    documents.create("job", {"a": 1, "b": {"x": 1}, "odd.name `\\": "x"})
    old = read(documents, "job")
    documents.replace(old, {"b": {"y": 2}, "at": SERVER_TIME})
    replaced = dict(read(documents, "job").fields)
    assert isinstance(replaced.pop("at"), datetime)
    assert replaced == {"b": {"y": 2}}
    with pytest.raises(Conflict):
        documents.replace(old, {"c": 1})
    documents.delete("job")
    with pytest.raises(Conflict):
        documents.replace(old, {"c": 1})
    assert documents.get("job") is None


def test_what_is_too_large_is_not_written(documents: DocumentStore) -> None:
    with pytest.raises(TooLarge):
        documents.create("large", {"text": "x" * (1 << 20)})
    documents.create("small", {"text": "x" * 1_000_000})
    with pytest.raises(TooLarge):
        documents.update(read(documents, "small"), {"more": "x" * 100_000})
    assert documents.get("large") is None
    assert "more" not in read(documents, "small").fields


def test_versions_are_equal_for_equal_states_only(documents: DocumentStore) -> None:
    documents.create("job", {"a": 1})
    first, again = read(documents, "job"), read(documents, "job")
    documents.update(again, {"a": 2})
    assert first.version == again.version
    assert read(documents, "job").version != first.version


def test_delete_of_a_missing_document_is_no_error(documents: DocumentStore) -> None:
    documents.delete("nobody")
    documents.create("job", {})
    documents.delete("job")
    documents.delete("job")
    assert documents.get("job") is None


def test_server_time_is_put_in_at_any_depth(documents: DocumentStore) -> None:
    documents.create("job", {"createdAt": SERVER_TIME, "lease": {"renewedAt": SERVER_TIME, "seconds": 30}})
    created = read(documents, "job")
    moment = created.fields["createdAt"]
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    assert created.fields["lease"] == {"renewedAt": moment, "seconds": 30}
    time.sleep(0.01)
    documents.update(created, {"lease.renewedAt": SERVER_TIME})
    renewed = read(documents, "job")
    assert renewed.fields["lease"]["renewedAt"] > moment
    assert renewed.fields["lease"]["seconds"] == 30
    assert renewed.fields["createdAt"] == moment


def test_read_time_is_the_clock_that_writes_server_time(documents: DocumentStore) -> None:
    documents.create("job", {"at": SERVER_TIME})
    first = read(documents, "job")
    time.sleep(0.2)
    second = read(documents, "job")
    (found,) = documents.find({})
    assert first.fields["at"] <= first.read_time
    assert timedelta(seconds=0.15) < second.read_time - first.read_time < timedelta(seconds=10)
    assert second.read_time <= found.read_time
    assert found.read_time.utcoffset() == timedelta(0)


def test_find_by_equal_fields(documents: DocumentStore) -> None:
    for name, status, owner in [("a", "waiting", "u"), ("b", "uploaded", "u"), ("c", "uploaded", "v"), ("d", 7, "u")]:
        documents.create(name, {"status": status, "owner": owner})
    documents.create("e", {})
    assert [found.id for found in documents.find({"status": "uploaded"})] == ["b", "c"]
    assert [found.id for found in documents.find({"status": "uploaded", "owner": "u"})] == ["b"]
    assert [found.id for found in documents.find({})] == ["a", "b", "c", "d", "e"]
    assert documents.find({"status": "nowhere"}) == []


def test_find_orders_and_leaves_out_what_has_no_such_field(documents: DocumentStore) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for name, days in [("a", 3), ("b", 1), ("c", 2)]:
        documents.create(name, {"status": "uploaded", "createdAt": start + timedelta(days=days)})
    documents.create("d", {"status": "uploaded"})
    ascending = documents.find({"status": "uploaded"}, order_by="createdAt")
    assert [found.id for found in ascending] == ["b", "c", "a"]
    descending = documents.find({"status": "uploaded"}, order_by="createdAt", descending=True)
    assert [found.id for found in descending] == ["a", "c", "b"]


def test_find_orders_by_a_path_into_a_map(documents: DocumentStore) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for name, days in [("a", 3), ("b", 1)]:
        documents.create(name, {"lease": {"renewedAt": start + timedelta(days=days)}})
    documents.create("c", {"lease": None})
    documents.create("d", {"lease": "x"})
    assert [found.id for found in documents.find({}, order_by="lease.renewedAt")] == ["b", "a"]


@pytest.mark.parametrize(("order_by", "descending"), [(None, False), ("createdAt", False), ("createdAt", True)])
def test_pages_hold_each_document_once_though_times_are_equal(
    documents: DocumentStore, order_by: str | None, descending: bool
) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(11):
        documents.create(f"job{number:02}", {"status": "uploaded", "createdAt": moment + timedelta(seconds=number // 4)})
    pages: list[list[Snapshot]] = []
    after: Snapshot | None = None
    while page := documents.find({"status": "uploaded"}, order_by=order_by, descending=descending, after=after, limit=3):
        pages.append(page)
        after = page[-1]
    ids = [found.id for page in pages for found in page]
    assert ids == sorted(ids, reverse=descending)
    assert len(set(ids)) == len(ids) == 11
    assert [len(page) for page in pages] == [3, 3, 3, 2]


STRANGE: list[Any] = ["yesterday", 17, 0.5, True, None, [1], {"x": 1}, datetime(1, 1, 1, tzinfo=UTC)]


def test_fields_of_strange_types_are_found_and_paged(documents: DocumentStore) -> None:
    for number, value in enumerate(STRANGE):
        documents.create(f"job{number}", {"status": "uploaded", "createdAt": value})
    found: list[str] = []
    after: Snapshot | None = None
    while page := documents.find({"status": "uploaded"}, order_by="createdAt", after=after, limit=1):
        found += [snapshot.id for snapshot in page]
        after = page[-1]
    assert sorted(found) == [f"job{number}" for number in range(len(STRANGE))]


def test_one_of_eight_claimants_wins(documents: DocumentStore) -> None:
    documents.create("job", {"status": "uploaded"})
    seen = read(documents, "job")
    start = threading.Barrier(8)

    def claim(worker: int) -> bool:
        start.wait()
        try:
            documents.update(seen, {"status": "processing", "worker": worker})
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(claim, range(8)))
    assert won.count(True) == 1
    assert read(documents, "job").fields["worker"] == won.index(True)


def watching(documents: DocumentStore, status: str, callback: Callable[[str], None]) -> Watch:
    """Open a watch and wait until it reports documents.

    The emulator now and then misses a document that is written in the very moment in which a stream begins (the sweep is
    there for that), so documents are written until one is told.
    """
    heard = threading.Event()

    def told(job_id: str, _owner: str) -> None:
        heard.set()
        if not job_id.startswith("begin"):
            callback(job_id)

    watch = documents.watch(status, told)
    for number in range(50):
        documents.create(f"begin-{status}-{number}", {"status": status})
        if heard.wait(0.5):
            return watch
    pytest.fail("the watch hears nothing")


def test_watch_tells_what_gets_the_status(documents: DocumentStore) -> None:
    told: queue.Queue[str] = queue.Queue()
    documents.create("other", {"status": "done"})
    watch = watching(documents, "uploaded", told.put)
    documents.create("new", {"status": "uploaded"})
    assert told.get(timeout=10) == "new"
    documents.update(read(documents, "other"), {"status": "uploaded"})
    while told.get(timeout=10) != "other":
        pass  # a hint may come twice
    assert watch.alive
    assert time.monotonic() - watch.last_heard < 10
    watch.close()
    assert not watch.alive
    documents.create("late", {"status": "uploaded"})
    time.sleep(0.5)
    assert "late" not in told.queue


def test_watch_tells_the_owner(documents: DocumentStore) -> None:
    told: dict[str, str] = {}
    watch = documents.watch("uploaded", told.__setitem__)
    for number in range(50):
        # See `watching`: what is written while a stream begins may be missed.
        documents.create(f"ann-{number}", {"status": "uploaded", "owner": "ann"})
        time.sleep(0.1)
        if told:
            break
    documents.create("none", {"status": "uploaded"})
    documents.create("strange", {"status": "uploaded", "owner": 5})
    eventually(lambda: {"none", "strange"} < told.keys())
    watch.close()
    assert set(told.values()) == {"ann", ""}
    assert (told["none"], told["strange"]) == ("", "")


def test_watch_outlives_its_callback(documents: DocumentStore, caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []

    def callback(job_id: str) -> None:
        told.append(job_id)
        raise RuntimeError("a defect of the callback")

    watch = watching(documents, "uploaded", callback)
    for number in range(3):
        documents.create(f"job{number}", {"status": "uploaded"})
        eventually(lambda: len(set(told)) > number)  # noqa: B023 - called before the loop goes on
    assert watch.alive
    watch.close()
    assert "a defect of the callback" in caplog.text


def test_two_watches_do_not_take_from_each_other(documents: DocumentStore) -> None:
    first: set[str] = set()
    second: set[str] = set()
    watches = [watching(documents, "uploaded", first.add), watching(documents, "waiting", second.add)]
    documents.create("a", {"status": "uploaded"})
    documents.create("b", {"status": "waiting"})
    eventually(lambda: first == {"a"} and second == {"b"})
    for watch in watches:
        watch.close()


def test_a_watch_for_alternatives_tells_what_meets_one_of_them(documents: DocumentStore) -> None:
    told: set[str] = set()
    watch = documents.watch_any([{"deleteRequested": True}, {"status": "waiting", "cancelRequested": True}], told.add)
    documents.create("done", {"status": "done", "cancelRequested": True})
    documents.create("waiting", {"status": "waiting"})
    for number in range(50):
        # See `watching`: what is written while a stream begins may be missed.
        documents.create(f"gone-{number}", {"status": "done", "deleteRequested": True})
        time.sleep(0.1)
        if told:
            break
    documents.update(read(documents, "waiting"), {"cancelRequested": True})
    eventually(lambda: "waiting" in told)
    watch.close()
    assert {"waiting"} < told
    assert not told & {"done"}


def test_find_until_a_moment_reads_nothing_that_is_later_or_no_time(documents: DocumentStore) -> None:
    now = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    for number, moment in enumerate([now - timedelta(hours=1), now, now + timedelta(seconds=1), "soon", {"at": 1}, None, 5]):
        documents.create(f"job{number}", {"status": "processing", "lease": {"renewedAt": moment}})
    documents.create("other", {"status": "done", "lease": {"renewedAt": now}})
    found = documents.find({"status": "processing"}, order_by="lease.renewedAt", until=now)
    assert [snapshot.id for snapshot in found] == ["job0", "job1"]
    assert [snapshot.id for snapshot in documents.find({}, order_by="lease.renewedAt", until=now)] == ["job0", "job1", "other"]
    second = documents.find({"status": "processing"}, order_by="lease.renewedAt", until=now, after=found[0])
    assert [snapshot.id for snapshot in second] == ["job1"]


def test_what_is_written_beside_a_document_is_there_with_it_or_not_at_all(documents: DocumentStore) -> None:
    history = documents.collection("users/ann/history")
    documents.create("job", {"status": "processing"})
    before = read(documents, "job")
    entry = {"score": 80, "sets": [{"reps": 5}], "when": SERVER_TIME}
    after = documents.update(before, {"status": "done"}, {"users/ann/history/job": entry})
    kept = history.get("job")
    assert kept is not None
    assert {**kept.fields, "when": None} == {"score": 80, "sets": [{"reps": 5}], "when": None}
    assert isinstance(kept.fields["when"], datetime)
    with pytest.raises(Conflict):
        documents.update(before, {"status": "failed"}, {"users/ann/history/job": {"score": 0}, "pushes/job": {"job": "job"}})
    assert [snapshot.fields["score"] for snapshot in history.find({})] == [80]
    assert documents.collection("pushes").get("job") is None
    documents.update(after, {"note": 1}, {"users/ann/history/job": {"score": 90}})
    assert [snapshot.fields for snapshot in history.find({})] == [{"score": 90}]


def test_collections_do_not_mix(documents: DocumentStore) -> None:
    ann, bob = documents.collection("users/ann/history"), documents.collection("users/bob/history")
    documents.create("job", {"owner": "ann"})
    ann.create("job", {"owner": "ann", "at": 2})
    ann.create("older", {"owner": "ann", "at": 1})
    bob.create("job", {"owner": "ann", "at": 3})
    documents.collection("users/ann/histories").create("other", {"owner": "ann", "at": 0})
    assert [snapshot.id for snapshot in documents.find({"owner": "ann"})] == ["job"]
    first = ann.find({}, order_by="at", limit=1)
    assert [snapshot.id for snapshot in first] == ["older"]
    assert [snapshot.id for snapshot in ann.find({}, order_by="at", after=first[0])] == ["job"]
    assert [snapshot.id for snapshot in ann.find({}, after=first[0])] == []
    with pytest.raises(Conflict):
        ann.create("job", {})
    ann.update(first[0], {"at": 5})
    ann.delete("job")
    assert (len(ann.find({})), len(bob.find({})), documents.get("job") is None) == (1, 1, False)


def test_a_document_that_was_written_since_is_not_deleted(documents: DocumentStore) -> None:
    devices = documents.collection("users/ann/devices")
    devices.create("phone", {"token": "old"})
    before = read(devices, "phone")
    devices.update(before, {"token": "new"})
    with pytest.raises(Conflict):
        devices.delete("phone", unchanged=before)
    devices.delete("phone", unchanged=read(devices, "phone"))
    assert devices.get("phone") is None
    with pytest.raises(Conflict):
        devices.delete("phone", unchanged=before)
    devices.delete("phone")
