"""What a file of tests calls: the streams and functions it brings along, and a test in its notation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..functions.native import native
from ..session import Session
from ..statements import declared_stream
from .notation import script
from .report import Report
from .trial import run

NativeFunction = tuple[str, Callable[..., Any], str]
"""A name in SQL, the Python function, and "function", "vectorized" or "aggregate"."""


def check(
    text: str,
    *,
    name: str = "test",
    streams: Sequence[str] = (),
    functions: Sequence[NativeFunction] = (),
    options: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Run the test *text*; AssertionError with the difference when it fails, KuiperError when it cannot be run.

    *streams* are CREATE STREAM statements, *options* those of the rule, *parameters* and *values* what `$name` and
    `{{…}}` in its SQL are worth.
    """
    with Session() as session:
        for statement in streams:
            declared = declared_stream(statement)
            session.streams[declared.name] = declared
        for called, function, kind in functions:
            session.functions.add(
                native(function, name=called, vectorized=kind == "vectorized", aggregate=kind == "aggregate")
            )
        read = script(text)
        bind = None if values is None else values.__getitem__
        verdict = run(session, name, read, read.query, options=options, parameters=parameters, bind=bind)
    if not verdict.passed:
        raise AssertionError(repr(Report(verdict)))
