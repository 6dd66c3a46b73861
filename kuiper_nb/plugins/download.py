"""A file from the web, from nowhere but a host that is allowed, no longer and no larger than is allowed either."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection
from pathlib import Path

import httpx

from ..errors import PluginError

_HOPS = 5
"""Redirects that are followed, all on one host."""

_MOVED = (301, 302, 303, 307, 308)


def downloaded(address: str, into: Path, hosts: Collection[str], most: int, seconds: float) -> None:
    """Write what is at *address* to the file *into*. Raises PluginError.

    *hosts* are names, or `name:port` for one port only. The work is done on a thread with a loop of its own, so that
    the deadline holds whatever the other side does, also where a loop runs already, as in a notebook.
    """
    url = _url(address)
    _allow(url, hosts)
    download = _Download(url, into, hosts, most, seconds)
    thread = threading.Thread(target=download.run, name="download of a plugin", daemon=True)
    thread.start()
    try:
        thread.join()
    except BaseException:  # Ctrl-C
        download.cancel()
        raise
    if download.failure is not None:
        raise download.failure


def _url(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise PluginError(f"{address} is no address: {error}", "as in https://host/plugin.zip") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise PluginError(f"cannot fetch {_shown(url)}", "http://, https:// or file://, or a path")
    return url


def _shown(url: httpx.URL) -> str:
    """Without what may be secret in it."""
    return str(url.copy_with(username=None, password=None, query=None, fragment=None))


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _allow(url: httpx.URL, hosts: Collection[str]) -> None:
    host = url.host.lower()
    if not {host, f"{host}:{_port(url)}", f"[{host}]", f"[{host}]:{_port(url)}"} & {h.lower() for h in hosts}:
        allowed = f"allowed are {', '.join(sorted(hosts))}" if hosts else "no host is allowed yet"
        hint = f"{allowed}; allow {url.host}, or download the file yourself and add it by its path"
        raise PluginError(f"the host {url.host} is not allowed, so {_shown(url)} is not fetched", hint)


class _Download:
    """One download, and how it ended."""

    def __init__(self, url: httpx.URL, into: Path, hosts: Collection[str], most: int, seconds: float) -> None:
        self._url = url
        self._into = into
        self._hosts = hosts
        self._most = most
        self._seconds = seconds
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self.failure: BaseException | None = None

    def run(self) -> None:
        """On a thread of its own."""
        try:
            self._task = self._loop.create_task(self._bounded())
            self._loop.run_until_complete(self._task)
        except (asyncio.CancelledError, Exception) as error:
            self.failure = error
        finally:
            self._loop.close()

    def cancel(self) -> None:
        """From any thread."""
        if self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)

    async def _bounded(self) -> None:
        shown = _shown(self._url)
        hint = "try it in a browser; a file that is here is added by its path"
        try:
            async with asyncio.timeout(self._seconds):
                await self._fetch()
        except TimeoutError:
            raise PluginError(f"{shown} did not arrive within {self._seconds:g} s", hint) from None
        except httpx.HTTPError as error:
            raise PluginError(f"cannot fetch {shown}: {error or type(error).__name__}", hint) from None
        except OSError as error:
            raise PluginError(f"cannot write {self._into}: {error.strerror}") from None

    async def _fetch(self) -> None:
        url = self._url
        async with httpx.AsyncClient(timeout=self._seconds, headers={"Accept-Encoding": "identity"}) as client:
            for _ in range(_HOPS + 1):
                async with client.stream("GET", url) as response:
                    if response.status_code not in _MOVED:
                        return await self._keep(response)
                    url = self._next(url, response)
        raise PluginError(f"{_shown(self._url)} leads from one address to the next", "name the last one")

    def _next(self, url: httpx.URL, response: httpx.Response) -> httpx.URL:
        """Where it is instead; never on another host, nor less safely."""
        there = _url(str(url.join(response.headers.get("location", ""))))  # httpx has refused what is no address
        if there.host != url.host:
            hint = f"if you trust {there.host}, allow it and name that address"
            raise PluginError(f"{_shown(url)} leads to another host: {_shown(there)}", hint)
        if url.scheme == "https" and there.scheme != "https":
            raise PluginError(f"{_shown(url)} leads to an unsafe address: {_shown(there)}", "an address with https")
        _allow(there, self._hosts)
        return there

    async def _keep(self, response: httpx.Response) -> None:
        if response.status_code != 200:
            answer = f"{response.status_code} {response.reason_phrase}".strip()
            raise PluginError(f"{_shown(response.url)} answers {answer}", "try it in a browser")
        hint = f"at most {self._most >> 20} MiB; larger ones: unpack it yourself and add the folder"
        size = 0
        with self._into.open("wb") as file:
            async for chunk in response.aiter_raw():
                size += len(chunk)
                if size > self._most:
                    raise PluginError(f"{_shown(response.url)} is too large", hint)
                file.write(chunk)
