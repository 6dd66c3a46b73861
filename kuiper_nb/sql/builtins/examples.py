"""One small example of every built-in function; what it answers is computed when somebody asks for help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Example:
    """An expression, and the rows it is computed for: together for an aggregate, else one by one."""

    text: str
    rows: Rows = ({},)


_T = ({"t": 1_704_189_845_123},)
_TWO = ({"a": 1_704_189_845_123, "b": 1_704_193_445_123},)
_NUMBERS = ({"v": 1}, {"v": 2}, {"v": 6})
_REPEATED = ({"v": 1}, {"v": 1}, {"v": 3})
_DOCUMENTS = ({"doc": {"id": 7, "items": [{"name": "nut"}, {"name": "bolt"}]}},)

_SCALARS = (
    *("abs(-3)", "acos(1)", "asin(1)", "atan(1)", "atan2(1, 2)", "bitand(6, 3)", "bitor(6, 3)", "bitxor(6, 3)"),
    *("bitnot(6)", "ceil(1.2)", "ceiling(1.2)", 'conv("ff", 16, 2)', "cos(0)", "cosh(0)", "cot(1)", "degrees(pi())"),
    *("exp(1)", "floor(1.8)", "ln(10)", "log(2, 8)", "mod(7, 3)", "pi()", "pow(2, 10)", "power(2, 10)", "radians(180)"),
    *("round(2.345, 1)", "sign(-3)", "sin(1)", "sinh(1)", "sqrt(16)", "tan(1)", "tanh(1)"),
    *('concat("plant", "-", "7")', 'endswith("pump-7", "7")', 'format(1234.567, 1, "de_DE")', 'indexof("pump", "m")'),
    *('length("pump")', 'lower("PUMP")', 'lpad("7", 2)', 'ltrim("  pump")', 'numbytes("Öl")'),
    *('regexp_matches("pump-7", "[0-9]+")', 'regexp_replace("pump-7", "[a-z]+", "valve")'),
    *('regexp_substr("pump-7", "[0-9]+")', 'reverse("pump")', 'rpad("7", 2)', 'rtrim("pump  ")'),
    *('split_value("plant/pump/7", "/", 1)', 'startswith("pump-7", "pump")', 'substring("pump-7", 0, 4)'),
    *('trim("  pump ")', 'upper("pump")', "bypass(3)", 'cast("12", "bigint")', "chr(65)", "coalesce(missing, 3)"),
    *('decode("cHVtcA==", "base64")', 'encode("pump", "base64")', 'hex2dec("0xff")'),
    *("isnull(missing)", "trunc(2.345, 1)", "array_create(1, 2, 3)", "object_construct(\"a\", 1, \"b\", 2)"),
    *('md5("pump")', 'sha1("pump")', 'sha256("pump")', 'sha384("pump")', 'sha512("pump")'),
    *('crc32("pump")', "rule_id()", "rule_start()", "now()", "current_timestamp(3)", "local_time()"),
    *("local_timestamp()", "cur_time()", "current_time(3)", "cur_date()", "current_date()", "tstamp()"),
    *("delay(10, 3)", 'parse_json("[1, 2]")'),
)  # fmt: skip
_OF_TIMES = (
    *("day", "day_of_month", "day_of_week", "day_of_year", "day_name", "month", "month_name", "hour", "minute"),
    *("second", "microsecond", "last_day", "to_seconds"),
)
_OF_NUMBERS = ("sum", "avg", "min", "max", "count", "collect", "median", "stddev", "stddevs", "var", "vars")


def _columns(value: Any) -> Rows:
    """One row that has *value* in column v."""
    return ({"v": value},)


EXAMPLES: dict[str, Example] = {
    **{text.partition("(")[0]: Example(text) for text in _SCALARS},
    **{name: Example(f"{name}(t)", _T) for name in _OF_TIMES},
    **{name: Example(f"{name}(v)", _NUMBERS) for name in _OF_NUMBERS},
    **{f"acc_{name}": Example(f"acc_{name}(v)", _NUMBERS) for name in ("sum", "avg", "min", "max", "count")},
    "rand": Example("rand()"),
    "newuuid": Example("newuuid()"),
    "array_shuffle": Example("array_shuffle(v)", _columns([1, 2, 3])),
    "array_position": Example("array_position(v, 2)", _columns([1, 2, 2])),
    "array_last_position": Example("array_last_position(v, 2)", _columns([1, 2, 2])),
    "element_at": Example("element_at(v, 0)", _columns(["a", "b"])),
    "array_contains": Example("array_contains(v, 2)", _columns([1, 2])),
    "array_contains_any": Example("array_contains_any(a, b)", ({"a": [1, 2], "b": [2, 3]},)),
    "array_remove": Example("array_remove(v, 2)", _columns([1, 2, 3])),
    "array_intersect": Example("array_intersect(a, b)", ({"a": [1, 2], "b": [2, 3]},)),
    "array_union": Example("array_union(a, b)", ({"a": [1, 2], "b": [2, 3]},)),
    "array_except": Example("array_except(a, b)", ({"a": [1, 2], "b": [2, 3]},)),
    "array_distinct": Example("array_distinct(v)", _columns([1, 2, 2])),
    "array_max": Example("array_max(v)", _columns([1, 3, 2])),
    "array_min": Example("array_min(v)", _columns([1, 3, 2])),
    "dec2hex": Example("dec2hex(v)", _columns(255)),
    "sequence": Example('sequence(cast(a, "bigint"), cast(b, "bigint"))', ({"a": 1, "b": 4},)),
    "repeat": Example('repeat("a", length("abc"))'),
    "array_cardinality": Example("array_cardinality(v)", _columns([1, None, 2])),
    "array_flatten": Example("array_flatten(v)", _columns([[1, 2], [3]])),
    "array_concat": Example("array_concat(a, b)", ({"a": [1, 2], "b": [2, 3]},)),
    "array_map": Example('array_map("ceil", v)', _columns([1.2, 2.5])),
    "array_join": Example('array_join(v, "-", "?")', _columns(["a", None, "c"])),
    "array_sort": Example("array_sort(v)", _columns(["b", "c", "a"])),
    "cardinality": Example("cardinality(v)", _columns([1, 2])),
    "kvpair_array_to_obj": Example("kvpair_array_to_obj(v)", _columns([{"key": "a", "value": 1}])),
    "keys": Example("keys(v)", _columns({"a": 1, "b": 2})),
    "values": Example("values(v)", _columns({"a": 1, "b": 2})),
    "items": Example("items(v)", _columns({"a": 1, "b": 2})),
    "object": Example("object(a, b)", ({"a": ["x", "y"], "b": [1, 2]},)),
    "zip": Example("zip(v)", _columns([["a", 1], ["b", 2]])),
    "object_concat": Example("object_concat(a, b)", ({"a": {"x": 1}, "b": {"x": 2, "y": 3}},)),
    "erase": Example('erase(v, "a")', _columns({"a": 1, "b": 2})),
    "object_size": Example("object_size(v)", _columns({"a": 1, "b": 2})),
    "object_pick": Example('object_pick(v, "a")', _columns({"a": 1, "b": 2})),
    "obj_to_kvpair_array": Example("obj_to_kvpair_array(v)", _columns({"a": 1})),
    "format_time": Example('format_time(t, "yyyy-MM-dd HH:mm")', _T),
    "date_calc": Example('date_calc(t, "-1h30m")', _T),
    "date_diff": Example("date_diff(a, b)", _TWO),
    "from_days": Example("from_days(v)", _columns(366)),
    "from_unix_time": Example("from_unix_time(v)", _columns(1_704_189_845)),
    "convert_tz": Example('convert_tz(t, "Asia/Tokyo")', _T),
    "to_json": Example("to_json(v)", _columns({"a": [1, 2]})),
    "json_path_query": Example('json_path_query(doc, "$.items[*].name")', _DOCUMENTS),
    "json_path_query_first": Example('json_path_query_first(doc, "$.items[*].name")', _DOCUMENTS),
    "json_path_exists": Example('json_path_exists(doc, "$.id")', _DOCUMENTS),
    "compress": Example('decompress(compress("pump", "gzip"), "gzip")'),
    "decompress": Example('decompress(compress("pump", "gzip"), "gzip")'),
    "merge_agg": Example("merge_agg(v)", ({"v": {"a": 1}}, {"v": {"a": 2, "b": 3}})),
    "deduplicate": Example("deduplicate(v, true)", _REPEATED),
    "last_value": Example("last_value(v, true)", ({"v": 1}, {"v": 2}, {"v": None})),
    "percentile_cont": Example("percentile_cont(v, 0.5)", _NUMBERS),
    "percentile_disc": Example("percentile_disc(v, 0.5)", _NUMBERS),
    "lag": Example("lag(v)", _NUMBERS),
    "latest": Example("latest(v, 0)", ({"v": None}, {"v": 2}, {"v": None})),
    "changed_col": Example("changed_col(true, v)", _REPEATED),
    "had_changed": Example("had_changed(true, v)", _REPEATED),
    "changed_cols": Example('changed_cols("new_", true, v)', _REPEATED),
    "last_hit_count": Example("last_hit_count()", _NUMBERS),
    "last_hit_time": Example("last_hit_time()", _NUMBERS),
    "last_agg_hit_count": Example("last_agg_hit_count()", _NUMBERS),
    "last_agg_hit_time": Example("last_agg_hit_time()", _NUMBERS),
    "unnest": Example("unnest(v)", _columns([1, 2])),
    "extract": Example("extract(v)", _columns({"a": 1, "b": 2})),
}
"""By the name of the function. `props` has none, since no host has a property, nor has what is not here yet."""
