"""Loading, reloading, unloading; live or bounded."""

from __future__ import annotations

from typing import Any

import pytest

import kuiper_nb
from kuiper_nb import KuiperError
from kuiper_nb.notebook.magics import Kuiper
from kuiper_nb.notebook.modes import decided

from .conftest import Notebook, Opening


class Unattended:
    """A shell that is driven by a program."""

    def get_parent(self) -> dict[str, Any]:
        return {"content": {"allow_stdin": False}}


class Attended:
    """A shell with a person before it."""

    def get_parent(self) -> dict[str, Any]:
        return {"content": {"allow_stdin": True}}


def test_loading_opens_nothing(opening: Opening) -> None:
    opening("bounded")

    assert kuiper_nb._session is None


def test_reloading_leaves_one_magic_and_nothing_running(notebook: Notebook) -> None:
    notebook.run("%%kuiper hot -o hot\nSELECT a FROM demo")

    notebook.run("%reload_ext kuiper_nb")

    assert notebook["hot"].status.state == "stopped"
    assert [type(c).__name__ for c in notebook.shell.configurables].count("Kuiper") == 1
    assert notebook.run("%kuiper").error is None


def test_a_mode_that_is_none_is_ignored_when_loading_anew(notebook: Notebook) -> None:
    notebook.run('%config Kuiper.mode = "nope"')

    shown = notebook.run("%reload_ext kuiper_nb")

    assert (shown.error, shown.text) == (None, "Kuiper.mode = nope is no mode and ignored; auto, bounded or live")
    assert notebook.run("%kuiper").error is None
    assert notebook.run("%reload_ext kuiper_nb").text == ""


def test_a_good_mode_survives_loading_anew(live: Notebook) -> None:
    live.run('%config Kuiper.mode = "bounded"')

    live.run("%reload_ext kuiper_nb")

    assert live.run("kuiper.session().mode").value == "bounded"


def test_loading_copes_with_what_was_never_finished(notebook: Notebook) -> None:
    half_built = Kuiper.__new__(Kuiper)
    notebook.shell.configurables.append(half_built)

    shown = notebook.run("%reload_ext kuiper_nb")

    assert shown.error is None
    assert half_built not in notebook.shell.configurables


def test_unloading_takes_the_magic_away(notebook: Notebook) -> None:
    notebook.run("%unload_ext kuiper_nb")

    assert notebook.shell.find_cell_magic("kuiper") is None
    assert [type(c).__name__ for c in notebook.shell.configurables].count("Kuiper") == 0


@pytest.mark.parametrize(
    ("configured", "environment", "shell", "mode"),
    [
        ("auto", {}, Attended(), "live"),
        ("auto", {}, Unattended(), "bounded"),
        ("auto", {}, object(), "live"),
        ("auto", {"KUIPER_NB_MODE": "live"}, Unattended(), "live"),
        ("auto", {"KUIPER_NB_MODE": "bounded"}, Attended(), "bounded"),
        ("live", {"KUIPER_NB_MODE": "bounded"}, Unattended(), "live"),
    ],
)
def test_the_mode_is_configured_or_found_out(
    configured: str, environment: dict[str, str], shell: Any, mode: str
) -> None:
    assert decided(configured, environment, shell) == mode


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(KuiperError, match="KUIPER_NB_MODE=lve is no mode"):
        decided("auto", {"KUIPER_NB_MODE": "lve"}, object())


def test_another_mode_keeps_the_definitions(live: Notebook) -> None:
    live.run("%%kuiper hot\nSELECT a FROM demo")

    shown = live.run("%config Kuiper.mode = 'bounded'")

    assert shown.text == "Kuiper is bounded now; 1 rule was dropped."
    assert live.run("list(kuiper.session().streams), dict(kuiper.rules)").value == (["demo"], {})


def test_the_session_stays_a_function_when_its_module_is_imported(notebook: Notebook) -> None:
    notebook.run("from kuiper_nb.session import Session")

    assert notebook.run("isinstance(kuiper.session(), Session)").value is True
