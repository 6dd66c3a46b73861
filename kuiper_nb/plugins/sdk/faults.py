"""What a host is told of an error of the author's code."""

from __future__ import annotations


def fault(error: BaseException) -> dict[str, str]:
    """Its message, and the innermost place it passed."""
    from traceback import extract_tb  # takes a while to import, which most plugins never need

    frames = extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return {"error": str(error) or type(error).__name__, "where": where}
