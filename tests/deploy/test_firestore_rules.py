"""deploy/firestore.rules in the emulator, over REST, with unsigned tokens: what owner, stranger and nobody may do."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.emulators import Emulator
from tests.rules import Project, merged, token_of

pytestmark = pytest.mark.emulator

RULES = Path(__file__).parents[2] / "deploy" / "firestore.rules"
OWNER, STRANGER = "alice", "mallory"
ALLOWED, REFUSED, NOT_FOUND = 200, 403, 404
VIDEO = f"users/{OWNER}/uploads/squat.mp4"
NOW = object()


class Firestore(Project):
    """What a client does with documents."""

    def seed(self, job: str, fields: dict[str, Any]) -> None:
        """Write past the rules, as the daemon does."""
        status, answer = self.commit("owner", job, fields)
        assert status == ALLOWED, answer

    def commit(
        self, token: str | None, job: str, fields: dict[str, Any], *, only: list[str] | None = None, new: bool = False
    ) -> tuple[int, str]:
        """Write fields; NOW as a value means the server's time. `only`: leave the other fields as they are."""
        write: dict[str, Any] = {
            "update": {
                "name": f"{self.root}/{job}",
                "fields": {name: encode(value) for name, value in fields.items() if value is not NOW},
            },
            "updateTransforms": [
                {"fieldPath": name, "setToServerValue": "REQUEST_TIME"} for name, value in fields.items() if value is NOW
            ],
        }
        if only is not None:
            write["updateMask"] = {"fieldPaths": only}
        if new:
            write["currentDocument"] = {"exists": False}
        return self.call("POST", ":commit", token, {"writes": [write]})

    def delete(self, token: str | None, job: str) -> int:
        return self.call("POST", ":commit", token, {"writes": [{"delete": f"{self.root}/{job}"}]})[0]

    def get(self, token: str | None, job: str) -> int:
        return self.call("GET", f"/{job}", token)[0]

    def list(self, token: str | None, collection: str) -> int:
        return self.call("GET", f"/{collection}", token)[0]

    def query(self, token: str | None, owner: str | None) -> int:
        """List `uploads`, of one owner or all."""
        query: dict[str, Any] = {"from": [{"collectionId": "uploads"}]}
        if owner is not None:
            query["where"] = {"fieldFilter": {"field": {"fieldPath": "owner"}, "op": "EQUAL", "value": encode(owner)}}
        return self.call("POST", ":runQuery", token, {"structuredQuery": query})[0]


def encode(value: Any) -> dict[str, Any]:
    """A JSON value as Firestore's REST interface writes it."""
    if isinstance(value, dict) and "timestampValue" in value:
        return value
    if isinstance(value, dict):
        return {"mapValue": {"fields": {name: encode(item) for name, item in value.items()}}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [encode(item) for item in value]}}
    kinds = {bool: "booleanValue", int: "integerValue", str: "stringValue", type(None): "nullValue"}
    return {kinds[type(value)]: str(value) if type(value) is int else value}


@pytest.fixture(scope="module", params=["ours", "merged"])
def firestore(request: pytest.FixtureRequest, firestore_emulator: Emulator) -> Firestore:
    """A project with our rules, alone or among an app's own; each test has documents of its own."""
    rules = RULES.read_text() if request.param == "ours" else merged("firestore.rules")
    return Firestore.with_rules(firestore_emulator.host, rules)


@pytest.fixture
def job() -> str:
    return f"uploads/{uuid.uuid4().hex[:20]}"


@pytest.fixture(params=["owner", "stranger", "nobody"])
def someone(request: pytest.FixtureRequest) -> tuple[str, str | None]:
    """Each of the three, with their token."""
    tokens = {"owner": token_of(OWNER), "stranger": token_of(STRANGER), "nobody": None}
    return request.param, tokens[request.param]


def new_job(**changes: Any) -> dict[str, Any]:
    """A well-formed document with some fields changed; None takes a field away."""
    fields = {"owner": OWNER, "video": VIDEO, "status": "uploaded", "createdAt": NOW} | changes
    return {name: value for name, value in fields.items() if value is not None}


def in_work(**changes: Any) -> dict[str, Any]:
    """A document as the daemon has written on it."""
    return new_job(status="processing", attempt=1, progress={"stage": "analysing", "percent": 40}) | changes


