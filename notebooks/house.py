"""The house of lesson 5: two small servers on this machine, one of REST and one of gRPC, as anybody might have them.

house.start()    {"rest": 40123, "grpc": 40124}, the ports they listen on
"""

from __future__ import annotations

import json
import struct
import sys
import threading
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import grpc

SKIES = {"Berlin": ("rain", 7.5), "Lisbon": ("sun", 19.0), "Oslo": ("snow", -3.0)}
ROOMS = {"kitchen": 21.5, "bath": 24.0}
COLOURS = {(220, 40, 40): "red", (40, 160, 70): "green", (40, 80, 220): "blue"}


class Rest(BaseHTTPRequestHandler):
    """GET /v1/cities/NAME/weather, GET /rooms/NAME, POST /rooms/NAME."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/").split("/")
        if path[:2] == ["v1", "cities"] and path[2] in SKIES:
            days = int(parse_qs(urlsplit(self.path).query).get("days", ["0"])[0])
            sky, celsius = SKIES[path[2]]
            self.answer(200, {"sky": sky, "celsius": celsius + days})
        elif path[0] == "rooms" and path[1] in ROOMS:
            self.answer(200, {"room": path[1], "celsius": ROOMS[path[1]]})
        else:
            self.answer(404, {"error": f"there is no {'/'.join(path)}"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(200, {"set": self.path, "to": body})

    def answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def colour_of(image: bytes) -> tuple[str, float]:
    """The colour that most of a PNG of eight bits a channel has, and its share."""
    if not image.startswith(b"\x89PNG"):
        raise ValueError("that is no PNG")
    width, height, _, kind = struct.unpack(">IIBB", image[16:26])
    at, data = 8, b""
    while at < len(image):
        size, name = struct.unpack(">I4s", image[at : at + 8])
        data += image[at + 8 : at + 8 + size] if name == b"IDAT" else b""
        at += 12 + size
    rows, step = zlib.decompress(data), {2: 3, 6: 4}[kind]
    pixels = [tuple(rows[y * (width * step + 1) + 1 + x * step :][:3]) for y in range(height) for x in range(width)]
    most, number = Counter(pixels).most_common(1)[0]
    return COLOURS.get(most, "another"), number / len(pixels)


class Eyes:
    """The rpcs of house.Eyes."""

    def __init__(self, messages: Any) -> None:
        self._messages = messages

    def getFeature(self, asked: Any, context: grpc.ServicerContext) -> Any:
        try:
            colour, share = colour_of(asked.value)
        except (ValueError, KeyError, struct.error, zlib.error) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return self._messages.Feature(colour=colour, share=share)


_running: dict[str, int] = {}


def start() -> dict[str, int]:
    """Start both servers, once; the ports they listen on."""
    if _running:
        return _running
    rest = ThreadingHTTPServer(("127.0.0.1", 0), Rest)
    rest.daemon_threads = True
    threading.Thread(target=rest.serve_forever, name="house rest", daemon=True).start()

    sys.path.append(str(Path(__file__).parent / "schemas"))
    messages, services = grpc.protos_and_services("house.proto")
    server = grpc.server(ThreadPoolExecutor(4))
    services.add_EyesServicer_to_server(Eyes(messages), server)
    _running.update(rest=rest.server_port, grpc=server.add_insecure_port("127.0.0.1:0"))
    server.start()
    Rest.keep = server  # type: ignore[attr-defined]  # a server that nobody holds stops
    return _running
