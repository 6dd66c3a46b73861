"""Where a service is: the one address its file names, resolved once, and nothing else.

Private addresses are fine, since somebody wrote them down. Link-local ones are where the metadata of clouds is, and
are never contacted, however they are spelled.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..errors import ServiceError
from . import secrets
from .protocol import CallFailed

_SCHEMES = {"http": 80, "https": 443, "tcp": 0, "grpc": 0, "grpcs": 443}
_SECURE = frozenset({"https", "grpcs"})
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(?:%25[\w.-]+)?\]")
_METADATA = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"))
)
_EXAMPLE = "http://host:port/path, tcp://host:port, grpcs://host:port"


@dataclass(frozen=True)
class Address:
    """*path* has no slash at its end; *user* is `name:password` as it was written, references and all."""

    scheme: str
    host: str
    port: int
    path: str = ""
    user: str = ""
    _pinned: list[str] = field(default_factory=list, compare=False, repr=False)

    @property
    def secure(self) -> bool:
        """Whether it asks for TLS."""
        return self.scheme in _SECURE

    @property
    def netloc(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def shown(self) -> str:
        """For people: without a password."""
        return f"{self.scheme}://{self.netloc}{self.path}"

    @classmethod
    def of(cls, text: str) -> Address:
        """What *text* names. Raises ServiceError."""
        user, plain = _user(text)
        written = plain if "://" in plain else f"tcp://{plain}"
        try:
            parts = urlsplit(written)
            port = parts.port
        except ValueError as error:
            raise ServiceError(f"the address {secrets.masked(plain)} is none: {error}", _EXAMPLE) from None
        scheme = parts.scheme.lower()
        if scheme not in _SCHEMES:
            raise ServiceError(f"the address {plain} begins with {parts.scheme}://", f"one of {', '.join(_SCHEMES)}")
        host = parts.netloc.rpartition("@")[2]
        host = host if host.endswith("]") else re.sub(r":\d*$", "", host)
        if "\\" in plain or not plain.isprintable() or " " in plain or not _HOST.fullmatch(host) or "@" in parts.netloc:
            raise ServiceError(f"the address {plain} has no plain host", _EXAMPLE)
        if parts.query or parts.fragment:
            raise ServiceError(f"the address {plain} has more than a path", "leave out what stands behind ? or #")
        if not port and not _SCHEMES[scheme]:
            raise ServiceError(f"the address {plain} has no port", _EXAMPLE)
        found = cls(scheme, host.strip("[]").lower(), port or _SCHEMES[scheme], parts.path.rstrip("/"), user)
        _literal(found.host, plain)
        return found

    async def resolve(self) -> list[str]:
        """Its IP addresses, always the same ones. Raises CallFailed."""
        if not self._pinned:
            loop = asyncio.get_running_loop()
            try:
                found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                why = getattr(error, "strerror", None) or str(error)
                raise CallFailed("refused", f"{self.host} is not known: {why}", sent=False) from None
            addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
            for address in addresses:
                if why := _forbidden(address):
                    raise CallFailed("address", f"{self.host} is {address}, {why}", sent=False)
            self._pinned[:] = addresses
        return self._pinned


def _user(text: str) -> tuple[str, str]:
    """The user of an address, and the address without. References may hold anything, so they are looked at first."""
    references = secrets.references(text)
    bare = text
    for number, reference in enumerate(references):
        bare = bare.replace(reference, f"kuiper-secret-{number}")
    scheme, separator, rest = bare.partition("://")
    before, at, host = rest.partition("@") if separator else ("", "", "")
    if "\\" in bare:
        raise ServiceError(f"the address {secrets.masked(text)} has a backslash", _EXAMPLE)
    if not at or "/" in before:
        if references:
            raise ServiceError(f"the address {text} has a secret where its host is", "secrets stand before an @")
        return "", text
    for number, reference in enumerate(references):
        before = before.replace(f"kuiper-secret-{number}", reference)
    return before, f"{scheme}://{host}"


def _literal(host: str, text: str) -> None:
    """Refuse at once what needs no resolving."""
    try:
        address = socket.inet_ntoa(socket.inet_aton(host)) if host[:1].isdigit() and ":" not in host else host
        why = _forbidden(address)
    except (OSError, ValueError):
        return
    if why:
        raise ServiceError(f"the address {text} is {why}", "services have addresses of their own")


def _forbidden(text: str) -> str:
    """Why an IP address is never contacted; '' when it may be. Raises ValueError for what is none."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if isinstance(address, ipaddress.IPv6Address) and address in _NAT64:
        mapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    for each in (address, *([mapped] if mapped is not None else [])):
        if each in _METADATA:
            return "where the metadata of a cloud is"
        if each.is_link_local:
            return "a link-local address, where the metadata of clouds is"
        if each.is_multicast or each.is_unspecified:
            return "no address of one machine"
    return ""


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
