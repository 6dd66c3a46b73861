"""One interface of a service, bound: by its protocol, with its connections, its calls and what they come to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..contracts import Answer, Call, Clock
from ..errors import RowFault, ServiceError
from . import secrets, tls
from .address import Address
from .authorization import Authorization
from .batch import Batches, answered
from .cache import Answers
from .caller import Caller
from .cassette import Taped
from .loop import Loop
from .protocol import CallFailed, Interface, Operation, Reply, Request
from .reading import Described
from .retry import Retry
from .schema import Rpc, compiled
from .spec import InterfaceSpec
from .status import InterfaceStatus, Tally
from .transport import HttpTransport

_FUNCTIONS_TOLD = 200
_TOLD_BYTES = 2000


@dataclass(frozen=True)
class Dry:
    """One call outside of any rule: what was asked, what came back, how long it took."""

    function: str
    request: str
    reply: str = ""
    value: Any = field(default=None, repr=False)
    error: str = ""
    seconds: float = 0.0


class Bound:
    """One interface, ready to be called."""

    def __init__(self, name: str, spec: InterfaceSpec, described: Described, loop: Loop, clock: Clock) -> None:
        self.name = name
        self.spec = spec
        self.address = Address.of(spec.address)
        self.tally = Tally()
        self._loop = loop
        self._tokens: HttpTransport | None = None
        self.files: tuple[Path, ...] = ()
        options = spec.options
        self.authorization = Authorization(options.auth, options.headers, self.address.user, self._token)
        self.interface = Taped(name, self._made(described))
        self.cache = Answers(options.cache, clock.now) if options.cache is not None else None
        self.caller = Caller(
            self.interface,
            Retry.of(options),
            options.deadline,
            options.rate,
            self.authorization,
            self.tally.attempted,
            options.concurrency,
        )
        keyed_by = options.cache.key if options.cache is not None else ()
        self.batches = Batches(
            self.interface, self.caller, loop, options.concurrency, self.cache, keyed_by, options.batch
        )

    # ---- by protocol

    def _made(self, described: Described) -> Interface:
        spec = self.spec
        if spec.options.batch is not None and spec.protocol != "rest":
            raise ServiceError(
                f"interface {self.name}: batch is for rest", "leave it out: calls run side by side anyway"
            )
        match spec.protocol:
            case "rest":
                return self._rest(described)
            case "grpc":
                return self._grpc(described)
            case "msgpack-rpc":
                return self._msgpack(described)

    def _rest(self, described: Described) -> Interface:
        from .rest import Rest, operation_of, schemaless

        if self.address.scheme not in ("http", "https", "tcp"):
            raise ServiceError(
                f"interface {self.name}: rest is not asked at {self.address.shown}", "http:// or https://"
            )
        context = tls.context(self.spec.options, described.folders) if self.address.secure else None
        options = self.spec.options
        transport = HttpTransport(
            self.address,
            context,
            self.authorization,
            options.max_response,
            options.concurrency,
            http2=options.http2,
        )
        if self._is_openapi():
            from .openapi import operations

            found, self.files = operations(self.spec, described)
            named = {operation.name: operation for operation in _renamed(found, self.spec)}
        elif self._has_schema():
            named = self._named(described, operation_of)
        else:
            named = {self.name: schemaless(self.name, self.spec.description)}
        return Rest(named, self.address.path, self.address, self.authorization, transport)

    def _grpc(self, described: Described) -> Interface:
        from .grpc import Grpc, credentials, operation_of

        secure = self.address.secure or self.spec.options.tls is not None
        if secure and self.spec.options.insecure_skip_verify:
            hint = "give its certificate as tls: {ca: …}"
            raise ServiceError(f"interface {self.name}: gRPC verifies every certificate", hint)
        try:
            shown = credentials(self.spec.options, described.folders) if secure else None
        except OSError as error:
            raise ServiceError(
                f"interface {self.name}: tls: {error}", "ca, cert and key are paths of PEM files"
            ) from None
        made = Grpc({}, self.address, shown, self.authorization, self.spec.options)
        if self.spec.reflection:
            from .reflection import reflected

            rpcs = self._loop.run(reflected(made, self.spec.options.deadline)).result()
            made.operations = self._operations(rpcs, operation_of)
        elif self._has_schema():
            made.operations = self._named(described, operation_of)
        else:
            raise ServiceError(
                f"interface {self.name}: gRPC needs a schema", "schemaFile: x.proto, or reflection: true"
            )
        return made

    def _msgpack(self, described: Described) -> Interface:
        from .msgpack_rpc import MsgpackRpc, operation_of, schemaless

        if self._has_schema():
            named = self._named(described, operation_of)
        else:
            named = {self.name: schemaless(self.name, self.spec.description)}
        return MsgpackRpc(named, self.address, self.spec.options.max_response)

    def _is_openapi(self) -> bool:
        told = self.spec.schema_type
        return told == "openapi" or (told is None and self.spec.schema_file.endswith((".yaml", ".yml", ".json")))

    def _has_schema(self) -> bool:
        if self.spec.schemaless:
            return False
        if not self.spec.schema_file and not self.spec.schema_text:
            hint = "schemaFile: x.proto, or schemaless: true"
            raise ServiceError(f"interface {self.name} has no schema", hint)
        return True

    def _named(self, described: Described, make: Callable[[Rpc, str], Operation]) -> dict[str, Operation]:
        schema = compiled(self.spec.schema_file, self.spec.schema_text, described.folders)
        self.files = schema.files
        return self._operations(schema.rpcs, make)

    def _operations(self, rpcs: Sequence[Rpc], make: Callable[[Rpc, str], Operation]) -> dict[str, Operation]:
        """Every rpc, by its alias where `functions` gives one."""
        aliases = {each.service_name or each.name: each.name for each in self.spec.functions}
        known = [rpc.name for rpc in rpcs]
        for wanted in aliases:
            if wanted not in known:
                raise ServiceError(
                    f"interface {self.name}: there is no rpc {wanted}", f"the schema has {', '.join(known)}"
                )
        for rpc in rpcs:
            if rpc.streams_in and rpc.name in aliases:
                message = f"interface {self.name}: {rpc.name} takes a stream, which a function has none of"
                raise ServiceError(message, "rpcs that take one message")
        found = [make(rpc, aliases.get(rpc.name, rpc.name)) for rpc in rpcs if not rpc.streams_in]
        return {operation.name: operation for operation in found}

    # ---- authorization

    async def _token(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """From the server of tokens, which the file names too."""
        if self._tokens is None:
            address = Address.of(url)
            nobody = Authorization(None, {}, "", self._token)
            context = tls.context(self.spec.options, ()) if address.secure else None
            self._tokens = HttpTransport(address, context, nobody, 1 << 20, 2)
        address = Address.of(url)
        asked = Request(Operation("token", "POST"), f"POST {address.path or '/'}", body, tuple(headers.items()))
        return await self._tokens.send(asked, self.spec.options.deadline)

    # ---- calls

    def answer(self, operation: Operation, call: Call, now: int) -> Answer:
        """A batch."""
        outcomes, rows = self.batches.answer(operation, call)
        self.tally.answered(call.rows)
        policy = self.spec.options.on_error

        def failed(row: int, message: str) -> None:
            shown = secrets.masked(f"{operation.name}({', '.join(_told(each) for each in rows[row])}): {message}")
            self.tally.last_failure = shown[:500]
            if policy == "deadLetter":
                letter = {"function": operation.name, "arguments": list(rows[row]), "error": message, "at": now}
                self.tally.letters.append(letter)

        return answered(operation, outcomes, policy, failed)

    def dry(self, operation: Operation, arguments: Sequence[Any]) -> Dry:
        """One call, with all there is to see."""
        try:
            request = self.interface.encode(operation, arguments)
        except RowFault as fault:
            return Dry(operation.name, "", error=fault.message)
        shown = secrets.masked(self.interface.shown(request))
        seen: list[Reply] = []

        def decode(operation: Operation, reply: Reply) -> Any:
            seen.append(reply)
            return self.interface.decode(operation, reply)

        began = time.perf_counter()
        future = self._loop.run(self.caller.call(request, decode))
        try:
            value, error = future.result(), ""
        except CallFailed as failed:
            value, error = None, secrets.masked(failed.message)
        except BaseException:
            future.cancel()
            raise
        took = time.perf_counter() - began
        reply = secrets.masked(_reply(seen[-1])) if seen else ""
        return Dry(operation.name, shown, reply, value, error, took)

    def status(self) -> InterfaceStatus:
        """A snapshot."""
        tally, measured = self.tally, self.tally.measured
        return InterfaceStatus(
            name=self.name,
            protocol=self.spec.protocol,
            address=self.address.shown,
            functions=tuple(self.interface.operations),
            reachable=tally.reachable,
            breaker=self.caller.host.open,
            calls=measured.calls,
            rows=tally.rows,
            rate=measured.rate,
            p50=measured.p50,
            p99=measured.p99,
            errors=dict(tally.errors),
            hits=self.cache.hits if self.cache is not None else 0,
            last_failure=tally.last_failure,
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self.interface.close()
        if self._tokens is not None:
            await self._tokens.close()


def _renamed(found: Sequence[Operation], spec: InterfaceSpec) -> list[Operation]:
    from dataclasses import replace

    aliases = {each.service_name: each.name for each in spec.functions}
    return [replace(operation, name=aliases.get(operation.name, operation.name)) for operation in found]


def _told(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"


def _reply(reply: Reply) -> str:
    """What came, with the one header that says how to read it: the others differ from call to call."""
    kind = reply.headers.get("content-type", "")
    head = [f"status {reply.status}", *([f"content-type: {kind}"] if kind else [])]
    body = "\n".join(part[:_TOLD_BYTES].decode("utf-8", "replace") for part in reply.parts[:20] if _is_text(part))
    return "\n".join([*head, "", body]).rstrip()


def _is_text(part: bytes) -> bool:
    try:
        return part[:_TOLD_BYTES].decode("utf-8", "ignore").isprintable() or b"\n" in part
    except UnicodeDecodeError:
        return False
