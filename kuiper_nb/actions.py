"""The actions of a rule, in the shape of eKuiper's JSON: [{"log": {}}, {"file": {"path": "out.json"}}]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import KuiperError

SHAPE = 'actions are a list of sinks with their properties: [{"log": {}}, {"memory": {"topic": "out"}}]'


def chosen(actions: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every sink by its type and its properties, in order. Raises KuiperError for another shape."""
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(actions, (str, bytes, Mapping)):
        raise KuiperError(f"{actions!r} is no list of actions", SHAPE)
    try:
        given = list(actions or ())
    except TypeError:
        raise KuiperError(f"{actions!r} is no list of actions", SHAPE) from None
    for action in given:
        if not isinstance(action, Mapping):
            raise KuiperError(f"{action!r} is no action", SHAPE)
        for kind, properties in action.items():
            if not isinstance(kind, str) or not isinstance(properties, (Mapping, type(None))):
                raise KuiperError(f"{kind!r}: {properties!r} is no action", SHAPE)
            found.append((kind, dict(properties or {})))
    return found
