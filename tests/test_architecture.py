"""The house keeps its own rules: imports go down, a library has one home, files and functions stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import kuiper_nb

PACKAGE = Path(kuiper_nb.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

FLOOR = {
    "errors": 0,
    "contracts": 1,
    "types": 1,
    "process": 1,
    "zipped": 1,
    "meter": 1,
    "windowing": 2,
    "catalog": 2,
    "duck": 2,
    "sql": 3,
    "functions": 4,
    "formats": 4,
    "engine": 5,
    "connectors": 5,
    "plugins": 5,
    "services": 5,
    "session": 6,
    "actions": 6,
    "tabular": 6,
    "statements": 6,
    "connecting": 6,
    "defining": 6,
    "sdk": 6,
    "recordings": 6,
    "testing": 6,
    "production": 6,
    "notebook": 7,
}
"""The rooms by floor. Above floor 1 the rooms of one floor do not know each other, but for the session's."""

OPEN_FLOORS = {1, 6}

HOMES = {
    "duckdb": ("duck.py",),
    "lark": ("sql/",),
    "sqlglot": ("sql/",),
    "IPython": ("notebook/",),
    "ipywidgets": ("notebook/",),
    "traitlets": ("notebook/",),
    "anywidget": ("notebook/",),
    "psutil": ("connectors/system.py", "plugins/"),
    "zmq": ("plugins/",),
    "pynng": ("plugins/nanomsg_sockets.py",),
    "yaml": ("formats/",),
    "httpx": ("services/", "connectors/", "production/", "plugins/"),
    "aiohttp": ("services/",),
    "google": ("services/",),
    "grpc": ("services/",),
    "grpc_tools": ("services/",),
    "msgpack": ("services/", "plugins/"),
    "pydantic": ("services/",),
    "jupyter_client": (),
    "polars": (),
}
"""The only places where a library may be imported."""

MOST_LINES = 400
MOST_FUNCTION_LINES = 50


def place(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def room(file: Path) -> str:
    top = place(file).split("/")[0]
    return top.removesuffix(".py")


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def for_types_only(tree: ast.Module) -> set[ast.AST]:
    """Everything under `if TYPE_CHECKING:`, which no running program imports."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for child in node.body:
                found.update(ast.walk(child))
    return found


def imported(file: Path, tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    """Every import with the full dotted name of what it imports; those of our own start with kuiper_nb."""
    package = ["kuiper_nb", *place(file).split("/")[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            if prefix == "kuiper_nb":
                for alias in node.names:
                    yield node, f"kuiper_nb.{alias.name}"
            else:
                yield node, prefix


def our_rooms(file: Path, tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    for node, name in imported(file, tree):
        parts = name.split(".")
        if parts[0] == "kuiper_nb" and len(parts) > 1:
            yield node, parts[1]


def may_import(importer: str, target: str) -> bool:
    if importer == target:
        return True
    above, below = FLOOR[importer], FLOOR[target]
    return below < above or (below == above and above in OPEN_FLOORS)


def test_every_room_has_a_floor() -> None:
    assert {room(f) for f in FILES} - set(FLOOR) == {"__init__"}


def test_rooms_import_only_what_lies_below_them() -> None:
    wrong = [
        f"{place(file)}:{node.lineno} imports {target}"
        for file in FILES
        if room(file) != "__init__"
        for node, target in our_rooms(file, parsed(file))
        if target in FLOOR and not may_import(room(file), target)
    ]
    assert wrong == []


def test_the_session_never_knows_the_notebook() -> None:
    wrong = [
        place(file)
        for file in FILES
        if room(file) not in ("notebook", "__init__")
        for _, target in our_rooms(file, parsed(file))
        if target == "notebook"
    ]
    assert wrong == []


def test_a_third_party_library_has_one_home() -> None:
    wrong = [
        f"{place(file)}:{node.lineno} imports {name}"
        for file in FILES
        for node, name in imported(file, parsed(file))
        if (library := name.split(".")[0]) in HOMES and not place(file).startswith(HOMES[library])
    ]
    assert wrong == []


def test_pandas_is_imported_for_types_or_when_it_is_needed() -> None:
    wrong = []
    for file in FILES:
        tree = parsed(file)
        exempt = for_types_only(tree)
        wrong += [
            f"{place(file)}:{node.lineno}"
            for node, name in imported(file, tree)
            if name.split(".")[0] == "pandas" and node in tree.body and node not in exempt
        ]
    assert wrong == []


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {place(f): len(f.read_text(encoding="utf-8").splitlines()) for f in FILES}
    assert {name: length for name, length in lengths.items() if length >= MOST_LINES} == {}


def test_no_function_is_longer_than_50_lines() -> None:
    wrong = {}
    for file in FILES:
        for node in ast.walk(parsed(file)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length >= MOST_FUNCTION_LINES:
                    wrong[f"{place(file)}:{node.name}"] = length
    assert wrong == {}


def test_every_file_opens_with_what_it_is_for() -> None:
    missing = [place(f) for f in FILES if f.read_text(encoding="utf-8").strip() and not ast.get_docstring(parsed(f))]
    assert missing == []


def test_every_file_has_its_annotations_postponed() -> None:
    missing = [
        place(f)
        for f in FILES
        if any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in parsed(f).body)
        and "from __future__ import annotations" not in f.read_text(encoding="utf-8")
    ]
    assert missing == []


def test_names_come_from_the_field_and_not_from_the_drawer() -> None:
    words = ("util", "helper", "common", "misc_", "manager", "handler")
    assert [place(f) for f in FILES if any(word in f.stem.lower() for word in words)] == []
    classes = [
        f"{place(f)}:{node.name}"
        for f in FILES
        for node in ast.walk(parsed(f))
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Manager", "Helper", "Util", "Utils"))
    ]
    assert classes == []


def test_nothing_defined_in_a_class_is_defined_twice() -> None:
    wrong = []
    for file in FILES:
        for node in ast.walk(parsed(file)):
            if not isinstance(node, ast.ClassDef):
                continue
            names = [d.name for d in node.body if isinstance(d, ast.FunctionDef) and not _overloads(d)]
            wrong += [f"{place(file)}:{node.name}.{n}" for n in {n for n in names if names.count(n) > 1}]
    assert wrong == []


def _overloads(function: ast.FunctionDef) -> bool:
    decorators = [ast.unparse(d) for d in function.decorator_list]
    return any(d == "overload" or d.endswith((".setter", ".deleter")) for d in decorators)


HEAVY = (
    "{'duckdb', 'lark', 'sqlglot', 'pandas', 'pyarrow', 'numpy', 'zmq', 'httpx', 'yaml', 'IPython', 'ipywidgets',"
    " 'anywidget', 'grpc', 'pydantic', 'aiohttp', 'google', 'msgpack'}"
)


@pytest.mark.parametrize("statement", ["import kuiper_nb", "import kuiper_nb as kuiper; kuiper.__all__"])
def test_importing_the_package_costs_next_to_nothing(statement: str) -> None:
    script = (
        "import sys, time; before = time.perf_counter()\n"
        f"{statement}\n"
        f"print(time.perf_counter() - before < 0.5, sorted({HEAVY} & set(sys.modules)))"
    )

    answer = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "True []"
