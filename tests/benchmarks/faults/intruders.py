"""What strangers do to a socket of a plugin."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import zmq

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + b"\x00" + bytes(31)
READY = b"\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
"""How ZeroMQ begins, without ZeroMQ."""

FLOOD = """
import socket, sys
stranger = socket.socket(socket.AF_UNIX)
stranger.connect(sys.argv[1])
stranger.sendall(bytes.fromhex(sys.argv[2]))
answer = b""
while b"READY" not in answer:
    answer += stranger.recv(1000)
message = b"\\x01\\x20" + b"x" * 32 + b"\\x00\\x02{}"
print("on", flush=True)
try:
    while True:
        stranger.sendall(message * 10_000)
except OSError:
    pass
"""

ANOTHER_USER = """
import os, sys, zmq
os.setgroups([]); os.setgid(65534); os.setuid(65534)
folder, got = sys.argv[1], []
def attempt(name, act):
    try:
        act()
        got.append(name)
    except Exception:
        pass
context = zmq.Context()
def connect():
    import socket
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(f"{folder}/calls")
def bind():
    socket = context.socket(zmq.ROUTER)
    socket.bind(f"ipc://{folder}/calls")
attempt("list", lambda: os.listdir(folder))
attempt("read the key", lambda: open(f"{folder}/connection.json").read())
attempt("connect", connect)
attempt("bind over it", bind)
attempt("remove", lambda: os.unlink(f"{folder}/calls"))
attempt("kill", lambda: os.kill(int(sys.argv[2]), 0))
print(",".join(got))
os._exit(0)
"""


@contextmanager
def saying(address: str, messages: Sequence[Sequence[Any]], name: str = "") -> Iterator[None]:
    """A stranger each says one of the *messages*, and stays until the end; under a *name*, if there is one."""
    with zmq.Context() as context, ExitStack() as until_the_end:
        for message in messages:
            stranger = until_the_end.enter_context(context.socket(zmq.DEALER))
            stranger.linger = 0
            if name:
                stranger.setsockopt_string(zmq.IDENTITY, name)
            stranger.connect(address)
            stranger.send_multipart(message)
        yield


def comes_and_goes(address: str, times: int) -> None:
    """Somebody connects and goes away, in the middle of a greeting or after it."""
    for number in range(times):
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.settimeout(5)
            stranger.connect(address.removeprefix("ipc://"))
            stranger.sendall((GREETING + READY)[: None if number % 2 else 7])
            if number % 2:
                stranger.recv(1)


@contextmanager
def floods(address: str, strangers: int) -> Iterator[None]:
    """So many send what is no message of anybody, as fast as they can."""
    command = [sys.executable, "-c", FLOOD, address.removeprefix("ipc://"), (GREETING + READY).hex()]
    with ExitStack() as until_the_end:
        for _ in range(strangers):
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            until_the_end.enter_context(process)
            until_the_end.callback(process.kill)
            assert process.stdout is not None
            process.stdout.readline()
        yield
