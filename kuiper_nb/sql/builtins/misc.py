"""Functions on the rule itself, on sizes, and on compressed bytes."""

from __future__ import annotations

import gzip
import uuid
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import exp

from ...errors import RowFault
from ...types import BIGINT, ArrayOf
from ..lowered import Lowered, call
from ..syntax import Constant
from ..values import printed, text, to_int, utf8
from .entry import Builtin


def _cardinality(value: Any) -> int:
    return len(value) if isinstance(value, (list, bytes)) else 0


def _lower_cardinality(arguments: Sequence[Lowered]) -> Lowered | None:
    (value,) = arguments
    if not isinstance(value.type, ArrayOf):
        return None
    size = exp.Coalesce(this=call("len", exp.paren(value.sql)), expressions=[exp.convert(0)])
    return Lowered(size, BIGINT, value.guard, null=False)


def _property(name: Any) -> str:
    if not isinstance(name, str):
        raise RowFault(f"invalid input {text(name)}: must be property name of string type")
    raise RowFault(f"there is no property {name}")


def _delayed(delay: Any, value: Any) -> Any:
    """The value at once: a micro-batch must not sleep."""
    to_int(delay)
    return value


def _keyed_state(key: Any, kind: Any, default: Any) -> Any:
    """The default: there is no store of keyed state."""
    if not isinstance(key, str):
        raise RowFault(f"key {text(key)} is not a string")
    return default


def _check_keyed_state(arguments: Sequence[Any]) -> str:
    kinds = ("bigint", "float", "string", "boolean", "datetime")
    kind = arguments[1]
    if isinstance(kind, Constant) and kind.value not in kinds:
        return f"expect one of following value for the 2nd parameter: {', '.join(kinds)}"
    return ""


def _deflated(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(data) + deflate.flush()


def _inflated(data: bytes) -> bytes:
    inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    found = inflate.decompress(data) + inflate.flush()
    if not inflate.eof:
        raise EOFError("unexpected EOF")
    return found


def _zstandard(data: bytes) -> bytes:
    import pyarrow as pa

    compressed: bytes = pa.compress(data, codec="zstd", asbytes=True)
    return compressed


def _unzstandard(data: bytes) -> bytes:
    import pyarrow as pa

    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
        found: bytes = stream.read()
    return found


_COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zlib": zlib.compress,
    "flate": _deflated,
    "zstd": _zstandard,
}
_DECOMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "zlib": zlib.decompress,
    "flate": _inflated,
    "zstd": _unzstandard,
}


def _through(transformers: dict[str, Callable[[bytes], bytes]], what: str) -> Callable[[Any, Any], bytes | None]:
    def transform(value: Any, algorithm: Any) -> bytes | None:
        if value is None:
            return None
        if not isinstance(value, (str, bytes)):
            raise RowFault(f"require string or bytea parameter, but got {text(value)}")
        name = printed(algorithm)
        if name not in transformers:
            raise RowFault(f"unsupported {what}: {name}")
        try:
            return transformers[name](utf8(value) if isinstance(value, str) else value)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise RowFault(f"{name}: {error}") from None

    return transform


BUILTINS: tuple[Builtin, ...] = (
    Builtin("rule_id", lambda scope: scope.rule, (0, 0), "the id of the rule", nulls="call", scope=True),
    Builtin("rule_start", lambda scope: scope.started, (0, 0), "when the rule started, ms", nulls="call", scope=True),
    Builtin("newuuid", lambda: str(uuid.uuid1()), (0, 0), "a new UUID of version 1", nulls="call", steady=False),
    Builtin(
        "cardinality", _cardinality, (1, 1), "how many elements an array has", nulls="zero", lower=_lower_cardinality
    ),
    Builtin("props", _property, (1, 1), "a property of the host; there are none here", ("string",)),
    Builtin("delay", _delayed, (2, 2), "the second argument, at once", ("number", "any")),
    Builtin(
        "get_keyed_state",
        _keyed_state,
        (3, 3),
        "the default: there is no keyed state",
        ("any", "string", "any"),
        check=_check_keyed_state,
    ),
    Builtin(
        "compress",
        _through(_COMPRESSORS, "compressor"),
        (2, 2),
        "a text or bytes compressed by gzip, zlib, flate or zstd",
        ("string",),
        nulls="call",
    ),
    Builtin(
        "decompress",
        _through(_DECOMPRESSORS, "decompressor"),
        (2, 2),
        "what gzip, zlib, flate or zstd compressed",
        ("string",),
        nulls="call",
    ),
)
