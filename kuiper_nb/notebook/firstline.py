"""The first line of a cell: `%%kuiper [NAME] [options]`. Exact words only; a wrong one hears what fits."""

from __future__ import annotations

import json
import keyword
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import KuiperError, NotSupported, did_you_mean
from ..sql.ruleoptions import RULE_OPTIONS
from .modes import Running

RESERVED = ("rule", "plugin", "service", "config", "test")
USAGE = "%%kuiper [NAME] [--event-time] [--late 5s] [--sink log] [--rows 20] [--for 10s] …"
FURTHER = "[--option key=value] [--speed 60] [--stopped] [--live] [--bounded] [--quiet] [-o VAR] [--id NAME]"

_FLAGS = ("--event-time", "--stopped", "--live", "--bounded", "--quiet")
_VALUED = ("--late", "--option", "--sink", "--rows", "--for", "--speed", "-o", "--id")
OPTIONS = {
    "--event-time": "time is the stream's TIMESTAMP column (isEventTime)",
    "--late": "how far the watermark stays behind the newest row (lateTolerance)",
    "--option": "any option of a rule, key=value; may be repeated",
    "--sink": "a sink beside the notebook's own view, NAME or NAME:CONF_KEY; may be repeated",
    "--rows": "end after so many rows",
    "--for": "end after so long",
    "--speed": "how much faster recorded input is played",
    "--stopped": "make the rule, start it later",
    "--live": "on the clock on the wall, in this cell",
    "--bounded": "on a clock of its own, to an end, in this cell",
    "--quiet": "show nothing",
    "-o": "bind the result to a Python variable",
    "--id": "the rule's name, where it is a word with a meaning of its own",
}
"""The options of a first line, and what each is for."""


def takes_value(option: str) -> bool:
    """Whether a value follows *option*."""
    return option in _VALUED


_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


class FirstLineError(KuiperError):
    """The first line of a cell, or the line of a `%kuiper`, is not understood."""


@dataclass(slots=True)
class FirstLine:
    """What the first line says. *rows* and *seconds* are None when not given; *mode* None for the notebook's own.

    *options* are eKuiper rule options, *sinks* names of sinks (NAME or NAME:CONF_KEY), *variable* what is bound.
    """

    name: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    sinks: list[str] = field(default_factory=list)
    rows: int | None = None
    seconds: float | None = None
    speed: float | None = None
    stopped: bool = False
    mode: Running | None = None
    quiet: bool = False
    variable: str = ""


def read(line: str) -> FirstLine:
    """Raises FirstLineError with a caret; NotSupported for `%%kuiper rule`, plugin, service, config, test."""
    words = list(_words(line))
    first = FirstLine()
    if len(words) > 1 and words[1][0] == "<<":
        first.variable = _identifier(words[0][0], line, words[0][1])
        words = words[2:]
    if words and words[0][0] in RESERVED:
        hint = f"--id {words[0][0]} gives a rule that name"
        raise NotSupported(f"%%kuiper {words[0][0]} is not supported yet", hint)
    at = 0
    while at < len(words):
        word, column = words[at]
        at += 1
        if word in _FLAGS:
            _flag(first, word, line, column)
        elif word in _VALUED:
            if at == len(words) or words[at][0].startswith("--") or words[at][0] in _VALUED:
                raise _wrong(f"{word} needs a value", _EXAMPLES[word], line, column)
            _value(first, word, *words[at], line)
            at += 1
        elif word.startswith("-"):
            raise _wrong(f"there is no option {word}", _nearest(word), line, column)
        elif first.name:
            raise _wrong(f"{word} is one name too many", f"{first.name} is the name of the rule already", line, column)
        else:
            first.name = word
    return first


_EXAMPLES = {
    "--late": "--late 5s",
    "--option": "--option sendError=true",
    "--sink": "--sink log, or --sink NAME:CONF_KEY",
    "--rows": "--rows 20",
    "--for": "--for 10s",
    "--speed": "--speed 60 plays a recorded minute in a second; 0 as fast as it can be read",
    "-o": "-o hot binds the result to the variable hot",
    "--id": "--id hot",
}


