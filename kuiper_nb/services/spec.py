"""What a service file says: the model of eKuiper's JSON, and what it can say beyond that.

Names are eKuiper's where it has one. Durations are texts (`250ms`, `5s`), sizes too (`8MiB`). A text of `headers`,
`auth` and `tls` may hold references to secrets: `${env:NAME}`, `${file:/run/secrets/name}`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ..errors import RowFault
from ..sql.duration import parse_duration

_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 10**3, "MB": 10**6, "GB": 10**9, "B": 1}
_PER = {"s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value / 1000  # eKuiper's numbers are ms
    try:
        found = parse_duration(value) / 1e9 if isinstance(value, str) else -1.0
    except RowFault:
        found = -1.0
    if found < 0:
        raise ValueError("a duration, such as 250ms or 5s")
    return found


def _bytes(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    unit = next((unit for unit in _UNITS if isinstance(value, str) and value.endswith(unit)), None)
    number = value.removesuffix(unit).strip() if unit else ""
    if unit is None or not number.isascii() or not number.isdigit() or int(number) == 0:
        raise ValueError("a size, such as 8MiB")
    return int(number) * _UNITS[unit]


def _rate(value: Any) -> float:
    number, _, unit = value.partition("/") if isinstance(value, str) else (value, "/", "s")
    try:
        found = float(number) / _PER[unit.strip()]
    except (KeyError, TypeError, ValueError):
        found = 0.0
    if isinstance(value, bool) or found <= 0:
        raise ValueError("a rate, such as 100/s or 30/m")
    return found


Seconds = Annotated[float, BeforeValidator(_seconds)]
Bytes = Annotated[int, BeforeValidator(_bytes)]
PerSecond = Annotated[float, BeforeValidator(_rate)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True, strict=True)


class Retry(_Model):
    """How often a call is tried, and how long the waits between may be; all within the deadline."""

    attempts: int = Field(default=3, ge=1, le=100)
    first: Seconds = 0.1
    factor: float = Field(default=2.0, ge=1.0)
    longest: Seconds = 5.0


class Cache(_Model):
    """How long an answer serves for equal calls, how many are kept, and by which parameters (all)."""

    ttl: Seconds = 60.0
    size: int = Field(default=10_000, ge=1)
    key: tuple[str, ...] = Field(default=(), strict=False)


class Batch(_Model):
    """An address that takes an array of bodies in one request and answers an array as long, in the same order."""

    path: str
    method: str = "POST"
    size: int = Field(default=1000, ge=1)


class OAuth2(_Model):
    """Client credentials."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str = ""


class Basic(_Model):
    """A user and a password."""

    user: str
    password: str


class Header(_Model):
    """A header with a secret."""

    name: str
    value: str


class Auth(_Model):
    """How we say who we are; one of these."""

    bearer: str = ""
    basic: Basic | None = None
    header: Header | None = None
    oauth2: OAuth2 | None = None


class Tls(_Model):
    """A private authority (*ca*), a certificate of ours and its key, as paths of PEM files."""

    ca: str = ""
    cert: str = ""
    key: str = ""
    server_name: str = ""


class Options(_Model):
    """Of an interface. The first four are eKuiper's."""

    insecure_skip_verify: bool = False
    headers: dict[str, str] = Field(default_factory=dict)
    retry_count: int | None = Field(default=None, ge=0)
    retry_interval: Seconds | None = None
    deadline: Seconds = 5.0
    retry: Retry = Retry()
    idempotent: bool | None = None
    concurrency: int = Field(default=64, ge=1, le=1000)
    rate: PerSecond | None = None
    cache: Cache | None = None
    batch: Batch | None = None
    on_error: Literal["error", "null", "deadLetter"] = "error"
    max_response: Bytes = 8 << 20
    auth: Auth | None = None
    tls: Tls | None = None
    http2: bool = False


class FunctionName(_Model):
    """The SQL name of an operation."""

    name: str
    service_name: str = ""
    description: str = ""
    idempotent: bool | None = None


class InterfaceSpec(_Model):
    """One address, and what it can be asked."""

    description: str = ""
    address: str
    protocol: Literal["rest", "grpc", "msgpack-rpc"]
    schema_type: Literal["protobuf", "openapi"] | None = None
    schema_file: str = ""
    schema_text: str = Field(default="", alias="schema")
    schemaless: bool = False
    reflection: bool = False
    functions: tuple[FunctionName, ...] = Field(default=(), strict=False)
    options: Options = Options()


class ServiceSpec(_Model):
    """A service file."""

    about: dict[str, Any] | None = None
    interfaces: dict[str, InterfaceSpec] = Field(min_length=1)
