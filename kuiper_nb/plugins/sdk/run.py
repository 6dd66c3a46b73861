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
    runpy.run_path(file, run_name="__main__")
    plugin.serve_marked()


if __name__ == "__main__":
    main()