GOOD = {
    "the least": {},
    "everything": {"exercise": "push_up", "reference": "references/squat.mp4", "language": "ko-KR"},
    "an operator's own exercise": {"exercise": "glute-bridge_2"},
    "language of iOS": {"language": "ko_KR@calendar=buddhist"},
    "language of Java": {"language": "zh_TW_#Hant"},
    "language of five subtags": {"language": "de-Latn-DE-1996-u-co-phonebk"},
    "no language at all": {"language": ""},
    "own reference": {"reference": f"users/{OWNER}/uploads/last week.mp4"},
    "deeper folder": {"video": f"users/{OWNER}/uploads/2026/squat.mp4"},
    "korean name": {"video": f"users/{OWNER}/uploads/스쿼트.mp4"},
    "dots in name": {"video": f"users/{OWNER}/uploads/my..squat...mp4"},
    "1024 bytes": {"video": f"users/{OWNER}/uploads/".ljust(1020, "x") + ".mp4"},
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD)
def test_owner_creates_a_well_formed_document(firestore: Firestore, job: str, changes: dict[str, Any]) -> None:
    status, answer = firestore.commit(token_of(OWNER), job, new_job(**changes), new=True)
    assert status == ALLOWED, answer


@pytest.mark.parametrize("field", ["exercise", "reference", "language"])
def test_null_counts_as_absent(firestore: Firestore, job: str, field: str) -> None:
    status, answer = firestore.commit(token_of(OWNER), job, {**new_job(), field: None}, new=True)
    assert status == ALLOWED, answer


def test_a_document_that_is_gone_is_not_found(firestore: Firestore, job: str) -> None:
    assert firestore.get(token_of(OWNER), job) == NOT_FOUND
    assert firestore.get(None, job) == REFUSED


