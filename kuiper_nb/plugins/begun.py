"""A process of a plugin, from its launch until it has said what it is."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import PluginError
from .crashes import Policy
from .hello import Hello
from .lines import Lines
from .peer import Declined, Lost, Peer

Launch = Callable[[Lines], Peer]
"""Starts a process of the plugin. Raises PluginError, or OSError."""


def begun(name: str, lines: Lines, launch: Launch, policy: Policy, *, loaded: bool = False) -> tuple[Peer, Hello]:
    """A new process, and its hello; *loaded*: when it can be called, too. Raises PluginError, with what it has written
    to *lines* before it failed.
    """
    before = lines.total
    try:
        peer = launch(lines)
    except OSError as error:
        raise PluginError(f"plugin {name} does not start: {error}") from None
    try:
        hello = peer.ready(policy.start)
        if loaded:  # nobody is to wait for that who has the old one
            peer.await_calls()
        return peer, hello
    except (Lost, Declined) as why:
        peer.close()
        tail = "\n".join(line.text for line in lines.since(before, 40) if line.origin != "stdout")
        raise PluginError(f"plugin {name} does not start: {why}", tail) from None
