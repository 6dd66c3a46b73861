"""What counts as a message, and what has no effect."""

from __future__ import annotations

import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuiper_nb.plugins.wire import Message, Refused, Wire, session_key

KEY = b"k" * 32


def sides(channel: str = "calls", *, whole: bool = False) -> tuple[Wire, Wire]:
    return Wire(KEY, "host", channel, whole=whole), Wire(KEY, "plugin", channel, whole=whole)


def test_a_message_comes_out_as_it_went_in():
    host, plugin = sides()

    message = plugin.unpack(host.pack("call", {"id": 7, "symbol": "f"}, [b"abc", b""]))

    assert message == Message("call", {"id": 7, "symbol": "f"}, [b"abc", b""])


def test_a_message_of_another_key_is_a_strangers():
    stranger = Wire(b"x" * 32, "host", "calls")
    _, plugin = sides()

    with pytest.raises(Refused) as refused:
        plugin.unpack(stranger.pack("call"))

    assert refused.value.reason == "stranger"


@pytest.mark.parametrize("other", ["control", "data", "log"])
def test_a_message_counts_on_its_own_channel_only(other: str):
    host, _ = sides("calls")
    _, plugin = sides(other)

    with pytest.raises(Refused, match="stranger"):
        plugin.unpack(host.pack("call"))


def test_what_a_side_has_said_is_no_answer_to_itself():
    host, _ = sides()

    with pytest.raises(Refused, match="stranger"):
        host.unpack(host.pack("call"))


def test_a_message_counts_once():
    host, plugin = sides()
    frames = host.pack("call")
    plugin.unpack(frames)

    with pytest.raises(Refused, match="repeated"):
        plugin.unpack(frames)


def test_a_payload_that_was_cut_off_is_no_message():
    host, plugin = sides()

    with pytest.raises(Refused, match="malformed"):
        plugin.unpack(host.pack("call", {}, [b"abc", b"def"])[:-1])


def test_a_changed_payload_is_noticed_where_payloads_are_signed():
    host, plugin = sides(whole=True)
    frames = host.pack("call", {}, [b"abc"])

    with pytest.raises(Refused, match="stranger"):
        plugin.unpack([*frames[:2], b"abd"])


def test_a_new_key_starts_anew():
    host, plugin = sides()
    plugin.unpack(host.pack("call"))
    old = host.pack("call")
    key = session_key(KEY, "a", "b")
    host.renew(key)
    plugin.renew(key)

    assert plugin.unpack(host.pack("call")).kind == "call"
    with pytest.raises(Refused, match="stranger"):
        plugin.unpack(old)


@pytest.mark.parametrize(
    "header",
    ["", "[]", "7", '{"n": 1}', '{"n": 1, "kind": 3}', '{"n": "1", "kind": "call"}', "[" * 5000, '{"n":1,"kind":"A"}'],
)
def test_a_signed_header_that_says_nothing_is_refused(header: str):
    _, plugin = sides()
    signature = hmac.digest(KEY, b"host:calls:" + header.encode(), "sha256")

    with pytest.raises(Refused):
        plugin.unpack([signature, header.encode()])


@given(st.lists(st.binary(max_size=80), max_size=6))
def test_whatever_arrives_is_refused_and_nothing_else_happens(frames: list[bytes]):
    host, plugin = sides()

    with pytest.raises(Refused, match="stranger"):
        plugin.unpack(frames)

    assert plugin.unpack(host.pack("call")).kind == "call"


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_message_with_one_changed_byte_has_no_effect(place: int, byte: int):
    host, plugin = sides(whole=True)
    frames = [bytes(f) for f in host.pack("answer", {"id": 3, "rows": 2}, [b"some payload"])]
    joined = b"".join(frames)
    place %= len(joined)
    changed = joined[:place] + bytes([byte]) + joined[place + 1 :]
    cut = [len(frames[0]), len(frames[0]) + len(frames[1])]
    mutated = [changed[: cut[0]], changed[cut[0] : cut[1]], changed[cut[1] :]]

    if mutated == frames:
        assert plugin.unpack(mutated).fields == {"id": 3, "rows": 2}
    else:
        with pytest.raises(Refused):
            plugin.unpack(mutated)


def test_a_header_is_plain_json():
    host, _ = sides()

    header = json.loads(bytes(host.pack("call", {"symbol": "ä"}, [b"xy"])[1]))

    assert header == {"kind": "call", "n": 1, "sizes": [2], "symbol": "ä"}
