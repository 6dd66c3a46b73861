"""Functions that the compiler knows by itself, beside the table: what they are called with, and what they answer."""

from __future__ import annotations

SPECIAL: dict[str, tuple[str, str]] = {
    "window_start": ("()", "where the window begins, ms"),
    "window_end": ("()", "where the window ends, ms"),
    "window_trigger": ("()", "when the window was sent, ms"),
    "event_time": ("()", "the time of the row, ms"),
    "meta": ("(key)", "what came with the row beside its columns, such as meta(topic); meta(*) is all of it"),
    "row_number": ("()", "the place of the row in its emit, from 1; in the SELECT list"),
}
"""By name: the arguments, and a line of help."""
