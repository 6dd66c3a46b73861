"""Who is not the plugin has no effect, whatever is tried; who is not its user gets nowhere near."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from kuiper_nb.plugins.kernel import Kernel

from ..benchmarks.strangers import forged, other_user

Start = Callable[[str], Kernel]
TWICE = "@function\ndef twice(n): return 2 * n\nplugin.serve_marked()"


def test_forged_answers_have_no_effect_and_are_counted(kernel: Start) -> None:
    plugin = kernel(TWICE)

    assert forged(plugin, 8) == 0
    assert plugin.refused > 0


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can be another user")
def test_another_user_of_the_machine_can_do_nothing(kernel: Start) -> None:
    assert other_user(kernel(TWICE)) == ""
