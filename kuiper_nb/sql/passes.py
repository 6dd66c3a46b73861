"""The compile steps, one idea each, in a tuple whose order is the only control flow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ..catalog import Stream
from ..contracts import Function
from ..errors import NotSupported, PlanError, RowFault, did_you_mean
from ..windowing.spec import Count, Spec
from . import resolved as r
from . import syntax as s
from .calls import CallResolver
from .like import like_matcher
from .names import NameResolver, output_names
from .placement import analytic_calls, check_hits, check_sets, groups_only, is_aggregate, set_field, without_aggregates
from .plan import Options, OrderKey, OutputField, Plan
from .reading import columns_read, members_read
from .windows import window_spec

METADATA = "__meta"
"""The field that sendMetaToSink adds."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan in the making. Expressions are resolved pass by pass; *select* stays as it was read."""

    select: s.Select
    streams: Mapping[str, Stream]
    functions: Mapping[str, Function]
    options: Options
    stream: Stream = field(default_factory=lambda: Stream(""))
    names: tuple[str, ...] = ()
    resolved: s.Select | None = None
    aliases: Mapping[str, s.Node] = field(default_factory=dict)
    window: Spec | None = None
    notes: tuple[str, ...] = ()

    def refuse(self, message: str, hint: str = "", place: s.Place | None = None) -> PlanError:
        """A PlanError that points into the statement."""
        place = place or self.select.place
        return PlanError(message, hint, line=place.line, column=place.column, statement=self.select.text or None)


Pass = Callable[[Draft], Draft]


def resolve_stream(draft: Draft) -> Draft:
    """FROM names a stream that is defined; joins and tables are refused by name."""
    select = draft.select
    for join in select.joins:
        raise NotSupported(
            f"{join.kind} JOIN is not supported yet",
            "a rule reads one stream",
            line=join.place.line,
            column=join.place.column,
            statement=select.text,
        )
    stream = draft.streams.get(select.stream)
    if stream is None:
        hint = did_you_mean(select.stream, draft.streams) or "define it with CREATE STREAM"
        raise draft.refuse(f"stream {select.stream} not found", hint, _word(select.text, select.stream))
    if stream.kind == "table":
        if select.windows:
            raise draft.refuse(
                "cannot run window for TABLE sources", "a window needs a stream", select.windows[0].place
            )
        raise NotSupported(f"reading table {stream.name} in a rule is not supported yet", "a rule reads a stream")
    return replace(draft, stream=stream)


def _word(text: str, word: str) -> s.Place | None:
    """Where *word* stands in *text* after FROM."""
    at = text.upper().find("FROM")
    found = text.find(word, at + 4) if at >= 0 else -1
    if found < 0:
        return None
    return s.Place(text.count("\n", 0, found) + 1, found - text.rfind("\n", 0, found))


def name_fields(draft: Draft) -> Draft:
    """Every field gets its output name; two of the same name are refused."""
    return replace(draft, names=output_names(draft.select, draft.refuse))


def resolve_names(draft: Draft) -> Draft:
    """Names become columns, aliases and paths."""
    resolver = NameResolver(draft.select, draft.stream, draft.names, draft.refuse)
    resolved = resolver.resolve()
    return replace(draft, resolved=resolved, aliases=resolver.aliases)


def resolve_calls(draft: Draft) -> Draft:
    """Calls become built-ins, user functions, window bounds; arity and literals are checked."""
    assert draft.resolved is not None
    resolver = CallResolver(draft.functions, draft.refuse)
    select = draft.resolved
    items = tuple(replace(item, value=resolver.resolve(item.value, "select")) for item in select.items)
    aliases = {name: resolver.resolve(node, "select") for name, node in draft.aliases.items()}
    window = tuple(
        replace(w, where=resolver.optional(w.where, "filter"), when=resolver.optional(w.when, "when"))
        for w in select.windows
    )
    select = replace(
        select,
        items=items,
        where=resolver.optional(select.where, "where"),
        group=tuple(resolver.resolve(g, "group") for g in select.group),
        windows=window,
        having=resolver.optional(select.having, "having"),
        order=tuple(replace(o, value=resolver.resolve(o.value, "order")) for o in select.order),
    )
    return replace(draft, resolved=select, aliases=aliases)


def check_patterns(draft: Draft) -> Draft:
    """A LIKE pattern that is a literal must be a regular expression."""
    for node in _expressions(draft):
        if isinstance(node, s.Binary) and node.op in ("LIKE", "NOT LIKE") and isinstance(node.right, s.Constant):
            try:
                like_matcher(str(node.right.value))
            except RowFault as fault:
                raise draft.refuse(fault.message, "", node.place) from None
    return draft


def extract_window(draft: Draft) -> Draft:
    """The first window of GROUP BY becomes a spec; keys without a window are refused."""
    assert draft.resolved is not None
    select = draft.resolved
    if not select.windows:
        if select.group:
            hint = "add a window: GROUP BY key, TUMBLINGWINDOW(ss, 10)"
            raise draft.refuse("select stmt group by should be used with window", hint, select.group[0].place)
        return draft
    call = select.windows[0]
    spec = window_spec(call, draft.options.event_time, draft.refuse)
    notes = draft.notes
    if call.when is not None or call.partition:
        notes += (f"OVER (…) has no effect on {call.name}, as in eKuiper",)
    if len(select.windows) > 1:
        notes += (f"only the first window counts: {call.name}",)
    return replace(draft, window=spec, notes=notes)


def check_metadata(draft: Draft) -> Draft:
    """A row of a window stands for many, whose metadata cannot be sent with it."""
    if draft.options.send_meta and draft.window is not None:
        message = "Invalid option sendMetaToSink, it can not be applied to window"
        raise draft.refuse(message, "collect(meta(*)) has the metadata of all rows", draft.select.windows[0].place)
    return draft


