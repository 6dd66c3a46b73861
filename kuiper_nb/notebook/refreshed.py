"""Views for pages that hear nothing between two cells: plain html, and below it how it is brought up to date.

Google Colab is such a page. It has no widgets without fetching their manager from elsewhere, and drops what threads
send while no cell runs; but its pages can call what is registered here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from html import escape
from importlib import import_module
from typing import Any

from IPython.display import JSON

import kuiper_nb

from ..functions.places import said
from .views import View, rule_view, session_now

CALLED = "kuiper_nb.refresh"
"""The name by which a page of Colab calls."""
RUN_AGAIN = "This page shows what is new only while a cell runs; run this one again for the newest."
_PRESS = "This page shows what is new only while a cell runs; Refresh asks for the newest."

_BUTTON = """(async (button) => {
  button.disabled = true;
  const [shown, told] = [button.parentElement.previousElementSibling, button.nextElementSibling];
  try {
    const named = [button.dataset.kind, button.dataset.name];
    const answer = await google.colab.kernel.invokeFunction("%s", named, {});
    shown.innerHTML = answer.data["application/json"].html;
  } catch (error) {
    told.textContent = "The kernel does not answer; run the cell again.";
  }
  button.disabled = false;
})(this)"""


def in_colab() -> bool:
    """Whether this is a kernel of Google Colab."""
    return "google.colab" in sys.modules


class Refreshed:
    """A view as it is when it is shown. Where its page can ask for it again, it does so with the words *asked*: a kind
    ("rule" or "status") and a name, in the notebook's session; () when it is not to ask."""

    def __init__(self, view: Callable[[], View], asked: tuple[str, ...]) -> None:
        self._view = view
        self._asked = asked if in_colab() else ()
        if self._asked:
            _answer()

    def __repr__(self) -> str:
        return repr(self._view())

    def _repr_html_(self) -> str:
        return f"<div>{self._view()._repr_html_()}</div><div>{self._below()}</div>"

    def _below(self) -> str:
        if not self._asked:
            return f"<i>{RUN_AGAIN}</i>"
        kind, name = self._asked
        pressed = escape(_BUTTON % CALLED)
        return (
            f'<button data-kind="{escape(kind)}" data-name="{escape(name)}" onclick="{pressed}">Refresh</button>'
            f" <i>{_PRESS}</i>"
        )


@cache
def _answer() -> None:
    """From now on pages are answered."""
    import_module("google.colab.output").register_callback(CALLED, _answered)


def _answered(kind: str, name: str) -> Any:
    session = kuiper_nb._session
    rule = session.rules.get(name) if session is not None and kind == "rule" else None
    if kind == "rule":
        view = rule_view(rule, said) if rule is not None else View((f"no rule is named {name} any more",))
    else:
        view = session_now(session)
    return JSON({"html": view._repr_html_()})  # type: ignore[no-untyped-call]
