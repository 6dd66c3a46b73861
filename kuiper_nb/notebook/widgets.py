"""The two views as widgets: what a browser says goes to the pump, and the pump answers; the rest is in static/."""

from __future__ import annotations

from collections import deque
from contextvars import Context
from functools import cache
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from ..engine.rule import Rule
from ..errors import KuiperError
from ..plugins.supervisor import Plugin
from ..session import Session
from .choices import Choices
from .errands import ERRANDS
from .feed import Feed, Frame, fitted
from .followed import Current, Followed
from .placed import PLACES
from .pluginframe import Since, card
from .pluginviews import plugin_view
from .pump import PUMP
from .ruleframe import RuleFrames
from .sessionframe import SessionFrames, done
from .tail import kept
from .views import Place, View, rule_view, session_now


@cache
def script(*names: str) -> str:
    """The files of static/ put together: the front ends load one module, and nothing else from anywhere."""
    return "\n".join((files(__package__) / "static" / name).read_text(encoding="utf-8") for name in names)


class Live(anywidget.AnyWidget):
    """What both views have in common: messages in, frames out, and html and text for whoever has no widgets."""

    _css = script("kuiper.css")
    last = traitlets.Dict().tag(sync=True, to_json=lambda value, widget: widget.feed.last)
    """The newest frame, for a page that is loaded anew while the kernel is busy; before any was sent, what there was
    when the view was made, so that it is never empty."""

    def __init__(self, current: Current, place: Place) -> None:
        self.feed = Feed(self.send)
        self.current = current
        self._place = place
        self._answers: deque[Frame] = deque(maxlen=20)
        self.feed.last = fitted(lambda share: self.frame(share, 0.0))
        super().__init__()
        self.on_msg(self._said)
        PLACES.views.add(self)

    def _said(self, _: Any, message: Any, buffers: Any) -> None:
        """In whatever thread the kernel handles it: it is only put into the queue."""
        if isinstance(message, dict):
            PUMP.post(self, message)

    # ---- in the pump's thread

    def take(self, message: dict[str, Any], context: Context, now: float) -> None:
        """A message from the browser."""
        self.feed.heard(now, context)
        shown = message.get("shown")
        if isinstance(shown, int):
            self.feed.shown(shown)
        if message.get("hello"):
            self.feed.hello()
        if isinstance(message.get("standing"), dict):
            PLACES.tell_what_differs(self, message["standing"])
        if isinstance(message.get("choose"), dict):
            self.choose(message["choose"])
        if isinstance(message.get("action"), str):
            self._ask(message)

    def turn(self, now: float) -> bool:
        """Tell what is new."""
        if self.feed.ready(now):
            answers = [self._answers.popleft() for _ in range(len(self._answers))]
            self.feed.offer(now, lambda share: {**self.frame(share, now), **({"answers": answers} if answers else {})})
        return self.feed.awake

    def stirred(self, now: float) -> bool:
        """What has no beginning can wait for its turn."""
        return False

    @property
    def over(self) -> bool:
        """Whether nobody looks."""
        return not self.feed.awake

    def end(self) -> None:
        """Tell a last time, whether or not somebody has shown the frame before."""
        if self.feed.awake:
            self.feed.hello()
            self.feed.offer(float("inf"), lambda share: self.frame(share, float("inf")))
            self.feed.awake = False

    def _ask(self, message: dict[str, Any]) -> None:
        """Have an action done; its answer goes out with a later frame."""
        kind, name = str(message.get("kind")), str(message.get("name"))

        def errand() -> None:
            answer = _acted(self.current(), message["action"], kind, name)
            self._answers.append({"request": message.get("request"), **answer})

        ERRANDS.run(f"{kind} {name}", errand)

    def choose(self, given: dict[str, Any]) -> None:
        """Take over what somebody chose."""
        raise NotImplementedError

    def frame(self, share: float, now: float) -> Frame:
        """What there is to see, with a share of the rows."""
        raise NotImplementedError

    # ---- without widgets

    def view(self) -> View:
        """The same in text."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return repr(self.view())

    def _repr_mimebundle_(self, **given: Any) -> Any:
        """The widget, and beside it html and text; in bounded mode those alone, which are the same every time."""
        static = {"text/plain": repr(self), "text/html": self.view()._repr_html_()}
        session = self.current()
        if session is not None and session.mode != "live":
            return static
        bundle = super()._repr_mimebundle_(**given)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        return {**data, **static}, metadata


def _acted(session: Session | None, action: str, kind: str, name: str) -> Frame:
    """Do what was asked for; what became of it. Never raises."""
    try:
        if session is None:
            raise KuiperError("there is no session any more", "")
        return {"done": done(session, action, kind, name)[:500]}
    except KuiperError as error:
        return {"failed": str(error)[:500]}
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"[:500]}


class StatusView(Live):
    """Everything in a session, as a table that follows it."""

    _esm = script("parts.js", "places.js", "link.js", "status.js")

    def __init__(self, current: Current, place: Place) -> None:
        self._frames = SessionFrames()
        self._logs_of = ("rule", "")
        super().__init__(current, place)

    def choose(self, given: dict[str, Any]) -> None:
        """Whose log is open."""
        self._logs_of = str(given.get("logs_kind") or "rule"), str(given.get("logs_of") or "")

    def turn(self, now: float) -> bool:
        """Measure, too, while somebody looks."""
        session = self.current()
        if self.feed.awake and session is not None:
            self._frames.measure(session, now)
        return super().turn(now)

    def frame(self, share: float, now: float) -> Frame:
        """Everything there is."""
        session = self.current()
        if session is None:
            return {
                "head": {"mode": "closed", "running": 0, "rules": 0, "memory": 0},
                "rows": [],
                "more": 0,
                "logs": None,
            }
        return self._frames.frame(session, self._logs_of, share)

    def view(self) -> View:
        """The same in text."""
        return session_now(self.current())


class PluginView(Live):
    """One plugin: how it does, what it serves, what it says; it goes on with the one that takes its place."""

    _esm = script("parts.js", "places.js", "link.js", "plugin.js")

    def __init__(self, name: str, current: Current, place: Place) -> None:
        self.name = name
        self._since = Since()
        super().__init__(current, place)

    def _plugin(self) -> Plugin | None:
        session = self.current()
        return None if session is None else session.plugins.get(self.name)

    def choose(self, given: dict[str, Any]) -> None:
        """There is nothing to choose."""

    def frame(self, share: float, now: float) -> Frame:
        """What there is to see of it."""
        session, plugin = self.current(), self._plugin()
        if session is None or plugin is None:
            return {"head": {"name": self.name[:300], "state": "dropped", "started": None, "note": "dropped"}}
        return card(plugin, session, self._since, share)

    def view(self) -> View:
        """The same in text."""
        session, plugin = self.current(), self._plugin()
        if session is None or plugin is None:
            return View((f"plugin {self.name} has been dropped",))
        return plugin_view(plugin, session)


class ResultView(Live):
    """One rule: its newest rows, a chart of them, what failed.

    Without *text* it follows whatever rule has the name *id*; else only one with this statement.
    """

    _esm = script("parts.js", "places.js", "link.js", "chart.js", "result.js")

    def __init__(self, rule: Rule, current: Current, place: Place, *, text: str = "", choices: Choices | None = None):
        self._followed = Followed(rule, current, text)
        self._told = 0
        self.text = text
        self.choices = choices or Choices()
        self._frames = RuleFrames(rule, place)
        super().__init__(current, place)

    @property
    def rule(self) -> Rule:
        """The rule it shows now."""
        return self._followed.rule

    def follow(self) -> str:
        """Turn to the rule that has the name now; what became of it, when there is none that is meant."""
        before, note = self.rule, self._followed.turn()
        if self.rule is not before:
            self._frames = RuleFrames(self.rule, self._place)
            self.choices = self._frames.choose(Choices(), self.choices)
        return note

    def choose(self, given: dict[str, Any]) -> None:
        """What is shown of the rule."""
        self.choices = self._frames.choose(self.choices, self.choices.with_those(given))

    def drawn(self) -> Frame:
        """The chart as it is now, whether or not the view is frozen."""
        return self._frames.drawn(self.choices)

    def stirred(self, now: float) -> bool:
        """Whether rows have come that could be shown at once."""
        return kept(self.rule)[1] != self._told and self.feed.ready(now)

    def frame(self, share: float, now: float) -> Frame:
        """What there is to see of the rule."""
        note = self.follow()
        self._told = kept(self.rule)[1]
        return self._frames.frame(self.choices, share, note)

    def view(self) -> View:
        """The same in text."""
        session = self.current()
        named = None if session is None or self.text else session.rules.get(self.rule.id)
        return rule_view(named or self.rule, self._place)
