"""`f?` and Shift-Tab on what the user defined for SQL: its Python text, and how SQL calls it.

The front end's question reaches IPython as a bare name, looked up among the names of Python: in a `%%kuiper` cell that
finds the user's functions, and those that are named like one of Python's (`abs`, `max`), but not `tumblingwindow`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import complete
from .known import Known

if TYPE_CHECKING:
    from ..contracts import Function

Fields = list[tuple[str, str]]
"""Heads and texts, as IPython lays them out."""

_MIME = "text/plain"


class Inspecting:
    """What IPython's inspector shows for the things of *shell* that SQL knows; others stay as they are."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._before = shell.inspector.mime_hooks.get(_MIME)

    def register(self) -> None:
        """From now on."""
        self._shell.inspector.mime_hooks[_MIME] = self.fields

    def unregister(self) -> None:
        """No longer; a hook that was there before is there again."""
        hooks = self._shell.inspector.mime_hooks
        if hooks.get(_MIME) == self.fields:
            del hooks[_MIME]
            if self._before is not None:
                hooks[_MIME] = self._before

    def fields(self, data: Any) -> Fields | None:
        """The help as headed fields; None for what is not ours. *data* is IPython's InspectorHookData. Never raises."""
        try:
            found = self._in_sql(data) or self._defined(data)
        except Exception:
            found = None
        if found is None and self._before is not None:
            before: Fields | None = self._before(data)
            return before
        return found

    def _in_sql(self, data: Any) -> Fields | None:
        """When the question comes from a statement: what the name means there."""
        from .help import of_name

        parent: Any = getattr(self._shell, "get_parent", dict)() or {}
        content = parent.get("content", {})
        if parent.get("header", {}).get("msg_type") != "inspect_request":
            return None
        if not complete.is_statement(content.get("code", ""), content.get("cursor_pos", 0)):
            return None
        found = of_name(str(data.info_dict["name"]), Known.now())
        return [("SQL", found)] if found else None

    def _defined(self, data: Any) -> Fields | None:
        """What the user decorated, in Python's own words, and how SQL calls it."""
        from .functionhelp import called, python_signature, streamed, sunk

        known, obj = Known.now(), data.obj
        ways = [(f.name, f.help, called(f)) for f in known.functions.values() if f.origin is obj or _moved(f, obj)]
        ways += [(s.name, s.help, streamed(s)) for s in known.sources.values() if s.make is obj]
        ways += [(s.name, s.help, sunk(s)) for s in known.sinks.values() if s.write is obj]
        if not ways:
            return None
        name, help, lines = ways[0]
        found = [("Signature", python_signature(name, obj)), ("Docstring", help or "<no docstring>")]
        found += [("SQL", "\n".join(lines))]
        code, file = data.info_dict.get("source") if data.detail_level else None, data.info_dict.get("file")
        return [*found, *([("Source", code)] if code else []), *([("File", file)] if file else [])]


def _moved(function: Function, obj: Any) -> bool:
    """Whether the code of *obj*, a function of this notebook, runs as *function* in a plugin of that name."""
    here = getattr(obj, "__module__", None) == "__main__" and getattr(obj, "__name__", None) == function.name
    return here and function.owner == function.name
