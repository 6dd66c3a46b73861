"""YAML is data: what a word means is what it means to eKuiper, and a hostile text is refused with its place."""

from __future__ import annotations

import pytest

from kuiper_nb.formats.yaml import BadYaml, read


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        ("False", False),
        ("on", "on"),
        ("NO", "NO"),
        ("12", 12),
        ("-1_000", -1000),
        ("010", 8),
        ("0o17", 15),
        ("0x1F", 31),
        ("089", 89.0),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        ("-.INF", float("-inf")),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("0x", "0x"),
        ("~", None),
        ("null", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("!!int 12", 12),
    ],
)
def test_a_word_means_what_it_means_to_ekuiper(word: str, value: object) -> None:
    assert repr(read(f"a: {word}")) == repr({"a": value})


def test_keys_are_text_as_they_are_written() -> None:
    assert read("1: a\ntrue: b\n'x y': c") == {"1": "a", "true": "b", "x y": "c"}


def test_nothing_is_nothing() -> None:
    assert read("") is None
    assert read("# only a comment\n") is None


def test_a_section_may_be_merged_into_another() -> None:
    assert read("base: &b {a: 1, c: 2}\nother:\n  <<: *b\n  a: 3") == {
        "base": {"a": 1, "c": 2},
        "other": {"c": 2, "a": 3},
    }


BILLION_LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        ("a: 1\nb: [", "expected the node content", 2),
        ("a: 1\nb: 2\na: 3", "a stands twice", 3),
        ("!!python/object/apply:os.system ['true']", "the tag !!python/object/apply:os.system is not read", 1),
        ("a: !!python/name:os.system", "is not read", 1),
        ("a: !mine 1", "the tag !mine is not read", 1),
        ("a: !!binary aGk=", "is not read", 1),
        ("a: &a [*a]", "deeper than 50", 1),
        (BILLION_LAUGHS, "more than 10,000 values", None),
        ("[" * 20_000, "deeper than 50", 1),
        ("- " * 20_000, "deeper than 50", None),
        ("{a: " * 20_000, "deeper than 50", 1),
        ("a: *b", "undefined alias", 1),
        ("a: 1\n---\nb: 2", "another document", 2),
        ("? [1]\n: 2", "a key is a word", 1),
        ("<<: 1", "<< takes a mapping", 1),
        ("a: \x00", "special characters", None),
        ("a: " + "x" * (1 << 20), "longer than 1 MiB", None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_more_than_data_is_refused_with_its_place(text: str, why: str, line: int | None) -> None:
    with pytest.raises(BadYaml, match=why.replace("*", r"\*")) as caught:
        read(text)

    assert line is None or caught.value.line == line
