"""`%kuiper record STREAM [FILE]` and `%kuiper replay FILE [RULE]`: recordings, from the notebook."""

from __future__ import annotations

from pathlib import Path

from ..connectors.recording import beside, summary
from ..engine.rule import Rule
from ..errors import KuiperError, did_you_mean
from ..session import Session
from .bounded import bounds
from .cell import Interrupted
from .firstline import FirstLine, FirstLineError
from .views import counted


def record(session: Session, first: FirstLine) -> str:
    """Record a stream: until its bounds or an interrupt; what is pushed, in the background. Raises KuiperError."""
    if not first.name:
        hint = did_you_mean("", session.streams)
        raise FirstLineError("record which stream?", hint or "%kuiper record STREAM FILE --for 10s")
    stream = first.name
    file = first.more[0] if first.more else beside(stream)
    replayed = session.recording(stream)
    if replayed is not None:
        return f"Bounded, {stream} replays a recording, which stays as it is: {_held(replayed)}"
    rule = session.record(stream, file, seconds=first.seconds, rows=first.rows)
    rule.bounds = bounds(rule, first)
    if rule.input == "pushed":
        return f"Rule {rule.id} records what is pushed; %kuiper stop {rule.id} ends it and writes {file}."
    try:
        rule.wait()
    except KeyboardInterrupt:
        rule.stop()
        raise Interrupted(f"the recording has ended: {_held(Path(file))}") from None
    finally:
        rule.drop()
    if rule.status.state == "stopped by error":
        raise KuiperError(f"the recording broke off: {rule.status.message}", f"what there is of it is in {file}")
    return f"{stream} is recorded: {_held(Path(file))}"


def _held(file: Path) -> str:
    held = summary(file)
    seconds = round((held.end - held.start) / 1000, 1)
    return f"{counted(held.payloads, 'payload')} in {seconds:g} s in {file}"


def replay(session: Session, first: FirstLine, select: str) -> Rule:
    """Play a recording to its end; the rule that has read it. Raises KuiperError."""
    if not first.name:
        raise FirstLineError("replay which file?", "%kuiper replay FILE [RULE], or a SELECT behind the file")
    if first.more and select:
        raise FirstLineError(f"{first.more[0]} or a SELECT, not both", "leave one of them out")
    return session.replay(
        first.name, select or (first.more[0] if first.more else ""), options=first.options, parameters=first.parameters
    )
