"""Rows that the evaluator takes, and that call a function which answers elsewhere: asked about together.

Such a call takes longer than all the rest of a row. So each row is evaluated until it comes to one, which is noted;
then each function is asked once for all who came to it, and the rows are evaluated again, with the answers at hand.
What no row comes to (behind a CASE, a WHERE) is not asked, as when they go one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..contracts import Call
from ..errors import RowFault
from ..functions.call import Asked, RowCaller, Waiting
from ..sql.evaluate import Frame


class Together:
    """The calls of one rule, which has so many (*sites*). *evaluate* does with a row what will be done with it."""

    def __init__(self, caller: RowCaller, sites: int, evaluate: Callable[[Frame], object]) -> None:
        self._caller = caller
        self._sites = sites
        self._evaluate = evaluate

    def rehearse(self, frames: Sequence[Frame]) -> None:
        """Answer what *frames* will ask. Whatever fails will fail again."""
        waiting = list(frames)
        for _ in range(self._sites):
            asked = [(frame, question) for frame in waiting if (question := self._question(frame)) is not None]
            if not asked:
                return
            by_site: dict[int, list[tuple[Frame, Asked]]] = {}
            for frame, question in asked:
                by_site.setdefault(question.node.site, []).append((frame, question))
            for those in by_site.values():
                self._answer(those)
            waiting = [frame for frame, _ in asked]

    def _question(self, frame: Frame) -> Asked | None:
        with self._caller.waiting():
            try:
                self._evaluate(frame)
            except Waiting as waiting:
                return waiting.asked
            except RowFault:
                pass
        return None

    def _answer(self, asked: list[tuple[Frame, Asked]]) -> None:
        """Ask one function; where it is gone, or takes other arguments now, the rows will find out."""
        node = asked[0][1].node
        try:
            function = self._caller.latest(node.name)
        except RowFault:
            return
        left = [(frame, question) for frame, question in asked if not self._caller.at_hand(frame, question)]
        if not left:
            return
        columns = tuple(map(list, zip(*(question.arguments for _, question in left), strict=True)))
        answer = function.call(Call(columns, len(left), self._caller.context(node)))
        values = answer.values if isinstance(answer.values, list) else answer.values.to_pylist()
        for place, (frame, question) in enumerate(left):
            frame.answers[node.site] = question.arguments, answer.failures.get(place, values[place])
