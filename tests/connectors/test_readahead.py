"""What is read ahead comes in order, prepared on the reading thread, and its error comes last."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from kuiper_nb.connectors.readahead import ReadAhead
from kuiper_nb.contracts import EndOfStream, Payload
from kuiper_nb.errors import ConnectorError

from .draining import drained


class Numbers:
    """Delivers rows with the numbers below *size*, then *end*."""

    bounded = True

    def __init__(self, size: int, end: Exception) -> None:
        self._waiting = iter(range(size))
        self._end = end

    def open(self) -> None: ...

    def poll(self) -> Payload:
        for number in self._waiting:
            return Payload({"n": number})
        raise self._end

    def due(self) -> int:
        return 0

    def close(self) -> None: ...


def test_payloads_come_in_order():
    payloads = drained(ReadAhead(Numbers(50, EndOfStream())))

    assert [payload.data for payload in payloads] == [{"n": number} for number in range(50)]


def test_every_payload_is_prepared_on_the_thread_that_reads():
    source = ReadAhead(Numbers(9, EndOfStream()))
    source.prepare = lambda payload: replace(payload, prepared=threading.current_thread().name)

    assert {payload.prepared for payload in drained(source)} == {"read ahead"}


def test_an_error_comes_after_all_that_was_read_before_it():
    source = ReadAhead(Numbers(3, ConnectorError("the rest is lost")))
    source.open()

    assert [source.poll().data["n"] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ConnectorError, match="the rest is lost"):
        source.poll()
    source.close()


def test_what_cannot_be_prepared_ends_the_source_with_its_error():
    source = ReadAhead(Numbers(3, EndOfStream()))

    def prepare(payload: Payload) -> Payload:
        raise ValueError(f"not {payload.data}")

    source.prepare = prepare
    source.open()

    with pytest.raises(ValueError, match="not "):
        source.poll()
    source.close()
