"""Asks an interpreter what it is: its version, whether a script is of its language, which packages it lacks.

    python probe.py SCRIPT PACKAGE…

It stands alone and must run on any Python that somebody may name, however old: nothing newer than 2.7 here.
"""

if __name__ == "__main__":
    import sys

    del sys.path[0]  # this folder has nothing that it needs
    import json
    import os

    script, wanted = sys.argv[1], sys.argv[2:]
    found = json.loads('{"missing": [], "syntax": null}')
    found["version"] = list(sys.version_info[:3])
    if sys.version_info >= (3, 4):  # noqa: UP036
        from importlib.util import find_spec

        sys.path.insert(0, os.path.dirname(script))  # where it will look first
        found["missing"] = [name for name in wanted if find_spec(name) is None]
    try:
        with open(script, "rb") as opened:
            compile(opened.read(), script, "exec", 0, True)
    except SyntaxError as error:
        found["syntax"] = [error.msg, error.lineno, error.offset]
    except (ValueError, RuntimeError, MemoryError) as error:
        found["syntax"] = [str(error), None, None]
    sys.stdout.write("\n" + json.dumps(found) + "\n")
