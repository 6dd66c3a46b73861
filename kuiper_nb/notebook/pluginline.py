"""What stands behind `%%kuiper plugin` and `%kuiper plugin VERB`: names and options, exact words only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from ..errors import did_you_mean
from .firstline import seconds, words, wrong

LANGUAGES = ("python", "go")
OPTIONS = {
    "--language": "of the cell: python or go",
    "--wins": "what it serves counts where another plugin, or Python, has the same",
    "--replace": "it may take the place of a plugin with its name",
    "--name": "of its manifest, where a folder has several; of the plugin whose place it takes",
    "--host": "a host it may be fetched from; may be repeated",
    "--rows": "how many lines",
    "--timeout": "how long a batch may take: 1h in a debugger",
    "--quiet": "show nothing",
}
"""The options, and what each is for."""

FLAGS = ("--wins", "--replace", "--quiet")
OF_CELL = ("--language", "--wins", "--quiet")
CELL = "%%kuiper plugin NAME [--language python|go] [--wins] [--quiet]"
_EXAMPLES = {
    "--language": "--language python or --language go",
    "--name": "--name mirror",
    "--host": "--host plugins.example.com",
    "--rows": "--rows 50",
    "--timeout": "--timeout 30s, --timeout 1h",
}


@dataclass(slots=True)
class PluginLine:
    """What such a line says. *seconds* and *rows* are None when not given."""

    names: list[str] = field(default_factory=list)
    language: str = "python"
    wins: bool = False
    replace: bool = False
    quiet: bool = False
    name: str = ""
    hosts: list[str] = field(default_factory=list)
    rows: int | None = None
    seconds: float | None = None


def takes_value(option: str) -> bool:
    """Whether a value follows *option*."""
    return option in _EXAMPLES


def read(line: str, after: int, allowed: Collection[str], usage: str) -> PluginLine:
    """What *line* says behind its first words, *after* of them; it knows the options *allowed*.

    Raises FirstLineError with a caret.
    """
    found, said = list(words(line))[after:], PluginLine()
    while found:
        word, column = found.pop(0)
        if not word.startswith("-"):
            said.names.append(word)
        elif word not in allowed:
            near = did_you_mean(word, allowed)
            raise wrong(f"there is no option {word} here", near if near.startswith("did") else usage, line, column)
        elif word in FLAGS:
            setattr(said, word.removeprefix("--"), True)
        elif not found or found[0][0].startswith("-"):
            raise wrong(f"{word} needs a value", _EXAMPLES[word], line, column)
        else:
            _take(said, word, *found.pop(0), line)
    return said


def _take(said: PluginLine, option: str, value: str, column: int, line: str) -> None:
    match option:
        case "--language":
            if value not in LANGUAGES:
                raise wrong(f"a cell cannot be written in {value}", _EXAMPLES[option], line, column)
            said.language = value
        case "--host":
            said.hosts.append(value)
        case "--name":
            said.name = value
        case "--rows":
            if not value.isdigit() or value == "0":
                raise wrong(f"{value} is no number of lines", _EXAMPLES[option], line, column)
            said.rows = int(value)
        case "--timeout":
            said.seconds = seconds(value, line, column)
