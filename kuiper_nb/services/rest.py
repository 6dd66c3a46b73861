"""REST: rpcs of a protobuf file over HTTP, by their google.api.http options or by default; or any path, schemaless.

by default    POST {address}/{rpc}, the message as protobuf's JSON
schemaless    interface(method, path, …): no further argument no body, one is the body, several are an array
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from google.protobuf import json_format

from ..errors import RowFault
from . import answers, messages
from .address import Address
from .authorization import Authorization
from .flat import flat
from .httprule import Binding, bindings, query
from .protocol import Operation, Parameter, Reply, Request, Shape
from .schema import Rpc
from .spec import Batch
from .transport import HttpTransport

_JSON = ("Content-Type", "application/json")
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
"""Methods that may be repeated, as HTTP has it."""


class Rest:
    """See `protocol.Interface`. *base* is what stands before every path."""

    def __init__(
        self,
        operations: Mapping[str, Operation],
        base: str,
        address: Address,
        authorization: Authorization,
        transport: HttpTransport,
    ) -> None:
        self.operations = operations
        self._base = base.rstrip("/")
        self._address = address
        self._authorization = authorization
        self._transport = transport

    def encode(self, operation: Operation, arguments: Sequence[Any]) -> Request:
        """The request. Raises RowFault."""
        method, path, body, headers = operation.binding.encode(arguments)
        if body is not None and not any(name == "Content-Type" for name, _ in headers):
            headers = (_JSON, *headers)
        safe = operation.safe or method in SAFE
        return Request(operation, f"{method} {self._base}{path}", body or b"", headers, safe)

    def together(self, operation: Operation, values: Sequence[Any], endpoint: Batch) -> Request:
        """One request for many calls, of what `value` made of each."""
        target = f"{endpoint.method} {self._base}{endpoint.path}"
        return Request(operation, target, dumped(list(values)), (_JSON,), operation.safe or endpoint.method in SAFE)

    def shaped(self, operation: Operation) -> Shape:
        """One call among others in one request."""
        return Shape(operation.binding.value, operation.binding.apart)

    async def exchange(self, request: Request, timeout: float) -> Reply:
        """One attempt."""
        return await self._transport.send(request, timeout)

    def decode(self, operation: Operation, reply: Reply) -> Any:
        """The value."""
        return operation.binding.decode(reply)

    def shown(self, request: Request) -> str:
        """As it goes over the wire, nearly."""
        method, _, path = request.target.partition(" ")
        lines = [f"{method} {self._address.scheme}://{self._address.netloc}{path}"]
        lines += [f"{name}: {value}" for name, value in (*request.headers, *self._authorization.shown)]
        return "\n".join([*lines, "", request.body.decode("utf-8", "replace")]).rstrip()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()


class OfRpc:
    """An rpc: what it takes and answers is protobuf's JSON."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        default = Binding("POST", (f"/{rpc.name}",), (), "*")
        self._bindings = bindings(rpc.http, rpc.input) if rpc.http is not None else (default,)
        paths = [variable.path[0] for each in self._bindings for variable in each.variables if len(variable.path) == 1]
        self._in_path = [name for name in paths if not _may_be_missing(rpc.input.fields_by_name[name])]
        simple = len(self._bindings) == 1 and not self.first.variables and self.first.body == "*"
        self._flat = flat(rpc.input) if simple else None

    @property
    def first(self) -> Binding:
        """The one that is tried first."""
        return self._bindings[0]

    def encode(self, arguments: Sequence[Any]) -> tuple[str, str, bytes | None, tuple[tuple[str, str], ...]]:
        """Method, path, body, headers. Raises RowFault."""
        if self._flat is not None and (short := self._flat(arguments)) is not None:
            return self.first.method, self.first.texts[0], dumped(short), ()
        message = messages.message_of(self._rpc.input, arguments)
        value = json_format.MessageToDict(message, preserving_proto_field_name=True)
        if not isinstance(value, dict):  # a wrapper
            value = {"value": value}
        for name in self._in_path:
            if name not in value and not isinstance(zero := getattr(message, name), str):
                value[name] = zero  # which protobuf's JSON leaves out
        binding = next((each for each in self._bindings if each.fits(value)), self._bindings[0])
        path, rest = binding.path(value), binding.rest(value)
        if binding.body == "*":
            return binding.method, path, self._body(message, rest), ()
        body = None
        if binding.body:
            part = rest.pop(binding.body, None)
            if part is not None:
                body = dumped(_camel(part, self._rpc.input.fields_by_name[binding.body].message_type))
        left = query(rest)
        return binding.method, f"{path}?{left}" if left else path, body, ()

    def _body(self, message: Any, rest: Mapping[str, Any]) -> bytes:
        name = self._rpc.input.full_name
        if name == "google.protobuf.StringValue":
            return str(message.value).encode()  # as eKuiper: a JSON text, written by the rule
        if messages.is_wrapper(self._rpc.input):
            return dumped(rest.get("value"))
        return dumped(_camel(rest, self._rpc.input))

    def value(self, arguments: Sequence[Any]) -> Any:
        """The message as protobuf's JSON. Raises RowFault."""
        if self._flat is not None and (short := self._flat(arguments)) is not None:
            return short
        message = messages.message_of(self._rpc.input, arguments)
        return json_format.MessageToDict(message)

    def apart(self, value: Any) -> Any:
        """One element of an array of answers. Raises CallFailed."""
        return answers.typed_value(self._rpc.output, value)

    def decode(self, reply: Reply) -> Any:
        """The value."""
        return answers.typed(reply, self._rpc.output, self.first.response)


