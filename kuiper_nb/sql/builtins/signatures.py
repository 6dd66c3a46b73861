"""How a built-in function is called: its arguments by name, what literals in their places must be, what may be left
out."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from .entry import Builtin


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument: its name, what a literal there must be, its default ("" for none); *repeated*: any number more."""

    name: str
    kind: str
    default: str = ""
    optional: bool = False
    repeated: bool = False

    def __str__(self) -> str:
        if self.repeated:
            return f"{self.name}, …"
        return f"{self.name} = {self.default}" if self.default else f"[{self.name}]" if self.optional else self.name


_WRITTEN = {
    "lag": ("value", "offset = 1", "default = null", "ignoreNull = true"),
    "latest": ("value", "default = null"),
    "changed_col": ("ignoreNull", "value"),
    "had_changed": ("ignoreNull", "value, …"),
    "changed_cols": ("prefix", "ignoreNull", "value, …"),
    **dict.fromkeys(("ceil", "ceiling", "floor", "bitnot", "log"), ("value",)),
    "deduplicate": ("value", "all"),
    "last_value": ("value", "ignoreNull"),
    "percentile_cont": ("value", "share"),
    "percentile_disc": ("value", "share"),
    "atan2": ("y", "x"),
    "format": ("value", "places", 'locale = "en_US"'),
    "conv": ("value", "from", "to"),
    "decode": ("value", "encoding"),
    "encode": ("value", "encoding"),
    "erase": ("object", "key, …"),
    "object_construct": ("key, value, …",),
    "delay": ("milliseconds", "value"),
    "get_keyed_state": ("key", "type", "default"),
    "array_join": ("array", "delimiter", "null"),
    "bypass": ("value, …",),
    **{f"acc_{name}": ("value", "begin = true", "reset = false") for name in ("sum", "avg", "min", "max", "count")},
    **{f"last_{name}": () for name in ("hit_count", "hit_time", "agg_hit_count", "agg_hit_time")},
}
"""Where the parameters of the reference do not tell."""


def arguments(entry: Builtin) -> tuple[Argument, ...]:
    """The arguments of a built-in, in order."""
    names = _WRITTEN[entry.name] if entry.name in _WRITTEN else _of_reference(entry)
    return tuple(_argument(text, entry, place) for place, text in enumerate(names))


def signature(entry: Builtin) -> str:
    """`round(value, places = 0)`."""
    if entry.name == "log":
        return "log(value) or log(base, value)"
    return f"{entry.name}({', '.join(str(argument) for argument in arguments(entry))})"


def _argument(text: str, entry: Builtin, place: int) -> Argument:
    kind = entry.arguments[min(place, len(entry.arguments) - 1)]
    name, _, default = text.partition(" = ")
    repeated = name.endswith(", …")
    return Argument(name.removesuffix(", …"), kind, default, place >= entry.arity[0] and not repeated, repeated)


def _of_reference(entry: Builtin) -> tuple[str, ...]:
    most = entry.arity[1]
    if most == 0:
        return ()
    parameters = list(inspect.signature(entry.reference).parameters.values())[entry.scope :]
    if entry.kind == "aggregate":
        return ("value",)
    names: list[str] = []
    for parameter in parameters if most is None else parameters[:most]:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names.append("value" if most is not None else f"{parameter.name.removesuffix('s')}, …")
        elif parameter.default in (parameter.empty, None):
            names.append(parameter.name)
        else:
            names.append(f"{parameter.name} = {_literal(parameter.default)}")
    return tuple(names)


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
