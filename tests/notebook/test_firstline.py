"""The first line of a cell: every option, and what is said of a wrong one."""

from __future__ import annotations

import pytest

from kuiper_nb import KuiperError, NotSupported
from kuiper_nb.notebook.firstline import _VALUED, FirstLine, FirstLineError, read


def test_an_empty_line_asks_for_nothing() -> None:
    assert read("") == FirstLine()


def test_every_option_is_understood() -> None:
    line = (
        "hot --event-time --late 5s --option sendError=true --option restartStrategy.attempts=3 --sink log"
        " --sink mqtt:prod --rows 7 --for 500ms --speed 60 --stopped --bounded --quiet -o found"
    )

    assert read(line) == FirstLine(
        name="hot",
        options={
            "isEventTime": True,
            "lateTolerance": "5s",
            "sendError": True,
            "restartStrategy": {"attempts": 3},
        },
        sinks=["log", "mqtt:prod"],
        rows=7,
        seconds=0.5,
        speed=60.0,
        stopped=True,
        mode="bounded",
        quiet=True,
        variable="found",
    )


def test_an_arrow_binds_a_variable() -> None:
    assert read("found << hot --rows 3") == FirstLine(name="hot", rows=3, variable="found")


def test_a_reserved_word_is_a_name_only_by_id() -> None:
    assert read("--id test").name == "test"


@pytest.mark.parametrize("word", ["rule", "plugin", "service", "config", "test"])
def test_what_is_not_there_yet_is_refused_by_name(word: str) -> None:
    with pytest.raises(NotSupported, match=f"%%kuiper {word} is not supported yet"):
        read(f"{word} x")


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("hot --evnt-time", "there is no option --evnt-time", "did you mean --event-time?"),
        ("hot --event", "there is no option --event", "did you mean --event-time?"),
        ("hot cold", "cold is one name too many", "hot is the name of the rule already"),
        ("hot --rows", "--rows needs a value", "--rows 20"),
        ("--sink --rows 1", "--sink needs a value", "--sink log, or --sink NAME:CONF_KEY"),
        ("--sink -o x", "--sink needs a value", "--sink log, or --sink NAME:CONF_KEY"),
        ("--live --bounded", "--live and --bounded exclude each other", "leave one of them out"),
        ("--bounded --live", "--bounded and --live exclude each other", "leave one of them out"),
        ("-o class", "class is a word of Python itself", "-o hot binds the result to the variable hot"),
        ("None << hot", "None is a word of Python itself", "-o hot binds the result to the variable hot"),
        ("hot --rows many", "many is no number of rows", "--rows 20"),
        ("hot --for ever", "ever is no duration", "--for 10s, --for 500ms, --for 2m"),
        ("hot --late soon", "soon is no duration", "--late 5s"),
        ("--option sendErorr=true", "there is no rule option sendErorr", "did you mean sendError?"),
        ("--option sendError", "sendError is no key=value", "--option sendError=true"),
        ("-o 3x", "3x is no name for a Python variable", "-o hot binds the result to the variable hot"),
    ],
)
def test_a_wrong_line_says_what_would_have_worked(line: str, message: str, hint: str) -> None:
    with pytest.raises(FirstLineError) as raised:
        read(line)

    assert (raised.value.message, raised.value.hint) == (message, hint)


@pytest.mark.parametrize("option", _VALUED)
def test_the_next_option_is_not_taken_for_a_value(option: str) -> None:
    with pytest.raises(FirstLineError, match=f"^{option} needs a value"):
        read(f"hot {option} --quiet")


def test_a_mode_may_be_said_twice() -> None:
    assert read("--live --live").mode == "live"


def test_the_caret_stands_under_the_wrong_word() -> None:
    with pytest.raises(KuiperError) as raised:
        read("hot --evnt-time")

    assert raised.value.caret() == "%%kuiper hot --evnt-time\n             ^"
