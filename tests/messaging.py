"""A replacement of Firebase Cloud Messaging, over real HTTP.

The beginning of a device's token decides about its messages: those to `dead`, `foreign` and `garbled` are refused with Google's
errors, those to `busy` once, those to `hang` get no answer. All other messages arrive.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.google_apis import discovery

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
REFUSALS: dict[str, tuple[int, str, list[dict[str, Any]]]] = {
    "dead": (404, "NOT_FOUND", [{"@type": FCM_ERROR, "errorCode": "UNREGISTERED"}]),
    "foreign": (403, "PERMISSION_DENIED", [{"@type": FCM_ERROR, "errorCode": "SENDER_ID_MISMATCH"}]),
    "garbled": (
        400,
        "INVALID_ARGUMENT",
        [
            {"@type": FCM_ERROR, "errorCode": "INVALID_ARGUMENT"},
            {"@type": BAD_REQUEST, "fieldViolations": [{"field": "message.token", "description": "Invalid token"}]},
        ],
    ),
    "busy": (503, "UNAVAILABLE", [{"@type": FCM_ERROR, "errorCode": "UNAVAILABLE"}]),
}


class Messaging:
    """The messages that arrived.

    Attributes:
        url: address of the endpoint, with `{0}` for the project's id, as in firebase-admin.
        received: the accepted messages.
        asked: the tokens of all requests.
        hang: whether no request is answered.
        forbids: whether the account lacks the right to send.
    """

    def __init__(self, address: str) -> None:
        self.url = address + "/v1/projects/{0}/messages:send"
        self.received: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.hang = self.forbids = False
        self.end = threading.Event()
        self._lock = threading.Lock()
        self._schemas = discovery("fcm.v1")

    def shown(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The messages that each device shows, by token and tag. A message replaces an earlier one with the same tag."""
        devices: dict[str, dict[str, dict[str, Any]]] = {}
        for message in self.received:
            devices.setdefault(message["token"], {})[message["android"]["notification"]["tag"]] = message
        return devices

    def take(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Handle a request's body; return status and answer."""
        validate_only = body.pop("validate_only", False)  # Google takes names in either form; the schema has the other one
        jsonschema.validate(body, {"$ref": "#/$defs/SendMessageRequest", "$defs": self._schemas})
        message = body["message"]
        token: str = message["token"]
        kind = token.partition("-")[0]
        with self._lock:
            self.asked.append(token)
        if self.hang or kind == "hang":
            self.end.wait()
        with self._lock:
            if self.forbids:
                return 403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "no right"}}
            if validate_only:
                kind = "garbled"
            if kind in REFUSALS and not (kind == "busy" and self.asked.count(token) > 1):
                code, status, details = REFUSALS[kind]
                return code, {"error": {"code": code, "status": status, "message": status, "details": details}}
            self.received.append(message)
        return 200, {"name": f"projects/p/messages/{len(self.received)}"}


@contextmanager
def messaging() -> Iterator[Messaging]:
    """Run the server until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not self.headers.get("Authorization", "").startswith("Bearer ey"):
                self.answer(401, {"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "no token"}})
            else:
                self.answer(*stand_in.take(json.loads(body)))

        def answer(self, status: int, content: dict[str, Any]) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """Ignore errors: a daemon that was killed does not read its answer."""

    server = Server(("127.0.0.1", 0), Handler)
    stand_in = Messaging(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield stand_in
    finally:
        stand_in.end.set()
        server.shutdown()
        server.server_close()


def write_key(path: Path) -> None:
    """Write a key file of a service account."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    content = {
        "type": "service_account",
        "project_id": "demo-push",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "daemon@demo-push.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "http://127.0.0.1:9/token",
        # In another universe domain the client signs its tokens itself; in the default one it asks Google's servers for them.
        "universe_domain": "stand-in.invalid",
    }
    path.write_text(json.dumps(content))
