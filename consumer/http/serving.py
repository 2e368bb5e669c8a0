"""An HTTP server that stops when it is told to: waitress with a loop of its own."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from consumer.backends import Backend
from consumer.catalogue import Catalogue
from consumer.http import web
from consumer.http.shim import MAX_BODY_BYTES, Waiters, create_app
from consumer.settings import Settings

SPARE_THREADS = 4
"""Beside those that wait for jobs: they answer /healthz, and refuse what is too much."""

MAX_HEADER_BYTES = 16 * 1024
"""A path of 1,024 bytes is 3 KiB when every byte is percent-encoded; an ID token has about 1 KiB."""

LOOP_S = 0.5


class Server:
    """Serves a WSGI application until `stop`.

    The port is taken when it is made, so that a port in use is an error at once.

    Args:
        app: the WSGI application.
        host: address to listen on.
        port: 0 takes a free one; see `port`.
        waiters: requests that may hold a thread for long.
        most_waiters: how many they are.
        max_body_bytes: a larger request is answered 413.

    Raises:
        OSError: the port is taken, or the address is not ours.
    """

    def __init__(
        self, app: Callable[..., Any], host: str, port: int, *, waiters: Waiters, most_waiters: int, max_body_bytes: int
    ) -> None:
        self._sockets: dict[int, Any] = {}
        self._waiters = waiters
        self._stopped = threading.Event()
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port: int = listening.getsockname()[1]
        self._server = create_server(
            app,
            map=self._sockets,
            sockets=[listening],
            threads=most_waiters + SPARE_THREADS,
            connection_limit=4 * (most_waiters + SPARE_THREADS),
            max_request_body_size=max_body_bytes,
            max_request_header_size=MAX_HEADER_BYTES,
            channel_request_lookahead=1,  # lets a request see that its client has gone
            ident="dothis",
        )

    def run(self) -> None:
        """Serve; returns after `stop`, when those who waited have been told to come again."""
        try:
            while not self._stopped.is_set():
                wasyncore.loop(timeout=LOOP_S, map=self._sockets, count=1)
            self._server.task_dispatcher.shutdown(timeout=5)
            wasyncore.loop(timeout=0.1, map=self._sockets, count=3)  # what they were told goes out
        finally:
            wasyncore.close_all(self._sockets)

    def stop(self) -> None:
        """End `run`; may be called from a signal handler and from any thread, and again."""
        self._waiters.stopping.set()
        self._stopped.set()
        with contextlib.suppress(OSError):  # `run` has ended already, and closed what would wake it
            self._server.pull_trigger()


def make_server(backend: Backend, settings: Settings, catalogue: Catalogue, *, web_client: bool = False) -> Server:
    """The older HTTP interface, ready to `run`.

    Args:
        backend: where documents and objects lie.
        settings: the `shim_` ones, and for the web client the limits on videos.
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
