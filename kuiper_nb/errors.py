"""What can go wrong, drawn as a tree: by whose fault it is.

KuiperError               the user's or the world's; anything else that escapes is our bug
├── SqlError              the statement: carries line, column and a caret
│   ├── ParseError        it is not a sentence of the dialect
│   └── PlanError         it is, but means nothing here: unknown stream, column, function, arity …
├── CatalogError          a definition: unknown, already there, in use
├── ConnectorError        a source or sink: unknown type, bad property, unreadable file
├── FunctionError         a native function: bad signature, reserved name
├── PluginError           a plugin: bad manifest, does not start, name taken, in quarantine
├── ServiceError          a service: bad file, unknown operation, a call that fails outside a rule
├── ClockError            time asked to run backwards
└── NotSupported          part of eKuiper that is not here (yet); always names the part

RowFault is not among them: it is a *value*, the failure of one row, and ends in `rule.errors`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class KuiperError(Exception):
    """A failure that names the thing, the place and, as *hint*, what would have worked.

    *line* and *column* count from 1 and point into *statement*.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        line: int | None = None,
        column: int | None = None,
        statement: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.line = line
        self.column = column
        self.statement = statement

    def caret(self) -> str:
        """The line of the statement that is wrong with a caret under the place; '' when it is not known."""
        if self.statement is None or self.line is None or self.column is None:
            return ""
        lines = self.statement.splitlines() or [""]
        text = lines[min(self.line, len(lines)) - 1]
        shown = text.replace("\t", " ")
        return f"{shown}\n{' ' * (self.column - 1)}^"

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return f"{type(self).__name__}: {self}".splitlines()

    def __str__(self) -> str:
        parts = [self.message, self.caret(), self.hint]
        return "\n".join(part for part in parts if part)


class SqlError(KuiperError):
    """The statement is wrong."""


class ParseError(SqlError):
    """The text is no sentence of the dialect."""


class PlanError(SqlError):
    """The sentence is well formed but cannot be run here."""


class CatalogError(KuiperError):
    """A stream, table, rule or function is unknown, already there or still in use."""


class ConnectorError(KuiperError):
    """A source or sink cannot do what it was asked to."""


class FunctionError(KuiperError):
    """A native function cannot be registered."""


class PluginError(KuiperError):
    """A plugin cannot be added, started or called."""


class ServiceError(KuiperError):
    """A service file is wrong, or a service cannot be called."""


class ClockError(KuiperError):
    """Time was asked to run backwards, or to move where it moves by itself."""


class NotSupported(KuiperError):
    """Part of eKuiper that is not here yet."""


class RowFault(Exception):
    """One row, payload or window failed; the rows beside it go on.

    The message is the cause alone; the stage that meets it adds where ("run Select error: …").
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest of *known*, else all of them when they are few; '' when there is nothing to say."""
    names = sorted(set(known))
    lowered = {n.lower(): n for n in names}
    close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    if close:
        return f"did you mean {lowered[close[0]]}?"
    if 0 < len(names) <= 12:
        return f"known: {', '.join(names)}"
    return ""
