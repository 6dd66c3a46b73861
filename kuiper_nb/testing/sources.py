"""The Python text of functions from cells, with everything they use: imports, constants, other functions."""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from ..errors import KuiperError


class Sources:
    """Gathers what a file needs so that functions from a notebook work in it, each thing once."""

    def __init__(self) -> None:
        self._imports: dict[str, str] = {}
        self._constants: dict[str, str] = {}
        self._functions: dict[str, str] = {}

    @property
    def imports(self) -> list[str]:
        """Import statements, sorted."""
        return sorted(self._imports.values())

    @property
    def constants(self) -> list[str]:
        """Assignments."""
        return list(self._constants.values())

    @property
    def functions(self) -> list[str]:
        """Definitions, those that are needed before those that need them."""
        return list(self._functions.values())

    def need(self, function: Callable[..., Any], what: str) -> str:
        """Gather *function*; answers what the file calls it. Raises KuiperError when it cannot be taken along."""
        if not isinstance(function, FunctionType):
            raise KuiperError(f"{what} is a {type(function).__name__}, which has no text", "make it a def")
        if function.__module__ != "__main__":
            return self._import(function, what)
        name = function.__name__
        if name in self._functions:
            return name
        if function.__closure__:
            raise KuiperError(f"{what} is made inside another function", "define it at the top of a cell")
        text, tree = _definition(function, what)
        self._functions[name] = ""  # it may call itself
        for used in _names(tree):
            if used != name and used in function.__globals__:
                self._use(used, function.__globals__[used], what)
        del self._functions[name]
        self._functions[name] = text
        return name

    def _import(self, thing: Any, what: str) -> str:
        name = thing.__qualname__
        if "<" in name or "." in name:
            raise KuiperError(f"{what} is made inside another function", "define it at the top of a module")
        self._imports[name] = f"from {thing.__module__} import {name}"
        return str(name)

    def _use(self, name: str, value: Any, what: str) -> None:
        if hasattr(builtins, name) and getattr(builtins, name) is value:
            return
        if isinstance(value, ModuleType):
            plain = value.__name__ == name
            self._imports[name] = f"import {name}" if plain else f"import {value.__name__} as {name}"
        elif isinstance(value, FunctionType) and value.__module__ == "__main__":
            if self.need(value, f"{name}, which {what} uses,") != name:
                self._constants[name] = f"{name} = {value.__name__}"
        elif (
            callable(value)
            and hasattr(value, "__qualname__")
            and getattr(value, "__module__", "__main__") != "__main__"
        ):
            imported = self._import(value, f"{name}, which {what} uses,")
            if imported != name:
                self._imports[name] = f"{self._imports.pop(imported)} as {name}"
        else:
            self._constants[name] = f"{name} = {literal(value, f'{name}, which {what} uses,')}"


def literal(value: Any, what: str) -> str:
    """Plain data as Python source. Raises KuiperError for what source cannot say."""
    text = repr(value)
    try:
        if ast.literal_eval(text) == value:
            return text
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        pass
    hint = "put it into a module and import it; numbers, texts, lists and dicts of them may stay"
    raise KuiperError(f"{what} is a {type(value).__name__}, which no file of tests can hold", hint)


def _definition(function: FunctionType, what: str) -> tuple[str, ast.AST]:
    """The text of a def without its decorators, and its tree."""
    try:
        text = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(text).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        raise KuiperError(f"the text of {what} is not known", "define it in a cell") from None
    if not isinstance(tree, ast.FunctionDef):
        raise KuiperError(f"{what} is a lambda", "make it a def")
    lines = text.splitlines()[tree.lineno - 1 : tree.end_lineno]
    tree.decorator_list = []
    return "\n".join(lines), tree


def _names(tree: ast.AST) -> list[str]:
    """The names it reads, those in its annotations too."""
    return list(dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name)))
