"""Real servers on loopback that do as they are told, and remember what they were asked."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import msgpack
from google.protobuf import message_factory

from kuiper_nb.services.schema import Schema


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


@dataclass
class Answered:
    """What goes back. *raw* is written as it is, in place of all that; None for none."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    raw: Callable[[socket.socket], None] | None = None


def as_json(value: Any, status: int = 200) -> Answered:
    """An answer of JSON."""
    return Answered(status, json.dumps(value).encode())


Answer = Callable[[Asked], Answered]


class Http:
    """An HTTP server; *answer* may be exchanged at any time."""

    def __init__(self, answer: Answer, context: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one packet an answer
            disable_nagle_algorithm = True

            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                outer.asked.append(asked)
                answered = outer.answer(asked)
                if answered.raw is not None:
                    self.wfile.flush()
                    with suppress(OSError):
                        answered.raw(self.connection)
                    self.close_connection = True
                    return
                self.send_response(answered.status)
                for name, value in {**answered.headers, "Content-Length": str(len(answered.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answered.body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _do

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client may go when it likes."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def http(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[Http]:
    """One, for a while."""
    server = Http(answer, context)
    try:
        yield server
    finally:
        server.close()


class Grpc:
    """A gRPC server for the rpcs of a schema: *answers* takes and gives messages, by the name of the rpc."""

    def __init__(
        self,
        schema: Schema,
        answers: Mapping[str, Callable[[Any, grpc.ServicerContext], Any]],
        credentials: grpc.ServerCredentials | None = None,
        port: int = 0,
        prepare: Callable[[grpc.Server], object] = lambda server: None,
    ) -> None:
        self._pool = ThreadPoolExecutor(16)
        self._server = grpc.server(self._pool, options=[("grpc.so_reuseport", 0)])
        by_service: dict[str, dict[str, Any]] = {}
        for rpc in schema.rpcs:
            if rpc.name in answers:
                kind = message_factory.GetMessageClass(rpc.input)
                make = grpc.unary_stream_rpc_method_handler if rpc.streams_out else grpc.unary_unary_rpc_method_handler
                by_service.setdefault(rpc.full.split("/")[1], {})[rpc.name] = make(
                    answers[rpc.name], kind.FromString, _dumped
                )
        own = [grpc.method_handlers_generic_handler(service, methods) for service, methods in by_service.items()]
        self._server.add_generic_rpc_handlers(tuple(own))
        prepare(self._server)
        address = f"127.0.0.1:{port}"
        self.port = (
            self._server.add_insecure_port(address)
            if credentials is None
            else self._server.add_secure_port(address, credentials)
        )
        self._server.start()

    def close(self, grace: float | None = None) -> None:
        """Answer nobody any more."""
        self._server.stop(grace).wait()
        self._pool.shutdown(cancel_futures=True)


def _dumped(message: Any) -> bytes:
    return message if isinstance(message, bytes) else bytes(message.SerializeToString())


class MsgpackRpc:
    """A msgpack-rpc server: *answers* takes the arguments, by the name of the method; what it raises is the error."""

    def __init__(self, answers: Mapping[str, Callable[..., Any]]) -> None:
        self.asked: list[Any] = []
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        unpacker = msgpack.Unpacker()
        with suppress(OSError):
            while data := connection.recv(1 << 16):
                unpacker.feed(data)
                for _, number, method, arguments in unpacker:
                    self.asked.append((method, arguments))
                    try:
                        answer = [1, number, None, self._answers[method](*arguments)]
                    except Exception as error:
                        answer = [1, number, str(error), None]
                    connection.sendall(msgpack.packb(answer))

    def close(self) -> None:
        """Answer nobody any more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join()