def _words(line: str) -> Iterator[tuple[str, int]]:
    """The words of *line*, quotes taken off, with the column each starts in (from 1)."""
    for match in re.finditer(r"""(?:[^\s"']|"[^"]*"?|'[^']*'?)+""", line):
        text = match[0]
        try:
            yield "".join(shlex.split(text)), match.start() + 1
        except ValueError:
            raise _wrong("a quote is never closed", "", line, match.start() + 1) from None


def _wrong(message: str, hint: str, line: str, column: int) -> FirstLineError:
    shown = f"%%kuiper {line}"
    return FirstLineError(message, hint or USAGE, line=1, column=column + len("%%kuiper "), statement=shown)


def _nearest(word: str) -> str:
    near = did_you_mean(word, (*_FLAGS, *_VALUED))
    return near if near.startswith("did") else f"options: {' '.join((*_FLAGS, *_VALUED))}"


def _flag(first: FirstLine, word: str, line: str, column: int) -> None:
    match word:
        case "--event-time":
            first.options["isEventTime"] = True
        case "--stopped":
            first.stopped = True
        case "--live" | "--bounded":
            mode: Running = "live" if word == "--live" else "bounded"
            if first.mode not in (None, mode):
                message = f"--{first.mode} and {word} exclude each other"
                raise _wrong(message, "leave one of them out", line, column)
            first.mode = mode
        case "--quiet":
            first.quiet = True


def _value(first: FirstLine, word: str, value: str, column: int, line: str) -> None:
    match word:
        case "--late":
            if not _DURATION.fullmatch(value):
                raise _wrong(f"{value} is no duration", _EXAMPLES[word], line, column)
            first.options["lateTolerance"] = value if value[-1].isalpha() else f"{value}s"
        case "--option":
            _option(first.options, value, line, column)
        case "--sink":
            first.sinks.append(value)
        case "--rows":
            if not value.isdigit() or value == "0":
                raise _wrong(f"{value} is no number of rows", _EXAMPLES[word], line, column)
            first.rows = int(value)
        case "--for":
            first.seconds = _seconds(value, line, column)
        case "--speed":
            first.speed = _number(value, line, column)
        case "-o":
            first.variable = _identifier(value, line, column)
        case "--id":
            first.name = value


def _option(options: dict[str, Any], text: str, line: str, column: int) -> None:
    """`key=value`; the value is JSON where it can be, a dotted key reaches into an object."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise _wrong(f"{text} is no key=value", _EXAMPLES["--option"], line, column)
    near = did_you_mean(key.partition(".")[0], RULE_OPTIONS)
    if key.partition(".")[0] not in RULE_OPTIONS and near.startswith("did"):
        raise _wrong(f"there is no rule option {key}", near, line, column)
    *path, last = key.split(".")
    inner = options
    for part in path:
        inner = inner.setdefault(part, {})
    try:
        inner[last] = json.loads(value)
    except ValueError:
        inner[last] = value


def _seconds(text: str, line: str, column: int) -> float:
    found = _DURATION.fullmatch(text)
    if not found:
        raise _wrong(f"{text} is no duration", "--for 10s, --for 500ms, --for 2m", line, column)
    return float(found[1]) * _SECONDS[found[2]]


def _number(text: str, line: str, column: int) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise _wrong(f"{text} is no speed", _EXAMPLES["--speed"], line, column)
    return number


def _identifier(text: str, line: str, column: int) -> str:
    if not text.isidentifier():
        raise _wrong(f"{text} is no name for a Python variable", _EXAMPLES["-o"], line, column)
    if keyword.iskeyword(text):
        raise _wrong(f"{text} is a word of Python itself", _EXAMPLES["-o"], line, column)
    return text
