"""deploy/storage.rules: the conditions, evaluated by the Firestore emulator, since that of Storage cannot be had offline.

What is not seen here is how Cloud Storage itself maps a request to `get`, `list`, `create`, `update` and `delete`.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.emulators import Emulator
from tests.rules import DEPLOY, Project, as_firestore_rules, document_of, merged, token_of

pytestmark = pytest.mark.emulator

OWNER, STRANGER, ACCOUNT = "alice", "mallory", "alice@example.com"
MB = 1_000_000

USERS = {
    "owner": token_of(OWNER),
    "stranger": token_of(STRANGER),
    "nobody": None,
    "account": token_of(ACCOUNT),
    "by mail": token_of("xyz", email=ACCOUNT.title(), email_verified=True),
    "by unverified mail": token_of("xyz", email=ACCOUNT, email_verified=False),
}


class Storage(Project):
    """Objects, as documents of one project in the emulator."""

    def may(self, user: str, operation: str, path: str, size: int = MB, content_type: str = "video/mp4") -> bool:
        """Whether the rules let a user do it."""
        document = document_of(path)
        if operation in {"update", "delete"}:
            assert self._write("owner", document, size, content_type)
        if operation == "create":
            assert self._commit("owner", {"delete": f"{self.root}/{document}"})
        token = USERS[user]
        match operation:
            case "get":
                return self._status("GET", f"/{document}", token) in {200, 404}
            case "list":
                parent, collection = document.split("/")[:-2], document.split("/")[-2]
                query = {"structuredQuery": {"from": [{"collectionId": collection}]}}
                return self._status("POST", f"/{'/'.join(parent)}:runQuery", token, query) == 200
            case "delete":
                return self._commit(token, {"delete": f"{self.root}/{document}"})
            case _:
                return self._write(token, document, size, content_type)

    def _write(self, token: str | None, document: str, size: int, content_type: str) -> bool:
        fields = {"size": {"integerValue": str(size)}, "contentType": {"stringValue": content_type}}
        return self._commit(token, {"update": {"name": f"{self.root}/{document}", "fields": fields}})

    def _commit(self, token: str | None, write: dict[str, Any]) -> bool:
        return self._status("POST", ":commit", token, {"writes": [write]}) == 200

    def _status(self, method: str, path: str, token: str | None, body: Any = None) -> int:
        status, answer = self.call(method, path, token, body)
        assert status in {200, 403, 404}, answer
        return status


@pytest.fixture(scope="module")
def opened(firestore_emulator: Emulator) -> Callable[[str], Storage]:
    """A project with rules."""

    def open_with(storage_rules: str) -> Storage:
        return Storage.with_rules(firestore_emulator.host, as_firestore_rules(storage_rules))

    return open_with


@pytest.fixture(scope="module", params=["ours", "merged"])
def storage(request: pytest.FixtureRequest, opened: Callable[[str], Storage]) -> Storage:
    return opened((DEPLOY / "storage.rules").read_text() if request.param == "ours" else merged("storage.rules"))


UPLOAD, DEEP = f"users/{OWNER}/uploads/a.mp4", f"users/{OWNER}/uploads/2026/a.mp4"
RESULT = f"users/{OWNER}/results/job/1/report.json"
REFERENCE = "references/squat.mp4"
LEGACY = f"temp/video/user/{ACCOUNT}/a.mp4"
LEGACY_RESULT = f"{ACCOUNT}/a_result/a.json"

ALLOWED = {
    (UPLOAD, "get"): {"owner"},
    (UPLOAD, "list"): {"owner"},
    (UPLOAD, "create"): {"owner"},
    (UPLOAD, "update"): set[str](),
    (UPLOAD, "delete"): {"owner"},
    (DEEP, "create"): {"owner"},
    (RESULT, "get"): {"owner"},
    (RESULT, "list"): {"owner"},
    (RESULT, "create"): set[str](),
    (RESULT, "update"): set[str](),
    (RESULT, "delete"): set[str](),
    (REFERENCE, "get"): set(USERS) - {"nobody"},
    (REFERENCE, "create"): set[str](),
    (REFERENCE, "delete"): set[str](),
    (LEGACY, "get"): {"account", "by mail"},
    (LEGACY, "create"): {"account", "by mail"},
    (LEGACY, "update"): {"account", "by mail"},
    (LEGACY, "delete"): {"account", "by mail"},
    (LEGACY_RESULT, "get"): {"account", "by mail"},
    (LEGACY_RESULT, "create"): set[str](),
    (LEGACY_RESULT, "delete"): set[str](),
    ("users/a_result/a.json", "get"): set[str](),
    (f"{OWNER}/notes/a.json", "get"): set[str](),
    ("anything.txt", "get"): set[str](),
    ("anything.txt", "create"): set[str](),
}


@pytest.mark.parametrize(("place", "allowed"), ALLOWED.items(), ids=[" ".join(reversed(place)) for place in ALLOWED])
def test_access_to_objects(storage: Storage, place: tuple[str, str], allowed: set[str]) -> None:
    path, operation = place
    assert {user for user in USERS if storage.may(user, operation, path)} == allowed


@pytest.mark.parametrize("path", [UPLOAD, LEGACY])
@pytest.mark.parametrize(
    ("size", "content_type", "allowed"),
    [
        (500 * MB, "video/quicktime", True),
        (500 * MB + 1, "video/mp4", False),
        (0, "video/mp4", False),
        (MB, "image/png", False),
        (MB, "application/octet-stream", False),
    ],
)
def test_only_videos_of_a_good_size_are_taken(
    storage: Storage, path: str, size: int, content_type: str, *, allowed: bool
) -> None:
    user = "owner" if path == UPLOAD else "account"
    assert storage.may(user, "create", path, size, content_type) is allowed


def test_the_apps_own_rules_hold_beside_ours(opened: Callable[[str], Storage]) -> None:
    storage = opened(merged("storage.rules"))
    assert storage.may("nobody", "get", f"avatars/{OWNER}")
    assert storage.may("owner", "create", f"avatars/{OWNER}", 1000, "image/png")
    assert not storage.may("stranger", "create", f"avatars/{OWNER}", 1000, "image/png")


def test_a_rule_for_everything_opens_ours(opened: Callable[[str], Storage]) -> None:
    """What the operator's page warns of."""
    rules = merged("storage.rules").replace(
        "    match /avatars/{uid} {", "    match /{file=**} { allow read; }\n    match /avatars/{uid} {"
    )
    assert opened(rules).may("stranger", "get", RESULT)
