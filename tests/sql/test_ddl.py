"""What a CREATE means, and where it is wrong."""

from __future__ import annotations

import pytest

from kuiper_nb.errors import PlanError
from kuiper_nb.sql.ddl import stream_of
from kuiper_nb.sql.parser import parse
from kuiper_nb.sql.syntax import Create


def refusal(options: str, parameters: frozenset[str] = frozenset()) -> PlanError:
    (create,) = parse(f"SHOW STREAMS;\nCREATE STREAM s ()\nWITH ({options})")[1:]
    assert isinstance(create, Create)
    with pytest.raises(PlanError) as caught:
        stream_of(create, parameters)
    return caught.value


@pytest.mark.parametrize(
    ("options", "message", "caret"),
    [
        ('DATASOURCE="a", TYP="memory"', "unknown option TYP", " " * 22 + "^"),
        ('SHARED="yes"', 'option SHARED is "true" or "false", not "yes"', " " * 6 + "^"),
        ('SHARED="yes", SHARED="no"', 'option SHARED is "true" or "false", not "no"', " " * 20 + "^"),
        ('EXTRA="[1]"', "option EXTRA is a JSON object", " " * 6 + "^"),
        ('RETAIN_SIZE="many"', 'option RETAIN_SIZE is a whole number, not "many"', " " * 6 + "^"),
    ],
)
def test_the_caret_stands_under_the_option(options: str, message: str, caret: str) -> None:
    error = refusal(options)

    assert error.message == message
    assert error.caret() == f"WITH ({options})\n{caret}"


@pytest.mark.parametrize("name", ["`a b`", "`a/b`", "`ä`"])
def test_a_name_of_other_signs_is_refused(name: str) -> None:
    (create,) = parse(f'CREATE STREAM {name} () WITH (DATASOURCE="a")')
    assert isinstance(create, Create)
    with pytest.raises(PlanError, match="contains what no name of a stream may"):
        stream_of(create)


def test_the_parameters_of_a_source_are_named_among_the_options() -> None:
    assert refusal('FOO="3"', frozenset({"AMPLITUDE"})).hint.startswith("options: AMPLITUDE, DATASOURCE")
