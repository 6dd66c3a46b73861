"""Who is not the plugin has no effect, whatever is tried; who is not its user gets nowhere near."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kuiper_nb.plugins.connection import CHANNELS
from kuiper_nb.plugins.kernel import Kernel
from kuiper_nb.plugins.lines import Lines
from kuiper_nb.plugins.origins import attached

from ..benchmarks.faults import intruders, strangers
from .conftest import PATIENCE


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A process of a plugin, whose every word somebody hears."""
    with strangers.speaking(tmp_path) as started:
        yield started


@pytest.fixture
def by_hand(tmp_path: Path) -> Iterator[Kernel]:
    """The same, started by somebody else and attached."""
    file = tmp_path / "plugin.py"
    file.write_text(strangers.TWICE)
    other = subprocess.Popen(
        [sys.executable, "-um", "kuiper_nb.sdk", str(file)], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert other.stdout is not None
    kernel = attached(Path(other.stdout.readline().split()[-1])).launch(Lines())
    assert isinstance(kernel, Kernel)
    kernel.ready(PATIENCE)
    yield kernel
    kernel.close()
    other.kill()
    other.wait()
    other.stdout.close()


@pytest.mark.parametrize("attempt", strangers.ATTEMPTS)
def test_no_answer_is_wrong_or_lost_whatever_strangers_do(kernel: Kernel, attempt: str) -> None:
    assert strangers.ATTEMPTS[attempt](kernel, 4) == 0
    assert kernel.lost == ""


@pytest.mark.parametrize("attempt", ["forged", "replayed", "flooded"])
def test_what_strangers_say_is_counted(kernel: Kernel, attempt: str) -> None:
    strangers.ATTEMPTS[attempt](kernel, 4)

    assert kernel.refused > 0


def test_a_deadline_is_one_although_strangers_send_as_much_as_they_can(kernel: Kernel) -> None:
    with intruders.floods(kernel.addresses["calls"], 4):
        assert strangers.hung(kernel) < 1.5


@pytest.mark.parametrize("channel", CHANNELS)
def test_thousands_that_come_and_go_while_nobody_calls_hold_nobody_up(kernel: Kernel, channel: str) -> None:
    intruders.comes_and_goes(kernel.addresses[channel], 2500)

    assert strangers.asked(kernel, 1) == 0


def test_an_attached_plugin_is_not_lost_with_a_stranger(by_hand: Kernel) -> None:
    assert strangers.gone_again(by_hand, 2) == 0
    assert by_hand.lost == ""


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can be another user")
def test_another_user_of_the_machine_can_do_nothing(kernel: Kernel) -> None:
    assert strangers.other_user(kernel) == ""
