"""Security rules for tests: merged as docs/operator.md says, rules of Storage converted for the Firestore emulator, and an
emulated project with rules.
"""

import base64
import json
import re
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.emulators import http_json

DEPLOY = Path(__file__).parents[1] / "deploy"
PLACE = "    // The rules of doThis:"


@dataclass(frozen=True)
class Project:
    """A project of the Firestore emulator, over its REST interface."""

    host: str
    project: str

    @classmethod
    def with_rules(cls, host: str, rules: str) -> Self:
        """Make a new project with these security rules."""
        opened = cls(host, f"demo-rules-{uuid.uuid4().hex[:8]}")
        files = [{"name": "firestore.rules", "content": rules}]
        url = f"http://{host}/emulator/v1/projects/{opened.project}:securityRules"
        status, answer = http_json("PUT", url, json.dumps({"rules": {"files": files}}))
        assert status == 200, answer
        return opened

    @property
    def root(self) -> str:
        """The prefix of each document's name."""
        return f"projects/{self.project}/databases/(default)/documents"

    def call(self, method: str, path: str, token: str | None, body: Any = None) -> tuple[int, str]:
        """Send one request; return status and answer."""
        return http_json(method, f"http://{self.host}/v1/{self.root}{path}", json.dumps(body) if body else None, token)


def merged(name: str) -> str:
    """The example of a merged ruleset, with our blocks inserted."""
    lines = (DEPLOY / "merged" / name).read_text().splitlines()
    (place,) = [number for number, line in enumerate(lines) if line.startswith(PLACE)]
    return "\n".join([*lines[:place], body_of((DEPLOY / name).read_text()), *lines[place + 1 :]])


def body_of(rules: str) -> str:
    """The rules inside the two outer blocks."""
    found = re.search(r"^service \S+ \{\n  match \S+ \{\n(.*)^  \}\n\}", rules, flags=re.DOTALL | re.MULTILINE)
    assert found, "the rules are not written as expected"
    return found.group(1)


def as_firestore_rules(storage_rules: str) -> str:
    """Convert rules of Cloud Storage for the Firestore emulator, which has the same language.

    An object becomes a document (see `document_of`) with its size and content type as fields.
    """
    body = body_of(storage_rules)
    for field in ("size", "contentType"):
        body = body.replace(f"request.resource.{field}", f"request.resource.data.{field}")
    roots = "\n".join(f"match /{root} {{\n{body}}}" for root in ("one", "two/places"))
    return f"rules_version = '2';\nservice cloud.firestore {{ match /databases/{{database}}/documents {{\n{roots}\n}} }}"


def document_of(path: str) -> str:
    """The path of the document that represents an object; it must have an even number of segments."""
    return f"{'one' if path.count('/') % 2 == 0 else 'two/places'}/{path}"


def token_of(uid: str, **claims: Any) -> str:
    """Make an unsigned ID token, which the emulator accepts."""
    now = int(time.time())
    said = {
        "sub": uid,
        "user_id": uid,
        "iat": now,
        "exp": now + 3600,
        "auth_time": now,
        "firebase": {"sign_in_provider": "x"},
        **claims,
    }
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, said)]
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), ""])
