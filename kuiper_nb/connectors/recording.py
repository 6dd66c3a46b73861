"""Recordings: what a source delivered, payload by payload with its arrival, written to a file and played again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..catalog import Stream
from ..contracts import Clock, EndOfStream, Payload
from ..errors import ConnectorError
from ..formats import recording as lines

FOLDER = "recordings"


def beside(stream: str) -> Path:
    """Where the recording of *stream* lies, beside the notebook: `recordings/STREAM.jsonl`."""
    return Path(FOLDER) / f"{stream.replace('/', '_').replace(chr(92), '_')}.jsonl"


class Recorder:
    """Writes a rule's input to *path*, in a file of its own until it is whole, so that a cut one replaces nothing."""

    def __init__(self, path: Path, stream: Stream) -> None:
        self.path = path
        self._stream = stream
        self._file: BinaryIO | None = None
        self._latest = 0

    @property
    def _part(self) -> Path:
        return self.path.with_name(self.path.name + ".part")

    def start(self, at: int) -> None:
        """The rule starts *at* (ms). Raises ConnectorError when the file cannot be written."""
        self._latest = at
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._part.open("wb")
        except OSError as error:
            raise ConnectorError(f"{self.path} cannot be written: {error.strerror}") from error
        head = {"recording": lines.VERSION, "stream": self._stream.name, "statement": self._stream.statement}
        self._write({**head, "start": at})

    def take(self, payloads: Sequence[Payload], now: int, floor: int) -> None:
        """The payloads of one step at *now* (ms); none of them arrives before *floor*. Raises ConnectorError."""
        self._latest = max(self._latest, now)
        for number, payload in enumerate(payloads, 1):
            floor = max(floor, payload.at or 0)
            at = now if payload.at is None else max(payload.at, floor)
            self._latest = max(self._latest, at)
            self._write(lines.entry(payload, at, more=number < len(payloads)))
        if payloads and self._file is not None:
            self._file.flush()

    def close(self, *, ended: bool) -> None:
        """The rule has stopped; *ended*: because its input had come to an end."""
        if self._file is None:
            return
        self._write({"end": self._latest, "ended": True} if ended else {"end": self._latest})
        self._file.close()
        self._file = None
        self._part.replace(self.path)

    def _write(self, entry: dict[str, Any]) -> None:
        assert self._file is not None
        try:
            self._file.write(lines.line(entry))
        except OSError as error:
            raise ConnectorError(f"{self.path} cannot be written: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Summary:
    """What a recording holds: its stream and the CREATE STREAM of that, *start* and *end* (ms), *payloads*."""

    stream: str
    statement: str
    start: int
    end: int
    payloads: int


class RecordingSource:
    """Plays the recording at *path* on the clock: every payload as long after the start as when it was recorded.

    One that was stopped stops again, without its last windows; one whose input ended ends.
    """

    bounded = True
    paced = True

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._entries: Iterator[dict[str, Any]] | None = None
        self._head: dict[str, Any] | None = None
        self._shift = 0
        self._over = False
        self.more = False
        self.complete = False

    def open(self) -> None:
        """Starts at the first line. Raises ConnectorError when there is no such recording."""
        head, self._entries = _opened(self.path)
        self._shift = self._clock.now() - head["start"]
        self._over = False
        self._head = next(self._entries)

    def poll(self) -> Payload | None:
        """The next payload whose time has come; EndOfStream at the recording's end."""
        due = self.due()
        if due is None or (due > self._clock.now() and not self.more):
            return None
        assert self._head is not None
        assert self._entries is not None
        entry = self._head
        if "end" in entry:
            self._over, self.more, self.complete = True, False, bool(entry.get("ended", False))
            raise EndOfStream
        try:
            payload = lines.payload(entry, self._shift)
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise ConnectorError(f"{self.path}: a payload that arrived at {entry['at']} is damaged: {error}") from error
        self.more = bool(entry.get("more", False))
        self._head = next(self._entries)
        return payload

    def due(self) -> int | None:
        """When the next payload comes, or the end (ms)."""
        if self._head is None or self._over:
            return None
        return int(self._head.get("at", self._head.get("end", 0))) + self._shift

    def close(self) -> None:
        """Closes the file."""
        closing, self._entries, self._head = self._entries, None, None
        if closing is not None:
            closing.close()  # type: ignore[attr-defined]


def summary(path: Path) -> Summary:
    """What the recording at *path* holds. Raises ConnectorError when there is none, or it is damaged."""
    head, entries = _opened(path)
    count, end = 0, head["start"]
    for entry in entries:
        count += "at" in entry
        end = entry.get("at", entry.get("end", end))
    return Summary(str(head["stream"]), str(head.get("statement", "")), head["start"], end, count)


def _opened(path: Path) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """The first line, and the others; the last of them is always an end, even if the file breaks off."""
    if not path.is_file():
        hint = f"in a live notebook: %kuiper record STREAM {path} --for 10s"
        raise ConnectorError(f"there is no recording {path}", hint)
    entries = _entries(path)
    head = next(entries, {})
    if head.get("recording") != lines.VERSION or not isinstance(head.get("start"), int):
        entries.close()  # type: ignore[attr-defined]
        raise ConnectorError(f"{path} is no recording", "%kuiper record STREAM FILE makes one")
    return head, _until_the_end(entries, head["start"])


def _until_the_end(entries: Iterator[dict[str, Any]], latest: int) -> Iterator[dict[str, Any]]:
    for entry in entries:
        yield entry
        if "end" in entry:
            return
        latest = entry["at"]
    yield {"end": latest}


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if not text.endswith(b"\n"):
                return  # the recording was cut off in the middle of a line
            try:
                entry = json.loads(text)
            except ValueError:
                entry = None
            known = isinstance(entry, dict) and any(isinstance(entry.get(k), int) for k in ("recording", "at", "end"))
            if not known:
                raise ConnectorError(f"{path}: line {number} is no line of a recording")
            yield entry
