"""How a plugin of Python is started: `python -m kuiper_nb.plugins.sdk.run CONNECTION FILE [ARGUMENT …]` by its host,
`python -m kuiper_nb.sdk FILE [ARGUMENT …]` by hand, to be attached.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import kuiper_nb

from . import collected, plugin


def main() -> None:
    """What the host calls."""
    connection, file, *arguments = sys.argv[1:]
    plugin.given = Path(connection)
    serve(file, arguments)


def serve(file: str, arguments: list[str]) -> None:
    """Run the author's file as the main program; what it has marked is served when it is done."""
    kuiper_nb.serve_instead(collected)  # so @kuiper.function of a cell means the same in its plugin
    sys.argv = [file, *arguments]
    sys.path[0] = str(Path(file).resolve().parent)
    try:
        runpy.run_path(file, {"kuiper": kuiper_nb}, run_name="__main__")  # a name that its notebook has, too
    except Exception as error:
        import traceback

        raise SystemExit("".join(traceback.format_exception(_authors(error, file))).rstrip()) from None
    plugin.serve_marked()


def _authors(error: Exception, file: str) -> Exception:
    """*error* with a traceback that begins in the author's file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != file:
        trace = trace.tb_next
    return error.with_traceback(trace)


if __name__ == "__main__":
    main()
