"""The code of a function, source or sink of a cell as the file of a plugin, with what it uses of its notebook."""

from __future__ import annotations

import ast
import builtins
import inspect
import symtable
import textwrap
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..errors import PluginError

_PLAIN = (int, float, str, bytes, bool, type(None))
_MOST = 100_000
"""Characters of a value that is written into the file."""


def moved(
    f: Callable[..., Any],
    name: str,
    kind: str,
    *,
    vectorized: bool = False,
    aggregate: bool = False,
    live: bool = False,
) -> str:
    """A file that serves *f* as the symbol *name*: its very code, with the modules, functions and constants it uses.

    Raises PluginError, naming it, for what it uses and no file can hold.
    """
    found = _Found()
    found.add(f)
    mark = "aggregate" if aggregate else kind
    given = [f"name={name!r}", *(["vectorized=True"] if vectorized else []), *(["live=True"] if live else [])]
    lines = ["from kuiper_nb import sdk as _sdk", *sorted(found.imports), *found.constants, *found.code]
    return "\n".join([*lines, "", f"_sdk.{mark}({f.__name__}, {', '.join(given)})", ""])


class _Found:
    """What is needed, in an order in which it can be run."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.constants: list[str] = []
        self.code: list[str] = []
        self._seen: set[str] = set()

    def add(self, f: Any) -> None:
        """A function or class, after what it uses."""
        name = f.__name__
        if name in self._seen:
            return
        self._seen.add(name)
        tree = _tree(f)
        tree.decorator_list = [d for d in tree.decorator_list if not _ours(d)]
        around = getattr(inspect.unwrap(f), "__globals__", None) or vars(inspect.getmodule(f) or builtins)
        inner = inspect.unwrap(f)
        if getattr(inner, "__closure__", None):
            names = ", ".join(inner.__code__.co_freevars)
            raise PluginError(f"{name} uses {names} of the function it was made in", "make it in a cell of its own")
        for used in _free(tree):
            if used in around and used != name:
                self._use(name, used, around[used])
        self.code += ["", "", ast.unparse(tree)]

    def _use(self, user: str, name: str, value: Any) -> None:
        if isinstance(value, ModuleType):
            self.imports.add(f"import {value.__name__} as {name}" if value.__name__ != name else f"import {name}")
        elif name in self._seen or getattr(value, "__module__", "") == "builtins":
            return
        elif _defined_here(value):
            self.add(value)
        elif callable(value) and hasattr(value, "__module__") and hasattr(value, "__qualname__"):
            self.imports.add(f"from {value.__module__} import {value.__qualname__} as {name}")
        elif _writable(value):
            self._seen.add(name)
            self.constants.append(f"{name} = {value!r}")
        else:
            message = f"{user} uses {name}, a {type(value).__name__}, which no file of a plugin can hold"
            raise PluginError(message, f"make {name} inside {user}, or in a cell with %%kuiper plugin")


def _tree(f: Any) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef:
    try:
        source = textwrap.dedent(inspect.getsource(f))
        tree = ast.parse(source).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        raise PluginError(f"the code of {f.__name__} is not known", "write it with def in a cell or a file") from None
    if not isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        raise PluginError(f"{f.__name__} is no def", "a lambda has no code of its own: write it with def")
    return tree


def _free(tree: ast.AST) -> list[str]:
    """The names it reads that it does not make itself, sorted."""
    found: set[str] = set()

    def look(table: symtable.SymbolTable) -> None:
        outermost = table.get_type() == "module"
        found.update(s.get_name() for s in table.get_symbols() if s.is_referenced() and (outermost or s.is_global()))
        for inner in table.get_children():
            look(inner)

    look(symtable.symtable(ast.unparse(tree), "<plugin>", "exec"))
    return sorted(found)


def _ours(decorator: ast.expr) -> bool:
    """Whether it is one of @kuiper.function and its kin, which the file does without."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in ("function", "aggregate", "source", "sink")


def _defined_here(value: Any) -> bool:
    """Whether it is code of a notebook or script, which nobody else can import."""
    if not (inspect.isfunction(value) or inspect.isclass(value)):
        return False
    return value.__module__ in ("__main__", None) or value.__module__.startswith("ipykernel")


def _writable(value: Any) -> bool:
    if isinstance(value, (list, tuple, set)):
        return all(_writable(item) for item in value) and len(repr(value)) < _MOST
    if isinstance(value, dict):
        return all(_writable(k) and _writable(v) for k, v in value.items()) and len(repr(value)) < _MOST
    return isinstance(value, _PLAIN) and len(repr(value)) < _MOST
