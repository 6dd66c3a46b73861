"""A sink that hangs up where it acknowledges is not waited for, whenever that is noticed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pynng
import pytest

from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.nanomsg_sockets import Inbox, Outbox
from kuiper_nb.plugins.nanomsg_streams import SinkRun
from kuiper_nb.plugins.peer import Control, Declined

from .zoo import SECONDS


@dataclass
class Led:
    """A run of a sink, and the plugin's two sockets, led by hand."""

    run: SinkRun
    items: pynng.Pull0
    acks: pynng.Push0

    def fall_silent(self) -> None:
        """The host has read the end of the acknowledgements, and not yet closed where it hands items over."""
        self.acks.close()
        self.run._inbox.close()
        self.run._thread.join(SECONDS)


@pytest.fixture
def led(runtime: Path) -> Iterator[Led]:
    items, acks = f"ipc://{runtime / 'items'}", f"ipc://{runtime / 'acks'}"
    run = SinkRun(Control("keep", "sink", "r1", "op", 0, "", {}), Lines(), lambda: False, confirms=True)
    run.attach(Inbox(acks, gone=lambda: None))
    found = Led(run, pynng.Pull0(listen=items, recv_timeout=5000), pynng.Push0(dial=acks))
    run.attach(Outbox(items, gone=lambda: None))
    yield found
    found.items.close()
    found.acks.close()
    run.end()


def test_who_hands_it_an_item_is_told_at_once_every_time(led: Led) -> None:
    led.fall_silent()

    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(Declined, match="it has ended by itself"):
            led.run.write(b"one", SECONDS)
    assert time.monotonic() - began < SECONDS / 2
