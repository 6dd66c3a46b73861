"""What a rule reads of its stream: eKuiper decodes and checks nothing else of a payload."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..catalog import Stream
from ..types import AnyType, StructOf
from . import resolved as r
from . import syntax as s

Path = tuple[str, ...]


def columns_read(stream: Stream, nodes: Sequence[s.Node]) -> frozenset[str] | None:
    """The columns that *nodes* name, None for all of a schemaless stream's."""
    if any(isinstance(n, (s.Star, r.WholeRow)) for n in nodes):
        return frozenset(f.name for f in stream.fields) if stream.typed else None
    used = {n.name for n in nodes if isinstance(n, r.Column)}
    used |= {n.name for n in nodes if isinstance(n, r.AliasRef) and n.column_first}
    if stream.timestamp:
        used.add(stream.timestamp)
    if not stream.typed:  # `x->key` fails when the row has a column called key, so that one is looked at too
        used |= {n.key for n in nodes if isinstance(n, s.Arrow)} & used
    return frozenset(used)


def members_read(stream: Stream, roots: Iterable[s.Node | None]) -> Stream:
    """The stream, its STRUCT columns with those members only that the expressions *roots* reach by `a->b->c`."""
    paths = {path for root in roots for path in _paths(root)}
    if not paths or () in paths:  # () is the whole row
        return stream
    return replace(stream, fields=tuple(replace(f, type=_narrowed(f.type, (f.name,), paths)) for f in stream.fields))


def _paths(node: s.Node | None) -> Iterator[Path]:
    """The longest paths into columns that stand in *node*."""
    if node is None:
        return
    if isinstance(node, (s.Star, r.WholeRow)):
        yield ()
    path = _path(node)
    if path is not None:
        yield path
        return
    for child in r.children(node):
        yield from _paths(child)


def _path(node: s.Node) -> Path | None:
    if isinstance(node, r.Column):
        return (node.name,)
    before = _path(node.value) if isinstance(node, s.Arrow) else None
    return None if before is None else (*before, node.key)  # type: ignore[attr-defined]


def _narrowed(kind: AnyType, path: Path, paths: set[Path]) -> AnyType:
    """The type of what is found at *path*, without the members that none of *paths* reaches; whole where all are."""
    if not isinstance(kind, StructOf) or path in paths:
        return kind
    deeper = {p[len(path)] for p in paths if p[: len(path)] == path}
    kept = tuple((name, _narrowed(t, (*path, name), paths)) for name, t in kind.fields if name in deeper)
    return StructOf(kept, tuple(d for d in kind.defaults if d[0] in deeper)) if kept else kind
