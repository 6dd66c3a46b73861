"""YAML from somebody else, read as data: no tags, no bombs, no traps.

What a plain word means is what it means to eKuiper (Go's yaml.v3): only true and false are booleans, so `on`, `NO` and
`12:30:45` stay text, and a date does too; `010` is octal. Keys are always text, as they are written.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_MOST_BYTES = 1 << 20
_MOST_NODES = 10_000
"""Nodes of a document once every alias is written out."""

_DEEPEST = 50
_PREFIX = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


_PLAIN = "plain"
"""The tag of what has none."""


class BadYaml(Exception):
    """A text that is no YAML, or more than data. *line* and *column* count from 1; None where no place is known."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class _Nodes(yaml.SafeLoader):
    """Makes nodes, and leaves the meaning of words to us; only `<<` is known."""

    DEFAULT_SCALAR_TAG = _PLAIN  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {"<": [(_PREFIX + "merge", re.compile("<<"))]}  # noqa: RUF012, as in yaml

    def fetch_flow_collection_start(self, token: Any) -> None:
        """A bracket; the scanner reads a thousand ahead, at a price that grows with their square."""
        if self.flow_level >= _DEEPEST:
            raise BadYaml(f"it is nested deeper than {_DEEPEST} levels", self.line + 1, self.column + 1)
        super().fetch_flow_collection_start(token)


Path = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, from 1."""


def read(text: str) -> Any:
    """The one document of *text*. Raises BadYaml."""
    return located(text)[0]


def located(text: str) -> tuple[Any, dict[Path, Place]]:
    """The one document of *text*, and where each of its values begins, by the keys and numbers that lead there; a key's
    place is its value's. Raises BadYaml."""
    if len(text.encode("utf-8", "surrogatepass")) > _MOST_BYTES:
        raise BadYaml(f"it is longer than {_MOST_BYTES >> 20} MiB")
    try:
        node = yaml.compose(text, Loader=_Nodes)
    except yaml.MarkedYAMLError as error:
        raise _misread(error) from None
    except yaml.YAMLError as error:  # characters that YAML has no place for
        raise BadYaml(str(error).splitlines()[0]) from None
    except RecursionError:
        raise BadYaml(f"it is nested deeper than {_DEEPEST} levels") from None
    values = _Values()
    return values.of(node, ()) if node is not None else None, values.places


def _misread(error: yaml.MarkedYAMLError) -> BadYaml:
    mark = error.problem_mark or error.context_mark
    why = error.problem or error.context or "it is no YAML"
    return BadYaml(why, mark.line + 1, mark.column + 1) if mark is not None else BadYaml(why)


class _Values:
    """The values of a tree of nodes, counted: an alias costs as much as what it stands for."""

    def __init__(self) -> None:
        self.nodes = 0
        self.places: dict[Path, Place] = {}

    def of(self, node: yaml.Node, path: Path) -> Any:
        self.nodes += 1
        depth = len(path)
        self.places.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        if self.nodes > _MOST_NODES:
            raise _at(node, f"it holds more than {_MOST_NODES:,} values")
        if depth > _DEEPEST:
            raise _at(node, f"it is nested deeper than {_DEEPEST} levels")
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if isinstance(node, yaml.SequenceNode):
            _untagged(node, "seq")
            return [self.of(child, (*path, number)) for number, child in enumerate(node.value)]
        assert isinstance(node, yaml.MappingNode)
        _untagged(node, "map")
        return self._mapping(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _at(key, "a key is a word, not a list or a mapping")
            if key.tag == _PREFIX + "merge":
                merged = {**self._merged(value, path), **merged}
            elif key.value in found:
                raise _at(key, f"{key.value} stands twice")
            else:
                self.places[*path, key.value] = key.start_mark.line + 1, key.start_mark.column + 1
                found[key.value] = self.of(value, (*path, key.value))
        return {**merged, **found}

    def _merged(self, value: yaml.Node, path: Path) -> dict[str, Any]:
        """What `<<:` adds; the first of several goes before the others."""
        sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
        found: dict[str, Any] = {}
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                raise _at(source, "<< takes a mapping")
            found = {**self.of(source, (*path, "<<")), **found}
        return found


def _untagged(node: yaml.Node, kind: str) -> None:
    if node.tag != _PREFIX + kind:
        raise _at(node, f"the tag {node.tag.replace(_PREFIX, '!!')} is not read")


def _scalar(node: yaml.ScalarNode) -> str | int | float | bool | None:
    text: str = node.value
    if node.tag == _PREFIX + "str" or (node.tag == _PLAIN and node.style is not None):
        return text
    if node.tag not in (_PLAIN, *(_PREFIX + kind for kind in ("bool", "float", "int", "null"))):
        _untagged(node, "str")
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return _integer(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _integer(text: str) -> int | str:
    digits = text.lstrip("+-")
    if re.fullmatch(r"0[0-7]+", digits):
        text = text.replace(digits, f"0o{digits}")
    try:
        return int(text, 0)
    except ValueError:  # a prefix without digits, or thousands of them
        return text


def _at(node: yaml.Node, message: str) -> BadYaml:
    return BadYaml(message, node.start_mark.line + 1, node.start_mark.column + 1)