def check_event_time(draft: Draft) -> Draft:
    """Event time needs a TIMESTAMP; a TIMESTAMP without event time is worth a note."""
    stream = draft.stream
    if draft.options.event_time and not stream.timestamp:
        hint = f'add TIMESTAMP="column" to the WITH options of {stream.name}'
        raise draft.refuse(f"event time rule needs a TIMESTAMP, and stream {stream.name} has none", hint)
    if stream.timestamp and stream.typed and stream.column(stream.timestamp) is None:
        hint = did_you_mean(stream.timestamp, [f.name for f in stream.fields])
        raise draft.refuse(f"timestamp field {stream.timestamp} not found in stream {stream.name}", hint)
    if stream.timestamp and not draft.options.event_time and draft.window is not None:
        note = (
            f"{stream.name} has TIMESTAMP={stream.timestamp}, but the rule is in processing time; --event-time uses it"
        )
        return replace(draft, notes=(*draft.notes, note))
    return draft


def check_having(draft: Draft) -> Draft:
    """HAVING looks at groups."""
    assert draft.resolved is not None
    having = draft.resolved.having
    if having is not None and not groups_only(draft.select.having, having, draft.aliases):
        raise draft.refuse(
            "Not allowed to call non-aggregate functions in HAVING clause",
            "HAVING is about groups (count(*) > 1); conditions on rows belong into WHERE",
            having.place,
        )
    for key in draft.resolved.group:
        if is_aggregate(key, draft.aliases):
            raise draft.refuse("Not allowed to call aggregate functions in GROUP BY clause", "", key.place)
    if draft.window is not None and draft.resolved.windows[0].where is not None:
        where = draft.resolved.windows[0].where
        if is_aggregate(where, draft.aliases):
            raise draft.refuse("Not allowed to call aggregate functions in the FILTER of a window", "", where.place)
    return draft


def note_surprises(draft: Draft) -> Draft:
    """A double-quoted word that is also a column is a text; say so once."""
    columns = {f.name for f in draft.stream.fields} | {n.name for n in _expressions(draft) if isinstance(n, r.Column)}
    for node in _expressions(draft):
        if isinstance(node, s.Binary):
            for side in (node.left, node.right):
                if isinstance(side, s.Constant) and isinstance(side.value, str) and side.value in columns:
                    note = f'"{side.value}" is a text, not the column {side.value}; write {side.value} without quotes'
                    return replace(draft, notes=(*draft.notes, note))
    return draft


PASSES: tuple[Pass, ...] = (
    resolve_stream,
    check_sets,
    name_fields,
    resolve_names,
    resolve_calls,
    check_patterns,
    extract_window,
    check_metadata,
    check_event_time,
    check_having,
    check_hits,
    note_surprises,
)


def _roots(draft: Draft) -> list[s.Node | None]:
    assert draft.resolved is not None
    select = draft.resolved
    roots: list[s.Node | None] = [item.value for item in select.items]
    roots += [*draft.aliases.values(), select.where, select.having, *select.group, *(o.value for o in select.order)]
    return [*roots, *(w.where for w in select.windows)]


def _expressions(draft: Draft) -> list[s.Node]:
    return [node for root in _roots(draft) for node in r.walk(root)]


def finish(draft: Draft) -> Plan:
    """The plan of a draft that went through every pass."""
    assert draft.resolved is not None
    select, aliases = draft.resolved, draft.aliases
    outputs = tuple(_output(item, name) for item, name in zip(select.items, draft.names, strict=True))
    if draft.options.send_meta:
        outputs += (OutputField(METADATA, r.MetaRef(None), "value"),)
    aggregate = bool(select.group) or any(is_aggregate(f.node, aliases) for f in outputs)
    pushed = not draft.options.event_time and draft.window is not None and not isinstance(draft.window, Count)
    where_first = draft.window is None or (pushed and not is_aggregate(select.where, aliases))
    sites = {n.site: n for n in _expressions(draft) if isinstance(n, r.UserCall)}
    analytic = analytic_calls(select, aliases)
    remembered = any(isinstance(n, (r.LastHit, r.ChangedCols)) for n in _expressions(draft))
    return Plan(
        text=draft.select.text.strip(),
        stream=members_read(draft.stream, _roots(draft)),
        fields=outputs,
        aliases=aliases,
        options=draft.options,
        columns=columns_read(draft.stream, _expressions(draft)),
        where=select.where if draft.window is not None else without_aggregates(select.where, aliases),
        where_first=where_first,
        window=draft.window,
        window_filter=select.windows[0].where if select.windows else None,
        group=select.group,
        having=select.having,
        order=tuple(OrderKey(o.value, o.descending) for o in select.order),
        limit=select.limit,
        aggregate=aggregate,
        calls=tuple(sites[site] for site in sorted(sites)),
        analytic=analytic,
        sequential=bool(analytic) or remembered,
        once=remembered or any(isinstance(n, r.BuiltinCall) and not n.entry.steady for n in _expressions(draft)),
        set_field=set_field(outputs),
        parameters=tuple(sorted({n.name for n in _expressions(draft) if isinstance(n, s.Parameter)})),
        notes=draft.notes,
    )


def _output(item: s.SelectItem, name: str) -> OutputField:
    node = item.value
    if isinstance(node, s.Star):
        return OutputField("*", node, "star")
    kind = "column" if isinstance(node, r.Column) and not item.alias else "value"
    return OutputField(name, node, kind, bool(item.alias), item.invisible)  # type: ignore[arg-type]
