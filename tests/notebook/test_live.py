"""Live views without a browser: what is put under a cell, what goes over the wire, what stays behind."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from types import ModuleType
from typing import Any

import pytest

import kuiper_nb
from kuiper_nb import KuiperError
from kuiper_nb.notebook import live as places
from kuiper_nb.notebook import refreshed
from kuiper_nb.notebook.placed import PLACES, Placed
from kuiper_nb.notebook.pump import PUMP

from .conftest import Notebook

WIDGET = "application/vnd.jupyter.widget-view+json"
SOON = 10.0


class FrontEnd:
    """A front end with widgets: it keeps what was displayed, by its display id."""

    def __init__(self) -> None:
        self.shown: dict[str, list[dict[str, Any]]] = {}
        self.updated = threading.Event()

    def publish(
        self, data: Any, metadata: Any = None, *, transient: Any = None, update: bool = False, **rest: Any
    ) -> None:
        self.shown.setdefault((transient or {}).get("display_id", ""), []).append(data)
        if update:
            self.updated.set()

    @property
    def last(self) -> dict[str, Any]:
        return [data for shown in self.shown.values() for data in shown][-1]


@pytest.fixture
def front(live: Notebook, monkeypatch: pytest.MonkeyPatch) -> Iterator[FrontEnd]:
    """The front end of the notebook `live`."""
    made = FrontEnd()
    monkeypatch.setattr(places, "has_front_end", lambda shell: True)
    monkeypatch.setattr(live.shell.display_pub, "publish", made.publish)
    monkeypatch.setattr(places, "get_ipython", lambda: live.shell)
    yield made
    PUMP.close()


def run(notebook: Notebook, cell: str) -> Any:
    """Run a cell as a kernel does: what it displays goes to the front end."""
    result = notebook.shell.run_cell(cell, store_history=True)
    assert result.success, result
    return result.result


def until(true: Callable[[], bool]) -> None:
    """Wait for the pump to get there."""
    ticking = threading.Event()
    for _ in range(round(SOON / 0.02)):
        if true():
            return
        ticking.wait(0.02)
    raise AssertionError("it never came")


def places_of(front: FrontEnd) -> list[Placed]:
    """The views under the cells of a notebook that are known yet."""
    return [PLACES._standing[id] for id in front.shown if id in PLACES._standing]


class Browser:
    """The other end of a view: it acknowledges, or it does not."""

    def __init__(self, view: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.frames: list[dict[str, Any]] = []
        self.view = view
        view.feed._send = self.frames.append

    def say(self, **message: Any) -> None:
        PUMP.post(self.view, message)

    def shown(self) -> None:
        self.say(shown=max((frame.get("number", 0) for frame in self.frames), default=0))

    def wait_for(self, true: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The first frame that is so; all are acknowledged."""
        found: list[dict[str, Any]] = []

        def seen() -> bool:
            self.shown()
            found.extend(frame for frame in self.frames if true(frame))
            return bool(found)

        until(seen)
        return found[0]


def test_a_live_rule_has_a_view_under_its_cell_and_html_and_text_beside_it(live: Notebook, front: FrontEnd) -> None:
    rule = run(live, "%%kuiper hot\nSELECT a FROM demo")

    (((display_id, (data,))),) = front.shown.items()
    assert display_id
    assert set(data) == {WIDGET, "text/html", "text/plain"}
    assert data["text/plain"] == "Rule hot is running (live): 0 rows in, 0 out"
    assert (rule.id, rule.active) == ("hot", True)


def test_when_the_rule_stops_its_last_state_is_all_that_stays(live: Notebook, front: FrontEnd) -> None:
    run(live, "%%kuiper hot\nSELECT a FROM demo")
    run(live, "kuiper.push('demo', [{'a': '<b>'}])\nkuiper.session().settle()\nNone")

    kuiper_nb.session().rules["hot"].stop()
    assert front.updated.wait(SOON)

    assert set(front.last) == {"text/html", "text/plain"}
    assert front.last["text/plain"].splitlines() == ["Rule hot is stopped: 1 row in, 1 out", "a", "───", "<b>"]
    assert "&lt;b&gt;" in front.last["text/html"]


