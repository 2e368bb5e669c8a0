"""Proxies with faults: a TCP proxy that cuts connections or drops bytes, an HTTP proxy that refuses, slows or cuts transfers,
and a gRPC proxy that answers with an error."""

import contextlib
import http.client
import socket
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import grpc

from tests.emulators import free_port

Link = tuple[socket.socket, socket.socket]


class Mode(Enum):
    """Faults of the TCP proxy."""

    PASS = auto()
    DROP = auto()
    """Open connections are cut, and new ones are refused."""
    SWALLOW = auto()
    """Half-open: connections stay open and new ones are accepted, but no byte passes in either direction. After the fault
    these connections stay dead, as after a real one; only connections that are opened later work."""


class TcpProxy:
    """A TCP proxy between a client and a server on this machine.

    Args:
        target: `host:port` of the server.
        cut_after: if not None, each connection is cut once it has carried this many bytes towards the client.
    """

    def __init__(self, target: str, *, cut_after: int | None = None) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._mode = Mode.PASS
        self._lock = threading.Lock()
        self._links: set[Link] = set()
        self._dead: set[Link] = set()
        self.cut_after = cut_after
        self.connections = 0
        self._port = free_port()
        self._listener: socket.socket | None = None
        self._listen()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._port}"

    def set(self, mode: Mode) -> None:
        """Start or end a fault."""
        with self._lock:
            self._mode = mode
            if mode is Mode.SWALLOW:
                self._dead |= self._links
        if mode is Mode.DROP:
            self._stop_listening()
            self._cut()
        elif self._listener is None:
            self._listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_listening()
        self._cut()

    def _listen(self) -> None:
        listener = socket.create_server(("127.0.0.1", self._port), reuse_port=False)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()

    def _cut(self) -> None:
        with self._lock:
            links, self._links, self._dead = self._links | self._dead, set(), set()
        for link in links:
            for end in link:
                _close(end)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(self._target)
            except OSError:
                _close(client)
                continue
            link = (client, server)
            with self._lock:
                self._links.add(link)
                if self._mode is Mode.SWALLOW:
                    self._dead.add(link)
            threading.Thread(target=self._pump, args=(client, server, link, None), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, link, self.cut_after), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, link: Link, limit: int | None) -> None:
        carried = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if link in self._dead:
                    continue
                sink.sendall(data)
                carried += len(data)
                if limit is not None and carried >= limit:
                    break
        if link not in self._dead:
            _close(source)
            _close(sink)
        with self._lock:
            self._links.discard(link)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


class Fault(Enum):
    """Faults of the HTTP proxy."""

    REFUSE = auto()
    """Each request is answered with 503."""
    SLOW = auto()
    """Bodies pass at SLOW_BYTES_PER_S, in both directions."""
    CUT = auto()
    """Half of a body with more than LARGE_BYTES passes, in either direction; then the connection is cut."""


LARGE_BYTES = 16_384
SLOW_BYTES_PER_S = 20_000
HOP_BY_HOP = frozenset({"connection", "host", "keep-alive", "transfer-encoding", "content-length", "date", "server"})


class HttpProxy:
    """An HTTP proxy between a client and a server on this machine. It parses requests, so it can cut one in the middle.

    Args:
        target: `host:port` of the server.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.fault: Fault | None = None
        self.done: Counter[Fault] = Counter()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_HttpHandler,), {"proxy": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def set(self, fault: Fault | None) -> None:
        """Start a fault, or with None end it."""
        self.fault = fault

    def count(self, fault: Fault) -> None:
        """Count a request that had the fault."""
        with self._lock:
            self.done[fault] += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _HttpHandler(BaseHTTPRequestHandler):
    """One connection of a client."""

    proxy: HttpProxy
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the client closed the connection
            super().handle()

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def handle_request(self) -> None:
        fault = self.proxy.fault
        length = int(self.headers.get("Content-Length", 0))
        if fault is Fault.CUT and length > LARGE_BYTES:
            self.rfile.read(length // 2)
            self._break_off()
            return
        body = self.rfile.read(length)
        if fault is Fault.REFUSE:
            self.proxy.count(Fault.REFUSE)
            self._answer(503, [("Retry-After", "1")], b"by order of a test")
            return
        if fault is Fault.SLOW and length > LARGE_BYTES:
            self.proxy.count(Fault.SLOW)
            time.sleep(length / SLOW_BYTES_PER_S)
        self._pass_on(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815 - the names of http.server

    def _pass_on(self, body: bytes) -> None:
        upstream = http.client.HTTPConnection(self.proxy.target, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            upstream.request(self.command, self.path, body or None, headers)
            answer = upstream.getresponse()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP]
            self._answer(answer.status, kept, answer.read())
        finally:
            upstream.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        fault = self.proxy.fault
        if fault is Fault.CUT and len(body) > LARGE_BYTES:
            self.wfile.write(body[: len(body) // 2])
            self._break_off()
            return
        if fault is Fault.SLOW and len(body) > LARGE_BYTES:
            self.proxy.count(Fault.SLOW)
            for start in range(0, len(body), LARGE_BYTES):
                time.sleep(LARGE_BYTES / SLOW_BYTES_PER_S)
                self.wfile.write(body[start : start + LARGE_BYTES])
            return
        self.wfile.write(body)

    def _break_off(self) -> None:
        self.proxy.count(Fault.CUT)
        self.close_connection = True
        _close(self.connection)


class GrpcProxy:
    """A gRPC proxy. It forwards calls to a server, but answers the next calls of a method with given statuses."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)])
        self._failures: defaultdict[str, deque[grpc.StatusCode]] = defaultdict(deque)
        self.calls: defaultdict[str, int] = defaultdict(int)
        self.requests: defaultdict[str, list[bytes]] = defaultdict(list)
        # Accept clients that send pings without other traffic.
        self._server = grpc.server(ThreadPoolExecutor(32), options=[("grpc.http2.max_ping_strikes", 0)])
        self._server.add_generic_rpc_handlers([_Handler(self)])
        self.host = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def fail_next(self, method: str, *statuses: grpc.StatusCode) -> None:
        """Answer the next calls of `method` (such as Listen) with these statuses in turn."""
        self._failures[method].extend(statuses)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.stop(grace=None).wait()
        self._channel.close()

    def pass_on(self, path: str, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        method = path.rpartition("/")[2]
        self.calls[method] += 1
        if self._failures[method]:
            context.abort(self._failures[method].popleft(), "by order of a test")
        metadata = [pair for pair in context.invocation_metadata() if not pair.key.startswith(("grpc-", "user-agent"))]
        remaining_s = context.time_remaining()
        deadline_s = remaining_s if remaining_s < 3600 else None  # without a deadline it is 2**63
        call = self._channel.stream_stream(path)(self._kept(method, requests), metadata=metadata, timeout=deadline_s)
        context.add_callback(call.cancel)
        try:
            yield from call
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())

    def _kept(self, method: str, requests: Iterator[bytes]) -> Iterator[bytes]:
        for request in requests:
            self.requests[method].append(request)
            yield request


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, proxy: GrpcProxy) -> None:
        self._proxy = proxy

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        path = handler_call_details.method
        return grpc.stream_stream_rpc_method_handler(lambda requests, context: self._proxy.pass_on(path, requests, context))
