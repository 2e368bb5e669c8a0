"""/healthz, /readyz and /metrics of a process, on a port of their own.

    /healthz    liveness: 503 only for a defect of the process, which a restart mends
    /readyz     readiness: 503 for any problem, such as a store that is away, a refusing storage or a full volume
    /metrics    for Prometheus

A restart mends no outage. It loses running work, so a liveness probe must not ask /readyz.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from consumer.settings import Settings, SettingsError


@dataclass(frozen=True)
class Health:
    """The health of a process.

    Attributes:
        defects: sentences for the operator about defects that only a restart mends.
        problems: sentences for the operator about problems that a restart does not mend.
        facts: figures that help to understand defects and problems.
    """

    defects: list[str]
    problems: list[str]
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """`ok` or `failing`."""
        return "failing" if self.defects or self.problems else "ok"


class HealthServer:
    """Serves /healthz, /readyz and /metrics until `stop`.

    Args:
        host: address to listen on.
        port: 0 takes a free one; see `port`.
        health: asked at each request.
        registry: the metrics.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, host: str, port: int, health: Callable[[], Health], registry: CollectorRegistry) -> None:
        class Handler(_Handler):
            ask = staticmethod(health)
            metrics = registry

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the server and wait for its thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve_health(
    settings: Settings, port: int, health: Callable[[], Health], registry: CollectorRegistry, *, setting: str
) -> HealthServer | None:
    """A `HealthServer`, or None where the port is 0.

    Args:
        settings: `health_host` is used.
        port: to listen on.
        health: asked at each request.
        registry: the metrics.
        setting: where the port comes from, for the error.

    Raises:
        SettingsError: the port is taken.
    """
    if not port:
        return None
    try:
        return HealthServer(settings.health_host, port, health, registry)
    except OSError as error:
        reason = f"{setting}: cannot listen on {settings.health_host}:{port}: {error.strerror}."
        raise SettingsError(f"{reason} Choose another port, or 0 for none.") from error


class _Handler(BaseHTTPRequestHandler):
    ask: Callable[[], Health]
    metrics: CollectorRegistry
    timeout = 10.0
    server_version = "dothis"
    sys_version = ""

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/healthz" | "/readyz" as path:
                health = type(self).ask()
                failing = health.defects if path == "/healthz" else health.status != "ok"
                body = {"status": health.status, **asdict(health)}
                self._answer(503 if failing else 200, "application/json", json.dumps(body).encode())
            case "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(self.metrics))
            case _:
                self._answer(404, "text/plain", b"Only /healthz, /readyz and /metrics are here.\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name for it
        """Log nothing: probes come every few seconds."""

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
