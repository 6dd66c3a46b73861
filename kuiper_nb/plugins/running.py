"""The sources and sinks that rules have in a plugin, whichever of its processes they are in at the moment."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Literal

from .peer import Control, Declined, Inlet, Lost, Peer

Kind = Literal["source", "sink"]


class Running:
    """By their run. They move as a whole: stopped in one process, then started in another."""

    def __init__(self) -> None:
        self._all: dict[str, tuple[Control, Inlet | None]] = {}

    def add(self, control: Control, inlet: Inlet | None) -> None:
        """From now on it is in every process of the plugin."""
        self._all[control.run] = control, inlet

    def remove(self, control: Control) -> None:
        """From now on it is in none."""
        self._all.pop(control.run, None)

    @property
    def users(self) -> dict[str, int]:
        """How many of them each rule has."""
        return dict(Counter(control.rule for control, _ in list(self._all.values())))

    def start(self, kind: Kind, peer: Peer, seconds: float) -> list[Control]:
        """Start all of *kind* in a process. Raises Lost, and Declined for the first that it does not start."""
        begun = []
        for control, inlet in self._of(kind):
            peer.start(control, inlet, seconds)
            begun.append(control)
        return begun

    def start_again(self, kind: Kind, peer: Peer, seconds: float) -> list[Control]:
        """Start all of *kind* where they ran before; a source that is declined there has ended for its rule."""
        begun = []
        for control, inlet in self._of(kind):
            try:
                peer.start(control, inlet, seconds)
                begun.append(control)
            except Declined as why:
                if inlet is not None:
                    inlet.failed(why.why, why.where)
            except Lost:  # whoever looks after the process starts it again, and them
                break
        return begun

    def stop_ended(self, peer: Peer, begun: list[Control], seconds: float) -> None:
        """Stop those that their rule has ended while they began in a process that it did not know yet."""
        for control in begun:
            if control.run not in self._all:
                stopped(peer, control, seconds)

    def stop(self, peer: Peer, seconds: float) -> None:
        """Stop all of them in a process."""
        for control, _ in list(self._all.values()):
            stopped(peer, control, seconds)

    def _of(self, kind: Kind) -> list[tuple[Control, Inlet | None]]:
        return [each for each in list(self._all.values()) if each[0].kind == kind]


def stopped(peer: Peer | None, control: Control, seconds: float) -> None:
    """Stop a source or sink, where there still is one."""
    if peer is not None and not peer.lost:
        with contextlib.suppress(Lost, Declined):
            peer.stop(control, seconds)
