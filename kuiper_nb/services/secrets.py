"""Secrets by reference: `${env:NAME}`, `${file:/run/secrets/name}`, `${cmd:program argument}`; values are never shown.

A value that has been resolved once is known to this process until it ends, and `masked` takes it out of every text:
as it is, and as it looks in base64, in an address, and in JSON.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import subprocess
import threading
from pathlib import Path
from urllib.parse import quote, quote_plus

from ..errors import ServiceError

_REFERENCE = re.compile(r"\$\{(env|file|cmd):([^}]*)\}")
_MOST_BYTES = 64 << 10
_SECONDS = 5.0
_SHORTEST = 4
"""Characters: what is shorter would be found by accident everywhere."""


class _Known:
    """Values, and the reference each was resolved from."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: str, reference: str) -> None:
        """A value that is never to be shown."""
        if len(value) < _SHORTEST or value in self._forms:
            return
        with self._lock:
            for form in _forms(value):
                self._forms.setdefault(form, f"••••({reference})")
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def masked(self, text: str) -> str:
        """*text* without them."""
        pattern, forms = self._pattern, self._forms
        return text if pattern is None else pattern.sub(lambda found: forms[found[0]], text)


_KNOWN = _Known()


def masked(text: str) -> str:
    """*text* with a mark and the reference in place of every secret that is known."""
    return _KNOWN.masked(text)


def known(value: str, reference: str) -> None:
    """Never show *value*: a token that a server gave, a header made of several secrets."""
    _KNOWN.add(value, reference)


def references(text: str) -> list[str]:
    """The references in *text*."""
    return [found[0] for found in _REFERENCE.finditer(text)]


def resolved(text: str) -> str:
    """*text* with the values in place of its references. Raises ServiceError for one that has none."""

    def value(found: re.Match[str]) -> str:
        secret = _SOURCES[found[1]](found[2])
        _KNOWN.add(secret, f"{found[1]}:{found[2]}")
        return secret

    whole = _REFERENCE.sub(value, text)
    if whole != text:
        _KNOWN.add(whole, " ".join(found[2:-1] for found in references(text)))
    return whole


def _of_environment(name: str) -> str:
    if name not in os.environ:
        raise ServiceError(f"secret ${{env:{name}}}: there is no variable {name}", f"%env {name}=…, before it is used")
    return os.environ[name]


def _of_file(name: str) -> str:
    try:
        with Path(name).expanduser().open(encoding="utf-8") as file:
            return file.read(_MOST_BYTES).rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ServiceError(f"secret ${{file:{name}}}: {why}", "a file with the secret, and nothing else") from None


def _of_command(command: str) -> str:
    """What a program prints; it is run as it stands, without a shell."""
    try:
        ran = subprocess.run(shlex.split(command), capture_output=True, timeout=_SECONDS, check=True, text=True)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ServiceError(f"secret ${{cmd:{command}}}: {type(error).__name__}", "a program that prints it") from None
    return ran.stdout.rstrip("\r\n")


_SOURCES = {"env": _of_environment, "file": _of_file, "cmd": _of_command}


def _forms(value: str) -> set[str]:
    """How a value may look in what is shown."""
    raw = value.encode("utf-8", "surrogateescape")
    found = {value, quote(value), quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], repr(value)[1:-1]}
    found |= {json.dumps(value, ensure_ascii=False)[1:-1], raw.hex()}
    for offset in range(3):  # base64 of a longer text in which it stands somewhere
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[offset] : len(encoded) - (len(encoded) % 4 != 0)]
        found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {form for form in found if len(form) >= _SHORTEST}
