"""The HTTP server: waitress, with a loop that ends on `stop` and closes idle connections."""

import contextlib
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server

from consumer.backends import Backend
from consumer.catalogue import Catalogue
from consumer.http import web
from consumer.http.shim import MAX_BODY_BYTES, Waiters, create_app
from consumer.operations.health import Health
from consumer.settings import Settings

logger = logging.getLogger(__name__)

SPARE_THREADS = 4
"""Threads in addition to those that wait for jobs. They answer /healthz and refuse requests beyond the limit."""

MAX_HEADER_BYTES = 16 * 1024
"""A path of 1,024 bytes is 3 KiB when every byte is percent-encoded; an ID token has about 1 KiB."""

LOOP_S = 0.5

HEADER_S = 10.0
"""A connection without a complete header after this time is closed. A phone needs less than one second."""

ADDRESS_SHARE = 0.5
"""Largest share of all connections that one address may have. It is large since all clients behind a proxy have one address."""

TELL_S = 60.0
"""Shortest time between two log lines about closed connections, in seconds."""

HANGS_S = 30.0
"""/healthz fails when the server's loop has not run for this long."""


class Server:
    """Serves a WSGI application until `stop`.

    The port is taken when it is made, so that a port in use is an error at once.

    Args:
        app: the WSGI application.
        host: address to listen on.
        port: the port; with 0 a free one, see `port`.
        waiters: the requests that wait for jobs; each of them keeps a thread.
        most_waiters: largest number of such requests.
        max_body_bytes: a request with a larger body is answered with 413.

    Raises:
        OSError: the port is taken, or this machine does not have the address.
    """

    def __init__(
        self, app: Callable[..., Any], host: str, port: int, *, waiters: Waiters, most_waiters: int, max_body_bytes: int
    ) -> None:
        self._sockets: dict[int, Any] = {}
        self._headerless: dict[Any, float] = {}
        self._closed: Counter[str] = Counter()
        self._tell_at = 0.0
        self._turned_at = time.monotonic()
        self._waiters = waiters
        self._stopped = threading.Event()
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port: int = listening.getsockname()[1]
        connections = 4 * (most_waiters + SPARE_THREADS)
        self._per_address = int(connections * ADDRESS_SHARE)
        self._server = create_server(
            app,
            map=self._sockets,
            sockets=[listening],
            threads=most_waiters + SPARE_THREADS,
            connection_limit=connections,
            max_request_body_size=max_body_bytes,
            max_request_header_size=MAX_HEADER_BYTES,
            channel_request_lookahead=1,  # lets a request see that its client has closed the connection
            ident="dothis",
        )
        self._server.channel_class = self._admit

    def run(self) -> None:
        """Serve until `stop`; return when all waiting requests were answered with a request to come again."""
        try:
            while not self._stopped.is_set():
                wasyncore.loop(timeout=LOOP_S, map=self._sockets, count=1)
                self._turned_at = time.monotonic()
                self._close_headerless()
                self._tell()
            self._server.task_dispatcher.shutdown(timeout=5)
            wasyncore.loop(timeout=0.1, map=self._sockets, count=3)  # their answers are sent
        finally:
            wasyncore.close_all(self._sockets)

    def stop(self) -> None:
        """End `run`. It may be called from a signal handler, from any thread, and more than once."""
        self._waiters.stopping.set()
        self._stopped.set()
        with contextlib.suppress(OSError):  # `run` has already ended and closed the socket that wakes it
            self._server.pull_trigger()

    def health(self) -> Health:
        """The state of the server. It does not read the store, since each read costs money."""
        silent_s = time.monotonic() - self._turned_at
        hangs = [f"The server has not looked at its connections for {silent_s:.0f} s."] if silent_s > HANGS_S else []
        return Health(hangs, [], {"connections": len(self._server.active_channels)})

    def _admit(self, server: Any, connection: socket.socket, address: Any, *more: Any, **named: Any) -> None:
        """A channel for a new connection, unless its address has too many."""
        host = str(address[0])
        if sum(channel.addr[0] == host for channel in server.active_channels.values()) < self._per_address:
            HTTPChannel(server, connection, address, *more, **named)
            return
        connection.close()
        self._closed[host] += 1

    def _close_headerless(self) -> None:
        """Close connections that have waited too long for a complete header, of a first or a later request."""
        now = time.monotonic()
        waiting = [
            channel
            for channel in list(self._server.active_channels.values())
            if not channel.requests and not (channel.request is not None and channel.request.headers_finished)
        ]
        self._headerless = {channel: self._headerless.get(channel, now) for channel in waiting}
        for channel, since in self._headerless.items():
            if now - since > HEADER_S and not channel.will_close:
                channel.will_close = True
                self._closed[str(channel.addr[0])] += 1

    def _tell(self) -> None:
        if not self._closed or time.monotonic() < self._tell_at:
            return
        self._tell_at = time.monotonic() + TELL_S
        ((host, number),) = self._closed.most_common(1)
        logger.warning(
            "Closed %d connections that sent no request for %.0f s or were too many for one address; %d of them came from %s",
            self._closed.total(),
            HEADER_S,
            number,
            host,
        )
        self._closed.clear()


def make_server(backend: Backend, settings: Settings, catalogue: Catalogue, *, web_client: bool = False) -> Server:
    """The older HTTP interface, ready to `run`.

    Args:
        backend: the stores of documents and objects.
        settings: the `shim_` settings and, for the web client, the limits of videos.
        catalogue: the exercises that a request may name.
        web_client: also serve the reference web client and its upload API.

    Raises:
        OSError: the port is taken, or the address is not ours.
    """
    verify = None
    if settings.shim_require_token:
        from consumer.http.firebase_tokens import firebase_tokens  # noqa: PLC0415 - Firebase is loaded only by those who use it

        verify = firebase_tokens(settings.project)
    app = create_app(backend, settings, exercises=catalogue.exercises, verify=verify)
    max_body_bytes = MAX_BODY_BYTES
    if web_client:
        app.register_blueprint(web.create_blueprint(backend, settings, catalogue))
        max_body_bytes += settings.max_video_bytes
    return Server(
        app,
        settings.shim_host,
        settings.shim_port,
        waiters=app.extensions["waiters"],
        most_waiters=settings.shim_max_waiting,
        max_body_bytes=max_body_bytes,
    )
