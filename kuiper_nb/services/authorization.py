"""Who we say we are: headers, a basic or bearer one, one with a secret, or a token that a server gives for a while."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlencode

from ..errors import ServiceError
from . import secrets
from .protocol import CallFailed, Reply
from .spec import Auth, OAuth2

Fetch = Callable[[str, Mapping[str, str], bytes], Awaitable[Reply]]
_EARLY = 10.0
"""Seconds before its end at which a token is no longer used."""

_LASTS = 3600.0


class Authorization:
    """Resolves references when they are needed first. *fetch* posts a form to an address."""

    def __init__(self, auth: Auth | None, headers: Mapping[str, str], user: str, fetch: Fetch) -> None:
        self._auth = auth or Auth()
        self._given = headers
        self._user = user
        self._fetch = fetch
        self._fixed: dict[str, str] | None = None
        self._token = ""
        self._until = 0.0
        self._lock = asyncio.Lock()

    @property
    def shown(self) -> list[tuple[str, str]]:
        """The headers for people: references as they are written, never their values."""
        found = [(name, _told(value)) for name, value in self._given.items()]
        if self._auth.header is not None:
            found.append((self._auth.header.name, _told(self._auth.header.value)))
        if self._auth.bearer:
            found.append(("Authorization", f"Bearer {_told(self._auth.bearer)}"))
        if self._auth.basic is not None or self._user:
            found.append(("Authorization", "Basic ••••"))
        if self._auth.oauth2 is not None:
            found.append(("Authorization", f"Bearer •••• (from {self._auth.oauth2.token_url})"))
        return found

    async def headers(self) -> Mapping[str, str]:
        """What goes with each request. Raises CallFailed."""
        if self._fixed is None:
            try:
                self._fixed = await asyncio.to_thread(self._resolved)  # a file, or a program, may take a while
            except ServiceError as error:
                raise CallFailed("auth", error.message, sent=False) from None
        if self._auth.oauth2 is None:
            return self._fixed
        return {**self._fixed, "Authorization": f"Bearer {await self._valid(self._auth.oauth2)}"}

    @property
    def stamp(self) -> str:
        """What tells one token from the next."""
        return self._token

    async def renewed(self, stamp: str) -> bool:
        """After a refusal: forget the token of that *stamp*, unless somebody has. Whether there may be a better one."""
        if self._auth.oauth2 is not None:
            if stamp and stamp == self._token:
                self._token = ""
            return True
        changing = ("${file:", "${cmd:")
        texts = [*self._given.values(), self._auth.bearer, self._auth.header.value if self._auth.header else ""]
        if self._fixed is not None and any(part in text for text in texts for part in changing):
            before, self._fixed = self._fixed, None
            return await self.headers() != before
        return False

    def _resolved(self) -> dict[str, str]:
        found = {name: secrets.resolved(value) for name, value in self._given.items()}
        auth = self._auth
        if auth.header is not None:
            found[auth.header.name] = secrets.resolved(auth.header.value)
        if auth.bearer:
            found["Authorization"] = f"Bearer {secrets.resolved(auth.bearer)}"
        basic = f"{auth.basic.user}:{auth.basic.password}" if auth.basic is not None else self._user
        if basic:
            encoded = base64.b64encode(secrets.resolved(basic).encode()).decode()
            secrets.known(encoded, "basic")
            found["Authorization"] = f"Basic {encoded}"
        for name, value in found.items():
            if not value.isprintable():
                raise ServiceError(f"the header {name} has characters that no header may have")
        return found

    async def _valid(self, oauth2: OAuth2) -> str:
        """A token, fetched once for all who wait for it."""
        async with self._lock:
            if not self._token or time.monotonic() >= self._until:
                await self._fetched(oauth2)
            return self._token

    async def _fetched(self, oauth2: OAuth2) -> None:
        try:
            form = {"grant_type": "client_credentials", **({"scope": oauth2.scope} if oauth2.scope else {})}
            form["client_id"] = await asyncio.to_thread(secrets.resolved, oauth2.client_id)
            form["client_secret"] = await asyncio.to_thread(secrets.resolved, oauth2.client_secret)
        except ServiceError as error:
            raise CallFailed("auth", error.message, sent=False) from None
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        reply = await self._fetch(oauth2.token_url, headers, urlencode(form).encode())
        try:
            answer = json.loads(reply.body)
            token, lasts = str(answer["access_token"]), float(answer.get("expires_in", _LASTS))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CallFailed("auth", f"{oauth2.token_url} gave no token (status {reply.status})", sent=False) from None
        secrets.known(token, "oauth2")
        self._token, self._until = token, time.monotonic() + max(lasts - _EARLY, lasts / 2)


def _told(text: str) -> str:
    """A header with its references, or, if it has none and looks like a secret, without most of it."""
    if secrets.references(text) or len(text) < 16 or " " in text.strip():
        return secrets.masked(text)
    return f"{text[:2]}••••"
