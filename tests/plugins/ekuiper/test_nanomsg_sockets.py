"""The inverted channel: what the host asks is the reply to a handshake, and a handshake too many is not an answer."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pynng
import pytest

from kuiper_nb.plugins.nanomsg_messages import Garbled
from kuiper_nb.plugins.nanomsg_sockets import Closed, Questions

SOON = 5.0


class Asked:
    """A host's channel, and a plugin's socket that is led by hand."""

    def __init__(self, folder: Path) -> None:
        address = f"ipc://{folder / 'x'}"
        self.host = Questions(address, gone=lambda: None)
        self.plugin = pynng.Req0(recv_timeout=5000, resend_time=0)
        self.plugin.dial(address, block=True)

    def asking(self, question: bytes) -> Callable[[], bytes]:
        """Ask on a thread of its own; what this returns waits for the answer."""
        answers: list[bytes] = []
        thread = threading.Thread(target=lambda: answers.append(self.host.ask(question, time.monotonic() + SOON)))
        thread.start()

        def answer() -> bytes:
            thread.join(SOON)
            return answers[0]

        return answer


@pytest.fixture
def asked(runtime: Path) -> Iterator[Asked]:
    found = Asked(runtime)
    yield found
    found.plugin.close()
    found.host.close()


def test_a_question_is_the_reply_to_a_handshake_and_the_next_request_is_the_answer(asked: Asked) -> None:
    asked.plugin.send(b"handshake")
    answer = asked.asking(b"one")
    assert asked.plugin.recv() == b"one"
    asked.plugin.send(b"1")
    assert answer() == b"1"

    answer = asked.asking(b"two")
    assert asked.plugin.recv() == b"two"
    asked.plugin.send(b"2")
    assert answer() == b"2"


def test_of_many_handshakes_the_newest_is_replied_to(asked: Asked) -> None:
    def rest_for_an_hour() -> None:  # some three hundred handshakes fill the connection; the plugin waits then
        for _ in range(700):
            asked.plugin.send(b"handshake")
        assert asked.plugin.recv() == b"one"
        asked.plugin.send(b"1")

    resting = threading.Thread(target=rest_for_an_hour)
    resting.start()

    assert asked.asking(b"one")() == b"1"
    resting.join(SOON)


def test_a_resting_plugin_never_fills_the_connection(asked: Asked) -> None:
    for _ in range(20):
        for _ in range(100):
            asked.plugin.send(b"handshake")
        asked.host.rest()

    answer = asked.asking(b"one")

    assert asked.plugin.recv() == b"one"
    asked.plugin.send(b"1")
    assert answer() == b"1"


def test_a_handshake_instead_of_an_answer_has_the_question_asked_again(asked: Asked) -> None:
    asked.plugin.send(b"handshake")
    answer = asked.asking(b"one")
    assert asked.plugin.recv() == b"one"  # and it is forgotten: the plugin had given up waiting

    asked.plugin.send(b"handshake")

    assert asked.plugin.recv() == b"one"
    asked.plugin.send(b"1")
    assert answer() == b"1"


def test_an_error_that_begins_like_a_handshake_is_an_answer_when_it_comes_again(asked: Asked) -> None:
    asked.plugin.send(b"handshake")
    answer = asked.asking(b"start")
    for _ in range(2):
        assert asked.plugin.recv() == b"start"
        asked.plugin.send(b"http server is down")

    assert answer() == b"http server is down"


def test_a_plugin_that_says_nothing_but_handshake_is_not_asked_for_ever(asked: Asked) -> None:
    def confused() -> None:
        with contextlib.suppress(pynng.NNGException):
            while True:
                asked.plugin.send(b"handshake")
                asked.plugin.recv()

    thread = threading.Thread(target=confused)
    thread.start()

    with pytest.raises(Garbled, match="nothing but handshake"):
        asked.host.ask(b"one", time.monotonic() + SOON)

    asked.host.close()
    asked.plugin.close()
    thread.join(SOON)


def test_without_a_plugin_a_question_waits_until_its_deadline(runtime: Path) -> None:
    host = Questions(f"ipc://{runtime / 'x'}", gone=lambda: None)

    with pytest.raises(TimeoutError):
        host.ask(b"one", time.monotonic() + 0.1)

    host.close()


def test_whoever_waits_is_told_when_it_is_closed(asked: Asked) -> None:
    told: list[type] = []

    def wait() -> None:
        try:
            asked.host.ask(b"one", time.monotonic() + 60)
        except Closed as why:
            told.append(type(why))

    thread = threading.Thread(target=wait)
    thread.start()
    asked.host.close()
    thread.join(SOON)

    assert told == [Closed]
