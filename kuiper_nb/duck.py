"""The only home of DuckDB: the locked database that rules compute in, and the reader that opens files.

A hot plan reads nothing but Arrow sources: it is prepared once over a feed whose table is changed between executions,
which DuckDB 2 does not plan again. A native table, a view, a parameter or a setting in the plan would make it.
"""

from __future__ import annotations

import threading
import warnings
from contextlib import suppress
from itertools import count
from typing import Any, cast

import duckdb
import pyarrow as pa

from .errors import KuiperError

_LOCKS = (
    "SET TimeZone = 'UTC'",
    "SET enable_external_access = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET python_enable_replacements = false",
    "SET lock_configuration = true",
)


class QueryError(Exception):
    """A query failed on these rows: an overflow, say. The caller computes them in another way."""


class Duck:
    """One in-memory database per session: no files, no network, no settings. Every rule has a cursor of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None

    def cursor(self) -> Cursor:
        """A new cursor; opens the database when it is the first."""
        with self._lock:
            if self._connection is None:
                self._connection = duckdb.connect(":memory:", config={"threads": 1, "async_threads": 0})
                for statement in _LOCKS:
                    self._connection.execute(statement)
                self._check_reuse(Cursor(self._connection.cursor()))
            return Cursor(self._connection.cursor())

    @staticmethod
    def _check_reuse(cursor: Cursor) -> None:
        """Warn unless a prepared plan is reused: executing it must not ask its source for the schema again.

        That is how DuckDB behaves, not what it promises; without it answers are right, and small batches slow.
        """
        feed = cursor.feed(pa.schema([("a", pa.int64())]))
        query = cursor.prepare(f"SELECT a + 1 AS a FROM {feed.name}", batch=feed)
        table = pa.table({"a": pa.array([1, 2], pa.int64())})
        query(batch=table)
        asked = query.schema_calls
        query(batch=table)
        if query.schema_calls != asked:
            warnings.warn(
                f"DuckDB {duckdb.__version__} plans a prepared query anew for every batch: small batches are slow",
                RuntimeWarning,
                stacklevel=3,
            )
        cursor.close()

    def close(self) -> None:
        """Close the database; while a thread that was left behind computes in it, it lives on until that is done."""
        with self._lock:
            if self._connection is not None:
                with suppress(duckdb.Error):
                    self._connection.close()
                self._connection = None


class Feed:
    """An Arrow source whose table changes; its schema does not."""

    def __init__(self, schema: pa.Schema) -> None:
        self.name = ""  # what SQL calls it, in quotes: so no name is the beginning of another
        self.handle: object = None  # while this lives, DuckDB knows the source
        self.schema = schema
        self.table = schema.empty_table()
        self.schema_calls = 0

    def __arrow_c_schema__(self) -> Any:
        self.schema_calls += 1
        return self.table.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


class Cursor:
    """A connection of one rule. Used by one thread at a time; `interrupt` may be called from any."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._names = count()

    def feed(self, schema: pa.Schema) -> Feed:
        """A new source for tables of *schema*; SQL calls it by its `name`."""
        feed = Feed(schema)
        register = getattr(self._connection, "_register_source", None)
        if register is not None:  # private; what is registered publicly is a view, and a plan over a view is not kept
            feed.handle = register(feed)
            feed.name = f'"{feed.handle.name}"'  # type: ignore[attr-defined]
        else:
            name = f"feed_{next(self._names)}"
            self._connection.register(name, feed)
            feed.name = f'"{name}"'
        return feed

    def prepare(self, sql: str, **feeds: Feed) -> Query:
        """Prepare *sql* over *feeds*; the query takes a table for each. Raises QueryError when DuckDB refuses it."""
        name = f"query_{next(self._names)}"
        try:
            self._connection.execute(f"PREPARE {name} AS {sql}")
        except duckdb.Error as error:
            raise QueryError(str(error)) from error
        return Query(self, self._connection, name, sql, feeds)

    def types(self, sql: str) -> list[str]:
        """The DuckDB types of the columns of *sql*. Raises QueryError when DuckDB refuses it."""
        try:
            return [str(row[1]) for row in self._connection.execute(f"DESCRIBE {sql}").fetchall()]
        except duckdb.Error as error:
            raise QueryError(str(error)) from error

    def interrupt(self) -> None:
        """Break off what runs now, from another thread."""
        with suppress(duckdb.ConnectionException):  # whoever drops the rule has closed it just now
            self._connection.interrupt()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Query:
    """A prepared query over its feeds.

    Text may come encoded as a dictionary, whatever the schema of its feed says: for each such schema there is a plan.
    """

    def __init__(
        self, cursor: Cursor, connection: duckdb.DuckDBPyConnection, name: str, text: str, feeds: dict[str, Feed]
    ) -> None:
        self._cursor = cursor
        self._connection = connection
        self._encoded: list[Query] = []
        self._execute = f"EXECUTE {name}"
        self._feeds = feeds
        self._submit = getattr(connection, "_submit", None)
        self.text = text

    def __call__(self, **tables: pa.Table) -> pa.Table:
        """Run over *tables*, one per feed. Raises QueryError when it fails on these rows."""
        if not self._fits(tables):
            return self._for(tables)(**tables)
        for name, table in tables.items():
            self._feeds[name].table = table
        try:
            return self._run()
        except duckdb.InterruptException as error:
            raise KuiperError("interrupted") from error
        except duckdb.Error as error:
            raise QueryError(str(error)) from error
        finally:
            for name in tables:  # hold on to no rows
                feed = self._feeds[name]
                feed.table = feed.table.slice(0, 0)

    def _fits(self, tables: dict[str, pa.Table]) -> bool:
        return all(self._feeds[name].schema.equals(table.schema) for name, table in tables.items())

    def _for(self, tables: dict[str, pa.Table]) -> Query:
        """The same query over tables of other schemas."""
        for query in self._encoded:
            if query._fits(tables):
                return query
        text, feeds = self.text, {}
        for name, feed in self._feeds.items():
            feeds[name] = self._cursor.feed(tables[name].schema)
            text = text.replace(feed.name, feeds[name].name)
        query = self._cursor.prepare(text, **feeds)
        self._encoded.append(query)
        return query

    def _run(self) -> pa.Table:
        if self._submit is not None:  # the only way to Arrow without a second copy; private, hence the other one
            return self._submit(self._execute, None, "arrow").arrow_table()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cast(Any, self._connection.execute(self._execute)).to_arrow_table()

    @property
    def schema_calls(self) -> int:
        """How often DuckDB has asked its feeds for their schemas."""
        return sum(feed.schema_calls for feed in self._feeds.values())


def reader() -> duckdb.DuckDBPyConnection:
    """A database of its own that may read files: for connectors, never for the SQL of a rule."""
    return duckdb.connect(":memory:", config={"threads": 1})
