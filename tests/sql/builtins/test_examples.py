"""Every built-in function says how it is called, and has an example that works."""

from __future__ import annotations

import pytest

from kuiper_nb import NotSupported, Session, VirtualClock
from kuiper_nb.sql.builtins import table
from kuiper_nb.sql.builtins.examples import EXAMPLES
from kuiper_nb.sql.builtins.signatures import arguments, signature

WITHOUT = {"props"}


def here(name: str) -> bool:
    with Session(clock=VirtualClock(0)) as session:
        session.sql('CREATE STREAM demo () WITH (TYPE="memory", DATASOURCE="demo")')
        call = f"{name}({', '.join(['v'] * table()[name].arity[0])})"
        try:
            session.rule(f"SELECT {call} AS r FROM demo", start=False)
        except NotSupported:
            return False
        except Exception:
            return True
        return True


def test_every_function_that_is_here_has_an_example() -> None:
    missing = set(table()) - set(EXAMPLES) - WITHOUT

    assert {name for name in missing if here(name)} == set()
    assert set(EXAMPLES) <= set(table())


@pytest.mark.parametrize("name", sorted(table()))
def test_a_signature_has_as_many_arguments_as_the_function_takes(name: str) -> None:
    entry = table()[name]
    least, most = entry.arity
    known = arguments(entry)

    if most is not None and name != "log":
        assert len(known) == most
    assert sum(not argument.optional for argument in known) >= min(least, 1)
    assert signature(entry).startswith(f"{name}(")


def test_signatures_name_arguments_and_defaults() -> None:
    written = [signature(table()[name]) for name in ("round", "lag", "concat", "format_time", "substring", "log")]

    assert written == [
        "round(value, places = 0)",
        "lag([value], offset = 1, default = null, ignoreNull = true)",
        "concat(value, …)",
        "format_time(value, pattern)",
        "substring(value, start, [end])",
        "log(value) or log(base, value)",
    ]