BAD = {
    "another's name": {"owner": STRANGER},
    "no owner": {"owner": None},
    "owner is a number": {"owner": 1},
    "no video": {"video": None},
    "video is a number": {"video": 1},
    "video is a list": {"video": ["users", OWNER, "uploads", "a"]},
    "another's video": {"video": f"users/{STRANGER}/uploads/squat.mp4"},
    "another's video by a longer name": {"video": f"users/{OWNER}2/uploads/squat.mp4"},
    "own results as video": {"video": f"users/{OWNER}/results/job/1/annotated.mp4"},
    "the folder itself": {"video": f"users/{OWNER}/uploads/"},
    "a reference as video": {"video": "references/squat.mp4"},
    "older app's folder": {"video": f"temp/video/user/{OWNER}/squat.mp4"},
    "dot-dot": {"video": f"users/{OWNER}/uploads/../../{STRANGER}/uploads/a.mp4"},
    "dot-dot at the end": {"video": f"users/{OWNER}/uploads/.."},
    "dot": {"video": f"users/{OWNER}/uploads/./a.mp4"},
    "empty segment": {"video": f"users/{OWNER}/uploads//a.mp4"},
    "leading slash": {"video": f"/users/{OWNER}/uploads/a.mp4"},
    "backslash": {"video": f"users/{OWNER}/uploads/a\\b.mp4"},
    "NUL": {"video": f"users/{OWNER}/uploads/a\0.mp4"},
    "newline": {"video": f"users/{OWNER}/uploads/a\n.mp4"},
    "newline before": {"video": f"\nusers/{OWNER}/uploads/a.mp4"},
    "C1 control": {"video": f"users/{OWNER}/uploads/a\u0085.mp4"},
    "line separator": {"video": f"users/{OWNER}/uploads/a\u2028.mp4"},
    "1025 bytes": {"video": f"users/{OWNER}/uploads/".ljust(1021, "x") + ".mp4"},
    "1025 bytes of Korean": {"video": f"users/{OWNER}/uploads/" + "가" * 340},
    "no status": {"status": None},
    "done at once": {"status": "done"},
    "in work at once": {"status": "processing"},
    "no createdAt": {"createdAt": None},
    "createdAt of the phone": {"createdAt": {"timestampValue": "2020-01-01T00:00:00Z"}},
    "createdAt as text": {"createdAt": "now"},
    "another's reference": {"reference": f"users/{STRANGER}/uploads/squat.mp4"},
    "reference is a number": {"reference": 5},
    "reference with dot-dot": {"reference": "references/../users/x/uploads/y.mp4"},
    "all references": {"reference": "references/"},
    "exercise is a map": {"exercise": {"id": "squat"}},
    "exercise of 1 kB": {"exercise": "s" * 1024},
    "language is a number": {"language": 1},
    "language of 1 kB": {"language": "k" * 1024},
    "the shim's mark": {"origin": "shim"},
    "an attempt": {"attempt": 0},
    "a result": {"result": {"score": 100}},
    "a lease": {"lease": {"token": "t"}},
    "deleted at once": {"deleteRequested": True},
    "cancelled at once": {"cancelRequested": True},
    "any other field": {"note": "hello"},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_owner_creates_nothing_else(firestore: Firestore, job: str, changes: dict[str, Any]) -> None:
    assert firestore.commit(token_of(OWNER), job, new_job(**changes), new=True)[0] == REFUSED


@pytest.mark.parametrize("token", [token_of(STRANGER), None], ids=["stranger", "nobody"])
def test_others_create_nothing_in_the_owners_name(firestore: Firestore, job: str, token: str | None) -> None:
    assert firestore.commit(token, job, new_job(), new=True)[0] == REFUSED


@pytest.mark.parametrize("job_id", ["a b", "a.b", "한글", "x" * 129])
def test_ids_that_cannot_be_part_of_a_path_are_refused(firestore: Firestore, job_id: str) -> None:
    assert firestore.commit(token_of(OWNER), f"uploads/{job_id}", new_job(), new=True)[0] == REFUSED


@pytest.mark.parametrize("uid", ["a.c", ".*", "a|b", "[a-z]+"])
def test_a_uid_is_no_pattern(firestore: Firestore, job: str, uid: str) -> None:
    of_others = new_job(owner=uid, video="users/abc/uploads/a.mp4")
    assert firestore.commit(token_of(uid), job, of_others, new=True)[0] == REFUSED
    own = new_job(owner=uid, video=f"users/{uid}/uploads/a.mp4")
    assert firestore.commit(token_of(uid), job, own, new=True)[0] == ALLOWED


def test_only_the_owner_reads(firestore: Firestore, job: str, someone: tuple[str, str | None]) -> None:
    who, token = someone
    firestore.seed(job, in_work())
    assert firestore.get(token, job) == (ALLOWED if who == "owner" else REFUSED)


def test_only_the_owner_lists_their_own(firestore: Firestore, job: str, someone: tuple[str, str | None]) -> None:
    who, token = someone
    firestore.seed(job, in_work())
    assert firestore.query(token, OWNER) == (ALLOWED if who == "owner" else REFUSED)
    assert firestore.query(token, None) == REFUSED


@pytest.mark.parametrize("wish", ["cancelRequested", "deleteRequested"])
def test_only_the_owner_cancels_and_deletes(firestore: Firestore, job: str, someone: tuple[str, str | None], wish: str) -> None:
    who, token = someone
    firestore.seed(job, in_work())
    status, _ = firestore.commit(token, job, {wish: True}, only=[wish])
    assert status == (ALLOWED if who == "owner" else REFUSED)


@pytest.mark.parametrize("state", ["uploaded", "waiting", "processing", "done", "failed", "cancelled"])
def test_cancelling_is_never_an_error_for_the_owner(firestore: Firestore, job: str, state: str) -> None:
    firestore.seed(job, in_work(status=state, cancelRequested=True))
    status, answer = firestore.commit(token_of(OWNER), job, {"cancelRequested": True}, only=["cancelRequested"])
    assert status == ALLOWED, answer


CHANGES = {
    "cancel of another kind": {"cancelRequested": "yes"},
    "cancel taken back": {"cancelRequested": False},
    "delete of another kind": {"deleteRequested": 1},
    "delete taken back": {"deleteRequested": False},
    "a delete and a false cancel": {"deleteRequested": True, "cancelRequested": False},
    "owner with a delete": {"deleteRequested": True, "owner": STRANGER},
    "status": {"status": "uploaded"},
    "status with a cancel": {"cancelRequested": True, "status": "done"},
    "owner": {"owner": STRANGER},
    "video": {"video": f"users/{OWNER}/uploads/other.mp4"},
    "exercise": {"exercise": "squat"},
    "attempt": {"attempt": 0},
    "lease": {"lease": {"token": "mine"}},
    "progress": {"progress": {"stage": "uploading", "percent": 100}},
    "result": {"result": {"score": 100}},
    "origin": {"origin": "shim"},
    "createdAt": {"createdAt": NOW},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_owner_changes_nothing_else(firestore: Firestore, job: str, changes: dict[str, Any]) -> None:
    firestore.seed(job, in_work())
    masked = [name for name, value in changes.items() if value is not NOW]
    assert firestore.commit(token_of(OWNER), job, changes, only=masked)[0] == REFUSED


def test_owner_cannot_take_a_request_to_cancel_away(firestore: Firestore, job: str) -> None:
    firestore.seed(job, in_work(cancelRequested=True))
    assert firestore.commit(token_of(OWNER), job, {}, only=["cancelRequested"])[0] == REFUSED


def test_owner_cannot_write_a_finished_job_anew(firestore: Firestore, job: str) -> None:
    firestore.seed(job, in_work(status="done"))
    assert firestore.commit(token_of(OWNER), job, new_job())[0] == REFUSED


def test_nobody_deletes(firestore: Firestore, job: str, someone: tuple[str, str | None]) -> None:
    firestore.seed(job, in_work())
    assert firestore.delete(someone[1], job) == REFUSED


@pytest.mark.parametrize(
    "place", ["other/x", "uploads/x/notes/y", "users/alice", "pushes/x", "users/alice/notes/x", "users/alice/history/x/notes/y"]
)
def test_other_collections_are_closed(firestore: Firestore, place: str, someone: tuple[str, str | None]) -> None:
    _, token = someone
    firestore.seed(place, {"owner": OWNER})
    assert firestore.get(token, place) == REFUSED
    assert firestore.commit(token, place, new_job())[0] == REFUSED


def test_the_apps_own_rules_hold_beside_ours(firestore: Firestore, request: pytest.FixtureRequest) -> None:
    if "merged" not in request.node.callspec.params.values():
        assert firestore.get(None, "gyms/one") == REFUSED
        return
    assert firestore.get(None, "gyms/one") == NOT_FOUND
    assert firestore.commit(token_of(OWNER), f"profiles/{OWNER}", {"name": "Ann"})[0] == ALLOWED
    assert firestore.commit(token_of(STRANGER), f"profiles/{OWNER}", {"name": "Bob"})[0] == REFUSED


def test_only_the_owner_reads_their_history_and_nobody_writes_it(
    firestore: Firestore, job: str, someone: tuple[str, str | None]
) -> None:
    who, token = someone
    entry = job.replace("uploads", f"users/{OWNER}/history")
    firestore.seed(entry, {"exercise": "squat", "score": 80})
    expected = ALLOWED if who == "owner" else REFUSED
    assert firestore.get(token, entry) == expected
    assert firestore.list(token, f"users/{OWNER}/history") == expected
    assert firestore.commit(token, entry, {"score": 100}, only=["score"])[0] == REFUSED
    assert firestore.commit(token, f"{entry}-2", {"score": 100}, new=True)[0] == REFUSED
    assert firestore.delete(token, entry) == REFUSED


def test_only_the_owner_keeps_a_list_of_their_devices(firestore: Firestore, job: str, someone: tuple[str, str | None]) -> None:
    who, token = someone
    device = job.replace("uploads", f"users/{OWNER}/devices")
    expected = ALLOWED if who == "owner" else REFUSED
    fields = {"token": "t", "language": "ko_KR@calendar=buddhist", "updatedAt": NOW}
    assert firestore.commit(token, device, fields, new=True)[0] == expected
    firestore.seed(device, {"token": "t"})
    assert firestore.commit(token, device, {"token": "newer"}, only=["token"])[0] == expected
    assert firestore.get(token, device) == expected
    assert firestore.list(token, f"users/{OWNER}/devices") == expected
    assert firestore.delete(token, device) == expected


@pytest.mark.parametrize(
    "changes",
    [{"token": None}, {"token": 5}, {"token": ""}, {"token": "x" * 4097}, {"language": 5}, {"updatedAt": "now"}, {"note": "x"}],
    ids=["no token", "token is a number", "empty token", "long token", "language is a number", "time as text", "other field"],
)
def test_a_device_is_well_formed(firestore: Firestore, job: str, changes: dict[str, Any]) -> None:
    fields = {name: value for name, value in ({"token": "t"} | changes).items() if value is not None}
    device = job.replace("uploads", f"users/{OWNER}/devices")
    assert firestore.commit(token_of(OWNER), device, fields, new=True)[0] == REFUSED
