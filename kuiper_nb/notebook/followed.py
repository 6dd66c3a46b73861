"""The rule that a view is of: while it is shown, the rule of that name may be replaced, compiled anew or dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine.rule import Rule
    from ..session import Session

Current = Callable[[], "Session | None"]
"""Answers the session that a view is of, None when there is none."""


class Followed:
    """Without *text* whatever rule has the name; else only one with this statement."""

    def __init__(self, rule: Rule, current: Current, text: str = "") -> None:
        self.rule = rule
        self._current = current
        self._text = text

    def turn(self) -> str:
        """Turn to the rule that has the name now; what became of it, when there is none that is meant."""
        session = self._current()
        named = session.rules.get(self.rule.id) if session is not None else None
        if named is None:
            return "dropped" if session is not None else "the session has been closed"
        if named is not self.rule and self._text and named.plan.text != self._text:
            return "replaced by another statement"
        self.rule = named
        return ""