def test_it_is_followed_in_its_old_place_when_it_is_started_again(live: Notebook, front: FrontEnd) -> None:
    rule = run(live, "%%kuiper hot\nSELECT a FROM demo")
    rule.stop()
    assert front.updated.wait(SOON)

    front.updated.clear()
    rule.start()

    assert front.updated.wait(SOON)
    ((first, left, again),) = front.shown.values()
    assert set(left) == {"text/html", "text/plain"}
    assert again[WIDGET] == first[WIDGET]
    assert again["text/plain"].startswith("Rule hot is running (live)")


def test_a_rule_that_is_dropped_leaves_nothing_to_watch(live: Notebook, front: FrontEnd) -> None:
    run(live, "%%kuiper hot\nSELECT a FROM demo")

    run(live, "%kuiper drop hot")

    assert front.updated.wait(SOON)
    until(lambda: not PUMP.threaded)


def test_the_chart_that_was_picked_is_in_what_stays(
    live: Notebook, front: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = run(live, "%%kuiper hot\nSELECT ts, a, d FROM demo")
    (view,) = {standing._view for standing in places_of(front)}
    browser = Browser(view, monkeypatch)
    for n in range(3):
        kuiper_nb.push("demo", {"ts": 1_700_000_000_000 + n, "a": n, "d": "<x>"})
    kuiper_nb.session().settle()
    browser.say(hello=True)
    browser.say(choose={"chart": "line", "by": "d"})
    browser.wait_for(lambda frame: (frame.get("chart") or {}).get("series"))

    rule.stop()
    assert front.updated.wait(SOON)

    assert front.last["text/plain"].splitlines()[-1] == "chart of <x>: newest 2, from 0 to 2"
    assert '<path data-series="&lt;x&gt;"' in front.last["text/html"]
    assert front.last["text/html"].index("<table>") < front.last["text/html"].index("<svg")


def test_a_page_that_was_loaded_anew_is_told_what_stands_there_now(
    live: Notebook, front: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = run(live, "%%kuiper hot\nSELECT a FROM demo")
    (mark,) = {standing.id: standing.number for standing in places_of(front)}.items()
    rule.stop()
    assert front.updated.wait(SOON)
    browser = Browser(kuiper_nb.status(), monkeypatch)

    browser.say(hello=True, standing=dict([mark]))
    placed = browser.wait_for(lambda frame: frame.get("placed"))["placed"]
    browser.frames.clear()
    browser.say(hello=True, standing={placed["view"]: placed["number"], "another": 1})
    browser.wait_for(lambda frame: "rows" in frame)

    assert (placed["view"], placed["data"]) == (mark[0], front.last)
    assert placed["metadata"] == {"kuiper_nb": {"view": mark[0], "number": placed["number"]}}
    assert not any("placed" in frame for frame in browser.frames)


def test_only_so_many_views_of_rules_that_have_stopped_are_kept(live: Notebook, front: FrontEnd) -> None:
    run(live, "%%kuiper hot --quiet\nSELECT a FROM demo")
    rule = kuiper_nb.session().rules["hot"]
    for _ in range(25):
        run(live, "kuiper.rules['hot']")
    rule.stop()
    until(lambda: len(front.shown) == 25 and all(len(shown) == 2 for shown in front.shown.values()))

    rule.start()
    run(live, "kuiper.rules['hot']")

    assert len(places_of(front)) <= 21


def test_a_cell_that_runs_again_has_one_view(live: Notebook, front: FrontEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    run(live, "%%kuiper hot --quiet\nSELECT a FROM demo")
    for number in range(3):
        parent = {"metadata": {"cellId": "the same"}, "header": {"msg_id": str(number)}}
        monkeypatch.setattr(live.shell, "get_parent", lambda parent=parent: parent, raising=False)
        run(live, "kuiper.rules['hot']")

    assert [len(front.shown), len(places_of(front))] == [3, 1]


def test_a_rule_that_its_stream_compiles_anew_is_followed_on(live: Notebook, front: FrontEnd) -> None:
    run(live, "%%kuiper hot\nSELECT a FROM demo")

    run(live, '%%kuiper\nCREATE STREAM demo (a STRING) WITH (TYPE="memory", DATASOURCE="demo")')

    assert not front.updated.wait(1.5)
    assert PUMP.threaded


def test_a_rule_that_another_statement_replaces_leaves_its_view(live: Notebook, front: FrontEnd) -> None:
    run(live, "%%kuiper hot --quiet\nSELECT a FROM demo")
    run(live, "kuiper.rules['hot']")

    run(live, "%%kuiper hot --quiet\nSELECT b FROM demo")

    assert front.updated.wait(SOON)
    assert "is stopped" in front.last["text/plain"]


def test_unloading_ends_views_and_their_thread(live: Notebook, front: FrontEnd) -> None:
    run(live, "%%kuiper hot\nSELECT a FROM demo")

    live.run("%unload_ext kuiper_nb")

    assert (front.updated.is_set(), PUMP.threaded) == (True, False)
    assert [t.name for t in threading.enumerate() if t.name.startswith(("kuiper", "rule"))] == []


def test_a_terminal_gets_text(live: Notebook) -> None:
    shown = live.run("%%kuiper hot\nSELECT a FROM demo")

    assert shown.text == "Rule hot is running (live): 0 rows in, 0 out"


def test_a_bounded_notebook_gets_text_even_where_there_are_widgets(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "has_front_end", lambda shell: True)

    shown = notebook.run("%%kuiper hot\nSELECT a FROM demo")
    status = notebook.run("%kuiper status").value
    view = notebook.run("kuiper.view('hot')").value

    assert shown.text == "Rule hot is running (bounded): 0 rows in, 0 out"
    assert type(status).__name__ == "View"
    assert set(view._repr_mimebundle_()) == {"text/html", "text/plain"}
    view.close()


def test_a_view_that_nobody_opens_sends_nothing(
    live: Notebook, front: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(live, "%%kuiper hot --quiet\nSELECT a FROM demo")
    browser = Browser(kuiper_nb.view("hot"), monkeypatch)

    for n in range(50):
        kuiper_nb.push("demo", {"a": n})

    assert (browser.frames, PUMP.threaded) == ([], False)


def test_a_view_shows_what_is_chosen(live: Notebook, front: FrontEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    run(live, "%%kuiper hot --quiet\nSELECT a, d FROM demo")
    browser = Browser(kuiper_nb.view("hot"), monkeypatch)
    kuiper_nb.push("demo", [{"a": 1, "d": "x"}, {"a": 2, "d": "x"}])

    browser.say(hello=True)
    first = browser.wait_for(lambda frame: frame.get("table", {}).get("rows"))
    browser.say(choose={"mode": "update", "keys": ["d"], "chart": "line"})
    second = browser.wait_for(lambda frame: frame.get("choices", {}).get("mode") == "update" and frame["table"]["rows"])

    assert first["table"]["rows"] == [["2.0", "x"], ["1.0", "x"]]
    assert second["table"]["rows"] == [["2.0", "x"]]
    assert second["chart"]["series"][0]["name"] == "a"


def test_the_status_says_everything_there_is(live: Notebook, front: FrontEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    run(live, "@kuiper.function\ndef f(x):\n    'Adds one.'\n    return x + 1")
    run(live, "@kuiper.sink\ndef out(rows):\n    pass")
    run(live, "%%kuiper hot --quiet --sink out\nSELECT f(a) AS b FROM demo")
    kuiper_nb.push("demo", [{"a": 1}, {"a": "x"}])
    kuiper_nb.session().settle()
    browser = Browser(kuiper_nb.status(), monkeypatch)

    browser.say(hello=True)
    rows = browser.wait_for(lambda frame: frame.get("rows"))["rows"]

    assert [(r["kind"], r["name"], r["state"]) for r in rows] == [
        ("rule", "hot", "running"),
        ("stream", "demo", "in use"),
        ("function", "f", "in use"),
        ("sink", "out", "in use"),
    ]
    hot = rows[0]
    assert (hot["rows_in"], hot["rows_out"], hot["errors"], hot["generation"]) == (2, 1, 1, 1)
    assert "f" in hot["last_error"]
    assert hot["took"][0] <= hot["took"][1]


def test_rows_do_what_they_are_asked_and_say_what_became_of_it(
    live: Notebook, front: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(live, "%%kuiper hot --quiet\nSELECT a FROM demo")
    browser = Browser(kuiper_nb.status(), monkeypatch)
    browser.say(hello=True)

    def asked(number: int, action: str, kind: str, name: str) -> dict[str, Any]:
        browser.say(action=action, kind=kind, name=name, request=number)
        frame = browser.wait_for(lambda f: any(a["request"] == number for a in f.get("answers", ())))
        return next(a for a in frame["answers"] if a["request"] == number)

    assert asked(1, "stop", "rule", "hot") == {"request": 1, "done": "rule hot is stopped"}
    assert asked(2, "start", "rule", "hot") == {"request": 2, "done": "rule hot is running"}
    assert asked(3, "restart", "rule", "hot") == {"request": 3, "done": "rule hot is running"}
    assert asked(4, "drop", "stream", "demo")["failed"].startswith("stream demo is used by rule hot")
    assert asked(5, "explode", "rule", "hot")["failed"].startswith("a rule cannot explode")
    assert asked(6, "drop", "rule", "hot") == {"request": 6, "done": "rule hot is dropped"}
    assert "no rule hot" in asked(7, "stop", "rule", "hot")["failed"]
    assert dict(kuiper_nb.session().rules) == {}


def test_a_command_only_enqueues_in_the_thread_it_comes_in(
    live: Notebook, front: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(live, "%%kuiper hot --quiet\nSELECT a FROM demo")
    rule, stopped = kuiper_nb.session().rules["hot"], threading.Event()
    threads: list[str] = []
    monkeypatch.setattr(rule, "stop", lambda: (threads.append(threading.current_thread().name), stopped.set()))
    view = kuiper_nb.status()

    view._handle_custom_msg({"action": "stop", "kind": "rule", "name": "hot", "request": 1}, [])

    assert stopped.wait(SOON)
    assert threads == ["kuiper rule hot"]


STUCK = """
import threading
let_go = threading.Event()
@kuiper.function
def endless(a):
    let_go.wait()
    return a
"""


def test_a_stop_that_takes_its_time_holds_no_other_view_up(
    live: Notebook, front: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(live, STUCK)
    run(live, "%%kuiper stuck --quiet\nSELECT endless(a) AS a FROM demo")
    run(live, '%%kuiper --quiet\nCREATE STREAM other () WITH (TYPE="memory", DATASOURCE="other")')
    run(live, "%%kuiper hot --quiet\nSELECT a FROM other")
    kuiper_nb.push("demo", {"a": 1})
    guard = kuiper_nb.session().rules["stuck"].guard
    until(lambda: guard.inside)
    status, result = Browser(kuiper_nb.status(), monkeypatch), Browser(kuiper_nb.view("hot"), monkeypatch)
    result.say(hello=True)
    result.wait_for(lambda frame: "head" in frame)

    status.say(hello=True)
    status.say(action="stop", kind="rule", name="stuck", request=1)
    for n in range(3):
        kuiper_nb.push("other", {"a": n})
        result.wait_for(lambda frame, n=n: (frame.get("head") or {}).get("rows_in") == n + 1)
    answered = [frame for frame in status.frames if frame.get("answers")]
    answer = status.wait_for(lambda frame: frame.get("answers"))["answers"]
    live["let_go"].set()

    assert answered == []
    assert answer == [{"request": 1, "done": "rule stuck is stopped"}]


def test_the_log_of_a_rule_is_in_both_views(live: Notebook, front: FrontEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    run(live, "%%kuiper hot --quiet\nSELECT a FROM demo")
    monkeypatch.setattr(kuiper_nb.session().rules["hot"], "logs", lambda: ["one", "<b>two</b>"], raising=False)
    status, result = Browser(kuiper_nb.status(), monkeypatch), Browser(kuiper_nb.view("hot"), monkeypatch)

    for browser, choice in ((status, {"logs_of": "hot"}), (result, {"panel": "logs"})):
        browser.say(hello=True)
        browser.say(choose=choice)

    assert status.wait_for(lambda f: f.get("logs"))["logs"] == {
        "kind": "rule",
        "name": "hot",
        "lines": ["one", "<b>two</b>"],
    }
    assert result.wait_for(lambda f: f.get("panel"))["panel"] == {"kind": "logs", "lines": ["one", "<b>two</b>"]}


def test_a_view_of_a_rule_that_is_not_there_says_which_there_are(live: Notebook) -> None:
    live.run("%%kuiper hot\nSELECT a FROM demo")

    with pytest.raises(KuiperError, match="no rule named hto") as caught:
        kuiper_nb.view("hto")
    assert "hot" in caught.value.hint


def test_a_page_that_is_loaded_anew_finds_the_newest_frame_in_the_state(live: Notebook, front: FrontEnd) -> None:
    run(live, "%%kuiper hot --quiet\nSELECT a FROM demo")
    view = kuiper_nb.view("hot")
    view.feed.heard(0, copy_context())
    view.feed.offer(0, lambda share: view.frame(share, 0))

    assert view.get_state(["last"])["last"]["head"]["id"] == "hot"
    view.close()


@pytest.fixture
def colab(front: FrontEnd, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Callable[..., Any]]]:
    """What pages of Google Colab can call in its kernel, by name."""
    called: dict[str, Callable[..., Any]] = {}
    modules = {name: ModuleType(name) for name in ("google", "google.colab", "google.colab.output")}
    vars(modules["google.colab.output"])["register_callback"] = called.__setitem__
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    refreshed._answer.cache_clear()
    yield called
    refreshed._answer.cache_clear()


def test_in_colab_no_widget_is_made_and_the_page_asks(live: Notebook, front: FrontEnd, colab: Any) -> None:
    rule = run(live, "%%kuiper hot\nSELECT a FROM demo")
    views = [kuiper_nb.view("hot"), kuiper_nb.status(), kuiper_nb.view(rule)]
    kuiper_nb.push("demo", {"a": "<b>"})
    kuiper_nb.session().settle()

    assert set(front.last) == {"text/html", "text/plain"}
    assert all("Refresh</button>" in html for html in (front.last["text/html"], *(v._repr_html_() for v in views)))
    (refresh,) = colab.values()
    assert "&lt;b&gt;" in refresh("rule", "hot").data["html"]
    assert "running" in refresh("status", "").data["html"]
    assert "no rule is named cold any more" in refresh("rule", "cold").data["html"]


def test_a_page_that_hears_nothing_between_cells_is_told_at_the_end_of_the_next(
    live: Notebook, front: FrontEnd, colab: Any
) -> None:
    rule = run(live, "%%kuiper hot\nSELECT a FROM demo")
    (shown,) = front.shown.values()
    kuiper_nb.push("demo", {"a": 1})
    kuiper_nb.session().settle()
    told = len(shown)

    run(live, "None")
    headlines = [data["text/plain"].splitlines()[0] for data in shown[told:]]
    assert headlines == ["Rule hot is running (live): 1 row in, 1 out"]
    rule.stop()
    front.updated.clear()
    assert not front.updated.wait(1.5)
    run(live, "None")

    assert shown[-1]["text/plain"].startswith("Rule hot is stopped: 1 row in")
    assert "Refresh" not in shown[-1]["text/html"]

    run(live, "kuiper.rules['hot'].start()")
    run(live, "%kuiper wait")
    assert "Refresh" in shown[-1]["text/html"]
    run(live, "%kuiper drop hot")
    until(lambda: not PUMP.threaded)
    assert (len(shown), shown[-1]["text/plain"].splitlines()[0]) == (told + 4, "Rule hot is stopped: 1 row in, 1 out")


def test_a_view_may_be_of_another_session(live: Notebook, front: FrontEnd) -> None:
    run(live, "%%kuiper hot --quiet\nSELECT a FROM demo")
    with kuiper_nb.Session() as own:
        own.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        rule = own.rule("SELECT b FROM demo", id="hot")
        own.push("demo", {"b": 7})
        own.settle()

        with pytest.raises(KuiperError, match="rule hot is not of this session") as caught:
            kuiper_nb.view(rule)
        assert "kuiper.view(rule, session)" in caught.value.hint
        view, status = kuiper_nb.view(rule, own), kuiper_nb.status(own)
        assert repr(view).splitlines()[-1].strip() == "7.0"
        assert "out" in repr(status)
        assert view.get_state(["last"])["last"]["table"]["rows"] == [["7.0"]]
        for widget in (view, status):
            widget.close()


def test_the_scripts_load_nothing_from_anywhere_and_make_no_html() -> None:
    from kuiper_nb.notebook.widgets import script

    everything = script("parts.js", "places.js", "link.js", "chart.js", "result.js", "status.js", "kuiper.css")

    for word in (
        "import ",
        "import(",
        "http:",
        "https:",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "eval(",
        "@import",
        "url(",
    ):
        assert word not in everything.replace("http://www.w3.org/2000/svg", ""), word


def test_loading_imports_neither_widgets_nor_what_rules_need() -> None:
    heavy = "{'anywidget', 'ipywidgets', 'duckdb', 'pandas', 'pyarrow', 'psutil'}"
    script = (
        "import sys\nfrom IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell()\nbefore = set(sys.modules)\n"
        "import kuiper_nb\nkuiper_nb.load_ipython_extension(shell)\n"
        f"print(sorted({heavy} & (set(sys.modules) - before)))"
    )

    answer = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"