def _may_be_missing(field: Any) -> bool:
    return bool(field.has_presence or field.is_repeated)


def operation_of(rpc: Rpc, name: str) -> Operation:
    """An rpc as an operation."""
    bound = OfRpc(rpc)
    method = f"{bound.first.method} {bound.first.template}"
    return Operation(
        name,
        method,
        messages.parameters(rpc.input),
        returns=messages.returns(rpc.output),
        help=rpc.help,
        safe=rpc.safe,
        binding=bound,
    )


class Schemaless:
    """Any method and path."""

    def encode(self, arguments: Sequence[Any]) -> tuple[str, str, bytes | None, tuple[tuple[str, str], ...]]:
        """Method, path, body, headers. Raises RowFault."""
        if len(arguments) < 2:
            raise RowFault("invalid parameters: at least two parameters are required, the method and the path")
        method, path, *more = arguments
        if not isinstance(method, str) or not method.isalpha():
            raise RowFault(f"the first parameter is the method, a text such as post, not {method!r}")
        if not isinstance(path, str):
            raise RowFault(f"the second parameter is the path, a text, not {path!r}")
        if not path.startswith(("/", "?")):
            path = f"/{path}"
        if any(part in ("..", ".") for part in path.split("?")[0].split("/")) or not path.isprintable() or " " in path:
            raise RowFault(f"the path {path} leads elsewhere")
        body = None if not more else dumped(more[0] if len(more) == 1 else more)
        return method.upper(), path, body, ()

    def value(self, arguments: Sequence[Any]) -> Any:
        """The further arguments."""
        return None if len(arguments) < 3 else arguments[2] if len(arguments) == 3 else list(arguments[2:])

    def apart(self, value: Any) -> Any:
        """As it is."""
        return value

    def decode(self, reply: Reply) -> Any:
        """The JSON of the answer, as it is."""
        return answers.plain(reply)


def schemaless(name: str, help: str = "") -> Operation:
    """The one operation of an interface without a schema."""
    parameters = (Parameter("method", "string"), Parameter("path", "string"))
    about = help or "Any method and path; further arguments are the body"
    return Operation(name, "METHOD PATH", parameters, rest=True, help=about, binding=Schemaless())


def _camel(value: Any, descriptor: Any) -> Any:
    """The names protobuf's JSON has: lowerCamelCase, or json_name."""
    if descriptor is None or not isinstance(value, Mapping) or descriptor.full_name.startswith("google.protobuf."):
        return value
    found = {}
    for name, item in value.items():
        field = descriptor.fields_by_name.get(name)
        if field is None:
            found[name] = item
            continue
        inner = field.message_type
        if messages.is_map(field):
            inner = field.message_type.fields_by_name["value"].message_type
            found[field.json_name] = {key: _camel(each, inner) for key, each in item.items()}
        elif isinstance(item, list):
            found[field.json_name] = [_camel(each, inner) for each in item]
        else:
            found[field.json_name] = _camel(item, inner)
    return found


def dumped(value: Any) -> bytes:
    """JSON, without spaces. Raises RowFault for what is none."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_told).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise RowFault(f"the arguments are no JSON: {error}") from None


def _told(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        import base64

        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__}")
