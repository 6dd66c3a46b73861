"""Live for a person, bounded and on virtual time for a machine that runs the notebook: which, and its session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from ..errors import KuiperError, did_you_mean

if TYPE_CHECKING:
    from ..session import Session

Running = Literal["live", "bounded"]
MODES = ("auto", "live", "bounded")
VARIABLE = "KUIPER_NB_MODE"
START = 1_704_067_200_000
"""Where the clock of a bounded notebook starts: 2024-01-01 00:00:00 UTC, in ms."""


def decided(configured: str, environment: Mapping[str, str], shell: Any) -> Running:
    """The mode: as configured, else as the environment says, else by whether somebody could answer a question.

    Raises KuiperError for a word that is no mode.
    """
    for wanted in (configured, environment.get(VARIABLE, "auto").strip().lower() or "auto"):
        if wanted in ("live", "bounded"):
            return cast("Running", wanted)
        if wanted != "auto":
            raise KuiperError(f"{VARIABLE}={wanted} is no mode", did_you_mean(wanted, MODES))
    return "live" if _attended(shell) else "bounded"


def _attended(shell: Any) -> bool:
    """Whether a person is there: those who execute notebooks for a machine allow no input."""
    parent: Any = getattr(shell, "get_parent", dict)()
    content = parent.get("content") if isinstance(parent, dict) else None
    return not (isinstance(content, dict) and content.get("allow_stdin") is False)


def opened(mode: Running) -> Session:
    """A new session for a notebook in *mode*."""
    from ..session import Session
    from ..windowing.clock import VirtualClock

    session = Session(clock=VirtualClock(START)) if mode == "bounded" else Session()
    session.mode = mode
    return session


def beside(session: Session, mode: Running) -> Session:
    """A session of the other mode with the same definitions, for a single cell."""
    from ..windowing.clock import SystemClock, VirtualClock

    other = session.beside(VirtualClock(START) if mode == "bounded" else SystemClock())
    other.mode = mode
    return other
