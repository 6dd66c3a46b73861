"""The first line of a cell: `%%kuiper [NAME] [options]`. Exact words only; a wrong one hears what fits."""

from __future__ import annotations

import json
import keyword
import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import KuiperError, NotSupported, did_you_mean
from ..sql.ruleoptions import RULE_OPTIONS
from .modes import Running

RESERVED = ("rule", "plugin", "service", "config", "test")
USAGE = "%%kuiper [NAME] [--event-time] [--late 5s] [--sink log] [--rows 20] [--for 10s] …"
FURTHER = (
    "[--option key=value] [--set name=value] [--speed 60] [--stopped] [--live] [--bounded] [--quiet] "
    "[-o VAR] [--id NAME]"
)

_FLAGS = ("--event-time", "--stopped", "--live", "--bounded", "--quiet")
_VALUED = ("--late", "--option", "--set", "--sink", "--rows", "--for", "--speed", "-o", "--id")
OPTIONS = {
    "--event-time": "time is the stream's TIMESTAMP column (isEventTime)",
    "--late": "how far the watermark stays behind the newest row (lateTolerance)",
    "--option": "any option of a rule, key=value; may be repeated",
    "--set": "the value of a parameter, name=value for $name in the SQL; may be repeated",
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

    *options* are eKuiper rule options, *sinks* names of sinks (NAME or NAME:CONF_KEY), *variable* what is bound. *more*
    are the names after the first, for verbs that take several, *parameters* the values of `$name` in the SQL.
    """

    name: str = ""
    more: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    sinks: list[str] = field(default_factory=list)
    rows: int | None = None
    seconds: float | None = None
    speed: float | None = None
    stopped: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)
    mode: Running | None = None
    quiet: bool = False
    variable: str = ""


def read(line: str, names: int = 1, reserved: Collection[str] = RESERVED) -> FirstLine:
    """What *line* says, which has at most so many *names*, the first of them none that is *reserved*.

    Raises FirstLineError with a caret; NotSupported for `%%kuiper rule`, service, config.
    """
    found = list(words(line))
    first = FirstLine()
    if len(found) > 1 and found[1][0] == "<<":
        first.variable = _identifier(found[0][0], line, found[0][1])
        found = found[2:]
    if found and found[0][0] in reserved:
        hint = f"--id {found[0][0]} gives a rule that name"
        raise NotSupported(f"%%kuiper {found[0][0]} is not supported yet", hint)
    at = 0
    while at < len(found):
        word, column = found[at]
        at += 1
        if word in _FLAGS:
            _flag(first, word, line, column)
        elif word in _VALUED:
            if at == len(found) or found[at][0].startswith("--") or found[at][0] in _VALUED:
                raise wrong(f"{word} needs a value", _EXAMPLES[word], line, column)
            _value(first, word, *found[at], line)
            at += 1
        elif word.startswith("-"):
            raise wrong(f"there is no option {word}", _nearest(word), line, column)
        elif first.name and len(first.more) + 1 < names:
            first.more += (word,)
        elif first.name:
            raise wrong(f"{word} is one name too many", f"{first.name} is the name of the rule already", line, column)
        else:
            first.name = word
    return first


_EXAMPLES = {
    "--late": "--late 5s",
    "--option": "--option sendError=true",
    "--set": "--set threshold=30 is the value of $threshold in the SQL",
    "--sink": "--sink log, or --sink NAME:CONF_KEY",
    "--rows": "--rows 20",
    "--for": "--for 10s",
    "--speed": "--speed 60 plays a recorded minute in a second; 0 as fast as it can be read",
    "-o": "-o hot binds the result to the variable hot",
    "--id": "--id hot",
}


def words(line: str) -> Iterator[tuple[str, int]]:
    """The words of *line*, quotes taken off, with the column each starts in (from 1)."""
    for match in re.finditer(r"""(?:[^\s"']|"[^"]*"?|'[^']*'?)+""", line):
        text = match[0]
        try:
            yield "".join(shlex.split(text)), match.start() + 1
        except ValueError:
            raise wrong("a quote is never closed", "", line, match.start() + 1) from None


def wrong(message: str, hint: str, line: str, column: int) -> FirstLineError:
    """The error at *column* of *line*, with how it is done right where there is no *hint*."""
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
                raise wrong(message, "leave one of them out", line, column)
            first.mode = mode
        case "--quiet":
            first.quiet = True


def _value(first: FirstLine, word: str, value: str, column: int, line: str) -> None:
    match word:
        case "--late":
            if not _DURATION.fullmatch(value):
                raise wrong(f"{value} is no duration", _EXAMPLES[word], line, column)
            first.options["lateTolerance"] = value if value[-1].isalpha() else f"{value}s"
        case "--option":
            _option(first.options, value, line, column)
        case "--set":
            key, equals, text = value.partition("=")
            if not equals or not key:
                raise wrong(f"{value} is no name=value", _EXAMPLES[word], line, column)
            first.parameters[key.removeprefix("$")] = _json(text)
        case "--sink":
            first.sinks.append(value)
        case "--rows":
            if not value.isdigit() or value == "0":
                raise wrong(f"{value} is no number of rows", _EXAMPLES[word], line, column)
            first.rows = int(value)
        case "--for":
            first.seconds = seconds(value, line, column)
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
        raise wrong(f"{text} is no key=value", _EXAMPLES["--option"], line, column)
    near = did_you_mean(key.partition(".")[0], RULE_OPTIONS)
    if key.partition(".")[0] not in RULE_OPTIONS and near.startswith("did"):
        raise wrong(f"there is no rule option {key}", near, line, column)
    *path, last = key.split(".")
    inner = options
    for part in path:
        inner = inner.setdefault(part, {})
    inner[last] = _json(value)


def _json(text: str) -> Any:
    """JSON where it can be, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def seconds(text: str, line: str, column: int) -> float:
    """How long `10s`, `500ms` or `2m` is."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise wrong(f"{text} is no duration", "--for 10s, --for 500ms, --for 2m", line, column)
    return float(found[1]) * _SECONDS[found[2]]


def _number(text: str, line: str, column: int) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise wrong(f"{text} is no speed", _EXAMPLES["--speed"], line, column)
    return number


def _identifier(text: str, line: str, column: int) -> str:
    if not text.isidentifier():
        raise wrong(f"{text} is no name for a Python variable", _EXAMPLES["-o"], line, column)
    if keyword.iskeyword(text):
        raise wrong(f"{text} is a word of Python itself", _EXAMPLES["-o"], line, column)
    return text
