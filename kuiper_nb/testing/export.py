"""Tests of a notebook as a file for pytest: with their streams, and the functions their rules call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import KuiperError
from ..session import Session
from .sources import Sources, literal


@dataclass(frozen=True, slots=True)
class Kept:
    """A test that was run: its *text* as written and, with a rule's SELECT in the place of its name, as *body*; the
    *streams* and *functions* it needs, the rule's *options* and *parameters*, the *values* of its `{{…}}`, and whether
    it *passed*."""

    name: str
    text: str
    body: str
    streams: tuple[str, ...]
    functions: frozenset[str]
    options: Mapping[str, Any]
    parameters: Mapping[str, Any]
    values: Mapping[str, Any]
    passed: bool


def written(session: Session, tests: Sequence[Kept]) -> str:
    """The file. Raises KuiperError for what cannot be taken out of the notebook, naming it."""
    sources = Sources()
    names = sorted({name for test in tests for name in test.functions})
    functions = [_function(session, name, sources) for name in names]
    streams = dict.fromkeys(name for test in tests for name in test.streams)
    parts = ['"""Tests of streaming rules, written by `%kuiper test --pytest`; run them with pytest."""']
    parts.append("\n".join(["from __future__ import annotations", "", *sources.imports, _IMPORT]).strip())
    parts += [*sources.constants, _listed("STREAMS", [quoted(_statement(session, name)) for name in streams])]
    parts += sources.functions
    if functions:
        parts.append(_listed("FUNCTIONS", functions))
    parts += _tests(tests)
    return "\n\n\n".join(parts) + "\n"


_IMPORT = "\nfrom kuiper_nb.testing import check"


def _statement(session: Session, name: str) -> str:
    if name not in session.streams:
        raise KuiperError(f"a test needs the stream {name}, which has been dropped", "define it again")
    statement = session.streams[name].statement
    if "{{" in statement:
        raise KuiperError(f"stream {name} is declared with {{{{…}}}}, which a file cannot know", "write its values out")
    return statement


def _function(session: Session, name: str, sources: Sources) -> str:
    function = session.functions.get(name)
    if function is None:
        raise KuiperError(f"a test needs the function {name}, which has been dropped", "run its cell again")
    if function.origin is None:
        raise KuiperError(f"function {name} is no Python function, so no file can hold it")
    called = sources.need(function.origin, f"function {name}")
    kind = "vectorized" if function.vectorized else "aggregate" if function.aggregate else "function"
    return f'("{name}", {called}, "{kind}")'


def _listed(name: str, items: Iterable[str]) -> str:
    lines = "".join(f"    {item},\n" for item in items)
    return f"{name} = [\n{lines}]"


def _tests(tests: Sequence[Kept]) -> list[str]:
    taken: dict[str, int] = {}
    found = []
    for test in tests:
        base = f"test_{re.sub(r'[^0-9A-Za-z_]+', '_', test.name).strip('_') or 'rule'}"
        taken[base] = taken.get(base, 0) + 1
        name = base if taken[base] == 1 else f"{base}_{taken[base]}"
        found.append(_test(name, test))
    return found


def _test(name: str, test: Kept) -> str:
    if test.body != test.text and "{{" in test.body:
        raise KuiperError(f"test {test.name}: the rule's SELECT has {{{{…}}}}", "put the SELECT itself into the test")
    arguments = [f"name={test.name!r}", "streams=STREAMS"]
    if test.functions:
        arguments.append("functions=FUNCTIONS")
    for key, given in (("options", test.options), ("parameters", test.parameters), ("values", test.values)):
        if given:
            arguments.append(f"{key}={literal(dict(given), f'test {test.name}: {key}')}")
    lines = "".join(f"        {argument},\n" for argument in arguments)
    return f"def {name}() -> None:\n    check(\n        {quoted(test.body)},\n{lines}    )"


def quoted(text: str) -> str:
    """*text* as Python source, over several lines where it has them and can."""
    if "\n" not in text or '"""' in text or "\\" in text or text.endswith('"'):
        return repr(text)
    return f'"""{text}"""'
