"""How a host and a plugin meet: both prove that they know the key, and tell what the other must know.

plugin   control   hello     name, version, language, sdk, spawn, nonce, codecs, symbols
host     control   welcome   nonce, limits
plugin   data, log           join      signed with the key of this encounter from here on, as everything is
plugin   calls               join      as soon as it can answer calls, whatever it must load for that
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .connection import CHANNELS, Connection
from .hello import Hello, Served
from .wire import VERSION, Message, Refused, session_key

Reply = tuple[str, dict[str, Any]]


class Encounter:
    """The host's side of it."""

    def __init__(self, connection: Connection, most: int) -> None:
        self._connection = connection
        self._most = most
        self._missing = set(CHANNELS)
        self.key = connection.key
        self.hello = Hello("")

    @property
    def over(self) -> bool:
        """Whether all channels have met."""
        return not self._missing

    @property
    def ready(self) -> bool:
        """Whether all have but the one for calls."""
        return self._missing <= {"calls"}

    def take(self, channel: str, message: Message) -> Reply | None:
        """What to answer. Raises Refused for what does not belong here."""
        expected = "hello" if channel == "control" else "join"
        if message.kind != expected or channel not in self._missing:
            raise Refused("malformed", f"{message.kind} on {channel} before the plugin has been met")
        self._missing.discard(channel)
        if channel != "control":
            return None
        if message["spawn"] != self._connection.spawn or message["wire"] != VERSION:
            raise Refused("malformed", f"a hello of wire {message['wire']}, this side speaks {VERSION}")
        self.hello = _hello(message)
        nonce = os.urandom(16).hex()
        self.key = session_key(self._connection.key, str(message["nonce"]), nonce)
        return "welcome", {"nonce": nonce, "limits": {"message": self._most}}


def hello_fields(hello: Hello, spawn: str, nonce: str) -> dict[str, Any]:
    """What a plugin says first."""
    return {
        "wire": VERSION,
        "spawn": spawn,
        "nonce": nonce,
        "name": hello.name,
        "version": hello.version,
        "language": hello.language,
        "sdk": hello.sdk,
        "codecs": list(hello.codecs),
        "symbols": [_symbol(served) for served in hello.served],
    }


def _symbol(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = {"name": served.name, "type": served.kind, "help": served.help}
    if served.parameters:
        found["parameters"] = list(served.parameters)
    if served.kind == "function":
        found["arity"] = list(served.arity)
        found |= {"aggregate": served.aggregate, "vectorized": served.vectorized}
    if served.kind == "sink":
        found["takes"] = served.takes
    if served.kind == "source":
        found["live"] = served.live
    return found


def _hello(message: Message) -> Hello:
    try:
        return Hello(
            name=str(message["name"]),
            version=str(message.get("version", "")),
            language=str(message.get("language", "")),
            served=tuple(_served(symbol) for symbol in message["symbols"]),
            codecs=tuple(str(codec) for codec in message.get("codecs", ["json"])),
            sdk=str(message.get("sdk", "")),
        )
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise Refused("malformed", f"a hello that says nothing: {error!r}") from None


def _served(symbol: Mapping[str, Any]) -> Served:
    kind = symbol["type"]
    if kind not in ("source", "sink", "function"):
        raise ValueError(f"a symbol of type {kind!r}")
    least, most = symbol.get("arity", [0, None])
    return Served(
        name=str(symbol["name"]),
        kind=kind,
        help=str(symbol.get("help", "")),
        arity=(int(least), None if most is None else int(most)),
        parameters=tuple(str(p) for p in symbol.get("parameters", ())),
        aggregate=bool(symbol.get("aggregate", False)),
        vectorized=bool(symbol.get("vectorized", False)),
        takes=str(symbol.get("takes", "bytes")),
        live=bool(symbol.get("live", True)),
    )
