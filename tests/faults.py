"""Connections that break: a TCP proxy that drops or swallows, and a gRPC proxy that answers with an error instead."""

import contextlib
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from types import TracebackType
from typing import Self

import grpc

from tests.emulators import free_port

Link = tuple[socket.socket, socket.socket]


class Mode(Enum):
    """What the TCP proxy does with what it is sent."""

    PASS = auto()
    DROP = auto()
    """Open connections are cut, new ones refused."""
    SWALLOW = auto()
    """Connections stay open and new ones are taken, but no byte gets through in either direction: half-open. They stay so
    when this is over, as real ones would; only newer ones work then."""


class TcpProxy:
    """Stands between a client and a server on this machine.

    Args:
        target: `host:port` of the server.
        cut_after: if not None, each connection is cut once it has carried so many bytes towards the client.
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
        """Begin or end a fault."""
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


class GrpcProxy:
    """Passes every gRPC call on to a server, but answers the next ones of a method with statuses that it was given."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)])
        self._failures: defaultdict[str, deque[grpc.StatusCode]] = defaultdict(deque)
        self.calls: defaultdict[str, int] = defaultdict(int)
        self._server = grpc.server(ThreadPoolExecutor(32))
        self._server.add_generic_rpc_handlers([_Handler(self)])
        self.host = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def fail_next(self, method: str, *statuses: grpc.StatusCode) -> None:
        """Answer the next calls of `method` (such as Listen) with these statuses, one after the other."""
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
        call = self._channel.stream_stream(path)(requests, metadata=metadata, timeout=deadline_s)
        context.add_callback(call.cancel)
        try:
            yield from call
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, proxy: GrpcProxy) -> None:
        self._proxy = proxy

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        path = handler_call_details.method
        return grpc.stream_stream_rpc_method_handler(lambda requests, context: self._proxy.pass_on(path, requests, context))
