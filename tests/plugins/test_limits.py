"""What no message may hold: it is an error that says so, and nothing else is lost with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from kuiper_nb.errors import PluginError
from kuiper_nb.plugins.peer import Control
from kuiper_nb.plugins.supervisor import Plugin

from .conftest import PATIENCE, Collected, Written

LIMITED = """
    @source
    def large(of: int):
        yield {"n": 0, "x": "x" * of}
        for n in range(1, 200): yield {"n": n, "x": "x" * 1000}
    @sink
    def kept(rows): pass
"""


@pytest.fixture
def limited(written: Written) -> Iterator[Plugin]:
    """A plugin whose messages hold 64 KiB."""
    program = written(LIMITED)
    object.__setattr__(program, "most", 64 << 10)
    mirror = Plugin("mirror", program)
    mirror.start()
    yield mirror
    mirror.stop()


def test_rows_of_a_source_that_no_message_holds_together_come_in_several(limited: Plugin):
    inlet, control = Collected(), Control("large", "source", "r1", "op", 0, "", {"of": "1000"})

    limited.begin(control, inlet)
    inlet.wait(lambda: bool(inlet.end))

    assert [row["n"] for row in inlet.items] == list(range(200))


def test_a_row_of_a_source_that_no_message_holds_is_an_error_and_the_others_come(limited: Plugin):
    inlet, control = Collected(), Control("large", "source", "r1", "op", 0, "", {"of": str(2 << 20)})

    limited.begin(control, inlet)
    inlet.wait(lambda: bool(inlet.end))

    assert inlet.items[0] == "2 MiB of a source are more than one message may hold (0 MiB)"
    assert [row["n"] for row in inlet.items[1:]] == list(range(1, 200))
    assert limited.status.restarts == 0


def test_an_emit_that_no_message_holds_is_an_error_of_its_own(limited: Plugin):
    control = Control("kept", "sink", "r1", "op")
    limited.begin(control, None)

    with pytest.raises(PluginError, match="2 MiB of one emit are more than one message may hold"):
        limited.write(control, [{"x": "x" * (2 << 20)}])
    limited.write(control, [{"x": "x"}])

    assert limited.status.restarts == 0


def test_a_plugin_that_sends_more_than_a_message_may_hold_all_the_same_is_lost(written: Written):
    """Also where nobody waits for an answer: from a source."""
    program = written("""
        from kuiper_nb.plugins.sdk import streams
        streams.too_long = lambda payload, most: False
        @source
        def large(): yield {"x": "x" * (2 << 20)}
    """)
    object.__setattr__(program, "most", 1 << 20)
    mirror = Plugin("mirror", program)
    mirror.start()
    inlet, control = Collected(), Control("large", "source", "r1", "op")
    told: list[str] = []
    over = threading.Event()

    def lost(why: str) -> None:
        told.append(why)
        mirror.stop()
        over.set()

    assert mirror._peer is not None
    mirror._peer.on_lost(lost)

    mirror.begin(control, inlet)

    assert over.wait(PATIENCE)
    assert "more in one message than `limits.message` allows" in told[0]
    assert inlet.items == []
