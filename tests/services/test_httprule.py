"""Paths of google.api.http."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuiper_nb.errors import RowFault, ServiceError
from kuiper_nb.services.httprule import Binding, parsed, query

from ..generated import cases


def path(template: str, **values: object) -> str:
    return Binding("GET", *parsed(template)).path(values)


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("/v1/things", {}, "/v1/things"),
        ("/v1/{a}", {"a": "x"}, "/v1/x"),
        ("/v1/{a}/b/{c}", {"a": "x", "c": 3}, "/v1/x/b/3"),
        ("/v1/{a=rooms/*}", {"a": "rooms/7"}, "/v1/rooms/7"),
        ("/v1/{a=rooms/*/things/**}", {"a": "rooms/7/things/x/y"}, "/v1/rooms/7/things/x/y"),
        ("/v1/{a=**}:undo", {"a": "x/y"}, "/v1/x/y:undo"),
        ("/v1/{a.b}", {"a": {"b": "x"}}, "/v1/x"),
        ("/v1/{a}", {"a": "x/y?z#ü"}, "/v1/x%2Fy%3Fz%23%C3%BC"),
        ("/v1/{a}", {"a": True}, "/v1/true"),
        ("/v1/{a}", {"a": 2.0}, "/v1/2"),
    ],
)
def test_values_stand_in_the_path(template: str, values: dict[str, object], expected: str) -> None:
    assert path(template, **values) == expected


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("/v1/{a}", {}),
        ("/v1/{a}", {"a": ""}),
        ("/v1/{a}", {"a": ".."}),
        ("/v1/{a}", {"a": ["x"]}),
        ("/v1/{a=rooms/*}", {"a": "halls/7"}),
        ("/v1/{a=rooms/*}", {"a": "rooms/7/8"}),
        ("/v1/{a=**}", {"a": "x/../y"}),
    ],
)
def test_values_that_do_not_fit_fail_their_row(template: str, values: dict[str, object]) -> None:
    with pytest.raises(RowFault, match="is part of the path"):
        path(template, **values)


@pytest.mark.parametrize("template", ["v1/a", "/v1/{a", "/v1/a}", "/v1/{}", "/v1/{a=}"])
def test_a_template_that_is_none_is_refused(template: str) -> None:
    with pytest.raises(ServiceError):
        parsed(template)


def test_the_rest_is_the_query() -> None:
    value = {"a": 1, "b": {"c": "x y", "d": [1, 2]}, "e": [{"f": 1}], "g": None, "h": "&="}

    assert query(value) == "a=1&b.c=x+y&b.d=1&b.d=2&e.f=1&h=%26%3D"


@settings(max_examples=cases(200))
@given(value=st.text(min_size=1, max_size=20))
def test_a_value_never_leaves_its_segment(value: str) -> None:
    if value in (".", ".."):
        return
    try:
        made = path("/v1/{a}/end", a=value)
    except UnicodeEncodeError:  # a lone surrogate, which no text of SQL has
        return

    assert made.count("/") == 3
    assert made.isascii()
    assert not set(made) & set(" ?#\\\r\n\x00")
