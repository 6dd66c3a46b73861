"""The chart that stays: the points of the live view in a picture that needs nothing from anywhere."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from kuiper_nb.notebook.chart import Chart

SVG = "{http://www.w3.org/2000/svg}"


def chart(kind: str = "line", *, time: bool = False, left_out: int = 0, **series: list[list[float]]) -> Any:
    told = [{"name": name, "points": points} for name, points in series.items()]
    return Chart.of(kind, {"series": told, "time": time, "left_out": left_out})


def drawn(made: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(made.svg())


def paths(made: Chart) -> dict[str, list[tuple[float, float]]]:
    """The corners of what is drawn of each series."""
    found = {}
    for path in drawn(made).iter(f"{SVG}path"):
        if name := path.get("data-series"):
            found[name] = [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path.get("d", ""))]
    return found


def texts(made: Chart) -> list[str]:
    return ["".join(text.itertext()) for text in drawn(made).iter(f"{SVG}text")]


def test_without_points_there_is_none() -> None:
    assert chart() is None
    assert chart(a=[]) is None


def test_higher_is_up_and_later_is_right() -> None:
    ((x0, low), (x1, high), (x2, middle)) = paths(chart(a=[[0, 1], [1, 9], [2, 5]]))["a"]

    assert x0 < x1 < x2
    assert high < middle < low


def test_every_series_has_its_line_its_name_and_its_newest_value() -> None:
    made = chart(a=[[0, 1], [1, 2.5]], b=[[0, 4], [1, 3]], left_out=3)

    assert set(paths(made)) == {"a", "b"}
    assert texts(made)[-3:] == ["a 2.5", "b 3", "and 3 more"]
    assert drawn(made).get("aria-label") == "a: newest 2.5, from 1 to 2.5; b: newest 3, from 3 to 4"
    assert repr(made) == "chart of a: newest 2.5, from 1 to 2.5\nchart of b: newest 3, from 3 to 4"


def test_bars_stand_on_zero() -> None:
    made = chart("bar", a=[[0, 2], [1, 4]])

    (path,) = [p for p in drawn(made).iter(f"{SVG}path") if p.get("data-series")]
    bottoms = {float(at) for at in re.findall(r"V([\d.]+)", path.get("d", ""))}

    assert len(bottoms) == 1
    assert "0" in texts(made)


def test_moments_are_told_by_the_clock() -> None:
    made = chart(time=True, a=[[1_700_000_000_000, 1], [1_700_000_060_000, 2]])

    assert [text for text in texts(made) if re.fullmatch(r"\d\d:\d\d:\d\d", text)]


@pytest.mark.parametrize(
    "points",
    [
        [[1, 3]],
        [[0, 0], [1, 0]],
        [[0, 1e300], [1, -1e300]],
        [[0, 1e-300], [1, 2e-300]],
        [[1e15, 1], [1e15 + 1, 1 + 1e-12]],
        [[-5e15, 1], [5e15, 2]],
    ],
)
@pytest.mark.parametrize("time", [True, False])
@pytest.mark.parametrize("kind", ["line", "bar"])
def test_whatever_the_numbers_it_is_a_picture(kind: str, time: bool, points: list[list[float]]) -> None:
    made = chart(kind, time=time, a=points)

    assert "nan" not in made.svg()
    assert "inf" not in made.svg().replace('"a: newest', "")
    assert len([p for p in drawn(made).iter(f"{SVG}path") if p.get("data-series")]) == 1


def test_names_are_text() -> None:
    made = Chart.of(
        "line", {"series": [{"name": "<script>\x00&\"'", "points": [[0, 1]]}], "time": False, "left_out": 0}
    )

    assert made is not None
    assert "<script" not in made.svg()
    assert texts(made)[-1] == "<script>\ufffd&\"' 1"
