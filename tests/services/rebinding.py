"""A name that leads elsewhere when it is asked for again, in a network of its own: what a service makes of it, as JSON.

    unshare --user --map-root-user --net --mount python -m tests.services.rebinding FOLDER

The system's own resolver asks a name server that stands here; *good* and *trap* are web servers on two addresses.
"""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from kuiper_nb import Session
from kuiper_nb.errors import ServiceError
from kuiper_nb.services.service import Service

from .conftest import plain

GOOD, TRAP, METADATA = "127.0.0.2", "127.0.0.3", "169.254.169.254"
_UP, _FLAGS = 1, 0x8914


class Names:
    """A name server: the first question for a name is answered by its first address, all others by the last."""

    def __init__(self, addresses: dict[str, list[str]]) -> None:
        self._addresses = addresses
        self.asked = dict.fromkeys(addresses, 0)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            query, sender = self._socket.recvfrom(512)
            end = query.index(b"\0", 12) + 5
            question, (kind,) = query[12:end], struct.unpack(">H", query[end - 4 : end - 2])
            name = question[1 : 1 + question[0]].decode()
            answer = b""
            if kind == 1 and name in self._addresses:  # an IPv4 address, good for no time
                known = self._addresses[name]
                address = known[0] if len(known) == 1 else known.pop(0)
                self.asked[name] += 1
                answer = struct.pack(">HHHIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(address)
            head = query[:2] + struct.pack(">HHHHH", 0x8180, 1, int(bool(answer)), 0, 0)
            self._socket.sendto(head + question + answer, sender)


class Web:
    """A web server that closes each connection, so that the next call needs another."""

    def __init__(self, address: str) -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(b'{"ok": true}')

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = HTTPServer((address, 8080), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _alone(folder: Path) -> None:
    """The network of this process has its loopback, and the name server 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _FLAGS, struct.pack("16sh22x", b"lo", _UP))
    told = folder / "resolv.conf"
    told.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", str(told), str(Path("/etc/resolv.conf").resolve())], check=True)


def _told(service: Service, times: int) -> list[str]:
    """What calls come to, one after the other."""
    found = []
    for number in range(times):
        try:
            service.call(service.name, "get", f"/{number}")
            found.append("ok")
        except ServiceError as error:
            found.append(error.message)
    return found


def main() -> None:
    """Three names, each called while its first address answers, and after it has gone."""
    _alone(Path(sys.argv[1]))
    names = Names({"trap": [GOOD, TRAP], "metadata": [GOOD, METADATA], "cloud": [METADATA]})
    trap, found = Web(TRAP), {}
    with Session() as session:
        for name in ("trap", "metadata", "cloud"):
            good = Web(GOOD)
            options = "{retry: {attempts: 1}, deadline: 3s}"
            service = plain(session, f"http://{name}.example:8080", options, name)
            told = _told(service, 3)
            asked, trapped = names.asked[name], len(trap.asked)
            good.close()
            found[name] = {"told": told, "asked": asked, "trapped": trapped, "gone": _told(service, 2)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
