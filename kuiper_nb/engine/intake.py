"""What a source has ready for one micro-batch."""

from __future__ import annotations

from ..contracts import EndOfStream, Payload, Source
from ..errors import KuiperError

_MOST_PAYLOADS = 8192


def collected(source: Source) -> tuple[list[Payload], bool, KuiperError | None]:
    """The payloads of one step, whether the source has ended, and the error it failed with.

    One payload is enough for a step, unless more wait in the source (*backlog*), or it says that the next belongs to
    the same one (*more*).
    """
    payloads: list[Payload] = []
    try:
        while len(payloads) < _MOST_PAYLOADS:
            payload = source.poll()
            if payload is None:
                break
            payloads.append(payload)
            if getattr(source, "backlog", None) is None and not getattr(source, "more", False):
                break
    except EndOfStream:
        return payloads, True, None
    except KuiperError as error:
        return payloads, False, error
    return payloads, False, None
