"""What a session does with recordings: make them, play them again, and read them where a source reads the world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from .catalog import Stream
from .connectors import Site, Topics
from .connectors.recording import Recorder, RecordingSource, beside, summary
from .contracts import Source
from .engine.bounds import Bounds
from .engine.rule import Rule
from .errors import ConnectorError, KuiperError, did_you_mean
from .statements import declared_stream
from .windowing.clock import VirtualClock

if TYPE_CHECKING:
    from .session import Session


class Recordings:
    """The part of a `Session` that records and replays."""

    replays: Mapping[str, Path] = MappingProxyType({})
    """Streams that are read from a recording instead of their source."""

    def record(self, stream: str, file: str | Path, *, seconds: float | None = None, rows: int | None = None) -> Rule:
        """Record what the source of *stream* delivers, until so many *seconds* or *rows*, its end, or `stop()`.

        Answers the rule `record_STREAM` that does it; the file is there when that has stopped. `session.rule(…,
        options={"record": file})` records the input of a rule of your own. Raises KuiperError.
        """
        session = cast("Session", self)
        if (replayed := self.recording(stream)) is not None:
            message = f"{stream} is read from the recording {replayed}, so there is nothing new to record"
            raise ConnectorError(message, "record it in a live notebook or session")
        rule = session.rule(
            f"SELECT * FROM `{stream}`", id=f"record_{stream}", options={"record": str(file)}, start=False, keep=1
        )
        rule.bounds = Bounds(rows=rows, ms=None if seconds is None else round(seconds * 1000))
        try:
            rule.start()
        except KuiperError:
            rule.drop()
            raise
        return rule

    def replay(
        self,
        file: str | Path,
        rule: str = "",
        *,
        options: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        keep: int = 100_000,
    ) -> Rule:
        """Play the recording *file* through a rule on a virtual clock that starts where the recording did.

        *rule* is the id of a rule, or a SELECT; without it, the one rule that reads the stream, else all its rows.
        Answers another rule that has read it all: its `emits` are those that the live run gave for the same arrivals,
        byte for byte, every time. Sinks get nothing, and the rules of this session are not touched. Raises KuiperError.
        """
        session, path = cast("Session", self), Path(file)
        held = summary(path)
        with session.beside(VirtualClock(held.start)) as stage:
            stage._topics = Topics()
            stage.replays = {held.stream: path}
            if held.stream not in stage.streams:
                stage.streams[held.stream] = declared_stream(held.statement)
            recipe = {**_recipe(session, rule, held.stream), "keep": keep}
            given = {**(recipe.pop("options", None) or {}), **(options or {})}
            given = {name: value for name, value in given.items() if name not in ("record", "speed")}
            values = {**recipe.pop("parameters", {}), **(parameters or {})}
            made = stage.rule(
                parameters=values, id=rule if rule in session.rules else "replay", options=given, **recipe
            )
            if made.plan.stream.name != held.stream:
                message = f"{path} is a recording of {held.stream}, but the rule reads {made.plan.stream.name}"
                raise KuiperError(message, f"SELECT … FROM {held.stream}")
            made.wait()
        return made

    def recording(self, stream: str) -> Path | None:
        """The recording that *stream* is read from here; None where it is read from its source. Raises KuiperError."""
        session = cast("Session", self)
        if stream not in session.streams:
            raise KuiperError(f"no stream named {stream}", did_you_mean(stream, session.streams))
        source = self._input(session.streams[stream], Site(session.clock, session._topics))
        return source.path if isinstance(source, RecordingSource) else None

    def _input(self, stream: Stream, site: Site) -> Source:
        """A source of *stream*: a recording's where it is replayed, or where it reads the world in bounded mode."""
        session = cast("Session", self)
        if stream.name in self.replays:
            return RecordingSource(self.replays[stream.name], session.clock)
        made = session.source_of(stream, site)
        if session.mode != "bounded" or not getattr(made, "live", False):
            return made
        shipped = beside(stream.name)
        if not shipped.is_file():
            message = f"stream {stream.name} reads the world, and bounded there is no recording {shipped} to replay"
            raise ConnectorError(message, f"in a live notebook: %kuiper record {stream.name} {shipped} --for 10s")
        return RecordingSource(shipped, session.clock)

    def _tape(self, stream: Stream, site: Site, file: Any) -> Callable[[], Recorder | None]:
        """What makes the recorder of a rule with the option record. Raises ConnectorError for what is no file."""
        if file is None or file == "":
            return lambda: None
        if not isinstance(file, (str, Path)):
            raise ConnectorError(f"option record is the name of a file, not {file!r}")
        path, source = Path(file), self._input(stream, site)
        if isinstance(source, RecordingSource) and source.path.resolve() == path.resolve():
            return lambda: None  # it is there already, and read at this moment
        return lambda: Recorder(path, stream)


def _recipe(session: Session, rule: str, stream: str) -> dict[str, Any]:
    """What *rule*, an id or a SELECT, is made of; without it, the rule that reads *stream*, if there is just one."""
    if not rule:
        users = [id for id in session.users("stream", stream) if not id.startswith("record_")]
        rule = users[0] if len(users) == 1 else f"SELECT * FROM `{stream}`"
    if rule in session.rules:
        return {name: value for name, value in session.recipes[rule].items() if name != "actions"}
    if len(rule.split()) == 1:
        raise KuiperError(f"no rule named {rule}", did_you_mean(rule, session.rules) or "a rule's name, or a SELECT")
    return {"sql": rule}
