"""What rows are asked to do: one after the other for each thing, side by side for several."""

from __future__ import annotations

import threading

from kuiper_nb.notebook.errands import Errands

SOON = 10.0


def test_what_is_asked_of_one_thing_is_done_in_order() -> None:
    errands, done, go, last = Errands(), [], threading.Event(), threading.Event()

    errands.run("rule hot", lambda: (go.wait(SOON), done.append("stop")))
    errands.run("rule hot", lambda: done.append("start"))
    errands.run("rule hot", last.set)
    before = list(done)
    go.set()

    assert last.wait(SOON)
    assert (before, done) == ([], ["stop", "start"])


def test_one_thing_does_not_wait_for_another() -> None:
    errands, go, other = Errands(), threading.Event(), threading.Event()

    errands.run("rule stuck", lambda: go.wait(SOON))
    errands.run("rule hot", other.set)

    assert other.wait(SOON)
    go.set()


def test_closing_waits_for_what_is_under_way_and_leaves_no_thread() -> None:
    errands, begun, done = Errands(), threading.Event(), []

    def errand() -> None:
        begun.set()
        done.append("stop")

    errands.run("rule hot", errand)
    errands.close()

    assert (begun.is_set(), done) == (True, ["stop"])
    assert [thread.name for thread in threading.enumerate() if thread.name == "kuiper rule hot"] == []
